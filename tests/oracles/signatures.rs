//! Signatures of DSTU 4145: whatever the bytes, ours and the others give the same verdict.

use crypto::dstu4145::{
    self, Curve, CurveForm, Parameters, PreparedKey, PrivateKey, PublicKey, SubjectPublicKey, Unverified, verify_batch,
    verify_with_new_key,
};
use crypto::gost34311::gost34311;
use crypto::signature::{SignatureAlgorithm, VerifyError};
use dstu_core::hazmat::dstu4145::{curve163, curve257, gf2m163, gf2m257, scalar, scalar257, signature, signature257};
use structured_dstu4145::{Basis, ByteOrder, domain};
use tests::chance::Chance;
use tests::textbook::{Bits, Domain, Signed};

use crate::curves::all;

/// A key, a hash and a signature, as they come over the wire.
#[derive(Clone)]
struct Wire {
    curve: Curve,
    big_endian: bool,
    key: Vec<u8>,
    hash: Vec<u8>,
    signature: Vec<u8>,
}

impl Wire {
    fn new(curve: Curve, signed: Signed) -> Self {
        let Signed { key, hash, signature, .. } = signed;
        Self { curve, big_endian: false, key, hash, signature }
    }

    /// The same in the other order of bytes.
    fn turned(mut self) -> Self {
        self.key.reverse();
        self.signature.reverse();
        self.big_endian = !self.big_endian;
        self
    }

