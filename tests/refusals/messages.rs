//! What a recipient may not do with its messages.

use schemas::message::{Lease, MessageState, Receipt};
use schemas::{LeaseToken, MessageId};
use tests::harness::agency::statement;
use tests::harness::{Agency, Answer, Region, Request, Wire, pdf};
use time::Duration;

use crate::case::{Case, case, play};

const LETTER: &str = "a letter to be handled wrongly";

/// A letter from A to B.
async fn sent(region: &Region) -> Receipt {
    region.a.submits(pdf(LETTER)).to(&region.b.mailbox()).await.expect("a receipt")
}

/// The same, leased by B.
async fn leased(region: &Region) -> (MessageId, Lease) {
    let receipt = sent(region).await;
    loop {
        let lease = region.b.awaits(100).await.expect("a lease");
        if lease.messages.iter().any(|message| message.summary.message_id == receipt.message_id) {
            return (receipt.message_id, lease);
        }
    }
}

/// The same, downloaded by B.
async fn handed_over(region: &Region) -> (MessageId, LeaseToken) {
    let (message, lease) = leased(region).await;
    region.b.client.download(message, 0, lease.token).await.expect("a download");
    (message, lease.token)
}

async fn download(
    region: &Region,
    agency: &Agency,
    message: MessageId,
    lease: LeaseToken,
    range: Option<&str>,
) -> Answer {
    let request = Request::get(&format!("/v1/messages/{message}/parts/0")).header("vuzol-lease", lease);
    let request = match range {
        Some(range) => request.header("range", range),
        None => request,
    };
    region.wire(Some(agency.login())).asks(&request).await
}

async fn acknowledge(region: &Region, message: MessageId, lease: LeaseToken, signed: Vec<u8>) -> Answer {
    let request = Request::post(&format!("/v1/messages/{message}/acknowledgement"))
        .header("vuzol-lease", lease)
        .body("application/pkcs7-mime", signed);
    region.wire(Some(region.b.login())).asks(&request).await
}

fn other_token() -> LeaseToken {
    "01938f6e-3c00-7abc-8def-0123456789ab".parse().expect("a token")
}

