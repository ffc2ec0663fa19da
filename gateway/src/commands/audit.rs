//! `vuzol audit`: is this log, or this part of it, whole and unchanged? What is in it, and who looked at whom? And: let it forget.

mod anchor;
mod erase;
mod export;
mod online;
mod prune;
mod search;
mod session;

use std::path::{Path, PathBuf};

use audit::verify::{
    Compared, Covers, Folder, Kept, Question, Source, Verified, Wrong, WrongRow, compare_rows, verify_from,
};
use clap::{Args, Subcommand};
use crypto::digest::hex;
use crypto::merkle::{LogError, NationalVerifier, NoteVerifier, Policy};
use indicatif::{ProgressBar, ProgressStyle};

use super::files::{read, unreadable};
use super::terminal::{Language, Terminal, printable};
use super::{Failure, exit};

/// The log of a node, with it and without.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a whole log: every entry, every tile, every checkpoint.
    Verify(Verify),
    /// Let a node's log forget its beginning, by a written policy.
    Prune(prune::Prune),
    /// Erase what a node's log holds about a person; the entries stay, and every proof.
    Erase(erase::Erase),
    /// Search the log of a running node.
    Search(search::Search),
    /// Tell who looked at what is a person's, and what for.
    WhoLooked(search::WhoLooked),
    /// Take a part of the log of a running node away.
    Export(export::Export),
    /// Make the index of a node's log again.
    Reindex(export::Reindex),
}

/// Checks a log that is given as a folder of static files (C2SP tlog-tiles), that a node serves, or a part of one in an archive, and names the first thing that is wrong.
///
/// Works offline but for --node, and needs no key of the node but the public one. Without checkpoints that somebody else kept, a log whose end was cut off before it was signed
/// anew cannot be told from a shorter one: give those that you hold with --checkpoint.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// The log: `checkpoint` and `tile/`, or the folder of a node's objects, which has them in `log/`.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["archive", "node"])]
    folder: Option<PathBuf>,
    /// A part of a log, as `vuzol audit export` wrote it.
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    node: online::Node,
    /// The log's key, as `vuzol admin log-key` prints it.
    #[arg(long, value_name = "VKEY", value_parser = log_key)]
    key: NoteVerifier,
    /// The key of the second signature line (DSTU 4145), which must then be there and hold.
    #[arg(long, value_name = "VKEY", value_parser = national_key)]
    national_key: Option<NationalVerifier>,
    /// Which witnesses must have cosigned the checkpoint: a file of C2SP tlog-policy.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A checkpoint of this log that somebody else kept; may be given several times.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The node's database: its rows are held against the log, and what lies beside the tree against what the entries commit to. A copy, or the file of a running
    /// node.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// The node's payload key: what is sealed beside the tree is opened with it, and held against what the entries commit to.
    #[arg(long, value_name = "FILE", requires = "database")]
    payload_key: Option<PathBuf>,
    /// The minimum index of a log that was pruned: entries before it are not there, and are not asked for.
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    minimum: u64,
    /// A folder of certificates of time-stamp authorities, and of what is known of their revocation (`.crl`, `.ocsp`): then each time-stamp must be
    /// theirs. Without it time-stamps are checked for what they are over, and whether the log names them.
    #[arg(long, value_name = "DIR")]
    timestamping: Option<PathBuf>,
    /// Print what was found as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match &arguments.command {
        Command::Verify(arguments) => match (&arguments.archive, &arguments.folder) {
            (Some(archive), _) => export::verify(arguments, archive, terminal),
            (None, Some(folder)) => verify_folder(arguments, folder, terminal),
            (None, None) => {
                // The command line asks for one of the three.
                let missing = || Failure::Unreadable("give --folder, --archive or --node".to_owned());
                let online = arguments.node.open(terminal)?.ok_or_else(missing)?;
                let checkpoint = online.checkpoint()?;
                run_verify(arguments, (checkpoint, Vec::new()), &online, terminal)
            }
        },
        Command::Search(arguments) => search::search(arguments, terminal),
        Command::WhoLooked(arguments) => search::who_looked(arguments, terminal),
        Command::Export(arguments) => export::export(arguments, terminal),
        Command::Reindex(arguments) => export::reindex(arguments, terminal),
        Command::Prune(arguments) => prune::run(arguments, terminal),
        Command::Erase(arguments) => erase::run(arguments, terminal),
    }
}

