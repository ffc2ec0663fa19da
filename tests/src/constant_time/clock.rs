//! How long one operation takes.

use std::hint::black_box;

/// Cycles of the time-stamp counter.
#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_precision_loss, reason = "an operation takes far fewer than 2^52 cycles")]
#[inline(never)]
pub fn cycles<O>(operation: impl FnOnce() -> O) -> f64 {
    let before = counter();
    black_box(operation());
    counter().wrapping_sub(before) as f64
}

/// The counter. The fences keep what comes before it before it, and what comes after it after it.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the counter of cycles has no safe door")]
#[inline(always)]
fn counter() -> u64 {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};
    // SAFETY: every x86-64 processor has both instructions, and no system that we run on forbids the second to programs.
    unsafe {
        _mm_lfence();
        let counter = _rdtsc();
        _mm_lfence();
        counter
    }
}

/// Nanoseconds, where cycles are not to be had.
#[cfg(not(target_arch = "x86_64"))]
#[allow(clippy::cast_precision_loss, reason = "an operation takes far fewer than 2^52 nanoseconds")]
#[inline(never)]
pub fn cycles<O>(operation: impl FnOnce() -> O) -> f64 {
    let before = std::time::Instant::now();
    black_box(operation());
    before.elapsed().as_nanos() as f64
}
