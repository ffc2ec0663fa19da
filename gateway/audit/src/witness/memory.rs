//! What a witness remembers: in a folder for each log, named by the hash of its origin.
//!
//! | file | content |
//! |---|---|
//! | `checkpoint` | the latest checkpoint that was cosigned, with the log's line and ours: our own signature tells that nobody else wrote it |
//! | `next` | the one to come, until it is durable and takes the other's place in one step |
//! | `fork-<size>-<root>` | two notes of one size that the log signed, as JSON |
//! | `lock` | held by whoever looks and writes |

use super::WitnessFailure;
use crypto::digest::{hex, sha256};
use crypto::merkle::{Checkpoint, CosignatureVerifier};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

pub(super) struct Memory {
    folder: PathBuf,
    own: CosignatureVerifier,
    #[cfg(test)]
    pub(super) hook: Hook,
}

/// What a test does between two operations on files: nothing, or fail.
#[cfg(test)]
pub(super) type Hook = Box<dyn Fn(Step) -> std::io::Result<()> + Send + Sync>;

/// The points between operations on files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    FolderMade,
    Locked,
    Created,
    HalfWritten,
    Written,
    Synced,
    Renamed,
    FolderSynced,
}

/// The latest checkpoint that was cosigned.
pub(super) struct Known {
    pub(super) checkpoint: Checkpoint,
    /// The time of the cosignature.
    pub(super) seconds: u64,
    pub(super) note: String,
}

/// Two notes of one size with different roots, both signed by the log: proof against it, whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// The note that this witness had cosigned.
    pub known: String,
    /// The note that came later.
    pub other: String,
}

/// The right to look and then write, for one log. Ends with the file.
pub(super) struct Locked {
    _lock: File,
    folder: PathBuf,
}

impl Memory {
    pub(super) fn open(folder: &Path, own: CosignatureVerifier) -> Result<Self, WitnessFailure> {
        let made = std::fs::create_dir_all(folder).and_then(|()| sync_folder(folder));
        made.map_err(|error| failure(folder, &error))?;
        Ok(Self {
            folder: folder.to_owned(),
            own,
            #[cfg(test)]
            hook: Box::new(|_| Ok(())),
        })
    }

    /// Waits until nobody else looks at the memory of this log.
    pub(super) fn lock(&self, origin: &str) -> Result<Locked, WitnessFailure> {
        let folder = self.folder_of(origin);
        let lock = || {
            if !folder.join("checkpoint").exists() {
                std::fs::create_dir_all(&folder)?;
                self.reached(Step::FolderMade)?;
                // Whoever made the folder may not have come to this: a power cut must not take it away with what is put into it.
                sync_folder(&self.folder)?;
            }
            let lock = File::create(folder.join("lock"))?;
            lock.lock()?;
            self.reached(Step::Locked)?;
            Ok(lock)
        };
        let lock = lock().map_err(|error: std::io::Error| failure(&folder, &error))?;
        Ok(Locked { _lock: lock, folder })
    }

    /// `None`: nothing was ever cosigned for this log.
    pub(super) fn known(&self, origin: &str) -> Result<Option<Known>, WitnessFailure> {
        let path = self.folder_of(origin).join("checkpoint");
        let Some(note) = read(&path)? else { return Ok(None) };
        let (checkpoint, seconds) = self.own.verify(&note).map_err(|error| failure(&path, &error))?;
        if checkpoint.origin != origin {
            return Err(failure(&path, &"belongs to another log"));
        }
        Ok(Some(Known { checkpoint, seconds, note }))
    }

    /// Atomic and durable on return: after a crash it is the old one or the new one.
    pub(super) fn remember(&self, locked: &Locked, note: &str) -> Result<(), WitnessFailure> {
        self.replace(&locked.folder, "checkpoint", note)
    }

    /// Keeps the evidence, durable on return. Of what a log whose key is lost may sign only so much is kept: one is proof enough.
    pub(super) fn keep_fork(&self, fork: &Fork) -> Result<(), WitnessFailure> {
        let text = fork.other.rfind("\n\n").and_then(|end| fork.other.get(..=end)).unwrap_or_default();
        let other = Checkpoint::parse_text(text)?;
        let folder = self.folder_of(&other.origin);
        let name = format!("{FORK}{}-{}", other.size, hex(&other.root));
        if folder.join(&name).exists() || names_of_forks(&folder)?.len() >= MAX_FORKS {
            return Ok(());
        }
        let json = serde_json::json!({ "known": fork.known, "other": fork.other });
        self.replace(&folder, &name, &json.to_string())
    }

    pub(super) fn forks(&self, origin: &str) -> Result<Vec<Fork>, WitnessFailure> {
        let folder = self.folder_of(origin);
        let mut forks = Vec::new();
        for path in names_of_forks(&folder)? {
            let json: serde_json::Value = match read(&path)? {
                Some(text) => serde_json::from_str(&text).map_err(|error| failure(&path, &error))?,
                None => continue,
            };
            let note = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
            let fork = note("known").zip(note("other")).map(|(known, other)| Fork { known, other });
            forks.push(fork.ok_or_else(|| failure(&path, &"is no fork"))?);
        }
        Ok(forks)
    }

    fn replace(&self, folder: &Path, name: &str, text: &str) -> Result<(), WitnessFailure> {
        let next = folder.join("next");
        let write = || {
            let mut file = File::create(&next)?;
            self.reached(Step::Created)?;
            let (half, rest) = text.as_bytes().split_at(text.len() / 2);
            file.write_all(half)?;
            self.reached(Step::HalfWritten)?;
            file.write_all(rest)?;
            self.reached(Step::Written)?;
            file.sync_all()?;
            self.reached(Step::Synced)?;
            std::fs::rename(&next, folder.join(name))?;
            self.reached(Step::Renamed)?;
            sync_folder(folder)?;
            self.reached(Step::FolderSynced)
        };
        write().map_err(|error: std::io::Error| failure(folder, &error))
    }

    fn folder_of(&self, origin: &str) -> PathBuf {
        self.folder.join(origin_hash(origin))
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "tests stop here")]
    fn reached(&self, _step: Step) -> std::io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn reached(&self, step: Step) -> std::io::Result<()> {
        (self.hook)(step)
    }
}

/// How tlog-witness names a log in addresses.
pub(super) fn origin_hash(origin: &str) -> String {
    hex(&sha256(origin.as_bytes()))
}

fn names_of_forks(folder: &Path) -> Result<Vec<PathBuf>, WitnessFailure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failure(folder, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failure(folder, &error))?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(FORK)) {
            names.push(entry.path());
        }
    }
    names.sort();
    Ok(names)
}

/// A small text; a file that grew beyond what we write was not written by us.
fn read(path: &Path) -> Result<Option<String>, WitnessFailure> {
    let length = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure(path, &error)),
    };
    if length > MAX_FILE_BYTES {
        return Err(failure(path, &"is too long"));
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| failure(path, &error))
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn failure(path: &Path, why: &dyn std::fmt::Display) -> WitnessFailure {
    WitnessFailure::Memory(format!("{}: {why}", path.display()))
}

const FORK: &str = "fork-";
const MAX_FORKS: usize = 64;
/// Two notes of a request each, escaped.
const MAX_FILE_BYTES: u64 = 1 << 20;
