//! The recommended curves (DSTU 4145-2002, annex G), y² + xy = x³ + ax² + b over GF(2^m): the ten in polynomial basis, and the five in optimal
//! normal basis, whose numbers stand in `normal_basis`.

use super::limbs::{self, Limbs};
use super::normal_basis;

/// A recommended curve, named by the degree of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Curve {
    /// Over GF(2^163), x^163 + x^7 + x^6 + x^3 + 1.
    M163,
    /// Over GF(2^167), x^167 + x^6 + 1.
    M167,
    /// Over GF(2^173), x^173 + x^10 + x^2 + x + 1; cofactor 4.
    M173,
    /// Over GF(2^179), x^179 + x^4 + x^2 + x + 1.
    M179,
    /// Over GF(2^191), x^191 + x^9 + 1.
    M191,
    /// Over GF(2^233), x^233 + x^9 + x^4 + x + 1.
    M233,
    /// Over GF(2^257), x^257 + x^12 + 1; cofactor 4. What people and certification authorities use.
    M257,
    /// Over GF(2^307), x^307 + x^8 + x^4 + x^2 + 1.
    M307,
    /// Over GF(2^367), x^367 + x^21 + 1.
    M367,
    /// Over GF(2^431), x^431 + x^5 + x^3 + x + 1. What the roots of the central authority use.
    M431,
    /// Over GF(2^173) in optimal normal basis; cofactor 4.
    Normal173,
    /// Over GF(2^179) in optimal normal basis.
    Normal179,
    /// Over GF(2^191) in optimal normal basis.
    Normal191,
    /// Over GF(2^233) in optimal normal basis.
    Normal233,
    /// Over GF(2^431) in optimal normal basis.
    Normal431,
}

/// How the bits of a number name an element of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// Bit k is the coefficient of x^k. All that is in use.
    Polynomial,
    /// Bit m − 1 is the coefficient of β, bit m − 2 that of β², and so on down to bit 0 and β^(2^(m−1)), where β = γ + γ⁻¹ and γ has order
    /// 2m + 1. Serves to verify old documents only; none that is public is known.
    OptimalNormal,
}

impl Curve {
    /// Every curve that serves for everything, in the order of their OIDs: those in polynomial basis.
    pub const ALL: [Self; 10] = [
        Self::M163,
        Self::M167,
        Self::M173,
        Self::M179,
        Self::M191,
        Self::M233,
        Self::M257,
        Self::M307,
        Self::M367,
        Self::M431,
    ];

    /// The curves in optimal normal basis, in the order of their OIDs. They serve to verify, not to sign or to make new keys.
    pub const NORMAL: [Self; 5] = [Self::Normal173, Self::Normal179, Self::Normal191, Self::Normal233, Self::Normal431];

    /// How field elements are written: in keys, in parameters, and in the bits of the hash and of r.
    pub const fn basis(self) -> Basis {
        if self.domain().normal.is_some() { Basis::OptimalNormal } else { Basis::Polynomial }
    }

    /// The degree m of the field, in bits.
    pub const fn degree(self) -> usize {
        self.domain().degree
    }

    /// The dotted OID of the named curve, `1.2.804.2.1.1.1.1.3.1.1.2.i`; in optimal normal basis `1.2.804.2.1.1.1.1.3.1.2.2.i`.
    pub const fn oid(self) -> &'static str {
        self.domain().oid
    }

    /// Bytes of a field element: of a compressed point and of a shared secret.
    pub const fn field_len(self) -> usize {
        self.degree().div_ceil(8)
    }

    /// Bytes of a number below the order of the base point: of a private key and of each half of a signature.
    pub const fn scalar_len(self) -> usize {
        self.domain().order_bits.div_ceil(8)
    }

    pub(crate) const fn domain(self) -> &'static Domain {
        let index = self as usize;
        if index < DOMAINS.len() { &DOMAINS[index] } else { &normal_basis::DOMAINS[index - DOMAINS.len()] }
    }
}

