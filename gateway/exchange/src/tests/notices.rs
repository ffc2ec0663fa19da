//! Stories of notices, with receivers that do as they are told.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Mutex;

use access::decide::{Permit, ReadSubscription, SetSubscription};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::{hex, hmac_sha256};
use schemas::MailboxId;
use schemas::message::MessageState;
use schemas::notice::*;
use time::{Duration, OffsetDateTime};

use super::town::{Agency, Letter, Node, Town, acknowledgement};
use crate::notices::*;
use crate::refusal::Refusal;

/// What a receiver does with what comes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mood {
    Takes,
    Answers(u16),
    /// Keeps the connection and says nothing.
    Hangs,
}

/// Everybody's receivers: what came, and how each behaves.
#[derive(Default)]
pub(super) struct Receivers {
    moods: Mutex<HashMap<MailboxId, Mood>>,
    came: Mutex<Vec<(MailboxId, Posting)>>,
}

impl Receivers {
    fn are(&self, receiver: &MailboxId, mood: Mood) {
        self.moods.lock().unwrap().insert(receiver.clone(), mood);
    }

    fn came(&self) -> Vec<(MailboxId, Posting)> {
        self.came.lock().unwrap().clone()
    }

    /// What came to a receiver: event and state.
    pub(super) fn told(&self, receiver: &MailboxId) -> Vec<(NoticeEvent, MessageState)> {
        let came = self.came();
        let mine = came.iter().filter(|(mailbox, _)| mailbox == receiver);
        mine.map(|(_, posting)| read(posting)).map(|notice| (notice.event, notice.state)).collect()
    }
}

fn read(posting: &Posting) -> Notice {
    serde_json::from_str(&posting.body).unwrap()
}

impl Poster for Receivers {
    fn permitted(&self, url: &str) -> Result<(), NotPermitted> {
        if url.starts_with("https://") { Ok(()) } else { Err(NotPermitted::Address("https only")) }
    }

    fn places(&self, _: &MailboxId, _: OffsetDateTime) -> u32 {
        2
    }

    fn post<'a>(
        &'a self,
        receiver: &'a MailboxId,
        posting: Posting,
        _: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotPosted>> + Send + 'a>> {
        self.came.lock().unwrap().push((receiver.clone(), posting));
        let mood = self.moods.lock().unwrap().get(receiver).copied().unwrap_or(Mood::Takes);
        Box::pin(async move {
            match mood {
                Mood::Takes => Ok(()),
                Mood::Answers(status) => Err(NotPosted::Answer(status)),
                Mood::Hangs => std::future::pending().await,
            }
        })
    }
}

pub(super) async fn subscribe(
    node: &Node,
    agency: &Agency,
    events: &[NoticeEvent],
    secret: Option<WebhookSecret>,
) -> Result<Subscription, Refusal> {
    let permit: Permit<SetSubscription> = node.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
    let request = SubscriptionRequest { url: "https://agency.example/".to_owned(), secret, events: events.to_vec() };
    node.exchange.subscribe(permit, request).await
}

async fn subscription(town: &Town, agency: &Agency) -> Subscription {
    let permit: Permit<ReadSubscription> =
        town.node.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
    town.node.exchange.subscription(permit).await.unwrap()
}

async fn unsubscribe(town: &Town, agency: &Agency) {
    let permit: Permit<SetSubscription> = town.node.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
    town.node.exchange.unsubscribe(permit).await.unwrap();
}

/// Posts what is due now, and waits for the ends.
pub(super) async fn round(node: &Node) -> usize {
    let courier = Courier::new(node.exchange.clone());
    let begun = courier.round().await.unwrap();
    courier.idle().await;
    begun
}

async fn kinds(town: &Town, case: schemas::CaseId) -> Vec<&'static str> {
    town.evidence(&town.a, case).await.iter().map(|statement| statement.kind.code()).collect()
}

#[tokio::test]
async fn a_recipient_is_told_and_that_is_stated() {
    let town = Town::new().await;
    let secret = subscribe(&town.node, &town.b, &NoticeEvent::ALL, None).await.unwrap().secret.unwrap();
    assert_eq!(subscription(&town, &town.b).await.secret, None, "shown once");
    let receipt = town.deliver(b"a letter", "k").await;
    assert_eq!(round(&town.node).await, 1);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Notified);
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.3"]);
    let (mailbox, posting) = town.receivers.came().pop().unwrap();
    assert_eq!((&mailbox, posting.url.as_str()), (&town.b.mailbox, "https://agency.example/"));
    // As a receiver verifies it.
    let secret = STANDARD.decode(secret.expose()).unwrap();
    let signed = format!("{}.{}", posting.timestamp, posting.body);
    assert_eq!(posting.signature, format!("v1={}", hex(&hmac_sha256(&secret, signed.as_bytes()))));
    assert_eq!(posting.timestamp, storage::Clock::now(&*town.clock).unix_timestamp());
    let notice = read(&posting);
    assert_eq!((notice.message_id, notice.case_id), (receipt.message_id, Some(receipt.case_id)));
    assert_eq!((notice.event, notice.state), (NoticeEvent::Consigned, MessageState::Consigned));
    assert!(town.has_event(notice.event_id).await);
    assert_eq!(round(&town.node).await, 0, "once");
    // The message is where it was: the recipient takes it out as ever.
    let lease = town.lease_whole(&town.b).await;
    assert_eq!(lease.messages[0].contents.len(), 2);
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.3", "E.1"]);
}