fn verify_folder(arguments: &Verify, folder: &Path, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let below = folder.join("log");
    let folder = if below.join("checkpoint").is_file() { below } else { folder.to_owned() };
    let checkpoint = read_checkpoint(&folder.join("checkpoint"))?;
    let tokens = anchor::read_all(&folder.join("anchors"))?;
    run_verify(arguments, (checkpoint, tokens), &Folder::new(&folder), terminal)
}

/// `tokens`: time-stamps that lie beside the log.
fn run_verify(
    arguments: &Verify,
    (checkpoint, tokens): (Kept, Vec<anchor::Token>),
    source: &dyn Source,
    terminal: &mut Terminal<'_>,
) -> Result<u8, Failure> {
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    for token in &tokens {
        if let Err(why) = token.check(arguments.timestamping.as_deref())? {
            let (name, language) = (token.name(), terminal.language());
            terminal.print(&if arguments.json {
                anchor::wrong_json(name, &why)
            } else {
                anchor::wrong(name, &why, language)
            });
            return Ok(exit::REFUSED);
        }
    }
    let question = Question {
        log: &arguments.key,
        national: arguments.national_key.as_ref(),
        policy: policy.as_ref(),
        checkpoint,
        kept: arguments.checkpoint.iter().map(|path| read_checkpoint(path)).collect::<Result<_, _>>()?,
        anchors: tokens.iter().map(anchor::Token::stamped).collect(),
    };
    let bar = bar();
    let verified = verify_from(source, &question, arguments.minimum, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let compared = match (&verified, &arguments.database) {
        (Ok(verified), Some(database)) => Some(rows(arguments, database, source, verified.checkpoint().size)?),
        _ => None,
    };
    if let Some(Err(wrong)) = &compared {
        terminal.print(&wrong_row(wrong, arguments.json, terminal.language()));
        return Ok(if matches!(wrong, WrongRow::Unreadable(_)) { exit::UNREADABLE } else { exit::REFUSED });
    }
    let compared = compared.and_then(Result::ok);
    let text = match (&verified, arguments.json) {
        (Ok(verified), true) => whole_json(verified, compared, &tokens),
        (Err(wrong), true) => wrong_json(wrong),
        (Ok(verified), false) => whole(verified, compared, &tokens, terminal.language()),
        (Err(wrong), false) => broken(wrong, terminal.language()),
    };
    terminal.print(&text);
    Ok(match verified {
        Ok(_) => exit::OK,
        Err(Wrong::Unreadable { .. }) => exit::UNREADABLE,
        Err(_) => exit::REFUSED,
    })
}

/// On stderr, where that is a terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40} {percent:>3} %  {human_pos} / {human_len}  {eta}") {
        bar.set_style(style);
    }
    bar
}

fn whole(verified: &Verified, compared: Option<Compared>, tokens: &[anchor::Token], language: Language) -> String {
    let checkpoint = verified.checkpoint();
    let (size, tiles, kept) = (checkpoint.size, verified.tiles(), verified.kept());
    let root = hex(&checkpoint.root);
    let mut text = format!("{}\n", checkpoint.origin);
    text.push_str(&match language {
        Language::English => {
            format!("WHOLE: {size} entries, {tiles} tiles, root {root}\nCheckpoints kept by others that fit: {kept}\n")
        }
        Language::Ukrainian => {
            format!(
                "ЦІЛИЙ: записів {size}, плиток {tiles}, корінь {root}\nКонтрольних точок інших, що сходяться: {kept}\n"
            )
        }
    });
    if let Some(Compared { rows, payloads }) = compared {
        text.push_str(&match language {
            Language::English => format!("Rows of the database that agree: {rows}, with what {payloads} commit to\n"),
            Language::Ukrainian => {
                format!("Рядків бази, що збігаються: {rows}, з них зі збереженими даними: {payloads}\n")
            }
        });
    }
    for (witness, seconds) in verified.cosignatures() {
        let witness = String::from_utf8_lossy(witness);
        let at = time::OffsetDateTime::from_unix_timestamp(i64::try_from(*seconds).unwrap_or(i64::MAX));
        let at = at.ok().and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok());
        let at = at.unwrap_or_else(|| seconds.to_string());
        text.push_str(&match language {
            Language::English => format!("Cosigned by {witness} at {at}\n"),
            Language::Ukrainian => format!("Співпідписано: {witness}, {at}\n"),
        });
    }
    text.push_str(&anchor::shown(verified.anchors(), tokens, language));
    printable(&text)
}

