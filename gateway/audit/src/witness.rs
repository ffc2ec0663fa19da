//! A witness for the logs of others (C2SP tlog-witness v1.0.0): what it checks, what it remembers, what it answers. Without HTTP.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `request` | the body of `add-checkpoint`, bounded |
//! | `answer` | every answer that the protocol knows |
//! | `memory` | what was cosigned last for each log, and the forks that were seen: files, durable and compared before they are swapped |
//!
//! A witness promises one thing: that all checkpoints of a log that carry its cosignature are trees of one history, each the beginning of the next. So a
//! cosignature leaves only when the memory of it is on disk; a checkpoint is cosigned only where its proof leads from what is remembered; and look,
//! proof and memory are one step under a lock that processes share.
//!
//! What is trusted: the folder of the memory, which must never be set back to an earlier state. Without a memory of a log, whatever its first
//! checkpoint says is believed: a witness begins somewhere.
//!
//! Two checkpoints of one size with different roots, both signed by the log, prove by themselves that it has forked. They are kept.

mod answer;
mod memory;
pub(crate) mod request;

pub use answer::{Answer, Refusal};
pub use memory::Fork;
pub use request::{AddCheckpoint, MAX_BODY_BYTES, RequestFault};

use crypto::merkle::{Checkpoint, Cosigner, LogError, NoteVerifier, empty_root, verify_consistency};
use memory::{Known, Memory};
use std::path::Path;
use time::OffsetDateTime;

/// Why a witness could not answer. Nothing was cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessFailure {
    /// Files of the memory cannot be read or written, or are not what this witness wrote.
    #[error("the witness's memory {0}")]
    Memory(String),
    /// The clock shows a time that no cosignature can carry.
    #[error("the clock is before 1970")]
    Clock,
    /// The key's holder failed.
    #[error(transparent)]
    Key(#[from] LogError),
}

/// A witness. Its calls block on the disk.
pub struct Witness {
    cosigner: Cosigner,
    logs: Vec<NoteVerifier>,
    memory: Memory,
}

impl Witness {
    /// `logs`: the keys of the logs that are witnessed; a log whose key changes has two for a while. `folder` is made where there is none.
    ///
    /// # Errors
    /// [`WitnessFailure::Memory`] where the folder cannot be made, or the memory of one of the logs is damaged or another witness's.
    pub fn open(cosigner: Cosigner, logs: Vec<NoteVerifier>, folder: &Path) -> Result<Self, WitnessFailure> {
        let memory = Memory::open(folder, cosigner.verifier())?;
        for log in &logs {
            memory.known(log.name())?;
        }
        Ok(Self { cosigner, logs, memory })
    }

    /// Answers `add-checkpoint`. `body` is what came; whoever reads it need not read more than [`MAX_BODY_BYTES`].
    ///
    /// # Errors
    /// As they say. The client may try again.
    pub fn add_checkpoint(&self, body: &[u8], now: OffsetDateTime) -> Result<Answer, WitnessFailure> {
        let answer = self.judge(body, now)?;
        metrics::counter!("vuzol_witness_answers_total", "status" => answer.status().to_string()).increment(1);
        Ok(answer)
    }

    /// The latest checkpoint that was cosigned for the log whose origin has this lower-case hexadecimal SHA-256, with the log's signature and ours: what
    /// stands at `<monitoring prefix>/<hash>/checkpoint`.
    ///
    /// # Errors
    /// [`WitnessFailure::Memory`] where it cannot be read.
    pub fn checkpoint(&self, origin_hash: &str) -> Result<Option<String>, WitnessFailure> {
        match self.logs.iter().find(|log| memory::origin_hash(log.name()) == origin_hash) {
            Some(log) => Ok(self.memory.known(log.name())?.map(|known| known.note)),
            None => Ok(None),
        }
    }

    /// The forks of a log that were seen.
    ///
    /// # Errors
    /// [`WitnessFailure::Memory`] where they cannot be read.
    pub fn forks(&self, origin: &str) -> Result<Vec<Fork>, WitnessFailure> {
        self.memory.forks(origin)
    }

    fn judge(&self, body: &[u8], now: OffsetDateTime) -> Result<Answer, WitnessFailure> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(fault) => return Ok(Answer::Malformed(fault)),
        };
        let offered = &request.checkpoint;
        let mut keys = self.logs.iter().filter(|log| log.name() == offered.origin).peekable();
        if keys.peek().is_none() {
            return Ok(Answer::UnknownOrigin);
        }
        let Some(note) = signed(keys, request.note) else { return Ok(Answer::Untrusted) };
        // "The old size MUST be equal to or lower than the checkpoint size."
        if request.old > offered.size {
            return Ok(Answer::Malformed(RequestFault::OldSizeBeyondCheckpoint));
        }

        let locked = self.memory.lock(&offered.origin)?;
        let known = self.memory.known(&offered.origin)?;
        if let Some(known) = &known {
            self.keep_if_forked(known, offered, &note)?;
        }
        let size = known.as_ref().map_or(0, |known| known.checkpoint.size);
        if request.old != size {
            return Ok(Answer::Conflict { size });
        }
        if let Err(refusal) = continues(known.as_ref().map(|known| &known.checkpoint), &request) {
            return Ok(Answer::Unprocessable(refusal));
        }
        // What was said of an earlier moment must not be contradicted by a clock that was set back.
        let earliest = known.as_ref().map_or(1, |known| known.seconds);
        let seconds = u64::try_from(now.unix_timestamp()).map_err(|_| WitnessFailure::Clock)?.max(earliest);
        let line = self.cosigner.cosign(request.text(), seconds)?;
        self.memory.remember(&locked, &format!("{note}{line}"))?;
        Ok(Answer::Cosigned(line))
    }

    fn keep_if_forked(&self, known: &Known, offered: &Checkpoint, note: &str) -> Result<(), WitnessFailure> {
        if known.checkpoint.size != offered.size || known.checkpoint.root == offered.root {
            return Ok(());
        }
        tracing::error!(origin = %offered.origin, size = offered.size, "a log signed two trees of one size");
        metrics::counter!("vuzol_witness_forks_total").increment(1);
        self.memory.keep_fork(&Fork { known: known.note.clone(), other: note.to_owned() })
    }
}

/// The note with the line of the first of these keys that signed it; `None` where none did, or a line of one of them is false.
fn signed<'v>(keys: impl Iterator<Item = &'v NoteVerifier>, note: &str) -> Option<String> {
    let mut signed = None;
    for key in keys {
        match key.alone(note) {
            Ok(alone) => signed = signed.or(Some(alone)),
            Err(LogError::NoKnownSignature) => {}
            Err(_) => return None,
        }
    }
    signed
}

/// Whether what is offered continues what is known, by the proof that came with it.
fn continues(known: Option<&Checkpoint>, request: &AddCheckpoint<'_>) -> Result<(), Refusal> {
    let offered = &request.checkpoint;
    if offered.size == 0 && offered.root != empty_root() {
        return Err(Refusal::RootOfEmptyTree);
    }
    let Some(known) = known.filter(|known| known.size > 0) else {
        // "The proof MUST be empty if the old size is zero."
        return if request.proof.is_empty() { Ok(()) } else { Err(Refusal::ProofFromNothing) };
    };
    if known.size == offered.size && known.root != offered.root {
        return Err(Refusal::AnotherRoot);
    }
    verify_consistency(known.size, &known.root, offered.size, &offered.root, &request.proof)
        .map_err(|_| Refusal::Inconsistent)
}

#[cfg(test)]
mod tests;
