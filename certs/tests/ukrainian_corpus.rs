//! Conformance: Ukrainian certificates, revocation lists and an OCSP response, row by row.
//!
//! `VUZOL_CORPORA` names the folder that holds `ukrainian/` with `certificates.csv`, `revocation.csv` and `files/`; without it the tests say
//! that they are skipped. What the columns mean stands in the README there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use certs::path::{self, Budget};
use certs::revocation::{Crl, OcspResponse};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::DigestAlgorithm;
use crypto::dstu4145::{ByteOrder, CurveForm};
use crypto::key::{Curve, KeyError, KeyKind};
use crypto::signature::VerifyError;

type Row = BTreeMap<String, String>;

/// Rows where we say otherwise, by the end of the file's name, and why.
const FOREIGN_BASE_POINT: (&str, &str) = (
    "CZO-2005.cer",
    "a base point of its own: who may choose it can sign for others, so only the recommended one is taken (as in CVE-2020-0601)",
);
const TWO_ALGORITHMS: (&str, &str) = (
    "pkiExample_DSTU4145_M257_PB/root_certificate.cer",
    "the AlgorithmIdentifier has parameters outside the signed part and none inside; RFC 5280, 4.1.1.2 wants the same in both",
);

#[test]
fn certificates_are_what_the_table_says() {
    let Some(folder) = folder() else { return };
    let mut diverging = Vec::new();
    for row in rows(&folder, "certificates.csv") {
        let file = &row["file"];
        let bytes = std::fs::read(folder.join("files").join(file)).unwrap();
        if row["encoding"].starts_with("CMS") {
            assert!(Certificate::from_der(&bytes).is_err(), "{file} is a list of certificates");
            continue;
        }
        let certificate = read(&folder, file);
        if file.ends_with(FOREIGN_BASE_POINT.0) {
            assert_eq!(certificate.public_key().unwrap_err(), KeyError::UnsupportedCurve);
            diverging.push(FOREIGN_BASE_POINT);
            continue;
        }
        check_key(&row, &certificate);
        if file.ends_with(TWO_ALGORITHMS.0) {
            let own = certificate.verify_signature(certificate.public_key().unwrap());
            assert_eq!(own, Err(VerifyError::UnsupportedAlgorithm));
            diverging.push(TWO_ALGORITHMS);
            continue;
        }
        check_signature(&folder, &row, &certificate);
    }
    diverging.iter().for_each(|(file, reason)| println!("diverges: {file}: {reason}"));
    assert_eq!(diverging, [FOREIGN_BASE_POINT, TWO_ALGORITHMS]);
}

/// Kind, form of the parameters, byte order, DKE, and the key identifier.
fn check_key(row: &Row, certificate: &Certificate) {
    let file = &row["file"];
    let key = certificate.public_key().unwrap_or_else(|error| panic!("{file}: {error}"));
    let Some(dstu) = key.dstu4145() else {
        let curve = match row["key"].as_str() {
            "ec P-256" => Curve::P256,
            "ec P-384" => Curve::P384,
            other => panic!("{file}: the table says {other}"),
        };
        assert_eq!(key.kind(), KeyKind::Ec(curve), "{file}");
        return;
    };
    let parameters = dstu.parameters;
    assert_eq!(format!("dstu4145 m={}", parameters.curve.degree()), row["key"], "{file}");
    let form = if row["parameters"] == "named" { CurveForm::Named } else { CurveForm::Explicit };
    assert_eq!(parameters.form, form, "{file}");
    let order = if row["byte_order"] == "BE" { ByteOrder::Big } else { ByteOrder::Little };
    assert_eq!(parameters.byte_order, order, "{file}");
    assert_eq!(parameters.substitution.is_some(), row["dke"].starts_with("64 bytes"), "{file}");
    // The key identifier is a digest of the octets of the key; some authorities make it otherwise.
    let identifier = certificate.subject_key_identifier().unwrap_or_default();
    let known = [DigestAlgorithm::Gost34311, DigestAlgorithm::Kupyna256, DigestAlgorithm::Sha1]
        .into_iter()
        .find(|algorithm| crypto::digest::digest(*algorithm, key.subject_public_key()).as_bytes() == identifier);
    println!("{file}: key identifier by {}", known.map_or("other means", DigestAlgorithm::name));
}

fn check_signature(folder: &Path, row: &Row, certificate: &Certificate) {
    let (file, issuer) = (&row["file"], &row["issuer_file"]);
    if issuer.is_empty() {
        assert_eq!(row["signature"], "unknown", "{file}");
        return;
    }
    let issuer = read(folder, issuer);
    let verdict = certificate.verify_signature(issuer.public_key().unwrap());
    match row["signature"].as_str() {
        "valid" => assert_eq!(verdict, Ok(()), "{file}"),
        "invalid" => assert_eq!(verdict, Err(VerifyError::Mismatch), "{file}"),
        other => panic!("{file}: the table says {other}"),
    }
}

