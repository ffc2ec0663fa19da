//! Signs checkpoints, and refuses to contradict itself.
//!
//! A log must never sign two trees of which neither is a prefix of the other (C2SP tlog-checkpoint). The database cannot
//! be what keeps that promise: restore yesterday's backup, and it will offer a shorter tree and then another longer one.
//! So the signer has a memory of its own, a file outside the database with the last size and root that it signed. It is
//! on disk before the signature leaves; a larger tree needs a consistency proof from the remembered one, which the signer
//! verifies itself. What remains trusted is that this file is not rolled back together with the database.

use crate::log::LogFailure;
use crypto::merkle::{Checkpoint, Hash, NoteSigner, verify_consistency};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) struct Signer {
    note: NoteSigner,
    origin: String,
    state: PathBuf,
}

/// A signature, or where to prove from.
pub(crate) enum Signing {
    Signed(String),
    /// Another process signed meanwhile: the proof must start at what it signed.
    Moved,
}

impl Signer {
    pub(crate) fn open(note: NoteSigner, state: &Path) -> Result<Self, LogFailure> {
        // The vkey is `name+id+key`, and a name has no `+`.
        let vkey = note.verifier().vkey();
        let origin = vkey.split('+').next().unwrap_or_default().to_owned();
        let signer = Self { note, origin, state: state.to_owned() };
        signer.last_signed()?;
        Ok(signer)
    }

    /// What was signed last; None before the first signature. Reads a small file.
    pub(crate) fn last_signed(&self) -> Result<Option<Checkpoint>, LogFailure> {
        let text = match std::fs::read_to_string(&self.state) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failure(&error)),
        };
        let last = Checkpoint::parse_text(&text).map_err(|error| self.failure(&error))?;
        if last.origin != self.origin {
            return Err(self.failure(&"belongs to another log"));
        }
        Ok(Some(last))
    }

    /// Signs the tree of `size` and `root`. `proof` leads from the tree of size `proven_from` to it; `was_empty` says
    /// that the log had no tree before. Blocks on the disk.
    pub(crate) fn sign(
        &self,
        size: u64,
        root: Hash,
        was_empty: bool,
        proven_from: u64,
        proof: &[Hash],
    ) -> Result<Signing, LogFailure> {
        let lock = File::create(self.beside("lock")).map_err(|error| self.failure(&error))?;
        // Held until the file is closed: between reading the memory and writing it nobody else signs.
        lock.lock().map_err(|error| self.failure(&error))?;
        let new = Checkpoint { origin: self.origin.clone(), size, root };
        let last = self.last_signed()?;
        match &last {
            None if was_empty => {}
            None => return Err(self.failure(&"is absent, but the log is not empty")),
            Some(last) if *last == new => {}
            Some(last) if last.size != proven_from => return Ok(Signing::Moved),
            Some(last) if last.size >= size => return Err(LogFailure::Inconsistent),
            Some(last) => {
                verify_consistency(last.size, &last.root, size, &root, proof).map_err(|_| LogFailure::Inconsistent)?
            }
        }
        if last.as_ref() != Some(&new) {
            self.remember(&new)?;
        }
        Ok(Signing::Signed(self.note.sign(&new.text())?))
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
        write().map_err(|error: std::io::Error| self.failure(&error))
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.state.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }

    fn failure(&self, why: &dyn std::fmt::Display) -> LogFailure {
        LogFailure::SignerState(format!("{}: {why}", self.state.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::{Tree, note_signer};

    fn signer(folder: &tempfile::TempDir) -> Signer {
        Signer::open(note_signer(), &folder.path().join("signer.state")).unwrap()
    }

    fn try_sign(signer: &Signer, tree: &Tree, size: u64, from: u64) -> Result<Signing, LogFailure> {
        signer.sign(size, tree.root(size), from == 0, from, &tree.consistency(from, size))
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
        assert!(signer(&folder).sign(499, tree.root(499), false, 500, &[]).is_err(), "smaller");
        assert!(refused(&other, 500, 500), "same size, another root");
        assert!(refused(&other, 600, 500), "larger, from another root");
        assert!(signer(&folder).sign(600, tree.root(600), false, 500, &[]).is_err(), "larger, unproven");
        assert!(matches!(try_sign(&signer(&folder), &tree, 600, 400), Ok(Signing::Moved)));
        assert!(matches!(try_sign(&signer(&folder), &tree, 600, 500), Ok(Signing::Signed(_))));
    }

    #[test]
    fn a_lost_or_foreign_memory_is_not_made_up() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::of("one", 9);
        let unremembered = signer(&folder).sign(9, tree.root(9), false, 0, &[]);
        assert!(matches!(unremembered, Err(LogFailure::SignerState(why)) if why.contains("absent")));
        let path = folder.path().join("signer.state");
        std::fs::write(&path, Checkpoint { origin: "other".to_owned(), size: 1, root: [0; 32] }.text()).unwrap();
        assert!(
            matches!(Signer::open(note_signer(), &path), Err(LogFailure::SignerState(why)) if why.contains("other"))
        );
        std::fs::write(&path, "vuzol.test/log\n1").unwrap();
        assert!(matches!(Signer::open(note_signer(), &path), Err(LogFailure::SignerState(_))));
    }
}
