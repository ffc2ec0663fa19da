//! The exchange against a model of it: random deeds of senders, recipients, operators, a commission and time, with crashes, repeats and
//! reordering; after each of them every message stands where the model says, and its evidence tells how it came there.

use std::collections::BTreeMap;

use certs::dev::{Identity, Usage};
use proptest::prelude::*;
use schemas::message::{
    Acknowledgement, AcknowledgementOutcome, HeldReceipt, Lease, MessageState, Receipt, Registration, State,
};
use schemas::retention::HoldSubject;
use schemas::{HoldId, LeaseToken, MessageId, ProblemCode};
use time::{Duration, OffsetDateTime};

use super::hold::held;
use super::town::{Letter, NOON, Node, Town, acknowledgement};
use crate::intake::{Accepted, Taken};
use crate::state::replay;

/// What happens. Letters are named by their place among those submitted so far.
#[derive(Debug, Clone)]
enum Deed {
    /// A hands in a new letter, of which the registry knows the mailbox or not.
    Submit {
        mailbox: bool,
    },
    /// A hands in a letter by a signer of whom nobody says anything yet.
    SubmitUnknown,
    /// The responder speaks of the signers of the letters that wait: of none, of one that holds, or of one that is revoked.
    Speak(Option<Spoken>),
    /// What waits is looked at again.
    Look,
    /// A process takes a look in hand and dies.
    LoseLook,
    /// A repeats a letter that waited, whatever became of it.
    RepeatHeld(usize),
    /// A has not heard the answer and sends the letter again.
    Repeat(usize),
    /// B leases what waits, with contents or without.
    Lease {
        contents: bool,
    },
    /// B downloads a letter with the lease that it had it by.
    Download(usize),
    /// B says something of a letter, perhaps not for the first time.
    Say(usize, Said),
    /// The process dies and another one goes on. Whatever it had in hand is lost.
    Crash,
    /// A carrier takes a job and is never heard of again.
    LoseCarrier,
    /// Carriers do what is due.
    Carry,
    /// An operator has a letter held, or lifts the last of its holds.
    Hold(usize),
    Lift(usize),
    /// An act over what is due is drawn up and signed; then perhaps a letter is held, and then it is carried out, by another process.
    Dispose(Option<usize>),
    /// The timers do what is due.
    Watch,
    /// So many hours pass.
    Wait(u16),
}

/// What the responder says of a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Good,
    Revoked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Accepted,
    Refused,
    Registered,
}

fn deed() -> impl Strategy<Value = Deed> {
    let said = prop_oneof![Just(Said::Accepted), Just(Said::Refused), Just(Said::Registered)];
    prop_oneof![
        4 => any::<bool>().prop_map(|mailbox| Deed::Submit { mailbox }),
        2 => Just(Deed::SubmitUnknown),
        2 => prop_oneof![Just(None), Just(Some(Spoken::Good)), Just(Some(Spoken::Revoked))].prop_map(Deed::Speak),
        3 => Just(Deed::Look),
        1 => Just(Deed::LoseLook),
        2 => (0..4_usize).prop_map(Deed::RepeatHeld),
        2 => (0..6_usize).prop_map(Deed::Repeat),
        4 => any::<bool>().prop_map(|contents| Deed::Lease { contents }),
        4 => (0..6_usize).prop_map(Deed::Download),
        6 => (0..6_usize, said).prop_map(|(letter, said)| Deed::Say(letter, said)),
        1 => Just(Deed::Crash),
        1 => Just(Deed::LoseCarrier),
        2 => Just(Deed::Carry),
        2 => Just(Deed::Watch),
        1 => (0..6_usize).prop_map(Deed::Hold),
        1 => (0..6_usize).prop_map(Deed::Lift),
        2 => proptest::option::of(0..6_usize).prop_map(Deed::Dispose),
        2 => prop_oneof![Just(1_u16), Just(80), Just(520)].prop_map(Deed::Wait),
    ]
}

/// A letter as the model has it.
struct Expected {
    letter: Letter,
    receipt: Receipt,
    state: MessageState,
    /// When its term ends, once it is in the mailbox.
    until: Option<OffsetDateTime>,
    /// The lease that B last had it by, and its end.
    lease: Option<(LeaseToken, OffsetDateTime)>,
    /// Its words that counted.
    said: Vec<Said>,
    /// How it ended, and when, once it has.
    ended: Option<(MessageState, OffsetDateTime)>,
    /// What holds it.
    holds: Vec<HoldId>,
}

impl Expected {
    fn ends(&mut self, state: MessageState, now: OffsetDateTime) {
        self.state = state;
        self.ended = Some((state, now));
    }
}

