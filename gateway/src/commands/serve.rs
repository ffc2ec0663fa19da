//! `vuzol serve`: runs the node until it is told to stop.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use storage::clock::SystemClock;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::telemetry::LogArguments;
use crate::wiring::{Duties, Node};

/// Exit code of a node that ran and was stopped.
const STOPPED: u8 = 0;
/// Exit code of a node that could not start.
const NOT_STARTED: u8 = 1;

/// Arguments of `vuzol serve`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; `gateway/vuzol.example.toml` explains every key.
    #[arg(long, env = "VUZOL_CONFIG", default_value = "vuzol.toml", value_name = "FILE")]
    config: PathBuf,
    /// Only the public API: delivery and the log run in `vuzol worker`. Without one running, nothing is delivered.
    #[arg(long)]
    without_workers: bool,
    /// Create or migrate the database first. Without it an absent or older database is an error.
    #[arg(long)]
    migrate: bool,
    #[command(flatten)]
    log: LogArguments,
}

/// Runs until SIGTERM or SIGINT; returns the exit code.
pub(super) fn run(arguments: Arguments) -> u8 {
    let duties = if arguments.without_workers { Duties::Door } else { Duties::All };
    run_node(&arguments.config, &arguments.log, duties, arguments.migrate)
}

/// Runs a node with the duties until it is told to stop.
pub(super) fn run_node(config: &std::path::Path, log: &LogArguments, duties: Duties, migrate: bool) -> u8 {
    let outcome = log.start().and_then(|()| {
        let config = Config::load(config).map_err(|e| e.0)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(serve_until_told(config, duties, migrate))
    });
    finish(outcome, STOPPED, NOT_STARTED)
}

/// The exit code; a failure goes to standard error, since logging may not have started.
pub(super) fn finish(outcome: Result<(), String>, done: u8, failed: u8) -> u8 {
    match outcome {
        Ok(()) => done,
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "vuzol: {problem}");
            failed
        }
    }
}

async fn serve_until_told(config: Config, duties: Duties, migrate: bool) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    let node = Node::start(config, Arc::new(SystemClock), duties, migrate).await.map_err(|e| e.0)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    node.stop().await;
    Ok(())
}
