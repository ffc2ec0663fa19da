//! Files that commands read and write: bounded reading, digests of streams, and outputs that appear whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crypto::digest::{Digest, DigestAlgorithm, Digester, hex};
use signing::asic::zip::{Source, SourceError};

use super::Failure;

/// Reads a file of at most `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(unreadable(path, format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// Opens a file for reading. A folder opens on some systems and only fails when it is read, so it is refused here.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(unreadable(path, "is a folder"));
    }
    Ok(file)
}

/// Hands a file to `consume`, piece by piece.
pub(crate) fn stream(path: &Path, mut consume: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    copy(path, &mut open(path)?, &mut consume)
}

/// Hands the rest of `source` to `consume`, piece by piece.
pub(crate) fn copy(
    path: &Path,
    source: &mut impl Read,
    consume: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => consume(piece.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(path, error)),
        }
    }
}

/// Digests of a file by several algorithms, read once.
pub(crate) fn digests(path: &Path, algorithms: &[DigestAlgorithm]) -> Result<Vec<Digest>, Failure> {
    let mut digesters: Vec<Digester> = algorithms.iter().copied().map(Digester::new).collect();
    stream(path, |piece| {
        digesters.iter_mut().for_each(|digester| digester.update(piece));
        Ok(())
    })?;
    Ok(digesters.into_iter().map(Digester::finish).collect())
}

/// A file that is read at any place, for containers.
pub(crate) struct FileSource {
    file: File,
    size: u64,
}

impl FileSource {
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let file = open(path)?;
        let size = file.metadata().map_err(|error| unreadable(path, error))?.len();
        Ok(Self { file, size })
    }

    pub(crate) fn begins_with(&self, magic: &[u8]) -> bool {
        let mut start = vec![0; magic.len()];
        self.read_at(0, &mut start).is_ok() && start == magic
    }
}

impl FileSource {
    /// Whether the first character, after a byte order mark and white space, opens a tag.
    pub(crate) fn is_markup(&self) -> bool {
        let length = usize::try_from(self.size.min(1024)).unwrap_or(0);
        let mut start = vec![0; length];
        if self.read_at(0, &mut start).is_err() {
            return false;
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        text.iter().find(|octet| !octet.is_ascii_whitespace()) == Some(&b'<')
    }
}

impl Source for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(buffer)).map_err(|_| SourceError)
    }
}

pub(crate) fn unreadable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::Unreadable(format!("{}: {why}", path.display()))
}

/// Whether an existing output is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// Who may read an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Whoever the process's file mode mask allows: signatures and sealed files are made to be passed on.
    AsUsual,
    /// Its owner alone: an opened document is as confidential as its seal was.
    Owner,
}

/// An output that is being written beside its place. It takes the place when it is committed; dropped before, it is gone.
pub(crate) struct NewFile {
    target: PathBuf,
    beside: PathBuf,
    file: File,
    existing: Existing,
}

impl NewFile {
    /// Begins an output.
    pub(crate) fn create(target: &Path, existing: Existing, readers: Readers) -> Result<Self, Failure> {
        if existing == Existing::Keep && target.symlink_metadata().is_ok() {
            return Err(already_there(target));
        }
        let name = target.file_name().ok_or_else(|| unwritable(target, "is not the name of a file"))?;
        let mut beside_name = std::ffi::OsString::from(".");
        beside_name.push(name);
        beside_name.push(format!(".{}.partial", hex(&crypto::random::array::<8>())));
        let beside = target.with_file_name(beside_name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if readers == Readers::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let file = options.open(&beside).map_err(|error| unwritable(target, error))?;
        Ok(Self { target: target.to_owned(), beside, file, existing })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| unwritable(&self.target, error))
    }

    /// Makes what was written durable and puts it in its place.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| unwritable(&self.target, error))?;
        match self.existing {
            Existing::Replace => std::fs::rename(&self.beside, &self.target),
            // A link never replaces, so a file that appeared in the meantime is safe. The drop removes the other name.
            Existing::Keep => {
                std::fs::hard_link(&self.beside, &self.target).or_else(|error| self.move_without_link(error))
            }
        }
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => already_there(&self.target),
            _ => unwritable(&self.target, error),
        })
    }

    /// Some file systems have no links; there the look and the rename are two steps.
    fn move_without_link(&self, error: std::io::Error) -> std::io::Result<()> {
        if error.kind() == ErrorKind::AlreadyExists || self.target.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(&self.beside, &self.target)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing to remove.
        let _ = std::fs::remove_file(&self.beside);
    }
}

fn already_there(path: &Path) -> Failure {
    unwritable(path, "exists already (--force replaces it)")
}

fn unwritable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::Unwritable(format!("{}: {why}", path.display()))
}

/// One read of a stream.
const PIECE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let mut abandoned = NewFile::create(&target, Existing::Keep, Readers::Owner).unwrap();
        abandoned.write(b"half").unwrap();
        drop(abandoned);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut whole = NewFile::create(&target, Existing::Keep, Readers::Owner).unwrap();
        whole.write(b"whole").unwrap();
        assert!(!target.exists());
        whole.commit().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let mut late = NewFile::create(&target, Existing::Keep, Readers::Owner).unwrap();
        late.write(b"late").unwrap();
        std::fs::write(&target, b"first").unwrap();
        assert!(matches!(late.commit(), Err(Failure::Unwritable(_))));
        assert!(matches!(NewFile::create(&target, Existing::Keep, Readers::Owner), Err(Failure::Unwritable(_))));
        assert_eq!(std::fs::read(&target).unwrap(), b"first");
        let mut forced = NewFile::create(&target, Existing::Replace, Readers::AsUsual).unwrap();
        forced.write(b"second").unwrap();
        forced.commit().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"second");
    }

    #[test]
    fn reading_stops_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("in");
        std::fs::write(&file, [0; 100]).unwrap();
        assert_eq!(read(&file, 100).unwrap().len(), 100);
        assert!(matches!(read(&file, 99), Err(Failure::Unreadable(why)) if why.contains("larger than 99 bytes")));
        assert!(matches!(read(folder.path(), 99), Err(Failure::Unreadable(_))));
    }
}
