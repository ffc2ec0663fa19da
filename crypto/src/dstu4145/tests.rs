//! Known answers, refusals, and agreement of what must agree.

mod normal_basis;
mod refusals;

use super::curve::Domain;
use super::field::portable::Portable;
use super::field::{Arithmetic, Field, Task, dispatch};
use super::limbs::{self, Limbs};
use super::point::{self, Affine, Projective};
use super::verify::{Signature, hash_element, verify_point};
use super::*;
use crate::digest::from_hex;

/// The hash of all three known answers, as it stands on the wire.
const HASH: &str = "FF4722F5AEED76EB2E5373DF6D1680715BB92E3A8886E4AE9A0C917742C4C909";
const KEY_257: &str = "0B2B6F77CE03FC1A2F29C9FDF6BDB8C29D1A9C98DD1FE8054D60545CB5FA6B4601";
const SIGNATURE_257: &str = "20BC112EEEBC2984241A716F66BB6598981CDF6B9B79429139DC52A3A494F74A\
                             44CC2572C4FAF7250FFB02B132759F13947ED3534A6277EC398EC14DD779D053";
const KEY_431: &str =
    "E3278328DD3664A747D7A674B5FD2876B3DC4A5BFC8FA77AE394A334F28D152CC3E2F585F35200DF3AFD3D0A655FCC6AAB1CA7F98271";
const SIGNATURE_431: &str = "4492F97FD176CE902871531A38F55B051AEA896FC4D88CF7F2BEEA611D5740993FB13AF081C2D54415DA000934F8E11FC15FE4477A16\
                             89F1BF9BEA5452B9778659314BCA2B95CB0CCC94CD2031C597A494096AA3E5F5D1096980235EDDFD1AC452DE0BB405444EED95B97824";

fn bytes(hex: &str) -> Vec<u8> {
    from_hex(hex).unwrap()
}

fn known(curve: Curve) -> (PublicKey, Vec<u8>) {
    let (key, signature) = if curve == Curve::M257 { (KEY_257, SIGNATURE_257) } else { (KEY_431, SIGNATURE_431) };
    (PublicKey::from_bytes(curve, ByteOrder::Little, &bytes(key)).unwrap(), bytes(signature))
}

/// x and y of a point with its key.
fn coordinates(key: &PublicKey) -> (Limbs, Limbs) {
    struct Ordinate(Affine<Limbs>);
    impl Task for Ordinate {
        type Output = Limbs;
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn run<F: Field>(self, field: F) -> Limbs {
            let (x, lambda) = (field.load(&self.0.x), field.load(&self.0.lambda));
            field.store(field.multiply(x, field.add(x, lambda)))
        }
    }
    (key.point.x, dispatch(key.curve.domain(), Ordinate(key.point)))
}

#[test]
fn the_published_signatures_verify_and_every_flipped_bit_is_refused() {
    for curve in [Curve::M257, Curve::M431] {
        let (key, signature) = known(curve);
        assert_eq!(key.verify(ByteOrder::Little, &bytes(HASH), &signature), Ok(()));
        for bit in (0..signature.len() * 8).step_by(17) {
            let mut flipped = signature.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(key.verify(ByteOrder::Little, &bytes(HASH), &flipped).is_err(), "{curve:?} signature bit {bit}");
        }
        for bit in (0..256).step_by(37) {
            let mut flipped = bytes(HASH);
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.verify(ByteOrder::Little, &flipped, &signature), Err(VerifyError::Mismatch));
        }
    }
}

#[test]
fn keys_decompress_to_the_published_points_and_compress_back() {
    let x = limbs::from_hex("01466BFAB55C54604D05E81FDD989C1A9DC2B8BDF6FDC9292F1AFC03CE776F2B0B");
    let y = limbs::from_hex("00A9D61F67EB711A2A60F1D039706C232445D53EE490F3B8CFFA56E4993453A01F");
    assert_eq!(coordinates(&known(Curve::M257).0), (x, y));
    assert_eq!(known(Curve::M257).0.to_bytes(ByteOrder::Little), bytes(KEY_257));
    assert_eq!(known(Curve::M431).0.to_bytes(ByteOrder::Little), bytes(KEY_431));
}

