//! The log without a login, where the operators open it (`log.public`): what C2SP tlog-tiles has below the prefix of a log, and nothing else. For
//! mirrors, monitors and auditors.
//!
//! ```text
//! /checkpoint  /checkpoint.witnessed  /tile/<L>/<N>[.p/<W>]  /tile/entries/<N>[.p/<W>]  /anchors/<size>.tsr
//! ```
//!
//! Nobody is asked who they are and nothing is put on record, so answers are bare statuses. Connections are bounded, apart from those of the other doors.

use std::sync::Arc;

use audit::Log;
use audit::log::LogFailure;
use axum::Router;
use axum::extract::{Extension, Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::identity::Connection;
use super::log::{anchor_size, immutable};

/// Connections at a time.
pub(crate) const CONNECTIONS: u32 = 256;

/// A checkpoint is as old as this at most (tlog-tiles: some seconds).
const FRESH: &str = "public, max-age=2";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Routes of the door.
pub(crate) fn router(log: Log) -> Router {
    Router::new()
        .route("/checkpoint", get(checkpoint))
        .route("/checkpoint.witnessed", get(witnessed))
        .route("/tile/{*path}", get(tile))
        .route("/anchors/{anchor}", get(anchor))
        .layer(axum::middleware::from_fn(welcome))
        .with_state(log)
}

/// There is no login here that a connection could come to.
pub(crate) async fn welcome(
    Extension(connection): Extension<Arc<Connection>>,
    request: Request,
    next: Next,
) -> Response {
    connection.mark_known();
    next.run(request).await
}

async fn checkpoint(State(log): State<Log>) -> Response {
    note(log.checkpoint().await)
}

async fn witnessed(State(log): State<Log>) -> Response {
    note(log.witnessed().await)
}

async fn tile(State(log): State<Log>, Path(path): Path<String>) -> Response {
    found(log.tile(&format!("tile/{path}")).await, "application/octet-stream")
}

async fn anchor(State(log): State<Log>, Path(anchor): Path<String>) -> Response {
    match anchor_size(&anchor) {
        Some(size) => found(log.anchor(size).await, "application/timestamp-reply"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn note(note: Result<Option<String>, LogFailure>) -> Response {
    match note {
        Ok(Some(note)) => {
            let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
            let caching = HeaderValue::from_static(FRESH);
            ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, caching)], note).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

fn found(bytes: Result<Option<Bytes>, LogFailure>, media_type: &'static str) -> Response {
    match bytes {
        Ok(Some(bytes)) => immutable(bytes, media_type, FOREVER),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &LogFailure) -> Response {
    tracing::error!(cause = %error, "the log cannot be read");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
