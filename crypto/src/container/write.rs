//! Writing containers: PKCS#8 (RFC 5958) and PKCS#12 (RFC 7292), under one of two [`Protection`]s.

use der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use super::ber::{BMP_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, OCTET_STRING, SEQUENCE, SET};
use super::derive::{self, Budget, HMAC_GOST34311, HMAC_SHA256, Prf, Purpose};
use super::key::object_identifier;
use super::password::Password;
use super::pkcs12::{
    CERTIFICATE_BAG, DATA, ENCRYPTED_DATA, FRIENDLY_NAME, LOCAL_KEY_ID, SHROUDED_KEY_BAG, X509_CERTIFICATE,
};
use super::scheme::{AES256_CBC, GOST28147_CFB, PBES2, PBKDF2_OID};
use super::{ContainedCertificate, ContainedKey, Container, ContainerError, ENCRYPTED_PRIVATE_KEY, PRIVATE_KEY};
use crate::asn1::{self, element, unsigned_integer};
use crate::digest::DigestAlgorithm;
use crate::gost28147::{Dke, Gost28147};
use crate::provider::{self, Provider};
use crate::random;

/// What protects a container that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// PBES2 with AES-256-CBC under PBKDF2-HMAC-SHA-256, 600 000 iterations; the code of a PKCS#12 is HMAC-SHA-256. What OpenSSL 1.1 and
    /// Java 17 and their successors read.
    Modern,
    /// PBES2 with GOST 28147-CFB under PBKDF2-HMAC-GOST 34.311, DKE No 1; the code of a PKCS#12 is HMAC-GOST 34.311. What the national
    /// programs read. Its 10 000 iterations are theirs too: weak against guessing, so the password must not be.
    National,
}

impl Protection {
    fn parameters(self) -> Parameters {
        match self {
            Self::Modern => Parameters { protection: self, iterations: 600_000, salt_bytes: 16 },
            Self::National => Parameters { protection: self, iterations: 10_000, salt_bytes: 32 },
        }
    }
}

/// A protection and its figures; tests lower them.
#[derive(Clone, Copy)]
pub(super) struct Parameters {
    pub(super) protection: Protection,
    pub(super) iterations: u32,
    pub(super) salt_bytes: usize,
}

impl ContainedKey {
    /// The key as `PRIVATE KEY` PEM (RFC 7468, 10) in clear.
    ///
    /// # Errors
    /// [`ContainerError::TooLarge`] where the text does not fit in memory.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, ContainerError> {
        pem::encode_string(PRIVATE_KEY, LineEnding::LF, self.pkcs8_der())
            .map(Zeroizing::new)
            .map_err(|_| ContainerError::TooLarge)
    }

    /// The key as an EncryptedPrivateKeyInfo. Names do not go with it. Nothing in it is authenticated: a change may go unnoticed.
    ///
    /// # Errors
    /// [`ContainerError::UnsupportedScheme`] where the library of this build fails.
    pub fn to_encrypted_pkcs8_der(
        &self,
        password: &Password,
        protection: Protection,
    ) -> Result<Vec<u8>, ContainerError> {
        protection.parameters().encrypted_key(self, password)
    }

    /// The same as `ENCRYPTED PRIVATE KEY` PEM (RFC 7468, 11).
    ///
    /// # Errors
    /// As [`ContainedKey::to_encrypted_pkcs8_der`].
    pub fn to_encrypted_pkcs8_pem(
        &self,
        password: &Password,
        protection: Protection,
    ) -> Result<String, ContainerError> {
        let der = self.to_encrypted_pkcs8_der(password, protection)?;
        pem::encode_string(ENCRYPTED_PRIVATE_KEY, LineEnding::LF, &der).map_err(|_| ContainerError::TooLarge)
    }
}

impl Container {
    /// A container to be written. Java takes a key and a certificate for one entry where they share a localKeyId.
    pub fn new(keys: Vec<ContainedKey>, certificates: Vec<ContainedCertificate>) -> Self {
        Self { keys, certificates, passed_over: Vec::new() }
    }

