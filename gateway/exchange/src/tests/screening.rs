//! Documents past the scanner: what is refused, what passes with which mark, and who reads the mark.

use std::sync::Arc;

use schemas::evidence::EvidenceKind;
use schemas::message::{MessageState, PartRole, State};
use schemas::registry::ChannelPolicy;
use schemas::scan::{PartScan, ScanResult};
use schemas::{MessageId, ProblemCode};
use time::Duration;

use super::town::{Letter, Town, bytes};
use super::upload::{RANGE, part};
use crate::refusal::Refusal;
use crate::scan::{NotScanned, Unavailable};
use crate::screening::tests::{VIRUS, Watcher};

/// A town whose node scans.
async fn town(unavailable: Unavailable) -> (Town, Arc<Watcher>) {
    let (mut town, watcher) = (Town::new().await, Arc::<Watcher>::default());
    town.node = town.a_process_that_scans(watcher.screening(unavailable));
    (town, watcher)
}

fn mark(result: ScanResult, detail: Option<&str>) -> Option<PartScan> {
    Some(PartScan { result, node: "node.example".to_owned(), detail: detail.map(str::to_owned) })
}

fn infected_document(size: usize) -> Vec<u8> {
    let mut document = bytes(size);
    document[size / 2..size / 2 + VIRUS.len()].copy_from_slice(VIRUS);
    document
}

impl Town {
    /// A.2 of a refusal, as the sender finds it: the one message that was rejected.
    async fn finds_rejected(&self, refusal: &Refusal) -> schemas::evidence::EvidenceStatement {
        let statement = self.proves(refusal.evidence.as_ref().unwrap());
        let found = self.sent(&self.a, Some(MessageState::Rejected)).await;
        assert_eq!(found.len(), 1);
        assert_eq!(statement.message_id, Some(found[0].message_id));
        let reason = refusal.code.as_str().to_owned();
        assert_eq!(found[0].standing, Some(State::Rejected { reason: reason.clone() }));
        assert_eq!((statement.kind, statement.reason.clone()), (EvidenceKind::SubmissionRejection, Some(reason)));
        assert!(self.node.lease(&self.b, 100, 60).await.unwrap().messages.is_empty(), "nothing is delivered");
        assert_eq!(self.objects().await, Vec::<String>::new(), "nothing is kept");
        statement
    }
}

#[tokio::test]
async fn what_is_clean_is_marked_so_to_sender_and_recipient() {
    let (town, watcher) = town(Unavailable::Refuse).await;
    for size in [2000, 300_000] {
        let document = bytes(size);
        let letter = Letter { key: size.to_string(), ..town.letter(&document) };
        let signature = letter.signature.clone();
        let receipt = town.submit(letter).await.unwrap().receipt;
        assert!(receipt.parts.iter().all(|part| part.scan == mark(ScanResult::Clean, None)));
        assert_eq!(town.proves(&receipt.evidence).parts, receipt.parts);
        let scanned = watcher.documents();
        assert!(scanned.contains(&document), "the document as it was handed in");
        assert!(scanned.contains(&signature), "and its signature");
        let lease = town.lease(&town.b).await;
        assert_eq!(lease.messages.last().unwrap().parts, receipt.parts);
    }
}

#[tokio::test]
async fn what_is_infected_is_refused_and_the_evidence_names_it() {
    for size in [2000, 300_000] {
        let (town, _) = town(Unavailable::Mark).await;
        let letter = town.letter(&infected_document(size));
        let refusal = town.submit(letter.clone()).await.unwrap_err();
        assert_eq!((refusal.code, refusal.detail.as_deref()), (ProblemCode::ContentInfected, Some("Test.Virus")));
        let statement = town.finds_rejected(&refusal).await;
        let [part] = statement.parts.as_slice() else { panic!("{:?}", statement.parts) };
        assert_eq!((part.number, &part.scan), (0, &mark(ScanResult::Infected, Some("Test.Virus"))));
        // A repeat never gets a receipt.
        let again = town.submit(letter).await.unwrap_err();
        assert_eq!(again.code, ProblemCode::SubmissionEnded);
    }
}

