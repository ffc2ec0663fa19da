//! Retention: what falls due, what is held, acts that two people sign, and what is left when they were carried out.

use std::collections::BTreeMap;

use access::decide::{DisposeMessages, ReadRetention, SetHold};
use access::{Actor, Permit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{Identity, Usage};
use schemas::evidence::EvidenceKind;
use schemas::message::{AcknowledgementOutcome, MessageState, Receipt, Registration, State};
use schemas::registry::{Channel, ChannelPolicy};
use schemas::retention::*;
use schemas::{CaseId, DisposalActId, HoldId, MessageId, ProblemCode};
use storage::TxError;
use time::Duration;

use super::town::{Agency, Letter, Node, Town, acknowledgement, bytes, issue, operator};
use crate::edge::{self, Deed};
use crate::export::check::{Known, check};
use crate::refusal::Refusal;
use crate::retention::due::DueQuery;
use crate::retention::{Keep, Retention, Unusable};
use crate::state::{Step, replay};
use crate::tables;

async fn may<A: access::decide::Action<Resource = ()>>(node: &Node) -> Permit<A> {
    node.access.decide(&operator(), ()).await.unwrap()
}

/// What operators do, at some process of the node.
impl Node {
    async fn due(&self, query: DueQuery) -> Result<DuePage, Refusal> {
        self.exchange.due_for_disposal(may::<ReadRetention>(self).await, query).await
    }

    async fn all_due(&self) -> Vec<MessageId> {
        let page = self.due(DueQuery { limit: 100, ..DueQuery::default() }).await.unwrap();
        page.messages.into_iter().map(|due| due.message_id).collect()
    }

    pub(super) async fn draws(&self, number: &str, class: &str) -> Result<ActSummary, Refusal> {
        let request = ActRequest { number: number.to_owned(), class: class.parse().unwrap(), ..request() };
        self.exchange.draw_act(may::<DisposeMessages>(self).await, request).await
    }

    pub(super) async fn act(&self, act: DisposalActId) -> Act {
        self.exchange.act(may::<ReadRetention>(self).await, act).await.unwrap()
    }

    pub(super) async fn adds(&self, act: DisposalActId, cms: Vec<u8>) -> Result<ActSummary, Refusal> {
        self.exchange.sign_act(may::<DisposeMessages>(self).await, act, cms).await
    }

    pub(super) async fn holds(&self, subject: HoldSubject) -> Result<Hold, Refusal> {
        let request = HoldRequest { subject, reason: "a ruling of the court".to_owned() };
        self.exchange.place_hold(may::<SetHold>(self).await, request).await
    }

    pub(super) async fn lifts(&self, hold: HoldId) -> Result<Hold, Refusal> {
        let release = HoldRelease { reason: "the case is closed".to_owned() };
        self.exchange.lift_hold(may::<SetHold>(self).await, hold, release).await
    }

    async fn withdraws(&self, act: DisposalActId) -> Result<(), Refusal> {
        self.exchange.withdraw_act(may::<DisposeMessages>(self).await, act).await
    }
}

fn request() -> ActRequest {
    let member =
        |name: &str| Member {
            name: name.to_owned(), position: "архіваріус".to_owned(), word: "вилучити".to_owned()
        };
    ActRequest {
        number: "1".to_owned(),
        date: "2026-11-26".to_owned(),
        class: "standard".parse().unwrap(),
        participant: None,
        ground: "перелік типових документів, ст. 6".to_owned(),
        commission: vec![member("Перша"), member("Друга")],
        most: None,
    }
}

impl Town {
    /// A letter that B accepts, signed.
    async fn accepted_letter(&self, document: &[u8], key: &str) -> Receipt {
        let receipt = self.deliver(document, key).await;
        let lease = self.lease(&self.b).await;
        self.download(&self.b, receipt.message_id, 0, lease.token).await.unwrap();
        let signed = self.states(&self.b.signer, &acknowledgement(receipt.message_id, document, None));
        self.acknowledge(&self.b, receipt.message_id, lease.token, signed).await.unwrap();
        receipt
    }

    /// So many letters that systems of B's accept.
    async fn accepted_letters(&self, count: usize) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        for n in 0..count {
            self.time_passes(Duration::milliseconds(2));
            receipts.push(self.deliver(format!("letter {n}").as_bytes(), &format!("many-{n}")).await);
        }
        let lease = self.lease_whole(&self.b).await;
        for (n, receipt) in receipts.iter().enumerate() {
            let word = acknowledgement(receipt.message_id, format!("letter {n}").as_bytes(), None);
            self.says(&self.b, &word, Some(lease.token)).await.unwrap();
        }
        receipts
    }

    /// A member's signature of an act as it is downloaded.
    async fn signature(&self, member: &Identity, act: DisposalActId) -> Vec<u8> {
        let document = STANDARD.decode(self.node.act(act).await.document).unwrap();
        self.signs(member, &document)
    }

    pub(super) async fn signs_act(&self, member: usize, act: DisposalActId) -> Result<ActSummary, Refusal> {
        self.node.adds(act, self.signature(&self.commission[member], act).await).await
    }

    /// An act over what is due of a class, with both its signatures.
    pub(super) async fn signed_act(&self, number: &str, class: &str) -> DisposalActId {
        let act = self.node.draws(number, class).await.unwrap();
        self.signs_act(0, act.act_id).await.unwrap();
        let signed = self.signs_act(1, act.act_id).await.unwrap();
        assert_eq!((signed.state, signed.signatures), (ActState::Executing, 2));
        act.act_id
    }

    async fn state_of(&self, message: MessageId) -> MessageState {
        self.summary(&self.a, message).await.state
    }

    /// The kinds of a case's evidence, which replays.
    async fn story(&self, case: CaseId) -> Vec<&'static str> {
        let evidence = self.evidence(&self.a, case).await;
        let mut by_message: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for piece in &evidence {
            let step = (piece.step.unwrap(), piece.kind, piece.state.as_ref().unwrap());
            by_message.entry(piece.message_id).or_default().push(step);
        }
        for steps in by_message.into_values() {
            replay(steps).unwrap();
        }
        evidence.iter().map(|piece| piece.kind.code()).collect()
    }

    /// What is stored of a message's content: parts, the key, bytes of what was said.
    async fn content(&self, message: MessageId) -> (i64, bool, i64) {
        let sql = "-- content
            SELECT (SELECT count(*) FROM part WHERE message_id = $1), key_envelope IS NOT NULL,
                (SELECT coalesce(sum(length(spoken)), 0) FROM acknowledgement WHERE message_id = $1)
            FROM message WHERE id = $1";
        let read = self.node.ledger.reader().read("content", move |tx| {
            tx.query_optional(sql, &[message.as_bytes().into()], |row| {
                Ok((row.integer(0)?, row.integer(1)? == 1, row.integer(2)?))
            })
        });
        read.await.unwrap().unwrap()
    }

    /// Terms of the channel from A to B.
    async fn channel_class(&self, class: &str) {
        let permit = self.node.access.decide(&operator(), self.b.mailbox.clone()).await.unwrap();
        let policy = Some(ChannelPolicy { retention: class.parse().unwrap(), ..ChannelPolicy::default() });
        let kinds = vec!["letter".parse().unwrap()];
        let channel = Channel { sender: self.a.edrpou, recipient: self.b.mailbox.clone(), kinds, policy };
        self.node.access.registry().set_channel(permit, channel).await.unwrap();
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> ProblemCode {
    result.unwrap_err().code
}

const LARGE: usize = 100_000;

#[tokio::test]
async fn an_act_erases_what_it_names_and_what_is_left_proves_the_same() {
    let town = Town::new().await;
    let small = town.accepted_letter(b"small", "k1").await;
    town.time_passes(Duration::milliseconds(2));
    let large = town.accepted_letter(&bytes(LARGE), "k2").await;
    let fresh = |receipt: &Receipt| receipt.message_id;
    assert_eq!(town.node.all_due().await, []);
    town.time_passes(Duration::days(2));
    let recent = town.accepted_letter(b"recent", "k3").await;
    assert_eq!(town.node.all_due().await, [fresh(&small), fresh(&large)]);
    assert_eq!(town.objects().await.len(), 1, "the large part lies in the object store");

    let act = town.node.draws("17/26", "standard").await.unwrap();
    assert_eq!((act.state, act.messages, act.signatures), (ActState::Open, 2, 0));
    assert_eq!(town.node.exchange.dispose_round(10).await.unwrap(), 0, "nobody has signed");
    let once = town.signs_act(0, act.act_id).await.unwrap();
    assert_eq!((once.state, once.signatures), (ActState::Open, 1));
    assert_eq!(town.node.exchange.dispose_round(10).await.unwrap(), 0, "one has signed");
    town.signs_act(1, act.act_id).await.unwrap();
    assert_eq!(town.node.exchange.dispose_round(10).await.unwrap(), 2);
    assert_eq!(town.node.exchange.dispose_round(10).await.unwrap(), 0);

    let done = town.node.act(act.act_id).await;
    assert_eq!((done.summary.state, done.result.done, done.result.erased), (ActState::Executed, 2, 2));
    assert_eq!(done.result.left, []);
    let document: ActDocument = serde_json::from_slice(&STANDARD.decode(&done.document).unwrap()).unwrap();
    let named: Vec<_> = document.messages.iter().map(|message| message.message_id).collect();
    assert_eq!(named, [fresh(&small), fresh(&large)]);
    assert_eq!(document.messages[0].parts[0], small.parts[0].sha256);
    assert_eq!((document.days, document.class.as_str(), done.signed.len()), (2, "standard", 2));

    for receipt in [&small, &large] {
        assert_eq!(town.content(receipt.message_id).await, (0, false, 0));
        let summary = town.summary(&town.b, receipt.message_id).await;
        assert_eq!(summary.standing, Some(State::Erased { before: MessageState::Accepted }));
        assert_eq!(summary.retention.unwrap().disposable_from, None);
        assert_eq!(town.story(receipt.case_id).await, ["A.1", "D.1", "E.1", "C.3", "V.8"]);
    }
    assert!(town.objects().await.is_empty());
    let (parts, key, said) = town.content(recent.message_id).await;
    assert!(parts == 2 && key && said > 0, "what was not due is as it was");

    let rows = town.audited().await;
    let erased = format!("message.erase done message:{}", small.message_id);
    assert_eq!(rows.iter().filter(|row| **row == erased).count(), 1);
    let object = format!("disposal_act:{}", act.act_id);
    let deeds: Vec<_> =
        rows.iter().filter(|row| row.ends_with(&object) && !row.starts_with("retention.read")).collect();
    let expected = ["disposal.draw", "disposal.sign", "disposal.sign", "disposal.execute"];
    assert_eq!(deeds, expected.map(|deed| format!("{deed} done {object}")).iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_case_is_proven_after_its_erasure_as_before() {
    let town = Town::new().await;
    let receipt = town.accepted_letter(b"a letter", "k").await;
    town.time_passes(Duration::days(2));
    town.signed_act("1", "standard").await;
    town.node.exchange.dispose_round(1).await.unwrap();
    let log = town.log();
    log.round().await.unwrap();
    let export = town.export(&town.a, receipt.case_id, &log).await;
    let (node, files) = ([town.signer.certificate().clone()], [(0, crypto::digest::sha256(b"a letter"))]);
    let now = storage::Clock::now(&*town.clock);
    let key = log.verifier();
    let known = Known { node: &node, log: Some(&key), files: &files, message: None, now };
    let found = check(&export.container, &known).unwrap();
    assert_eq!(found.findings, []);
    assert_eq!((found.statements.len(), found.logged, found.matched.len()), (5, 5, 1));
    let message = &found.manifest.messages[0];
    assert!(message.erased && message.acknowledgements.is_empty() && message.parts == receipt.parts);
    let said = found.statements.iter().find(|statement| statement.kind == EvidenceKind::ConsignmentAcceptance).unwrap();
    assert!(said.acknowledgement_sha256.is_some(), "whoever has the acknowledgement can still prove it");
    let archive =
        signing::asic::zip::Archive::read(export.container.as_slice(), &signing::asic::zip::Limits::default()).unwrap();
    let protocol = archive.entries().iter().find(|entry| entry.name() == "protocol.txt").unwrap();
    let protocol = String::from_utf8(archive.content(protocol, usize::MAX).unwrap()).unwrap();
    for told in ["вилучено: залишилися тільки дайджести", "erased: only its digests are left", "V.8"]
    {
        assert!(protocol.contains(told), "{told} is not in the protocol:\n{protocol}");
    }
}

/// A word that came before the erasure is still known after it.
#[tokio::test]
async fn what_is_erased_is_downloaded_no_more_and_a_repeated_acknowledgement_is_still_a_repeat() {
    let town = Town::new().await;
    let letter = Letter { key: "k".to_owned(), ..town.letter(b"a letter") };
    let receipt = town.submit(letter.clone()).await.unwrap().receipt;
    let lease = town.lease(&town.b).await;
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", None));
    let first = town.acknowledge(&town.b, receipt.message_id, lease.token, signed.clone()).await.unwrap();
    town.time_passes(Duration::days(2));
    town.signed_act("1", "standard").await;
    town.node.exchange.dispose_round(1).await.unwrap();
    assert_eq!(town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap(), first);
    assert_eq!(code(town.download(&town.b, receipt.message_id, 0, lease.token).await), ProblemCode::NotFound);
    // The sender's repeat brings the same receipt: the node did accept it.
    let again = town.submit(letter).await.unwrap();
    assert_eq!((again.receipt, again.replayed), (receipt, true));
}

/// Rule 4 of the house: a duplicate of a refused message never gets a receipt, also when it is erased.
#[tokio::test]
async fn a_repeat_of_what_was_refused_gets_no_receipt_after_its_erasure() {
    let town = Town::new().await;
    let letter = town.letter(b"a letter");
    let receipt = town.submit(letter.clone()).await.unwrap().receipt;
    let lease = town.lease_whole(&town.b).await;
    let word = acknowledgement(receipt.message_id, b"a letter", Some("not ours"));
    town.says(&town.b, &word, Some(lease.token)).await.unwrap();
    town.time_passes(Duration::days(2));
    town.signed_act("1", "standard").await;
    town.node.exchange.dispose_round(1).await.unwrap();
    let refusal = town.submit(letter).await.unwrap_err();
    assert_eq!(refusal.code, ProblemCode::SubmissionEnded);
    let last = town.proves(&refusal.evidence.unwrap());
    assert_eq!(last.state, Some(State::Erased { before: MessageState::Refused }));
}

#[tokio::test]
async fn a_hold_beats_an_act_that_was_made_before_it() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(2).await;
    town.time_passes(Duration::days(2));
    let act = town.signed_act("1", "standard").await;
    let hold = town.node.holds(HoldSubject::Message(receipts[0].message_id)).await.unwrap();
    town.node.exchange.dispose_round(10).await.unwrap();
    let result = town.node.act(act).await.result;
    let left = LeftMessage { message_id: receipts[0].message_id, why: WhyLeft::Held };
    assert_eq!((result.done, result.erased, result.left), (2, 1, vec![left]));
    assert_eq!(town.state_of(receipts[0].message_id).await, MessageState::Accepted);
    assert_eq!(town.state_of(receipts[1].message_id).await, MessageState::Erased);

    // Both parties see that it is held, operators why; no act names it.
    for party in [&town.a, &town.b] {
        assert!(town.summary(party, receipts[0].message_id).await.retention.unwrap().on_hold);
    }
    assert_eq!(code(town.node.draws("2", "standard").await), ProblemCode::NothingDue);
    let page = town.node.exchange.holds(may::<ReadRetention>(&town.node).await, false, None, 10).await.unwrap();
    assert_eq!(page.holds, std::slice::from_ref(&hold));
    let lifted = town.node.lifts(hold.hold_id).await.unwrap();
    assert_eq!(code(town.node.lifts(hold.hold_id).await), ProblemCode::HoldLifted);
    let page = town.node.exchange.holds(may::<ReadRetention>(&town.node).await, true, None, 10).await.unwrap();
    assert_eq!(page.holds, [lifted]);
    town.signed_act("2", "standard").await;
    town.node.exchange.dispose_round(10).await.unwrap();
    assert_eq!(town.state_of(receipts[0].message_id).await, MessageState::Erased);
    let erased = HoldSubject::Message(receipts[0].message_id);
    assert_eq!(code(town.node.holds(erased).await), ProblemCode::NothingToHold);
    let audited = town.audited().await;
    for deed in ["hold.place", "hold.lift"] {
        assert!(audited.contains(&format!("{deed} done message:{}", receipts[0].message_id)), "{deed}");
    }
}

/// The fate of a message is told before the transaction of its erasure; a hold between the two is found inside it.
#[tokio::test]
async fn a_hold_between_the_look_and_the_commit_wins() {
    let town = Town::new().await;
    let receipt = town.accepted_letters(1).await.remove(0);
    let id = receipt.message_id;
    let message = town.node.ledger.reader().read("message", move |tx| tables::read_message(tx, id)).await.unwrap();
    let deed = Deed::of_node(audit::Action::EraseMessage, serde_json::json!({}));
    let edge = town.node.exchange.edge(&message.unwrap(), &Step::Erase, deed).unwrap();
    town.node.holds(HoldSubject::Case(receipt.case_id)).await.unwrap();
    let taken = town.node.ledger.transact("erase", move |tx| {
        let appended = edge::take(tx, &edge, None)?.ok_or(storage::StoreError::Conflict)?;
        Ok::<_, storage::StoreError>(appended.with(()))
    });
    assert!(matches!(taken.await, Err(TxError::Refused(storage::StoreError::Conflict))));
    assert_eq!(town.state_of(id).await, MessageState::Accepted);
    assert_eq!(town.content(id).await.0, 2);
}

/// Both at once, again and again: either the hold was first and everything is there, or it hears that it is too late.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hold_and_an_erasure_at_once_one_is_first() {
    let town = Town::new().await;
    let mut outcomes = [0, 0];
    for round in 0..12 {
        let receipt = town.accepted_letter(format!("letter {round}").as_bytes(), &format!("race-{round}")).await;
        town.time_passes(Duration::days(2));
        let act = town.signed_act(&format!("act {round}"), "standard").await;
        let subject = HoldSubject::Message(receipt.message_id);
        let (disposed, held) = tokio::join!(town.node.exchange.dispose_round(1), town.node.holds(subject));
        assert_eq!(disposed.unwrap(), 1);
        let result = town.node.act(act).await.result;
        match held {
            Ok(_) => {
                outcomes[0] += 1;
                assert_eq!(result.left.first().map(|left| left.why), Some(WhyLeft::Held));
                assert_eq!(town.content(receipt.message_id).await.0, 2);
            }
            Err(refusal) => {
                outcomes[1] += 1;
                assert_eq!(refusal.code, ProblemCode::NothingToHold);
                assert_eq!((result.erased, town.content(receipt.message_id).await.0), (1, 0));
            }
        }
    }
    assert_eq!(outcomes[0] + outcomes[1], 12);
}

#[tokio::test]
async fn the_hold_of_a_case_is_of_what_comes_later_too_and_two_holds_are_two() {
    let town = Town::new().await;
    let first = town.accepted_letter(b"first", "k1").await;
    let of_case = town.node.holds(HoldSubject::Case(first.case_id)).await.unwrap();
    let of_message = town.node.holds(HoldSubject::Message(first.message_id)).await.unwrap();
    let mut letter = Letter { key: "k2".to_owned(), ..town.letter(b"second") };
    letter.envelope.case_id = Some(first.case_id);
    let second = town.submit(letter).await.unwrap().receipt;
    let on_hold = async |message| town.summary(&town.a, message).await.retention.unwrap().on_hold;
    assert_eq!((on_hold(first.message_id).await, on_hold(second.message_id).await), (true, true));
    town.node.lifts(of_case.hold_id).await.unwrap();
    assert_eq!((on_hold(first.message_id).await, on_hold(second.message_id).await), (true, false));
    town.node.lifts(of_message.hold_id).await.unwrap();
    assert!(!on_hold(first.message_id).await);
}

#[tokio::test]
async fn only_what_was_accepted_can_be_held_and_nothing_without_a_reason() {
    let town = Town::new().await;
    let nowhere = MessageId::from_parts(1, [1; 10]);
    assert_eq!(code(town.node.holds(HoldSubject::Message(nowhere)).await), ProblemCode::NotFound);
    let no_case = HoldSubject::Case(CaseId::from_parts(1, [1; 10]));
    assert_eq!(code(town.node.holds(no_case).await), ProblemCode::NotFound);
    assert_eq!(code(town.node.lifts(HoldId::from_parts(1, [1; 10])).await), ProblemCode::NotFound);
    let receipt = town.deliver(b"a letter", "k").await;
    let request = HoldRequest { subject: HoldSubject::Message(receipt.message_id), reason: " ".to_owned() };
    let refused = town.node.exchange.place_hold(may::<SetHold>(&town.node).await, request).await;
    assert_eq!(code(refused), ProblemCode::MalformedJson);
}

/// Whatever is written one day: the content of what is held cannot go.
#[tokio::test]
async fn no_statement_erases_what_is_held() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(2).await;
    town.node.holds(HoldSubject::Message(receipts[0].message_id)).await.unwrap();
    town.node.holds(HoldSubject::Case(receipts[1].case_id)).await.unwrap();
    let statements = ["DELETE FROM part", "UPDATE message SET key_envelope = NULL", "DELETE FROM legal_hold"];
    for sql in statements {
        let done = town.node.writer.run_tx("test", move |tx| tx.execute(sql, &[]).map(drop)).await;
        assert!(done.is_err(), "{sql}");
    }
    for receipt in &receipts {
        assert_eq!((town.content(receipt.message_id).await.0, town.content(receipt.message_id).await.1), (2, true));
    }
}

