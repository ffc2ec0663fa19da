//! Keys from passwords: PBKDF2 (RFC 8018, 5.2), the derivation of PKCS#12 (RFC 7292, B.2), and HMAC (RFC 2104) over every digest that
//! containers name. Every derivation is paid from a [`Budget`].

use zeroize::Zeroizing;

use super::{ContainerError, MAX_ITERATIONS};
use crate::digest::{Digest, DigestAlgorithm, Digester, MAX_DIGEST_BYTES};
use crate::gost28147::Dke;
use crate::kupyna::{Kmac, Width};
use crate::provider::{self, Provider};
use crate::{cipher, gost34311};

/// What reading one container may still cost.
pub(super) struct Budget {
    iterations: u64,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { iterations: MAX_ITERATIONS }
    }

    /// Pays for a derivation of `key_len` bytes in blocks of `block_len`.
    pub(super) fn spend(&mut self, iterations: u32, key_len: usize, block_len: usize) -> Result<(), ContainerError> {
        let blocks = u64::try_from(key_len.div_ceil(block_len)).map_err(|_| ContainerError::TooManyIterations)?;
        let cost = u64::from(iterations).saturating_mul(blocks);
        self.iterations = self.iterations.checked_sub(cost).ok_or(ContainerError::TooManyIterations)?;
        Ok(())
    }
}

/// The pseudo-random function of PBKDF2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prf {
    /// HMAC over SHA-1, SHA-2 or GOST 34.311.
    Hmac(DigestAlgorithm),
    /// The code of DSTU 7564 with 256 bits, keyed with the password filled up with zeros, or cut, to 32 bytes: so UAPKI has it, and no
    /// standard says otherwise.
    KupynaMac,
}

impl Prf {
    /// By the AlgorithmIdentifier's dotted OID: RFC 8018, B.1.2, and the national arc.
    pub(super) fn from_oid(oid: &str) -> Option<Self> {
        Some(match oid {
            HMAC_SHA1 => Self::Hmac(DigestAlgorithm::Sha1),
            "1.2.840.113549.2.8" => Self::Hmac(DigestAlgorithm::Sha224),
            HMAC_SHA256 => Self::Hmac(DigestAlgorithm::Sha256),
            "1.2.840.113549.2.10" => Self::Hmac(DigestAlgorithm::Sha384),
            "1.2.840.113549.2.11" => Self::Hmac(DigestAlgorithm::Sha512),
            HMAC_GOST34311 => Self::Hmac(DigestAlgorithm::Gost34311),
            // UAPKI takes the digest's OID for the same.
            "1.2.804.2.1.1.1.1.2.2.4" | "1.2.804.2.1.1.1.1.2.2.1" => Self::KupynaMac,
            _ => return None,
        })
    }

    fn output_len(self) -> usize {
        match self {
            Self::Hmac(digest) => digest.output_len(),
            Self::KupynaMac => KUPYNA_MAC_BYTES,
        }
    }
}

/// PBKDF2 of `key_len` bytes. `iterations` is at least 1.
pub(super) fn pbkdf2(
    prf: Prf,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key_len: usize,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, ContainerError> {
    budget.spend(iterations, key_len, prf.output_len())?;
    let mut key = Zeroizing::new(vec![0; key_len]);
    match prf {
        Prf::Hmac(DigestAlgorithm::Gost34311) => {
            gost34311::pbkdf2(&Dke::NUMBER_1, password, salt, iterations, &mut key);
        }
        Prf::Hmac(digest) => provider::pbkdf2(Provider::ACTIVE, digest, password, salt, iterations, &mut key)
            .map_err(|_| ContainerError::UnsupportedScheme { scheme: "PBKDF2" })?,
        Prf::KupynaMac => kupyna_pbkdf2(password, salt, iterations, &mut key)?,
    }
    Ok(key)
}

/// What a key of PKCS#12 is for (RFC 7292, B.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Encryption = 1,
    InitialisationVector = 2,
    Mac = 3,
}

