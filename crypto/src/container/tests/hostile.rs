//! Cut and changed files: an error or the same keys, never a panic, and in bounded time.

use proptest::prelude::*;

use super::*;

/// Every truncation, and every octet changed in three ways; `judge` sees what is read from a changed file.
fn each_change(file: &[u8], secret: &str, mut judge: impl FnMut(usize, Result<Container, ContainerError>)) {
    let secret = password(secret);
    for length in 0..file.len() {
        let error = Container::read(&file[..length], &secret).unwrap_err();
        assert_ne!(error, ContainerError::WrongKeyPassword, "{length}");
    }
    for place in 0..file.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut changed = file.to_vec();
            changed[place] ^= mask;
            judge(place, Container::read(&changed, &secret));
        }
    }
}

#[test]
fn authenticated_containers_give_the_same_keys_or_none() {
    let container = Container::new(vec![contained(&small_pkcs8())], Vec::new());
    let secret = password("ab");
    for file in [
        MODERN.pkcs12(&container, &secret).unwrap(),
        NATIONAL.pkcs12(&container, &secret).unwrap(),
        jks_file(2, &small_pkcs8(), b"certificate", "ab", "ab"),
    ] {
        let mut kept = 0;
        each_change(&file, "ab", |place, read| match read {
            Ok(read) => {
                assert_eq!(keys(&read), [small_pkcs8()], "{place}");
                kept += 1;
            }
            Err(error) => assert_ne!(error, ContainerError::WrongKeyPassword, "{place}"),
        });
        // The NULL beside a digest's OID is all that nothing looks at.
        assert!(kept <= 6, "{kept}");
    }
}

/// Nothing vouches for the ciphertext: a change there may come out as another key; anywhere else it may not.
#[test]
fn encrypted_keys_change_only_with_their_ciphertext() {
    let key = contained(&small_pkcs8());
    for parameters in [MODERN, NATIONAL] {
        let file = parameters.encrypted_key(&key, &password("ab")).unwrap();
        let info = EncryptedPrivateKeyInfo::read(&file).unwrap();
        let ciphertext = file.len() - info.data.len();
        let scheme = file.len() - info.data.len() - 2;
        each_change(&file, "ab", |place, read| {
            if let Ok(read) = read {
                // The vector and the substitution of the cipher stand before the ciphertext, and work on it.
                let may_change = place >= ciphertext || place + 100 >= scheme;
                assert!(keys(&read) == [small_pkcs8()] || may_change, "{place}");
            }
        });
    }
}

#[test]
fn key6_notices_every_change() {
    let file = key6_file(&small_pkcs8(), "ab");
    for length in 0..file.len() {
        assert!(Container::read(&file[..length], &password("ab")).is_err(), "{length}");
    }
    // One derivation for all: the format has no room for another.
    let cipher = key6::cipher(b"ab").unwrap();
    let open = |file: &[u8]| {
        let info = EncryptedPrivateKeyInfo::read(file)?;
        key6::Key6::read(&info)?.open_under(&cipher)
    };
    assert!(matches!(open(&file), Ok(Opening::Opened(pkcs8)) if *pkcs8 == small_pkcs8()));
    for place in 0..file.len() {
        for mask in 1..=255 {
            let mut changed = file.clone();
            changed[place] ^= mask;
            match open(&changed) {
                // The OID is looked at before; see `Format::detect`.
                Ok(Opening::Opened(pkcs8)) => assert!(*pkcs8 == small_pkcs8() && place < 20, "{place} {mask}"),
                Ok(Opening::Damaged | Opening::Refused) | Err(_) => {}
            }
        }
    }
}

#[test]
fn keys_in_clear_never_panic() {
    let file = signing_key().pkcs8_der().to_vec();
    each_change(&file, "", |_, _| {});
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn strangers_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), first in 0..6_usize) {
        let begin: &[u8] = [&[0x30, 0x80][..], &[0x30, 0x82, 0x01, 0x00], &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], b"-----BEGIN ", &[0x30], &[]][first];
        let bytes = [begin, &bytes].concat();
        let secret = password("ab");
        let _ = Container::read(&bytes, &secret);
        let _ = Container::read_pkcs8(&bytes);
        let _ = Container::read_encrypted_pkcs8(&bytes, &secret);
        let _ = Container::read_pkcs12(&bytes, &secret, &secret);
        let _ = Container::read_jks(&bytes, &secret, &secret);
    }
}
