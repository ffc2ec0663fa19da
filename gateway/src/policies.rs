//! The signed bundle of policies as a file that somebody brings up to date, with its signature beside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use access::{BundleError, PolicyKeeper};
use schemas::limits::SIGNATURE_BYTES;
use tokio::io::AsyncReadExt as _;

/// What is read of a bundle at most; `access` refuses less.
const BUNDLE_BYTES: usize = 8 << 20;

/// The file, and who puts it in force.
pub(crate) struct PolicyFile {
    keeper: PolicyKeeper,
    bundle: PathBuf,
}

/// Why what lies there is not in force.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyFileError {
    /// It cannot be read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The bundle or its signature.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is not what it should be.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl PolicyFile {
    pub(crate) fn new(keeper: PolicyKeeper, bundle: PathBuf) -> Self {
        Self { keeper, bundle }
    }

    /// Puts in force what lies there now; false: it is in force already.
    ///
    /// # Errors
    /// [`PolicyFileError`]: the policies in force stay.
    pub(crate) async fn refresh(&self) -> Result<bool, PolicyFileError> {
        let bundle = read(&self.bundle, BUNDLE_BYTES).await?;
        let signature = read(&signature_of(&self.bundle), SIGNATURE_BYTES).await?;
        Ok(self.keeper.adopt(&bundle, &signature).await?)
    }
}

/// `policies.json.p7s` of `policies.json`.
pub(crate) fn signature_of(bundle: &Path) -> PathBuf {
    let mut name = OsString::from(bundle);
    name.push(".p7s");
    name.into()
}

async fn read(path: &Path, limit: usize) -> Result<Vec<u8>, PolicyFileError> {
    let failed = |error| PolicyFileError::File { path: path.to_owned(), error };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if bytes.len() > limit {
        return Err(failed(std::io::Error::other(format!("more than {limit} bytes"))));
    }
    Ok(bytes)
}
