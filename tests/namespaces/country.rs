//! Three nodes, each in its namespace, and an agency at each.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certs::certificate::Certificate;
use gateway::config::ListenConfig;
use schemas::message::{MessageState, Receipt};
use storage::clock::SystemClock;
use tests::harness::neighbours::{Papers, awaits_state, operator, registers_elsewhere};
use tests::harness::{Agency, Ground, NodeProcess};
use tokio::net::{TcpListener, TcpStream};

use super::lines::{Lines, NAMES};

/// Doors of a node inside its namespace.
const PUBLIC: u16 = 8443;
const OPERATOR: u16 = 8080;

/// A document on its way.
pub(crate) struct Sent {
    /// Index of the agency and node that it comes from.
    pub(crate) from: usize,
    /// And of those that it goes to.
    pub(crate) to: usize,
    pub(crate) document: Vec<u8>,
    pub(crate) receipt: Receipt,
}

/// The nodes, and who is at home at them: agency 0 at node 0, and so on.
pub(crate) struct Country<'l> {
    lines: &'l Lines,
    files: [PathBuf; 3],
    nodes: [Option<NodeProcess>; 3],
    pub(crate) agencies: [Agency; 3],
    /// What the evidence of each node verifies under.
    pub(crate) evidence: [Certificate; 3],
    _ground: Ground,
}

impl<'l> Country<'l> {
    /// Starts the nodes and registers everybody everywhere.
    pub(crate) async fn settle(lines: &'l Lines) -> Self {
        let here = lines.here().parse().expect("an address");
        let ground = Ground::lay_at(here, Arc::new(SystemClock), 3, None).await;
        let papers = NAMES.map(|name| Papers::issue(&ground, name));
        let files = [0, 1, 2].map(|node: usize| {
            let others = (0..3).filter(|other| *other != node);
            let peers =
                others.map(|other| papers[other].as_peer(&ground, &format!("https://{}:{PUBLIC}", NAMES[other])));
            let mut config = papers[node].config(&ground, peers.collect());
            let everywhere = |port| SocketAddr::from(([0, 0, 0, 0], port));
            config.listen = ListenConfig { public: everywhere(PUBLIC), operator: everywhere(OPERATOR) };
            let file = papers[node].folder().join("vuzol.toml");
            std::fs::write(&file, config.to_toml()).expect("a file");
            file
        });
        let mut bases = Vec::new();
        for node in 0..3 {
            bases.push(leads_to(address(lines, node, PUBLIC)).await);
        }
        let agencies = [0, 1, 2].map(|i| Agency::new(ground.site.clone(), i, ground.clock.clone(), &bases[i]));
        let evidence = [0, 1, 2].map(|node: usize| papers[node].evidence_certificate());
        let mut country = Self { lines, files, nodes: [None, None, None], agencies, evidence, _ground: ground };
        for node in 0..3 {
            country.revives(node).await;
        }
        for (node, base) in bases.iter().enumerate() {
            let operator = operator(&country._ground, base);
            for (home, agency) in country.agencies.iter().enumerate() {
                if home == node {
                    country._ground.registers(&operator, agency).await;
                } else {
                    registers_elsewhere(&operator, agency, NAMES[home]).await;
                }
            }
            for (from, to) in [(0, 1), (0, 2), (1, 2)] {
                let recipient = country.agencies[to].mailbox();
                country._ground.opens_channel(&operator, &country.agencies[from], &recipient).await;
            }
        }
        country
    }

    /// Hands in a document.
    pub(crate) async fn sends(&self, (from, to): (usize, usize), document: Vec<u8>) -> Sent {
        let submission = self.agencies[from].submits(document.clone()).to(&self.agencies[to].mailbox());
        Sent { from, to, document, receipt: submission.await.expect("a receipt") }
    }

    /// Waits until the recipient's node has it.
    pub(crate) async fn arrives(&self, sent: &Sent) {
        awaits_state(&self.agencies[sent.from], sent.receipt.message_id, MessageState::Relayed).await;
    }

    /// SIGKILL.
    pub(crate) fn kills(&mut self, node: usize) {
        self.nodes[node] = None;
    }

    /// Starts a node from its files.
    pub(crate) async fn revives(&mut self, node: usize) {
        let doors = [PUBLIC, OPERATOR].map(|port| address(self.lines, node, port));
        let command = self.lines.inside(node, env!("CARGO_BIN_EXE_node"));
        self.nodes[node] = Some(NodeProcess::start_from(command, &self.files[node], doors).await);
    }

    /// Each recipient takes and accepts whatever is in its mailbox: what was sent, each once.
    pub(crate) async fn recipients_take_everything(&self, sent: &[Sent]) {
        for (index, agency) in self.agencies.iter().enumerate() {
            let mut taken = Vec::new();
            loop {
                let lease = agency.leases(50).await.expect("a lease");
                if lease.messages.is_empty() {
                    break;
                }
                for message in &lease.messages {
                    let opened = agency.opens(&lease, message).await.expect("an opened document");
                    let id = message.summary.message_id;
                    agency.accepts(lease.token, id, &opened.document).await.expect("an acceptance");
                    taken.push((id, opened.document));
                }
            }
            let mut expected: Vec<_> = sent
                .iter()
                .filter(|sent| sent.to == index)
                .map(|sent| (sent.receipt.message_id, sent.document.clone()))
                .collect();
            taken.sort();
            expected.sort();
            assert_eq!(taken.len(), expected.len(), "documents at {}", NAMES[index]);
            assert!(taken == expected, "each document is what was sent");
            let ids: BTreeSet<_> = taken.iter().map(|(id, _)| id).collect();
            assert_eq!(ids.len(), taken.len());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        for agency in &self.agencies {
            assert!(agency.leases(50).await.expect("a lease").messages.is_empty(), "nothing comes a second time");
        }
    }
}

fn address(lines: &Lines, node: usize, port: u16) -> SocketAddr {
    SocketAddr::new(lines.management(node).parse().expect("an address"), port)
}

/// A door on this host that leads to a node in a namespace: its certificate names `localhost`, and the client asks for that.
async fn leads_to(node: SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(node).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    format!("https://localhost:{port}")
}
