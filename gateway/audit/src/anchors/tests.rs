//! Anchors: when one is due, what of it is kept, and what an outage, a crash and a second process leave.

use super::*;
use crate::log::tests::{Machine, Process};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// An authority whose token is the imprint and a number.
#[derive(Default)]
struct Clockmaker {
    stamped: AtomicUsize,
    down: AtomicBool,
    /// Imprints that were asked for.
    asked: Mutex<Vec<Hash>>,
}

impl Authority for Clockmaker {
    fn stamp<'a>(&'a self, imprint: Hash) -> Stamping<'a, Vec<u8>> {
        Box::pin(async move {
            if self.down.load(Ordering::SeqCst) {
                return Err(Unstamped("no answer".to_owned()));
            }
            self.asked.lock().unwrap().push(imprint);
            let number = self.stamped.fetch_add(1, Ordering::SeqCst);
            Ok(format!("token {number} {}", hex(&imprint)).into_bytes())
        })
    }

    fn holds<'a>(&'a self, token: &'a [u8], imprint: Hash) -> Stamping<'a, ()> {
        Box::pin(async move {
            let holds = token.starts_with(b"token ") && token.ends_with(hex(&imprint).as_bytes());
            holds.then_some(()).ok_or_else(|| Unstamped("for another imprint".to_owned()))
        })
    }
}

const EVERY: Duration = Duration::minutes(10);
const ALARM: Duration = Duration::minutes(30);

fn anchors(machine: &Machine, process: &Process, authority: &Arc<Clockmaker>) -> Anchors {
    let (log, ledger, clock) = (process.log.clone(), process.ledger.clone(), Arc::clone(&machine.clock) as _);
    Anchors::new(log, ledger, clock, Arc::clone(authority) as _, (EVERY, ALARM))
}

async fn grow(process: &Process, count: usize) -> u64 {
    process.record(count).await;
    process.log.round().await.unwrap()
}

async fn text(process: &Process) -> Vec<u8> {
    process.published().await.text().into_bytes()
}

