//! Revocation: CRL (RFC 5280) and OCSP (RFC 6960). Submodules crl, ocsp.
use crate::certificate::Certificate;
use crate::path::VerifiedPath;
use time::OffsetDateTime;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    #[error("malformed {0}")] Malformed(&'static str),
    #[error("signature wrong")] SignatureWrong,
    #[error("responder not authorised")] ResponderNotAuthorised,
    #[error("OCSP error status {0}")] ResponderStatus(u8),
    #[error("answer is for another certificate")] OtherCertificate,
    #[error("nonce differs")] NonceMismatch,
    #[error("the list does not cover this certificate: {0}")] OutOfScope(&'static str),
}
#[derive(Clone)]
pub struct OcspResponse { inner: () }
impl OcspResponse { pub fn from_der(_der: &[u8]) -> Result<Self, RevocationError> { todo!() } pub fn der(&self) -> &[u8] { todo!() }
    /// Err(NonceMismatch) if the answer has another nonce or none.
    pub fn check_nonce(&self, _nonce: &[u8]) -> Result<(), RevocationError> { todo!() } }
#[derive(Clone)]
pub struct Crl { inner: () }
impl Crl { pub fn from_der(_der: &[u8]) -> Result<Self, RevocationError> { todo!() } pub fn der(&self) -> &[u8] { todo!() } }
/// DER OCSPRequest for one certificate (SHA-1 or SHA-256 CertID; SHA-1 is what responders understand), optional nonce.
pub fn ocsp_request(_certificate: &Certificate, _issuer: &Certificate, _nonce: Option<&[u8]>) -> Vec<u8> { todo!() }
/// Everything known about revocation, untrusted until checked.
#[derive(Clone, Default)]
pub struct RevocationData { pub ocsp: Vec<OcspResponse>, pub crls: Vec<Crl> }
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    Good { this_update: OffsetDateTime, next_update: Option<OffsetDateTime>, produced_at: OffsetDateTime },
    Revoked { at: OffsetDateTime, reason: Option<u8>, this_update: OffsetDateTime },
    /// Nothing usable: why each answer was left aside.
    Unknown { tried: Vec<RevocationError> },
}
/// Status of `certificate` issued by `issuer` at `at`, from the freshest usable answer. The caller judges freshness.
pub fn status(_certificate: &Certificate, _issuer: &Certificate, _data: &RevocationData, _at: OffsetDateTime) -> Status { todo!() }
/// Status of every certificate of the path below the anchor, leaf first.
pub fn path_status(_path: &VerifiedPath, _data: &RevocationData, _at: OffsetDateTime) -> Vec<Status> { todo!() }
/// Where services get revocation data from (caches, network); implemented in the gateway.
pub trait RevocationSource: Send + Sync {
    /// Best known data for every certificate of the path below the anchor. Never fails: what cannot be had is absent.
    fn data<'a>(&'a self, path: &'a VerifiedPath, at: OffsetDateTime) -> std::pin::Pin<Box<dyn std::future::Future<Output = RevocationData> + Send + 'a>>;
}