#[tokio::test]
async fn two_persons_sign_an_act_and_each_is_of_the_commission() {
    let town = Town::new().await;
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let stranger = issue(&town.pki, None, Usage::Signing, |profile| profile.rnokpp = Some("3333333333".to_owned()));
    for signer in [&stranger, &town.a.signer] {
        let refused = town.node.adds(act, town.signature(signer, act).await).await;
        assert_eq!(code(refused), ProblemCode::SignerNotOfCommission);
    }
    let first = town.signature(&town.commission[0], act).await;
    town.node.adds(act, first.clone()).await.unwrap();
    // The same bytes are a repeat; another signature of the same person, by whatever certificate, is none.
    assert_eq!(town.node.adds(act, first).await.unwrap().signatures, 1);
    for same in [0, 2] {
        assert_eq!(code(town.signs_act(same, act).await), ProblemCode::DisposalSamePerson);
    }
    assert_eq!(town.node.act(act).await.summary.state, ActState::Open);
    assert_eq!(town.signs_act(1, act).await.unwrap().state, ActState::Executing);
    assert_eq!(code(town.signs_act(2, act).await), ProblemCode::DisposalActClosed);
    assert_eq!(code(town.node.withdraws(act).await), ProblemCode::DisposalActClosed);
}

/// Two signatures that come at once are two, and those of one person are one.
#[tokio::test]
async fn signatures_that_come_at_once_count_as_they_would_one_after_the_other() {
    let town = Town::new().await;
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let (one, two) = tokio::join!(town.signs_act(0, act), town.signs_act(2, act));
    let refused = [one, two].into_iter().filter_map(Result::err).map(|refusal| refusal.code).collect::<Vec<_>>();
    assert_eq!(refused, [ProblemCode::DisposalSamePerson]);
    town.node.withdraws(act).await.unwrap();
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let (one, two) = tokio::join!(town.signs_act(0, act), town.signs_act(1, act));
    let states = [one.unwrap(), two.unwrap()].map(|signed| signed.signatures);
    assert!(states.contains(&1) && states.contains(&2), "{states:?}");
    assert_eq!(town.node.act(act).await.summary.state, ActState::Executing);
}

