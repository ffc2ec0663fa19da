use super::*;
use crate::digest::from_hex;
use crate::provider::{unwrap_aes256, wrap_aes256};

fn bytes(hex: &str) -> Vec<u8> {
    from_hex(hex).unwrap()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

/// RFC 3394, 4.3, 4.5 and 4.6: 128, 192 and 256 bits of key data under a 256-bit key.
const WRAPPED: [(&str, &str); 3] = [
    ("00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"),
    (
        "00112233445566778899aabbccddeeff0001020304050607",
        "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1",
    ),
    (
        "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
    ),
];
const KEK: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn key_wrap_agrees_with_rfc_3394() {
    let kek = array(KEK);
    for provider in Provider::COMPILED {
        for (key, wrapped) in WRAPPED {
            let (key, wrapped) = (bytes(key), bytes(wrapped));
            let mut out = vec![0; wrapped.len()];
            wrap_aes256(*provider, &kek, &key, &mut out);
            assert_eq!(out, wrapped, "{provider:?}");
            let mut out = vec![0; key.len()];
            assert!(unwrap_aes256(*provider, &kek, &wrapped, &mut out), "{provider:?}");
            assert_eq!(out, key, "{provider:?}");
        }
    }
    assert_eq!(aes256_wrap(&kek, &array::<32>(WRAPPED[2].0)), bytes(WRAPPED[2].1));
    assert_eq!(*aes256_unwrap(&kek, &bytes(WRAPPED[2].1)).unwrap(), bytes(WRAPPED[2].0));
}

#[test]
fn a_changed_wrap_does_not_open() {
    let kek = array(KEK);
    let wrapped = aes256_wrap(&kek, &[7; 32]);
    for position in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[position] ^= 1;
        assert_eq!(aes256_unwrap(&kek, &changed).unwrap_err(), SealError::WrongKey);
    }
    assert_eq!(aes256_unwrap(&[0; 32], &wrapped).unwrap_err(), SealError::WrongKey);
    for length in [0, 8, 16, 23, 25, 39, 41] {
        assert_eq!(aes256_unwrap(&kek, &vec![0; length]).unwrap_err(), SealError::WrongKey, "{length} bytes");
    }
    assert_eq!(aes256_unwrap(&kek, &vec![0; 1 << 20]).unwrap_err(), SealError::WrongKey);
}

/// NIST CAVP, ANS X9.63-2001 KDF, SHA-256, first case of [192, 0, 128]; the longer ones by `openssl kdf X963KDF`.
#[test]
fn x963_agrees_with_nist() {
    let secret = bytes("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08");
    let mut short = [0; 16];
    x963_kdf_sha256(&secret, &[], &mut short);
    assert_eq!(short.to_vec(), bytes("443024c3dae66b95e6f5670601558f71"));
    let mut long = [0; 80];
    x963_kdf_sha256(&secret, b"shared information", &mut long);
    assert_eq!(long.to_vec(), bytes(X963_LONG));
}

const X963_LONG: &str = "67d027a377c6c787ebbe820216a3b11ae02345a5f63fba2b24d906ab31f07b1da01fb3c41aaa18bf1611ad9ea38604a85f898b1d9a6cc9da2871efebd897b9b983ef355c142b0da77cb47aa686f4e611";

/// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16.
#[test]
fn gcm_agrees_with_its_authors() {
    let zero = [0u8; 32];
    let (ciphertext, tag) = aes256_gcm_seal(&zero, &[0; 12], &[], &[]);
    assert!(ciphertext.is_empty());
    assert_eq!(tag.to_vec(), bytes("530f8afbc74536b9a963b4f1c4cb738b"));
    let (ciphertext, tag) = aes256_gcm_seal(&zero, &[0; 12], &[], &[0; 16]);
    assert_eq!(ciphertext, bytes("cea7403d4d606b6e074ec5d3baf39d18"));
    assert_eq!(tag.to_vec(), bytes("d0d1c8a799996bf0265b98b5d48ab919"));

    let key = array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let nonce = array("cafebabefacedbaddecaf888");
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plaintext = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    let sealed = bytes(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    );
    for provider in Provider::COMPILED {
        let aead = Aead::new(*provider, &key);
        let mut out = b"before".to_vec();
        aead.seal(&nonce, &aad, &plaintext, &mut out);
        assert_eq!(out[6..], sealed, "{provider:?}");
        let (ciphertext, tag) = sealed.split_last_chunk().unwrap();
        let mut opened = b"before".to_vec();
        assert!(aead.open(&nonce, &aad, ciphertext, tag, &mut opened), "{provider:?}");
        assert_eq!(opened[6..], plaintext, "{provider:?}");
        let mut opened = b"before".to_vec();
        assert!(!aead.open(&nonce, b"other", ciphertext, tag, &mut opened), "{provider:?}");
        assert_eq!(opened, b"before", "{provider:?}: nothing unauthenticated comes out");
    }
    let (ciphertext, tag) = sealed.split_last_chunk().unwrap();
    assert_eq!(*aes256_gcm_open(&key, &nonce, &aad, ciphertext, tag).unwrap(), plaintext);
    assert_eq!(aes256_gcm_open(&key, &nonce, &[], ciphertext, tag).unwrap_err(), SealError::Forged);
}

#[test]
fn a_document_key_does_not_show_itself() {
    assert_eq!(format!("{:?}", DocumentKey::from_bytes([0x41; 32])), "DocumentKey(..)");
}
