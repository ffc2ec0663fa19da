//! AlgorithmIdentifiers of signatures: RFC 3279, 4055, 5758, 8017, 8410, 9688, NIST's arc and the national one of Ukraine.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader};

use super::{SignatureAlgorithm, VerifyError};
use crate::asn1::{self, RawAlgorithm, read_all};
use crate::digest::DigestAlgorithm;
use crate::dstu4145::{ByteOrder, Parameters};
use crate::key::{EC_PUBLIC_KEY, ED448, ED25519, RSA_ENCRYPTION, RSASSA_PSS};

impl SignatureAlgorithm {
    /// From an AlgorithmIdentifier: `oid` dotted, `parameters` the complete DER of the parameters where present.
    ///
    /// CMS signers also put the key's own OID here (rsaEncryption, id-ecPublicKey; RFC 3370, 3.2): then `digest`, the SignerInfo's
    /// digestAlgorithm, completes it. Without `digest` such an OID is refused.
    ///
    /// # Errors
    /// [`VerifyError::UnsupportedAlgorithm`] for an unknown OID, for parameters that the OID's standard does not allow, and for PSS with
    /// another mask function than MGF1 or another trailer than 1.
    pub fn from_algorithm_identifier(
        oid: &str,
        parameters: Option<&[u8]>,
        digest: Option<DigestAlgorithm>,
    ) -> Result<Self, VerifyError> {
        ObjectIdentifier::new(oid)
            .ok()
            .and_then(|oid| recognise(RawAlgorithm { oid, parameters }, digest))
            .ok_or(VerifyError::UnsupportedAlgorithm)
    }

    /// The DER AlgorithmIdentifier: NULL parameters for RSASSA-PKCS1-v1_5 (RFC 4055, 5; RFC 9688, 3.2), none for ECDSA (RFC 5758, 3.2) and EdDSA
    /// (RFC 8410, 3) and DSTU 4145, all four fields but the trailer for PSS.
    pub fn to_algorithm_identifier(self) -> Vec<u8> {
        match self {
            Self::RsaPkcs1(digest) => asn1::algorithm(&rsa_pkcs1_oid(digest), &asn1::NULL),
            Self::RsaPss { digest, mgf_digest, salt_len } => {
                asn1::algorithm(&RSASSA_PSS, &encode_pss_parameters(digest, mgf_digest, salt_len))
            }
            Self::Ecdsa(digest) => asn1::algorithm(&ecdsa_oid(digest), &[]),
            Self::Ed25519 => asn1::algorithm(&ED25519, &[]),
            Self::Ed448 => asn1::algorithm(&ED448, &[]),
            Self::Dstu4145(digest) => asn1::algorithm(&dstu4145_oid(digest), &[]),
            Self::Dstu4145BigEndian => asn1::algorithm(&DSTU_4145_BIG_ENDIAN, &[]),
            Self::Dstu4145Normal(ByteOrder::Little) => asn1::algorithm(&DSTU_4145_NORMAL_LITTLE_ENDIAN, &[]),
            Self::Dstu4145Normal(ByteOrder::Big) => asn1::algorithm(&DSTU_4145_NORMAL_BIG_ENDIAN, &[]),
        }
    }
}

