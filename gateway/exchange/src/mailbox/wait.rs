//! Waiting for mail: a recipient that asks with `wait_seconds` is answered as soon as something lies in its mailbox.
//!
//! A consignment of this process rings the mailbox's bell after its commit. What other processes consign, and messages whose
//! lease has run out, are found by a look each second. Who waits holds a place, which is given back when the request ends,
//! however it ends; so a participant cannot pile up requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use schemas::limits::WAITING_REQUESTS;
use schemas::{Edrpou, MailboxId, ProblemCode};
use tokio::sync::Notify;
use tokio::time::{Duration, Instant};

use crate::refusal::Refusal;

/// How often who waits looks, though no bell rings.
const LOOK: Duration = Duration::from_secs(1);

/// Who waits for mail in this process.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Places>);

#[derive(Default)]
struct Places {
    bells: HashMap<MailboxId, Bell>,
    by_participant: HashMap<Edrpou, u32>,
    /// The node stops: nobody waits any more.
    closed: bool,
}

/// The bell of a mailbox, there while somebody waits for it.
#[derive(Default)]
struct Bell {
    bell: Arc<Notify>,
    waiting: u32,
}

/// A place among those who wait; given back on drop.
pub(super) struct Place {
    waiting: Arc<Waiting>,
    mailbox: MailboxId,
    bell: Arc<Notify>,
}

impl Waiting {
    /// A place for a request of the mailbox's participant.
    ///
    /// # Errors
    /// `TooManyWaiting`.
    pub(super) fn enter(self: &Arc<Self>, mailbox: &MailboxId) -> Result<Place, Refusal> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = places.by_participant.entry(mailbox.participant()).or_default();
        if *count >= WAITING_REQUESTS {
            return Err(ProblemCode::TooManyWaiting.into());
        }
        *count += 1;
        let bell = places.bells.entry(mailbox.clone()).or_default();
        bell.waiting += 1;
        let bell = Arc::clone(&bell.bell);
        drop(places);
        Ok(Place { waiting: Arc::clone(self), mailbox: mailbox.clone(), bell })
    }

    /// Wakes who waits for the mailbox.
    pub(crate) fn ring(&self, mailbox: &MailboxId) {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = places.bells.get(mailbox) {
            bell.bell.notify_waiters();
        }
    }

    /// Answers everybody who waits, now and from now on.
    pub(crate) fn close(&self) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.closed = true;
        places.bells.values().for_each(|bell| bell.bell.notify_waiters());
    }

    fn is_closed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).closed
    }
}

impl Place {
    /// Waits until `look` finds something, `until` has come, or the node stops: then false.
    pub(super) async fn waits<F>(&self, until: Instant, mut look: impl FnMut() -> F) -> Result<bool, Refusal>
    where
        F: Future<Output = Result<bool, Refusal>>,
    {
        loop {
            // Listening begins before the look, so that nothing is missed between the two.
            let rung = self.bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if look().await? {
                return Ok(true);
            }
            if self.waiting.is_closed() || Instant::now() >= until {
                return Ok(false);
            }
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(LOOK) => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let participant = self.mailbox.participant();
        if let Some(count) = places.by_participant.get_mut(&participant) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                places.by_participant.remove(&participant);
            }
        }
        if let Some(bell) = places.bells.get_mut(&self.mailbox) {
            bell.waiting = bell.waiting.saturating_sub(1);
            if bell.waiting == 0 {
                places.bells.remove(&self.mailbox);
            }
        }
    }
}
