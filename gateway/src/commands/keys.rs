//! Certificates and private keys as people keep them: PEM or DER files.

use std::path::Path;

use certs::certificate::Certificate;
use crypto::key::{KeyHandle, SoftwareKey};
use zeroize::Zeroizing;

use super::Failure;
use super::files::{read, unreadable};
use super::terminal::Terminal;

/// One or more certificates, in the order of the file.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let bytes = read(path, CERTIFICATES_BYTES)?;
    let parsed = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => Certificate::from_pem(text),
        _ => Certificate::from_der(&bytes).map(|certificate| vec![certificate]),
    };
    let parsed = parsed.map_err(|error| unreadable(path, error))?;
    if parsed.is_empty() {
        return Err(unreadable(path, "holds no certificate"));
    }
    Ok(parsed)
}

/// The first certificate of a file.
pub(crate) fn certificate(path: &Path) -> Result<Certificate, Failure> {
    certificates(path)?.into_iter().next().ok_or_else(|| unreadable(path, "holds no certificate"))
}

/// A PKCS#8 private key, PEM or DER, that belongs to `certificate`. Warns where others may read the file.
pub(crate) fn private_key(
    path: &Path,
    certificate: &Certificate,
    terminal: &mut Terminal<'_>,
) -> Result<SoftwareKey, Failure> {
    warn_of_readers(path, terminal);
    let bytes = Zeroizing::new(read(path, KEY_BYTES)?);
    let key = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => SoftwareKey::from_pkcs8_pem(text),
        _ => SoftwareKey::from_pkcs8_der(&bytes),
    };
    let key = key.map_err(|error| unreadable(path, error))?;
    if key.public_key().spki_der() != certificate.spki_der() {
        return Err(unreadable(path, "is not the key of the certificate"));
    }
    Ok(key)
}

#[cfg(unix)]
fn warn_of_readers(path: &Path, terminal: &mut Terminal<'_>) {
    use std::os::unix::fs::PermissionsExt;
    let others = path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if others {
        terminal.note(&format!("warning: {} can be read by others; `chmod 600` it", path.display()));
    }
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path, _: &mut Terminal<'_>) {}

/// A bundle of all authorities of a country takes about 1 MiB.
pub(crate) const CERTIFICATES_BYTES: u64 = 16 * 1024 * 1024;
/// An RSA key of 16384 bits takes 13 KiB in PEM.
const KEY_BYTES: u64 = 64 * 1024;
