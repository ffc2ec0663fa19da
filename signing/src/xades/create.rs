//! XAdES creation, ETSI EN 319 132-1: baseline level B, enveloped in an XML document. What is added later is in [`super::augment`], containers
//! in [`crate::asic::create`].
//!
//! | step | function |
//! |---|---|
//! | sign with a key at hand | [`sign`] |
//! | sign with a key elsewhere | [`prepare`], then [`Prepared::complete`] |
//!
//! | module | what it does |
//! |---|---|
//! | `write` | the element as text |
//! | `splice` | pieces put into a document, whose other octets stay |
//! | `cover` | what a signature that is there already would notice |
//! | `draft`, `prepare` | digests, what is to be signed, the value |
//! | `error` | refusals, in words |
//!
//! Nothing is hashed here in a way of its own: digests come from the code that validates (`resolve`), and what is handed out was verified by it.

pub(in crate::xades) mod cover;
pub(in crate::xades) mod draft;
mod error;
mod prepare;
pub(in crate::xades) mod splice;
pub(in crate::xades) mod write;

pub(crate) use draft::Draft;
pub use error::CreateError;
pub(crate) use prepare::prepare_detached;
pub use prepare::{Prepared, prepare};
pub(crate) use write::digest_algorithm;

use crypto::key::KeyHandle;

use crate::cades::Signatory;

/// What of the document is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Envelope {
    /// All but this signature (the transform enveloped-signature). Signatures that are there already are signed with it, and after it
    /// nothing can be added to the document without breaking it: no second signature, and nothing to the signatures before.
    #[default]
    Document,
    /// All but the signatures in it (XPath Filter 2.0). Several signers may sign so, one after the other, and each signature can be augmented.
    DocumentLessSignatures,
}

/// What else there is to choose.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// What is signed.
    pub envelope: Envelope,
    /// Of what type the document is: `type/subtype`.
    pub media_type: &'a str,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { envelope: Envelope::default(), media_type: "application/xml" }
    }
}

/// XAdES-BASELINE-B, enveloped: [`prepare`] and [`Prepared::complete`] with a key at hand.
///
/// # Errors
/// As there; `Certificate` where the first certificate is not the key's, `Key` if the key does not sign.
pub fn sign(
    document: &[u8],
    key: &dyn KeyHandle,
    signatory: &Signatory<'_>,
    options: &Options<'_>,
) -> Result<Vec<u8>, CreateError> {
    let leaf = signatory.chain.first().ok_or(CreateError::Certificate)?;
    if leaf.spki_der() != key.public_key().spki_der() {
        return Err(CreateError::Certificate);
    }
    let prepared = prepare(document, signatory, options)?;
    let value = key.sign(prepared.algorithm(), prepared.to_be_signed())?;
    prepared.complete(&value)
}

#[cfg(test)]
pub(in crate::xades) mod tests;