fn broken(wrong: &Wrong, language: Language) -> String {
    let code = wrong.code();
    printable(&match language {
        Language::English => format!("WRONG {code}: {wrong}\n"),
        Language::Ukrainian => format!("ПОМИЛКА {code}: {}\n", ukrainian(wrong)),
    })
}

fn ukrainian(wrong: &Wrong) -> String {
    let between = |covers: &Covers| format!("записи від {} до {}", covers.first, covers.last);
    match wrong {
        Wrong::Unreadable { path, error } => format!("не вдається прочитати {path}: {error}"),
        Wrong::Checkpoint { name, error } => format!("контрольна точка {name} не дійсна: {}", ukrainian_of(error)),
        Wrong::CutOff { size, name, kept } => {
            format!("журнал закінчується на {size} записах, а {name} засвідчує {kept}: кінець журналу відрізано")
        }
        Wrong::Forked { size, one, other } => {
            format!("{one} і {other} підписані над {size} записами з різними коренями: журнал роздвоєно")
        }
        Wrong::Missing { path, covers } => format!("немає {path}: {}", between(covers)),
        Wrong::Length { path, found, expected, covers } => {
            format!("{path} має {found} байтів замість {expected}: {}", between(covers))
        }
        Wrong::Bundle { path, index } => format!("{path} пошкоджено на записі {index}"),
        Wrong::Entry { index, path } => format!("запис {index} ({path}) не той, що був занесений під цим номером"),
        Wrong::Tile { path, position, covers } => {
            format!("{path} має хибний геш {position}: він не належить тому, що під ним, {}", between(covers))
        }
        Wrong::Entries { covers, path } => {
            format!("не те, що було занесено: {}; {path} має інший їхній геш", between(covers))
        }
        Wrong::Contradiction { path, position, covers } => {
            format!("{path}, геш {position}, суперечить тому, що під ним, {}; плитки змінено й деінде", between(covers))
        }
        Wrong::Form { index, fault } => {
            format!("запис {index} не є канонічним JSON (RFC 8785), починаючи з байта {}", fault.0)
        }
        Wrong::Root { size, name, agreed } => {
            format!("корінь дерева з {size} записів не той, що його підписано в {name}; доведено записи до {agreed}")
        }
        Wrong::Anchor { name, fault } => format!("позначка часу {name} {}", anchor::ukrainian(*fault)),
    }
}

fn ukrainian_of(error: &LogError) -> String {
    match error {
        LogError::Malformed(_) => "це не підписана контрольна точка".to_owned(),
        LogError::WrongOrigin => "вона належить іншому журналу".to_owned(),
        LogError::NoKnownSignature => "немає підпису відомого ключа".to_owned(),
        LogError::BadSignature => "підпис відомого ключа не перевіряється".to_owned(),
        LogError::NoQuorum { cosigned } => format!("свідків, що співпідписали: {cosigned}, а це не кворум"),
        LogError::ProofMismatch | LogError::KeyUnavailable | LogError::MissingTile { .. } | LogError::OutOfRange => {
            error.to_string()
        }
    }
}