    /// The container as a PKCS#12: keys in bags encrypted one by one, all certificates encrypted together, a code over the whole. What was
    /// passed over in reading is not there.
    ///
    /// # Errors
    /// [`ContainerError::TooManyIterations`] and [`ContainerError::TooLarge`] where it would be more than this module reads;
    /// [`ContainerError::UnsupportedScheme`] where the library of this build fails.
    pub fn to_pkcs12_der(&self, password: &Password, protection: Protection) -> Result<Vec<u8>, ContainerError> {
        protection.parameters().pkcs12(self, password)
    }
}

impl Parameters {
    pub(super) fn encrypted_key(self, key: &ContainedKey, password: &Password) -> Result<Vec<u8>, ContainerError> {
        let (algorithm, ciphertext) = self.encrypt(key.pkcs8_der(), password, &mut Budget::new())?;
        Ok(element(SEQUENCE, &[&algorithm, &element(OCTET_STRING, &[&ciphertext])]))
    }

    pub(super) fn pkcs12(self, container: &Container, password: &Password) -> Result<Vec<u8>, ContainerError> {
        let mut budget = Budget::new();
        let mut safes = Vec::new();
        if !container.certificates.is_empty() {
            let bags: Vec<_> = container.certificates.iter().map(certificate_bag).collect();
            let (algorithm, ciphertext) = self.encrypt(&element(SEQUENCE, &[&bags.concat()]), password, &mut budget)?;
            let encrypted = element(CONTEXT_0_PRIMITIVE, &[&ciphertext]);
            let info = element(SEQUENCE, &[&object_identifier(DATA), &algorithm, &encrypted]);
            safes.push(content_info(ENCRYPTED_DATA, &element(SEQUENCE, &[&unsigned_integer(&[0]), &info])));
        }
        let mut bags = Vec::new();
        for key in &container.keys {
            let (algorithm, ciphertext) = self.encrypt(key.pkcs8_der(), password, &mut budget)?;
            let shrouded = element(SEQUENCE, &[&algorithm, &element(OCTET_STRING, &[&ciphertext])]);
            bags.extend(bag(SHROUDED_KEY_BAG, &shrouded, key.friendly_name(), key.local_key_id()));
        }
        if !bags.is_empty() {
            safes.push(content_info(DATA, &element(OCTET_STRING, &[&element(SEQUENCE, &[&bags])])));
        }
        let safe = element(SEQUENCE, &[&safes.concat()]);
        let mac_data = self.mac_data(&safe, password, &mut budget)?;
        let authenticated = content_info(DATA, &element(OCTET_STRING, &[&safe]));
        let pfx = element(SEQUENCE, &[&unsigned_integer(&[3]), &authenticated, &mac_data]);
        if pfx.len() <= super::MAX_BYTES { Ok(pfx) } else { Err(ContainerError::TooLarge) }
    }

    /// AlgorithmIdentifier of PBES2, and the ciphertext.
    fn encrypt(
        self,
        plaintext: &[u8],
        password: &Password,
        budget: &mut Budget,
    ) -> Result<(Vec<u8>, Vec<u8>), ContainerError> {
        let salt = self.salt();
        let (prf, prf_oid) = match self.protection {
            Protection::Modern => (Prf::Hmac(DigestAlgorithm::Sha256), HMAC_SHA256),
            Protection::National => (Prf::Hmac(DigestAlgorithm::Gost34311), HMAC_GOST34311),
        };
        let key = derive::pbkdf2(prf, password.utf8(), &salt, self.iterations, KEY_BYTES, budget)?;
        let (cipher, ciphertext) = match self.protection {
            Protection::Modern => aes256_cbc(&key, plaintext)?,
            Protection::National => gost28147_cfb(&key, plaintext)?,
        };
        let count = unsigned_integer(&self.iterations.to_be_bytes());
        let prf = algorithm(prf_oid, &asn1::NULL);
        let kdf = algorithm(PBKDF2_OID, &element(SEQUENCE, &[&element(OCTET_STRING, &[&salt]), &count, &prf]));
        Ok((algorithm(PBES2, &element(SEQUENCE, &[&kdf, &cipher])), ciphertext))
    }

