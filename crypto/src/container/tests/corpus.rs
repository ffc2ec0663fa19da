//! Every row of `ukrainian/containers.csv`, read through `VUZOL_CORPORA`.

use std::path::{Path, PathBuf};

use super::*;
use crate::dstu4145::{Curve, Parameters as CurveParameters};
use crate::key::{KeyError, KeyHandle, SoftwareKey};

/// The folder of the corpus; `None`, and a line that says so, where the variable is not set.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VUZOL_CORPORA").map(|root| PathBuf::from(root).join("ukrainian"));
    if folder.is_none() {
        println!("skipped: VUZOL_CORPORA is not set");
    }
    folder
}

/// One line of CSV: commas, fields in quotes where they hold one.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

/// A key as the column `keys` names it.
fn description(key: &ContainedKey) -> String {
    let info = PrivateKeyInfo::read(key.pkcs8_der()).unwrap();
    let oid = info.algorithm.oid.to_string();
    match oid.as_str() {
        "1.2.804.2.1.1.1.1.3.1.1" => {
            let parameters = CurveParameters::from_algorithm(&oid, info.algorithm.parameters.unwrap().whole).unwrap();
            assert!(info.private_key.len() >= parameters.curve.scalar_len());
            format!("dstu4145 m={}", parameters.curve.degree())
        }
        "1.2.840.113549.1.1.1" => "RSA".to_owned(),
        "1.2.840.10045.2.1" => "EC".to_owned(),
        other => other.to_owned(),
    }
}

#[test]
fn every_row_opens_with_the_keys_that_it_states() {
    let Some(folder) = folder() else { return };
    let table = std::fs::read_to_string(folder.join("containers.csv")).unwrap();
    let (mut rows, mut pairs, mut named) = (0, 0, 0);
    for line in table.lines().skip(1) {
        let row = fields(line);
        let [file, kind, secret, stated] = [0, 1, 2, 3].map(|column| row[column].as_str());
        let bytes = std::fs::read(folder.join("files").join(file)).unwrap();
        let read = if kind.starts_with("raw") {
            assert!(Format::detect(&bytes).is_err(), "{file}");
            Container::new(vec![ContainedKey::from_raw_dstu4145(Curve::M257, &bytes).unwrap()], Vec::new())
        } else {
            match Container::read(&bytes, &password(secret)) {
                Err(ContainerError::UnsupportedScheme { .. }) if !cfg!(feature = "native") => continue,
                read => read.unwrap_or_else(|error| panic!("{file}: {error}")),
            }
        };
        let found: Vec<_> = read.keys.iter().map(description).collect();
        for (found, stated) in found.iter().zip(stated.split("; ")) {
            assert!(stated.starts_with(found.as_str()), "{file}: {found} instead of {stated}");
        }
        assert_eq!(found.len(), stated.split("; ").count(), "{file}");
        if !secret.is_empty() {
            assert_eq!(Container::read(&bytes, &password("wrong")).unwrap_err(), ContainerError::WrongPassword);
        }
        pairs += halves_that_match(file, &read);
        if stated.starts_with("dstu4145") {
            named += certificates_that_match(&folder, file, &row[4], &read);
        }
        rows += 1;
    }
    println!("{rows} rows, {pairs} keys beside their certificate, {named} national certificates");
    assert_eq!(named, 8);
    assert!(rows >= if cfg!(feature = "native") { 17 } else { 15 }, "{rows} rows");
    assert!(pairs >= if cfg!(feature = "native") { 4 } else { 1 }, "{pairs} pairs");
}

/// Keys of the libraries whose certificate is in the same file: how many; their public halves are the same.
fn halves_that_match(file: &str, read: &Container) -> usize {
    let mut pairs = 0;
    for key in &read.keys {
        let Ok(handle) = SoftwareKey::from_pkcs8_der(key.pkcs8_der()) else { continue };
        if let Some(certificate) = read.certificates.first() {
            let public = handle.public_key().subject_public_key();
            assert!(certificate.der.windows(public.len()).any(|window| window == public), "{file}");
            pairs += 1;
        }
    }
    pairs
}

/// The certificates that a row's note names.
fn named_certificates(note: &str) -> impl Iterator<Item = &str> {
    note.split([' ', ';', ',', '(', ')']).filter(|word| word.ends_with(".cer"))
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let here = entries.iter().find(|path| path.is_file() && path.file_name().is_some_and(|file| file == name)).cloned();
    here.or_else(|| entries.iter().filter(|path| path.is_dir()).find_map(|path| find(path, name)))
}

/// Every national key makes a handle, and the certificates that the note names have its public half: how many.
fn certificates_that_match(folder: &Path, file: &str, note: &str, read: &Container) -> usize {
    let handles: Result<Vec<_>, _> = read.keys.iter().map(|key| SoftwareKey::from_pkcs8_der(key.pkcs8_der())).collect();
    if file.ends_with("KeyE54B.cer") {
        // Its d is above the order: the container opens, a handle is not made.
        assert_eq!(handles.unwrap_err(), KeyError::InvalidScalar);
        return 0;
    }
    let handles = handles.unwrap_or_else(|error| panic!("{file}: {error}"));
    let named: Vec<_> = named_certificates(note).collect();
    for name in &named {
        let certificate = std::fs::read(find(&folder.join("files"), name).unwrap()).unwrap();
        let holds = |key: &SoftwareKey| {
            let public = key.public_key().subject_public_key();
            certificate.windows(public.len()).any(|window| window == public)
        };
        assert!(handles.iter().any(holds), "{file} has no key of {name}");
    }
    named.len()
}

/// What the note says: the same key, encrypted and in clear, DER and PEM.
#[test]
fn the_key_of_store_a040_is_the_same_in_three_files() {
    let Some(folder) = folder() else { return };
    let read = |name: &str| {
        let bytes = std::fs::read(folder.join("files/dstucrypt/jkurwa/test/data").join(name)).unwrap();
        keys(&Container::read(&bytes, &password("password")).unwrap())
    };
    assert_eq!(read("STORE_A040.dat"), read("STORE_A040.pem"));
    assert_eq!(read("STORE_A040.dat"), read("Key40A0.cer"));
}

/// With the right password: in the ciphertext of a bag and in the stored code; then the tag of the safe itself.
#[test]
fn changed_octets_of_a_national_container_are_noticed() {
    let Some(folder) = folder() else { return };
    let file = folder.join("files/specinfo-ua/UAPKI/library/test/data/test-diia.p12");
    let bytes = std::fs::read(file).unwrap();
    for (place, expected) in [
        (1000, ContainerError::DamagedMac),
        (1200, ContainerError::DamagedMac),
        (30, ContainerError::Malformed { part: "AuthenticatedSafe" }),
    ] {
        let mut changed = bytes.clone();
        changed[place] ^= 0x55;
        let error = Container::read(&changed, &password("testpassword")).unwrap_err();
        assert_eq!(error, expected, "{place}");
    }
}
