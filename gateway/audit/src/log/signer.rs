//! Signs checkpoints, and refuses to contradict itself.
//!
//! A log must never sign two trees of which neither is a prefix of the other (C2SP tlog-checkpoint). The database cannot
//! be what keeps that promise: restore yesterday's backup, and it will offer a shorter tree and then another longer one.
//! So the signer has a memory of its own, a file outside the database with the last size and root that it signed. It is
//! on disk before the signature leaves; a larger tree needs a consistency proof from the remembered one, which the signer
//! verifies itself.
//!
//! What remains trusted is that this file is not rolled back together with the database. Rolled back alone it is found out: with each tree comes the
//! newest note that the log holds, and a signature of one's own over a larger tree than one remembers says that the memory is not what it was.

use crate::log::LogFailure;
use crypto::merkle::{Checkpoint, Hash, LogError, NoteSigner, NoteVerifier, verify_consistency};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Who signs the checkpoints of a log: in this process ([`Signer`]), or in another one ([`crate::signer`]). Calls block on a disk, and on the other process.
pub trait CheckpointSigner: Send + Sync {
    /// What was signed last; None before the first signature.
    ///
    /// # Errors
    /// [`LogFailure::SignerState`] where the memory is damaged; [`LogFailure::SignerAway`] where nobody answers.
    fn last_signed(&self) -> Result<Option<Checkpoint>, LogFailure>;

    /// Signs a tree that the last signed one is a prefix of, or that one again. On return the tree is remembered, durably.
    ///
    /// # Errors
    /// [`LogFailure::Inconsistent`] for any other tree; [`LogFailure::SignerState`] and [`LogFailure::SignerAway`] as above.
    fn sign(&self, wanted: &Wanted) -> Result<Signing, LogFailure>;

    /// Verifies what it signs.
    fn verifier(&self) -> NoteVerifier;
}

/// A tree that is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Entries.
    pub size: u64,
    /// Root.
    pub root: Hash,
    /// The log had no tree before, as the one who asks believes.
    pub was_empty: bool,
    /// The size of the tree that `proof` leads from.
    pub proven_from: u64,
    /// A consistency proof (RFC 6962, 2.1.2).
    pub proof: Vec<Hash>,
    /// The newest note of this log that the one who asks holds.
    pub held: Option<String>,
}

/// A signature, or where to prove from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// The note.
    Signed(String),
    /// Another process signed meanwhile: the proof must start at what it signed.
    Moved,
}

/// Signs with a key in this process.
pub struct Signer {
    note: NoteSigner,
    origin: String,
    state: PathBuf,
    /// The newest tree that this process knows to have been signed: the file must never say less.
    seen: Mutex<Option<Checkpoint>>,
    /// Whether what the file says is on the disk is not known: this process did not write it, or could not.
    unsure: AtomicBool,
}

impl Signer {
    /// `state`: the file of the memory, made with the first signature.
    ///
    /// # Errors
    /// [`LogFailure::SignerState`] where it is damaged or belongs to another log; [`LogFailure::SignerAway`] where it cannot be read.
    pub fn open(note: NoteSigner, state: &Path) -> Result<Self, LogFailure> {
        let origin = note.verifier().name().to_owned();
        let signer =
            Self { note, origin, state: state.to_owned(), seen: Mutex::new(None), unsure: AtomicBool::new(true) };
        signer.recall()?;
        Ok(signer)
    }

