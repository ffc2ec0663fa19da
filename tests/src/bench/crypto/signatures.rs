//! Rows of signatures. Keys, hashes and signatures are many and differ, or branch predictors learn them by heart.

use std::hint::black_box;
use std::rc::Rc;

use crypto::digest::{DigestAlgorithm, digest};
use crypto::dstu4145::{
    ByteOrder, Curve, PreparedKey, PrivateKey, PublicKey, Unverified, verify_batch, verify_with_new_key,
};
use crypto::key::{self, KeyHandle as _, KeyKind, SoftwareKey};
use crypto::signature::SignatureAlgorithm;
use dstu_core::hazmat::dstu4145::{curve257, gf2m257::FieldElement, scalar257, signature257};
use structured_dstu4145::{Basis, domain};

use crate::bench::measure::{Contender, Contest, Unit};
use crate::chance::Chance;
use crate::textbook::{Bits, Domain, Signed};

/// How many keys and signatures a row goes round.
const MATERIAL: usize = 512;

/// How many of its keys are prepared at a time: a region's certification authorities, and some.
const PREPARED: usize = 64;

pub(super) fn new_key_257() -> Contest {
    let signed = material(Curve::M257);
    contest(vec![new_key(Curve::M257, &signed), structured_new_key(257, &signed), core_new_key(&signed)])
}

pub(super) fn new_key_431() -> Contest {
    let signed = material(Curve::M431);
    contest(vec![new_key(Curve::M431, &signed), structured_new_key(431, &signed)])
}

/// Signatures of few keys that are known beforehand: of certification authorities.
pub(super) fn prepared_257() -> Contest {
    let signed = material(Curve::M257);
    contest(vec![prepared(Curve::M257, &signed), structured_prepared(257, &signed)])
}

pub(super) fn prepared_431() -> Contest {
    let signed = material(Curve::M431);
    contest(vec![prepared(Curve::M431, &signed), structured_prepared(431, &signed)])
}

pub(super) fn batch_257() -> Contest {
    let signed = material(Curve::M257);
    contest(vec![batch(Curve::M257, &signed), structured_new_key(257, &signed)])
}

/// Signing 257, the nonce included. dstu-core takes its nonce from the caller: it is not charged for making one.
pub(super) fn sign_257() -> Contest {
    let signed = material(Curve::M257);
    let keys: Vec<_> = signed
        .iter()
        .map(|signed| {
            let number = signed.private.to_bytes(Curve::M257.scalar_len());
            let key = PrivateKey::from_bytes(Curve::M257, ByteOrder::Little, &number).unwrap();
            assert_eq!(key.public_key().to_bytes(ByteOrder::Little), signed.key);
            let signature = key.sign(ByteOrder::Little, &signed.hash).unwrap();
            assert_eq!(key.public_key().verify(ByteOrder::Little, &signed.hash, &signature), Ok(()));
            (key, signed.hash.clone())
        })
        .collect();
    let ours = Contender::operation("vuzol", move |step| {
        let (key, hash) = &keys[step % keys.len()];
        black_box(key.sign(ByteOrder::Little, black_box(hash))).unwrap();
    });
    contest(vec![ours, core_sign(&signed)])
}

fn core_sign(signed: &[Signed]) -> Contender {
    let domain = Domain::recommended(Curve::M257);
    let base = curve257::Point::generator();
    let scalar = |number: &Bits| scalar257::Scalar::from_be_bytes(&big_endian(&number.to_bytes(32)));
    let mut chance = Chance::new(257);
    let material: Vec<_> = signed
        .iter()
        .map(|signed| {
            let CoreSigned { hash, key, .. } = CoreSigned::new(&domain, signed);
            let nonce = Bits::from_bytes(&chance.bytes(32)).low(domain.order.length() - 1);
            let (private, nonce) = (scalar(&signed.private), scalar(&nonce));
            let (r, s) = signature257::sign(&hash, private, nonce, base).unwrap();
            assert!(signature257::verify(&hash, &r, &s, key, base), "dstu-core refuses its own signature");
            (hash, private, nonce)
        })
        .collect();
    Contender::operation("dstu-core", move |step| {
        let (hash, private, nonce) = &material[step % material.len()];
        black_box(signature257::sign(black_box(hash), *private, *nonce, base)).unwrap();
    })
}

