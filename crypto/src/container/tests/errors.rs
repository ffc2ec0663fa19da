//! One test for each way to be refused.

use super::*;
use crate::asn1::unsigned_integer;
use crate::container::ber::CONTEXT_0;
use crate::container::pkcs12::DATA;
use crate::container::write::content_info;

fn read(bytes: &[u8], secret: &str) -> ContainerError {
    Container::read(bytes, &password(secret)).unwrap_err()
}

fn unknown(scheme: &str) -> ContainerError {
    ContainerError::UnknownScheme { scheme: scheme.to_owned() }
}

fn files(secret: &str) -> Vec<Vec<u8>> {
    let key = contained(&small_pkcs8());
    let container = Container::new(vec![key.clone()], Vec::new());
    let secret_password = password(secret);
    vec![
        MODERN.encrypted_key(&key, &secret_password).unwrap(),
        NATIONAL.encrypted_key(&key, &secret_password).unwrap(),
        MODERN.pkcs12(&container, &secret_password).unwrap(),
        NATIONAL.pkcs12(&container, &secret_password).unwrap(),
        jks_file(2, &small_pkcs8(), b"certificate", secret, secret),
        key6_file(&small_pkcs8(), secret),
    ]
}

#[test]
fn wrong_passwords() {
    for file in files("right") {
        for wrong in ["wrong", "", "Right", "правильний"] {
            assert_eq!(read(&file, wrong), ContainerError::WrongPassword, "{:?}", Format::detect(&file));
        }
    }
    for file in files("") {
        assert!(Container::read(&file, &password("")).is_ok(), "{:?}", Format::detect(&file));
        assert_eq!(read(&file, "x"), ContainerError::WrongPassword);
    }
}

#[test]
fn damaged_codes() {
    let [.., modern, national, jks, key6] = &files("right")[..] else { panic!("six files") };
    // MacData's code, and what it covers: the last octets of a JKS, the four of Key-6.dat.
    for (file, place) in [
        (modern, modern.len() - 3 - 18 - 5),
        (national, national.len() - 3 - 34 - 5),
        (jks, jks.len() - 1),
        (jks, 20),
        (key6, 22),
    ] {
        let mut changed = file.clone();
        changed[place] ^= 1;
        let format = Format::detect(file);
        assert_eq!(read(&changed, "right"), ContainerError::DamagedMac, "{format:?}");
        assert_eq!(read(&changed, "wrong"), ContainerError::WrongPassword, "{format:?}");
    }
}

#[test]
fn keys_under_another_password() {
    let jks = jks_file(2, &small_pkcs8(), b"certificate", "store", "key");
    assert_eq!(read(&jks, "store"), ContainerError::WrongKeyPassword);
    assert_eq!(read(&jks, "other"), ContainerError::WrongPassword);
    // The key's password opens the key, but says nothing of the store's.
    let both = |store: &str, key: &str| Container::read_with_key_password(&jks, &password(store), &password(key));
    assert!(both("store", "key").is_ok());
    assert_eq!(both("other", "key").unwrap_err(), ContainerError::WrongPassword);
    assert_eq!(both("store", "other").unwrap_err(), ContainerError::WrongKeyPassword);
}

#[test]
fn unknown_formats_are_named() {
    let jceks = [&[0xce, 0xce, 0xce, 0xce][..], &[0; 30]].concat();
    let rsa = element(SEQUENCE, &[&unsigned_integer(&[0]), &unsigned_integer(&[5])]);
    let sec1 = element(SEQUENCE, &[&unsigned_integer(&[1]), &element(OCTET_STRING, &[&[1; 32]])]);
    let identity = Identity::generate();
    assert_eq!(read(&jceks, ""), unknown("JCEKS"));
    assert_eq!(read(&rsa, ""), unknown("PKCS #1 RSAPrivateKey"));
    assert_eq!(read(&sec1, ""), unknown("SEC 1 ECPrivateKey"));
    assert_eq!(read(&identity.certificate.to_pem().unwrap(), ""), unknown("CERTIFICATE"));
    for nothing in [&identity.certificate.to_der().unwrap()[..], b"", b"hello", &[0; 100], &[7; 32]] {
        assert_eq!(read(nothing, ""), unknown("no key container"));
    }
    let mut jks = jks_file(2, &small_pkcs8(), b"certificate", "", "");
    jks[7] = 3;
    assert_eq!(read(&jks, ""), unknown("JKS of version 3"));
}

