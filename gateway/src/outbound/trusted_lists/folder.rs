//! Where lists in use are kept: `NAME.xml`, and the pivots that led to its signers, `NAME.pivot-01.xml` and so on.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::fetch::LIST_BYTES;

/// A list as it was accepted.
pub(super) struct Kept {
    pub(super) octets: Vec<u8>,
    /// The oldest first.
    pub(super) pivots: Vec<Vec<u8>>,
}

/// More than any list of lists has.
const MOST_PIVOTS: usize = 16;

pub(super) fn create(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder)
        .map_err(|e| format!("trusted_lists.folder: cannot create {}: {e}", folder.display()))
}

/// What is kept under `name`; `None` where there is nothing.
pub(super) fn load(folder: &Path, name: &str) -> Result<Option<Kept>, String> {
    let Some(octets) = read(&file(folder, name))? else { return Ok(None) };
    let mut pivots = Vec::new();
    while pivots.len() < MOST_PIVOTS
        && let Some(pivot) = read(&pivot_file(folder, name, pivots.len()))?
    {
        pivots.push(pivot);
    }
    Ok(Some(Kept { octets, pivots }))
}

/// Keeps a list with its pivots. The list comes last: without it the pivots mean nothing.
pub(super) fn keep(folder: &Path, name: &str, kept: &Kept) -> Result<(), String> {
    for (number, pivot) in kept.pivots.iter().take(MOST_PIVOTS).enumerate() {
        write(&pivot_file(folder, name, number), pivot)?;
    }
    let after = pivot_file(folder, name, kept.pivots.len());
    match std::fs::remove_file(&after) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(format!("{}: {e}", after.display())),
        _ => {}
    }
    write(&file(folder, name), &kept.octets)
}

fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.xml"))
}

fn pivot_file(folder: &Path, name: &str, number: usize) -> PathBuf {
    folder.join(format!("{name}.pivot-{:02}.xml", number + 1))
}

/// A file of bounded size; `None` where it is not there.
pub(super) fn read(file: &Path) -> Result<Option<Vec<u8>>, String> {
    let wrong = |e: std::io::Error| format!("{}: {e}", file.display());
    match std::fs::metadata(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(wrong(e)),
        Ok(metadata) if metadata.len() > LIST_BYTES as u64 => {
            return Err(format!("{}: larger than {LIST_BYTES} bytes", file.display()));
        }
        Ok(_) => {}
    }
    std::fs::read(file).map(Some).map_err(wrong)
}

/// All or nothing, also when the power fails in between.
fn write(file: &Path, octets: &[u8]) -> Result<(), String> {
    let wrong = |e: std::io::Error| format!("{}: {e}", file.display());
    let beside = file.with_extension("new");
    let mut written = std::fs::File::create(&beside).map_err(wrong)?;
    written.write_all(octets).and_then(|()| written.sync_all()).map_err(wrong)?;
    std::fs::rename(&beside, file).map_err(wrong)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(load(path, "EU").unwrap().is_none());
        let pivots = vec![b"one".to_vec(), b"two".to_vec()];
        keep(path, "EU", &Kept { octets: b"list".to_vec(), pivots: pivots.clone() }).unwrap();
        let loaded = load(path, "EU").unwrap().unwrap();
        assert_eq!((loaded.octets, loaded.pivots), (b"list".to_vec(), pivots));
        keep(path, "EU", &Kept { octets: b"next".to_vec(), pivots: vec![b"one".to_vec()] }).unwrap();
        let loaded = load(path, "EU").unwrap().unwrap();
        assert_eq!((loaded.octets, loaded.pivots), (b"next".to_vec(), vec![b"one".to_vec()]));
    }
}
