//! What must be refused, as tables: what is wrong, the bytes, and the exact error. One row at least for each kind of forgery and confusion that
//! is known against binary curves or was found in other implementations.

use super::*;
use crate::gost28147::Dke;
use crate::gost34311::Gost34311;

fn number(curve: Curve, limbs: &Limbs) -> Vec<u8> {
    let mut bytes = vec![0; curve.scalar_len()];
    limbs::to_bytes(limbs, &mut bytes);
    bytes
}

/// n − 1, n, and n + 1.
fn around_the_order(curve: Curve) -> [Vec<u8>; 3] {
    let order = curve.domain().order;
    let before = limbs::subtract(&order, &limbs::ONE).0;
    // n is odd, so that n + 1 carries: −(−n − 1).
    let after =
        limbs::subtract(&limbs::ZERO, &limbs::subtract(&limbs::subtract(&limbs::ZERO, &order).0, &limbs::ONE).0).0;
    [before, order, after].map(|limbs| number(curve, &limbs))
}

/// The sum of a key's point and (0, √b), the point of order 2: on the curve, but outside the subgroup.
fn with_point_of_order_two(key: &PublicKey) -> PublicKey {
    struct Sum(Affine<Limbs>);
    impl Task for Sum {
        type Output = Affine<Limbs>;
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn run<F: Field>(self, field: F) -> Self::Output {
            let domain = field.domain();
            let x = field.load(&self.0.x);
            let y = field.multiply(x, field.add(x, field.load(&self.0.lambda)));
            let root = field.square_times(field.load(&domain.b), domain.degree - 1);
            let slope = field.multiply(field.add(y, root), field.invert(x));
            let mut third = field.add(field.add(field.square(slope), slope), x);
            if domain.a {
                third = field.add(third, field.one());
            }
            let ordinate = field.add(field.add(field.multiply(slope, field.add(x, third)), third), y);
            let lambda = field.add(third, field.multiply(ordinate, field.invert(third)));
            Affine { x: field.store(third), lambda: field.store(lambda) }
        }
    }
    let point = dispatch(key.curve.domain(), Sum(key.point));
    PublicKey { curve: key.curve, point }
}

#[test]
fn signatures() {
    for curve in [Curve::M257, Curve::M431] {
        let (key, good) = known(curve);
        let half = curve.scalar_len();
        let (r, s) = good.split_at(half);
        let zero = vec![0; half];
        let [before, order, after] = around_the_order(curve);
        let rows: Vec<(&str, Vec<u8>, VerifyError)> = vec![
            ("nothing", Vec::new(), VerifyError::Length),
            ("one byte", vec![1], VerifyError::Length),
            ("an odd length", good[..2 * half - 1].to_vec(), VerifyError::Length),
            ("an odd length, too long", [&good[..], &[0]].concat(), VerifyError::Length),
            ("halves padded with zeros", [r, &[0], s, &[0]].concat(), VerifyError::Length),
            ("the OCTET STRING around it", [&[4, 0x40][..], &good].concat(), VerifyError::Length),
            ("r = 0", [&zero, s].concat(), VerifyError::RangeOfR),
            ("s = 0", [r, &zero].concat(), VerifyError::RangeOfS),
            ("r = s = 0", vec![0; 2 * half], VerifyError::RangeOfR),
            ("r = n", [&order, s].concat(), VerifyError::RangeOfR),
            ("s = n", [r, &order].concat(), VerifyError::RangeOfS),
            ("r = n + 1", [&after, s].concat(), VerifyError::RangeOfR),
            ("s = n + 1", [r, &after].concat(), VerifyError::RangeOfS),
            ("all bits set", vec![0xff; 2 * half], VerifyError::RangeOfR),
            ("r = n − 1, longer than r is cut", [&before, s].concat(), VerifyError::Mismatch),
            ("s = n − 1", [r, &before].concat(), VerifyError::Mismatch),
            ("s before r", [s, r].concat(), VerifyError::Mismatch),
            ("r twice", [r, r].concat(), VerifyError::Mismatch),
        ];
        let compressed = key.to_bytes(ByteOrder::Little);
        for (what, signature, refusal) in rows {
            assert_eq!(key.verify(ByteOrder::Little, &bytes(HASH), &signature), Err(refusal), "{curve:?}: {what}");
            let one_go = verify_with_new_key(curve, ByteOrder::Little, &compressed, &bytes(HASH), &signature);
            assert_eq!(one_go, Err(refusal.into()), "{curve:?}: {what}");
        }
    }
}

