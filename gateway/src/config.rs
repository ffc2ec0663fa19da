//! `vuzol.toml`: every key, its default, and what breaks when it is wrong. Unknown keys are errors; VUZOL_SECTION__KEY overrides.
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config { pub node: NodeConfig, pub listen: ListenConfig, pub tls: KeyPairFiles, pub storage: StorageConfig, pub trust: TrustConfig, pub evidence: KeyPairFiles, pub log: LogConfig, pub access: AccessConfig, #[serde(default)] pub revocation: RevocationConfig, #[serde(default)] pub limits: LimitsConfig }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig { /** origin of log and evidence, e.g. "vuzol.example.gov.ua" */ pub name: String }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig { /** TLS 1.3, clients */ pub public: SocketAddr, /** plain HTTP: health, metrics; keep it on a private address */ pub operator: SocketAddr }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPairFiles { /** PEM chain, leaf first */ pub certificate: PathBuf, /** PKCS#8 PEM */ pub key: PathBuf }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig { /** SQLite file */ pub database: PathBuf, /** folder of large objects and log tiles */ pub objects: PathBuf }
/// Folders of PEM certificates, one set of anchors each; `intermediates` only helps paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig { pub signing: PathBuf, pub login: PathBuf, pub encryption: PathBuf, pub timestamping: PathBuf, #[serde(default)] pub intermediates: Option<PathBuf> }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig { /** Ed25519 PKCS#8 PEM */ pub key: PathBuf, /** file outside the database: last signed size and root */ pub signer_state: PathBuf, /** milliseconds between rounds */ #[serde(default = "default_round")] pub round_milliseconds: u64 }
fn default_round() -> u64 { 200 }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessConfig { /** PEM certificates of node operators */ pub operators: Vec<PathBuf> }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RevocationConfig { /** host or host:port of OCSP responders and CRL servers that may be asked */ pub allowed_hosts: Vec<String> }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig { /** largest document in bytes; at most schemas::limits::DOCUMENT_BYTES */ pub document_bytes: Option<u64>, pub connections: Option<u32> }
/// Says which key of which file or variable is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);
impl Config {
    /// Relative paths are relative to the folder of the file.
    pub fn load(_file: &Path) -> Result<Self, ConfigError> { todo!() }
    pub fn to_toml(&self) -> String { todo!() }
}