/// Opens the database as a node would, and writes nothing.
fn rows(
    arguments: &Verify,
    database: &Path,
    source: &dyn Source,
    size: u64,
) -> Result<Result<Compared, WrongRow>, Failure> {
    let keys = crate::payload_key::payload_keys(arguments.payload_key.as_deref());
    let keys = keys.map_err(|error| Failure::Unreadable(error.to_string()))?;
    let (_, reader) = storage::store::open(&storage::store::StoreConfig::new(database.to_owned()))
        .map_err(|error| unreadable(database, error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| unreadable(database, error))?;
    Ok(runtime.block_on(compare_rows(&reader, source, keys.as_deref(), arguments.minimum, size)))
}

fn wrong_row(wrong: &WrongRow, json: bool, language: Language) -> String {
    let code = wrong.code();
    if json {
        let detail = wrong.to_string();
        let report =
            serde_json::json!({ "whole": false, "code": code, "first_entry": wrong.index(), "detail": detail });
        return format!("{report}\n");
    }
    printable(&match (language, wrong) {
        (Language::English, wrong) => format!("WRONG {code}: {wrong}\n"),
        (Language::Ukrainian, WrongRow::Unreadable(why)) => {
            format!("ПОМИЛКА {code}: рядки не вдається звірити: {why}\n")
        }
        (Language::Ukrainian, WrongRow::Missing(index)) => format!("ПОМИЛКА {code}: у базі немає рядка {index}\n"),
        (Language::Ukrainian, WrongRow::Differs(index)) => {
            format!("ПОМИЛКА {code}: рядок {index} у базі не той, що був занесений до журналу\n")
        }
        (Language::Ukrainian, WrongRow::Payload(index)) => {
            format!("ПОМИЛКА {code}: дані, за які відповідає рядок {index}, змінено\n")
        }
        (Language::Ukrainian, WrongRow::SetBack { next, size }) => {
            format!("ПОМИЛКА {code}: наступний номер {next}, а записів у журналі {size}\n")
        }
    })
}

fn whole_json(verified: &Verified, compared: Option<Compared>, tokens: &[anchor::Token]) -> String {
    let checkpoint = verified.checkpoint();
    let witness = |(name, seconds): &(Vec<u8>, u64)| serde_json::json!({ "witness": String::from_utf8_lossy(name), "time": seconds });
    let report = serde_json::json!({
        "whole": true,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": hex(&checkpoint.root),
        "tiles": verified.tiles(),
        "kept": verified.kept(),
        "rows": compared.map(|compared| compared.rows),
        "payloads": compared.map(|compared| compared.payloads),
        "anchors": anchor::shown_json(verified.anchors(), tokens),
        "cosignatures": verified.cosignatures().iter().map(witness).collect::<Vec<_>>(),
    });
    format!("{report}\n")
}

fn wrong_json(wrong: &Wrong) -> String {
    let index = match wrong {
        Wrong::Bundle { index, .. } | Wrong::Entry { index, .. } | Wrong::Form { index, .. } => Some(*index),
        Wrong::Missing { covers, .. }
        | Wrong::Length { covers, .. }
        | Wrong::Tile { covers, .. }
        | Wrong::Entries { covers, .. }
        | Wrong::Contradiction { covers, .. } => Some(covers.first),
        Wrong::Unreadable { .. }
        | Wrong::Checkpoint { .. }
        | Wrong::CutOff { .. }
        | Wrong::Forked { .. }
        | Wrong::Anchor { .. }
        | Wrong::Root { .. } => None,
    };
    let report =
        serde_json::json!({ "whole": false, "code": wrong.code(), "first_entry": index, "detail": wrong.to_string() });
    format!("{report}\n")
}

fn read_checkpoint(path: &Path) -> Result<Kept, Failure> {
    let note = String::from_utf8(read(path, NOTE_BYTES)?).map_err(|_| unreadable(path, "is not UTF-8"))?;
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    Ok(Kept { name: name.into_owned(), note })
}

fn read_policy(path: &Path) -> Result<Policy, Failure> {
    Policy::parse(&read(path, POLICY_BYTES)?).map_err(|error| unreadable(path, error))
}

fn log_key(text: &str) -> Result<NoteVerifier, String> {
    NoteVerifier::from_vkey(text).map_err(|error| error.to_string())
}

fn national_key(text: &str) -> Result<NationalVerifier, String> {
    NationalVerifier::from_vkey(text).map_err(|error| error.to_string())
}

/// Beyond what the readers of `crypto` take.
const NOTE_BYTES: u64 = 1 << 20;
const POLICY_BYTES: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  vuzol audit verify --folder /var/lib/vuzol/objects --key KEY
  vuzol audit verify --folder copy/ --key KEY --checkpoint march.note --policy witnesses.policy
  vuzol audit verify --folder objects/ --key KEY --database vuzol.sqlite
  vuzol audit prune --config vuzol.toml --older-than-days 1826 --policy retention.txt
  vuzol audit verify --archive november.zip --key KEY
  vuzol audit verify --node https://node:8443 --roots roots.pem --certificate me.pem --certificate-key me.key --key KEY
  vuzol audit who-looked 3184710691 --check --log-key KEY --portal https://office.example ...

Exit codes:
  0  the log is whole, and every checkpoint is a tree of it
  1  something is wrong: one line says what and where
  3  a file cannot be read (one line says why)";
