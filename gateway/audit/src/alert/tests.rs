//! Alerts over a database: each cause once, whoever judges and whatever stops; and on their way to receivers.

use std::sync::Mutex as Lock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as Time;

use serde_json::json;
use time::Duration;

use super::*;
use crate::detect::{Burst, Hours, Rule, WallClock};
use crate::log::tests::{Machine, Process};

fn rules() -> Rules {
    Rules {
        bulk_looks: Some(Burst { count: 5, within: Duration::hours(1) }),
        hours: Some(Hours { days: [true; 7], from: 0, to: 24 * 60, clock: WallClock::fixed(0).unwrap() }),
        look_without_case: true,
        refusal_storm: Some(Burst { count: 10, within: Duration::minutes(5) }),
    }
}

fn alerts(process: &Process, machine: &Machine, receivers: Vec<&'static str>) -> Alerts {
    let (writer, reader) = (process.writer.clone(), process.reader.clone());
    let clock: Arc<dyn Clock> = Arc::clone(&machine.clock) as _;
    let index = Index::new(writer.clone(), reader.clone());
    Alerts::new(index, writer, reader, process.ledger.clone(), clock, rules(), receivers)
}

async fn looks(process: &Process, machine: &Machine, actor: &str, people: std::ops::Range<u32>) {
    for person in people {
        let details = json!({ "owner": format!("p{person}"), "application": "a" });
        let draft = EventDraft {
            action: Action::LookAtCopy,
            actor: actor.to_owned(),
            object: Some("copy:c".to_owned()),
            outcome: Outcome::Done,
            details,
        };
        process.ledger.record(draft).await.unwrap();
        machine.clock.advance(Duration::minutes(1));
    }
}

async fn indexed(process: &Process) {
    process.log.round().await.unwrap();
    let index = Index::new(process.writer.clone(), process.reader.clone());
    while index.round().await.unwrap() {}
}

async fn all(alerts: &Alerts) -> Vec<KeptAlert> {
    alerts.list("person:officer".to_owned(), true, None, 100).await.unwrap().alerts
}

