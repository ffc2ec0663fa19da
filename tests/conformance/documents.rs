//! Signed documents of EU DSS and of Ukrainian producers, by the library and by `vuzol verify`. Certificates and revocation data of the
//! Ukrainian corpus are checked row by row by `certs`, time-stamps and envelopes by `signing` (`ukrainian_corpus` in both), vectors and key
//! containers by `crypto`.
#![allow(clippy::print_stdout, reason = "what a test has found, and that it was skipped")]

use std::path::Path;

use tests::conformance::documents::{Judge, run};

use super::corpora;

/// Corpora, their rows, how many of them must agree (raised when more do, never lowered), and of how many of these another conclusion or
/// level is found. Two rows of `asic` name the level after the container's evidence record, where ours is the signature's; the third and those
/// of `xades` are in signing/DIVERGENCES.md.
const CORPORA: [(&str, usize, usize, usize); 6] = [
    ("cades", 51, 51, 0),
    ("ukrainian", 28, 28, 0),
    ("asic", 34, 34, 3),
    ("asic-estonia", 38, 38, 0),
    ("xroad-asic", 10, 10, 0),
    ("xades", 89, 89, 6),
];

fn verdicts_agree(judge: Judge<'_>) {
    let Some(folder) = corpora() else { return };
    for (corpus, rows, floor, remarks) in CORPORA {
        let outcome = run(&folder.join(corpus).join("expected.csv"), judge).unwrap();
        println!("{corpus}: {outcome}");
        assert_eq!((outcome.rows(), outcome.crashes()), (rows, Some(0)), "{corpus}");
        let agreed = rows - outcome.misses().len();
        assert!(agreed >= floor, "{agreed} rows of {corpus} agree, {floor} did before:\n{outcome}");
        assert!(outcome.remarks().len() <= remarks, "{outcome}");
    }
}

#[test]
fn verdicts_of_the_library_agree_with_the_corpora() {
    verdicts_agree(Judge::Library);
}

#[test]
fn verdicts_of_the_command_line_agree_with_the_corpora() {
    verdicts_agree(Judge::Command(Path::new(env!("CARGO_BIN_EXE_node"))));
}
