//! A signer in a process of its own, which believes nobody: it holds the keys of the checkpoints and the memory of what it signed, and checks for itself that
//! each tree continues the last. Whoever owns the node, its database and its configuration cannot have a second history signed.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `wire` | questions and answers, as octets |
//! | `client` | the node's side: a [`CheckpointSigner`] over a Unix socket |
//! | `server` | the signer's side: connections, their bounds, who may connect |
//!
//! It differs from a signer in the node in one thing: that a log is empty it is told by its operator, once ([`Desk::begin`]), and not by whoever asks. Without its
//! memory it signs nothing.
//!
//! What it cannot know: whether the entries are true, and whether its memory and all notes that it could be shown were set back together. For that there
//! are witnesses.

mod client;
mod server;
mod wire;

pub use client::RemoteSigner;
pub use server::{Door, serve};

use crate::log::{CheckpointSigner, LogFailure, Signer, Signing, Wanted};
use crypto::merkle::{Checkpoint, NoteVerifier};
use std::sync::atomic::{AtomicBool, Ordering};
use wire::{Answer, Question};

/// Answers questions with a signer. No input makes it do anything but sign a continuation of what it signed.
pub struct Desk {
    signer: Signer,
    /// The operator said that this log begins now.
    begins: AtomicBool,
}

impl Desk {
    /// For a log that has been signed before: the signer's memory is there.
    ///
    /// # Errors
    /// [`LogFailure::SignerState`] where it is not, or cannot be read.
    pub fn open(signer: Signer) -> Result<Self, LogFailure> {
        match signer.last_signed()? {
            Some(_) => Ok(Self { signer, begins: AtomicBool::new(false) }),
            None => Err(LogFailure::SignerState("there is no memory of what was signed".to_owned())),
        }
    }

    /// For a log that begins: the first tree that is asked for is signed whatever it is.
    ///
    /// # Errors
    /// [`LogFailure::SignerState`] where there is a memory already, or it cannot be read.
    pub fn begin(signer: Signer) -> Result<Self, LogFailure> {
        match signer.last_signed()? {
            None => Ok(Self { signer, begins: AtomicBool::new(true) }),
            Some(_) => Err(LogFailure::SignerState("this log has been signed before".to_owned())),
        }
    }

    /// Verifies what is signed here.
    #[must_use]
    pub fn verifier(&self) -> NoteVerifier {
        self.signer.verifier()
    }

    /// The answer to one question, both as octets. Blocks on the disk.
    #[must_use]
    pub fn answer(&self, question: &[u8]) -> Vec<u8> {
        let answer = match Question::parse(question) {
            Some(Question::LastSigned) => match self.signer.last_signed() {
                Ok(last) => Answer::LastSigned(last.as_ref().map(Checkpoint::text)),
                Err(failure) => of_failure(&failure),
            },
            Some(Question::Sign(wanted)) => self.sign(wanted),
            None => Answer::Unintelligible,
        };
        if let Answer::Inconsistent | Answer::State(_) | Answer::Unintelligible = &answer {
            metrics::counter!("vuzol_signer_refusals_total", "kind" => answer.name()).increment(1);
            tracing::error!(answer = answer.name(), "refused to sign");
        }
        answer.to_bytes()
    }

    fn sign(&self, wanted: Wanted) -> Answer {
        let wanted = Wanted { was_empty: self.begins.load(Ordering::SeqCst), ..wanted };
        match self.signer.sign(&wanted) {
            Ok(Signing::Signed(note)) => {
                self.begins.store(false, Ordering::SeqCst);
                metrics::counter!("vuzol_signer_signed_total").increment(1);
                Answer::Signed(note)
            }
            Ok(Signing::Moved) => Answer::Moved,
            Err(failure) => of_failure(&failure),
        }
    }
}

fn of_failure(failure: &LogFailure) -> Answer {
    match failure {
        LogFailure::Inconsistent => Answer::Inconsistent,
        // It may pass: the node asks again.
        LogFailure::SignerAway(why) => Answer::Unavailable(why.clone()),
        other => Answer::State(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
