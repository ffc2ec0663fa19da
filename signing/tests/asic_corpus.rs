//! Conformance: the ASiC corpora, row by row.
//!
//! `VUZOL_CORPORA` names the folder that holds `asic/`, `asic-estonia/` and `xroad-asic/`, each with `expected.csv` and `files/`; without
//! it the test says that it is skipped. How a row is read stands in the READMEs there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use schemas::report::{Indication, Report, SubIndication};
use signing::asic::{Container, ContainerError, validate};
use signing::validate::{Context, Policy};
use time::macros::datetime;

/// For each corpus, the rows that agree, of all.
const AGREE: [(&str, (usize, usize)); 3] = [("asic", (34, 34)), ("asic-estonia", (38, 38)), ("xroad-asic", (10, 10))];
/// Rows whose indication agrees, of those that state one.
const INDICATIONS: (usize, usize) = (7, 7);
/// Container time-stamps that are intact, of all. Of the others one covers a file that was removed, and one, of X-Road, no manifest names.
const TIMESTAMPS: (usize, usize) = (4, 6);
/// Rows that are no containers or must not be read as such, each with the code of its refusal.
const REFUSED: &[(&str, &str)] = &[
    ("2-mimetypes.asice", "container.duplicate_entry"),
    ("22902_data_files_with_same_names.bdoc", "container.duplicate_entry"),
    ("KS-19_IB-3721_bdoc21-TM-2fil-samename-1sig3.bdoc", "container.duplicate_entry"),
    ("emptyFile.ddoc", "container.not_zip"),
    ("incorrectMimetype.bdoc", "container.not_asic"),
    ("not-asic.asice", "container.not_zip"),
    ("notABDoc.bdoc", "container.not_asic"),
    ("tooShortToVerifyIfIsZip.ddoc", "container.not_zip"),
    ("zip-bomb-package-zip-1gb.bdoc", "container.compression_ratio"),
];

/// Entries of X-Road's containers that nothing covers: a message in whose place the chain names another, and all of a container whose
/// signature refers to what is not in it.
const UNSIGNED_OF_X_ROAD: &[(&str, &str)] = &[
    ("invalid-hashchain-modified-message.asice", "message.xml"),
    ("invalid-incorrect-references.asice", "META-INF/timestamp.tst"),
    ("invalid-incorrect-references.asice", "message.xml"),
    ("invalid-incorrect-references.asice", "sig-hashchain.xml"),
    ("invalid-incorrect-references.asice", "sig-hashchainresult.xml"),
];

struct Row {
    file: String,
    signatures: Option<usize>,
    expected: String,
    indication: Option<(String, String)>,
}

impl Row {
    fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap()
    }
}

#[test]
fn rows_agree() {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let (mut indications, mut timestamps) = ((0, 0), (0, 0));
    let (mut agree, mut refused, mut unsigned) = (Vec::new(), Vec::new(), Vec::new());
    for (folder, _) in AGREE {
        let mut of_folder = (0, 0);
        for row in rows(&corpora.join(folder)) {
            let outcome = examine(&corpora.join(folder).join("files"), &row);
            let report = outcome.as_ref().ok();
            refused.extend(outcome.as_ref().err().map(|error| (row.name().to_owned(), error.code())));
            count(&mut of_folder, agrees(&row, report), || {
                format!("{}: expected {}, came to {outcome:#?}", row.file, row.expected)
            });
            if folder == "xroad-asic" {
                let parts = report.into_iter().flat_map(|report| report.unsigned_parts.clone());
                unsigned.extend(parts.map(|part| (row.name().to_owned(), part)));
            }
            for stamp in report.into_iter().flat_map(|report| &report.timestamps) {
                count(&mut timestamps, stamp.intact, || format!("{}: {:?}", row.file, stamp.reasons));
            }
            if let (Some(expected), Some(report)) = (&row.indication, report) {
                let found = indication(report);
                count(&mut indications, found == *expected, || format!("{}: {found:?}, not {expected:?}", row.file));
            }
        }
        agree.push((folder, of_folder));
    }
    println!(
        "{agree:?} agree, of; indications {indications:?}; container time-stamps {timestamps:?} intact, of; refused: {}",
        refused.len()
    );
    refused.sort();
    let refused: Vec<(&str, &str)> = refused.iter().map(|(name, code)| (name.as_str(), *code)).collect();
    assert_eq!(refused, REFUSED);
    unsigned.sort();
    let unsigned: Vec<(&str, &str)> = unsigned.iter().map(|(name, part)| (name.as_str(), part.as_str())).collect();
    assert_eq!(unsigned, UNSIGNED_OF_X_ROAD);
    assert_eq!((agree.as_slice(), indications, timestamps), (AGREE.as_slice(), INDICATIONS, TIMESTAMPS));
}

fn count(counter: &mut (usize, usize), agrees: bool, disagreement: impl Fn() -> String) {
    counter.1 += 1;
    if agrees {
        counter.0 += 1;
    } else {
        println!("disagrees: {}", disagreement());
    }
}

fn examine(files: &Path, row: &Row) -> Result<Report, ContainerError> {
    let bytes = std::fs::read(files.join(&row.file)).unwrap();
    let container = Container::read(bytes.as_slice())?;
    let at = datetime!(2026-11-23 12:00 UTC);
    let trust = TrustSnapshot::new(vec![], vec![], at);
    let context = Context { trust: &trust, revocation: &RevocationData::default(), at, policy: &Policy::default() };
    let outcome = validate(container, &context);
    assert!(outcome.passed.is_none(), "nobody is trusted");
    Ok(outcome.report)
}

fn agrees(row: &Row, report: Option<&Report>) -> bool {
    match (row.expected.as_str(), report) {
        ("intact", Some(report)) => {
            !report.signatures.is_empty()
                && report.signatures.iter().all(|signature| signature.intact)
                && row.signatures.is_none_or(|number| number == report.signatures.len())
        }
        ("broken", Some(report)) => report.signatures.iter().any(|signature| !signature.intact),
        ("broken" | "unreadable", None) => true,
        _ => false,
    }
}

/// Of the first signature, in the words of the standard.
fn indication(report: &Report) -> (String, String) {
    let first = report.signatures.first().unwrap();
    let main = match first.indication {
        Indication::TotalPassed => "TOTAL_PASSED",
        Indication::TotalFailed => "TOTAL_FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    };
    let sub = match first.sub_indication {
        Some(SubIndication::HashFailure) => "HASH_FAILURE",
        Some(SubIndication::FormatFailure) => "FORMAT_FAILURE",
        Some(SubIndication::SignedDataNotFound) => "SIGNED_DATA_NOT_FOUND",
        _ => "another",
    };
    (main.to_owned(), sub.to_owned())
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
    let fields: Vec<&str> = rest.splitn(9, ',').collect();
    let [_format, detached, signatures, expected, indication, sub, _level, _second, _note] = fields[..] else {
        panic!("ten columns: {line}");
    };
    assert!(detached.is_empty(), "a container is given alone: {line}");
    Row {
        file: file.into(),
        signatures: (!signatures.is_empty()).then(|| signatures.parse().unwrap()),
        expected: expected.into(),
        indication: (!indication.is_empty()).then(|| (indication.to_owned(), sub.to_owned())),
    }
}
