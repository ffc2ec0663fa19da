//! Exactly once: one key at one moment, leases that expire. (Retry storms, and acknowledgements that are repeated, are among the
//! complaints.)

use schemas::ProblemCode;
use schemas::message::MessageState;
use schemas::registry::{CertificateUsage, Channel, ChannelPolicy};
use schemas::routing::{CapabilityQuery, Sealing};
use tests::harness::agency::kind;
use tests::harness::{Region, pdf};
use time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn submissions_that_arrive_at_once_under_one_key_are_one_submission() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let letter = pdf("Eight at once.");
    let signature = a.signs(&letter);
    let submissions = (0..8)
        .map(|_| a.submits(letter.clone()).to(&b.mailbox()).with_key("eight").signed_with(signature.clone()).made());
    let answers = futures_util::future::join_all(submissions).await;
    let receipts: Vec<_> = answers.into_iter().map(|answer| answer.expect("a receipt")).collect();
    assert_eq!(receipts.iter().filter(|(_, replayed)| !replayed).count(), 1);
    assert!(receipts.iter().all(|(receipt, _)| *receipt == receipts[0].0));
    assert_eq!(b.awaits(10).await.expect("a lease").messages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_expires_is_offered_again_and_its_holder_has_lost_it() {
    let region = Region::start().await;
    let b = &region.b;
    let receipt = region.a.submits(pdf("Leased twice.")).to(&b.mailbox()).await.expect("a receipt");
    let first = b.awaits(10).await.expect("a lease");
    assert!(b.leases(10).await.expect("a lease").messages.is_empty(), "what is leased is not offered");
    b.opens(&first, &first.messages[0]).await.expect("an opened letter");

    region.time_passes(Duration::seconds(61));
    let second = b.awaits(10).await.expect("a lease");
    assert_eq!(second.messages[0].summary.message_id, receipt.message_id);
    assert_eq!(second.messages[0].earlier_leases, 1);
    let opened = b.opens(&second, &second.messages[0]).await.expect("an opened letter");
    let lost = b.accepts(first.token, receipt.message_id, &opened.document).await.expect_err("a lost lease");
    assert_eq!(lost.code(), Some(ProblemCode::LeaseNotHeld.as_str()));
    b.accepts(second.token, receipt.message_id, &opened.document).await.expect("an acceptance");

    region.time_passes(Duration::seconds(61));
    assert!(b.leases(10).await.expect("a lease").messages.is_empty(), "what is accepted is never offered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_listed_page_by_page() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let mut sent = Vec::new();
    for number in 0..7 {
        sent.push(a.submits(pdf(&format!("Letter {number}."))).to(&b.mailbox()).await.expect("a receipt").message_id);
    }
    let mut arrived = 0;
    while arrived < sent.len() {
        arrived += b.awaits(100).await.expect("a lease").messages.len();
    }
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = b.client.list(&b.mailbox(), Some(MessageState::Consigned), after, Some(3)).await.expect("a page");
        assert!(page.messages.len() <= 3);
        listed.extend(page.messages.iter().map(|message| message.message_id));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    listed.sort_unstable();
    sent.sort_unstable();
    assert_eq!(listed, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_encryption_certificate_receives_through_the_nodes_ring() {
    let region = Region::start_with(tests::harness::Ground::makes_ring).await;
    let (a, b) = (&region.a, &region.b);
    let mut registration = b.registration();
    registration.certificates.retain(|certificate| certificate.usage == CertificateUsage::Login);
    region.operator.register(b.edrpou(), &registration).await.expect("a registration");
    let question = CapabilityQuery { recipient: b.mailbox(), kind: kind("letter"), bytes: None };
    let answer = a.client.capabilities(&question).await.expect("an answer");
    assert_eq!((answer.deliverable, answer.sealing), (false, None), "nobody said that the node may hold keys");

    let policy = Some(ChannelPolicy { node_held_keys: true, ..ChannelPolicy::default() });
    let channel = Channel { sender: a.edrpou(), recipient: b.mailbox(), kinds: vec![kind("letter")], policy };
    region.operator.set_channel(&channel).await.expect("a channel");
    let answer = a.client.capabilities(&question).await.expect("an answer");
    assert_eq!((answer.deliverable, answer.sealing), (true, Some(Sealing::NodeRing)));

    let letter = pdf("For a desk without a certificate.");
    let receipt = a.submits(letter.clone()).to(&b.mailbox()).await.expect("a receipt");
    let lease = b.awaits(10).await.expect("a lease");
    assert!(lease.messages[0].document_key.is_some());
    let opened = b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    assert_eq!(opened.document, letter);
    assert_eq!(b.verifies(&opened).signatures.len(), 1);
    b.accepts(lease.token, receipt.message_id, &opened.document).await.expect("an acceptance");
}
