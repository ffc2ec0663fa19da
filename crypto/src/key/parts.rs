//! Public keys from their numbers, as JWK brings them (RFC 7518, 6; RFC 8037, 2). They pass the same checks as any that is read.

use super::{Curve, KeyError, KeyKind, MAX_RSA_BITS, PublicKey, spki};
use crate::asn1::{TAG_SEQUENCE, element, unsigned_integer};

/// Octets of a modulus of the largest size, with one more for those who put a zero before it.
const MODULUS_BYTES: usize = MAX_RSA_BITS as usize / 8 + 1;

impl PublicKey {
    /// An RSA key: modulus and exponent, big-endian.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`].
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        if modulus.len() > MODULUS_BYTES || exponent.len() > MODULUS_BYTES {
            return Err(KeyError::SizeOutOfBounds);
        }
        let raw = element(TAG_SEQUENCE, &[&unsigned_integer(modulus), &unsigned_integer(exponent)]);
        // The kind gives the AlgorithmIdentifier alone; how many bits there are is read from the numbers.
        Self::from_spki_der(&spki::encode(KeyKind::Rsa { bits: 0 }, &raw))
    }

    /// A point of a curve: both coordinates, big-endian, each as long as the curve's field.
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`]; otherwise as [`PublicKey::from_spki_der`].
    pub fn from_coordinates(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if x.len() != curve.field_len() || y.len() != curve.field_len() {
            return Err(KeyError::InvalidPoint);
        }
        Self::from_spki_der(&spki::encode(KeyKind::Ec(curve), &[&[0x04], x, y].concat()))
    }

    /// A raw Ed25519 key.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki_der`].
    pub fn from_ed25519(raw: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki_der(&spki::encode(KeyKind::Ed25519, raw))
    }

    /// Modulus and exponent of an RSA key, big-endian without leading zeros.
    #[must_use]
    pub fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        matches!(self.kind(), KeyKind::Rsa { .. }).then(|| spki::rsa_components(self.subject_public_key()))?
    }

    /// Both coordinates of a point that is written out (SEC 1, 2.3.3), as keys of this crate's making are.
    #[must_use]
    pub fn coordinates(&self) -> Option<(&[u8], &[u8])> {
        let KeyKind::Ec(curve) = self.kind() else { return None };
        let [0x04, both @ ..] = self.subject_public_key() else { return None };
        both.split_at_checked(curve.field_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyHandle as _, SoftwareKey};

    #[test]
    fn keys_are_put_together_again_from_their_numbers() {
        for curve in [Curve::P256, Curve::P384] {
            let key = SoftwareKey::generate(KeyKind::Ec(curve)).unwrap();
            let (x, y) = key.public_key().coordinates().unwrap();
            assert_eq!(&PublicKey::from_coordinates(curve, x, y).unwrap(), key.public_key());
            let mut off = y.to_vec();
            off[0] ^= 1;
            assert_eq!(PublicKey::from_coordinates(curve, x, &off), Err(KeyError::InvalidPoint), "{curve:?}");
            assert_eq!(PublicKey::from_coordinates(curve, &x[1..], y), Err(KeyError::InvalidPoint));
        }
        let key = SoftwareKey::generate(KeyKind::Rsa { bits: 2048 }).unwrap();
        let (modulus, exponent) = key.public_key().rsa_numbers().unwrap();
        let padded = [&[0][..], modulus].concat();
        for modulus in [modulus, &padded] {
            assert_eq!(&PublicKey::from_rsa_numbers(modulus, exponent).unwrap(), key.public_key());
        }
        let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
        let raw = key.public_key().subject_public_key();
        assert_eq!(&PublicKey::from_ed25519(raw).unwrap(), key.public_key());
    }

    #[test]
    fn numbers_that_are_no_key_are_refused() {
        for (modulus, exponent) in [(vec![], vec![3]), (vec![0xff; 128], vec![2]), (vec![0xff; 4096], vec![3])] {
            assert!(PublicKey::from_rsa_numbers(&modulus, &exponent).is_err());
        }
        for raw in [vec![], vec![0; 32], vec![7; 31]] {
            assert!(PublicKey::from_ed25519(&raw).is_err());
        }
    }
}
