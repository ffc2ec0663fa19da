//! Where documents go: functional addresses, suspensions, and whether a document could be sent. Operators write; everybody who is
//! logged in resolves, participants ask.

use std::sync::Arc;

use access::decide::{CheckDelivery, ResolveAddress, SetAddress, SetSuspension};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::ProblemCode;
use schemas::routing::{AddressQuery, CapabilityQuery, Deliverability, FunctionalAddress, Suspension};

use super::Door;
use super::extract::{self, Terms};
use super::identity::Caller;
use super::problem::Failure;

/// Find the mailbox of a service in an area.
///
/// The address stated for the area itself, else for the hromada, the raion or the oblast that holds it, else for the service
/// without an area. As public to participants as their list, so a reading leaves no audit row; a refusal does.
#[utoipa::path(
    get, path = "/v1/addresses", operation_id = "resolve_address", tag = "routing",
    params(AddressQuery),
    responses((status = 200, body = FunctionalAddress, description = "The address, with the area that it was stated for"))
)]
pub(crate) async fn resolve(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(query): Terms<AddressQuery>,
) -> Result<Json<FunctionalAddress>, Failure> {
    let _permit = door.access.decide::<ResolveAddress>(&caller.actor, ()).await?;
    let address = door.access.registry().functional_address(&query.service, query.area).await?;
    Ok(Json(address.ok_or(ProblemCode::NotFound)?))
}

/// Say which mailbox the documents of a service in an area go to.
#[utoipa::path(
    put, path = "/v1/addresses", operation_id = "set_address", tag = "routing", request_body = FunctionalAddress,
    responses((status = 204, description = "Set"))
)]
pub(crate) async fn set(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(address): extract::Json<FunctionalAddress>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetAddress>(&caller.actor, address.service.clone()).await?;
    door.access.registry().set_address(permit, address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take back what was said of a service in exactly this area: a wider one decides again.
#[utoipa::path(
    delete, path = "/v1/addresses", operation_id = "remove_address", tag = "routing",
    params(AddressQuery),
    responses((status = 204, description = "Taken back"))
)]
pub(crate) async fn remove(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(query): Terms<AddressQuery>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetAddress>(&caller.actor, query.service).await?;
    door.access.registry().remove_address(permit, query.area).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stop everybody from sending to a participant or a mailbox, or let them again. What was accepted before is delivered.
#[utoipa::path(
    put, path = "/v1/suspensions", operation_id = "set_suspension", tag = "routing", request_body = Suspension,
    responses((status = 204, description = "Set"))
)]
pub(crate) async fn suspend(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(suspension): extract::Json<Suspension>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetSuspension>(&caller.actor, suspension.address.clone()).await?;
    door.access.registry().set_suspension(permit, suspension).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask whether a document could be sent now.
///
/// Who has no channel to the mailbox is told what a submission would be answered with, and nothing of the recipient.
#[utoipa::path(
    get, path = "/v1/capabilities", operation_id = "check_delivery", tag = "routing",
    params(CapabilityQuery),
    responses((status = 200, body = Deliverability, description = "Whether, and what stands in the way"))
)]
pub(crate) async fn capabilities(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(question): Terms<CapabilityQuery>,
) -> Result<Json<Deliverability>, Failure> {
    let permit = door.access.decide::<CheckDelivery>(&caller.actor, ()).await?;
    Ok(Json(door.access.check_delivery(&permit, &question, door.document_bytes, door.exchange.has_ring()).await?))
}