    /// Reads a small file.
    fn recall(&self) -> Result<Option<Checkpoint>, LogFailure> {
        let text = match std::fs::read_to_string(&self.state) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unavailable(&error)),
        };
        let last = Checkpoint::parse_text(&text).map_err(|error| self.failure(&error))?;
        if last.origin != self.origin {
            return Err(self.failure(&"belongs to another log"));
        }
        Ok(Some(last))
    }

    /// The memory must reach as far as what is known to have been signed: by this process, or by the signature under a note.
    fn refuse_a_memory_that_went_back(&self, last: Option<&Checkpoint>, held: Option<&str>) -> Result<(), LogFailure> {
        let size = last.map_or(0, |last| last.size);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref().is_some_and(|seen| seen.size > size) {
            return Err(self.failure(&"was set back since it was last read"));
        }
        *seen = last.cloned();
        drop(seen);
        let Some(held) = held else { return Ok(()) };
        // A note that this key did not sign proves nothing, and is nothing to stop for.
        let Ok(text) = self.note.verifier().verify(held).map(str::to_owned) else { return Ok(()) };
        let Ok(held) = Checkpoint::parse_text(&text) else { return Ok(()) };
        let contradicts = last.is_some_and(|last| last.size == held.size && last.root != held.root);
        if held.origin == self.origin && (held.size > size || contradicts) {
            return Err(self.failure(&"was set back: a larger tree carries this key's signature"));
        }
        Ok(())
    }

    /// Atomic and durable: after a crash the file is the old or the new one.
    fn remember(&self, signed: &Checkpoint) -> Result<(), LogFailure> {
        let write = || {
            let next = self.beside("next");
            let mut file = File::create(&next)?;
            file.write_all(signed.text().as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&next, &self.state)?;
            match self.state.parent() {
                Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
                Some(_) if cfg!(unix) => File::open(".")?.sync_all(),
                _ => Ok(()),
            }
        };
        self.unsure.store(true, Ordering::Relaxed);
        write().map_err(|error: std::io::Error| self.unavailable(&error))?;
        self.unsure.store(false, Ordering::Relaxed);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(signed.clone());
        Ok(())
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.state.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }

    /// The disk failed, perhaps not for long.
    fn unavailable(&self, error: &std::io::Error) -> LogFailure {
        LogFailure::SignerAway(format!("{}: {error}", self.state.display()))
    }

    fn failure(&self, why: &dyn std::fmt::Display) -> LogFailure {
        LogFailure::SignerState(format!("{}: {why}", self.state.display()))
    }
}

impl CheckpointSigner for Signer {
    fn last_signed(&self) -> Result<Option<Checkpoint>, LogFailure> {
        self.recall()
    }

    fn sign(&self, wanted: &Wanted) -> Result<Signing, LogFailure> {
        let lock = File::create(self.beside("lock")).map_err(|error| self.unavailable(&error))?;
        // Held until the file is closed: between reading the memory and writing it nobody else signs.
        lock.lock().map_err(|error| self.unavailable(&error))?;
        let Wanted { size, root, was_empty, proven_from, proof, held } = wanted;
        let new = Checkpoint { origin: self.origin.clone(), size: *size, root: *root };
        let last = self.recall()?;
        self.refuse_a_memory_that_went_back(last.as_ref(), held.as_deref())?;
        match &last {
            None if *was_empty => {}
            None => return Err(self.failure(&"is absent, but the log is not empty")),
            Some(last) if *last == new => {}
            Some(last) if last.size != *proven_from => return Ok(Signing::Moved),
            Some(last) if last.size >= *size => return Err(LogFailure::Inconsistent),
            Some(last) => {
                verify_consistency(last.size, &last.root, *size, root, proof).map_err(|_| LogFailure::Inconsistent)?
            }
        }
        if last.as_ref() != Some(&new) || self.unsure.load(Ordering::Relaxed) {
            self.remember(&new)?;
        }
        self.note.sign(&new.text()).map(Signing::Signed).map_err(|error| match error {
            // It may come back. What is remembered by now is a tree that carries no signature: the same, or what continues it, is signed then.
            LogError::KeyUnavailable => {
                LogFailure::SignerAway(self.note.complaint().unwrap_or_else(|| error.to_string()))
            }
            error => error.into(),
        })
    }

