//! One suite over every provider of the build: what one signs all others verify, and the table keeps its word.

use super::*;
use crate::key::{KeyError, KeyHandle, PublicKey, SoftwareKey};
use crate::signature::VerifyError;

/// Those that libraries serve; the national ones come after them.
const DIGESTS: [DigestAlgorithm; 9] = *DigestAlgorithm::ALL.first_chunk().unwrap();

fn algorithms_of(kind: KeyKind) -> Vec<SignatureAlgorithm> {
    match kind {
        KeyKind::Ec(_) => DIGESTS.map(SignatureAlgorithm::Ecdsa).to_vec(),
        KeyKind::Ed25519 => vec![SignatureAlgorithm::Ed25519],
        KeyKind::Ed448 => vec![SignatureAlgorithm::Ed448],
        KeyKind::Dstu4145(_) => {
            DigestAlgorithm::ALL[DIGESTS.len()..].iter().copied().map(SignatureAlgorithm::Dstu4145).collect()
        }
        KeyKind::Rsa { .. } => {
            let mut all = DIGESTS.map(SignatureAlgorithm::RsaPkcs1).to_vec();
            for digest in DIGESTS {
                for salt_len in [0, 20, digest.output_len()] {
                    all.push(SignatureAlgorithm::RsaPss { digest, mgf_digest: digest, salt_len });
                }
            }
            all.push(SignatureAlgorithm::RsaPss {
                digest: DigestAlgorithm::Sha256,
                mgf_digest: DigestAlgorithm::Sha1,
                salt_len: 32,
            });
            all
        }
    }
}

fn kinds() -> Vec<KeyKind> {
    let mut kinds: Vec<KeyKind> = Curve::ALL.map(KeyKind::Ec).to_vec();
    kinds.extend([KeyKind::Ed25519, KeyKind::Ed448, KeyKind::Rsa { bits: 2048 }]);
    kinds
}

