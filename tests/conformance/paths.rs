//! Paths, policies and revocation lists: x509-limbo and NIST PKITS. Rows that do not agree stand in certs/DIVERGENCES.md.
#![allow(clippy::print_stdout, reason = "what a test has found, and that it was skipped")]

use tests::conformance::{Outcome, limbo, pkits};

use super::corpora;

fn assert_explained(outcome: &Outcome, least: usize) {
    println!("{outcome}");
    assert!(outcome.unexplained().is_empty(), "{:?}", outcome.unexplained());
    assert!(outcome.rows() >= least, "{} rows", outcome.rows());
}

#[test]
fn limbo_agrees_save_for_written_divergences() {
    let Some(folder) = corpora() else { return };
    assert_explained(&limbo::run(&folder.join("path-limbo/limbo.json")).unwrap(), 103);
}

#[test]
fn pkits_agrees_save_for_written_divergences() {
    let Some(folder) = corpora() else { return };
    assert_explained(&pkits::run(&folder.join("pkits")).unwrap(), 123);
}
