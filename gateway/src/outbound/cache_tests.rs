//! The cache by itself.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn known(n: usize, from: OffsetDateTime) -> Known<usize> {
    Known { value: n, from, until: from + Duration::minutes(10) }
}

/// A slot, and a source that counts how often it is asked.
struct Source {
    cache: Cache<u8, usize>,
    asked: Arc<AtomicUsize>,
    silent: bool,
}

impl Source {
    fn new() -> Self {
        Self { cache: Cache::new(), asked: Arc::default(), silent: false }
    }

    async fn value(&self, at: OffsetDateTime) -> Option<usize> {
        let (asked, silent) = (self.asked.clone(), self.silent);
        value(self.cache.slot(0, at), at, None, || async move {
            let n = asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(StdDuration::from_millis(50)).await;
            (!silent).then(|| known(n, at)).into()
        })
        .await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_exchange() {
    let source = Source::new();
    let values = join_all((0..100).map(|_| source.value(START))).await;
    assert!(values.iter().all(|value| *value == Some(0)));
    assert_eq!(source.asked(), 1);
    assert_eq!(source.value(START + Duration::minutes(4)).await, Some(0));
    assert_eq!(source.asked(), 1, "a fresh answer is not asked for again");
}

#[tokio::test(start_paused = true)]
async fn an_aging_answer_serves_while_it_is_renewed() {
    let source = Source::new();
    source.value(START).await;
    let later = START + Duration::minutes(6);
    let before = tokio::time::Instant::now();
    assert_eq!(source.value(later).await, Some(0));
    assert!(before.elapsed().is_zero(), "the caller does not wait");
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    assert_eq!(source.value(later).await, Some(1));
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_remembered_for_seconds_and_never_displaces_an_answer() {
    let mut source = Source::new();
    source.value(START).await;
    source.silent = true;
    let aging = START + Duration::minutes(9);
    source.value(aging).await;
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    assert_eq!(source.value(aging).await, Some(0));
    let over = START + Duration::minutes(11);
    assert_eq!(source.value(over).await, None, "past its life it does not serve");
    let asked = source.asked();
    assert_eq!(source.value(over + Duration::seconds(1)).await, None);
    assert_eq!(source.asked(), asked, "a failure is not repeated at once");
    source.silent = false;
    assert!(source.value(over + Duration::seconds(6)).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_read_the_clock_earlier_shares_the_answer() {
    let source = Source::new();
    let (first, second) = (source.value(START), source.value(START - Duration::milliseconds(1)));
    assert_eq!(tokio::join!(first, second), (Some(0), Some(0)));
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_future_does_not_serve() {
    let source = Source::new();
    source.value(START + Duration::hours(1)).await;
    assert_eq!(source.value(START).await, Some(1), "asked again after the clock was set back");
}
