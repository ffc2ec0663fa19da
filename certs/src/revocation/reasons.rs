//! Sets of revocation reasons (ReasonFlags, RFC 5280 4.2.1.13).
use crate::asn1::{Element, Malformed};

/// A set of reasons: bit n of the standard is the n-th lowest bit here; bit 0 is unused there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    /// keyCompromise (1) to aACompromise (8).
    pub(crate) const ALL: Self = Self(0b1_1111_1110);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn read(flags: &Element<'_>) -> Result<Self, Malformed> {
        Ok(Self(flags.named_bits()? & Self::ALL.0))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each reason alone.
    pub(crate) fn each() -> impl Iterator<Item = Self> {
        (1..=8).map(|bit| Self(1 << bit))
    }
}
