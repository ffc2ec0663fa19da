//! Submissions in several requests: announced, uploaded in ranges, sent. To anybody but its sender an announcement does not
//! exist.

use std::sync::Arc;

use access::Permit;
use access::decide::{CompleteSubmission, SubmissionResource, SubmitDocument};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use exchange::upload::PartUpload;
use http::HeaderMap;
use schemas::announcement::{Announcement, AnnouncementEnd, AnnouncementStatus, UploadedPart};
use schemas::message::{HeldReceipt, Receipt};
use schemas::{MessageId, ProblemCode};

use super::Door;
use super::extract::{self, Ids, PartNumber};
use super::identity::Caller;
use super::problem::Failure;
use super::{body, submissions};

/// Announce a submission that comes in several requests.
///
/// The answer says until when it must be complete. A repeat with the same `Idempotency-Key` and content brings the same
/// message again. The node needs a key ring for it.
#[utoipa::path(
    post, path = "/v1/announcements", operation_id = "announce_submission", tag = "announcements",
    params(("Idempotency-Key" = String, Header, description = "Names this submission: 1 to 64 visible ASCII characters")),
    request_body(content = Announcement),
    responses((status = 201, body = AnnouncementStatus, description = "Its parts may be uploaded: evidence V.1",
        headers(("Idempotency-Replayed" = bool, description = "`true`: this submission was announced before"))))
)]
pub(crate) async fn announce(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Key(idempotency_key): extract::Key,
    extract::Json(announcement): extract::Json<Announcement>,
) -> Result<Response, Failure> {
    let too_large = |size: u64| size > door.document_bytes;
    if announcement.parts.iter().any(|part| too_large(part.size)) {
        return Err(Failure::new(ProblemCode::TooLarge).detail(format!("at most {} bytes", door.document_bytes)));
    }
    let schemas::message::Envelope { sender, recipient, kind, .. } = announcement.envelope.clone();
    let resource = SubmissionResource { sender, recipient, kind };
    let permit = door.access.decide::<SubmitDocument>(&caller.actor, resource).await?;
    let announced = door.exchange.announce(permit, announcement, idempotency_key).await?;
    Ok(submissions::created(announced.status, announced.replayed))
}

/// Read what was received of an announced submission. An upload goes on there.
#[utoipa::path(
    get, path = "/v1/announcements/{message}", operation_id = "read_announcement", tag = "announcements",
    params(("message" = MessageId, Path)),
    responses((status = 200, body = AnnouncementStatus, description = "How it stands"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
) -> Result<Json<AnnouncementStatus>, Failure> {
    let permit = permit(&door, &caller, message).await?;
    Ok(Json(door.exchange.announcement(permit).await?))
}

/// Give an announced submission up. Nothing of it stays.
#[utoipa::path(
    delete, path = "/v1/announcements/{message}", operation_id = "withdraw_announcement", tag = "announcements",
    params(("message" = MessageId, Path)),
    responses((status = 200, body = AnnouncementEnd, description = "Given up: evidence A.2"))
)]
pub(crate) async fn withdraw(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
) -> Result<Json<AnnouncementEnd>, Failure> {
    let permit = permit(&door, &caller, message).await?;
    Ok(Json(door.exchange.withdraw(permit).await?))
}

/// Upload a part, or the next range of it.
///
/// The bytes are sealed while they arrive and durable when the answer comes. A range may come again with the same content; each
/// but the last has at least 256 KiB. A part that turns out to be another than was stated begins anew.
#[utoipa::path(
    put, path = "/v1/announcements/{message}/parts/{part}", operation_id = "upload_part", tag = "announcements",
    params(("message" = MessageId, Path), ("part" = u8, Path, description = "The part's number"),
        ("Content-Range" = Option<String>, Header, description = "`bytes 0-1048575/4194304`; without it the whole part comes"),
        ("Content-Digest" = Option<String>, Header, description = "`sha-256=:...:` of what comes (RFC 9530)"),
        ("Repr-Digest" = Option<String>, Header, description = "`sha-256=:...:` of the whole part (RFC 9530)")),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = UploadedPart, description = "Durable; says what was received so far"))
)]
pub(crate) async fn upload(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids((message, PartNumber(part))): Ids<(MessageId, PartNumber)>,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<UploadedPart>, Failure> {
    extract::media_type(&headers, "application/octet-stream")?;
    let upload = PartUpload {
        range: extract::content_range(&headers)?,
        content: extract::sha256(&headers, &extract::CONTENT_DIGEST)?,
        whole: extract::sha256(&headers, &extract::REPR_DIGEST)?,
    };
    let permit = permit(&door, &caller, message).await?;
    Ok(Json(door.exchange.upload(&permit, part, upload, &mut body::pieces(content)).await?))
}

/// Send an announced submission whose parts are all uploaded.
///
/// Every signature is validated over the part that it signs; each document and attachment needs one of the sender. A repeat
/// brings the same receipt.
#[utoipa::path(
    post, path = "/v1/announcements/{message}/send", operation_id = "send_announcement", tag = "announcements",
    params(("message" = MessageId, Path)),
    responses((status = 201, body = Receipt, description = "The node has taken responsibility",
        headers(("Idempotency-Replayed" = bool, description = "`true`: this submission was accepted before"))),
        (status = 202, body = HeldReceipt, description = "Held, not accepted: a fact about a signature is missing, and the channel waits for it (V.2)",
        headers(("Idempotency-Replayed" = bool, description = "`true`: this submission was held before"))))
)]
pub(crate) async fn send(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
) -> Result<Response, Failure> {
    let permit = permit(&door, &caller, message).await?;
    if let Some(before) = door.exchange.sent_before(&permit).await? {
        return Ok(submissions::answer(before));
    }
    // The channel may have been closed since the announcement.
    let resource = door.exchange.announced_resource(message).await?;
    let submit = door.access.decide::<SubmitDocument>(&caller.actor, resource).await?;
    Ok(submissions::answer(door.exchange.send(&permit, &submit).await?))
}

async fn permit(door: &Door, caller: &Caller, message: MessageId) -> Result<Permit<CompleteSubmission>, Failure> {
    door.decide_on(&caller.actor, door.exchange.message_resource(message)).await
}
