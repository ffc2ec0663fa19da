//! The transparency log as its readers see it: C2SP tlog-tiles, signed-note, tlog-proof.
//!
//! Reading it leaves no audit row: entries are pseudonymous, and a log that grew by being read would never be caught up
//! with. A refusal leaves one.

use std::sync::Arc;

use access::decide::ReadLog;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, header};
use schemas::message::LogProof;
use schemas::{EventId, ProblemCode};

use super::Door;
use super::extract::Ids;
use super::identity::Caller;
use super::problem::Failure;

/// Read the latest checkpoint: a signed note.
#[utoipa::path(
    get, path = "/v1/log/checkpoint", operation_id = "read_checkpoint", tag = "log",
    responses((status = 200, content_type = "text/plain; charset=utf-8", body = String, description = "The signed note"))
)]
pub(crate) async fn checkpoint(State(door): State<Arc<Door>>, caller: Caller) -> Result<Response, Failure> {
    let _permit = door.access.decide::<ReadLog>(&caller.actor, ()).await?;
    let note = door.log.checkpoint().await?.ok_or(ProblemCode::NotYetInLog)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], note).into_response())
}

/// Read the latest checkpoint that a quorum of witnesses cosigned, with their lines.
#[utoipa::path(
    get, path = "/v1/log/checkpoint.witnessed", operation_id = "read_witnessed_checkpoint", tag = "log",
    responses((status = 200, content_type = "text/plain; charset=utf-8", body = String, description = "The signed note"))
)]
pub(crate) async fn witnessed(State(door): State<Arc<Door>>, caller: Caller) -> Result<Response, Failure> {
    let _permit = door.access.decide::<ReadLog>(&caller.actor, ()).await?;
    let note = door.log.witnessed().await?.ok_or(ProblemCode::NotFound)?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], note).into_response())
}

/// Read the time-stamp token (RFC 3161) over the text of a checkpoint.
#[utoipa::path(
    get, path = "/v1/log/anchors/{anchor}", operation_id = "read_anchor", tag = "log",
    params(("anchor" = String, Path, description = "`<size of the checkpoint>.tsr`")),
    responses((status = 200, content_type = "application/timestamp-reply", body = [u8], description = "The token"))
)]
pub(crate) async fn anchor(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(anchor): Ids<String>,
) -> Result<Response, Failure> {
    let _permit = door.access.decide::<ReadLog>(&caller.actor, ()).await?;
    let size = anchor_size(&anchor).ok_or(ProblemCode::NotFound)?;
    let token = door.log.anchor(size).await?.ok_or(ProblemCode::NotFound)?;
    Ok(immutable(token, "application/timestamp-reply", "private, max-age=31536000, immutable"))
}

/// The size in `<size>.tsr`, in its one spelling.
pub(super) fn anchor_size(name: &str) -> Option<u64> {
    let size = name.strip_suffix(".tsr")?.parse::<u64>().ok()?;
    (format!("{size}.tsr") == name).then_some(size)
}

/// An answer that never changes.
pub(super) fn immutable(bytes: Bytes, media_type: &'static str, caching: &'static str) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

/// Read a tile of hashes or a bundle of entries, which never change.
#[utoipa::path(
    get, path = "/v1/log/tile/{*path}", operation_id = "read_tile", tag = "log",
    params(("path" = String, Path, description = "`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]` of C2SP tlog-tiles")),
    responses((status = 200, content_type = "application/octet-stream", body = [u8], description = "The tile"))
)]
pub(crate) async fn tile(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(path): Ids<String>,
) -> Result<Response, Failure> {
    let _permit = door.access.decide::<ReadLog>(&caller.actor, ()).await?;
    let tile = door.log.tile(&format!("tile/{path}")).await?.ok_or(ProblemCode::NotFound)?;
    Ok(immutable(tile, "application/octet-stream", "private, max-age=31536000, immutable"))
}

/// Read the proof that an event is in the log.
#[utoipa::path(
    get, path = "/v1/log/proofs/{event}", operation_id = "read_proof", tag = "log",
    params(("event" = EventId, Path)),
    responses((status = 200, body = LogProof, description = "Entry and proof under the latest checkpoint"))
)]
pub(crate) async fn proof(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(event): Ids<EventId>,
) -> Result<Json<LogProof>, Failure> {
    let _permit = door.access.decide::<ReadLog>(&caller.actor, ()).await?;
    let proof = door.log.proof(event).await?.ok_or(ProblemCode::NotFound)?;
    let proof = proof.map_err(|_| Failure::new(ProblemCode::NotYetInLog))?;
    let (entry, proof) = (STANDARD.encode(&proof.entry), proof.proof.to_text());
    Ok(Json(LogProof { event_id: event, entry, proof }))
}
