//! A node that is stopped and started again goes on where it was.

use schemas::message::{MessageState, Receipt};
use schemas::registry::ParticipantQuery;
use tests::harness::{Region, pdf};

async fn submit(region: &Region, signature: &[u8]) -> (Receipt, bool) {
    let letter = region.a.submits(pdf("Before the restart.")).to(&region.b.mailbox());
    let submission = letter.with_key("before").signed_with(signature.to_vec());
    submission.made().await.expect("a receipt")
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_a_restart() {
    let mut region = Region::start().await;
    let signature = region.a.signs(&pdf("Before the restart."));
    let (receipt, replayed) = submit(&region, &signature).await;
    assert!(!replayed);
    let lease = region.b.awaits(10).await.expect("a lease");
    let before = region.book().await;

    region.restarts().await;

    assert_eq!(submit(&region, &signature).await, (receipt.clone(), true), "the idempotency key is remembered");
    let opened = region.b.opens(&lease, &lease.messages[0]).await.expect("the lease still holds");
    assert_eq!(opened.document, pdf("Before the restart."));
    region.b.accepts(lease.token, receipt.message_id, &opened.document).await.expect("an acceptance");
    let state = region.a.client.message(receipt.message_id).await.expect("A's own message").state;
    assert_eq!(state, MessageState::Accepted);
    let after = region.book().await;
    assert!(after.continues(&before.checkpoint) && after.checkpoint.size > before.checkpoint.size);
    assert_eq!(region.evidence(&region.a, receipt.case_id).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_seen_before_a_restart_is_known_after_it() {
    let mut region = Region::start().await;
    region.b.leases(1).await.expect("a lease");
    let seen = last_seen(&region).await;
    assert!(seen.is_some());
    region.restarts().await;
    // The table is read beside the first requests, not before them.
    for _ in 0..250 {
        if last_seen(&region).await.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(last_seen(&region).await, seen);
}

/// When B was last seen, as the operator reads it.
async fn last_seen(region: &Region) -> Option<time::OffsetDateTime> {
    let query = Some(region.b.edrpou().to_string());
    let query = ParticipantQuery { query, ..ParticipantQuery::default() };
    region.operator.search(&query).await.expect("a page").participants.first().and_then(|b| b.last_seen_at)
}
