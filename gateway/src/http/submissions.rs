//! Handing in documents, and seeing what became of them.

use std::sync::Arc;
use std::time::Instant;

use access::decide::{ListSubmissions, SubmissionResource, SubmitDocument};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use exchange::intake::{Submission, Taken};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use schemas::limits::{ENVELOPE_BYTES, PAGE_ITEMS, SIGNATURE_BYTES};
use schemas::message::{Envelope, HeldReceipt, MessagePage, MessageState, Receipt};
use schemas::{MailboxId, MessageId, ProblemCode};

use super::Door;
use super::admission::quota;
use super::body;
use super::extract::{self, Terms};
use super::identity::Caller;
use super::multipart::Multipart;
use super::problem::Failure;

/// Says that the answer is that of an earlier, equal submission.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Which of one's submissions.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Sent {
    /// Only those in this state: `rejected` shows what was refused at the intake, and why.
    state: Option<MessageState>,
    /// The last message of the page before.
    after: Option<MessageId>,
    /// How many, 1 to 100.
    limit: Option<u32>,
}

/// List what you handed in, oldest first, whatever became of it.
#[utoipa::path(
    get, path = "/v1/submissions", operation_id = "list_submissions", tag = "submissions", params(Sent),
    responses((status = 200, body = MessagePage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Sent>,
) -> Result<Json<MessagePage>, Failure> {
    let limit = page.limit.unwrap_or(PAGE_ITEMS);
    if !(1..=PAGE_ITEMS).contains(&limit) {
        return Err(Failure::new(ProblemCode::MalformedQuery).detail(format!("limit is 1 to {PAGE_ITEMS}")));
    }
    let participant = caller.actor.participant().ok_or(ProblemCode::ActionForbidden)?;
    let permit = door.access.decide::<ListSubmissions>(&caller.actor, participant).await?;
    Ok(Json(door.exchange.sent(permit, page.state, page.after, limit).await?))
}

/// The parts of a submission, in this order, each exactly once and nothing after.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes the multipart body in the OpenAPI document")]
pub(crate) struct SubmissionForm {
    /// What routing may read: `application/json`, at most 16 KiB.
    envelope: Envelope,
    /// The detached signature over the document: CMS (CAdES), at most 4 MiB.
    #[schema(value_type = String, format = Binary, content_media_type = "application/pkcs7-signature")]
    signature: Vec<u8>,
    /// The document, streamed; at most 2 GiB, or less where the operator says so.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    document: Vec<u8>,
}

/// Hand in a signed document.
///
/// The signature is validated, the document is sealed to the recipient while it arrives, and the answer comes when message,
/// evidence, audit row and delivery are on disk. A repeat with the same `Idempotency-Key` and content brings the same receipt.
/// Where the signature is INDETERMINATE for want of a fact that may still arrive, and the channel waits for it, the answer is 202:
/// the submission is held until then, and a repeat tells what became of it.
#[utoipa::path(
    post, path = "/v1/submissions", operation_id = "submit_document", tag = "submissions",
    params(("Idempotency-Key" = String, Header, description = "Names this submission: 1 to 64 visible ASCII characters")),
    request_body(content = SubmissionForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Receipt, description = "The node has taken responsibility",
        headers(("Idempotency-Replayed" = bool, description = "`true`: this submission was accepted before"))),
        (status = 202, body = HeldReceipt, description = "Held, not accepted: a fact about the signature is missing, and the channel waits for it (V.2)",
        headers(("Idempotency-Replayed" = bool, description = "`true`: this submission was held before"))))
)]
pub(crate) async fn submit(
    State(door): State<Arc<Door>>,
    caller: Caller,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    let idempotency_key = extract::idempotency_key(&headers)?;
    let mut parts = Multipart::open(&headers, body::pieces(content))?;
    if parts.part("envelope").await?.as_deref() != Some("application/json") {
        return Err(Failure::new(ProblemCode::UnsupportedMediaType).detail("the envelope is application/json"));
    }
    let envelope: Envelope = extract::json(&parts.content(ENVELOPE_BYTES).await?)?;
    let Envelope { sender, recipient, kind, .. } = envelope.clone();
    let permit =
        door.access.decide::<SubmitDocument>(&caller.actor, SubmissionResource { sender, recipient, kind }).await?;
    has_room(&door, &permit.resource().recipient).await?;
    parts.part("signature").await?;
    let signature = parts.content(SIGNATURE_BYTES).await?;
    parts.part("document").await?;
    let submission = Submission { envelope, signature, idempotency_key, announced: body::announced(&headers) };
    let taken = door.exchange.intake(permit, submission, parts.last(door.document_bytes)).await?;
    Ok(answer(taken))
}

/// 201 with the receipt, or 202 with what says that there is none yet.
pub(crate) fn answer(taken: Taken) -> Response {
    match taken {
        Taken::Accepted(accepted) => created(accepted.receipt, accepted.replayed),
        Taken::Held { receipt, replayed } => repeatable(StatusCode::ACCEPTED, receipt, replayed),
    }
}

/// The answer of an operation that may be repeated.
pub(crate) fn created<T: serde::Serialize>(answer: T, replayed: bool) -> Response {
    repeatable(StatusCode::CREATED, answer, replayed)
}

fn repeatable<T: serde::Serialize>(status: StatusCode, answer: T, replayed: bool) -> Response {
    let mut response = (status, Json(answer)).into_response();
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Refuses what would come into a full mailbox, before the document is read.
async fn has_room(door: &Door, mailbox: &MailboxId) -> Result<(), Failure> {
    let quotas = &door.admission.quotas;
    let room = match quotas.mailbox_has_room(mailbox, Instant::now()) {
        Some(room) => room,
        None => {
            let waiting = door.exchange.waiting(mailbox.clone(), quotas.mailbox_messages()).await?;
            quotas.counted(mailbox.clone(), waiting, Instant::now())
        }
    };
    if room { Ok(()) } else { Err(Failure::new(quota::mailbox_is_full())) }
}
