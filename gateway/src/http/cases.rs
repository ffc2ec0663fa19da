//! Cases: what happened to the messages that belong together, with the evidence.

use std::sync::Arc;

use access::decide::ReadCase;
use axum::Json;
use axum::extract::State;
use schemas::message::CaseEvents;
use schemas::{CaseId, ProblemCode};

use super::Door;
use super::extract::Ids;
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
    let resource = door.exchange.case_resource(case).await?.ok_or(ProblemCode::NotFound)?;
    let permit =
        door.access.decide::<ReadCase>(&caller.actor, resource).await.map_err(|d| Failure::from(d).hidden())?;
    Ok(Json(door.exchange.case_events(permit).await?))
}
