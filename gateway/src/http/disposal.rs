//! Disposal acts: operators have them drawn up, hand in the two signatures of the commission, and read what came of them.

use std::sync::Arc;

use access::decide::{DisposeMessages, ReadRetention};
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use http::StatusCode;
use schemas::DisposalActId;
use schemas::limits::SIGNATURE_BYTES;
use schemas::retention::{Act, ActPage, ActRequest, ActSummary};
use serde::Deserialize;

use super::Door;
use super::extract::{self, Ids, Terms};
use super::identity::Caller;
use super::problem::Failure;
use super::{body, retention};

/// Which page of the acts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Only acts after this one: `next_after` of the page before.
    after: Option<DisposalActId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A detached signature as the body of a request.
pub(crate) struct Signature(Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Signature {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Failure> {
        let (parts, content) = request.into_parts();
        extract::media_type(&parts.headers, "application/pkcs7-signature")?;
        Ok(Self(body::whole(&parts.headers, content, SIGNATURE_BYTES).await?.into()))
    }
}

/// Draw up a disposal act over what is due of a class and under no legal hold.
///
/// The node adds the messages with the digests of their parts. Nothing is erased before two members of the commission have signed it.
#[utoipa::path(
    post, path = "/v1/disposal-acts", operation_id = "draw_disposal_act", tag = "retention", request_body = ActRequest,
    responses((status = 201, body = ActSummary, description = "Drawn up"))
)]
pub(crate) async fn draw(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(request): extract::Json<ActRequest>,
) -> Result<(StatusCode, Json<ActSummary>), Failure> {
    let permit = door.access.decide::<DisposeMessages>(&caller.actor, ()).await?;
    Ok((StatusCode::CREATED, Json(door.exchange.draw_act(permit, request).await?)))
}

/// Read which disposal acts there are, oldest first.
#[utoipa::path(
    get, path = "/v1/disposal-acts", operation_id = "read_disposal_acts", tag = "retention",
    params(Page),
    responses((status = 200, body = ActPage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<ActPage>, Failure> {
    let limit = retention::page_size(page.limit)?;
    let permit = door.access.decide::<ReadRetention>(&caller.actor, ()).await?;
    Ok(Json(door.exchange.acts(permit, page.after, limit).await?))
}

/// Download a disposal act: its document, byte for byte as it is signed, its signatures, and what came of it.
#[utoipa::path(
    get, path = "/v1/disposal-acts/{act}", operation_id = "read_disposal_act", tag = "retention",
    params(("act" = DisposalActId, Path)),
    responses((status = 200, body = Act, description = "The act"))
)]
pub(crate) async fn read(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(act): Ids<DisposalActId>,
) -> Result<Json<Act>, Failure> {
    let permit = door.access.decide::<ReadRetention>(&caller.actor, ()).await?;
    Ok(Json(door.exchange.act(permit, act).await?))
}

/// Hand in the signature of a member of the commission: detached CMS over exactly the document.
///
/// Two different persons sign; with the second signature the node erases what the act names. The same signature again changes nothing.
#[utoipa::path(
    post, path = "/v1/disposal-acts/{act}/signatures", operation_id = "sign_disposal_act", tag = "retention",
    params(("act" = DisposalActId, Path)),
    request_body(content = [u8], content_type = "application/pkcs7-signature", description = "CMS SignedData without content"),
    responses((status = 200, body = ActSummary, description = "Signed; with the second signature it is being carried out"))
)]
pub(crate) async fn sign(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(act): Ids<DisposalActId>,
    Signature(cms): Signature,
) -> Result<Json<ActSummary>, Failure> {
    let permit = door.access.decide::<DisposeMessages>(&caller.actor, ()).await?;
    Ok(Json(door.exchange.sign_act(permit, act, cms).await?))
}

/// Take an act back that does not have both its signatures. It stays readable; its number is free again.
#[utoipa::path(
    delete, path = "/v1/disposal-acts/{act}", operation_id = "withdraw_disposal_act", tag = "retention",
    params(("act" = DisposalActId, Path)),
    responses((status = 204, description = "Taken back"))
)]
pub(crate) async fn withdraw(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(act): Ids<DisposalActId>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<DisposeMessages>(&caller.actor, ()).await?;
    door.exchange.withdraw_act(permit, act).await?;
    Ok(StatusCode::NO_CONTENT)
}
