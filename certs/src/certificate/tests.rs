use super::*;
use crate::asn1::{oid, write};
use crate::dev::forge::{Forge, NOW};
use std::path::PathBuf;

fn name(attributes: &[(&const_oid::ObjectIdentifier, &str)]) -> Vec<u8> {
    let rdns = attributes
        .iter()
        .map(|(oid, text)| write::set_of(vec![write::sequence(&[&write::oid(oid), &write::utf8(text)])]));
    write::element(tag::SEQUENCE, &rdns.collect::<Vec<_>>().concat())
}

fn directory(attributes: &[(&const_oid::ObjectIdentifier, &str)]) -> Vec<u8> {
    let attributes = attributes
        .iter()
        .map(|(oid, text)| write::sequence(&[&write::oid(oid), &write::set_of(vec![write::printable(text)])]));
    write::element(tag::SEQUENCE, &attributes.collect::<Vec<_>>().concat())
}

#[test]
fn codes_come_from_the_subject_else_from_the_directory_attributes() {
    let codes = |subject: &[(&const_oid::ObjectIdentifier, &str)], more: &[(&const_oid::ObjectIdentifier, &str)]| {
        let forge = Forge::named(name(subject)).with(&oid::SUBJECT_DIRECTORY_ATTRIBUTES, false, &directory(more));
        let certificate = forge.root().certificate;
        (certificate.edrpou(), certificate.rnokpp())
    };
    let some = |edrpou: &str, rnokpp: &str| (Some(edrpou.to_owned()), Some(rnokpp.to_owned()));
    let subject = [(&oid::ORGANISATION_IDENTIFIER, "NTRUA-00012345"), (&oid::SERIAL_NUMBER, "TINUA-1234567890")];
    let more = [(&oid::UA_EDRPOU, "87654321"), (&oid::UA_RNOKPP, "0987654321")];
    assert_eq!(codes(&subject, &more), some("00012345", "1234567890"));
    assert_eq!(codes(&[(&oid::SERIAL_NUMBER, "UA-1-2")], &more), some("87654321", "0987654321"));
    assert_eq!(codes(&[], &[]), (None, None));
    let malformed = [(&oid::ORGANISATION_IDENTIFIER, "NTRUA-1234567"), (&oid::SERIAL_NUMBER, "TINUA-12345678901")];
    assert_eq!(codes(&malformed, &more), (None, None), "a code that is none is not replaced by another");
    let two = [(&oid::UA_EDRPOU, "87654321"), (&oid::UA_EDRPOU, "12345678")];
    assert_eq!(codes(&[], &two).0, None, "two codes name nobody");
    let same = [(&oid::UA_EDRPOU, "87654321"), (&oid::UA_EDRPOU, "87654321 ")];
    assert_eq!(codes(&[], &same).0.as_deref(), Some("87654321"));
}

#[test]
fn an_unzr_is_a_date_and_a_number() {
    let unzr = |values: &[(&const_oid::ObjectIdentifier, &str)]| {
        let forge = Forge::new("a").with(&oid::SUBJECT_DIRECTORY_ATTRIBUTES, false, &directory(values));
        forge.root().certificate.unzr()
    };
    assert_eq!(unzr(&[(&oid::UA_UNZR, "19900101-01234")]).as_deref(), Some("19900101-01234"));
    assert_eq!(unzr(&[(&oid::UA_RNOKPP, "19900101-01234")]), None);
    assert_eq!(unzr(&[(&oid::UA_UNZR, "1990010101234")]), None);
    assert_eq!(unzr(&[(&oid::UA_UNZR, "19900101-01234"), (&oid::UA_UNZR, "19900101-01235")]), None);
}

