//! The files of one node: its keys and certificates, its anchors, its `vuzol.toml`, and where its data lies.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use certs::dev::{Identity, Usage};
use crypto::key::{KeyKind, SoftwareKey};
use gateway::config::{
    AccessConfig, Config, KeyPairFiles, LimitsConfig, ListenConfig, LogConfig, NodeConfig, RevocationConfig,
    StorageConfig, TrustConfig,
};

use super::authority::Authority;

/// Name of the node: the log's origin and the `node` of its evidence.
pub const NODE_NAME: &str = "node.test.vuzol";

/// Everything that a node is started from.
pub struct Site {
    folder: PathBuf,
    /// Written to `vuzol.toml`; change it and call [`Site::save`] to start a node otherwise.
    pub config: Config,
    /// The node's operator.
    pub operator: Identity,
    /// Certificate under which the node's evidence verifies.
    pub evidence: Certificate,
}

impl Site {
    /// Lays out a site in `folder`, with port 0 on both doors.
    #[must_use]
    pub fn lay_out(folder: &Path, authority: &Authority) -> Self {
        let tls = authority.issue("node door", "00000001", Usage::TlsServer);
        let evidence = authority.issue("node evidence", "00000001", Usage::Seal);
        let operator = authority.issue("operator", "00000001", Usage::TlsClient);
        let log_key = SoftwareKey::generate(KeyKind::Ed25519).expect("an Ed25519 key");
        for name in ["signing", "login", "encryption", "timestamping"] {
            write(folder, &format!("anchors/{name}/root.pem"), &authority.root().to_pem());
        }
        write(folder, "intermediates/issuing.pem", &authority.issuing().to_pem());
        write(folder, "operator.pem", &operator.certificate.to_pem());
        write(folder, "log.key", &log_key.to_pkcs8_pem().expect("an exportable key"));
        let pair = |name: &str, identity: &Identity| {
            let chain = identity.certificate.to_pem() + &authority.issuing().to_pem();
            KeyPairFiles {
                certificate: write(folder, &format!("{name}.pem"), &chain),
                key: write(folder, &format!("{name}.key"), &identity.key.to_pkcs8_pem().expect("an exportable key")),
            }
        };
        std::fs::create_dir_all(folder.join("data")).expect("a folder for the data");
        let config = Config {
            node: NodeConfig { name: NODE_NAME.to_owned() },
            listen: ListenConfig { public: loopback(0), operator: loopback(0) },
            tls: pair("door", &tls),
            storage: StorageConfig {
                database: folder.join("data/vuzol.sqlite"),
                objects: folder.join("data/objects"),
            },
            trust: TrustConfig {
                signing: folder.join("anchors/signing"),
                login: folder.join("anchors/login"),
                encryption: folder.join("anchors/encryption"),
                timestamping: folder.join("anchors/timestamping"),
                intermediates: Some(folder.join("intermediates")),
            },
            evidence: pair("evidence", &evidence),
            log: LogConfig {
                key: folder.join("log.key"),
                signer_state: folder.join("data/signer-state"),
                round_milliseconds: 50,
            },
            access: AccessConfig { operators: vec![folder.join("operator.pem")] },
            revocation: RevocationConfig { allowed_hosts: vec![authority.host()] },
            limits: LimitsConfig::default(),
        };
        Self { folder: folder.to_owned(), config, operator, evidence: evidence.certificate }
    }

    /// Settles the doors on free ports, so that a node that is started again is found where it was.
    pub fn settle(&mut self) {
        self.config.listen = ListenConfig { public: free_port(), operator: free_port() };
    }

    /// Writes `vuzol.toml` and returns its path.
    #[must_use]
    pub fn save(&self) -> PathBuf {
        write(&self.folder, "vuzol.toml", &self.config.to_toml())
    }

    /// Address of the public door for clients (its certificate names `localhost`).
    #[must_use]
    pub fn base(&self) -> String {
        format!("https://localhost:{}", self.config.listen.public.port())
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    let parent = path.parent().expect("a path below the site's folder");
    std::fs::create_dir_all(parent).expect("a folder of the site");
    std::fs::write(&path, text).expect("a file of the site");
    path
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind(loopback(0)).expect("a free loopback port");
    listener.local_addr().expect("a bound listener has an address")
}
