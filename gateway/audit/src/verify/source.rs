//! Where a verifier reads tiles.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};
use storage::objects::Objects;

/// Tiles and bundles by their paths of C2SP tlog-tiles.
pub trait Source {
    /// Puts the content of `path` (`tile/0/000`, `tile/entries/000.p/12`) into `content`, which was emptied; false where there is none. More than `limit` bytes
    /// are never read: then `content` is longer than that by one.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, Error>;
}

/// A folder that holds a log as static files: `tile/`, and `checkpoint`.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The log in `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

impl Source for Folder {
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, Error> {
        content.clear();
        let file = match File::open(self.root.join(path)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(content)?;
        Ok(true)
    }
}

/// The log among a node's objects. Only for threads that may block: not those of the runtime.
#[derive(Clone)]
pub struct Stored {
    objects: Objects,
    runtime: tokio::runtime::Handle,
}

impl Stored {
    /// The log in `objects`, which `runtime` reads.
    #[must_use]
    pub fn new(objects: Objects, runtime: tokio::runtime::Handle) -> Self {
        Self { objects, runtime }
    }
}

impl Source for Stored {
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, Error> {
        content.clear();
        let found = self.runtime.block_on(self.objects.read(&format!("log/{path}"))).map_err(Error::other)?;
        let Some(bytes) = found else { return Ok(false) };
        content.extend_from_slice(bytes.get(..=limit).unwrap_or(&bytes));
        Ok(true)
    }
}
