//! `vuzol evidence verify`: what does an exported case prove?

use std::path::PathBuf;

use clap::{Args, Subcommand};
use crypto::digest::DigestAlgorithm;
use crypto::merkle::NoteVerifier;
use exchange::export::check::{Checked, EXPORT_BYTES, Known, check};
use exchange::export::{Language, protocol};
use schemas::MessageId;
use storage::Clock;
use storage::clock::SystemClock;

use super::files::{digests, read, unreadable};
use super::terminal::Terminal;
use super::{Failure, exit, keys};

/// Evidence of what became of documents, without the node.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check an exported case: every signature, the order of the steps, the proofs of the log, the documents at hand.
    Verify(Verify),
}

/// Checks a case as `GET /v1/cases/{case}/export` gives it, and says in Ukrainian and in English what it proves.
///
/// Works offline. Believed are the certificates given with --node-certificate, and nothing in the container. Whether the
/// certificates of the people who signed are to be trusted is another question: ask `vuzol verify` of the container and of each acknowledgement.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// The node's certificate of evidence (PEM or DER); several where its key has changed.
    #[arg(long, value_name = "PEM", required = true)]
    node_certificate: Vec<PathBuf>,
    /// The key of the node's log, as `vuzol admin log-key` prints it. Without it the key is taken that the signed manifest names.
    #[arg(long, value_name = "VKEY", value_parser = log_key)]
    log_key: Option<String>,
    /// A file at hand, and which part it is: 0 the document, 1 its signature; as it was handed in or as it was sealed.
    #[arg(long, value_name = "NUMBER=FILE", value_parser = part)]
    part: Vec<(u8, PathBuf)>,
    /// Which message the files are of. Default: any of the case.
    #[arg(long, value_name = "ID")]
    message: Option<MessageId>,
    /// Print what was found as one JSON object.
    #[arg(long)]
    json: bool,
    /// The exported case.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match &arguments.command {
        Command::Verify(arguments) => verify(arguments, terminal),
    }
}

fn verify(arguments: &Verify, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let mut node = Vec::new();
    for path in &arguments.node_certificate {
        node.extend(keys::certificates(path)?);
    }
    let log = arguments.log_key.as_deref().and_then(|key| NoteVerifier::from_vkey(key).ok());
    let mut files = Vec::with_capacity(arguments.part.len());
    for (number, path) in &arguments.part {
        let digest =
            digests(path, &[DigestAlgorithm::Sha256])?.first().and_then(|digest| digest.as_bytes().try_into().ok());
        files.push((*number, digest.ok_or_else(|| unreadable(path, "has no digest"))?));
    }
    let container = read(&arguments.file, EXPORT_BYTES)?;
    let known =
        Known { node: &node, log: log.as_ref(), files: &files, message: arguments.message, now: SystemClock.now() };
    let checked = check(&container, &known).map_err(|error| unreadable(&arguments.file, error))?;
    let text = if arguments.json { json(&checked) } else { readable(&checked) };
    terminal.print(&text);
    Ok(exit_code(&checked, log.is_some()))
}

/// Refused where anything is wrong; undecided where the log was asked for and does not cover all of it yet.
fn exit_code(checked: &Checked, log_is_asked: bool) -> u8 {
    if !checked.findings.is_empty() {
        exit::REFUSED
    } else if log_is_asked && checked.logged < checked.statements.len() {
        exit::UNDECIDED
    } else {
        exit::OK
    }
}

fn readable(checked: &Checked) -> String {
    [Language::Ukrainian, Language::English].map(|language| in_one_language(checked, language)).join("\n")
}

/// The protocol of what verifies, then the verdict.
fn in_one_language(checked: &Checked, language: Language) -> String {
    let mut text = protocol::protocol(&checked.manifest, &checked.statements, language);
    text.push('\n');
    let mut line = |english: String, ukrainian: String| {
        text.push_str(match language {
            Language::English => &english,
            Language::Ukrainian => &ukrainian,
        });
        text.push('\n');
    };
    let pieces = checked.manifest.messages.iter().map(|message| message.evidence.len()).sum::<usize>();
    let (verified, logged) = (checked.statements.len(), checked.logged);
    line(
        format!("Evidence under the node's certificate: {verified} of {pieces}"),
        format!("Доказів під сертифікатом вузла: {verified} з {pieces}"),
    );
    line(
        format!("Events proven to be in the log: {logged} of {pieces}"),
        format!("Подій, доведених за журналом: {logged} з {pieces}"),
    );
    for matched in &checked.matched {
        let (message, part) = (matched.message, matched.part);
        let (as_sealed, sealed) = if matched.sealed { (" as sealed", " (запечатана)") } else { ("", "") };
        line(
            format!("The file is part {part}{as_sealed} of message {message}"),
            format!("Файл є частиною {part}{sealed} повідомлення {message}"),
        );
    }
    for finding in &checked.findings {
        let (code, about, words) = (finding.fault.code(), &finding.about, finding.fault.sentence(language));
        line(format!("WRONG {code}: {words}: {about}"), format!("ПОМИЛКА {code}: {words}: {about}"));
    }
    if checked.findings.is_empty() {
        line("PROVEN: all of the above".to_owned(), "ДОВЕДЕНО: усе зазначене вище".to_owned());
    } else {
        line("NOT PROVEN".to_owned(), "НЕ ДОВЕДЕНО".to_owned());
    }
    super::terminal::printable(&text)
}

fn json(checked: &Checked) -> String {
    let findings: Vec<_> = checked
        .findings
        .iter()
        .map(|finding| serde_json::json!({ "code": finding.fault.code(), "about": finding.about }))
        .collect();
    let matched: Vec<_> = checked
        .matched
        .iter()
        .map(|m| serde_json::json!({ "message_id": m.message, "part": m.part, "sealed": m.sealed }))
        .collect();
    let report = serde_json::json!({
        "case_id": checked.manifest.case_id,
        "node": checked.manifest.node,
        "proven": checked.findings.is_empty(),
        "evidence": checked.statements,
        "logged": checked.logged,
        "matched": matched,
        "findings": findings,
    });
    format!("{report}\n")
}

fn part(text: &str) -> Result<(u8, PathBuf), String> {
    let parsed = text.split_once('=').and_then(|(number, file)| Some((number.parse().ok()?, PathBuf::from(file))));
    parsed.ok_or_else(|| "not NUMBER=FILE, for example 0=letter.pdf".to_owned())
}

fn log_key(text: &str) -> Result<String, String> {
    NoteVerifier::from_vkey(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

const EXAMPLES: &str = "\
Examples:
  vuzol evidence verify case.asice --node-certificate node.pem
  vuzol evidence verify case.asice --node-certificate node.pem --log-key KEY --part 0=letter.pdf

Exit codes:
  0  everything that the evidence states is proven
  1  something is wrong; each line has a code
  2  nothing is wrong, but with --log-key: the log did not cover all of it when the export was made
  3  the file cannot be read (one line on stderr says why)";