/// A curve with its base point, in limbs. Coefficients and coordinates are in polynomial basis on every curve.
#[derive(Debug, Clone)]
pub(crate) struct Domain {
    pub(crate) curve: Curve,
    pub(crate) oid: &'static str,
    /// m.
    pub(crate) degree: usize,
    /// The middle exponents of the field polynomial, highest first; a trinomial leaves two zeros.
    pub(crate) middle: [usize; 3],
    /// a is 0 or 1.
    pub(crate) a: bool,
    pub(crate) b: Limbs,
    /// The order n of the base point.
    pub(crate) order: Limbs,
    pub(crate) order_bits: usize,
    /// log₂ of the cofactor: 1 or 2.
    pub(crate) cofactor_log: usize,
    pub(crate) base_x: Limbs,
    pub(crate) base_y: Limbs,
    /// As it is printed: in the basis of the curve.
    pub(crate) base_compressed: Limbs,
    /// What leads to the optimal normal basis, where the curve is in one.
    pub(crate) normal: Option<NormalBasis>,
    /// The trace of an element is the sum of its bits at these places.
    pub(crate) trace_bits: &'static [usize],
}

impl Domain {
    /// Limbs of a field element.
    pub(crate) const fn field_limbs(&self) -> usize {
        self.degree.div_ceil(64)
    }

    /// Bits of a field element that go into r: bitlen(n) − 1 (clause 12).
    pub(crate) const fn kept_bits(&self) -> usize {
        self.order_bits - 1
    }

    /// The absolute trace of a field element; Tr(1) = 1 as every m is odd.
    pub(crate) fn trace(&self, element: &Limbs) -> u64 {
        self.trace_bits.iter().fold(0, |sum, index| sum ^ limbs::bit(element, *index))
    }
}

/// An optimal normal basis, seen from the polynomial basis in which we compute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormalBasis {
    /// The element β that generates the basis, in polynomial basis.
    pub(crate) root: Limbs,
    /// The coefficient b in the normal basis, as parameters carry it.
    pub(crate) b: Limbs,
}

/// The numbers as the standard prints them: middle exponents, a, cofactor_log, b, n, the base point (x, y, and compressed), trace bits.
pub(super) struct Printed {
    pub(super) middle: [usize; 3],
    pub(super) a: bool,
    pub(super) cofactor_log: usize,
    pub(super) b: &'static str,
    pub(super) n: &'static str,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
    pub(super) compressed: &'static str,
    pub(super) trace_bits: &'static [usize],
}

pub(super) const fn domain(curve: Curve, oid: &'static str, degree: usize, printed: Printed) -> Domain {
    let order = limbs::from_hex(printed.n);
    let order_bits = limbs::bit_length(&order);
    Domain {
        curve,
        oid,
        degree,
        middle: printed.middle,
        a: printed.a,
        b: limbs::from_hex(printed.b),
        order,
        order_bits,
        cofactor_log: printed.cofactor_log,
        base_x: limbs::from_hex(printed.x),
        base_y: limbs::from_hex(printed.y),
        base_compressed: limbs::from_hex(printed.compressed),
        normal: None,
        trace_bits: printed.trace_bits,
    }
}

