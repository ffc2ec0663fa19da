//! What must be refused around retention: who may not look, hold or dispose, and what an act cannot be.

use std::path::PathBuf;

use gateway::config::ClassConfig;
use schemas::message::{MessageState, Receipt};
use schemas::retention::{ActRequest, ActSummary, HoldRelease, HoldRequest, HoldSubject, Member};
use schemas::{DisposalActId, ProblemCode};
use serde_json::{Value, json};
use tests::harness::agency::fresh_key;
use tests::harness::{Agency, Answer, Ground, Region, Request, pdf};
use time::Duration;

use crate::case::{Case, case, play};

const LETTER: &str = "a letter that is not kept for ever";
const NOWHERE: &str = "01938f6e-3c00-7abc-8def-0123456789ab";

/// Letters are kept for a day, and the officials of A and B are the commission.
fn commission(ground: &mut Ground) {
    let folder = ground.site.directory().join("agencies");
    let signing = |index: usize| -> PathBuf {
        let agency = ground.site.agency(index).expect("an agency");
        folder.join(agency.edrpou.as_str()).join("signing.pem")
    };
    let retention = &mut ground.config.retention;
    retention.commission = vec![signing(0), signing(1)];
    retention.classes.insert("standard".to_owned(), ClassConfig { days: Some(1), permanent: false });
}

async fn operate(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.ground.site.operator())).asks(request).await
}

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

fn post(target: &str, body: &Value) -> Request {
    Request::post(target).body("application/json", body.to_string())
}

fn drawn(number: &str) -> ActRequest {
    let member = |name: &str| Member { name: name.to_owned(), position: "clerk".to_owned(), word: "agreed".to_owned() };
    ActRequest {
        number: number.to_owned(),
        date: "2026-11-26".to_owned(),
        class: "standard".parse().expect("a class"),
        participant: None,
        ground: "article 6".to_owned(),
        commission: vec![member("one"), member("two")],
        most: None,
    }
}

fn draw(number: &str) -> Request {
    post("/v1/disposal-acts", &serde_json::to_value(drawn(number)).expect("JSON"))
}

/// A letter that B has accepted.
async fn accepted(region: &Region) -> Receipt {
    let receipt = region.a.submits(pdf(LETTER)).to(&region.b.mailbox()).await.expect("a receipt");
    let lease = region.b.awaits(100).await.expect("a lease");
    region.b.client.download(receipt.message_id, 0, lease.token).await.expect("a download");
    region.b.accepts(lease.token, receipt.message_id, &pdf(LETTER)).await.expect("an acceptance");
    receipt
}

/// An act that nobody has signed.
async fn open_act(region: &Region) -> ActSummary {
    accepted(region).await;
    region.time_passes(Duration::days(1));
    region.operator.draw_act(&drawn(&fresh_key())).await.expect("an act")
}

/// A member's signature of an act.
async fn signature(region: &Region, member: &Agency, act: DisposalActId) -> Vec<u8> {
    let (_, document) = region.operator.act(act).await.expect("the act");
    member.signs(&document)
}

async fn sign(region: &Region, act: DisposalActId, cms: Vec<u8>) -> Answer {
    let target = format!("/v1/disposal-acts/{act}/signatures");
    operate(region, &Request::post(&target).body("application/pkcs7-signature", cms)).await
}

