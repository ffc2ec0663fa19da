//! Submissions that must not become messages, whatever their signatures say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::MailboxId;
use schemas::kinds::{Metadata, SchemaList};
use schemas::message::Envelope;
use schemas::registry::{Channel, ChannelPolicy};
use tests::harness::agency::{fresh_key, kind};
use tests::harness::{Answer, Form, Region, Request, pdf};

use crate::case::{Case, case, check, nothing_is_stored, play};

/// The largest document that the node of these tests takes.
const LARGEST: usize = 256 * 1024;

async fn ask(region: &Region, request: &Request) -> Answer {
    region.wire(Some(region.a.login())).asks(request).await
}

/// Submits a signed letter whose envelope was changed.
async fn with_envelope(region: &Region, change: impl FnOnce(&mut Envelope)) -> Answer {
    let mut envelope = region.a.envelope(&region.b.mailbox());
    change(&mut envelope);
    let (document, json) = (pdf("letter"), serde_json::to_vec(&envelope).expect("JSON"));
    let form = Form::submission(&json, &region.a.signs(&document), &document);
    ask(region, &form.request(&fresh_key())).await
}

/// Submits a form of whatever parts.
async fn with_parts(region: &Region, parts: &[(&str, &str, Vec<u8>)]) -> Answer {
    let form = parts.iter().fold(Form::default(), |form, (name, media_type, bytes)| form.part(name, media_type, bytes));
    ask(region, &form.request(&fresh_key())).await
}

fn envelope(region: &Region) -> (&'static str, &'static str, Vec<u8>) {
    let envelope = region.a.envelope(&region.b.mailbox());
    ("envelope", "application/json", serde_json::to_vec(&envelope).expect("JSON"))
}

fn signature(region: &Region) -> (&'static str, &'static str, Vec<u8>) {
    ("signature", "application/pkcs7-signature", region.a.signs(&pdf("letter")))
}

fn document() -> (&'static str, &'static str, Vec<u8>) {
    ("document", "application/pdf", pdf("letter").to_vec())
}

/// A well-formed submission, to be spoilt.
fn sound(region: &Region) -> Form {
    let (_, _, envelope) = envelope(region);
    Form::submission(&envelope, &region.a.signs(&pdf("letter")), &pdf("letter"))
}

fn mailbox(text: &str) -> MailboxId {
    text.parse().expect("a mailbox")
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = envelopes();
    cases.extend(bodies());
    cases.extend(sizes());
    cases
}