static DOMAINS: [Domain; 10] = [
    domain(
        Curve::M163,
        "1.2.804.2.1.1.1.1.3.1.1.2.0",
        163,
        Printed {
            middle: [7, 6, 3],
            a: true,
            cofactor_log: 1,
            b: "05FF6108462A2DC8210AB403925E638A19C1455D21",
            n: "0400000000000000000002BEC12BE2262D39BCF14D",
            x: "02E2F85F5DD74CE983A5C4237229DAF8A3F35823BE",
            y: "03826F008A8C51D7B95284D9D03FF0E00CE2CD723A",
            compressed: "02E2F85F5DD74CE983A5C4237229DAF8A3F35823BE",
            trace_bits: &[0, 157],
        },
    ),
    domain(
        Curve::M167,
        "1.2.804.2.1.1.1.1.3.1.1.2.1",
        167,
        Printed {
            middle: [6, 0, 0],
            a: true,
            cofactor_log: 1,
            b: "6EE3CEEB230811759F20518A0930F1A4315A827DAC",
            n: "3FFFFFFFFFFFFFFFFFFFFFB12EBCC7D7F29FF7701F",
            x: "7A1F6653786A68192803910A3D30B2A2018B21CD54",
            y: "5F49EB26781C0EC6B8909156D98ED435E45FD59918",
            compressed: "7A1F6653786A68192803910A3D30B2A2018B21CD54",
            trace_bits: &[0, 161],
        },
    ),
    domain(
        Curve::M173,
        "1.2.804.2.1.1.1.1.3.1.1.2.2",
        173,
        Printed {
            middle: [10, 2, 1],
            a: false,
            cofactor_log: 2,
            b: "108576C80499DB2FC16EDDF6853BBB278F6B6FB437D9",
            n: "0800000000000000000000189B4E67606E3825BB2831",
            x: "04D41A619BCC6EADF0448FA22FAD567A9181D37389CA",
            y: "10B51CC12849B234C75E6DD2028BF7FF5C1CE0D991A1",
            compressed: "04D41A619BCC6EADF0448FA22FAD567A9181D37389CA",
            trace_bits: &[0, 163, 171],
        },
    ),
    domain(
        Curve::M179,
        "1.2.804.2.1.1.1.1.3.1.1.2.3",
        179,
        Printed {
            middle: [4, 2, 1],
            a: true,
            cofactor_log: 1,
            b: "04A6E0856526436F2F88DD07A341E32D04184572BEB710",
            n: "03FFFFFFFFFFFFFFFFFFFFFFB981960435FE5AB64236EF",
            x: "06BA06FE51464B2BD26DC57F48819BA9954667022C7D03",
            y: "025FBC363582DCEC065080CA8287AAFF09788A66DC3A9E",
            compressed: "06BA06FE51464B2BD26DC57F48819BA9954667022C7D02",
            trace_bits: &[0, 175, 177],
        },
    ),
    domain(
        Curve::M191,
        "1.2.804.2.1.1.1.1.3.1.1.2.4",
        191,
        Printed {
            middle: [9, 0, 0],
            a: true,
            cofactor_log: 1,
            b: "7BC86E2102902EC4D5890E8B6B4981FF27E0482750FEFC03",
            n: "40000000000000000000000069A779CAC1DABC6788F7474F",
            x: "714114B762F2FF4A7912A6D2AC58B9B5C2FCFE76DAEB7129",
            y: "29C41E568B77C617EFE5902F11DB96FA9613CD8D03DB08DA",
            compressed: "714114B762F2FF4A7912A6D2AC58B9B5C2FCFE76DAEB7128",
            trace_bits: &[0],
        },
    ),
    domain(
        Curve::M233,
        "1.2.804.2.1.1.1.1.3.1.1.2.5",
        233,
        Printed {
            middle: [9, 4, 1],
            a: true,
            cofactor_log: 1,
            b: "006973B15095675534C7CF7E64A21BD54EF5DD3B8A0326AA936ECE454D2C",
            n: "01000000000000000000000000000013E974E72F8A6922031D2603CFE0D7",
            x: "003FCDA526B6CDF83BA1118DF35B3C31761D3545F32728D003EEB25EFE96",
            y: "009CA8B57A934C54DEEDA9E54A7BBAD95E3B2E91C54D32BE0B9DF96D8D35",
            compressed: "003FCDA526B6CDF83BA1118DF35B3C31761D3545F32728D003EEB25EFE96",
            trace_bits: &[0, 229],
        },
    ),
    domain(
        Curve::M257,
        "1.2.804.2.1.1.1.1.3.1.1.2.6",
        257,
        Printed {
            middle: [12, 0, 0],
            a: false,
            cofactor_log: 2,
            b: "01CEF494720115657E18F938D7A7942394FF9425C1458C57861F9EEA6ADBE3BE10",
            n: "800000000000000000000000000000006759213AF182E987D3E17714907D470D",
            x: "002A29EF207D0E9B6C55CD260B306C7E007AC491CA1B10C62334A9E8DCD8D20FB7",
            y: "010686D41FF744D4449FCCF6D8EEA03102E6812C93A9D60B978B702CF156D814EF",
            compressed: "002A29EF207D0E9B6C55CD260B306C7E007AC491CA1B10C62334A9E8DCD8D20FB6",
            trace_bits: &[0, 245],
        },
    ),
    domain(
        Curve::M307,
        "1.2.804.2.1.1.1.1.3.1.1.2.7",
        307,
        Printed {
            middle: [8, 4, 2],
            a: true,
            cofactor_log: 1,
            b: "0393C7F7D53666B5054B5E6C6D3DE94F4296C0C599E2E2E241050DF18B6090BDC90186904968BB",
            n: "03FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC079C2F3825DA70D390FBBA588D4604022B7B7",
            x: "0216EE8B189D291A0224984C1E92F1D16BF75CCD825A087A239B276D3167743C52C02D6E7232AA",
            y: "05D9306BACD22B7FAEB09D2E049C6E2866C5D1677762A8F2F2DC9A11C7F7BE8340AB2237C7F2A0",
            compressed: "0216EE8B189D291A0224984C1E92F1D16BF75CCD825A087A239B276D3167743C52C02D6E7232AA",
            trace_bits: &[0, 299, 303, 305],
        },
    ),
    domain(
        Curve::M367,
        "1.2.804.2.1.1.1.1.3.1.1.2.8",
        367,
        Printed {
            middle: [21, 0, 0],
            a: true,
            cofactor_log: 1,
            b: "43FC8AD242B0B7A6F3D1627AD5654447556B47BF6AA4A64B0C2AFE42CADAB8F93D92394C79A79755437B56995136",
            n: "40000000000000000000000000000000000000000000009C300B75A3FA824F22428FD28CE8812245EF44049B2D49",
            x: "324A6EDDD512F08C49A99AE0D3F961197A76413E7BE81A400CA681E09639B5FE12E59A109F78BF4A373541B3B9A1",
            y: "01AB597A5B4477F59E39539007C7F977D1A567B92B043A49C6B61984C3FE3481AAF454CD41BA1F051626442B3C10",
            compressed: "324A6EDDD512F08C49A99AE0D3F961197A76413E7BE81A400CA681E09639B5FE12E59A109F78BF4A373541B3B9A0",
            trace_bits: &[0],
        },
    ),
    domain(
        Curve::M431,
        "1.2.804.2.1.1.1.1.3.1.1.2.9",
        431,
        Printed {
            middle: [5, 3, 1],
            a: true,
            cofactor_log: 1,
            b: "03CE10490F6A708FC26DFE8C3D27C4F94E690134D5BFF988D8D28AAEAEDE975936C66BAC536B18AE2DC312CA493117DAA469C640CAF3",
            n: "3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFBA3175458009A8C0A724F02F81AA8A1FCBAF80D90C7A95110504CF",
            x: "1A62BA79D98133A16BBAE7ED9A8E03C32E0824D57AEF72F88986874E5AAE49C27BED49A2A95058068426C2171E99FD3B43C5947C857D",
            y: "70B5E1E14031C1F70BBEFE96BDDE66F451754B4CA5F48DA241F331AA396B8D1839A855C1769B1EA14BA53308B5E2723724E090E02DB9",
            compressed: "1A62BA79D98133A16BBAE7ED9A8E03C32E0824D57AEF72F88986874E5AAE49C27BED49A2A95058068426C2171E99FD3B43C5947C857C",
            trace_bits: &[0],
        },
    ),
];
