//! Parts of a node for commands, over its configuration, without starting it.

use std::sync::Arc;

use access::trust::Statements;
use audit::log::Pruning;
use audit::{Index, Ledger};
use storage::objects::Objects;
use storage::{Clock, Space};

use super::keys::{note_signer, remote_key};
use super::{StartError, open_database};
use crate::config::Config;
use crate::payload_key::payload_keys;

/// The log's verifier keys of a configuration, one a line, without starting (for `vuzol admin log-key`).
///
/// # Errors
/// [`StartError`] when the key cannot be read.
pub fn log_verifier_key(config: &Config) -> Result<String, StartError> {
    if let Some(signer) = &config.log.signer {
        return remote_key(signer).map(|key| key.vkey());
    }
    let signer = note_signer(config)?;
    let national = signer.national_verifier().map(|national| format!("\n{}", national.vkey()));
    Ok(signer.verifier().vkey() + &national.unwrap_or_default())
}

/// The statements of operators in the database of a configuration, without starting (for `vuzol admin trust forget`).
///
/// # Errors
/// [`StartError`] when the database cannot be opened.
pub(crate) fn statements(config: &Config, clock: Arc<dyn Clock>) -> Result<Statements, StartError> {
    ledger(config, clock).map(Statements::new)
}

/// The log of a configuration's database, to be written to without starting (for `vuzol keys`).
///
/// # Errors
/// [`StartError`] when the database cannot be opened.
pub(crate) fn ledger(config: &Config, clock: Arc<dyn Clock>) -> Result<Ledger, StartError> {
    let keys = payload_keys(config.log.payload_key.as_deref())?;
    let (writer, reader) = open_database(&config.storage.database, false)?;
    Ok(Ledger::sealing(writer, reader, clock, &config.node.name, Space::unwatched(), keys))
}

/// The log of a configuration, to be pruned without starting (for `vuzol audit prune`).
///
/// # Errors
/// [`StartError`] when the database or the folder cannot be opened.
pub(crate) fn pruning(config: &Config, clock: Arc<dyn Clock>) -> Result<(Ledger, Pruning, Index), StartError> {
    let (writer, reader) = open_database(&config.storage.database, false)?;
    let objects = Objects::open_folder(&config.storage.objects)
        .map_err(|e| StartError(format!("storage.objects {}: {e}", config.storage.objects.display())))?;
    let keys = payload_keys(config.log.payload_key.as_deref())?;
    let (name, space) = (&config.node.name, Space::unwatched());
    let index = Index::new(writer.clone(), reader.clone());
    let ledger = Ledger::sealing(writer.clone(), reader.clone(), clock, name, space, keys);
    Ok((ledger, Pruning::new(writer, reader, objects), index))
}

/// The index of a configuration's log, to be made again without starting (for `vuzol audit reindex`).
///
/// # Errors
/// [`StartError`] when the database cannot be opened.
pub(crate) fn index(config: &Config, clock: Arc<dyn Clock>) -> Result<(Index, Ledger), StartError> {
    let (writer, reader) = open_database(&config.storage.database, false)?;
    let keys = payload_keys(config.log.payload_key.as_deref())?;
    let index = Index::new(writer.clone(), reader.clone()).opening(keys.clone());
    Ok((index, Ledger::sealing(writer, reader, clock, &config.node.name, Space::unwatched(), keys)))
}