    /// With a bit of the key, the hash or the signature turned over.
    fn spoilt(&self, chance: &mut Chance) -> Self {
        let mut spoilt = self.clone();
        let Self { key, hash, signature, .. } = &mut spoilt;
        let bytes = [key, hash, signature].into_iter().nth(chance.below(3)).unwrap();
        let bit = chance.below(8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        spoilt
    }

    /// Ours, in all ways that there are: in one go, with the key read before, with the key prepared, and in a batch. They agree.
    fn ours(&self) -> bool {
        let order = if self.big_endian { dstu4145::ByteOrder::Big } else { dstu4145::ByteOrder::Little };
        let verdict = verify_with_new_key(self.curve, order, &self.key, &self.hash, &self.signature).is_ok();
        let key = PublicKey::from_bytes(self.curve, order, &self.key);
        let apart = key.is_ok_and(|key| key.verify(order, &self.hash, &self.signature).is_ok());
        let prepared = key.is_ok_and(|key| PreparedKey::new(&key).verify(order, &self.hash, &self.signature).is_ok());
        // Four at a time take another way than one alone.
        let item = Unverified { key: &self.key, hash: &self.hash, signature: &self.signature };
        let batch: Vec<_> = verify_batch(self.curve, order, &[item; 5]).iter().map(Result::is_ok).collect();
        assert_eq!((apart, prepared, batch), (verdict, verdict, vec![verdict; 5]), "{:?}", self.curve);
        verdict
    }

    fn structured(&self) -> bool {
        let basis = match self.curve.basis() {
            dstu4145::Basis::Polynomial => Basis::Polynomial,
            dstu4145::Basis::OptimalNormal => Basis::OptimalNormal,
        };
        let order = if self.big_endian { ByteOrder::BigEndian } else { ByteOrder::LittleEndian };
        let domain = domain::Domain::named(basis, self.curve.degree()).expect("a recommended curve");
        domain
            .public_key(&self.key, order)
            .is_ok_and(|key| key.verify_prehash(&self.hash, &self.signature, order) == Ok(true))
    }
}

/// What the textbook signs on every curve, both verify, in either order of bytes.
#[test]
fn signatures_of_the_textbook_are_accepted_and_spoilt_ones_refused() {
    let mut chance = Chance::new(4145);
    for curve in all() {
        let domain = Domain::recommended(curve);
        for signed in domain.signed(2, 3) {
            let wire = Wire::new(curve, signed);
            let turned = wire.clone().turned();
            assert!(wire.ours() && wire.structured(), "{curve:?}");
            assert!(turned.ours() && turned.structured(), "{curve:?}");
            for wire in [&wire, &turned, &wire] {
                let spoilt = wire.spoilt(&mut chance);
                // A hash is cut to m bits: what is turned over beyond them is not seen.
                let seen = spoilt.hash == wire.hash || cut(curve, &spoilt.hash) != cut(curve, &wire.hash);
                assert_eq!((spoilt.ours(), spoilt.structured()), (!seen, !seen), "{curve:?}");
            }
        }
    }
}

fn cut(curve: Curve, hash: &[u8]) -> Bits {
    Bits::from_bytes(hash).low(curve.degree())
}

/// Hashes of all widths, of zeros, and of ones.
#[test]
fn every_width_of_hash_means_the_same_to_all() {
    for curve in all() {
        let domain = Domain::recommended(curve);
        let [Signed { private, key, .. }] = &domain.signed(3, 1)[..] else { panic!("one key") };
        for hash in [vec![0; 32], vec![0xff; 32], vec![0x5a; 48], vec![0xff; 64], vec![0; 64], vec![7]] {
            let signature = domain.sign(private, &Bits::from_u64(0x1234_5678_9abc_def1), &hash).expect("a signature");
            let wire = Wire { curve, big_endian: false, key: key.clone(), hash, signature };
            assert!(wire.ours() && wire.structured(), "{curve:?} {:?}", wire.hash);
        }
    }
}

/// Small private numbers and nonces make r·Q and s·G coincide, or nearly so; the fast formulas do not hold there.
#[test]
fn keys_that_are_small_multiples_of_the_base_point() {
    for curve in [Curve::M163, Curve::M257, Curve::M431, Curve::Normal191] {
        let domain = Domain::recommended(curve);
        let last = domain.order.minus(&Bits::ONE);
        for private in [Bits::ONE, Bits::from_u64(2), Bits::from_u64(9), last] {
            let key = domain.compress(&domain.negate(&domain.multiply(&private, &domain.base)));
            for nonce in [Bits::ONE, Bits::from_u64(3), last] {
                let hash = vec![0x33; 32];
                let signature = domain.sign(&private, &nonce, &hash).expect("a signature");
                let wire = Wire { curve, big_endian: false, key: key.clone(), hash, signature };
                assert!(wire.ours() && wire.structured(), "{curve:?} {private:?} {nonce:?}");
            }
        }
    }
}

/// A key plus the point of order 2. Where the cofactor is 4 it decompresses, and must be refused for its order.
#[test]
fn keys_outside_the_subgroup_are_refused_by_all() {
    for curve in [Curve::M173, Curve::M257, Curve::Normal173] {
        let domain = Domain::recommended(curve);
        for signed in domain.signed(4, 3) {
            let point = domain.decompress(&signed.key).expect("a point");
            let key = domain.compress(&domain.outside(&point));
            let read = PublicKey::from_bytes(curve, dstu4145::ByteOrder::Little, &key);
            assert_eq!(read, Err(dstu4145::PublicKeyError::NotInSubgroup), "{curve:?}");
            assert!(!Wire { key, ..Wire::new(curve, signed) }.structured(), "{curve:?}");
        }
    }
}

/// What we sign, the others accept: structured-dstu4145 on every curve that has private keys, dstu-core on its two.
#[test]
fn our_signatures_are_accepted_and_spoilt_ones_refused() {
    let mut chance = Chance::new(6);
    for curve in Curve::ALL {
        let private = PrivateKey::generate(curve).expect("a key");
        for length in [32, 48, 64] {
            let hash = chance.bytes(length);
            for (order, big_endian) in [(dstu4145::ByteOrder::Little, false), (dstu4145::ByteOrder::Big, true)] {
                let signature = private.sign(order, &hash).expect("a signature");
                let key = private.public_key().to_bytes(order);
                let wire = Wire { curve, big_endian, key, hash: hash.clone(), signature };
                assert!(wire.ours() && wire.structured(), "{curve:?}");
                let mut spoilt = wire.clone();
                let bit = chance.below(8 * spoilt.signature.len());
                spoilt.signature[bit / 8] ^= 1 << (bit % 8);
                assert!(!spoilt.ours() && !spoilt.structured(), "{curve:?}");
                if !big_endian {
                    let verdicts = (dstu_core(&wire), dstu_core(&spoilt));
                    let expected = matches!(curve, Curve::M163 | Curve::M257).then_some((true, false));
                    assert_eq!(verdicts.0.zip(verdicts.1), expected, "{curve:?}");
                }
            }
        }
    }
}

/// What dstu-core says to a little-endian wire; `None` for curves that it does not have.
fn dstu_core(wire: &Wire) -> Option<bool> {
    let domain = Domain::recommended(wire.curve);
    let ((base_x, base_y), (x, y)) = domain.base.zip(domain.decompress(&wire.key).flatten())?;
    let hash = turned(&wire.hash);
    let (r, s) = wire.signature.split_at(wire.signature.len() / 2);
    match wire.curve {
        Curve::M163 => {
            let element = |bits: Bits| gf2m163::FieldElement::from_be_bytes(&turned(&bits.to_bytes(21)));
            let [base, key] = [(base_x, base_y), (x, y)].map(|(x, y)| curve163::Point::Affine(element(x), element(y)));
            let [r, s] = [r, s].map(|half| turned(half).try_into().expect("21 bytes"));
            Some(signature::verify(&hash, &r, &s, key, base))
        }
        Curve::M257 => {
            let element = |bits: Bits| gf2m257::FieldElement::from_be_bytes(&turned(&bits.to_bytes(33)));
            let [base, key] = [(base_x, base_y), (x, y)].map(|(x, y)| curve257::Point::Affine(element(x), element(y)));
            let [r, s] = [r, s].map(|half| turned(&[half, &[0]].concat()).try_into().expect("33 bytes"));
            Some(signature257::verify(&hash, &r, &s, key, base))
        }
        _ => None,
    }
}

/// Through the doors of all keys: a SubjectPublicKeyInfo and a signature under the OID of its basis.
#[test]
fn signatures_in_normal_basis_verify_under_their_oids() {
    let message = b"an old document";
    let hash = gost34311(message);
    for curve in Curve::NORMAL {
        let domain = Domain::recommended(curve);
        let [signed] = &domain.signed(8, 1)[..] else { panic!("one key") };
        let little = domain.sign(&signed.private, &Bits::from_u64(77_777), &hash).expect("a signature");
        let key = PublicKey::from_bytes(curve, dstu4145::ByteOrder::Little, &signed.key).expect("a key");
        for (byte_order, signature) in
            [(dstu4145::ByteOrder::Little, little.clone()), (dstu4145::ByteOrder::Big, turned(&little))]
        {
            let parameters = Parameters { curve, byte_order, form: CurveForm::Explicit, substitution: None };
            let spki = SubjectPublicKey { key, parameters }.to_spki_der();
            let key = crypto::key::PublicKey::from_spki_der(&spki).expect("a key");
            let oid = parameters.algorithm_oid();
            let algorithm = SignatureAlgorithm::from_algorithm_identifier(oid, None, None).expect("an algorithm");
            assert_eq!(key.verify(algorithm, message, &signature), Ok(()), "{curve:?} {byte_order:?}");
            assert_eq!(key.verify(algorithm, b"another document", &signature), Err(VerifyError::Mismatch));
        }
    }
}

fn turned(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// Little-endian numbers without their top byte: below n on both curves of dstu-core.
fn below_the_order(domain: &Domain, chance: &mut Chance) -> Bits {
    Bits::from_bytes(&chance.bytes(64)).low(domain.order.length() - 8)
}

/// dstu-core takes numbers and hashes most significant byte first, and the base point from the caller (its own for m = 163 is that of Annex B.1).
#[test]
fn signatures_of_dstu_core_are_accepted() {
    let mut chance = Chance::new(5);
    for curve in [Curve::M163, Curve::M257] {
        let domain = Domain::recommended(curve);
        let Some((x, y)) = domain.base else { panic!("a point") };
        for _ in 0..4 {
            let hash = chance.bytes(32);
            let (private, nonce) = (below_the_order(&domain, &mut chance), below_the_order(&domain, &mut chance));
            let key = domain.compress(&domain.negate(&domain.multiply(&private, &domain.base)));
            let signature = match curve {
                Curve::M163 => {
                    let number = |number: Bits| turned(&number.to_bytes(21));
                    let element = |number: Vec<u8>| gf2m163::FieldElement::from_be_bytes(&number);
                    let base = curve163::Point::Affine(element(number(x)), element(number(y)));
                    let scalar = |bits| scalar::Scalar::from_be_bytes(&number(bits));
                    let (r, s) = signature::sign(&turned(&hash), scalar(private), scalar(nonce), base).unwrap();
                    [turned(&r), turned(&s)].concat()
                }
                _ => {
                    let number = |number: Bits| turned(&number.to_bytes(33));
                    let element = |number: Vec<u8>| gf2m257::FieldElement::from_be_bytes(&number);
                    let base = curve257::Point::Affine(element(number(x)), element(number(y)));
                    assert_eq!(base, curve257::Point::generator());
                    let scalar = |bits| scalar257::Scalar::from_be_bytes(&number(bits));
                    let (r, s) = signature257::sign(&turned(&hash), scalar(private), scalar(nonce), base).unwrap();
                    [turned(&r[1..]), turned(&s[1..])].concat()
                }
            };
            let again = domain.sign(&private, &nonce, &hash);
            assert_eq!(again.as_ref(), Some(&signature), "{curve:?}: the textbook signs otherwise");
            let wire = Wire { curve, big_endian: false, key, hash, signature };
            assert!(wire.ours() && wire.structured(), "{curve:?}");
            let spoilt = wire.spoilt(&mut chance);
            let seen = spoilt.hash == wire.hash || cut(curve, &spoilt.hash) != cut(curve, &wire.hash);
            assert_eq!((spoilt.ours(), spoilt.structured()), (!seen, !seen), "{curve:?}");
        }
    }
}
