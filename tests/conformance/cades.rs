//! CAdES and CMS: the test files of EU DSS. A row agrees by the rules of the corpus' README.

use std::path::{Path, PathBuf};
use std::process::Command;

use schemas::report::Report;

use super::table::{Row, parse};

/// Rows that must agree. Raised when more do; never lowered.
const FLOOR: usize = 51;

/// What `vuzol verify` said of a row.
pub(crate) struct Verdict {
    pub(crate) exit: Option<i32>,
    pub(crate) report: Option<Report>,
}

pub(crate) fn verify(files: &Path, row: &Row) -> Verdict {
    let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
    command.args(["verify", "--json"]);
    for content in row["detached_content"].split(';').filter(|name| !name.is_empty()) {
        command.arg("--detached").arg(files.join(content));
    }
    let output = command.arg(files.join(&row["file"])).output().expect("the verifier runs");
    Verdict { exit: output.status.code(), report: serde_json::from_slice(&output.stdout).ok() }
}

impl Verdict {
    /// Why the verdict disagrees with the row, if it does.
    pub(crate) fn disagreement(&self, row: &Row) -> Option<String> {
        let broken = self.report.as_ref().is_some_and(|report| report.signatures.iter().any(|s| !s.intact));
        let unreadable = self.exit == Some(3);
        let agrees = match row["expected"].as_str() {
            "intact" => self.report.as_ref().is_some_and(|report| {
                let expected = row["expected_signatures"].parse().unwrap_or(report.signatures.len());
                !report.signatures.is_empty() && !broken && report.signatures.len() == expected
            }),
            "broken" => broken || unreadable,
            "unreadable" => unreadable,
            other => panic!("the corpus expects {other:?}"),
        };
        // 101 is a panic of the process: a failure whatever the row says.
        let sound = self.exit.is_some_and(|code| code <= 3);
        (!agrees || !sound).then(|| self.summary())
    }

    fn summary(&self) -> String {
        let Some(report) = &self.report else { return format!("exit {:?}, no report", self.exit) };
        let of = |s: &schemas::report::SignatureReport| {
            let codes: Vec<&str> = s.reasons.iter().map(|reason| reason.code.as_str()).collect();
            format!("{}{}", if s.intact { "intact " } else { "broken " }, codes.join("+"))
        };
        format!(
            "{} signatures: {}",
            report.signatures.len(),
            report.signatures.iter().map(of).collect::<Vec<_>>().join(", ")
        )
    }
}

#[test]
fn verdicts_agree_with_the_corpus() {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let folder = corpora.join("cades");
    let rows = parse(&std::fs::read_to_string(folder.join("expected.csv")).expect("expected.csv"));
    let files = folder.join("files");
    let mut disagreements = Vec::new();
    for row in &rows {
        if let Some(found) = verify(&files, row).disagreement(row) {
            disagreements
                .push(format!("{:<10} {} [{}]: {found}", row["expected"], row["file"], row["detached_content"]));
        }
    }
    let agreed = rows.len() - disagreements.len();
    println!("cades: {agreed} of {} rows agree\n{}", rows.len(), disagreements.join("\n"));
    assert!(agreed >= FLOOR, "{agreed} rows agree, {FLOOR} did before:\n{}", disagreements.join("\n"));
}