/// A letter that waited, or still does.
struct Waiting {
    letter: Letter,
    signer: Identity,
    receipt: HeldReceipt,
    spoken: Option<Spoken>,
    /// Whoever looked at it last holds it until then.
    looked_at_until: Option<OffsetDateTime>,
    /// The code of its rejection; None while it waits, and once it is a letter like any other.
    rejected: Option<ProblemCode>,
    accepted: bool,
}

struct World {
    town: Town,
    node: Node,
    letters: Vec<Expected>,
    waiting: Vec<Waiting>,
    /// Jobs that a dead carrier holds: nothing happens to their letters until then.
    held_until: BTreeMap<usize, OffsetDateTime>,
    /// Acts so far.
    acts: u32,
}

const LEASE_SECONDS: u32 = 1800;

const HOLD_HOURS: u32 = 100;

/// A lost look holds its job for so long.
const LOST_LOOK: Duration = Duration::minutes(30);

impl World {
    async fn new() -> Self {
        let town = Town::new().await;
        town.letters_wait(HOLD_HOURS).await;
        let node = town.another_process();
        Self { town, node, letters: Vec::new(), waiting: Vec::new(), held_until: BTreeMap::new(), acts: 0 }
    }

    fn now(&self) -> OffsetDateTime {
        storage::Clock::now(&*self.town.clock)
    }

    async fn happens(&mut self, deed: &Deed) {
        // No two moments are the same, so that the order of everything is told by its time.
        self.town.time_passes(Duration::milliseconds(7));
        match deed {
            Deed::Submit { mailbox } => self.submit(*mailbox).await,
            Deed::SubmitUnknown => self.submit_unknown().await,
            Deed::Speak(spoken) => self.speak(*spoken),
            Deed::Look => self.look().await,
            Deed::LoseLook => self.lose_look().await,
            Deed::RepeatHeld(place) => self.repeat_held(*place).await,
            Deed::Repeat(place) => self.repeat(*place).await,
            Deed::Lease { contents } => self.lease(*contents).await,
            Deed::Download(place) => self.download(*place).await,
            Deed::Say(place, said) => self.say(*place, *said).await,
            Deed::Crash => self.node = self.town.another_process(),
            Deed::LoseCarrier => self.lose_carrier().await,
            Deed::Carry => self.carry().await,
            Deed::Hold(place) => self.hold(*place).await,
            Deed::Lift(place) => self.lift(*place).await,
            Deed::Dispose(held) => self.dispose(*held).await,
            Deed::Watch => self.watch().await,
            Deed::Wait(hours) => self.wait(Duration::hours(i64::from(*hours))),
        }
    }

    /// Not past the end of the certificates: those have tests of their own.
    fn wait(&self, time: Duration) {
        if self.now() + time < NOON + Duration::days(29) {
            self.town.time_passes(time);
        }
    }

    async fn submit(&mut self, mailbox: bool) {
        let number = self.letters.len();
        let text = format!("letter {number}");
        let letter = Letter { key: format!("key-{number}"), ..self.town.letter(text.as_bytes()) };
        let receipt = if mailbox {
            self.town.submit_at(&self.node, letter.clone()).await.unwrap().receipt
        } else {
            let receipt = self.town.submit_while_the_mailbox_is_gone(vec![letter.clone()]).await.remove(0);
            self.town.the_mailbox_is_back().await;
            self.town.letters_wait(HOLD_HOURS).await;
            receipt
        };
        let state = if mailbox { MessageState::Consigned } else { MessageState::Validated };
        let until = mailbox.then(|| self.now() + Duration::days(21));
        self.letters.push(Expected {
            letter,
            receipt,
            state,
            until,
            lease: None,
            said: Vec::new(),
            ended: None,
            holds: Vec::new(),
        });
    }

    /// Not so late that the signer's certificate ends before the hours are over.
    async fn submit_unknown(&mut self) {
        if self.now() > NOON + Duration::days(20) {
            return;
        }
        let number = self.waiting.len();
        let text = format!("unknown {number}");
        let signer = self.town.issue(&self.town.a, Usage::Signing, |_| ());
        self.town.responder_is_silent_about(&signer.certificate);
        let signature = self.town.signs(&signer, text.as_bytes());
        let letter = Letter { key: format!("unknown-{number}"), signature, ..self.town.letter(text.as_bytes()) };
        let (receipt, replayed) = held(self.node.hand_in(&self.town.a.actor, letter.clone()).await.unwrap());
        assert!(!replayed);
        assert_eq!(receipt.until, self.now() + Duration::hours(i64::from(HOLD_HOURS)));
        let (spoken, looked_at_until, rejected, accepted) = (None, None, None, false);
        self.waiting.push(Waiting { letter, signer, receipt, spoken, looked_at_until, rejected, accepted });
    }