#[tokio::test]
async fn a_sender_is_told_how_it_ends_and_nobody_else_of_anything() {
    let town = Town::new().await;
    subscribe(&town.node, &town.a, &[NoticeEvent::Accepted, NoticeEvent::Expired], None).await.unwrap();
    subscribe(&town.node, &town.c, &NoticeEvent::ALL, None).await.unwrap();
    let receipt = town.deliver(b"a letter", "k").await;
    town.deliver(b"another", "k2").await;
    let lease = town.lease(&town.b).await;
    town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, b"a letter", None));
    town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    assert_eq!(round(&town.node).await, 1);
    for _ in 0..5 {
        town.time_passes(Duration::days(6));
        town.node.exchange.timer_round(10).await.unwrap();
    }
    round(&town.node).await;
    let expected = [(NoticeEvent::Accepted, MessageState::Accepted), (NoticeEvent::Expired, MessageState::Expired)];
    assert_eq!(town.receivers.told(&town.a.mailbox), expected);
    assert_eq!(town.receivers.came().len(), 2);
}

#[tokio::test]
async fn what_fails_is_repeated_under_its_id_and_stays_visible_in_the_end() {
    let town = Town::new().await;
    subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], None).await.unwrap();
    town.receivers.are(&town.b.mailbox, Mood::Answers(503));
    let receipt = town.deliver(b"a letter", "k").await;
    assert_eq!(round(&town.node).await, 1);
    assert_eq!(round(&town.node).await, 0, "not at once");
    town.time_passes(Duration::seconds(7));
    assert_eq!(round(&town.node).await, 1);
    let deliveries: Vec<_> = town.receivers.came().into_iter().map(|(_, posting)| posting.delivery).collect();
    assert_eq!(deliveries[0], deliveries[1]);
    let shown = subscription(&town, &town.b).await;
    assert_eq!((shown.waiting, shown.dead_letters.len()), (1, 0));
    let mut tries = 2;
    while subscription(&town, &town.b).await.waiting > 0 {
        town.time_passes(Duration::minutes(30));
        tries += round(&town.node).await;
    }
    assert!((40..110).contains(&tries), "{tries}");
    let shown = subscription(&town, &town.b).await;
    let [dead] = shown.dead_letters.as_slice() else { panic!("one dead letter") };
    assert_eq!((dead.delivery_id, dead.message_id), (deliveries[0], receipt.message_id));
    assert_eq!(dead.problem, "notice.answer_503");
    assert!(dead.failed_at - receipt.accepted_at >= Duration::days(3));
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.4"]);
    assert_eq!(town.summary(&town.a, receipt.message_id).await.state, MessageState::Consigned);
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_nobody_else() {
    let town = Town::new().await;
    subscribe(&town.node, &town.a, &[NoticeEvent::Consigned], None).await.unwrap();
    subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], None).await.unwrap();
    town.receivers.are(&town.b.mailbox, Mood::Hangs);
    for n in 0..10 {
        town.deliver(format!("letter {n}").as_bytes(), &format!("k{n}")).await;
    }
    let mut answer = Letter { key: "answer".to_owned(), ..town.letter(b"an answer") };
    answer.envelope.sender = town.b.edrpou;
    answer.envelope.recipient = town.a.mailbox.clone();
    answer.signature = town.signs(&town.b.signer, b"an answer");
    town.submit(answer).await.unwrap();
    let courier = Courier::new(town.node.exchange.clone());
    assert_eq!(courier.round().await.unwrap(), 3, "two places of the one that hangs, and the other's");
    let taken = async {
        while town.receivers.told(&town.a.mailbox).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), taken).await.unwrap();
    assert_eq!(courier.round().await.unwrap(), 0, "no more places for the one that hangs");
}

/// The worst moment: the receiver has it, and the process dies before that is on record.
#[tokio::test]
async fn a_notice_whose_courier_died_is_posted_again_under_its_id() {
    let town = Town::new().await;
    subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], None).await.unwrap();
    town.receivers.are(&town.b.mailbox, Mood::Hangs);
    let receipt = town.deliver(b"a letter", "k").await;
    let died = Courier::new(town.node.exchange.clone());
    assert_eq!(died.round().await.unwrap(), 1);
    while town.receivers.came().is_empty() {
        tokio::task::yield_now().await;
    }
    town.receivers.are(&town.b.mailbox, Mood::Takes);
    let another = town.another_process();
    assert_eq!(round(&another).await, 0, "it is in other hands");
    town.time_passes(Duration::seconds(60));
    assert_eq!(round(&another).await, 1);
    let deliveries: Vec<_> = town.receivers.came().into_iter().map(|(_, posting)| posting.delivery).collect();
    assert_eq!((deliveries.len(), deliveries[0]), (2, deliveries[1]));
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.3"]);
}

