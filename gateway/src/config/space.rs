//! The part of the section of storage that is about room on the disk.

use std::path::PathBuf;

use storage::space::Bounds;

use super::StorageConfig;

const MEGABYTE: u64 = 1 << 20;

pub(super) fn low_water() -> u32 {
    256
}

pub(super) fn reserve() -> u32 {
    64
}

impl StorageConfig {
    /// A database and a folder, and the usual bounds.
    #[must_use]
    pub fn at(database: PathBuf, objects: PathBuf) -> Self {
        Self { database: database.into(), objects, low_water_megabytes: low_water(), reserve_megabytes: reserve() }
    }

    /// How much must be free.
    pub(crate) fn bounds(&self) -> Bounds {
        let bytes = |megabytes: u32| u64::from(megabytes) * MEGABYTE;
        Bounds { low_water: bytes(self.low_water_megabytes), reserve: bytes(self.reserve_megabytes) }
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !(16..=1_048_576).contains(&self.low_water_megabytes) {
            return Err(("storage.low_water_megabytes", "must be 16 to 1048576".to_owned()));
        }
        if !(8..=65_536).contains(&self.reserve_megabytes) {
            return Err(("storage.reserve_megabytes", "must be 8 to 65536".to_owned()));
        }
        Ok(())
    }
}
