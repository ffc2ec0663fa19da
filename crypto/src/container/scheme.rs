//! Password-based encryption: reading an AlgorithmIdentifier, and decrypting by it.
//!
//! PBES2 (RFC 8018, 6.2 and A.4): `SEQUENCE { keyDerivationFunc, encryptionScheme }` with PBKDF2 (A.2); and the schemes of PKCS#12
//! (RFC 7292, appendix C) with triple DES and RC2. PBES1 (MD5 or SHA-1 with DES or RC2 under PKCS#5) and RC4 are not known here.

use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::ContainerError;
use super::ber::{Element, Fields, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};
use super::derive::{self, Budget, Prf, Purpose};
use super::password::{Octets, Password};
use crate::digest::DigestAlgorithm;
use crate::gost28147::{Dke, Gost28147};
use crate::kalyna::{BlockSize, Kalyna};
use crate::provider::{self, CbcCipher, Provider};

/// An AlgorithmIdentifier as it stands.
pub(super) struct Algorithm<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) parameters: Option<Element<'a>>,
}

impl<'a> Algorithm<'a> {
    pub(super) fn read(fields: &mut Fields<'a>) -> Result<Self, ContainerError> {
        let mut inner = fields.sequence("AlgorithmIdentifier")?;
        let oid = read_oid(&mut inner)?;
        let parameters = if inner.is_empty() { None } else { Some(inner.next()?) };
        inner.finish()?;
        Ok(Self { oid, parameters })
    }

    /// The parameters, which must be a SEQUENCE.
    fn sequence(&self, part: &'static str) -> Result<Fields<'a>, ContainerError> {
        match self.parameters {
            Some(Element { tag: SEQUENCE, content, .. }) => Ok(Fields::new(content, part)),
            _ => Err(ContainerError::malformed(part)),
        }
    }

    fn unknown(&self) -> ContainerError {
        ContainerError::unknown(self.oid)
    }
}

/// A password-based encryption scheme with its parameters.
pub(super) enum Scheme<'a> {
    Pbes2 { kdf: Pbkdf2<'a>, cipher: Cipher<'a> },
    Pkcs12 { cipher: Pkcs12Cipher, salt: &'a [u8], iterations: u32 },
}

/// The ciphers of RFC 7292, appendix C, that are known here.
#[derive(Clone, Copy)]
pub(super) enum Pkcs12Cipher {
    TripleDes,
    /// Triple DES whose third key is the first.
    TripleDesOfTwoKeys,
    Rc2Of128Bits,
    Rc2Of40Bits,
}

impl Pkcs12Cipher {
    fn cbc(self) -> CbcCipher {
        match self {
            Self::TripleDes | Self::TripleDesOfTwoKeys => CbcCipher::TripleDes,
            Self::Rc2Of128Bits => CbcCipher::Rc2Of128Bits,
            Self::Rc2Of40Bits => CbcCipher::Rc2Of40Bits,
        }
    }

    fn derived_len(self) -> usize {
        match self {
            Self::TripleDesOfTwoKeys => 16,
            _ => self.cbc().key_len(),
        }
    }
}

/// PBKDF2-params.
pub(super) struct Pbkdf2<'a> {
    prf: Prf,
    salt: &'a [u8],
    iterations: u32,
    key_len: Option<u32>,
}

