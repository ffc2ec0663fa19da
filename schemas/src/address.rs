//! Addresses: who takes part, where documents arrive, for which part of the country, and the names by which channels,
//! policies and functional addresses speak.

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
    /// Not a name of a service.
    #[error("a service is 1 to 48 lower-case letters, digits, dots or hyphens, and begins with a letter")]
    ServiceName,
    /// Not a name of a retention class.
    #[error("a retention class is 1 to 48 lower-case letters, digits, dots or hyphens, and begins with a letter")]
    RetentionClass,
    /// Not `UA` and seventeen digits, or of no oblast.
    #[error("an area is a code of КАТОТТГ: UA in Latin letters, then seventeen decimal digits, the first two not 00")]
    AreaCode,
    /// Neither a participant nor a mailbox.
    #[error("an address is a ЄДРПОУ code, or a mailbox of one")]
    Addressee,
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
        is_dotted_name(text).then(|| Self(text.to_owned())).ok_or(InvalidAddress::DocumentKind)
    }
}

/// A service of the region as functional addresses name it: `subsidy`, `civil-registry.birth`. Whoever performs it somewhere
/// has its documents, so that nobody has to know which agency that is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9.-]{0,47}$", example = "subsidy")]
pub struct ServiceName(String);

impl ServiceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServiceName {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        is_dotted_name(text).then(|| Self(text.to_owned())).ok_or(InvalidAddress::ServiceName)
    }
}

/// A class of documents that are kept equally long after the last step of their message. How long says the node's configuration; a message
/// has the class that its channel named when the node accepted it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9.-]{0,47}$", example = "standard")]
pub struct RetentionClass(String);

impl RetentionClass {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RetentionClass {
    /// `standard`.
    fn default() -> Self {
        Self("standard".to_owned())
    }
}

impl FromStr for RetentionClass {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        is_dotted_name(text).then(|| Self(text.to_owned())).ok_or(InvalidAddress::RetentionClass)
    }
}

/// The lexical rule that kinds, services and classes share.
fn is_dotted_name(text: &str) -> bool {
    (1..=48).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
}

/// A code of the classifier of administrative units and territories of communities (КАТОТТГ): `UA05020030010063857`.
///
/// `UA` and seventeen digits: two for the oblast, two for the raion, three for the hromada, three for the settlement, two for
/// the district of a city, and five that make the code unique. A level of zeros means the whole of the level above it. Levels
/// in between may be zeros: a district of Kyiv has neither raion nor hromada.
///
/// Read byte by byte: `А` of the Cyrillic alphabet looks like a letter of the code and is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^UA[0-9]{17}$", example = "UA05020030010063857")]
pub struct AreaCode([u8; 17]);

impl AreaCode {
    /// The levels without the five digits that only make the code unique.
    #[must_use]
    pub fn levels(&self) -> AreaLevels {
        let mut digits = [b'0'; 12];
        digits.iter_mut().zip(self.0).for_each(|(digit, from)| *digit = from);
        AreaLevels(digits)
    }

    /// Whether `other` is this area or lies in it.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        self.levels().holds(&other.levels())
    }
}

impl FromStr for AreaCode {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let digits = text.as_bytes().strip_prefix(b"UA").and_then(|digits| digits.try_into().ok());
        let digits: [u8; 17] = digits.ok_or(InvalidAddress::AreaCode)?;
        // Without an oblast it would be the whole country, which is no area of the classifier.
        let well_formed = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"00");
        well_formed.then_some(Self(digits)).ok_or(InvalidAddress::AreaCode)
    }
}

/// Where an area lies: oblast, raion, hromada, settlement, district of a city, in twelve digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaLevels([u8; 12]);

impl AreaLevels {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Constructed from ASCII digits only; the fallback can never be seen.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The next wider area that holds this one; none above an oblast.
    #[must_use]
    pub fn wider(self) -> Option<Self> {
        let (own, _) = self.own_level();
        if own == 0 {
            return None;
        }
        let mut digits = self.0;
        digits.iter_mut().skip(own).for_each(|digit| *digit = b'0');
        Some(Self(digits))
    }

    fn holds(self, other: &Self) -> bool {
        let (_, end) = self.own_level();
        self.0.iter().take(end).eq(other.0.iter().take(end))
    }

    /// Begin and end of the narrowest level that is not zeros.
    fn own_level(self) -> (usize, usize) {
        let given =
            |(begin, end): &(usize, usize)| self.0.iter().skip(*begin).take(end - begin).any(|digit| *digit != b'0');
        LEVELS.into_iter().rev().find(given).unwrap_or((0, 2))
    }
}

/// Begin and end of oblast, raion, hromada, settlement and district of a city in the digits of a code.
const LEVELS: [(usize, usize); 5] = [(0, 2), (2, 4), (4, 7), (7, 10), (10, 12)];

/// Something that documents are sent to: a participant as a whole, or one of its mailboxes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Addressee {
    /// All mailboxes of a participant.
    Participant(Edrpou),
    /// One mailbox.
    Mailbox(MailboxId),
}

impl Addressee {
    /// The participant that is meant, or that owns the mailbox.
    #[must_use]
    pub fn participant(&self) -> Edrpou {
        match self {
            Self::Participant(edrpou) => *edrpou,
            Self::Mailbox(mailbox) => mailbox.participant(),
        }
    }
}

impl FromStr for Addressee {
    type Err = InvalidAddress;
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let participant = text.parse().map(Self::Participant);
        participant.or_else(|_| text.parse().map(Self::Mailbox)).map_err(|_: InvalidAddress| InvalidAddress::Addressee)
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
    ServiceName => |self, f| f.write_str(&self.0);
    RetentionClass => |self, f| f.write_str(&self.0);
    AreaCode => |self, f| write!(f, "UA{}", std::str::from_utf8(&self.0).unwrap_or_default());
    Addressee => |self, f| match self {
        Self::Participant(edrpou) => fmt::Display::fmt(edrpou, f),
        Self::Mailbox(mailbox) => fmt::Display::fmt(mailbox, f),
    };
}

#[cfg(test)]
mod tests;
