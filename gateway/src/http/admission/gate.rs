//! The gate in front of submissions: how many are worked on at once, who waits, who is sent away.
//!
//! A node that takes on everything spends its processor on submissions whose senders have given up, and completes less the more is asked of
//! it. So a bounded number is worked on, as many may wait (twice as many in a burst), and the rest is refused
//! while that costs nothing.
//!
//! - **How many are worked on** follows the time that the node's own work on one takes (without the time that its sender took to
//!   send it): above [`WORK`] the bound falls by a tenth, below it grows by one, as long as it is reached. A machine twice as fast
//!   comes to twice the bound by itself.
//! - **How long one waits**: up to [`PATIENCE`] in a burst; when somebody has been waiting for all of [`STANDING`] the queue is
//!   a backlog, which waiting does not cure, and patience falls to [`SHORT`] (the idea of CoDel, RFC 8289).
//! - **Large ones** take long because of their senders, and would keep the places of small ones for minutes: they have
//!   [`LARGE`] places of their own.
//! - **Who goes first**: leases, downloads and acknowledgements do not wait here. They take room from submissions, down to a quarter of
//!   the bound, so that what was accepted leaves before more comes in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemas::ProblemCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Submissions worked on at once, at most, unless configured.
pub(crate) const MOST: usize = 512;

/// The same, at least.
const LEAST: usize = 8;

/// The same, when the node starts.
const FIRST: usize = 64;

/// Time that the work on one submission may take on average before the bound falls.
const WORK: Duration = Duration::from_millis(200);

/// How often the bound is looked at.
const WINDOW: Duration = Duration::from_millis(100);

/// How long a submission waits for its turn in a burst.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long in a backlog.
const SHORT: Duration = Duration::from_millis(100);

/// A queue that was never empty for so long is a backlog.
const STANDING: Duration = Duration::from_millis(500);

/// Large submissions at a time.
const LARGE: usize = 128;

/// What a submission is told on arrival.
enum Arrival {
    Go,
    Wait(Duration),
    Refused,
}

/// The rules, without time and without waiting: `W` is whoever waits.
struct Core<W> {
    most: usize,
    limit: usize,
    working: usize,
    completing: usize,
    queue: VecDeque<W>,
    /// Since when the queue has not been empty.
    queued_since: Option<Instant>,
    window: Window,
}

/// What was measured since the bound was last looked at.
struct Window {
    since: Instant,
    finished: u32,
    worked: Duration,
    /// The bound was reached: only then is there a reason to raise it.
    full: bool,
}

impl Window {
    fn new(since: Instant) -> Self {
        Self { since, finished: 0, worked: Duration::ZERO, full: false }
    }
}

impl<W> Core<W> {
    fn new(most: usize, now: Instant) -> Self {
        let most = most.max(LEAST);
        let queue = VecDeque::new();
        let (limit, window) = (FIRST.min(most), Window::new(now));
        Self { most, limit, working: 0, completing: 0, queue, queued_since: None, window }
    }

    /// Submissions that may be worked on beside what is being completed.
    fn room(&self) -> usize {
        self.limit.saturating_sub(self.completing).max(self.limit.div_ceil(4))
    }

    fn arrive(&mut self, now: Instant) -> Arrival {
        if self.queue.is_empty() && self.working < self.room() {
            self.working += 1;
            return Arrival::Go;
        }
        self.window.full = true;
        let (seats, patience) = self.seats(now);
        if self.queue.len() >= seats { Arrival::Refused } else { Arrival::Wait(patience) }
    }

    /// Whether who arrives is refused at once: [`Self::arrive`] without taking a place.
    fn turns_away(&mut self, now: Instant) -> bool {
        let turns_away = self.queue.len() >= self.seats(now).0;
        self.window.full |= turns_away;
        turns_away
    }

    /// How many may wait, and for how long.
    fn seats(&self, now: Instant) -> (usize, Duration) {
        if self.is_backlog(now) { (self.limit, SHORT) } else { (self.limit * 2, PATIENCE) }
    }

    fn wait(&mut self, who: W, now: Instant) {
        self.queued_since.get_or_insert(now);
        self.queue.push_back(who);
    }

    fn is_backlog(&self, now: Instant) -> bool {
        self.queued_since.is_some_and(|since| now.saturating_duration_since(since) >= STANDING)
    }

    /// Whose turn it is, if there is room. `gone` says who does not wait any more.
    fn next(&mut self, gone: impl Fn(&W) -> bool) -> Option<W> {
        let mut next = None;
        while next.is_none() && self.working < self.room() {
            let Some(who) = self.queue.pop_front() else { break };
            next = (!gone(&who)).then_some(who);
        }
        if next.is_some() {
            self.working += 1;
        }
        if self.queue.is_empty() {
            self.queued_since = None;
        }
        next
    }

    /// One is done; None: it was not worked on to its end.
    fn leave(&mut self, worked: Option<Duration>, now: Instant) {
        self.working = self.working.saturating_sub(1);
        if let Some(worked) = worked {
            self.window.finished += 1;
            self.window.worked += worked;
        }
        if self.window.finished > 0 && now.saturating_duration_since(self.window.since) >= WINDOW {
            self.adjust(now);
        }
    }

    fn adjust(&mut self, now: Instant) {
        let average = self.window.worked / self.window.finished.max(1);
        if average > WORK {
            self.limit = (self.limit - self.limit.div_ceil(10)).max(LEAST.min(self.most));
        } else if self.window.full {
            self.limit = (self.limit + 1).min(self.most);
        }
        self.window = Window::new(now);
    }
}

