//! The key under which the numbers of people are kept, from its file.

use std::io;
use std::path::Path;

use access::people::IdentityKey;
use zeroize::Zeroizing;

use crate::wiring::{StartError, warn_if_others_may_read};

/// 64 digits and an end of the line.
const FILE_BYTES: u64 = 66;

/// Reads it; None where the configuration names none.
pub(crate) fn identity_key(file: Option<&Path>) -> Result<Option<IdentityKey>, StartError> {
    let Some(file) = file else { return Ok(None) };
    let wrong = |what: String| StartError(format!("access.identity_key {}: {what}", file.display()));
    warn_if_others_may_read("access.identity_key", file).map_err(|error| wrong(error.to_string()))?;
    let text = read(file).map_err(|error| wrong(error.to_string()))?;
    IdentityKey::from_hex(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

fn read(file: &Path) -> io::Result<Zeroizing<String>> {
    // What is not as long as a key is not read: it is somebody's other file.
    if std::fs::metadata(file)?.len() > FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than 64 hexadecimal digits"));
    }
    std::fs::read_to_string(file).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_a_small_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("identity.key");
        assert!(identity_key(None).unwrap().is_none());
        assert!(identity_key(Some(&file)).err().unwrap().0.contains("access.identity_key"));
        let digits = "0123456789abcdef".repeat(4);
        for (content, reads) in [(digits.clone() + "\n", true), (digits.clone(), true), (digits + "\n\n\n", false)] {
            std::fs::write(&file, &content).unwrap();
            assert_eq!(identity_key(Some(&file)).is_ok(), reads, "{content:?}");
        }
    }
}
