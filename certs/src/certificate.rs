//! X.509 certificates: parsed once, original bytes kept.
use crypto::key::{KeyError, PublicKey};
use time::OffsetDateTime;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error("malformed certificate: {0}")] Malformed(&'static str),
    #[error("certificate larger than {0} bytes")] TooLarge(usize),
}
/// Cheap to clone (Arc). Eq/Hash by DER.
#[derive(Clone)]
pub struct Certificate { inner: () }
impl Certificate {
    pub fn from_der(_der: &[u8]) -> Result<Self, CertificateError> { todo!() }
    /// One or more PEM "CERTIFICATE" blocks.
    pub fn from_pem(_pem: &str) -> Result<Vec<Self>, CertificateError> { todo!() }
    pub fn to_pem(&self) -> String { todo!() }
    pub fn der(&self) -> &[u8] { todo!() }
    pub fn fingerprint(&self) -> [u8; 32] { todo!() }
    /// Raw DER of the Name.
    pub fn subject_der(&self) -> &[u8] { todo!() }
    pub fn issuer_der(&self) -> &[u8] { todo!() }
    /// RFC 4514.
    pub fn subject(&self) -> String { todo!() }
    pub fn issuer(&self) -> String { todo!() }
    /// INTEGER content octets as encoded.
    pub fn serial(&self) -> &[u8] { todo!() }
    pub fn serial_hex(&self) -> String { todo!() }
    pub fn not_before(&self) -> OffsetDateTime { todo!() }
    pub fn not_after(&self) -> OffsetDateTime { todo!() }
    pub fn spki_der(&self) -> &[u8] { todo!() }
    /// Parsed on first use. Err where crypto does not know the algorithm (yet): the certificate itself still parses.
    pub fn public_key(&self) -> Result<&PublicKey, KeyError> { todo!() }
    pub fn is_ca(&self) -> bool { todo!() }
    pub fn path_len(&self) -> Option<u32> { todo!() }
    pub fn key_usage(&self) -> Option<KeyUsage> { todo!() }
    /// Dotted OIDs.
    pub fn extended_key_usage(&self) -> Option<&[String]> { todo!() }
    pub fn subject_key_identifier(&self) -> Option<&[u8]> { todo!() }
    pub fn authority_key_identifier(&self) -> Option<&[u8]> { todo!() }
    pub fn ocsp_urls(&self) -> &[String] { todo!() }
    pub fn crl_urls(&self) -> &[String] { todo!() }
    pub fn dns_names(&self) -> &[String] { todo!() }
    /// Organisation's ЄДРПОУ: organizationIdentifier (2.5.4.97) "NTRUA-<8 digits>", else subjectDirectoryAttributes 1.2.804.2.1.1.1.11.1.4.2.1.
    pub fn edrpou(&self) -> Option<String> { todo!() }
    /// Person's РНОКПП: serialNumber (2.5.4.5) "TINUA-<10 digits>", else 1.2.804.2.1.1.1.11.1.4.1.1.
    pub fn rnokpp(&self) -> Option<String> { todo!() }
    /// Signature of this certificate by `issuer_key`.
    pub fn verify_signature(&self, _issuer_key: &PublicKey) -> Result<(), crypto::signature::VerifyError> { todo!() }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(pub u16);
impl KeyUsage {
    pub fn digital_signature(self) -> bool { todo!() }
    pub fn content_commitment(self) -> bool { todo!() }
    pub fn key_encipherment(self) -> bool { todo!() }
    pub fn key_agreement(self) -> bool { todo!() }
    pub fn key_cert_sign(self) -> bool { todo!() }
    pub fn crl_sign(self) -> bool { todo!() }
}
