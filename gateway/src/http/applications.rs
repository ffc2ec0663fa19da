//! Applications of people for services of a centre, and what is attached to them.

use std::sync::Arc;

use access::Permit;
use access::decide::{
    ApplyForService, AttachCopy, CloseApplication, ListApplications, LookAtCopy, ReadApplication, WithdrawApplication,
};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{Method, StatusCode};
use schemas::application::{Application, ApplicationPage, ApplicationRequest, Closing};
use schemas::purpose::PurposeName;
use schemas::{ApplicationId, CopyId, ProblemCode};
use serde::Deserialize;

use super::Door;
use super::copies::{bytes, seen_whole};
use super::extract::{self, Ids, Stated, Terms};
use super::identity::{Caller, Known};
use super::problem::Failure;
use super::retention::page_size;

/// Which page of the applications.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only applications after this one: `next_after` of the page before.
    after: Option<ApplicationId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Apply for a service of a centre. The centre sees that, and what you attach, and nothing else of yours.
#[utoipa::path(
    post, path = "/v1/applications", operation_id = "apply_for_service", tag = "applicants",
    request_body = ApplicationRequest,
    responses((status = 201, body = Application, description = "Made"))
)]
pub(crate) async fn apply(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(request): extract::Json<ApplicationRequest>,
) -> Result<(StatusCode, Json<Application>), Failure> {
    let permit = door.access.decide::<ApplyForService>(&caller.actor, request.centre).await?;
    Ok((StatusCode::CREATED, Json(door.consent.apply(permit, request.service).await?)))
}

/// Read the applications at the centre that you act for, oldest first. Those that were withdrawn are not among them.
#[utoipa::path(
    get, path = "/v1/applications", operation_id = "list_applications", tag = "applicants",
    params(Page),
    responses((status = 200, body = ApplicationPage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<ApplicationPage>, Failure> {
    let limit = page_size(page.limit)?;
    let centre = caller.actor.participant().ok_or(ProblemCode::ActionForbidden)?;
    let permit = door.access.decide::<ListApplications>(&caller.actor, centre).await?;
    Ok(Json(door.consent.applications(permit, page.after, limit).await?))
}

/// Read an application, and the numbers of the copies that are attached to it.
#[utoipa::path(
    get, path = "/v1/applications/{application}", operation_id = "read_application", tag = "applicants",
    params(("application" = ApplicationId, Path)),
    responses((status = 200, body = Application, description = "The application"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(application): Ids<ApplicationId>,
) -> Result<Json<Application>, Failure> {
    let permit = door.decide_on::<ReadApplication, _>(&caller.actor, door.consent.application(application)).await?;
    Ok(Json(door.consent.read_application(permit).await?))
}

/// Withdraw an application. From the answer on the centre sees nothing of it.
#[utoipa::path(
    post, path = "/v1/applications/{application}/withdraw", operation_id = "withdraw_application", tag = "applicants",
    params(("application" = ApplicationId, Path)),
    responses((status = 200, body = Application, description = "Withdrawn"))
)]
pub(crate) async fn withdraw(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(application): Ids<ApplicationId>,
) -> Result<Json<Application>, Failure> {
    let permit = door.decide_on::<WithdrawApplication, _>(&caller.actor, door.consent.application(application)).await?;
    Ok(Json(door.consent.withdraw(permit).await?))
}

/// Close an application. What is attached to it is seen as long as its class of retention says.
#[utoipa::path(
    post, path = "/v1/applications/{application}/close", operation_id = "close_application", tag = "applicants",
    params(("application" = ApplicationId, Path)), request_body = Closing,
    responses((status = 200, body = Application, description = "Closed"))
)]
pub(crate) async fn close(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(application): Ids<ApplicationId>,
    extract::Json(closing): extract::Json<Closing>,
) -> Result<Json<Application>, Failure> {
    let permit = door.decide_on::<CloseApplication, _>(&caller.actor, door.consent.application(application)).await?;
    Ok(Json(door.consent.close(permit, closing).await?))
}

async fn may_move(
    door: &Door,
    known: &Known,
    (application, copy): (ApplicationId, CopyId),
) -> Result<Permit<AttachCopy>, Failure> {
    door.decide_on(&known.actor, door.consent.attachment(application, copy)).await
}

/// Attach one of your copies to your open application: the centre sees it from now on.
#[utoipa::path(
    put, path = "/v1/applications/{application}/copies/{copy}", operation_id = "attach_copy", tag = "applicants",
    params(("application" = ApplicationId, Path), ("copy" = CopyId, Path)),
    responses((status = 200, body = Application, description = "Attached"))
)]
pub(crate) async fn attach(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(ids): Ids<(ApplicationId, CopyId)>,
) -> Result<Json<Application>, Failure> {
    let permit = may_move(&door, &caller, ids).await?;
    Ok(Json(door.consent.attach(permit).await?))
}

/// Detach a copy from your open application: the centre sees it no more.
#[utoipa::path(
    delete, path = "/v1/applications/{application}/copies/{copy}", operation_id = "detach_copy", tag = "applicants",
    params(("application" = ApplicationId, Path), ("copy" = CopyId, Path)),
    responses((status = 200, body = Application, description = "Detached"))
)]
pub(crate) async fn detach(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(ids): Ids<(ApplicationId, CopyId)>,
) -> Result<Json<Application>, Failure> {
    let permit = may_move(&door, &caller, ids).await?;
    Ok(Json(door.consent.detach(permit).await?))
}

/// Look at a copy that is attached to an application at your centre. Its owner is shown that you did, and what for. HEAD is refused.
#[utoipa::path(
    get, path = "/v1/applications/{application}/copies/{copy}", operation_id = "look_at_copy", tag = "applicants",
    params(
        ("application" = ApplicationId, Path), ("copy" = CopyId, Path),
        ("Vuzol-Purpose" = PurposeName, Header, description = "What for: one of `/v1/purposes`")
    ),
    responses((status = 200, content_type = "application/octet-stream", body = [u8], description = "As it was sealed"))
)]
pub(crate) async fn look(
    State(door): State<Arc<Door>>,
    caller: Caller,
    method: Method,
    Ids((application, copy)): Ids<(ApplicationId, CopyId)>,
    Stated(stated): Stated,
) -> Result<Response, Failure> {
    seen_whole(&method)?;
    let purpose = stated.map(|text| door.purposes.stated(Some(&text))).transpose()?;
    let facts = door.consent.facts_of_look(application, copy, purpose);
    let permit = door.decide_on::<LookAtCopy, _>(&caller.actor, facts).await?;
    Ok(bytes(door.consent.look(permit).await?))
}
