//! The way of one document: signed, submitted, consigned, opened, acknowledged, evidenced, proven.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crypto::digest::{hex, sha256};
use crypto::merkle::TlogProof;
use exchange::evidence;
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::message::{AcknowledgementOutcome, CaseEvents, Envelope, Lease, LogProof, Receipt};
use schemas::{EventId, MessageId};

use super::world::{A, B, World};
use crate::client::ClientError;
use crate::demo::parties::Opened;
use crate::demo::pdf;
use crate::demo::screen::{Failure, Screen, Stopped};

/// What was handed in, so that the refusals can vary it.
pub(super) struct Delivered {
    pub(super) idempotency_key: String,
    pub(super) envelope: Envelope,
    pub(super) document: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) receipt: Receipt,
}

pub(super) async fn play(world: &World, screen: &mut Screen<'_>) -> Result<Delivered, Stopped> {
    screen.chapter("A signed document crosses the node");
    let (document, signature) = screen.step("A writes a PDF and its official signs it", sign(world)).await?;
    let delivered = screen.step("A submits it", submit(world, document, signature)).await?;
    let receipt = &delivered.receipt;
    screen.step("The node consigns it to B's mailbox", consigned(world, receipt.message_id)).await?;
    let lease = screen.step("B leases its mail", lease(world, receipt.message_id)).await?;
    let opened = screen.step("B downloads both parts and opens them with its own key", open(world, &lease)).await?;
    screen.step("B verifies the signature itself", verify(world, &opened, &delivered)).await?;
    screen.step("B accepts it with a signed acknowledgement", acknowledge(world, &lease, &opened)).await?;
    let events = screen.step("A reads the evidence of every step", read_evidence(world, receipt)).await?;
    screen.step("The log's checkpoint covers every step", prove(world, &events)).await?;
    Ok(delivered)
}

async fn sign(world: &World) -> Result<((Vec<u8>, Vec<u8>), String), Failure> {
    let a = world.party(A)?;
    let document = pdf::letter(
        "Letter of agency A to agency B",
        &[
            "This letter was written, signed and sent by a demonstration.",
            "Its keys live for one run; its words bind nobody.",
            "",
            "The signature beside it is CAdES-BASELINE-T: it names its certificate",
            "and carries a time-stamp of when it was there at the latest.",
        ],
    );
    let signature = a.stamp(&a.sign(&document, world.clock().now())?, world.inquiry()).await?;
    let detail = format!("{} bytes of PDF, {} bytes of CAdES-BASELINE-T", document.len(), signature.len());
    Ok(((document, signature), detail))
}

async fn submit(world: &World, document: Vec<u8>, signature: Vec<u8>) -> Result<(Delivered, String), Failure> {
    let a = world.party(A)?;
    let envelope = a.envelope(&world.agency(B)?.mailbox)?;
    let idempotency_key = hex(&crypto::random::array::<16>());
    let body = Bytes::from(document.clone());
    let (submitted, replayed) = a.client().submit(&idempotency_key, &envelope, signature.clone(), body).await?;
    let receipt = submitted.accepted().ok_or_else(|| Failure::of("held, where nothing is missing"))?;
    if replayed {
        return Err(Failure::of("a first submission was answered as a repeat"));
    }
    let statement = statement(world, &receipt.evidence, EvidenceKind::SubmissionAcceptance, receipt.message_id)?;
    let digests: Vec<&str> = receipt.parts.iter().map(|part| part.sha256.as_str()).collect();
    if digests != [hex(&sha256(&document)), hex(&sha256(&signature))] || statement.parts != receipt.parts {
        return Err(Failure::of("the evidence names other bytes than were handed in"));
    }
    if statement.event_id != receipt.event_id || statement.sender != envelope.sender {
        return Err(Failure::of("the evidence is of another event"));
    }
    let detail = format!(
        "201, message {}; evidence A.1 verifies under the node's certificate\nand names the SHA-256 of document and signature",
        receipt.message_id
    );
    Ok((Delivered { idempotency_key, envelope, document, signature, receipt }, detail))
}

async fn consigned(world: &World, message: MessageId) -> Result<((), String), Failure> {
    let b = world.party(B)?;
    b.await_consignment(message).await?;
    Ok(((), format!("it waits in {}", b.agency().mailbox)))
}

async fn lease(world: &World, message: MessageId) -> Result<(Lease, String), Failure> {
    let lease = world.party(B)?.lease().await?;
    match lease.messages.as_slice() {
        [only] if only.summary.message_id == message => {}
        messages => return Err(Failure::of(format!("{} messages where one was sent", messages.len()))),
    }
    let detail = "one message, with its document key wrapped to B's encryption certificate".to_owned();
    Ok((lease, detail))
}

