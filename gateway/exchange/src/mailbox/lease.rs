//! Leases: the recipient takes what waits; until the lease expires no one else is offered it.
//!
//! With `contents` the answer carries small messages whole. Then they are handed over by the lease itself: evidence E.1 of
//! all of them is committed in one transaction before the answer leaves, so that a recipient that has a document cannot have
//! it without the sender's proof, and one that lost the answer is offered the messages again when the lease has run out.

use access::Permit;
use access::decide::LeaseMessages;
use audit::{Action, Event, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::limits::{LEASE_CONTENT_BYTES, LEASE_MESSAGES, LEASE_SECONDS, LEASE_WAIT_SECONDS};
use schemas::message::{Lease, LeaseRequest, LeasedMessage, SealedPart};
use schemas::{LeaseToken, MessageId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, TxError};
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use super::download::{NotHanded, download_details, waits};
use crate::document_key::HandedKey;
use crate::edge::{self, Edge};
use crate::key_ring::KeyRing;
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{self, Held, Leased};

/// How often a handover is tried anew because a message moved meanwhile.
const TRIES: u32 = 8;

/// The sealed parts of one message, by number.
type Contents = Vec<(u8, Vec<u8>)>;

impl Exchange {
    /// Leases what waits in a mailbox, oldest first; where nothing does, waits for it as long as the request says. What was leased is in the audit entry; each message that is handed
    /// over with it has an entry of its own.
    ///
    /// # Errors
    /// `MalformedJson` where the request is out of bounds; `TooManyWaiting` where it would be held back and too many of the
    /// participant's are; otherwise when the store fails.
    pub async fn lease(&self, permit: Permit<LeaseMessages>, request: LeaseRequest) -> Result<Lease, Refusal> {
        let LeaseRequest { max_messages, seconds, contents, wait_seconds } = request;
        let bounded = (1..=LEASE_MESSAGES).contains(&max_messages) && (1..=LEASE_SECONDS).contains(&seconds);
        if !bounded || wait_seconds > LEASE_WAIT_SECONDS {
            let detail = format!(
                "max_messages: 1 to {LEASE_MESSAGES}, seconds: 1 to {LEASE_SECONDS}, wait_seconds: 0 to {LEASE_WAIT_SECONDS}"
            );
            return Err(Refusal::with_detail(ProblemCode::MalformedJson, detail));
        }
        let patience = Instant::now() + std::time::Duration::from_secs(wait_seconds.into());
        let (token, until, mut leased) = loop {
            let there = self.something_waits(&permit).await? || self.awaits(&permit, wait_seconds, patience).await?;
            let now = self.inner.clock.now();
            let (token, until) = (LeaseToken::fresh(now), now + Duration::seconds(i64::from(seconds)));
            if !there {
                return Ok(Lease { token, expires_at: until, messages: Vec::new() });
            }
            let leased = self.take_lease(&permit, token, until, now, max_messages).await?;
            // Another request may have been faster; then there is patience left for what comes next.
            if !leased.is_empty() || Instant::now() >= patience {
                break (token, until, leased);
            }
        };
        self.inner.lately.leased(leased.iter().map(|leased| &leased.message));
        let mut keys = self.handed_keys(&leased);
        let mut whole = Vec::new();
        if contents && !leased.is_empty() {
            whole = self.small_contents(&leased, &keys).await?;
            self.hand_over_all(permit.actor().pseudonym(), token, &mut leased, &mut whole).await?;
            let handed = leased.iter().zip(&whole).filter(|(_, contents)| contents.is_some());
            self.inner.lately.handed_over(handed.map(|(leased, _)| &leased.message), Held::new(token, until));
        }
        whole.resize(leased.len(), None);
        keys.resize_with(leased.len(), || HandedKey::Sealed);
        let messages = leased.into_iter().zip(whole).zip(keys);
        let messages = messages.map(|((leased, contents), key)| leased_message(leased, contents, key));
        Ok(Lease { token, expires_at: until, messages: messages.collect() })
    }

    /// Recipients ask again and again: where nothing waits, nothing is done that needed a record, and no commit is paid for.
    async fn something_waits(&self, permit: &Permit<LeaseMessages>) -> Result<bool, Refusal> {
        let (mailbox, now) = (permit.resource().clone(), self.inner.clock.now());
        let reader = self.inner.ledger.reader();
        Ok(reader.read("something_waits", move |tx| tables::something_waits(tx, &mailbox, now)).await?)
    }

    /// Waits until something is there: false where nothing came.
    async fn awaits(
        &self,
        permit: &Permit<LeaseMessages>,
        wait_seconds: u32,
        patience: Instant,
    ) -> Result<bool, Refusal> {
        if wait_seconds == 0 {
            return Ok(false);
        }
        let place = self.inner.waiting.enter(permit.resource())?;
        place.waits(patience, || self.something_waits(permit)).await
    }

    /// Answers all who wait for mail, now and from now on: for a node that stops.
    pub fn end_waiting(&self) {
        self.inner.waiting.close();
    }

    async fn take_lease(
        &self,
        permit: &Permit<LeaseMessages>,
        token: LeaseToken,
        until: OffsetDateTime,
        now: OffsetDateTime,
        most: u32,
    ) -> Result<Vec<Leased>, Refusal> {
        let (mailbox, actor) = (permit.resource().clone(), permit.actor().pseudonym());
        let seconds = (until - now).whole_seconds();
        let ledger = self.inner.ledger.clone();
        let leased = self.inner.ledger.transact("lease_messages", move |tx| {
            let leased = tables::lease(tx, &mailbox, token, until, now, most)?;
            // Here and not before: only now is it known what the entry must name.
            let ids: Vec<_> = leased.iter().map(|leased| leased.message.id).collect();
            let event = ledger.prepare(EventDraft {
                action: Action::LeaseMessages,
                actor: actor.clone(),
                object: Some(format!("mailbox:{mailbox}")),
                outcome: Outcome::Done,
                details: lease_details(&leased, &ids, seconds),
            });
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(leased))
        });
        Ok(leased.await?)
    }

    /// The contents of those messages that lie in their rows whole, until the answer would grow too large.
    async fn small_contents(&self, leased: &[Leased], keys: &[HandedKey]) -> Result<Vec<Option<Contents>>, Refusal> {
        let mut wanted: Vec<Option<(MessageId, usize)>> = Vec::with_capacity(leased.len());
        let mut room = LEASE_CONTENT_BYTES;
        for (place, leased) in leased.iter().enumerate() {
            if matches!(keys.get(place), Some(HandedKey::Unreadable(_))) {
                wanted.push(None);
                continue;
            }
            let size = leased.message.parts.iter().map(|part| part.sealed_size).sum::<u64>();
            wanted.push(room.checked_sub(size).map(|rest| {
                room = rest;
                (leased.message.id, leased.message.parts.len())
            }));
        }
        let contents = self.inner.ledger.reader().read("inline_parts", move |tx| {
            let mut found = Vec::with_capacity(wanted.len());
            for wanted in &wanted {
                let Some((message, count)) = wanted else {
                    found.push(None);
                    continue;
                };
                let parts = tables::inline_parts(tx, *message)?;
                found.push((parts.len() == *count).then_some(parts));
            }
            Ok(found)
        });
        Ok(contents.await?)
    }

    /// States E.1 of every message whose content the answer will carry, or that it is sent once more. A message that has
    /// moved meanwhile is neither stated nor sent.
    async fn hand_over_all(
        &self,
        actor: String,
        token: LeaseToken,
        leased: &mut [Leased],
        contents: &mut [Option<Contents>],
    ) -> Result<(), Refusal> {
        let mut places: Vec<usize> = (0..leased.len()).collect();
        places.retain(|place| contents.get(*place).is_some_and(Option::is_some));
        for _ in 0..TRIES {
            places = self.hand_over_some(&actor, token, leased, &places).await?;
            if places.is_empty() {
                return Ok(());
            }
            // A notice may have been put on record meanwhile: whoever leases because of one comes at that very moment.
            for place in &places {
                let Some(leased) = leased.get_mut(*place) else { continue };
                let (reader, id) = (self.inner.ledger.reader(), leased.message.id);
                let found = reader.read("read_message", move |tx| tables::read_message(tx, id)).await?;
                leased.message = found.ok_or(ProblemCode::Internal)?;
            }
            places.retain(|place| {
                let waits = leased.get(*place).is_some_and(|leased| waits(leased.message.standing()));
                if let (false, Some(contents)) = (waits, contents.get_mut(*place)) {
                    *contents = None;
                }
                waits
            });
        }
        places.iter().filter_map(|place| contents.get_mut(*place).map(Option::take)).for_each(drop);
        Ok(())
    }

    /// Hands over those of these places that have not moved, and answers which have.
    async fn hand_over_some(
        &self,
        actor: &str,
        token: LeaseToken,
        leased: &mut [Leased],
        places: &[usize],
    ) -> Result<Vec<usize>, Refusal> {
        let mut handovers = Vec::with_capacity(places.len());
        for (place, leased) in places.iter().filter_map(|place| Some((*place, leased.get(*place)?))) {
            handovers.push((place, self.handing(actor.to_owned(), &leased.message)?));
        }
        if handovers.is_empty() {
            return Ok(Vec::new());
        }
        let handed = self.inner.ledger.transact("hand_over_messages", move |tx| {
            let mut appended = None;
            let mut ends = Vec::with_capacity(handovers.len());
            for (place, handing) in &handovers {
                let (done, end) = match handing {
                    Handing::First(edge) => match edge::take(tx, edge, Some(token))? {
                        Some(done) => (Some(done), End::Handed(Box::new(edge.message.clone()))),
                        None => (None, End::Moved),
                    },
                    Handing::Again(event) => (Some(audit::append(tx, event)?), End::AsBefore),
                };
                appended = done.or(appended);
                ends.push((*place, end));
            }
            // Where every message has moved there is nothing to commit.
            appended.map(|appended| appended.with(ends)).ok_or(AllMoved::Moved)
        });
        match handed.await {
            Ok(ends) => {
                let mut moved = Vec::new();
                for (place, end) in ends {
                    match (leased.get_mut(place), end) {
                        (Some(leased), End::Handed(after)) => leased.message = *after,
                        (_, End::Moved) => moved.push(place),
                        _ => {}
                    }
                }
                Ok(moved)
            }
            Err(TxError::Refused(AllMoved::Moved)) => Ok(places.to_vec()),
            Err(TxError::Refused(AllMoved::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    fn handing(&self, actor: String, message: &Message) -> Result<Handing, Refusal> {
        if waits(message.standing()) {
            return match self.handover(actor, message, message.parts.first()) {
                Ok(edge) => Ok(Handing::First(Box::new(edge))),
                Err(NotHanded::Moved) => Err(ProblemCode::Internal.into()),
                Err(NotHanded::Store(error)) => Err(error.into()),
            };
        }
        Ok(Handing::Again(self.inner.ledger.prepare(EventDraft {
            action: Action::DownloadPart,
            actor,
            object: Some(message.object()),
            outcome: Outcome::Done,
            details: message.parts.first().map(download_details).unwrap_or_default(),
        })))
    }
}

/// What the audit entry says of a lease: the messages, and of which of them the node hands over the key.
fn lease_details(leased: &[Leased], ids: &[MessageId], seconds: i64) -> serde_json::Value {
    let is_held = |leased: &&Leased| leased.key_envelope.as_deref().is_some_and(KeyRing::is_envelope);
    let held: Vec<MessageId> = leased.iter().filter(is_held).map(|leased| leased.message.id).collect();
    let mut details = serde_json::json!({ "messages": ids, "seconds": seconds });
    if let (false, Some(details)) = (held.is_empty(), details.as_object_mut()) {
        details.insert("keys_handed".to_owned(), serde_json::json!(held));
    }
    details
}

/// What came of a message on its way into the answer.
enum End {
    /// It is the recipient's now, and stands so.
    Handed(Box<Message>),
    /// It was before.
    AsBefore,
    /// The lease on it is gone.
    Moved,
}

/// No message of a lease could be handed over.
enum AllMoved {
    Moved,
    Store(StoreError),
}

impl From<StoreError> for AllMoved {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A message on its way into the answer.
enum Handing {
    /// For the first time.
    First(Box<Edge>),
    /// It was handed over before, and is sent again.
    Again(Event),
}

fn leased_message(leased: Leased, contents: Option<Contents>, key: HandedKey) -> LeasedMessage {
    let sealed = |(number, bytes): (u8, Vec<u8>)| SealedPart { number, sealed: STANDARD.encode(bytes) };
    let (sealed_key, document_key, unreadable) = match key {
        HandedKey::Sealed => (leased.key_envelope, None, None),
        HandedKey::Open(key) => (None, Some(STANDARD.encode(key.expose())), None),
        HandedKey::Unreadable(code) => (None, None, Some(code.as_str().to_owned())),
    };
    LeasedMessage {
        summary: leased.message.summary(),
        earlier_leases: u32::try_from(leased.lease_count.saturating_sub(1)).unwrap_or(u32::MAX),
        parts: leased.message.parts,
        key_envelope: STANDARD.encode(sealed_key.unwrap_or_default()),
        document_key,
        unreadable,
        contents: contents.map(|contents| contents.into_iter().map(sealed).collect()).unwrap_or_default(),
    }
}
