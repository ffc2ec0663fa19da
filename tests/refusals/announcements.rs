//! What must be refused of submissions in several requests.

use schemas::message::Envelope;
use serde_json::{Value, json};
use tests::harness::agency::fresh_key;
use tests::harness::{Answer, Region, Request, pdf};
use time::Duration;

use crate::case::{Case, case, check, nothing_is_stored, play};

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

fn envelope(region: &Region) -> Envelope {
    region.a.envelope(&region.b.mailbox())
}

/// The announcement of a letter from A to B, after `change` has changed it.
async fn announce(region: &Region, key: &str, change: impl FnOnce(&mut Value)) -> Answer {
    let (letter, signature) = (pdf("letter"), region.a.signs(&pdf("letter")));
    let mut announcement = json!({
        "envelope": envelope(region),
        "parts": [
            { "number": 0, "role": "document", "media_type": "application/pdf", "size": letter.len() },
            { "number": 1, "role": "signature", "of": 0, "media_type": "application/pkcs7-signature",
                "size": signature.len() },
        ],
    });
    change(&mut announcement);
    let request = Request::new("POST", "/v1/announcements").header("idempotency-key", key);
    ask(region, &request.body("application/json", announcement.to_string())).await
}

/// A letter that is announced: the address of its announcement.
async fn announced(region: &Region) -> String {
    announced_with(region, &region.a.signs(&pdf("letter"))).await
}

/// With this signature: no two of one document need be of one length.
async fn announced_with(region: &Region, signature: &[u8]) -> String {
    let size = |announcement: &mut Value| announcement["parts"][1]["size"] = json!(signature.len());
    let answer = announce(region, &fresh_key(), size).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    format!("/v1/announcements/{}", answer.json::<Value>()["message_id"].as_str().expect("a message"))
}

fn put(announcement: &str, part: u8, content: &[u8]) -> Request {
    Request::new("PUT", &format!("{announcement}/parts/{part}")).body("application/octet-stream", content.to_vec())
}

/// One that was given up.
async fn withdrawn(region: &Region) -> String {
    let announcement = announced(region).await;
    assert_eq!(ask(region, &Request::new("DELETE", &announcement)).await.status, 200);
    announcement
}

/// One that was sent.
async fn sent(region: &Region) -> String {
    let signature = region.a.signs(&pdf("letter"));
    let announcement = announced_with(region, &signature).await;
    let document = pdf("letter");
    let (length, last) = (document.len(), document.len() - 1);
    let ranged = put(&announcement, 0, &document).header("content-range", format!("bytes 0-{last}/{length}"));
    assert_eq!(ask(region, &ranged).await.status, 200);
    assert_eq!(ask(region, &put(&announcement, 1, &signature)).await.status, 200);
    let answer = ask(region, &Request::post(&format!("{announcement}/send"))).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    announcement
}

/// On a region whose node has a key ring.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = announcements();
    cases.extend(uploads());
    cases.extend(ends());
    cases
}

fn announcements() -> Vec<Case> {
    vec![
        case!("a document that nobody signs", 422 PartsInconsistent, |r| {
            announce(r, &fresh_key(), |a| {
                a["parts"].as_array_mut().expect("parts").truncate(1);
            })
            .await
        }),
        case!("a part of nothing", 422 EmptyDocument, |r| {
            announce(r, &fresh_key(), |a| a["parts"][0]["size"] = json!(0)).await
        }),
        case!("a part beyond every bound", 413 TooLarge, |r| {
            announce(r, &fresh_key(), |a| a["parts"][0]["size"] = json!(1_u64 << 40)).await
        }),
        case!("a part with a role that nobody knows", 400 MalformedJson, |r| {
            announce(r, &fresh_key(), |a| a["parts"][0]["role"] = json!("cover")).await
        }),
        case!("an announcement without a key", 400 MissingHeader, |r| {
            ask(r, &Request::new("POST", "/v1/announcements").body("application/json", "{}")).await
        }),
        case!("an announcement in another's name", 403 SenderNotYou, |r| {
            announce(r, &fresh_key(), |a| a["envelope"]["sender"] = json!(r.b.edrpou())).await
        }),
        case!("an announcement without a channel", 403 ChannelNotAllowed, |r| {
            announce(r, &fresh_key(), |a| a["envelope"]["kind"] = json!("secret.report")).await
        }),
        case!("another announcement under the same key", 422 IdempotencyKeyReused, |r| {
            assert_eq!(announce(r, "twice", |_| ()).await.status, 201);
            announce(r, "twice", |a| a["parts"][0]["size"] = json!(1)).await
        }),
    ]
}

