//! Between nodes: what fails there is known here.

use std::time::Duration;

use schemas::ProblemCode;
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::message::{MessageState, Receipt, State};
use schemas::registry::Channel;
use tests::harness::agency::kind;
use tests::harness::neighbours::{Papers, awaits_state, registers_elsewhere};
use tests::harness::{Neighbours, Region, pdf};

use crate::{codes, takes_everything};

/// From now on the second node lets A send B letters, and nothing else.
async fn letters_only(two: &Neighbours) {
    let (sender, recipient) = (two.a.edrpou(), two.b.mailbox());
    let channel = Channel { sender, recipient, kinds: vec![kind("letter")], policy: None };
    two.operators[1].set_channel(&channel).await.expect("a channel");
}

/// What A reads of a case at its node: that node's own evidence, and the other's.
async fn evidence(two: &Neighbours, receipt: &Receipt) -> [Vec<EvidenceStatement>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    for event in two.a.client.case_events(receipt.case_id).await.expect("one's own case").events {
        let whose = usize::from(event.node.is_some());
        let statement = exchange::evidence::verify(&event.evidence, &two.evidence[whose]).expect("evidence");
        assert_eq!(statement.node, Neighbours::NAMES[whose]);
        found[whose].push(statement);
    }
    found
}

/// eFormidling PR #1087: one receipt that could not be handled stopped the poller for ever.
///
/// The first message in the line is one that the other node will not have; a recipient's word that cannot be read is in the line too.
#[tokio::test(flavor = "multi_thread")]
async fn one_bad_message_holds_up_no_other() {
    let two = Neighbours::start().await;
    letters_only(&two).await;
    let bad = two.a.submits(pdf("bad")).to(&two.b.mailbox()).of_kind("application.subsidy").await.expect("a receipt");
    let mut letters = Vec::new();
    for number in 0..6 {
        letters
            .push(two.a.submits(pdf(&format!("{number}"))).to(&two.b.mailbox()).await.expect("a receipt").message_id);
    }
    awaits_state(&two.a, bad.message_id, MessageState::RelayFailed).await;
    for letter in &letters {
        awaits_state(&two.a, *letter, MessageState::Relayed).await;
    }
    let lease = two.b.awaits(1).await.expect("a lease");
    let poison = lease.messages[0].summary.message_id;
    two.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    for _ in 0..3 {
        let refused = two.b.client.acknowledge(poison, lease.token, b"no acknowledgement".to_vec()).await;
        assert_eq!(refused.expect_err("no word").code(), Some(ProblemCode::SignatureUnreadable.as_str()));
    }
    assert_eq!(takes_everything(&two.b).await.len(), 5);
    for letter in letters.iter().filter(|letter| **letter != poison) {
        awaits_state(&two.a, *letter, MessageState::Accepted).await;
    }
    two.stop().await;
}

/// digdir/roadmap #68: that the receiver had failed was seen by the sender as an expiry, days later.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_receiving_node_reaches_the_sender() {
    let two = Neighbours::start().await;
    letters_only(&two).await;
    let application = two.a.submits(pdf("application")).to(&two.b.mailbox()).of_kind("application.subsidy");
    let by_node = application.await.expect("a receipt");
    let letter = pdf("letter");
    let by_recipient = two.a.submits(letter.clone()).to(&two.b.mailbox()).await.expect("a receipt");

    awaits_state(&two.a, by_node.message_id, MessageState::RelayFailed).await;
    let reason = ProblemCode::ChannelNotAllowed.as_str().to_owned();
    let standing = two.a.client.message(by_node.message_id).await.expect("A's own message").standing;
    assert_eq!(standing, Some(State::RelayFailed { peer: Neighbours::NAMES[1].to_owned(), reason: reason.clone() }));
    let [own, theirs] = evidence(&two, &by_node).await;
    let (refused, said) = (own.last().expect("B.2"), theirs.last().expect("A.2 of the other node"));
    assert_eq!((refused.kind, said.kind), (EvidenceKind::RelayRejection, EvidenceKind::SubmissionRejection));
    assert_eq!((refused.reason.as_ref(), said.reason.as_ref()), (Some(&reason), Some(&reason)));
    assert_eq!(refused.rests_on.as_ref().map(|other| other.evidence_id), Some(said.evidence_id));

    let lease = two.b.awaits(1).await.expect("a lease");
    two.b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    two.b.refuses(lease.token, by_recipient.message_id, &letter, "not ours").await.expect("a refusal");
    awaits_state(&two.a, by_recipient.message_id, MessageState::Refused).await;
    let [own, theirs] = evidence(&two, &by_recipient).await;
    assert_eq!((codes(&own).last(), codes(&theirs).last()), (Some(&"C.4"), Some(&"C.4")));
    assert_eq!(own.last().expect("C.4").reason.as_deref(), Some("not ours"));
    two.stop().await;
}

/// eFormidling PR #818: a message went to the queue of dead letters, and its sender heard nothing.
///
/// The recipient's node is out of reach for as long as it is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn the_sender_of_a_dead_letter_is_told_with_evidence() {
    let nowhere = "nowhere.example";
    let region = Region::start_with(|ground| {
        let [here, there] = ["here.example", nowhere].map(|name| Papers::issue(ground, name));
        let silent = there.config(ground, Vec::new()).listen.public;
        ground.config.relay.login = Some(here.login.clone());
        ground.config.relay.peers = vec![there.as_peer(ground, &format!("https://localhost:{}", silent.port()))];
        ground.config.relay.give_up_hours = 2;
    })
    .await;
    registers_elsewhere(&region.operator, &region.c, nowhere).await;
    let receipt = region.a.submits(pdf("letter")).to(&region.c.mailbox()).await.expect("a receipt");
    let state = async || region.a.client.message(receipt.message_id).await.expect("A's own message").state;
    awaits_state(&region.a, receipt.message_id, MessageState::RetryWait).await;
    region.time_passes(time::Duration::hours(1));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_ne!(state().await, MessageState::RelayFailed, "not before its time");
    region.time_passes(time::Duration::hours(2));
    awaits_state(&region.a, receipt.message_id, MessageState::RelayFailed).await;
    let evidence = region.evidence(&region.a, receipt.case_id).await;
    let last = evidence.last().expect("evidence");
    assert_eq!((last.kind, last.reason.as_deref()), (EvidenceKind::RelayFailure, Some("relay.unreachable")));
    assert_eq!(last.parts, receipt.parts, "it says which document did not arrive");
}
