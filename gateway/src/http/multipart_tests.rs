//! Multipart bodies as they come, and as nobody should send them.

use super::*;
use futures_util::StreamExt;
use http::HeaderValue;

const HONEST: &str = concat!(
    "--x\r\nContent-Disposition: form-data; name=\"envelope\"\r\nContent-Type: application/json\r\n\r\n{}\r\n",
    "--x\r\nContent-Disposition: form-data; name=\"signature\"; filename=\"a \\\"b\\\"; c.p7s\"\r\n\r\nsigned\r\n",
    "--x\r\ncontent-disposition: form-data; name=document\r\n\r\nfirst line\r\n--xy is no boundary, \r\n-- neither\r\n",
    "--x--\r\n",
);

fn headers(value: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(value).unwrap())])
}

type Read = (Option<String>, Vec<u8>, Vec<u8>, Vec<u8>);

/// Reads a submission whose body arrives in pieces of `size` bytes.
async fn read(body: &[u8], size: usize, limits: (usize, u64)) -> Result<Read, ProblemCode> {
    let pieces: Vec<_> = body.chunks(size.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut parts = Multipart::open(&headers("multipart/form-data; boundary=x"), futures_util::stream::iter(pieces))
        .map_err(|f| f.code())?;
    let media_type = parts.part("envelope").await.map_err(|f| f.code())?;
    let envelope = parts.content(limits.0).await.map_err(|f| f.code())?;
    parts.part("signature").await.map_err(|f| f.code())?;
    let signature = parts.content(limits.0).await.map_err(|f| f.code())?;
    parts.part("document").await.map_err(|f| f.code())?;
    let mut document = Vec::new();
    let mut stream = parts.last(limits.1);
    while let Some(piece) = stream.next().await {
        document.extend_from_slice(&piece?);
    }
    assert!(stream.next().await.is_none());
    Ok((media_type, envelope, signature, document))
}

#[tokio::test]
async fn an_honest_body_reads_the_same_in_pieces_of_any_size() {
    let expected = (
        Some("application/json".to_owned()),
        b"{}".to_vec(),
        b"signed".to_vec(),
        b"first line\r\n--xy is no boundary, \r\n-- neither".to_vec(),
    );
    // `--xy` begins with the delimiter `--x`: RFC 2046, 5.1.1 forbids a boundary that begins a line of the content, so an
    // honest sender would have chosen another one.
    let honest = HONEST.replace("--xy", "--yx");
    let expected = (expected.0, expected.1, expected.2, b"first line\r\n--yx is no boundary, \r\n-- neither".to_vec());
    for size in 1..honest.len() {
        assert_eq!(read(honest.as_bytes(), size, (100, 100)).await.as_ref(), Ok(&expected), "pieces of {size}");
    }
}

#[tokio::test]
async fn a_body_cut_anywhere_is_refused() {
    let honest = HONEST.replace("--xy", "--yx");
    // Only the very last line end may be missing.
    for cut in 0..honest.len() - 2 {
        let code = read(&honest.as_bytes()[..cut], 7, (100, 100)).await.unwrap_err();
        assert_eq!(code, ProblemCode::TruncatedBody, "cut at {cut}");
    }
    assert!(read(&honest.as_bytes()[..honest.len() - 2], 7, (100, 100)).await.is_ok());
}

#[tokio::test]
async fn anything_but_the_three_parts_in_order_is_malformed() {
    let honest = HONEST.replace("--xy", "--yx");
    let extra = "--x\r\nContent-Disposition: form-data; name=\"document\"\r\n\r\nagain\r\n--x--\r\n";
    for (what, body) in [
        ("a fourth part", honest.replace("--x--\r\n", extra)),
        ("an epilogue", format!("{honest}more")),
        ("a second line end", format!("{honest}\r\n")),
        ("a preamble", format!("hello\r\n{honest}")),
        ("another order", honest.replace("\"envelope\"", "\"signature\"")),
        (
            "a part too few",
            "--x\r\nContent-Disposition: form-data; name=\"envelope\"\r\n\r\n{}\r\n--x--\r\n".to_owned(),
        ),
        ("no part", "--x--\r\n".to_owned()),
        ("no name", honest.replace("; name=\"envelope\"", "")),
        ("two names", honest.replace("name=\"envelope\"", "name=\"envelope\"; name=\"envelope\"")),
        ("an attachment", honest.replace("form-data; name=\"envelope\"", "attachment; name=\"envelope\"")),
        ("an encoding", honest.replace("Content-Type", "Content-Transfer-Encoding: base64\r\nContent-Type")),
        ("padding after a boundary", honest.replacen("--x\r\n", "--x  \r\n", 1)),
        ("an endless header", honest.replacen("Content-Type", &format!("X: {}\r\nA", "y".repeat(5000)), 1)),
    ] {
        for size in [1, 16, 100_000] {
            let code = read(body.as_bytes(), size, (100, 100)).await.unwrap_err();
            assert_eq!(code, ProblemCode::MalformedMultipart, "{what} in pieces of {size}");
        }
    }
}

#[tokio::test]
async fn a_part_larger_than_its_bound_is_refused() {
    let honest = HONEST.replace("--xy", "--yx");
    assert_eq!(read(honest.as_bytes(), 3, (5, 100)).await, Err(ProblemCode::TooLarge));
    assert_eq!(read(honest.as_bytes(), 3, (6, 10)).await, Err(ProblemCode::TooLarge));
}

#[tokio::test]
async fn a_repeated_header_of_a_part_is_named_so() {
    let twice = HONEST.replacen("Content-Type: application/json", "Content-Type: a/b\r\ncontent-type: a/b", 1);
    assert_eq!(read(twice.as_bytes(), 50, (100, 100)).await, Err(ProblemCode::RepeatedHeader));
}

#[tokio::test]
async fn what_ends_the_body_is_what_is_answered() {
    let begin = Bytes::from_static(b"--x\r\nContent-Disposition: form-data; name=\"envelope\"\r\n\r\n{");
    let body = futures_util::stream::iter([Ok(begin), Err(ProblemCode::RequestTimeout)]);
    let mut parts = Multipart::open(&headers("multipart/form-data; boundary=\"x\""), body).unwrap();
    parts.part("envelope").await.unwrap();
    assert_eq!(parts.content(100).await.unwrap_err().code(), ProblemCode::RequestTimeout);
}

#[test]
fn boundaries() {
    let open = |value: &str| {
        Multipart::open(&headers(value), futures_util::stream::empty()).map(|m| m.delimiter).map_err(|f| f.code())
    };
    assert_eq!(open("multipart/form-data; boundary=abc"), Ok(b"\r\n--abc".to_vec()));
    assert_eq!(open("Multipart/Form-Data; charset=utf-8; boundary=\"a:c\""), Ok(b"\r\n--a:c".to_vec()));
    assert_eq!(open("multipart/mixed; boundary=abc"), Err(ProblemCode::UnsupportedMediaType));
    let long = format!("multipart/form-data; boundary={}", "a".repeat(71));
    for wrong in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a; boundary=b", &long]
    {
        assert_eq!(open(wrong), Err(ProblemCode::MalformedMultipart), "{wrong}");
    }
}
