//! A throw-away PKI for demonstrations and tests (submodules: authority (root, issuing CA), ocsp, tsa). Keys are made at run time.
use crate::certificate::Certificate;
use crypto::key::{KeyError, KeyKind, SoftwareKey};
use time::{Duration, OffsetDateTime};
/// What to issue.
#[derive(Clone)]
pub struct Profile { pub common_name: String, pub organisation: Option<String>, pub edrpou: Option<String>, pub rnokpp: Option<String>, pub usage: Usage, pub key: KeyKind, pub not_before: OffsetDateTime, pub not_after: OffsetDateTime, pub dns_names: Vec<String> }
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage { TlsServer, TlsClient, Signing, Seal, Encryption, TimeStamping, OcspResponder }
/// Certificate with its private key.
pub struct Identity { pub certificate: Certificate, pub key: SoftwareKey }
/// Root, issuing CA, OCSP responder, TSA.
pub struct DevPki { inner: () }
impl DevPki {
    /// Makes root and issuing CA (P-256), responder, TSA. `ocsp_url` goes into AIA of what is issued.
    pub fn new(_now: OffsetDateTime, _validity: Duration, _ocsp_url: &str) -> Result<Self, KeyError> { todo!() }
    pub fn root(&self) -> &Certificate { todo!() }
    pub fn issuing_ca(&self) -> &Certificate { todo!() }
    pub fn tsa_certificate(&self) -> &Certificate { todo!() }
    pub fn ocsp_certificate(&self) -> &Certificate { todo!() }
    pub fn issue(&self, _profile: Profile) -> Result<Identity, KeyError> { todo!() }
    pub fn revoke(&self, _certificate: &Certificate, _at: OffsetDateTime, _reason: u8) { todo!() }
    /// Answers a DER OCSPRequest (also unknown, malformed).
    pub fn answer_ocsp(&self, _request: &[u8], _now: OffsetDateTime) -> Vec<u8> { todo!() }
    pub fn crl(&self, _now: OffsetDateTime) -> Result<Vec<u8>, KeyError> { todo!() }
    /// Answers a DER TimeStampReq with a TimeStampResp.
    pub fn answer_tsa(&self, _request: &[u8], _now: OffsetDateTime) -> Vec<u8> { todo!() }
}
