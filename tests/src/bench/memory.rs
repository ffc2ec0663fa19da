//! What the process holds at most, where the system tells it (Linux).

/// The highest resident set since the process began or since [`forget_peak`], in bytes.
#[must_use]
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Begins to look for the peak anew; false where the system does not.
#[must_use]
pub fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_is_seen() {
        let before = peak().unwrap();
        let held = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(peak().unwrap() >= before.min(held.len() as u64));
        assert!(peak().unwrap() >= 64 << 20);
    }
}
