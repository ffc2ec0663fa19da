//! The courier: posts notices, each receiver for itself.
//!
//! A round finds the receivers that something is due for, and leases for each what it has places for; posting goes on
//! beside the rounds. So a receiver that hangs holds its own places and nobody else's, and one that fails rests by itself.
//! A lease ends by itself where the process dies between the post and the commit: the notice is posted once more, under
//! the same delivery id, and its step is taken once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use audit::Action;
use crypto::digest::{hex, hmac_sha256};
use futures_util::future::join_all;
use schemas::limits::NOTICE_HOURS;
use schemas::message::State;
use schemas::notice::NoticeEvent;
use schemas::{LeaseToken, MailboxId, MessageId, NoticeId};
use storage::ids::FreshId;
use storage::{StoreError, Tx, TxError};
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use super::{NotPosted, Posting};
use crate::edge::{self, Deed, NoEdge};
use crate::message::Message;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables;

/// How long one try may take with all that belongs to it, before another process may try.
const LEASE: Duration = Duration::seconds(60);

/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::seconds(5);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::hours(1);

/// Notices on their way at once, to all receivers together: some sixty that hang leave room for others.
const EVERYBODY: u32 = 256;

/// How often the step of a notice is tried anew because the message moved meanwhile.
const TRIES: u32 = 8;

/// A leased notice.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: NoticeId,
    pub(crate) mailbox: MailboxId,
    pub(crate) message: MessageId,
    pub(crate) event: NoticeEvent,
    pub(crate) reminders: u8,
    pub(crate) body: String,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) attempts: u32,
    pub(crate) token: LeaseToken,
}

/// How a notice ends.
#[derive(Clone, Copy)]
enum End {
    /// Its receiver took it in.
    Taken,
    /// It was tried for too long; it stays as a dead letter.
    Dead(NotPosted),
    /// Nobody waits for it any more.
    Dropped,
}

/// Why an end was not committed.
#[derive(Debug, thiserror::Error)]
enum NotEnded {
    #[error("the lease was lost")]
    LeaseLost,
    #[error("the message moved")]
    Moved,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("evidence cannot be signed: {0}")]
    Signing(#[from] crypto::key::KeyError),
}

impl From<TxError<NotEnded>> for NotEnded {
    fn from(error: TxError<NotEnded>) -> Self {
        match error {
            TxError::Refused(error) => error,
            TxError::Store(error) => Self::Store(error),
        }
    }
}

/// The courier. Cheap to clone; clones share what is on its way.
#[derive(Clone)]
pub struct Courier {
    exchange: Exchange,
    running: Arc<Running>,
}

/// How many notices are on their way, by receiver.
#[derive(Default)]
struct Running {
    by_receiver: Mutex<HashMap<MailboxId, u32>>,
    ended: Notify,
}

/// One place on the way to a receiver; given back on drop, also by a task that panics.
struct Place {
    running: Arc<Running>,
    receiver: MailboxId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.running.by_receiver.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.receiver) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                running.remove(&self.receiver);
            }
        }
        drop(running);
        self.running.ended.notify_waiters();
    }
}

impl Running {
    /// Takes places for a receiver: as many as are free of `most`.
    fn take(self: &Arc<Self>, receiver: &MailboxId, most: u32) -> Vec<Place> {
        let mut running = self.by_receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let everybody = running.values().sum::<u32>();
        let here = running.get(receiver).copied().unwrap_or_default();
        let free = most.saturating_sub(here).min(EVERYBODY.saturating_sub(everybody));
        if free > 0 {
            running.insert(receiver.clone(), here + free);
        }
        let place = |_| Place { running: Arc::clone(self), receiver: receiver.clone() };
        (0..free).map(place).collect()
    }

