//! ANSI X9.63 key derivation (SEC 1, 3.6.1), as CMS key agreement uses it (RFC 5753, 7.1.4).

use crate::digest::{DigestAlgorithm, Digester};

/// Fills `out` with `SHA-256(secret ‖ counter ‖ shared_info)` for counter 1, 2, … as u32 big-endian.
pub fn x963_kdf_sha256(secret: &[u8], shared_info: &[u8], out: &mut [u8]) {
    for (counter, block) in (1u32..).zip(out.chunks_mut(32)) {
        let mut digester = Digester::new(DigestAlgorithm::Sha256);
        digester.update(secret);
        digester.update(&counter.to_be_bytes());
        digester.update(shared_info);
        let digest = digester.finish();
        block.copy_from_slice(&digest.as_bytes()[..block.len()]);
    }
}
