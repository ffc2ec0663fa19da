//! Logins by signed challenge, and sessions, at the portals.

use std::sync::Arc;

use access::decide::EndSessions;
use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::{StatusCode, header};
use schemas::session::{
    ActingForRequest, ChallengeRequest, LoginChallenge, LoginRequest, SessionView, SessionsEnded, StepUpRequest,
};
use schemas::{PersonId, ProblemCode};

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::portals::{self, At, InSession};
use super::problem::Failure;

/// Ask for a text to be signed, for a login or for a deed.
///
/// The text says in Ukrainian what the signature does, and can be answered once, at this portal, within two minutes. The node keeps nothing
/// of it. For a deed there must be a session, and its `Vuzol-Csrf`.
#[utoipa::path(
    post, path = "/v1/logins/challenges", operation_id = "request_challenge", tag = "sessions",
    request_body = ChallengeRequest,
    responses((status = 200, body = LoginChallenge, description = "The text"))
)]
pub(crate) async fn challenge(
    State(door): State<Arc<Door>>,
    at: At,
    extract::Json(request): extract::Json<ChallengeRequest>,
) -> Result<Json<LoginChallenge>, Failure> {
    let confirms = match (request.deed, &at.entered) {
        (None, _) => None,
        (Some(deed), Some(entered)) => Some((deed, entered.session())),
        (Some(_), None) => return Err(ProblemCode::SessionMissing.into()),
    };
    Ok(Json(door.portals()?.challenge(at.portal, at.peer, confirms)?))
}

/// Log in: hand in the text with a CAdES signature over it.
///
/// What opens the session is set as a cookie. It is always a new one, whatever cookie the request brought.
#[utoipa::path(
    post, path = "/v1/logins", operation_id = "log_in", tag = "sessions", request_body = LoginRequest,
    responses((status = 201, body = SessionView, description = "A session is open"))
)]
pub(crate) async fn log_in(
    State(door): State<Arc<Door>>,
    at: At,
    extract::Json(request): extract::Json<LoginRequest>,
) -> Result<Response, Failure> {
    let portals = door.portals()?;
    let opened = portals.log_in(at.portal, at.peer, &request).await?;
    let cookie = AppendHeaders([(header::SET_COOKIE, portals::set_cookie(&opened)?)]);
    Ok((StatusCode::CREATED, cookie, Json(portals.view(&opened.entered))).into_response())
}

/// Look at one's own session: who, with which roles, until when; and the CSRF token.
#[utoipa::path(
    get, path = "/v1/session", operation_id = "read_session", tag = "sessions",
    responses((status = 200, body = SessionView, description = "The session"))
)]
pub(crate) async fn read(State(door): State<Arc<Door>>, session: InSession) -> Result<Json<SessionView>, Failure> {
    Ok(Json(door.portals()?.view(&session.entered)))
}

/// Act in the name of another participant from now on, or of nobody.
#[utoipa::path(
    post, path = "/v1/session/acting-for", operation_id = "act_for", tag = "sessions", request_body = ActingForRequest,
    responses((status = 200, body = SessionView, description = "The session as it acts now"))
)]
pub(crate) async fn act_for(
    State(door): State<Arc<Door>>,
    session: InSession,
    extract::Json(request): extract::Json<ActingForRequest>,
) -> Result<Json<SessionView>, Failure> {
    let portals = door.portals()?;
    let entered = portals.act_for(&session.entered, request.acting_for).await?;
    Ok(Json(portals.view(&entered)))
}

/// Confirm a deed with a fresh signature over a text that names it. It serves that deed for five minutes.
#[utoipa::path(
    post, path = "/v1/session/step-up", operation_id = "step_up", tag = "sessions", request_body = StepUpRequest,
    responses((status = 200, body = SessionView, description = "The session, with what is confirmed"))
)]
pub(crate) async fn step_up(
    State(door): State<Arc<Door>>,
    session: InSession,
    extract::Json(request): extract::Json<StepUpRequest>,
) -> Result<Json<SessionView>, Failure> {
    let portals = door.portals()?;
    let entered = portals.step_up(session.peer, &session.entered, &request).await?;
    Ok(Json(portals.view(&entered)))
}

/// Log out.
#[utoipa::path(
    delete, path = "/v1/session", operation_id = "log_out", tag = "sessions",
    responses((status = 204, description = "The session is over"))
)]
pub(crate) async fn log_out(State(door): State<Arc<Door>>, session: InSession) -> Result<Response, Failure> {
    door.portals()?.log_out(&session.entered).await?;
    let cookie = AppendHeaders([(header::SET_COOKIE, portals::clear_cookie(&session.entered)?)]);
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// End all sessions of a person, at both portals.
#[utoipa::path(
    post, path = "/v1/people/{person}/sessions/end", operation_id = "end_sessions", tag = "sessions",
    params(("person" = PersonId, Path)),
    responses((status = 200, body = SessionsEnded, description = "How many there were"))
)]
pub(crate) async fn end_all(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(person): Ids<PersonId>,
) -> Result<Json<SessionsEnded>, Failure> {
    let permit = door.access.decide::<EndSessions>(&caller.actor, ()).await?;
    let ended = door.portals()?.end_all(permit, person).await?;
    Ok(Json(SessionsEnded { ended }))
}