#[tokio::test]
async fn reminders_are_notices_one_a_day_that_falls_due() {
    let town = Town::new().await;
    subscribe(&town.node, &town.b, &[NoticeEvent::Consigned, NoticeEvent::Reminder], None).await.unwrap();
    town.receivers.are(&town.b.mailbox, Mood::Answers(500));
    let receipt = town.deliver(b"a letter", "k").await;
    round(&town.node).await;
    // The first reminder falls due while the first notice is still tried.
    town.time_passes(Duration::days(3) - Duration::hours(1));
    round(&town.node).await;
    town.time_passes(Duration::hours(1));
    town.node.exchange.timer_round(10).await.unwrap();
    town.receivers.are(&town.b.mailbox, Mood::Takes);
    town.time_passes(Duration::hours(2));
    assert_eq!(round(&town.node).await, 2);
    for _ in 0..3 {
        town.node.exchange.timer_round(10).await.unwrap();
        assert_eq!(round(&town.node).await, 0, "given once, whatever steps come between");
    }
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.3", "D.3"]);
    let term = town.summary(&town.a, receipt.message_id).await.standing.and_then(|state| state.term()).unwrap();
    assert_eq!(term.reminders, 1);
    // The second is never taken in; it counts all the same, and the third comes.
    town.receivers.are(&town.b.mailbox, Mood::Answers(500));
    town.time_passes(Duration::days(6));
    town.node.exchange.timer_round(10).await.unwrap();
    while subscription(&town, &town.b).await.waiting > 0 {
        round(&town.node).await;
        town.time_passes(Duration::hours(2));
        town.node.exchange.timer_round(10).await.unwrap();
    }
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.3", "D.3", "D.4"]);
    town.receivers.are(&town.b.mailbox, Mood::Takes);
    town.time_passes(Duration::days(3));
    town.node.exchange.timer_round(10).await.unwrap();
    round(&town.node).await;
    town.time_passes(Duration::days(7));
    town.node.exchange.timer_round(10).await.unwrap();
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.3", "D.3", "D.4", "D.3", "C.5"]);
}

#[tokio::test]
async fn who_takes_the_subscription_back_is_told_nothing_more_and_that_is_stated() {
    let town = Town::new().await;
    subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], None).await.unwrap();
    let receipt = town.deliver(b"a letter", "k").await;
    unsubscribe(&town, &town.b).await;
    round(&town.node).await;
    assert!(town.receivers.came().is_empty());
    assert_eq!(kinds(&town, receipt.case_id).await, ["A.1", "D.1", "D.4"]);
    let second = town.deliver(b"another", "k2").await;
    assert_eq!(round(&town.node).await, 0);
    assert_eq!(kinds(&town, second.case_id).await, ["A.1", "D.1"]);
}

#[tokio::test]
async fn another_process_hears_of_a_subscription() {
    let town = Town::new().await;
    let another = town.another_process();
    subscribe(&another, &town.b, &[NoticeEvent::Consigned], None).await.unwrap();
    town.node.exchange.refresh_subscriptions().await.unwrap();
    town.deliver(b"a letter", "k").await;
    assert_eq!(round(&another).await, 1);
}

#[tokio::test]
async fn a_fixed_address_gets_at_once_what_waits_and_secrets_are_checked() {
    let town = Town::new().await;
    subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], None).await.unwrap();
    town.receivers.are(&town.b.mailbox, Mood::Answers(404));
    town.deliver(b"a letter", "k").await;
    round(&town.node).await;
    town.receivers.are(&town.b.mailbox, Mood::Takes);
    assert_eq!(round(&town.node).await, 0);
    let own = WebhookSecret::new(STANDARD.encode([7; 32]));
    let answer = subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], Some(own)).await.unwrap();
    assert_eq!(answer.secret, None, "whoever brought it knows it");
    assert_eq!(round(&town.node).await, 1);
    let (_, posting) = town.receivers.came().pop().unwrap();
    let signed = format!("{}.{}", posting.timestamp, posting.body);
    assert_eq!(posting.signature, format!("v1={}", hex(&hmac_sha256(&[7; 32], signed.as_bytes()))));
    for wrong in ["", "c2hvcnQ=", "no base64"] {
        let secret = Some(WebhookSecret::new(wrong.to_owned()));
        let refusal = subscribe(&town.node, &town.b, &[NoticeEvent::Consigned], secret).await.unwrap_err();
        assert_eq!(refusal.code, schemas::ProblemCode::MalformedJson, "{wrong}");
    }
    assert!(subscribe(&town.node, &town.b, &[], None).await.is_err(), "of nothing");
}
