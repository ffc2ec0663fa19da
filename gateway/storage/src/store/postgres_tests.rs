//! What only PostgreSQL can do to its callers: refuse to promise, lose connections and whole servers, outlive a process that was stopped.

use super::tests::{ids, insert};
use super::*;
use crate::throwaway::Cluster;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn database(cluster: &Cluster) -> StoreConfig {
    let config = StoreConfig::postgres(cluster.database());
    migrate(&config).unwrap();
    cluster.sql(name(&config), "CREATE TABLE probe (id BIGINT PRIMARY KEY); GRANT ALL ON probe TO vuzol_node");
    config
}

fn name(config: &StoreConfig) -> &str {
    match &config.database {
        Database::Postgres(address) => address.database(),
        Database::Sqlite(_) => panic!("no PostgreSQL"),
    }
}

#[test]
fn lower_promises_than_ours_are_refused() {
    let Some(cluster) = Cluster::shared() else { return };
    let config = database(cluster);
    for (level, kept) in
        [("off", false), ("local", false), ("remote_write", false), ("on", true), ("remote_apply", true)]
    {
        cluster.sql("postgres", &format!("ALTER DATABASE {} SET synchronous_commit = {level}", name(&config)));
        match open(&config) {
            Ok(_) => assert!(kept, "{level}"),
            Err(refused) => assert!(!kept && refused.to_string().contains("synchronous_commit"), "{level}: {refused}"),
        }
    }
    for setting in ["fsync", "full_page_writes"] {
        let Some(cluster) = Cluster::start(&[&format!("{setting}=off")]) else { return };
        let refused = migrate(&StoreConfig::postgres(cluster.database())).unwrap_err();
        assert!(refused.to_string().contains(setting), "{refused}");
    }
}

#[test]
fn whoever_has_not_the_nodes_roles_is_told_what_is_missing() {
    let Some(cluster) = Cluster::shared() else { return };
    let config = database(cluster);
    cluster.sql("postgres", "CREATE ROLE stranger LOGIN");
    let stranger = StoreConfig::postgres(cluster.address(name(&config), "stranger"));
    let refused = open(&stranger).err().unwrap();
    assert!(refused.to_string().contains("vuzol_node"), "{refused}");
    open(&StoreConfig::postgres(cluster.address(name(&config), "vuzol"))).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_before_the_commit_costs_nobody_anything() {
    let Some(cluster) = Cluster::shared() else { return };
    let config = database(cluster);
    let (writer, reader) = open(&config).unwrap();
    let end_all = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND application_name LIKE 'vuzol %'",
        name(&config)
    );
    for id in 0..6 {
        // While nothing runs, and in the middle of the transaction.
        if id % 2 == 0 {
            cluster.sql("postgres", &end_all);
        }
        let (end_all, mut once) = (end_all.clone(), id % 2 == 1);
        let write = move |tx: &mut Tx<'_>| {
            insert(tx, id * 10)?;
            if std::mem::take(&mut once) {
                cluster.sql("postgres", &end_all);
            }
            insert(tx, id * 10 + 1)
        };
        writer.run_tx("write", write).await.unwrap();
        assert_eq!(ids(&reader).await.len(), 2 * (usize::try_from(id).unwrap() + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_during_the_commit_is_never_an_acknowledgement() {
    let Some(cluster) = Cluster::shared() else { return };
    let config = database(cluster);
    cluster.sql(
        name(&config),
        "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NULL; END' SECURITY DEFINER;
         CREATE CONSTRAINT TRIGGER fall AFTER INSERT ON probe DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW WHEN (NEW.id = 7) EXECUTE FUNCTION fall()",
    );
    let (writer, reader) = open(&config).unwrap();
    writer.run_tx("before", |tx| insert(tx, 1)).await.unwrap();
    let lost = writer.run_tx("lost", |tx| insert(tx, 7)).await;
    assert_eq!(lost, Err(TxError::Store(StoreError::OutcomeUnknown)));
    writer.run_tx("after", |tx| insert(tx, 2)).await.unwrap();
    assert_eq!(ids(&reader).await, [1, 2].into());
}

/// The server dies ten times under load, and comes again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_loses_nothing_acknowledged() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let config = database(&cluster);
    let (writer, _reader) = open(&config).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let lanes: Vec<_> = (0..16_i64)
        .map(|lane| {
            let (writer, stop) = (writer.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut kept, mut unknown, mut refused) = (Vec::new(), BTreeSet::new(), Vec::new());
                for id in (lane..).step_by(16) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    match writer.run_tx("write", move |tx| insert(tx, id)).await {
                        Ok(()) => kept.push(id),
                        Err(TxError::Store(StoreError::OutcomeUnknown)) => drop(unknown.insert(id)),
                        Err(_) => {
                            refused.push(id);
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    }
                }
                (kept, unknown, refused)
            })
        })
        .collect();
    let cluster = tokio::task::spawn_blocking(move || {
        for round in 0..10 {
            std::thread::sleep(Duration::from_millis(100 + 37 * round));
            cluster.crash();
            cluster.serve(&[]);
        }
        cluster
    });
    let cluster = cluster.await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut kept, mut unknown, mut refused) = (Vec::new(), BTreeSet::new(), Vec::new());
    for lane in lanes {
        let (more, doubtful, no) = lane.await.unwrap();
        kept.extend(more);
        unknown.extend(doubtful);
        refused.extend(no);
    }
    drop(writer);
    let there = ids(&open(&config).unwrap().1).await;
    assert!(kept.iter().all(|id| there.contains(id)), "acknowledged and lost");
    assert!(refused.iter().all(|id| !there.contains(id)), "refused and done");
    assert!(there.iter().all(|id| unknown.contains(id) || kept.contains(id)));
    assert!(kept.len() > 50 && there.len() < kept.len() + unknown.len() + 1, "{} {}", kept.len(), unknown.len());
    drop(cluster);
}

