//! JKS, the keystore of Sun's Java (`sun.security.provider.JavaKeyStore`), big-endian throughout:
//!
//! ```text
//! magic u32 (FEEDFEED) · version u32 (1 | 2) · count u32 · entries · SHA-1 (20)
//! entry       ::= kind u32 · alias UTF · date u64 · (1: key · count u32 · certificates | 2: certificate)
//! certificate ::= type UTF (version 2 only) · length u32 · octets
//! key         ::= length u32 · EncryptedPrivateKeyInfo; UTF ::= length u16 · modified UTF-8
//! ```
//! The last field is SHA-1 of password ‖ "Mighty Aphrodite" ‖ everything before it, the password as UTF-16BE. A key is protected by
//! `1.3.6.1.4.1.42.2.17.1.1`: salt (20) ‖ key XOR keystream ‖ SHA-1 (password ‖ key), the keystream being SHA-1 (password ‖ the 20 octets
//! before it), from the salt on. Its password may differ from the store's.

use zeroize::Zeroizing;

use super::key::{ContainedKey, EncryptedPrivateKeyInfo, PrivateKeyInfo};
use super::password::Password;
use super::{ContainedCertificate, ContainerError, Findings, MAX_ENTRIES, derive};
use crate::digest::{DigestAlgorithm, Digester};

/// Reads a whole keystore.
pub(super) fn read(store: &[u8], password: &Password, key_password: &Password) -> Result<Findings, ContainerError> {
    let (body, code) = store.split_last_chunk::<DIGEST_BYTES>().ok_or(ContainerError::malformed(JKS))?;
    let wide = password.utf16();
    let matches = derive::equal(sha1(&[&wide, WHITENER, body]).as_bytes(), code);
    let mut findings = Findings { mac_matches: Some(matches), ..Findings::default() };
    let mut reader = Reader { rest: body };
    if reader.u32()? != MAGIC {
        return Err(ContainerError::malformed(JKS));
    }
    let version = reader.u32()?;
    if !(1..=2).contains(&version) {
        return Err(ContainerError::unknown(format_args!("JKS of version {version}")));
    }
    let count = reader.u32()?;
    if usize::try_from(count).map_or(true, |count| count > MAX_ENTRIES) {
        return Err(ContainerError::TooComplex);
    }
    for _ in 0..count {
        let kind = reader.u32()?;
        let alias = reader.text()?;
        reader.take(8)?;
        match kind {
            KEY_ENTRY => {
                let protected = reader.counted()?;
                let chain = reader.u32()?;
                if usize::try_from(chain).map_or(true, |chain| chain > MAX_ENTRIES) {
                    return Err(ContainerError::TooComplex);
                }
                for place in 0..chain {
                    // The first certificate is the key's own, and goes by its name.
                    reader.certificate(version, (place == 0).then(|| alias.clone()), &mut findings)?;
                }
                open(protected, alias, password, key_password, &mut findings)?;
            }
            CERTIFICATE_ENTRY => reader.certificate(version, Some(alias), &mut findings)?,
            _ => return Err(ContainerError::malformed(JKS)),
        }
    }
    if reader.rest.is_empty() { Ok(findings) } else { Err(ContainerError::malformed(JKS)) }
}

fn open(
    protected: &[u8],
    alias: String,
    password: &Password,
    key_password: &Password,
    findings: &mut Findings,
) -> Result<(), ContainerError> {
    let info = EncryptedPrivateKeyInfo::read(protected)?;
    if info.algorithm.oid.to_string() != PROTECTOR {
        return Err(ContainerError::unknown(info.algorithm.oid));
    }
    let opened = match unprotect(info.data, password)? {
        Some(pkcs8) => {
            findings.opened += 1;
            Some(pkcs8)
        }
        None => unprotect(info.data, key_password)?,
    };
    match opened {
        Some(pkcs8) => findings.keys.push(ContainedKey::new(pkcs8)?.with_friendly_name(Some(alias))),
        None => findings.refused += 1,
    }
    Ok(())
}

/// `None` where the code over password and key does not match.
fn unprotect(protected: &[u8], password: &Password) -> Result<Option<Zeroizing<Vec<u8>>>, ContainerError> {
    let malformed = ContainerError::malformed("protected key of a JKS");
    let (salt, rest) = protected.split_first_chunk::<DIGEST_BYTES>().ok_or(malformed.clone())?;
    let (hidden, code) = rest.split_last_chunk::<DIGEST_BYTES>().ok_or(malformed.clone())?;
    let wide = password.utf16();
    let mut key = Zeroizing::new(hidden.to_vec());
    let mut before = Zeroizing::new(*salt);
    for block in key.chunks_mut(DIGEST_BYTES) {
        let stream = sha1(&[&wide, &*before]);
        before.copy_from_slice(stream.as_bytes());
        block.iter_mut().zip(before.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }
    if !derive::equal(sha1(&[&wide, &key]).as_bytes(), code) {
        return Ok(None);
    }
    PrivateKeyInfo::read(&key)?;
    Ok(Some(key))
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ContainerError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(ContainerError::malformed(JKS))?;
        self.rest = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, ContainerError> {
        Ok(self.take(4)?.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// Octets with their length before them.
    fn counted(&mut self) -> Result<&'a [u8], ContainerError> {
        let length = usize::try_from(self.u32()?).map_err(|_| ContainerError::malformed(JKS))?;
        self.take(length)
    }

    /// Modified UTF-8; the characters that it writes otherwise than UTF-8 (zero, and those beyond the basic plane) come out as marks.
    fn text(&mut self) -> Result<String, ContainerError> {
        let length = self.take(2)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }

    fn certificate(
        &mut self,
        version: u32,
        name: Option<String>,
        findings: &mut Findings,
    ) -> Result<(), ContainerError> {
        let kind = if version == 2 { self.text()? } else { X509.to_owned() };
        let der = self.counted()?.to_vec();
        if kind == X509 {
            findings.certificates.push(ContainedCertificate { der, friendly_name: name, local_key_id: None });
        } else {
            findings.passed_over.push(kind);
        }
        Ok(())
    }
}

fn sha1(parts: &[&[u8]]) -> crate::digest::Digest {
    let mut digest = Digester::new(DigestAlgorithm::Sha1);
    parts.iter().for_each(|part| digest.update(part));
    digest.finish()
}

const JKS: &str = "JKS";
const X509: &str = "X.509";
pub(super) const MAGIC: u32 = 0xfeed_feed;
/// JCEKS, the keystore of SunJCE: MD5 and triple DES under a derivation of its own.
pub(super) const JCEKS_MAGIC: u32 = 0xcece_cece;
const WHITENER: &[u8] = b"Mighty Aphrodite";
const PROTECTOR: &str = "1.3.6.1.4.1.42.2.17.1.1";
const KEY_ENTRY: u32 = 1;
const CERTIFICATE_ENTRY: u32 = 2;
const DIGEST_BYTES: usize = 20;
