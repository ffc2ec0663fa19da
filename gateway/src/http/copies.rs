//! Copies of documents that people keep at the node, for themselves.

use std::sync::Arc;

use access::consent::SealedCopy;
use access::decide::{EraseCopy, ReadCopy, ReadOwnFile, StoreCopy};
use access::{Actor, Permit};
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use schemas::application::{OwnFile, StoredCopy};
use schemas::limits::COPY_BYTES;
use schemas::{CopyId, DocumentKind, PersonId, ProblemCode};
use serde::Deserialize;

use super::Door;
use super::body;
use super::extract::{Ids, Terms, media_type};
use super::identity::Caller;
use super::problem::Failure;

/// Media type of what a portal sealed.
const SEALED: &str = "application/octet-stream";

/// What kind of document is stored.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Kind {
    /// The kind of document that it is a copy of.
    kind: DocumentKind,
}

/// The sealed bytes of a copy.
pub(crate) struct Sealed(Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Sealed {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Failure> {
        let (parts, content) = request.into_parts();
        media_type(&parts.headers, SEALED)?;
        Ok(Self(body::whole(&parts.headers, content, COPY_BYTES).await?.into()))
    }
}

/// The person who asks. Whoever is none has nothing of their own here.
pub(super) fn person(actor: &Actor) -> Result<PersonId, Failure> {
    match actor {
        Actor::Person(person) => Ok(person.id),
        Actor::Participant { .. } | Actor::Token { .. } | Actor::Peer { .. } | Actor::Operator { .. } => {
            Err(Failure::new(ProblemCode::ActionForbidden))
        }
    }
}

/// The bytes of a copy, as they were sealed.
pub(super) fn bytes(copy: SealedCopy) -> Response {
    let mut response = Response::new(Body::from(copy.sealed));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SEALED));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Refuses HEAD where reading leaves a row that says that somebody saw something.
pub(super) fn seen_whole(method: &Method) -> Result<(), Failure> {
    if method == Method::HEAD { Err(Failure::new(ProblemCode::MethodNotAllowed)) } else { Ok(()) }
}

/// Keep a copy of a document at the node. It is stored as the portal sealed it: the node cannot open it.
#[utoipa::path(
    post, path = "/v1/copies", operation_id = "store_copy", tag = "applicants",
    params(Kind),
    request_body(content = [u8], content_type = "application/octet-stream", description = "The sealed copy, 1 MiB at most"),
    responses((status = 201, body = StoredCopy, description = "Stored"))
)]
pub(crate) async fn store(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(Kind { kind }): Terms<Kind>,
    Sealed(sealed): Sealed,
) -> Result<(StatusCode, Json<StoredCopy>), Failure> {
    let permit = door.access.decide::<StoreCopy>(&caller.actor, ()).await?;
    Ok((StatusCode::CREATED, Json(door.consent.store(permit, kind, sealed).await?)))
}

/// Read which copies you keep, and what you applied for.
#[utoipa::path(
    get, path = "/v1/copies", operation_id = "read_own_file", tag = "applicants",
    responses((status = 200, body = OwnFile, description = "Your copies, and the newest hundred of your applications"))
)]
pub(crate) async fn list(State(door): State<Arc<Door>>, caller: Caller) -> Result<Json<OwnFile>, Failure> {
    let permit: Permit<ReadOwnFile> = door.access.decide(&caller.actor, person(&caller.actor)?).await?;
    Ok(Json(door.consent.own_file(permit).await?))
}

/// Download one of your copies. HEAD is refused.
#[utoipa::path(
    get, path = "/v1/copies/{copy}", operation_id = "read_copy", tag = "applicants",
    params(("copy" = CopyId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8], description = "As it was sealed"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    method: Method,
    Ids(copy): Ids<CopyId>,
) -> Result<Response, Failure> {
    seen_whole(&method)?;
    let permit = door.decide_on::<ReadCopy, _>(&caller.actor, door.consent.copy(copy)).await?;
    Ok(bytes(door.consent.read_copy(permit).await?))
}

/// Have one of your copies erased. Detach it first from what is open.
#[utoipa::path(
    delete, path = "/v1/copies/{copy}", operation_id = "erase_copy", tag = "applicants",
    params(("copy" = CopyId, Path)),
    responses((status = 204, description = "Erased"))
)]
pub(crate) async fn erase(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(copy): Ids<CopyId>,
) -> Result<StatusCode, Failure> {
    let permit = door.decide_on::<EraseCopy, _>(&caller.actor, door.consent.copy(copy)).await?;
    door.consent.erase(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}