#[tokio::test]
async fn a_changed_act_has_no_signature_and_cannot_be_put_in_the_place_of_the_signed_one() {
    let town = Town::new().await;
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap().act_id;
    let document = STANDARD.decode(town.node.act(act).await.document).unwrap();
    let changed = String::from_utf8(document.clone()).unwrap().replace("вилучити", "вилучити усе");
    let refused = town.node.adds(act, town.signs(&town.commission[0], changed.as_bytes())).await;
    assert_eq!(code(refused), ProblemCode::SignatureOverOtherContent);
    let attached = town.cms(&town.commission[0], signing::cades::Content::Attached(&document));
    assert_eq!(code(town.node.adds(act, attached).await), ProblemCode::SignatureFormat);
    assert_eq!(code(town.node.adds(act, b"no signature".to_vec()).await), ProblemCode::SignatureUnreadable);
    town.pki.revoke(&town.commission[0].certificate, storage::Clock::now(&*town.clock) - Duration::hours(1), 1);
    assert_eq!(code(town.signs_act(0, act).await), ProblemCode::SignerRevoked);

    for sql in [
        "UPDATE disposal_document SET document = x'7b7d'",
        "UPDATE disposal_act SET sha256 = zeroblob(32)",
        "UPDATE disposal_act SET done = 1, state = 'executing'; UPDATE disposal_act SET done = 0",
        "DELETE FROM disposal_document",
        "DELETE FROM disposal_act",
    ] {
        let statements: Vec<&'static str> = sql.split("; ").collect();
        let done = town
            .node
            .writer
            .run_tx("test", move |tx| statements.iter().try_for_each(|sql| tx.execute(sql, &[]).map(drop)));
        assert!(done.await.is_err(), "{sql}");
    }
}

