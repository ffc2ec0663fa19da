//! The books, compared: senders, recipients, the node, its log.

use std::collections::{BTreeMap, BTreeSet};

use audit::verify::{Folder, Kept, Question, verify};
use futures_util::StreamExt as _;
use schemas::MessageId;
use schemas::evidence::EvidenceKind;
use schemas::message::{MessageState, Receipt};
use tests::harness::{Agency, Book, Ground, Wire};

use super::actors::Outcome;

/// Every book says the same. Returns how many events the log holds.
pub(crate) async fn compare(ground: &Ground, outcome: &Outcome) -> usize {
    assert!(outcome.faults.is_empty(), "{}", outcome.faults.join("\n"));
    senders_and_recipients(outcome);
    let pki = ground.site.pki();
    let wire = Wire::new(pki, Some((ground.site.operator(), &**pki)), ground.config.listen.public);
    let book = Book::read(&wire, &ground.log_verifier().vkey()).await;
    checkpoints(outcome, &book);
    let recipients = [ground.agency(1), ground.agency(3)];
    let mut listed = BTreeSet::new();
    for recipient in &recipients {
        listed.extend(all_messages(recipient).await);
    }
    let acknowledged: BTreeSet<MessageId> = outcome.receipts.values().map(|receipt| receipt.message_id).collect();
    assert_eq!(listed, acknowledged, "the mailboxes hold what was acknowledged and nothing else");
    evidence(ground, outcome, &book).await;
    book.entries.len()
}

/// What the killed node had published verifies as it lies there, for an outsider: a checkpoint is never ahead of its tiles.
pub(crate) fn verify_as_it_lies(ground: &Ground) {
    let folder = ground.config.storage.objects.join("log");
    let Ok(note) = std::fs::read_to_string(folder.join("checkpoint")) else { return };
    let log = ground.log_verifier();
    let checkpoint = Kept { name: "checkpoint".to_owned(), note };
    let question =
        Question { log: &log, national: None, policy: None, checkpoint, kept: Vec::new(), anchors: Vec::new() };
    verify(&Folder::new(&folder), &question, &mut |_, _| ()).expect("a log that is whole");
}

/// Each acknowledged document was delivered, once, under the message of its receipt.
fn senders_and_recipients(outcome: &Outcome) {
    let told: BTreeMap<&String, Vec<MessageId>> =
        outcome.receipts.iter().map(|(text, receipt)| (text, vec![receipt.message_id])).collect();
    let got: BTreeMap<&String, Vec<MessageId>> =
        outcome.accepted.iter().map(|(text, messages)| (text, messages.clone())).collect();
    let lost: Vec<_> = told.keys().filter(|text| !got.contains_key(**text)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged documents were lost: {lost:?}", lost.len(), told.len());
    assert_eq!(told, got);
}

/// The log is one history: every checkpoint that was seen is a prefix of it, and none went back.
fn checkpoints(outcome: &Outcome, book: &Book) {
    assert!(outcome.checkpoints.len() > 10, "only {} checkpoints were seen", outcome.checkpoints.len());
    for pair in outcome.checkpoints.windows(2) {
        assert!(pair[0].size < pair[1].size, "the log went from {} to {}", pair[0].size, pair[1].size);
    }
    for checkpoint in &outcome.checkpoints {
        assert!(book.continues(checkpoint), "the checkpoint of size {} is of another history", checkpoint.size);
    }
    let events: BTreeSet<_> = book.entries.iter().map(|entry| entry.event()).collect();
    assert_eq!(events.len(), book.entries.len(), "an event was logged twice");
}

async fn all_messages(recipient: &Agency) -> Vec<MessageId> {
    let (mut messages, mut after) = (Vec::new(), None);
    loop {
        let page = recipient.client.list(&recipient.mailbox(), None, after, None).await.expect("a page");
        for message in &page.messages {
            assert_eq!(message.state, MessageState::Accepted, "{}", message.message_id);
            messages.push(message.message_id);
        }
        after = page.next_after;
        if after.is_none() {
            return messages;
        }
    }
}

/// Every message has each step's evidence once, and every step is in the log.
async fn evidence(ground: &Ground, outcome: &Outcome, book: &Book) {
    let senders = [ground.agency(0), ground.agency(2)];
    let logged: BTreeSet<_> = book.entries.iter().map(|entry| entry.event()).collect();
    let checks = outcome.receipts.iter().map(|(text, receipt)| {
        let sender = senders.iter().find(|s| text.starts_with(s.edrpou().as_str())).expect("one of the senders");
        steps(ground, sender, receipt)
    });
    let mut checks = futures_util::stream::iter(checks).buffer_unordered(8);
    while let Some(events) = checks.next().await {
        for event in events {
            assert!(logged.contains(&event), "{event} is not in the log");
        }
    }
}

async fn steps(ground: &Ground, sender: &Agency, receipt: &Receipt) -> Vec<schemas::EventId> {
    let events = sender.client.case_events(receipt.case_id).await.expect("the events of one's own case").events;
    let mut kinds = Vec::new();
    for event in &events {
        let certificate = ground.site.evidence_certificate();
        let statement = exchange::evidence::verify(&event.evidence, certificate).expect("evidence that verifies");
        assert_eq!(statement.message_id, Some(receipt.message_id));
        kinds.push(statement.kind);
    }
    assert_eq!(
        kinds,
        [
            EvidenceKind::SubmissionAcceptance,
            EvidenceKind::ContentConsignment,
            EvidenceKind::ContentHandover,
            EvidenceKind::ConsignmentAcceptance,
        ],
        "{}",
        receipt.message_id
    );
    events.iter().map(|event| event.event_id).collect()
}
