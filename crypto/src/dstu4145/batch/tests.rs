use super::*;
use crate::dstu4145::{PrivateKey, VerifyError, verify_with_new_key};

struct Made {
    key: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

fn made(curve: Curve, order: ByteOrder, count: u8) -> Vec<Made> {
    let signed = |index: u8| {
        let key = PrivateKey::generate(curve).unwrap();
        let hash = vec![index; 32];
        let signature = key.sign(order, &hash).unwrap();
        Made { key: key.public_key().to_bytes(order), hash, signature }
    };
    (0..count).map(signed).collect()
}

fn unverified(made: &[Made]) -> Vec<Unverified<'_>> {
    made.iter().map(|made| Unverified { key: &made.key, hash: &made.hash, signature: &made.signature }).collect()
}

#[test]
fn every_length_of_a_batch_is_verified_whole() {
    for curve in [Curve::M163, Curve::M257, Curve::M431] {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let made = made(curve, order, 9);
            for count in 0..=9 {
                assert_eq!(verify_batch(curve, order, &unverified(&made[..count])), vec![Ok(()); count]);
            }
        }
    }
}

/// Whatever is wrong with some of them, in whatever place, each gets the verdict that it gets alone.
#[test]
fn a_batch_says_of_each_what_is_said_of_it_alone() {
    for curve in [Curve::M257, Curve::M431] {
        let order = ByteOrder::Little;
        let mut verdicts = Vec::new();
        for round in 0..40 {
            let mut made = made(curve, order, 8);
            for (index, made) in made.iter_mut().enumerate() {
                match (round + index) % 8 {
                    0 => made.signature[round % 32] ^= 1 << (round % 8),
                    1 => made.hash[round % 32] ^= 1,
                    // Half of these are no points, half of the others on m = 257 not in the subgroup.
                    2 | 3 => made.key[5] ^= 1 << (round % 8),
                    4 => made.key.fill(0),
                    5 => made.signature.fill(0),
                    6 => *made.key.last_mut().unwrap() |= 0x80,
                    _ => {}
                }
            }
            let items = unverified(&made);
            let batch = verify_batch(curve, order, &items);
            let alone: Vec<_> = items
                .iter()
                .map(|item| verify_with_new_key(curve, order, item.key, item.hash, item.signature))
                .collect();
            assert_eq!(batch, alone);
            verdicts.extend(batch);
        }
        let seen = |verdict: Result<(), KeyOrSignatureError>| verdicts.contains(&verdict);
        assert!(seen(Ok(())));
        assert!(seen(Err(VerifyError::Mismatch.into())));
        assert!(seen(Err(VerifyError::RangeOfR.into())));
        // Where a is 1, no compressed form stands for x = 0.
        assert_eq!(seen(Err(PublicKeyError::OrderTwo.into())), curve == Curve::M257);
        assert!(seen(Err(PublicKeyError::NotOnCurve.into())));
        assert!(seen(Err(PublicKeyError::SpareBits.into())));
        assert_eq!(seen(Err(PublicKeyError::NotInSubgroup.into())), curve == Curve::M257);
    }
}
