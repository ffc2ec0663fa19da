//! The log on PostgreSQL, where writers, sequencers and integrators of many processes really run beside each other, and where servers fail over.

use super::claiming_tests::Chance;
use super::tests::{Machine, Process, draft};
use super::*;
use crate::verify::{Folder, Kept, Question, verify};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use storage::TxError;
use storage::store::{Database, StoreConfig, migrate};
use storage::throwaway::{BackEnd, Cluster};

const WRITERS: usize = 12;

fn name(machine: &Machine) -> String {
    match &machine.store.database {
        Database::Postgres(address) => address.database().to_owned(),
        Database::Sqlite(_) => panic!("no PostgreSQL"),
    }
}

/// Twelve writers, each on a connection of its own: they write, linger, and commit or not. Returns when `stop` is set.
async fn writers(machine: &Machine, stop: &Arc<AtomicBool>) -> Vec<EventId> {
    let mut store = machine.store.clone();
    (store.writers, store.group, store.linger) = (WRITERS, 1, Duration::ZERO);
    let process = Arc::new(machine.start_with(&store));
    let mut lanes = Vec::new();
    for lane in 0..WRITERS {
        let (process, stop) = (Arc::clone(&process), Arc::clone(stop));
        lanes.push(tokio::spawn(async move {
            let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (lane as u64 + 1));
            let mut committed = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let event = process.ledger.prepare(draft(lane));
                let (id, pause, rolls_back) = (event.id(), chance.below(25), chance.below(10) == 0);
                let write = process.ledger.transact("write", move |tx| {
                    let appended = crate::append(tx, &event)?;
                    std::thread::sleep(Duration::from_millis(pause));
                    if rolls_back { Err(StoreError::Closed) } else { Ok(appended.with(())) }
                });
                match write.await {
                    Ok(()) => committed.push(id),
                    Err(error) => assert_eq!(error, TxError::Refused(StoreError::Closed)),
                }
            }
            committed
        }));
    }
    let mut committed = Vec::new();
    for lane in lanes {
        committed.extend(lane.await.unwrap());
    }
    committed
}

/// Contiguous from 0, each event that was acknowledged there once, none left.
async fn assert_numbered(process: &Process, committed: &[EventId]) {
    let numbered = process.entries().await;
    assert!((0..).zip(&numbered).all(|(number, (seq, _))| *seq == number), "contiguous");
    let text: Vec<_> = numbered.iter().map(|(_, entry)| String::from_utf8_lossy(entry).into_owned()).collect();
    let distinct: std::collections::BTreeSet<_> = text.iter().collect();
    assert_eq!(distinct.len(), text.len(), "none twice");
    assert_eq!(text.len(), committed.len());
    let all = text.concat();
    assert!(committed.iter().all(|event| all.contains(&event.to_string())), "none lost");
    assert_eq!(process.log.backlog().await.unwrap().0, 0);
}

