//! Conformance: the ASiC corpora, row by row.
//!
//! `VUZOL_CORPORA` names the folder that holds `asic/` and `asic-estonia/`, each with `expected.csv` and `files/`; without it the test
//! says that it is skipped. How a row is read stands in the READMEs there. Rows of containers with XAdES are not validated yet:
//! they are counted apart, and must be recognised as what they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use schemas::report::{Indication, Report, SubIndication};
use signing::asic::{Container, ContainerError, validate};
use signing::validate::{Context, Policy};
use time::macros::datetime;

/// Rows with CAdES that agree, of all such rows.
const CADES: (usize, usize) = (12, 12);
/// Rows whose indication agrees, of those that state one.
const INDICATIONS: (usize, usize) = (2, 2);
/// Container time-stamps that are intact, of all: the other one covers a file that was removed.
const TIMESTAMPS: (usize, usize) = (2, 3);
/// Rows of containers with XAdES or of OpenDocument that are read up to their signatures.
const NOT_YET_READ: usize = 52;
/// Rows that are no containers or must not be read as such, each with the code of its refusal.
const REFUSED: &[(&str, &str)] = &[
    ("2-mimetypes.asice", "container.duplicate_entry"),
    ("22902_data_files_with_same_names.bdoc", "container.duplicate_entry"),
    ("KS-19_IB-3721_bdoc21-TM-2fil-samename-1sig3.bdoc", "container.duplicate_entry"),
    ("emptyFile.ddoc", "container.not_zip"),
    ("incorrectMimetype.bdoc", "container.not_asic"),
    ("notABDoc.bdoc", "container.not_asic"),
    ("tooShortToVerifyIfIsZip.ddoc", "container.not_zip"),
    ("zip-bomb-package-zip-1gb.bdoc", "container.compression_ratio"),
];

struct Row {
    file: String,
    cades: bool,
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
    let (mut cades, mut indications, mut timestamps, mut not_yet) = ((0, 0), (0, 0), (0, 0), 0);
    let mut refused = Vec::new();
    for folder in ["asic", "asic-estonia"] {
        for row in rows(&corpora.join(folder)) {
            let outcome = examine(&corpora.join(folder).join("files"), &row);
            match (&outcome, row.cades) {
                (Err(ContainerError::XadesNotRead | ContainerError::OpenDocumentNotRead), false) => not_yet += 1,
                (Err(error), false) => {
                    println!("refused: {} ({}): {}", row.name(), row.expected, error.code());
                    refused.push((row.name().to_owned(), error.code()));
                }
                (Ok(_), false) => panic!("validated without its signatures: {}", row.file),
                (outcome, true) => {
                    let report = outcome.as_ref().ok();
                    count(&mut cades, agrees(&row, report), || {
                        format!("{}: expected {}, came to {outcome:#?}", row.file, row.expected)
                    });
                    for stamp in report.into_iter().flat_map(|report| &report.timestamps) {
                        count(&mut timestamps, stamp.intact, || format!("{}: {:?}", row.file, stamp.reasons));
                    }
                    if let (Some(expected), Some(report)) = (&row.indication, report) {
                        let found = indication(report);
                        count(&mut indications, found == *expected, || format!("{}: {found:?}", row.file));
                    }
                }
            }
        }
    }
    println!(
        "CAdES: {cades:?} agree, of; indications {indications:?}; container time-stamps {timestamps:?} intact, of; not yet read (XAdES, OpenDocument): {not_yet}; refused: {}",
        refused.len()
    );
    refused.sort();
    let refused: Vec<(&str, &str)> = refused.iter().map(|(name, code)| (name.as_str(), *code)).collect();
    assert_eq!(refused, REFUSED);
    assert_eq!((cades, indications, timestamps, not_yet), (CADES, INDICATIONS, TIMESTAMPS, NOT_YET_READ));
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
    let outcome = validate(container, &context)?;
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
    let [format, detached, signatures, expected, indication, sub, _level, _second, _note] = fields[..] else {
        panic!("ten columns: {line}");
    };
    assert!(detached.is_empty(), "a container is given alone: {line}");
    Row {
        file: file.into(),
        cades: format == "ASiC-CAdES",
        signatures: (!signatures.is_empty()).then(|| signatures.parse().unwrap()),
        expected: expected.into(),
        indication: (!indication.is_empty()).then(|| (indication.to_owned(), sub.to_owned())),
    }
}
