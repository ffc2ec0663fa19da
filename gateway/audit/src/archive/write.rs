//! Reads the log and hands the archive out, file by file. What is in memory is one bundle with its details, and the directory.

use bytes::Bytes;
use crypto::digest::hex;
use schemas::audit::AuditExport;
use storage::StoreError;

use super::plan::{File, INSTRUCTIONS, Manifest, one_line};
use super::zip::{Directory, crc, local_header};
use crate::index::{Index, Opened};
use crate::log::tiles::Wanted;
use crate::log::{Log, LogFailure};

/// There is no such range in the published log, or it is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log has no such entries, or they are too many for one archive")]
pub struct RangeWrong;

/// Why an archive is not written to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailure {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogFailure),
    /// The details cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It would be larger than 4 GiB.
    #[error("the archive would be larger than 4 GiB")]
    TooLarge,
}

/// An archive on its way out.
pub struct Export {
    log: Log,
    index: Index,
    manifest: Manifest,
    checkpoint: String,
    files: std::vec::IntoIter<File>,
    directory: Option<Directory>,
}

impl Export {
    /// The range of the published log that is asked for.
    ///
    /// # Errors
    /// Failures of the database; inside, that there is no such range.
    pub async fn begin(log: &Log, index: &Index, asked: AuditExport) -> Result<Result<Self, RangeWrong>, LogFailure> {
        let Some((size, checkpoint)) = log.published().await? else { return Ok(Err(RangeWrong)) };
        let AuditExport { first, end, details } = asked;
        let (verifier, end) = (log.verifier(), end.unwrap_or(size));
        let (origin, keys) = (verifier.name().to_owned(), vec![verifier.vkey()]);
        let manifest = Manifest { origin, size, first, end, details, keys };
        if !manifest.is_range() {
            return Ok(Err(RangeWrong));
        }
        let files = manifest.plan().into_iter();
        let (log, index, directory) = (log.clone(), index.clone(), Some(Directory::default()));
        Ok(Ok(Self { log, index, manifest, checkpoint, files, directory }))
    }

    /// What it will hold.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The next piece; none: it is complete.
    ///
    /// # Errors
    /// [`ExportFailure`]: what was handed out is no archive then.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ExportFailure> {
        let Some(file) = self.files.next() else {
            let rest = self.directory.take().map(|directory| directory.finish().ok_or(ExportFailure::TooLarge));
            return rest.transpose().map(|rest| rest.map(Bytes::from));
        };
        let content = self.content(&file).await?;
        let (name, crc) = (file.name(), crc(&content));
        let size = u32::try_from(content.len()).map_err(|_| ExportFailure::TooLarge)?;
        let placed = self.directory.as_mut().and_then(|directory| directory.add(&name, crc, size));
        placed.ok_or(ExportFailure::TooLarge)?;
        let mut piece = local_header(&name, crc, size);
        piece.extend_from_slice(&content);
        Ok(Some(piece.into()))
    }

    async fn content(&self, file: &File) -> Result<Bytes, ExportFailure> {
        Ok(match file {
            File::Manifest => self.manifest.text().into(),
            File::Checkpoint => self.checkpoint.clone().into(),
            File::Instructions => Bytes::from_static(INSTRUCTIONS.as_bytes()),
            File::Entries(tile) => self.log.tile_of(&Wanted::Entries(*tile), self.manifest.size).await?,
            File::Hashes(tile) => self.log.tile_of(&Wanted::Hashes(*tile), self.manifest.size).await?,
            File::Details(bundle) => self.details(*bundle).await?.into(),
        })
    }

    async fn details(&self, bundle: u64) -> Result<String, StoreError> {
        let first = (bundle * 256).max(self.manifest.first);
        let end = ((bundle + 1) * 256).min(self.manifest.end);
        let rows = self.index.rows(first, end, 256).await?;
        Ok(rows.iter().filter_map(line).collect())
    }
}

/// A line of details.
pub(super) fn details_line(seq: u64, salt: &[u8; 32], details: &str) -> String {
    one_line([("seq", seq.into()), ("salt", hex(salt).into()), ("details", details.into())])
}

/// What an entry commits to, as it stands in an archive.
fn line(row: &Opened) -> Option<String> {
    let (salt, details) = row.details.as_ref()?;
    Some(details_line(row.seq, salt, details))
}
