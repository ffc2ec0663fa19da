//! The log itself: numbers, tiles, checkpoints, proofs.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `sequencer` | gives every committed row its number |
//! | `integrator` | grows the tree: stage, sign, commit, write tiles, publish; recovery is the same path |
//! | `stage` | the durable bundle between signing and the last tile |
//! | `signer` | signs checkpoints, and refuses to contradict itself whatever the database says; in a process of its own: [`crate::signer`] |
//! | `tiles` | tiles and entry bundles by path, and the tree arithmetic's view of them |
//! | `proofs` | an event's inclusion under the published checkpoint |
//! | `pruning` | retention: the minimum index, and what goes below it |
//! | `heads` | what others vouch for: the witnessed head, time-stamps |
//!
//! What is trusted: the signer's state file, which must never be rolled back, and the key. The database and the folder of
//! objects are not: a restored, truncated or edited one makes the signer refuse or a proof fail.
//!
//! Order: an index tells in which order the sequencer saw events. Within a batch that is the order of commits of one
//! process; between processes it is not. For the order of causes, use the counters of each start in the entries.

pub(crate) mod heads;
mod integrator;
mod proofs;
mod pruning;
mod sequencer;
mod signer;
mod stage;
pub(crate) mod state;
pub(crate) mod tiles;

use crypto::merkle::{LogError, NoteSigner, NoteVerifier};
pub use heads::Vouched;
use integrator::Integrator;
pub use pruning::{Pruning, set_minimum};
use schemas::EventId;
pub use signer::{CheckpointSigner, Signer, Signing, Wanted};
use state::LogState;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use storage::objects::Objects;
use storage::{Clock, Reader, StoreError, Writer};
use tiles::Tiles;

/// Why the log cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LogFailure {
    /// The database or the folder of objects failed. The next round tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signer would have to contradict what it signed before (restored backup, second log, edited rows): it refuses,
    /// and no round runs until an operator has looked.
    #[error("refusing to sign a tree that contradicts the last signed one")]
    Inconsistent,
    /// The signer's state file is absent although the log is not, damaged, another log's, or was set back.
    #[error("the signer's state file {0}")]
    SignerState(String),
    /// The signer is a process of its own and does not answer, or the disk of its memory fails. The next round asks again; until then rows are numbered and wait.
    #[error("the signer does not answer: {0}")]
    SignerAway(String),
    /// An immutable object is there with other bytes: somebody changed it. No round runs until an operator has looked.
    #[error("tile {0} differs from what is stored")]
    TileDiffers(String),
    /// What is stored does not add up to what was signed.
    #[error(transparent)]
    Arithmetic(#[from] LogError),
}

/// The log. Cheap to clone; one in each process, and any number of processes.
#[derive(Clone)]
pub struct Log {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    writer: Writer,
    pub(crate) reader: Reader,
    clock: Arc<dyn Clock>,
    pub(crate) tiles: Tiles,
    verifier: NoteVerifier,
    /// One round at a time in this process; between processes the database decides.
    integrator: tokio::sync::Mutex<Integrator>,
    halted: Mutex<Option<Halt>>,
}

/// A failure that no repetition heals.
#[derive(Clone)]
enum Halt {
    Inconsistent,
    TileDiffers(String),
}

impl Log {
    /// `signer_state`: a file outside the database and its backups, with the last signed size and root. It is made on the
    /// first start; when it is lost, an operator restores it as the three lines of the latest checkpoint that anybody
    /// outside holds.
    ///
    /// # Errors
    /// [`LogFailure::SignerState`] where the state file is damaged or belongs to another log.
    pub fn open(
        writer: Writer,
        reader: Reader,
        objects: Objects,
        clock: Arc<dyn Clock>,
        signer: NoteSigner,
        signer_state: &Path,
    ) -> Result<Self, LogFailure> {
        let signer = Arc::new(Signer::open(signer, signer_state)?);
        Ok(Self::signed_by(writer, reader, objects, clock, signer))
    }

    /// The log of a signer that may be anywhere. It need not answer yet.
    #[must_use]
    pub fn signed_by(
        writer: Writer,
        reader: Reader,
        objects: Objects,
        clock: Arc<dyn Clock>,
        signer: Arc<dyn CheckpointSigner>,
    ) -> Self {
        let (verifier, tiles) = (signer.verifier(), Tiles::new(objects));
        let integrator = Integrator::new(writer.clone(), reader.clone(), tiles.clone(), signer);
        let integrator = tokio::sync::Mutex::new(integrator);
        let halted = Mutex::new(None);
        Self { inner: Arc::new(Inner { writer, reader, clock, tiles, verifier, integrator, halted }) }
    }

    /// One round: number what is committed, integrate, stage, sign, publish. Returns the tree size. Run by a worker every
    /// 100-250 ms. Where much waits, a call takes several batches of 4,096.
    ///
    /// # Errors
    /// [`LogFailure::Inconsistent`] and [`LogFailure::TileDiffers`] stay for the life of the process; the others are
    /// worth another try.
    pub async fn round(&self) -> Result<u64, LogFailure> {
        let mut integrator = self.inner.integrator.lock().await;
        self.refuse_if_halted()?;
        let started = std::time::Instant::now();
        let result = integrator.round().await;
        metrics::histogram!("vuzol_log_round_seconds").record(started.elapsed().as_secs_f64());
        match &result {
            Ok(size) => {
                #[allow(clippy::cast_precision_loss, reason = "a log of 2^52 entries is out of reach")]
                metrics::gauge!("vuzol_log_tree_size").set(*size as f64);
            }
            Err(failure) => self.failed(failure),
        }
        result
    }

    /// Verifies this log's checkpoints.
    #[must_use]
    pub fn verifier(&self) -> NoteVerifier {
        self.inner.verifier.clone()
    }

