//! A bounded reader and a writer for the DER (ITU-T X.690) of certificates, revocation answers and time-stamps.
//!
//! The reader never recurses, never allocates and never copies: it hands out views of the bytes that arrived, since
//! signatures are over those. It reads what certificates of the last thirty years hold, so it takes definite lengths that
//! are longer than need be; it refuses indefinite lengths and tag numbers above 30, which no structure here uses.
//! BER of signature files is the business of `signing`.
pub(crate) mod oid;
pub(crate) mod read;
pub(crate) mod tag;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod write;

pub(crate) use read::{Element, Malformed, Reader, Span};
