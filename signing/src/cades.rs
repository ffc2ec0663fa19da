//! CAdES creation (EN 319 122-1): B and T levels.
use certs::certificate::Certificate;
use crypto::digest::Digest;
use crypto::key::{KeyError, KeyHandle};
use crypto::signature::SignatureAlgorithm;
use time::OffsetDateTime;
/// What to sign.
pub enum Content<'a> { /** carried in the signature */ Attached(&'a [u8]), /** by its digest (SHA-256/384/512) */ Detached(Digest) }
#[derive(Debug, thiserror::Error)]
pub enum SignError { #[error(transparent)] Key(#[from] KeyError), #[error("malformed time-stamp token")] Timestamp, #[error("encoding failed")] Encoding }
/// CAdES-BASELINE-B: content-type, message-digest, signing-time, signing-certificate-v2. DER ContentInfo. `chain`: leaf first.
pub fn sign(_content: Content<'_>, _key: &dyn KeyHandle, _algorithm: SignatureAlgorithm, _chain: &[Certificate], _signing_time: OffsetDateTime) -> Result<Vec<u8>, SignError> { todo!() }
/// Digest of the signature value, to be time-stamped.
pub fn timestamp_imprint(_cms: &[u8], _algorithm: crypto::digest::DigestAlgorithm) -> Result<Digest, SignError> { todo!() }
/// Adds a signature-time-stamp (level T) to the first signer.
pub fn add_timestamp(_cms: &[u8], _token: &[u8]) -> Result<Vec<u8>, SignError> { todo!() }