/// With Q = −G, that is d = 1, every r = s leads to infinity, where r' would be taken from nothing.
#[test]
fn infinity_is_no_point_to_take_r_from() {
    for curve in Curve::ALL.into_iter().chain(Curve::NORMAL) {
        let mut base = vec![0; curve.field_len()];
        limbs::to_bytes(&curve.domain().base_compressed, &mut base);
        // The lowest bit is the trace of y/x; that of (x + y)/x is the other.
        base[0] ^= 1;
        let minus = PublicKey::from_bytes(curve, ByteOrder::Little, &base).unwrap();
        for value in [1, 2, 3, 0x1234_5678] {
            let scalar = [value, 0, 0, 0, 0, 0, 0];
            assert_eq!(
                verify_raw(curve, &minus, Signature { r: scalar, s: scalar }),
                Err(VerifyError::Infinity),
                "{curve:?} {value}"
            );
        }
        let last = limbs::subtract(&curve.domain().order, &limbs::ONE).0;
        assert_eq!(verify_raw(curve, &minus, Signature { r: last, s: last }), Err(VerifyError::Infinity), "{curve:?}");
    }
}

#[test]
fn keys() {
    let (key_257, key_431) = (bytes(KEY_257), bytes(KEY_431));
    let with = |key: &[u8], index: usize, bits: u8| {
        let mut changed = key.to_vec();
        changed[index] |= bits;
        changed
    };
    let zero = [0; 33];
    let rows: Vec<(&str, Curve, Vec<u8>, PublicKeyError)> = vec![
        ("nothing", Curve::M257, Vec::new(), PublicKeyError::Length),
        ("a byte too few", Curve::M257, key_257[..32].to_vec(), PublicKeyError::Length),
        ("a byte too many", Curve::M257, [&key_257[..], &[0]].concat(), PublicKeyError::Length),
        ("both coordinates", Curve::M431, [&key_431[..], &key_431].concat(), PublicKeyError::Length),
        ("the OCTET STRING around it", Curve::M257, [&[4, 33][..], &key_257].concat(), PublicKeyError::Length),
        ("the key of another curve", Curve::M431, key_257.clone(), PublicKeyError::Length),
        ("bit 257", Curve::M257, with(&key_257, 32, 2), PublicKeyError::SpareBits),
        ("bit 263", Curve::M257, with(&key_257, 32, 0x80), PublicKeyError::SpareBits),
        ("bit 431", Curve::M431, with(&key_431, 53, 0x80), PublicKeyError::SpareBits),
        ("bit 175, in normal basis", Curve::Normal173, with(&zero[..22], 21, 0x80), PublicKeyError::SpareBits),
        ("x = 0", Curve::M257, zero.to_vec(), PublicKeyError::OrderTwo),
        ("x = 0, the other y/x", Curve::M257, with(&zero, 0, 1), PublicKeyError::OrderTwo),
        ("x = 0", Curve::M173, zero[..22].to_vec(), PublicKeyError::OrderTwo),
        ("x = 0", Curve::Normal173, zero[..22].to_vec(), PublicKeyError::OrderTwo),
        ("no solution for y", Curve::M257, with(&zero, 0, 6), PublicKeyError::NotOnCurve),
        ("no solution for y", Curve::M431, with(&[0; 54], 0, 2), PublicKeyError::NotOnCurve),
    ];
    for (what, curve, key, refusal) in rows {
        assert_eq!(PublicKey::from_bytes(curve, ByteOrder::Little, &key), Err(refusal), "{curve:?}: {what}");
        let one_go = verify_with_new_key(curve, ByteOrder::Little, &key, &bytes(HASH), &[1; 2]);
        assert_eq!(one_go, Err(refusal.into()), "{curve:?}: {what}");
    }
}

/// A key that differs from a good one by the point of order 2 passes every check but that of the subgroup where the cofactor is 4; where it is
/// 2, its x has the wrong trace, and cannot be written down.
#[test]
fn keys_outside_the_subgroup() {
    for curve in Curve::ALL.into_iter().chain(Curve::NORMAL) {
        let mut base = vec![0; curve.field_len()];
        limbs::to_bytes(&curve.domain().base_compressed, &mut base);
        let key = PublicKey::from_bytes(curve, ByteOrder::Little, &base).unwrap();
        let outside = with_point_of_order_two(&key);
        let read = PublicKey::from_bytes(curve, ByteOrder::Little, &outside.to_bytes(ByteOrder::Little));
        if curve.domain().cofactor_log == 2 {
            assert_eq!(read, Err(PublicKeyError::NotInSubgroup), "{curve:?}");
        } else if let Ok(read) = read {
            assert!(has_order_n(&read) && read.point.x != outside.point.x, "{curve:?}");
        }
    }
}

/// Whoever takes a key, a signature or parameters in the order of the other OID is refused.
#[test]
fn confusions_of_the_byte_order() {
    for (curve, signature_refusal) in [(Curve::M257, VerifyError::Mismatch), (Curve::M431, VerifyError::RangeOfR)] {
        let (key, signature) = known(curve);
        let little = key.to_bytes(ByteOrder::Little);
        // The low byte of x counts as the high one, and has bits beyond the field.
        let refusal = Err(PublicKeyError::SpareBits);
        assert_eq!(PublicKey::from_bytes(curve, ByteOrder::Big, &little), refusal, "{curve:?}");
        assert_eq!(key.verify(ByteOrder::Big, &bytes(HASH), &signature), Err(signature_refusal), "{curve:?}");
        for (order, other) in [(ByteOrder::Little, BIG), (ByteOrder::Big, LITTLE)] {
            let parameters = Parameters { curve, byte_order: order, form: CurveForm::Explicit, substitution: None };
            let refusal = Err(ParametersError::ForeignParameters);
            assert_eq!(Parameters::from_algorithm(other, &parameters.to_der()), refusal, "{curve:?} {order:?}");
        }
    }
}

