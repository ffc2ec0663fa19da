//! Cases: what happened to the messages that belong together, with the evidence, to read and to take away.

use std::sync::Arc;

use access::decide::{ExportCase, ReadCase};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use exchange::export::{CaseExport, MEDIA_TYPE};
use http::{HeaderValue, Method, header};
use schemas::message::CaseEvents;
use schemas::{CaseId, MessageId, ProblemCode};
use serde::Deserialize;

use super::Door;
use super::extract::{Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;

/// Read the events of a case with their evidence, oldest first.
#[utoipa::path(
    get, path = "/v1/cases/{case}/events", operation_id = "read_case", tag = "cases",
    params(("case" = CaseId, Path)),
    responses((status = 200, body = CaseEvents, description = "The events"))
)]
pub(crate) async fn events(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(case): Ids<CaseId>,
) -> Result<Json<CaseEvents>, Failure> {
    let permit = door.decide_on::<ReadCase, _>(&caller.actor, door.exchange.case_resource(case)).await?;
    Ok(Json(door.exchange.case_events(permit).await?))
}

/// Which part of a case.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Rest {
    /// Only messages after this one: `Vuzol-Next-After` of the export before.
    after: Option<MessageId>,
}

/// Take a case away: its evidence, what recipients signed, and the proofs of the log, in one signed container.
///
/// The container is ASiC-E with CAdES, signed by the node; `vuzol evidence verify` checks it without the node. It holds up to 200
/// pieces of evidence, oldest messages first; what is more comes with the next. HEAD is refused: nothing would be taken away.
#[utoipa::path(
    get, path = "/v1/cases/{case}/export", operation_id = "export_case", tag = "cases",
    params(("case" = CaseId, Path), Rest),
    responses((status = 200, content_type = "application/vnd.etsi.asic-e+zip", body = [u8], description = "The container",
        headers(("Vuzol-Next-After" = String, description = "The last message in it, where the case goes on: pass as `after`"))))
)]
pub(crate) async fn export(
    State(door): State<Arc<Door>>,
    caller: Caller,
    method: Method,
    Ids(case): Ids<CaseId>,
    Terms(rest): Terms<Rest>,
) -> Result<Response, Failure> {
    if method == Method::HEAD {
        return Err(Failure::new(ProblemCode::MethodNotAllowed));
    }
    let permit = door.decide_on::<ExportCase, _>(&caller.actor, door.exchange.case_resource(case)).await?;
    Ok(container(case, door.exchange.export_case(permit, rest.after, &door.log).await?))
}

fn container(case: CaseId, export: CaseExport) -> Response {
    let mut response = Response::new(Body::from(export.container));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"case-{case}.asice\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if let Some(Ok(next)) = export.next_after.map(|next| HeaderValue::try_from(next.to_string())) {
        headers.insert("vuzol-next-after", next);
    }
    response
}