/// The derivation of RFC 7292, B.2: `key_len` bytes from a password in wide form. `iterations` is at least 1.
pub(super) fn pkcs12(
    digest: DigestAlgorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key_len: usize,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, ContainerError> {
    let (block_len, output_len) = (block_len(digest), digest.output_len());
    budget.spend(iterations, key_len, output_len)?;
    // Steps 1 to 4: D, then I = S || P, each filled up to whole blocks by repetition.
    let diversifier = vec![purpose as u8; block_len];
    let mut input = Zeroizing::new(Vec::with_capacity(salt.len() + password.len() + 2 * block_len));
    for part in [salt, password] {
        let filled = part.len().next_multiple_of(block_len);
        input.extend(part.iter().cycle().take(filled));
    }
    let mut key = Zeroizing::new(Vec::with_capacity(key_len + output_len));
    loop {
        // Step 6 A.
        let mut hash = Digester::new(digest);
        hash.update(&diversifier);
        hash.update(&input);
        let mut value = Zeroizing::new([0; MAX_DIGEST_BYTES]);
        value[..output_len].copy_from_slice(hash.finish().as_bytes());
        for _ in 1..iterations {
            *value = provider::digest_once(Provider::ACTIVE, digest, &value[..output_len]);
        }
        key.extend_from_slice(&value[..output_len]);
        if key.len() >= key_len {
            key.truncate(key_len);
            return Ok(key);
        }
        // Steps 6 B and C: every block of I becomes I + B + 1 modulo 2^(8v).
        for block in input.chunks_exact_mut(block_len) {
            add_one_more(block, &value[..output_len]);
        }
    }
}

/// HMAC over any digest that containers name.
pub(super) fn hmac(digest: DigestAlgorithm, key: &[u8], message: &[u8]) -> Digest {
    let mut block = Zeroizing::new(vec![0; block_len(digest)]);
    if key.len() > block.len() {
        let hashed = crate::digest::digest(digest, key);
        block[..digest.output_len()].copy_from_slice(hashed.as_bytes());
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let masked = |mask: u8| Zeroizing::new(block.iter().map(|byte| byte ^ mask).collect::<Vec<_>>());
    let mut inner = Digester::new(digest);
    inner.update(&masked(0x36));
    inner.update(message);
    let mut outer = Digester::new(digest);
    outer.update(&masked(0x5c));
    outer.update(inner.finish().as_bytes());
    outer.finish()
}

/// True where the code of DSTU 7564 with 256 bits over `message` is `code`; a key of another length has none.
pub(super) fn kupyna_mac_matches(key: &[u8], message: &[u8], code: &[u8]) -> bool {
    let Ok(mut mac) = Kmac::new(Width::BITS_256, key) else { return false };
    mac.update(message);
    mac.verify(code).is_ok()
}

/// Compares in a time that depends on the lengths only.
pub(super) fn equal(left: &[u8], right: &[u8]) -> bool {
    cipher::equal(left, right)
}

fn kupyna_pbkdf2(password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) -> Result<(), ContainerError> {
    let mut padded = Zeroizing::new([0; KUPYNA_MAC_BYTES]);
    let taken = password.len().min(KUPYNA_MAC_BYTES);
    padded[..taken].copy_from_slice(&password[..taken]);
    let mac = |parts: &[&[u8]]| {
        let mut mac = Kmac::new(Width::BITS_256, &*padded).map_err(|_| ContainerError::malformed(PRF))?;
        parts.iter().for_each(|part| mac.update(part));
        Ok(Zeroizing::new(mac.finish()))
    };
    for (block, number) in key.chunks_mut(KUPYNA_MAC_BYTES).zip(1_u32..) {
        let mut value = mac(&[salt, &number.to_be_bytes()])?;
        let mut sum = value.clone();
        for _ in 1..iterations {
            value = mac(&[&value])?;
            sum.iter_mut().zip(value.iter()).for_each(|(sum, byte)| *sum ^= byte);
        }
        block.copy_from_slice(&sum[..block.len()]);
    }
    Ok(())
}

/// Adds `value`, repeated to the length of `block`, and one; big-endian, the carry out of the block is dropped.
fn add_one_more(block: &mut [u8], value: &[u8]) {
    let mut carry = 1_u16;
    for (index, byte) in block.iter_mut().enumerate().rev() {
        let sum = u16::from(*byte) + u16::from(value[index % value.len()]) + carry;
        [_, *byte] = sum.to_be_bytes();
        carry = sum >> 8;
    }
}

/// Bytes of a block, to which HMAC and PKCS#12 fill up.
fn block_len(digest: DigestAlgorithm) -> usize {
    match digest {
        DigestAlgorithm::Sha1 | DigestAlgorithm::Sha224 | DigestAlgorithm::Sha256 => 64,
        DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => 128,
        DigestAlgorithm::Sha3_224 => 144,
        DigestAlgorithm::Sha3_256 => 136,
        DigestAlgorithm::Sha3_384 => 104,
        DigestAlgorithm::Sha3_512 => 72,
        DigestAlgorithm::Gost34311 => gost34311::BLOCK_BYTES,
        DigestAlgorithm::Kupyna256 => Width::BITS_256.block_len(),
        DigestAlgorithm::Kupyna384 => Width::BITS_384.block_len(),
        DigestAlgorithm::Kupyna512 => Width::BITS_512.block_len(),
    }
}

const PRF: &str = "PBKDF2-params";
const KUPYNA_MAC_BYTES: usize = 32;
/// hmacWithSHA1 (RFC 8018, B.1.1).
pub(super) const HMAC_SHA1: &str = "1.2.840.113549.2.7";
/// hmacWithSHA256 (RFC 8018, B.1.2).
pub(super) const HMAC_SHA256: &str = "1.2.840.113549.2.9";
/// HMAC over GOST 34.311.
pub(super) const HMAC_GOST34311: &str = "1.2.804.2.1.1.1.1.1.2";
