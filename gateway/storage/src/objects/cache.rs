//! Large objects go past the kernel's cache, where the file system lets them.
//!
//! Why: a sealed document is written once and read once. Through the cache the kernel copies it both times, into pages that have to be
//! found and freed, and puts out of the cache what is read again and again, the database. Receiving a gigabyte cost an eighth less
//! processor time past it; and on a virtual machine that gives free memory back to its host, where each page that is taken anew is a fault,
//! reading one cost 0.2 s instead of 4.
//!
//! The price: bytes have to lie on the boundaries of the disk, in memory and in the file ([`PAGE_BYTES`]), nobody reads ahead for us, and
//! who downloads a document soon after it came reads the disk. So objects below [`LARGE_BYTES`] stay with the cache, and a file system that
//! refuses such reads and writes has them through it.

use std::fs::File;

/// Objects from this size on are written and read past the cache. Also the bytes that are written or read at once.
pub(super) const LARGE_BYTES: usize = 512 * 1024;

/// Every disk that is known of takes what lies on these boundaries. Where one does not, it says so, and the cache serves.
pub(super) const PAGE_BYTES: usize = 4096;

/// Room for `capacity` bytes whose first lies on a boundary: how many that mean nothing come before it, and these.
pub(super) fn on_a_boundary(capacity: usize) -> (usize, Vec<u8>) {
    let mut bytes = Vec::<u8>::with_capacity(PAGE_BYTES + capacity);
    let start = bytes.as_ptr().align_offset(PAGE_BYTES).min(PAGE_BYTES);
    bytes.resize(start, 0);
    (start, bytes)
}

/// What is written and read from now on leaves the cache alone, where the file system knows how.
#[cfg(target_os = "linux")]
pub(super) fn past_the_cache(file: &File) {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    if let Ok(flags) = fcntl_getfl(file)
        && !flags.contains(OFlags::DIRECT)
    {
        let _ = fcntl_setfl(file, flags | OFlags::DIRECT);
    }
}

/// True where it went past the cache before.
#[cfg(target_os = "linux")]
pub(super) fn through_the_cache(file: &File) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    match fcntl_getfl(file) {
        Ok(flags) if flags.contains(OFlags::DIRECT) => fcntl_setfl(file, flags - OFlags::DIRECT).is_ok(),
        _ => false,
    }
}

/// Elsewhere everything goes through the cache.
#[cfg(not(target_os = "linux"))]
pub(super) fn past_the_cache(_file: &File) {}

#[cfg(not(target_os = "linux"))]
pub(super) fn through_the_cache(_file: &File) -> bool {
    false
}
