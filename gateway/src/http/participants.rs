//! Participants and the channels between them. Operators write, everybody who is logged in reads.

use std::sync::Arc;

use access::decide::{ReadParticipants, RegisterParticipant, SetChannel};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::Edrpou;
use schemas::registry::{Channel, Participant, ParticipantRegistration, Participants};

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::problem::Failure;

/// Read who takes part. About agencies and not about persons, so a reading leaves no audit row; a refusal does.
#[utoipa::path(
    get, path = "/v1/participants", operation_id = "read_participants", tag = "participants",
    responses((status = 200, body = Participants, description = "All participants, by code"))
)]
pub(crate) async fn list(State(door): State<Arc<Door>>, caller: Caller) -> Result<Json<Participants>, Failure> {
    let _permit = door.access.decide::<ReadParticipants>(&caller.actor, ()).await?;
    Ok(Json(Participants { participants: door.access.registry().participants().await? }))
}

/// Register a participant, or replace its registration.
#[utoipa::path(
    put, path = "/v1/participants/{edrpou}", operation_id = "register_participant", tag = "participants",
    params(("edrpou" = Edrpou, Path)), request_body = ParticipantRegistration,
    responses((status = 200, body = Participant, description = "As others see it"))
)]
pub(crate) async fn register(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(edrpou): Ids<Edrpou>,
    extract::Json(registration): extract::Json<ParticipantRegistration>,
) -> Result<Json<Participant>, Failure> {
    let permit = door.access.decide::<RegisterParticipant>(&caller.actor, edrpou).await?;
    Ok(Json(door.access.registry().register(permit, registration).await?))
}

/// Say which kinds of document a participant may send to a mailbox. No kinds: the channel is removed.
#[utoipa::path(
    put, path = "/v1/channels", operation_id = "set_channel", tag = "participants", request_body = Channel,
    responses((status = 204, description = "Set"))
)]
pub(crate) async fn set_channel(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(channel): extract::Json<Channel>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetChannel>(&caller.actor, channel.recipient.clone()).await?;
    door.access.registry().set_channel(permit, channel).await?;
    Ok(StatusCode::NO_CONTENT)
}
