//! The curves in optimal normal basis: their printed numbers against those in polynomial basis that we compute with, and Annex B.2.

use super::super::normal_basis::{to_normal, to_polynomial, trace};
use super::*;

/// As the standard prints them, in normal basis: curve, b, base point x and y (UAPKI `ec-default-params.c`).
const PRINTED: [(Curve, &str, &str, &str); 5] = [
    (
        Curve::Normal173,
        "043D7E139319F43BA00944915740E1E6651B06E278C7",
        "0A3B8B8D704089B24318CAA51917CB6E424B4E6DEA56",
        "005A43D5EE1F400349CF35150C74F119A39145F0CB08",
    ),
    (
        Curve::Normal179,
        "019C9EBC4FD8308193D3A61762C547C82F2E6B2182CBCB",
        "011F4112265410477159E0D3E39BC4AC4ADE43B21B66B9",
        "02CA5F0B34C61A86216F13766591CB266E2819EE582B3C",
    ),
    (
        Curve::Normal191,
        "13871C9D29D6CEEA740FD57444F72FDBAE559C13A1E31EF8",
        "7159E0D3E39BC4AC4ADE43B21B66B94F2AF25ABEEB1D85D3",
        "57E45D546BE6201E9705E029535D009D31F51D81E18226BE",
    ),
    (
        Curve::Normal233,
        "0080F920952A702C75B704A424C018EEA55AA44664F3A003E0962D4F9A8E",
        "00A0823B8ACF069F1CDE256256F21D90DB35CA795792D5F758EC2E9992FB",
        "019DAE222AF326D33AFB7761953F624A23D3EB1CA7A1C300F0AA9953CA85",
    ),
    (
        Curve::Normal431,
        "53FB7AF7B4407000A6F226AD6BAD28378646BD83F1F940810A4C19536EE65E53F40F973F2F06C5E80EFE3B43651BD5FF8B06BA5F9299",
        "2020182CFCD7C724157B363D4ABFD4C16251773C595D4E5C88572FA9D5EBB58142326448C08D3EE3E17E40B835D3090DCFBA7C5ADEA6",
        "18E1B6EFB28EEF8A1F9C1859ED57C74CA747E4E1A60294C005D1920E80903A432929855828DD7F21714F837E119A044987F00110ADAD",
    ),
];

/// Normal and polynomial basis (cryptonite `utest_dstu4145.c`, `dstu4145_onb_to_pb_*`).
const CONVERSIONS: [(Curve, &str, &str); 4] = [
    (Curve::Normal173, "1053bc43edb5401d73e045d608f6cd71a", "1cd30e064b7d1f84f2654dafefb6341a69ed2de6f7be"),
    (Curve::Normal173, "43d7e139319f43ba00944915740e1e6651b06e278c7", "1eec7c8f700a6aedbd1461bfd4e13f7a34be03124b2"),
    (
        Curve::Normal179,
        "19c9ebc4fd8308193d3a61762c547c82f2e6b2182cbcb",
        "4c8a1d80932e32d11d5cc8c5c61d708d9c7ec4072c6e0",
    ),
    (
        Curve::Normal431,
        "53fb7af7b4407000a6f226ad6bad28378646bd83f1f940810a4c19536ee65e53f40f973f2f06c5e80efe3b43651bd5ff8b06ba5f9299",
        "513dc8305b5444dca36bf9c383216d191f9457d222eb612dea8cc5a073e37e17ed41b01d8152af26d45d676c728f814ba7f6014e4d55",
    ),
];

/// A number in normal basis, changed there and back.
struct ThereAndBack(Limbs);

impl Task for ThereAndBack {
    type Output = (Limbs, Limbs);

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn run<F: Field>(self, field: F) -> Self::Output {
        let basis = field.domain().normal.as_ref().unwrap();
        let element = to_polynomial(field, basis, &self.0);
        let number = to_normal(field, basis, element);
        assert_eq!(trace(&number), field.trace(element));
        (field.store(element), number)
    }
}

fn changed(curve: Curve, number: &str) -> Limbs {
    let number = limbs::from_hex(number);
    let (element, back) = dispatch(curve.domain(), ThereAndBack(number));
    assert_eq!(back, number, "{curve:?}");
    element
}

#[test]
fn published_conversions_come_out_both_ways() {
    for (curve, normal, polynomial) in CONVERSIONS {
        assert_eq!(changed(curve, normal), limbs::from_hex(polynomial), "{curve:?}");
    }
}

#[test]
fn the_numbers_we_compute_with_are_the_printed_ones() {
    for (curve, b, x, y) in PRINTED {
        let domain = curve.domain();
        assert_eq!(domain.normal.unwrap().b, limbs::from_hex(b), "{curve:?}");
        assert_eq!(changed(curve, b), domain.b, "{curve:?}");
        assert_eq!(changed(curve, x), domain.base_x, "{curve:?}");
        assert_eq!(changed(curve, y), domain.base_y, "{curve:?}");
        let mut cleared = [limbs::from_hex(x), domain.base_compressed];
        cleared.iter_mut().for_each(|number| number[0] &= !1);
        assert_eq!(cleared[0], cleared[1], "{curve:?}");
    }
}

