//! Room on the disk: a low-water mark, and a reserve that is given up when everything else is full.
//!
//! A disk that fills up between a deed and its record would leave the one without the other. So new work is refused while there is still room
//! ([`Space::accepts`]), and what was committed can be finished in what is left: the sequencer and the integrator of the log do not ask.
//! Where somebody else fills the disk meanwhile, the reserve goes: a file with blocks of its own beside the data, removed at a quarter of the mark
//! or when anybody met a full disk, and made again when there is room for it above the mark ([`Space::tend`]).
//!
//! | free bytes | new work | the reserve |
//! |---|---|---|
//! | at the mark and above it, reserve included | taken | held |
//! | below the mark | refused | held |
//! | below a quarter of it, or a write met a full disk | refused | given up |
//! | again above the mark with the reserve made anew | taken | held |
//!
//! Free bytes are those that an unprivileged process may use (`f_bavail` of statvfs). On a file system that copies on write (btrfs, zfs) a file's blocks
//! guarantee nothing: there only the mark helps, and a quota of the file system does the rest.

use crate::store::StoreError;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// How much must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Free bytes below which no new work is taken.
    pub low_water: u64,
    /// Bytes of the reserve on each file system.
    pub reserve: u64,
}

/// How it stands on the fullest of the file systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// New work is taken.
    pub accepts: bool,
    /// Free bytes, where they could be asked for.
    pub free: Option<u64>,
    /// Every reserve is there.
    pub reserve: bool,
}

/// Watches the file systems of some folders. Cheap to clone.
#[derive(Clone)]
pub struct Space {
    /// None: nothing is watched, and everything taken.
    inner: Option<Arc<Inner>>,
}

struct Inner {
    places: Vec<Place>,
    bounds: Bounds,
    meter: Meter,
    started: Instant,
    /// Milliseconds since `started` at the last look.
    looked: AtomicU64,
    low: AtomicBool,
    /// A write met a full disk since the reserves were last tended.
    met_full: AtomicBool,
    /// Held by the one who gives up or makes reserves.
    tending: Mutex<()>,
}

/// A file system, known by a folder on it.
struct Place {
    folder: PathBuf,
    reserve: PathBuf,
}

/// Free bytes on the file system of a folder.
type Meter = Box<dyn Fn(&Path) -> io::Result<u64> + Send + Sync>;

impl Space {
    /// Watches the file systems of `folders`, which exist, and makes a reserve on each, where there is room for it above the mark.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where a file system cannot be asked, or does not let a reserve be made though there is room.
    pub fn watch(folders: &[&Path], bounds: Bounds) -> Result<Self, StoreError> {
        Self::measured_by(folders, bounds, Box::new(free_bytes))
    }

    /// Watches nothing: for commands that write a row and end, and where somebody else watches.
    #[must_use]
    pub fn unwatched() -> Self {
        Self { inner: None }
    }

    fn measured_by(folders: &[&Path], bounds: Bounds, meter: Meter) -> Result<Self, StoreError> {
        let failed = |folder: &Path, error: &io::Error| StoreError::Objects(format!("{}: {error}", folder.display()));
        let mut places: Vec<(u64, Place)> = Vec::new();
        for folder in folders {
            let device = device(folder).map_err(|error| failed(folder, &error))?;
            // Folders of one file system have one reserve.
            if places.iter().all(|(known, _)| *known != device) {
                places.push((device, Place { folder: folder.to_path_buf(), reserve: folder.join(RESERVE) }));
            }
        }
        let inner = Inner {
            places: places.into_iter().map(|(_, place)| place).collect(),
            bounds,
            meter,
            started: Instant::now(),
            looked: AtomicU64::new(0),
            low: AtomicBool::new(false),
            met_full: AtomicBool::new(false),
            tending: Mutex::new(()),
        };
        inner.tend().map_err(|(folder, error)| failed(&folder, &error))?;
        Ok(Self { inner: Some(Arc::new(inner)) })
    }

    /// Whether new work may be taken. Asks the file systems at most ten times a second, which takes a microsecond or two; never waits.
    #[must_use]
    pub fn accepts(&self) -> bool {
        self.inner.as_deref().is_none_or(Inner::accepts)
    }

    /// Says that a write met a full disk: no new work until the reserves are tended and there is room again.
    pub fn met_full(&self) {
        if let Some(inner) = &self.inner {
            inner.met_full.store(true, Ordering::Relaxed);
            inner.low.store(true, Ordering::Relaxed);
        }
    }

    /// Gives up or makes reserves, whichever it is time for, and lets new work in again. Blocks on the disk; to be called every second or so by one task of
    /// a process.
    ///
    /// # Errors
    /// [`StoreError::Objects`] where a reserve cannot be made or removed: then no new work is taken.
    pub fn tend(&self) -> Result<Standing, StoreError> {
        let Some(inner) = &self.inner else { return Ok(self.standing()) };
        let tended = inner.tend();
        tended.map_err(|(folder, error)| {
            inner.low.store(true, Ordering::Relaxed);
            StoreError::Objects(format!("{}: {error}", folder.display()))
        })?;
        Ok(self.standing())
    }

