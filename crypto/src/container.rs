//! Key containers: private keys and their certificates in files that a password opens.
//!
//! Reads PKCS#8, PKCS#12, JKS and Key-6.dat ([`Container::read`] tells them apart by their bytes) and writes PKCS#8 and PKCS#12. Hands out
//! data: PKCS#8 in clear, zeroized ([`ContainedKey`]); making a key handle of it is [`crate::key::SoftwareKey::from_pkcs8_der`]'s part. Does no
//! I/O, looks into no certificate, and knows no policy: an old file opens whatever its algorithms are worth today.
//!
//! # What is read
//! | format | standard | protected by |
//! |---|---|---|
//! | PrivateKeyInfo, DER or PEM | RFC 5208, 5; RFC 5958, 2; RFC 7468, 10 | nothing |
//! | EncryptedPrivateKeyInfo, DER or PEM; Key-6.dat of the newer kind | RFC 5958, 3; RFC 7468, 11 | a scheme below |
//! | PKCS#12: keyBag, pkcs8ShroudedKeyBag, certBag, safeContentsBag | RFC 7292, 4; EncryptedData of RFC 5652, 8 | a scheme below; MacData with SHA-1, SHA-2, GOST 34.311 `1.2.804.2.1.1.1.1.2.1` (also under M.E.Doc's `1.32.113549.1.7.1.524545`), Kupyna-256; PBMAC1 `1.2.840.113549.1.5.14` (RFC 9579, now RFC 9879) |
//! | JKS, versions 1 and 2 | none: Sun's `JavaKeyStore` | SHA-1; protector `1.3.6.1.4.1.42.2.17.1.1` |
//! | Key-6.dat `1.3.6.1.4.1.19398.1.1.1.2` | none: IIT | GOST 28147 in simple substitution, its code of 32 bits |
//!
//! Schemes: PBES2 `1.2.840.113549.1.5.13` (RFC 8018, 6.2) with PBKDF2 over HMAC-SHA-1, HMAC-SHA-2, HMAC-GOST 34.311 `1.2.804.2.1.1.1.1.1.2` or the
//! code of Kupyna-256 `1.2.804.2.1.1.1.1.2.2.4`, and GOST 28147-CFB `1.2.804.2.1.1.1.1.1.1.3` or -CTR, AES-128, -192 or -256-CBC, DES-EDE3-CBC or
//! Kalyna-256-CBC `1.2.804.2.1.1.1.1.1.3.5.2`; those of PKCS#12 (RFC 7292, appendix C) with triple DES and RC2, `1.2.840.113549.1.12.1.3` to `.6`. Triple
//! DES and RC2 are OpenSSL's alone: the portable build answers [`ContainerError::UnsupportedScheme`]. JCEKS, PKCS #1, SEC 1, RC4 and PBES1
//! are recognised at most, and refused by name.
//!
//! IIT keeps the agreement key of a person in attributes of the signing key's PrivateKeyInfo, in any of these formats. It comes out as a
//! key of its own; the signing key keeps the attributes as they were, so that a container written again has lost nothing. Whoever gives the
//! one away gives the other.
//!
//! # Wrong password or damaged file
//! The two are told apart where a format has two independent checks. A content "opens" where its padding, if any, is right and it is
//! throughout the DER that belongs there; for a wrong password that happens by chance less than once in 2^40 (but for encrypted SafeContents
//! without a bag, which nobody writes).
//!
//! | format | code over the whole | contents | answer |
//! |---|---|---|---|
//! | PKCS#12, JKS | matches | all open | the keys |
//! | | matches | some do not | `WrongKeyPassword`: they were written so; the code vouches for every octet |
//! | | differs | some open | `DamagedMac`: the password was right |
//! | | differs | none opens, or none is encrypted | `WrongPassword`, as the likelier of two: the file may be damaged instead |
//! | PKCS#12 without MacData | none | none opens | `WrongPassword`, as above |
//! | | none | some open, some do not | `WrongKeyPassword`, or damage in these |
//! | Key-6.dat | matches (32 bits) | opens | the keys |
//! | | differs | opens | `DamagedMac` |
//! | | differs | does not | `WrongPassword`, as above |
//! | EncryptedPrivateKeyInfo | none | does not open | `WrongPassword`, as above |
//!
//! An EncryptedPrivateKeyInfo, and a PKCS#12 without MacData, is encrypted but not authenticated: a changed octet of the ciphertext can come
//! out as another key. Whoever has the certificate compares its public key with that of the private one.
//! What can be seen without the password ([`ContainerError::Malformed`], an unknown digest of MacData) is reported as such, whatever the password.
//!
//! # Passwords
//! UTF-8 under PBES2, PBMAC1 and Key-6.dat; BMPString with two zero octets under PKCS#12 (RFC 7292, B.1); UTF-16BE under JKS. Where that
//! does not open, and the format leaves room for it: BMPString without the zeros; windows-1251, which Ukrainian programs for Windows use;
//! the octets of either widened to 16 bits each, as OpenSSL before 1.1 did. Only what the standard says is written.
//!
//! # Bounds
//! [`MAX_BYTES`] for the file, [`MAX_ITERATIONS`] for all derivations together, 1024 bags or entries, bags nested 8 deep, BER elements 32 deep and
//! 100 000 in number. BER of indefinite lengths and octet strings in pieces is read where the formats allow it.

