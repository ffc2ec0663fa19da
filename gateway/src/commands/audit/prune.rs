//! `vuzol audit prune`: moves the minimum index of a node's log forward, on the node's machine, by the user that the node runs as. Works beside a running node.

use std::path::PathBuf;
use std::sync::Arc;

use audit::log::{LogFailure, set_minimum};
use audit::{Action, EventDraft, Outcome};
use clap::Args;
use crypto::digest::{hex, sha256};
use storage::clock::SystemClock;
use storage::{Clock, StoreError, TxError};
use time::Duration;

use crate::commands::files::read;
use crate::commands::terminal::{Language, Terminal};
use crate::commands::{Failure, exit};
use crate::config::Config;
use crate::wiring;

/// Takes away the oldest entries of a node's log, with their rows and what lies beside them. There is no way back; what is left is proven as before.
///
/// The deed is in the log, with the digest of the policy. Tell whoever verifies the log the minimum index (`vuzol audit verify --minimum`), and keep a copy
/// of the log elsewhere if the law wants what goes.
#[derive(Debug, Args)]
pub(super) struct Prune {
    /// The node's vuzol.toml.
    #[arg(long, env = "VUZOL_CONFIG", default_value = "vuzol.toml", value_name = "FILE")]
    config: PathBuf,
    /// What was recorded within so many days stays.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    older_than_days: u16,
    /// The written retention policy by which this is done: its SHA-256 goes into the log.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Only tell what would go.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &Prune, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let policy = read(&arguments.policy, POLICY_BYTES)?;
    let config = Config::load(&arguments.config).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (ledger, pruning, index) =
        wiring::pruning(&config, clock.clone()).map_err(|error| Failure::Unreadable(error.to_string()))?;
    runtime.block_on(async {
        let before = clock.now() - Duration::days(arguments.older_than_days.into());
        let (old, new) = (pruning.minimum().await.map_err(failed)?, pruning.reaches(before).await.map_err(failed)?);
        if !arguments.dry_run && new > old {
            let details = serde_json::json!({
                "minimum": new,
                "policy": hex(&sha256(&policy)),
                "older_than_days": arguments.older_than_days,
            });
            let (action, actor, object) = (Action::PruneLog, "node".to_owned(), Some(format!("log:{new}")));
            let event = ledger.prepare(EventDraft { action, actor, object, outcome: Outcome::Done, details });
            let moved = ledger.transact("prune_log", move |tx| Ok(set_minimum(tx, &event, new)?.with(())));
            moved.await.map_err(|error| match error {
                TxError::Refused(error) | TxError::Store(error) => failed(LogFailure::Store(error)),
            })?;
        }
        if !arguments.dry_run {
            // Also what an earlier run was kept from.
            while pruning.step().await.map_err(failed)? {}
            if new > old {
                // What was found by is to go too: the node makes the index again, of what is left.
                index.reindex(&ledger).await.map_err(|error| failed(LogFailure::Store(error)))?;
            }
        }
        terminal.print(&told(old, new, arguments.dry_run, terminal.language()));
        Ok(exit::OK)
    })
}

fn told(old: u64, new: u64, dry_run: bool, language: Language) -> String {
    let gone = new - old;
    match (language, dry_run) {
        (Language::English, true) => format!("{gone} entries would go; the minimum index would be {new}\n"),
        (Language::English, false) => format!("{gone} entries are gone; the minimum index is {new}\n"),
        (Language::Ukrainian, true) => format!("Буде вилучено записів: {gone}; найменший номер буде {new}\n"),
        (Language::Ukrainian, false) => format!("Вилучено записів: {gone}; найменший номер {new}\n"),
    }
}

fn failed(error: LogFailure) -> Failure {
    match error {
        LogFailure::Store(StoreError::Overloaded) => Failure::Unreachable("the database is busy: try again".to_owned()),
        error => Failure::Unwritable(error.to_string()),
    }
}

/// A policy is a few pages.
const POLICY_BYTES: u64 = 16 << 20;
