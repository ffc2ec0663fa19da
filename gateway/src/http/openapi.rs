//! The OpenAPI 3.1 document, made from the handlers and the table of operations.
//!
//! The annotations of the handlers say what an operation takes and what it answers when all is well. Login and problems are
//! added here for every operation alike, from [`super::operations`], so that none can be forgotten. `schemas/openapi/v1.json`
//! is the document as released; a test keeps it equal (`UPDATE_GOLDEN=1` rewrites it), so that a change of the API is seen
//! in review.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use schemas::notice::Notice;
use schemas::{Problem, ProblemCode};
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::Door;
use super::identity::Caller;
use super::operations::{self, Operation};
use super::problem::{Failure, status};

/// Read this document.
#[utoipa::path(
    get, path = "/v1/openapi.json", operation_id = "read_openapi", tag = "openapi",
    responses((status = 200, content_type = "application/json", body = serde_json::Value, description = "OpenAPI 3.1"))
)]
pub(crate) async fn document(State(door): State<Arc<Door>>, _caller: Caller) -> Result<Response, Failure> {
    let media_type = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, media_type)], door.openapi.clone()).into_response())
}

/// The document, ready to be served.
pub(crate) fn serialised() -> Bytes {
    Bytes::from(format!("{:#}\n", complete()))
}

/// The document with everything that all operations share.
fn complete() -> Value {
    let (_, described) = super::described().split_for_parts();
    // The description is made of texts and maps with text keys; what could not be serialised would fail the golden test.
    let mut document = serde_json::to_value(described).unwrap_or_default();
    document["info"] = info();
    document["components"]["schemas"]["Problem"] = problem_schema();
    // What is posted, and by no operation of this document.
    document["components"]["schemas"]["Notice"] = serde_json::to_value(Notice::schema()).unwrap_or_default();
    document["components"]["securitySchemes"]["certificate"] = json!({
        "type": "mutualTLS",
        "description": "TLS 1.3 with the client certificate that an operator registered for the participant. \
            The handshake accepts any certificate whose key the client holds; a wrong one is answered with a login.* problem.",
    });
    document["components"]["securitySchemes"]["token"] = json!({
        "type": "http", "scheme": "bearer",
        "description": "A token that a head of the participant issued: it does what it was issued for, and no more.",
    });
    for (name, cookie) in [("internal", "__Host-vuzol-internal"), ("external", "__Host-vuzol-external")] {
        document["components"]["securitySchemes"][name] = json!({
            "type": "apiKey", "in": "cookie", "name": cookie,
            "description": "A session at this portal, which `log_in` opens. Requests other than GET and HEAD come from the portal's origin \
                and carry its token as Vuzol-Csrf.",
        });
    }
    document["security"] = security();
    for operation in operations::all() {
        let item = &mut document["paths"][operation.path][operation.method.as_str().to_ascii_lowercase()];
        item["security"] = if operations::is_for_strangers(operation) { json!([{}]) } else { security() };
        for (status, codes) in by_status(operation) {
            item["responses"][status.to_string()] = problem_response(&codes);
        }
    }
    plain_wildcards(&mut document["paths"]);
    sorted(document)
}

/// Any of these is a login.
fn security() -> Value {
    json!([{ "certificate": [] }, { "token": [] }, { "internal": [] }, { "external": [] }])
}

/// Keys in order, whatever order the maps of this build keep: the golden file must not depend on it.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members.into_iter().map(|(k, v)| (k, sorted(v))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn info() -> Value {
    json!({
        "title": "Vuzol",
        "version": "1",
        "license": { "name": "EUPL-1.2", "identifier": "EUPL-1.2" },
        "description": "Secure exchange of documents between the participants of a region. Every refusal is a problem \
            (RFC 9457) with a stable code, in English and Ukrainian. Every answer carries Vuzol-Request-Id.",
    })
}

/// The shape of a problem, with every code and its sentence.
fn problem_schema() -> Value {
    let mut schema = serde_json::to_value(Problem::schema()).unwrap_or_default();
    let lines: Vec<String> = ProblemCode::ALL.iter().map(|code| format!("- `{code}`: {}", code.text_en())).collect();
    schema["properties"]["code"]["enum"] = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    schema["properties"]["code"]["description"] = lines.join("\n").into();
    schema
}

fn by_status(operation: &Operation) -> BTreeMap<u16, Vec<ProblemCode>> {
    let mut codes: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in operation.problems() {
        codes.entry(status(code).as_u16()).or_default().push(code);
    }
    codes
}

fn problem_response(codes: &[ProblemCode]) -> Value {
    let names: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    json!({
        "description": names.join(", "),
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        "x-problem-codes": codes.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
    })
}

/// The router writes `{*path}` for a parameter with slashes, which OpenAPI does not know.
fn plain_wildcards(paths: &mut Value) {
    let Some(paths) = paths.as_object_mut() else { return };
    let wild: Vec<String> = paths.keys().filter(|path| path.contains("{*")).cloned().collect();
    for path in wild {
        if let Some(item) = paths.remove(&path) {
            paths.insert(path.replace("{*", "{"), item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/openapi/v1.json");

    #[test]
    fn the_released_document_is_what_the_code_says() {
        let document = String::from_utf8(serialised().to_vec()).unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(std::path::Path::new(GOLDEN).parent().unwrap()).unwrap();
            std::fs::write(GOLDEN, &document).unwrap();
        }
        let released = std::fs::read_to_string(GOLDEN).unwrap_or_default();
        assert!(
            released == document,
            "schemas/openapi/v1.json differs: if that is meant, run this test with UPDATE_GOLDEN=1"
        );
    }

    #[test]
    fn every_route_is_an_operation_of_the_table_and_the_other_way() {
        let (_, described) = super::super::described().split_for_parts();
        let described = serde_json::to_value(described).unwrap();
        let mut routes = BTreeSet::new();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                routes.insert((path.clone(), method.clone(), operation["operationId"].as_str().unwrap().to_owned()));
            }
        }
        let table = operations::all()
            .map(|o| (o.path.to_owned(), o.method.as_str().to_ascii_lowercase(), o.id.to_owned()))
            .collect::<BTreeSet<_>>();
        assert_eq!(routes, table);
        let ids: BTreeSet<_> = operations::all().map(|o| o.id).collect();
        assert_eq!(ids.len(), operations::all().count());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_asks_for_a_login() {
        let document = complete();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        for operation in document["paths"].as_object().unwrap().values().flat_map(|i| i.as_object().unwrap().values()) {
            assert!(operation["responses"]["401"]["x-problem-codes"].as_array().unwrap().len() >= 5);
            let to_a_session = ["request_challenge", "log_in", "begin_provider_login", "finish_provider_login"];
            let is_login = to_a_session.contains(&operation["operationId"].as_str().unwrap());
            assert_eq!(operation["security"], if is_login { json!([{}]) } else { security() });
        }
        assert!(document["paths"].get("/v1/log/tile/{path}").is_some());
    }
}
