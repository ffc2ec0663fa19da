//! The schemas that metadata are held against, as files: whoever has a certificate may read them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use schemas::ProblemCode;
use schemas::kinds::{SchemaList, all};

use super::extract::Ids;
use super::identity::Caller;
use super::problem::Failure;

/// List the schemas that metadata may follow.
#[utoipa::path(
    get, path = "/v1/schemas", operation_id = "list_schemas", tag = "schemas",
    responses((status = 200, body = SchemaList, description = "Every schema of this node"))
)]
pub(crate) async fn list(_caller: Caller) -> Json<SchemaList> {
    Json(SchemaList::known())
}

/// Read a schema, which never changes.
#[utoipa::path(
    get, path = "/v1/schemas/{kind}/{version}", operation_id = "read_schema", tag = "schemas",
    params(("kind" = String, Path, description = "The kind of document"), ("version" = u32, Path, description = "From 1")),
    responses((status = 200, content_type = "application/schema+json", body = serde_json::Value, description = "JSON Schema, draft 2020-12"))
)]
pub(crate) async fn read(_caller: Caller, Ids((kind, version)): Ids<(String, u32)>) -> Result<Response, Failure> {
    let found = all().find(|known| known.kind == kind && known.version == version);
    let found = found.ok_or(ProblemCode::NotFound)?;
    let media_type = HeaderValue::from_static("application/schema+json");
    let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
    Ok(([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, forever)], found.text).into_response())
}