fn waits(region: &Region, seconds: u32) -> Request {
    let body = format!(r#"{{"max_messages":1,"seconds":60,"wait_seconds":{seconds}}}"#);
    Request::post(&format!("/v1/mailboxes/{}/leases", region.c.mailbox())).body("application/json", body)
}

/// Until its request has waited. The fifth may be faster than one of four; then that one asks again.
async fn holds(wire: &Wire, request: &Request) {
    while wire.asks(request).await.status == 429 {}
}

async fn waiting(region: &Region, seconds: u32) -> Answer {
    region.wire(Some(region.c.login())).asks(&waits(region, seconds)).await
}

/// What does not go on by itself is nobody's affair but the operators', and what goes on needs nobody.
fn quarantine() -> Vec<Case> {
    vec![
        case!("a participant looks into the quarantine", 403 ActionForbidden, |r| {
            r.wire(Some(r.a.login())).asks(&Request::get("/v1/quarantine")).await
        }),
        case!("a participant has a message delivered again", 403 ActionForbidden, |r| {
            let target = format!("/v1/quarantine/{}/retry", sent(r).await.message_id);
            r.wire(Some(r.a.login())).asks(&Request::post(&target)).await
        }),
        case!("delivering again what was delivered", 409 NotQuarantined, |r| {
            let target = format!("/v1/quarantine/{}/retry", sent(r).await.message_id);
            r.wire(Some(r.ground.site.operator())).asks(&Request::post(&target)).await
        }),
        case!("delivering again what never was", 404 NotFound, |r| {
            let target = "/v1/quarantine/01938f6e-3c00-7abc-8def-0123456789ab/retry";
            r.wire(Some(r.ground.site.operator())).asks(&Request::post(target)).await
        }),
        case!("a thousand of the quarantine", 400 MalformedQuery, |r| {
            r.wire(Some(r.ground.site.operator())).asks(&Request::get("/v1/quarantine?limit=1000")).await
        }),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = leases();
    cases.extend(patience());
    cases.extend(acknowledgements());
    cases.extend(quarantine());
    cases
}

fn leases() -> Vec<Case> {
    vec![
        case!("a download without holding a lease", 409 LeaseNotHeld, |r| {
            let receipt = sent(r).await;
            download(r, &r.b, receipt.message_id, other_token(), None).await
        }),
        case!("a download under another's lease", 409 LeaseNotHeld, |r| {
            let (message, _) = leased(r).await;
            download(r, &r.b, message, other_token(), None).await
        }),
        case!("a download after the lease has expired", 409 LeaseNotHeld, |r| {
            let (message, lease) = leased(r).await;
            r.time_passes(Duration::seconds(61));
            download(r, &r.b, message, lease.token, None).await
        }),
        case!("a download by a third party", 404 NotFound, |r| {
            let (message, lease) = leased(r).await;
            download(r, &r.c, message, lease.token, None).await
        }),
        case!("a message read by a third party", 404 NotFound, |r| {
            let receipt = sent(r).await;
            let request = Request::get(&format!("/v1/messages/{}", receipt.message_id));
            r.wire(Some(r.c.login())).asks(&request).await
        }),
        case!("a case exported by a third party", 404 NotFound, |r| {
            let receipt = sent(r).await;
            r.wire(Some(r.c.login())).asks(&Request::get(&format!("/v1/cases/{}/export", receipt.case_id))).await
        }),
        case!("a case read by a third party", 404 NotFound, |r| {
            let receipt = sent(r).await;
            let request = Request::get(&format!("/v1/cases/{}/events", receipt.case_id));
            r.wire(Some(r.c.login())).asks(&request).await
        }),
        case!("a range beyond the part", 416 RangeNotSatisfiable, |r| {
            let (message, lease) = leased(r).await;
            download(r, &r.b, message, lease.token, Some("bytes=1000000-")).await
        }),
    ]
}

fn patience() -> Vec<Case> {
    vec![
        case!("waiting for mail for a minute", 400 MalformedJson, |r| waiting(r, 60).await),
        case!("a fifth request that waits for mail", 429 TooManyWaiting, |r| {
            let wires: Vec<_> = (0..4).map(|_| r.wire(Some(r.c.login()))).collect();
            let request = waits(r, 20);
            let four = futures_util::future::join_all(wires.iter().map(|wire| holds(wire, &request)));
            let fifth = async {
                loop {
                    let answer = waiting(r, 1).await;
                    if answer.status == 429 {
                        return answer;
                    }
                }
            };
            tokio::select! {
                _ = four => panic!("nobody wrote to C"),
                answer = fifth => answer,
            }
        }),
    ]
}

fn acknowledgements() -> Vec<Case> {
    vec![
        case!("an acknowledgement before the download", 409 NotHandedOver, |r| {
            let (message, lease) = leased(r).await;
            acknowledge(r, message, lease.token, r.b.states(&statement(message, &pdf(LETTER), None))).await
        }),
        case!("an acknowledgement of another document", 422 AcknowledgementMismatch, |r| {
            let (message, lease) = handed_over(r).await;
            acknowledge(r, message, lease, r.b.states(&statement(message, b"something else", None))).await
        }),
        case!("an acknowledgement of another message", 422 AcknowledgementMismatch, |r| {
            let (message, lease) = handed_over(r).await;
            let other = MessageId::from_parts(1, [1; 10]);
            acknowledge(r, message, lease, r.b.states(&statement(other, &pdf(LETTER), None))).await
        }),
        case!("a refusal without a reason", 422 AcknowledgementMismatch, |r| {
            let (message, lease) = handed_over(r).await;
            let mut silent = statement(message, &pdf(LETTER), Some("no"));
            silent.reason = None;
            acknowledge(r, message, lease, r.b.states(&silent)).await
        }),
        case!("an acknowledgement signed by the sender", 422 SignerNotOfSender, |r| {
            let (message, lease) = handed_over(r).await;
            let signed = r.b.states_as(r.a.signer(), &statement(message, &pdf(LETTER), None));
            acknowledge(r, message, lease, signed).await
        }),
        case!("an acknowledgement that nobody signed", 422 SignatureUnreadable, |r| {
            let (message, lease) = handed_over(r).await;
            let unsigned = serde_json::to_vec(&statement(message, &pdf(LETTER), None)).expect("JSON");
            acknowledge(r, message, lease, unsigned).await
        }),
        case!("a changed acknowledgement", 422 SignatureOverOtherContent, |r| {
            let (message, lease) = handed_over(r).await;
            let mut signed = r.b.states(&statement(message, &pdf(LETTER), None));
            let word = signed.windows(8).position(|window| window == b"accepted").expect("the outcome is in there");
            signed[word..word + 8].copy_from_slice(b"acceptED");
            acknowledge(r, message, lease, signed).await
        }),
        case!("a refusal after the acceptance", 409 AlreadyFinal, |r| {
            let (message, lease) = handed_over(r).await;
            r.b.accepts(lease, message, &pdf(LETTER)).await.expect("an acceptance");
            acknowledge(r, message, lease, r.b.states(&statement(message, &pdf(LETTER), Some("too late")))).await
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_recipient_may_not_do_changes_nothing() {
    let region = Region::start().await;
    play(&region, &cases()).await;
    // The one message that was accepted; all others wait for a right acknowledgement.
    let page =
        region.b.client.list(&region.b.mailbox(), Some(MessageState::Accepted), None, None).await.expect("a page");
    assert_eq!(page.messages.len(), 1);
    let page =
        region.b.client.list(&region.b.mailbox(), Some(MessageState::Refused), None, None).await.expect("a page");
    assert!(page.messages.is_empty());
}
