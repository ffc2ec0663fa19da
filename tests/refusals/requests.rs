//! Requests that are not what the API says.

use tests::harness::{Answer, Form, Region, Request};

use crate::case::{Case, case, nothing_is_stored, play};

const ID: &str = "01938f6e-3c00-7abc-8def-0123456789ab";

async fn ask(region: &Region, request: Request) -> Answer {
    region.wire(Some(region.b.login())).asks(&request).await
}

fn lease(region: &Region) -> Request {
    Request::post(&format!("/v1/mailboxes/{}/leases", region.b.mailbox()))
}

fn json(region: &Region, body: &str) -> Request {
    lease(region).body("application/json", body)
}

fn list(region: &Region, query: &str) -> Request {
    Request::get(&format!("/v1/mailboxes/{}/messages?{query}", region.b.mailbox()))
}

fn part(suffix: &str) -> Request {
    Request::get(&format!("/v1/messages/{ID}/parts/{suffix}"))
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!("an address that is not there", 404 NotFound, |r| ask(r, Request::get("/v1/secrets")).await),
        case!("a schema that nobody released", 404 NotFound, |r| ask(r, Request::get("/v1/schemas/letter/99")).await),
        case!("a schema whose version is no number", 400 MalformedId, |r| {
            ask(r, Request::get("/v1/schemas/letter/new")).await
        }),
        case!("the root", 404 NotFound, |r| ask(r, Request::get("/")).await),
        case!("a climbing address", 404 NotFound, |r| ask(r, Request::get("/v1/log/tile/../../../etc/passwd")).await),
        case!("a method that is not there", 405 MethodNotAllowed, |r| {
            ask(r, Request::new("DELETE", "/v1/participants")).await
        }),
        case!("a message id that is none", 400 MalformedId, |r| ask(r, Request::get("/v1/messages/7")).await),
        case!("a message id in capitals", 400 MalformedId, |r| {
            ask(r, Request::get(&format!("/v1/messages/{}", ID.to_uppercase()))).await
        }),
        case!("a message id that is not UTF-8", 400 MalformedId, |r| ask(r, Request::get("/v1/messages/%ff")).await),
        case!("a mailbox that is none", 400 MalformedId, |r| {
            ask(r, Request::get("/v1/mailboxes/99000002/messages")).await
        }),
        case!("part 300", 400 MalformedId, |r| ask(r, part("300").header("vuzol-lease", ID)).await),
        case!("a query that nobody knows", 400 MalformedQuery, |r| ask(r, list(r, "colour=blue")).await),
        case!("a state that is none", 400 MalformedQuery, |r| ask(r, list(r, "state=lost")).await),
        case!("a limit that is no number", 400 MalformedQuery, |r| ask(r, list(r, "limit=-1")).await),
        case!("JSON that is none", 400 MalformedJson, |r| ask(r, json(r, "{")).await),
        case!("JSON with a field that nobody knows", 400 MalformedJson, |r| {
            ask(r, json(r, r#"{"max_messages":1,"seconds":60,"quietly":true}"#)).await
        }),
        case!("JSON with a field missing", 400 MalformedJson, |r| ask(r, json(r, r#"{"seconds":60}"#)).await),
        case!("JSON with a field twice", 400 MalformedJson, |r| {
            ask(r, json(r, r#"{"max_messages":1,"max_messages":2,"seconds":60}"#)).await
        }),
        case!("JSON nested a thousand times", 400 MalformedJson, |r| ask(r, json(r, &"[".repeat(1000))).await),
        case!("a lease for a hundred years", 400 MalformedJson, |r| {
            ask(r, json(r, r#"{"max_messages":1,"seconds":3155760000}"#)).await
        }),
        case!("a lease of no message", 400 MalformedJson, |r| {
            ask(r, json(r, r#"{"max_messages":0,"seconds":60}"#)).await
        }),
        case!("JSON that says it is text", 415 UnsupportedMediaType, |r| {
            ask(r, lease(r).body("text/plain", r#"{"max_messages":1,"seconds":60}"#)).await
        }),
        case!("a body without a type", 415 UnsupportedMediaType, |r| ask(r, lease(r)).await),
        case!("compressed JSON", 415 UnsupportedMediaType, |r| {
            ask(r, json(r, "{}").header("content-encoding", "gzip")).await
        }),
        case!("JSON of a megabyte", 413 TooLarge, |r| ask(r, json(r, &" ".repeat(1 << 20))).await),
        case!("a lease token twice", 400 RepeatedHeader, |r| {
            ask(r, part("0").header("vuzol-lease", ID).header("vuzol-lease", ID)).await
        }),
        case!("a content type twice", 400 RepeatedHeader, |r| {
            ask(r, json(r, "{}").header("content-type", "application/json")).await
        }),
        case!("no lease token", 400 MissingHeader, |r| ask(r, part("0")).await),
        case!("a lease token that is none", 400 MalformedHeader, |r| {
            ask(r, part("0").header("vuzol-lease", "mine")).await
        }),
        case!("several ranges", 400 MalformedHeader, |r| {
            ask(r, part("0").header("vuzol-lease", ID).header("range", "bytes=0-1,3-4")).await
        }),
        case!("a message that is not there", 404 NotFound, |r| ask(r, Request::get(&format!("/v1/messages/{ID}"))).await),
        case!("a case that is not there", 404 NotFound, |r| ask(r, Request::get(&format!("/v1/cases/{ID}/events"))).await),
        case!("a proof of nothing", 404 NotFound, |r| ask(r, Request::get(&format!("/v1/log/proofs/{ID}"))).await),
        case!("a tile beyond the log", 404 NotFound, |r| ask(r, Request::get("/v1/log/tile/0/x999/999")).await),
    ]
}

/// A proof before the log's next round. On a node whose rounds are ten seconds apart.
pub(crate) fn too_early() -> Case {
    case!("a proof of what happened just now", 503 NotYetInLog, |r| {
        let receipt = r.a.submits(tests::harness::pdf("now")).to(&r.b.mailbox()).await.expect("a receipt");
        ask(r, Request::get(&format!("/v1/log/proofs/{}", receipt.event_id))).await
    })
}

/// The node gives a body up after ten seconds of silence.
pub(crate) fn silence() -> Case {
    case!("a body that falls silent", 408 RequestTimeout, |r| ask(r, json(r, "{").declaring(100)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_the_api_is_refused() {
    let region = Region::start().await;
    play(&region, &cases()).await;
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_falls_silent_is_given_up() {
    let region = Region::start().await;
    play(&region, &[silence()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_yet_in_the_log_is_asked_for_again_in_a_second() {
    let region = Region::start_with(|ground| ground.config.log.round_milliseconds = 10_000).await;
    // A round may have begun a moment ago; the next is ten seconds away.
    let case = too_early();
    let answer = (case.deed)(&region).await;
    crate::case::check(&case, &answer);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_answered_with_a_bare_400_and_closed() {
    let region = Region::start().await;
    let wire = region.wire(Some(region.a.login()));
    let form = Form::submission(b"{}", b"", b"x").request("smuggled").to_bytes();
    let two_lengths =
        String::from_utf8(form).expect("text").replacen("content-length", "content-length: 5\r\ncontent-length", 1);
    for raw in [
        "GET /v1/participants HTTP/3.7\r\n\r\n".to_owned(),
        "GET /v1/participants\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(100_000)),
        format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(100_000)),
        two_lengths,
        "POST /v1/submissions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999999999999\r\n\r\n".to_owned(),
    ] {
        let shown = raw.get(..60).unwrap_or(&raw);
        match wire.sends(raw.as_bytes()).await {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{shown}: {}", answer.status),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::TimedOut, "{shown}"),
        }
    }
    assert_eq!(wire.asks(&Request::get("/v1/participants")).await.status, 200, "the node goes on");
    nothing_is_stored(&region).await;
}