fn recognise(algorithm: RawAlgorithm<'_>, digest: Option<DigestAlgorithm>) -> Option<SignatureAlgorithm> {
    match algorithm.oid {
        RSASSA_PSS => return pss_parameters(algorithm.parameters?),
        // RFC 8410, 3: parameters MUST be absent.
        ED25519 => return algorithm.parameters.is_none().then_some(SignatureAlgorithm::Ed25519),
        ED448 => return algorithm.parameters.is_none().then_some(SignatureAlgorithm::Ed448),
        // Some signers repeat the curve's name here; the key has its own and only that one counts.
        EC_PUBLIC_KEY if algorithm.parameters.is_some_and(is_oid) => {
            return digest.map(SignatureAlgorithm::Ecdsa);
        }
        // The OIDs of DSTU 4145 with GOST 34.311 are those of keys too: their parameters may be repeated, and do not count either.
        oid if algorithm
            .parameters
            .is_some_and(|parameters| Parameters::from_algorithm(&oid.to_string(), parameters).is_ok()) =>
        {
            return recognise(RawAlgorithm { oid, parameters: None }, digest);
        }
        _ => {}
    }
    // The standards want NULL here and nothing there; signers mix them up, and neither says anything.
    if !algorithm.has_no_parameters() {
        return None;
    }
    match algorithm.oid {
        RSA_ENCRYPTION => digest.map(SignatureAlgorithm::RsaPkcs1),
        EC_PUBLIC_KEY => digest.map(SignatureAlgorithm::Ecdsa),
        DSTU_4145_LITTLE_ENDIAN => Some(SignatureAlgorithm::Dstu4145(DigestAlgorithm::Gost34311)),
        DSTU_4145_BIG_ENDIAN => Some(SignatureAlgorithm::Dstu4145BigEndian),
        DSTU_4145_NORMAL_LITTLE_ENDIAN => Some(SignatureAlgorithm::Dstu4145Normal(ByteOrder::Little)),
        DSTU_4145_NORMAL_BIG_ENDIAN => Some(SignatureAlgorithm::Dstu4145Normal(ByteOrder::Big)),
        KUPYNA_256 | KUPYNA_256_PB => Some(SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna256)),
        KUPYNA_384 | KUPYNA_384_PB => Some(SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna384)),
        KUPYNA_512 | KUPYNA_512_PB => Some(SignatureAlgorithm::Dstu4145(DigestAlgorithm::Kupyna512)),
        oid => DigestAlgorithm::ALL.into_iter().find_map(|digest| {
            if oid == rsa_pkcs1_oid(digest) {
                Some(SignatureAlgorithm::RsaPkcs1(digest))
            } else if oid == ecdsa_oid(digest) {
                Some(SignatureAlgorithm::Ecdsa(digest))
            } else {
                None
            }
        }),
    }
}

/// `RSASSA-PSS-params` (RFC 8017, A.2.3): every field may be left out and then means SHA-1, MGF1 with SHA-1, salt 20, trailer 1.
pub(crate) fn pss_parameters(parameters: &[u8]) -> Option<SignatureAlgorithm> {
    let [digest, mask, salt_len, trailer] = read_all(parameters, |reader| {
        reader.sequence(|inner: &mut SliceReader<'_>| {
            Ok([explicit(inner, 0)?, explicit(inner, 1)?, explicit(inner, 2)?, explicit(inner, 3)?])
        })
    })
    .ok()?;
    if trailer.map_or(Some(1), small_integer)? != 1 {
        return None;
    }
    let digest = digest.map_or(Some(DigestAlgorithm::Sha1), hash_algorithm)?;
    let mgf_digest = mask.map_or(Some(DigestAlgorithm::Sha1), |mask| {
        let mask = read_all(mask, RawAlgorithm::read).ok()?;
        if mask.oid == MGF1 { hash_algorithm(mask.parameters?) } else { None }
    })?;
    let salt_len = usize::from(salt_len.map_or(Some(20), small_integer)?);
    Some(SignatureAlgorithm::RsaPss { digest, mgf_digest, salt_len })
}

/// DER leaves fields of default value out (X.690, 11.5).
fn encode_pss_parameters(digest: DigestAlgorithm, mgf_digest: DigestAlgorithm, salt_len: usize) -> Vec<u8> {
    let mut fields = Vec::new();
    let hash = |digest: DigestAlgorithm| asn1::algorithm(&ObjectIdentifier::new_unwrap(digest.oid()), &asn1::NULL);
    if digest != DigestAlgorithm::Sha1 {
        fields.push(asn1::element(0xa0, &[&hash(digest)]));
    }
    if mgf_digest != DigestAlgorithm::Sha1 {
        fields.push(asn1::element(0xa1, &[&asn1::algorithm(&MGF1, &hash(mgf_digest))]));
    }
    if salt_len != 20 {
        fields.push(asn1::element(0xa2, &[&asn1::unsigned_integer(&salt_len.to_be_bytes())]));
    }
    let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
    asn1::element(asn1::TAG_SEQUENCE, &fields)
}