/// A letter that an act has erased, from the first signature to the last step.
async fn erased(region: &Region) -> Receipt {
    let receipt = accepted(region).await;
    region.time_passes(Duration::days(1));
    let act = region.operator.draw_act(&drawn(&fresh_key())).await.expect("an act");
    for member in [&region.a, &region.b] {
        let cms = signature(region, member, act.act_id).await;
        region.operator.sign_act(act.act_id, cms).await.expect("a signature");
    }
    for _ in 0..500 {
        let found = region.a.client.message(receipt.message_id).await.expect("the message");
        if found.state == MessageState::Erased {
            return receipt;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("an act that two have signed is not carried out in ten seconds");
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = roles();
    cases.extend(holds());
    cases.extend(acts());
    cases.extend(signatures());
    cases
}

fn roles() -> Vec<Case> {
    vec![
        case!("a participant reads what is due", 403 ActionForbidden, |r| {
            ask(r, &Request::get("/v1/retention/due")).await
        }),
        case!("a participant forbids an erasure", 403 ActionForbidden, |r| {
            let hold = json!({ "subject": { "message": NOWHERE }, "reason": "ours" });
            ask(r, &post("/v1/holds", &hold)).await
        }),
        case!("a participant lifts a hold", 403 ActionForbidden, |r| {
            ask(r, &post(&format!("/v1/holds/{NOWHERE}/lift"), &json!({ "reason": "ours" }))).await
        }),
        case!("a participant reads the holds", 403 ActionForbidden, |r| ask(r, &Request::get("/v1/holds")).await),
        case!("a participant draws an act up", 403 ActionForbidden, |r| ask(r, &draw("1")).await),
        case!("a participant reads the acts", 403 ActionForbidden, |r| ask(r, &Request::get("/v1/disposal-acts")).await),
        case!("a participant reads an act", 403 ActionForbidden, |r| {
            ask(r, &Request::get(&format!("/v1/disposal-acts/{NOWHERE}"))).await
        }),
        case!("a participant withdraws an act", 403 ActionForbidden, |r| {
            ask(r, &Request::new("DELETE", &format!("/v1/disposal-acts/{NOWHERE}"))).await
        }),
        case!("a member of the commission hands in a signature without being an operator", 403 ActionForbidden, |r| {
            let target = format!("/v1/disposal-acts/{NOWHERE}/signatures");
            ask(r, &Request::post(&target).body("application/pkcs7-signature", r.a.signs(b"an act"))).await
        }),
    ]
}

fn holds() -> Vec<Case> {
    vec![
        case!("a thousand of what is due", 400 MalformedQuery, |r| {
            operate(r, &Request::get("/v1/retention/due?limit=1000")).await
        }),
        case!("what is due of a class that is not there", 422 UnknownRetentionClass, |r| {
            operate(r, &Request::get("/v1/retention/due?class=forever")).await
        }),
        case!("a channel of a class that is not there", 422 UnknownRetentionClass, |r| {
            let (sender, recipient) = (r.a.edrpou(), r.b.mailbox());
            let policy = json!({ "retention": "forever" });
            let channel = json!({ "sender": sender, "recipient": recipient, "kinds": ["letter"], "policy": policy });
            operate(r, &Request::new("PUT", "/v1/channels").body("application/json", channel.to_string())).await
        }),
        case!("a hold of what never was", 404 NotFound, |r| {
            operate(r, &post("/v1/holds", &json!({ "subject": { "case": NOWHERE }, "reason": "a ruling" }))).await
        }),
        case!("a hold of two things", 400 MalformedJson, |r| {
            let subject = json!({ "case": NOWHERE, "message": NOWHERE });
            operate(r, &post("/v1/holds", &json!({ "subject": subject, "reason": "a ruling" }))).await
        }),
        case!("a hold without a reason", 400 MalformedJson, |r| {
            operate(r, &post("/v1/holds", &json!({ "subject": { "message": NOWHERE }, "reason": " " }))).await
        }),
        case!("a hold of what is erased", 409 NothingToHold, |r| {
            let subject = json!({ "message": erased(r).await.message_id });
            operate(r, &post("/v1/holds", &json!({ "subject": subject, "reason": "a ruling" }))).await
        }),
        case!("a hold lifted twice", 409 HoldLifted, |r| {
            let subject = HoldSubject::Message(accepted(r).await.message_id);
            let request = HoldRequest { subject, reason: "a ruling".to_owned() };
            let hold = r.operator.place_hold(&request).await.expect("a hold").hold_id;
            let release = HoldRelease { reason: "it is over".to_owned() };
            r.operator.lift_hold(hold, &release).await.expect("lifted");
            operate(r, &post(&format!("/v1/holds/{hold}/lift"), &json!({ "reason": "again" }))).await
        }),
        case!("a hold lifted that never was", 404 NotFound, |r| {
            operate(r, &post(&format!("/v1/holds/{NOWHERE}/lift"), &json!({ "reason": "it is over" }))).await
        }),
    ]
}

fn acts() -> Vec<Case> {
    vec![
        case!("an act of one member", 400 MalformedJson, |r| {
            let mut alone = drawn("1");
            alone.commission.truncate(1);
            operate(r, &post("/v1/disposal-acts", &serde_json::to_value(alone).expect("JSON"))).await
        }),
        case!("an act of a class that is not there", 422 UnknownRetentionClass, |r| {
            let other = ActRequest { class: "forever".parse().expect("a class"), ..drawn("1") };
            operate(r, &post("/v1/disposal-acts", &serde_json::to_value(other).expect("JSON"))).await
        }),
        case!("an act of nothing", 409 NothingDue, |r| {
            let nobodys = ActRequest { participant: Some("99999999".parse().expect("a code")), ..drawn("1") };
            operate(r, &post("/v1/disposal-acts", &serde_json::to_value(nobodys).expect("JSON"))).await
        }),
        case!("a second act of one number", 409 DisposalNumberTaken, |r| {
            let number = open_act(r).await.number;
            operate(r, &draw(&number)).await
        }),
        case!("an act that never was", 404 NotFound, |r| {
            operate(r, &Request::get(&format!("/v1/disposal-acts/{NOWHERE}"))).await
        }),
        case!("an act withdrawn twice", 409 DisposalActClosed, |r| {
            let act = open_act(r).await.act_id;
            r.operator.withdraw_act(act).await.expect("withdrawn");
            operate(r, &Request::new("DELETE", &format!("/v1/disposal-acts/{act}"))).await
        }),
    ]
}

fn signatures() -> Vec<Case> {
    vec![
        case!("a signature of an act as JSON", 415 UnsupportedMediaType, |r| {
            operate(r, &post(&format!("/v1/disposal-acts/{NOWHERE}/signatures"), &json!({}))).await
        }),
        case!("a signature of an act that never was", 404 NotFound, |r| {
            sign(r, NOWHERE.parse().expect("an act"), r.a.signs(b"an act")).await
        }),
        case!("a signature of who is no member", 422 SignerNotOfCommission, |r| {
            let act = open_act(r).await.act_id;
            sign(r, act, signature(r, &r.c, act).await).await
        }),
        case!("a signature of another act", 422 SignatureOverOtherContent, |r| {
            let act = open_act(r).await.act_id;
            sign(r, act, r.a.signs(b"another act")).await
        }),
        case!("both signatures of one person", 409 DisposalSamePerson, |r| {
            let act = open_act(r).await.act_id;
            r.operator.sign_act(act, signature(r, &r.a, act).await).await.expect("a signature");
            sign(r, act, signature(r, &r.a, act).await).await
        }),
        case!("a signature of a withdrawn act", 409 DisposalActClosed, |r| {
            let act = open_act(r).await.act_id;
            let cms = signature(r, &r.a, act).await;
            r.operator.withdraw_act(act).await.expect("withdrawn");
            sign(r, act, cms).await
        }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_disposed_of_stays() {
    let region = Region::start_with(commission).await;
    play(&region, &cases()).await;
    let page = region.b.client.list(&region.b.mailbox(), Some(MessageState::Erased), None, None).await.expect("a page");
    assert_eq!(page.messages.len(), 1, "what two have signed, and nothing else");
    // Whoever takes part reads that it is gone; the evidence of it stays.
    let erased = &page.messages[0];
    let case = erased.case_id.expect("a case");
    let story = region.a.client.case_events(case).await.expect("the events");
    assert_eq!(story.events.last().map(|event| event.state), Some(MessageState::Erased));
    let repeated = region.a.client.export_case(case, None).await.expect("an export").0;
    assert!(!repeated.is_empty());
    assert_eq!(region.book().await.refusals(ProblemCode::DisposalSamePerson), 1);
}