    fn is_empty(&self) -> bool {
        self.by_receiver.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Courier {
    /// A courier of the exchange.
    #[must_use]
    pub fn new(exchange: Exchange) -> Self {
        Self { exchange, running: Arc::default() }
    }

    /// One round: begins to post what is due and has a place. Returns how many were begun.
    ///
    /// # Errors
    /// When the store fails. A notice that fails is tried again later and holds up no other.
    pub async fn round(&self) -> Result<usize, StoreError> {
        self.exchange.refresh_subscriptions().await?;
        let inner = &self.exchange.inner;
        let now = inner.clock.now();
        let receivers = inner.ledger.reader().read("notice_receivers", move |tx| tables::receivers(tx, now)).await?;
        let begun = join_all(receivers.iter().map(|receiver| self.begin(receiver, now))).await;
        begun.into_iter().sum()
    }

    /// Resolves when one that is on its way comes to its end: a place is free.
    pub async fn ended(&self) {
        self.running.ended.notified().await;
    }

    /// Resolves when nothing is on its way.
    pub async fn idle(&self) {
        loop {
            let ended = self.running.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.running.is_empty() {
                return;
            }
            ended.await;
        }
    }

    async fn begin(&self, receiver: &MailboxId, now: OffsetDateTime) -> Result<usize, StoreError> {
        let inner = &self.exchange.inner;
        // What nobody subscribes to any more is not posted, so it waits for no rest.
        let subscribed = inner.subscriptions.current().get(receiver).is_some();
        let most = if subscribed { inner.poster.places(receiver, now) } else { 4 };
        let mut places = self.running.take(receiver, most);
        let Ok(limit @ 1..) = u32::try_from(places.len()) else { return Ok(0) };
        let (token, mailbox) = (LeaseToken::fresh(now), receiver.clone());
        let claim = move |tx: &mut Tx<'_>| tables::claim_notices(tx, &mailbox, token, now + LEASE, now, limit);
        let claimed: Vec<Due> = inner.jobs.run_tx("claim_notices", claim).await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })?;
        let count = claimed.len();
        for (due, place) in claimed.into_iter().zip(places.drain(..)) {
            let courier = self.clone();
            tokio::spawn(async move {
                courier.exchange.carry_notice(&due).await;
                drop(place);
            });
        }
        Ok(count)
    }
}

impl Exchange {
    async fn carry_notice(&self, due: &Due) {
        let posted = self.post(due).await;
        let outcome = posted.map_or_else(NotPosted::code, |()| "taken".to_owned());
        metrics::counter!("vuzol_notices_total", "outcome" => outcome).increment(1);
        let now = self.inner.clock.now();
        let ended = match posted {
            Ok(()) => self.end(due, End::Taken).await,
            Err(NotPosted::Unsubscribed) => self.end(due, End::Dropped).await,
            Err(why) if now - due.created_at >= Duration::hours(i64::from(NOTICE_HOURS)) => {
                self.end(due, End::Dead(why)).await
            }
            Err(why) => {
                tracing::info!(mailbox = %due.mailbox, attempts = due.attempts, %why, "a notice was not taken in");
                self.give_back(due, now + pause(due.attempts, jitter()), why).await
            }
        };
        if let Err(error) = ended {
            // Its lease runs out, and it is posted once more.
            tracing::warn!(notice = %due.id, %error, "a notice is not ended");
        }
    }

    async fn post(&self, due: &Due) -> Result<(), NotPosted> {
        let snapshot = self.inner.subscriptions.current();
        let subscribed = snapshot.get(&due.mailbox).ok_or(NotPosted::Unsubscribed)?;
        let secret = self.secret(&due.mailbox, &subscribed.secret).ok_or(NotPosted::Secret)?;
        let now = self.inner.clock.now();
        let timestamp = now.unix_timestamp();
        let signature = signature(secret.expose(), timestamp, &due.body);
        let (url, body) = (subscribed.url.clone(), due.body.clone());
        let posting = Posting { url, delivery: due.id, timestamp, signature, body };
        self.inner.poster.post(&due.mailbox, posting, now).await
    }

    async fn give_back(&self, due: &Due, run_at: OffsetDateTime, why: NotPosted) -> Result<(), NotEnded> {
        let (due, now) = (due.clone(), self.inner.clock.now());
        let given = self.inner.jobs.run_tx("release_notice", move |tx| {
            Ok::<_, NotEnded>(tables::release_notice(tx, &due, Some(run_at), &why.code(), now).map(drop)?)
        });
        Ok(given.await?)
    }

    /// The end of a notice, with the step that it brings: one transaction. A message that moved meanwhile is read anew.
    async fn end(&self, due: &Due, end: End) -> Result<(), NotEnded> {
        for _ in 0..TRIES {
            match self.try_end(due, end).await {
                Err(NotEnded::Moved) => {}
                done => return done,
            }
        }
        Err(NotEnded::Moved)
    }

