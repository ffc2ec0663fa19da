//! Break-glass access: opened, used, ended, reviewed, listed.

use std::sync::Arc;

use access::Permit;
use access::decide::{EndBreakGlass, LookThroughGlass, OpenBreakGlass, ReadBreakGlass, ReviewBreakGlass};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{Method, StatusCode};
use schemas::break_glass::{BreakGlass, BreakGlassPage, BreakGlassRequest, OpenedCopies, ReviewRequest};
use schemas::{BreakGlassId, CopyId};
use serde::Deserialize;

use super::Door;
use super::copies::{bytes, seen_whole};
use super::extract::{self, Ids, Terms};
use super::identity::{Caller, Known};
use super::problem::Failure;
use super::retention::page_size;

/// Which page of the accesses.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Those that were reviewed too. Absent: only those that wait for a review.
    #[serde(default)]
    #[param(required = false)]
    all: bool,
    /// Only accesses before this one: `next_before` of the page before.
    before: Option<BreakGlassId>,
    /// How many at most: 1 to 100, which is the default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Open break-glass access to one application, or to one person's copies.
///
/// It takes a fresh signature that names this deed. The person is shown it at once, with its ground; it stands in the list of security officers
/// and auditors until another person has reviewed it. One person has one open at a time.
#[utoipa::path(
    post, path = "/v1/break-glass", operation_id = "open_break_glass", tag = "break-glass",
    request_body = BreakGlassRequest,
    responses((status = 201, body = BreakGlass, description = "Open, until `ends_at`"))
)]
pub(crate) async fn open(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(request): extract::Json<BreakGlassRequest>,
) -> Result<(StatusCode, Json<BreakGlass>), Failure> {
    let permit = door.decide_on::<OpenBreakGlass, _>(&caller.actor, door.break_glasses.opening(request.opens)).await?;
    Ok((StatusCode::CREATED, Json(door.break_glasses.open(permit, request).await?)))
}

/// Read the break-glass accesses of the node, or, acting for a centre, those that concern it. The newest first.
#[utoipa::path(
    get, path = "/v1/break-glass", operation_id = "read_break_glass", tag = "break-glass",
    params(Page),
    responses((status = 200, body = BreakGlassPage, description = "One page"))
)]
pub(crate) async fn list(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Terms(page): Terms<Page>,
) -> Result<Json<BreakGlassPage>, Failure> {
    let limit = page_size(page.limit)?;
    let permit = door.access.decide::<ReadBreakGlass>(&caller.actor, caller.actor.participant()).await?;
    Ok(Json(door.break_glasses.list(permit, page.all, page.before, limit).await?))
}

/// End a break-glass access before its time.
#[utoipa::path(
    post, path = "/v1/break-glass/{access}/end", operation_id = "end_break_glass", tag = "break-glass",
    params(("access" = BreakGlassId, Path)),
    responses((status = 200, body = BreakGlass, description = "Ended"))
)]
pub(crate) async fn end(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(access): Ids<BreakGlassId>,
) -> Result<Json<BreakGlass>, Failure> {
    let permit = door.decide_on::<EndBreakGlass, _>(&caller.actor, door.break_glasses.access(access, None)).await?;
    Ok(Json(door.break_glasses.end(permit).await?))
}

/// State whether it was right to open a break-glass access that is over. Not by who opened it, nor by whose data it opened; once.
#[utoipa::path(
    post, path = "/v1/break-glass/{access}/review", operation_id = "review_break_glass", tag = "break-glass",
    params(("access" = BreakGlassId, Path)), request_body = ReviewRequest,
    responses((status = 200, body = BreakGlass, description = "Reviewed"))
)]
pub(crate) async fn review(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(access): Ids<BreakGlassId>,
    extract::Json(request): extract::Json<ReviewRequest>,
) -> Result<Json<BreakGlass>, Failure> {
    let permit = door.decide_on::<ReviewBreakGlass, _>(&caller.actor, door.break_glasses.access(access, None)).await?;
    Ok(Json(door.break_glasses.review(permit, request).await?))
}

async fn may_look(
    door: &Door,
    known: &Known,
    access: BreakGlassId,
    copy: Option<CopyId>,
) -> Result<Permit<LookThroughGlass>, Failure> {
    door.decide_on(&known.actor, door.break_glasses.access(access, copy)).await
}

/// Read which copies your break-glass access opens. Their owner is shown that you did. HEAD is refused.
#[utoipa::path(
    get, path = "/v1/break-glass/{access}/copies", operation_id = "list_opened_copies", tag = "break-glass",
    params(("access" = BreakGlassId, Path)),
    responses((status = 200, body = OpenedCopies, description = "Them"))
)]
pub(crate) async fn copies(
    State(door): State<Arc<Door>>,
    caller: Caller,
    method: Method,
    Ids(access): Ids<BreakGlassId>,
) -> Result<Json<OpenedCopies>, Failure> {
    seen_whole(&method)?;
    let permit = may_look(&door, &caller, access, None).await?;
    Ok(Json(door.break_glasses.copies(permit).await?))
}

/// Look at a copy under your break-glass access. Its owner is shown that you did, and on what ground. HEAD is refused.
#[utoipa::path(
    get, path = "/v1/break-glass/{access}/copies/{copy}", operation_id = "look_through_glass", tag = "break-glass",
    params(("access" = BreakGlassId, Path), ("copy" = CopyId, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8], description = "As it was sealed"))
)]
pub(crate) async fn look(
    State(door): State<Arc<Door>>,
    caller: Caller,
    method: Method,
    Ids((access, copy)): Ids<(BreakGlassId, CopyId)>,
) -> Result<Response, Failure> {
    seen_whole(&method)?;
    let permit = may_look(&door, &caller, access, Some(copy)).await?;
    Ok(bytes(door.break_glasses.look(permit).await?))
}