/// The curve in polynomial basis of the same degree has the same field and the same order, but other coefficients.
#[test]
fn each_shares_field_and_order_with_the_curve_of_its_degree() {
    for curve in Curve::NORMAL {
        let normal = curve.domain();
        let polynomial = Curve::ALL.into_iter().find(|other| other.degree() == curve.degree()).unwrap().domain();
        assert_eq!((normal.middle, normal.trace_bits), (polynomial.middle, polynomial.trace_bits), "{curve:?}");
        assert_eq!((normal.order, normal.a), (polynomial.order, polynomial.a), "{curve:?}");
        assert_eq!(normal.cofactor_log, polynomial.cofactor_log, "{curve:?}");
        assert_ne!(normal.b, polynomial.b, "{curve:?}");
        assert_eq!((curve.basis(), curve.field_len()), (Basis::OptimalNormal, curve.degree().div_ceil(8)));
    }
    assert!(Curve::ALL.into_iter().all(|curve| curve.basis() == Basis::Polynomial));
}

/// β generates an optimal normal basis of the second type: it is a root of the polynomial f_m with f_0 = 1, f_1 = x + 1,
/// f_(i+1) = x·f_i + f_(i−1), all its conjugates sum to 1, and the basis is its own dual.
#[test]
fn the_roots_generate_optimal_normal_bases() {
    struct Check;
    impl Task for Check {
        type Output = ();
        fn run<F: Field>(self, field: F) {
            let degree = field.domain().degree;
            let root = field.load(&field.domain().normal.unwrap().root);
            let (mut before, mut here) = (field.one(), field.add(root, field.one()));
            for _ in 1..degree {
                (before, here) = (here, field.add(field.multiply(root, here), before));
            }
            assert!(field.is_zero(here));
            let mut conjugate = root;
            let mut sum = field.zero();
            for index in 0..degree {
                assert_eq!(field.trace(field.multiply(root, conjugate)), u64::from(index == 0));
                sum = field.add(sum, conjugate);
                conjugate = field.square(conjugate);
            }
            assert!(field.is_zero(field.add(sum, field.one())) && field.is_zero(field.add(conjugate, root)));
        }
    }
    Curve::NORMAL.into_iter().for_each(|curve| dispatch(curve.domain(), Check));
}

/// Every field polynomial is irreducible. The degrees are prime, so it is enough that x^(2^m) = x (all factors have degree 1 or m) and that
/// there is no factor of degree 1 (x has an inverse, and so has x + 1).
#[test]
fn the_field_polynomials_are_irreducible() {
    struct Check;
    impl Task for Check {
        type Output = ();
        fn run<F: Field>(self, field: F) {
            let degree = field.domain().degree;
            assert!((2..degree).all(|divisor| !degree.is_multiple_of(divisor)));
            let x = field.load(&[2, 0, 0, 0, 0, 0, 0]);
            for element in [x, field.add(x, field.one())] {
                assert!(field.is_zero(field.add(field.square_times(element, degree), element)));
                let unit = field.multiply(element, field.invert(element));
                assert!(field.is_zero(field.add(unit, field.one())));
            }
        }
    }
    Curve::ALL.into_iter().chain(Curve::NORMAL).for_each(|curve| dispatch(curve.domain(), Check));
}

/// Annex B.2 signs over the curve of m = 173 with a base point of its own.
#[test]
fn annex_b_2_verifies() {
    static ANNEX: std::sync::LazyLock<Domain> = std::sync::LazyLock::new(|| Domain {
        base_x: changed(Curve::Normal173, "1D26E5282C2647E1B0327CB4F6087932A0A1F006A89F"),
        base_y: changed(Curve::Normal173, "0322218E4551CF8F6E3345644A10B2408F5DF19EC2C7"),
        ..Curve::Normal173.domain().clone()
    });
    let field = Portable::<3>::new(&ANNEX).unwrap();
    let base = point::base_tables(field).whole;
    let x = field.load(&changed(Curve::Normal173, "16C1FF796B32D6D2FC83CA9530B368B322F7874B2D01"));
    let y = field.load(&changed(Curve::Normal173, "1F253334197826B6ADAE44EDEAA7EA281D1C5E597A37"));
    let key = Affine { x, lambda: field.add(x, field.multiply(y, field.invert(x))) };
    let mut hash = bytes("2A681ECE118389B27A108137187EA862117EF1484289470ECAC802C5A651FDA8");
    hash.reverse();
    let mut signature = Signature {
        r: limbs::from_hex("0477ECC260F390FB6D0AE4AE3B7A78120F8EC458EF9A"),
        s: limbs::from_hex("0472EA56AE478F95F1EC9F628FF43857E168B50FB819"),
    };
    let hash = hash_element(&ANNEX, &hash);
    assert_eq!(verify_point(field, &base, &key, &signature, &hash), Ok(()));
    signature.r[0] ^= 1;
    assert_eq!(verify_point(field, &base, &key, &signature, &hash), Err(VerifyError::Mismatch));
    // The key compresses with the bit of its normal basis, and comes back.
    let point = Affine { x: field.store(key.x), lambda: field.store(key.lambda) };
    let public = PublicKey { curve: Curve::Normal173, point };
    let compressed = public.to_bytes(ByteOrder::Big);
    assert_eq!(compressed[..21], bytes("16C1FF796B32D6D2FC83CA9530B368B322F7874B2D")[..]);
    assert_eq!(PublicKey::from_bytes(Curve::Normal173, ByteOrder::Big, &compressed), Ok(public));
}