/// What the most used curve of the West costs, in a library that is known to be fast.
pub(super) fn p256() -> Contest {
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let signed: Vec<_> = (0..64u64)
        .map(|index| {
            let key = SoftwareKey::generate(KeyKind::Ec(key::Curve::P256)).unwrap();
            let message = index.to_le_bytes();
            let signature = key.sign(algorithm, &message).unwrap();
            (key.public_key().clone(), digest(DigestAlgorithm::Sha256, &message), signature)
        })
        .collect();
    let contender = checked("aws-lc", signed.len(), move |index, flip| {
        let (key, digest, signature) = &signed[index];
        match flip {
            false => key.verify_digest(algorithm, digest, signature).is_ok(),
            true => key.verify_digest(algorithm, digest, &flipped(signature)).is_ok(),
        }
    });
    contest(vec![contender])
}

fn new_key(curve: Curve, signed: &Rc<[Signed]>) -> Contender {
    let signed = Rc::clone(signed);
    checked("vuzol", signed.len(), move |index, flip| {
        let Signed { key, hash, signature, .. } = &signed[index];
        match flip {
            false => verify_with_new_key(curve, ByteOrder::Little, key, hash, signature).is_ok(),
            true => verify_with_new_key(curve, ByteOrder::Little, key, hash, &flipped(signature)).is_ok(),
        }
    })
}

fn structured_new_key(degree: usize, signed: &Rc<[Signed]>) -> Contender {
    let signed = Rc::clone(signed);
    let domain = domain::Domain::named(Basis::Polynomial, degree).unwrap();
    let order = structured_dstu4145::ByteOrder::LittleEndian;
    checked("structured-dstu4145", signed.len(), move |index, flip| {
        let Signed { key, hash, signature, .. } = &signed[index];
        let key = domain.clone().public_key(key, order).unwrap();
        match flip {
            false => key.verify_prehash(hash, signature, order).unwrap(),
            true => key.verify_prehash(hash, &flipped(signature), order).unwrap(),
        }
    })
}

/// Every signature under the tables of its own key, [`PREPARED`] keys in all.
fn prepared(curve: Curve, signed: &Rc<[Signed]>) -> Contender {
    let order = ByteOrder::Little;
    let signed: Vec<_> = signed
        .iter()
        .take(PREPARED)
        .map(|signed| {
            let key = PublicKey::from_bytes(curve, order, &signed.key).unwrap();
            (PreparedKey::new(&key), signed.hash.clone(), signed.signature.clone())
        })
        .collect();
    checked("vuzol", signed.len(), move |index, flip| {
        let (key, hash, signature) = &signed[index];
        match flip {
            false => key.verify(order, hash, signature).is_ok(),
            true => key.verify(order, hash, &flipped(signature)).is_ok(),
        }
    })
}

/// The same with the key read beforehand: what it prepares is up to it.
fn structured_prepared(degree: usize, signed: &Rc<[Signed]>) -> Contender {
    let domain = domain::Domain::named(Basis::Polynomial, degree).unwrap();
    let order = structured_dstu4145::ByteOrder::LittleEndian;
    let signed: Vec<_> = signed
        .iter()
        .take(PREPARED)
        .map(|signed| {
            let key = domain.clone().public_key(&signed.key, order).unwrap();
            (key, signed.hash.clone(), signed.signature.clone())
        })
        .collect();
    checked("structured-dstu4145", signed.len(), move |index, flip| {
        let (key, hash, signature) = &signed[index];
        match flip {
            false => key.verify_prehash(hash, signature, order).unwrap(),
            true => key.verify_prehash(hash, &flipped(signature), order).unwrap(),
        }
    })
}

