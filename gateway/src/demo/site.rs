//! A complete place to run a node in: a throw-away PKI, the node's own keys, an operator, any number of agencies, and the
//! `vuzol.toml` that names them. The demonstration, the tests and the load generator all begin here.
//!
//! ```text
//! vuzol.toml
//! anchors/root.pem            the one anchor, for logins, signatures, time-stamps and encryption
//! intermediates/issuing.pem
//! node/{tls,evidence}.{pem,key}  node/log.key  node/log-state  node/identity.key  node/portals.secret
//! operator/{login,second}.{pem,key}   what is dangerous takes two
//! agencies/<ЄДРПОУ>/{login,signing,encryption}.{pem,key}
//! data/                       database and objects
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::hex;
use crypto::key::{Curve, KeyError, KeyKind, SoftwareKey};
use schemas::address::InvalidAddress;
use schemas::registry::{CertificateRegistration, CertificateUsage, Channel, ParticipantRegistration};
use schemas::{DocumentKind, Edrpou, MailboxId};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::client::{Client, ClientError};
use crate::config::{
    AccessConfig, AlertsConfig, AnchorsConfig, BreakGlassConfig, Config, ConfigError, KeyPairFiles, LimitsConfig,
    ListenConfig, LogConfig, NodeConfig, PoliciesConfig, PortalsConfig, PurposesConfig, RelayConfig, RetentionConfig,
    RevocationConfig, ScanConfig, SealConfig, StorageConfig, TrustConfig, TrustedListsConfig, WebhooksConfig,
    WitnessesConfig,
};

