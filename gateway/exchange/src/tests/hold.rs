//! Submissions that wait for a fact about their signatures.

use audit::Log;
use certs::dev::{Identity, Usage};
use schemas::evidence::EvidenceKind;
use schemas::export::{CaseManifest, MANIFEST_FILE};
use schemas::limits::HELD_SUBMISSIONS;
use schemas::message::{HeldReceipt, MessageState, PartRole, State};
use schemas::registry::ChannelPolicy;
use schemas::{CaseId, MessageId, ProblemCode};
use signing::asic::zip::{Archive, Limits};
use time::Duration;

use super::town::{Agency, Letter, NOON, Node, Town, bytes};
use super::upload::part;
use crate::intake::{Accepted, Taken};
use crate::refusal::Refusal;

const DOCUMENT: &[u8] = b"a letter";

pub(super) fn held(taken: Taken) -> (HeldReceipt, bool) {
    match taken {
        Taken::Held { receipt, replayed } => (receipt, replayed),
        Taken::Accepted(accepted) => panic!("accepted: {accepted:?}"),
    }
}

impl Town {
    /// The channel from A to B waits for so many hours.
    pub(super) async fn letters_wait(&self, hold_hours: u32) {
        self.letters_under(ChannelPolicy { hold_hours, ..ChannelPolicy::default() }).await;
    }

    pub(super) async fn hands_in(&self, letter: &Letter) -> Result<Taken, Refusal> {
        self.node.hand_in(&self.a.actor, letter.clone()).await
    }

    pub(super) async fn is_held(&self, letter: &Letter) -> HeldReceipt {
        let (receipt, replayed) = held(self.hands_in(letter).await.unwrap());
        assert!(!replayed);
        receipt
    }

    /// A signer of A's of whom the responder says nothing yet, and a letter that it signs.
    pub(super) fn unknown(&self, document: &[u8]) -> (Identity, Letter) {
        let signer = self.issue(&self.a, Usage::Signing, |_| ());
        self.responder_is_silent_about(&signer.certificate);
        let letter = Letter { signature: self.signs(&signer, document), ..self.letter(document) };
        (signer, letter)
    }

    /// How many pieces of evidence of the message an agency finds in the case, and whether the export has it.
    async fn sees(&self, agency: &Agency, case: CaseId, message: MessageId, log: &Log) -> (usize, bool) {
        let evidence = self.evidence(agency, case).await;
        let container = self.export(agency, case, log).await.container;
        let archive = Archive::read(container.as_slice(), &Limits::default()).unwrap();
        let manifest = archive.entries().iter().find(|entry| entry.name() == MANIFEST_FILE).unwrap();
        let manifest: CaseManifest = serde_json::from_slice(&archive.content(manifest, usize::MAX).unwrap()).unwrap();
        let exported = manifest.messages.iter().any(|exported| exported.message_id == message);
        (evidence.iter().filter(|piece| piece.message_id == Some(message)).count(), exported)
    }

    pub(super) async fn looks(&self) {
        looks(&self.node).await;
    }

    async fn stands(&self, message: MessageId) -> State {
        self.summary(&self.a, message).await.standing.unwrap()
    }

    /// Rows of what is kept for the looks.
    async fn kept(&self) -> [i64; 2] {
        let sql = "-- kept
            SELECT (SELECT count(*) FROM held), (SELECT count(*) FROM held_signature)";
        let kept = self
            .node
            .ledger
            .reader()
            .read("kept", move |tx| tx.query_optional(sql, &[], |row| Ok([row.integer(0)?, row.integer(1)?])));
        kept.await.unwrap().unwrap()
    }

    async fn accepted_once(&self, letter: &Letter, message: MessageId) -> Accepted {
        let Taken::Accepted(accepted) = self.hands_in(letter).await.unwrap() else { panic!("still held") };
        assert!(accepted.replayed);
        assert_eq!(accepted.receipt.message_id, message);
        let evidence = self.evidence(&self.a, accepted.receipt.case_id).await;
        let kinds: Vec<_> = evidence.iter().map(|piece| piece.kind).collect();
        use EvidenceKind::{ContentConsignment, SubmissionAcceptance, SubmissionHold};
        assert_eq!(kinds[..3], [SubmissionHold, SubmissionAcceptance, ContentConsignment]);
        let states = evidence.iter().map(|piece| (piece.step.unwrap(), piece.kind, piece.state.as_ref().unwrap()));
        assert_eq!(crate::state::replay(states).unwrap(), self.summary(&self.a, message).await.standing);
        accepted
    }
}

