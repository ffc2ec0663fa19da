//! Conformance: the CAdES corpus of the European reference implementation, row by row.
//!
//! `VUZOL_CORPORA` names the folder that holds `cades/` with `expected.csv` and `files/`; without it the test says that
//! it is skipped. How a row is read stands in the README there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use crypto::digest::digest;
use schemas::report::Report;
use signing::validate::{Context, Policy, UnverifiedDocument, validate};
use time::macros::datetime;

/// Rows that agree, of all rows: whether each signature is intact, and with the number of signatures.
const INTACT: (usize, usize) = (51, 51);
/// Rows whose indication and sub-indication agree, of those that state them.
const INDICATIONS: (usize, usize) = (2, 2);
/// Rows whose level agrees, of those that state one.
const LEVELS: (usize, usize) = (28, 28);

struct Row {
    file: String,
    detached: Option<String>,
    signatures: Option<usize>,
    expected: String,
    indication: Option<(String, String)>,
    level: Option<String>,
}

#[test]
fn rows_agree() {
    let Some(folder) = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join("cades")) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let (mut intact, mut indications, mut levels) = ((0, 0), (0, 0), (0, 0));
    for row in rows(&folder) {
        let report = examine(&folder.join("files"), &row);
        let agrees = intact_agrees(&row, report.as_ref().ok());
        count(&mut intact, agrees, || format!("{}: expected {}, came to {report:?}", row.file, row.expected));
        let Ok(report) = &report else { continue };
        let first = report.signatures.first().expect("a report has a signature");
        if let Some((indication, sub)) = &row.indication {
            let found = serde_names(report);
            count(&mut indications, found == (indication.clone(), sub.clone()), || format!("{}: {found:?}", row.file));
        }
        if let Some(level) = &row.level {
            let agrees = report.signatures.iter().all(|signature| same_level(&signature.level, level));
            count(&mut levels, agrees, || format!("{}: level {} for {level}", row.file, first.level));
        }
    }
    println!("intact {intact:?}, indications {indications:?}, levels {levels:?} (agree, of)");
    assert_eq!((intact, indications, levels), (INTACT, INDICATIONS, LEVELS));
}

fn count(counter: &mut (usize, usize), agrees: bool, disagreement: impl Fn() -> String) {
    counter.1 += 1;
    if agrees {
        counter.0 += 1;
    } else {
        println!("disagrees: {}", disagreement());
    }
}

fn examine(files: &Path, row: &Row) -> Result<Report, String> {
    let bytes = std::fs::read(files.join(&row.file)).unwrap();
    let mut document = UnverifiedDocument::parse(&bytes).map_err(|error| error.to_string())?;
    if let Some(detached) = &row.detached {
        let content = std::fs::read(files.join(detached)).unwrap();
        let digests = document.digest_algorithms().into_iter().map(|algorithm| digest(algorithm, &content)).collect();
        document = document.with_detached(digests);
    }
    let at = datetime!(2026-11-23 12:00 UTC);
    let trust = TrustSnapshot::new(vec![], vec![], at);
    let policy = Policy::default();
    Ok(validate(document, &Context { trust: &trust, revocation: &RevocationData::default(), at, policy: &policy })
        .report)
}

fn intact_agrees(row: &Row, report: Option<&Report>) -> bool {
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

/// `CAdES_BASELINE_B` is our `CAdES-BASELINE-B`.
fn same_level(ours: &str, theirs: &str) -> bool {
    ours.replace('-', "_") == theirs
}

fn serde_names(report: &Report) -> (String, String) {
    let screaming = |debug: String| {
        let mut name = String::new();
        for character in debug.chars() {
            if character.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(character.to_ascii_uppercase());
        }
        name
    };
    let first = report.signatures.first().unwrap();
    let sub = first.sub_indication.map(|sub| screaming(format!("{sub:?}"))).unwrap_or_default();
    (screaming(format!("{:?}", first.indication)), sub)
}

fn rows(folder: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(folder.join("expected.csv")).unwrap();
    text.lines().skip(1).map(row).collect()
}

/// No field but the last, the note, holds a comma.
fn row(line: &str) -> Row {
    let fields: Vec<&str> = line.splitn(10, ',').collect();
    let [file, _format, detached, signatures, expected, indication, sub, level, _second, _note] = fields[..] else {
        panic!("ten columns: {line}");
    };
    let filled = |field: &str| (!field.is_empty()).then(|| field.to_owned());
    assert!(!detached.contains(';'), "one content: {line}");
    Row {
        file: file.into(),
        detached: filled(detached),
        signatures: filled(signatures).map(|number| number.parse().unwrap()),
        expected: expected.into(),
        indication: filled(indication).map(|indication| (indication, sub.to_owned())),
        level: filled(level),
    }
}
