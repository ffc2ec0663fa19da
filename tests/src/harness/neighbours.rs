//! Several nodes on one ground: each with keys, a database and a door of its own, each knows the others as its configuration says.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::dev::{Profile, Usage};
use crypto::key::{Curve, KeyKind, SoftwareKey};
use gateway::client::Client;
use gateway::config::{Config, KeyPairFiles, ListenConfig, PeerConfig};
use gateway::wiring::{Duties, Node};
use schemas::MessageId;
use schemas::message::MessageState;
use schemas::peer::{PeerChange, PeerStatement};
use schemas::registry::{CertificateUsage, ParticipantRegistration};

use super::agency::Agency;
use super::ground::{Ground, free_port};

/// What a node of a region has for itself: keys, certificates, a folder.
pub struct Papers {
    /// Its name.
    pub name: String,
    /// Its door to clients and other nodes.
    pub tls: KeyPairFiles,
    /// It signs evidence with this.
    pub evidence: KeyPairFiles,
    /// It logs in at other nodes with this.
    pub login: KeyPairFiles,
    log: PathBuf,
    folder: PathBuf,
}

impl Papers {
    /// Made in a folder of that name below the site's. The node's door is `localhost` and has the node's name.
    ///
    /// # Panics
    /// Where keys or files cannot be made.
    #[must_use]
    pub fn issue(ground: &Ground, name: &str) -> Self {
        let folder = ground.site.directory().join(name);
        std::fs::create_dir_all(folder.join("objects")).expect("a folder");
        let log = folder.join("log.key");
        let key = SoftwareKey::generate(KeyKind::Ed25519).expect("a key");
        std::fs::write(&log, key.to_pkcs8_pem().expect("PEM").as_bytes()).expect("a file");
        let pair = |file: &str, usage| pair(ground, &folder, (name, file), usage);
        let [tls, evidence, login] =
            [("tls", Usage::TlsServer), ("evidence", Usage::Seal), ("login", Usage::TlsClient)]
                .map(|(file, usage)| pair(file, usage));
        Self { name: name.to_owned(), tls, evidence, login, log, folder }
    }

    /// The configuration of the node: that of the ground with papers, folder and peers of its own, at free ports.
    #[must_use]
    pub fn config(&self, ground: &Ground, peers: Vec<PeerConfig>) -> Config {
        let mut config = ground.config.clone();
        config.node.name.clone_from(&self.name);
        config.listen = ListenConfig { public: free_port(), operator: free_port() };
        config.tls = self.tls.clone();
        config.storage.database = match storage::throwaway::url_in(&self.folder) {
            Some(url) => url.try_into().expect("an address"),
            None => self.folder.join("vuzol.db").into(),
        };
        config.storage.objects = self.folder.join("objects");
        config.log.key.clone_from(&self.log);
        config.log.signer_state = self.folder.join("log-state");
        config.evidence = self.evidence.clone().into();
        config.relay.login = Some(self.login.clone());
        config.relay.peers = peers;
        config
    }

    /// Where its files lie.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// What its evidence verifies under.
    ///
    /// # Panics
    /// Where the file is no certificate.
    #[must_use]
    pub fn evidence_certificate(&self) -> Certificate {
        let pem = std::fs::read_to_string(&self.evidence.certificate).expect("a file");
        Certificate::from_pem(&pem).expect("certificates").remove(0)
    }

    /// How another node is told of this one, which it reaches at `url`.
    #[must_use]
    pub fn as_peer(&self, ground: &Ground, url: &str) -> PeerConfig {
        PeerConfig {
            name: self.name.clone(),
            url: url.to_owned(),
            authorities: ground.site.directory().join("anchors/root.pem"),
            login: self.login.certificate.clone(),
            evidence: self.evidence.certificate.clone(),
        }
    }

    /// The same, as operators state it over the API.
    ///
    /// # Panics
    /// Where a file is no certificate.
    #[must_use]
    pub fn statement(&self, ground: &Ground, url: &str) -> PeerStatement {
        let encoded = |certificate: &Certificate| vec![STANDARD.encode(certificate.der())];
        let login = std::fs::read_to_string(&self.login.certificate).expect("a file");
        PeerStatement {
            url: url.to_owned(),
            authorities: encoded(ground.site.pki().root()),
            login: encoded(&Certificate::from_pem(&login).expect("certificates").remove(0)),
            evidence: encoded(&self.evidence_certificate()),
        }
    }

    /// A client that comes to the node at `base` as this node does.
    ///
    /// # Panics
    /// Where its keys are unusable.
    #[must_use]
    pub fn client(&self, ground: &Ground, base: &str) -> Client {
        let read = |file| std::fs::read_to_string(file).expect("a file");
        let chain = Certificate::from_pem(&read(&self.login.certificate)).expect("certificates");
        let key = SoftwareKey::from_pkcs8_pem(&read(&self.login.key)).expect("a key");
        let key = key.to_pkcs8_der().expect("DER");
        Client::new(base, &[ground.site.pki().root().clone()], Some((&chain, &key))).expect("a client")
    }
}