/// Numbers and objects of the entries of that deed.
async fn logged(process: &Process, action: Action) -> Vec<(u64, serde_json::Value)> {
    process.log.round().await.unwrap();
    let entries = process.entries().await;
    let parsed = entries
        .into_iter()
        .map(|(number, entry)| (number.unsigned_abs(), serde_json::from_slice::<serde_json::Value>(&entry).unwrap()));
    parsed.filter(|(_, entry)| entry["action"] == action.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_is_stamped_when_that_is_due_and_the_next_entry_names_the_token() {
    let machine = Machine::new();
    let process = machine.start();
    let authority = Arc::new(Clockmaker::default());
    let anchors = anchors(&machine, &process, &authority);
    assert_eq!(anchors.round().await.unwrap(), Anchoring::NotDue, "of an empty log there is nothing to say");
    let size = grow(&process, 300).await;
    let imprint = sha256(&text(&process).await);
    assert_eq!(anchors.round().await.unwrap(), Anchoring::Anchored { size });
    assert_eq!(
        authority.asked.lock().unwrap().as_slice(),
        [imprint],
        "the text that the log signed, without its signature"
    );
    let token = process.log.anchor(size).await.unwrap().unwrap();
    assert_eq!(std::fs::read(machine.path(&format!("objects/log/anchors/{size}.tsr"))).unwrap(), token);
    let entries = logged(&process, Action::AnchorLog).await;
    let object = format!("anchor:{size}:{}", hex(&sha256(&token)));
    assert_eq!(
        entries.iter().map(|(number, entry)| (*number, &entry["object"])).collect::<Vec<_>>(),
        [(size, &object.into())]
    );
    let entry = process.entries().await.pop().unwrap().1;
    assert_eq!(named_by(&entry), Some((size, sha256(&token))));

    // Not again before its time, and not for its own entry's sake.
    assert_eq!(anchors.round().await.unwrap(), Anchoring::NotDue);
    machine.clock.advance(EVERY * 3);
    assert_eq!(anchors.round().await.unwrap(), Anchoring::NotDue, "an idle log comes to rest");
    let size = grow(&process, 1).await;
    assert_eq!(anchors.round().await.unwrap(), Anchoring::Anchored { size });
    assert_eq!(process.log.anchor(size - 1).await.unwrap(), None);
    assert_eq!(process.log.anchor(u64::MAX).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_that_is_down_stops_nothing_and_is_an_alarm_once() {
    let machine = Machine::new();
    let process = machine.start();
    let authority = Arc::new(Clockmaker::default());
    let anchors = anchors(&machine, &process, &authority);
    authority.down.store(true, Ordering::SeqCst);
    grow(&process, 10).await;
    assert!(matches!(anchors.round().await, Err(AnchorFailure::Unstamped(_))));
    assert!(logged(&process, Action::AnchorDegraded).await.is_empty());
    machine.clock.advance(ALARM + Duration::SECOND);
    for _ in 0..3 {
        assert!(anchors.round().await.is_err());
    }
    assert_eq!(logged(&process, Action::AnchorDegraded).await.len(), 1);
    let size = grow(&process, 10).await;
    assert_eq!(process.published().await.size, size, "the log grows on");
    authority.down.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        anchors.round().await.unwrap();
    }
    assert_eq!(logged(&process, Action::AnchorRestored).await.len(), 1);
    assert_eq!(logged(&process, Action::AnchorDegraded).await.len(), 1);
    assert_eq!(logged(&process, Action::AnchorLog).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crash_left_without_its_event_is_taken_over_if_it_holds() {
    let machine = Machine::new();
    let process = machine.start();
    let authority = Arc::new(Clockmaker::default());
    let anchors = anchors(&machine, &process, &authority);
    let size = grow(&process, 10).await;
    let left = format!("token 77 {}", hex(&sha256(&text(&process).await)));
    let file = machine.path(&format!("objects/log/anchors/{size}.tsr"));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &left).unwrap();
    assert_eq!(anchors.round().await.unwrap(), Anchoring::Anchored { size });
    assert_eq!(process.log.anchor(size).await.unwrap().unwrap(), left);
    assert_eq!(authority.stamped.load(Ordering::SeqCst), 0, "nobody was asked again");

    machine.clock.advance(EVERY);
    let size = grow(&process, 10).await;
    let file = machine.path(&format!("objects/log/anchors/{size}.tsr"));
    std::fs::write(&file, "half a tok").unwrap();
    assert_eq!(anchors.round().await.unwrap(), Anchoring::Anchored { size });
    let token = process.log.anchor(size).await.unwrap().unwrap();
    assert!(token.starts_with(b"token 0 "));
    // Once an event names it, another in its place is no anchor.
    std::fs::write(&file, "token 1").unwrap();
    assert!(matches!(process.log.anchor(size).await, Err(LogFailure::TileDiffers(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_anchors() {
    let machine = Machine::new();
    let (process, twin) = (machine.start(), machine.start());
    let authority = Arc::new(Clockmaker::default());
    let (one, two) = (anchors(&machine, &process, &authority), anchors(&machine, &twin, &authority));
    for _ in 0..5 {
        machine.clock.advance(EVERY);
        let size = grow(&process, 3).await;
        let (a, b) = tokio::join!(one.round(), two.round());
        let outcomes = [a.unwrap(), b.unwrap()];
        assert!(outcomes.contains(&Anchoring::Anchored { size }), "{outcomes:?}");
        assert!(process.log.anchor(size).await.unwrap().is_some(), "and what lies there is what was logged");
    }
    assert_eq!(logged(&process, Action::AnchorLog).await.len(), 5);
}

#[test]
fn only_the_entry_of_an_anchor_names_one() {
    let digest = "ab".repeat(32);
    let entry = |action: &str, object: &str| {
        format!(r#"{{"action":"{action}","actor":"node","object":"{object}","v":1}}"#).into_bytes()
    };
    assert_eq!(named_by(&entry("log.anchor", &format!("anchor:7:{digest}"))), Some((7, [0xab; 32])));
    for other in [
        entry("document.submit", &format!("anchor:7:{digest}")),
        entry("log.anchor", "anchor:7"),
        entry("log.anchor", "anchor:7:00"),
        entry("log.anchor", &format!("anchor:-7:{digest}")),
        entry("log.anchor", &format!("message:7:{digest}")),
        br#"{"action":"log.anchor","object":"anchor:7:"#.to_vec(),
        Vec::new(),
    ] {
        assert_eq!(named_by(&other), None, "{}", String::from_utf8_lossy(&other));
    }
}