    async fn try_end(&self, due: &Due, end: End) -> Result<(), NotEnded> {
        let told = matches!(due.event, NoticeEvent::Consigned | NoticeEvent::Reminder);
        let mut edge = None;
        if told {
            let (reader, id) = (self.inner.ledger.reader(), due.message);
            let message = reader.read("read_message", move |tx| tables::read_message(tx, id)).await?;
            edge = message.map(|message| self.notified(due, &message, end)).transpose()?.flatten();
        }
        let (due, now) = (due.clone(), self.inner.clock.now());
        let close = move |tx: &mut Tx<'_>| {
            let closed = match end {
                End::Taken | End::Dropped => tables::delete_notice(tx, &due)?,
                End::Dead(why) => tables::release_notice(tx, &due, None, &why.code(), now)?,
            };
            if closed { Ok(()) } else { Err(NotEnded::LeaseLost) }
        };
        match edge {
            None => Ok(self.inner.jobs.run_tx("end_notice", close).await?),
            Some(edge) => {
                let ended = self.inner.ledger.transact("end_notice", move |tx| {
                    close(tx)?;
                    let appended = edge::take(tx, &edge, None)?.ok_or(NotEnded::Moved)?;
                    Ok::<_, NotEnded>(appended.with(()))
                });
                Ok(ended.await?)
            }
        }
    }

    /// The step of a notice to a recipient: D.3, or D.4. None where the message lies in its mailbox no longer.
    fn notified(&self, due: &Due, message: &Message, end: End) -> Result<Option<edge::Edge>, NotEnded> {
        let Some(State::Consigned(term) | State::Notified(term) | State::HandedOver(term)) = &message.state else {
            return Ok(None);
        };
        let (action, reminders) = match due.event {
            NoticeEvent::Reminder => (Action::RemindRecipient, due.reminders.max(term.reminders)),
            _ => (Action::NotifyRecipient, term.reminders),
        };
        let step = match end {
            End::Taken => Step::Notify { reminders },
            End::Dead(_) | End::Dropped => Step::NotifyFailure { reminders },
        };
        let problem = match end {
            End::Dead(why) => Some(why.code()),
            End::Dropped => Some(NotPosted::Unsubscribed.code()),
            End::Taken => None,
        };
        let details = serde_json::json!({ "delivery": due.id, "attempts": due.attempts, "problem": problem });
        match self.edge(message, &step, Deed::of_node(action, details)) {
            Ok(edge) => Ok(Some(edge)),
            Err(NoEdge::Wrong(_)) => Ok(None),
            Err(NoEdge::Signing(error)) => Err(error.into()),
        }
    }
}

/// See [`schemas::notice`].
fn signature(secret: &[u8; 32], timestamp: i64, body: &str) -> String {
    format!("v1={}", hex(&hmac_sha256(secret, format!("{timestamp}.{body}").as_bytes())))
}

/// Doubles with each try up to the longest, and is spread by a quarter, so that what failed together is not tried together.
/// `jitter`: 0 to 255.
fn pause(attempts: u32, jitter: u8) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let pause = (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE);
    pause + pause / 4 * i32::from(jitter) / 255
}

fn jitter() -> u8 {
    let [byte] = crypto::random::array();
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_spread() {
        let seconds = [1, 2, 3, 10, 11, u32::MAX].map(|attempts| pause(attempts, 0).whole_seconds());
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600]);
        assert_eq!(pause(1, 255).whole_milliseconds(), 6250);
        assert!(pause(u32::MAX, 255) <= LONGEST_PAUSE * 5 / 4);
    }

    #[test]
    fn places_are_each_receivers_own() {
        let running = Arc::<Running>::default();
        let [a, b] = ["00000001.a", "00000002.b"].map(|mailbox| mailbox.parse::<MailboxId>().unwrap());
        let held = running.take(&a, 4);
        assert_eq!((held.len(), running.take(&a, 4).len()), (4, 0));
        assert_eq!(running.take(&b, 4).len(), 4, "others are not concerned");
        drop(held);
        assert_eq!(running.take(&a, 1).len(), 1);
        assert!(running.is_empty());
    }
}