/// The process dies between two pieces: the next one goes on behind the last commit, and nothing is done twice.
#[tokio::test]
async fn an_act_goes_on_after_a_crash() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(70).await;
    town.time_passes(Duration::days(2));
    let act = town.signed_act("1", "standard").await;
    assert_eq!(town.node.exchange.dispose_round(1).await.unwrap(), 32);
    let result = town.node.act(act).await.result;
    assert_eq!((result.done, result.erased, result.executed_at), (32, 32, None));
    let next = town.another_process();
    assert_eq!(next.exchange.dispose_round(1).await.unwrap(), 32);
    assert_eq!(town.another_process().exchange.dispose_round(100).await.unwrap(), 6);
    let done = town.node.act(act).await;
    assert_eq!((done.summary.state, done.result.done, done.result.erased), (ActState::Executed, 70, 70));
    for receipt in &receipts {
        let story = town.story(receipt.case_id).await;
        assert_eq!(story.iter().filter(|kind| **kind == "V.8").count(), 1);
    }
    assert_eq!(town.rows().await[1], 0, "no part is left");
}

/// A crash between the commit and the removal of the objects: the sweep takes them.
#[tokio::test]
async fn what_a_crash_leaves_of_objects_the_sweep_takes() {
    let town = Town::new().await;
    let receipt = town.accepted_letter(&bytes(LARGE), "k").await;
    let objects = town.objects().await;
    let kept = town.node.objects.read(&objects[0]).await.unwrap().unwrap();
    town.time_passes(Duration::days(2));
    town.signed_act("1", "standard").await;
    town.node.exchange.dispose_round(1).await.unwrap();
    assert!(town.objects().await.is_empty());
    town.node.objects.put(&objects[0], kept).await.unwrap();
    // The age of an object is told by the clock of the machine, which is not the town's.
    town.clock.set(time::OffsetDateTime::now_utc() + Duration::hours(2));
    assert_eq!(town.node.exchange.sweep().await.unwrap(), 1);
    assert!(town.objects().await.is_empty());
    assert_eq!(town.content(receipt.message_id).await, (0, false, 0));
}

