//! Ukrainian signatures: DSTU 4145 over GOST 34.311 and Kupyna, and ECDSA of the same authorities. A row agrees by the rules of the corpus'
//! README. Certificates and revocation data are checked row by row by `certs`, time-stamps and envelopes by `signing`
//! (`ukrainian_corpus` in both), vectors and key containers by `crypto`.

use std::path::PathBuf;

use schemas::report::SignedForm;

use super::cades::verify;
use super::table::parse;

/// Rows that must agree: all.
const ROWS: usize = 28;

#[test]
fn verdicts_agree_with_the_corpus() {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let folder = corpora.join("ukrainian");
    let rows = parse(&std::fs::read_to_string(folder.join("expected.csv")).expect("expected.csv"));
    let files = folder.join("files");
    let mut disagreements = Vec::new();
    for row in &rows {
        let verdict = verify(&files, row);
        if let Some(found) = verdict.disagreement(row) {
            disagreements
                .push(format!("{:<10} {} [{}]: {found}", row["expected"], row["file"], row["detached_content"]));
        }
        // Every document of the corpus is signed over its attributes in DER; the time-stamps in it are not.
        for signature in verdict.report.iter().flat_map(|report| &report.signatures) {
            assert_eq!(signature.signed_form, signature.intact.then_some(SignedForm::Der), "{}", row["file"]);
        }
    }
    let agreed = rows.len() - disagreements.len();
    println!("documents: {agreed} of {} agree", rows.len());
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert_eq!(rows.len(), ROWS);
}
