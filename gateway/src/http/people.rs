//! The directory of people: operators keep it, heads see their own people and entrust them.

use std::sync::Arc;

use access::decide::{GrantResource, GrantRole, ReadPeople, RegisterPerson, RevokeRole};
use access::people::Term;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::directory::{GrantOutcome, PeoplePage, PersonEntry, PersonRegistration, RoleGrant};
use schemas::{AssignmentId, Edrpou, PersonId, ProblemCode};
use serde::Deserialize;

use super::Door;
use super::extract::{self, Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;
use super::retention::page_size;

/// Which page of the people.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only people after this one: `next_after` of the page before.
    after: Option<PersonId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Read who is or was in the directory, with their roles and what is proposed. Of their numbers only the kinds.
#[utoipa::path(
    get, path = "/v1/people", operation_id = "read_people", tag = "people",
    params(Page),
    responses((status = 200, body = PeoplePage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<PeoplePage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit = door.access.decide::<ReadPeople>(&caller.actor, None).await?;
    Ok(Json(door.people.list(permit, page.after, limit).await?))
}

/// Read who has a role within a participant, and only those roles.
#[utoipa::path(
    get, path = "/v1/participants/{edrpou}/people", operation_id = "read_people_of_participant", tag = "people",
    params(("edrpou" = Edrpou, Path), Page),
    responses((status = 200, body = PeoplePage, description = "One page"))
)]
pub(crate) async fn list_of_participant(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(edrpou): Ids<Edrpou>,
    Terms(page): Terms<Page>,
) -> Result<Json<PeoplePage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit = door.access.decide::<ReadPeople>(&caller.actor, Some(edrpou)).await?;
    Ok(Json(door.people.list(permit, page.after, limit).await?))
}

/// Enter a person into the directory. Who was removed comes back under the same id, without roles.
#[utoipa::path(
    post, path = "/v1/people", operation_id = "register_person", tag = "people", request_body = PersonRegistration,
    responses((status = 201, body = PersonEntry, description = "Entered"))
)]
pub(crate) async fn register(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(registration): extract::Json<PersonRegistration>,
) -> Result<(StatusCode, Json<PersonEntry>), Failure> {
    let permit = door.access.decide::<RegisterPerson>(&caller.actor, ()).await?;
    Ok((StatusCode::CREATED, Json(door.people.register(permit, registration).await?)))
}

/// Take a person out of the directory, and all their roles back.
#[utoipa::path(
    delete, path = "/v1/people/{person}", operation_id = "remove_person", tag = "people",
    params(("person" = PersonId, Path)),
    responses((status = 204, description = "Removed"))
)]
pub(crate) async fn remove(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(person): Ids<PersonId>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<RegisterPerson>(&caller.actor, ()).await?;
    door.people.remove(permit, person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Entrust a person with a role. Heads and roles of the node are proposed by one operator and confirmed, with the same request, by another
/// within a day.
#[utoipa::path(
    post, path = "/v1/people/{person}/roles", operation_id = "grant_role", tag = "people",
    params(("person" = PersonId, Path)), request_body = RoleGrant,
    responses(
        (status = 201, body = GrantOutcome, description = "Entrusted"),
        (status = 202, body = GrantOutcome, description = "Proposed: another operator must confirm"))
)]
pub(crate) async fn grant(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(person): Ids<PersonId>,
    extract::Json(grant): extract::Json<RoleGrant>,
) -> Result<(StatusCode, Json<GrantOutcome>), Failure> {
    let RoleGrant { role, participant, valid_from, valid_until } = grant;
    let resource = GrantResource { person, role, participant };
    let permit = door.access.decide::<GrantRole>(&caller.actor, resource).await?;
    let outcome = door.people.grant(permit, Term { from: valid_from, until: valid_until }).await?;
    let status = if outcome.proposal.is_some() { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, Json(outcome)))
}

/// Take a role back. One operator is enough, whatever the role.
#[utoipa::path(
    delete, path = "/v1/people/{person}/roles/{assignment}", operation_id = "revoke_role", tag = "people",
    params(("person" = PersonId, Path), ("assignment" = AssignmentId, Path)),
    responses((status = 204, description = "Taken back"))
)]
pub(crate) async fn revoke(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids((person, assignment)): Ids<(PersonId, AssignmentId)>,
) -> Result<StatusCode, Failure> {
    door.access.within_scopes::<RevokeRole>(&caller.actor)?;
    let found = door.people.assignment(person, assignment).await?;
    let resource = found.ok_or_else(|| Failure::new(ProblemCode::NotFound))?;
    let within = resource.participant;
    match door.access.decide::<RevokeRole>(&caller.actor, resource).await {
        Ok(permit) => door.people.revoke(permit, assignment).await?,
        // Who may not see the participant's people is not told that there is such a role.
        Err(denied) => {
            let sees = door.access.decide::<ReadPeople>(&caller.actor, within).await.is_ok();
            let failure = Failure::from(denied);
            return Err(if sees { failure } else { failure.hidden() });
        }
    }
    Ok(StatusCode::NO_CONTENT)
}
