//! Retention: what falls due, what is held, acts that two people sign, and what is left when they were carried out.

mod acts;
mod due;
mod holds;

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
    assert_eq!(code(town.download(&town.b, receipt.message_id, 0, lease.token).await), ProblemCode::KeyDestroyed);
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