/// The content cipher of PBES2 with its parameters.
pub(super) enum Cipher<'a> {
    Cbc { cipher: CbcCipher, iv: &'a [u8] },
    Gost28147 { mode: GostMode, iv: &'a [u8], dke: Dke },
    Kalyna256Cbc { iv: &'a [u8] },
}

#[derive(Clone, Copy)]
pub(super) enum GostMode {
    Cfb,
    Ctr,
}

impl<'a> Scheme<'a> {
    pub(super) fn read(algorithm: &Algorithm<'a>) -> Result<Self, ContainerError> {
        let cipher = match algorithm.oid.to_string().as_str() {
            PBES2 => return Self::pbes2(algorithm),
            "1.2.840.113549.1.12.1.3" => Pkcs12Cipher::TripleDes,
            "1.2.840.113549.1.12.1.4" => Pkcs12Cipher::TripleDesOfTwoKeys,
            "1.2.840.113549.1.12.1.5" => Pkcs12Cipher::Rc2Of128Bits,
            "1.2.840.113549.1.12.1.6" => Pkcs12Cipher::Rc2Of40Bits,
            _ => return Err(algorithm.unknown()),
        };
        let mut parameters = algorithm.sequence("pkcs-12PbeParams")?;
        let salt = parameters.take(OCTET_STRING)?;
        let iterations = iterations(&mut parameters)?;
        parameters.finish()?;
        Ok(Self::Pkcs12 { cipher, salt, iterations })
    }

    fn pbes2(algorithm: &Algorithm<'a>) -> Result<Self, ContainerError> {
        let mut parameters = algorithm.sequence("PBES2-params")?;
        let kdf = Pbkdf2::read(&Algorithm::read(&mut parameters)?)?;
        let cipher = Cipher::read(&Algorithm::read(&mut parameters)?)?;
        parameters.finish()?;
        match kdf.key_len {
            Some(length) if usize::try_from(length) != Ok(cipher.key_len()) => Err(ContainerError::malformed(PBKDF2)),
            _ => Ok(Self::Pbes2 { kdf, cipher }),
        }
    }

    /// Decrypts under each form of `password` until `accept` takes the plaintext; `None` where it takes none.
    pub(super) fn open<T>(
        &self,
        password: &Password,
        ciphertext: &[u8],
        budget: &mut Budget,
        mut accept: impl FnMut(Zeroizing<Vec<u8>>) -> Option<T>,
    ) -> Result<Option<T>, ContainerError> {
        let forms = match self {
            Self::Pbes2 { .. } => password.octets(),
            Self::Pkcs12 { .. } => password.bmp_forms(),
        };
        for form in forms {
            if let Some(plaintext) = self.decrypt(&form, ciphertext, budget)?
                && let Some(accepted) = accept(plaintext)
            {
                return Ok(Some(accepted));
            }
        }
        Ok(None)
    }

    /// `None` where the padding is wrong.
    fn decrypt(
        &self,
        password: &Octets,
        ciphertext: &[u8],
        budget: &mut Budget,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ContainerError> {
        match self {
            Self::Pbes2 { kdf, cipher } => {
                let key = kdf.derive(password, cipher.key_len(), budget)?;
                cipher.decrypt(&key, ciphertext)
            }
            Self::Pkcs12 { cipher, salt, iterations } => {
                let mut derive = |purpose, length| {
                    derive::pkcs12(DigestAlgorithm::Sha1, purpose, password, salt, *iterations, length, budget)
                };
                let mut key = derive(Purpose::Encryption, cipher.derived_len())?;
                if let Pkcs12Cipher::TripleDesOfTwoKeys = cipher {
                    key.extend_from_within(..8);
                }
                let cipher = cipher.cbc();
                let iv = derive(Purpose::InitialisationVector, cipher.block_len())?;
                decrypt_cbc(cipher, &key, &iv, ciphertext)
            }
        }
    }
}

impl<'a> Pbkdf2<'a> {
    /// `PBKDF2-params ::= SEQUENCE { salt CHOICE { specified OCTET STRING, .. }, iterationCount, keyLength OPTIONAL, prf DEFAULT
    /// hmacWithSHA1 }`.
    pub(super) fn read(algorithm: &Algorithm<'a>) -> Result<Self, ContainerError> {
        if algorithm.oid.to_string() != PBKDF2_OID {
            return Err(algorithm.unknown());
        }
        let mut parameters = algorithm.sequence(PBKDF2)?;
        let salt = parameters.take(OCTET_STRING)?;
        let iterations = iterations(&mut parameters)?;
        let key_len = if parameters.peek() == Some(INTEGER) { Some(parameters.small_integer()?) } else { None };
        let prf = if parameters.is_empty() {
            Prf::Hmac(DigestAlgorithm::Sha1)
        } else {
            let prf = Algorithm::read(&mut parameters)?;
            Prf::from_oid(&prf.oid.to_string()).ok_or_else(|| prf.unknown())?
        };
        parameters.finish()?;
        Ok(Self { prf, salt, iterations, key_len })
    }

    /// What `keyLength` says.
    pub(super) fn key_len(&self) -> Option<u32> {
        self.key_len
    }

    pub(super) fn derive(
        &self,
        password: &[u8],
        key_len: usize,
        budget: &mut Budget,
    ) -> Result<Zeroizing<Vec<u8>>, ContainerError> {
        derive::pbkdf2(self.prf, password, self.salt, self.iterations, key_len, budget)
    }
}

impl<'a> Cipher<'a> {
    fn read(algorithm: &Algorithm<'a>) -> Result<Self, ContainerError> {
        let cipher = match algorithm.oid.to_string().as_str() {
            GOST28147_CFB => return Self::gost28147(algorithm, GostMode::Cfb),
            "1.2.804.2.1.1.1.1.1.1.2" => return Self::gost28147(algorithm, GostMode::Ctr),
            "1.2.804.2.1.1.1.1.1.3.5.2" => return Self::kalyna256(algorithm),
            "2.16.840.1.101.3.4.1.2" => CbcCipher::Aes128,
            "2.16.840.1.101.3.4.1.22" => CbcCipher::Aes192,
            AES256_CBC => CbcCipher::Aes256,
            "1.2.840.113549.3.7" => CbcCipher::TripleDes,
            _ => return Err(algorithm.unknown()),
        };
        match algorithm.parameters {
            Some(Element { tag: OCTET_STRING, content: iv, .. }) if iv.len() == cipher.block_len() => {
                Ok(Self::Cbc { cipher, iv })
            }
            _ => Err(ContainerError::malformed("initialisation vector")),
        }
    }

    /// `SEQUENCE { iv OCTET STRING (SIZE (8)), dke OCTET STRING (SIZE (64)) OPTIONAL }`; without a DKE it is No 1.
    fn gost28147(algorithm: &Algorithm<'a>, mode: GostMode) -> Result<Self, ContainerError> {
        let part = "GOST28147Params";
        let mut parameters = algorithm.sequence(part)?;
        let iv = parameters.take(OCTET_STRING)?;
        let dke = match parameters.optional(OCTET_STRING)? {
            Some(packed) => Dke::from_packed(packed).map_err(|_| ContainerError::malformed(part))?,
            None => Dke::NUMBER_1,
        };
        parameters.finish()?;
        if iv.len() == 8 { Ok(Self::Gost28147 { mode, iv, dke }) } else { Err(ContainerError::malformed(part)) }
    }

    /// Kalyna-256 with a key of 256 bits: `SEQUENCE { iv OCTET STRING (SIZE (32)) }`, as UAPKI writes it.
    fn kalyna256(algorithm: &Algorithm<'a>) -> Result<Self, ContainerError> {
        let mut parameters = algorithm.sequence("DSTU7624Params")?;
        let iv = parameters.take(OCTET_STRING)?;
        parameters.finish()?;
        if iv.len() == KALYNA_BLOCK { Ok(Self::Kalyna256Cbc { iv }) } else { Err(parameters.error()) }
    }

    fn key_len(&self) -> usize {
        match self {
            Self::Cbc { cipher, .. } => cipher.key_len(),
            Self::Gost28147 { .. } | Self::Kalyna256Cbc { .. } => 32,
        }
    }

    /// `None` where the padding is wrong.
    fn decrypt(&self, key: &[u8], ciphertext: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, ContainerError> {
        match self {
            Self::Cbc { cipher, iv } => decrypt_cbc(*cipher, key, iv, ciphertext),
            Self::Gost28147 { mode, iv, dke } => {
                let mut plaintext = Zeroizing::new(ciphertext.to_vec());
                let decrypted = Gost28147::new(key, dke.clone()).and_then(|cipher| {
                    match mode {
                        GostMode::Cfb => cipher.cfb(iv)?.decrypt(&mut plaintext),
                        GostMode::Ctr => cipher.ctr(iv)?.apply(&mut plaintext),
                    }
                    Ok(())
                });
                decrypted.map_err(|_| ContainerError::malformed("GOST28147Params"))?;
                Ok(Some(plaintext))
            }
            Self::Kalyna256Cbc { iv } => {
                let mut plaintext = Zeroizing::new(ciphertext.to_vec());
                let decrypted =
                    Kalyna::new(BlockSize::Bits256, key).and_then(|cipher| cipher.decrypt_cbc(iv, &mut plaintext));
                Ok(decrypted.ok().and_then(|()| without_padding(plaintext, KALYNA_BLOCK)))
            }
        }
    }
}

/// `None` where `ciphertext` is not whole blocks, or its padding is not that of RFC 8018, 6.1.1.
fn decrypt_cbc(
    cipher: CbcCipher,
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, ContainerError> {
    if !ciphertext.len().is_multiple_of(cipher.block_len()) {
        return Ok(None);
    }
    let plaintext = provider::decrypt_cbc(Provider::ACTIVE, cipher, key, iv, ciphertext)
        .map_err(|_| ContainerError::UnsupportedScheme { scheme: cipher.name() })?;
    Ok(without_padding(plaintext, cipher.block_len()))
}

/// Removes one to `block_len` octets that each say how many they are. Not constant time: nobody is told why a password was refused.
fn without_padding(mut plaintext: Zeroizing<Vec<u8>>, block_len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let count = *plaintext.last()?;
    let length = usize::from(count);
    let start = plaintext.len().checked_sub(length).filter(|_| (1..=block_len).contains(&length))?;
    if plaintext[start..].iter().any(|octet| *octet != count) {
        return None;
    }
    plaintext.truncate(start);
    Some(plaintext)
}

/// iterationCount, at least 1.
fn iterations(parameters: &mut Fields<'_>) -> Result<u32, ContainerError> {
    match parameters.small_integer()? {
        0 => Err(parameters.error()),
        iterations => Ok(iterations),
    }
}

pub(super) fn read_oid(fields: &mut Fields<'_>) -> Result<ObjectIdentifier, ContainerError> {
    let content = fields.take(OBJECT_IDENTIFIER)?;
    ObjectIdentifier::from_bytes(content).map_err(|_| fields.error())
}

const PBKDF2: &str = "PBKDF2-params";
const KALYNA_BLOCK: usize = 32;
pub(super) const PBES2: &str = "1.2.840.113549.1.5.13";
pub(super) const PBKDF2_OID: &str = "1.2.840.113549.1.5.12";
pub(super) const AES256_CBC: &str = "2.16.840.1.101.3.4.1.42";
/// GOST 28147 in CFB mode.
pub(super) const GOST28147_CFB: &str = "1.2.804.2.1.1.1.1.1.1.3";
