//! The key under which details lie sealed beside the log, from its file, and the journal of erasures beside that.

use std::io;
use std::path::Path;
use std::sync::Arc;

use audit::PayloadKeys;
use crypto::digest::from_hex;
use zeroize::Zeroizing;

use crate::wiring::{StartError, warn_if_others_may_read};

/// 64 digits and an end of the line.
const FILE_BYTES: u64 = 66;

/// Reads them; None where the configuration names none.
pub(crate) fn payload_keys(file: Option<&Path>) -> Result<Option<Arc<PayloadKeys>>, StartError> {
    let Some(file) = file else { return Ok(None) };
    let wrong = |what: String| StartError(format!("log.payload_key {}: {what}", file.display()));
    warn_if_others_may_read("log.payload_key", file).map_err(|error| wrong(error.to_string()))?;
    let key = read(file).map_err(|error| wrong(error.to_string()))?;
    let mut journal = file.to_owned().into_os_string();
    journal.push(".erased");
    let keys = PayloadKeys::open(key, Path::new(&journal));
    keys.map(|keys| Some(Arc::new(keys)))
        .map_err(|error| wrong(format!("its journal {}: {error}", Path::new(&journal).display())))
}

fn read(file: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    let none = || io::Error::new(io::ErrorKind::InvalidData, "64 hexadecimal digits are needed");
    // What is not as long as a key is not read: it is somebody's other file.
    if std::fs::metadata(file)?.len() > FILE_BYTES {
        return Err(none());
    }
    let text = std::fs::read_to_string(file).map(Zeroizing::new)?;
    let key = from_hex(text.trim_end_matches(['\r', '\n'])).map(Zeroizing::new).ok_or_else(none)?;
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| none())?;
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_key_is_read_from_a_small_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("payload.key");
        assert!(payload_keys(None).unwrap().is_none());
        assert!(payload_keys(Some(&file)).err().unwrap().0.contains("log.payload_key"));
        let digits = "0123456789abcdef".repeat(4);
        let short = digits[..62].to_owned();
        for (content, reads) in
            [(digits.clone() + "\n", true), (digits.clone(), true), (digits.clone() + "\n\n\n", false), (short, false)]
        {
            std::fs::write(&file, &content).unwrap();
            assert_eq!(payload_keys(Some(&file)).is_ok(), reads, "{content:?}");
        }
        std::fs::write(&file, digits).unwrap();
        std::fs::write(folder.path().join("payload.key.erased"), "rubbish\n").unwrap();
        assert!(payload_keys(Some(&file)).err().unwrap().0.contains("payload.key.erased"));
    }
}
