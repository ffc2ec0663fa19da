//! Retention: operators read what is due for disposal, and place and lift legal holds.

use std::sync::Arc;

use access::decide::{ReadRetention, SetHold};
use axum::Json;
use axum::extract::State;
use exchange::retention::due::DueQuery;
use http::StatusCode;
use schemas::limits::PAGE_ITEMS;
use schemas::retention::{DuePage, Hold, HoldPage, HoldRelease, HoldRequest};
use schemas::{Edrpou, HoldId, MessageId, ProblemCode, RetentionClass};
use serde::Deserialize;

use super::Door;
use super::extract::{self, Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;

/// A number of items in a page.
///
/// # Errors
/// `request.malformed_query`.
pub(super) fn page_size(limit: Option<u32>) -> Result<u32, Failure> {
    let limit = limit.unwrap_or(PAGE_ITEMS);
    if (1..=PAGE_ITEMS).contains(&limit) {
        return Ok(limit);
    }
    Err(Failure::new(ProblemCode::MalformedQuery).detail(format!("limit is 1 to {PAGE_ITEMS}")))
}

/// Which page of what is due.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Due {
    /// Only of this class.
    class: Option<RetentionClass>,
    /// Only in mailboxes of this participant.
    participant: Option<Edrpou>,
    /// Only messages after this one: `next_after` of the page before.
    after: Option<MessageId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Read what is due for disposal: messages whose days are over by what their class means now. Nothing of their content.
#[utoipa::path(
    get, path = "/v1/retention/due", operation_id = "read_due", tag = "retention",
    params(Due),
    responses((status = 200, body = DuePage, description = "One page"))
)]
pub(crate) async fn due(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Due>,
) -> Result<Json<DuePage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit = door.access.decide::<ReadRetention>(&caller.actor, ()).await?;
    let Due { class, participant, after, .. } = page;
    Ok(Json(door.exchange.due_for_disposal(permit, DueQuery { class, participant, after, limit }).await?))
}

/// Which page of the holds.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Holds {
    /// Those that were lifted too.
    #[serde(default)]
    lifted: bool,
    /// Only holds after this one: `next_after` of the page before.
    after: Option<HoldId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Read the legal holds, oldest first: those in force, or all that there ever were.
#[utoipa::path(
    get, path = "/v1/holds", operation_id = "read_holds", tag = "retention",
    params(Holds),
    responses((status = 200, body = HoldPage, description = "One page"))
)]
pub(crate) async fn holds(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Holds>,
) -> Result<Json<HoldPage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit = door.access.decide::<ReadRetention>(&caller.actor, ()).await?;
    Ok(Json(door.exchange.holds(permit, page.lifted, page.after, limit).await?))
}

/// Forbid that a message, or whatever belongs to a case, is erased.
///
/// It holds from the answer on, also against an act that two have signed already. The parties of a message see that it is held, and not why.
#[utoipa::path(
    post, path = "/v1/holds", operation_id = "place_hold", tag = "retention", request_body = HoldRequest,
    responses((status = 201, body = Hold, description = "In force"))
)]
pub(crate) async fn place(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(request): extract::Json<HoldRequest>,
) -> Result<(StatusCode, Json<Hold>), Failure> {
    let permit = door.access.decide::<SetHold>(&caller.actor, ()).await?;
    Ok((StatusCode::CREATED, Json(door.exchange.place_hold(permit, request).await?)))
}

/// Lift a legal hold. Others of the same message or case stay.
#[utoipa::path(
    post, path = "/v1/holds/{hold}/lift", operation_id = "lift_hold", tag = "retention",
    params(("hold" = HoldId, Path)), request_body = HoldRelease,
    responses((status = 200, body = Hold, description = "Lifted"))
)]
pub(crate) async fn lift(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(hold): Ids<HoldId>,
    extract::Json(release): extract::Json<HoldRelease>,
) -> Result<Json<Hold>, Failure> {
    let permit = door.access.decide::<SetHold>(&caller.actor, ()).await?;
    Ok(Json(door.exchange.lift_hold(permit, hold, release).await?))
}
