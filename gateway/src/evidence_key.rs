//! The key of the evidence: from a file or from a token, with its certificate, seen to belong together before anything is signed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs::certificate::Certificate;
use crypto::key::{Curve, KeyHandle, KeyKind, PublicKey};
use crypto::token::{AskPin, TokenKey, TokenPlace};
use exchange::evidence::EvidenceSigner;
use storage::Clock;
use zeroize::Zeroizing;

use crate::config::{Config, KeySource, TokenConfig};
use crate::wiring::{StartError, read_certificates, read_key, warn_if_others_may_read};

/// Longest PIN that a file may hold, in bytes. Tokens take 4 to 255.
const PIN_BYTES: u64 = 256;

/// Key and certificate of the evidence belong together, are P-256, and are valid now: evidence that nobody can verify is worse
/// than a node that does not start.
pub(crate) fn evidence_signer(config: &Config, clock: &dyn Clock) -> Result<EvidenceSigner, StartError> {
    let file = &config.evidence.certificate;
    let wrong = |what: &str| StartError(format!("evidence.certificate {}: {what}", file.display()));
    let mut chain = read_certificates("evidence.certificate", file)?.into_iter();
    let certificate = chain.next().ok_or_else(|| wrong("no CERTIFICATE in it"))?;
    let public = certificate.public_key().map_err(|_| wrong("its key cannot be read"))?;
    if public.kind() != KeyKind::Ec(Curve::P256) {
        return Err(wrong("evidence is signed with ES256: a P-256 key is needed"));
    }
    if !(certificate.not_before()..=certificate.not_after()).contains(&clock.now()) {
        return Err(wrong("is outside its validity period"));
    }
    let key = key(&config.evidence.key, public, &certificate).map_err(|error| match error {
        NoKey::Start(error) => error,
        NoKey::Other => wrong("belongs to another key than evidence.key"),
    })?;
    let signer = EvidenceSigner::new(key, certificate, &config.node.name).with_issuers(chain);
    signer.prove().map_err(|error| StartError(format!("evidence.key: {error}")))?;
    Ok(signer)
}

enum NoKey {
    /// It cannot be had.
    Start(StartError),
    /// It is not the certificate's.
    Other,
}

fn key(source: &KeySource, public: &PublicKey, certificate: &Certificate) -> Result<Arc<dyn KeyHandle>, NoKey> {
    match source {
        KeySource::File(file) => {
            let key = read_key("evidence.key", file).map_err(NoKey::Start)?;
            if key.public_key().spki_der() != certificate.spki_der() {
                return Err(NoKey::Other);
            }
            Ok(Arc::new(key))
        }
        KeySource::Token(token) => {
            let place = TokenPlace {
                module: token.module.clone(),
                token: token.token_label.clone(),
                key: token.key_label.clone(),
                sessions: usize::from(token.sessions),
                pin: ask_pin(token.pin_file.clone()),
            };
            let opened = TokenKey::open(place, public.clone());
            opened.map(|key| Arc::new(key) as Arc<dyn KeyHandle>).map_err(|error| NoKey::Start(no_token(token, &error)))
        }
    }
}

fn no_token(token: &TokenConfig, error: &dyn std::fmt::Display) -> StartError {
    let TokenConfig { module, token_label, key_label, .. } = token;
    StartError(format!("evidence.key: {key_label:?} in {token_label:?} by {}: {error}", module.display()))
}

/// Reads the PIN anew each time it is asked for, so that it lies nowhere in memory between two logins.
fn ask_pin(file: PathBuf) -> AskPin {
    Box::new(move || {
        warn_if_others_may_read("evidence.key.pkcs11.pin_file", &file)?;
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
