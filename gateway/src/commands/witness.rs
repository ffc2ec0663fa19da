//! `vuzol witness`: an agency vouches for the logs of others.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::Cosigner;
use storage::clock::SystemClock;
use tokio::signal::unix::{SignalKind, signal};

use super::files::{Existing, NewFile, Readers};
use super::serve::finish;
use super::terminal::Terminal;
use super::{Failure, exit};
use crate::telemetry::LogArguments;
use crate::witness::{WitnessFileConfig, WitnessService, verifier_key};

/// Exit code of a witness that could not start.
const NOT_STARTED: u8 = 1;

/// Cosign the logs of others (C2SP tlog-witness), and keep copies of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol witness create-key --name witness.agency.example --output witness.key    once; prints what nodes are told
  vuzol witness serve --config witness.toml
  vuzol audit verify --folder mirror/HASH --key LOGKEY                           the copy of a log, when its node is gone

gateway/witness.example.toml explains every key of the configuration.")]
pub(super) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run the witness.
    Serve {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        log: LogArguments,
    },
    /// Make the key of a witness, and print its verifier key.
    CreateKey {
        /// Name of the witness: an address without a scheme. It stands in the verifier key and in the configuration.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Where the private key goes: PKCS#8 PEM, readable by its owner alone.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Print the verifier key, for `log.witnesses` of nodes and policies of auditors.
    ShowKey {
        #[command(flatten)]
        place: Place,
    },
    /// Print the forks that were seen, as JSON, one a line: two notes of one size that a log signed. Ends with 1 where there are any.
    Forks {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// The configuration of the witness.
    #[arg(long, default_value = "witness.toml", value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match &arguments.task {
        Task::Serve { place, log } => Ok(serve(&place.config, log)),
        Task::CreateKey { name, output } => create_key(name, output, terminal),
        Task::ShowKey { place } => show_key(&place.config, terminal),
        Task::Forks { place } => forks(&place.config, terminal),
    }
}

fn serve(config: &Path, log: &LogArguments) -> u8 {
    let outcome = log.start().and_then(|()| {
        let config = WitnessFileConfig::load(config).map_err(|e| e.0)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(serve_until_told(config))
    });
    finish(outcome, exit::OK, NOT_STARTED)
}

async fn serve_until_told(config: WitnessFileConfig) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let service = WitnessService::start(config, Arc::new(SystemClock)).await.map_err(|e| e.0)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    service.stop().await;
    Ok(())
}

fn create_key(name: &str, output: &Path, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let unmade = |error: &dyn std::fmt::Display| Failure::Refused(format!("no key: {error}"));
    let key = SoftwareKey::generate(KeyKind::Ed25519).map_err(|error| unmade(&error))?;
    let pem = key.to_pkcs8_pem().map_err(|error| unmade(&error))?;
    let cosigner = Cosigner::new(name, key).map_err(|error| unmade(&error))?;
    let mut file = NewFile::create(output, Existing::Keep, Readers::Owner)?;
    file.write(pem.as_bytes())?;
    file.commit()?;
    terminal.print(&format!("{}\n", cosigner.verifier().vkey()));
    terminal.note("This key is of one witness alone. Whoever else has it cosigns in its name.");
    Ok(exit::OK)
}

fn show_key(config: &Path, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let config = WitnessFileConfig::load(config).map_err(|error| Failure::Unreadable(error.0))?;
    let key = verifier_key(&config).map_err(|error| Failure::Unreadable(error.0))?;
    terminal.print(&format!("{key}\n"));
    Ok(exit::OK)
}

fn forks(config: &Path, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let config = WitnessFileConfig::load(config).map_err(|error| Failure::Unreadable(error.0))?;
    let found = crate::witness::forks(&config).map_err(|error| Failure::Unreadable(error.0))?;
    for (origin, fork) in &found {
        let line = serde_json::json!({ "origin": origin, "known": fork.known, "other": fork.other });
        terminal.print(&format!("{line}\n"));
    }
    Ok(if found.is_empty() { exit::OK } else { exit::REFUSED })
}
