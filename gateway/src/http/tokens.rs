//! API tokens of a participant's systems. Its heads issue them, at the portal of officials.

use std::sync::Arc;

use access::decide::{IssueToken, ReadTokens, RevokeToken};
use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode, header};
use schemas::session::{IssuedToken, TokenList, TokenRequest};
use schemas::{Edrpou, TokenId};

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::problem::Failure;

/// The token that a request carries (RFC 6750, 2.1); none where it carries no `Authorization`. What stands there and is no token is an empty
/// one, which nobody has.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    Some(if scheme.eq_ignore_ascii_case("bearer") { token } else { "" })
}

/// Issue a token to a participant's systems.
///
/// What it may do is named by actions; it expires by itself. The secret is in this answer and nowhere else. Takes a fresh signature that
/// names this deed.
#[utoipa::path(
    post, path = "/v1/participants/{edrpou}/tokens", operation_id = "issue_token", tag = "tokens", request_body = TokenRequest,
    params(("edrpou" = Edrpou, Path)),
    responses((status = 201, body = IssuedToken, description = "Issued"))
)]
pub(crate) async fn issue(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(edrpou): Ids<Edrpou>,
    extract::Json(request): extract::Json<TokenRequest>,
) -> Result<(StatusCode, Json<IssuedToken>), Failure> {
    let permit = door.access.decide::<IssueToken>(&caller.actor, edrpou).await?;
    Ok((StatusCode::CREATED, Json(door.tokens.issue(permit, &request).await?)))
}

/// See which tokens a participant's systems have, the newest first.
#[utoipa::path(
    get, path = "/v1/participants/{edrpou}/tokens", operation_id = "read_tokens", tag = "tokens",
    params(("edrpou" = Edrpou, Path)),
    responses((status = 200, body = TokenList, description = "Them, without what opens anything"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(edrpou): Ids<Edrpou>,
) -> Result<Json<TokenList>, Failure> {
    let permit = door.access.decide::<ReadTokens>(&caller.actor, edrpou).await?;
    Ok(Json(door.tokens.list(permit).await?))
}

/// Take a token back. Takes a fresh signature that names this deed.
#[utoipa::path(
    delete, path = "/v1/participants/{edrpou}/tokens/{token}", operation_id = "revoke_token", tag = "tokens",
    params(("edrpou" = Edrpou, Path), ("token" = TokenId, Path)),
    responses((status = 204, description = "It opens nothing any more"))
)]
pub(crate) async fn revoke(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids((edrpou, token)): Ids<(Edrpou, TokenId)>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<RevokeToken>(&caller.actor, edrpou).await?;
    door.tokens.revoke(permit, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