const NORMAL_LITTLE: &str = "1.2.804.2.1.1.1.1.3.1.2";
const NORMAL_BIG: &str = "1.2.804.2.1.1.1.1.3.1.2.1.1";
/// UAPKI `dstu4145-params.c`: little-endian, and big-endian.
const LITTLE_173: &str = "305C300F020200AD300902010102010202010A0201000416C778E2061B65E6E14057914409A03BF41993137E3D0402160800000000000000\
                         000000189B4E67606E3825BB2831041656EA6D4E4B426ECB1719A5CA1843B28940708D8B3B0A";
const BIG_191: &str = "305A3007020200BF020109020101041813871C9D29D6CEEA740FD57444F72FDBAE559C13A1E31EF8021840000000000000000000000069A7\
                      79CAC1DABC6788F7474F04187159E0D3E39BC4AC4ADE43B21B66B94F2AF25ABEEB1D85D2";

#[test]
fn parameters_are_recognised_under_their_own_algorithms_only() {
    let lengths = [92, 95, 90, 116, 188];
    for (curve, length) in Curve::NORMAL.into_iter().zip(lengths) {
        for (oid, other, byte_order) in
            [(NORMAL_LITTLE, NORMAL_BIG, ByteOrder::Little), (NORMAL_BIG, NORMAL_LITTLE, ByteOrder::Big)]
        {
            for form in [CurveForm::Named, CurveForm::Explicit] {
                let parameters = Parameters { curve, byte_order, form, substitution: None };
                let der = parameters.to_der();
                assert_eq!(parameters.algorithm_oid(), oid);
                assert_eq!(Parameters::from_algorithm(oid, &der), Ok(parameters));
                let refusal = match form {
                    CurveForm::Named => ParametersError::UnknownCurve,
                    CurveForm::Explicit => ParametersError::ForeignParameters,
                };
                assert_eq!(Parameters::from_algorithm(LITTLE, &der), Err(refusal));
                assert_eq!(Parameters::from_algorithm(BIG, &der), Err(refusal));
                match form {
                    CurveForm::Named => assert!(Parameters::from_algorithm(other, &der).is_ok()),
                    CurveForm::Explicit => {
                        assert_eq!(Parameters::from_algorithm(other, &der), Err(refusal));
                        let header = if length < 126 { 2 } else { 3 };
                        assert_eq!(der.len() - 2 * header, length, "{curve:?}");
                    }
                }
            }
        }
    }
    for (curve, byte_order, explicit) in
        [(Curve::Normal173, ByteOrder::Little, LITTLE_173), (Curve::Normal191, ByteOrder::Big, BIG_191)]
    {
        let parameters = Parameters { curve, byte_order, form: CurveForm::Explicit, substitution: None };
        assert_eq!(parameters.to_der(), in_sequence(&[&bytes(explicit)]));
    }
    // A curve in polynomial basis is none under the algorithm of the normal basis.
    let polynomial = in_sequence(&[&bytes(EXPLICIT_257)]);
    let refusal = Err(ParametersError::ForeignParameters);
    assert_eq!(Parameters::from_algorithm(NORMAL_LITTLE, &polynomial), refusal);
}

/// The thirty explicit encodings, one after the other, are those of UAPKI `dstu4145-params.c`.
#[test]
fn all_explicit_parameters_are_the_published_ones() {
    let mut encodings = Vec::new();
    for curve in Curve::ALL.into_iter().chain(Curve::NORMAL) {
        for byte_order in [ByteOrder::Little, ByteOrder::Big] {
            let parameters = Parameters { curve, byte_order, form: CurveForm::Explicit, substitution: None };
            let der = parameters.to_der();
            // Without the header of the outer SEQUENCE.
            encodings.extend_from_slice(&der[if der[1] < 0x80 { 2 } else { 3 }..]);
        }
    }
    assert_eq!(
        crate::digest::hex(&crate::digest::sha256(&encodings)),
        "2fc752f28838d9144ad739f32b8cc70f8118334402219a713cc9b9b6d252090f"
    );
}
