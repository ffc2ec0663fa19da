//! Conformance: the XAdES corpus, row by row, as far as the bytes alone decide: values, references, the binding of properties.
//!
//! `VUZOL_CORPORA` names the folder that holds `xades/` with `expected.csv` and `files/`; without it the test says that it is skipped. How
//! a row is read stands in the README there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use crypto::digest::digest;
use signing::xades::{Fault, Files, SignedFacts, UnsignedValues, XmlSignature, check, counter_signatures, signatures};
use signing::xml::canonical::Budget;
use signing::xml::{Document, Limits, Node, Source, XmlError};

/// Rows that agree, of all.
const ROWS: (usize, usize) = (89, 89);

struct Row {
    file: String,
    contents: Vec<String>,
    signatures: Option<usize>,
    expected: String,
}

/// What one signature came to: nothing if it is intact.
type Verdict = Vec<Fault>;

struct Verdicts {
    signatures: Vec<Verdict>,
    counter_signatures: Vec<Verdict>,
}

#[test]
fn rows_agree() {
    let Some(folder) = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join("xades")) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let (mut agreeing, mut all) = (0, 0);
    for row in rows(&folder) {
        let outcome = examine(&folder.join("files"), &row);
        all += 1;
        if agrees(&row, outcome.as_ref()) {
            agreeing += 1;
        } else {
            let found = outcome.map(|verdicts| (verdicts.signatures, verdicts.counter_signatures));
            println!("disagrees: {}: expected {}, came to {found:?}", row.file, row.expected);
        }
    }
    println!("XAdES: {agreeing} of {all} rows agree");
    assert_eq!((agreeing, all), ROWS);
}

fn agrees(row: &Row, outcome: Result<&Verdicts, &XmlError>) -> bool {
    match (row.expected.as_str(), outcome) {
        ("intact", Ok(verdicts)) => {
            let all = verdicts.signatures.iter().chain(&verdicts.counter_signatures);
            all.clone().count() > 0
                && all.clone().all(Vec::is_empty)
                && row.signatures.is_none_or(|number| number == verdicts.signatures.len())
        }
        ("broken", Ok(verdicts)) => {
            verdicts.signatures.iter().chain(&verdicts.counter_signatures).any(|verdict| !verdict.is_empty())
        }
        ("broken" | "unreadable", Err(_)) => true,
        _ => false,
    }
}

fn examine(files: &Path, row: &Row) -> Result<Verdicts, XmlError> {
    let octets = std::fs::read(files.join(&row.file)).unwrap();
    let contents: Vec<Vec<u8>> = row.contents.iter().map(|content| std::fs::read(files.join(content)).unwrap()).collect();
    let named: Vec<(&str, &[u8])> = row
        .contents
        .iter()
        .zip(&contents)
        .map(|(path, octets)| (path.rsplit('/').next().unwrap(), octets.as_slice()))
        .collect();
    let source = Source::read(&octets, &Limits::DOCUMENT)?;
    let document = source.parse()?;
    let mut verdicts = Verdicts { signatures: Vec::new(), counter_signatures: Vec::new() };
    for node in signatures(&document) {
        let verdict = judge(&document, node, None, &Files(&named), &mut verdicts.counter_signatures);
        verdicts.signatures.push(verdict);
    }
    Ok(verdicts)
}

/// One signature, and those within it.
fn judge<'d, 't>(
    document: &'d Document<'t>,
    node: Node<'d, 't>,
    countersigned: Option<&XmlSignature<'d, 't>>,
    contents: &Files<'_>,
    counters: &mut Vec<Verdict>,
) -> Verdict {
    let signature = match XmlSignature::read(node) {
        Ok(signature) => signature,
        Err(fault) => return vec![fault],
    };
    let mut budget = Budget::for_document(document.text().len());
    let checked = check(document, &signature, contents, &mut budget);
    let properties = checked.unverified_properties();
    for counter in properties.iter().flat_map(counter_signatures) {
        let verdict = judge(document, counter, Some(&signature), contents, counters);
        counters.push(verdict);
    }
    let facts = properties.and_then(|found| Some(SignedFacts::read(found.signed?, found.namespace))).unwrap_or_default();
    let values = properties.as_ref().map(UnsignedValues::read).unwrap_or_default();
    let Some(certificate) = signer(&signature, &facts, &values) else { return vec![Fault::ValueWrong] };
    let Ok(key) = certificate.public_key() else { return vec![Fault::AlgorithmUnknown] };
    match checked.verify(key, &mut budget) {
        Ok(verified) if countersigned.is_some_and(|other| !verified.countersigns(other)) => {
            vec![Fault::CounterSignatureElsewhere]
        }
        Ok(verified) => {
            assert_eq!(verified.signed_properties().is_some(), properties.is_some_and(|found| found.signed.is_some()));
            facts.faults
        }
        Err(faults) => faults,
    }
}

/// The certificate that the signed properties refer to; without such a reference the first.
fn signer(signature: &XmlSignature<'_, '_>, facts: &SignedFacts, values: &UnsignedValues) -> Option<Certificate> {
    let mut pool = signature.certificates.iter().chain(&values.certificates);
    let der = match facts.certificates.first() {
        Some(_) => pool.find(|der| {
            let mut references = facts.certificates.iter();
            references.any(|reference| reference.digest.is_ok_and(|value| digest(value.algorithm(), der) == value))
        }),
        None => pool.next(),
    };
    Certificate::from_der(der?).ok()
}

fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    text.lines().skip(1).map(row).collect()
}

/// Only the file's name, if quoted, and the note may hold commas.
fn row(line: &str) -> Row {
    let (file, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",").unwrap(),
        None => line.split_once(',').unwrap(),
    };
    let fields: Vec<&str> = rest.split(',').collect();
    Row {
        file: file.to_owned(),
        contents: fields[1].split(';').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        signatures: fields[2].parse().ok(),
        expected: fields[3].to_owned(),
    }
}
