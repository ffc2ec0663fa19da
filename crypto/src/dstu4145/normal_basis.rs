//! The five curves in optimal normal basis (DSTU 4145-2002, 5.5 and annex G), for verifying old documents. None is known to exist: every public
//! certificate and signature is in polynomial basis.
//!
//! We compute in polynomial basis, modulo the polynomials of the curves of the same degrees there, and change the basis at the edges: where keys
//! are read and written, for the hash, and for the product that r is cut from. A change takes about 2m multiplications; nothing is kept.
//!
//! Any conjugate of β would do, as squaring is an automorphism of the field; ours is the one of cryptonite and UAPKI, so that numbers can be
//! compared.

use super::curve::{Curve, Domain, NormalBasis, Printed, domain};
use super::field::Field;
use super::limbs::{self, Limbs};

/// From the normal basis to the polynomial one: the sum of the β^(2^i) whose bits, counted from m − 1 down, are set.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn to_polynomial<F: Field>(field: F, basis: &NormalBasis, number: &Limbs) -> F::Element {
    let mut power = field.load(&basis.root);
    let mut sum = field.zero();
    for index in (0..field.domain().degree).rev() {
        let mask = 0u64.wrapping_sub(limbs::bit(number, index));
        sum = field.add(sum, field.masked(power, mask));
        power = field.square(power);
    }
    sum
}

/// From the polynomial basis to the normal one. An optimal normal basis of the second type is its own dual: the coefficient of β^(2^i) in an
/// element is Tr(element·β^(2^i)).
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn to_normal<F: Field>(field: F, basis: &NormalBasis, element: F::Element) -> Limbs {
    let mut power = field.load(&basis.root);
    let mut number = limbs::ZERO;
    for index in (0..field.domain().degree).rev() {
        number[index / 64] |= field.trace(field.multiply(element, power)) << (index % 64);
        power = field.square(power);
    }
    number
}

/// The trace of an element in normal basis: the sum of all its bits, since the trace of β is 1.
pub(crate) fn trace(number: &Limbs) -> u64 {
    u64::from(number.iter().fold(0, |sum, limb| sum ^ limb).count_ones() & 1)
}

/// `root` and `b` as of [`NormalBasis`]; `printed` in polynomial basis, but for the compressed base point.
const fn normal(curve: Curve, oid: &'static str, degree: usize, root: &str, b: &str, printed: Printed) -> Domain {
    let basis = NormalBasis { root: limbs::from_hex(root), b: limbs::from_hex(b) };
    Domain { normal: Some(basis), ..domain(curve, oid, degree, printed) }
}