/// Verifies with every provider that serves it; the value must verify, and nothing near it may.
fn check_everywhere(
    spki: &[u8],
    kind: KeyKind,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> usize {
    let mut verified = 0;
    for provider in Provider::COMPILED {
        let served = provider.implementation(Task::Verify { key: kind, exponent_bits: 17, algorithm });
        let key = match PublicKey::read(*provider, spki) {
            Ok(key) => key,
            Err(error) => {
                assert_eq!((error, served), (KeyError::UnsupportedAlgorithm, None), "{provider:?} {kind:?}");
                continue;
            }
        };
        let verify = |message: &[u8], signature: &[u8]| key.verify_with(*provider, algorithm, message, signature);
        if served.is_none() {
            assert_eq!(
                verify(message, signature),
                Err(VerifyError::UnsupportedAlgorithm),
                "{provider:?} {algorithm:?}"
            );
            continue;
        }
        assert_eq!(verify(message, signature), Ok(()), "{provider:?} {kind:?} {algorithm:?}");
        assert_eq!(
            verify(message, signature),
            Ok(()),
            "again, with the parsed key: {provider:?} {kind:?} {algorithm:?}"
        );
        assert_eq!(verify(b"another message", signature), Err(VerifyError::Mismatch), "{provider:?} {algorithm:?}");
        for position in [0, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.to_vec();
            changed[position] ^= 0x10;
            assert_eq!(verify(message, &changed), Err(VerifyError::Mismatch), "{provider:?} {algorithm:?} {position}");
        }
        for cut in [&signature[..signature.len() - 1], &signature[1..], &[]] {
            assert_eq!(verify(message, cut), Err(VerifyError::Mismatch), "{provider:?} {algorithm:?}");
        }
        verified += 1;
    }
    verified
}

#[test]
fn what_one_signs_all_verify() {
    for signer in Provider::COMPILED {
        for kind in kinds() {
            let Some(_) = signer.implementation(Task::PrivateKey(kind)) else {
                assert_eq!(
                    SoftwareKey::generate_with(*signer, kind).unwrap_err(),
                    KeyError::UnsupportedAlgorithm,
                    "{signer:?} {kind:?}"
                );
                continue;
            };
            let key = SoftwareKey::generate_with(*signer, kind).unwrap();
            for algorithm in algorithms_of(kind) {
                let served = signer.implementation(Task::Sign { key: kind, algorithm });
                match key.sign(algorithm, b"message") {
                    Ok(signature) => {
                        assert!(served.is_some(), "{signer:?} {kind:?} {algorithm:?}");
                        let spki = key.public_key().spki_der();
                        assert!(check_everywhere(spki, kind, algorithm, b"message", &signature) >= 1, "{algorithm:?}");
                    }
                    Err(error) => {
                        assert_eq!((error, served), (KeyError::UnsupportedAlgorithm, None), "{signer:?} {algorithm:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn national_digests_go_with_no_key_of_the_libraries() {
    let key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let good = key.sign(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256), b"message").unwrap();
    for digest in &DigestAlgorithm::ALL[DIGESTS.len()..] {
        let algorithm = SignatureAlgorithm::Ecdsa(*digest);
        assert_eq!(key.sign(algorithm, b"message"), Err(KeyError::UnsupportedAlgorithm), "{digest:?}");
        for provider in Provider::COMPILED {
            let public = PublicKey::read(*provider, key.public_key().spki_der()).unwrap();
            let verdict = public.verify_with(*provider, algorithm, b"message", &good);
            assert_eq!(verdict, Err(VerifyError::UnsupportedAlgorithm), "{provider:?} {digest:?}");
        }
    }
}

/// Moduli whose length is no multiple of 8: at 2049 bits the padded PSS message is a byte shorter than the modulus.
#[cfg(feature = "native")]
#[test]
fn odd_rsa_sizes_verify_everywhere() {
    for bits in [2049, 2055] {
        let theirs = openssl::pkey::PKey::from_rsa(rsa_of(bits)).unwrap();
        let key = SoftwareKey::from_pkcs8_der(&theirs.private_key_to_pkcs8().unwrap()).unwrap();
        let kind = KeyKind::Rsa { bits };
        assert_eq!(key.public_key().kind(), kind);
        for algorithm in algorithms_of(kind) {
            let signature = key.sign(algorithm, b"message").unwrap();
            assert_eq!(signature.len(), 257);
            assert!(check_everywhere(key.public_key().spki_der(), kind, algorithm, b"message", &signature) >= 1);
        }
    }
}

/// OpenSSL rounds the sizes that it generates; this does not. Its primes have their two highest bits set, so the product is full.
#[cfg(feature = "native")]
fn rsa_of(bits: u32) -> openssl::rsa::Rsa<openssl::pkey::Private> {
    use openssl::bn::{BigNum, BigNumContext};
    let mut context = BigNumContext::new().unwrap();
    let prime = |bits: u32| {
        let mut prime = BigNum::new().unwrap();
        prime.generate_prime(i32::try_from(bits).unwrap(), false, None, None).unwrap();
        prime
    };
    let (p, q) = (prime(bits - bits / 2), prime(bits / 2));
    let one = BigNum::from_u32(1).unwrap();
    let e = BigNum::from_u32(65537).unwrap();
    let (p1, q1) = (&p - &one, &q - &one);
    let mut d = BigNum::new().unwrap();
    d.mod_inverse(&e, &(&p1 * &q1), &mut context).unwrap();
    let mut inverse = BigNum::new().unwrap();
    inverse.mod_inverse(&q, &p, &mut context).unwrap();
    let (dp, dq) = (&d % &p1, &d % &q1);
    openssl::rsa::Rsa::from_private_components(&p * &q, e, d, p, q, dp, dq, inverse).unwrap()
}

#[cfg(all(feature = "native", feature = "portable"))]
#[test]
fn private_keys_move_between_providers() {
    for kind in kinds() {
        for (from, to) in [(Provider::Native, Provider::Portable), (Provider::Portable, Provider::Native)] {
            let Ok(key) = SoftwareKey::generate_with(from, kind) else { continue };
            let der = key.to_pkcs8_der().unwrap();
            match SoftwareKey::from_pkcs8_with(to, &der) {
                Ok(moved) => {
                    assert_eq!(moved.public_key(), key.public_key(), "{kind:?}");
                    if let KeyKind::Ec(_) = kind {
                        let peer = SoftwareKey::generate_with(from, kind).unwrap();
                        assert_eq!(
                            *moved.agree(peer.public_key(), crate::key::Cofactor::Ignore).unwrap(),
                            *key.agree(peer.public_key(), crate::key::Cofactor::Ignore).unwrap()
                        );
                    }
                }
                Err(error) => {
                    assert_eq!(error, KeyError::UnsupportedAlgorithm, "{kind:?}");
                    assert_eq!(to.implementation(Task::PrivateKey(kind)), None);
                }
            }
        }
    }
}

/// The combinations that the product lives on, and those that are known not to be there.
#[test]
fn the_table_serves_what_the_readme_says() {
    let p256 = Task::Verify {
        key: KeyKind::Ec(Curve::P256),
        exponent_bits: 0,
        algorithm: SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
    };
    for provider in Provider::COMPILED {
        for task in [
            p256,
            Task::Aes256Gcm,
            Task::Aes256GcmStream,
            Task::HmacSha256,
            Task::Aes256KeyWrap,
            Task::Agree(Curve::P384),
        ] {
            assert!(provider.implementation(task).is_some(), "{provider:?} {task:?}");
        }
        for digest in DIGESTS {
            assert!(provider.implementation(Task::Digest(digest)).is_some(), "{provider:?} {digest:?}");
        }
        for digest in &DigestAlgorithm::ALL[DIGESTS.len()..] {
            assert_eq!(provider.implementation(Task::Digest(*digest)), None, "{provider:?} {digest:?}");
        }
    }
    #[cfg(feature = "native")]
    {
        assert_eq!(Provider::ACTIVE, Provider::Native);
        assert_eq!(Provider::Native.implementation(p256), Some(Implementation::AwsLc));
        assert_eq!(
            Provider::Native.implementation(Task::Digest(DigestAlgorithm::Sha3_256)),
            Some(Implementation::OpenSsl)
        );
    }
    #[cfg(feature = "portable")]
    for task in [Task::RsaOaep, Task::PrivateKey(KeyKind::Rsa { bits: 2048 })] {
        assert_eq!(Provider::Portable.implementation(task), None, "RUSTSEC-2023-0071: no private RSA operation");
    }
}