async fn open(world: &World, lease: &Lease) -> Result<(Opened, String), Failure> {
    let leased = lease.messages.first().ok_or_else(|| Failure::of("nothing is leased"))?;
    let opened = world.party(B)?.open(lease.token, leased).await?;
    let sealed: u64 = leased.parts.iter().map(|part| part.sealed_size).sum();
    let plain = opened.document.len() + opened.signature.len();
    Ok((opened, format!("{sealed} sealed bytes became {plain}; both digests are those of the evidence")))
}

async fn verify(world: &World, opened: &Opened, delivered: &Delivered) -> Result<((), String), Failure> {
    if opened.document != delivered.document || opened.signature != delivered.signature {
        return Err(Failure::of("what B opened is not what A handed in"));
    }
    let passed = world.party(B)?.verify(opened, world.inquiry(), world.clock().now()).await?;
    let [signature] = passed.report().signatures.as_slice() else {
        return Err(Failure::of("not exactly one signature"));
    };
    let signer = signature.signer.as_ref().ok_or_else(|| Failure::of("the signer is not named"))?;
    if signature.level != "CAdES-BASELINE-T" {
        return Err(Failure::of(format!("the level is {}", signature.level)));
    }
    if signer.edrpou.as_deref() != Some(world.agency(A)?.edrpou.as_str()) {
        return Err(Failure::of("the signer is not of agency A"));
    }
    let detail = format!("TOTAL_PASSED, {}, existed by {}\n{}", signature.level, signature.best_time, signer.subject);
    Ok(((), detail))
}

async fn acknowledge(world: &World, lease: &Lease, opened: &Opened) -> Result<((), String), Failure> {
    let b = world.party(B)?;
    let signed = b.acknowledgement(opened, AcknowledgementOutcome::Accepted, None, world.clock().now())?;
    let digest = hex(&sha256(&signed));
    let receipt = b.client().acknowledge(opened.message, lease.token, signed).await?;
    let statement = statement(world, &receipt.evidence, EvidenceKind::ConsignmentAcceptance, opened.message)?;
    if statement.acknowledgement_sha256.as_deref() != Some(digest.as_str()) {
        return Err(Failure::of("the evidence names another acknowledgement"));
    }
    Ok(((), "evidence C.3 names the SHA-256 of B's signed acknowledgement".to_owned()))
}

async fn read_evidence(world: &World, receipt: &Receipt) -> Result<(CaseEvents, String), Failure> {
    let events = world.party(A)?.client().case_events(receipt.case_id).await?;
    let mut kinds = Vec::new();
    for event in &events.events {
        let statement = evidence::verify(&event.evidence, world.site().evidence_certificate())?;
        if statement.event_id != event.event_id || statement.message_id != Some(receipt.message_id) {
            return Err(Failure::of("a piece of evidence is of another event"));
        }
        kinds.push(format!("{} {}", statement.kind.code(), statement.kind.name()));
    }
    let expected = [
        EvidenceKind::SubmissionAcceptance,
        EvidenceKind::ContentConsignment,
        EvidenceKind::ContentHandover,
        EvidenceKind::ConsignmentAcceptance,
    ];
    if kinds != expected.map(|kind| format!("{} {}", kind.code(), kind.name())) {
        return Err(Failure::of(format!("the case holds {}", kinds.join(", "))));
    }
    Ok((events, format!("each verifies under the node's certificate:\n{}", kinds.join(", "))))
}

async fn prove(world: &World, events: &CaseEvents) -> Result<((), String), Failure> {
    let client = world.party(A)?.client().clone();
    let mut size = 0;
    for event in &events.events {
        let proof = await_proof(&client, event.event_id).await?;
        let entry = STANDARD.decode(&proof.entry)?;
        size = TlogProof::parse(&proof.proof)?.verify(&entry, world.log())?.size;
        let named = format!("\"{}\"", event.event_id);
        if !String::from_utf8_lossy(&entry).contains(&named) {
            return Err(Failure::of("the proven entry is of another event"));
        }
    }
    let count = events.events.len();
    Ok(((), format!("{count} inclusion proofs verify under the signed checkpoint of {size} entries")))
}

/// The log numbers events a moment after they are committed.
async fn await_proof(client: &crate::client::Client, event: EventId) -> Result<LogProof, Failure> {
    for _ in 0..POLLS {
        match client.proof(event).await {
            Err(ClientError::Refused(problem)) if problem.code == "log.not_yet_integrated" => {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            answer => return Ok(answer?),
        }
    }
    Err(Failure::of("the log did not cover the event in time"))
}

/// A piece of evidence that verifies, is of the expected kind and of the expected message.
fn statement(world: &World, jws: &str, kind: EvidenceKind, message: MessageId) -> Result<EvidenceStatement, Failure> {
    let statement = evidence::verify(jws, world.site().evidence_certificate())?;
    if statement.kind != kind || statement.message_id != Some(message) {
        return Err(Failure::of(format!("the evidence is {} of another step", statement.kind.code())));
    }
    Ok(statement)
}

/// A round of the log takes 200 ms here; five seconds mean that it stands still.
const POLLS: u32 = 100;
const POLL_INTERVAL: Duration = Duration::from_millis(50);
