//! Random bytes of the operating system.

use crate::provider::cannot_fail;

/// Fills `bytes` from the operating system's generator (`getrandom(2)`; in a browser `crypto.getRandomValues`).
///
/// # Panics
/// Where the operating system has no generator: keys and nonces made without one would be worthless, so nothing may go on.
pub fn fill(bytes: &mut [u8]) {
    cannot_fail(getrandom::fill(bytes), "the operating system must provide random bytes");
}

/// `N` fresh random bytes; panics as [`fill`] does.
pub fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(array::<32>(), array::<32>());
    }
}
