//! Mailboxes: what lies in them, and leasing it. Somebody else's mailbox answers like one that does not exist.

use std::sync::Arc;

use access::decide::{LeaseMessages, ListMailbox};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::limits::PAGE_ITEMS;
use schemas::message::{Lease, LeaseRequest, MessagePage, MessageState};
use schemas::{MailboxId, MessageId, ProblemCode};
use serde::Deserialize;

use super::Door;
use super::extract::{self, Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;

/// Which page of a mailbox.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only messages in this state.
    state: Option<MessageState>,
    /// Only messages after this one: `next_after` of the page before.
    after: Option<MessageId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// List the messages of a mailbox, oldest first.
#[utoipa::path(
    get, path = "/v1/mailboxes/{mailbox}/messages", operation_id = "list_mailbox", tag = "mailboxes",
    params(("mailbox" = MailboxId, Path), Page),
    responses((status = 200, body = MessagePage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(mailbox): Ids<MailboxId>,
    Terms(page): Terms<Page>,
) -> Result<Json<MessagePage>, Failure> {
    let limit = page.limit.unwrap_or(PAGE_ITEMS);
    if !(1..=PAGE_ITEMS).contains(&limit) {
        return Err(Failure::new(ProblemCode::MalformedQuery).detail(format!("limit is 1 to {PAGE_ITEMS}")));
    }
    let permit = door.access.decide::<ListMailbox>(&caller.actor, mailbox).await?;
    Ok(Json(door.exchange.list(permit, page.state, page.after, limit).await?))
}

/// Lease messages: until the lease expires, nobody else is offered them.
///
/// With `wait_seconds` the answer is held back while nothing waits: a recipient need not ask again and again. At most four
/// requests of a participant are held back at once.
#[utoipa::path(
    post, path = "/v1/mailboxes/{mailbox}/leases", operation_id = "lease_messages", tag = "mailboxes",
    params(("mailbox" = MailboxId, Path)), request_body = LeaseRequest,
    responses((status = 201, body = Lease, description = "The lease; without messages when none waits"))
)]
pub(crate) async fn lease(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(mailbox): Ids<MailboxId>,
    extract::Json(request): extract::Json<LeaseRequest>,
) -> Result<(StatusCode, Json<Lease>), Failure> {
    let permit = door.access.decide::<LeaseMessages>(&caller.actor, mailbox).await?;
    Ok((StatusCode::CREATED, Json(door.exchange.lease(permit, request).await?)))
}
