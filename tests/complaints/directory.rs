//! Who is there, what can be sent to them, and with what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::ProblemCode;
use schemas::registry::{CertificateUsage, ParticipantQuery, ParticipantRegistration};
use serde_json::{Value, json};
use tests::harness::agency::statement;
use tests::harness::{Form, Region, Request, pdf};

/// eFormidling #295: messages hung, without a visible state, while the recipient had no certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_without_a_certificate_is_known_beforehand() {
    let region = Region::start().await;
    let mut registration = region.c.registration();
    registration.certificates.retain(|certificate| certificate.usage == CertificateUsage::Login);
    region.operator.register(region.c.edrpou(), &registration).await.expect("a registration");

    let code = ProblemCode::RecipientCannotReceive.as_str();
    let question = Request::get(&format!("/v1/capabilities?recipient={}&kind=letter", region.c.mailbox()));
    let answer: Value = region.wire(Some(region.a.login())).asks(&question).await.json();
    assert_eq!((&answer["deliverable"], &answer["reasons"]), (&json!(false), &json!([code])));
    let refused = region.a.submits(pdf("letter")).to(&region.c.mailbox()).await.expect_err("a refusal, at once");
    assert_eq!(refused.code(), Some(code));
    assert_eq!(region.store().messages().await, 0, "nothing hangs");

    region.operator.register(region.c.edrpou(), &region.c.registration()).await.expect("a registration");
    let answer: Value = region.wire(Some(region.a.login())).asks(&question).await.json();
    assert_eq!(answer["deliverable"], json!(true));
    region.a.submits(pdf("letter")).to(&region.c.mailbox()).await.expect("a receipt");
}

/// Oxalis #252: asked for since 2016, a REST interface beside the command line.
///
/// Nothing here but HTTP written by hand, JSON, and the two signatures that are the participants' own.
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_delivery_needs_only_http_and_json() {
    let region = Region::start().await;
    let (a, b) = (region.wire(Some(region.a.login())), region.wire(Some(region.b.login())));
    let (letter, mailbox) = (pdf("letter"), region.b.mailbox());
    let envelope =
        json!({ "sender": region.a.edrpou(), "recipient": mailbox, "kind": "letter", "media_type": "application/pdf" });
    let form = Form::submission(envelope.to_string().as_bytes(), &region.a.signs(&letter), &letter);
    let submitted = a.asks(&form.request("by-hand")).await;
    assert_eq!((submitted.status, submitted.header("content-type")), (201, Some("application/json")));
    let message = submitted.json::<Value>()["message_id"].as_str().expect("a message").to_owned();

    let wanted = json!({ "max_messages": 1, "seconds": 60, "contents": true, "wait_seconds": 5 });
    let leasing = Request::post(&format!("/v1/mailboxes/{mailbox}/leases"));
    let leased = b.asks(&leasing.body("application/json", wanted.to_string())).await;
    assert_eq!((leased.status, leased.header("content-type")), (201, Some("application/json")));
    let lease: Value = leased.json();
    let found = &lease["messages"][0];
    assert_eq!(found["message_id"], json!(message));
    let sealed =
        STANDARD.decode(found["contents"][0]["sealed"].as_str().expect("the sealed document")).expect("base64");
    let leased_message = serde_json::from_value(found.clone()).expect("a leased message");
    assert_eq!(region.b.unseals(&leased_message, 0, &sealed).expect("an opened letter"), letter);

    let signed = region.b.states(&statement(message.parse().expect("an id"), &letter, None));
    let acknowledged = b
        .asks(
            &Request::post(&format!("/v1/messages/{message}/acknowledgement"))
                .header("vuzol-lease", lease["token"].as_str().expect("a token"))
                .body("application/pkcs7-mime", signed),
        )
        .await;
    assert_eq!((acknowledged.status, &acknowledged.json::<Value>()["state"]), (201, &json!("accepted")));
    let read: Value = a.asks(&Request::get(&format!("/v1/messages/{message}"))).await.json();
    assert_eq!(read["state"], json!("accepted"));
    // Every operation that answers with a body and is no stream of bytes answers in JSON, and says so in a description that the node serves.
    let description: Value = a.asks(&Request::get("/v1/openapi.json")).await.json();
    let described = description["paths"].as_object().expect("paths");
    for path in ["/v1/submissions", "/v1/mailboxes/{mailbox}/leases", "/v1/messages/{message}/acknowledgement"] {
        assert!(described[path]["post"]["responses"].to_string().contains("application/json"), "{path}");
    }
}

/// ua.gov.court sevhelper: a court wrote a program that reads a directory off a page twice a day to learn who is connected.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_part_is_found_by_name_and_seen_when_last_there() {
    let region = Region::start().await;
    let name = "Центр надання адміністративних послуг \u{ab}Прозорий офіс\u{bb}";
    let registration = ParticipantRegistration { name: name.to_owned(), ..region.c.registration() };
    region.operator.register(region.c.edrpou(), &registration).await.expect("a registration");
    let finds = async |text: &str| {
        let query = ParticipantQuery { query: Some(text.to_owned()), ..ParticipantQuery::default() };
        region.a.client.search(&query).await.expect("a page").participants
    };
    let found = finds("ПРОЗОРИЙ офіс").await;
    assert_eq!(found.iter().map(|participant| participant.edrpou).collect::<Vec<_>>(), [region.c.edrpou()]);
    assert_eq!(found[0].last_seen_at, None, "C has not logged in");
    region.c.leases(1).await.expect("a lease");
    assert!(finds(region.c.edrpou().as_str()).await[0].last_seen_at.is_some(), "C was there just now");
    assert!(finds(region.a.edrpou().as_str()).await[0].last_seen_at.is_some(), "who asks is there");
    assert!(finds("nobody of that name").await.is_empty());
    // Page by page it is the same as at once.
    let all = region.a.client.participants().await.expect("all").participants;
    let one_by_one = ParticipantQuery { limit: Some(1), ..ParticipantQuery::default() };
    assert_eq!(region.a.client.search(&one_by_one).await.expect("pages").participants, all);
    assert_eq!(all.len(), 3);
}