async fn looks(node: &Node) {
    while node.exchange.hold_round(100).await.unwrap() > 0 {}
}

/// An hour is more than any pause between two looks.
const LATER: Duration = Duration::hours(1);

#[tokio::test]
async fn what_waits_is_accepted_once_when_the_fact_arrives() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, letter) = town.unknown(DOCUMENT);
    let receipt = town.is_held(&letter).await;

    assert_eq!((receipt.state, receipt.accepted), (MessageState::Submitted, false));
    assert_eq!(receipt.missing, ProblemCode::SignerStatusUnknown.as_str());
    assert_eq!(receipt.until, NOON + Duration::hours(24));
    let statement = town.proves(&receipt.evidence);
    assert_eq!((statement.kind, statement.accepted_at), (EvidenceKind::SubmissionHold, None));
    assert_eq!((statement.event_id, &statement.parts), (receipt.event_id, &receipt.parts));
    assert!(town.has_event(receipt.event_id).await);
    let found: Vec<_> = town.sent(&town.a, Some(MessageState::Submitted)).await;
    assert_eq!(found.iter().map(|found| found.message_id).collect::<Vec<_>>(), [receipt.message_id]);
    assert!(town.lease(&town.b).await.messages.is_empty(), "the recipient sees nothing of it");
    assert_eq!(town.node.list(&town.b, None, None, 100).await.messages, []);

    town.time_passes(LATER);
    town.looks().await;
    assert!(matches!(town.stands(receipt.message_id).await, State::Submitted { .. }));
    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    town.looks().await;
    town.looks().await;
    let accepted = town.accepted_once(&letter, receipt.message_id).await;
    assert_eq!(accepted.receipt.parts, receipt.parts);
    assert_eq!(town.kept().await, [0, 0]);
    let [messages, parts, evidence, keys, jobs] = town.rows().await;
    assert_eq!([messages, parts, evidence, keys, jobs], [1, 2, 3, 1, 0]);

    let leased = town.lease_whole(&town.b).await.messages.remove(0);
    let sealed =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &leased.contents[0].sealed).unwrap();
    assert_eq!(town.b.opens(&leased, 0, &sealed), DOCUMENT);
}

#[tokio::test]
async fn a_repeat_of_what_waits_brings_the_same_answer_also_after_the_week_of_keys() {
    let town = Town::new().await;
    town.letters_wait(240).await;
    let (signer, letter) = town.unknown(DOCUMENT);
    let first = town.is_held(&letter).await;
    for days in [0, 5, 4] {
        town.time_passes(Duration::days(days));
        town.node.exchange.sweep().await.unwrap();
        let (again, replayed) = held(town.hands_in(&letter).await.unwrap());
        assert!(replayed);
        assert_eq!(again, first);
    }
    let other = Letter { signature: town.signs(&town.a.signer, b"other"), ..town.letter(b"other") };
    let refused = town.submit(other).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::IdempotencyKeyReused);
    town.responder_speaks_again_about(&signer.certificate);
    town.looks().await;
    town.accepted_once(&letter, first.message_id).await;
}

#[tokio::test]
async fn what_waited_in_vain_is_rejected_for_what_was_missing_and_stays_so() {
    let town = Town::new().await;
    town.letters_wait(2).await;
    let (signer, letter) = town.unknown(&bytes(300_000));
    let message = town.is_held(&letter).await.message_id;
    assert_eq!(town.objects().await.len(), 1);
    town.time_passes(Duration::hours(2));
    // The fact is there now, and too late: whoever comes first, the hours are over.
    town.responder_speaks_again_about(&signer.certificate);
    town.looks().await;
    town.node.exchange.timer_round(10).await.unwrap();

    let rejected = State::Rejected { reason: ProblemCode::SignerStatusUnknown.as_str().to_owned() };
    assert_eq!(town.stands(message).await, rejected);
    let found = town.sent(&town.a, Some(MessageState::Rejected)).await;
    assert_eq!(
        found.iter().map(|found| (found.message_id, found.standing.clone())).collect::<Vec<_>>(),
        [(message, Some(rejected.clone()))]
    );
    let refusal = town.hands_in(&letter).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::SubmissionEnded);
    let statement = town.proves(&refusal.evidence.unwrap());
    assert_eq!(
        (statement.kind, statement.reason.as_deref()),
        (EvidenceKind::SubmissionRejection, Some("signature.status_unknown"))
    );
    assert_eq!(statement.state, Some(rejected.clone()));

    town.time_passes(LATER);
    town.looks().await;
    town.node.exchange.timer_round(10).await.unwrap();
    assert_eq!(town.stands(message).await, rejected);
    assert_eq!(town.kept().await, [0, 0]);
    let [messages, parts, evidence, _, jobs] = town.rows().await;
    assert_eq!([messages, parts, evidence, jobs], [1, 0, 2, 0]);
}

