//! Participants and the channels between them. Operators write, everybody who is logged in reads.

use std::sync::Arc;

use access::decide::{ReadParticipants, RegisterParticipant, SetChannel};
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::limits::{PAGE_ITEMS, SEARCH_CHARACTERS};
use schemas::registry::{Channel, Participant, ParticipantQuery, ParticipantRegistration, Participants};
use schemas::{Edrpou, ProblemCode};

use super::Door;
use super::extract::{self, Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;

/// Read who takes part, by code. About agencies and not about persons, so a reading leaves no audit row; a refusal does.
#[utoipa::path(
    get, path = "/v1/participants", operation_id = "read_participants", tag = "participants",
    params(ParticipantQuery),
    responses((status = 200, body = Participants, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(query): Terms<ParticipantQuery>,
) -> Result<Json<Participants>, Failure> {
    if query.limit.is_some_and(|limit| !(1..=PAGE_ITEMS).contains(&limit)) {
        return Err(Failure::new(ProblemCode::MalformedQuery).detail(format!("limit is 1 to {PAGE_ITEMS}")));
    }
    if query.query.as_ref().is_some_and(|text| text.chars().count() > SEARCH_CHARACTERS) {
        let bound = format!("query is at most {SEARCH_CHARACTERS} characters");
        return Err(Failure::new(ProblemCode::MalformedQuery).detail(bound));
    }
    let _permit = door.access.decide::<ReadParticipants>(&caller.actor, ()).await?;
    Ok(Json(door.access.registry().participants(&query).await?))
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

/// Say which kinds of document a participant may send to a mailbox, and under which terms. No kinds: the channel is removed.
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
