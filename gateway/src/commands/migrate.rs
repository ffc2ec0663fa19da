//! `vuzol migrate`: brings the database to the schema that this binary knows.

use std::io::Write;
use std::path::PathBuf;

use super::serve::finish;
use crate::config::Config;
use crate::telemetry::LogArguments;

/// Arguments of `vuzol migrate`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Arguments {
    /// The configuration; `gateway/vuzol.example.toml` explains every key.
    #[arg(long, env = "VUZOL_CONFIG", default_value = "vuzol.toml", value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    log: LogArguments,
}

/// Migrates; returns the exit code.
pub(super) fn run(arguments: Arguments) -> u8 {
    finish(migrate(&arguments), 0, 1)
}

fn migrate(arguments: &Arguments) -> Result<(), String> {
    arguments.log.start()?;
    let config = Config::load(&arguments.config).map_err(|e| e.0)?;
    let database = config.storage.database;
    if let Some(folder) = database.folder() {
        std::fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    }
    let version = storage::store::migrate(&database.store()).map_err(|e| format!("{database}: {e}"))?;
    writeln!(std::io::stdout(), "{database}: schema version {version}").map_err(|e| e.to_string())
}