    fn mac_data(self, safe: &[u8], password: &Password, budget: &mut Budget) -> Result<Vec<u8>, ContainerError> {
        let digest = match self.protection {
            Protection::Modern => DigestAlgorithm::Sha256,
            Protection::National => DigestAlgorithm::Gost34311,
        };
        let salt = self.salt();
        let length = digest.output_len();
        let key = derive::pkcs12(digest, Purpose::Mac, &password.bmp(), &salt, self.iterations, length, budget)?;
        let code = derive::hmac(digest, &key, safe);
        let info =
            element(SEQUENCE, &[&algorithm(digest.oid(), &asn1::NULL), &element(OCTET_STRING, &[code.as_bytes()])]);
        let count = unsigned_integer(&self.iterations.to_be_bytes());
        Ok(element(SEQUENCE, &[&info, &element(OCTET_STRING, &[&salt]), &count]))
    }

    fn salt(self) -> Vec<u8> {
        let mut salt = vec![0; self.salt_bytes];
        random::fill(&mut salt);
        salt
    }
}

fn aes256_cbc(key: &[u8], plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ContainerError> {
    let unsupported = ContainerError::UnsupportedScheme { scheme: "AES-256-CBC" };
    let key = key.try_into().map_err(|_| unsupported.clone())?;
    let iv: [u8; 16] = random::array();
    // RFC 8018, 6.1.1: one to sixteen octets that say how many they are.
    let missing = 16 - plaintext.len() % 16;
    let mut padded = Zeroizing::new(Vec::with_capacity(plaintext.len() + missing));
    padded.extend_from_slice(plaintext);
    padded.resize(plaintext.len() + missing, missing.to_be_bytes()[size_of::<usize>() - 1]);
    let ciphertext = provider::encrypt_aes256_cbc(Provider::ACTIVE, key, &iv, &padded).map_err(|_| unsupported)?;
    Ok((algorithm(AES256_CBC, &element(OCTET_STRING, &[&iv])), ciphertext))
}

fn gost28147_cfb(key: &[u8], plaintext: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ContainerError> {
    let iv: [u8; 8] = random::array();
    let cipher = Gost28147::new(key, Dke::NUMBER_1).and_then(|cipher| cipher.cfb(&iv));
    let mut ciphertext = plaintext.to_vec();
    cipher.map_err(|_| ContainerError::UnsupportedScheme { scheme: "GOST 28147-CFB" })?.encrypt(&mut ciphertext);
    let dke = element(OCTET_STRING, &[Dke::NUMBER_1.packed()]);
    Ok((algorithm(GOST28147_CFB, &element(SEQUENCE, &[&element(OCTET_STRING, &[&iv]), &dke])), ciphertext))
}

fn certificate_bag(certificate: &ContainedCertificate) -> Vec<u8> {
    let value = element(CONTEXT_0, &[&element(OCTET_STRING, &[&certificate.der])]);
    let value = element(SEQUENCE, &[&object_identifier(X509_CERTIFICATE), &value]);
    bag(CERTIFICATE_BAG, &value, certificate.friendly_name.as_deref(), certificate.local_key_id.as_deref())
}

/// `SafeBag ::= SEQUENCE { bagId, [0] EXPLICIT bagValue, bagAttributes SET OF OPTIONAL }`.
fn bag(kind: &str, value: &[u8], friendly_name: Option<&str>, local_key_id: Option<&[u8]>) -> Vec<u8> {
    let mut attributes = Vec::new();
    if let Some(name) = friendly_name {
        let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        attributes.push(attribute(FRIENDLY_NAME, &element(BMP_STRING, &[&units])));
    }
    if let Some(identifier) = local_key_id {
        attributes.push(attribute(LOCAL_KEY_ID, &element(OCTET_STRING, &[identifier])));
    }
    // X.690, 11.6.
    attributes.sort_unstable();
    let attributes = if attributes.is_empty() { Vec::new() } else { element(SET, &[&attributes.concat()]) };
    element(SEQUENCE, &[&object_identifier(kind), &element(CONTEXT_0, &[value]), &attributes])
}

fn attribute(kind: &str, value: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object_identifier(kind), &element(SET, &[value])])
}

pub(super) fn content_info(kind: &str, content: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object_identifier(kind), &element(CONTEXT_0, &[content])])
}

pub(super) fn algorithm(oid: &str, parameters: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[&object_identifier(oid), parameters])
}

const KEY_BYTES: usize = 32;
