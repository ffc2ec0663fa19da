//! Which keys were destroyed, in a file beside the payload key: no backup of the database brings them back.
//!
//! ```text
//! # ...      a line for whoever finds the file
//! <id>       32 hexadecimal digits: the key is to be destroyed, or was
//! -<id>      one such line before it is taken back: the erasure was refused
//! ```
//!
//! Lines are appended and synced before anything is destroyed. What has no end of the line was being written when the machine went: nobody was told that it
//! stands, and the next line takes its place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crypto::digest::{from_hex, hex};

/// The id of a data key.
pub(crate) type KeyId = [u8; 16];

const HEADING: &str = "# Keys of details that were erased from the log of a Vuzol node. Restore it together with nothing: what it names stays erased.\n";
/// Before an id whose erasure was noted and refused.
const TAKEN_BACK: &str = "-";

pub(super) struct Journal {
    path: PathBuf,
    erased: Mutex<Erased>,
}

/// Of each key, how many erasures are noted and not taken back.
type Erased = BTreeMap<KeyId, u32>;

impl Journal {
    /// Where there is no file, nothing was erased.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let erased =
            parsed(&text).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no journal of erasures"))?;
        Ok(Self { path: path.to_owned(), erased: Mutex::new(erased) })
    }

    pub(super) fn names(&self, id: &KeyId) -> bool {
        self.erased.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    pub(super) fn ids(&self) -> Vec<KeyId> {
        self.erased.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Notes ids, durably. Blocks on the disk.
    pub(super) fn note(&self, ids: &[KeyId]) -> io::Result<()> {
        self.write(ids, "")
    }

    /// Takes back one note of each: another's, which may have been done, stays. Blocks on the disk.
    pub(super) fn take_back(&self, ids: &[KeyId]) -> io::Result<()> {
        self.write(ids, TAKEN_BACK)
    }

    fn write(&self, ids: &[KeyId], sign: &str) -> io::Result<()> {
        let mut erased = self.erased.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = File::options().create(true).truncate(false).read(true).write(true).open(&self.path)?;
        // A command and the node that serves may write at once.
        file.lock()?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|octet| *octet == b'\n').map_or(0, |end| end + 1);
        let mut lines = if whole == 0 { HEADING.to_owned() } else { String::new() };
        for id in ids {
            lines.push_str(sign);
            lines.push_str(&hex(id));
            lines.push('\n');
        }
        let end = u64::try_from(whole).map_err(io::Error::other)?;
        if let Err(error) = append(&mut file, end, &lines) {
            // Whoever is told that it failed must not find it done with the next start.
            let _ = file.set_len(end);
            return Err(error);
        }
        if whole == 0 {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        ids.iter().for_each(|id| count(&mut erased, *id, sign.is_empty()));
        Ok(())
    }
}

/// After what is whole.
fn append(file: &mut File, end: u64, lines: &str) -> io::Result<()> {
    file.set_len(end)?;
    file.seek(io::SeekFrom::Start(end))?;
    file.write_all(lines.as_bytes())?;
    file.sync_all()
}

fn count(erased: &mut Erased, id: KeyId, noted: bool) {
    let times = erased.remove(&id).unwrap_or(0);
    let times = if noted { times.saturating_add(1) } else { times.saturating_sub(1) };
    if times > 0 {
        erased.insert(id, times);
    }
}

fn parsed(text: &str) -> Option<Erased> {
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let mut erased = Erased::new();
    for line in whole.lines().filter(|line| !line.starts_with('#')) {
        let (id, noted) = line.strip_prefix(TAKEN_BACK).map_or((line, true), |id| (id, false));
        count(&mut erased, from_hex(id)?.try_into().ok()?, noted);
    }
    Some(erased)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_whole_or_not_at_all() {
        let (one, two) = ("00".repeat(16), "ab".repeat(16));
        let count = |text: &str| parsed(text).map(|ids| ids.len());
        assert_eq!(count(""), Some(0));
        assert_eq!(count(&format!("{HEADING}{one}\n{two}\n")), Some(2));
        assert_eq!(count(&format!("{HEADING}{one}\n{}", &two[..7])), Some(1), "a line that was being written");
        for wrong in [format!("{one}x\n"), "rubbish\n".to_owned(), format!("{}\n", &one[..30])] {
            assert_eq!(count(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_note_that_is_taken_back_leaves_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erased");
        let (journal, one, other) = (Journal::open(&path).unwrap(), [1; 16], [2; 16]);
        journal.note(&[one, other]).unwrap();
        journal.note(&[one]).unwrap();
        journal.take_back(&[one, other]).unwrap();
        for journal in [journal, Journal::open(&path).unwrap()] {
            assert!(journal.names(&one) && !journal.names(&other));
            assert_eq!(journal.ids(), [one]);
        }
        Journal::open(&path).unwrap().take_back(&[one]).unwrap();
        assert!(Journal::open(&path).unwrap().ids().is_empty());
    }

    #[test]
    fn a_line_that_was_being_written_gives_its_place_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erased");
        Journal::open(&path).unwrap().note(&[[1; 16], [2; 16]]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for left in 0..=whole.len() {
            std::fs::write(&path, &whole[..left]).unwrap();
            let journal = Journal::open(&path).unwrap();
            let before = journal.ids();
            journal.note(&[[3; 16]]).unwrap();
            let after = Journal::open(&path).unwrap().ids();
            assert_eq!(after, [before, vec![[3; 16]]].concat(), "{left} octets were left");
            assert!(std::fs::read(&path).unwrap().starts_with(HEADING.as_bytes()));
        }
    }
}
