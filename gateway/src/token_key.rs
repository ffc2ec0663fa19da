//! A key in a token, as a configuration names it; its PIN, from a file.

use std::io;
use std::path::{Path, PathBuf};

use crypto::token::{AskPin, TokenError, TokenPlace};
use zeroize::Zeroizing;

use crate::config::TokenConfig;
use crate::wiring::warn_if_others_may_read;

/// Longest PIN that a file may hold, in bytes. Tokens take 4 to 255.
const PIN_BYTES: u64 = 256;

/// Where the key is. `key`: where the configuration says so, for what an operator reads.
pub(crate) fn place(token: &TokenConfig, key: &'static str) -> TokenPlace {
    TokenPlace {
        module: token.module.clone(),
        token: token.token_label.clone(),
        key: token.key_label.clone(),
        sessions: usize::from(token.sessions),
        pin: ask_pin(token.pin_file.clone(), key),
    }
}

/// Why it cannot be used, for an operator.
pub(crate) fn unusable(token: &TokenConfig, key: &str, error: &TokenError) -> String {
    let TokenConfig { module, token_label, key_label, .. } = token;
    format!("{key}: {key_label:?} in {token_label:?} by {}: {error}", module.display())
}

/// Reads the PIN anew each time it is asked for, so that it lies nowhere in memory between two logins.
fn ask_pin(file: PathBuf, key: &'static str) -> AskPin {
    Box::new(move || {
        warn_if_others_may_read(&format!("{key}.pkcs11.pin_file"), &file)?;
        read_pin(&file)
    })
}

/// The file's one line, without its end.
fn read_pin(file: &Path) -> io::Result<Zeroizing<String>> {
    // Errors of files name no content; what is not UTF-8 is told without its octets.
    if std::fs::metadata(file)?.len() > PIN_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: longer than any PIN", file.display())));
    }
    let mut text = std::fs::read_to_string(file).map(Zeroizing::new)?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    match text.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: no PIN in it", file.display()))),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_one_line_of_a_small_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pin");
        let read = |content: &[u8]| {
            std::fs::write(&file, content).unwrap();
            read_pin(&file).map(|pin| pin.to_string()).map_err(|error| error.kind())
        };
        assert_eq!(read(b"1234\n"), Ok("1234".to_owned()));
        assert_eq!(read(b"12 34\r\n"), Ok("12 34".to_owned()));
        assert_eq!(read(b"\n"), Err(io::ErrorKind::InvalidData));
        assert_eq!(read(b"\xff\xfe"), Err(io::ErrorKind::InvalidData));
        assert_eq!(read(&[b'1'; 257]), Err(io::ErrorKind::InvalidData));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read_pin(&file).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