/// Why a site could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The folder holds something already; nothing is overwritten.
    #[error("{0} is not empty")]
    NotEmpty(PathBuf),
    /// A file or folder could not be written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A key could not be made.
    #[error("key: {0}")]
    Key(#[from] KeyError),
    /// The address of the OCSP responder is no URL with a host.
    #[error("{0} is not the address of an OCSP responder")]
    ResponderAddress(String),
    /// The configuration that was written is not accepted.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// More agencies than there are codes for them.
    #[error(transparent)]
    Address(#[from] InvalidAddress),
}

/// An agency of the throw-away world, with all of its keys.
pub struct Agency {
    /// Its code; fictitious.
    pub edrpou: Edrpou,
    /// Its name.
    pub name: String,
    /// Its only mailbox.
    pub mailbox: MailboxId,
    /// Its system presents this to the node.
    pub login: Identity,
    /// Its official signs with this.
    pub signing: Identity,
    /// Documents are sealed to this.
    pub encryption: Identity,
    folder: PathBuf,
}

/// The folder, and what is in it.
pub struct Site {
    directory: PathBuf,
    pki: Arc<DevPki>,
    config: Config,
    operator: Identity,
    second_operator: Identity,
    evidence_certificate: Certificate,
    agencies: Vec<Agency>,
    now: OffsetDateTime,
}

impl Site {
    /// Makes everything in `directory`, which is created where it is absent and must be empty. `now` begins all validity;
    /// `ocsp_url` is written into every certificate and its host is put on the node's allow-list. The node will listen on
    /// free loopback ports.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn create(directory: &Path, now: OffsetDateTime, ocsp_url: &str, agencies: usize) -> Result<Self, SiteError> {
        let directory = prepare_folder(directory)?;
        let pki = Arc::new(DevPki::new(now, VALIDITY, ocsp_url)?);
        write(&directory.join("anchors/root.pem"), pki.root().to_pem().as_bytes())?;
        write(&directory.join("intermediates/issuing.pem"), pki.issuing_ca().to_pem().as_bytes())?;

        let issue = |profile: Profile, file: &str| issue_into(&pki, profile, &directory, file);
        let node_profile = |name: &str, usage| Profile {
            organisation: Some("Vuzol demonstration node".to_owned()),
            dns_names: vec!["localhost".to_owned()],
            ..profile(name, usage, now)
        };
        issue(node_profile("localhost", Usage::TlsServer), "node/tls")?;
        let evidence = issue(node_profile("Vuzol demonstration evidence", Usage::Seal), "node/evidence")?;
        let log_key = SoftwareKey::generate(KeyKind::Ed25519)?;
        write_secret(&directory.join("node/log.key"), log_key.to_pkcs8_pem()?.as_bytes())?;
        let identity_key = hex(&crypto::random::array::<32>());
        write_secret(&directory.join("node/identity.key"), identity_key.as_bytes())?;
        let portal_secret = Zeroizing::new(hex(&*Zeroizing::new(crypto::random::array::<32>())));
        write_secret(&directory.join("node/portals.secret"), portal_secret.as_bytes())?;
        let operator = issue(profile("Operator of the node", Usage::TlsClient, now), "operator/login")?;
        let second_operator = issue(profile("Second operator of the node", Usage::TlsClient, now), "operator/second")?;
        let agencies =
            (0..agencies).map(|index| Agency::create(&pki, &directory, index, now)).collect::<Result<_, _>>()?;

        create_folder(&directory.join("data/objects"))?;
        let config_file = directory.join(CONFIG_FILE);
        write(&config_file, configuration(ocsp_url)?.to_toml().as_bytes())?;
        let config = Config::load(&config_file)?;
        let evidence_certificate = evidence.certificate;
        Ok(Self { directory, pki, config, operator, second_operator, evidence_certificate, agencies, now })
    }

    /// The folder, absolute.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The configuration file, for a node in a process of its own.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.directory.join(CONFIG_FILE)
    }

    /// The configuration as loaded from the file: paths absolute.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The authority behind every certificate.
    #[must_use]
    pub fn pki(&self) -> &Arc<DevPki> {
        &self.pki
    }

    /// The login of a node operator.
    #[must_use]
    pub fn operator(&self) -> &Identity {
        &self.operator
    }

    /// The login of another: what is dangerous takes two.
    #[must_use]
    pub fn second_operator(&self) -> &Identity {
        &self.second_operator
    }

    /// Evidence verifies with this.
    #[must_use]
    pub fn evidence_certificate(&self) -> &Certificate {
        &self.evidence_certificate
    }

    /// The agencies, in the order of their codes.
    #[must_use]
    pub fn agencies(&self) -> &[Agency] {
        &self.agencies
    }

    /// An agency by its index from 0.
    #[must_use]
    pub fn agency(&self, index: usize) -> Option<&Agency> {
        self.agencies.get(index)
    }

    /// What everyone here trusts: the root, for every purpose.
    #[must_use]
    pub fn trust(&self) -> TrustSnapshot {
        let purposes = vec![Purpose::Signing, Purpose::TlsClient, Purpose::Encryption, Purpose::TimeStamping];
        let anchor = TrustAnchor { certificate: self.pki.root().clone(), purposes };
        TrustSnapshot::new(vec![anchor], vec![self.pki.issuing_ca().clone()], self.now)
    }

    /// Another signing certificate of an agency, for example one to be revoked.
    ///
    /// # Errors
    /// [`KeyError`] when no key can be made.
    pub fn issue_signer(&self, agency: &Agency, name: &str) -> Result<Identity, KeyError> {
        self.pki.issue(agency.profile(name, Usage::Signing, self.now))
    }

    /// A client certificate that no participant has registered.
    ///
    /// # Errors
    /// [`KeyError`] when no key can be made.
    pub fn issue_stranger(&self) -> Result<Identity, KeyError> {
        self.pki.issue(profile("System of nobody", Usage::TlsClient, self.now))
    }

    /// A client that logs in as `identity` at `base`.
    ///
    /// # Errors
    /// [`ClientError::Configuration`].
    pub fn client(&self, base: &str, identity: &Identity) -> Result<Client, ClientError> {
        Client::for_identity(base, self.pki.root(), self.pki.issuing_ca(), identity)
    }

    /// Registers every agency through the public API.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn register_agencies(&self, operator: &Client) -> Result<(), ClientError> {
        for agency in &self.agencies {
            operator.register(agency.edrpou, &agency.registration()).await?;
        }
        Ok(())
    }

    /// Lets `sender` send [`document_kind`] to `recipient`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open_channel(
        &self,
        operator: &Client,
        sender: &Agency,
        recipient: &Agency,
    ) -> Result<(), ClientError> {
        let kinds = document_kind().into_iter().collect();
        let channel = Channel { sender: sender.edrpou, recipient: recipient.mailbox.clone(), kinds, policy: None };
        operator.set_channel(&channel).await
    }
}

