//! A strict reader of ZIP archives (PKWARE APPNOTE 6.3), as far as containers need it.
//!
//! Programs differ in what they make of a ZIP archive that breaks the rules, and a signature over what one of them sees is worth
//! nothing to the others. So an archive is read only if there is one way to read it: the central directory decides, each local header
//! agrees with it, entries fill the file from its first octet to the central directory, names are distinct even for those who are careless with
//! them. Stored and deflated entries only; nothing encrypted, nothing on several disks. Archives inside archives are content like any other.
//!
//! | module | what it reads |
//! |---|---|
//! | `directory` | the end of the archive and the central directory |
//! | `local` | local headers, data descriptors, and that nothing lies between |
//! | `extra` | extra fields |
//! | `name` | which names stand, and which are twins |
//! | `inflate` | content, through buffers of fixed size |
//! | `writer` | headers of archives that we write |
//!
//! Memory is bounded by [`Limits`] and does not grow with the content. What the sizes in the headers promise is checked against the
//! budgets before anything is inflated, and inflating stops where the promise is broken.

mod directory;
mod extra;
mod fields;
mod inflate;
mod local;
mod name;
mod writer;

pub use name::LONGEST_NAME;
pub(super) use name::check as check_names;
pub(super) use writer::{Planned, directory};

use directory::Directory;

use super::error::ContainerError;

/// Bytes that can be read at any place: a slice, or a file behind whoever does I/O.
pub trait Source {
    /// Octets in all. Does not change.
    fn size(&self) -> u64;

    /// Fills the buffer with the octets from `offset` on.
    ///
    /// # Errors
    /// If they cannot all be read. What the reason was is the business of whoever does I/O.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError>;
}

/// The bytes could not be read where they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes could not be read")]
pub struct SourceError;

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let start = usize::try_from(offset).map_err(|_| SourceError)?;
        let wanted = self.get(start..).and_then(|rest| rest.get(..buffer.len())).ok_or(SourceError)?;
        buffer.copy_from_slice(wanted);
        Ok(())
    }
}

/// Bounds of an archive.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Entries, folders included.
    pub entries: u64,
    /// Octets of all entries together, inflated. Each costs hashing.
    pub inflated: u64,
}

/// Entries of an archive, as in the European reference implementation.
pub const MOST_ENTRIES: u64 = 1000;
/// Octets of all entries, inflated: twice the largest document that a node takes.
pub const MOST_INFLATED: u64 = 4 * 1024 * 1024 * 1024;
/// How many times its compressed size an entry may have, and all of them together. Text seldom exceeds 20; DEFLATE can reach 1032.
pub const HIGHEST_RATIO: u64 = 100;
/// Inflated octets up to which the ratio does not matter.
pub const RATIO_THRESHOLD: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self { entries: MOST_ENTRIES, inflated: MOST_INFLATED }
    }
}

const FLAG_ENCRYPTED: u16 = 1 << 0;
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_PATCH: u16 = 1 << 5;
const FLAG_STRONG_ENCRYPTION: u16 = 1 << 6;
const FLAG_UTF8: u16 = 1 << 11;
const FLAG_MASKED_HEADER: u16 = 1 << 13;
/// Flags that change what an entry is; the others describe how hard it was compressed.
const FLAGS_COMPARED: u16 =
    FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_PATCH | FLAG_STRONG_ENCRYPTION | FLAG_UTF8 | FLAG_MASKED_HEADER;

/// How content is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// As it is.
    Stored,
    /// DEFLATE, RFC 1951.
    Deflated,
}

impl Method {
    fn read(number: u16, flags: u16) -> Result<Self, ContainerError> {
        if flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED_HEADER) != 0 {
            return Err(ContainerError::Encrypted);
        }
        match number {
            _ if flags & FLAG_PATCH != 0 => Err(ContainerError::CompressionMethod),
            0 => Ok(Self::Stored),
            8 => Ok(Self::Deflated),
            // AE-x, APPNOTE appendix E.
            99 => Err(ContainerError::Encrypted),
            _ => Err(ContainerError::CompressionMethod),
        }
    }

    const fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

/// A file or folder of the archive.
#[derive(Debug, Clone)]
pub struct Entry {
    name: String,
    method: Method,
    flags: u16,
    crc: u32,
    compressed: u64,
    size: u64,
    header: u64,
    data: u64,
    local_extra: bool,
}