    /// How it stands, for whoever asks after the node's health.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let Some(inner) = &self.inner else { return Standing { accepts: true, free: None, reserve: false } };
        let free = inner.places.iter().map(|place| (inner.meter)(&place.folder).ok()).min().flatten();
        let reserve = inner.places.iter().all(|place| is_held(&place.reserve, inner.bounds.reserve));
        Standing { accepts: !inner.low.load(Ordering::Relaxed), free, reserve }
    }
}

impl Inner {
    fn accepts(&self) -> bool {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.looked.load(Ordering::Relaxed);
        let due = now.saturating_sub(last) >= LOOK_MILLISECONDS;
        // One of those who come looks; the others go by what was seen last.
        if due && self.looked.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() && self.is_low()
        {
            self.low.store(true, Ordering::Relaxed);
        }
        !self.low.load(Ordering::Relaxed)
    }

    /// A file system that cannot be asked is taken for full.
    fn is_low(&self) -> bool {
        let enough = |place: &Place| (self.meter)(&place.folder).is_ok_and(|free| free >= self.bounds.low_water);
        !self.places.iter().all(enough)
    }

    fn tend(&self) -> Result<(), (PathBuf, io::Error)> {
        let _alone = self.tending.lock().unwrap_or_else(PoisonError::into_inner);
        let met_full = self.met_full.swap(false, Ordering::Relaxed);
        let mut low = met_full;
        for place in &self.places {
            let failed = |error| (place.folder.clone(), error);
            let free = (self.meter)(&place.folder).map_err(failed)?;
            let held = is_held(&place.reserve, self.bounds.reserve);
            if free < self.bounds.low_water / 4 || met_full {
                give_up(place, held).map_err(failed)?;
                low = true;
            } else if held {
                low |= free < self.bounds.low_water;
            } else if free >= self.bounds.low_water.saturating_add(self.bounds.reserve) {
                make(&place.reserve, self.bounds.reserve).map_err(failed)?;
                tracing::info!(folder = %place.folder.display(), "the reserve of the disk is made");
            } else {
                low = true;
            }
        }
        if self.low.swap(low, Ordering::Relaxed) != low {
            match low {
                true => tracing::error!("the disk is nearly full: no new work is taken"),
                false => tracing::info!("there is room on the disk again"),
            }
        }
        #[allow(clippy::cast_precision_loss, reason = "a gauge")]
        if let Some(free) = self.places.iter().filter_map(|place| (self.meter)(&place.folder).ok()).min() {
            metrics::gauge!("vuzol_storage_free_bytes").set(free as f64);
        }
        metrics::gauge!("vuzol_storage_low").set(if low { 1.0 } else { 0.0 });
        Ok(())
    }
}

fn give_up(place: &Place, held: bool) -> io::Result<()> {
    match std::fs::remove_file(&place.reserve) {
        Ok(()) if held => {
            metrics::counter!("vuzol_storage_reserve_given_up_total").increment(1);
            tracing::error!(folder = %place.folder.display(), "the reserve of the disk is given up");
            Ok(())
        }
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file of that length whose blocks are its own: one that was cut short, or has holes, is no reserve.
fn is_held(file: &Path, length: u64) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.len() == length && blocks(&found) >= length)
}

/// Another process may do the same at this moment: both come to the same file.
fn make(file: &Path, length: u64) -> io::Result<()> {
    let opened = OpenOptions::new().create(true).write(true).truncate(false).open(file)?;
    opened.set_len(length)?;
    if let Err(error) = allocate(&opened, length) {
        // Half a reserve is none, and only takes room.
        let _ = std::fs::remove_file(file);
        return Err(error);
    }
    Ok(())
}

#[cfg(unix)]
fn allocate(file: &File, length: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, length) {
        Err(rustix::io::Errno::OPNOTSUPP) => write_zeros(file, length),
        other => Ok(other?),
    }
}

#[cfg(not(unix))]
fn allocate(file: &File, length: u64) -> io::Result<()> {
    write_zeros(file, length)
}

fn write_zeros(mut file: &File, length: u64) -> io::Result<()> {
    let zeros = vec![0; 64 * 1024];
    let mut left = length;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..piece])?;
        left -= u64::try_from(piece).unwrap_or(left);
    }
    file.sync_all()
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Elsewhere nothing is measured, and a full disk is found out by meeting it.
#[cfg(not(unix))]
fn free_bytes(_folder: &Path) -> io::Result<u64> {
    Ok(u64::MAX)
}

#[cfg(unix)]
fn device(folder: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).map(|found| found.dev())
}

#[cfg(not(unix))]
fn device(folder: &Path) -> io::Result<u64> {
    std::fs::metadata(folder).map(|_| 0)
}

#[cfg(unix)]
fn blocks(found: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    found.blocks().saturating_mul(512)
}