pub(super) static DOMAINS: [Domain; 5] = [
    normal(
        Curve::Normal173,
        "1.2.804.2.1.1.1.1.3.1.2.2.0",
        173,
        "0D4E82948D06BDD9FD5499BE5BBDF3C17C5CD81C3A95",
        "043D7E139319F43BA00944915740E1E6651B06E278C7",
        Printed {
            middle: [10, 2, 1],
            a: false,
            cofactor_log: 2,
            b: "01EEC7C8F700A6AEDBD1461BFD4E13F7A34BE03124B2",
            n: "0800000000000000000000189B4E67606E3825BB2831",
            x: "1E79FA7F03F3256DB2DD423893E076B1714D88ADBCC0",
            y: "171F0F254D822F50D1CAF9163D3526013E66167EF417",
            compressed: "0A3B8B8D704089B24318CAA51917CB6E424B4E6DEA56",
            trace_bits: &[0, 163, 171],
        },
    ),
    normal(
        Curve::Normal179,
        "1.2.804.2.1.1.1.1.3.1.2.2.1",
        179,
        "02FA11E836E4A0593591138945241F2A04D54D579B4561",
        "019C9EBC4FD8308193D3A61762C547C82F2E6B2182CBCB",
        Printed {
            middle: [4, 2, 1],
            a: true,
            cofactor_log: 1,
            b: "04C8A1D80932E32D11D5CC8C5C61D708D9C7EC4072C6E0",
            n: "03FFFFFFFFFFFFFFFFFFFFFFB981960435FE5AB64236EF",
            x: "07A4DEC7D3FF298D437664F54E5983AADE9C75BE246A39",
            y: "02D8BC41E8334A48296007CADE6765FE4AEB0E7D12FCED",
            compressed: "011F4112265410477159E0D3E39BC4AC4ADE43B21B66B8",
            trace_bits: &[0, 175, 177],
        },
    ),
    normal(
        Curve::Normal191,
        "1.2.804.2.1.1.1.1.3.1.2.2.2",
        191,
        "58FE12F51AA53FBFDBA92F16B5A08FB172D99A84CDAC542B",
        "13871C9D29D6CEEA740FD57444F72FDBAE559C13A1E31EF8",
        Printed {
            middle: [9, 0, 0],
            a: true,
            cofactor_log: 1,
            b: "3A6E032CEEC7BACFED0ED348AF5F8212F468B31C90C72B61",
            n: "40000000000000000000000069A779CAC1DABC6788F7474F",
            x: "26AB60190FCEB2D085C39CBECF2939E84B5C7979F3DB2ED7",
            y: "2EBD9B0990359C6489219BCD9485C2CC5CE107C4352E3E83",
            compressed: "7159E0D3E39BC4AC4ADE43B21B66B94F2AF25ABEEB1D85D2",
            trace_bits: &[0],
        },
    ),
    normal(
        Curve::Normal233,
        "1.2.804.2.1.1.1.1.3.1.2.2.3",
        233,
        "018F49D2701BB0AA979FF19BA6C213201AD8C05DEC61F4741C845BC5BFAB",
        "0080F920952A702C75B704A424C018EEA55AA44664F3A003E0962D4F9A8E",
        Printed {
            middle: [9, 4, 1],
            a: true,
            cofactor_log: 1,
            b: "01A452C5AD96FF4A6CF1139302BCA4AE699FDDDEE71E73147E2C225BF8A6",
            n: "01000000000000000000000000000013E974E72F8A6922031D2603CFE0D7",
            x: "01F9873C6E300C0928EFC7423541CD5EA4B8E4B3BDF74D6DC1D573405554",
            y: "00BC1ED7DB054157834FE0A396F163245A26F32FC127F2F4291AC9DF823B",
            compressed: "00A0823B8ACF069F1CDE256256F21D90DB35CA795792D5F758EC2E9992FA",
            trace_bits: &[0, 229],
        },
    ),
    normal(
        Curve::Normal431,
        "1.2.804.2.1.1.1.1.3.1.2.2.4",
        431,
        "4513A0D22D332F6EF68F26C3169AE670730EBCDCC78A81AE24C3B13124E4ADDE4DB8A984C755F6607D537EAE7E6CB575664922585A59",
        "53FB7AF7B4407000A6F226AD6BAD28378646BD83F1F940810A4C19536EE65E53F40F973F2F06C5E80EFE3B43651BD5FF8B06BA5F9299",
        Printed {
            middle: [5, 3, 1],
            a: true,
            cofactor_log: 1,
            b: "513DC8305B5444DCA36BF9C383216D191F9457D222EB612DEA8CC5A073E37E17ED41B01D8152AF26D45D676C728F814BA7F6014E4D55",
            n: "3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFBA3175458009A8C0A724F02F81AA8A1FCBAF80D90C7A95110504CF",
            x: "68DFA13ACADD1BD3272265EF7FFA2BAA23681C710D6D3A62445616DEAD5EFF954EBBB6214D8FFC811F855F809959AD74BD6AB039C555",
            y: "3B2F6A74A12CA3BC401A86574D745986038BF977D1CE62E229C5C56555362206841669910F28145A9983CE65F69E6F76BDDF634A2790",
            compressed: "2020182CFCD7C724157B363D4ABFD4C16251773C595D4E5C88572FA9D5EBB58142326448C08D3EE3E17E40B835D3090DCFBA7C5ADEA6",
            trace_bits: &[0],
        },
    ),
];
