//! The key-encryption key of the national key agreement, from the shared secret: bytes in, bytes out.
//!
//! `KEK = H(Z ‖ 00000001 ‖ SharedInfo)`, one block, where `Z` is the x-coordinate of the agreed point, big-endian, and
//!
//! ```text
//! SharedInfo ::= SEQUENCE {
//!     keyInfo      AlgorithmIdentifier,                  -- of the key wrap
//!     entityUInfo  [0] EXPLICIT OCTET STRING OPTIONAL,   -- ukm
//!     suppPubInfo  [2] EXPLICIT OCTET STRING }           -- bits of the KEK, 32-bit big-endian: 00 00 01 00
//! ```
//!
//! (the national technical specifications of cryptographic messages, "protected data", 5.6.3; RFC 5753, 7.2). Knows no curves: `Z` may come
//! from the agreement with the cofactor or without.
//!
//! Constant time in `Z` but for how many of its leading bytes are zero, where they are stripped: the hashes are those without look-ups.

use zeroize::Zeroizing;

use crate::asn1::{self, TAG_OCTET_STRING, TAG_SEQUENCE};
use crate::gost28147::Dke;
use crate::gost34311::{self, Gost34311};
use crate::keyed::Hash;
use crate::kupyna::{Kupyna, Width};

/// Which hash derives, named by the OID of the key agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DerivationHash {
    /// GOST 34.311-95 with DKE No 1: key agreement `1.2.804.2.1.1.1.1.3.4` (with the cofactor) and `….3.5` (without).
    Gost34311,
    /// Kupyna-256: key agreement `1.2.804.2.1.1.1.1.3.7` (with the cofactor) and `….3.8` (without).
    Kupyna256,
}

/// What happens to the leading zero bytes of `Z`. With Kupyna they stay. With GOST 34.311 they go, and implementations differ in how many:
/// the two ways part where `Z` begins with two zero bytes, once in some 2^9 agreements for m = 257. Who unwraps tries both, and the
/// code of the wrap decides; who wraps draws another ephemeral key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeadingZeros {
    /// All of them (UAPKI).
    StripAll,
    /// The first byte alone, where it is zero (jkurwa).
    StripOne,
    /// None.
    Keep,
}

/// The algorithm that will wrap under the derived key; its identifier is hashed with the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyWrap {
    /// `1.2.804.2.1.1.1.1.1.1.5`, [`crate::gost28147::wrap_key`]; parameters NULL.
    Gost28147,
    /// `1.2.804.2.1.1.1.1.1.3.11`, [`crate::kalyna::wrap_cms_key`]; parameters NULL.
    Kalyna,
    /// `2.16.840.1.101.3.4.1.45`, AES-256 key wrap (RFC 3394); no parameters (RFC 3565, 2.3.2).
    Aes256,
}

impl DerivationHash {
    /// The conventions about leading zeros in the order in which to try them on unwrap.
    pub const fn conventions(self) -> &'static [LeadingZeros] {
        match self {
            Self::Gost34311 => &[LeadingZeros::StripAll, LeadingZeros::StripOne],
            Self::Kupyna256 => &[LeadingZeros::Keep],
        }
    }
}

impl LeadingZeros {
    /// What of the big-endian `z` is hashed.
    pub fn apply(self, z: &[u8]) -> &[u8] {
        let first = z.iter().position(|byte| *byte != 0).unwrap_or(z.len());
        let stripped = match self {
            Self::StripAll => first,
            Self::StripOne => first.min(1),
            Self::Keep => 0,
        };
        &z[stripped..]
    }

    /// True where all conventions that [`DerivationHash::conventions`] names give the same key for `z`.
    pub fn agree(hash: DerivationHash, z: &[u8]) -> bool {
        let [first, rest @ ..] = hash.conventions() else { return true };
        rest.iter().all(|other| first.apply(z) == other.apply(z))
    }
}

impl KeyWrap {
    /// The AlgorithmIdentifier in DER, as it stands in SharedInfo and in the parameters of `keyEncryptionAlgorithm`.
    pub const fn identifier(self) -> &'static [u8] {
        match self {
            Self::Gost28147 => &GOST_28147_WRAP,
            Self::Kalyna => &KALYNA_WRAP,
            Self::Aes256 => &AES_256_WRAP,
        }
    }
}

/// The key-encryption key, 32 bytes, of the secret `z`: the x-coordinate, big-endian, ⌈m/8⌉ bytes. `ukm` is `None` where the message carries
/// none (an ephemeral originator key); bounding its length is the reader's work, 64 bytes are usual.
pub fn key_encryption_key(
    hash: DerivationHash,
    zeros: LeadingZeros,
    z: &[u8],
    wrap: KeyWrap,
    ukm: Option<&[u8]>,
) -> Zeroizing<[u8; KEK_BYTES]> {
    let z = zeros.apply(z);
    let info = shared_info(wrap, ukm);
    match hash {
        DerivationHash::Gost34311 => derive(Gost34311::constant_time(&Dke::NUMBER_1), z, &info),
        DerivationHash::Kupyna256 => derive(Kupyna::constant_time(Width::BITS_256), z, &info),
    }
}

fn derive<H: Hash>(mut hash: H, z: &[u8], info: &[u8]) -> Zeroizing<[u8; KEK_BYTES]> {
    hash.update(z);
    hash.update(&COUNTER);
    hash.update(info);
    let mut key = Zeroizing::new([0; KEK_BYTES]);
    hash.finish_into(&mut *key);
    key
}