    /// Once a signer was spoken of, that stays so.
    fn speak(&mut self, spoken: Option<Spoken>) {
        let now = self.now();
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.spoken.is_none()) {
            if spoken == Some(Spoken::Revoked) {
                self.town.pki.revoke(&waiting.signer.certificate, now, 1);
            }
            if spoken.is_some() {
                self.town.responder_speaks_again_about(&waiting.signer.certificate);
            }
            waiting.spoken = spoken;
        }
    }

    /// After a pause that is longer than any between two looks: then everything that nobody has in hand is looked at.
    async fn look(&mut self) {
        if self.now() > NOON + Duration::days(28) {
            return;
        }
        self.town.time_passes(Duration::minutes(40));
        while self.node.exchange.hold_round(100).await.unwrap() > 0 {}
        let now = self.now();
        let mut accepted = Vec::new();
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.accepted && waiting.rejected.is_none()) {
            let in_hand = waiting.looked_at_until.is_some_and(|until| until > now);
            match waiting.spoken {
                _ if in_hand || waiting.receipt.until <= now => {}
                None => {}
                Some(Spoken::Revoked) => waiting.rejected = Some(ProblemCode::SignerRevoked),
                Some(Spoken::Good) => {
                    waiting.accepted = true;
                    accepted.push(waiting.letter.clone());
                }
            }
        }
        for letter in accepted {
            self.is_a_letter_now(letter).await;
        }
    }

    /// What was accepted goes on like a letter that never waited.
    async fn is_a_letter_now(&mut self, letter: Letter) {
        let taken = self.node.hand_in(&self.town.a.actor, letter.clone()).await.unwrap();
        let Taken::Accepted(Accepted { receipt, replayed: true }) = taken else { panic!("{taken:?}") };
        let until = Some(self.now() + Duration::days(21));
        self.letters.push(Expected {
            letter,
            receipt,
            state: MessageState::Consigned,
            until,
            lease: None,
            said: Vec::new(),
            ended: None,
            holds: Vec::new(),
        });
    }

    async fn lose_look(&mut self) {
        let now = self.now();
        let jobs = storage::jobs::claim(&self.node.writer, "hold", 1, LOST_LOOK, now).await.unwrap();
        for job in jobs {
            let message = MessageId::from_bytes(&job.subject).unwrap();
            let lost = self.waiting.iter_mut().find(|waiting| waiting.receipt.message_id == message).unwrap();
            lost.looked_at_until = Some(now + LOST_LOOK);
        }
    }

    async fn repeat_held(&mut self, place: usize) {
        let Some(waiting) = self.waiting.get(place) else { return };
        // Its key is remembered for a week after the last hour of waiting.
        if waiting.accepted || self.now() - waiting.receipt.until >= Duration::days(7) {
            return;
        }
        let answer = self.node.hand_in(&self.town.a.actor, waiting.letter.clone()).await;
        match waiting.rejected {
            Some(_) => assert_eq!(answer.unwrap_err().code, ProblemCode::SubmissionEnded),
            None => assert_eq!(held(answer.unwrap()), (waiting.receipt.clone(), true)),
        }
    }

    async fn repeat(&mut self, place: usize) {
        let Some(expected) = self.letters.get(place) else { return };
        // After a week the key is forgotten; such a sender asks first.
        if self.now() - expected.receipt.accepted_at >= Duration::days(7) {
            return;
        }
        let answer = self.town.submit_at(&self.node, expected.letter.clone()).await;
        let ended = expected.ended.map(|(state, _)| state);
        if matches!(ended, Some(MessageState::Refused | MessageState::Expired)) {
            assert_eq!(answer.unwrap_err().code, ProblemCode::SubmissionEnded);
        } else {
            let accepted = answer.unwrap();
            assert!(accepted.replayed);
            assert_eq!(accepted.receipt, expected.receipt, "the same receipt, and no other");
        }
    }

    fn is_leased(&self, expected: &Expected) -> bool {
        expected.lease.is_some_and(|(_, until)| self.now() < until)
    }

    async fn lease(&mut self, contents: bool) {
        let waiting: Vec<MessageId> = self
            .letters
            .iter()
            .filter(|letter| matches!(letter.state, MessageState::Consigned | MessageState::HandedOver))
            .filter(|letter| !self.is_leased(letter))
            .map(|letter| letter.receipt.message_id)
            .collect();
        let lease: Lease = self.town.lease_at(&self.node, LEASE_SECONDS, contents).await;
        let mut leased: Vec<_> = lease.messages.iter().map(|message| message.summary.message_id).collect();
        leased.sort();
        let mut expected = waiting;
        expected.sort();
        assert_eq!(leased, expected, "everything that waits, and nothing else");
        for letter in self.letters.iter_mut().filter(|letter| expected.contains(&letter.receipt.message_id)) {
            letter.lease = Some((lease.token, lease.expires_at));
            if contents {
                letter.state = MessageState::HandedOver;
            }
        }
    }

    async fn download(&mut self, place: usize) {
        let now = self.now();
        let Some(expected) = self.letters.get_mut(place) else { return };
        let Some((token, until)) = expected.lease else { return };
        let message = expected.receipt.message_id;
        let answer = self.node.download(&self.town.b, message, 0, token, None).await;
        match expected.state {
            MessageState::Consigned | MessageState::HandedOver if now < until => {
                answer.unwrap();
                expected.state = MessageState::HandedOver;
            }
            MessageState::Consigned | MessageState::HandedOver => {
                assert_eq!(answer.unwrap_err().code, ProblemCode::LeaseNotHeld);
            }
            MessageState::Erased => assert_eq!(answer.unwrap_err().code, ProblemCode::NotFound),
            _ => assert_eq!(answer.unwrap_err().code, ProblemCode::AlreadyFinal),
        }
    }

    async fn say(&mut self, place: usize, said: Said) {
        let now = self.now();
        let Some(expected) = self.letters.get_mut(place) else { return };
        let Some((token, until)) = expected.lease else { return };
        let word = word(expected, said);
        let answer = self.town.says_at(&self.node, &word, token).await;
        let refused = match (expected.state, said) {
            // The same word again, the same answer.
            (_, said) if expected.said.contains(&said) => None,
            (MessageState::Consigned | MessageState::HandedOver, _) if now >= until => Some(ProblemCode::LeaseNotHeld),
            (MessageState::Consigned, _) => Some(ProblemCode::NotHandedOver),
            (MessageState::HandedOver, _) | (MessageState::Accepted, Said::Registered) => None,
            _ => Some(ProblemCode::AlreadyFinal),
        };
        assert_eq!(answer.as_ref().err().map(|refusal| refusal.code), refused, "{said:?} of {:?}", expected.state);
        let state = match said {
            Said::Accepted => MessageState::Accepted,
            Said::Refused => MessageState::Refused,
            Said::Registered => MessageState::Registered,
        };
        if refused.is_none() && !expected.said.contains(&said) {
            expected.said.push(said);
            expected.ends(state, now);
        }
    }

    async fn lose_carrier(&mut self) {
        let now = self.now();
        let lease = Duration::minutes(30);
        let jobs = storage::jobs::claim(&self.node.writer, "deliver", 1, lease, now).await.unwrap();
        for job in jobs {
            let message = MessageId::from_bytes(&job.subject).unwrap();
            let place = self.letters.iter().position(|letter| letter.receipt.message_id == message).unwrap();
            self.held_until.insert(place, now + lease);
        }
    }

    async fn carry(&mut self) {
        let now = self.now();
        self.node.exchange.deliver_round(100).await.unwrap();
        let held = &self.held_until;
        for (place, letter) in self.letters.iter_mut().enumerate() {
            let free = held.get(&place).is_none_or(|until| *until <= now);
            if letter.state == MessageState::Validated && free {
                letter.state = MessageState::Consigned;
                letter.until = Some(now + Duration::days(21));
            }
        }
    }

    async fn watch(&mut self) {
        let now = self.now();
        while self.node.exchange.timer_round(100).await.unwrap() > 0 {}
        for waiting in self.waiting.iter_mut().filter(|waiting| !waiting.accepted && waiting.rejected.is_none()) {
            if waiting.receipt.until <= now {
                waiting.rejected = Some(ProblemCode::SignerStatusUnknown);
            }
        }
        for letter in &mut self.letters {
            let open = matches!(letter.state, MessageState::Consigned | MessageState::HandedOver);
            if open && letter.until.is_some_and(|until| until <= now) {
                letter.ends(MessageState::Expired, now);
            }
        }
    }

    async fn hold(&mut self, place: usize) {
        let Some(expected) = self.letters.get_mut(place) else { return };
        let subject = HoldSubject::Message(expected.receipt.message_id);
        let answer = self.node.holds(subject).await;
        if expected.state == MessageState::Erased {
            assert_eq!(answer.unwrap_err().code, ProblemCode::NothingToHold);
        } else {
            expected.holds.push(answer.unwrap().hold_id);
        }
    }

    async fn lift(&mut self, place: usize) {
        let Some(hold) = self.letters.get_mut(place).and_then(|expected| expected.holds.pop()) else { return };
        self.node.lifts(hold).await.unwrap();
    }

    async fn dispose(&mut self, held: Option<usize>) {
        let now = self.now();
        let is_over = |(_, at): &(MessageState, OffsetDateTime)| *at + Duration::days(2) <= now;
        let is_due = |letter: &&Expected| {
            letter.state != MessageState::Erased && letter.holds.is_empty() && letter.ended.is_some_and(|e| is_over(&e))
        };
        let due: Vec<MessageId> = self.letters.iter().filter(is_due).map(|letter| letter.receipt.message_id).collect();
        self.acts += 1;
        let drawn = self.node.draws(&format!("act {}", self.acts), "standard").await;
        if due.is_empty() {
            assert_eq!(drawn.unwrap_err().code, ProblemCode::NothingDue);
            return;
        }
        let act = drawn.unwrap();
        assert_eq!(usize::try_from(act.messages).unwrap(), due.len(), "all that is due, and nothing else");
        for member in [0, 1] {
            self.town.signs_act(member, act.act_id).await.unwrap();
        }
        if let Some(place) = held {
            self.hold(place).await;
        }
        self.node = self.town.another_process();
        while self.node.exchange.dispose_round(1).await.unwrap() > 0 {}
        for letter in self.letters.iter_mut().filter(|letter| due.contains(&letter.receipt.message_id)) {
            if letter.holds.is_empty() {
                letter.state = MessageState::Erased;
            }
        }
    }

    /// Nothing lost, nothing twice, everything proven.
    async fn holds(&self) {
        for expected in &self.letters {
            let message = expected.receipt.message_id;
            let found = self.town.summary(&self.town.a, message).await;
            assert_eq!(found.state, expected.state, "{message}");
            let evidence = self.town.evidence(&self.town.a, expected.receipt.case_id).await;
            let story = evidence.iter().map(|piece| (piece.step.unwrap(), piece.kind, piece.state.as_ref().unwrap()));
            assert_eq!(replay(story), Ok(found.standing), "{message}");
            for piece in &evidence {
                assert_eq!(piece.parts, expected.receipt.parts);
                assert!(self.town.has_event(piece.event_id).await, "evidence without its audit row");
            }
            let handovers = evidence.iter().filter(|piece| piece.kind.code() == "E.1").count();
            assert!(handovers <= 1, "handed over twice");
        }
        for waiting in self.waiting.iter().filter(|waiting| !waiting.accepted) {
            let Some(standing) = self.town.summary(&self.town.a, waiting.receipt.message_id).await.standing else {
                panic!("no standing")
            };
            let expected = match waiting.rejected {
                Some(code) => State::Rejected { reason: code.as_str().to_owned() },
                None => State::Submitted { missing: waiting.receipt.missing.clone(), until: waiting.receipt.until },
            };
            assert_eq!(standing, expected);
        }
        let (letters, waiting) = (self.letters.len(), self.waiting.iter().filter(|waiting| !waiting.accepted));
        let still = waiting.clone().filter(|waiting| waiting.rejected.is_none()).count();
        let erased = self.letters.iter().filter(|letter| letter.state == MessageState::Erased).count();
        let [found, parts, ..] = self.town.rows().await;
        let count = |letters: usize| i64::try_from(letters).unwrap();
        assert_eq!((found, parts), (count(letters + waiting.count()), count(2 * (letters - erased + still))));
    }
}

fn word(expected: &Expected, said: Said) -> Acknowledgement {
    let message = expected.receipt.message_id;
    let document: Vec<u8> = expected.letter.chunks.iter().flat_map(|chunk| chunk.clone().unwrap()).collect();
    let reason = (said == Said::Refused).then_some("not ours");
    let plain = acknowledgement(message, &document, reason);
    match said {
        Said::Accepted | Said::Refused => plain,
        Said::Registered => Acknowledgement {
            outcome: AcknowledgementOutcome::Registered,
            registration: Some(Registration { number: "17".to_owned(), date: "2026-11-26".to_owned() }),
            ..plain
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_message_stands_where_the_model_says(deeds in proptest::collection::vec(deed(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for deed in &deeds {
                world.happens(deed).await;
                world.holds().await;
            }
        });
    }
}
