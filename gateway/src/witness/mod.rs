//! A witness as a service (`vuzol witness serve`): HTTP around the rules of [`audit::Witness`], and beside it mirrors of the logs that it cosigns.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `config` | `witness.toml`, every key and what breaks when it is wrong |
//! | `door` | the routes of C2SP tlog-witness, and of the mirrors |
//! | `mirroring` | the loop that brings a mirror to what was cosigned, and the way to the log |
//!
//! It is a process of its own, at another agency, and shares nothing with a node but this binary: no database, no configuration, no trust. What it must not lose
//! is its key and the folder of its memory, which must never be set back.

mod config;
mod door;
mod mirroring;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use audit::Witness;
use audit::mirror::Mirror;
use audit::witness::{Fork, WitnessFailure};
use crypto::digest::{hex, sha256};
use crypto::merkle::{Cosigner, NoteVerifier};
use storage::Clock;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::http::identity::Entrance;
use crate::http::server::{HANDSHAKES, Server};
use crate::http::tls;
use crate::wiring::{StartError, read_key};
use crate::workers::supervise;

pub use config::{MirrorConfig, WitnessFileConfig, WitnessedLogConfig};
use mirroring::{Mirroring, follow};

/// Connections at a time. A log has one or two.
const CONNECTIONS: u32 = 256;

/// Longest that a stop waits for requests under way.
const STOP: Duration = Duration::from_secs(20);

/// A running witness. Port 0 in the configuration picks a free port.
pub struct WitnessService {
    address: SocketAddr,
    key: String,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    _guard: DropGuard,
}

/// What the routes share.
pub(crate) struct House {
    witness: Arc<Witness>,
    clock: Arc<dyn Clock>,
    /// Questions that are with the disk at a time.
    places: Arc<Semaphore>,
    /// By the hash of the origin.
    mirrors: HashMap<String, Mirrored>,
}

/// A log with a mirror.
struct Mirrored {
    mirror: Arc<Mirror>,
    /// Something was cosigned.
    cosigned: Arc<Notify>,
}

impl WitnessService {
    /// Opens key and memory, binds, serves.
    ///
    /// # Errors
    /// [`StartError`] when a file, a key or the port cannot be used.
    pub async fn start(config: WitnessFileConfig, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        crate::telemetry::metrics();
        let cosigner = cosigner(&config)?;
        let key = cosigner.verifier().vkey();
        let logs = config.logs.iter().map(WitnessedLogConfig::verifier).collect::<Result<Vec<_>, _>>();
        let logs = logs.map_err(StartError)?;
        let witness = Witness::open(cosigner, logs, &config.memory);
        let witness = Arc::new(witness.map_err(|error| StartError(format!("memory: {error}")))?);
        let tls = config.tls.as_ref().map(tls::without_client_certificates).transpose().map_err(StartError)?;
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|e| StartError(format!("listen: cannot listen on {}: {e}", config.listen)))?;
        let address = listener.local_addr().map_err(|e| StartError(format!("listen: {e}")))?;

        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let mirrors = mirrors(&config, &witness, &tasks, &shutdown)?;
        let places = Arc::new(Semaphore::new(door::PLACES));
        let router = door::router(Arc::new(House { witness, clock, places, mirrors }));
        let server = Server {
            entrance: Entrance::Api,
            router,
            ahead: None,
            tls: tls.map(|config| Arc::new(ArcSwap::new(config))),
            connections: CONNECTIONS,
            handshakes: Arc::new(Semaphore::new(usize::try_from(HANDSHAKES).unwrap_or(usize::MAX))),
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(server.run(listener));
        tracing::info!(witness = config.name, %address, logs = config.logs.len(), "the witness runs");
        let _guard = shutdown.clone().drop_guard();
        Ok(Self { address, key, tasks, shutdown, _guard })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its verifier key.
    #[must_use]
    pub fn verifier_key(&self) -> &str {
        &self.key
    }

    /// Graceful: stops accepting, finishes requests (bounded), lets mirrors end the batch that they write.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP, self.tasks.wait()).await.is_err() {
            tracing::warn!("stopped before everything under way had ended");
        }
    }
}

/// The verifier key of a configuration, without starting.
///
/// # Errors
/// [`StartError`] when the key cannot be read.
pub fn verifier_key(config: &WitnessFileConfig) -> Result<String, StartError> {
    Ok(cosigner(config)?.verifier().vkey())
}

/// The forks that a witness has seen, each with the origin of its log, without starting.
///
/// # Errors
/// [`StartError`] when key or memory cannot be read.
pub fn forks(config: &WitnessFileConfig) -> Result<Vec<(String, Fork)>, StartError> {
    let logs = config.logs.iter().map(WitnessedLogConfig::verifier).collect::<Result<Vec<_>, _>>();
    let logs = logs.map_err(StartError)?;
    let origins: std::collections::BTreeSet<String> = logs.iter().map(|log| log.name().to_owned()).collect();
    let failed = |error: WitnessFailure| StartError(format!("memory: {error}"));
    let witness = Witness::open(cosigner(config)?, logs, &config.memory).map_err(failed)?;
    let mut found = Vec::new();
    for origin in origins {
        let forks = witness.forks(&origin).map_err(failed)?;
        found.extend(forks.into_iter().map(|fork| (origin.clone(), fork)));
    }
    Ok(found)
}

fn cosigner(config: &WitnessFileConfig) -> Result<Cosigner, StartError> {
    let key = read_key("key", &config.key)?;
    Cosigner::new(&config.name, key)
        .map_err(|e| StartError(format!("key {}: an Ed25519 key is needed: {e}", config.key.display())))
}

/// The mirrors, each with a task of its own that follows what is cosigned.
fn mirrors(
    config: &WitnessFileConfig,
    witness: &Arc<Witness>,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<HashMap<String, Mirrored>, StartError> {
    let mut mirrors = HashMap::new();
    let Some(folder) = config.mirror.as_ref().map(|mirror| &mirror.folder) else { return Ok(mirrors) };
    for log in config.logs.iter().filter(|log| log.monitor.is_some()) {
        let verifier: NoteVerifier = log.verifier().map_err(StartError)?;
        let hash = hex(&sha256(verifier.name().as_bytes()));
        let mirror = Mirror::open(folder, verifier).map_err(|error| StartError(format!("mirror.folder: {error}")))?;
        let mirrored = Mirrored { mirror: Arc::new(mirror), cosigned: Arc::new(Notify::new()) };
        let mirroring = Mirroring {
            mirror: mirrored.mirror.clone(),
            cosigned: mirrored.cosigned.clone(),
            witness: witness.clone(),
            hash: hash.clone(),
            distant: Arc::new(mirroring::Distant::new(log).map_err(StartError)?),
        };
        let (mirroring, stop) = (Arc::new(mirroring), shutdown.clone());
        supervise(tasks, shutdown, "mirror", move || follow(mirroring.clone(), stop.clone()));
        mirrors.insert(hash, mirrored);
    }
    Ok(mirrors)
}

#[cfg(test)]
mod tests;
