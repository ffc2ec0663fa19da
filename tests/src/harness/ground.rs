//! What a node stands on: a folder with its keys and configuration, the authority's services, agencies with their keys.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs::dev::{DevPki, Identity, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use crypto::merkle::NoteVerifier;
use gateway::client::Client;
use gateway::config::{Config, ListenConfig};
use gateway::demo::services::DemoServices;
use gateway::demo::site::Site;
use schemas::MailboxId;
use schemas::registry::Channel;
use storage::Clock;
use tempfile::TempDir;
use time::Duration;

use super::agency::{Agency, kind};

/// A place for one node. Its files are removed when it is dropped.
pub struct Ground {
    /// Keys, anchors, agencies.
    pub site: Arc<Site>,
    /// The node's configuration; [`Ground::save`] writes it for a node in a process of its own.
    pub config: Config,
    /// Everybody's clock.
    pub clock: Arc<dyn Clock>,
    services: Option<DemoServices>,
    _folder: TempDir,
}

impl Ground {
    /// Lays out a site with so many agencies below `parent`, or below the system's folder for temporary files.
    ///
    /// # Panics
    /// Where keys or files cannot be made.
    pub async fn lay(clock: Arc<dyn Clock>, agencies: usize, parent: Option<&Path>) -> Self {
        Self::lay_at(Ipv4Addr::LOCALHOST.into(), clock, agencies, parent).await
    }

    /// The same with the authority's services at another address of this host.
    ///
    /// # Panics
    /// As [`Ground::lay`].
    pub async fn lay_at(services: IpAddr, clock: Arc<dyn Clock>, agencies: usize, parent: Option<&Path>) -> Self {
        let folder = parent.map_or_else(tempfile::tempdir, tempfile::tempdir_in).expect("a temporary folder");
        let bound = DemoServices::bind_at(services).await.expect("a free port");
        let site = Site::create(&folder.path().join("site"), clock.now(), &bound.ocsp_url(), agencies);
        let site = Arc::new(site.expect("a site"));
        let services = Some(bound.start(site.pki().clone(), clock.clone()));
        let mut config = site.config().clone();
        if let Some(url) = storage::throwaway::url_in(folder.path()) {
            config.storage.database = url.try_into().expect("an address");
        }
        // Tests wait for the log more often than operators do.
        config.log.round_milliseconds = 50;
        // Many nodes at a time, perhaps on a disk in memory.
        config.storage.reserve_megabytes = 8;
        Self { site, config, clock, services, _folder: folder }
    }