impl Agency {
    fn create(pki: &DevPki, directory: &Path, index: usize, now: OffsetDateTime) -> Result<Self, SiteError> {
        let edrpou: Edrpou = format!("99{:06}", index + 1).parse()?;
        let name = match u8::try_from(index) {
            Ok(letter) if letter < 26 => format!("Agency {}", char::from(b'A' + letter)),
            _ => format!("Agency {}", index + 1),
        };
        let folder = format!("agencies/{edrpou}");
        let issue = |title: &str, usage, file: &str| {
            let profile = agency_profile(&name, edrpou, &format!("{title} of {name}"), usage, now);
            issue_into(pki, profile, directory, &format!("{folder}/{file}"))
        };
        Ok(Self {
            login: issue("System", Usage::TlsClient, "login")?,
            signing: issue("Official", Usage::Signing, "signing")?,
            encryption: issue("Chancellery", Usage::Encryption, "encryption")?,
            mailbox: format!("{edrpou}.chancellery").parse()?,
            folder: directory.join(&folder),
            edrpou,
            name,
        })
    }

    /// What the operator registers.
    #[must_use]
    pub fn registration(&self) -> ParticipantRegistration {
        let certificate = |usage, identity: &Identity| CertificateRegistration {
            usage,
            der: STANDARD.encode(identity.certificate.der()),
        };
        ParticipantRegistration {
            name: self.name.clone(),
            mailboxes: vec![self.mailbox.name().to_owned()],
            certificates: vec![
                certificate(CertificateUsage::Login, &self.login),
                certificate(CertificateUsage::Encryption, &self.encryption),
            ],
            ..ParticipantRegistration::default()
        }
    }

    /// Where its keys lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn profile(&self, common_name: &str, usage: Usage, now: OffsetDateTime) -> Profile {
        agency_profile(&self.name, self.edrpou, common_name, usage, now)
    }
}

/// The kind of document that channels of a site carry.
#[must_use]
pub fn document_kind() -> Option<DocumentKind> {
    "letter".parse().ok()
}

fn agency_profile(name: &str, edrpou: Edrpou, common_name: &str, usage: Usage, now: OffsetDateTime) -> Profile {
    Profile {
        organisation: Some(name.to_owned()),
        edrpou: Some(edrpou.to_string()),
        ..profile(common_name, usage, now)
    }
}

fn profile(common_name: &str, usage: Usage, now: OffsetDateTime) -> Profile {
    Profile {
        common_name: common_name.to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage,
        key: KeyKind::Ec(Curve::P256),
        not_before: now - BACKDATED,
        not_after: now + VALIDITY,
        dns_names: Vec::new(),
    }
}

/// `file` without its ending: the chain goes to `.pem`, the key to `.key`.
fn issue_into(pki: &DevPki, profile: Profile, directory: &Path, file: &str) -> Result<Identity, SiteError> {
    let identity = pki.issue(profile)?;
    let chain = format!("{}{}", identity.certificate.to_pem(), pki.issuing_ca().to_pem());
    write(&directory.join(format!("{file}.pem")), chain.as_bytes())?;
    write_secret(&directory.join(format!("{file}.key")), identity.key.to_pkcs8_pem()?.as_bytes())?;
    Ok(identity)
}