#[tokio::test]
async fn what_hides_in_the_signature_file_is_found_before_the_document_is_read() {
    let (town, watcher) = town(Unavailable::Refuse).await;
    let mut letter = town.letter(b"a letter");
    // The scanner knows this very file.
    *watcher.recognises.lock().unwrap() = Some(letter.signature[40..90].to_vec());
    letter.chunks = vec![Err(ProblemCode::TruncatedBody)];
    let refusal = town.submit(letter).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::ContentInfected);
    let statement = town.finds_rejected(&refusal).await;
    let [part] = statement.parts.as_slice() else { panic!("{:?}", statement.parts) };
    assert_eq!((part.role, part.sealed_size), (PartRole::Signature, 0));
    assert_eq!(part.scan, mark(ScanResult::Infected, Some("Test.Virus")));
}

#[tokio::test]
async fn what_waits_was_scanned_and_keeps_its_marks() {
    let (town, _) = town(Unavailable::Refuse).await;
    town.letters_wait(24).await;
    let (signer, letter) = town.unknown(b"a letter");
    let held = town.is_held(&letter).await;
    assert!(held.parts.len() == 2 && held.parts.iter().all(|part| part.scan == mark(ScanResult::Clean, None)));
    let document = infected_document(2000);
    let infected =
        Letter { signature: town.signs(&signer, &document), key: "infected".to_owned(), ..town.letter(&document) };
    assert_eq!(
        town.submit(infected).await.unwrap_err().code,
        ProblemCode::ContentInfected,
        "malware waits for nothing"
    );

    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(Duration::hours(1));
    town.looks().await;
    let lease = town.lease(&town.b).await;
    assert_eq!(lease.messages.iter().map(|leased| &leased.parts).collect::<Vec<_>>(), [&held.parts]);
}

#[tokio::test]
async fn without_a_verdict_the_operator_decides() {
    let (town, watcher) = town(Unavailable::Refuse).await;
    *watcher.says.lock().unwrap() = Some(NotScanned::Unreachable);
    let refusal = town.submit(town.letter(b"a letter")).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::ScannerUnavailable);
    assert_eq!(town.proves(refusal.evidence.as_ref().unwrap()).reason.as_deref(), Some("content.scanner_unavailable"));
    *watcher.says.lock().unwrap() = None;
    let receipt = town.submit(town.letter(b"a letter")).await.unwrap().receipt;
    assert_eq!(receipt.parts[0].scan, mark(ScanResult::Clean, None), "the same again, once the scanner is back");

    let (town, watcher) = self::town(Unavailable::Mark).await;
    *watcher.says.lock().unwrap() = Some(NotScanned::Unreachable);
    let receipt = town.submit(town.letter(b"a letter")).await.unwrap().receipt;
    assert_eq!(receipt.parts[0].scan, mark(ScanResult::NotScanned, Some("scan.unreachable")));
    assert_eq!(town.lease(&town.b).await.messages[0].parts, receipt.parts);
}

#[tokio::test]
async fn on_a_channel_of_sealed_documents_the_mark_says_encrypted() {
    let (town, _) = town(Unavailable::Refuse).await;
    let policy = Some(ChannelPolicy { sealed_by_sender: true, ..ChannelPolicy::default() });
    town.open_channel_under(&town.a, &town.b, &["letter"], policy).await;
    let receipt = town.submit(town.letter(b"sealed by A")).await.unwrap().receipt;
    let marks: Vec<_> = receipt.parts.iter().map(|part| part.scan.clone()).collect();
    assert_eq!(marks, [mark(ScanResult::Encrypted, None), mark(ScanResult::Clean, None)]);
}