#[test]
fn unknown_schemes_are_named() {
    let encrypted = |algorithm: &[u8]| element(SEQUENCE, &[algorithm, &element(OCTET_STRING, &[&[0; 16]])]);
    let pbes2 =
        |kdf: &[u8], cipher: &[u8]| encrypted(&algorithm("1.2.840.113549.1.5.13", &element(SEQUENCE, &[kdf, cipher])));
    let kdf = |prf: &[u8]| {
        let parameters = element(SEQUENCE, &[&element(OCTET_STRING, &[b"salt"]), &unsigned_integer(&[1]), prf]);
        algorithm("1.2.840.113549.1.5.12", &parameters)
    };
    let aes = algorithm("2.16.840.1.101.3.4.1.42", &element(OCTET_STRING, &[&[0; 16]]));
    // pbeWithMD5AndDES-CBC, scrypt, an HMAC that nobody names, RC2 under PBES2, RC4 of PKCS#12.
    for (file, oid) in [
        (encrypted(&algorithm("1.2.840.113549.1.5.3", &[])), "1.2.840.113549.1.5.3"),
        (pbes2(&algorithm("1.3.6.1.4.1.11591.4.11", &[]), &aes), "1.3.6.1.4.1.11591.4.11"),
        (pbes2(&kdf(&algorithm("1.2.840.113549.2.6", &[])), &aes), "1.2.840.113549.2.6"),
        (pbes2(&kdf(&[]), &algorithm("1.2.840.113549.3.2", &[])), "1.2.840.113549.3.2"),
        (encrypted(&algorithm("1.2.840.113549.1.12.1.1", &[])), "1.2.840.113549.1.12.1.1"),
    ] {
        assert_eq!(read(&file, "right"), unknown(oid));
    }
}

#[test]
fn old_ciphers_are_served_or_said_not_to_be() {
    let parameters = element(SEQUENCE, &[&element(OCTET_STRING, &[b"saltsalt"]), &unsigned_integer(&[1])]);
    let old = algorithm("1.2.840.113549.1.12.1.3", &parameters);
    let file = element(SEQUENCE, &[&old, &element(OCTET_STRING, &[&[0; 16]])]);
    let expected = if cfg!(feature = "native") {
        ContainerError::WrongPassword
    } else {
        ContainerError::UnsupportedScheme { scheme: "DES-EDE3-CBC" }
    };
    assert_eq!(read(&file, "right"), expected);
}

#[test]
fn pfx_of_other_versions_and_other_integrity() {
    let pfx = |version: u8, kind: &str| {
        let safe = content_info(kind, &element(OCTET_STRING, &[&element(SEQUENCE, &[])]));
        element(SEQUENCE, &[&unsigned_integer(&[version]), &safe])
    };
    let secret = password("");
    let read = |der: &[u8]| Container::read_pkcs12(der, &secret, &secret);
    assert_eq!(read(&pfx(2, DATA)).unwrap_err(), unknown("PFX of version 2"));
    assert_eq!(read(&pfx(3, "1.2.840.113549.1.7.2")).unwrap_err(), unknown("1.2.840.113549.1.7.2"));
    assert!(read(&pfx(3, DATA)).unwrap().keys.is_empty());
    // EnvelopedData: privacy under a public key.
    let enveloped = content_info("1.2.840.113549.1.7.3", &element(SEQUENCE, &[]));
    let safe = content_info(DATA, &element(OCTET_STRING, &[&element(SEQUENCE, &[&enveloped])]));
    let der = element(SEQUENCE, &[&unsigned_integer(&[3]), &safe]);
    assert_eq!(read(&der).unwrap_err(), unknown("1.2.840.113549.1.7.3"));
}

