//! The routes of a witness.
//!
//! ```text
//! POST /add-checkpoint                     C2SP tlog-witness: statuses, media types and bodies are those of the specification
//! GET  /<hash>/checkpoint                  what was cosigned last of the log whose origin has this hash, with the lines of log and witness
//! GET  /mirror/<hash>/checkpoint           the largest checkpoint whose whole tree is here
//! GET  /mirror/<hash>/tile/…  anchors/…    C2SP tlog-tiles
//! ```
//!
//! Nobody is asked who they are: what is asked for is signed. Bodies and times are bounded; what blocks on the disk runs on threads that may, so many at a
//! time, and who does not come to one soon is answered 503.

use std::sync::Arc;
use std::time::Duration;

use audit::witness::{Answer, MAX_BODY_BYTES, RequestFault};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::OwnedSemaphorePermit;

use super::House;
use crate::http::log_door::welcome;

/// Questions that are with the disk at a time: those of one log wait for each other there anyway.
pub(super) const PLACES: usize = 16;

/// How long a question waits for one of them.
const PATIENCE: Duration = Duration::from_secs(5);

/// For the body of a question.
const BODY: Duration = Duration::from_secs(10);

const TEXT: &str = "text/plain; charset=utf-8";

/// Routes of the witness.
pub(super) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{hash}/checkpoint", get(checkpoint))
        .route("/mirror/{hash}/{*path}", get(mirrored))
        .layer(axum::middleware::from_fn(welcome))
        .with_state(house)
}

async fn add_checkpoint(State(house): State<Arc<House>>, body: Body) -> Response {
    let body = match tokio::time::timeout(BODY, to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => body,
        // Too long, or broken off: then nobody reads this.
        Ok(Err(_)) => return answer(&Answer::Malformed(RequestFault::TooLong)),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let Some(place) = place(&house).await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let asked = house.clone();
    let judged = tokio::task::spawn_blocking(move || {
        let _place = place;
        asked.witness.add_checkpoint(&body, asked.clock.now())
    });
    match judged.await {
        Ok(Ok(judged)) => {
            if let Answer::Cosigned(_) = judged {
                house.mirrors.values().for_each(|mirrored| mirrored.cosigned.notify_one());
            }
            answer(&judged)
        }
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

async fn checkpoint(State(house): State<Arc<House>>, Path(hash): Path<String>) -> Response {
    let Some(place) = place(&house).await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let read = tokio::task::spawn_blocking(move || {
        let _place = place;
        house.witness.checkpoint(&hash)
    });
    match read.await {
        Ok(Ok(Some(note))) => with(StatusCode::OK, TEXT, Bytes::from(note), "no-cache"),
        Ok(Ok(None)) => StatusCode::NOT_FOUND.into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

async fn mirrored(State(house): State<Arc<House>>, Path((hash, path)): Path<(String, String)>) -> Response {
    let Some(mirror) = house.mirrors.get(&hash).map(|mirrored| mirrored.mirror.clone()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(place) = place(&house).await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let (media_type, caching) = match path.as_str() {
        "checkpoint" => (TEXT, "public, max-age=2"),
        path if path.starts_with("anchors/") => ("application/timestamp-reply", "public, max-age=31536000, immutable"),
        _ => ("application/octet-stream", "public, max-age=31536000, immutable"),
    };
    let read = tokio::task::spawn_blocking(move || {
        let _place = place;
        mirror.read(&path)
    });
    match read.await {
        Ok(Ok(Some(bytes))) => with(StatusCode::OK, media_type, Bytes::from(bytes), caching),
        Ok(Ok(None)) => StatusCode::NOT_FOUND.into_response(),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// A place among the questions that are with the disk.
async fn place(house: &House) -> Option<OwnedSemaphorePermit> {
    tokio::time::timeout(PATIENCE, house.places.clone().acquire_owned()).await.ok()?.ok()
}

/// An answer of the protocol, as it is.
fn answer(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with(status, answer.content_type(), Bytes::from(answer.body()), "no-store")
}

fn with(status: StatusCode, media_type: &'static str, body: Bytes, caching: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// Nothing was cosigned, and the client may try again.
fn failed(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(cause = %error, "the witness failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
