//! `vuzol.toml`: every key, its default, and what breaks when it is wrong.
//!
//! A key that nobody knows is an error, in the file and in the environment: a misspelt limit that silently keeps its
//! default is worse than a node that does not start. `VUZOL_SECTION__KEY` overrides a key (lists in the syntax of TOML:
//! `VUZOL_REVOCATION__ALLOWED_HOSTS='["ocsp.example"]'`). Relative paths are relative to the folder of the file, wherever
//! the process was started. `gateway/vuzol.example.toml` shows every key; a test keeps it in step.

mod alerts;
mod break_glass;
mod database;
mod evidence;
mod limits;
mod logins;
mod policies;
mod portals;
mod providers;
mod purposes;
mod relay;
mod retention;
mod scan;
mod signer;
mod space;
mod trust;
mod vouching;
mod webhooks;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};

pub use alerts::AlertsConfig;
pub use break_glass::BreakGlassConfig;
pub use database::DatabaseConfig;
pub use evidence::{EvidenceConfig, KeySource, TokenConfig};
pub use limits::{LimitsConfig, ParticipantLimits};
pub use logins::LoginLimits;
pub use policies::PoliciesConfig;
pub use portals::{PortalConfig, PortalsConfig};
pub use providers::{ClaimsConfig, ProviderConfig};
pub use purposes::PurposesConfig;
pub use relay::{PeerConfig, RelayConfig};
pub use retention::{ClassConfig, RetentionConfig};
pub use scan::{ClamdAddress, ScanConfig, SealConfig};
pub use signer::{RemoteSignerConfig, SignerConfig};
pub use trust::{TrustConfig, TrustedListConfig, TrustedListsConfig};
pub(crate) use vouching::is_prefix;
pub use vouching::{AnchorsConfig, WitnessConfig, WitnessesConfig};
pub use webhooks::WebhooksConfig;

/// Begin of the variables that override keys.
const PREFIX: &str = "VUZOL_";

/// Variables with the prefix that are no keys: where the file is, how the process logs, where test material lies.
const OTHER_VARIABLES: [&str; 4] = ["VUZOL_CONFIG", "VUZOL_LOG", "VUZOL_LOG_FORMAT", "VUZOL_CORPORA"];

/// Everything that a node is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this node is.
    pub node: NodeConfig,
    /// Where it listens.
    pub listen: ListenConfig,
    /// Key and certificate that it shows to clients.
    pub tls: KeyPairFiles,
    /// Where it keeps what it must not lose.
    pub storage: StorageConfig,
    /// Whom it believes.
    pub trust: TrustConfig,
    /// Whom it believes because a trusted list says so.
    #[serde(default)]
    pub trusted_lists: TrustedListsConfig,
    /// Key and certificate with which it signs evidence.
    pub evidence: EvidenceConfig,
    /// The transparency log.
    pub log: LogConfig,
    /// Who operates it.
    pub access: AccessConfig,
    /// Where people log in.
    #[serde(default)]
    pub portals: PortalsConfig,
    /// How it learns of revoked certificates.
    #[serde(default)]
    pub revocation: RevocationConfig,
    /// How documents are sealed.
    #[serde(default)]
    pub seal: SealConfig,
    /// How documents are scanned for malware.
    #[serde(default)]
    pub scan: ScanConfig,
    /// How notices are posted.
    #[serde(default)]
    pub webhooks: WebhooksConfig,
    /// Other nodes, and how it reaches them.
    #[serde(default)]
    pub relay: RelayConfig,
    /// How long content is kept, and who may dispose of it.
    #[serde(default)]
    pub retention: RetentionConfig,
    /// What personal data may be looked at for.
    #[serde(default)]
    pub purposes: PurposesConfig,
    /// How long somebody may see what consent keeps from them.
    #[serde(default)]
    pub break_glass: BreakGlassConfig,
    /// What raises an alert, and where alerts go.
    #[serde(default)]
    pub alerts: AlertsConfig,
    /// Policies beside those that the binary carries.
    #[serde(default)]
    pub policies: PoliciesConfig,
    /// Bounds.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// Who this node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// Origin of the log and issuer of the evidence, for example `vuzol.example.gov.ua`: 1 to 128 visible ASCII
    /// characters without `+`. Every checkpoint and every piece of evidence carries it; changed on a node that has signed
    /// before, its log no longer verifies under the key that others hold.
    pub name: String,
}