mod ber;
mod derive;
mod error;
mod jks;
mod key;
mod key6;
mod password;
mod pkcs12;
mod scheme;
mod write;

use der::pem;
use zeroize::Zeroizing;

pub use error::ContainerError;
pub use key::ContainedKey;
pub use password::Password;
pub use write::Protection;

use ber::{Fields, INTEGER, OCTET_STRING, SEQUENCE};
use derive::Budget;
use key::{EncryptedPrivateKeyInfo, Opening, PrivateKeyInfo};

/// The kind of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// PrivateKeyInfo in clear (RFC 5208, RFC 5958).
    Pkcs8,
    /// EncryptedPrivateKeyInfo; also the Key-6.dat of the newer kind.
    EncryptedPkcs8,
    /// PKCS#12 (RFC 7292).
    Pkcs12,
    /// Sun's keystore.
    Jks,
    /// Key-6.dat of IIT, in its own format.
    Key6,
}

/// A certificate out of a container, or to be put into one. Not looked at: whether it is one is the question of whoever uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainedCertificate {
    /// DER of the certificate.
    pub der: Vec<u8>,
    /// friendlyName, or the alias of a JKS.
    pub friendly_name: Option<String>,
    /// localKeyId: the key with the same one belongs to this certificate.
    pub local_key_id: Option<Vec<u8>>,
}

/// What a container holds.
#[derive(Debug, Clone)]
pub struct Container {
    /// Private keys, in the order of the file. A key in attributes of another (IIT) comes after all others.
    pub keys: Vec<ContainedKey>,
    /// Certificates, in the order of the file.
    pub certificates: Vec<ContainedCertificate>,
    /// The types of what was passed over: dotted OIDs of bags (revocation lists, secrets, those of vendors), certificate types of a JKS.
    pub passed_over: Vec<String>,
}

impl Container {
    /// Reads a container of any format, which is told from its bytes: PKCS#8 in DER or PEM, in clear (the password is not asked for) or
    /// encrypted, PKCS#12, JKS, Key-6.dat.
    ///
    /// # Errors
    /// Every variant of [`ContainerError`].
    pub fn read(bytes: &[u8], password: &Password) -> Result<Self, ContainerError> {
        Self::read_with_key_password(bytes, password, password)
    }

    /// The same where the keys within have a password of their own, as a JKS may have it.
    ///
    /// # Errors
    /// As [`Container::read`].
    pub fn read_with_key_password(
        bytes: &[u8],
        password: &Password,
        key_password: &Password,
    ) -> Result<Self, ContainerError> {
        match Format::detect(bytes)? {
            Format::Pkcs8 => Self::read_pkcs8(bytes),
            Format::EncryptedPkcs8 | Format::Key6 => Self::read_encrypted_pkcs8(bytes, password),
            Format::Pkcs12 => Self::read_pkcs12(bytes, password, key_password),
            Format::Jks => Self::read_jks(bytes, password, key_password),
        }
    }

