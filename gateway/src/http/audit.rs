//! The log as those who watch over the node use it: searches, exports, alerts, and what is erased beside it.
//!
//! A search is a POST although it changes nothing but the log: what it is about must not stand in an address.

use std::sync::Arc;

use access::decide::{EraseDetails, ExportAudit, ReadAlerts, ReadErasures, SearchAudit, SeeAlert};
use access::watch::WatchError;
use audit::archive::Export;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use schemas::AlertId;
use schemas::audit::{AlertPage, AlertRemark, AuditExport, AuditPage, AuditSearch, KeptAlert};
use schemas::erasure::{ErasureOutcome, ErasureProposals, ErasureRequest};
use serde::Deserialize;

use super::Door;
use super::extract::{self, Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;
use super::retention::page_size;

/// Search the log: who did what, to whom, when, what for, and how it ended.
///
/// Each hit comes with the logged entry, what it commits to where that is not erased, and its inclusion proof. The page says which entries it covers, and
/// goes on at `next`. That nothing was left out is checked by replaying those entries, which an export holds with their details. Each page is an entry of
/// the log itself, and a look at the person whom it is about.
#[utoipa::path(
    post, path = "/v1/audit/searches", operation_id = "search_audit", tag = "audit",
    request_body = AuditSearch,
    responses((status = 200, body = AuditPage, description = "One page"))
)]
pub(crate) async fn search(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(search): extract::Json<AuditSearch>,
) -> Result<Json<AuditPage>, Failure> {
    let permit = door.access.decide::<SearchAudit>(&caller.actor, ()).await?;
    Ok(Json(door.watch.search(permit, search).await?))
}

/// Take a part of the log away as one archive, which whoever holds it checks without the node: `vuzol audit verify --archive`.
#[utoipa::path(
    post, path = "/v1/audit/exports", operation_id = "export_audit", tag = "audit",
    request_body = AuditExport,
    responses((status = 200, content_type = "application/zip", body = [u8],
        description = "The archive. One that breaks off is no archive, and the check says so"))
)]
pub(crate) async fn export(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(asked): extract::Json<AuditExport>,
) -> Result<Response, Failure> {
    let permit = door.access.decide::<ExportAudit>(&caller.actor, ()).await?;
    Ok(archive(door.watch.export(permit, asked).await?))
}

fn archive(export: Export) -> Response {
    let manifest = export.manifest();
    let name = format!("attachment; filename=\"audit-{}-{}.zip\"", manifest.first, manifest.end);
    let pieces = futures_util::stream::unfold(Some(export), |export| async move {
        let mut export = export?;
        match export.next().await {
            Ok(Some(piece)) => Some((Ok::<Bytes, audit::archive::ExportFailure>(piece), Some(export))),
            Ok(None) => None,
            Err(error) => {
                tracing::error!(cause = %error, "an export of the log breaks off");
                Some((Err(error), None))
            }
        }
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

/// Which page of the alerts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Those that somebody has seen too. Absent: only those that nobody has.
    #[serde(default)]
    #[param(required = false)]
    all: bool,
    /// Only alerts before this one: `next_before` of the page before.
    before: Option<AlertId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Read what rules found in the log, the newest first.
#[utoipa::path(
    get, path = "/v1/alerts", operation_id = "read_alerts", tag = "audit",
    params(Page),
    responses((status = 200, body = AlertPage, description = "One page"))
)]
pub(crate) async fn alerts(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<AlertPage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit = door.access.decide::<ReadAlerts>(&caller.actor, ()).await?;
    Ok(Json(door.watch.alerts(permit, page.all, page.before, limit).await?))
}

/// State that you have seen an alert, and what you think of it. Once.
#[utoipa::path(
    post, path = "/v1/alerts/{alert}/seen", operation_id = "see_alert", tag = "audit",
    params(("alert" = AlertId, Path)), request_body = AlertRemark,
    responses((status = 200, body = KeptAlert, description = "Seen"))
)]
pub(crate) async fn see(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(alert): Ids<AlertId>,
    extract::Json(remark): extract::Json<AlertRemark>,
) -> Result<Json<KeptAlert>, Failure> {
    let permit = door.access.decide::<SeeAlert>(&caller.actor, ()).await?;
    Ok(Json(door.watch.see(permit, alert, remark).await?))
}

/// Read which erasures of what the log holds about a person are proposed and can be confirmed.
#[utoipa::path(
    get, path = "/v1/audit/erasures", operation_id = "read_erasures", tag = "audit",
    responses((status = 200, body = ErasureProposals, description = "The oldest first, at most 100"))
)]
pub(crate) async fn erasures(State(door): State<Arc<Door>>, caller: Caller) -> Result<Json<ErasureProposals>, Failure> {
    let permit = door.access.decide::<ReadErasures>(&caller.actor, ()).await?;
    Ok(Json(door.erasures.proposed(permit).await?))
}

/// Have what the log holds about a person erased. One security officer proposes it; another confirms it, with the same person and ground, within a day.
///
/// It takes a fresh signature of each, and is nobody's own matter. Salt and details go and their keys are destroyed; the entries stay, under the
/// person's pseudonym, and so do all proofs. There is no way back, and no backup brings them back. A legal hold on a message or a case that they
/// are about forbids it.
#[utoipa::path(
    post, path = "/v1/audit/erasures", operation_id = "erase_details", tag = "audit", request_body = ErasureRequest,
    responses(
        (status = 200, body = ErasureOutcome, description = "Confirmed: they are erased"),
        (status = 202, body = ErasureOutcome, description = "Proposed: another security officer must confirm"))
)]
pub(crate) async fn erase(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(request): extract::Json<ErasureRequest>,
) -> Result<(StatusCode, Json<ErasureOutcome>), Failure> {
    let permit = door.access.decide::<EraseDetails>(&caller.actor, ()).await?;
    let outcome = door.erasures.erase(permit, request).await?;
    let status = if outcome.proposal.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(outcome)))
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Store(error) => error.into(),
            WatchError::Log(error) => error.into(),
            WatchError::Refused { code, detail } => Self::new(code).detail(detail),
        }
    }
}
