//! The section of evidence: its certificate, and where its key is.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{KeyPairFiles, quoted};

/// Key and certificate with which a node signs evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceConfig {
    /// PEM chain, leaf first. A missing intermediate makes verifiers refuse the node's evidence.
    pub certificate: PathBuf,
    /// The private key of the leaf.
    pub key: KeySource,
}

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file: PKCS#8 PEM, unencrypted, readable by the node's user only.
    File(PathBuf),
    /// In a token: `{ pkcs11 = { .. } }`.
    Token(TokenConfig),
}

/// A key in a token that is reached by PKCS#11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The module: a library that the node loads, and that may do whatever the node may.
    pub module: PathBuf,
    /// Label of the token. Two tokens of one label: the node does not start.
    pub token_label: String,
    /// Label of the private key in it.
    pub key_label: String,
    /// File whose one line is the PIN, readable by the node's user only. Read at each login. A wrong one is tried once.
    pub pin_file: PathBuf,
    /// Signatures at a time, 1 to 64, 4 where it is left out. More than the token computes at once: they wait there instead of here.
    #[serde(default = "default_sessions")]
    pub sessions: u8,
}

fn default_sessions() -> u8 {
    4
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table<T> {
    pkcs11: T,
}

impl Serialize for KeySource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::File(file) => file.serialize(serializer),
            Self::Token(token) => Table { pkcs11: token }.serialize(serializer),
        }
    }
}

/// By hand, and not `untagged`, which says of a misspelt key only that nothing fits.
impl<'de> Deserialize<'de> for KeySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Source;
        impl<'de> Visitor<'de> for Source {
            type Value = KeySource;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .write_str("the path of a key file, or { pkcs11 = { module, token_label, key_label, pin_file } }")
            }

            fn visit_str<E: Error>(self, path: &str) -> Result<KeySource, E> {
                Ok(KeySource::File(path.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeySource, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(|table| KeySource::Token(table.pkcs11))
            }
        }
        deserializer.deserialize_any(Source)
    }
}

impl From<KeyPairFiles> for EvidenceConfig {
    fn from(files: KeyPairFiles) -> Self {
        Self { certificate: files.certificate, key: KeySource::File(files.key) }
    }
}

impl KeySource {
    /// Paths, to be made absolute.
    pub(super) fn paths(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::File(file) => vec![file],
            Self::Token(token) => vec![&mut token.module, &mut token.pin_file],
        }
    }

    /// What is wrong with it, and with which of its keys.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let Self::Token(token) = self else { return Ok(()) };
        if !(1..=64).contains(&token.sessions) {
            return Err(("pkcs11.sessions", "must be 1 to 64".to_owned()));
        }
        // A token's label has 32 characters at most (PKCS#11, CK_TOKEN_INFO).
        if !(1..=32).contains(&token.token_label.len()) || token.key_label.is_empty() {
            return Err(("pkcs11", "token_label has 1 to 32 characters, key_label at least one".to_owned()));
        }
        Ok(())
    }
}

impl EvidenceConfig {
    /// Paths, to be made absolute.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.certificate).chain(self.key.paths())
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        self.key.check().map_err(|(key, wrong)| ("evidence.key", format!("{key}: {wrong}")))
    }

    /// Keys and values of the section.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: &PathBuf| quoted(&path.display().to_string());
        let key = match &self.key {
            KeySource::File(file) => path(file),
            KeySource::Token(token) => format!(
                "{{ pkcs11 = {{ module = {}, token_label = {}, key_label = {}, pin_file = {}, sessions = {} }} }}",
                path(&token.module),
                quoted(&token.token_label),
                quoted(&token.key_label),
                path(&token.pin_file),
                token.sessions,
            ),
        };
        vec![("certificate", Some(path(&self.certificate))), ("key", Some(key))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<EvidenceConfig, String> {
        use figment::providers::Format as _;
        let read = figment::Figment::from(figment::providers::Toml::string(text)).extract();
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_a_file_or_in_a_token_and_is_written_as_it_is_read() {
        let pkcs11 =
            r#"{ pkcs11 = { module = "/m.so", token_label = "t", key_label = "k", pin_file = "pin", sessions = 2 } }"#;
        for key in [r#""key.pem""#, pkcs11] {
            let read_back = read(&format!("certificate = \"c.pem\"\nkey = {key}")).unwrap();
            read_back.check().unwrap();
            let lines =
                read_back.to_toml().into_iter().filter_map(|(key, value)| Some(format!("{key} = {}\n", value?)));
            let written: String = lines.collect();
            assert_eq!(read(&written).unwrap(), read_back);
        }
        let read_back = read(&format!("certificate = \"c\"\nkey = {}", pkcs11.replace(", sessions = 2", ""))).unwrap();
        assert!(matches!(read_back.key, KeySource::Token(TokenConfig { sessions: 4, .. })));
    }

    #[test]
    fn what_is_misspelt_is_named() {
        for (key, named) in [
            (r#"{ pkcs12 = {} }"#, "pkcs12"),
            (r#"{ pkcs11 = { module = "m", token_label = "t", key_label = "k" } }"#, "pin_file"),
            (r#"{ pkcs11 = { module = "m", token_label = "t", key_label = "k", pin = "1234" } }"#, "pin"),
            ("7", "key file"),
        ] {
            let error = read(&format!("certificate = \"c\"\nkey = {key}")).unwrap_err();
            assert!(error.contains(named) && !error.contains("1234"), "{error}");
        }
    }
}
