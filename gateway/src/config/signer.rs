//! Who signs the checkpoints: the part of the section of the log about a process of its own, and that process's whole configuration.

use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};

use super::{ConfigError, KeySource, LogConfig, explain, quoted};

/// Where the process listens that signs, and the key with which it must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteSignerConfig {
    /// Its Unix socket. Written `unix:/path`, or as the path alone.
    #[serde(deserialize_with = "socket")]
    pub socket: PathBuf,
    /// Its verifier key, as `vuzol signer --print-keys` prints it: whoever listens at the socket must sign with this key, or nothing is published.
    pub key: String,
}

fn socket<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.strip_prefix("unix:").unwrap_or(&text).into())
}

pub(super) fn unpublished_rows() -> u64 {
    1_000_000
}

impl LogConfig {
    /// Paths, to be made absolute. What is left out stays so.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let own = [&mut self.key, &mut self.signer_state].into_iter().filter(|path| !path.as_os_str().is_empty());
        own.chain(&mut self.national_key)
            .chain(&mut self.payload_key)
            .chain(self.signer.as_mut().map(|signer| &mut signer.socket))
            .chain(self.witnesses.paths())
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !(1_000..=1_000_000_000).contains(&self.unpublished_rows) {
            return Err(("log.unpublished_rows", "must be 1000 to 1000000000".to_owned()));
        }
        let (key, state) = (!self.key.as_os_str().is_empty(), !self.signer_state.as_os_str().is_empty());
        match &self.signer {
            Some(_) if key || state || self.national_key.is_some() => {
                Err(("log.signer", "has key, national_key and signer_state: leave them out here".to_owned()))
            }
            None if !key => Err(("log.key", "is missing".to_owned())),
            None if !state => Err(("log.signer_state", "is missing".to_owned())),
            _ => Ok(()),
        }
    }

    /// Keys and values of the section.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &Path| quoted(&path.display().to_string());
        let own = |own: &Path| (!own.as_os_str().is_empty()).then(|| path(own));
        let signer = |signer: &RemoteSignerConfig| {
            format!("{{ socket = {}, key = {} }}", path(&signer.socket), quoted(&signer.key))
        };
        vec![
            ("key", own(&self.key)),
            ("national_key", self.national_key.as_deref().map(path)),
            ("signer_state", own(&self.signer_state)),
            ("signer", self.signer.as_ref().map(signer)),
            ("payload_key", self.payload_key.as_deref().map(path)),
            ("unpublished_rows", Some(self.unpublished_rows.to_string())),
            ("round_milliseconds", Some(self.round_milliseconds.to_string())),
            ("public", self.public.map(|address| quoted(&address.to_string()))),
        ]
    }
}

/// `signer.toml`: all that the process that signs is told. It has a user of its own, who alone reads its key and its memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignerConfig {
    /// Origin of the log: `node.name` of the node.
    pub name: String,
    /// Ed25519 key: PKCS#8 PEM, or in a token, which tells its public half.
    pub key: KeySource,
    /// DSTU 4145 key (little-endian) of a second signature line: PKCS#8 PEM.
    #[serde(default)]
    pub national_key: Option<PathBuf>,
    /// File with the last signed size and root. In no backup that is restored together with the node.
    pub memory: PathBuf,
    /// Where it listens: a Unix socket in a folder that others may not enter.
    pub socket: PathBuf,
    /// Numbers of the users who may connect. Empty: whoever the folder lets in.
    #[serde(default)]
    pub users: Vec<u32>,
}

impl SignerConfig {
    /// Reads the file. Relative paths are relative to its folder. The environment is not asked.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, or a key is unknown or missing.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError(format!("cannot read {shown}: {e}")))?;
        let extracted = Figment::from(Toml::string(&text)).extract();
        let mut config: Self = extracted.map_err(|error| ConfigError(explain(file, error)))?;
        let absolute = std::path::absolute(file).map_err(|e| ConfigError(format!("{shown}: {e}")))?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        config.key.check().map_err(|(key, wrong)| ConfigError(format!("{shown}: key.{key}: {wrong}")))?;
        let paths = [&mut config.memory, &mut config.socket].into_iter().chain(&mut config.national_key);
        paths.chain(config.key.paths()).for_each(|path| *path = folder.join(&*path));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/signer.example.toml");

    #[test]
    fn the_signers_example_loads_shows_every_key_and_no_other_is_taken() {
        let example = std::fs::read_to_string(EXAMPLE).unwrap();
        let config = SignerConfig::load(Path::new(EXAMPLE)).unwrap();
        assert!(config.memory.is_absolute());
        let keys = serde_json::to_value(&config).unwrap();
        for key in keys.as_object().unwrap().keys() {
            let shown = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{key} = "));
            assert!(example.lines().any(shown), "{key}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signer.toml");
        // The one in a token, which stands there as a comment.
        let lines = example.lines().filter(|line| !line.starts_with("key = "));
        let in_token =
            lines.map(|line| line.strip_prefix("# key = ").map_or(line.to_owned(), |it| format!("key = {it}")));
        let in_token = in_token.collect::<Vec<_>>().join("\n");
        std::fs::write(&file, &in_token).unwrap();
        let KeySource::Token(token) = SignerConfig::load(&file).unwrap().key else { panic!("{in_token}") };
        assert_eq!((token.sessions, token.pin_file), (1, folder.path().join("pin")));
        std::fs::write(&file, in_token.replace("sessions = 1", "sessions = 65")).unwrap();
        assert!(SignerConfig::load(&file).unwrap_err().0.contains("key.pkcs11.sessions"));
        std::fs::write(&file, example + "\npin = 1\n").unwrap();
        assert!(SignerConfig::load(&file).unwrap_err().0.contains("pin"));
    }
}