fn pair(ground: &Ground, folder: &std::path::Path, (name, file): (&str, &str), usage: Usage) -> KeyPairFiles {
    let (pki, now) = (ground.site.pki(), ground.clock.now());
    let profile = Profile {
        common_name: format!("{file} of {name}"),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage,
        key: KeyKind::Ec(Curve::P256),
        not_before: now - time::Duration::days(1),
        not_after: now + time::Duration::days(30),
        dns_names: if usage == Usage::TlsServer { vec!["localhost".to_owned(), name.to_owned()] } else { Vec::new() },
    };
    let identity = pki.issue(profile).expect("a key and a certificate");
    let (certificate, key) = (folder.join(format!("{file}.pem")), folder.join(format!("{file}.key")));
    let chain = format!("{}{}", identity.certificate.to_pem(), pki.issuing_ca().to_pem());
    std::fs::write(&certificate, chain).expect("a file");
    std::fs::write(&key, identity.key.to_pkcs8_pem().expect("PEM").as_bytes()).expect("a file");
    KeyPairFiles { certificate, key }
}

/// Two nodes side by side. A is at home at the first, B at the second; both nodes know both, and let A send B letters.
pub struct Neighbours {
    /// Keys and services for all.
    pub ground: Ground,
    /// A's node, and B's.
    pub nodes: [Node; 2],
    /// Their operators.
    pub operators: [Client; 2],
    /// What their evidence verifies under.
    pub evidence: [Certificate; 2],
    /// Sends.
    pub a: Agency,
    /// Receives.
    pub b: Agency,
}

impl Neighbours {
    /// The names of the two nodes.
    pub const NAMES: [&str; 2] = ["one.example", "two.example"];

    /// Starts both.
    ///
    /// # Panics
    /// Where the stage cannot be set up.
    pub async fn start() -> Self {
        let ground = Ground::lay(Arc::new(storage::clock::SystemClock), 3, None).await;
        let papers = Self::NAMES.map(|name| Papers::issue(&ground, name));
        let mut configs = [papers[0].config(&ground, Vec::new()), papers[1].config(&ground, Vec::new())];
        for (own, other) in [(0, 1), (1, 0)] {
            let url = base(configs[other].listen.public);
            configs[own].relay.peers = vec![papers[other].as_peer(&ground, &url)];
        }
        let evidence = [0, 1].map(|index: usize| papers[index].evidence_certificate());
        let [one, two] = configs;
        let nodes = [starts(&ground, one).await, starts(&ground, two).await];
        let [a, b] =
            [0, 1].map(|index| Agency::new(ground.site.clone(), index, ground.clock.clone(), &door(&nodes[index])));
        let operators = [0, 1].map(|index| operator(&ground, &door(&nodes[index])));
        for (operator, at_home, elsewhere, there) in
            [(&operators[0], &a, &b, Self::NAMES[1]), (&operators[1], &b, &a, Self::NAMES[0])]
        {
            ground.registers(operator, at_home).await;
            registers_elsewhere(operator, elsewhere, there).await;
            ground.opens_channel(operator, &a, &b.mailbox()).await;
        }
        Self { ground, nodes, operators, evidence, a, b }
    }

    /// Stops both.
    pub async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Starts a node in this process.
///
/// # Panics
/// Where it does not start.
pub async fn starts(ground: &Ground, config: Config) -> Node {
    Node::start(config, ground.clock.clone(), Duties::All, true).await.expect("the node starts")
}

/// Where a node in this process is reached.
#[must_use]
pub fn door(node: &Node) -> String {
    base(node.public_address())
}

fn base(door: SocketAddr) -> String {
    format!("https://localhost:{}", door.port())
}

/// The operator of the ground at the node at `base`.
///
/// # Panics
/// Where its keys are unusable.
#[must_use]
pub fn operator(ground: &Ground, base: &str) -> Client {
    ground.site.client(base, ground.site.operator()).expect("the operator's keys")
}

/// The two operators of the ground state a node at the node at `base`, in the place of version `replaces`. Answers which version it is.
///
/// # Panics
/// Where the node refuses.
pub async fn states(ground: &Ground, base: &str, papers: &Papers, url: &str, replaces: u32) -> u32 {
    let second = ground.site.client(base, ground.site.second_operator()).expect("the second operator's keys");
    let (name, statement) = (papers.name.parse().expect("a name"), papers.statement(ground, url));
    let change = PeerChange { replaces, statement };
    let proposed = operator(ground, base).set_peer(&name, &change).await.expect("a proposal");
    assert!(proposed.proposal.is_some(), "one operator is not enough");
    second.set_peer(&name, &change).await.expect("what two operators say").version.expect("a version")
}

/// Registers a participant whose mailboxes are at another node: no login here.
///
/// # Panics
/// Where the node refuses.
pub async fn registers_elsewhere(operator: &Client, agency: &Agency, node: &str) {
    let mut certificates = agency.registration().certificates;
    certificates.retain(|certificate| certificate.usage == CertificateUsage::Encryption);
    let node = Some(node.to_owned());
    let registration = ParticipantRegistration { certificates, node, ..agency.registration() };
    operator.register(agency.edrpou(), &registration).await.expect("a registration");
}

/// Waits until a message that `agency` is a party of has come to `state`.
///
/// # Panics
/// Where it has not within a minute, or the node refuses.
pub async fn awaits_state(agency: &Agency, message: MessageId, state: MessageState) {
    let mut last = None;
    for _ in 0..1200 {
        let found = agency.client.message(message).await.expect("one's own message");
        if found.state == state {
            return;
        }
        last = found.standing;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the message stands at {last:?}");
}
