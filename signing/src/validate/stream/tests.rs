use crypto::digest::digest;

use super::*;
use crate::cades::Content;
use crate::testing::{NOW, World, to_ber};
use crate::validate::{Context, Policy, validate};

fn read(file: &[u8], piece: usize) -> Result<(UnverifiedDocument, Vec<u8>), ReadError> {
    let mut stream = DocumentStream::new();
    let mut content = Vec::new();
    for piece in file.chunks(piece) {
        stream.push(piece, &mut |octets| content.extend_from_slice(octets))?;
    }
    Ok((stream.finish()?, content))
}

/// Large enough not to be kept whole.
fn document() -> Vec<u8> {
    (0..3 * KEPT).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

#[test]
fn large_content_is_judged_as_if_it_were_read_whole() {
    let world = World::new();
    let signer = world.signer();
    let document = document();
    let der = world.sign(Content::Attached(&document), &signer);
    let revocation = world.revocation(&signer.certificate, NOW);
    let policy = Policy::default();
    let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy };
    let whole = validate(UnverifiedDocument::parse(&der).unwrap(), &context).report;
    for file in [to_ber(&der), der] {
        for piece in [1000, 4096, 1 << 20, file.len()] {
            let (streamed, content) = read(&file, piece).unwrap();
            assert!(content == document, "in pieces of {piece}");
            assert!(streamed.is_attached());
            let streamed = validate(streamed, &context);
            assert!(streamed.passed.is_some(), "{:?}", streamed.report);
            assert_eq!(streamed.report.signatures, whole.signatures);
            assert_eq!(streamed.report.digest, crypto::digest::hex(&crypto::digest::sha256(&file)));
        }
    }
}

#[test]
fn small_files_are_read_as_ever_in_pieces_of_any_size() {
    let world = World::new();
    let signer = world.signer();
    let der = world.sign(Content::Attached(b"short"), &signer);
    let detached = world.sign(Content::Detached(digest(DigestAlgorithm::Sha256, b"short")), &signer);
    for file in [to_ber(&der), der] {
        for piece in [1, 2, 3, 17, file.len()] {
            let (streamed, content) = read(&file, piece).unwrap();
            assert_eq!((streamed.content(), content.as_slice()), (Some(&b"short"[..]), &b"short"[..]));
        }
    }
    let (streamed, content) = read(&detached, 7).unwrap();
    assert!(!streamed.is_attached() && content.is_empty());
}

#[test]
fn a_changed_octet_in_a_stream_is_a_wrong_digest() {
    let world = World::new();
    let signer = world.signer();
    let mut file = world.sign(Content::Attached(&document()), &signer);
    let middle = file.len() / 2;
    file[middle] ^= 1;
    let revocation = world.revocation(&signer.certificate, NOW);
    let policy = Policy::default();
    let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy };
    let outcome = validate(read(&file, 65_536).unwrap().0, &context);
    assert_eq!(outcome.report.signatures[0].sub_indication, Some(schemas::report::SubIndication::HashFailure));
}

#[test]
fn what_is_cut_or_drawn_out_is_refused() {
    let world = World::new();
    let signer = world.signer();
    for file in [
        world.sign(Content::Attached(&document()), &signer),
        to_ber(&world.sign(Content::Attached(&document()), &signer)),
    ] {
        for cut in [1, 2, 3, 100, file.len() / 2, file.len() - 40, file.len() - 20] {
            let cut = &file[..file.len() - cut];
            // Marks of the end at the very end too: what is not whole is refused, however large it is.
            assert!(matches!(read(cut, 65_536), Err(ReadError::Malformed(_))), "{} of {}", cut.len(), file.len());
        }
        assert!(read(&[&file[..], &[0; 9]].concat(), 65_536).is_ok());
        assert!(read(&[&file[..], &[1]].concat(), 65_536).is_err());
    }
}

#[test]
fn no_octet_of_the_frame_makes_the_reader_panic() {
    let world = World::new();
    let signer = world.signer();
    let file = to_ber(&world.sign(Content::Attached(b"a document in two pieces"), &signer));
    for place in 0..file.len().min(160) {
        for value in [0, 1, 0x24, 0x30, 0x7f, 0x80, 0x84, 0xff] {
            let mut changed = file.clone();
            changed[place] = value;
            let _ = read(&changed, 5);
            // As if it were too long to be kept.
            let mut stream = DocumentStream::new();
            stream.whole = None;
            let _ = stream.push(&changed, &mut |_| {}).and_then(|()| stream.finish().map(|_| ()));
        }
    }
}