fn named(alerts: &[KeptAlert]) -> Vec<(String, String, Vec<u64>)> {
    let mut named: Vec<_> = alerts
        .iter()
        .map(|kept| (kept.alert.rule.clone(), kept.alert.subject.clone(), kept.alert.entries.clone()))
        .collect();
    named.sort();
    named
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cause_is_raised_once_with_its_record_whoever_judges_it() {
    let machine = Machine::new();
    let process = machine.start();
    let mut judged = Vec::new();
    for (n, people) in [0..3, 3..5, 5..9].into_iter().enumerate() {
        looks(&process, &machine, "person:a", people).await;
        indexed(&process).await;
        // Another process each time, and two at once.
        let other = machine.start();
        let (one, two) = (alerts(&process, &machine, vec![]), alerts(&other, &machine, vec![]));
        let (first, second) = tokio::join!(one.round(), two.round());
        first.unwrap();
        second.unwrap();
        while one.round().await.unwrap() || two.round().await.unwrap() {}
        judged = all(&one).await;
        assert_eq!(judged.len(), usize::from(n > 0), "after {n}");
    }
    let (rule, subject, entries) = named(&judged).remove(0);
    assert_eq!((rule.as_str(), subject.as_str(), entries.len()), ("bulk_looks", "person:a", 5));
    let raised = process.entries().await.into_iter().map(|(_, entry)| String::from_utf8(entry).unwrap());
    let raised: Vec<_> = raised.filter(|entry| entry.contains("\"alert.raise\"")).collect();
    assert_eq!(raised.len(), 1);
    assert!(raised[0].contains(&format!("alert:{}", judged[0].alert.alert_id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_indexed_waits_and_an_index_that_is_made_again_raises_nothing_twice() {
    let machine = Machine::new();
    let process = machine.start();
    looks(&process, &machine, "person:a", 0..9).await;
    process.log.round().await.unwrap();
    let alerts = alerts(&process, &machine, vec![]);
    while alerts.round().await.unwrap() {}
    assert_eq!(all(&alerts).await, [], "not indexed yet");
    indexed(&process).await;
    while alerts.round().await.unwrap() {}
    assert_eq!(all(&alerts).await.len(), 1);
    // The index is made again: nothing is judged twice.
    let index = Index::new(process.writer.clone(), process.reader.clone());
    index.reindex(&process.ledger).await.unwrap();
    let fresh = self::alerts(&process, &machine, vec![]);
    assert!(!fresh.round().await.unwrap());
    while index.round().await.unwrap() {}
    while fresh.round().await.unwrap() {}
    assert_eq!(all(&fresh).await.len(), 1);
}

struct Book {
    name: &'static str,
    open: AtomicBool,
    came: Lock<Vec<AlertId>>,
}

impl Book {
    fn new(name: &'static str, open: bool) -> Self {
        Self { name, open: AtomicBool::new(open), came: Lock::default() }
    }
}

impl Receiver for Book {
    fn name(&self) -> &'static str {
        self.name
    }

    fn deliver<'a>(
        &'a self,
        alert: &'a Alert,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            tokio::time::sleep(Time::from_millis(1)).await;
            if !self.open.load(Ordering::SeqCst) {
                return Err(Undelivered("closed".to_owned()));
            }
            self.came.lock().unwrap().push(alert.alert_id);
            Ok(())
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_receiver_gets_each_alert_once_and_one_that_is_down_delays_no_other() {
    let machine = Machine::new();
    let process = machine.start();
    for actor in ["person:a", "person:b", "person:c"] {
        looks(&process, &machine, actor, 0..6).await;
    }
    indexed(&process).await;
    let alerts = alerts(&process, &machine, vec!["webhook", "syslog"]);
    while alerts.round().await.unwrap() {}
    let (webhook, syslog) = (Book::new("webhook", true), Book::new("syslog", false));
    for _ in 0..3 {
        assert_eq!(alerts.deliver(&syslog).await.unwrap(), 0);
        machine.clock.advance(Duration::minutes(6));
    }
    assert_eq!(alerts.deliver(&webhook).await.unwrap(), 3);
    assert_eq!(alerts.deliver(&webhook).await.unwrap(), 0);
    assert!(all(&alerts).await.iter().all(|kept| kept.delivered == ["webhook"]));
    syslog.open.store(true, Ordering::SeqCst);
    // In another process, after a while.
    let other = machine.start();
    let other = self::alerts(&other, &machine, vec!["webhook", "syslog"]);
    let mut arrived = 0;
    for _ in 0..4 {
        machine.clock.advance(Duration::minutes(6));
        arrived += other.deliver(&syslog).await.unwrap();
    }
    assert_eq!(arrived, 3);
    assert!(all(&alerts).await.iter().all(|kept| kept.delivered == ["syslog", "webhook"]));
    for book in [&webhook, &syslog] {
        let mut came = book.came.lock().unwrap().clone();
        came.sort();
        came.dedup();
        assert_eq!((came.len(), book.came.lock().unwrap().len()), (3, 3));
    }
    let recorded = process.entries().await;
    assert!(
        recorded.iter().all(|(_, entry)| !String::from_utf8_lossy(entry).contains("p0")),
        "whose it is is in no entry"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_seen_once_by_somebody_who_says_something() {
    let machine = Machine::new();
    let process = machine.start();
    looks(&process, &machine, "person:a", 0..6).await;
    indexed(&process).await;
    let alerts = alerts(&process, &machine, vec![]);
    while alerts.round().await.unwrap() {}
    let kept = all(&alerts).await.remove(0);
    let (id, officer) = (kept.alert.alert_id, "person:officer".to_owned());
    let seen = alerts.see(id, officer.clone(), "an inspection of the day".to_owned()).await.unwrap();
    assert_eq!(seen.seen.as_ref().map(|seen| seen.by.as_str()), Some("person:officer"));
    assert_eq!(alerts.see(id, officer.clone(), "again".to_owned()).await.unwrap_err(), NotSeen::Before);
    let nobody = AlertId::from_parts(1, [1; 10]);
    assert_eq!(alerts.see(nobody, officer.clone(), "what?".to_owned()).await.unwrap_err(), NotSeen::Nowhere);
    assert_eq!(alerts.list(officer, false, None, 100).await.unwrap().alerts, []);
    assert_eq!(all(&alerts).await, [seen]);
    assert_eq!(Rule::ALL.map(|rule| Rule::named(rule.as_str())), Rule::ALL.map(Some));
}
