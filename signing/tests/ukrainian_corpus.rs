//! Conformance: Ukrainian signatures, time-stamps and envelopes, row by row.
//!
//! `VUZOL_CORPORA` names the folder that holds `ukrainian/` with `expected.csv`, `timestamps.csv` and `files/`; without it the tests say that
//! they are skipped. What the columns mean stands in the README there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

#[path = "../../tests/src/conformance/documents/library.rs"]
#[allow(unreachable_pub, reason = "public where it lives")]
mod library;
#[path = "../../tests/src/conformance/documents/row.rs"]
#[allow(unreachable_pub, dead_code, reason = "public where it lives")]
mod row;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::timestamp::TstInfo;
use certs::trust::TrustSnapshot;
use crypto::container::{Container, Password};
use crypto::digest::{DigestAlgorithm, digest, hex};
use crypto::key::{KeyHandle, SoftwareKey};
use crypto::seal::DocumentKey;
use schemas::report::SignedForm;
use signing::envelope::{EnvelopeError, national, open_key, seal_key};
use signing::validate::{Context, Outcome, Policy, UnverifiedDocument, validate};
use time::macros::datetime;

type Row = BTreeMap<String, String>;

/// Rows of signed files.
const ROWS: usize = 28;

/// Every document is signed over its attributes in DER; the time-stamps in them are not.
#[test]
fn signed_files_are_intact_or_broken_as_the_table_says() {
    let Some(folder) = folder() else { return };
    let rows = row::Row::table(&std::fs::read_to_string(folder.join("expected.csv")).unwrap()).unwrap();
    for row in &rows {
        let verdict = library::judge(&folder.join("files"), row).unwrap();
        assert_eq!(row.disagreement(&verdict), None, "{}", row.id());
        let row::Verdict::Report(report) = verdict else { continue };
        for signature in report.signatures {
            assert_eq!(signature.signed_form, signature.intact.then_some(SignedForm::Der), "{}", row.id());
        }
    }
    assert_eq!(rows.len(), ROWS);
}

/// A token is a signature too. Those of an authority of 2016 verify over the attributes as sent alone: accepted with the default policy,
/// refused by the strict one.
#[test]
fn time_stamps_verify_in_the_form_that_the_table_says() {
    let Some(folder) = folder() else { return };
    for row in rows(&folder, "timestamps.csv") {
        let file = &row["file"];
        let authority = match row["tsa_certificate"].as_str() {
            "embedded" => Vec::new(),
            other => vec![Certificate::from_der(&std::fs::read(folder.join("files").join(other)).unwrap()).unwrap()],
        };
        let examine = |policy: &Policy| {
            let bytes = std::fs::read(folder.join("files").join(file)).unwrap();
            let token = UnverifiedDocument::parse(&bytes).unwrap().with_certificates(&authority);
            let info = TstInfo::from_der(token.content().unwrap()).unwrap();
            (info, outcome_of(token, policy))
        };
        let (info, outcome) = examine(&Policy::default());
        assert_eq!(row["signature"], "valid");
        let sorted = row["signed_attrs_der_order"] == "yes";
        let form = if sorted { SignedForm::Der } else { SignedForm::AsSent };
        let [signature] = outcome.report.signatures.as_slice() else { panic!("{file}: one signature") };
        assert_eq!((signature.intact, signature.signed_form), (true, Some(form)), "{file}: {:?}", signature.reasons);
        assert_eq!(examine(&Policy::strict()).1.report.signatures[0].intact, sorted, "{file}");
        check_imprint(&folder, &row, &info);
    }
}

/// The imprint is the digest of the stamped octets; that authority turned its bytes round, which proves nothing of the document to us.
fn check_imprint(folder: &Path, row: &Row, info: &TstInfo) {
    let bytes = std::fs::read(folder.join("files").join(&row["taken_from"])).unwrap();
    assert_eq!(info.imprint_oid, DigestAlgorithm::Gost34311.oid());
    if row["imprint_of"] != "content" {
        // The signature value of the signer: what the engine itself checks; here only that it lies in the file.
        return;
    }
    let stamped = UnverifiedDocument::parse(&bytes).unwrap();
    let own = digest(DigestAlgorithm::Gost34311, stamped.content().unwrap());
    let reversed: Vec<u8> = own.as_bytes().iter().rev().copied().collect();
    match row["imprint"].as_str() {
        "match" => assert_eq!(info.imprint, own.as_bytes(), "{}", row["file"]),
        "match with the hash bytes reversed" => {
            assert_eq!(info.imprint, reversed, "{}", row["file"]);
            println!(
                "diverges: {}: the imprint is the digest with its bytes reversed, and is no imprint to us",
                row["file"]
            );
        }
        other => panic!("the table says {other}"),
    }
}

