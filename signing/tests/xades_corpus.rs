//! Conformance: the XAdES corpus, row by row, as far as the bytes alone decide: values, references, the binding of properties.
//!
//! `VUZOL_CORPORA` names the folder that holds `xades/` with `expected.csv` and `files/`; without it the test says that it is skipped. How
//! a row is read stands in the README there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use certs::timestamp::TstInfo;
use crypto::digest::{DigestAlgorithm, digest};
use signing::asn1::{self, Layers, normalise};
use signing::cms::SignedData;
use signing::xades::{
    CertificateReference, Fault, Files, LevelGround, SignedFacts, StampForm, UnsignedValues, UnverifiedProperties,
    XmlSignature, check, counter_signatures, imprint, level, signatures, time_stamps,
};
use signing::xml::canonical::Budget;
use signing::xml::{Document, Limits, Node, Source, XmlError};

/// Rows that agree, of all.
const ROWS: (usize, usize) = (89, 89);
/// Rows whose level agrees, of those that state one.
const LEVELS: (usize, usize) = (24, 24);
/// Time-stamps whose imprint is that of what they should stand over, of all that can be read. The others were copied from another
/// signature, or something was changed, added or removed after them, as the names of the files say; or what they cover was not given.
const STAMPS: &[(StampForm, usize, usize)] = &[
    (StampForm::AllDataObjects, 4, 5),
    (StampForm::Signature, 46, 48),
    (StampForm::SignatureAndReferences, 10, 10),
    (StampForm::References, 4, 4),
    (StampForm::Archive, 11, 12),
    (StampForm::Archive132, 3, 7),
];
/// Why the rows that should not be intact are not: codes of all signatures and counter-signatures, in the order of the file.
const REASONS: &[(&str, &str)] = &[
    ("Signature-X-AT-1.xml", "xades.xpath_refused"),
    ("Signature-X-PT-4.xml", "xades.content_missing"),
    ("Signature-X-RO_TRA-4.xml", "xades.reference_changed; xades.reference_changed"),
    ("broken-dom.xml", "xml.malformed"),
    ("dss-2506.xml", "no signing certificate"),
    ("dss-signed-altered-refRemoved.xml", "xades.value_wrong"),
    ("dss-signed-altered-signedPropsRemoved.xml", "xades.properties_unsigned, xades.value_wrong"),
    ("detached_cts.xml", "xades.content_missing"),
    ("detached_no_cts.xml", "xades.content_missing"),
    ("dss1770refUriRemoved.xml", "xades.content_missing, xades.value_wrong"),
    ("dss1770refUriRemoved.xml", "xades.transform_input, xades.value_wrong"),
    ("dss1770refUriRemoved.xml", "xades.content_missing, xades.value_wrong"),
    ("xades-detached.xml", "xades.content_missing"),
    ("xades-detached.xml", "xades.reference_changed"),
    ("X-E-ERS-DETACHED-LT.xml", "xades.reference_changed"),
    ("X-E-ERS-DETACHED-LT.xml", "xades.content_missing"),
    ("malformed-xades.xml", "xml.encoding"),
    ("xades-counter-signature-no-type-invalid.xml", "intact; xades.counter_signature_elsewhere"),
    ("xades-counter-signature-with-type-invalid.xml", "intact; xades.counter_signature_elsewhere"),
    ("xades-fake-counter-signature.xml", "intact; xades.counter_signature_elsewhere"),
    ("xades-no-keyinfo-sign-cert.xml", "no signing certificate"),
    ("xades-tampered-manifest.xml", "xades.reference_changed"),
    ("xades-tampered-reference.xml", "xades.structure, xades.reference_changed, xades.value_wrong"),
    ("xades-unknown-digest-algo.xml", "xades.digest_unknown, xades.value_wrong"),
    ("xades-with-dtd-injection.xml", "xml.doctype"),
    ("XSW-enveloped-fake-signedProperties.xml", "xades.properties_wrapped, xades.properties_misplaced"),
];

struct Row {
    file: String,
    contents: Vec<String>,
    signatures: Option<usize>,
    expected: String,
    level: String,
}

impl Row {
    fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap()
    }
}

/// What one signature came to: nothing if it is intact.
type Verdict = Vec<&'static str>;

#[derive(Default)]
struct Verdicts {
    signatures: Vec<Verdict>,
    counter_signatures: Vec<Verdict>,
    /// Of the signatures.
    levels: Vec<&'static str>,
    /// Whether the imprint of each time-stamp agrees.
    stamps: Vec<(StampForm, bool)>,
}

#[test]
fn rows_agree() {
    let Some(folder) = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join("xades")) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let (mut agreeing, mut all, mut stamps, mut reasons) = (0, 0, Vec::new(), Vec::new());
    let mut levels = (0, 0);
    for row in rows(&folder) {
        let outcome = examine(&folder.join("files"), &row);
        all += 1;
        if agrees(&row, outcome.as_ref()) {
            agreeing += 1;
        } else {
            println!("disagrees: {}: expected {}", row.file, row.expected);
        }
        if row.expected != "intact" || !agrees(&row, outcome.as_ref()) {
            reasons.push((row.name().to_owned(), reason(outcome.as_ref())));
        }
        if let (Ok(verdicts), false) = (&outcome, row.level.is_empty()) {
            let agrees = verdicts.levels.iter().any(|level| level.replace('-', "_") == row.level);
            levels.1 += 1;
            levels.0 += usize::from(agrees);
            if !agrees {
                println!("level: {}: expected {}, came to {:?}", row.file, row.level, verdicts.levels);
            }
        }
        stamps.extend(outcome.into_iter().flat_map(|verdicts| verdicts.stamps));
    }
    let of = |form, good: bool| stamps.iter().filter(|(other, agrees)| *other == form && (*agrees || !good)).count();
    let counted: Vec<_> = STAMPS.iter().map(|(form, ..)| (*form, of(*form, true), of(*form, false))).collect();
    println!("XAdES: {agreeing} of {all} rows agree; levels {levels:?}; time-stamps: {counted:?}");
    let reasons: Vec<(&str, &str)> = reasons.iter().map(|(name, reason)| (name.as_str(), reason.as_str())).collect();
    assert_eq!(reasons, REASONS);
    assert_eq!(counted, STAMPS);
    assert_eq!((agreeing, all, levels), (ROWS.0, ROWS.1, LEVELS));
}

