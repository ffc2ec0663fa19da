//! The operator port: is the process alive, is it fit to serve, its metrics. Plain HTTP on a private address.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, StatusCode, header};
use schemas::trust::TrustedListStatus;
use serde::Serialize;
use time::OffsetDateTime;

use crate::telemetry;
use crate::workers::Health;

/// Longest that a question of readiness may take: a probe that hangs tells less than one that fails.
const PATIENCE: Duration = Duration::from_secs(2);

/// Routes of the operator port.
pub(crate) fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/health/live", get(async || "live"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

/// Whether the node can do its duty, and what it knows about that.
#[derive(Debug, Serialize)]
pub(crate) struct Readiness {
    /// Everything below is as it should be.
    pub(crate) ready: bool,
    /// The database answers.
    pub(crate) database: bool,
    /// Room on the disk. Below the mark nothing new is taken.
    pub(crate) space: SpaceReadiness,
    /// The transparency log.
    pub(crate) log: LogReadiness,
    /// The key of the evidence.
    pub(crate) evidence: EvidenceReadiness,
    /// Trust anchors.
    pub(crate) trust: TrustReadiness,
    /// Deferred work.
    pub(crate) jobs: JobReadiness,
}

/// Room on the disk.
#[derive(Debug, Serialize)]
pub(crate) struct SpaceReadiness {
    /// New work is taken.
    pub(crate) accepts: bool,
    /// Free bytes, on the fullest of the file systems.
    pub(crate) free_bytes: Option<u64>,
    /// The reserve is there.
    pub(crate) reserve: bool,
}

/// The transparency log.
#[derive(Debug, Default, Serialize)]
pub(crate) struct LogReadiness {
    /// Why it stopped signing for good, if it did.
    pub(crate) stopped: Option<String>,
    /// Why the signer does not answer, where it is a process of its own. Deeds go on meanwhile, up to the bound of the configuration.
    pub(crate) signer: Option<String>,
    /// Rows that no checkpoint covers yet.
    pub(crate) backlog: Option<u64>,
    /// Age of the oldest of them in seconds.
    pub(crate) oldest_seconds: Option<f64>,
    /// How far others vouch for it; none where nobody is asked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vouched: Option<VouchedReadiness>,
}

/// How far others vouch for the log. An outage of theirs does not make the node unready.
#[derive(Debug, Serialize)]
pub(crate) struct VouchedReadiness {
    /// Entries under the published checkpoint.
    pub(crate) published: u64,
    /// Entries under the head that a quorum of witnesses cosigned.
    pub(crate) witnessed: Option<u64>,
    /// Age in seconds of the oldest event that is not under it.
    pub(crate) unwitnessed_seconds: Option<f64>,
    /// Entries under the latest time-stamp.
    pub(crate) anchored: Option<u64>,
    /// Age in seconds of the oldest event that is not under it.
    pub(crate) unanchored_seconds: Option<f64>,
    /// Deeds are refused, because no quorum has cosigned for longer than configured.
    pub(crate) refuses_deeds: bool,
}

/// The key of the evidence. Without it nothing is accepted and nothing is delivered.
#[derive(Debug, Serialize)]
pub(crate) struct EvidenceReadiness {
    /// It signs. Tried for each question where the key is in a token.
    pub(crate) signs: bool,
    /// Why not.
    pub(crate) problem: Option<String>,
}

/// Trust anchors.
#[derive(Debug, Serialize)]
pub(crate) struct TrustReadiness {
    /// SHA-256 of the set.
    pub(crate) snapshot: String,
    /// When it was taken into use, in seconds ago.
    pub(crate) age_seconds: f64,
    /// When the folders were last read without a fault, in seconds ago.
    pub(crate) checked_seconds: f64,
    /// Why the folders are not believed now. The set in use stays.
    pub(crate) problem: Option<String>,
    /// Trusted lists, by name. What is wrong with one does not make the node unready: the one in use stays in force.
    pub(crate) trusted_lists: Vec<TrustedListReadiness>,
}

/// A trusted list.
#[derive(Debug, Serialize)]
pub(crate) struct TrustedListReadiness {
    pub(crate) name: String,
    /// Number of the one in use, if there is one.
    pub(crate) sequence_number: Option<u64>,
    /// Seconds until the next one is due; negative: it is overdue.
    pub(crate) due_seconds: Option<f64>,
    /// Seconds since it was last asked for with success.
    pub(crate) checked_seconds: Option<f64>,
    /// Code of what is wrong.
    pub(crate) problem: Option<String>,
}

impl TrustedListReadiness {
    pub(crate) fn of(list: &TrustedListStatus, now: OffsetDateTime) -> Self {
        Self {
            name: list.name.clone(),
            sequence_number: list.sequence_number,
            due_seconds: list.next_update.map(|due| (due - now).as_seconds_f64()),
            checked_seconds: list.checked_at.map(|checked| (now - checked).as_seconds_f64()),
            problem: list.problem.as_ref().map(|problem| problem.code.clone()),
        }
    }
}

/// Deferred work.
#[derive(Debug, Default, Serialize)]
pub(crate) struct JobReadiness {
    /// Jobs whose time has come.
    pub(crate) due: Option<u64>,
    /// How late the oldest of them is, in seconds.
    pub(crate) oldest_seconds: Option<f64>,
}

async fn ready(State(health): State<Arc<Health>>) -> Response {
    match tokio::time::timeout(PATIENCE, health.readiness()).await {
        Ok(readiness) => {
            let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, Json(readiness)).into_response()
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "ready": false }))).into_response(),
    }
}

async fn metrics() -> Response {
    let handle = telemetry::metrics();
    handle.run_upkeep();
    let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, media_type)], handle.render()).into_response()
}
