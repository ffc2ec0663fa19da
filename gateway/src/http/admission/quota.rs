//! Quotas of participants: requests a second, submissions under way, bytes uploaded a day, messages that wait in a mailbox.
//!
//! They are kept in memory: a node that starts anew begins with full buckets and an empty day, and two processes in front of one database
//! each keep their own. Past a quota the answer is 429. The first such refusal of a participant is recorded, then one a minute
//! with the number of those since; an audit row for each would let one participant fill the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemas::{Edrpou, MailboxId, ProblemCode};
use time::Date;

use crate::config::ParticipantLimits;

/// Time between two rows of one participant's refusals of one kind.
const ROW: Duration = Duration::from_secs(60);

/// How often the messages of a mailbox are counted at most.
const RECOUNT: Duration = Duration::from_secs(1);

/// The accounts of all participants.
pub(crate) struct Quotas {
    limits: ParticipantLimits,
    started: Instant,
    accounts: Mutex<HashMap<Edrpou, Account>>,
    mailboxes: Mutex<HashMap<MailboxId, Fill>>,
}

/// What one participant has used. Only who is registered has one, so their number is bounded.
struct Account {
    tokens: f64,
    at: Instant,
    uploads: u32,
    day: Date,
    bytes: u64,
    rows: HashMap<ProblemCode, Row>,
}

/// Refusals of one kind.
struct Row {
    recorded: Instant,
    since: u64,
}

/// What is known of a mailbox.
struct Fill {
    counted: Instant,
    full: bool,
    /// Messages that may still come in before it must be counted again.
    credit: u64,
}

impl Quotas {
    /// Full buckets.
    pub(crate) fn new(limits: ParticipantLimits, started: Instant) -> Self {
        Self { limits, started, accounts: Mutex::default(), mailboxes: Mutex::default() }
    }

    fn accounts(&self) -> MutexGuard<'_, HashMap<Edrpou, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> Account {
        let tokens = f64::from(self.limits.burst);
        Account { tokens, at: self.started, uploads: 0, day: Date::MIN, bytes: 0, rows: HashMap::new() }
    }

    /// A request of the participant.
    ///
    /// # Errors
    /// `quota.requests` when its bucket is empty.
    pub(crate) fn request(&self, participant: Edrpou, now: Instant) -> Result<(), ProblemCode> {
        let mut accounts = self.accounts();
        let account = accounts.entry(participant).or_insert_with(|| self.fresh());
        let earned =
            now.saturating_duration_since(account.at).as_secs_f64() * f64::from(self.limits.requests_per_second);
        account.tokens = (account.tokens + earned).min(f64::from(self.limits.burst));
        account.at = account.at.max(now);
        if account.tokens < 1.0 {
            return Err(refused(ProblemCode::QuotaRequests));
        }
        account.tokens -= 1.0;
        Ok(())
    }

    /// A submission of the participant: `announced` bytes count at once, what arrives beyond them at its end.
    ///
    /// # Errors
    /// `quota.concurrent`, `quota.bytes`.
    pub(crate) fn upload(
        self: &Arc<Self>,
        participant: Edrpou,
        today: Date,
        announced: Option<u64>,
        received: &Arc<AtomicU64>,
    ) -> Result<Upload, ProblemCode> {
        let mut accounts = self.accounts();
        let account = accounts.entry(participant).or_insert_with(|| self.fresh());
        if account.day != today {
            (account.day, account.bytes) = (today, 0);
        }
        if account.uploads >= self.limits.concurrent_submissions {
            return Err(refused(ProblemCode::QuotaConcurrent));
        }
        let reserved = announced.unwrap_or(1);
        if account.bytes.saturating_add(reserved) > self.limits.bytes_per_day {
            return Err(refused(ProblemCode::QuotaBytes));
        }
        account.bytes = account.bytes.saturating_add(reserved);
        account.uploads += 1;
        Ok(Upload { quotas: Arc::clone(self), participant, today, reserved, received: Arc::clone(received) })
    }

    /// Whether one more message may come into the mailbox. None: it must be counted first, see [`Self::counted`].
    pub(crate) fn mailbox_has_room(&self, mailbox: &MailboxId, now: Instant) -> Option<bool> {
        let mut mailboxes = self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let fill = mailboxes.get_mut(mailbox)?;
        if fill.credit > 0 {
            fill.credit -= 1;
            return Some(true);
        }
        // Near the bound every message would have all of them counted; so what comes within a second is let through.
        (now.saturating_duration_since(fill.counted) < RECOUNT).then_some(!fill.full)
    }

    /// How many messages wait in the mailbox; whether one more may come in.
    ///
    /// The count is good for half of what is free: other processes let messages in as well.
    pub(crate) fn counted(&self, mailbox: MailboxId, waiting: u64, now: Instant) -> bool {
        let free = self.limits.mailbox_messages.saturating_sub(waiting);
        let fill = Fill { counted: now, full: free == 0, credit: free / 2 };
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner).insert(mailbox, fill);
        free > 0
    }

    /// The most messages that may wait in a mailbox.
    pub(crate) fn mailbox_messages(&self) -> u64 {
        self.limits.mailbox_messages
    }

    /// Whether a refusal is recorded: how many went unrecorded since the last one that was. None: it is only counted.
    pub(crate) fn row(&self, participant: Edrpou, code: ProblemCode, now: Instant) -> Option<u64> {
        let mut accounts = self.accounts();
        let account = accounts.entry(participant).or_insert_with(|| self.fresh());
        let Some(row) = account.rows.get_mut(&code) else {
            account.rows.insert(code, Row { recorded: now, since: 0 });
            return Some(0);
        };
        if now.saturating_duration_since(row.recorded) < ROW {
            row.since += 1;
            return None;
        }
        row.recorded = now;
        Some(std::mem::take(&mut row.since))
    }
}