#[tokio::test]
async fn two_processes_carry_one_act_out_once() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(40).await;
    town.time_passes(Duration::days(2));
    let act = town.signed_act("1", "standard").await;
    let other = town.another_process();
    let (one, two) = tokio::join!(town.node.exchange.dispose_round(10), other.exchange.dispose_round(10));
    assert!(one.unwrap() + two.unwrap() >= 32);
    while town.node.exchange.dispose_round(10).await.unwrap() > 0 {}
    let result = town.node.act(act).await.result;
    assert_eq!((result.done, result.erased, result.left), (40, 40, vec![]));
    for receipt in &receipts {
        assert_eq!(town.story(receipt.case_id).await.iter().filter(|kind| **kind == "V.8").count(), 1);
    }
}

/// Between the act and its execution things move: only what is still due by what holds then is erased.
#[tokio::test]
async fn an_act_leaves_what_is_due_no_more_or_gone() {
    let town = Town::new().await;
    let receipts = town.accepted_letters(3).await;
    town.time_passes(Duration::days(2));
    let first = town.node.draws("1", "standard").await.unwrap().act_id;
    let second = town.signed_act("2", "standard").await;
    // Registered late: its days begin anew.
    let mut word = acknowledgement(receipts[0].message_id, b"letter 0", None);
    word.outcome = AcknowledgementOutcome::Registered;
    word.registration = Some(Registration { number: "17".to_owned(), date: "2026-11-26".to_owned() });
    town.says(&town.b, &word, None).await.unwrap();
    town.node.exchange.dispose_round(10).await.unwrap();
    let result = town.node.act(second).await.result;
    let left = |n: usize, why| LeftMessage { message_id: receipts[n].message_id, why };
    assert_eq!((result.erased, result.left), (2, vec![left(0, WhyLeft::NotDue)]));
    assert_eq!(town.state_of(receipts[0].message_id).await, MessageState::Registered);
    for member in [0, 1] {
        town.signs_act(member, first).await.unwrap();
    }
    town.node.exchange.dispose_round(10).await.unwrap();
    let result = town.node.act(first).await.result;
    let expected = vec![left(0, WhyLeft::NotDue), left(1, WhyLeft::Gone), left(2, WhyLeft::Gone)];
    assert_eq!((result.done, result.erased, result.left), (3, 0, expected));

    // The law lengthens the class between the second signature and the execution.
    town.time_passes(Duration::days(2));
    let third = town.signed_act("3", "standard").await;
    let classes = BTreeMap::from([("standard".parse().unwrap(), Keep::Days(20))]);
    let members = town.commission.iter().map(|member| member.certificate.clone()).collect();
    let longer = town.process_with(&Retention::new(classes, members).unwrap());
    longer.exchange.dispose_round(10).await.unwrap();
    assert_eq!(town.node.act(third).await.result.left, [left(0, WhyLeft::NotDue)]);
}

