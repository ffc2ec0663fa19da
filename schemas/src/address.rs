//! Addresses: who takes part and where documents arrive.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Not eight decimal digits.
    #[error("a ЄДРПОУ code is eight decimal digits")]
    Edrpou,
    /// Not `<ЄДРПОУ>.<name>`.
    #[error("a mailbox is a ЄДРПОУ code, a dot, and a name of 1 to 32 lower-case letters, digits or hyphens")]
    Mailbox,
    /// Not a kind.
    #[error("a document kind is 1 to 48 lower-case letters, digits, dots or hyphens, and begins with a letter")]
    DocumentKind,
}

/// The code of a legal entity in the Unified State Register (ЄДРПОУ).
///
/// A string, never a number: a leading zero is part of it, and wires that carried it as an integer lost that zero. The
/// check digit is not enforced, since the bus of state bodies uses codes outside the register (`00000001` to `00000003`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9]{8}$", example = "00000001")]
pub struct Edrpou([u8; 8]);

impl Edrpou {
    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Constructed from ASCII digits only; the fallback can never be seen.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Edrpou {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let digits: [u8; 8] = text.as_bytes().try_into().map_err(|_| InvalidAddress::Edrpou)?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits)).ok_or(InvalidAddress::Edrpou)
    }
}

/// An addressable inbox of a participant: `<ЄДРПОУ>.<name>`, for example `00000001.chancellery`.
///
/// Functional, not personal: a name of a desk, never of a person. An individual's tax number is never an address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9]{8}\\.[a-z0-9-]{1,32}$", example = "00000001.chancellery")]
pub struct MailboxId(String);

impl MailboxId {
    /// The participant that owns the mailbox.
    #[must_use]
    pub fn participant(&self) -> Edrpou {
        let mut digits = [b'0'; 8];
        // Constructed with eight digits before the dot.
        digits.iter_mut().zip(self.0.bytes()).for_each(|(digit, byte)| *digit = byte);
        Edrpou(digits)
    }

    /// The name after the dot.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.get(9..).unwrap_or_default()
    }
}

impl FromStr for MailboxId {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let (code, name) = text.split_once('.').ok_or(InvalidAddress::Mailbox)?;
        let _: Edrpou = code.parse().map_err(|_| InvalidAddress::Mailbox)?;
        let named = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        named.then(|| Self(text.to_owned())).ok_or(InvalidAddress::Mailbox)
    }
}

/// What kind of document it is, as channels and policies name it: `letter`, `application.subsidy`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9.-]{0,47}$", example = "letter")]
pub struct DocumentKind(String);

impl DocumentKind {
    /// The kind as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DocumentKind {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let well_formed = (1..=48).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidAddress::DocumentKind)
    }
}

macro_rules! text_form {
    ($($name:ident => |$self:ident, $f:ident| $show:expr;)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&$self, $f: &mut fmt::Formatter<'_>) -> fmt::Result { $show }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, concat!(stringify!($name), "({})"), self) }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidAddress;
            fn try_from(text: String) -> Result<Self, InvalidAddress> { text.parse() }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String { value.to_string() }
        }
    )*};
}

text_form! {
    Edrpou => |self, f| f.write_str(self.as_str());
    MailboxId => |self, f| f.write_str(&self.0);
    DocumentKind => |self, f| f.write_str(&self.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_zero_survives() {
        let code: Edrpou = "00032684".parse().unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"00032684\"");
        assert_eq!(serde_json::from_str::<Edrpou>("\"00032684\"").unwrap(), code);
        assert!(serde_json::from_str::<Edrpou>("32684").is_err());
    }

    #[test]
    fn malformed_addresses_are_refused() {
        for text in ["", "1234567", "123456789", "1234567a", "１２３４５６７８"] {
            assert_eq!(text.parse::<Edrpou>(), Err(InvalidAddress::Edrpou), "{text}");
        }
        for text in ["00000001", "00000001.", "00000001.Chancellery", "00000001.a/b", "00000001.a.b", "1.chancellery"] {
            assert_eq!(text.parse::<MailboxId>(), Err(InvalidAddress::Mailbox), "{text}");
        }
        for text in ["", ".x", "Letter", "letter ", "1letter"] {
            assert_eq!(text.parse::<DocumentKind>(), Err(InvalidAddress::DocumentKind), "{text}");
        }
    }
}