#[test]
fn the_big_endian_order_reverses_the_bytes() {
    for curve in [Curve::M257, Curve::M431] {
        let (key, mut signature) = known(curve);
        signature.reverse();
        assert_eq!(key.verify(ByteOrder::Big, &bytes(HASH), &signature), Ok(()));
        assert!(key.verify(ByteOrder::Little, &bytes(HASH), &signature).is_err());
        let compressed = key.to_bytes(ByteOrder::Big);
        assert_eq!(PublicKey::from_bytes(curve, ByteOrder::Big, &compressed), Ok(key));
    }
}

/// Annex B.1 signs over the curve of m = 163 with a base point of its own.
#[test]
fn annex_b_verifies() {
    static ANNEX: std::sync::LazyLock<Domain> = std::sync::LazyLock::new(|| Domain {
        base_x: limbs::from_hex("072D867F93A93AC27DF9FF01AFFE74885C8C540420"),
        base_y: limbs::from_hex("00224A9C3947852B97C5599D5F4AB81122ADC3FD9B"),
        ..Curve::M163.domain().clone()
    });
    let field = Portable::<3>::new(&ANNEX).unwrap();
    let base = point::base_tables(field).whole;
    let compressed = limbs::from_bytes(&bytes("DAC2BD4AF69CB7E45C78ACB69C92FF23E0FDE77D05"));
    let key = public::decompress(field, &compressed).unwrap();
    assert_eq!(field.store(key.x), limbs::from_hex("057DE7FDE023FF929CB6AC785CE4B79CF64ABDC2DA"));
    let y = field.multiply(key.x, field.add(key.x, key.lambda));
    assert_eq!(field.store(y), limbs::from_hex("03E85444324BCF06AD85ABF6AD7B5F34770532B9AA"));
    let signature = bytes("A7088D06937ADE9AF524A4800D4A01AA0C2CEA7402CA5A61B332A3D65B0F238C8E2B83317395860D1002");
    let mut signature = Signature::read(Curve::M163, ByteOrder::Little, &signature).unwrap();
    let hash = hash_element(&ANNEX, &bytes(HASH));
    assert_eq!(verify_point(field, &base, &key, &signature, &hash), Ok(()));
    signature.s[0] ^= 1;
    assert_eq!(verify_point(field, &base, &key, &signature, &hash), Err(VerifyError::Mismatch));
}

/// For each curve: the printed base point lies on it, in the subgroup, compresses as printed, and n times it is infinity.
#[test]
fn the_printed_curves_agree_with_themselves() {
    for curve in Curve::ALL.into_iter().chain(Curve::NORMAL) {
        let domain = curve.domain();
        let mut compressed = vec![0; curve.field_len()];
        limbs::to_bytes(&domain.base_compressed, &mut compressed);
        let key = PublicKey::from_bytes(curve, ByteOrder::Little, &compressed).unwrap();
        assert_eq!(coordinates(&key), (domain.base_x, domain.base_y), "{curve:?}");
        assert_eq!(key.to_bytes(ByteOrder::Little), compressed);
        // (n − 1)·G + 1·G.
        let signature = Signature { s: limbs::subtract(&domain.order, &limbs::ONE).0, r: limbs::ONE };
        assert_eq!(verify_raw(curve, &key, signature), Err(VerifyError::Infinity), "{curve:?}");
    }
}

fn verify_raw(curve: Curve, key: &PublicKey, signature: Signature) -> Result<(), VerifyError> {
    let length = curve.scalar_len();
    let mut encoded = vec![0; 2 * length];
    limbs::to_bytes(&signature.r, &mut encoded[..length]);
    limbs::to_bytes(&signature.s, &mut encoded[length..]);
    key.verify(ByteOrder::Little, &bytes(HASH), &encoded)
}