#[tokio::test]
async fn a_signer_that_turns_out_to_be_revoked_is_refused() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, letter) = town.unknown(DOCUMENT);
    let message = town.is_held(&letter).await.message_id;
    town.pki.revoke(&signer.certificate, NOON - Duration::hours(1), 1);
    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    town.looks().await;
    let reason = ProblemCode::SignerRevoked.as_str().to_owned();
    assert_eq!(town.stands(message).await, State::Rejected { reason });
    let last = town.audited().await.into_iter().rfind(|row| row.starts_with("document.submit")).unwrap();
    assert!(last.starts_with("document.submit signature.revoked_signer"), "{last}");
    assert_eq!(town.hands_in(&letter).await.unwrap_err().code, ProblemCode::SubmissionEnded);
    assert_eq!((town.kept().await, town.objects().await), ([0, 0], Vec::<String>::new()));
    assert_eq!(town.rows().await[4], 0, "no job is left");
}

#[tokio::test]
async fn a_process_that_dies_while_it_looks_is_followed_by_another() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, letter) = town.unknown(DOCUMENT);
    let message = town.is_held(&letter).await.message_id;
    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    // Leased, and never heard of again.
    let now = storage::Clock::now(&*town.clock);
    let lost = storage::jobs::claim(&town.node.writer, "hold", 1, Duration::minutes(5), now).await.unwrap();
    assert_eq!(lost.len(), 1);
    let other = town.another_process();
    looks(&other).await;
    assert!(matches!(town.stands(message).await, State::Submitted { .. }), "the lease holds");
    town.time_passes(Duration::minutes(5));
    // Two processes at once: one decision.
    let (one, two) = tokio::join!(other.exchange.hold_round(10), town.node.exchange.hold_round(10));
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    looks(&other).await;
    town.accepted_once(&letter, message).await;
    assert_eq!(town.rows().await[4], 0);
}

#[tokio::test]
async fn in_a_case_that_goes_on_the_recipient_sees_what_waited_once_it_is_accepted() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let case = town.deliver(b"the first letter", "first").await.case_id;
    let (signer, mut letter) = town.unknown(DOCUMENT);
    letter.envelope.case_id = Some(case);
    let message = town.is_held(&letter).await.message_id;
    let log = town.log();
    log.round().await.unwrap();
    assert_eq!(town.sees(&town.a, case, message, &log).await, (1, true));
    assert_eq!(town.sees(&town.b, case, message, &log).await, (0, false));

    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    town.looks().await;
    log.round().await.unwrap();
    for agency in [&town.a, &town.b] {
        assert_eq!(town.sees(agency, case, message, &log).await, (3, true));
    }

    // What came to nothing never becomes the recipient's affair.
    let (_, mut vain) = town.unknown(b"in vain");
    (vain.envelope.case_id, vain.key) = (Some(case), "vain".to_owned());
    let vain = town.is_held(&vain).await.message_id;
    town.time_passes(Duration::hours(24));
    town.node.exchange.timer_round(10).await.unwrap();
    log.round().await.unwrap();
    assert_eq!(town.sees(&town.a, case, vain, &log).await, (2, true));
    assert_eq!(town.sees(&town.b, case, vain, &log).await, (0, false));
}

#[tokio::test]
async fn a_responder_that_is_silent_about_signer_and_recipient_is_waited_for() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, letter) = town.unknown(DOCUMENT);
    town.responder_is_silent_about(&town.b.encryption.certificate);
    let receipt = town.is_held(&letter).await;
    assert_eq!(receipt.missing, ProblemCode::SignerStatusUnknown.as_str());

    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    town.looks().await;
    let standing = town.stands(receipt.message_id).await;
    assert!(matches!(standing, State::Submitted { .. }), "nothing is sealed to a key that nobody vouches for");
    town.responder_speaks_again_about(&town.b.encryption.certificate);
    town.time_passes(LATER);
    town.looks().await;
    town.accepted_once(&letter, receipt.message_id).await;
}

