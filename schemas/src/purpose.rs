//! What personal data is looked at for: a closed list, each with its legal ground.
//!
//! Law of Ukraine 2297-VI, Art. 6: personal data is processed for a purpose that is determined by law and stated; Art. 11: on a ground. The node
//! does not weigh purposes: it insists that one of its list is stated for each look, writes it down, and shows it to whom the look concerned.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text names no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a purpose is 1 to 48 lower-case letters, digits, dots or hyphens, and begins with a letter")]
pub struct InvalidPurpose;

/// The name of a purpose: `application.review`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9.-]{0,47}$", example = "application.review")]
pub struct PurposeName(String);

impl PurposeName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PurposeName {
    type Err = InvalidPurpose;
    fn from_str(text: &str) -> Result<Self, InvalidPurpose> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
        let named = (1..=48).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(plain);
        named.then(|| Self(text.to_owned())).ok_or(InvalidPurpose)
    }
}

impl TryFrom<String> for PurposeName {
    type Error = InvalidPurpose;
    fn try_from(text: String) -> Result<Self, InvalidPurpose> {
        text.parse()
    }
}

impl From<PurposeName> for String {
    fn from(name: PurposeName) -> Self {
        name.0
    }
}

impl fmt::Display for PurposeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One purpose of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its name.
    pub name: PurposeName,
    /// What it is, in Ukrainian, for whom the data is about.
    pub uk: String,
    /// The same in English.
    pub en: String,
    /// The clause of the law on which the data may be processed for it.
    pub legal_ground: String,
}

/// Every purpose of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PurposeList {
    /// The purposes, by name.
    pub purposes: Vec<Purpose>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_purposes() {
        for name in ["a", "application.review", "x-1.y"] {
            assert_eq!(name.parse::<PurposeName>().unwrap().to_string(), name);
        }
        for wrong in ["", "Review", "1a", ".a", "a b", "огляд", &"a".repeat(49)] {
            assert_eq!(wrong.parse::<PurposeName>(), Err(InvalidPurpose), "{wrong}");
        }
    }
}