    /// Reads a PrivateKeyInfo in clear, DER or PEM.
    ///
    /// # Errors
    /// As [`Container::read`], but for those about passwords.
    pub fn read_pkcs8(bytes: &[u8]) -> Result<Self, ContainerError> {
        let der = from_pem(bytes, PRIVATE_KEY)?;
        let der = ber::to_der(der.as_ref().map_or(bytes, |der| der.as_slice()), "PrivateKeyInfo")?;
        Self::assemble(Findings { keys: vec![ContainedKey::new(Zeroizing::new(der.to_vec()))?], ..Findings::default() })
    }

    /// Reads an EncryptedPrivateKeyInfo, DER or PEM, or a Key-6.dat.
    ///
    /// # Errors
    /// As [`Container::read`].
    pub fn read_encrypted_pkcs8(bytes: &[u8], password: &Password) -> Result<Self, ContainerError> {
        let der = from_pem(bytes, ENCRYPTED_PRIVATE_KEY)?;
        let der = ber::to_der(der.as_ref().map_or(bytes, |der| der.as_slice()), "EncryptedPrivateKeyInfo")?;
        match EncryptedPrivateKeyInfo::read(&der)?.open(password, &mut Budget::new())? {
            Opening::Opened(pkcs8) => {
                Self::assemble(Findings { keys: vec![ContainedKey::new(pkcs8)?], ..Findings::default() })
            }
            Opening::Damaged => Err(ContainerError::DamagedMac),
            Opening::Refused => Err(ContainerError::WrongPassword),
        }
    }

    /// Reads a PKCS#12.
    ///
    /// # Errors
    /// As [`Container::read`].
    pub fn read_pkcs12(bytes: &[u8], password: &Password, key_password: &Password) -> Result<Self, ContainerError> {
        within_bounds(bytes)?;
        Self::assemble(pkcs12::read(bytes, password, key_password)?)
    }

    /// Reads a JKS.
    ///
    /// # Errors
    /// As [`Container::read`].
    pub fn read_jks(bytes: &[u8], password: &Password, key_password: &Password) -> Result<Self, ContainerError> {
        within_bounds(bytes)?;
        Self::assemble(jks::read(bytes, password, key_password)?)
    }

    /// Weighs the findings against each other, and brings out the keys that lie in attributes of others.
    fn assemble(findings: Findings) -> Result<Self, ContainerError> {
        findings.verdict()?;
        let Findings { mut keys, certificates, passed_over, .. } = findings;
        for index in 0..keys.len() {
            if let Some(second) = key6::agreement_key(&keys[index])?
                && !keys.iter().any(|key| same_key(key, &second))
            {
                keys.push(second);
            }
        }
        Ok(Self { keys, certificates, passed_over })
    }
}

impl Format {
    /// The format of `bytes` by their first elements.
    ///
    /// # Errors
    /// [`ContainerError::UnknownScheme`] for what is none of these (JCEKS, PKCS #1 and SEC 1 keys by name), [`ContainerError::Malformed`],
    /// [`ContainerError::TooLarge`], [`ContainerError::TooComplex`].
    pub fn detect(bytes: &[u8]) -> Result<Self, ContainerError> {
        within_bounds(bytes)?;
        if let Some(magic) = bytes.first_chunk().map(|magic| u32::from_be_bytes(*magic)) {
            match magic {
                jks::MAGIC => return Ok(Self::Jks),
                jks::JCEKS_MAGIC => return Err(ContainerError::unknown("JCEKS")),
                _ => {}
            }
        }
        if bytes.first() != Some(&SEQUENCE) {
            return match pem_label(bytes) {
                Some(PRIVATE_KEY) => Ok(Self::Pkcs8),
                Some(ENCRYPTED_PRIVATE_KEY) => Ok(Self::EncryptedPkcs8),
                Some(label) => Err(ContainerError::unknown(label)),
                None => Err(ContainerError::unknown(NO_CONTAINER)),
            };
        }
        let der = ber::to_der(bytes, NO_CONTAINER)?;
        let mut fields = Fields::of_sequence(&der, NO_CONTAINER)?;
        let (first, second) = (fields.next()?, fields.peek());
        match (first.tag, second) {
            (INTEGER, Some(SEQUENCE)) if first.content == [3] => Ok(Self::Pkcs12),
            (INTEGER, Some(SEQUENCE)) => Ok(Self::Pkcs8),
            (INTEGER, Some(INTEGER)) => Err(ContainerError::unknown("PKCS #1 RSAPrivateKey")),
            (INTEGER, Some(OCTET_STRING)) => Err(ContainerError::unknown("SEC 1 ECPrivateKey")),
            (SEQUENCE, Some(OCTET_STRING)) if EncryptedPrivateKeyInfo::read(&der)?.is_key6() => Ok(Self::Key6),
            (SEQUENCE, Some(OCTET_STRING)) => Ok(Self::EncryptedPkcs8),
            _ => Err(ContainerError::unknown(NO_CONTAINER)),
        }
    }
}

