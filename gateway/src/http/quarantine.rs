//! Quarantine: operators read what does not go on by itself, and two of them have a message delivered again.

use std::sync::Arc;

use access::decide::{ReadQuarantine, RetryMessage};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::limits::PAGE_ITEMS;
use schemas::quarantine::{Quarantine, RetryOutcome};
use schemas::{MessageId, ProblemCode};
use serde::Deserialize;

use super::Door;
use super::extract::{Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;

/// Which page of the quarantine.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only messages after this one: `next_after` of the page before.
    after: Option<MessageId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Read which messages are in quarantine, and which notices nobody took in. Nothing of their content.
#[utoipa::path(
    get, path = "/v1/quarantine", operation_id = "read_quarantine", tag = "quarantine",
    params(Page),
    responses((status = 200, body = Quarantine, description = "One page"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<Quarantine>, Failure> {
    let limit = page.limit.unwrap_or(PAGE_ITEMS);
    if !(1..=PAGE_ITEMS).contains(&limit) {
        return Err(Failure::new(ProblemCode::MalformedQuery).detail(format!("limit is 1 to {PAGE_ITEMS}")));
    }
    let permit = door.access.decide::<ReadQuarantine>(&caller.actor, ()).await?;
    Ok(Json(door.exchange.quarantined(permit, page.after, limit).await?))
}

/// Have a message in quarantine delivered again: one operator proposes it, another confirms it within a day.
#[utoipa::path(
    post, path = "/v1/quarantine/{message}/retry", operation_id = "retry_message", tag = "quarantine",
    params(("message" = MessageId, Path)),
    responses(
        (status = 200, body = RetryOutcome, description = "Confirmed: evidence V.6, and the message is on its way"),
        (status = 202, body = RetryOutcome, description = "Proposed: another operator must confirm"))
)]
pub(crate) async fn retry(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(message): Ids<MessageId>,
) -> Result<(StatusCode, Json<RetryOutcome>), Failure> {
    let permit = door.access.decide::<RetryMessage>(&caller.actor, message).await?;
    let outcome = door.exchange.retry_message(permit).await?;
    let status = if outcome.proposal.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(outcome)))
}