/// The content of `[number] EXPLICIT` if that comes next.
fn explicit<'a>(reader: &mut SliceReader<'a>, number: u8) -> der::Result<Option<&'a [u8]>> {
    if reader.peek_byte() != Some(0xa0 | number) {
        return Ok(None);
    }
    Ok(Some(AnyRef::decode(reader)?.value()))
}

fn hash_algorithm(der: &[u8]) -> Option<DigestAlgorithm> {
    let algorithm = read_all(der, RawAlgorithm::read).ok()?;
    if !algorithm.has_no_parameters() {
        return None;
    }
    DigestAlgorithm::from_oid(&algorithm.oid.to_string())
}

fn is_oid(der: &[u8]) -> bool {
    <ObjectIdentifier>::from_der(der).is_ok()
}

fn small_integer(der: &[u8]) -> Option<u16> {
    u16::from_der(der).ok()
}

/// The national digests have no OID with RSA or ECDSA: the key's, which leaves the digest to the SignerInfo. Constants, because
/// every certificate that is read is compared with them.
fn rsa_pkcs1_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    match digest {
        DigestAlgorithm::Sha1 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5") },
        DigestAlgorithm::Sha224 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14") },
        DigestAlgorithm::Sha256 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11") },
        DigestAlgorithm::Sha384 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12") },
        DigestAlgorithm::Sha512 => const { ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13") },
        DigestAlgorithm::Sha3_224 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.13") },
        DigestAlgorithm::Sha3_256 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.14") },
        DigestAlgorithm::Sha3_384 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.15") },
        DigestAlgorithm::Sha3_512 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.16") },
        DigestAlgorithm::Gost34311
        | DigestAlgorithm::Kupyna256
        | DigestAlgorithm::Kupyna384
        | DigestAlgorithm::Kupyna512 => RSA_ENCRYPTION,
    }
}

fn ecdsa_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    match digest {
        DigestAlgorithm::Sha1 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.1") },
        DigestAlgorithm::Sha224 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1") },
        DigestAlgorithm::Sha256 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2") },
        DigestAlgorithm::Sha384 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3") },
        DigestAlgorithm::Sha512 => const { ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4") },
        DigestAlgorithm::Sha3_224 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.9") },
        DigestAlgorithm::Sha3_256 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.10") },
        DigestAlgorithm::Sha3_384 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.11") },
        DigestAlgorithm::Sha3_512 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.12") },
        DigestAlgorithm::Gost34311
        | DigestAlgorithm::Kupyna256
        | DigestAlgorithm::Kupyna384
        | DigestAlgorithm::Kupyna512 => EC_PUBLIC_KEY,
    }
}

/// DSTU 4145, values little-endian. With Kupyna the OID ends in the arc of the polynomial basis, as in the national root of 2026; without that
/// arc it is read too. Digests that are not national have none: that of a key, as above.
fn dstu4145_oid(digest: DigestAlgorithm) -> ObjectIdentifier {
    match digest {
        DigestAlgorithm::Kupyna256 => KUPYNA_256_PB,
        DigestAlgorithm::Kupyna384 => KUPYNA_384_PB,
        DigestAlgorithm::Kupyna512 => KUPYNA_512_PB,
        _ => DSTU_4145_LITTLE_ENDIAN,
    }
}

const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const DSTU_4145_LITTLE_ENDIAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.1.1");
const DSTU_4145_BIG_ENDIAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.1.1.1.1");
const DSTU_4145_NORMAL_LITTLE_ENDIAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.1.2");
const DSTU_4145_NORMAL_BIG_ENDIAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.1.2.1.1");
const KUPYNA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.6.1");
const KUPYNA_256_PB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.6.1.1");
const KUPYNA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.6.2");
const KUPYNA_384_PB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.6.2.1");
const KUPYNA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.6.3");
const KUPYNA_512_PB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.804.2.1.1.1.1.3.6.3.1");
