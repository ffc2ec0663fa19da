//! Opens an archive. Its frame is compared with the one that its manifest asks for, from the first octet to the last; a file's content is compared
//! with its checksum whenever it is read.

use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use super::plan::{File, Manifest};
use super::zip::{Directory, LOCAL_BYTES, crc, local_header, stated};
use crate::verify::Source;

/// Larger than any manifest, and than any other file that is not a bundle or its details.
const SMALL_BYTES: u32 = 1 << 20;

/// Of a bundle: 256 entries of two octets of length and 65,535 of content. Of its details as much as an archive can hold is held in memory at once.
const FILE_BYTES: u32 = 256 << 20;

/// It is no archive, or is broken.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It cannot be read: the disk's fault.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is broken at this file: its frame is not the one that there is, or its content is not what its checksum says.
    #[error("broken at {0}")]
    At(String),
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u32,
    size: u32,
    crc: u32,
}

/// What an archive is read from: a file, or memory.
trait Medium: Read + Seek + Send {}

impl<T: Read + Seek + Send> Medium for T {}

/// An archive whose frame is right.
pub struct Archive {
    file: Mutex<Box<dyn Medium>>,
    manifest: Manifest,
    places: HashMap<String, Place>,
}

impl Archive {
    /// Opens it and holds its frame against the plan. Reads no content but the manifest.
    ///
    /// # Errors
    /// [`Broken`], with the first file that is not where or what it must be.
    pub fn open(file: impl Read + Seek + Send + 'static) -> Result<Self, Broken> {
        let mut file: Box<dyn Medium> = Box::new(file);
        file.seek(SeekFrom::Start(0))?;
        let (mut directory, mut places) = (Directory::default(), HashMap::new());
        let place = next(&mut *file, &File::Manifest.name(), &mut directory)?;
        let manifest = content(&mut *file, &File::Manifest.name(), place, SMALL_BYTES)?;
        let manifest = Manifest::parse(&manifest).ok_or_else(|| Broken::At(File::Manifest.name()))?;
        places.insert(File::Manifest.name(), place);
        for planned in manifest.plan().iter().skip(1) {
            let name = planned.name();
            let place = next(&mut *file, &name, &mut directory)?;
            file.seek(SeekFrom::Current(i64::from(place.size)))?;
            places.insert(name, place);
        }
        let broken = || Broken::At("the central directory".to_owned());
        let expected = directory.finish().ok_or_else(broken)?;
        let mut found = Vec::new();
        (&mut file)
            .take(u64::try_from(expected.len()).unwrap_or(u64::MAX).saturating_add(1))
            .read_to_end(&mut found)?;
        if found != expected {
            return Err(broken());
        }
        Ok(Self { file: Mutex::new(file), manifest, places })
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The content of a file of the plan.
    pub(super) fn content(&self, name: &str) -> Result<Vec<u8>, Broken> {
        let place = *self.places.get(name).ok_or_else(|| Broken::At(name.to_owned()))?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(place.offset.into()))?;
        content(&mut **file, name, place, FILE_BYTES)
    }
}

/// For proofs: what is broken was said when it was opened, and is not there.
impl Source for Archive {
    fn read(&self, path: &str, limit: usize, into: &mut Vec<u8>) -> Result<bool, io::Error> {
        into.clear();
        if !self.places.contains_key(path) {
            return Ok(false);
        }
        let content = self.content(path).map_err(io::Error::other)?;
        into.extend_from_slice(content.get(..=limit).unwrap_or(&content));
        Ok(true)
    }
}

/// Reads the header of the next file, which must be this one, and stops at its content.
fn next(file: &mut dyn Medium, name: &str, directory: &mut Directory) -> Result<Place, Broken> {
    let broken = || Broken::At(name.to_owned());
    let mut header = vec![0; LOCAL_BYTES + name.len()];
    file.read_exact(&mut header).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken(),
        _ => error.into(),
    })?;
    let (crc, size) = stated(&header).ok_or_else(broken)?;
    if header != local_header(name, crc, size) {
        return Err(broken());
    }
    let offset = directory.add(name, crc, size).ok_or_else(broken)?;
    Ok(Place { offset, size, crc })
}

fn content(file: &mut dyn Medium, name: &str, place: Place, limit: u32) -> Result<Vec<u8>, Broken> {
    let broken = || Broken::At(name.to_owned());
    if place.size > limit {
        return Err(broken());
    }
    let mut found = Vec::new();
    Read::take(file, place.size.into()).read_to_end(&mut found)?;
    let whole = found.len() == usize::try_from(place.size).unwrap_or(usize::MAX) && crc(&found) == place.crc;
    whole.then_some(found).ok_or_else(broken)
}