/// SharedInfo in DER.
pub fn shared_info(wrap: KeyWrap, ukm: Option<&[u8]>) -> Vec<u8> {
    let ukm = ukm.map(|ukm| asn1::element(TAG_ENTITY_U_INFO, &[&asn1::element(TAG_OCTET_STRING, &[ukm])]));
    let bits = asn1::element(TAG_SUPP_PUB_INFO, &[&asn1::element(TAG_OCTET_STRING, &[&KEK_BITS.to_be_bytes()])]);
    asn1::element(TAG_SEQUENCE, &[wrap.identifier(), ukm.as_deref().unwrap_or_default(), &bits])
}

/// Bytes of the key-encryption key: one block of either hash.
pub const KEK_BYTES: usize = gost34311::OUTPUT_BYTES;

const KEK_BITS: u32 = 256;
const COUNTER: [u8; 4] = [0, 0, 0, 1];
const TAG_ENTITY_U_INFO: u8 = 0xa0;
const TAG_SUPP_PUB_INFO: u8 = 0xa2;

const GOST_28147_WRAP: [u8; 17] =
    [0x30, 0x0f, 0x06, 0x0b, 0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x05, 0x05, 0x00];
const KALYNA_WRAP: [u8; 17] =
    [0x30, 0x0f, 0x06, 0x0b, 0x2a, 0x86, 0x24, 0x02, 0x01, 0x01, 0x01, 0x01, 0x01, 0x03, 0x0b, 0x05, 0x00];
const AES_256_WRAP: [u8; 13] = [0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2d];

#[cfg(test)]
mod tests {
    use ::kupyna::Digest as _;
    use der::asn1::ObjectIdentifier;

    use super::*;
    use crate::digest::{from_hex, hex};
    use crate::gost28147::{Gost28147, unwrap_key};

    /// jkurwa `test/data/enc_message.p7`, keys `Key40A0.cer` and `SELF_SIGNED_ENC_6929.cer` (published test material, m = 257). Z was computed
    /// from the two with other code; that the wrap opens and the content reads "123" is what the source says.
    #[test]
    fn a_published_envelope_opens() {
        let z = from_hex("010c3017ca6ef770b88fb5ebf37595571b8f38e0b6e1e2a75cb8d2f1092ba8ad31").unwrap();
        let ukm = b"12345678901234567890123456789012";
        let wrapped =
            from_hex("ff047d15e162cda20abf2fef944b0881cff3c2f463c4e2ebe9ed1b336503b5f4f9066248799067666c5a2403");
        for zeros in DerivationHash::Gost34311.conventions() {
            let kek = key_encryption_key(DerivationHash::Gost34311, *zeros, &z, KeyWrap::Gost28147, Some(ukm));
            let key = unwrap_key(&kek, &Dke::NUMBER_1, wrapped.as_deref().unwrap()).unwrap();
            let mut content = from_hex("3ad940").unwrap();
            let mut cfb = Gost28147::new(&*key, Dke::NUMBER_1).unwrap().cfb(&ukm[..8]).unwrap();
            cfb.decrypt(&mut content);
            assert_eq!(content, b"123");
        }
    }

    #[test]
    fn the_shared_info_is_what_the_specification_writes() {
        assert_eq!(
            hex(&shared_info(KeyWrap::Gost28147, Some(&[0xab; 64]))),
            format!("305d300f060b2a862402010101010101050500a0420440{}a206040400000100", "ab".repeat(64)),
        );
        assert_eq!(hex(&shared_info(KeyWrap::Kalyna, None)), "3019300f060b2a8624020101010101030b0500a206040400000100",);
        assert_eq!(hex(&shared_info(KeyWrap::Aes256, None)), "3015300b060960864801650304012da206040400000100");
        assert_eq!(shared_info(KeyWrap::Aes256, Some(&[1; 300]))[..4], [0x30, 0x82, 0x01, 0x49]);
    }

    #[test]
    fn identifiers_are_those_of_their_oids() {
        for (wrap, oid, parameters) in [
            (KeyWrap::Gost28147, "1.2.804.2.1.1.1.1.1.1.5", &asn1::NULL[..]),
            (KeyWrap::Kalyna, "1.2.804.2.1.1.1.1.1.3.11", &asn1::NULL[..]),
            (KeyWrap::Aes256, "2.16.840.1.101.3.4.1.45", &[]),
        ] {
            assert_eq!(wrap.identifier(), asn1::algorithm(&ObjectIdentifier::new(oid).unwrap(), parameters));
        }
    }

    /// `kupyna` and bytes written out are the oracle: no published value of this derivation is known.
    #[test]
    fn kupyna_hashes_the_whole_secret() {
        let mut message = from_hex("0000000000000007").unwrap();
        let key = key_encryption_key(DerivationHash::Kupyna256, LeadingZeros::Keep, &message, KeyWrap::Kalyna, None);
        message.extend(from_hex("000000013019300f060b2a8624020101010101030b0500a206040400000100").unwrap());
        assert_eq!(key.as_slice(), ::kupyna::Kupyna256::digest(&message).as_slice());
    }

    #[test]
    fn zeros_are_stripped_as_each_convention_says() {
        let z = [0, 0, 5, 0];
        assert_eq!(LeadingZeros::StripAll.apply(&z), [5, 0]);
        assert_eq!(LeadingZeros::StripOne.apply(&z), [0, 5, 0]);
        assert_eq!(LeadingZeros::Keep.apply(&z), z);
        assert_eq!(LeadingZeros::StripOne.apply(&z[2..]), [5, 0]);
        assert!(LeadingZeros::StripAll.apply(&[0, 0]).is_empty());
        assert!(LeadingZeros::StripOne.apply(&[]).is_empty());
        assert!(!LeadingZeros::agree(DerivationHash::Gost34311, &z));
        assert!(LeadingZeros::agree(DerivationHash::Gost34311, &z[1..]));
        assert!(LeadingZeros::agree(DerivationHash::Kupyna256, &z));
    }
}
