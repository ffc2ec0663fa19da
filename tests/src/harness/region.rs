//! A node in this process, on a clock that the test moves, with agencies around it.

use std::sync::Arc;

use certs::dev::Identity;
use gateway::client::Client;
use gateway::wiring::{Duties, Node};
use schemas::MailboxId;
use schemas::registry::Channel;
use storage::Clock;
use storage::clock::{ManualClock, SystemClock};
use tempfile::TempDir;
use time::Duration;

use super::agency::{Agency, kind};
use super::authority::{Authority, Services};
use super::book::Book;
use super::site::Site;
use super::store::Store;
use super::wire::Wire;

/// The stage of most tests: agency A may send letters and applications to B and C, B letters to A; C may send nothing.
pub struct Region {
    node: Option<Node>,
    /// The node's files.
    pub site: Site,
    /// The node's clock, and everybody's.
    pub clock: Arc<ManualClock>,
    /// Who everybody trusts.
    pub authority: Arc<Authority>,
    /// The node's operator.
    pub operator: Client,
    /// Sends.
    pub a: Agency,
    /// Receives, and may answer A.
    pub b: Agency,
    /// Receives only.
    pub c: Agency,
    /// C2SP verifier key of the node's log.
    pub log_key: String,
    folder: TempDir,
    _services: Services,
}

impl Region {
    /// Starts the authority and the node, registers the agencies and opens the channels.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// The same, after `change` has changed the node's configuration.
    pub async fn start_with(change: impl FnOnce(&mut Site)) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let (authority, services) = Authority::start(clock.clone()).await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut site = Site::lay_out(folder.path(), &authority);
        change(&mut site);
        let node = start(&mut site, clock.clone()).await;
        let base = site.base();
        let agency = |edrpou: &str| Agency::found(edrpou, authority.clone(), clock.clone(), &base);
        let (a, b, c) = (agency("11111111"), agency("22222222"), agency("33333333"));
        let operator =
            Client::for_identity(&base, authority.root(), authority.issuing(), &site.operator).expect("a client");
        let log_key = node.log_verifier_key();
        let region = Self {
            node: Some(node),
            site,
            clock,
            authority: authority.clone(),
            operator,
            a,
            b,
            c,
            log_key,
            folder,
            _services: services,
        };
        region.furnish().await;
        region
    }

    async fn furnish(&self) {
        for agency in [&self.a, &self.b, &self.c] {
            self.operator.register(agency.edrpou, &agency.registration()).await.expect("a registration");
        }
        for (sender, recipient) in [(&self.a, &self.b), (&self.a, &self.c), (&self.b, &self.a)] {
            self.opens_channel(sender, &recipient.mailbox()).await;
        }
    }

    /// Lets `sender` send letters and applications to `recipient`.
    pub async fn opens_channel(&self, sender: &Agency, recipient: &MailboxId) {
        let kinds = vec![kind("letter"), kind("application.subsidy")];
        let channel = Channel { sender: sender.edrpou, recipient: recipient.clone(), kinds };
        self.operator.set_channel(&channel).await.expect("a channel");
    }

    /// An agency that holds certificates of the authority, but is not registered at the node.
    #[must_use]
    pub fn stranger(&self) -> Agency {
        Agency::found("44444444", self.authority.clone(), self.clock.clone(), &self.site.base())
    }

    /// Moves the clock forward.
    pub fn time_passes(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Stops the node and starts it again from its files.
    pub async fn restarts(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
        self.node = Some(start(&mut self.site, self.clock.clone()).await);
    }

    /// A raw connection as `login`, or without a client certificate.
    #[must_use]
    pub fn wire(&self, login: Option<&Identity>) -> Wire {
        Wire::new(&self.authority, login, self.site.config.listen.public)
    }

    /// The node's transparency log, complete up to now and checked.
    pub async fn book(&self) -> Book {
        Book::read(&self.wire(Some(&self.site.operator)), &self.log_key).await
    }

    /// What the node has on its disk.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(&self.site.config)
    }

    /// Stops the node and removes its files.
    pub async fn closes(mut self) {
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
        self.folder.close().expect("the folder of a stopped node can be removed");
    }
}

/// Starts a node; the ports that it found free become those of its configuration.
async fn start(site: &mut Site, clock: Arc<dyn Clock>) -> Node {
    let node = Node::start(site.config.clone(), clock, Duties::All, true).await.expect("the node starts");
    site.config.listen.public = node.public_address();
    site.config.listen.operator = node.operator_address();
    node
}