/// Where the node listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenConfig {
    /// Public API: TLS 1.3. Wrong: clients find nobody.
    pub public: SocketAddr,
    /// Health and metrics: plain HTTP without login. On a public address strangers read how busy the node is.
    pub operator: SocketAddr,
}

/// A certificate with its private key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPairFiles {
    /// PEM chain, leaf first. A missing intermediate makes clients refuse the node, or verifiers its evidence.
    pub certificate: PathBuf,
    /// Private key of the leaf: PKCS#8 PEM, unencrypted, readable by the node's user only.
    pub key: PathBuf,
}

/// Where the node keeps what it must not lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageConfig {
    /// SQLite file. On a network file system locks lie and the database breaks: a local disk with working fsync. Or, for many processes, the address of
    /// a PostgreSQL database (`postgres://...`); one that promises less than fsync for a commit is refused.
    pub database: DatabaseConfig,
    /// Folder of large sealed parts and log tiles. Belongs to the database: restored apart from it, downloads fail.
    pub objects: PathBuf,
    /// Free megabytes on the file systems of both below which the node takes nothing new (503, `node.no_space`), 16 to 1048576. Too few: a burst
    /// of large documents fills the disk before the node notices. Too many: it refuses while there is room.
    #[serde(default = "space::low_water")]
    pub low_water_megabytes: u32,
    /// Megabytes of a file that is given up when the disk fills up all the same, so that the log can finish what was accepted, 8 to 65536. Too few: it
    /// cannot.
    #[serde(default = "space::reserve")]
    pub reserve_megabytes: u32,
}

/// The transparency log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// Ed25519 key of the checkpoints: PKCS#8 PEM. Another key is another log: every monitor raises an alarm. Not with `signer`.
    #[serde(default)]
    pub key: PathBuf,
    /// DSTU 4145 key (little-endian) of a second signature line of the checkpoints: PKCS#8 PEM. Optional. Others pass over that line; who was told to ask for
    /// it (`vuzol audit verify --national-key`) refuses checkpoints without it.
    pub national_key: Option<PathBuf>,
    /// File with the last signed size and root. Keep it out of the backup of the database: its use is to notice that the
    /// database was set back. Lost, the node cannot tell. Not with `signer`.
    #[serde(default)]
    pub signer_state: PathBuf,
    /// The process that signs checkpoints in place of this one (`vuzol signer`), which has keys and memory then.
    #[serde(default)]
    pub signer: Option<RemoteSignerConfig>,
    /// Key under which details lie sealed beside the log: 64 hexadecimal digits. Without it they lie in the clear. Lost, nobody reads them any more; the proofs
    /// stay. The journal of erasures lies beside it, `.erased`.
    #[serde(default)]
    pub payload_key: Option<PathBuf>,
    /// Rows that may wait for a checkpoint, 1000 to 1000000000: beyond that deeds are refused (503, `node.overloaded`). Fewer: a signer that is away for an hour
    /// stops the node. More: what is accepted without being provable is more.
    #[serde(default = "signer::unpublished_rows")]
    pub unpublished_rows: u64,
    /// Milliseconds between two rounds, 20 to 10000. Larger: proofs come later. Smaller: the disk syncs more often.
    #[serde(default = "default_round")]
    pub round_milliseconds: u64,
    /// Where the log is read without a login: TLS 1.3 with the files of `tls`. `checkpoint`, `checkpoint.witnessed`, `tile/` and `anchors/` of
    /// C2SP tlog-tiles, and nothing else. Without it only who has a login reads the log.
    #[serde(default)]
    pub public: Option<SocketAddr>,
    /// Who cosigns its checkpoints.
    #[serde(default)]
    pub witnesses: WitnessesConfig,
    /// Who time-stamps them.
    #[serde(default)]
    pub anchors: AnchorsConfig,
}

fn default_round() -> u64 {
    200
}

