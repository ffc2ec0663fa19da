//! Who looked at what is a person's, and what may be looked at for.

use std::sync::Arc;

use access::Permit;
use access::decide::ListLooks;
use axum::Json;
use axum::extract::State;
use schemas::LookId;
use schemas::application::LookPage;
use schemas::purpose::PurposeList;
use serde::Deserialize;

use super::Door;
use super::copies::person;
use super::extract::Terms;
use super::identity::Caller;
use super::problem::Failure;
use super::retention::page_size;

/// Which page of the looks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only looks before this one: `next_before` of the page before.
    before: Option<LookId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Read who looked at what is yours, what for, and on which ground of the law. The newest first.
#[utoipa::path(
    get, path = "/v1/looks", operation_id = "list_looks", tag = "applicants",
    params(Page),
    responses((status = 200, body = LookPage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<LookPage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit: Permit<ListLooks> = door.access.decide(&caller.actor, person(&caller.actor)?).await?;
    Ok(Json(door.consent.looks(permit, page.before, limit).await?))
}

/// Read what personal data may be looked at for at this node, each with the clause of the law.
#[utoipa::path(
    get, path = "/v1/purposes", operation_id = "list_purposes", tag = "applicants",
    responses((status = 200, body = PurposeList, description = "All of them; others are refused"))
)]
pub(crate) async fn purposes(State(door): State<Arc<Door>>, _caller: Caller) -> Json<PurposeList> {
    Json(PurposeList { purposes: door.purposes.iter().cloned().collect() })
}
