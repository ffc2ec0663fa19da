//! A process that keeps a log and nothing else: lanes that record, rounds that publish. It is what `tests/log_failures` kills, stops, starves of disk and injects
//! faults into; its words on stdout are the journal of what it acknowledged.
//!
//! ```text
//! acknowledged <event>          after the commit
//! refused <why>                 nothing was done
//! published <base64 of a note>  the checkpoint after a round
//! failed <why>                  a round failed, and is tried again
//! halted <why>                  no round will go through until a person has looked
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit::log::{CheckpointSigner, LogFailure, Signer};
use audit::signer::RemoteSigner;
use audit::{Action, EventDraft, Ledger, Log, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use crypto::key::SoftwareKey;
use crypto::merkle::{NoteSigner, NoteVerifier};
use storage::clock::SystemClock;
use storage::objects::Objects;
use storage::space::Bounds;
use storage::store::{StoreConfig, open};
use storage::{Clock, Space};

#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of `key` (PKCS#8 DER), `vuzol.db`, and what is named nowhere else.
    folder: PathBuf,
    #[arg(long)]
    database: Option<PathBuf>,
    #[arg(long)]
    objects: Option<PathBuf>,
    #[arg(long)]
    state: Option<PathBuf>,
    /// Socket of the process that signs, and the key with which it must.
    #[arg(long, num_args = 2)]
    signer: Option<Vec<String>>,
    /// Who records, each one event after the other.
    #[arg(long, default_value_t = 4)]
    lanes: usize,
    /// Events of each lane.
    #[arg(long, default_value_t = 20)]
    count: usize,
    /// Bytes of details of each event.
    #[arg(long, default_value_t = 20)]
    bytes: usize,
    /// Low-water mark and reserve in bytes: the disk is watched.
    #[arg(long, num_args = 2)]
    space: Option<Vec<u64>>,
    /// Ends after this many seconds, whatever is left.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

const ORIGIN: &str = "vuzol.test/log";

/// Tries of one event that is refused.
const TRIES: usize = 5;

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let last = Duration::from_secs(arguments.seconds.saturating_add(10));
    // Whatever a fault does to the runtime: nobody waits for this process for ever.
    std::thread::spawn(move || {
        std::thread::sleep(last);
        std::process::exit(4);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(keep(arguments))) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("halted {why}"));
            std::process::ExitCode::FAILURE
        }
    }
}

/// A journal that cannot be written is as good as a crash.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(3);
    }
}

async fn keep(arguments: Arguments) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let at = |chosen: &Option<PathBuf>, name: &str| chosen.clone().unwrap_or_else(|| arguments.folder.join(name));
    let (database, objects) = (at(&arguments.database, "vuzol.db"), at(&arguments.objects, "objects"));
    let key = std::fs::read(arguments.folder.join("key")).map_err(|e| text(&e))?;
    let signer = NoteSigner::new(ORIGIN, SoftwareKey::from_pkcs8_der(&key).map_err(|e| text(&e))?);
    let signer = signer.map_err(|e| text(&e))?;
    let folder = Objects::open_folder(&objects).map_err(|e| text(&e))?;
    let space = match arguments.space.as_deref() {
        Some([low_water, reserve]) => {
            let bounds = Bounds { low_water: *low_water, reserve: *reserve };
            Space::watch(&[database.parent().unwrap_or(&objects), &objects], bounds).map_err(|e| text(&e))?
        }
        _ => Space::unwatched(),
    };
    // After the disk is watched: where it is full the database cannot be opened before the reserve is given up.
    let (writer, reader) = open(&StoreConfig::new(database)).map_err(|e| text(&e))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let state = at(&arguments.state, "signer.state");
    let signer: Arc<dyn CheckpointSigner> = match arguments.signer.as_deref() {
        Some([socket, key]) => {
            let key = NoteVerifier::from_vkey(key).map_err(|e| text(&e))?;
            Arc::new(RemoteSigner::new(Path::new(socket), key))
        }
        _ => Arc::new(Signer::open(signer, &state).map_err(|e| text(&e))?),
    };
    let log = Log::signed_by(writer.clone(), reader.clone(), folder, Arc::clone(&clock), signer);
    let ledger = Ledger::on(writer, reader, clock, ORIGIN, space.clone());
    let working = Arc::new(AtomicU64::new(u64::try_from(arguments.lanes).unwrap_or(0)));
    for lane in 0..arguments.lanes {
        let (ledger, working, details) = (ledger.clone(), Arc::clone(&working), "x".repeat(arguments.bytes));
        tokio::spawn(async move {
            for n in 0..arguments.count {
                record(&ledger, lane, n, &details).await;
            }
            working.fetch_sub(1, Ordering::SeqCst);
        });
    }
    rounds(&log, &space, &working, Instant::now() + Duration::from_secs(arguments.seconds)).await
}

async fn record(ledger: &Ledger, lane: usize, n: usize, details: &str) {
    for _ in 0..TRIES {
        let draft = EventDraft {
            action: Action::SubmitDocument,
            actor: "participant:12345678".to_owned(),
            object: Some(format!("message:{lane}.{n}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "n": n, "details": details }),
        };
        match ledger.record(draft).await {
            Ok(event) => {
                say(&format!("acknowledged {event}"));
                return;
            }
            Err(error) => say(&format!("refused {error}")),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn rounds(log: &Log, space: &Space, working: &AtomicU64, end: Instant) -> Result<(), String> {
    let mut said = String::new();
    while Instant::now() < end {
        let (before, watched) = (working.load(Ordering::SeqCst), space.clone());
        let _ = tokio::task::spawn_blocking(move || watched.tend()).await;
        match log.round().await {
            Ok(_) => {
                let note = log.checkpoint().await.ok().flatten().unwrap_or_default();
                if note != said {
                    say(&format!("published {}", STANDARD.encode(&note)));
                    said = note;
                }
                if before == 0 && log.backlog().await.is_ok_and(|(rows, _)| rows == 0) {
                    return Ok(());
                }
            }
            Err(LogFailure::Store(error)) => {
                say(&format!("failed {error}"));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error @ (LogFailure::SignerState(_) | LogFailure::SignerAway(_) | LogFailure::Arithmetic(_))) => {
                say(&format!("failed {error}"));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(halt) => return Err(halt.to_string()),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
