//! Sequencer, tiles, checkpoints, proofs (submodules sequencer, integrator, signer, proofs).
use crypto::merkle::{NoteSigner, NoteVerifier};
use schemas::EventId;
use std::path::Path;
use std::sync::Arc;
use storage::objects::Objects;
use storage::{Clock, Reader, StoreError, Writer};
#[derive(Debug, thiserror::Error)]
pub enum LogFailure {
    #[error(transparent)] Store(#[from] StoreError),
    /// The signer would have to contradict what it signed before (restored backup, second log): it refuses.
    #[error("refusing to sign a tree that contradicts the last signed one")] Inconsistent,
    #[error("tile {0} differs from what is stored")] TileDiffers(String),
    #[error(transparent)] Arithmetic(#[from] crypto::merkle::LogError),
}
#[derive(Clone)]
pub struct Log { inner: () }
impl Log {
    /// `signer_state`: a file outside the database with the last signed size and root.
    pub fn open(_writer: Writer, _reader: Reader, _objects: Objects, _clock: Arc<dyn Clock>, _signer: NoteSigner, _signer_state: &Path) -> Result<Self, LogFailure> { todo!() }
    /// One round: number what is committed, integrate, stage, sign, publish. Returns the tree size. Run by a worker every 100-250 ms.
    pub async fn round(&self) -> Result<u64, LogFailure> { todo!() }
    pub fn verifier(&self) -> NoteVerifier { todo!() }
    /// The published checkpoint (signed note), if any.
    pub async fn checkpoint(&self) -> Result<Option<String>, LogFailure> { todo!() }
    /// Raw tile or entry bundle by its tlog-tiles path below the prefix ("tile/0/000", "tile/entries/000.p/12"); None: no such tile.
    pub async fn tile(&self, _path: &str) -> Result<Option<bytes::Bytes>, LogFailure> { todo!() }
    /// Index and entry of an event and its proof under the latest checkpoint; None: unknown; Some(Err): not yet integrated.
    pub async fn proof(&self, _event: EventId) -> Result<Option<Result<EventProof, NotYet>>, LogFailure> { todo!() }
    /// Age of the oldest row not yet under a checkpoint, in seconds; number of such rows.
    pub async fn backlog(&self) -> Result<(u64, f64), LogFailure> { todo!() }
}
pub struct NotYet;
/// Entry bytes and a tlog-proof.
pub struct EventProof { pub entry: Vec<u8>, pub proof: crypto::merkle::TlogProof }