    /// The published checkpoint (signed note), if any. Every tile of its tree can be fetched.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn checkpoint(&self) -> Result<Option<String>, LogFailure> {
        Ok(LogState::read(&self.inner.reader).await?.published.map(|published| published.note))
    }

    /// Raw tile or entry bundle by its tlog-tiles path below the prefix (`tile/0/000`, `tile/entries/000.p/12`); None: no
    /// such tile in the published tree, or no such path. A partial one is served for every width up to the published
    /// one.
    ///
    /// # Errors
    /// Failures of the database or the objects.
    pub async fn tile(&self, path: &str) -> Result<Option<bytes::Bytes>, LogFailure> {
        let Some(wanted) = tiles::Wanted::parse(path) else { return Ok(None) };
        let size = LogState::read(&self.inner.reader).await?.published_size();
        self.inner.tiles.read(&wanted, size).await
    }

    /// Index and entry of an event and its proof under the latest checkpoint; None: unknown; Some(Err): not yet integrated.
    /// The proof was verified before it is handed out.
    ///
    /// # Errors
    /// [`LogFailure::Arithmetic`] where the stored entry or tiles do not verify under the checkpoint; failures of the
    /// database or the objects.
    pub async fn proof(&self, event: EventId) -> Result<Option<Result<EventProof, NotYet>>, LogFailure> {
        proofs::prove(&self.inner.reader, &self.inner.tiles, &self.inner.verifier, event).await
    }

    /// Proofs of several numbered entries under the published checkpoint, which is the first of the answer. Each was verified.
    ///
    /// # Errors
    /// As [`Self::proof`]; [`LogFailure::Arithmetic`] also where an entry is beyond the checkpoint.
    pub async fn prove(
        &self,
        entries: &[(u64, Vec<u8>)],
    ) -> Result<Option<(String, Vec<crypto::merkle::TlogProof>)>, LogFailure> {
        let Some(published) = LogState::read(&self.inner.reader).await?.published else { return Ok(None) };
        let note = published.note.clone();
        let proofs = proofs::prove_all(&self.inner.tiles, &self.inner.verifier, published, entries).await?;
        Ok(Some((note, proofs)))
    }

    /// The published checkpoint with the size of its tree.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn published(&self) -> Result<Option<(u64, String)>, LogFailure> {
        Ok(LogState::read(&self.inner.reader).await?.published.map(|published| (published.size, published.note)))
    }

    /// A tile or bundle of a tree of `size`, which was published.
    pub(crate) async fn tile_of(&self, wanted: &tiles::Wanted, size: u64) -> Result<bytes::Bytes, LogFailure> {
        let missing = || LogFailure::TileDiffers(wanted.key());
        self.inner.tiles.read(wanted, size).await?.ok_or_else(missing)
    }

    /// Number of rows not yet under a published checkpoint; age of the oldest of them, in seconds.
    ///
    /// # Errors
    /// What stopped the rounds of this process, if anything did; failures of the database.
    pub async fn backlog(&self) -> Result<(u64, f64), LogFailure> {
        self.refuse_if_halted()?;
        let (rows, oldest) = state::backlog(&self.inner.reader).await?;
        let age = oldest.map_or(0.0, |oldest| (self.inner.clock.now() - oldest).as_seconds_f64().max(0.0));
        #[allow(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("vuzol_log_backlog_rows").set(rows as f64);
        metrics::gauge!("vuzol_log_backlog_seconds").set(age);
        Ok((rows, age))
    }

    /// Number of rows not yet under a published checkpoint, whatever stopped the rounds: cheap, to be asked often.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn unpublished(&self) -> Result<u64, LogFailure> {
        Ok(state::unpublished(&self.inner.reader).await?)
    }

    fn failed(&self, failure: &LogFailure) {
        let (halt, kind) = match failure {
            LogFailure::Inconsistent => (Some(Halt::Inconsistent), "inconsistent"),
            LogFailure::TileDiffers(path) => (Some(Halt::TileDiffers(path.clone())), "tile_differs"),
            LogFailure::SignerState(_) => (None, "signer_state"),
            LogFailure::SignerAway(_) => (None, "signer_away"),
            LogFailure::Arithmetic(_) => (None, "arithmetic"),
            LogFailure::Store(_) => (None, "store"),
        };
        metrics::counter!("vuzol_log_round_failures_total", "kind" => kind).increment(1);
        if halt.is_some() {
            tracing::error!(error = %failure, "the transparency log has stopped");
            *self.inner.halted.lock().unwrap_or_else(PoisonError::into_inner) = halt;
        }
    }

    fn refuse_if_halted(&self) -> Result<(), LogFailure> {
        match &*self.inner.halted.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(Halt::Inconsistent) => Err(LogFailure::Inconsistent),
            Some(Halt::TileDiffers(path)) => Err(LogFailure::TileDiffers(path.clone())),
        }
    }
}

/// The event is recorded, but no published checkpoint covers it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotYet;

/// Entry bytes and a tlog-proof.
#[derive(Debug, Clone)]
pub struct EventProof {
    /// The leaf's content.
    pub entry: Vec<u8>,
    /// Index, hashes and the checkpoint that they lead to.
    pub proof: crypto::merkle::TlogProof,
}

/// Runs what blocks (disk, hashing of thousands of entries) off the threads of the runtime.
async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, LogFailure> + Send + 'static,
) -> Result<T, LogFailure> {
    tokio::task::spawn_blocking(f).await.unwrap_or(Err(LogFailure::Store(StoreError::Closed)))
}

#[cfg(test)]
mod claiming_tests;
#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod postgres_tests;
#[cfg(test)]
pub(crate) mod tests;
