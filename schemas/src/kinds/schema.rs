//! The part of JSON Schema (draft 2020-12) that the schemas of this crate use, compiled and checked.
//!
//! | vocabulary | keywords |
//! |---|---|
//! | core | `$schema` (must be that of draft 2020-12), `$id` (at the root) |
//! | applicator | `properties`, `items`, `additionalProperties` as `false` |
//! | validation | `type` as one name, `enum` of strings, `required`, `minLength`, `maxLength`, `minimum`, `maximum` (integers), `minItems`, `maxItems` |
//! | format-assertion | `format` as `date` (RFC 3339, full-date), asserted |
//! | meta-data | `title`, `description` |
//!
//! Anything else makes the schema none: a keyword that is passed over would let through what its author meant to refuse.
//!
//! Every keyword looks at values of its own type only, as the specification says: `minLength` of a number is no violation,
//! `type` is.

use serde_json::{Map, Value};

/// A keyword that a value does not follow, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// JSON pointer (RFC 6901) into the content; empty for the whole. It holds only names that the schema has.
    pub pointer: String,
    /// The keyword.
    pub keyword: &'static str,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pointer = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(formatter, "{pointer}: {}", self.keyword)
    }
}

/// A compiled schema.
#[derive(Debug, Default)]
pub(super) struct Schema {
    kind: Option<Kind>,
    allowed: Option<Vec<String>>,
    date: bool,
    length: Bounds,
    number: Bounds,
    items: Bounds,
    item: Option<Box<Schema>>,
    required: Vec<String>,
    properties: Vec<(String, Schema)>,
    closed: bool,
}

/// From and to, where stated.
#[derive(Debug, Default)]
struct Bounds {
    least: Option<i64>,
    most: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Object,
    Array,
    String,
    Integer,
    Boolean,
}

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The URI and the schema; None where the text is no schema of the vocabulary above.
pub(super) fn compile(text: &str) -> Option<(String, Schema)> {
    let Value::Object(mut root) = serde_json::from_str(text).ok()? else { return None };
    if root.remove("$schema")?.as_str()? != DRAFT {
        return None;
    }
    let uri = root.remove("$id")?.as_str()?.to_owned();
    Some((uri, Schema::of(&root)?))
}

impl Schema {
    fn of(keywords: &Map<String, Value>) -> Option<Self> {
        let mut schema = Self::default();
        for (keyword, value) in keywords {
            match keyword.as_str() {
                "title" | "description" => drop(value.as_str()?),
                "type" => schema.kind = Some(Kind::named(value.as_str()?)?),
                "enum" => schema.allowed = Some(texts(value)?),
                "required" => schema.required = texts(value)?,
                "format" => schema.date = (value.as_str()? == "date").then_some(true)?,
                "minLength" => schema.length.least = Some(value.as_i64()?),
                "maxLength" => schema.length.most = Some(value.as_i64()?),
                "minimum" => schema.number.least = Some(value.as_i64()?),
                "maximum" => schema.number.most = Some(value.as_i64()?),
                "minItems" => schema.items.least = Some(value.as_i64()?),
                "maxItems" => schema.items.most = Some(value.as_i64()?),
                "additionalProperties" => schema.closed = (!value.as_bool()?).then_some(true)?,
                "items" => schema.item = Some(Box::new(Self::of(value.as_object()?)?)),
                "properties" => {
                    for (name, member) in value.as_object()? {
                        schema.properties.push((name.clone(), Self::of(member.as_object()?)?));
                    }
                }
                _ => return None,
            }
        }
        // So that violations come in one order, whatever order the map keeps.
        schema.properties.sort_by(|(one, _), (other, _)| one.cmp(other));
        Some(schema)
    }

    /// The first violations, at most so many.
    pub(super) fn violations(&self, content: &Map<String, Value>, most: usize) -> Vec<Violation> {
        let mut found = Found { pointer: String::new(), violations: Vec::new(), most };
        if self.kind.is_some_and(|kind| !matches!(kind, Kind::Object)) {
            found.add("type");
        }
        self.object(content, &mut found);
        found.violations
    }

