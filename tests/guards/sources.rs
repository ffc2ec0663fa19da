//! What no source file may say.

use std::path::{Path, PathBuf};

use super::{crates, root};

/// Macros that stand for work that is not done.
const UNDONE: &[&str] = &["todo", "unimplemented"];

/// Names by which a transaction could commit without its audit row.
const UNAUDITED: &[&str] = &["Writer", "run_tx", "run_alone"];

/// The crates that can reach storage. (Elsewhere a `Writer` writes something else.)
const REACHES_STORAGE: &str = "gateway/";

/// Where those names may stand: in storage, which has them; in audit, whose ledger is built on them; and where the gateway
/// joins the rooms.
const MAY_WRITE: &[&str] = &["gateway/storage/", "gateway/audit/", "gateway/src/wiring.rs"];

/// The exchange is given the writer for jobs, which is bookkeeping without an audit row: it names it where it is handed
/// over, and runs these transactions on it: a job whose message is gone is closed, a notice is leased, given back or ended
/// without a step of its message, the day on which a message is looked at again moves on, and an upload that is not what was
/// stated begins anew.
const JOBS_ONLY: &[(&str, &str)] = &[
    ("gateway/exchange/src/service.rs", "jobs: Writer"),
    ("gateway/exchange/src/service.rs", "use storage::"),
    ("gateway/exchange/src/delivery.rs", "self.inner.jobs.run_tx(\"close_job\", move |tx| jobs::complete(tx, &job))"),
    (
        "gateway/exchange/src/relay/outgoing.rs",
        "self.inner.jobs.run_tx(\"close_job\", move |tx| jobs::complete(tx, &job))",
    ),
    (
        "gateway/exchange/src/relay/report.rs",
        "self.inner.jobs.run_tx(\"close_job\", move |tx| jobs::complete(tx, &job))",
    ),
    ("gateway/exchange/src/upload/range.rs", "self.inner.jobs.run_tx(\"reset_part\", move |tx| tables::reset_part("),
    ("gateway/exchange/src/notices/courier.rs", "inner.jobs.run_tx(\"claim_notices\", claim)"),
    ("gateway/exchange/src/notices/courier.rs", "self.inner.jobs.run_tx(\"release_notice\", "),
    ("gateway/exchange/src/notices/courier.rs", "self.inner.jobs.run_tx(\"end_notice\", close)"),
    ("gateway/exchange/src/hold.rs", "self.inner.jobs.run_tx(\"end_look\", move |tx| jobs::complete(tx, &job))"),
    ("gateway/exchange/src/hold.rs", "self.inner.jobs.run_tx(\"rewrap_held\", move |tx| tables::rewrap_held("),
    ("gateway/exchange/src/timers.rs", "self.inner.jobs.run_tx(\"look_again\", move |tx| tables::look_again("),
];

/// The identifiers of a line of code, comments left out.
fn identifiers(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

fn calls_macro(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        code[at + name.len()..].starts_with('!') && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Tests that are modules of a crate stand in files of their own, by the rule of the house; they may break what they test.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/")
}

/// What is wrong with one file.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let may_write =
        is_test(path) || !path.starts_with(REACHES_STORAGE) || MAY_WRITE.iter().any(|prefix| path.starts_with(prefix));
    for (number, line) in (1..).zip(text.lines()) {
        for name in UNDONE.iter().filter(|name| calls_macro(line, name)) {
            found.push(format!("{path}:{number}: {name}! is not done"));
        }
        for word in identifiers(line).filter(|word| UNAUDITED.contains(word)) {
            let for_jobs = JOBS_ONLY.iter().any(|(file, words)| *file == path && line.contains(words));
            if !may_write && !for_jobs {
                found.push(format!("{path}:{number}: {word} could commit a deed without its record"));
            }
        }
    }
    found
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn nothing_is_left_undone_and_nobody_writes_past_the_ledger() {
    let mut files = Vec::new();
    for (_, folder) in crates() {
        rust_files(&root().join(folder).join("src"), &mut files);
    }
    assert!(files.len() > 40, "only {} files were found", files.len());
    let found: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let path = file.strip_prefix(root()).expect("a file of the workspace").to_string_lossy().into_owned();
            faults(&path, &std::fs::read_to_string(file).expect("a source file"))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn planted_faults_are_found() {
    for (path, line) in [
        ("crypto/src/a.rs", "fn f() { todo!() }"),
        ("gateway/src/http/a.rs", "    unimplemented!(\"later\")"),
        ("gateway/access/src/a.rs", "use storage::{Reader, Writer};"),
        ("gateway/exchange/src/intake.rs", "self.jobs.run_tx(\"x\", |tx| Ok(()))"),
        ("gateway/exchange/src/delivery.rs", "self.jobs.run_tx(\"x\", |tx| Ok(()))"),
        ("gateway/exchange/src/mailbox.rs", "fn f(writer: &storage::Writer) {}"),
    ] {
        assert_eq!(faults(path, line).len(), 1, "{path}: {line}");
    }
    for (path, line) in [
        ("crypto/src/a.rs", "// todo!() is what a skeleton says"),
        ("gateway/src/wiring_tests.rs", "writer.run_tx(\"test\", |tx| Ok(()))"),
        ("signing/src/asn1/writer.rs", "pub(crate) struct Writer {}"),
        ("gateway/audit/src/ledger.rs", "self.writer.run_tx(name, f)"),
        ("gateway/exchange/src/service.rs", "pub jobs: Writer,"),
        ("gateway/src/commands/a.rs", "let mut out = BufWriter::new(file);"),
    ] {
        assert_eq!(faults(path, line), Vec::<String>::new(), "{path}: {line}");
    }
}
