//! What key containers need of a library: PBKDF2, and block ciphers in CBC mode (SP 800-38A, 6.2), most of them for reading old files.
//!
//! Neither adds nor removes padding: the caller knows what the container's standard asks for.

use zeroize::Zeroizing;

#[cfg(feature = "native")]
use super::open_ssl::password_based as open_ssl;
#[cfg(feature = "portable")]
use super::rust_crypto::password_based as rust_crypto;
use super::{Implementation, Provider, Task};
use crate::digest::DigestAlgorithm;

/// A block cipher of the libraries, in CBC mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CbcCipher {
    /// AES with a key of 16 bytes (FIPS 197).
    Aes128,
    /// AES with a key of 24 bytes.
    Aes192,
    /// AES with a key of 32 bytes.
    Aes256,
    /// Triple DES with a key of 24 bytes (SP 800-67). To read old files.
    TripleDes,
    /// RC2 with a key of 5 bytes (RFC 2268). Broken by trying all keys; to read old files.
    Rc2Of40Bits,
    /// RC2 with a key of 16 bytes. To read old files.
    Rc2Of128Bits,
}

impl CbcCipher {
    /// Every cipher, in the order of the declaration.
    pub const ALL: [Self; 6] =
        [Self::Aes128, Self::Aes192, Self::Aes256, Self::TripleDes, Self::Rc2Of40Bits, Self::Rc2Of128Bits];

    /// Bytes of the key.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Rc2Of40Bits => 5,
            Self::Aes128 | Self::Rc2Of128Bits => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// Bytes of a block and of the initialisation vector.
    pub const fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::Rc2Of40Bits | Self::Rc2Of128Bits => 8,
        }
    }

    /// The usual name: `AES-256-CBC`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "AES-128-CBC",
            Self::Aes192 => "AES-192-CBC",
            Self::Aes256 => "AES-256-CBC",
            Self::TripleDes => "DES-EDE3-CBC",
            Self::Rc2Of40Bits => "RC2-40-CBC",
            Self::Rc2Of128Bits => "RC2-CBC",
        }
    }
}

/// No library of this build, or of this machine, serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotServed;

/// Fills `key` by PBKDF2 (RFC 8018, 5.2) with HMAC over a digest of the libraries. `iterations` is at least 1.
pub(crate) fn pbkdf2(
    provider: Provider,
    digest: DigestAlgorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
) -> Result<(), NotServed> {
    match provider.implementation(Task::Pbkdf2(digest)).ok_or(NotServed)? {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => open_ssl::pbkdf2(digest, password, salt, iterations, key),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => {
            rust_crypto::pbkdf2(digest, password, salt, iterations, key);
            Ok(())
        }
    }
}

/// Decrypts whole blocks. Lengths are the caller's promise: key and `iv` those of the cipher, `ciphertext` whole blocks.
pub(crate) fn decrypt_cbc(
    provider: Provider,
    cipher: CbcCipher,
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotServed> {
    match provider.implementation(Task::Cbc(cipher)).ok_or(NotServed)? {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => open_ssl::decrypt_cbc(cipher, key, iv, ciphertext),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => rust_crypto::decrypt_cbc(cipher, key, iv, ciphertext),
    }
}

/// Encrypts whole blocks with AES-256; the inverse of [`decrypt_cbc`].
pub(crate) fn encrypt_aes256_cbc(
    provider: Provider,
    key: &[u8; 32],
    iv: &[u8; 16],
    plaintext: &[u8],
) -> Result<Vec<u8>, NotServed> {
    match provider.implementation(Task::Cbc(CbcCipher::Aes256)).ok_or(NotServed)? {
        #[cfg(feature = "native")]
        Implementation::AwsLc | Implementation::OpenSsl => open_ssl::encrypt_aes256_cbc(key, iv, plaintext),
        #[cfg(feature = "portable")]
        Implementation::RustCrypto => Ok(rust_crypto::encrypt_aes256_cbc(key, iv, plaintext)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::from_hex;

    fn bytes(hex: &str) -> Vec<u8> {
        from_hex(&hex.replace(' ', "")).unwrap()
    }

    /// SP 800-38A, F.2.2, F.2.4 and F.2.6: the first two blocks.
    #[test]
    fn aes_decrypts_the_published_blocks() {
        let iv = bytes("000102030405060708090a0b0c0d0e0f");
        let plaintext = bytes("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51");
        for (cipher, key, ciphertext) in [
            (
                CbcCipher::Aes128,
                "2b7e151628aed2a6abf7158809cf4f3c",
                "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2",
            ),
            (
                CbcCipher::Aes192,
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "4f021db243bc633d7178183a9fa071e8 b4d9ada9ad7dedf4e5e738763f69145a",
            ),
            (
                CbcCipher::Aes256,
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d",
            ),
        ] {
            for provider in Provider::COMPILED {
                let decrypted = decrypt_cbc(*provider, cipher, &bytes(key), &iv, &bytes(ciphertext)).unwrap();
                assert_eq!(*decrypted, plaintext, "{provider:?} {cipher:?}");
                if let (CbcCipher::Aes256, Ok(key)) = (cipher, bytes(key).try_into()) {
                    let iv = iv.clone().try_into().unwrap();
                    assert_eq!(encrypt_aes256_cbc(*provider, &key, &iv, &plaintext), Ok(bytes(ciphertext)));
                }
            }
        }
    }

    /// RFC 6070 for SHA-1; RFC 7914, 11 for SHA-256 (its first 32 bytes).
    #[test]
    fn pbkdf2_gives_the_published_keys() {
        let cases = [
            (DigestAlgorithm::Sha1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                DigestAlgorithm::Sha1,
                "passwordPASSWORDpassword",
                "saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
            ),
            (
                DigestAlgorithm::Sha256,
                "passwd",
                "salt",
                1,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
            ),
        ];
        for (digest, password, salt, iterations, expected) in cases {
            for provider in Provider::COMPILED {
                let expected = bytes(expected);
                let mut key = vec![0; expected.len()];
                pbkdf2(*provider, digest, password.as_bytes(), salt.as_bytes(), iterations, &mut key).unwrap();
                assert_eq!(key, expected, "{provider:?} {digest:?}");
            }
        }
    }

    #[test]
    fn the_portable_provider_has_no_old_ciphers() {
        for provider in Provider::COMPILED {
            for cipher in CbcCipher::ALL {
                let zeros = [0; 32];
                let (key, iv) = (&zeros[..cipher.key_len()], &zeros[..cipher.block_len()]);
                let answer = decrypt_cbc(*provider, cipher, key, iv, &zeros);
                let served = provider.implementation(Task::Cbc(cipher)).is_some();
                assert!(served || answer.is_err(), "{provider:?} {cipher:?}");
                #[cfg(feature = "portable")]
                if *provider == Provider::Portable {
                    assert_eq!(served, cipher.block_len() == 16, "{cipher:?}");
                }
            }
        }
    }

    #[cfg(all(feature = "native", feature = "portable"))]
    #[test]
    fn providers_derive_the_same_keys() {
        for digest in [
            DigestAlgorithm::Sha1,
            DigestAlgorithm::Sha224,
            DigestAlgorithm::Sha256,
            DigestAlgorithm::Sha384,
            DigestAlgorithm::Sha512,
        ] {
            let mut keys = [[0; 100]; 2];
            for (key, provider) in keys.iter_mut().zip(Provider::COMPILED) {
                pbkdf2(*provider, digest, &[7; 200], b"salt", 3, key).unwrap();
            }
            assert_eq!(keys[0], keys[1], "{digest:?}");
        }
    }
}
