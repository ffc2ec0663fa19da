//! `vuzol worker`: delivery, the log and sweeping, without the public API.
//!
//! It has an operator port of its own: beside `vuzol serve` on one machine, give it another by
//! `VUZOL_LISTEN__OPERATOR`.

use std::path::PathBuf;

use super::serve::run_node;
use crate::telemetry::LogArguments;
use crate::wiring::Duties;

/// Arguments of `vuzol worker`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; `gateway/vuzol.example.toml` explains every key.
    #[arg(long, env = "VUZOL_CONFIG", default_value = "vuzol.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    log: LogArguments,
}

/// Runs until SIGTERM or SIGINT; returns the exit code.
pub(super) fn run(arguments: Arguments) -> u8 {
    run_node(&arguments.config, &arguments.log, Duties::Workers, false)
}
