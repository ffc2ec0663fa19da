//! What an encryption certificate's key is for. Whatever has a name here, the node seals documents to (`signing::envelope::seal_key`).

use certs::certificate::Certificate;
use crypto::key::KeyKind;
use schemas::registry::EncryptionKey;

/// The smallest RSA modulus that keys are transported under, in bits.
const RSA_BITS: u32 = 2048;

/// The smallest field of a curve of DSTU 4145 that keys are agreed over, in bits: the one that authorities use for people.
const DSTU_4145_DEGREE: usize = 257;

/// What the certificate's key is for; none where it is of an algorithm or a size that nothing is sealed to.
pub(super) fn key_of(certificate: &Certificate) -> Option<EncryptionKey> {
    match certificate.public_key().ok()?.kind() {
        KeyKind::Rsa { bits } => (bits >= RSA_BITS).then_some(EncryptionKey::Rsa),
        KeyKind::Ec(_) => Some(EncryptionKey::Ecdh),
        KeyKind::Dstu4145(curve) => (curve.degree() >= DSTU_4145_DEGREE).then_some(EncryptionKey::Dstu),
        KeyKind::Ed25519 | KeyKind::Ed448 => None,
    }
}
