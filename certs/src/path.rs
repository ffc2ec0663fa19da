//! Path building and validation, RFC 5280 6.1, within a budget.
use crate::certificate::Certificate;
use crate::trust::{Purpose, TrustSnapshot};
use time::OffsetDateTime;
/// Bounds one path search.
#[derive(Debug, Clone)]
pub struct Budget { pub signature_checks: u32, pub path_length: u32, pub name_comparisons: u32 }
impl Default for Budget { fn default() -> Self { Self { signature_checks: 100, path_length: 8, name_comparisons: 250_000 } } }
/// Ranked: the most specific failure over all candidate paths is reported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("no path to a trust anchor")] NoPath,
    #[error("the search exceeded its budget")] BudgetExceeded,
    #[error("certificate not yet valid: {subject}")] NotYetValid { subject: String },
    #[error("certificate expired: {subject}")] Expired { subject: String },
    #[error("certificate signature wrong: {subject}")] SignatureWrong { subject: String },
    #[error("algorithm not supported: {subject}")] UnsupportedAlgorithm { subject: String },
    #[error("not a CA: {subject}")] NotCa { subject: String },
    #[error("path length constraint")] PathLength,
    #[error("name constraint: {subject}")] NameConstraint { subject: String },
    #[error("key usage: {subject}")] KeyUsage { subject: String },
    #[error("extended key usage: {subject}")] ExtendedKeyUsage { subject: String },
    #[error("unknown critical extension: {subject}")] UnknownCriticalExtension { subject: String },
    #[error("extension cannot be read: {subject}")] MalformedExtension { subject: String },
    #[error("no valid certificate policy where one is required")] Policy,
}
/// A path that was verified at a time for a purpose: leaf first, anchor last. Only `verify` makes one.
#[derive(Clone)]
pub struct VerifiedPath { inner: () }
impl VerifiedPath {
    pub fn certificates(&self) -> &[Certificate] { todo!() }
    pub fn leaf(&self) -> &Certificate { todo!() }
    /// Issuer of the leaf (the leaf itself where the leaf is an anchor).
    pub fn issuer(&self) -> &Certificate { todo!() }
    pub fn verified_at(&self) -> OffsetDateTime { todo!() }
    pub fn purpose(&self) -> Purpose { todo!() }
}
/// `pool`: untrusted certificates that may help (from the signature, the TLS handshake).
pub fn verify(_leaf: &Certificate, _pool: &[Certificate], _trust: &TrustSnapshot, _purpose: Purpose, _at: OffsetDateTime, _budget: &mut Budget) -> Result<VerifiedPath, PathError> { todo!() }