    fn value(&self, value: &Value, found: &mut Found) {
        if self.kind.is_some_and(|kind| !kind.holds(value)) {
            found.add("type");
        }
        let listed = |allowed: &Vec<String>| value.as_str().is_some_and(|text| allowed.iter().any(|one| one == text));
        if self.allowed.as_ref().is_some_and(|allowed| !listed(allowed)) {
            found.add("enum");
        }
        match value {
            Value::String(text) => {
                self.length.check(text.chars().count(), "minLength", "maxLength", found);
                if self.date && !is_date(text) {
                    found.add("format");
                }
            }
            Value::Number(number) => self.number(number, found),
            Value::Array(items) => {
                self.items.check(items.len(), "minItems", "maxItems", found);
                for (place, item) in items.iter().enumerate() {
                    if let Some(schema) = &self.item {
                        found.within(&place.to_string(), |found| schema.value(item, found));
                    }
                }
            }
            Value::Object(members) => self.object(members, found),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn number(&self, number: &serde_json::Number, found: &mut Found) {
        #[allow(clippy::cast_precision_loss, reason = "bounds of schemas are small")]
        let outside = |bound: Option<i64>, wrong: fn(f64, f64) -> bool| {
            bound.is_some_and(|bound| number.as_f64().is_none_or(|number| wrong(number, bound as f64)))
        };
        if outside(self.number.least, |number, least| number < least) {
            found.add("minimum");
        }
        if outside(self.number.most, |number, most| number > most) {
            found.add("maximum");
        }
    }

    fn object(&self, members: &Map<String, Value>, found: &mut Found) {
        for name in self.required.iter().filter(|name| !members.contains_key(*name)) {
            found.within(name, |found| found.add("required"));
        }
        for (name, schema) in &self.properties {
            if let Some(member) = members.get(name) {
                found.within(name, |found| schema.value(member, found));
            }
        }
        // Not where: the name is the sender's.
        let known = |name: &String| self.properties.iter().any(|(known, _)| known == name);
        if self.closed && !members.keys().all(known) {
            found.add("additionalProperties");
        }
    }
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "object" => Self::Object,
            "array" => Self::Array,
            "string" => Self::String,
            "integer" => Self::Integer,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    /// A number without a fraction is an integer, `1.0` too.
    fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Object, Value::Object(_))
            | (Self::Array, Value::Array(_))
            | (Self::String, Value::String(_))
            | (Self::Boolean, Value::Bool(_)) => true,
            (Self::Integer, Value::Number(number)) => number.as_f64().is_some_and(|number| number.fract() == 0.0),
            _ => false,
        }
    }
}

impl Bounds {
    fn check(&self, count: usize, least: &'static str, most: &'static str, found: &mut Found) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if self.least.is_some_and(|least| count < least) {
            found.add(least);
        }
        if self.most.is_some_and(|most| count > most) {
            found.add(most);
        }
    }
}

/// Violations on the way through a value.
struct Found {
    pointer: String,
    violations: Vec<Violation>,
    most: usize,
}

impl Found {
    fn add(&mut self, keyword: &'static str) {
        if self.violations.len() < self.most {
            self.violations.push(Violation { pointer: self.pointer.clone(), keyword });
        }
    }

    /// Names of schemas hold neither `~` nor `/`, which a pointer would have to escape.
    fn within(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        let before = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(name);
        look(self);
        self.pointer.truncate(before);
    }
}

/// RFC 3339, 5.6: full-date.
fn is_date(text: &str) -> bool {
    let digits = |from: usize, to: usize| {
        let part = text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        part.and_then(|part| part.parse::<u16>().ok())
    };
    let dashes = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
    let (Some(year), Some(month), Some(day), true) = (digits(0, 4), digits(5, 7), digits(8, 10), dashes) else {
        return false;
    };
    let month = u8::try_from(month).ok().and_then(|month| time::Month::try_from(month).ok());
    let date = |month| time::Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok();
    month.and_then(date).is_some()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}