#[tokio::test]
async fn a_part_in_ranges_is_scanned_as_one_document() {
    let (town, watcher) = town(Unavailable::Refuse).await;
    let document = bytes(2 * RANGE + 99);
    let signature = town.signs(&town.a.signer, &document);
    let message = town.announce(&document, &signature).await;
    town.puts(message, 0, Some((0, RANGE)), &document).await.unwrap();
    town.puts(message, 0, Some((RANGE, document.len())), &document).await.unwrap();
    assert!(watcher.documents() == [document.clone()], "once, and whole");
    town.puts(message, 1, None, &signature).await.unwrap();
    let receipt = town.sends(message).await.unwrap().receipt;
    assert!(receipt.parts.iter().all(|part| part.scan == mark(ScanResult::Clean, None)));
    assert!(watcher.documents() == [signature], "nothing is scanned twice");
}

#[tokio::test]
async fn an_upload_that_is_infected_ends_the_submission() {
    for whole in [true, false] {
        let (town, _) = town(Unavailable::Refuse).await;
        let document = infected_document(2 * RANGE);
        let message = town.announce(&document, &town.signs(&town.a.signer, &document)).await;
        let refused = if whole {
            town.puts(message, 0, None, &document).await
        } else {
            town.puts(message, 0, Some((0, RANGE)), &document).await.unwrap();
            town.puts(message, 0, Some((RANGE, document.len())), &document).await
        };
        let refusal = refused.unwrap_err();
        assert_eq!(refusal.code, ProblemCode::ContentInfected);
        assert_eq!(refusal.detail.as_deref(), Some("part 0: Test.Virus"));
        let statement = town.finds_rejected(&refusal).await;
        assert_eq!(statement.parts[0].scan, mark(ScanResult::Infected, Some("Test.Virus")));
        assert_eq!(town.sends(message).await.unwrap_err().code, ProblemCode::SubmissionEnded);
    }
}

#[tokio::test]
async fn a_range_waits_for_the_scanner_and_comes_again() {
    let (town, watcher) = town(Unavailable::Refuse).await;
    let document = bytes(2 * RANGE);
    let message = town.announce(&document, &town.signs(&town.a.signer, &document)).await;
    town.puts(message, 0, Some((0, RANGE)), &document).await.unwrap();
    *watcher.says.lock().unwrap() = Some(NotScanned::TooSlow);
    let last = Some((RANGE, document.len()));
    let refusal = town.puts(message, 0, last, &document).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::ScannerUnavailable);
    *watcher.says.lock().unwrap() = None;
    assert_eq!(town.puts(message, 0, last, &document).await.unwrap().received, document.len() as u64);
}

#[tokio::test]
async fn what_was_uploaded_before_there_was_a_scanner_is_scanned_when_it_is_sent() {
    for infected in [false, true] {
        let mut town = Town::new().await;
        let document = if infected { infected_document(70_000) } else { bytes(70_000) };
        let signature = town.signs(&town.a.signer, &document);
        let message = town.announce(&document, &signature).await;
        town.puts(message, 0, None, &document).await.unwrap();
        town.puts(message, 1, None, &signature).await.unwrap();
        town.node = town.a_process_that_scans(Arc::<Watcher>::default().screening(Unavailable::Refuse));
        if infected {
            let refusal = town.sends(message).await.unwrap_err();
            assert_eq!(refusal.code, ProblemCode::ContentInfected);
            let statement = town.finds_rejected(&refusal).await;
            assert_eq!(statement.parts[0].scan, mark(ScanResult::Infected, Some("Test.Virus")));
        } else {
            let receipt = town.sends(message).await.unwrap().receipt;
            assert!(receipt.parts.iter().all(|part| part.scan == mark(ScanResult::Clean, None)));
        }
    }
}

impl Town {
    /// A announces a document with its signature.
    async fn announce(&self, document: &[u8], signature: &[u8]) -> MessageId {
        let parts = vec![part(0, PartRole::Document, None, document), part(1, PartRole::Signature, Some(0), signature)];
        self.announces("key", parts).await.unwrap().status.message_id
    }
}