/// Explicit parameters with one number of another curve, or of the caller's choice, with everything else as it must be.
#[test]
fn explicit_parameters_that_are_not_standard() {
    let numbers = |curve: Curve| {
        let domain = curve.domain();
        let mut fields = [vec![0; curve.field_len()], vec![0; curve.field_len()]];
        limbs::to_bytes(&domain.b, &mut fields[0]);
        limbs::to_bytes(&domain.base_compressed, &mut fields[1]);
        fields
    };
    let octets = |bytes: &[u8]| crate::asn1::element(crate::asn1::TAG_OCTET_STRING, &[bytes]);
    let [b, base] = numbers(Curve::M257);
    let mut order = number(Curve::M257, &Curve::M257.domain().order);
    order.reverse();
    let field = bytes("30070202010102010C");
    let n = crate::asn1::unsigned_integer(&order);
    let build = |parts: &[&[u8]]| in_sequence(&[&in_sequence(parts)]);
    let good = build(&[&field, &[2, 1, 0], &octets(&b), &n, &octets(&base)]);
    assert_eq!(Parameters::from_algorithm(LITTLE, &good).map(|read| read.curve), Ok(Curve::M257));
    let mut other_b = b.clone();
    other_b[5] ^= 0x10;
    // Another generator of the same group: with it whoever knows its discrete logarithm signs for others.
    let other_base = bytes(KEY_257);
    let mut doubled = order.clone();
    doubled.push(0);
    let shorter = in_sequence(&[&bytes("02020101"), &bytes("02010A")]);
    let pentanomial = in_sequence(&[&bytes("02020101"), &in_sequence(&[&[2, 1, 1], &[2, 1, 2], &[2, 1, 12]])]);
    let foreign = ParametersError::ForeignParameters;
    let rows: Vec<(&str, Vec<u8>, ParametersError)> = vec![
        ("another base point", build(&[&field, &[2, 1, 0], &octets(&b), &n, &octets(&other_base)]), foreign),
        ("another b", build(&[&field, &[2, 1, 0], &octets(&other_b), &n, &octets(&base)]), foreign),
        ("another a", build(&[&field, &[2, 1, 1], &octets(&b), &n, &octets(&base)]), foreign),
        ("another order", build(&[&field, &[2, 1, 0], &octets(&b), &[2, 1, 7], &octets(&base)]), foreign),
        (
            "a multiple of the order",
            build(&[&field, &[2, 1, 0], &octets(&b), &crate::asn1::unsigned_integer(&doubled), &octets(&base)]),
            foreign,
        ),
        ("another polynomial", build(&[&shorter, &[2, 1, 0], &octets(&b), &n, &octets(&base)]), foreign),
        ("a pentanomial", build(&[&pentanomial, &[2, 1, 0], &octets(&b), &n, &octets(&base)]), foreign),
        (
            "the default version written out",
            build(&[&bytes("A003020100"), &field, &[2, 1, 0], &octets(&b), &n, &octets(&base)]),
            foreign,
        ),
        ("no base point", build(&[&field, &[2, 1, 0], &octets(&b), &n]), foreign),
        ("more after it", build(&[&field, &[2, 1, 0], &octets(&b), &n, &octets(&base), &[5, 0]]), foreign),
        ("nothing in it", build(&[]), foreign),
        ("no curve at all", in_sequence(&[]), ParametersError::Malformed),
        ("NULL", vec![5, 0], ParametersError::Malformed),
    ];
    for (what, der, refusal) in rows {
        assert_eq!(Parameters::from_algorithm(LITTLE, &der), Err(refusal), "{what}");
    }
}

/// Signatures are over GOST 34.311 with DKE No 1, whatever table the key's parameters carry.
#[test]
fn a_hash_with_a_foreign_substitution_table() {
    let table = bytes(crate::gost34311::tests::OTHER_DKE);
    let mut hasher = Gost34311::with_dke(Dke::from_packed(&table).unwrap());
    hasher.update(b"message");
    let foreign = hasher.finish();
    assert_ne!(foreign, crate::gost34311::gost34311(b"message"));
    let (key, signature) = known(Curve::M257);
    assert_eq!(key.verify(ByteOrder::Little, &foreign, &signature), Err(VerifyError::Mismatch));
    // Rows that are no permutations are no table.
    let mut repeated = table;
    repeated[0] = 0x44;
    assert!(Dke::from_packed(&repeated).is_err());
    assert!(Dke::from_packed(&repeated[..63]).is_err());
}
