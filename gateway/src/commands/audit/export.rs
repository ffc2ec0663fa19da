//! `vuzol audit export`, `verify --archive` and `reindex`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::archive::{Archive, Broken, Checked, Fault, check};
use audit::verify::{Kept, Question};
use clap::Args;
use crypto::digest::hex;
use schemas::audit::AuditExport;
use storage::clock::SystemClock;

use super::session::Session;
use super::{Verify, bar, read_checkpoint, read_policy};
use crate::client::PortalClient;
use crate::commands::admin::of_client;
use crate::commands::files::{Existing, NewFile, Readers};
use crate::commands::terminal::{Language, Terminal, printable};
use crate::commands::{Failure, exit};
use crate::config::Config;

/// Takes a part of the log of a running node away, as one archive that anybody checks without the node. Is an entry of the log.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol audit export --first 120000 --end 130000 --details --output november.zip --portal https://office.example ...
  vuzol audit verify --archive november.zip --key KEY")]
pub(super) struct Export {
    /// The first entry.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    first: u64,
    /// The entry before which it ends. Absent: the end of the log.
    #[arg(long, value_name = "NUMBER")]
    end: Option<u64>,
    /// With what the entries commit to.
    #[arg(long)]
    details: bool,
    /// Where to write it.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the output where it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    session: Session,
}

/// Drops the index by which the log is searched, and makes it again from the log. On record. A node may run meanwhile: then it does the work.
#[derive(Debug, Args)]
pub(super) struct Reindex {
    /// The node's vuzol.toml.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn export(arguments: &Export, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    // Details are nobody else's to read.
    let mut output = NewFile::create(&arguments.output, existing, Readers::Owner)?;
    let asked = AuditExport { first: arguments.first, end: arguments.end, details: arguments.details };
    let into = &mut output;
    let written = |portal: Arc<PortalClient>| async move {
        let consume = |piece: &[u8]| into.write(piece);
        portal.export_audit(&asked, consume).await.map_err(of_client)
    };
    arguments.session.run(terminal, written)?;
    output.commit()?;
    Ok(exit::OK)
}

pub(super) fn verify(arguments: &Verify, archive: &Path, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::Unreadable(format!("{}: {error}", archive.display()));
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    let question = Question {
        log: &arguments.key,
        national: arguments.national_key.as_ref(),
        policy: policy.as_ref(),
        checkpoint: Kept { name: String::new(), note: String::new() },
        kept: arguments.checkpoint.iter().map(|path| read_checkpoint(path)).collect::<Result<_, _>>()?,
        anchors: Vec::new(),
    };
    let file = File::open(archive).map_err(|error| unreadable(&error))?;
    let bar = bar();
    let mut progress = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let checked = Archive::open(file).map_err(Fault::from).and_then(|archive| {
        let range = (archive.manifest().first, archive.manifest().end);
        check(&archive, &question, &mut progress, &mut |_| ()).map(|checked| (checked, range))
    });
    bar.finish_and_clear();
    if let Err(Fault::Broken(Broken::Unreadable(error))) = &checked {
        return Err(unreadable(error));
    }
    let language = terminal.language();
    terminal.print(&match (&checked, arguments.json) {
        (Ok((checked, range)), true) => json_of(checked, *range),
        (Ok((checked, range)), false) => whole(checked, *range, language),
        (Err(fault), true) => {
            let report = serde_json::json!({
                "whole": false, "code": fault.code(), "first_entry": fault.entry(), "detail": fault.to_string(),
            });
            format!("{report}\n")
        }
        (Err(fault), false) => printable(&broken(fault, language)),
    });
    Ok(if checked.is_ok() { exit::OK } else { exit::REFUSED })
}

fn whole(checked: &Checked, (first, end): (u64, u64), language: Language) -> String {
    let checkpoint = checked.checkpoint();
    let (origin, size, root) = (&checkpoint.origin, checkpoint.size, hex(&checkpoint.root));
    let (opened, missing) = (checked.opened(), checked.missing());
    printable(&match language {
        Language::English => format!(
            "{origin}\nWHOLE: entries {first} to before {end} of {size}, root {root}\n\
             Details: {opened} right, {missing} not there (erased, or not given)\n"
        ),
        Language::Ukrainian => format!(
            "{origin}\nЦІЛИЙ: записи від {first} до {end} (без нього) з {size}, корінь {root}\n\
             Подробиці: правильних {opened}, відсутніх {missing} (вилучені або не надані)\n"
        ),
    })
}

fn json_of(checked: &Checked, (first, end): (u64, u64)) -> String {
    let checkpoint = checked.checkpoint();
    let witness = |(name, seconds): &(Vec<u8>, u64)| serde_json::json!({ "witness": String::from_utf8_lossy(name), "time": seconds });
    let report = serde_json::json!({
        "whole": true, "origin": checkpoint.origin, "size": checkpoint.size, "root": hex(&checkpoint.root),
        "first": first, "end": end, "details": checked.opened(), "details_missing": checked.missing(),
        "cosignatures": checked.cosignatures().iter().map(witness).collect::<Vec<_>>(),
    });
    format!("{report}\n")
}

fn broken(fault: &Fault, language: Language) -> String {
    let code = fault.code();
    match (language, fault) {
        (Language::English, _) => format!("WRONG {code}: {fault}\n"),
        (Language::Ukrainian, _) => {
            let what = match fault {
                Fault::Broken(_) => format!("архів пошкоджено: {fault}"),
                Fault::Checkpoint { error, .. } => format!("контрольна точка не дійсна: {error}"),
                Fault::Manifest => "опис архіву не відповідає контрольній точці".to_owned(),
                Fault::Edge => "плитки на правому краю не ведуть до підписаного кореня".to_owned(),
                Fault::Tile(path) => format!("{path} не та плитка, до якої веде контрольна точка"),
                Fault::Entry(seq) => format!("запис {seq} не той, що був занесений під цим номером"),
                Fault::Form(seq) => format!("запис {seq} не є канонічним JSON (RFC 8785)"),
                Fault::Details(seq) => format!("подробиці запису {seq} не ті, які він засвідчує"),
                Fault::Line { name, line } => format!("{name}, рядок {line}, непридатний"),
            };
            format!("ПОМИЛКА {code}: {what}\n")
        }
    }
}

pub(super) fn reindex(arguments: &Reindex, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let config = Config::load(&arguments.config).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let clock = Arc::new(SystemClock);
    let opened = crate::wiring::index(&config, clock).map_err(|error| Failure::Unreadable(error.to_string()));
    let (index, ledger) = opened?;
    let failed = |error: storage::StoreError| Failure::Unwritable(error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Unwritable(error.to_string()))?;
    let bar = bar();
    let done = runtime.block_on(async {
        index.reindex(&ledger).await?;
        while index.round().await? {
            let (indexed, numbered) = index.progress().await?;
            bar.set_length(numbered);
            bar.set_position(indexed);
        }
        index.progress().await
    });
    bar.finish_and_clear();
    let (indexed, _) = done.map_err(failed)?;
    terminal.note(&format!("{indexed} entries are indexed"));
    Ok(exit::OK)
}

/// A file that is there for this process alone, and gone with it.
pub(super) fn unnamed_file() -> Result<File, Failure> {
    let failed = |error: std::io::Error| Failure::Unwritable(format!("a temporary file: {error}"));
    let name = format!("vuzol-{}", hex(&crypto::random::array::<16>()));
    let path = std::env::temp_dir().join(name);
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(failed)?;
    fs::remove_file(&path).map_err(failed)?;
    Ok(file)
}
