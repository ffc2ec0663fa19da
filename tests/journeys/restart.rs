//! A node that is stopped and started again goes on where it was.

use schemas::message::{MessageState, Receipt};
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
