//! A cache that renews itself: many callers share one exchange, what is aging serves while it is renewed, and what could not be
//! had is not asked for by every caller.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use time::{Duration, OffsetDateTime};
use tokio::sync::watch;

/// How long a failure is remembered.
const RETRY: Duration = Duration::seconds(5);

/// Longest that a caller waits for an exchange. The exchange goes on and serves the next caller.
const PATIENCE: StdDuration = StdDuration::from_secs(4);

/// How far callers' readings of the clock may lie apart.
const SKEW: Duration = Duration::minutes(1);

/// Things that are remembered.
const ENTRIES: usize = 16_384;

/// What is known of one thing, and whether somebody is asking.
pub(super) struct State<V> {
    known: Option<Known<V>>,
    failed_at: Option<OffsetDateTime>,
    asking: bool,
}

/// A value with the time in which it is believed.
#[derive(Clone)]
pub(super) struct Known<V> {
    pub(super) value: V,
    pub(super) from: OffsetDateTime,
    pub(super) until: OffsetDateTime,
}

impl<V> Known<V> {
    /// A clock that was set back must not prolong a life. A moment before `from` is no such clock but a caller who read it
    /// before the one that asked did.
    pub(super) fn fresh(&self, at: OffsetDateTime) -> bool {
        self.from - SKEW <= at && at < self.until
    }

    /// Past half of its life.
    pub(super) fn aging(&self, at: OffsetDateTime) -> bool {
        at - self.from > (self.until - self.from) / 2
    }
}

/// How an exchange ended.
pub(super) struct Asked<V> {
    /// What is known after it.
    pub(super) known: Option<Known<V>>,
    /// Nobody answered; what is known was known before.
    pub(super) failed: bool,
}

impl<V> From<Option<Known<V>>> for Asked<V> {
    fn from(known: Option<Known<V>>) -> Self {
        Self { failed: known.is_none(), known }
    }
}

pub(super) type Slot<V> = Arc<watch::Sender<State<V>>>;

pub(super) struct Cache<K, V>(Mutex<HashMap<K, Slot<V>>>);

impl<K: std::hash::Hash + Eq, V: Clone> Cache<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    pub(super) fn slot(&self, key: K, at: OffsetDateTime) -> Slot<V> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= ENTRIES && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.borrow().known.as_ref().is_some_and(|known| known.fresh(at)));
            // Still full of fresh answers: forgetting all costs one exchange each, growing would cost the node.
            if slots.len() >= ENTRIES {
                slots.clear();
            }
        }
        let empty = || Arc::new(watch::Sender::new(State { known: None, failed_at: None, asking: false }));
        slots.entry(key).or_insert_with(empty).clone()
    }
}

/// The one that asks. Dropped when it is done, or when it cannot be: the next caller then asks again.
struct Asking<V>(Slot<V>);

impl<V> Drop for Asking<V> {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.asking = false);
    }
}

/// The value of a slot: fresh, or after one exchange that all callers share. `since`: older than that it is no better than none, unless
/// the exchange fails.
pub(super) async fn value<V, F>(
    slot: Slot<V>,
    at: OffsetDateTime,
    since: Option<OffsetDateTime>,
    ask: impl FnOnce() -> F,
) -> Option<V>
where
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Asked<V>> + Send + 'static,
{
    let mut news = slot.subscribe();
    let (known, failed) = {
        let state = news.borrow_and_update();
        let failed = state.failed_at.is_some_and(|failed| failed <= at && at - failed < RETRY);
        (state.known.clone().filter(|known| known.fresh(at)), failed)
    };
    let is_new = known.as_ref().is_some_and(|known| since.is_none_or(|since| since <= known.from));
    let wanted = (!is_new || known.as_ref().is_some_and(|known| known.aging(at))) && !failed;
    let mut mine = false;
    if wanted {
        slot.send_if_modified(|state| {
            mine = !std::mem::replace(&mut state.asking, true);
            false
        });
    }
    if mine {
        let (asking, asked) = (Asking(slot.clone()), ask());
        tokio::spawn(async move {
            let Asked { known, failed } = asked.await;
            asking.0.send_modify(|state| {
                state.failed_at = failed.then_some(at);
                state.known = known.or(state.known.take());
            });
        });
    }
    if is_new || failed {
        return known.map(|known| known.value);
    }
    // Out of time, or the asker is gone: what cannot be had is absent.
    let _ = tokio::time::timeout(PATIENCE, news.wait_for(|state| !state.asking)).await;
    let state = slot.borrow();
    state.known.as_ref().filter(|known| known.fresh(at)).map(|known| known.value.clone())
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