/// Who operates the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessConfig {
    /// PEM certificates of the node operators, who register participants and channels. Empty: nobody can.
    pub operators: Vec<PathBuf>,
    /// Key of the digests by which people are known: 64 hexadecimal digits. Without it no person can be registered or log in. Lost or
    /// replaced, nobody who is registered can log in any more, and the node does not start; read by others together with the database, the
    /// numbers of all people can be found. Keep a copy, apart from the backup of the database.
    #[serde(default)]
    pub identity_key: Option<PathBuf>,
}

/// How the node learns of revoked certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RevocationConfig {
    /// Hosts of OCSP responders, CRL servers and authorities' certificates that may be asked over plain HTTP: `host` (port 80) or
    /// `host:port`. A responder that is missing here is never asked: documents of its signers are refused as
    /// `signature.status_unknown`, its clients as `login.certificate_status_unknown`.
    pub allowed_hosts: Vec<String>,
}

/// Says which key of which file or variable is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl Config {
    /// Reads the file and the environment.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, a key is unknown, missing or out of bounds.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX));
        Self::from_sources(file, variables)
    }

    fn from_sources(file: &Path, variables: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|e| ConfigError(format!("cannot read {shown}: {e}; name the file with --config")))?;
        let mut figment = Figment::from(Toml::string(&text));
        for (name, value) in variables.filter(|(name, _)| !OTHER_VARIABLES.contains(&name.as_str())) {
            figment = figment.merge(Variable::parse(name, &value)?);
        }
        let mut config: Self = figment.extract().map_err(|error| ConfigError(explain(file, error)))?;
        let absolute = std::path::absolute(file).map_err(|e| ConfigError(format!("{shown}: {e}")))?;
        config.anchor_paths(absolute.parent().unwrap_or(Path::new("/")));
        config.check().map_err(|(key, problem)| ConfigError(format!("{shown}: {key}: {problem}")))?;
        Ok(config)
    }

    fn anchor_paths(&mut self, folder: &Path) {
        let paths = [
            &mut self.tls.certificate,
            &mut self.tls.key,
            &mut self.storage.objects,
            &mut self.trust.signing,
            &mut self.trust.login,
            &mut self.trust.encryption,
            &mut self.trust.timestamping,
            &mut self.trusted_lists.folder,
        ];
        let lists = self.trusted_lists.lists.iter_mut().map(|list| &mut list.signers);
        let lists = lists.chain(self.storage.database.path_mut());
        let lists =
            lists.chain(&mut self.trusted_lists.tls_roots).chain(&mut self.seal.ring).chain(&mut self.portals.secret);
        let lists = lists.chain(&mut self.webhooks.tls_roots);
        let lists = lists.chain(self.log.paths());
        let lists = lists.chain(self.portals.providers.iter_mut().flat_map(ProviderConfig::paths));
        let peers = self.relay.peers.iter_mut().flat_map(PeerConfig::paths);
        let login = self.relay.login.iter_mut().flat_map(|files| [&mut files.certificate, &mut files.key]);
        let lists = lists.chain(peers).chain(login).chain(self.evidence.paths());
        let trust = self.trust.intermediates.iter_mut().chain(&mut self.trust.lists);
        let access = self.access.operators.iter_mut().chain(&mut self.access.identity_key);
        let optional = trust.chain(access).chain(&mut self.retention.commission);
        let optional = optional.chain(&mut self.policies.bundle).chain(&mut self.policies.signers);
        let optional = optional.chain(&mut self.alerts.webhook_secret).chain(&mut self.alerts.syslog_roots);
        // `join` leaves an absolute path as it is.
        paths.into_iter().chain(optional).chain(lists).for_each(|path| *path = folder.join(&*path));
        for list in &mut self.trusted_lists.lists {
            if !list.is_address() {
                list.location = folder.join(&list.location).display().to_string();
            }
        }
    }

    /// Bounds that types do not hold: the key and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let name = &self.node.name;
        if !(1..=128).contains(&name.len()) || !name.bytes().all(|b| b.is_ascii_graphic() && b != b'+') {
            return Err(("node.name", "must be 1 to 128 visible ASCII characters without '+'".to_owned()));
        }
        if self.listen.public == self.listen.operator && self.listen.public.port() != 0 {
            return Err(("listen.operator", "must differ from listen.public".to_owned()));
        }
        if !(20..=10_000).contains(&self.log.round_milliseconds) {
            return Err(("log.round_milliseconds", "must be 20 to 10000".to_owned()));
        }
        self.storage.check()?;
        self.log.check()?;
        self.log.witnesses.check()?;
        self.log.anchors.check()?;
        self.evidence.check()?;
        self.limits.check()?;
        self.trusted_lists.check()?;
        self.scan.check()?;
        if let Some(host) = self.webhooks.private_hosts.iter().find(|host| !is_host(host)) {
            return Err(("webhooks.private_hosts", format!("{host:?} is not host:port (no scheme, no path)")));
        }
        self.relay.check(&self.node.name)?;
        self.portals.check()?;
        self.retention.check()?;
        self.purposes.check()?;
        self.policies.check()?;
        self.break_glass.check()?;
        self.alerts.check()?;
        match self.revocation.allowed_hosts.iter().find(|host| !is_host(host)) {
            Some(host) => {
                Err(("revocation.allowed_hosts", format!("{host:?} is not host or host:port (no scheme, no path)")))
            }
            None => Ok(()),
        }
    }

    /// The configuration as a file that [`Config::load`] reads back.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let path = |path: &Path| quoted(&path.display().to_string());
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        let pair =
            |pair: &KeyPairFiles| vec![("certificate", Some(path(&pair.certificate))), ("key", Some(path(&pair.key)))];
        let sections = [
            ("node", vec![("name", Some(quoted(&self.node.name)))]),
            (
                "listen",
                vec![
                    ("public", Some(quoted(&self.listen.public.to_string()))),
                    ("operator", Some(quoted(&self.listen.operator.to_string()))),
                ],
            ),
            ("tls", pair(&self.tls)),
            (
                "storage",
                vec![
                    ("database", Some(quoted(&String::from(self.storage.database.clone())))),
                    ("objects", Some(path(&self.storage.objects))),
                    ("low_water_megabytes", Some(self.storage.low_water_megabytes.to_string())),
                    ("reserve_megabytes", Some(self.storage.reserve_megabytes.to_string())),
                ],
            ),
            (
                "trust",
                vec![
                    ("signing", Some(path(&self.trust.signing))),
                    ("login", Some(path(&self.trust.login))),
                    ("encryption", Some(path(&self.trust.encryption))),
                    ("timestamping", Some(path(&self.trust.timestamping))),
                    ("intermediates", self.trust.intermediates.as_deref().map(path)),
                    ("lists", self.trust.lists.as_deref().map(path)),
                ],
            ),
            (
                "trusted_lists",
                vec![
                    ("folder", Some(path(&self.trusted_lists.folder))),
                    ("tls_roots", self.trusted_lists.tls_roots.as_deref().map(path)),
                    ("refresh_hours", Some(self.trusted_lists.refresh_hours.to_string())),
                    ("lists", Some(list(self.trusted_lists.lists.iter().map(TrustedListConfig::to_toml).collect()))),
                ],
            ),
            ("evidence", self.evidence.to_toml()),
            ("log", self.log.to_toml()),
            ("log.witnesses", self.log.witnesses.to_toml()),
            ("log.anchors", self.log.anchors.to_toml()),
            (
                "access",
                vec![
                    ("operators", Some(list(self.access.operators.iter().map(|file| path(file)).collect()))),
                    ("identity_key", self.access.identity_key.as_deref().map(path)),
                ],
            ),
            ("portals", self.portals.to_toml()),
            (
                "revocation",
                vec![(
                    "allowed_hosts",
                    Some(list(self.revocation.allowed_hosts.iter().map(|host| quoted(host)).collect())),
                )],
            ),
            ("seal", vec![("ring", self.seal.ring.as_deref().map(path))]),
            (
                "scan",
                vec![
                    ("clamd", self.scan.clamd.clone().map(|address| quoted(&String::from(address)))),
                    ("unavailable", Some(quoted(self.scan.unavailable.as_str()))),
                    ("maximum_bytes", Some(self.scan.maximum_bytes.to_string())),
                ],
            ),
            ("relay", self.relay.to_toml()),
            ("retention", self.retention.to_toml()),
            ("purposes", self.purposes.to_toml()),
            ("break_glass", self.break_glass.to_toml()),
            ("alerts", self.alerts.to_toml()),
            ("policies", self.policies.to_toml()),
            (
                "webhooks",
                vec![
                    ("tls_roots", self.webhooks.tls_roots.as_deref().map(path)),
                    (
                        "private_hosts",
                        Some(list(self.webhooks.private_hosts.iter().map(|host| quoted(host)).collect())),
                    ),
                ],
            ),
            (
                "limits",
                vec![
                    ("document_bytes", self.limits.document_bytes.map(|bytes| bytes.to_string())),
                    ("connections", self.limits.connections.map(|connections| connections.to_string())),
                    ("handshakes", self.limits.handshakes.map(|handshakes| handshakes.to_string())),
                    ("submissions", self.limits.submissions.map(|submissions| submissions.to_string())),
                ],
            ),
            ("limits.participant", self.limits.participant.to_toml()),
            ("limits.logins", self.limits.logins.to_toml()),
        ];
        let mut toml = String::new();
        for (section, keys) in sections {
            toml.push_str(&format!("[{section}]\n"));
            keys.into_iter()
                .filter_map(|(key, value)| Some(format!("{key} = {}\n", value?)))
                .for_each(|line| toml.push_str(&line));
        }
        toml.push_str(&self.retention.classes_to_toml());
        toml
    }
}