#[tokio::test]
async fn the_class_is_that_of_the_channel_at_the_acceptance() {
    let town = Town::new().await;
    town.channel_class("permanent").await;
    let permanent = town.accepted_letter(b"1", "k1").await;
    town.time_passes(Duration::minutes(1));
    town.channel_class("brief").await;
    let brief = town.accepted_letter(b"2", "k2").await;
    town.time_passes(Duration::minutes(1));
    town.open_channel(&town.a, &town.b, &["letter"]).await;
    let standard = town.accepted_letter(b"3", "k3").await;
    let told = async |receipt: &Receipt| {
        let retention = town.summary(&town.a, receipt.message_id).await.retention.unwrap();
        (retention.class.as_str().to_owned(), retention.disposable_from.is_some())
    };
    assert_eq!(told(&permanent).await, ("permanent".to_owned(), false));
    assert_eq!(told(&brief).await, ("brief".to_owned(), true));
    assert_eq!(told(&standard).await, ("standard".to_owned(), true));
    town.time_passes(Duration::days(1) + Duration::minutes(1));
    assert_eq!(town.node.all_due().await, [brief.message_id]);
    town.time_passes(Duration::days(1));
    assert_eq!(town.node.all_due().await, [brief.message_id, standard.message_id]);
    let of = |class: &str| DueQuery { class: Some(class.parse().unwrap()), limit: 10, ..DueQuery::default() };
    let ids = |page: DuePage| page.messages.into_iter().map(|due| due.message_id).collect::<Vec<_>>();
    assert_eq!(ids(town.node.due(of("brief")).await.unwrap()), [brief.message_id]);
    assert_eq!(ids(town.node.due(of("permanent")).await.unwrap()), []);
    assert_eq!(code(town.node.due(of("forever")).await), ProblemCode::UnknownRetentionClass);
    assert_eq!(code(town.node.draws("1", "permanent").await), ProblemCode::NothingDue);
    assert_eq!(code(town.node.draws("1", "forever").await), ProblemCode::UnknownRetentionClass);
}

