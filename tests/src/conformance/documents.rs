//! Signed documents: tables of files and of what must be found in them. Run by `signing` in this process, or by the command line.

pub mod command;
pub mod library;
pub mod row;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::{DOCUMENTS, Miss, Outcome};
use row::{Row, Verdict};

/// Formats that the product reads. Rows in others are misses, whatever they expect: to refuse all that one cannot read is not to agree.
const READ: &[&str] =
    &["CAdES", "ASiC-CAdES", "XAdES", "ASiC-XAdES", "ASiC-E-XAdES", "ASiC-S-XAdES", "OpenDocument", "unknown"];

/// Who judges.
#[derive(Debug, Clone, Copy)]
pub enum Judge<'a> {
    /// `signing`, in this process.
    Library,
    /// `vuzol verify --json` of this binary, a process a row.
    Command(&'a Path),
}

/// Runs every row of `table`; its files lie in `files` beside it. A panic is a crash, and a miss. A row agrees by the rules of the corpus'
/// README; where it states a conclusion or a level as well and another is found, that is a remark.
///
/// # Errors
/// Why the table or a file of it cannot be read, or the binary cannot be run.
pub fn run(table: &Path, judge: Judge<'_>) -> Result<Outcome, String> {
    let text = std::fs::read_to_string(table).map_err(|error| format!("{}: {error}", table.display()))?;
    let files = table.parent().unwrap_or(Path::new("")).join("files");
    let mut outcome = Outcome::new("documents", DOCUMENTS);
    let mut crashes = 0;
    for row in Row::table(&text)? {
        let verdict = verdict(&files, &row, judge)?;
        crashes += usize::from(matches!(verdict, Verdict::Crashed(_)));
        let unread = (!READ.contains(&row.format.as_str())).then(|| format!("{} is not read yet", row.format));
        let disagreement = row.disagreement(&verdict).or(unread);
        if row.states_more() && disagreement.is_none() {
            outcome.stated += 1;
            outcome.remarks.extend(row.remark(&verdict).map(|found| Miss { id: row.id(), found }));
        }
        outcome.count(&row.id(), disagreement);
    }
    outcome.crashes = Some(crashes);
    Ok(outcome)
}

fn verdict(files: &Path, row: &Row, judge: Judge<'_>) -> Result<Verdict, String> {
    match judge {
        // What a panic leaves half done is dropped with the row.
        Judge::Library => catch_unwind(AssertUnwindSafe(|| library::judge(files, row)))
            .unwrap_or_else(|panic| Ok(Verdict::Crashed(message(panic.as_ref())))),
        Judge::Command(binary) => command::judge(binary, files, row),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests;
