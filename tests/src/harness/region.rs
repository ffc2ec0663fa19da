//! A node in this process, on a clock that the test moves, with agencies around it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::Identity;
use crypto::merkle::{NoteVerifier, TlogProof};
use gateway::client::{Client, ClientError};
use gateway::wiring::{Duties, Node};
use schemas::access::Portal;
use schemas::evidence::EvidenceStatement;
use schemas::message::MessageState;
use schemas::{CaseId, EventId, ProblemCode};
use storage::Clock;
use storage::clock::{ManualClock, SystemClock};
use time::Duration;

use super::agency::Agency;
use super::book::{Book, Entry};
use super::ground::Ground;
use super::store::Store;
use super::wire::Wire;

/// The stage of most tests: agency A may send letters and applications to B and C, and B to A; C may send nothing.
pub struct Region {
    node: Option<Node>,
    /// The node's files and the authority's services.
    pub ground: Ground,
    /// The node's clock, and everybody's.
    pub clock: Arc<ManualClock>,
    /// The node's operator.
    pub operator: Client,
    /// Sends.
    pub a: Agency,
    /// Receives, and may answer A.
    pub b: Agency,
    /// Receives only.
    pub c: Agency,
    /// Holds certificates of the authority, but is not registered at the node.
    pub stranger: Agency,
    /// C2SP verifier key of the node's log.
    pub log_key: String,
}

impl Region {
    /// Starts the authority's services and the node, registers the agencies and opens the channels.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// The same, after `change` has changed the node's configuration.
    ///
    /// # Panics
    /// Where the stage cannot be set up.
    pub async fn start_with(change: impl FnOnce(&mut Ground)) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let mut ground = Ground::lay(clock.clone(), 4, None).await;
        change(&mut ground);
        let node = start(&mut ground, clock.clone()).await;
        let region = Self {
            log_key: node.log_verifier_key(),
            node: Some(node),
            clock,
            operator: ground.operator(),
            a: ground.agency(0),
            b: ground.agency(1),
            c: ground.agency(2),
            stranger: ground.agency(3),
            ground,
        };
        for agency in [&region.a, &region.b, &region.c] {
            region.ground.registers(&region.operator, agency).await;
        }
        for (sender, recipient) in [(&region.a, &region.b), (&region.a, &region.c), (&region.b, &region.a)] {
            region.ground.opens_channel(&region.operator, sender, &recipient.mailbox()).await;
        }
        region
    }

    /// Moves the clock forward.
    pub fn time_passes(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Stops the node and starts it again from its files.
    ///
    /// # Panics
    /// Where it does not start.
    pub async fn restarts(&mut self) {
        self.stops().await;
        self.node = Some(start(&mut self.ground, self.clock.clone()).await);
    }

    /// Stops the node.
    pub async fn stops(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
    }

    /// A raw connection as `login`, or without a client certificate.
    #[must_use]
    pub fn wire(&self, login: Option<&Identity>) -> Wire {
        let pki = self.ground.site.pki();
        Wire::new(pki, login.map(|login| (login, &**pki)), self.ground.config.listen.public)
    }

    /// Waits until nothing of an agency's mail is still on its way.
    ///
    /// # Panics
    /// Where the node refuses, or takes longer than ten seconds.
    pub async fn consigns_all(&self, agency: &Agency) {
        for _ in 0..500 {
            let queued = agency.client.list(&agency.mailbox(), Some(MessageState::Validated), None, None).await;
            if queued.expect("a page").messages.is_empty() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("mail is on its way for ten seconds");
    }

    /// The proof that an event is in the log, verified, with its entry; waits for the log's next round.
    ///
    /// # Panics
    /// Where there is no proof, or it does not verify.
    pub async fn proves(&self, agency: &Agency, event: EventId) -> Entry {
        let verifier = NoteVerifier::from_vkey(&self.log_key).expect("the log's key");
        for _ in 0..200 {
            match agency.client.proof(event).await {
                Ok(found) => {
                    let entry = STANDARD.decode(&found.entry).expect("an entry is base64");
                    let proof = TlogProof::parse(&found.proof).expect("a proof");
                    proof.verify(&entry, &verifier).expect("a proof that verifies");
                    let entry = Entry::of(entry);
                    assert_eq!(entry.event(), event, "the proof is of another event");
                    return entry;
                }
                Err(ClientError::Refused(problem)) if problem.code == ProblemCode::NotYetInLog.as_str() => {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
                Err(error) => panic!("no proof of {event}: {error}"),
            }
        }
        panic!("{event} did not come into the log within ten seconds");
    }

    /// The evidence of a case as one of its parties reads it: each verified, each step in the log.
    ///
    /// # Panics
    /// Where evidence does not verify, or names another event than the step has.
    pub async fn evidence(&self, agency: &Agency, case: CaseId) -> Vec<EvidenceStatement> {
        let events = agency.client.case_events(case).await.expect("the events of a case of one's own").events;
        let mut statements = Vec::new();
        for event in events {
            let certificate = self.ground.site.evidence_certificate();
            let statement = exchange::evidence::verify(&event.evidence, certificate).expect("evidence that verifies");
            assert_eq!((statement.evidence_id, statement.event_id), (event.evidence_id, event.event_id));
            self.proves(agency, event.event_id).await;
            statements.push(statement);
        }
        statements
    }

    /// The node's transparency log, complete up to now and checked.
    pub async fn book(&self) -> Book {
        Book::read(&self.wire(Some(self.ground.site.operator())), &self.log_key).await
    }

    /// What the node has on its disk.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(&self.ground.config)
    }
}

/// Starts a node; the ports that it found free become those of its configuration.
async fn start(ground: &mut Ground, clock: Arc<dyn Clock>) -> Node {
    let node = Node::start(ground.config.clone(), clock, Duties::All, true).await.expect("the node starts");
    ground.config.listen.public = node.public_address();
    ground.config.listen.operator = node.operator_address();
    let portals = &mut ground.config.portals;
    for (portal, config) in [(Portal::Internal, &mut portals.internal), (Portal::External, &mut portals.external)] {
        if let (Some(config), Some(address)) = (config.as_mut(), node.portal_address(portal)) {
            config.listen = address;
        }
    }
    node
}
