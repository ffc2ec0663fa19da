//! JSON as strangers send it, read into a tree once: no name twice in one object, whatever it is (RFC 8725, 2.4: two parsers would pick two
//! values), and neither deep nor large.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Deepest nesting. Claims are flat; addresses and lists of keys have three levels.
const DEPTH: u8 = 8;

/// Members and items of one text altogether.
const ITEMS: usize = 4096;

/// A value. Numbers that are no whole numbers of 64 bits are kept as [`Json::Other`]: nothing that is asked for is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Object),
    /// Null, or a number of another kind.
    Other,
}

/// The members of an object, each name once.
pub type Object = BTreeMap<String, Json>;

/// The text is not JSON, has a name twice, or is past a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an object of JSON, a name twice, or past a bound")]
pub struct Unreadable;

impl Json {
    /// The text that it is.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The whole number that it is.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// The list that it is.
    #[must_use]
    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }
}

/// Reads an object of at most `most` octets.
///
/// # Errors
/// [`Unreadable`].
pub fn object(bytes: &[u8], most: usize) -> Result<Object, Unreadable> {
    if bytes.len() > most {
        return Err(Unreadable);
    }
    let mut left = ITEMS;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Nested { depth: DEPTH, left: &mut left }.deserialize(&mut reader).map_err(|_| Unreadable)?;
    reader.end().map_err(|_| Unreadable)?;
    if let Json::Object(members) = read { Ok(members) } else { Err(Unreadable) }
}

/// One level of a tree.
struct Nested<'a> {
    depth: u8,
    left: &'a mut usize,
}

impl Nested<'_> {
    fn inner<E: Error>(&mut self) -> Result<Nested<'_>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        *self.left = self.left.checked_sub(1).ok_or_else(|| E::custom("too many"))?;
        Ok(Nested { depth, left: self.left })
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Other, Json::Number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.inner()?)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Object::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.inner()?)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_at_whatever_depth() {
        let read = |text: &str| object(text.as_bytes(), 1000).is_ok();
        assert!(read(r#"{"a":1,"b":{"a":[null,1.5,true,-7,{"a":"x"}]}}"#));
        for twice in [
            r#"{"a":1,"a":1}"#,
            r#"{"sub":"x","\u0073ub":"y"}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1},{"a":1,"a":2}]}"#,
        ] {
            assert!(!read(twice), "{twice}");
        }
    }

    #[test]
    fn depth_length_and_number_are_bounded() {
        let deep = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(object(deep(7).as_bytes(), 1000).is_ok());
        for levels in [8, 100, 100_000] {
            assert_eq!(object(deep(levels).as_bytes(), 1_000_000), Err(Unreadable), "{levels}");
        }
        let wide = |items: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(items));
        assert!(object(wide(4000).as_bytes(), 100_000).is_ok());
        assert_eq!(object(wide(5000).as_bytes(), 100_000), Err(Unreadable));
        assert_eq!(object(b"{\"a\":1}", 6), Err(Unreadable));
        for text in ["", "[]", "1", "{\"a\":1} x", "{\"a\":1}{}", "{\"a\":1", "\u{feff}{}", "{\"a\":\"\n\"}"] {
            assert_eq!(object(text.as_bytes(), 1000), Err(Unreadable), "{text:?}");
        }
    }

    #[test]
    fn only_whole_numbers_of_sixty_four_bits_are_numbers() {
        let read = |text: &str| object(format!("{{\"a\":{text}}}").as_bytes(), 1000).unwrap().remove("a").unwrap();
        assert_eq!(read("9223372036854775807"), Json::Number(i64::MAX));
        for other in ["9223372036854775808", "1.0", "1e3", "null", "1e999999"] {
            let found = object(format!("{{\"a\":{other}}}").as_bytes(), 1000).map(|mut object| object.remove("a"));
            assert!(matches!(found, Ok(Some(Json::Other)) | Err(Unreadable)), "{other}");
        }
    }
}
