//! What an encryption certificate's key is for, and whether documents are sealed to such a key.

use certs::certificate::Certificate;
use crypto::key::KeyKind;
use schemas::registry::EncryptionKey;

/// The smallest RSA modulus that keys are transported under, in bits.
const RSA_BITS: u32 = 2048;

/// What the certificate's key is for; none where it is of an algorithm or a size that nothing is sealed to.
pub(super) fn key_of(certificate: &Certificate) -> Option<EncryptionKey> {
    match certificate.public_key().ok()?.kind() {
        KeyKind::Rsa { bits } => (bits >= RSA_BITS).then_some(EncryptionKey::Rsa),
        KeyKind::Ec(_) => Some(EncryptionKey::Ecdh),
        KeyKind::Dstu4145(_) => Some(EncryptionKey::Dstu),
        KeyKind::Ed25519 | KeyKind::Ed448 => None,
    }
}

/// Whether the node itself seals documents to such a key. It seals with AES-256-GCM, whose key no national key agreement carries
/// (`signing::envelope::seal_key`); a sender that seals by itself may do more.
pub(crate) fn can_be_sealed_to(key: EncryptionKey) -> bool {
    match key {
        EncryptionKey::Rsa | EncryptionKey::Ecdh => true,
        EncryptionKey::Dstu => false,
    }
}