/// The gate.
pub(crate) struct Gate {
    core: Mutex<Core<oneshot::Sender<Turn>>>,
    large: Arc<Semaphore>,
    sent_away: Mutex<SentAway>,
}

/// What the operator has not been told yet.
struct SentAway {
    count: u64,
    told: Option<Instant>,
}

/// How often the operator is told of those that were sent away.
const TELLING: Duration = Duration::from_secs(1);

impl Gate {
    /// At most `most` submissions are worked on at once.
    pub(crate) fn new(most: usize) -> Self {
        let core = Mutex::new(Core::new(most, Instant::now()));
        let sent_away = Mutex::new(SentAway { count: 0, told: None });
        Self { core, large: Arc::new(Semaphore::new(LARGE)), sent_away }
    }

    /// Whether a submission that comes now would not even wait. Counts it as sent away if so.
    pub(crate) fn turns_away(&self) -> bool {
        let turns_away = self.core().turns_away(Instant::now());
        if turns_away {
            self.refused("full");
        }
        turns_away
    }

    fn refused(&self, why: &'static str) -> ProblemCode {
        metrics::counter!("vuzol_admission_refused_total", "why" => why).increment(1);
        let mut sent_away = self.sent_away.lock().unwrap_or_else(PoisonError::into_inner);
        sent_away.count += 1;
        if sent_away.told.is_none_or(|told| told.elapsed() >= TELLING) {
            tracing::warn!(submissions = sent_away.count, "more is asked of the node than it can do: sent away");
            *sent_away = SentAway { count: 0, told: Some(Instant::now()) };
        }
        ProblemCode::Overloaded
    }

    fn core(&self) -> MutexGuard<'_, Core<oneshot::Sender<Turn>>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A submission: waits for its turn.
    ///
    /// # Errors
    /// `node.overloaded` when its turn does not come soon.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Turn, ProblemCode> {
        let arrived = Instant::now();
        let waiting = {
            let mut core = self.core();
            match core.arrive(arrived) {
                Arrival::Go => None,
                Arrival::Refused => return Err(self.refused("full")),
                Arrival::Wait(patience) => {
                    let (sender, receiver) = oneshot::channel();
                    core.wait(sender, arrived);
                    Some((receiver, patience))
                }
            }
        };
        let Some((receiver, patience)) = waiting else { return Ok(Turn::new(self)) };
        let turn = tokio::time::timeout(patience, receiver).await;
        metrics::histogram!("vuzol_admission_wait_seconds").record(arrived.elapsed().as_secs_f64());
        match turn {
            Ok(Ok(mut turn)) => {
                turn.began = Instant::now();
                Ok(turn)
            }
            Ok(Err(_)) | Err(_) => Err(self.refused("late")),
        }
    }

    /// A large submission, or one that does not say how large it is: waits for one of the places of those.
    ///
    /// # Errors
    /// `node.overloaded` when none is free soon.
    pub(crate) async fn enter_large(&self) -> Result<OwnedSemaphorePermit, ProblemCode> {
        match tokio::time::timeout(PATIENCE, Arc::clone(&self.large).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.refused("large")),
        }
    }

    /// Work on what was accepted: never waits.
    pub(crate) fn complete(self: &Arc<Self>) -> Completing {
        self.core().completing += 1;
        Completing(Arc::clone(self))
    }

    /// Lets those in for whom there is room now.
    fn dispatch(self: &Arc<Self>) {
        loop {
            let (next, limit, working, queued) = {
                let mut core = self.core();
                (core.next(oneshot::Sender::is_closed), core.limit, core.working, core.queue.len())
            };
            #[allow(clippy::cast_precision_loss, reason = "numbers of requests")]
            {
                metrics::gauge!("vuzol_admission_limit").set(limit as f64);
                metrics::gauge!("vuzol_admission_working").set(working as f64);
                metrics::gauge!("vuzol_admission_waiting").set(queued as f64);
            }
            let Some(next) = next else { return };
            if let Err(mut turn) = next.send(Turn::new(self)) {
                // It went away at this very moment. Not dropped, which would call this function again from within.
                turn.gate = None;
                self.core().leave(None, Instant::now());
            }
        }
    }
}

/// A submission's turn, until it is dropped.
pub(crate) struct Turn {
    gate: Option<Arc<Gate>>,
    began: Instant,
    /// None: it broke off, and tells nothing of how long the work takes.
    worked: Option<Duration>,
}

impl Turn {
    fn new(gate: &Arc<Gate>) -> Self {
        Self { gate: Some(Arc::clone(gate)), began: Instant::now(), worked: None }
    }

    /// The work is done; `waited` of its time went into waiting for the sender.
    pub(crate) fn worked_without(&mut self, waited: Duration) {
        self.worked = Some(self.began.elapsed().saturating_sub(waited));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.core().leave(self.worked, Instant::now());
            gate.dispatch();
        }
    }
}

/// Work on what was accepted, until it is dropped.
pub(crate) struct Completing(Arc<Gate>);

impl Drop for Completing {
    fn drop(&mut self) {
        let somebody_waits = {
            let mut core = self.0.core();
            core.completing = core.completing.saturating_sub(1);
            !core.queue.is_empty()
        };
        if somebody_waits {
            self.0.dispatch();
        }
    }
}

#[cfg(test)]
mod tests;
