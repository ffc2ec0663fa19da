//! `DSTU4145Params` and SubjectPublicKeyInfo, as Ukrainian certificates carry them.
//!
//! ```text
//! DSTU4145Params ::= SEQUENCE { CHOICE { namedCurve OBJECT IDENTIFIER, ecbinary ECBinary }, dke OCTET STRING (SIZE(64)) OPTIONAL }
//! ECBinary       ::= SEQUENCE { version [0] EXPLICIT INTEGER DEFAULT 0, f BinaryField, a INTEGER (0..1), b OCTET STRING,
//!                               n INTEGER, bp OCTET STRING }
//! BinaryField    ::= SEQUENCE { m INTEGER, CHOICE { trinomial INTEGER, pentanomial SEQUENCE { k, j, l INTEGER } } }
//! ```
//! `b` and `bp` follow the byte order and the basis of the algorithm's OID; `n` is an ordinary INTEGER. In optimal normal basis `f` is there
//! too: the polynomial of the same degree. Explicit parameters count only where they are byte
//! for byte those of a recommended curve: whoever may choose the base point can sign for others (as in CVE-2020-0601).

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader};

use super::curve::{Basis, Curve};
use super::error::ParametersError;
use super::limbs::{self, Limbs};
use super::public::{ByteOrder, PublicKey};
use crate::asn1::{self, RawAlgorithm, TAG_OCTET_STRING, TAG_SEQUENCE, read_all};

/// How parameters say which curve they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CurveForm {
    /// By its OID.
    Named,
    /// By all its numbers, as certificates in use do.
    Explicit,
}

/// What the AlgorithmIdentifier of a DSTU 4145 key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// The curve.
    pub curve: Curve,
    /// The order of bytes, as the algorithm's OID says.
    pub byte_order: ByteOrder,
    /// How the curve is given.
    pub form: CurveForm,
    /// The substitution table of GOST 28147 (`dke`), packed; absent means DKE No 1. It matters to encryption for this key, never to its
    /// signatures.
    pub substitution: Option<[u8; 64]>,
}

impl Parameters {
    /// Reads the parameters of an AlgorithmIdentifier: `algorithm` is its dotted OID, `parameters` their complete DER.
    ///
    /// # Errors
    /// [`ParametersError::UnknownAlgorithm`], [`ParametersError::Malformed`], [`ParametersError::UnknownCurve`],
    /// [`ParametersError::ForeignParameters`] and [`ParametersError::TableLength`] as they say.
    pub fn from_algorithm(algorithm: &str, parameters: &[u8]) -> Result<Self, ParametersError> {
        let (_, basis, byte_order) =
            *ALGORITHMS.iter().find(|(oid, ..)| *oid == algorithm).ok_or(ParametersError::UnknownAlgorithm)?;
        let (curve, table) = read_all(parameters, |reader| {
            reader.sequence(|inner: &mut SliceReader<'_>| {
                Ok((AnyRef::decode(inner)?, Option::<&OctetStringRef>::decode(inner)?))
            })
        })
        .map_err(|_| ParametersError::Malformed)?;
        let substitution =
            table.map(|table| table.as_bytes().try_into().map_err(|_| ParametersError::TableLength)).transpose()?;
        let (curve, form) = read_curve(basis, byte_order, curve)?;
        Ok(Self { curve, byte_order, form, substitution })
    }

    /// The dotted OID of the key's algorithm.
    pub fn algorithm_oid(&self) -> &'static str {
        match (self.curve.basis(), self.byte_order) {
            (Basis::Polynomial, ByteOrder::Little) => LITTLE_ENDIAN,
            (Basis::Polynomial, ByteOrder::Big) => BIG_ENDIAN,
            (Basis::OptimalNormal, ByteOrder::Little) => NORMAL_LITTLE_ENDIAN,
            (Basis::OptimalNormal, ByteOrder::Big) => NORMAL_BIG_ENDIAN,
        }
    }

    /// The DER of `DSTU4145Params`.
    pub fn to_der(&self) -> Vec<u8> {
        let curve = match self.form {
            CurveForm::Named => object_identifier(self.curve.oid()),
            CurveForm::Explicit => explicit(self.curve, self.byte_order),
        };
        let table = self.substitution.map(|table| asn1::element(TAG_OCTET_STRING, &[&table]));
        asn1::element(TAG_SEQUENCE, &[&curve, table.as_deref().unwrap_or_default()])
    }
}

/// A public key with the parameters that it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectPublicKey {
    /// The key.
    pub key: PublicKey,
    /// Its parameters; their curve is that of the key.
    pub parameters: Parameters,
}

