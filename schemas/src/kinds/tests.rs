use super::*;
use serde_json::json;

fn metadata(kind: &str, content: Value) -> Metadata {
    let Value::Object(content) = content else { panic!("no object") };
    Metadata { schema: format!("urn:vuzol:kind:{kind}:1"), content }
}

/// Pointers and keywords of what is wrong.
fn wrong(kind: &str, content: Value) -> String {
    metadata(kind, content).check().unwrap_err().to_string()
}

#[test]
fn every_released_schema_compiles_and_is_named_by_its_place() {
    let listed: Vec<_> = all().map(|known| (known.kind, known.version)).collect();
    let released: Vec<_> = RELEASED.iter().map(|(kind, version, _)| (*kind, *version)).collect();
    assert_eq!(listed, released);
    for known in all() {
        assert_eq!(known.uri(), format!("urn:vuzol:kind:{}:{}", known.kind, known.version));
        let kind: Result<crate::DocumentKind, _> = known.kind.parse();
        assert!(kind.is_ok(), "{}", known.kind);
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("kinds");
    let kinds = std::fs::read_dir(folder).unwrap().map(|kind| std::fs::read_dir(kind.unwrap().path()).unwrap().count());
    assert_eq!(kinds.sum::<usize>(), RELEASED.len(), "a file that nobody serves");
}

#[test]
fn what_follows_its_schema_passes() {
    let application = json!({
        "service": "00034", "received_by": "service_centre", "received_on": "2026-11-26", "expedited": false,
        "attachments": [{ "kind": "plan", "pages": 3 }],
    });
    assert_eq!(metadata("application", application).check(), Ok(()));
    let reply = json!({ "outcome": "granted", "number": "17/3", "date": "2024-02-29" });
    assert_eq!(metadata("reply", reply).check(), Ok(()));
    assert_eq!(metadata("letter", json!({ "number": "№ 1", "date": "2026-11-26", "pages": 2.0 })).check(), Ok(()));
    let order = json!({ "number": "5", "date": "2026-11-26", "done_by": "2026-12-01", "items": ["1", "2.1"] });
    assert_eq!(metadata("order", order).check(), Ok(()));
}

#[test]
fn what_does_not_is_told_where_and_by_which_keyword_and_never_with_a_value() {
    let letter = |change: Value| {
        let mut letter = json!({ "number": "1", "date": "2026-11-26" });
        for (name, value) in change.as_object().unwrap() {
            letter[name] = value.clone();
        }
        wrong("letter", letter)
    };
    assert_eq!(letter(json!({ "number": "" })), "/number: minLength");
    assert_eq!(letter(json!({ "number": "ї".repeat(101) })), "/number: maxLength");
    assert_eq!(letter(json!({ "number": 7 })), "/number: type");
    assert_eq!(letter(json!({ "number": null })), "/number: type");
    assert_eq!(letter(json!({ "date": "2026-02-29" })), "/date: format");
    assert_eq!(letter(json!({ "pages": 0 })), "/pages: minimum");
    assert_eq!(letter(json!({ "pages": 10001 })), "/pages: maximum");
    assert_eq!(letter(json!({ "pages": 1.5 })), "/pages: type");
    assert_eq!(letter(json!({ "Іваненко": 1 })), "/: additionalProperties");
    assert_eq!(wrong("letter", json!({ "date": "2026-11-26" })), "/number: required");
    assert_eq!(wrong("reply", json!({ "outcome": "perhaps", "number": "1", "date": "2026-11-26" })), "/outcome: enum");
    let order = json!({ "number": "5", "date": "2026-11-26", "done_by": "2026-12-01", "items": [] });
    assert_eq!(wrong("order", order), "/items: minItems");
    let attachment = json!([{ "kind": "plan", "pages": 3 }, { "kind": "plan" }, 1]);
    let application = json!({
        "service": "1", "received_by": "post", "received_on": "2026-11-26", "attachments": attachment,
    });
    assert_eq!(wrong("application", application), "/attachments/1/pages: required, /attachments/2: type");
}

#[test]
fn violations_are_bounded() {
    let attachments: Vec<_> = (0..50).map(|_| json!({})).collect();
    let MetadataFault::Invalid(violations) =
        metadata("application", json!({ "attachments": attachments })).check().unwrap_err()
    else {
        panic!("not invalid")
    };
    assert_eq!(violations.len(), VIOLATIONS);
}

#[test]
fn metadata_are_bounded_before_they_are_looked_at() {
    let large = json!({ "number": "x".repeat(METADATA_BYTES), "date": "2026-11-26" });
    assert_eq!(wrong("letter", large), "content: at most 8192 bytes");
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(wrong("letter", json!({ "x": nested(METADATA_DEPTH) })), "content: at most 8 levels deep");
    let deepest = wrong("letter", json!({ "x": nested(METADATA_DEPTH - 1), "number": "1", "date": "2026-11-26" }));
    assert_eq!(deepest, "/: additionalProperties");
    let unknown = Metadata { schema: "https://example.com/schema.json".to_owned(), content: Map::new() };
    assert_eq!(unknown.check(), Err(MetadataFault::UnknownSchema));
}

#[test]
fn a_schema_that_says_more_than_is_checked_is_none() {
    let schema = |body: &str| {
        let text =
            format!(r#"{{ "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:x:1", {body} }}"#);
        schema::compile(&text).is_some()
    };
    assert!(schema(r#""type": "object""#));
    for body in [
        r#""pattern": "a""#,
        r#""type": ["string", "null"]"#,
        r#""format": "email""#,
        r#""additionalProperties": {}"#,
        r#""properties": { "a": { "$ref": "https://example.com/" } }"#,
        r#""minimum": 1.5"#,
        r#""enum": [1]"#,
    ] {
        assert!(!schema(body), "{body}");
    }
    assert!(schema::compile(r#"{ "$schema": "http://json-schema.org/draft-07/schema#", "$id": "urn:x:1" }"#).is_none());
}

#[test]
fn the_octets_are_the_same_however_the_members_came() {
    let read = |text: &str| serde_json::from_str::<Metadata>(text).unwrap().octets();
    let one = read(r#"{ "schema": "urn:x", "content": { "b": 1, "a": [ ] } }"#);
    assert_eq!(one, read(r#"{"content":{"a":[],"b":1},"schema":"urn:x"}"#));
    assert_eq!(one, br#"{"schema":"urn:x","content":{"a":[],"b":1}}"#);
    let text = r#"{"schema":"urn:x","content":{"a":{"x":[true,null,"\"ї\n"],"y":-1.5},"b":{}}}"#;
    assert_eq!(read(text), text.as_bytes());
}
