//! Evidence: what the node states, as a JWS in compact form (RFC 7515) with ES256 (RFC 7518, 3.4), which is a JAdES signature of
//! level B-B (ETSI TS 119 182-1 V1.2.1, 6.3).
//!
//! The protected header is fixed: `alg`, `cty`, `typ`, `x5t#S256`, and `iat`, the claimed time of signing, which from 15 July 2025
//! on stands where `sigT` stood. Nothing else: a verifier that accepts one algorithm cannot be talked into another, and a
//! header parameter that it does not know is none that we ever wrote. `crit` is not there, since none of these asks for it.
//! `x5c` is not there either: every message leaves several pieces of evidence, and the certificate would be the larger half of
//! each; whoever takes evidence away gets the certificates beside it ([`crate::export`]).
//!
//! Statements of versions 1 and 2 were signed under a header without `cty` and `iat`; they are read as they were written.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::certificate::Certificate;
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyError, KeyHandle, KeyKind, PublicKey};
use crypto::signature::{SignatureAlgorithm, fixed};
use schemas::evidence::{EVIDENCE_TYPE, EVIDENCE_VERSION, EvidenceStatement};
use serde::Deserialize;
use signing::asic::create::{Completed, Prepared};
use signing::cades::{self, Content};
use time::OffsetDateTime;

const ES256: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);

/// Longest JWS that is looked at. A statement names two parts and is some 2 kB.
const JWS_BYTES: usize = 64 * 1024;

/// `cty`: the payload is `application/json` (RFC 7515, 4.1.10).
const CONTENT_TYPE: &str = "json";

/// The protected header. Unknown and repeated members are errors, `crit` (RFC 7515, 4.1.11) among them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    alg: &'a str,
    cty: Option<&'a str>,
    typ: &'a str,
    #[serde(rename = "x5t#S256")]
    thumbprint: &'a str,
    /// Seconds since 1970 (RFC 7519, 2: NumericDate).
    iat: Option<i64>,
}

/// The node's evidence key (P-256) and its certificate. Cheap to clone.
#[derive(Clone)]
pub struct EvidenceSigner {
    inner: Arc<Inner>,
    /// The certificate, and those above it as far as the node has them.
    chain: Arc<[Certificate]>,
}

struct Inner {
    key: Arc<dyn KeyHandle>,
    /// Asked once: the way of a key in memory must not cost more because there are others.
    is_outside: bool,
    certificate: Certificate,
    node: String,
    /// The header of every JWS of this key up to the number of `iat`.
    header: String,
}

impl EvidenceSigner {
    /// `node`: the name that statements carry. That the key is one on P-256 and the certificate's own is found out when it
    /// signs.
    #[must_use]
    pub fn new(key: Arc<dyn KeyHandle>, certificate: Certificate, node: &str) -> Self {
        let thumbprint = URL_SAFE_NO_PAD.encode(certificate.fingerprint());
        // Written out by hand, since nothing in it needs escaping: base64url and constants.
        let header = format!(
            r#"{{"alg":"ES256","cty":"{CONTENT_TYPE}","typ":"{EVIDENCE_TYPE}","x5t#S256":"{thumbprint}","iat":"#
        );
        let chain = Arc::from([certificate.clone()]);
        let is_outside = key.is_outside();
        Self { inner: Arc::new(Inner { key, is_outside, certificate, node: node.to_owned(), header }), chain }
    }

    /// With the certificates above the key's own, which whoever takes evidence away gets with it.
    #[must_use]
    pub fn with_issuers(self, issuers: impl IntoIterator<Item = Certificate>) -> Self {
        let chain = std::iter::once(self.inner.certificate.clone()).chain(issuers).collect();
        Self { chain, ..self }
    }

    /// The certificate that evidence verifies under, and those above it.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
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

    /// Signs a statement. The claimed time of signing is the statement's, in whole seconds.
    ///
    /// # Errors
    /// [`KeyError`] when the key fails, is not on P-256, or is not the certificate's.
    pub fn sign(&self, statement: &EvidenceStatement) -> Result<String, KeyError> {
        let Inner { key, is_outside, certificate, header, .. } = &*self.inner;
        let public = key.public_key();
        if public.kind() != KeyKind::Ec(Curve::P256) || public.spki_der() != certificate.spki_der() {
            return Err(KeyError::WrongOperation);
        }
        let payload = serde_json::to_vec(statement).map_err(|_| KeyError::OperationFailed)?;
        let header = format!("{header}{}}}", statement.at.unix_timestamp());
        // Four thirds of both, and the signature's 86 characters with the two dots.
        let mut jws = String::with_capacity((header.len() + payload.len()).div_ceil(3) * 4 + 96);
        URL_SAFE_NO_PAD.encode_string(header, &mut jws);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut jws);
        let sign = || key.sign(ES256, jws.as_bytes());
        let signature = if *is_outside { aside(sign)? } else { sign()? };
        let signature = fixed::to_fixed(Curve::P256, &signature).ok_or(KeyError::OperationFailed)?;
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
        Ok(jws)
    }
}

