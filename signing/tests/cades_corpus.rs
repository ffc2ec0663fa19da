//! Conformance: the CAdES corpus of the European reference implementation, row by row.
//!
//! `VUZOL_CORPORA` names the folder that holds `cades/` with `expected.csv` and `files/`; without it the test says that
//! it is skipped. How a row is judged stands once, beside the runner `conformance documents` of the crate `tests`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

#[path = "../../tests/src/conformance/documents/library.rs"]
#[allow(unreachable_pub, reason = "public where it lives")]
mod library;
#[path = "../../tests/src/conformance/documents/row.rs"]
#[allow(unreachable_pub, dead_code, reason = "public where it lives")]
mod row;

use std::path::PathBuf;

/// Rows of the corpus. All agree: in what is intact, and in conclusion and level where the row states them.
const ROWS: usize = 51;

#[test]
fn rows_agree() {
    let Some(folder) = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join("cades")) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let rows = row::Row::table(&std::fs::read_to_string(folder.join("expected.csv")).unwrap()).unwrap();
    let disagreement = |row: &row::Row| {
        let verdict = library::judge(&folder.join("files"), row).unwrap();
        let found = row.disagreement(&verdict).or_else(|| row.remark(&verdict))?;
        Some(format!("{}: {found}", row.id()))
    };
    let disagreements: Vec<String> = rows.iter().filter_map(disagreement).collect();
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
    assert_eq!(rows.len(), ROWS);
}
