//! ETSI EN 319 102-1: one file per building block. Submodules: format, identification, context, revocation_freshness, x509, cryptographic, acceptance, timestamp, basic, report.
use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use crypto::digest::{Digest, DigestAlgorithm};
use schemas::report::Report;
use time::OffsetDateTime;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("not a CMS SignedData: {0}")] Malformed(&'static str),
    #[error("larger or deeper than the limits allow")] TooComplex,
    #[error("no signature")] NoSignature,
}
/// A parsed, unverified signature file.
pub struct UnverifiedDocument { inner: () }
impl UnverifiedDocument {
    /// Parses BER or DER CMS SignedData (ContentInfo).
    pub fn parse(_bytes: &[u8]) -> Result<Self, ReadError> { todo!() }
    /// Whether the content is inside.
    pub fn is_attached(&self) -> bool { todo!() }
    /// The content, where attached. Unverified!
    pub fn content(&self) -> Option<&[u8]> { todo!() }
    /// Digest algorithms that the signers use; the caller computes these over detached content while it streams.
    pub fn digest_algorithms(&self) -> Vec<DigestAlgorithm> { todo!() }
    /// For each signer the identified signing certificate (by reference, unverified) and the pool, so that the caller can fetch revocation data.
    pub fn signing_certificates(&self) -> Vec<Option<Certificate>> { todo!() }
    pub fn certificates(&self) -> &[Certificate] { todo!() }
    /// Gives the digests of one detached content (one per algorithm).
    pub fn with_detached(self, _digests: Vec<Digest>) -> Self { todo!() }
}
/// Against what to validate. Pure: no clock, no network.
pub struct Context<'a> {
    pub trust: &'a TrustSnapshot,
    pub revocation: &'a RevocationData,
    pub at: OffsetDateTime,
    pub policy: &'a Policy,
}
/// Acceptance policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Oldest acceptable thisUpdate of a revocation answer relative to validation time; None: nextUpdate decides.
    pub revocation_freshness: Option<time::Duration>,
    /// Require signing-certificate(-v2).
    pub require_signing_certificate_attribute: bool,
    /// Require signed attributes at all.
    pub require_signed_attributes: bool,
    /// Accept SHA-1 and RSA < 2048 without proof of existence.
    pub allow_legacy_algorithms: bool,
    /// Tolerate signedAttrs that only verify as sent (not DER-sorted).
    pub allow_unsorted_signed_attributes: bool,
}
impl Default for Policy { fn default() -> Self { Self { revocation_freshness: None, require_signing_certificate_attribute: true, require_signed_attributes: true, allow_legacy_algorithms: false, allow_unsorted_signed_attributes: false } } }
/// Every signature reached TOTAL_PASSED. Only `validate` makes one.
pub struct ValidatedDocument { inner: () }
impl ValidatedDocument {
    pub fn report(&self) -> &Report { todo!() }
    pub fn signers(&self) -> &[Certificate] { todo!() }
    /// The verified content, where attached.
    pub fn content(&self) -> Option<&[u8]> { todo!() }
}
/// What validation came to. `passed` is there only if every signature passed; the report always is.
pub struct Outcome { pub report: Report, pub passed: Option<ValidatedDocument> }
pub fn validate(_document: UnverifiedDocument, _context: &Context<'_>) -> Outcome { todo!() }