/// Keys that are small multiples of G make the fast formulas add a point to itself or to its opposite.
#[test]
fn coincident_points_are_added_rightly() {
    struct Sums;
    impl Task for Sums {
        type Output = ();
        fn run<F: Field>(self, field: F) {
            let base = point::base(field);
            let tables = field.base_tables();
            for (s, r) in [(1u64, 1u64), (2, 1), (3, 5), (7, 7), (16, 16), (129, 129), (5, 1000)] {
                let small = |value: u64| [value, 0, 0, 0, 0, 0, 0];
                let expected = point::complete(field, (&small(s + r), &base), (&limbs::ZERO, &base)).unwrap();
                let direct = point::complete(field, (&small(s), &base), (&small(r), &base)).unwrap();
                assert_eq!(field.store(direct.x), field.store(expected.x), "{s} {r}");
                let table: [_; 8] = point::odd_table(field, &base);
                let joint = point::joint_multiply(
                    field,
                    [
                        recode::Stream { table: &tables.whole, width: point::BASE_WIDTH, scalar: small(s) },
                        recode::Stream { table: &table, width: point::KEY_WIDTH, scalar: small(r) },
                    ],
                )
                .unwrap();
                if !field.is_zero(joint.z) {
                    assert!(same(field, &joint, &expected), "{s} {r}");
                }
            }
        }
    }
    fn same<F: Field>(field: F, left: &Projective<F::Element>, right: &Affine<F::Element>) -> bool {
        let x = field.multiply(right.x, left.z);
        let lambda = field.multiply(right.lambda, left.z);
        field.is_zero(field.add(x, left.x)) && field.is_zero(field.add(lambda, left.lambda))
    }
    for curve in [Curve::M163, Curve::M257, Curve::M431] {
        dispatch(curve.domain(), Sums);
    }
}