#[test]
fn malformed_parts_are_named() {
    let malformed = |part| ContainerError::Malformed { part };
    let trailing = [small_pkcs8(), vec![0]].concat();
    assert!(matches!(read(&trailing, ""), ContainerError::Malformed { .. }));
    let attributes = [small_pkcs8(), element(CONTEXT_0, &[&[1]])].concat();
    assert!(matches!(read(&attributes, ""), ContainerError::Malformed { .. }));
    let version = element(SEQUENCE, &[&unsigned_integer(&[2]), &small_pkcs8()[5..]]);
    assert_eq!(read(&version, ""), malformed("PrivateKeyInfo"));
    assert_eq!(read(b"-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----\n", ""), malformed("PEM"));
    assert_eq!(read(&[0xfe, 0xed, 0xfe, 0xed], ""), malformed("JKS"));
    // No iterations at all; a vector of another length; keyLength of another cipher.
    let with = |count: &[u8], length: &[u8], iv: &[u8]| {
        let kdf = element(SEQUENCE, &[&element(OCTET_STRING, &[b"salt"]), count, length]);
        let cipher = algorithm("2.16.840.1.101.3.4.1.42", &element(OCTET_STRING, &[iv]));
        let scheme = element(SEQUENCE, &[&algorithm("1.2.840.113549.1.5.12", &kdf), &cipher]);
        let scheme = algorithm("1.2.840.113549.1.5.13", &scheme);
        read(&element(SEQUENCE, &[&scheme, &element(OCTET_STRING, &[&[0; 16]])]), "")
    };
    let number = |value: u8| unsigned_integer(&[value]);
    assert_eq!(with(&number(0), &[], &[0; 16]), malformed("PBKDF2-params"));
    assert_eq!(with(&number(1), &number(16), &[0; 16]), malformed("PBKDF2-params"));
    assert_eq!(with(&number(1), &[], &[0; 15]), malformed("initialisation vector"));
    assert_eq!(with(&number(1), &number(32), &[0; 16]), ContainerError::WrongPassword);
}

#[test]
fn files_beyond_the_bounds() {
    assert_eq!(read(&vec![0x30; MAX_BYTES + 1], ""), ContainerError::TooLarge);
    assert_eq!(read(&[0x30, 0x80].repeat(1000), ""), ContainerError::TooComplex);
    let many = [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 1, 0, 0][..], &[0; 20]].concat();
    assert_eq!(read(&many, ""), ContainerError::TooComplex);
}

#[test]
fn iterations_are_bounded_in_all() {
    let file = |iterations: u32| {
        let kdf =
            element(SEQUENCE, &[&element(OCTET_STRING, &[b"salt"]), &unsigned_integer(&iterations.to_be_bytes())]);
        let cipher = algorithm("2.16.840.1.101.3.4.1.42", &element(OCTET_STRING, &[&[0; 16]]));
        let scheme = element(SEQUENCE, &[&algorithm("1.2.840.113549.1.5.12", &kdf), &cipher]);
        element(SEQUENCE, &[&algorithm("1.2.840.113549.1.5.13", &scheme), &element(OCTET_STRING, &[&[0; 16]])])
    };
    // AES-256 under SHA-1 takes two blocks of PBKDF2.
    assert_eq!(read(&file(2_500_001), ""), ContainerError::TooManyIterations);
    assert_eq!(read(&file(u32::MAX), ""), ContainerError::TooManyIterations);
    let mut budget = Budget::new();
    assert_eq!(budget.spend(2_500_000, 32, 32), Ok(()));
    assert_eq!(budget.spend(1_250_001, 32, 20), Err(ContainerError::TooManyIterations));
    assert_eq!(budget.spend(1_250_000, 32, 20), Ok(()));
    assert_eq!(budget.spend(1, 1, 20), Err(ContainerError::TooManyIterations));
}