    /// Gives the node a key ring, as its operator would: with the commands of the node.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn makes_ring(&mut self) {
        self.config.seal.ring = self.site.config_file().parent().map(|folder| folder.join("ring"));
        let file = self.save().into_os_string();
        // The commands start runtimes of their own, which must not be inside another.
        let made = std::thread::spawn(move || {
            let vuzol = |line: &[&str]| {
                let line = ["vuzol"].iter().chain(line).map(std::ffi::OsString::from);
                gateway::commands::run(line.chain(["--config".into(), file.clone()]))
            };
            (vuzol(&["migrate"]), vuzol(&["keys", "create-ring"]))
        });
        assert_eq!(made.join().expect("the commands"), (0, 0), "migrate and create-ring");
    }

    /// Settles the doors on free ports, so that a node that is started again is found where it was.
    pub fn settle(&mut self) {
        self.config.listen = ListenConfig { public: free_port(), operator: free_port() };
    }

    /// Writes the configuration and returns its path.
    ///
    /// # Panics
    /// Where the file cannot be written.
    #[must_use]
    pub fn save(&self) -> PathBuf {
        let file = self.site.config_file();
        std::fs::write(&file, self.config.to_toml()).expect("the configuration file");
        file
    }

    /// Address of the public door (its certificate names `localhost`).
    #[must_use]
    pub fn base(&self) -> String {
        format!("https://localhost:{}", self.config.listen.public.port())
    }

    /// An agency of the site by its index, ready to act on the node.
    #[must_use]
    pub fn agency(&self, index: usize) -> Agency {
        Agency::new(self.site.clone(), index, self.clock.clone(), &self.base())
    }

    /// The node's operator.
    ///
    /// # Panics
    /// Where its keys are unusable.
    #[must_use]
    pub fn operator(&self) -> Client {
        self.site.client(&self.base(), self.site.operator()).expect("the operator's keys")
    }

    /// Registers an agency.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn registers(&self, operator: &Client, agency: &Agency) {
        operator.register(agency.edrpou(), &agency.registration()).await.expect("a registration");
    }

    /// Lets `sender` send letters and applications to `recipient`.
    ///
    /// # Panics
    /// Where the node refuses.
    pub async fn opens_channel(&self, operator: &Client, sender: &Agency, recipient: &MailboxId) {
        let kinds = vec![kind("letter"), kind("application.subsidy")];
        let channel = Channel { sender: sender.edrpou(), recipient: recipient.clone(), kinds, policy: None };
        operator.set_channel(&channel).await.expect("a channel");
    }

    /// A key with a certificate for an agency, after `change` has changed what is asked for.
    ///
    /// # Panics
    /// Where the key cannot be made.
    #[must_use]
    pub fn issues(&self, agency: &Agency, usage: Usage, change: impl FnOnce(&mut Profile)) -> Identity {
        let mut profile = self.profile(agency.edrpou().as_str(), usage);
        change(&mut profile);
        self.site.pki().issue(profile).expect("a key and a certificate")
    }

    /// The same, valid until yesterday.
    #[must_use]
    pub fn issues_expired(&self, agency: &Agency, usage: Usage) -> Identity {
        let yesterday = self.clock.now() - Duration::days(1);
        self.issues(agency, usage, |profile| {
            profile.not_before = yesterday - Duration::days(1);
            profile.not_after = yesterday;
        })
    }

    /// The same, revoked an hour ago.
    #[must_use]
    pub fn issues_revoked(&self, agency: &Agency, usage: Usage) -> Identity {
        let identity = self.issues(agency, usage, |_| ());
        self.site.pki().revoke(&identity.certificate, self.clock.now() - Duration::hours(1), KEY_COMPROMISE);
        identity
    }

    /// A certificate that was suspended an hour ago.
    ///
    /// # Panics
    /// Where the keys cannot be made.
    #[must_use]
    pub fn issues_suspended(&self, agency: &Agency, usage: Usage) -> Identity {
        let identity = self.issues(agency, usage, |_| ());
        self.site.pki().revoke(&identity.certificate, self.clock.now() - Duration::hours(1), CERTIFICATE_HOLD);
        identity
    }

    /// An authority that nobody here trusts, and a certificate of it.
    ///
    /// # Panics
    /// Where the keys cannot be made.
    #[must_use]
    pub fn foreign(&self, agency: &Agency, usage: Usage) -> (DevPki, Identity) {
        let authority = DevPki::new(self.clock.now(), Duration::days(30), "http://127.0.0.1:9/ocsp").expect("keys");
        let identity = authority.issue(self.profile(agency.edrpou().as_str(), usage)).expect("a certificate");
        (authority, identity)
    }

    fn profile(&self, edrpou: &str, usage: Usage) -> Profile {
        let now = self.clock.now();
        Profile {
            common_name: format!("{usage:?} of {edrpou}"),
            organisation: Some(format!("Organisation {edrpou}")),
            edrpou: Some(edrpou.to_owned()),
            rnokpp: None,
            usage,
            key: KeyKind::Ec(Curve::P256),
            not_before: now - Duration::days(1),
            not_after: now + Duration::days(30),
            dns_names: Vec::new(),
        }
    }

    /// Verifies the checkpoints of the node's log.
    ///
    /// # Panics
    /// Where the configuration names no usable key.
    #[must_use]
    pub fn log_verifier(&self) -> NoteVerifier {
        let key = gateway::wiring::log_verifier_key(&self.config).expect("the log's key");
        NoteVerifier::from_vkey(&key).expect("the log's key")
    }

    /// The authority for time-stamps.
    ///
    /// # Panics
    /// Where the services have gone away.
    #[must_use]
    pub fn tsa_url(&self) -> String {
        self.services.as_ref().expect("services").tsa_url()
    }

    /// The authority's services go away.
    pub fn services_stop(&mut self) {
        self.services = None;
    }
}

/// An address of this host that nobody listened at a moment ago.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
    listener.local_addr().expect("a bound listener has an address")
}

/// CRLReason keyCompromise, RFC 5280 5.3.1.
const KEY_COMPROMISE: u8 = 1;

/// The same: certificateHold.
const CERTIFICATE_HOLD: u8 = 6;
