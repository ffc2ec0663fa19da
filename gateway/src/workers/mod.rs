//! What runs beside requests: delivery, relay, notices, disposal, rounds of the log, its index, alerts, witnesses and time-stamps of it, sweeping, trust anchors, certificates of authorities, who was seen. Each is a loop that watches the
//! shutdown; a loop that panics is counted and started anew (`supervise`); the rounds of the log have a thread of their own (`on_a_thread`). What a loop did not finish is a job in the
//! database that the next round finds: nothing here remembers anything.

mod health;
mod loops;
mod peers;
mod policies;
mod space;
mod vouching;
mod watch;

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use health::Health;
pub(crate) use loops::{
    collect_issuers, deliver, dispose, exchange_sightings, grow_log, post_notices, refresh_lists, refresh_trust, relay,
    seek_unknown_peers, sweep, watch_held, watch_subscriptions, watch_time,
};
pub(crate) use peers::RelayLoops;
pub(crate) use policies::refresh_policies;
pub(crate) use space::{tend_space, watch_unpublished};
pub(crate) use vouching::{Stop, anchor_log, ask_witnesses, watch_stop};
pub(crate) use watch::{deliver_alerts, watch_log};

/// Pause before a loop that panicked starts again.
const RESTART: Duration = Duration::from_secs(1);

/// Longest pause between two tries of something that fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Runs `work` until it returns or the node stops; a panic starts it again.
pub(crate) fn supervise<F>(
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
    name: &'static str,
    work: impl Fn() -> F + Send + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let shutdown = shutdown.clone();
    tasks.spawn(async move {
        while let Err(error) = tokio::spawn(work()).await {
            let Ok(panic) = error.try_into_panic() else { return };
            metrics::counter!("vuzol_worker_restarts_total", "worker" => name).increment(1);
            tracing::error!(worker = name, cause = message(&*panic), "a worker panicked and starts again");
            if pause(&shutdown, RESTART).await {
                return;
            }
        }
    });
}

/// Runs `work` on a thread of its own, for [`supervise`]. A task waits its turn behind every request that is being served, each time that it waited for
/// something, and a round of the log does so some sixty times: at three times what a node can take it would fall behind for as long as that lasts.
/// A thread gets its share of a processor from the operating system.
///
/// Ends when `work` does, and panics where it does, or where there is no thread for it; dropped, it drops `work` as a task would be.
pub(crate) async fn on_a_thread(name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    let (mut outcome, ended) = tokio::sync::oneshot::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let until_unwanted = async {
            tokio::select! {
                () = work => {}
                () = outcome.closed() => {}
            }
        };
        let run = runtime.map(|runtime| catch_unwind(AssertUnwindSafe(|| runtime.block_on(until_unwanted))));
        // Refused where nobody wants it any more.
        let _ = outcome.send(run);
    };
    let started = std::thread::Builder::new().name(format!("vuzol-{name}")).spawn(run);
    let ended = match started {
        Ok(_) => ended.await.unwrap_or_else(|_| Err(std::io::Error::other("it ended without a word"))),
        Err(error) => Err(error),
    };
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(error) => resume_unwind(Box::new(format!("no thread: {error}"))),
    }
}

/// Waits; true when the node stops meanwhile.
async fn pause(shutdown: &CancellationToken, time: Duration) -> bool {
    tokio::time::timeout(time, shutdown.cancelled()).await.is_ok()
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// Pauses that grow while something fails.
struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);

    fn new() -> Self {
        Self(Self::FIRST)
    }

    fn next(&mut self) -> Duration {
        let longer = (self.0 * 2).min(LONGEST_PAUSE);
        std::mem::replace(&mut self.0, longer)
    }

    fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_starts_again_and_one_that_returns_is_done() {
        let (tasks, shutdown, runs) = (TaskTracker::new(), CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let counted = runs.clone();
        supervise(&tasks, &shutdown, "test", move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move { assert!(run >= 2, "fails twice") }
        });
        tasks.close();
        tasks.wait().await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_on_a_thread_of_its_own_starts_again_as_well() {
        let (tasks, shutdown, runs) = (TaskTracker::new(), CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let (counted, caller) = (runs.clone(), std::thread::current().id());
        supervise(&tasks, &shutdown, "test", move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            on_a_thread("test", async move {
                assert_ne!(std::thread::current().id(), caller);
                // Its runtime has a clock and threads for what blocks.
                tokio::time::sleep(Duration::from_millis(1)).await;
                let sum = tokio::task::spawn_blocking(move || run + 1).await;
                assert_eq!(sum.unwrap(), 3, "fails twice");
            })
        });
        tasks.close();
        tasks.wait().await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn work_on_a_thread_ends_with_whoever_waits_for_it() {
        let (started, starts) = tokio::sync::oneshot::channel();
        let (held, ends) = tokio::sync::oneshot::channel::<()>();
        let waiting = tokio::spawn(on_a_thread("test", async move {
            let _held = held;
            let _ = started.send(());
            std::future::pending::<()>().await;
        }));
        starts.await.unwrap();
        waiting.abort();
        assert!(ends.await.is_err(), "what the work held is dropped");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_worker_does_not_outlive_the_node() {
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        supervise(&tasks, &shutdown, "test", || async { panic!("always") });
        tasks.close();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert!(!tasks.is_empty());
        shutdown.cancel();
        tasks.wait().await;
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut backoff = Backoff::new();
        let pauses: Vec<_> = (0..10).map(|_| backoff.next()).collect();
        assert_eq!(pauses[0], Duration::from_millis(100));
        assert_eq!(pauses[9], LONGEST_PAUSE);
        backoff.reset();
        assert_eq!(backoff.next(), Duration::from_millis(100));
    }
}
