//! Two nodes that are told of each other while they run: documents cross from then on, and no more once one is withdrawn.
//!
//! The first node is two processes over one database, a door and workers, so that what one is told has to reach the other.

use std::sync::Arc;

use gateway::client::{Client, ClientError};
use gateway::wiring::{Duties, Node};
use schemas::ProblemCode;
use schemas::message::MessageState;
use schemas::peer::{Peer, PeerChange, PeerName, PeerSource, PeerVersion};
use schemas::routing::CapabilityQuery;
use storage::clock::SystemClock;
use tests::harness::agency::kind;
use tests::harness::neighbours::{Papers, awaits_state, door, operator, registers_elsewhere, starts, states};
use tests::harness::{Agency, Ground, pdf};

const HOME: &str = "one.example";
const THERE: &str = "two.example";
const NOWHERE: &str = "three.example";

/// Two nodes that know nothing of each other, an agency at home at each, and channels from A to B.
struct Stage {
    ground: Ground,
    papers: [Papers; 2],
    /// The first node's door and its workers, and the second node.
    nodes: [Node; 3],
    a: Agency,
    b: Agency,
}

impl Stage {
    async fn set() -> Self {
        let ground = Ground::lay(Arc::new(SystemClock), 2, None).await;
        let papers = [HOME, THERE].map(|name| Papers::issue(&ground, name));
        let nowhere = Papers::issue(&ground, NOWHERE);
        // Two configurations of the first node, at ports of their own, and one of the second.
        let [config, workers, second] = [&papers[0], &papers[0], &papers[1]]
            .map(|papers| papers.config(&ground, vec![nowhere.as_peer(&ground, "https://localhost:9")]));
        let process = async |config, duties| {
            Node::start(config, ground.clock.clone(), duties, true).await.expect("the node starts")
        };
        let door_of_one = process(config, Duties::Door).await;
        let workers = process(workers, Duties::Workers).await;
        let nodes = [door_of_one, workers, starts(&ground, second).await];
        let agency = |index, node| Agency::new(ground.site.clone(), index, ground.clock.clone(), &door(node));
        let (a, b) = (agency(0, &nodes[0]), agency(1, &nodes[2]));
        let [one, two] = [&nodes[0], &nodes[2]].map(|node| operator(&ground, &door(node)));
        for (operator, at_home, elsewhere, there) in [(&one, &a, &b, THERE), (&two, &b, &a, HOME)] {
            ground.registers(operator, at_home).await;
            registers_elsewhere(operator, elsewhere, there).await;
            ground.opens_channel(operator, &a, &b.mailbox()).await;
        }
        Self { ground, papers, nodes, a, b }
    }

    /// Where the first node is, or the second.
    fn base(&self, node: usize) -> String {
        door(&self.nodes[2 * node])
    }

    fn operator(&self, node: usize) -> Client {
        operator(&self.ground, &self.base(node))
    }

    /// Two operators state at a node where the other one is, in the place of this version.
    async fn tells(&self, node: usize, replaces: u32) -> u32 {
        let other = 1 - node;
        states(&self.ground, &self.base(node), &self.papers[other], &self.base(other), replaces).await
    }

    async fn withdraws(&self, node: usize) {
        self.operator(node).withdraw_peer(&name(&self.papers[1 - node])).await.expect("a withdrawal");
    }

    /// What stands in the way of a letter to B.
    async fn in_the_way(&self) -> Vec<String> {
        let question = CapabilityQuery { recipient: self.b.mailbox(), kind: kind("letter"), bytes: None };
        self.a.client.capabilities(&question).await.expect("an answer").reasons
    }

    /// How a node sees the other one.
    async fn seen(&self, node: usize) -> Peer {
        let peers = self.operator(node).peers().await.expect("the peers").peers;
        peers.into_iter().find(|peer| peer.name == self.papers[1 - node].name).expect("known")
    }

    async fn history(&self, node: usize) -> Vec<PeerVersion> {
        let history = self.operator(node).peer_history(&name(&self.papers[1 - node])).await;
        history.expect("a history").versions
    }
}

fn name(papers: &Papers) -> PeerName {
    papers.name.parse().expect("a name")
}