fn envelopes() -> Vec<Case> {
    vec![
        case!("a recipient that is not there", 422 UnknownRecipient, |r| {
            with_envelope(r, |e| e.recipient = mailbox("99999999.nobody")).await
        }),
        case!("a mailbox that the recipient does not have", 422 UnknownRecipient, |r| {
            let wrong = mailbox(&format!("{}.cellar", r.b.edrpou()));
            with_envelope(r, |e| e.recipient = wrong).await
        }),
        case!("a mailbox without a channel", 403 ChannelNotAllowed, |r| {
            with_envelope(r, |e| e.recipient = r.a.mailbox()).await
        }),
        case!("a kind that the channel does not carry", 403 ChannelNotAllowed, |r| {
            with_envelope(r, |e| e.kind = kind("secret.report")).await
        }),
        case!("another's name", 403 SenderNotYou, |r| with_envelope(r, |e| e.sender = r.b.edrpou()).await),
        case!("a case that is not there", 422 UnknownCase, |r| {
            let case = "01938f6e-3c00-7abc-8def-0123456789ab".parse().ok();
            with_envelope(r, |e| e.case_id = case).await
        }),
        case!("metadata that do not follow their schema", 422 MetadataInvalid, |r| {
            with_envelope(r, |e| e.metadata = metadata("urn:vuzol:kind:letter:1", r#"{"number":""}"#)).await
        }),
        case!("metadata by a schema that lies elsewhere", 422 MetadataSchemaUnknown, |r| {
            with_envelope(r, |e| e.metadata = metadata("https://example.com/letter.json", "{}")).await
        }),
        case!("an envelope that is no JSON", 400 MalformedJson, |r| {
            let broken = ("envelope", "application/json", b"sender=me".to_vec());
            with_parts(r, &[broken, signature(r), document()]).await
        }),
        case!("an envelope with a field that nobody knows", 400 MalformedJson, |r| {
            let (name, media_type, json) = envelope(r);
            let json = String::from_utf8(json).expect("text").replacen('{', r#"{"urgent":true,"#, 1).into_bytes();
            with_parts(r, &[(name, media_type, json), signature(r), document()]).await
        }),
        case!("an envelope whose sender is a number", 400 MalformedJson, |r| {
            let (name, media_type, json) = envelope(r);
            let code = r.a.edrpou().to_string();
            let json = String::from_utf8(json).expect("text").replacen(&format!("\"{code}\""), &code, 1).into_bytes();
            with_parts(r, &[(name, media_type, json), signature(r), document()]).await
        }),
        case!("a recipient without an encryption certificate", 422 RecipientCannotReceive, |r| {
            let mut registration = r.c.registration();
            registration.certificates.retain(|c| c.usage == schemas::registry::CertificateUsage::Login);
            r.operator.register(r.c.edrpou(), &registration).await.expect("a registration");
            with_envelope(r, |e| e.recipient = r.c.mailbox()).await
        }),
    ]
}

fn metadata(schema: &str, content: &str) -> Option<Metadata> {
    Some(Metadata { schema: schema.to_owned(), content: serde_json::from_str(content).expect("an object") })
}

/// On a region of its own, since the channel is everybody's.
pub(crate) fn metadata_demanded() -> Case {
    case!("a letter without the metadata that its channel demands", 422 MetadataRequired, |r| {
        let policy = ChannelPolicy { metadata_schema: Some(LETTER.to_owned()), ..ChannelPolicy::default() };
        let channel = Channel {
            sender: r.a.edrpou(),
            recipient: r.b.mailbox(),
            kinds: vec![kind("letter")],
            policy: Some(policy),
        };
        let body = serde_json::to_string(&channel).expect("JSON");
        let request = Request::new("PUT", "/v1/channels").body("application/json", body);
        let set = r.wire(Some(r.ground.site.operator())).asks(&request).await;
        assert_eq!(set.status, 204);
        with_envelope(r, |_| ()).await
    })
}

const LETTER: &str = "urn:vuzol:kind:letter:1";

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_demands_metadata_takes_nothing_without_them() {
    let region = Region::start().await;
    let case = metadata_demanded();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    let sound = r#"{"number":"17","date":"2026-11-26"}"#;
    let answer = with_envelope(&region, |e| e.metadata = metadata(LETTER, sound)).await;
    assert_eq!(answer.status, 201);
    let served = ask(&region, &Request::get("/v1/schemas/letter/1")).await;
    assert_eq!((served.status, served.header("content-type")), (200, Some("application/schema+json")));
    assert_eq!(served.json::<serde_json::Value>()["$id"], LETTER);
    let listed: SchemaList = ask(&region, &Request::get("/v1/schemas")).await.json();
    assert!(listed.schemas.iter().any(|entry| entry.uri == LETTER && entry.path == "/v1/schemas/letter/1"));
}

/// The recipient has a new certificate, and its authority's responder does not answer. On a region whose services have stopped.
pub(crate) fn recipient_unknown() -> Case {
    case!("a recipient whose key nobody can vouch for", 503 RecipientStatusUnknown, |r| {
        let new = r.ground.issues(&r.c, certs::dev::Usage::Encryption, |_| ());
        let mut registration = r.c.registration();
        registration.certificates.retain(|c| c.usage == schemas::registry::CertificateUsage::Login);
        registration.certificates.push(schemas::registry::CertificateRegistration {
            usage: schemas::registry::CertificateUsage::Encryption,
            der: STANDARD.encode(new.certificate.der()),
        });
        r.operator.register(r.c.edrpou(), &registration).await.expect("a registration");
        with_envelope(r, |e| e.recipient = r.c.mailbox()).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sealed_to_a_key_that_nobody_vouches_for() {
    let mut region = Region::start().await;
    // After a first letter the sender's status is fresh in the node's cache.
    region.a.submits(pdf("before")).to(&region.b.mailbox()).await.expect("a receipt");
    region.ground.services_stop();
    let case = recipient_unknown();
    let answer = (case.deed)(&region).await;
    check(&case, &answer);
    assert!(answer.header("retry-after").is_some(), "the caller is told when to come back");
    assert_eq!(region.store().messages().await, 1, "the first letter and nothing else");
}

fn bodies() -> Vec<Case> {
    vec![
        case!("no body", 415 UnsupportedMediaType, |r| {
            ask(r, &Request::post("/v1/submissions").header("idempotency-key", fresh_key())).await
        }),
        case!("JSON instead of a form", 415 UnsupportedMediaType, |r| {
            let request = Request::post("/v1/submissions").header("idempotency-key", fresh_key());
            ask(r, &request.body("application/json", "{}")).await
        }),
        case!("a form without a boundary", 400 MalformedMultipart, |r| {
            let request = Request::post("/v1/submissions").header("idempotency-key", fresh_key());
            ask(r, &request.body("multipart/form-data", sound(r).to_bytes())).await
        }),
        case!("a form of other boundaries", 400 MalformedMultipart, |r| {
            let request = Request::post("/v1/submissions").header("idempotency-key", fresh_key());
            ask(r, &request.body("multipart/form-data; boundary=other", sound(r).to_bytes())).await
        }),
        case!("signature before envelope", 400 MalformedMultipart, |r| {
            with_parts(r, &[signature(r), envelope(r), document()]).await
        }),
        case!("document before signature", 400 MalformedMultipart, |r| {
            with_parts(r, &[envelope(r), document(), signature(r)]).await
        }),
        case!("no signature part", 400 MalformedMultipart, |r| with_parts(r, &[envelope(r), document()]).await),
        case!("no document part", 400 MalformedMultipart, |r| with_parts(r, &[envelope(r), signature(r)]).await),
        case!("two documents", 400 MalformedMultipart, |r| {
            with_parts(r, &[envelope(r), signature(r), document(), document()]).await
        }),
        case!("a part that nobody asked for", 400 MalformedMultipart, |r| {
            with_parts(r, &[envelope(r), signature(r), document(), ("note", "text/plain", b"hi".to_vec())]).await
        }),
        case!("a form that ends within the envelope", 400 TruncatedBody, |r| shortened(r, 150).await),
        case!("a form that ends within the document", 400 TruncatedBody, |r| {
            let length = sound(r).to_bytes().len();
            shortened(r, length - 100).await
        }),
        case!("a form without its last boundary", 400 TruncatedBody, |r| {
            let length = sound(r).to_bytes().len();
            shortened(r, length - Form::BOUNDARY.len() - 6).await
        }),
        case!("no idempotency key", 400 MissingHeader, |r| {
            let form = sound(r);
            ask(r, &Request::post("/v1/submissions").body(&Form::media_type(), form.to_bytes())).await
        }),
        case!("two idempotency keys", 400 RepeatedHeader, |r| {
            ask(r, &sound(r).request("one").header("idempotency-key", "two")).await
        }),
        case!("an empty idempotency key", 400 MalformedHeader, |r| ask(r, &sound(r).request("")).await),
        case!("an idempotency key of a kilobyte", 400 MalformedHeader, |r| {
            ask(r, &sound(r).request(&"k".repeat(1024))).await
        }),
        case!("an idempotency key with a space", 400 MalformedHeader, |r| ask(r, &sound(r).request("a b")).await),
    ]
}

/// A sound form cut to so many bytes, with the length that it then has.
async fn shortened(region: &Region, bytes: usize) -> Answer {
    let body = sound(region).to_bytes();
    let request = Request::post("/v1/submissions").header("idempotency-key", fresh_key());
    ask(region, &request.body(&Form::media_type(), &body[..bytes])).await
}

fn sizes() -> Vec<Case> {
    vec![
        case!("an empty document", 422 EmptyDocument, |r| {
            with_parts(r, &[envelope(r), ("signature", "application/pkcs7-signature", r.a.signs(b"")), (
                "document",
                "application/pdf",
                Vec::new(),
            )])
            .await
        }),
        case!("a document that is too large", 413 TooLarge, |r| {
            let large = vec![b'x'; LARGEST + 1];
            let signature = ("signature", "application/pkcs7-signature", r.a.signs(&large));
            with_parts(r, &[envelope(r), signature, ("document", "application/pdf", large)]).await
        }),
        case!("a signature that is too large", 413 TooLarge, |r| {
            let large = vec![0x30; schemas::limits::SIGNATURE_BYTES + 1];
            with_parts(r, &[envelope(r), ("signature", "application/pkcs7-signature", large), document()]).await
        }),
        case!("an envelope that is too large", 413 TooLarge, |r| {
            let large = vec![b' '; schemas::limits::ENVELOPE_BYTES + 1];
            with_parts(r, &[("envelope", "application/json", large), signature(r), document()]).await
        }),
    ]
}

/// The key of an accepted submission with another one.
pub(crate) fn reused_key() -> Case {
    case!("the idempotency key of another submission", 422 IdempotencyKeyReused, |r| {
        let first = r.a.submits(pdf("first")).to(&r.b.mailbox()).with_key("the-key").await;
        first.expect("a receipt");
        ask(r, &sound(r).request("the-key")).await
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_submission_becomes_no_message() {
    let region = Region::start_with(|ground| ground.config.limits.document_bytes = Some(LARGEST as u64)).await;
    play(&region, &cases()).await;
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_another_submission_is_refused_and_the_first_one_stays() {
    let region = Region::start().await;
    play(&region, &[reused_key()]).await;
    assert_eq!(region.store().messages().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_goes_away_in_the_middle_leaves_nothing() {
    let region = Region::start().await;
    let wire = region.wire(Some(region.a.login()));
    let document = vec![b'x'; 200 * 1024];
    let (_, _, envelope) = envelope(&region);
    let whole = Form::submission(&envelope, &region.a.signs(&document), &document).request(&fresh_key()).to_bytes();
    for cut in [200, 600, 3_000, 100_000, whole.len() - 1] {
        wire.sends_and_leaves(&whole[..cut]).await.expect("a connection");
    }
    assert_eq!(ask(&region, &Request::get("/v1/participants")).await.status, 200, "the node goes on");
    nothing_is_stored(&region).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_a_signed_submission_carries_evidence() {
    let region = Region::start().await;
    let answer = with_envelope(&region, |_| ()).await;
    assert_eq!(answer.status, 201);
    let document = pdf("letter");
    let form = Form::submission(&envelope(&region).2, &region.a.signs(b"another letter"), &document);
    let problem = ask(&region, &form.request(&fresh_key())).await.problem();
    let evidence = problem.evidence.expect("evidence A.2");
    let statement = exchange::evidence::verify(&evidence, region.ground.site.evidence_certificate()).expect("evidence");
    assert_eq!(statement.kind, schemas::evidence::EvidenceKind::SubmissionRejection);
    assert_eq!(statement.reason.as_deref(), Some(problem.code.as_str()));
    assert_eq!((statement.case_id, statement.sender), (None, region.a.edrpou()));
    let rejected = Request::get("/v1/submissions?state=rejected");
    let page: schemas::message::MessagePage = ask(&region, &rejected).await.json();
    assert_eq!(
        page.messages.iter().map(|m| Some(m.message_id)).collect::<Vec<_>>(),
        [statement.message_id],
        "it is found again"
    );
    let book = region.book().await;
    assert!(book.entry(statement.event_id).is_some(), "the refusal is in the log under the number of its evidence");
}
