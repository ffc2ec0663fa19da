//! Nonces for signatures: hedged, that is derived from the private key and the hash and from fresh random bytes as well.
//!
//! s = e + d·r, so a nonce used twice gives d away, and a nonce with a few known bits gives it away over many signatures. As in RFC 6979 a
//! broken random source alone does no harm here: the nonce then depends on key and hash, and only the same hash meets the same nonce.
//! As its section 3.6 permits, fresh bytes are mixed in, so that whoever disturbs the computation never sees one nonce twice.
//!
//! The derivation is the KDF in counter mode with HMAC-SHA-256 (NIST SP 800-108r1, 4.1) rather than the generator of RFC 6979, which
//! costs four times as many hashes for the same proof: block i is HMAC(K, i ‖ label ‖ 0 ‖ curve ‖ attempt ‖ entropy ‖ hash ‖ bits). The bits
//! taken are 128 more than the order has, and are reduced, so no nonce is likelier than another by more than 2^−128.

use zeroize::Zeroizing;

use super::comb::RandomZ;
use super::curve::Curve;
use super::limbs::{self, LIMBS};
use super::scalar::{Order, Scalar};
use crate::provider::{Provider, hmac_sha256_parts};

/// What the nonces of one private key are derived under; overwritten when dropped.
pub(crate) struct NonceKey {
    curve: Curve,
    key: Zeroizing<[u8; 32]>,
}

impl NonceKey {
    pub(crate) fn new(curve: Curve, private: &Scalar) -> Self {
        let mut bytes = Zeroizing::new([0; 8 * LIMBS]);
        limbs::to_bytes(private.limbs(), &mut *bytes);
        let key = hmac_sha256_parts(Provider::ACTIVE, &*bytes, &[KEY_LABEL, curve.oid().as_bytes()]);
        Self { curve, key: Zeroizing::new(key) }
    }

    /// The nonce for `hash` at the given attempt, counted from 0, and a Z to blind the multiplication by it with. `None` where the nonce came
    /// out as 0.
    pub(crate) fn derive(
        &self,
        order: &Order,
        hash: &[u8],
        entropy: &[u8; 32],
        attempt: u8,
    ) -> Option<(Scalar, RandomZ)> {
        let length = order.wide_len();
        let bits = (8 * (length + 16)).to_be_bytes();
        let mut wide = Zeroizing::new([0; MAX_WIDE_BYTES + 16]);
        for (block, counter) in wide[..length + 16].chunks_mut(32).zip(1u8..) {
            let parts: [&[u8]; 7] =
                [&[counter], NONCE_LABEL, self.curve.oid().as_bytes(), &[attempt], entropy, hash, &bits];
            let value = Zeroizing::new(hmac_sha256_parts(Provider::ACTIVE, &*self.key, &parts));
            block.copy_from_slice(&value[..block.len()]);
        }
        let mut z = Zeroizing::new([0; 16]);
        z.copy_from_slice(&wide[length..length + 16]);
        Some((order.reduce(&wide[..length])?, RandomZ::new(&z)))
    }
}

const KEY_LABEL: &[u8] = b"DSTU 4145 nonce key\0";
const NONCE_LABEL: &[u8] = b"DSTU 4145 nonce\0";
/// For an order of 430 bits.
const MAX_WIDE_BYTES: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(private: u64, hash: &[u8], entropy: u8, attempt: u8) -> limbs::Limbs {
        let order = Order::of(Curve::M257);
        let private = order.scalar(&[private, 0, 0, 0, 0, 0, 0]).unwrap();
        *NonceKey::new(Curve::M257, &private).derive(order, hash, &[entropy; 32], attempt).unwrap().0.limbs()
    }

    #[test]
    fn everything_that_goes_in_changes_the_nonce() {
        let first = nonce(7, &[1; 32], 0, 0);
        assert_eq!(first, nonce(7, &[1; 32], 0, 0));
        for other in
            [nonce(8, &[1; 32], 0, 0), nonce(7, &[2; 32], 0, 0), nonce(7, &[1; 32], 1, 0), nonce(7, &[1; 32], 0, 1)]
        {
            assert_ne!(first, other);
        }
        // A longer hash of the same number.
        assert_ne!(first, nonce(7, &[&[1; 32][..], &[0]].concat(), 0, 0));
    }

    #[test]
    fn curves_have_nonces_of_their_own_over_their_whole_range() {
        for curve in Curve::ALL {
            let order = Order::of(curve);
            let private = order.scalar(&[7, 0, 0, 0, 0, 0, 0]).unwrap();
            let key = NonceKey::new(curve, &private);
            let nonces: Vec<_> =
                (0..64).map(|entropy| key.derive(order, &[1; 32], &[entropy; 32], 0).unwrap().0).collect();
            let top = curve.domain().order_bits - 2;
            let high = nonces.iter().filter(|nonce| limbs::bit(nonce.limbs(), top) == 1).count();
            assert!((8..56).contains(&high), "{curve:?}: bit {top} is set in {high} of 64");
            assert!(nonces.iter().all(|nonce| limbs::is_less(nonce.limbs(), &curve.domain().order)));
        }
    }
}