fn code<T: std::fmt::Debug>(refused: Result<T, ClientError>) -> String {
    refused.expect_err("a refusal").code().expect("a code").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_crosses_once_both_nodes_are_told_and_is_refused_once_one_is_withdrawn() {
    let stage = Stage::set().await;
    let Stage { a, b, .. } = &stage;
    let cannot = ProblemCode::RecipientCannotReceive.as_str();
    assert_eq!(stage.in_the_way().await, [cannot], "nobody told the node where B's is");
    assert_eq!(code(a.submits(pdf("too early")).to(&b.mailbox()).await), cannot);

    assert_eq!((stage.tells(0, 0).await, stage.tells(1, 0).await), (1, 1));
    assert_eq!(stage.in_the_way().await, Vec::<String>::new());
    let letter = pdf("a letter");
    let receipt = a.submits(letter.clone()).to(&b.mailbox()).await.expect("a receipt");
    awaits_state(a, receipt.message_id, MessageState::Relayed).await;
    let lease = b.awaits(1).await.expect("a lease");
    assert_eq!(b.opens(&lease, &lease.messages[0]).await.expect("what was sent").document, letter);
    b.accepts(lease.token, receipt.message_id, &letter).await.expect("an acceptance");
    awaits_state(a, receipt.message_id, MessageState::Accepted).await;
    let seen = stage.seen(0).await;
    assert_eq!((seen.source, seen.in_force, seen.version), (PeerSource::Operators, true, Some(1)));
    assert_eq!((&seen.participants.participants[..], seen.traffic.waiting), (&[b.edrpou()][..], 0));
    assert!(seen.traffic.last_heard_at.is_some() && seen.traffic.failure.is_none());

    stage.withdraws(0).await;
    assert_eq!(stage.in_the_way().await, [cannot]);
    assert_eq!(code(a.submits(pdf("too late")).to(&b.mailbox()).await), cannot);
    let seen = stage.seen(0).await;
    assert_eq!((seen.in_force, seen.version, seen.identity), (false, Some(2), None));
    let history = stage.history(0).await;
    let stated = history.iter().map(|version| (version.version, version.statement.is_some()));
    assert_eq!(stated.collect::<Vec<_>>(), [(2, false), (1, true)]);
    for node in stage.nodes {
        node.stop().await;
    }
}

/// The node that is withdrawn at the other end keeps what it has, and brings it when it is stated there again.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_node_that_turned_its_back_goes_when_the_withdrawal_is_undone() {
    let stage = Stage::set().await;
    let Stage { a, b, papers, .. } = &stage;
    stage.tells(0, 0).await;
    stage.tells(1, 0).await;
    // A connection that is open: its next request is refused.
    let as_one = papers[0].client(&stage.ground, &stage.base(1));
    assert_eq!(code(as_one.peers().await), ProblemCode::ActionForbidden.as_str(), "a peer, who may not read that");
    stage.withdraws(1).await;
    let stranger = ProblemCode::ClientCertificateUnregistered.as_str();
    assert_eq!(code(as_one.peers().await), stranger);

    let receipt = a.submits(pdf("a letter")).to(&b.mailbox()).await.expect("a receipt");
    awaits_state(a, receipt.message_id, MessageState::RetryWait).await;
    let seen = stage.seen(0).await;
    assert_eq!((seen.traffic.waiting, seen.traffic.last_heard_at), (1, None));
    assert!(b.leases(1).await.expect("a lease").messages.is_empty());

    // The undo: the version before is stated again, as it was kept.
    let history = stage.history(1).await;
    let (last, before) = (history[0].version, history[1].statement.clone().expect("a statement"));
    let (peer, change) = (name(&papers[0]), PeerChange { replaces: last, statement: before });
    let second = stage.ground.site.client(&stage.base(1), stage.ground.site.second_operator()).expect("keys");
    let stale = PeerChange { replaces: 1, ..change.clone() };
    assert_eq!(code(second.set_peer(&peer, &stale).await), ProblemCode::PeerChanged.as_str());
    assert!(second.set_peer(&peer, &change).await.expect("a proposal").version.is_none());
    let proposals = stage.operator(1).peers().await.expect("the peers").proposals;
    assert_eq!(proposals.len(), 1);
    assert_eq!(code(second.set_peer(&peer, &change).await), ProblemCode::SameOperator.as_str());
    let restored = stage.operator(1).set_peer(&peer, &change).await.expect("what two operators say");
    assert_eq!(restored.version, Some(3));
    awaits_state(a, receipt.message_id, MessageState::Relayed).await;
    assert_eq!(b.awaits(1).await.expect("a lease").messages.len(), 1, "once");
    for node in stage.nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_configuration_names_is_not_changed_over_the_api() {
    let stage = Stage::set().await;
    let nowhere: PeerName = NOWHERE.parse().expect("a name");
    let statement = stage.papers[1].statement(&stage.ground, &stage.base(1));
    let change = PeerChange { replaces: 0, statement };
    let configured = ProblemCode::PeerConfigured.as_str();
    assert_eq!(code(stage.operator(0).set_peer(&nowhere, &change).await), configured);
    assert_eq!(code(stage.operator(0).withdraw_peer(&nowhere).await), configured);
    let peers = stage.operator(0).peers().await.expect("the peers").peers;
    let [peer] = &peers[..] else { panic!("{peers:?}") };
    assert_eq!((peer.name.as_str(), peer.source, peer.in_force), (NOWHERE, PeerSource::Configuration, true));
    assert_eq!(peer.identity.as_ref().map(|identity| identity.url.as_str()), Some("https://localhost:9"));
    assert_eq!(code(stage.a.client.peers().await), ProblemCode::ActionForbidden.as_str());
    for node in stage.nodes {
        node.stop().await;
    }
}