/// Whether the code says that a participant is past a quota.
pub(crate) fn is_quota(code: ProblemCode) -> bool {
    use ProblemCode as P;
    matches!(code, P::QuotaRequests | P::QuotaConcurrent | P::QuotaBytes | P::QuotaMailboxFull)
}

fn refused(code: ProblemCode) -> ProblemCode {
    metrics::counter!("vuzol_admission_refused_total", "why" => code.as_str()).increment(1);
    code
}

/// The mailbox of a submission is full.
pub(crate) fn mailbox_is_full() -> ProblemCode {
    refused(ProblemCode::QuotaMailboxFull)
}

/// A submission under way, until it is dropped.
pub(crate) struct Upload {
    quotas: Arc<Quotas>,
    participant: Edrpou,
    today: Date,
    reserved: u64,
    received: Arc<AtomicU64>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        let received = self.received.load(Ordering::Relaxed);
        if let Some(account) = self.quotas.accounts().get_mut(&self.participant) {
            account.uploads = account.uploads.saturating_sub(1);
            if account.day == self.today {
                account.bytes = account.bytes.saturating_sub(self.reserved).saturating_add(received);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    const TODAY: Date = date!(2026 - 11 - 26);

    fn limits() -> ParticipantLimits {
        ParticipantLimits {
            requests_per_second: 10,
            burst: 20,
            concurrent_submissions: 2,
            bytes_per_day: 1000,
            mailbox_messages: 10,
        }
    }

    fn quotas(now: Instant) -> Arc<Quotas> {
        Arc::new(Quotas::new(limits(), now))
    }

    fn edrpou(text: &str) -> Edrpou {
        text.parse().unwrap()
    }

    fn meter(bytes: u64) -> Arc<AtomicU64> {
        Arc::new(AtomicU64::new(bytes))
    }

    #[test]
    fn a_participant_that_asks_too_often_is_held_to_its_rate_and_no_other_suffers() {
        let now = Instant::now();
        let quotas = quotas(now);
        let (one, other) = (edrpou("00032684"), edrpou("99000001"));
        let let_in = |who, at| (0..100).filter(|_| quotas.request(who, at).is_ok()).count();
        assert_eq!(let_in(one, now), 20);
        assert_eq!(quotas.request(one, now), Err(ProblemCode::QuotaRequests));
        assert_eq!(let_in(other, now), 20);
        assert_eq!(let_in(one, now + Duration::from_secs(1)), 10);
        assert_eq!(let_in(one, now + Duration::from_secs(3600)), 20, "no more than a burst is saved up");
    }

    #[test]
    fn so_many_submissions_at_once_and_another_when_one_has_ended() {
        let quotas = quotas(Instant::now());
        let (who, nothing) = (edrpou("00032684"), meter(0));
        let submit = || quotas.upload(who, TODAY, Some(1), &nothing);
        let (first, second) = (submit().ok(), submit().ok());
        assert!(first.is_some() && second.is_some());
        assert_eq!(submit().err(), Some(ProblemCode::QuotaConcurrent));
        drop(first);
        assert!(submit().is_ok());
    }

    #[test]
    fn what_is_announced_counts_at_once_and_what_arrived_at_the_end() {
        let quotas = quotas(Instant::now());
        let who = edrpou("00032684");
        let large = quotas.upload(who, TODAY, Some(900), &meter(100)).ok();
        assert!(large.is_some());
        assert_eq!(quotas.upload(who, TODAY, Some(101), &meter(0)).err(), Some(ProblemCode::QuotaBytes));
        drop(large);
        // Of the 900 bytes only 100 arrived. The next one does not say how long it is: it is stopped by those that follow.
        drop(quotas.upload(who, TODAY, None, &meter(900)).ok());
        assert_eq!(quotas.upload(who, TODAY, None, &meter(0)).err(), Some(ProblemCode::QuotaBytes));
        assert!(quotas.upload(who, TODAY.next_day().unwrap(), Some(1000), &meter(0)).is_ok(), "a new day");
    }

    #[test]
    fn a_mailbox_is_counted_seldom_and_full_until_something_leaves() {
        let now = Instant::now();
        let quotas = quotas(now);
        let mailbox: MailboxId = "99000001.chancellery".parse().unwrap();
        assert_eq!(quotas.mailbox_has_room(&mailbox, now), None, "nothing is known");
        assert!(quotas.counted(mailbox.clone(), 4, now));
        let free = (0..100).filter(|_| quotas.mailbox_has_room(&mailbox, now + RECOUNT) == Some(true)).count();
        assert_eq!(free, 3, "half of what is free, then it is counted again");
        assert!(!quotas.counted(mailbox.clone(), 10, now));
        assert_eq!(quotas.mailbox_has_room(&mailbox, now), Some(false));
        assert_eq!(quotas.mailbox_has_room(&mailbox, now + RECOUNT), None);
    }

    #[test]
    fn refusals_are_recorded_once_a_minute_with_their_number() {
        let now = Instant::now();
        let quotas = quotas(now);
        let who = edrpou("00032684");
        let row = |after| quotas.row(who, ProblemCode::QuotaRequests, now + Duration::from_secs(after));
        assert_eq!(row(0), Some(0));
        assert_eq!((0..50).filter_map(|_| row(30)).count(), 0);
        assert_eq!(row(60), Some(50));
        assert_eq!(quotas.row(who, ProblemCode::QuotaBytes, now), Some(0), "each kind by itself");
    }
}
