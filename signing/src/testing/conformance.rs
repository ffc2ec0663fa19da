//! Whether a report is what its JSON Schema says. Knows the words that the schema uses, and no others; stricter than the standard in one thing: a field
//! that the schema does not name is a fault.

use schemas::report::{Report, json_schema};
use serde_json::Value;

/// Every report that a test makes comes by here.
#[track_caller]
pub(crate) fn assert_conforms(report: &Report) {
    let schema = json_schema().unwrap();
    let value = serde_json::to_value(report).unwrap();
    if let Err(fault) = check(&value, &schema, &schema, "report") {
        panic!("{fault}\n{value:#}");
    }
    // And nothing is lost on the way.
    assert_eq!(serde_json::from_value::<Report>(value).unwrap(), *report);
}

fn check(value: &Value, schema: &Value, whole: &Value, at: &str) -> Result<(), String> {
    let fields = schema.as_object().ok_or_else(|| format!("{at}: no schema"))?;
    for (word, operand) in fields {
        let holds = match word.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" => true,
            "minimum" => value.as_u64() >= operand.as_u64(),
            "$ref" => {
                let target = operand.as_str().and_then(|target| whole.pointer(target.strip_prefix('#')?));
                check(value, target.ok_or_else(|| format!("{at}: {operand}"))?, whole, at)?;
                true
            }
            "type" => match operand {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(value, kind)),
                kind => is_of(value, kind),
            },
            "enum" => operand.as_array().is_some_and(|values| values.contains(value)),
            "oneOf" => {
                let fits = |one: &&Value| check(value, one, whole, at).is_ok();
                operand.as_array().is_some_and(|schemas| schemas.iter().filter(fits).count() == 1)
            }
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(item, operand, whole, &format!("{at}[{number}]"))?;
                }
                true
            }
            "required" => operand
                .as_array()
                .is_some_and(|names| names.iter().filter_map(Value::as_str).all(|name| value.get(name).is_some())),
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    let schema = operand.get(name).ok_or_else(|| format!("{at}.{name}: no such field"))?;
                    check(field, schema, whole, &format!("{at}.{name}"))?;
                }
                true
            }
            other => return Err(format!("{at}: this test does not know {other}")),
        };
        if !holds {
            return Err(format!("{at}: {word} {operand}"));
        }
    }
    Ok(())
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => false,
    }
}

#[test]
fn a_report_that_is_none_is_noticed() {
    let schema = json_schema().unwrap();
    let report = Report {
        format: "CMS".into(),
        digest: String::new(),
        validated_at: String::new(),
        policy: String::new(),
        trust: String::new(),
        signatures: Vec::new(),
        timestamps: Vec::new(),
        unsigned_parts: Vec::new(),
    };
    assert_conforms(&report);
    let good = serde_json::to_value(&report).unwrap();
    let with = |name: &str, field: Value| {
        let mut changed = good.clone();
        changed[name] = field;
        check(&changed, &schema, &schema, "report")
    };
    assert!(with("format", Value::Null).is_err());
    assert!(with("other", Value::Null).is_err());
    assert!(with("signatures", serde_json::json!([{}])).is_err());
    let mut less = good.clone();
    less.as_object_mut().unwrap().remove("policy");
    assert!(check(&less, &schema, &schema, "report").is_err());
}