/// Paths relative to the file, so that the folder can be moved.
fn configuration(ocsp_url: &str) -> Result<Config, SiteError> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let pair = |name: &str| KeyPairFiles {
        certificate: format!("node/{name}.pem").into(),
        key: format!("node/{name}.key").into(),
    };
    let anchors = PathBuf::from("anchors");
    Ok(Config {
        node: NodeConfig { name: NODE_NAME.to_owned() },
        listen: ListenConfig { public: loopback, operator: loopback },
        tls: pair("tls"),
        storage: StorageConfig::at("data/vuzol.db".into(), "data/objects".into()),
        trust: TrustConfig {
            signing: anchors.clone(),
            login: anchors.clone(),
            encryption: anchors.clone(),
            timestamping: anchors,
            intermediates: Some("intermediates".into()),
            lists: None,
        },
        trusted_lists: TrustedListsConfig::default(),
        seal: SealConfig::default(),
        webhooks: WebhooksConfig::default(),
        scan: ScanConfig::default(),
        relay: RelayConfig::default(),
        retention: RetentionConfig::default(),
        purposes: PurposesConfig::default(),
        break_glass: BreakGlassConfig::default(),
        alerts: AlertsConfig::default(),
        policies: PoliciesConfig::default(),
        evidence: pair("evidence").into(),
        log: LogConfig {
            key: "node/log.key".into(),
            national_key: None,
            signer_state: "node/log-state".into(),
            signer: None,
            payload_key: None,
            unpublished_rows: 1_000_000,
            round_milliseconds: LOG_ROUND,
            public: None,
            witnesses: WitnessesConfig::default(),
            anchors: AnchorsConfig::default(),
        },
        access: AccessConfig {
            operators: vec!["operator/login.pem".into(), "operator/second.pem".into()],
            identity_key: Some("node/identity.key".into()),
        },
        portals: PortalsConfig { secret: Some("node/portals.secret".into()), ..PortalsConfig::default() },
        revocation: RevocationConfig { allowed_hosts: vec![host_and_port(ocsp_url)?] },
        limits: LimitsConfig::default(),
    })
}

fn host_and_port(url: &str) -> Result<String, SiteError> {
    let refused = || SiteError::ResponderAddress(url.to_owned());
    let parsed = reqwest::Url::parse(url).map_err(|_| refused())?;
    let host = parsed.host_str().ok_or_else(refused)?;
    Ok(parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn prepare_folder(directory: &Path) -> Result<PathBuf, SiteError> {
    create_folder(directory)?;
    let failed = |error| SiteError::File { path: directory.to_owned(), error };
    if std::fs::read_dir(directory).map_err(failed)?.next().is_some() {
        return Err(SiteError::NotEmpty(directory.to_owned()));
    }
    std::fs::canonicalize(directory).map_err(failed)
}

fn create_folder(path: &Path) -> Result<(), SiteError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| SiteError::File { path: path.to_owned(), error })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SiteError> {
    write_with(path, bytes, std::fs::OpenOptions::new())
}

fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), SiteError> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    write_with(path, bytes, options)
}

fn write_with(path: &Path, bytes: &[u8], mut options: std::fs::OpenOptions) -> Result<(), SiteError> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let written = options.write(true).create_new(true).open(path);
    written
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
        .map_err(|error| SiteError::File { path: path.to_owned(), error })
}

const CONFIG_FILE: &str = "vuzol.toml";
/// Origin of the log and of evidence.
const NODE_NAME: &str = "demo.vuzol.example";
/// Nothing here outlives an afternoon.
const VALIDITY: Duration = Duration::days(30);
/// Certificates begin earlier than `now`, so that a demonstration can revoke one in the past.
const BACKDATED: Duration = Duration::days(1);
/// Milliseconds between rounds of the log.
const LOG_ROUND: u64 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allow_list_names_the_port() {
        assert_eq!(host_and_port("http://127.0.0.1:4711/ocsp").unwrap(), "127.0.0.1:4711");
        assert_eq!(host_and_port("http://ocsp.example/").unwrap(), "ocsp.example");
        assert!(matches!(host_and_port("ocsp"), Err(SiteError::ResponderAddress(_))));
    }
}