/// A basic string of TOML.
pub(crate) fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn is_host(text: &str) -> bool {
    reqwest::Url::parse(&format!("http://{text}/"))
        .is_ok_and(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none() && !text.contains('/'))
}

/// One variable of the environment as a source of its own, so that an error can name it.
struct Variable {
    name: String,
    section: String,
    key: String,
    value: figment::value::Value,
}

impl Variable {
    fn parse(name: String, value: &str) -> Result<Self, ConfigError> {
        let (section, key) = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once("__"))
            .map(|(section, key)| (section.to_ascii_lowercase(), key.to_ascii_lowercase()))
            .ok_or_else(|| ConfigError(format!("{name}: no such setting; variables are named VUZOL_SECTION__KEY")))?;
        // Parsing a value cannot fail: what is neither number, truth value nor list is text.
        let value = match value.parse() {
            Ok(value) => value,
            Err(never) => match never {},
        };
        Ok(Self { name, section, key, value })
    }
}

impl figment::Provider for Variable {
    fn metadata(&self) -> figment::Metadata {
        figment::Metadata::named(format!("variable {}", self.name))
    }

    fn data(&self) -> Result<figment::value::Map<figment::Profile, figment::value::Dict>, figment::Error> {
        let section = figment::util::map![self.key.clone() => self.value.clone()];
        let document = figment::util::map![self.section.clone() => figment::value::Value::from(section)];
        Ok(figment::util::map![figment::Profile::Default => document])
    }
}

/// Names source, key and remedy of every error, one a line.
pub(crate) fn explain(file: &Path, error: figment::Error) -> String {
    let lines: BTreeSet<String> = error
        .into_iter()
        .map(|error| {
            let variable = error.metadata.as_ref().map(|m| m.name.to_string()).filter(|n| n.starts_with("variable "));
            let source = variable.unwrap_or_else(|| file.display().to_string());
            let mut path = error.path.clone();
            let problem = match &error.kind {
                Kind::MissingField(key) => {
                    path.push(key.to_string());
                    "is missing; the example file shows every key".to_owned()
                }
                Kind::UnknownField(key, known) => {
                    if path.last() != Some(key) {
                        path.push(key.clone());
                    }
                    format!("there is no such key; known here: {}", known.join(", "))
                }
                kind => kind.to_string(),
            };
            if path.is_empty() {
                format!("{source}: {problem}")
            } else {
                format!("{source}: {}: {problem}", path.join("."))
            }
        })
        .collect();
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
