//! Evidence: JWS in compact form, signed by the node.
use certs::certificate::Certificate;
use crypto::key::KeyHandle;
use schemas::evidence::EvidenceStatement;
use std::sync::Arc;
/// The node's evidence key (P-256, ES256) and certificate.
#[derive(Clone)]
pub struct EvidenceSigner { inner: Arc<()> }
impl EvidenceSigner {
    pub fn new(_key: Arc<dyn KeyHandle>, _certificate: Certificate, _node: &str) -> Self { todo!() }
    pub fn node(&self) -> &str { todo!() }
    pub fn certificate(&self) -> &Certificate { todo!() }
    pub fn sign(&self, _statement: &EvidenceStatement) -> Result<String, crypto::key::KeyError> { todo!() }
}
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError { #[error("malformed evidence")] Malformed, #[error("signed by another certificate")] OtherSigner, #[error("the signature does not verify")] Mismatch }
/// Verifies against the node's certificate and returns the statement.
pub fn verify(_jws: &str, _certificate: &Certificate) -> Result<EvidenceStatement, EvidenceError> { todo!() }
