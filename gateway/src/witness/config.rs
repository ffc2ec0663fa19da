//! `witness.toml`: every key, its default, and what breaks when it is wrong. `gateway/witness.example.toml` shows every key; a test keeps it in step.
//!
//! A key that nobody knows is an error. Relative paths are relative to the folder of the file.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crypto::merkle::NoteVerifier;
use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, KeyPairFiles, explain, is_prefix};

/// Most logs.
const LOGS: usize = 256;

/// Everything that a witness is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessFileConfig {
    /// Name of the key, an address without a scheme: `witness.agency.example`. Another name is another witness to everybody.
    pub name: String,
    /// Ed25519 key of the cosignatures: PKCS#8 PEM, of this witness alone. Lost: logs have to be told another. Read by others: they cosign in its name.
    pub key: PathBuf,
    /// Folder of what was cosigned last, and of forks that were seen. Never restore it from a backup: set back, the witness may cosign two histories.
    pub memory: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Serve plain HTTP at an address that is not of this machine alone: behind a proxy that speaks TLS. Cosignatures are signed; what is lost is
    /// that nobody sees who asks.
    #[serde(default)]
    pub plain_http: bool,
    /// Key and certificate for TLS 1.3.
    #[serde(default)]
    pub tls: Option<KeyPairFiles>,
    /// Where copies of logs lie.
    #[serde(default)]
    pub mirror: Option<MirrorConfig>,
    /// The logs that it cosigns.
    pub logs: Vec<WitnessedLogConfig>,
}

/// Where copies of logs lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MirrorConfig {
    /// Each log has a folder below it. A log has about 350 bytes an entry here.
    pub folder: PathBuf,
}

/// A log that is cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessedLogConfig {
    /// The log's key, as `vuzol admin log-key` prints it; its name is the log's origin. A log whose key changes stands here twice for a while.
    pub key: String,
    /// Where the log is read: `checkpoint` and `tile/` come behind it. Of a node: `https://host:port` of its `log.public`, or
    /// `https://host:port/v1/log` with a token. Without it there is no copy of this log.
    #[serde(default)]
    pub monitor: Option<String>,
    /// PEM certificates of authorities for the log's TLS certificate. Needed where the address is `https`.
    #[serde(default)]
    pub tls_roots: Option<PathBuf>,
    /// File with an API token of the node (`vuzol admin` issues one), where the log is read with a login.
    #[serde(default)]
    pub token: Option<PathBuf>,
}

impl WitnessFileConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read, a key is unknown, missing or out of bounds.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|e| ConfigError(format!("cannot read {shown}: {e}; name the file with --config")))?;
        let extracted = Figment::from(Toml::string(&text)).extract();
        let mut config: Self = extracted.map_err(|error| ConfigError(explain(file, error)))?;
        let absolute = std::path::absolute(file).map_err(|e| ConfigError(format!("{shown}: {e}")))?;
        config.anchor_paths(absolute.parent().unwrap_or(Path::new("/")));
        config.check().map_err(|(key, problem)| ConfigError(format!("{shown}: {key}: {problem}")))?;
        Ok(config)
    }

    fn anchor_paths(&mut self, folder: &Path) {
        let tls = self.tls.iter_mut().flat_map(|files| [&mut files.certificate, &mut files.key]);
        let mirror = self.mirror.iter_mut().map(|mirror| &mut mirror.folder);
        let logs = self.logs.iter_mut().flat_map(|log| log.tls_roots.iter_mut().chain(&mut log.token));
        let paths = [&mut self.key, &mut self.memory].into_iter().chain(tls).chain(mirror).chain(logs);
        paths.for_each(|path| *path = folder.join(&*path));
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.tls.is_none() && !self.plain_http && !self.listen.ip().is_loopback() {
            let problem = format!("{} is not of this machine alone: [tls], or plain_http = true", self.listen);
            return Err(("listen", problem));
        }
        if self.tls.is_some() && self.plain_http {
            return Err(("plain_http", "stands instead of [tls], not beside it".to_owned()));
        }
        if !(1..=LOGS).contains(&self.logs.len()) {
            return Err(("logs", format!("must be 1 to {LOGS}")));
        }
        let mut mirrored = BTreeSet::new();
        for log in &self.logs {
            let verifier = log.verifier().map_err(|problem| ("logs.key", problem))?;
            log.check(self.mirror.is_some())?;
            if log.monitor.is_some() && !mirrored.insert(verifier.name().to_owned()) {
                return Err(("logs.monitor", format!("of {} stands at two keys: one is enough", verifier.name())));
            }
        }
        Ok(())
    }
}

impl WitnessedLogConfig {
    /// Verifies the log's checkpoints.
    pub(super) fn verifier(&self) -> Result<NoteVerifier, String> {
        let verifier = NoteVerifier::from_vkey(&self.key);
        verifier.map_err(|_| format!("{:?} is not the verifier key of a log", self.key))
    }

    fn check(&self, has_folder: bool) -> Result<(), (&'static str, String)> {
        let Some(monitor) = &self.monitor else {
            let idle = self.tls_roots.is_some() || self.token.is_some();
            return if idle {
                Err(("logs.monitor", "is missing, and without it nothing is read".to_owned()))
            } else {
                Ok(())
            };
        };
        if !is_prefix(monitor) {
            return Err(("logs.monitor", format!("{monitor:?} is not of the form http[s]://host[:port][/path]")));
        }
        if !has_folder {
            return Err(("mirror.folder", "is missing, and a log is to be mirrored".to_owned()));
        }
        if monitor.starts_with("https:") && self.tls_roots.is_none() {
            return Err(("logs.tls_roots", format!("must be there, since {monitor} is https")));
        }
        if self.token.is_some() && !monitor.starts_with("https:") {
            return Err(("logs.token", "would be seen by everybody on the way: only with https".to_owned()));
        }
        Ok(())
    }
}