    fn verifier(&self) -> NoteVerifier {
        self.note.verifier()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{Tree, note_signer};

    fn signer(folder: &tempfile::TempDir) -> Signer {
        Signer::open(note_signer(), &folder.path().join("signer.state")).unwrap()
    }

    fn wanted(tree: &Tree, size: u64, from: u64) -> Wanted {
        let (root, proof) = (tree.root(size), tree.consistency(from, size));
        Wanted { size, root, was_empty: from == 0, proven_from: from, proof, held: None }
    }

    fn try_sign(signer: &Signer, tree: &Tree, size: u64, from: u64) -> Result<Signing, LogFailure> {
        signer.sign(&wanted(tree, size, from))
    }

    #[test]
    fn a_growing_tree_is_signed_and_remembered_across_starts() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::of("one", 1000);
        let mut from = 0;
        for size in [1, 2, 255, 256, 257, 999, 999] {
            let signer = signer(&folder);
            let Signing::Signed(note) = try_sign(&signer, &tree, size, from).unwrap() else { panic!("moved") };
            let text = signer.note.verifier();
            let checkpoint = Checkpoint::parse_text(text.verify(&note).unwrap()).unwrap();
            assert_eq!((checkpoint.size, checkpoint.root), (size, tree.root(size)));
            assert_eq!(signer.last_signed().unwrap().unwrap(), checkpoint);
            from = size;
        }
    }

    #[test]
    fn another_history_is_never_signed() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, other) = (Tree::of("one", 600), Tree::of("two", 600));
        try_sign(&signer(&folder), &tree, 500, 0).unwrap();
        let refused = |tree: &Tree, size, from| {
            matches!(try_sign(&signer(&folder), tree, size, from), Err(LogFailure::Inconsistent))
        };
        let unproven =
            |size| Wanted { proven_from: 500, was_empty: false, proof: Vec::new(), ..wanted(&tree, size, 0) };
        assert!(signer(&folder).sign(&unproven(499)).is_err(), "smaller");
        assert!(refused(&other, 500, 500), "same size, another root");
        assert!(refused(&other, 600, 500), "larger, from another root");
        assert!(signer(&folder).sign(&unproven(600)).is_err(), "larger, unproven");
        assert!(matches!(try_sign(&signer(&folder), &tree, 600, 400), Ok(Signing::Moved)));
        assert!(matches!(try_sign(&signer(&folder), &tree, 600, 500), Ok(Signing::Signed(_))));
    }

    #[test]
    fn a_lost_or_foreign_memory_is_not_made_up() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::of("one", 9);
        let unremembered = signer(&folder).sign(&Wanted { was_empty: false, ..wanted(&tree, 9, 0) });
        assert!(matches!(unremembered, Err(LogFailure::SignerState(why)) if why.contains("absent")));
        let path = folder.path().join("signer.state");
        std::fs::write(&path, Checkpoint { origin: "other".to_owned(), size: 1, root: [0; 32] }.text()).unwrap();
        assert!(
            matches!(Signer::open(note_signer(), &path), Err(LogFailure::SignerState(why)) if why.contains("other"))
        );
        std::fs::write(&path, "vuzol.test/log\n1").unwrap();
        assert!(matches!(Signer::open(note_signer(), &path), Err(LogFailure::SignerState(_))));
    }

    #[test]
    fn a_memory_that_was_set_back_is_found_out_by_what_was_signed() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, path) = (Tree::of("one", 900), folder.path().join("signer.state"));
        let running = signer(&folder);
        try_sign(&running, &tree, 500, 0).unwrap();
        let backup = std::fs::read(&path).unwrap();
        let Signing::Signed(held) = try_sign(&running, &tree, 700, 500).unwrap() else { panic!("moved") };
        std::fs::write(&path, &backup).unwrap();
        let set_back = |end: Result<Signing, LogFailure>| matches!(end, Err(LogFailure::SignerState(why)) if why.contains("set back"));
        // By the one that signed it itself, and by one that is shown its signature.
        assert!(set_back(try_sign(&running, &tree, 800, 500)));
        let shown =
            |held: &str| signer(&folder).sign(&Wanted { held: Some(held.to_owned()), ..wanted(&tree, 800, 500) });
        assert!(set_back(shown(&held)));
        // Not by what anybody could have written.
        for forged in [held.replace("\n700\n", "\n701\n"), "rubbish".to_owned(), String::new()] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("signer.state"), &backup).unwrap();
            let signer = signer(&folder);
            assert!(matches!(
                signer.sign(&Wanted { held: Some(forged), ..wanted(&tree, 800, 500) }),
                Ok(Signing::Signed(_))
            ));
        }
    }
}
