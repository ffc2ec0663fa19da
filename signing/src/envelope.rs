//! CMS AuthEnvelopedData (RFC 5083, RFC 5084, RFC 5753) around a document key: one recipient, EC (ephemeral-static ECDH, dhSinglePass-stdDH-sha256kdf,
//! AES-256 wrap) or RSA-OAEP.
use certs::certificate::Certificate;
use crypto::key::KeyHandle;
use crypto::seal::DocumentKey;
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    #[error("malformed envelope")] Malformed,
    #[error("the recipient's key cannot receive")] UnsupportedKey,
    #[error("not addressed to this certificate")] OtherRecipient,
    #[error("the envelope was changed or the key is wrong")] Forged,
}
pub fn seal_key(_key: &DocumentKey, _recipient: &Certificate) -> Result<Vec<u8>, EnvelopeError> { todo!() }
pub fn open_key(_envelope: &[u8], _recipient: &Certificate, _private: &dyn KeyHandle) -> Result<DocumentKey, EnvelopeError> { todo!() }
