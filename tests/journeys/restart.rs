//! A node that is stopped and started again goes on where it was.

use schemas::message::MessageState;
use tests::harness::{Region, pdf};

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_a_restart() {
    let mut region = Region::start().await;
    let letter = pdf("Before the restart.");
    let signature = region.a.signs(&letter);
    let submit = |region: &Region| {
        let (letter, signature) = (letter.clone(), signature.clone());
        let to = region.b.mailbox();
        let submission = region.a.submits(letter).to(&to).with_key("before").signed_with(signature);
        submission.made()
    };
    let (receipt, _) = submit(&region).await.expect("a receipt");
    let lease = region.b.awaits(10).await.expect("a lease");
    let before = region.book().await;

    region.restarts().await;

    let (again, replayed) = submit(&region).await.expect("the receipt again");
    assert_eq!((again, replayed), (receipt.clone(), true), "the idempotency key is remembered");
    let opened = region.b.opens(&lease, &lease.messages[0]).await.expect("the lease still holds");
    assert_eq!(opened.document, letter);
    region.b.accepts(lease.token, receipt.message_id, &opened.document).await.expect("an acceptance");
    let state = region.a.client.message(receipt.message_id).await.expect("A's own message").state;
    assert_eq!(state, MessageState::Accepted);
    let after = region.book().await;
    assert!(after.continues(&before.checkpoint) && after.checkpoint.size > before.checkpoint.size);
    assert_eq!(region.evidence(&region.a, receipt.case_id).await.len(), 4);
}
