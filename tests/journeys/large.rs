//! A document that is larger than the memory that the node spends on it.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use schemas::message::LeaseRequest;
use storage::clock::SystemClock;
use tests::harness::process::peak_memory_mib;
use tests::harness::store::Store;
use tests::harness::{Ground, NodeProcess};

const MEBIBYTES: usize = 48;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_streams_through_a_small_node() {
    let mut ground = Ground::lay(Arc::new(SystemClock), 2, None).await;
    ground.settle();
    let node = NodeProcess::start(Path::new(env!("CARGO_BIN_EXE_node")), &ground).await;
    let (operator, a, b) = (ground.operator(), ground.agency(0), ground.agency(1));
    ground.registers(&operator, &a).await;
    ground.registers(&operator, &b).await;
    ground.opens_channel(&operator, &a, &b.mailbox()).await;
    // Everything that a first document needs is loaded before the measurement.
    a.submits(Bytes::from_static(b"small")).to(&b.mailbox()).await.expect("a receipt");
    let before = peak_memory_mib(node.id());

    let document: Bytes = (0..MEBIBYTES << 20).map(|n| (n % 251).to_le_bytes()[0]).collect::<Vec<_>>().into();
    let receipt = a.submits(document.clone()).to(&b.mailbox()).await.expect("a receipt");
    assert_eq!(receipt.parts[0].size, document.len() as u64);
    assert_eq!(Store::new(&ground.config).objects().len(), 1, "what is large lies in the object store");
    let request = LeaseRequest { max_messages: 10, seconds: 600, contents: false, wait_seconds: 0 };
    let (lease, message) = loop {
        let lease = b.client.lease(&b.mailbox(), &request).await.expect("a lease");
        let found = lease.messages.iter().find(|m| m.summary.message_id == receipt.message_id).cloned();
        if let Some(message) = found {
            break (lease, message);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let opened = b.opens(&lease, &message).await.expect("an opened document");
    assert!(opened.document == document, "the document differs");

    if let (Some(before), Some(after)) = (before, peak_memory_mib(node.id())) {
        let grown = after - before;
        // What streams is held in pieces of 64 KiB to 1 MiB; the rest is what the allocator keeps of pages for its threads.
        let bound = 32.0;
        assert!(grown < bound, "{MEBIBYTES} MiB went through and the node grew by {grown:.1} MiB");
    }
}
