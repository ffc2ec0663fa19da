//! ASN.1 as CMS needs it: a bounded BER-to-DER step, a strict DER reader over it, and a DER writer.
//!
//! CMS files arrive in BER (RFC 5652, 5.1): indefinite lengths, octet strings cut into segments, lengths that are longer
//! than they need be. [`normalise`] brings the outer layers to DER once and copies everything that was DER before
//! byte for byte, so that every digest and signature below is computed over what arrived. All else reads DER only.
//!
//! Everything here is iterative and spends a [`Limits`] budget; nothing panics on any input.
//!
//! Not here: what the structures mean (`cms`, `validate`), X.509 (`certs`).
//!
//! Source: ITU-T X.690 (2021).

mod normalise;
pub(crate) mod oid;
mod reader;
mod writer;

pub(crate) use normalise::header;
pub use normalise::{Layers, normalise};
pub use reader::{Element, Reader};
pub use writer::Writer;
pub(crate) use writer::push_header;

/// Universal, context-specific and constructed tags that CMS uses, as the one identifier octet that they are.
#[allow(missing_docs, reason = "the names of X.680")]
pub mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    pub const ENUMERATED: u8 = 0x0a;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const OCTET_STRING_CONSTRUCTED: u8 = 0x24;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// `[n]`, primitive.
    #[must_use]
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }
    /// `[n]`, constructed.
    #[must_use]
    pub const fn context_constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// Why bytes are not the ASN.1 that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Asn1Error {
    /// The bytes end inside an element.
    #[error("cut short")]
    Truncated,
    /// A length that X.690 does not allow, or that the reader does not take.
    #[error("malformed length")]
    Length,
    /// A tag of more than one octet, or an end-of-contents mark where none belongs.
    #[error("malformed tag")]
    Tag,
    /// Another element stands where this one was expected.
    #[error("unexpected element")]
    Unexpected,
    /// Something follows where nothing may.
    #[error("trailing bytes")]
    Trailing,
    /// A primitive value that its type does not allow.
    #[error("malformed value")]
    Value,
    /// More bytes, elements or depth than the budget.
    #[error("larger or deeper than the limits allow")]
    Budget,
}

/// Bounds of one [`normalise`] call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of input.
    pub bytes: usize,
    /// Elements inside each other.
    pub depth: usize,
    /// Elements visited. Each costs some 40 bytes of memory while the step runs.
    pub elements: usize,
}

impl Default for Limits {
    /// Bytes: attached content of any size that fits in memory comfortably. Depth: the deepest real file (time-stamps in
    /// time-stamps) needs 25. Elements: a gigabyte in segments of 4 kB, or four thousand attributes of fifty elements each.
    fn default() -> Self {
        Self { bytes: 1 << 30, depth: 48, elements: 1 << 18 }
    }
}
