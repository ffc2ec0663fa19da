//! Entering participants, people and roles in bulk, and taking that back.

use std::sync::Arc;

use access::decide::ImportDirectory;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::ImportId;
use schemas::directory::{ImportOutcome, ImportRequest, ImportUndone};
use schemas::limits::IMPORT_BYTES;

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::problem::Failure;

/// Enter participants, people and roles from tables: all of it or nothing. With heads or roles of the node among them one operator proposes,
/// and another confirms by handing in the same within a day. A dry run says what would be entered, and of each wrong row where and why.
#[utoipa::path(
    post, path = "/v1/directory/import", operation_id = "import_directory", tag = "people", request_body = ImportRequest,
    responses(
        (status = 200, body = ImportOutcome, description = "A dry run, or everything was there already: nothing is entered"),
        (status = 201, body = ImportOutcome, description = "Entered"),
        (status = 202, body = ImportOutcome, description = "Proposed: another operator must confirm"))
)]
pub(crate) async fn import(
    State(door): State<Arc<Door>>,
    caller: Caller,
    extract::Json(request): extract::Json<ImportRequest, IMPORT_BYTES>,
) -> Result<(StatusCode, Json<ImportOutcome>), Failure> {
    let permit = door.access.decide::<ImportDirectory>(&caller.actor, ()).await?;
    let outcome = door.people.import(permit, door.access.registry(), request).await?;
    let status = match (&outcome.import, &outcome.proposal) {
        (Some(_), _) => StatusCode::CREATED,
        (None, Some(_)) => StatusCode::ACCEPTED,
        (None, None) => StatusCode::OK,
    };
    Ok((status, Json(outcome)))
}

/// Take back what an import entered: roles are taken back, people removed, participants suspended, as far as nothing else rests on them.
#[utoipa::path(
    post, path = "/v1/directory/import/{import}/undo", operation_id = "undo_import", tag = "people",
    params(("import" = ImportId, Path)),
    responses((status = 200, body = ImportUndone, description = "Taken back; what stays is named"))
)]
pub(crate) async fn undo(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(import): Ids<ImportId>,
) -> Result<Json<ImportUndone>, Failure> {
    let permit = door.access.decide::<ImportDirectory>(&caller.actor, ()).await?;
    Ok(Json(door.people.undo_import(permit, door.access.registry(), import).await?))
}