/// In codes: signatures, then counter-signatures.
fn reason(outcome: Result<&Verdicts, &XmlError>) -> String {
    match outcome {
        Err(error) => error.code().to_owned(),
        Ok(verdicts) => {
            let all = verdicts.signatures.iter().chain(&verdicts.counter_signatures);
            all.map(|verdict| if verdict.is_empty() { "intact".to_owned() } else { verdict.join(", ") })
                .collect::<Vec<_>>()
                .join("; ")
        }
    }
}

fn codes(faults: &[Fault]) -> Verdict {
    faults.iter().map(|fault| fault.code()).collect()
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
    let contents: Vec<Vec<u8>> =
        row.contents.iter().map(|content| std::fs::read(files.join(content)).unwrap()).collect();
    let named: Vec<(&str, &[u8])> = row
        .contents
        .iter()
        .zip(&contents)
        .map(|(path, octets)| (path.rsplit('/').next().unwrap(), octets.as_slice()))
        .collect();
    let source = Source::read(&octets, &Limits::DOCUMENT)?;
    let document = source.parse()?;
    let mut verdicts = Verdicts::default();
    for node in signatures(&document) {
        let verdict = judge(&document, node, None, &Files(&named), &mut verdicts);
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
    found: &mut Verdicts,
) -> Verdict {
    let signature = match XmlSignature::read(node) {
        Ok(signature) => signature,
        Err(fault) => return vec![fault.code()],
    };
    let mut budget = Budget::for_document(document.text().len());
    let checked = check(document, &signature, contents, &mut budget);
    let properties = checked.unverified_properties();
    for counter in properties.iter().flat_map(counter_signatures) {
        let verdict = judge(document, counter, Some(&signature), contents, found);
        found.counter_signatures.push(verdict);
    }
    if let Some(properties) = &properties {
        count_stamps(document, &signature, properties, contents, found);
    }
    let facts =
        properties.and_then(|found| Some(SignedFacts::read(found.signed?, found.namespace))).unwrap_or_default();
    let values = properties.as_ref().map(UnsignedValues::read).unwrap_or_default();
    let certificate = signer(&signature, &facts, &values);
    if countersigned.is_none() {
        // No trust, and nothing to ask: whether the values are complete is not told here.
        let has_values = !(values.lists.is_empty() && values.answers.is_empty());
        let ground = LevelGround { certificate: certificate.as_ref(), has_values };
        found.levels.push(level(&signature, properties.as_ref(), &facts, ground).1);
    }
    let Some(certificate) = certificate else { return vec!["no signing certificate"] };
    let Ok(key) = certificate.public_key() else { return vec!["no key"] };
    match checked.verify(key, &mut budget) {
        Ok(verified) if countersigned.is_some_and(|other| !verified.countersigns(other)) => {
            vec![Fault::CounterSignatureElsewhere.code()]
        }
        Ok(verified) => {
            assert_eq!(verified.signed_properties().is_some(), properties.is_some_and(|found| found.signed.is_some()));
            codes(&facts.faults)
        }
        Err(faults) => codes(&faults),
    }
}

fn count_stamps<'d, 't>(
    document: &'d Document<'t>,
    signature: &XmlSignature<'d, 't>,
    properties: &UnverifiedProperties<'d, 't>,
    contents: &Files<'_>,
    found: &mut Verdicts,
) {
    let mut budget = Budget::for_document(document.text().len());
    for stamp in time_stamps(properties) {
        for token in &stamp.tokens {
            let (der, _) = normalise(token, Layers::SIGNED_DATA, &asn1::Limits::default()).unwrap();
            let info = TstInfo::from_der(SignedData::read(&der).unwrap().content.unwrap()).unwrap();
            let algorithm = DigestAlgorithm::from_oid(&info.imprint_oid).unwrap();
            let own = imprint(document, signature, properties, &stamp, algorithm, contents, &mut budget);
            let agrees = own.is_ok_and(|own| own.digest.as_bytes() == info.imprint);
            found.stamps.push((stamp.form, agrees));
        }
    }
}

/// The certificate that the signed properties refer to; without such a reference the first.
fn signer(signature: &XmlSignature<'_, '_>, facts: &SignedFacts, values: &UnsignedValues) -> Option<Certificate> {
    let pool = signature.certificates.iter().chain(&values.certificates);
    let mut pool = pool.filter_map(|der| Certificate::from_der(der).ok());
    match facts.certificates.first() {
        Some(_) => pool.find(|certificate| facts.certificates.iter().any(|reference| names(reference, certificate))),
        None => pool.next(),
    }
}

fn names(reference: &CertificateReference, certificate: &Certificate) -> bool {
    reference.digest.is_ok_and(|value| digest(value.algorithm(), certificate.der()) == value)
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
        level: fields[6].to_owned(),
    }
}