/// Key, hash and signature.
type Owned = (Vec<u8>, Vec<u8>, Vec<u8>);

/// All signatures at a time, all of different keys; the rate counts each.
fn batch(curve: Curve, signed: &Rc<[Signed]>) -> Contender {
    let signed = Rc::clone(signed);
    let order = ByteOrder::Little;
    let items = |signed: &[Signed]| -> Vec<Owned> {
        signed
            .iter()
            .map(|Signed { key, hash, signature, .. }| (key.clone(), hash.clone(), signature.clone()))
            .collect()
    };
    let verify = move |items: &[Owned]| {
        let unverified: Vec<_> =
            items.iter().map(|(key, hash, signature)| Unverified { key, hash, signature }).collect();
        verify_batch(curve, order, &unverified)
    };
    let good = items(&signed);
    assert!(verify(&good).iter().all(Result::is_ok), "vuzol refuses a signature");
    let mut bad = items(&signed);
    bad.iter_mut().for_each(|(_, _, signature)| *signature = flipped(signature));
    assert!(verify(&bad).iter().all(Result::is_err), "vuzol accepts a signature with a bit turned over");
    let work = f64::from(u32::try_from(signed.len()).unwrap());
    let step = move |_| {
        black_box(verify(black_box(&good)));
    };
    Contender { work, ..Contender::operation("vuzol", step) }
}

/// Numbers, and the point of the key, as dstu-core takes them.
struct CoreSigned {
    hash: Vec<u8>,
    r: [u8; 33],
    s: [u8; 33],
    key: curve257::Point,
}

impl CoreSigned {
    fn new(domain: &Domain, signed: &Signed) -> Self {
        let (r, s) = signed.signature.split_at(32);
        let (x, y) = domain.decompress(&signed.key).unwrap().unwrap();
        let element = |number: Bits| FieldElement::from_be_bytes(&big_endian(&number.to_bytes(33)));
        let key = curve257::Point::Affine(element(x), element(y));
        let hash = signed.hash.iter().rev().copied().collect();
        Self { hash, r: big_endian(r), s: big_endian(s), key }
    }
}

fn big_endian(bytes: &[u8]) -> [u8; 33] {
    let mut turned = [0; 33];
    turned.iter_mut().rev().zip(bytes).for_each(|(place, byte)| *place = *byte);
    turned
}

fn core_new_key(signed: &[Signed]) -> Contender {
    let domain = Domain::recommended(Curve::M257);
    let signed: Vec<_> = signed.iter().map(|signed| CoreSigned::new(&domain, signed)).collect();
    let base = curve257::Point::generator();
    checked("dstu-core", signed.len(), move |index, flip| {
        let CoreSigned { hash, r, s, key } = &signed[index];
        let mut s = *s;
        s[32] ^= u8::from(flip);
        signature257::verify(hash, r, &s, *key, base)
    })
}

fn material(curve: Curve) -> Rc<[Signed]> {
    Domain::recommended(curve).signed(curve.degree() as u64, MATERIAL).into()
}

fn contest(contenders: Vec<Contender>) -> Contest {
    Contest { unit: Unit::Operations, contenders }
}

/// A contender that verifies one of `count` signatures a step. `verify` gets the index, and whether to spoil the signature first: before
/// anything is timed, each signature must be accepted and its spoilt copy refused.
fn checked(by: &'static str, count: usize, mut verify: impl FnMut(usize, bool) -> bool + 'static) -> Contender {
    for index in 0..count {
        assert!(verify(index, false), "{by} refuses signature {index}");
        assert!(!verify(index, true), "{by} accepts signature {index} with a bit turned over");
    }
    Contender::operation(by, move |step| {
        black_box(verify(black_box(step % count), false));
    })
}

fn flipped(signature: &[u8]) -> Vec<u8> {
    let mut flipped = signature.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    flipped
}