/// A letter from somebody to somebody, refused by its recipient.
async fn refused(town: &Town, from: &Agency, to: &Agency, n: u8) -> Receipt {
    let document = [n; 8];
    let mut letter = Letter { key: format!("refused-{n}"), ..town.letter(&document) };
    letter.envelope.sender = from.edrpou;
    letter.envelope.recipient = to.mailbox.clone();
    letter.signature = town.signs(&from.signer, &document);
    let receipt = town.submit(letter).await.unwrap().receipt;
    let lease = town.lease_whole(to).await;
    let word = acknowledgement(receipt.message_id, &document, Some("not ours"));
    town.says(to, &word, Some(lease.token)).await.unwrap();
    receipt
}

#[tokio::test]
async fn what_is_due_is_listed_page_by_page_of_whom_one_asks() {
    let town = Town::new().await;
    let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
    for n in 0..3 {
        town.time_passes(Duration::milliseconds(2));
        to_b.push(refused(&town, &town.a, &town.b, n).await.message_id);
        to_a.push(refused(&town, &town.b, &town.a, n + 10).await.message_id);
    }
    let waits = town.deliver(b"waits", "waits").await.message_id;
    town.time_passes(Duration::days(3));
    let held = town.node.holds(HoldSubject::Message(to_b[1])).await.unwrap();
    let all: Vec<_> = to_a.iter().chain(&to_b).copied().collect();
    assert_eq!(town.node.all_due().await, all);
    assert!(!all.contains(&waits), "what has no outcome is not due");
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = town.node.due(DueQuery { after, limit: 2, ..DueQuery::default() }).await.unwrap();
        assert!(page.messages.len() <= 2);
        paged.extend(page.messages);
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(paged.iter().map(|due| due.message_id).collect::<Vec<_>>(), all);
    let on_hold: Vec<_> = paged.iter().filter(|due| due.on_hold).map(|due| due.message_id).collect();
    assert_eq!(on_hold, [to_b[1]]);
    assert!(!serde_json::to_string(&paged).unwrap().contains("not ours"), "nothing of what anybody said");
    let of_b = DueQuery { participant: Some(town.b.edrpou), limit: 100, ..DueQuery::default() };
    let of_b = town.node.due(of_b).await.unwrap();
    assert_eq!(of_b.messages.iter().map(|due| due.message_id).collect::<Vec<_>>(), to_b);
    let nowhere = DueQuery { after: Some(MessageId::from_parts(1, [1; 10])), limit: 1, ..DueQuery::default() };
    assert_eq!(code(town.node.due(nowhere).await), ProblemCode::MalformedQuery);

    let request = ActRequest { participant: Some(town.b.edrpou), most: Some(1), ..request() };
    let act = town.node.exchange.draw_act(may::<DisposeMessages>(&town.node).await, request).await.unwrap();
    assert_eq!(act.messages, 1);
    town.node.lifts(held.hold_id).await.unwrap();
}