/// The 18 % again, on the engine where they were measured: whoever reads on from the last identity never sees rows that are committed behind its back.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn who_reads_on_from_the_last_identity_loses_rows_and_the_sequencer_none() {
    if Cluster::shared().is_none() {
        return;
    }
    let machine = Machine::on(BackEnd::Postgres);
    let process = machine.start();
    let stop = Arc::new(AtomicBool::new(false));
    let reading = tokio::spawn({
        let (reader, stop) = (process.reader.clone(), Arc::clone(&stop));
        async move {
            let (mut seen, mut last) = (0, 0_i64);
            loop {
                let stopped = stop.load(Ordering::Relaxed);
                let from = last;
                let sql = "SELECT id FROM audit_outbox WHERE id > $1 ORDER BY id";
                let fresh = reader.read("naive", move |tx| tx.query(sql, &[from.into()], |row| row.integer(0)));
                let fresh = fresh.await.unwrap();
                seen += fresh.len();
                last = fresh.last().copied().unwrap_or(last);
                if stopped {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let timer = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            stop.store(true, Ordering::Relaxed);
        }
    });
    let committed = writers(&machine, &stop).await;
    timer.await.unwrap();
    // The last reading may have begun before the last commit; what it could have seen is not counted as lost.
    let seen = reading.await.unwrap() + WRITERS;
    assert!(committed.len() > 300, "{}", committed.len());
    assert!(seen + committed.len() / 20 < committed.len(), "{seen} of {}: this tells nothing", committed.len());
    process.log.round().await.unwrap();
    assert_numbered(&process, &committed).await;
    process.audit(&committed[..50]).await;
}

/// Three processes number and integrate beside twelve writers, and lose their connections at any moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn three_sequencers_that_are_cut_off_at_random_number_each_row_once() {
    let Some(cluster) = Cluster::shared() else { return };
    let machine = Machine::on(BackEnd::Postgres);
    let stop = Arc::new(AtomicBool::new(false));
    let processes: Vec<_> = (0..3).map(|_| Arc::new(machine.start())).collect();
    let failed = Arc::new(AtomicUsize::new(0));
    let rounds: Vec<_> = processes
        .iter()
        .map(|process| {
            let (process, stop, failed) = (Arc::clone(process), Arc::clone(&stop), Arc::clone(&failed));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    match process.log.round().await {
                        Ok(_) => {}
                        Err(LogFailure::Store(_)) => drop(failed.fetch_add(1, Ordering::Relaxed)),
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    let cuts = tokio::task::spawn_blocking({
        let (name, stop) = (name(&machine), Arc::clone(&stop));
        move || {
            // Any of the three, in whatever it is doing.
            let cut = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = '{name}' AND application_name = 'vuzol sequencing' AND state <> 'idle' ORDER BY random() LIMIT 1"
            );
            let mut made = 0;
            for _ in 0..60 {
                made += cluster.sql("postgres", &cut).matches('t').count();
                std::thread::sleep(Duration::from_millis(40));
            }
            stop.store(true, Ordering::Relaxed);
            made
        }
    });
    let committed = writers(&machine, &stop).await;
    let cuts = cuts.await.unwrap();
    for round in rounds {
        round.await.unwrap();
    }
    assert!(cuts > 5, "{cuts}");
    while processes[0].log.backlog().await.unwrap().0 > 0 {
        processes[0].log.round().await.unwrap();
    }
    assert!(committed.len() > 300, "{}", committed.len());
    assert_numbered(&processes[0], &committed).await;
    for process in processes {
        process.log.round().await.unwrap();
        process.audit(&committed[committed.len() - 50..]).await;
    }
}

/// A sequencer is stopped after it took the head, past its lease, and goes on: what it does then is undone, and its epoch is used up.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_sequencer_that_was_stopped_with_the_head_in_its_hand_is_fenced() {
    if Cluster::shared().is_none() {
        return;
    }
    let mut machine = Machine::on(BackEnd::Postgres);
    machine.store.lease = Duration::from_millis(300);
    let (slow, quick) = (machine.start(), machine.start());
    let events = quick.record(20).await;
    let (stopped, is_stopped) = tokio::sync::oneshot::channel();
    let mut stopped = Some(stopped);
    let epochs = Arc::new(AtomicI64::new(0));
    let held = tokio::spawn({
        let epochs = Arc::clone(&epochs);
        async move {
            let take = "UPDATE seq_head SET epoch = epoch + 1 WHERE id = 1 RETURNING next_seq, epoch";
            let hold = move |tx: &mut storage::Tx<'_>| {
                let head = tx.query_optional(take, &[], |row| Ok((row.integer(0)?, row.integer(1)?)))?;
                if let Some(stopped) = stopped.take() {
                    epochs.store(head.unwrap().1, Ordering::Relaxed);
                    stopped.send(()).unwrap();
                    std::thread::sleep(Duration::from_millis(1200));
                    // It would number rows that another has numbered meanwhile.
                    let number = "INSERT INTO audit_seq (seq, event_id, at, entry) SELECT 0, event_id, at, entry FROM audit_outbox LIMIT 1";
                    assert!(tx.execute(number, &[]).is_err());
                    return Err(StoreError::Closed);
                }
                Ok::<_, StoreError>(head.unwrap())
            };
            slow.writer.run_alone("hold", hold).await
        }
    });
    is_stopped.await.unwrap();
    assert_eq!(quick.log.round().await.unwrap(), 20);
    // It ran anew, on another connection: it sees the head where the other left it, under a later epoch.
    let (next, epoch) = held.await.unwrap().unwrap();
    assert_eq!(next, 20);
    assert!(epoch > epochs.load(Ordering::Relaxed));
    assert_numbered(&quick, &events).await;
    quick.audit(&events).await;
}

/// What the node's own users may not do, whatever is put into their statements.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_nodes_roles_cannot_change_what_is_recorded() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut machine = Machine::on(BackEnd::Postgres);
    machine.store = StoreConfig::postgres(cluster.address(&name(&machine), "vuzol"));
    let process = machine.start();
    process.record(3).await;
    process.log.round().await.unwrap();
    process.record(1).await;
    let acts = [
        "UPDATE audit_outbox SET at = 0",
        "DELETE FROM audit_outbox",
        "TRUNCATE audit_outbox",
        "UPDATE audit_seq SET at = 0",
        "DELETE FROM audit_seq",
        "INSERT INTO audit_seq (seq, event_id, at, entry) SELECT 9, event_id, at, entry FROM audit_outbox",
        "UPDATE seq_head SET epoch = epoch + 1",
        "UPDATE log_state SET epoch = epoch + 1",
        "UPDATE audit_payload SET details = ''",
        "UPDATE schema_version SET version = 0",
        "ALTER TABLE audit_seq DISABLE TRIGGER ALL",
        "DROP TABLE audit_seq",
    ];
    for sql in acts {
        let refused = process.writer.run_tx("test", move |tx| tx.execute(sql, &[])).await;
        let told = |error: &StoreError| {
            error.to_string().contains("permission denied") || error.to_string().contains("must be owner")
        };
        assert!(matches!(&refused, Err(TxError::Refused(error)) if told(error)), "{sql}: {refused:?}");
    }
    for (sql, why) in [
        ("UPDATE audit_seq SET at = 0", "permission denied"),
        ("DELETE FROM audit_seq", "permission denied"),
        (
            "INSERT INTO audit_outbox (event_id, at, entry) SELECT event_id, at, entry FROM audit_seq",
            "permission denied",
        ),
        ("DELETE FROM audit_outbox", "only when it is numbered"),
        ("UPDATE seq_head SET next_seq = 0", "only forward"),
        ("DELETE FROM jobs", "permission denied"),
    ] {
        let refused = process.writer.run_alone("test", move |tx| tx.execute(sql, &[])).await;
        assert!(
            matches!(&refused, Err(TxError::Refused(error)) if error.to_string().contains(why)),
            "{sql}: {refused:?}"
        );
    }
    assert_eq!(process.log.round().await.unwrap(), 4);
}

