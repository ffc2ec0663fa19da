//! A ring as a folder of files: one for each key, `<id>.key`, and `current`, which names the one that wraps.
//!
//! ```text
//! # Key of the ring of a Vuzol node. ...                  # Which key of the ring is current. ...
//! vuzol-ring-key: 1                                       vuzol-ring-current: 1
//! id: 32 hexadecimal digits                               id: 32 hexadecimal digits
//! created: 2026-11-26T16:00:00Z                           since: 2026-11-26T16:00:00Z
//! key: 64 hexadecimal digits
//! ```
//!
//! That exactly one key is current holds because one file says which. A file comes into being beside its place, whole and on
//! disk, and is renamed into it; the folder is synced after each. So a rotation that is cut off leaves the old key current, and
//! at most a new one that wrapped nothing. Files with other endings are not looked at.

use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::digest::{from_hex, hex};
use crypto::seal::ring::{RingKey, RingKeyHandle, RingKeyId};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::{Zeroize, Zeroizing};

use super::{Held, KeyRingError, Keys};

/// The folder of a ring.
pub(super) struct Folder(PathBuf);

/// By what a changed ring is noticed. A rename into place brings `current` another inode; whatever comes into the folder or goes out of it
/// gives the folder another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    modified: (i64, i64),
    folder_modified: (i64, i64),
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder where there is none.
    pub(super) fn create(&self) -> Result<(), KeyRingError> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|error| unusable(&self.0, error))
    }

    /// Whether there is any key, or a word about one.
    pub(super) fn is_empty(&self) -> Result<bool, KeyRingError> {
        Ok(!self.pointer().exists() && self.key_files()?.is_empty())
    }

    /// How the folder looks now.
    pub(super) fn stamp(&self) -> Result<Stamp, KeyRingError> {
        let pointer = self.pointer();
        let metadata = std::fs::metadata(&pointer).map_err(|error| unusable(&pointer, error))?;
        let folder = std::fs::metadata(&self.0).map_err(|error| unusable(&self.0, error))?;
        Ok(Stamp {
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            folder_modified: (folder.mtime(), folder.mtime_nsec()),
        })
    }

    /// Reads everything anew.
    pub(super) fn load(&self) -> Result<Keys, KeyRingError> {
        let metadata = std::fs::metadata(&self.0).map_err(|error| unusable(&self.0, error))?;
        if metadata.mode() & 0o022 != 0 {
            return Err(unusable(&self.0, "others may write to it, and say which key is current: chmod 700"));
        }
        // Before the files: what is changed while they are read is seen at the next look.
        let stamp = Some(self.stamp()?);
        let pointer = self.pointer();
        let text = read_private(&pointer)?;
        let fields = Fields::of(&pointer, &text, &["vuzol-ring-current", "id", "since"])?;
        let (current, since) = (fields.id()?, fields.time()?);
        let mut all = BTreeMap::new();
        for file in self.key_files()? {
            let (id, held) = read_key(&file)?;
            all.insert(id, held);
        }
        if !all.contains_key(&current) {
            return Err(unusable(&pointer, format!("names the key {current}, whose file is missing")));
        }
        Ok(Keys { current, since, all, stamp })
    }

    /// Puts a key beside the others; it is not current by that.
    pub(super) fn add(&self, key: &RingKey, created: OffsetDateTime) -> Result<(), KeyRingError> {
        let file = self.key_file(key.id());
        let created = rfc3339(&file, created)?;
        // Reserved at once: a text that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES));
        let digits = Zeroizing::new(hex(key.expose()));
        for piece in [KEY_COMMENT, "vuzol-ring-key: 1\nid: ", &key.id().to_string(), "\ncreated: ", &created, "\nkey: "]
        {
            text.push_str(piece);
        }
        text.push_str(&digits);
        text.push('\n');
        self.put(&file, text.as_bytes())
    }

    /// Makes a key current, from `since` on. Every process notices.
    pub(super) fn point(&self, id: RingKeyId, since: OffsetDateTime) -> Result<(), KeyRingError> {
        let file = self.pointer();
        let since = rfc3339(&file, since)?;
        let text = format!("{POINTER_COMMENT}vuzol-ring-current: 1\nid: {id}\nsince: {since}\n");
        self.put(&file, text.as_bytes())
    }

    /// Overwrites a key's file and removes it. A disk that writes elsewhere than it is told keeps the old octets for a while.
    pub(super) fn destroy(&self, id: RingKeyId) -> Result<(), KeyRingError> {
        let path = self.key_file(id);
        let failed = |error| unusable(&path, error);
        let mut file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
        let length = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(FILE_BYTES);
        file.rewind().map_err(failed)?;
        file.write_all(&vec![0; length.min(FILE_BYTES)]).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        std::fs::remove_file(&path).map_err(failed)?;
        self.sync()
    }

    fn pointer(&self) -> PathBuf {
        self.0.join("current")
    }

    fn key_file(&self, id: RingKeyId) -> PathBuf {
        self.0.join(format!("{id}.{ENDING}"))
    }

    fn key_files(&self) -> Result<Vec<PathBuf>, KeyRingError> {
        let failed = |error| unusable(&self.0, error);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                files.push(path);
            }
        }
        if files.len() > MOST_KEYS { Err(unusable(&self.0, format!("more than {MOST_KEYS} keys"))) } else { Ok(files) }
    }

    /// A new or changed file, whole or not at all.
    fn put(&self, target: &Path, content: &[u8]) -> Result<(), KeyRingError> {
        let failed = |error: std::io::Error| unusable(target, error);
        let folder = std::fs::metadata(&self.0).map_err(failed)?;
        let beside = self.0.join(format!(".{}.partial", hex(&crypto::random::array::<8>())));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(failed)?;
        let written = same_owner(&file, &folder, &self.0)
            .and_then(|()| file.write_all(content).and_then(|()| file.sync_all()).map_err(failed))
            .and_then(|()| std::fs::rename(&beside, target).map_err(failed));
        if written.is_err() {
            // What is left of it names nothing and wrapped nothing.
            let _ = std::fs::remove_file(&beside);
        }
        written.and_then(|()| self.sync())
    }

    fn sync(&self) -> Result<(), KeyRingError> {
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(|error| unusable(&self.0, error))
    }
}