#[tokio::test]
async fn of_one_sender_no_more_waits_than_may() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, letter) = town.unknown(DOCUMENT);
    town.is_held(&letter).await;
    // As many more rows like it as may be; their looks find nothing to judge.
    let more = i64::try_from(HELD_SUBMISSIONS).unwrap() - 1;
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
        INSERT INTO message (id, case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
            accepted_at, changed_at, due_at, parts, key_envelope)
        SELECT randomblob(16), case_id, sender, sender_certificate, recipient, kind, media_type, state, standing, steps,
            accepted_at, changed_at, due_at, parts, key_envelope FROM n, message";
    let copied = town.node.writer.run_tx("test", move |tx| tx.execute(sql, &[more.into()]));
    assert_eq!(copied.await.unwrap(), HELD_SUBMISSIONS - 1);

    let next = Letter { signature: town.signs(&signer, b"next"), key: "next".to_owned(), ..town.letter(b"next") };
    let refusal = town.submit(next.clone()).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::QuotaHeld);
    let statement = town.proves(&refusal.evidence.unwrap());
    assert_eq!((statement.kind, statement.reason.as_deref()), (EvidenceKind::SubmissionRejection, Some("quota.held")));
    assert_eq!(town.kept().await, [1, 1]);
    assert!(held(town.hands_in(&letter).await.unwrap()).1, "what waits already is answered as before");

    // In several requests it stays announced.
    let signature = town.signs(&signer, b"in parts");
    let parts = vec![part(0, PartRole::Document, None, b"in parts"), part(1, PartRole::Signature, Some(0), &signature)];
    let announced = town.announces("in-parts", parts).await.unwrap().status.message_id;
    for (number, content) in [(0, b"in parts".as_slice()), (1, &signature)] {
        town.puts(announced, number, None, content).await.unwrap();
    }
    assert_eq!(town.sends_on(announced).await.unwrap_err().code, ProblemCode::QuotaHeld);
    assert!(matches!(town.stands(announced).await, State::Announced { .. }));

    let decided = town.node.writer.run_tx("test", |tx| {
        let sql = "UPDATE message SET state = 'rejected' WHERE id NOT IN (SELECT message_id FROM held) AND state = 'submitted'";
        tx.execute(sql, &[])
    });
    assert!(decided.await.unwrap() > 0);
    town.is_held(&next).await;
    let (_, replayed) = held(town.sends_on(announced).await.unwrap());
    assert!(!replayed);
}

#[tokio::test]
async fn where_the_channel_does_not_wait_nothing_is_held() {
    let town = Town::new().await;
    let (_, letter) = town.unknown(DOCUMENT);
    assert_eq!(town.submit(letter).await.unwrap_err().code, ProblemCode::SignerStatusUnknown);
    assert_eq!(town.kept().await, [0, 0]);
}

#[tokio::test]
async fn what_fails_for_good_is_refused_at_once_whatever_the_channel_says() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let letter = |signature: Vec<u8>| {
        let key = crypto::digest::hex(&crypto::digest::sha256(&signature));
        Letter { signature, key, ..town.letter(DOCUMENT) }
    };
    let (unknown, _) = town.unknown(DOCUMENT);
    let other_content = letter(town.signs(&unknown, b"other"));
    assert_eq!(town.submit(other_content).await.unwrap_err().code, ProblemCode::SignatureOverOtherContent);
    let mut spoilt = town.signs(&unknown, DOCUMENT);
    *spoilt.last_mut().unwrap() ^= 1;
    assert_eq!(town.submit(letter(spoilt)).await.unwrap_err().code, ProblemCode::SignatureValueWrong);
    let revoked = town.issue(&town.a, Usage::Signing, |_| ());
    town.pki.revoke(&revoked.certificate, NOON - Duration::hours(1), 1);
    let revoked = letter(town.signs(&revoked, DOCUMENT));
    assert_eq!(town.submit(revoked).await.unwrap_err().code, ProblemCode::SignerRevoked);
    let suspended = town.issue(&town.a, Usage::Signing, |_| ());
    town.pki.revoke(&suspended.certificate, NOON - Duration::hours(1), 6);
    let suspended = letter(town.signs(&suspended, DOCUMENT));
    assert_eq!(town.submit(suspended).await.unwrap_err().code, ProblemCode::SignerSuspended);
    // Of somebody else's signature no fact makes one of the sender's.
    town.responder_is_silent_about(&town.b.signer.certificate);
    let of_another = letter(town.signs(&town.b.signer, DOCUMENT));
    assert_eq!(town.submit(of_another).await.unwrap_err().code, ProblemCode::SignerNotOfSender);
    // A root that nobody trusts: nothing is on its way.
    let others = certs::dev::DevPki::new(NOON, Duration::days(60), "http://ocsp.example/").unwrap();
    let foreign = super::town::issue(&others, Some(town.a.edrpou), Usage::Signing, |_| ());
    let chain = [foreign.certificate.clone(), others.issuing_ca().clone(), others.root().clone()];
    let content =
        || signing::cades::Content::Detached(crypto::digest::digest(crypto::digest::DigestAlgorithm::Sha256, DOCUMENT));
    let sign = |chain: &[_]| {
        signing::cades::sign(content(), &foreign.key, foreign.key.default_algorithm(), chain, NOON).unwrap()
    };
    assert_eq!(town.submit(letter(sign(&chain))).await.unwrap_err().code, ProblemCode::SignerUntrusted);
    assert_eq!(town.kept().await, [0, 0]);
    // An authority of whom nobody knows the issuer may become known.
    let receipt = town.is_held(&letter(sign(&chain[..1]))).await;
    assert_eq!(receipt.missing, ProblemCode::SignerUntrusted.as_str());
}

