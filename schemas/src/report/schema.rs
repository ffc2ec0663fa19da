//! JSON Schema (draft 2020-12) of the report, written by the code. `schemas/report.schema.json` is its golden file.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::Report;

/// The schema of [`Report`], with that of everything in it under `$defs`.
///
/// # Errors
/// Where the description in the code is no JSON; that would be ours to mend.
pub fn json_schema() -> Result<Value, serde_json::Error> {
    let mut parts = Vec::new();
    Report::schemas(&mut parts);
    parts.push((Report::name().into_owned(), Report::schema()));
    let mut definitions = Map::new();
    for (name, schema) in parts {
        definitions.insert(name, inside(serde_json::to_value(schema)?));
    }
    Ok(inside(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:vuzol:schemas:report",
        "title": "Report of a signature validation",
        "$ref": "#/$defs/Report",
        "$defs": definitions,
    })))
}

/// The same with references that lead into this document. Nested no deeper than the types are.
fn inside(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("#/components/schemas/", "#/$defs/")),
        Value::Array(items) => items.into_iter().map(inside).collect(),
        // In the order of the names, whatever the build's map keeps.
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.into_iter().map(|(name, field)| (name, inside(field))).collect();
            sorted.into_iter().collect()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/report.schema.json");

    #[test]
    fn the_released_schema_is_what_the_code_says() {
        let mut schema = serde_json::to_string_pretty(&json_schema().unwrap()).unwrap();
        schema.push('\n');
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(GOLDEN, &schema).unwrap();
        }
        let released = std::fs::read_to_string(GOLDEN).unwrap_or_default();
        assert!(released == schema, "report.schema.json differs: if that is meant, run this test with UPDATE_GOLDEN=1");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                Value::Object(fields) => fields.iter().for_each(|(name, field)| match field.as_str() {
                    Some(target) if name == "$ref" => found.push(target.to_owned()),
                    _ => references(field, found),
                }),
                _ => {}
            }
        }
        let schema = json_schema().unwrap();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 10, "{found:?}");
        for target in found {
            assert!(schema.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
    }
}