#[test]
fn an_extension_that_occurs_twice_is_refused() {
    let extension = |value: u8| {
        let value = write::octet_string(&write::octet_string(&[value]));
        write::sequence(&[&write::oid(&oid::SUBJECT_KEY_IDENTIFIER), &value])
    };
    let read = |list: &[Vec<u8>]| Extensions::read(Reader::new("extensions", &list.concat())).map(|_| ());
    assert_eq!(read(&[extension(1)]), Ok(()));
    assert_eq!(read(&[extension(1), extension(2)]), Err(Malformed("duplicate extension")));
}

#[test]
fn oversized_and_foreign_bytes_are_refused() {
    assert_eq!(
        Certificate::from_der(&vec![0x30; CERTIFICATE_BYTES + 1]).unwrap_err(),
        CertificateError::TooLarge(CERTIFICATE_BYTES)
    );
    let mut longer = Forge::new("a").root().certificate.der().to_vec();
    longer.push(0);
    assert!(Certificate::from_der(&longer).is_err(), "bytes behind the certificate");
    for pem in ["", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"] {
        assert_eq!(Certificate::from_pem(pem).unwrap_err(), CertificateError::Malformed("PEM"), "{pem}");
    }
}

#[test]
fn equal_bytes_are_equal_certificates_and_debug_tells_no_names() {
    let first = Forge::new("Тест Тестович").root().certificate;
    let again = Certificate::from_der(first.der()).unwrap();
    assert_eq!(first, again);
    assert_ne!(first, Forge::new("Тест Тестович").root().certificate);
    assert!(!format!("{first:?}").contains("Тест"));
    assert_eq!((first.not_before(), first.not_after()), (NOW - time::Duration::days(1), NOW + time::Duration::days(1)));
}

#[test]
fn a_signature_is_by_one_key_only() {
    let root = Forge::authority("root").root();
    let other = Forge::authority("root").root();
    let leaf = Forge::new("leaf").by(&root).certificate;
    let key = |identity: &crate::dev::Identity| identity.certificate.public_key().unwrap().clone();
    assert_eq!(leaf.verify_signature(&key(&other)), Err(VerifyError::Mismatch));
    assert_eq!(leaf.verify_signature(&key(&root)), Ok(()));
    // What was found right for one key is not right for another.
    assert_eq!(leaf.verify_signature(&key(&other)), Err(VerifyError::Mismatch));
}

/// Every certificate of the corpora is read: old ones, national ones, those of other authorities' making.
#[test]
fn certificates_in_the_wild_are_read() {
    let Some(folder) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let national = std::fs::read_to_string(folder.join("ukrainian/certificates.csv")).unwrap();
    let rows = national.lines().skip(1).filter_map(|row| row.split_once(','));
    let rows = rows.filter(|(_, rest)| rest.starts_with("DER,") || rest.starts_with("PEM,"));
    let mut files: Vec<_> = rows.map(|(file, _)| folder.join("ukrainian/files").join(file)).collect();
    files.extend(std::fs::read_dir(folder.join("pkits/certs")).unwrap().map(|entry| entry.unwrap().path()));
    let (mut read, mut unknown_keys, mut unreadable) = (0, 0, Vec::new());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let certificates = match std::str::from_utf8(&bytes) {
            Ok(pem) if pem.contains("BEGIN CERTIFICATE-") => Certificate::from_pem(pem),
            _ => Certificate::from_der(&bytes).map(|certificate| vec![certificate]),
        };
        match certificates {
            Ok(certificates) => {
                for certificate in certificates {
                    read += 1;
                    assert!(!certificate.subject().is_empty() || certificate.subject_der() == [0x30, 0]);
                    unknown_keys += usize::from(certificate.public_key().is_err());
                    let extensions = certificate.extensions();
                    if extensions.malformed || extensions.unknown_critical {
                        println!("no path leads through {}", file.display());
                    }
                }
            }
            Err(error) => unreadable.push((file, error)),
        }
    }
    println!("{read} certificates read, {unknown_keys} with keys that are not known yet");
    assert!(unreadable.is_empty(), "{unreadable:?}");
    assert!(read >= 270, "{read}");
}
