//! Keys and certificates that the configuration names.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use audit::log::{CheckpointSigner, Signer};
use audit::signer::RemoteSigner;
use certs::certificate::Certificate;
use crypto::key::SoftwareKey;
use crypto::merkle::{NoteSigner, NoteVerifier};

use super::StartError;
use crate::config::{Config, RemoteSignerConfig};

/// In this process, or in one of its own, which need not run yet.
pub(super) fn checkpoint_signer(config: &Config) -> Result<Arc<dyn CheckpointSigner>, StartError> {
    if let Some(signer) = &config.log.signer {
        let verifier = remote_key(signer)?;
        if verifier.name() != config.node.name {
            return Err(StartError(format!("log.signer.key: is the key of {}, not of this node", verifier.name())));
        }
        return Ok(Arc::new(RemoteSigner::new(&signer.socket, verifier)));
    }
    let state = &config.log.signer_state;
    let signer = Signer::open(note_signer(config)?, state);
    let signer = signer.map_err(|e| StartError(format!("log.signer_state {}: {e}", state.display())))?;
    Ok(Arc::new(signer))
}

pub(super) fn remote_key(signer: &RemoteSignerConfig) -> Result<NoteVerifier, StartError> {
    NoteVerifier::from_vkey(&signer.key).map_err(|e| StartError(format!("log.signer.key: {e}")))
}

pub(super) fn note_signer(config: &Config) -> Result<NoteSigner, StartError> {
    let key = read_key("log.key", &config.log.key)?;
    let signer = NoteSigner::new(&config.node.name, key)
        .map_err(|e| StartError(format!("log.key {}: an Ed25519 key is needed: {e}", config.log.key.display())))?;
    let Some(file) = &config.log.national_key else { return Ok(signer) };
    let key = read_key("log.national_key", file)?;
    signer.with_national(Box::new(key)).map_err(|e| {
        StartError(format!("log.national_key {}: a little-endian key of DSTU 4145 is needed: {e}", file.display()))
    })
}

pub(super) fn read_certificate(key: &str, file: &Path) -> Result<Certificate, StartError> {
    let first = read_certificates(key, file)?.into_iter().next();
    first.ok_or_else(|| StartError(format!("{key} {}: no CERTIFICATE in it", file.display())))
}

pub(crate) fn read_certificates(key: &str, file: &Path) -> Result<Vec<Certificate>, StartError> {
    let wrong = |what: String| StartError(format!("{key} {}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|e| wrong(e.to_string()))?;
    Certificate::from_pem(&text).map_err(|e| wrong(e.to_string()))
}

pub(crate) fn read_key(key: &str, file: &Path) -> Result<SoftwareKey, StartError> {
    let wrong = |what: String| StartError(format!("{key} {}: {what}", file.display()));
    warn_if_others_may_read(key, file).map_err(|e| wrong(e.to_string()))?;
    let text = std::fs::read_to_string(file).map(zeroize::Zeroizing::new).map_err(|e| wrong(e.to_string()))?;
    SoftwareKey::from_pkcs8_pem(&text).map_err(|e| wrong(format!("not a PKCS#8 PRIVATE KEY: {e}")))
}

pub(crate) fn warn_if_others_may_read(key: &str, file: &Path) -> std::io::Result<()> {
    if std::fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(key, file = %file.display(), "others than the node's user may read this secret: chmod 600");
    }
    Ok(())
}
