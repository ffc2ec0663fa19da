//! A row judged by the command line, a process of its own: `vuzol verify --json`.

use std::path::Path;
use std::process::Command;

use super::row::{Row, Verdict};

/// Judges the file of a row, whose paths are below `files`, by `binary`.
///
/// # Errors
/// Why the binary cannot be run.
pub fn judge(binary: &Path, files: &Path, row: &Row) -> Result<Verdict, String> {
    let mut command = Command::new(binary);
    command.args(["verify", "--json"]);
    for content in &row.detached {
        command.arg("--detached").arg(files.join(content));
    }
    let output = command.arg(files.join(&row.file)).output();
    let output = output.map_err(|error| format!("{}: {error}", binary.display()))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().next().unwrap_or_default();
    Ok(match (output.status.code(), serde_json::from_slice(&output.stdout)) {
        (Some(0..=2), Ok(report)) => Verdict::Report(report),
        (Some(3), _) => Verdict::Unreadable(complaint.to_owned()),
        // A panic is 101, a signal has no code; and whoever answers 0 to 2 has a report to show.
        (code, _) => Verdict::Crashed(format!("exit {code:?}: {complaint}")),
    })
}