/// A file that the superuser made is one that the node cannot read: it would stop wrapping at the next message.
fn same_owner(file: &File, folder: &Metadata, path: &Path) -> Result<(), KeyRingError> {
    let made = file.metadata().map_err(|error| unusable(path, error))?;
    if made.uid() == folder.uid() {
        Ok(())
    } else {
        Err(unusable(path, format!("belongs to the user {}: run this as that user", folder.uid())))
    }
}

fn read_key(path: &Path) -> Result<(RingKeyId, Held), KeyRingError> {
    let text = read_private(path)?;
    let fields = Fields::of(path, &text, &["vuzol-ring-key", "id", "created", "key"])?;
    let (id, created) = (fields.id()?, fields.time()?);
    let digits = fields.value("key");
    let bytes = from_hex(digits).map(Zeroizing::new).filter(|bytes| bytes.len() == 32);
    let bytes = bytes.ok_or_else(|| unusable(path, "key is not 64 hexadecimal digits"))?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&bytes);
    let key = RingKey::from_bytes(key);
    if key.id() != id {
        return Err(unusable(path, "the key is another than its id says: the file was damaged"));
    }
    if path.file_stem().is_none_or(|stem| *stem != *id.to_string()) {
        return Err(unusable(path, format!("is not named as its key, {id}.{ENDING}")));
    }
    Ok((id, Held { key: Arc::new(key), created }))
}

/// Reads a file that only its owner may read.
fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyRingError> {
    let failed = |error| unusable(path, error);
    let mut file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(unusable(path, "others may read or change it: chmod 600, and rotate, since they may have done so"));
    }
    let mut bytes = Zeroizing::new(vec![0; FILE_BYTES + 1]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]).map_err(failed)? {
            0 => break,
            read => length += read,
        }
        if length > FILE_BYTES {
            return Err(unusable(path, format!("larger than {FILE_BYTES} bytes")));
        }
    }
    bytes.truncate(length);
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|error| {
        error.into_bytes().zeroize();
        unusable(path, "not text")
    })
}

/// The lines of a file, in the one order that they have.
struct Fields<'t> {
    path: &'t Path,
    values: Vec<(&'static str, &'t str)>,
}

impl<'t> Fields<'t> {
    fn of(path: &'t Path, text: &'t str, names: &[&'static str]) -> Result<Self, KeyRingError> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut values = Vec::with_capacity(names.len());
        for name in names {
            let value = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(": "));
            values.push((*name, value.ok_or_else(|| unusable(path, format!("the line {name:?} is missing")))?));
        }
        let fields = Self { path, values };
        match (lines.next(), fields.values.first()) {
            (Some(_), _) => Err(unusable(path, "more lines than there should be")),
            (None, Some((_, "1"))) => Ok(fields),
            (None, _) => Err(unusable(path, "a version that this node does not know")),
        }
    }

    fn value(&self, name: &str) -> &'t str {
        self.values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value)
    }

    fn id(&self) -> Result<RingKeyId, KeyRingError> {
        let id = RingKeyId::parse(self.value("id"));
        id.ok_or_else(|| unusable(self.path, "id is not 32 lower-case hexadecimal digits"))
    }

    /// The one line with a time, whichever name it has.
    fn time(&self) -> Result<OffsetDateTime, KeyRingError> {
        let text = self.values.get(2).map_or("", |(_, value)| *value);
        OffsetDateTime::parse(text, &Rfc3339).map_err(|_| unusable(self.path, "not a time of RFC 3339"))
    }
}

fn rfc3339(path: &Path, at: OffsetDateTime) -> Result<String, KeyRingError> {
    at.format(&Rfc3339).map_err(|error| unusable(path, error))
}

fn unusable(file: &Path, problem: impl std::fmt::Display) -> KeyRingError {
    KeyRingError::Unusable { file: file.to_owned(), problem: problem.to_string() }
}

/// Files of a few hundred bytes; more is none of ours.
const FILE_BYTES: usize = 1024;
/// A ring that is turned every week for five years, and nothing ever destroyed.
const MOST_KEYS: usize = 256;
/// The ending of the files of keys.
const ENDING: &str = "key";
const KEY_COMMENT: &str =
    "# Key of the ring of a Vuzol node. It opens documents: keep it secret, and in no backup of the database.
# Without it nobody reads what was wrapped under it. `vuzol keys` makes and destroys such files; do not edit them.
";
const POINTER_COMMENT: &str =
    "# Which key of the ring is current. `vuzol keys rotate-ring` writes this file; do not edit it.\n";
