//! `vuzol audit verify`: is this log whole and unchanged?

use std::path::{Path, PathBuf};

use audit::verify::{Covers, Folder, Kept, Question, Verified, Wrong, verify};
use clap::{Args, Subcommand};
use crypto::digest::hex;
use crypto::merkle::{LogError, NationalVerifier, NoteVerifier, Policy};
use indicatif::{ProgressBar, ProgressStyle};

use super::files::{read, unreadable};
use super::terminal::{Language, Terminal, printable};
use super::{Failure, exit};

mod anchor;

/// The log of a node, without the node.
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
}

/// Checks a log that is given as a folder of static files (C2SP tlog-tiles), and names the first thing that is wrong.
///
/// Works offline, and needs no key of the node but the public one. Without checkpoints that somebody else kept, a log whose end was cut off before it was signed
/// anew cannot be told from a shorter one: give those that you hold with --checkpoint.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Verify {
    /// The log: `checkpoint` and `tile/`, or the folder of a node's objects, which has them in `log/`.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
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
        Command::Verify(arguments) => run_verify(arguments, terminal),
    }
}

fn run_verify(arguments: &Verify, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let below = arguments.folder.join("log");
    let folder = if below.join("checkpoint").is_file() { below } else { arguments.folder.clone() };
    let policy = arguments.policy.as_deref().map(read_policy).transpose()?;
    let tokens = anchor::read_all(&folder.join("anchors"))?;
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
        checkpoint: read_checkpoint(&folder.join("checkpoint"))?,
        kept: arguments.checkpoint.iter().map(|path| read_checkpoint(path)).collect::<Result<_, _>>()?,
        anchors: tokens.iter().map(anchor::Token::stamped).collect(),
    };
    let bar = bar();
    let verified = verify(&Folder::new(&folder), &question, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let text = match (&verified, arguments.json) {
        (Ok(verified), true) => whole_json(verified, &tokens),
        (Err(wrong), true) => wrong_json(wrong),
        (Ok(verified), false) => whole(verified, &tokens, terminal.language()),
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

fn whole(verified: &Verified, tokens: &[anchor::Token], language: Language) -> String {
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
        LogError::ProofMismatch | LogError::MissingTile { .. } | LogError::OutOfRange => error.to_string(),
    }
}

fn whole_json(verified: &Verified, tokens: &[anchor::Token]) -> String {
    let checkpoint = verified.checkpoint();
    let witness = |(name, seconds): &(Vec<u8>, u64)| serde_json::json!({ "witness": String::from_utf8_lossy(name), "time": seconds });
    let report = serde_json::json!({
        "whole": true,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": hex(&checkpoint.root),
        "tiles": verified.tiles(),
        "kept": verified.kept(),
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

Exit codes:
  0  the log is whole, and every checkpoint is a tree of it
  1  something is wrong: one line says what and where
  3  a file cannot be read (one line says why)";