/// What a recipient said in its own words is gone from the row, and stays in the evidence that is signed.
#[tokio::test]
async fn the_reason_of_a_refusal_goes_from_the_row_and_stays_in_its_evidence() {
    let town = Town::new().await;
    let receipt = refused(&town, &town.a, &town.b, 1).await;
    town.time_passes(Duration::days(2));
    town.signed_act("1", "standard").await;
    town.node.exchange.dispose_round(1).await.unwrap();
    let summary = town.summary(&town.a, receipt.message_id).await;
    assert_eq!(summary.standing, Some(State::Erased { before: MessageState::Refused }));
    let evidence = town.evidence(&town.a, receipt.case_id).await;
    let refusal = evidence.iter().find(|piece| piece.kind == EvidenceKind::ConsignmentRejection).unwrap();
    assert_eq!(refusal.reason.as_deref(), Some("not ours"));
}

#[tokio::test]
async fn numbers_of_acts_are_unique_until_one_is_withdrawn() {
    let town = Town::new().await;
    assert_eq!(code(town.node.draws("1", "standard").await), ProblemCode::NothingDue);
    town.accepted_letters(1).await;
    town.time_passes(Duration::days(2));
    let act = town.node.draws("1", "standard").await.unwrap();
    assert_eq!(code(town.node.draws("1", "standard").await), ProblemCode::DisposalNumberTaken);
    town.node.withdraws(act.act_id).await.unwrap();
    assert_eq!(code(town.node.withdraws(act.act_id).await), ProblemCode::DisposalActClosed);
    assert_eq!(code(town.signs_act(0, act.act_id).await), ProblemCode::DisposalActClosed);
    let again = town.node.draws("1", "standard").await.unwrap();
    let page = town.node.exchange.acts(may::<ReadRetention>(&town.node).await, None, 1).await.unwrap();
    assert_eq!(page.next_after, Some(act.act_id));
    assert_eq!(page.acts[0].state, ActState::Withdrawn);
    let page = town.node.exchange.acts(may::<ReadRetention>(&town.node).await, page.next_after, 1).await.unwrap();
    assert_eq!((page.acts, page.next_after), (vec![again], None));
    let nowhere = DisposalActId::from_parts(1, [1; 10]);
    assert_eq!(code(town.node.withdraws(nowhere).await), ProblemCode::NotFound);
    assert_eq!(code(town.node.adds(nowhere, Vec::new()).await), ProblemCode::NotFound);
}

#[test]
fn classes_and_a_commission_that_cannot_be_used_are_refused() {
    let pki = certs::dev::DevPki::new(super::town::NOON, Duration::days(60), "http://ocsp.example/").unwrap();
    let member = |name: &str, code: &str| {
        let identity = issue(&pki, None, Usage::Signing, |profile| {
            profile.common_name = name.to_owned();
            profile.rnokpp = Some(code.to_owned());
        });
        identity.certificate
    };
    let classes = |name: &str, keep| BTreeMap::from([(name.parse().unwrap(), keep)]);
    let usual = || classes("standard", Keep::Days(1));
    let with = |classes, commission| Retention::new(classes, commission).map(drop).unwrap_err();
    assert_eq!(with(classes("other", Keep::Permanent), vec![]), Unusable::NoDefault);
    for days in [0, 36_526] {
        assert_eq!(with(classes("standard", Keep::Days(days)), vec![]), Unusable::Days("standard".parse().unwrap()));
    }
    let many = (0..64).map(|n| (format!("c{n}").parse().unwrap(), Keep::Permanent)).chain(usual()).collect();
    assert_eq!(with(many, vec![]), Unusable::TooMany);
    let (one, renewed) = (member("one", "1111111111"), member("two", "1111111111"));
    assert_eq!(with(usual(), vec![one.clone()]), Unusable::Alone);
    assert_eq!(with(usual(), vec![one.clone(), renewed]), Unusable::Alone);
    let two = member("two", "2222222222");
    assert!(Retention::new(usual(), vec![one, two]).is_ok());
}

/// That no participant may is the policies' matter; here nobody else is asked.
#[tokio::test]
async fn nobody_but_operators_disposes() {
    let town = Town::new().await;
    let actors: [&Actor; 2] = [&town.a.actor, &town.b.actor];
    for actor in actors {
        assert!(town.node.access.decide::<DisposeMessages>(actor, ()).await.is_err());
        assert!(town.node.access.decide::<SetHold>(actor, ()).await.is_err());
        assert!(town.node.access.decide::<ReadRetention>(actor, ()).await.is_err());
    }
}