impl Entry {
    /// Its name: a relative path, of characters that show. Unverified, as everything in an archive.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A folder. It has no content.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/')
    }

    /// Octets of the content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How the content is kept.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Whether it lies at the beginning of the file.
    pub(super) fn is_first(&self) -> bool {
        self.header == 0
    }

    /// Whether its local header has extra fields.
    pub(super) fn has_local_extra(&self) -> bool {
        self.local_extra
    }
}

/// An archive that can be read in one way only.
#[derive(Debug)]
pub struct Archive<S> {
    source: S,
    entries: Vec<Entry>,
    comment: Vec<u8>,
}

impl<S: Source> Archive<S> {
    /// Reads all headers. No content is looked at.
    ///
    /// # Errors
    /// See [`ContainerError`]; nothing of the archive is to be used then.
    pub fn read(source: S, limits: &Limits) -> Result<Self, ContainerError> {
        let directory = Directory::find(&source)?;
        let mut entries = directory.entries(&source, limits)?;
        name::check_distinct(entries.iter().map(Entry::name))?;
        check_sizes(&entries, limits)?;
        local::check(&source, &mut entries, directory.offset)?;
        Ok(Self { source, entries, comment: directory.comment })
    }

    /// The entries, in the order of the central directory.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The archive's comment.
    #[must_use]
    pub fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// Hands the content of an entry of this archive to `sink`, in pieces of at most 64 KiB. What `sink` has got is worth
    /// something only after the checksum was compared, when this returns.
    ///
    /// # Errors
    /// `DamagedEntry`, `Checksum`, `Source`.
    pub fn stream(&self, entry: &Entry, mut sink: impl FnMut(&[u8])) -> Result<(), ContainerError> {
        let mut crc = crc32fast::Hasher::new();
        let sink = |piece: &[u8]| {
            crc.update(piece);
            sink(piece);
        };
        match entry.method {
            Method::Stored => inflate::copy(&self.source, entry, sink)?,
            Method::Deflated => inflate::inflate(&self.source, entry, sink)?,
        }
        if crc.finalize() == entry.crc { Ok(()) } else { Err(ContainerError::Checksum) }
    }

    /// The content of a small entry.
    ///
    /// # Errors
    /// `MetadataTooLarge` past `limit`; as [`Self::stream`].
    pub fn content(&self, entry: &Entry, limit: usize) -> Result<Vec<u8>, ContainerError> {
        let size = usize::try_from(entry.size).ok().filter(|size| *size <= limit);
        let mut content = Vec::with_capacity(size.ok_or(ContainerError::MetadataTooLarge)?);
        self.stream(entry, |piece| content.extend_from_slice(piece))?;
        Ok(content)
    }

    /// SHA-256 of the archive itself.
    ///
    /// # Errors
    /// `Source`.
    pub fn digest(&self) -> Result<[u8; 32], ContainerError> {
        inflate::digest(&self.source)
    }
}

/// Budget and ratio, by what the headers say; [`Archive::stream`] holds each entry to it.
fn check_sizes(entries: &[Entry], limits: &Limits) -> Result<(), ContainerError> {
    let exceeds = |size: u64, compressed: u64| size > RATIO_THRESHOLD && size / compressed.max(1) > HIGHEST_RATIO;
    let (mut size, mut compressed) = (0_u64, 0_u64);
    for entry in entries {
        if exceeds(entry.size, entry.compressed) {
            return Err(ContainerError::CompressionRatio);
        }
        size = size.checked_add(entry.size).ok_or(ContainerError::TooLarge)?;
        compressed = compressed.checked_add(entry.compressed).ok_or(ContainerError::TooLarge)?;
    }
    if exceeds(size, compressed) {
        return Err(ContainerError::CompressionRatio);
    }
    if size > limits.inflated { Err(ContainerError::TooLarge) } else { Ok(()) }
}

/// Octets that a header promises. Callers bound `length`.
fn read_vec<S: Source>(source: &S, offset: u64, length: u64) -> Result<Vec<u8>, ContainerError> {
    if offset.checked_add(length).is_none_or(|end| end > source.size()) {
        return Err(ContainerError::CutShort);
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| ContainerError::CutShort)?];
    source.read_at(offset, &mut bytes).map_err(|_| ContainerError::Source)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