impl SubjectPublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), whose BIT STRING holds an OCTET STRING with the compressed point.
    ///
    /// # Errors
    /// As [`Parameters::from_algorithm`]; [`ParametersError::Key`] where the point is refused.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, ParametersError> {
        let (algorithm, bits) = read_all(spki, |reader| {
            reader.sequence(|inner: &mut SliceReader<'_>| {
                let algorithm = RawAlgorithm::read(inner)?;
                let bits = BitStringRef::decode(inner)?;
                Ok((algorithm, bits.as_bytes().ok_or_else(|| inner.error(der::ErrorKind::Failed))?))
            })
        })
        .map_err(|_| ParametersError::Malformed)?;
        let parameters =
            Parameters::from_algorithm(&algorithm.oid.to_string(), algorithm.parameters.unwrap_or_default())?;
        let point = <&OctetStringRef>::from_der(bits).map_err(|_| ParametersError::Malformed)?;
        let key = PublicKey::from_bytes(parameters.curve, parameters.byte_order, point.as_bytes())?;
        Ok(Self { key, parameters })
    }

    /// The DER of the SubjectPublicKeyInfo.
    pub fn to_spki_der(&self) -> Vec<u8> {
        let oid = object_identifier(self.parameters.algorithm_oid());
        let algorithm = asn1::element(TAG_SEQUENCE, &[&oid, &self.parameters.to_der()]);
        let point = asn1::element(TAG_OCTET_STRING, &[&self.key.to_bytes(self.parameters.byte_order)]);
        asn1::element(TAG_SEQUENCE, &[&algorithm, &asn1::element(asn1::TAG_BIT_STRING, &[&[0], &point])])
    }
}

fn read_curve(basis: Basis, order: ByteOrder, curve: AnyRef<'_>) -> Result<(Curve, CurveForm), ParametersError> {
    let der = curve.to_der().map_err(|_| ParametersError::Malformed)?;
    let (form, refusal) = match der.first() {
        Some(&TAG_SEQUENCE) => (CurveForm::Explicit, ParametersError::ForeignParameters),
        Some(&TAG_OBJECT_IDENTIFIER) => (CurveForm::Named, ParametersError::UnknownCurve),
        _ => return Err(ParametersError::Malformed),
    };
    let is_meant = |curve: &Curve| match form {
        CurveForm::Named => object_identifier(curve.oid()) == der,
        CurveForm::Explicit => explicit(*curve, order) == der,
    };
    let curves: &[Curve] = match basis {
        Basis::Polynomial => &Curve::ALL,
        Basis::OptimalNormal => &Curve::NORMAL,
    };
    curves.iter().copied().find(is_meant).map(|curve| (curve, form)).ok_or(refusal)
}

/// `ECBinary` of a recommended curve: the version is the default and left out, the exponents of a pentanomial rise, `bp` is compressed.
fn explicit(curve: Curve, order: ByteOrder) -> Vec<u8> {
    let domain = curve.domain();
    let [high, middle, low] = domain.middle.map(small_integer);
    let polynomial = if domain.middle[1] == 0 { high } else { asn1::element(TAG_SEQUENCE, &[&low, &middle, &high]) };
    let field = asn1::element(TAG_SEQUENCE, &[&small_integer(domain.degree), &polynomial]);
    let octets = |element: &Limbs| {
        let mut bytes = vec![0; curve.field_len()];
        limbs::to_bytes(element, &mut bytes);
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        asn1::element(TAG_OCTET_STRING, &[&bytes])
    };
    let mut n = [0; 8 * limbs::LIMBS];
    limbs::to_bytes(&domain.order, &mut n);
    n.reverse();
    let a = small_integer(usize::from(domain.a));
    let b = domain.normal.as_ref().map_or(&domain.b, |basis| &basis.b);
    asn1::element(
        TAG_SEQUENCE,
        &[&field, &a, &octets(b), &asn1::unsigned_integer(&n), &octets(&domain.base_compressed)],
    )
}

fn small_integer(value: usize) -> Vec<u8> {
    asn1::unsigned_integer(&value.to_be_bytes())
}

fn object_identifier(dotted: &str) -> Vec<u8> {
    ObjectIdentifier::new(dotted).ok().and_then(|oid| oid.to_der().ok()).unwrap_or_default()
}

const TAG_OBJECT_IDENTIFIER: u8 = 0x06;
/// DSTU 4145 with GOST 34.311 in polynomial basis, keys and parameters little-endian.
const LITTLE_ENDIAN: &str = "1.2.804.2.1.1.1.1.3.1.1";
/// The same, big-endian.
const BIG_ENDIAN: &str = "1.2.804.2.1.1.1.1.3.1.1.1.1";
/// In optimal normal basis, little-endian.
const NORMAL_LITTLE_ENDIAN: &str = "1.2.804.2.1.1.1.1.3.1.2";
/// In optimal normal basis, big-endian.
const NORMAL_BIG_ENDIAN: &str = "1.2.804.2.1.1.1.1.3.1.2.1.1";
const ALGORITHMS: [(&str, Basis, ByteOrder); 4] = [
    (LITTLE_ENDIAN, Basis::Polynomial, ByteOrder::Little),
    (BIG_ENDIAN, Basis::Polynomial, ByteOrder::Big),
    (NORMAL_LITTLE_ENDIAN, Basis::OptimalNormal, ByteOrder::Little),
    (NORMAL_BIG_ENDIAN, Basis::OptimalNormal, ByteOrder::Big),
];