/// The keys are published test material. An envelope is opened, or it is no CMS.
#[test]
fn envelopes_open_with_their_keys() {
    let Some(folder) = folder() else { return };
    let read = |file: &str| std::fs::read(folder.join("files").join(file)).unwrap();
    let jkurwa = |file: &str| read(&format!("dstucrypt/jkurwa/test/data/{file}"));
    let certificate = |file: &str| Certificate::from_der(&jkurwa(file)).unwrap();
    let (mut opened, mut diverging) = (0, Vec::new());
    for row in rows(&folder, "envelopes.csv") {
        let file = &row["file"];
        let envelope = read(file);
        assert_eq!(row["expected"], "decrypts");
        if row["kind"] == "TRANSPORTABLE envelope" {
            diverging
                .push((file.clone(), "a container of certificate and envelope in a form of its own, which is not CMS"));
            continue;
        }
        if row["key"].contains("test-diia.p12") {
            let data = "specinfo-ua/UAPKI/library/test/data";
            let password = Password::new("testpassword");
            let container = Container::read(&read(&format!("{data}/test-diia.p12")), &password).unwrap();
            let bytes = read(&format!("{data}/certs/diia-test-kep-7775604.cer"));
            let recipient = Certificate::from_der(&bytes).unwrap();
            let point = recipient.public_key().unwrap().dstu4145().unwrap().key;
            let keys = container.keys.iter().map(|key| SoftwareKey::from_pkcs8_der(key.pkcs8_der()).unwrap());
            let own: Vec<_> = keys.filter(|key| key.public_key().dstu4145().unwrap().key == point).collect();
            let [key] = own.as_slice() else { panic!("{file}: one key is that of the certificate") };
            // Sealed to itself: the originator is the recipient.
            let content = national::open(&envelope, &recipient, key, &[]).unwrap();
            assert_eq!(hex(content.as_bytes()), row["plaintext_hex"], "{file}");
            assert_a_document_key_goes_to(&recipient, key);
            opened += 1;
            continue;
        }
        let recipient = certificate("SELF_SIGNED_ENC_40A0.cer");
        let key = SoftwareKey::from_pkcs8_der(&jkurwa("Key40A0.cer")).unwrap();
        assert_eq!(key.public_key().dstu4145().unwrap().key, recipient.public_key().unwrap().dstu4145().unwrap().key);
        let nobody = national::open(&envelope, &recipient, &key, &[]).unwrap_err();
        assert_eq!(nobody, EnvelopeError::OriginatorUnknown);
        let originators = [certificate("SELF_SIGNED_ENC_6929.cer")];
        let content = national::open(&envelope, &recipient, &key, &originators).unwrap();
        assert_eq!(hex(content.as_bytes()), row["plaintext_hex"], "{file}");
        assert_a_document_key_goes_to(&recipient, &key);
        opened += 1;
    }
    println!("{opened} envelopes opened; diverging: {diverging:#?}");
    assert_eq!((opened, diverging.len()), (2, 1));
}

/// By the agreement and the wrap of ours, over the certificate and the key that others made.
fn assert_a_document_key_goes_to(recipient: &Certificate, private: &SoftwareKey) {
    let key = DocumentKey::generate();
    let envelope = seal_key(&key, recipient).unwrap();
    assert_eq!(open_key(&envelope, recipient, private).unwrap().expose(), key.expose());
}

fn outcome_of(document: UnverifiedDocument, policy: &Policy) -> Outcome {
    let at = datetime!(2026-11-26 12:00 UTC);
    let trust = TrustSnapshot::new(vec![], vec![], at);
    validate(document, &Context { trust: &trust, revocation: &RevocationData::default(), at, policy })
}

/// `None`, and a line that says so, where the corpora are not there.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join("ukrainian"));
    if folder.is_none() {
        println!("skipped: VUZOL_CORPORA is not set");
    }
    folder
}

/// A table with its header as keys.
fn rows(folder: &Path, table: &str) -> Vec<Row> {
    let mut lines = row::records(&std::fs::read_to_string(folder.join(table)).unwrap()).into_iter();
    let header = lines.next().unwrap();
    let rows: Vec<Row> = lines.map(|fields| header.iter().cloned().zip(fields).collect()).collect();
    assert!(!rows.is_empty());
    rows
}
