//! RFC 3161 time-stamp tokens: request, response, and TSTInfo. The token is a CMS; its signature is checked by `signing`, which hands
//! the eContent here.
use crate::path::VerifiedPath;
use crypto::digest::Digest;
use time::OffsetDateTime;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    #[error("malformed {0}")] Malformed(&'static str),
    #[error("the authority refused: status {status}")] Refused { status: u32 },
    #[error("the token is for another imprint")] ImprintMismatch,
    #[error("nonce differs")] NonceMismatch,
    #[error("the path was not verified for time-stamping")] WrongPurpose,
}
#[derive(Debug, Clone)]
pub struct TstInfo { pub gen_time: OffsetDateTime, pub policy: String, pub serial: Vec<u8>, pub imprint_oid: String, pub imprint: Vec<u8>, pub nonce: Option<Vec<u8>>, pub accuracy: Option<time::Duration> }
impl TstInfo { pub fn from_der(_der: &[u8]) -> Result<Self, TimestampError> { todo!() } }
pub fn request(_imprint: &Digest, _nonce: Option<&[u8]>, _want_certificate: bool) -> Vec<u8> { todo!() }
/// The token (ContentInfo DER) of a granted response.
pub fn token_of_response(_response: &[u8]) -> Result<Vec<u8>, TimestampError> { todo!() }
/// Time that a verified token proves. Only signing's time-stamp validation makes one through `attest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustedTime(OffsetDateTime);
impl TrustedTime {
    /// The caller has checked that the token's signature is by `path`'s leaf; this demands Purpose::TimeStamping and the imprint.
    pub fn attest(_path: &VerifiedPath, _info: &TstInfo, _imprint: &Digest) -> Result<Self, TimestampError> { todo!() }
    pub fn at(self) -> OffsetDateTime { self.0 }
}