#[test]
fn refused_keys_each_have_their_own_error() {
    let read = |curve, key: &[u8]| PublicKey::from_bytes(curve, ByteOrder::Little, key);
    let key = bytes(KEY_257);
    assert_eq!(read(Curve::M257, &key[..32]), Err(PublicKeyError::Length));
    assert_eq!(read(Curve::M257, &[&key[..], &[0]].concat()), Err(PublicKeyError::Length));
    assert_eq!(read(Curve::M257, &[]), Err(PublicKeyError::Length));
    for spare in 1..8 {
        let mut wide = key.clone();
        wide[32] |= 1 << spare;
        assert_eq!(read(Curve::M257, &wide), Err(PublicKeyError::SpareBits));
    }
    let mut wide = bytes(KEY_431);
    wide[53] |= 0x80;
    assert_eq!(read(Curve::M431, &wide), Err(PublicKeyError::SpareBits));
    let mut zero = vec![0; 33];
    assert_eq!(read(Curve::M257, &zero), Err(PublicKeyError::OrderTwo));
    zero[0] = 1;
    assert_eq!(read(Curve::M257, &zero), Err(PublicKeyError::OrderTwo));
    // Half of all x belong to no point; of those that do, half belong to points outside the subgroup where the cofactor is 4.
    for (curve, outside) in [(Curve::M173, true), (Curve::M257, true), (Curve::M191, false), (Curve::M431, false)] {
        let mut seen = [0; 3];
        for x in 2..=200u8 {
            let mut small = vec![0; curve.field_len()];
            small[0] = x;
            match read(curve, &small) {
                Ok(key) => {
                    seen[0] += 1;
                    if x < 20 {
                        assert!(has_order_n(&key), "{curve:?} {x}");
                    }
                }
                Err(PublicKeyError::NotOnCurve) => seen[1] += 1,
                Err(PublicKeyError::NotInSubgroup) => seen[2] += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(seen[0] > 20 && seen[1] > 50 && (seen[2] > 20) == outside && (seen[2] == 0) != outside, "{seen:?}");
    }
}

/// n·Q by formulas that always hold is infinity.
fn has_order_n(key: &PublicKey) -> bool {
    struct Multiple(Affine<Limbs>);
    impl Task for Multiple {
        type Output = bool;
        fn run<F: Field>(self, field: F) -> bool {
            let point = Affine { x: field.load(&self.0.x), lambda: field.load(&self.0.lambda) };
            point::complete(field, (&field.domain().order, &point), (&limbs::ZERO, &point)).is_none()
        }
    }
    dispatch(key.curve.domain(), Multiple(key.point))
}

#[test]
fn refused_signatures_each_have_their_own_error() {
    let (key, good) = known(Curve::M257);
    let verify = |signature: &[u8]| key.verify(ByteOrder::Little, &bytes(HASH), signature);
    for length in [0, 1, 63, 65, 66, 128] {
        assert_eq!(verify(&vec![1; length]), Err(VerifyError::Length), "{length}");
    }
    let mut order = [0; 32];
    limbs::to_bytes(&Curve::M257.domain().order, &mut order);
    for bad in [[0; 32], order, [0xff; 32]] {
        assert_eq!(verify(&[&bad[..], &good[32..]].concat()), Err(VerifyError::RangeOfR));
        assert_eq!(verify(&[&good[..32], &bad[..]].concat()), Err(VerifyError::RangeOfS));
    }
    // r in range, but longer than what is kept of the product.
    let mut largest = order;
    largest[0] -= 1;
    assert_eq!(verify(&[&largest[..], &good[32..]].concat()), Err(VerifyError::Mismatch));
    assert_eq!(verify(&[&good[..32], &largest[..]].concat()), Err(VerifyError::Mismatch));
    // Equal halves that are shorter are read, and are no signature of this.
    assert_eq!(verify(&good[..62]), Err(VerifyError::Mismatch));
}

#[test]
fn a_hash_of_zero_counts_as_one_and_a_long_one_is_cut() {
    let domain = Curve::M257.domain();
    assert_eq!(hash_element(domain, &[0; 32]), limbs::ONE);
    assert_eq!(hash_element(domain, &[]), limbs::ONE);
    let long = hash_element(domain, &[0xff; 64]);
    assert_eq!(limbs::bit_length(&long), 257);
    assert_eq!(hash_element(Curve::M163.domain(), &[0xff; 32]), limbs::low_bits(&[u64::MAX; 7], 163));
}

#[test]
fn one_go_agrees_with_key_and_signature_apart() {
    for (curve, key) in [(Curve::M257, KEY_257), (Curve::M431, KEY_431)] {
        let signature = known(curve).1;
        let verify =
            |key: &[u8], signature: &[u8]| verify_with_new_key(curve, ByteOrder::Little, key, &bytes(HASH), signature);
        assert_eq!(verify(&bytes(key), &signature), Ok(()));
        assert_eq!(verify(&bytes(key)[1..], &signature), Err(PublicKeyError::Length.into()));
        assert_eq!(verify(&bytes(key), &signature[1..]), Err(VerifyError::Length.into()));
        let mut other = bytes(key);
        other[0] ^= 1;
        // −Q.
        assert_eq!(verify(&other, &signature), Err(VerifyError::Mismatch.into()));
    }
}

const LITTLE: &str = "1.2.804.2.1.1.1.1.3.1.1";
const BIG: &str = "1.2.804.2.1.1.1.1.3.1.1.1.1";
const EXPLICIT_257: &str = "307530070202010102010C020100042110BEE3DB6AEA9E1F86578C45C12594FF942394A7D738F9187E6515017294F4CE010221008000000000000000\
                            00000000000000006759213AF182E987D3E17714907D470D0421B60FD2D8DCE8A93423C6101BCA91C47A007E6C300B26CD556C9B0E7D20EF292A00";
const EXPLICIT_431: &str = "3081BC300F020201AF30090201010201030201050201010436F3CA40C669A4DA173149CA12C32DAE186B53AC6BC6365997DEAEAE8AD2D888F9BFD534\
                            01694EF9C4273D8CFE6DC28F706A0F4910CE0302363FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFBA3175458009A8C0A724F02F\
                            81AA8A1FCBAF80D90C7A95110504CF04367C857C94C5433BFD991E17C22684065850A9A249ED7BC249AE5A4E878689F872EF7AD524082EC3038E9AED\
                            E7BA6BA13381D979BA621A";

fn in_sequence(parts: &[&[u8]]) -> Vec<u8> {
    crate::asn1::element(crate::asn1::TAG_SEQUENCE, parts)
}

#[test]
fn parameters_in_use_are_recognised_and_written_alike() {
    for (curve, explicit) in [(Curve::M257, EXPLICIT_257), (Curve::M431, EXPLICIT_431)] {
        let plain = in_sequence(&[&bytes(explicit)]);
        let read = Parameters::from_algorithm(LITTLE, &plain).unwrap();
        let expected =
            Parameters { curve, byte_order: ByteOrder::Little, form: CurveForm::Explicit, substitution: None };
        assert_eq!(read, expected);
        assert_eq!(read.to_der(), plain);
        let with_table = in_sequence(&[&bytes(explicit), &[&[4, 64][..], &[0xa9; 64]].concat()]);
        let read = Parameters::from_algorithm(LITTLE, &with_table).unwrap();
        assert_eq!(read.substitution, Some([0xa9; 64]));
        assert_eq!(read.to_der(), with_table);
    }
    let lengths = [91, 83, 94, 97, 92, 118, 119, 146, 159, 191];
    for (curve, length) in Curve::ALL.into_iter().zip(lengths) {
        for (oid, byte_order) in [(LITTLE, ByteOrder::Little), (BIG, ByteOrder::Big)] {
            for form in [CurveForm::Named, CurveForm::Explicit] {
                let parameters = Parameters { curve, byte_order, form, substitution: None };
                let der = parameters.to_der();
                assert_eq!(Parameters::from_algorithm(oid, &der), Ok(parameters));
                assert_eq!(parameters.algorithm_oid(), oid);
                if form == CurveForm::Explicit {
                    assert_eq!(der.len() - if length < 126 { 2 } else { 3 }, length, "{curve:?}");
                }
            }
        }
    }
}

#[test]
fn refused_parameters_each_have_their_own_error() {
    let read = |oid: &str, der: &[u8]| Parameters::from_algorithm(oid, der).unwrap_err();
    let good = in_sequence(&[&bytes(EXPLICIT_257)]);
    assert_eq!(read("1.2.840.10045.2.1", &good), ParametersError::UnknownAlgorithm);
    // Kupyna's signature OID, which is none of a key.
    assert_eq!(read("1.2.804.2.1.1.1.1.3.6.1", &good), ParametersError::UnknownAlgorithm);
    assert_eq!(read(BIG, &good), ParametersError::ForeignParameters);
    for place in 4..good.len() {
        for bit in 0..8 {
            let mut other = good.clone();
            other[place] ^= 1 << bit;
            assert!(Parameters::from_algorithm(LITTLE, &other).is_err(), "{place} {bit}");
        }
    }
    let mut base = good.clone();
    *base.last_mut().unwrap() ^= 1;
    assert_eq!(read(LITTLE, &base), ParametersError::ForeignParameters);
    let mut trailing = good.clone();
    trailing.push(0);
    assert_eq!(read(LITTLE, &trailing), ParametersError::Malformed);
    assert_eq!(read(LITTLE, &good[..100]), ParametersError::Malformed);
    assert_eq!(read(LITTLE, &[5, 0]), ParametersError::Malformed);
    assert_eq!(read(LITTLE, &in_sequence(&[&[5, 0]])), ParametersError::Malformed);
    // brainpoolP256r1 is a curve, but not one of these.
    let oid = [0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07];
    assert_eq!(read(LITTLE, &in_sequence(&[&oid])), ParametersError::UnknownCurve);
    let short = in_sequence(&[&bytes(EXPLICIT_257), &[&[4, 63][..], &[0; 63]].concat()]);
    assert_eq!(read(LITTLE, &short), ParametersError::TableLength);
    let table = [&[4, 64][..], &[0; 64]].concat();
    assert_eq!(read(LITTLE, &in_sequence(&[&bytes(EXPLICIT_257), &table, &table])), ParametersError::Malformed);
}

#[test]
fn a_subject_public_key_reads_and_writes() {
    for curve in [Curve::M257, Curve::M431] {
        for byte_order in [ByteOrder::Little, ByteOrder::Big] {
            let parameters = Parameters { curve, byte_order, form: CurveForm::Explicit, substitution: Some([7; 64]) };
            let written = SubjectPublicKey { key: known(curve).0, parameters };
            let der = written.to_spki_der();
            assert_eq!(SubjectPublicKey::from_spki_der(&der), Ok(written));
            for end in 0..der.len() {
                assert_eq!(SubjectPublicKey::from_spki_der(&der[..end]), Err(ParametersError::Malformed));
            }
            let mut spare = der;
            let last = spare.len() - 1;
            let top = if byte_order == ByteOrder::Little { last } else { last + 1 - curve.field_len() };
            spare[top] |= 0x80;
            let refusal = ParametersError::Key(PublicKeyError::SpareBits);
            assert_eq!(SubjectPublicKey::from_spki_der(&spare), Err(refusal));
        }
    }
}