#[cfg(not(unix))]
fn blocks(found: &std::fs::Metadata) -> u64 {
    found.len()
}

/// The reserve's file, in the first folder of each file system. Where the database is elsewhere that is the folder of the objects, on whose file system it
/// has to lie: it is none of them ([`crate::objects`]).
pub(crate) const RESERVE: &str = "vuzol.reserve";

/// At a hundred megabytes a second, ten are written between two looks.
const LOOK_MILLISECONDS: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BOUNDS: Bounds = Bounds { low_water: 400_000, reserve: 131_072 };

    /// A disk of which the test says how much is free. What the reserve takes is taken off.
    fn disk() -> (tempfile::TempDir, Arc<AtomicU64>, Space) {
        let folder = tempfile::tempdir().unwrap();
        let free = Arc::new(AtomicU64::new(1_000_000));
        let space = watch(folder.path(), &free);
        (folder, free, space)
    }

    fn watch(folder: &Path, free: &Arc<AtomicU64>) -> Space {
        let free = Arc::clone(free);
        let meter = move |folder: &Path| {
            let taken = if folder.join(RESERVE).exists() { BOUNDS.reserve } else { 0 };
            Ok(free.load(Ordering::Relaxed).saturating_sub(taken))
        };
        Space::measured_by(&[folder, folder], BOUNDS, Box::new(meter)).unwrap()
    }

    /// The next look is due.
    fn later(space: &Space) {
        std::thread::sleep(Duration::from_millis(LOOK_MILLISECONDS + 5));
        let _ = space.accepts();
    }

    #[test]
    fn new_work_is_refused_below_the_mark_and_the_reserve_goes_when_that_was_not_enough() {
        let (folder, free, space) = disk();
        let held = || is_held(&folder.path().join(RESERVE), BOUNDS.reserve);
        assert!(space.accepts() && held());
        free.store(BOUNDS.low_water + BOUNDS.reserve - 1, Ordering::Relaxed);
        later(&space);
        assert!(!space.accepts(), "seen without being tended");
        assert_eq!(space.tend().unwrap(), Standing { accepts: false, free: Some(BOUNDS.low_water - 1), reserve: true });
        free.store(BOUNDS.low_water / 4 + BOUNDS.reserve - 1, Ordering::Relaxed);
        assert_eq!(space.tend().unwrap().free, Some(BOUNDS.low_water / 4 + BOUNDS.reserve - 1));
        assert!(!held() && !space.accepts(), "given up: that much more is free");
        // Not enough to take anything before the reserve is there again.
        free.store(BOUNDS.low_water + BOUNDS.reserve - 1, Ordering::Relaxed);
        assert!(!space.tend().unwrap().accepts && !held());
        free.store(BOUNDS.low_water + BOUNDS.reserve, Ordering::Relaxed);
        assert_eq!(space.tend().unwrap(), Standing { accepts: true, free: Some(BOUNDS.low_water), reserve: true });
        assert!(space.accepts() && held());
    }

    #[test]
    fn who_met_a_full_disk_stops_new_work_whatever_is_measured() {
        let (folder, _, space) = disk();
        space.met_full();
        assert!(!space.accepts());
        assert!(!space.tend().unwrap().accepts, "the reserve is given up first");
        assert!(!folder.path().join(RESERVE).exists());
        assert!(space.tend().unwrap().accepts, "and made again where there is room");
        assert!(space.accepts());
    }

    #[test]
    fn a_start_on_a_full_disk_takes_nothing_and_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let free = Arc::new(AtomicU64::new(BOUNDS.low_water + 1));
        let space = watch(folder.path(), &free);
        assert!(!space.accepts());
        assert!(!folder.path().join(RESERVE).exists());
    }

    #[test]
    fn a_file_with_holes_or_of_another_length_is_no_reserve() {
        let (folder, _, space) = disk();
        let file = folder.path().join(RESERVE);
        File::create(&file).unwrap().set_len(BOUNDS.reserve).unwrap();
        assert!(!is_held(&file, BOUNDS.reserve), "a hole");
        assert!(space.tend().unwrap().reserve, "filled");
        std::fs::write(&file, [0; 100]).unwrap();
        assert!(!space.standing().reserve);
        assert!(space.tend().unwrap().reserve);
        assert!(std::fs::metadata(&file).unwrap().len() == BOUNDS.reserve);
    }

    #[test]
    fn the_real_disk_answers() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::watch(&[folder.path()], Bounds { low_water: 1, reserve: 4096 }).unwrap();
        let standing = space.tend().unwrap();
        assert!(standing.accepts && standing.reserve && standing.free.is_some_and(|free| free > 0));
        let beyond = Space::watch(&[folder.path()], Bounds { low_water: u64::MAX / 2, reserve: 4096 }).unwrap();
        assert!(!beyond.accepts());
        assert!(Space::watch(&[&folder.path().join("absent")], BOUNDS).is_err());
        assert!(Space::unwatched().accepts());
    }
}
