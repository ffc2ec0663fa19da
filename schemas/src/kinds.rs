//! Metadata of documents, and the schemas that they may be held against: JSON Schema, draft 2020-12, one for each kind of document
//! and version, under `schemas/kinds/<kind>/<version>.json`. A released version is never changed; the next one gets a file of its own.
//!
//! Metadata travel in the envelope, which the node reads, keeps and shows: nothing that tells of a person belongs there, and no
//! schema here asks for any.
//!
//! A schema is named by a URI, and a name is all that it is: nothing is ever fetched. What has no file here is unknown.
//!
//! The check is this crate's own (`schema`). The crates that implement all of JSON Schema were weighed: with every feature off the
//! best kept of them brings some thirty others, among them an engine of regular expressions that backtracks and arithmetic
//! without bounds, for schemas that need none of it. The vocabulary that is served is listed there; a schema that uses
//! another keyword does not compile, which a test would find.

mod schema;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::limits::{METADATA_BYTES, METADATA_DEPTH};
use schema::Schema;
pub use schema::Violation;

/// What a sender states of a document, beside the envelope's own fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The schema that the content follows, by its URI; one of `/v1/schemas`. It is never fetched.
    #[schema(example = "urn:vuzol:kind:letter:1")]
    pub schema: String,
    /// The content: at most 8 KiB as JSON without white space, and 8 levels deep. Never anything about a person.
    #[schema(value_type = Object)]
    pub content: Map<String, Value>,
}

/// Why metadata are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// The schema is none of this node's.
    #[error("the schema is none of this node's")]
    UnknownSchema,
    /// Too large or too deep.
    #[error("{0}")]
    OutOfBounds(&'static str),
    /// Not as the schema demands: the first violations, at most [`VIOLATIONS`].
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Invalid(Vec<Violation>),
}

/// How many violations are named.
pub const VIOLATIONS: usize = 8;

impl Metadata {
    /// Whether they are bounded and follow the schema that they name.
    ///
    /// # Errors
    /// [`MetadataFault`]; it names places and keywords, never a value.
    pub fn check(&self) -> Result<(), MetadataFault> {
        let known = known(&self.schema).ok_or(MetadataFault::UnknownSchema)?;
        if !self.content.values().all(|value| shallow(value, METADATA_DEPTH - 1)) {
            return Err(MetadataFault::OutOfBounds("content: at most 8 levels deep"));
        }
        let size = serde_json::to_vec(&self.content).map_or(usize::MAX, |json| json.len());
        if size > METADATA_BYTES {
            return Err(MetadataFault::OutOfBounds("content: at most 8192 bytes"));
        }
        let violations = known.schema.violations(&self.content, VIOLATIONS);
        if violations.is_empty() { Ok(()) } else { Err(MetadataFault::Invalid(violations)) }
    }

    /// The octets that evidence names the digest of: JSON with sorted keys and without white space, as messages show it too.
    #[must_use]
    pub fn octets(&self) -> Vec<u8> {
        let mut octets = br#"{"schema":"#.to_vec();
        write_text(&self.schema, &mut octets);
        octets.extend_from_slice(br#","content":"#);
        write_members(&self.content, &mut octets);
        octets.push(b'}');
        octets
    }
}

/// With sorted keys, whatever order the map keeps: that is a feature of its crate, which any other crate may switch.
fn write(value: &Value, octets: &mut Vec<u8>) {
    match value {
        Value::Object(members) => write_members(members, octets),
        Value::Array(items) => {
            octets.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    octets.push(b',');
                }
                write(item, octets);
            }
            octets.push(b']');
        }
        Value::String(text) => write_text(text, octets),
        Value::Null | Value::Bool(_) | Value::Number(_) => octets.extend_from_slice(value.to_string().as_bytes()),
    }
}

fn write_members(members: &Map<String, Value>, octets: &mut Vec<u8>) {
    let sorted: BTreeMap<&String, &Value> = members.iter().collect();
    octets.push(b'{');
    for (place, (name, value)) in sorted.into_iter().enumerate() {
        if place > 0 {
            octets.push(b',');
        }
        write_text(name, octets);
        octets.push(b':');
        write(value, octets);
    }
    octets.push(b'}');
}

fn write_text(text: &str, octets: &mut Vec<u8>) {
    octets.extend_from_slice(Value::from(text).to_string().as_bytes());
}

/// Whether nothing in it lies deeper than that many levels.
fn shallow(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| shallow(item, levels - 1)),
        Value::Object(members) => levels > 0 && members.values().all(|member| shallow(member, levels - 1)),
        _ => true,
    }
}

/// A schema that this node knows.
pub struct KnownSchema {
    /// The kind of document, and the first part of the path under which it is served.
    pub kind: &'static str,
    /// Its version, from 1.
    pub version: u32,
    /// The schema as it is served.
    pub text: &'static str,
    uri: String,
    schema: Schema,
}

impl KnownSchema {
    /// Its URI: `$id`.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }
}

/// The schema of this URI.
#[must_use]
pub fn known(uri: &str) -> Option<&'static KnownSchema> {
    KNOWN.iter().find(|known| known.uri == uri)
}

/// Every schema of this node, by kind and version.
pub fn all() -> impl Iterator<Item = &'static KnownSchema> {
    KNOWN.iter()
}

macro_rules! released {
    ($($kind:literal $version:literal,)*) => {
        const RELEASED: &[(&str, u32, &str)] =
            &[$(($kind, $version, include_str!(concat!("../kinds/", $kind, "/", $version, ".json")))),*];
    };
}

released! {
    "application" 1,
    "letter" 1,
    "order" 1,
    "reply" 1,
}

/// Compiled once. What does not compile is left out, so that nothing is accepted by it; a test holds that all do.
static KNOWN: LazyLock<Vec<KnownSchema>> = LazyLock::new(|| {
    let compiled = |&(kind, version, text): &(&'static str, u32, &'static str)| {
        let (uri, schema) = schema::compile(text)?;
        Some(KnownSchema { kind, version, text, uri, schema })
    };
    RELEASED.iter().filter_map(compiled).collect()
});

/// What a node tells of a schema that it knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SchemaEntry {
    /// What metadata and channels name it by.
    pub uri: String,
    /// The kind of document.
    pub kind: String,
    /// The version, from 1.
    pub version: u32,
    /// Where this node serves it.
    pub path: String,
}

/// The schemas that a node knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SchemaList {
    /// By kind and version.
    pub schemas: Vec<SchemaEntry>,
}

impl SchemaList {
    /// What this binary knows.
    #[must_use]
    pub fn known() -> Self {
        let entry = |known: &KnownSchema| SchemaEntry {
            uri: known.uri.clone(),
            kind: known.kind.to_owned(),
            version: known.version,
            path: format!("/v1/schemas/{}/{}", known.kind, known.version),
        };
        Self { schemas: all().map(entry).collect() }
    }
}

#[cfg(test)]
mod tests;