/// Somebody with all rights takes rows out. What is published proves them nevertheless; what is not yet stops the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_superuser_takes_out_is_noticed() {
    if Cluster::shared().is_none() {
        return;
    }
    let machine = Machine::on(BackEnd::Postgres);
    let process = machine.start();
    let events = process.record(300).await;
    process.log.round().await.unwrap();
    machine.sql("ALTER TABLE audit_seq DISABLE TRIGGER ALL; DELETE FROM audit_seq WHERE seq IN (3, 299)").await;
    let note = process.log.checkpoint().await.unwrap().unwrap();
    let (folder, log) = (Folder::new(&machine.path("objects/log")), process.log.verifier());
    let kept = Kept { name: "checkpoint".to_owned(), note };
    let question =
        Question { log: &log, national: None, policy: None, checkpoint: kept, kept: Vec::new(), anchors: Vec::new() };
    verify(&folder, &question, &mut |_, _| ()).unwrap();
    let mut entries = String::new();
    for path in ["tile/entries/000", "tile/entries/001.p/44"] {
        entries.push_str(&String::from_utf8_lossy(&process.log.tile(path).await.unwrap().unwrap()));
    }
    assert!(events.iter().all(|event| entries.contains(&event.to_string())), "the published log has them all");
    assert_eq!(process.entries().await.len(), 298, "the database has not");
    // Not integrated yet: a number is missing, and no checkpoint leaps over it.
    process.record(20).await;
    process.crash_at(integrator::Step::Numbered).await;
    machine.sql("DELETE FROM audit_seq WHERE seq = 310").await;
    let refused = machine.start().log.round().await;
    assert!(matches!(&refused, Err(LogFailure::Store(StoreError::Corrupt(why))) if why.contains("gap")), "{refused:?}");
    // The last ones: the head knows that they were given.
    let machine = Machine::on(BackEnd::Postgres);
    let process = machine.start();
    process.record(20).await;
    process.crash_at(integrator::Step::Numbered).await;
    machine.sql("ALTER TABLE audit_seq DISABLE TRIGGER ALL; DELETE FROM audit_seq WHERE seq >= 15").await;
    process.record(1).await;
    let refused = machine.start().log.round().await;
    assert!(matches!(&refused, Err(LogFailure::Store(StoreError::Corrupt(_)))), "{refused:?}");
}

/// A standby that was behind takes over: what the primary had acknowledged and signed is not there, and the log says so instead of signing another past.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_standby_that_lacks_what_was_signed_is_not_signed() {
    let Some(primary) = Cluster::start(&[]) else { return };
    let mut machine = Machine::over(StoreConfig::postgres(primary.database()));
    migrate(&machine.store).unwrap();
    let name = name(&machine);
    let process = machine.start();
    process.record(100).await;
    assert_eq!(process.log.round().await.unwrap(), 100);
    let standby = tokio::task::block_in_place(|| primary.standby());
    let events = process.record(50).await;
    assert_eq!(process.log.round().await.unwrap(), 150);
    // In step, a standby carries on.
    until(&standby, &name, "SELECT published_size FROM log_state", "150").await;
    // The line between the two is cut, and nobody notices.
    standby.sql("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
    standby.sql("postgres", "SELECT pg_reload_conf()");
    until(&standby, "postgres", "SELECT count(*) FROM pg_stat_wal_receiver", "0").await;
    process.record(30).await;
    assert_eq!(process.log.round().await.unwrap(), 180);
    let signed = std::fs::read(machine.path("signer.state")).unwrap();
    tokio::task::block_in_place(|| primary.crash());
    tokio::task::block_in_place(|| standby.promote());
    machine.store = StoreConfig::postgres(standby.address(&name, "vuzol_owner"));
    assert!(matches!(machine.start().log.proof(events[0]).await.unwrap(), Some(Ok(_))), "what it has it proves");
    for more in [0, 10, 20, 100] {
        let process = machine.start();
        process.record(more).await;
        assert!(matches!(process.log.round().await, Err(LogFailure::Inconsistent)), "{more}");
        assert!(matches!(process.log.backlog().await, Err(LogFailure::Inconsistent)), "the alarm names it");
    }
    assert_eq!(std::fs::read(machine.path("signer.state")).unwrap(), signed);
}

async fn until(cluster: &Cluster, database: &str, sql: &str, answer: &str) {
    for _ in 0..600 {
        if cluster.sql(database, sql).trim() == answer {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{sql} is not {answer}");
}
