//! Subscriptions: where a participant's systems are told what happens. Somebody else's mailbox answers like one that does not
//! exist.

use std::sync::Arc;

use access::decide::{ReadSubscription, SetSubscription};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::MailboxId;
use schemas::notice::{Subscription, SubscriptionRequest};

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::problem::Failure;

/// Read where notices of a mailbox are posted, and which could not be.
#[utoipa::path(
    get, path = "/v1/subscriptions/{mailbox}", operation_id = "read_subscription", tag = "subscriptions",
    params(("mailbox" = MailboxId, Path)),
    responses((status = 200, body = Subscription, description = "The subscription, without its secret"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(mailbox): Ids<MailboxId>,
) -> Result<Json<Subscription>, Failure> {
    let permit = door.access.decide::<ReadSubscription>(&caller.actor, mailbox).await?;
    Ok(Json(door.exchange.subscription(permit).await?))
}

/// Say where notices of a mailbox are posted, in place of what was said before.
///
/// A recipient is told of what is consigned and reminded of; a sender, by the subscriptions of any of its mailboxes, of how
/// it ended. Each notice is a POST of JSON (see the schema Notice) with `Vuzol-Timestamp`, `Vuzol-Signature` (`v1=` and
/// HMAC-SHA-256 under the secret of the timestamp, a dot and the body, in hexadecimal) and `Vuzol-Delivery`, which is the
/// same in every repeat. Any 2xx within ten seconds ends it; else it is repeated for three days.
#[utoipa::path(
    put, path = "/v1/subscriptions/{mailbox}", operation_id = "set_subscription", tag = "subscriptions",
    params(("mailbox" = MailboxId, Path)), request_body = SubscriptionRequest,
    responses((status = 200, body = Subscription, description = "The subscription; with its secret, where the node made it"))
)]
pub(crate) async fn set(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(mailbox): Ids<MailboxId>,
    extract::Json(request): extract::Json<SubscriptionRequest>,
) -> Result<Json<Subscription>, Failure> {
    let permit = door.access.decide::<SetSubscription>(&caller.actor, mailbox).await?;
    Ok(Json(door.exchange.subscribe(permit, request).await?))
}

/// Take it back. What waits is posted no more, and dead letters are forgotten.
#[utoipa::path(
    delete, path = "/v1/subscriptions/{mailbox}", operation_id = "remove_subscription", tag = "subscriptions",
    params(("mailbox" = MailboxId, Path)),
    responses((status = 204, description = "Taken back"))
)]
pub(crate) async fn remove(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(mailbox): Ids<MailboxId>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetSubscription>(&caller.actor, mailbox).await?;
    door.exchange.unsubscribe(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}