fn uploads() -> Vec<Case> {
    vec![
        case!("a part that was not announced", 404 NotFound, |r| ask(r, &put(&announced(r).await, 9, b"x")).await),
        case!("another's announcement", 404 NotFound, |r| {
            let announcement = announced(r).await;
            r.wire(Some(r.b.login())).asks(&Request::get(&announcement)).await
        }),
        case!("a range without a total", 400 MalformedHeader, |r| {
            ask(r, &put(&announced(r).await, 0, b"x").header("content-range", "bytes 0-0/*")).await
        }),
        case!("a digest that is none", 400 MalformedHeader, |r| {
            ask(r, &put(&announced(r).await, 0, b"x").header("content-digest", "sha-256=AAAA")).await
        }),
        case!("a range of another part", 416 RangeNotSatisfiable, |r| {
            ask(r, &put(&announced(r).await, 0, b"x").header("content-range", "bytes 0-0/1")).await
        }),
        case!("the end before the beginning", 409 RangeNotNext, |r| {
            let length = pdf("letter").len();
            let range = format!("bytes {}-{}/{length}", length - 1, length - 1);
            ask(r, &put(&announced(r).await, 0, b"x").header("content-range", range)).await
        }),
        case!("less than the part", 400 TruncatedBody, |r| ask(r, &put(&announced(r).await, 0, b"x")).await),
        case!("more than the part", 413 TooLarge, |r| {
            ask(r, &put(&announced(r).await, 0, &[&pdf("letter")[..], b"x"].concat())).await
        }),
        case!("content with another digest", 422 DigestMismatch, |r| {
            let digest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
            ask(r, &put(&announced(r).await, 0, &pdf("letter")).header("content-digest", digest)).await
        }),
        case!("the same range with other content", 409 RangeDiffers, |r| {
            let announcement = announced(r).await;
            assert_eq!(ask(r, &put(&announcement, 0, &pdf("letter"))).await.status, 200);
            ask(r, &put(&announcement, 0, &vec![b'x'; pdf("letter").len()])).await
        }),
        case!("an upload that is text", 415 UnsupportedMediaType, |r| {
            let target = format!("{}/parts/0", announced(r).await);
            ask(r, &Request::new("PUT", &target).body("text/plain", "x")).await
        }),
    ]
}

fn ends() -> Vec<Case> {
    vec![
        case!("a submission without its parts", 409 SubmissionIncomplete, |r| {
            ask(r, &Request::post(&format!("{}/send", announced(r).await))).await
        }),
        case!("an upload to what was given up", 409 SubmissionEnded, |r| {
            ask(r, &put(&withdrawn(r).await, 0, &pdf("letter"))).await
        }),
        case!("sending what was given up", 409 SubmissionEnded, |r| {
            ask(r, &Request::post(&format!("{}/send", withdrawn(r).await))).await
        }),
        case!("an upload to what was sent", 409 SubmissionSent, |r| {
            ask(r, &put(&sent(r).await, 0, &pdf("letter"))).await
        }),
        case!("giving up what was sent", 409 SubmissionSent, |r| {
            ask(r, &Request::new("DELETE", &sent(r).await)).await
        }),
        case!("a signature over another document", 422 SignatureOverOtherContent, |r| {
            let signature = r.a.signs(&pdf("letter"));
            let announcement = announced_with(r, &signature).await;
            let other = vec![b'x'; pdf("letter").len()];
            assert_eq!(ask(r, &put(&announcement, 0, &other)).await.status, 200);
            assert_eq!(ask(r, &put(&announcement, 1, &signature)).await.status, 200);
            ask(r, &Request::post(&format!("{announcement}/send"))).await
        }),
    ]
}

/// On a region whose node has no ring.
pub(crate) fn without_ring() -> Case {
    case!("an announcement to a node without a ring", 501 AnnouncementsNotTaken, |r| {
        announce(r, &fresh_key(), |_| ()).await
    })
}

/// Its time is over, and the node's timer has not looked yet.
pub(crate) fn lapsed() -> Case {
    case!("an upload after a day", 408 AnnouncementLapsed, |r| {
        let announcement = announced(r).await;
        r.time_passes(Duration::hours(25));
        ask(r, &put(&announcement, 0, &pdf("letter"))).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_wrongly_or_uploaded_wrongly_is_refused() {
    let region = Region::start_with(tests::harness::Ground::makes_ring).await;
    play(&region, &cases()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_ends_with_its_day() {
    let region = Region::start_with(tests::harness::Ground::makes_ring).await;
    play(&region, &[lapsed()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_ring_takes_no_announcement() {
    let region = Region::start().await;
    let case = without_ring();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_arrives() {
    let region = Region::start_with(tests::harness::Ground::makes_ring).await;
    sent(&region).await;
    let lease = region.b.awaits(10).await.expect("a lease");
    let opened = region.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    assert_eq!(opened.document, &pdf("letter")[..]);
    assert_eq!(region.b.verifies(&opened).signatures.len(), 1);
}
