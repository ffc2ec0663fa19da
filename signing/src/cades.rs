//! CAdES creation and augmentation, ETSI EN 319 122-1: baseline levels B, T, LT and LTA, signature policies, content time-stamps,
//! parallel signatures and counter-signatures.
//!
//! | step | function |
//! |---|---|
//! | sign with a key at hand | [`sign`] |
//! | sign with a key elsewhere | [`prepare`], [`prepare_parallel`], [`prepare_counter`], then [`Prepared::complete`] |
//! | level T | [`signature_imprint`], then [`add_signature_timestamp`] |
//! | level LT | [`add_validation_data`] |
//! | level LTA, and each renewal | [`request_archive_timestamp`], then [`ArchiveRequest::complete`] |
//!
//! Of several signatures in one file the one that is meant is found by [`signer_with_id`] before each step.
//!
//! What is written is strict DER. The private key stays behind its [`KeyHandle`]; the caller names the time and fetches
//! tokens and answers. Files with archive time-stamps of the forms before version 3 are not changed: those stand over the bytes as encoded.

mod assemble;
mod attributes;
mod augment;
mod prepare;

pub(crate) use assemble::token;
pub(crate) use attributes::issuer_serial;
pub use augment::{
    ArchiveRequest, add_signature_timestamp, add_validation_data, request_archive_timestamp, signature_imprint,
    signer_with_id,
};
pub(crate) use augment::{is_over, whole_response};
pub use prepare::{Prepared, Signatory, complete_all, prepare, prepare_counter, prepare_parallel};

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm};
use crypto::key::{KeyError, KeyHandle};
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;

/// What to sign.
pub enum Content<'a> {
    /// Carried in the signature.
    Attached(&'a [u8]),
    /// By its digest, computed while the document streams.
    Detached(Digest),
}

/// What else the signer claims.
#[derive(Default)]
pub struct Options<'a> {
    /// The signature policy that the signer accepts (level EPES).
    pub signature_policy: Option<SignaturePolicy>,
    /// A token over the content, made before signing.
    pub content_timestamp: Option<&'a [u8]>,
}

/// A signature policy by its identifier.
pub struct SignaturePolicy {
    /// Object identifier, dotted.
    pub oid: String,
    /// Digest of the policy document.
    pub digest: Digest,
}

/// Why nothing was signed, or nothing added.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key refused or failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No certificate was given, or the first is not the key's.
    #[error("the first certificate is not the key's")]
    Certificate,
    /// The digest of detached content is not one that the algorithm uses.
    #[error("the content's digest and the algorithm do not belong together")]
    DigestMismatch,
    /// The content is not inside, and no digest of it was given.
    #[error("the digest of the detached content is missing")]
    ContentMissing,
    /// The file is not CMS SignedData with such a signer.
    #[error("malformed signature")]
    Signature,
    /// The value does not verify under the certificate's key.
    #[error("the signature value is not the key's")]
    Value,
    /// The token is not a CMS ContentInfo, or one over something else.
    #[error("malformed time-stamp token, or one over something else")]
    Timestamp,
    /// An archive time-stamp of an old form stands over the file as it is encoded.
    #[error("an archive time-stamp from before version 3 forbids changes")]
    Superseded,
    /// A time before 1950 or after 9999, or an object identifier that is none.
    #[error("encoding failed")]
    Encoding,
}

/// CAdES-BASELINE-B (EN 319 122-1, 6.3): content-type, message-digest, signing-time, signing-certificate-v2, and
/// CMSAlgorithmProtection. Returns a ContentInfo in DER. `chain`: the signer's certificate first; all of it is put in.
///
/// # Errors
/// `Certificate`, `DigestMismatch` and `Encoding` for arguments that do not fit, `Key` if the key does not sign.
pub fn sign(
    content: Content<'_>,
    key: &dyn KeyHandle,
    algorithm: SignatureAlgorithm,
    chain: &[Certificate],
    signing_time: OffsetDateTime,
) -> Result<Vec<u8>, SignError> {
    let leaf = chain.first().ok_or(SignError::Certificate)?;
    if leaf.spki_der() != key.public_key().spki_der() {
        return Err(SignError::Certificate);
    }
    let prepared = prepare(content, &Signatory { chain, algorithm, signing_time }, &Options::default())?;
    let value = key.sign(algorithm, prepared.to_be_signed())?;
    prepared.fill(&value)
}

/// [`signature_imprint`] of the first signature.
///
/// # Errors
/// As there.
pub fn timestamp_imprint(cms: &[u8], algorithm: DigestAlgorithm) -> Result<Digest, SignError> {
    signature_imprint(cms, 0, algorithm)
}

/// [`add_signature_timestamp`] to the first signature.
///
/// # Errors
/// As there.
pub fn add_timestamp(cms: &[u8], token: &[u8]) -> Result<Vec<u8>, SignError> {
    add_signature_timestamp(cms, 0, token)
}

#[cfg(test)]
pub(crate) mod tests;