/// What a reader found, before it is weighed.
#[derive(Default)]
struct Findings {
    keys: Vec<ContainedKey>,
    certificates: Vec<ContainedCertificate>,
    passed_over: Vec<String>,
    /// Of the code over the whole; `None` where there is none.
    mac_matches: Option<bool>,
    /// Encrypted contents that the container's own password opened.
    opened: usize,
    /// Encrypted contents that no password opened.
    refused: usize,
    /// A key opened whose own code does not match.
    damaged: bool,
}

impl Findings {
    /// The table of the module's documentation.
    fn verdict(&self) -> Result<(), ContainerError> {
        match self.mac_matches {
            Some(false) if self.opened > 0 => Err(ContainerError::DamagedMac),
            Some(false) => Err(ContainerError::WrongPassword),
            _ if self.damaged => Err(ContainerError::DamagedMac),
            _ if self.refused == 0 => Ok(()),
            None if self.opened == 0 => Err(ContainerError::WrongPassword),
            _ => Err(ContainerError::WrongKeyPassword),
        }
    }
}

/// True for two DSTU 4145 keys with the same d, whatever the length that it was written in.
fn same_key(left: &ContainedKey, right: &ContainedKey) -> bool {
    let scalar = |key: &ContainedKey| {
        let mut d = Zeroizing::new(PrivateKeyInfo::read(key.pkcs8_der()).ok()?.private_key.to_vec());
        let length = d.iter().rposition(|byte| *byte != 0)? + 1;
        d.truncate(length);
        Some(d)
    };
    left.algorithm_oid() == right.algorithm_oid() && scalar(left).is_some_and(|d| Some(d) == scalar(right))
}

fn within_bounds(bytes: &[u8]) -> Result<(), ContainerError> {
    if bytes.len() <= MAX_BYTES { Ok(()) } else { Err(ContainerError::TooLarge) }
}

/// The DER in a PEM of this label (RFC 7468); `None` for what is no PEM.
fn from_pem(bytes: &[u8], label: &str) -> Result<Option<Zeroizing<Vec<u8>>>, ContainerError> {
    within_bounds(bytes)?;
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(None);
    }
    let (found, der) = pem::decode_vec(bytes).map_err(|_| ContainerError::malformed("PEM"))?;
    let der = Zeroizing::new(der);
    if found == label { Ok(Some(der)) } else { Err(ContainerError::unknown(found)) }
}

fn pem_label(bytes: &[u8]) -> Option<&str> {
    pem::decode_label(bytes).ok()
}

/// Of a file. A PKCS#12 with a long chain has some ten kilobytes.
pub const MAX_BYTES: usize = 4 << 20;
/// Of all derivations in a container together, counted in blocks of output. Files in use ask for 1 to 100 000 a key, our own for 600 000; this
/// many keep a core busy for some seven seconds under the slowest hash, and a stranger may choose them.
pub const MAX_ITERATIONS: u64 = 5_000_000;
/// Bags of a PKCS#12, entries of a JKS.
const MAX_ENTRIES: usize = 1024;
const PRIVATE_KEY: &str = "PRIVATE KEY";
const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";
const NO_CONTAINER: &str = "no key container";

#[cfg(test)]
mod tests;
