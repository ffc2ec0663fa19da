//! Evidence: what the node states, as a JWS in compact form (RFC 7515) with ES256 (RFC 7518, 3.4).
//!
//! The protected header is fixed: `alg`, `typ` and `x5t#S256`, nothing else. A verifier that accepts one algorithm cannot
//! be talked into another, and a header parameter that it does not know is none that we ever wrote.

mod ecdsa;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::certificate::Certificate;
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyError, KeyHandle, KeyKind, PublicKey};
use crypto::signature::SignatureAlgorithm;
use schemas::evidence::{EVIDENCE_TYPE, EvidenceStatement};
use serde::{Deserialize, Serialize};

const ES256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);

/// Longest JWS that is looked at. A statement names two parts and is some 2 kB.
const JWS_BYTES: usize = 64 * 1024;

/// The protected header. Unknown and repeated members are errors, `crit` (RFC 7515, 4.1.11) among them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    #[serde(rename = "x5t#S256")]
    thumbprint: &'a str,
}

/// The node's evidence key (P-256) and its certificate. Cheap to clone.
#[derive(Clone)]
pub struct EvidenceSigner {
    inner: Arc<Inner>,
}

struct Inner {
    key: Arc<dyn KeyHandle>,
    certificate: Certificate,
    node: String,
    /// The header is the same in every JWS of this key.
    header: String,
}

impl EvidenceSigner {
    /// `node`: the name that statements carry. That the key is one on P-256 and the certificate's own is found out when it
    /// signs.
    #[must_use]
    pub fn new(key: Arc<dyn KeyHandle>, certificate: Certificate, node: &str) -> Self {
        let thumbprint = URL_SAFE_NO_PAD.encode(certificate.fingerprint());
        // Written out by hand, since nothing in it needs escaping: base64url and constants.
        let header = format!(r#"{{"alg":"ES256","typ":"{EVIDENCE_TYPE}","x5t#S256":"{thumbprint}"}}"#);
        let header = URL_SAFE_NO_PAD.encode(header);
        Self { inner: Arc::new(Inner { key, certificate, node: node.to_owned(), header }) }
    }

    /// The name that statements carry.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.inner.node
    }

    /// The certificate that evidence verifies under.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.inner.certificate
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// [`KeyError`] when the key fails, is not on P-256, or is not the certificate's.
    pub fn sign(&self, statement: &EvidenceStatement) -> Result<String, KeyError> {
        let Inner { key, certificate, header, .. } = &*self.inner;
        let public = key.public_key();
        if public.kind() != KeyKind::Ec(Curve::P256) || public.spki_der() != certificate.spki_der() {
            return Err(KeyError::WrongOperation);
        }
        let payload = serde_json::to_vec(statement).map_err(|_| KeyError::OperationFailed)?;
        let mut jws = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = key.sign(ES256, jws.as_bytes())?;
        let signature = ecdsa::to_fixed(&signature).ok_or(KeyError::OperationFailed)?;
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
        Ok(jws)
    }
}

/// Why evidence is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Not a JWS of the kind that this node writes.
    #[error("malformed evidence")]
    Malformed,
    /// The header names another certificate.
    #[error("signed by another certificate")]
    OtherSigner,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Mismatch,
}

/// Verifies against the node's certificate and returns the statement. Whether the certificate is the node's, and was valid
/// at the statement's time, is for the caller to know.
///
/// # Errors
/// [`EvidenceError`].
pub fn verify(jws: &str, certificate: &Certificate) -> Result<EvidenceStatement, EvidenceError> {
    if jws.len() > JWS_BYTES {
        return Err(EvidenceError::Malformed);
    }
    let (signed, signature) = jws.rsplit_once('.').ok_or(EvidenceError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(EvidenceError::Malformed)?;
    check_header(&decoded(header)?, certificate)?;
    let signature: [u8; 64] = decoded(signature)?.try_into().map_err(|_| EvidenceError::Malformed)?;
    let key = p256_key(certificate)?;
    key.verify(ES256, signed.as_bytes(), &ecdsa::to_der(&signature)).map_err(|_| EvidenceError::Mismatch)?;
    serde_json::from_slice(&decoded(payload)?).map_err(|_| EvidenceError::Malformed)
}

/// Strict base64url: no padding, no second spelling of the last character.
fn decoded(text: &str) -> Result<Vec<u8>, EvidenceError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| EvidenceError::Malformed)
}

fn check_header(header: &[u8], certificate: &Certificate) -> Result<(), EvidenceError> {
    let header: Header<'_> = serde_json::from_slice(header).map_err(|_| EvidenceError::Malformed)?;
    if header.alg != "ES256" || header.typ != EVIDENCE_TYPE {
        return Err(EvidenceError::Malformed);
    }
    let same = decoded(header.thumbprint)? == certificate.fingerprint();
    same.then_some(()).ok_or(EvidenceError::OtherSigner)
}

fn p256_key(certificate: &Certificate) -> Result<&PublicKey, EvidenceError> {
    let key = certificate.public_key().map_err(|_| EvidenceError::OtherSigner)?;
    (key.kind() == KeyKind::Ec(Curve::P256)).then_some(key).ok_or(EvidenceError::OtherSigner)
}

#[cfg(test)]
mod tests;
