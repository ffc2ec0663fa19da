//! A submission that waits for a fact, as its sender sees it.

use certs::dev::Usage;
use exchange::evidence;
use gateway::client::Submitted;
use schemas::evidence::EvidenceKind;
use schemas::message::{HeldReceipt, MessageState};
use schemas::registry::{Channel, ChannelPolicy};
use tests::harness::{Ground, Region, pdf};

async fn submit(region: &Region, signature: &[u8]) -> (HeldReceipt, bool) {
    let letter = region.a.submits(pdf("Nobody knows yet.")).to(&region.b.mailbox());
    match letter.with_key("held").signed_with(signature.to_vec()).answered().await.expect("an answer") {
        (Submitted::Held(receipt), replayed) => (receipt, replayed),
        (Submitted::Accepted(receipt), _) => panic!("accepted: {receipt:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_is_held_where_the_channel_waits_for_the_signers_status() {
    // What waits is kept under the node's key ring.
    let mut region = Region::start_with(Ground::makes_ring).await;
    let policy = Some(ChannelPolicy { hold_hours: 24, ..ChannelPolicy::default() });
    let kinds = vec!["letter".parse().expect("a kind")];
    let channel = Channel { sender: region.a.edrpou(), recipient: region.b.mailbox(), kinds, policy };
    region.operator.set_channel(&channel).await.expect("a channel");
    // After a first letter everybody's status is fresh in the node's cache, except that of a signer whom it never saw.
    region.a.submits(pdf("before")).to(&region.b.mailbox()).await.expect("a receipt");
    region.b.leases(10).await.expect("a lease");
    let signer = region.ground.issues(&region.a, Usage::Signing, |_| ());
    region.ground.services_stop();

    let signature = region.a.signs_as(&signer, &pdf("Nobody knows yet."));
    let (receipt, replayed) = submit(&region, &signature).await;
    assert!(!replayed && !receipt.accepted && receipt.state == MessageState::Submitted);
    assert_eq!(receipt.missing, "signature.status_unknown");
    let statement = evidence::verify(&receipt.evidence, region.ground.site.evidence_certificate()).expect("evidence");
    assert_eq!((statement.message_id, statement.parts), (Some(receipt.message_id), receipt.parts.clone()));
    assert_ne!(statement.kind, EvidenceKind::SubmissionAcceptance, "nothing is accepted yet");

    assert_eq!(submit(&region, &signature).await, (receipt.clone(), true), "a repeat is told the same");
    let state = region.a.client.message(receipt.message_id).await.expect("A's own message").state;
    assert_eq!(state, MessageState::Submitted);
    let listed = region.b.client.list(&region.b.mailbox(), None, None, None).await.expect("a page").messages;
    assert!(
        !listed.is_empty() && listed.iter().all(|message| message.message_id != receipt.message_id),
        "B sees nothing of it"
    );
}