/// A process is stopped while it holds a row that another one waits for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stopped_process_holds_is_free_when_its_lease_is_over() {
    let Some(cluster) = Cluster::shared() else { return };
    let mut config = database(cluster);
    config.lease = Duration::from_millis(300);
    cluster.sql(name(&config), "INSERT INTO probe (id) VALUES (1)");
    let (slow, _) = open(&config).unwrap();
    let (quick, reader) = open(&config).unwrap();
    let (stopped, is_stopped) = tokio::sync::oneshot::channel();
    let mut stopped = Some(stopped);
    let held = tokio::spawn(async move {
        let mut runs = 0;
        let hold = move |tx: &mut Tx<'_>| {
            runs += 1;
            let found = tx.execute("UPDATE probe SET id = id + 100 WHERE id < 100", &[])?;
            if let Some(stopped) = stopped.take() {
                stopped.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(1200));
                // It goes on with what it believed then; the server knows better.
                assert!(insert(tx, 50).is_err());
            }
            Ok::<_, StoreError>((runs, found))
        };
        slow.run_tx("hold", hold).await
    });
    is_stopped.await.unwrap();
    quick.run_tx("take", |tx| tx.execute("UPDATE probe SET id = id + 200 WHERE id < 100", &[])).await.unwrap();
    assert_eq!(ids(&reader).await, [201].into());
    assert_eq!(held.await.unwrap(), Ok((2, 0)), "it ran again, and found the row gone");
    assert_eq!(ids(&reader).await, [201].into());
}

/// Inserts that are sent together: seen by whoever asks, and a failure is its own transaction's alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_sent_together_stand_and_fall_each_for_itself() {
    const ROW: &str = "INSERT INTO probe (id) VALUES ($1)";
    let Some(cluster) = Cluster::shared() else { return };
    let (writer, reader) = open(&database(cluster)).unwrap();
    writer.run_tx("before", |tx| insert(tx, 7)).await.unwrap();
    let lanes: Vec<_> = (0..64_i64)
        .map(|lane| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let add = move |tx: &mut Tx<'_>| {
                    for row in 0..100 {
                        tx.insert(ROW, &[(lane * 1000 + row * 10).into()])?;
                    }
                    let sql = "SELECT count(*) FROM probe WHERE id >= $1 AND id < $1 + 1000";
                    let seen = tx.query_optional(sql, &[(lane * 1000).into()], |row| row.integer(0))?;
                    // Some clash with what is there, and say nothing before the commit.
                    if lane % 16 == 3 {
                        tx.insert(ROW, &[7_i64.into()])?;
                    }
                    Ok::<_, StoreError>(seen)
                };
                (lane, writer.run_tx("add", add).await)
            })
        })
        .collect();
    let mut expected = BTreeSet::from([7]);
    for lane in lanes {
        let (lane, end) = lane.await.unwrap();
        if lane % 16 == 3 {
            assert_eq!(end, Err(TxError::Refused(StoreError::Conflict)), "{lane}");
        } else {
            assert_eq!(end, Ok(Some(100 + i64::from(lane == 0))), "{lane}");
            expected.extend((0..100).map(|row| lane * 1000 + row * 10));
        }
    }
    assert_eq!(ids(&reader).await, expected);
}