/// Runs what may wait for a token. On a worker of a runtime the other tasks of that worker are handed to another thread first; how many such
/// threads there can be is bounded by those who may wait for a token (`crypto::token`). Elsewhere there is nobody to be kept waiting.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

impl EvidenceSigner {
    /// Whether the key is in a token, so that signing may take long, or fail for a while.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.inner.is_outside
    }

    /// Why the key cannot be used at present, for an operator.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.inner.key.complaint()
    }

    /// Sees whether the key signs, and whether what it signs verifies under the certificate. May take as long as a token takes.
    ///
    /// # Errors
    /// [`KeyError`]: what the key says; [`KeyError::WrongOperation`] where it is another one than the certificate's.
    pub fn prove(&self) -> Result<(), KeyError> {
        let message = b"vuzol: is the key of the evidence there?";
        let made = self.inner.key.sign(ES256, message)?;
        let public = self.inner.certificate.public_key().map_err(|_| KeyError::WrongOperation)?;
        public.verify(ES256, message, &made).map_err(|_| KeyError::WrongOperation)
    }

    /// Signs a container: CAdES B-B over its manifest.
    ///
    /// # Errors
    /// [`KeyError`] when the key fails or is not the certificate's, or the container cannot be signed.
    pub(crate) fn seal(&self, prepared: Prepared, at: OffsetDateTime) -> Result<Completed, KeyError> {
        let digest = prepared.to_sign(DigestAlgorithm::Sha256).ok_or(KeyError::OperationFailed)?;
        let signed = cades::sign(Content::Detached(digest), &*self.inner.key, ES256, &self.chain, at);
        let signed = signed.map_err(|error| match error {
            cades::SignError::Key(error) => error,
            _ => KeyError::OperationFailed,
        })?;
        prepared.complete(&signed).map_err(|_| KeyError::OperationFailed)
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
    let claimed = check_header(&decoded(header)?, certificate)?;
    let signature = fixed::to_der(Curve::P256, &decoded(signature)?).ok_or(EvidenceError::Malformed)?;
    let key = p256_key(certificate)?;
    key.verify(ES256, signed.as_bytes(), &signature).map_err(|_| EvidenceError::Mismatch)?;
    let statement: EvidenceStatement =
        serde_json::from_slice(&decoded(payload)?).map_err(|_| EvidenceError::Malformed)?;
    let expected = match statement.version {
        1 | 2 => None,
        EVIDENCE_VERSION => Some(statement.at.unix_timestamp()),
        _ => return Err(EvidenceError::Malformed),
    };
    (claimed == expected).then_some(statement).ok_or(EvidenceError::Malformed)
}

/// What a JWS states, whoever signed it: for words beside evidence that is this node's own.
pub(crate) fn read_statement(jws: &str) -> Option<EvidenceStatement> {
    serde_json::from_slice(&decoded(jws.split('.').nth(1)?).ok()?).ok()
}

/// Strict base64url: no padding, no second spelling of the last character.
fn decoded(text: &str) -> Result<Vec<u8>, EvidenceError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| EvidenceError::Malformed)
}

/// The claimed time of signing; none in the header of versions 1 and 2, which had no `cty` either.
fn check_header(header: &[u8], certificate: &Certificate) -> Result<Option<i64>, EvidenceError> {
    let header: Header<'_> = serde_json::from_slice(header).map_err(|_| EvidenceError::Malformed)?;
    let content_type = header.iat.map(|_| CONTENT_TYPE);
    if header.alg != "ES256" || header.typ != EVIDENCE_TYPE || header.cty != content_type {
        return Err(EvidenceError::Malformed);
    }
    let same = decoded(header.thumbprint)? == certificate.fingerprint();
    same.then_some(header.iat).ok_or(EvidenceError::OtherSigner)
}

fn p256_key(certificate: &Certificate) -> Result<&PublicKey, EvidenceError> {
    let key = certificate.public_key().map_err(|_| EvidenceError::OtherSigner)?;
    (key.kind() == KeyKind::Ec(Curve::P256)).then_some(key).ok_or(EvidenceError::OtherSigner)
}

#[cfg(test)]
mod tests;
