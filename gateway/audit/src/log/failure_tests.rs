//! What happens to logs, and what it looks like afterwards: the clock, the owner of the file, the folder of objects. Each test names its damage. (Crashes of
//! processes and disks are in `tests/log_failures`, where the list of all of them stands too.)

use super::tests::{Machine, Process, by_hand};
use super::*;
use crate::verify::{Folder, Kept, Question, Wrong, WrongRow, compare_rows, verify};
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::objects::faults::{Call, Fault, Faults};
use time::Duration;

/// The whole log, as an auditor with a copy of the folder sees it.
fn verify_folder(machine: &Machine, process: &Process, kept: &[String]) -> Result<u64, Wrong> {
    let folder = machine.path("objects/log");
    let log = process.log.verifier();
    let name = |name: &str, note: &str| Kept { name: name.to_owned(), note: note.to_owned() };
    let checkpoint = name("checkpoint", &std::fs::read_to_string(folder.join("checkpoint")).unwrap());
    let kept = kept.iter().map(|note| name("kept", note)).collect();
    let question = Question { log: &log, national: None, policy: None, checkpoint, kept, anchors: Vec::new() };
    verify(&Folder::new(&folder), &question, &mut |_, _| ()).map(|verified| verified.checkpoint().size)
}

async fn rows(machine: &Machine, process: &Process) -> Result<u64, WrongRow> {
    let size = process.published().await.size;
    compare_rows(&process.reader, &Folder::new(&machine.path("objects/log")), None, 0, size)
        .await
        .map(|compared| compared.payloads)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_an_hour_either_way_changes_no_order_and_no_proof() {
    let machine = Machine::new();
    let process = machine.start();
    let mut events = Vec::new();
    for jump in [0, 3600, -3600, -3600, 7200, -1, 1] {
        machine.clock.advance(Duration::seconds(jump));
        events.extend(process.record(20).await);
        process.log.round().await.unwrap();
        assert!(process.log.backlog().await.unwrap().1 >= 0.0);
    }
    process.audit(&events).await;
    let mut last = 0;
    for (position, (_, entry)) in process.entries().await.into_iter().enumerate() {
        let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
        assert_eq!(entry["id"], events[position].to_string(), "numbered as they were recorded");
        let n = entry["n"].as_u64().unwrap();
        assert!(n > last, "and so are the counters of the start, whatever the clock says");
        last = n;
    }
    assert_eq!(verify_folder(&machine, &process, &[]), Ok(140));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_owner_of_the_file_deletes_changes_or_sets_back_are_named() {
    for (triggers, damage, wrong) in [
        (&["audit_seq_no_delete"][..], "DELETE FROM audit_seq WHERE seq = 123", WrongRow::Missing(123)),
        (&["audit_seq_no_delete"], "DELETE FROM audit_seq WHERE seq >= 290", WrongRow::Missing(290)),
        (&["audit_seq_no_update"], "UPDATE audit_seq SET entry = x'7b7d' WHERE seq = 7", WrongRow::Differs(7)),
        (&["audit_seq_no_update"], "UPDATE audit_seq SET seq = 1000 WHERE seq = 299", WrongRow::Missing(299)),
        (
            &[],
            "UPDATE audit_payload SET details = '{}' WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 42)",
            WrongRow::Payload(42),
        ),
        (
            &[],
            "UPDATE audit_payload SET salt = zeroblob(32) WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 256)",
            WrongRow::Payload(256),
        ),
        (&["seq_head_forward"], "UPDATE seq_head SET next_seq = 299", WrongRow::SetBack { next: 299, size: 300 }),
    ] {
        let machine = Machine::new();
        let process = machine.start();
        process.record(300).await;
        process.log.round().await.unwrap();
        assert_eq!(rows(&machine, &process).await, Ok(300));
        for trigger in triggers {
            machine.sql(&format!("DROP TRIGGER {trigger}")).await;
        }
        machine.sql(damage).await;
        assert_eq!(rows(&machine, &process).await, Err(wrong), "{damage}");
        // What was published is out of reach of the database: the tree has it all.
        assert_eq!(verify_folder(&machine, &process, &[]), Ok(300), "{damage}");
    }
    let machine = Machine::new();
    let process = machine.start();
    process.record(10).await;
    process.log.round().await.unwrap();
    machine.sql("DELETE FROM audit_payload").await;
    assert_eq!(rows(&machine, &process).await, Ok(0), "what is erased is no damage");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_whose_tail_was_cut_off_with_its_head_set_back_stops_the_log() {
    let machine = Machine::new();
    let process = machine.start();
    process.record(30).await;
    process.log.round().await.unwrap();
    let kept = process.log.checkpoint().await.unwrap().unwrap();
    for trigger in ["audit_seq_no_delete", "seq_head_forward"] {
        machine.sql(&format!("DROP TRIGGER {trigger}")).await;
    }
    machine.sql("DELETE FROM audit_seq WHERE seq >= 20").await;
    machine.sql("UPDATE seq_head SET next_seq = 20").await;
    // New events would get numbers that are given: no checkpoint would ever have them.
    for process in [process, machine.start()] {
        process.record(1).await;
        assert!(matches!(process.log.round().await, Err(LogFailure::Inconsistent)));
        assert!(matches!(process.log.backlog().await, Err(LogFailure::Inconsistent)), "and readiness says so");
        assert_eq!(process.log.checkpoint().await.unwrap().unwrap(), kept);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tail_cut_off_before_it_was_signed_leaves_a_gap_that_is_never_passed_over() {
    let machine = Machine::new();
    let process = machine.start();
    process.record(30).await;
    process.crash_at(integrator::Step::Numbered).await;
    machine.sql("DROP TRIGGER audit_seq_no_delete").await;
    machine.sql("DELETE FROM audit_seq WHERE seq = 17").await;
    let process = machine.start();
    process.record(1).await;
    assert!(matches!(process.log.round().await, Err(LogFailure::Store(StoreError::Corrupt(_)))));
    assert!(process.log.checkpoint().await.unwrap().is_none(), "nothing is signed around it");
    assert!(process.log.backlog().await.unwrap().0 >= 30, "and readiness sees it wait");
}

/// Between its number and its signature a row is protected by triggers alone. What is then signed is signed; what tells the change is the commitment, which
/// was made with the deed, and the evidence of the deed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_changed_before_it_was_signed_contradicts_what_lies_beside_it() {
    let machine = Machine::new();
    let process = machine.start();
    process.record(5).await;
    process.crash_at(integrator::Step::Numbered).await;
    let change = "UPDATE audit_seq SET entry = CAST(replace(CAST(entry AS TEXT), '\"commit\":\"', '\"commit\":\"00') AS BLOB) WHERE seq = 3";
    assert!(by_hand(&machine.store(), change).await.is_err(), "the trigger stops it");
    machine.sql("DROP TRIGGER audit_seq_no_update").await;
    machine.sql(change).await;
    let process = machine.start();
    process.log.round().await.unwrap();
    assert_eq!(rows(&machine, &process).await, Err(WrongRow::Payload(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_tiles_deleted_and_an_old_checkpoint_put_back_deceive_nobody() {
    let machine = Machine::new();
    let process = machine.start();
    let mut events = process.record(500).await;
    process.log.round().await.unwrap();
    let old = std::fs::read(machine.path("objects/log/checkpoint")).unwrap();
    events.extend(process.record(200).await);
    process.log.round().await.unwrap();
    let kept = process.log.checkpoint().await.unwrap().unwrap();
    drop(process);
    for gone in ["staging", "tile/0/002.p", "tile/entries/002.p"] {
        std::fs::remove_dir_all(machine.path("objects/log").join(gone)).unwrap();
    }
    std::fs::write(machine.path("objects/log/checkpoint"), old).unwrap();
    let process = machine.start();
    let wrong = verify_folder(&machine, &process, std::slice::from_ref(&kept));
    assert!(matches!(wrong, Err(Wrong::CutOff { size: 500, kept: 700, .. })), "{wrong:?}");
    // The node makes the tiles again from its rows, and goes on under the newer checkpoint.
    events.extend(process.record(1).await);
    assert_eq!(process.log.round().await.unwrap(), 701);
    process.audit(&events[490..]).await;
    assert_eq!(verify_folder(&machine, &process, &[kept]), Ok(701));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_truncated_tile_proves_nothing_and_is_named() {
    let machine = Machine::new();
    let process = machine.start();
    let events = process.record(600).await;
    process.log.round().await.unwrap();
    let path = machine.path("objects/log/tile/0/001");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 31, 32, 8160, 8191] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(process.log.proof(events[300]).await.is_err(), "{length}");
        assert!(process.log.proof(events[3]).await.unwrap().unwrap().is_ok(), "its neighbours are proven");
        let wrong = verify_folder(&machine, &process, &[]);
        assert!(matches!(&wrong, Err(Wrong::Length { path, .. }) if path == "tile/0/001"), "{length}: {wrong:?}");
    }
    std::fs::write(&path, &whole).unwrap();
    assert!(process.log.proof(events[300]).await.unwrap().unwrap().is_ok());
}

/// Fails the `at`-th call and those of `more` that follow.
fn failing(at: usize, more: usize, fault: Fault) -> (Faults, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let faults: Faults = Arc::new(move |_, _| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        if (at..=at + more).contains(&call) { fault } else { Fault::None }
    });
    (faults, calls)
}

/// Three rounds on a folder that fails as it is told, each tried until it goes through; a checkpoint is never ahead of its tiles.
async fn rounds_on(faults: Faults) -> usize {
    let machine = Machine::new();
    let objects = || Objects::open_folder(&machine.path("objects")).unwrap();
    let process = machine.start_on(objects().failing(faults));
    let (mut events, mut failures) = (Vec::new(), 0);
    for count in [200, 57, 300] {
        events.extend(process.record(count).await);
        for attempt in 0.. {
            match process.log.round().await {
                Ok(size) if size == events.len() as u64 => break,
                Ok(_) => {}
                Err(error) => {
                    failures += 1;
                    assert!(matches!(error, LogFailure::Store(StoreError::Objects(_))), "{error:?}");
                }
            }
            assert!(attempt < 10, "it does not go on");
            if machine.path("objects/log/checkpoint").exists() {
                verify_folder(&machine, &process, &[]).unwrap();
            }
        }
    }
    let kept = process.log.checkpoint().await.unwrap().unwrap();
    drop(process);
    let process = machine.start();
    events.extend(process.record(1).await);
    process.log.round().await.unwrap();
    process.audit(&events[events.len() - 60..]).await;
    assert_eq!(verify_folder(&machine, &process, &[kept]), Ok(558));
    failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_that_fails_at_any_call_once_or_twice_running_loses_nothing() {
    let (faults, calls) = failing(usize::MAX - 1, 0, Fault::None);
    assert_eq!(rounds_on(faults).await, 0);
    let calls = calls.load(Ordering::SeqCst);
    assert!(calls >= 15, "{calls}");
    // An error, a time-out after success (the repeat is then a duplicate PUT), and two failures running, of which logs have died.
    for (more, fault) in [(0, Fault::Before), (0, Fault::After), (1, Fault::Before), (1, Fault::After)] {
        for at in 0..calls {
            let (faults, _) = failing(at, more, fault);
            assert!(rounds_on(faults).await <= 2 + more, "{fault:?} at {at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_that_takes_nothing_stops_publication_and_not_the_deeds() {
    let machine = Machine::new();
    let down = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let objects = Objects::open_folder(&machine.path("objects")).unwrap();
    let faults: Faults = {
        let down = Arc::clone(&down);
        Arc::new(
            move |call, _| if call == Call::Put && down.load(Ordering::SeqCst) { Fault::Before } else { Fault::None },
        )
    };
    let process = machine.start_on(objects.failing(faults));
    let events = process.record(20).await;
    for _ in 0..3 {
        assert!(matches!(process.log.round().await, Err(LogFailure::Store(StoreError::Objects(_)))));
    }
    assert!(process.log.checkpoint().await.unwrap().is_none());
    assert_eq!(process.log.backlog().await.unwrap().0, 20);
    down.store(false, Ordering::SeqCst);
    assert_eq!(process.log.round().await.unwrap(), 20);
    process.audit(&events).await;
}
