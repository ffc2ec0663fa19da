//! A case taken away by a party, and judged by somebody who has no node.

use std::path::{Path, PathBuf};

use gateway::commands::run;
use tests::harness::{Region, pdf};

/// What a third party has: files.
struct Desk(tempfile::TempDir);

impl Desk {
    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    fn judges(&self, case: &Path, node: &Path, more: &[&str]) -> u8 {
        let (case, node) = (case.to_str().expect("a path"), node.to_str().expect("a path"));
        let arguments = ["vuzol", "evidence", "verify", case, "--node-certificate", node];
        run(arguments.iter().chain(more).map(Into::into))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_party_judges_a_case_without_the_node() {
    let region = Region::start().await;
    let (a, b) = (&region.a, &region.b);
    let letter = pdf("Please keep the proof of this.");
    let receipt = a.submits(letter.clone()).to(&b.mailbox()).await.expect("a receipt");
    let lease = b.awaits(10).await.expect("a lease");
    let opened = b.opens(&lease, &lease.messages[0]).await.expect("an opened letter");
    b.accepts(lease.token, receipt.message_id, &opened.document).await.expect("an acceptance");
    // Waits until the log holds every step.
    region.evidence(a, receipt.case_id).await;
    let (container, next) = a.client.export_case(receipt.case_id, None).await.expect("an export");
    assert_eq!(next, None);
    let (nothing, _) = b.client.export_case(receipt.case_id, Some(receipt.message_id)).await.expect("an export");
    assert!(nothing.len() < container.len(), "after the last message there is nothing left");
    let book = region.book().await;
    assert_eq!(book.entries.iter().filter(|entry| entry.text("action") == "case.export").count(), 2);

    let desk = Desk(tempfile::tempdir().expect("a folder"));
    let node = desk.file("node.pem", region.ground.site.evidence_certificate().to_pem().as_bytes());
    let stranger = desk.file("stranger.pem", region.ground.site.pki().root().to_pem().as_bytes());
    let document = desk.file("letter.pdf", &letter);
    let other = desk.file("other.pdf", &pdf("Something else."));
    let case = desk.file("case.asice", &container);
    let mut changed = container.to_vec();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let changed = desk.file("changed.asice", &changed);

    let log = ["--log-key", &region.log_key];
    let part = |path: &Path| format!("0={}", path.display());
    assert_eq!(desk.judges(&case, &node, &log), 0);
    assert_eq!(desk.judges(&case, &node, &[log[0], log[1], "--part", &part(&document)]), 0);
    assert_eq!(desk.judges(&case, &node, &["--json", "--part", &part(&other)]), 1, "another document");
    assert_eq!(desk.judges(&case, &stranger, &[]), 1, "another node");
    assert_eq!(desk.judges(&changed, &node, &[]), 3, "a changed byte");
    assert_eq!(desk.judges(&document, &node, &[]), 3, "no container");
}