#[tokio::test]
async fn what_was_changed_meanwhile_is_asked_again() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, closed) = town.unknown(DOCUMENT);
    let closed = town.is_held(&closed).await.message_id;
    town.responder_speaks_again_about(&signer.certificate);
    town.open_channel(&town.a, &town.b, &["report"]).await;
    town.time_passes(LATER);
    town.looks().await;
    let reason = ProblemCode::ChannelNotAllowed.as_str().to_owned();
    assert_eq!(town.stands(closed).await, State::Rejected { reason });

    town.letters_wait(24).await;
    let (signer, lost) = town.unknown(b"another");
    let lost = town.is_held(&Letter { key: "key-2".to_owned(), ..lost }).await.message_id;
    town.pki.revoke(&town.b.encryption.certificate, NOON, 1);
    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    town.looks().await;
    let reason = ProblemCode::RecipientCannotReceive.as_str().to_owned();
    assert_eq!(town.stands(lost).await, State::Rejected { reason }, "sealed to a key that is reported lost");
}

#[tokio::test]
async fn a_submission_in_several_requests_waits_too() {
    let town = Town::new().await;
    town.letters_wait(24).await;
    let (signer, _) = town.unknown(b"");
    let (document, attachment) = (bytes(200_000), b"attached".to_vec());
    let (over_document, over_attachment) = (town.signs(&signer, &document), town.signs(&town.a.signer, &attachment));
    let parts = vec![
        part(0, PartRole::Document, None, &document),
        part(1, PartRole::Attachment, None, &attachment),
        part(2, PartRole::Signature, Some(0), &over_document),
        part(3, PartRole::Signature, Some(1), &over_attachment),
    ];
    let message = town.announces("key-1", parts).await.unwrap().status.message_id;
    for (number, content) in [(0, &document), (1, &attachment), (2, &over_document), (3, &over_attachment)] {
        town.puts(message, number, None, content).await.unwrap();
    }
    let (first, replayed) = held(town.sends_on(message).await.unwrap());
    assert!(!replayed);
    assert_eq!((first.message_id, first.parts.len()), (message, 4));
    let (again, replayed) = held(town.sends_on(message).await.unwrap());
    assert!(replayed);
    assert_eq!(again, first);
    assert_eq!(town.kept().await, [1, 2]);

    town.responder_speaks_again_about(&signer.certificate);
    town.time_passes(LATER);
    town.looks().await;
    let Taken::Accepted(accepted) = town.sends_on(message).await.unwrap() else { panic!("still held") };
    assert_eq!(accepted.receipt.parts, first.parts);
    assert_eq!((town.kept().await, town.rows().await[4]), ([0, 0], 0));
    let lease = town.lease(&town.b).await;
    for (number, content) in [(0, &document), (1, &attachment), (2, &over_document), (3, &over_attachment)] {
        let sealed = town.download(&town.b, message, number, lease.token).await.unwrap();
        assert_eq!(&town.b.opens(&lease.messages[0], number, &sealed), content);
    }
}
