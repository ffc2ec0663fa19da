//! `vuzol audit erase`: erases what a node's log holds about a person, on the node's machine, by the user that the node runs as. Works beside a running node.

use std::path::PathBuf;
use std::sync::Arc;

use audit::payload::{Erased, ErasureError, Order, erase};
use clap::Args;
use storage::StoreError;
use storage::clock::SystemClock;

use crate::commands::terminal::{Language, Terminal, printable};
use crate::commands::{Failure, exit};
use crate::config::Config;
use crate::payload_key::payload_keys;
use crate::wiring;

/// Destroys the keys under which details about a person lie sealed beside the log. There is no way back, and no backup brings them back.
///
/// The entries stay, under the person's pseudonym, and so do all proofs. That they were erased, and on what ground, is in the log. Refused where a legal hold is on a
/// message or a case that they are about. Over the API of a node that runs it takes two security officers (`POST /v1/audit/erasures`); this takes the machine.
#[derive(Debug, Args)]
pub(super) struct Erase {
    /// The node's vuzol.toml; its `log.payload_key` is needed.
    #[arg(long, env = "VUZOL_CONFIG", default_value = "vuzol.toml", value_name = "FILE")]
    config: PathBuf,
    /// Of whom: the pseudonym in the entries, `person:...`.
    #[arg(long, value_name = "PSEUDONYM", value_parser = person)]
    subject: String,
    /// On what legal ground: it goes into the log with the event.
    #[arg(long, value_name = "TEXT", value_parser = basis)]
    basis: String,
}

fn person(text: &str) -> Result<String, String> {
    match text.strip_prefix("person:") {
        Some(rest) if !rest.is_empty() && text.len() <= 256 => Ok(text.to_owned()),
        _ => Err("must be person:...".to_owned()),
    }
}

fn basis(text: &str) -> Result<String, String> {
    let fits = (3..=1000).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("must be 3 to 1000 characters".to_owned()) }
}

pub(super) fn run(arguments: &Erase, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let config = Config::load(&arguments.config).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let start = |error: wiring::StartError| Failure::Unreadable(error.to_string());
    let keys = payload_keys(config.log.payload_key.as_deref()).map_err(start)?;
    let unnamed = || Failure::Unreadable(format!("{}: log.payload_key names no file", arguments.config.display()));
    let keys = keys.ok_or_else(unnamed)?;
    let ledger = wiring::ledger(&config, Arc::new(SystemClock)).map_err(start)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
    let held = exchange::retention::holds::held_among;
    let order = Order {
        subject: arguments.subject.clone(),
        basis: arguments.basis.clone(),
        actor: "node".to_owned(),
        how: serde_json::Map::new(),
    };
    let erased = runtime.block_on(erase(&ledger, &keys, order, held, |_| Ok(true)));
    terminal.print(&printable(&told(&erased.map_err(failed)?, terminal.language())));
    Ok(exit::OK)
}

fn told(erased: &Erased, language: Language) -> String {
    let Erased { seqs, keys, event } = erased;
    match language {
        Language::English => {
            format!("Erased: details of {} entries, {keys} keys. The event that says so: {event}\n", seqs.len())
        }
        Language::Ukrainian => {
            format!("Стерто дані записів: {}, ключів: {keys}. Подія, що про це свідчить: {event}\n", seqs.len())
        }
    }
}

fn failed(error: ErasureError) -> Failure {
    match error {
        ErasureError::Nothing | ErasureError::Held(_) | ErasureError::TooMany | ErasureError::Overtaken => {
            Failure::Refused(error.to_string())
        }
        ErasureError::NotNumbered | ErasureError::Store(StoreError::Overloaded) => {
            Failure::Unreachable(error.to_string())
        }
        ErasureError::Journal(_) | ErasureError::Store(_) => Failure::Unwritable(error.to_string()),
    }
}
