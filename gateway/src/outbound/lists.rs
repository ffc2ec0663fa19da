//! Revocation lists from a folder: what an offline bundle brought to a node without Internet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use certs::revocation::{CRL_BYTES, Crl};

use super::trust::TrustProblem;

/// Lists in the folder. A nation has some thirty authorities with a full list and a delta list each.
const LISTS: usize = 256;

/// The lists of the configured folder, if there is one.
pub(super) struct ListFolder {
    folder: Option<PathBuf>,
    current: Mutex<BTreeMap<PathBuf, Held>>,
}

/// A list, and by what its file is known again: one of 60 MB is not read every minute.
#[derive(Clone)]
struct Held {
    length: u64,
    modified: Option<SystemTime>,
    list: Crl,
}

impl ListFolder {
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, TrustProblem> {
        let lists = Self { folder: folder.map(Path::to_owned), current: Mutex::default() };
        lists.refresh()?;
        Ok(lists)
    }

    /// Reads what is new in the folder and forgets what is gone. Where something cannot be read, everything stays as it was.
    pub(super) fn refresh(&self) -> Result<(), TrustProblem> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let known = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut found = BTreeMap::new();
        for file in files(folder)? {
            let held = read(&file, known.get(&file))?;
            found.insert(file, held);
        }
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    pub(super) fn lists(&self) -> Vec<Crl> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.values().map(|held| held.list.clone()).collect()
    }
}

/// The `.crl` files of a folder, in the order of their names.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, TrustProblem> {
    let unreadable = |e: std::io::Error| TrustProblem(format!("trust.lists: cannot read {}: {e}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|ending| ending == "crl") {
            files.push(path);
        }
    }
    if files.len() > LISTS {
        return Err(TrustProblem(format!("trust.lists: more than {LISTS} lists in {}", folder.display())));
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path, known: Option<&Held>) -> Result<Held, TrustProblem> {
    let wrong = |what: String| TrustProblem(format!("trust.lists: {}: {what}", file.display()));
    let metadata = std::fs::metadata(file).map_err(|e| wrong(e.to_string()))?;
    let (length, modified) = (metadata.len(), metadata.modified().ok());
    if let Some(known) =
        known.filter(|known| modified.is_some() && (known.length, known.modified) == (length, modified))
    {
        return Ok(known.clone());
    }
    if usize::try_from(length).map_or(true, |length| length > CRL_BYTES) {
        return Err(wrong(format!("larger than {CRL_BYTES} bytes")));
    }
    let bytes = std::fs::read(file).map_err(|e| wrong(e.to_string()))?;
    let list = Crl::from_vec(bytes).map_err(|e| wrong(e.to_string()))?;
    Ok(Held { length, modified, list })
}
