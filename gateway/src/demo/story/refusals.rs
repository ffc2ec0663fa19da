//! What the node must refuse, and that a refusal leaves nothing behind.

use bytes::Bytes;
use crypto::digest::{DigestAlgorithm, digest, hex};
use exchange::evidence;
use schemas::ProblemCode;
use schemas::evidence::EvidenceKind;
use schemas::message::Envelope;
use signing::cades::Content;
use time::Duration;

use super::journey::Delivered;
use super::world::{A, B, C, World};
use crate::client::{ClientError, Submitted};
use crate::demo::screen::{Failure, Screen, Stopped};

pub(super) async fn play(world: &World, delivered: &Delivered, screen: &mut Screen<'_>) -> Result<(), Stopped> {
    screen.chapter("What the node refuses");
    screen.step("One byte of the document is flipped", flipped_byte(world, delivered)).await?;
    screen.step("The signer's certificate is revoked", revoked_signer(world, delivered)).await?;
    screen.step("A addresses a mailbox that it may not", forbidden_mailbox(world, delivered)).await?;
    screen.step("A stranger logs in with a valid, unregistered certificate", stranger(world)).await?;
    screen.step("A repeats its first submission", replay(world, delivered)).await?;
    screen.step("Nothing of this reached a mailbox", nothing_arrived(world)).await
}

async fn flipped_byte(world: &World, delivered: &Delivered) -> Result<((), String), Failure> {
    let mut document = delivered.document.clone();
    let middle = document.len() / 2;
    if let Some(byte) = document.get_mut(middle) {
        *byte ^= 1;
    }
    let answer = submit(world, &delivered.envelope, delivered.signature.clone(), document).await?;
    refused(world, answer, ProblemCode::SignatureOverOtherContent)
}

async fn revoked_signer(world: &World, delivered: &Delivered) -> Result<((), String), Failure> {
    let a = world.party(A)?;
    let now = world.clock().now();
    let signer = world.site().issue_signer(a.agency(), "Former official of Agency A")?;
    world.site().pki().revoke(&signer.certificate, now - Duration::hours(1), CESSATION_OF_OPERATION);
    let content = Content::Detached(digest(DigestAlgorithm::Sha256, &delivered.document));
    let signature = a.stamp(&a.sign_as(&signer, content, now)?, world.inquiry()).await?;
    let answer = submit(world, &delivered.envelope, signature, delivered.document.clone()).await?;
    refused(world, answer, ProblemCode::SignerRevoked)
}

async fn forbidden_mailbox(world: &World, delivered: &Delivered) -> Result<((), String), Failure> {
    let envelope = world.party(A)?.envelope(&world.agency(C)?.mailbox)?;
    let answer = submit(world, &envelope, delivered.signature.clone(), delivered.document.clone()).await?;
    refused(world, answer, ProblemCode::ChannelNotAllowed)
}

async fn stranger(world: &World) -> Result<((), String), Failure> {
    let stranger = world.site().client(&world.base(), &world.site().issue_stranger()?)?;
    refused(world, stranger.participants().await, ProblemCode::ClientCertificateUnregistered)
}

async fn replay(world: &World, delivered: &Delivered) -> Result<((), String), Failure> {
    let body = Bytes::from(delivered.document.clone());
    let signature = delivered.signature.clone();
    let client = world.party(A)?.client().clone();
    let (submitted, replayed) = client.submit(&delivered.idempotency_key, &delivered.envelope, signature, body).await?;
    if !replayed || submitted.accepted().as_ref() != Some(&delivered.receipt) {
        return Err(Failure::of("the repeat was not answered with the first receipt"));
    }
    Ok(((), "the same receipt, to the byte of its evidence; Idempotency-Replayed: true".to_owned()))
}

async fn nothing_arrived(world: &World) -> Result<((), String), Failure> {
    let (b, c) = (world.party(B)?, world.party(C)?);
    let leased = b.lease().await?.messages.len() + c.lease().await?.messages.len();
    if leased != 0 {
        return Err(Failure::of(format!("{leased} messages wait where none should")));
    }
    let stored = b.client().list(&b.agency().mailbox, None, None, None).await?.messages.len();
    if stored != 1 {
        return Err(Failure::of(format!("B's mailbox holds {stored} messages instead of one")));
    }
    Ok(((), "nothing to lease for B or C; B's mailbox holds the one message of before".to_owned()))
}

async fn submit(
    world: &World,
    envelope: &Envelope,
    signature: Vec<u8>,
    document: Vec<u8>,
) -> Result<Result<Submitted, ClientError>, Failure> {
    let key = hex(&crypto::random::array::<16>());
    let answer = world.party(A)?.client().submit(&key, envelope, signature, Bytes::from(document)).await;
    Ok(answer.map(|(submitted, _)| submitted))
}

/// Ok only if the answer is a refusal with exactly this code; evidence A.2 that comes with it must verify.
fn refused<T>(world: &World, answer: Result<T, ClientError>, code: ProblemCode) -> Result<((), String), Failure> {
    let problem = match answer {
        Ok(_) => return Err(Failure::of(format!("accepted, where {code} was due"))),
        Err(ClientError::Refused(problem)) => problem,
        Err(other) => return Err(Failure::from(other)),
    };
    if problem.code != code.as_str() {
        return Err(Failure::of(format!("refused with {} instead of {code}", problem.code)));
    }
    let mut detail = format!("{} {}: {}\n{}", problem.status, problem.code, problem.title, problem.title_uk);
    if let Some(jws) = &problem.evidence {
        let statement = evidence::verify(jws, world.site().evidence_certificate())?;
        if statement.kind != EvidenceKind::SubmissionRejection || statement.reason.as_deref() != Some(code.as_str()) {
            return Err(Failure::of("the evidence of the refusal is of something else"));
        }
        detail.push_str("\nevidence A.2 SubmissionRejection verifies under the node's certificate");
    }
    Ok(((), detail))
}

/// CRLReason, RFC 5280 5.3.1.
const CESSATION_OF_OPERATION: u8 = 5;