#[test]
fn lists_and_answers_are_what_the_table_says() {
    let Some(folder) = folder() else { return };
    for row in rows(&folder, "revocation.csv") {
        let file = &row["file"];
        let bytes = std::fs::read(folder.join("files").join(file)).unwrap();
        if row["kind"] == "OCSP response" {
            let response = OcspResponse::from_der(&bytes).unwrap();
            let [responder, root] = response.certificates() else { panic!("{file}: two certificates are embedded") };
            assert_eq!(response.verify_signature(responder.public_key().unwrap()), Ok(()), "{file}");
            assert_eq!(response.verify_signature(root.public_key().unwrap()), Err(VerifyError::Mismatch), "{file}");
            assert_eq!(responder.verify_signature(root.public_key().unwrap()), Ok(()), "{file}");
            continue;
        }
        let list = Crl::from_der(&bytes).unwrap();
        assert_eq!(list.entry_count().unwrap().to_string(), row["revoked_entries"], "{file}");
        let issuer = read(&folder, &row["issuer_file"]);
        assert_eq!(row["signature"], "valid");
        assert_eq!(list.verify_signature(issuer.public_key().unwrap()), Ok(()), "{file}");
        // One bit of the signed part, and one of the value.
        for place in [bytes.len() / 3, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            if let Ok(list) = Crl::from_der(&flipped) {
                assert!(list.verify_signature(issuer.public_key().unwrap()).is_err(), "{file} {place}");
            }
        }
    }
}

/// Every chain of the corpus up to a root of the central authority, at the middle of the leaf's life: for which purposes it is
/// believed, and how long the path is.
#[test]
fn chains_lead_to_the_roots_of_the_central_authority() {
    use Purpose::{Encryption, OcspSigning, Signing, TimeStamping};
    let Some(folder) = folder() else { return };
    let rows = rows(&folder, "certificates.csv");
    let readable = rows.iter().filter(|row| !row["encoding"].starts_with("CMS"));
    let all: Vec<_> = readable.map(|row| (row["file"].clone(), read(&folder, &row["file"]))).collect();
    let purposes = [Signing, Encryption, TimeStamping, OcspSigning];
    let roots = all.iter().filter(|(file, _)| ROOTS.iter().any(|root| file.ends_with(root)));
    let roots = roots.map(|(_, root)| TrustAnchor { certificate: root.clone(), purposes: purposes.to_vec() });
    let roots: Vec<_> = roots.collect();
    assert_eq!(roots.len(), ROOTS.len());
    let pool: Vec<_> = all.iter().map(|(_, certificate)| certificate.clone()).collect();
    let mut found = Vec::new();
    for (file, leaf) in all.iter().filter(|(_, certificate)| !certificate.is_ca()) {
        let at = leaf.not_before() + (leaf.not_after() - leaf.not_before()) / 2;
        let trust = TrustSnapshot::new(roots.clone(), Vec::new(), at);
        for purpose in purposes {
            if let Ok(path) = path::verify(leaf, &pool, &trust, purpose, at, &mut Budget::default()) {
                let name = file.rsplit('/').next().unwrap_or_default();
                found.push((name.split('-').take(2).collect::<Vec<_>>().join("-"), purpose, path.certificates().len()));
            }
        }
    }
    let expected = [
        ("privat_tsp.cer", TimeStamping, 2),
        ("83C539C16F20B8257B0F298E20141840.crt", Signing, 3),
        ("83C539C16F20B8257B0F298E20141840.crt", Encryption, 3),
        ("E06F3A31973F8370F4166BF3223C347E.crt", Signing, 3),
        ("E06F3A31973F8370F4166BF3223C347E.crt", Encryption, 3),
        ("diia-2023", TimeStamping, 2),
        ("diia-ocsp", OcspSigning, 3),
        ("diia-test", Encryption, 3),
        ("diia-test", Signing, 3),
    ];
    assert_eq!(found, expected.map(|(name, purpose, length)| (name.to_owned(), purpose, length)));
}

/// The roots of 2012, 2017, 2020 and 2026.
const ROOTS: [&str; 4] =
    ["CZOROOT.cer", "CZO-ROOT-2017.cer", "CAO-05E19E2CD92EA2990100000001000000C1000000.cer", "CAO-2026.cer"];

/// `None`, and a line that says so, where the corpora are not there.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join("ukrainian"));
    if folder.is_none() {
        println!("skipped: VUZOL_CORPORA is not set");
    }
    folder
}

fn read(folder: &Path, file: &str) -> Certificate {
    let bytes = std::fs::read(folder.join("files").join(file)).unwrap();
    match std::str::from_utf8(&bytes) {
        Ok(pem) if pem.starts_with("-----BEGIN") => Certificate::from_pem(pem).unwrap().remove(0),
        _ => Certificate::from_der(&bytes).unwrap(),
    }
}

/// Comma-separated values (RFC 4180) with a header row; no value of these tables spans lines.
fn rows(folder: &Path, table: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join(table)).unwrap();
    let mut lines = text.lines().map(fields);
    let header = lines.next().unwrap();
    let rows: Vec<Row> = lines.map(|fields| header.iter().cloned().zip(fields).collect()).collect();
    assert!(!rows.is_empty());
    rows
}

fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields.last_mut().unwrap().push(c),
        }
    }
    fields
}
