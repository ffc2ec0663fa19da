//! What callers of the store rely on, over both back ends.

use super::*;
use crate::throwaway::{BackEnd, Cluster};
use std::sync::mpsc;
use std::time::Duration;
use tempfile::TempDir;

crate::on_each_back_end!(
    one_refused_transaction_leaves_its_neighbours_alone,
    nothing_is_answered_before_the_commit,
    a_full_queue_sheds_and_recovers,
    errors_say_who_is_to_blame,
    values_come_back_as_they_went,
    a_failing_commit_is_answered_to_everyone_and_the_writer_lives_on,
    a_closure_may_go_on_after_a_statement_that_failed,
    two_processes_share_the_database,
    acts_that_read_before_they_write_are_done_in_some_order,
    an_acknowledged_row_survives_a_kill,
);

fn database(back_end: BackEnd) -> (TempDir, StoreConfig) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = back_end.database(folder.path()).unwrap();
    // Groups are made up by tests that hold the writer.
    config.writers = 1;
    migrate(&config).unwrap();
    table(&config, "CREATE TABLE probe (id INTEGER NOT NULL PRIMARY KEY, text TEXT) STRICT");
    (folder, config)
}

fn table(config: &StoreConfig, sql: &str) {
    by_hand(config, sql);
    if let Database::Postgres(address) = &config.database {
        Cluster::shared().unwrap().sql(address.database(), "GRANT ALL ON ALL TABLES IN SCHEMA public TO vuzol_node");
    }
}

/// What somebody does whose database it is.
pub(crate) fn by_hand(config: &StoreConfig, sql: &str) {
    match &config.database {
        Database::Sqlite(path) => rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap(),
        Database::Postgres(address) => {
            for statement in crate::migrate::to_postgres(sql) {
                Cluster::shared().unwrap().sql(address.database(), &statement);
            }
        }
    }
}

fn path(config: &StoreConfig) -> &Path {
    match &config.database {
        Database::Sqlite(path) => path,
        Database::Postgres(_) => panic!("no file"),
    }
}

pub(super) fn insert(tx: &mut Tx<'_>, id: i64) -> Result<(), StoreError> {
    tx.execute("-- insert\nINSERT INTO probe (id) VALUES ($1)", &[id.into()]).map(drop)
}

async fn count(reader: &Reader) -> i64 {
    let count =
        reader.read("count", |tx| tx.query_optional("-- count\nSELECT count(*) FROM probe", &[], |row| row.integer(0)));
    count.await.unwrap().unwrap()
}

/// Holds the writer inside a transaction, so that what is sent meanwhile becomes one group.
struct Gate {
    open: mpsc::Sender<()>,
    held: tokio::task::JoinHandle<Result<(), TxError<StoreError>>>,
}

impl Gate {
    async fn close(writer: &Writer) -> Self {
        let (open, wait) = mpsc::channel();
        let (entered, inside) = tokio::sync::oneshot::channel();
        let mut entered = Some(entered);
        let writer = writer.clone();
        let held = tokio::spawn(async move {
            let gate = move |_: &mut Tx<'_>| {
                entered.take().map(|entered| entered.send(()));
                wait.recv_timeout(Duration::from_secs(10)).map_err(|_| StoreError::Closed)
            };
            writer.run_tx("gate", gate).await
        });
        inside.await.unwrap();
        Self { open, held }
    }

    /// Until so many transactions stand before the gate.
    async fn until_waiting(writer: &Writer, count: usize) {
        while writer.queue.waiting() < count {
            tokio::task::yield_now().await;
        }
    }

    async fn open(self) {
        self.open.send(()).unwrap();
        self.held.await.unwrap().unwrap();
    }
}

async fn one_refused_transaction_leaves_its_neighbours_alone(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    let (writer, reader) = open(&config).unwrap();
    let gate = Gate::close(&writer).await;
    let tasks: Vec<_> = (0..30_i64)
        .map(|id| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let run = writer.run_tx("probe", move |tx| {
                    insert(tx, id)?;
                    match id % 3 {
                        0 => Err(StoreError::Corrupt("refused")),
                        1 => panic!("a defect"),
                        _ => Ok(id),
                    }
                });
                (id, run.await)
            })
        })
        .collect();
    Gate::until_waiting(&writer, 30).await;
    gate.open().await;
    for task in tasks {
        match task.await.unwrap() {
            (id, Ok(value)) => assert!(id % 3 == 2 && value == id),
            (id, Err(TxError::Refused(refusal))) => assert!(id % 3 == 0 && refusal == StoreError::Corrupt("refused")),
            (id, Err(TxError::Store(StoreError::Database(text)))) => assert!(id % 3 == 1 && text.contains("panicked")),
            (id, other) => panic!("{id}: {other:?}"),
        }
    }
    assert_eq!(count(&reader).await, 10);
}

async fn nothing_is_answered_before_the_commit(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    let (writer, _reader) = open(&config).unwrap();
    let gate = Gate::close(&writer).await;
    // The first of the group has run; the second holds the group open.
    let first = tokio::spawn({
        let writer = writer.clone();
        async move { writer.run_tx("first", |tx| insert(tx, 1)).await }
    });
    Gate::until_waiting(&writer, 1).await;
    let (ran, second_runs) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let second = tokio::spawn({
        let writer = writer.clone();
        async move {
            let wait = move |tx: &mut Tx<'_>| {
                ran.send(()).unwrap();
                may_go.recv().unwrap();
                insert(tx, 2)
            };
            writer.run_tx("second", wait).await
        }
    });
    Gate::until_waiting(&writer, 2).await;
    gate.open().await;
    tokio::task::spawn_blocking(move || second_runs.recv().unwrap()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!first.is_finished(), "answered while its group was still open");
    go.send(()).unwrap();
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

async fn a_full_queue_sheds_and_recovers(back_end: BackEnd) {
    let (_folder, mut config) = database(back_end);
    config.queue = 4;
    let (writer, reader) = open(&config).unwrap();
    let gate = Gate::close(&writer).await;
    let tasks: Vec<_> = (0..20_i64)
        .map(|id| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.run_tx("probe", move |tx| insert(tx, id)).await })
        })
        .collect();
    while tasks.iter().filter(|task| task.is_finished()).count() < 16 {
        tokio::task::yield_now().await;
    }
    gate.open().await;
    let mut done = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => done += 1,
            Err(error) => assert_eq!(error, TxError::Store(StoreError::Overloaded)),
        }
    }
    assert_eq!((done, count(&reader).await), (4, 4));
    writer.run_tx("probe", |tx| insert(tx, 100)).await.unwrap();
}

async fn errors_say_who_is_to_blame(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    table(&config, "CREATE TABLE child (probe INTEGER NOT NULL REFERENCES probe (id)) STRICT");
    let (writer, reader) = open(&config).unwrap();
    writer.run_tx("probe", |tx| insert(tx, 1)).await.unwrap();
    let twice = writer.run_tx("probe", |tx| insert(tx, 1)).await;
    assert_eq!(twice, Err(TxError::Refused(StoreError::Conflict)));
    let orphan = writer.run_tx("child", |tx| tx.execute("INSERT INTO child (probe) VALUES (7)", &[]));
    let foreign = |text: &str| text.to_ascii_uppercase().contains("FOREIGN KEY");
    assert!(matches!(orphan.await, Err(TxError::Refused(StoreError::Database(text))) if foreign(&text)));
    let many = reader.read("many", |tx| tx.query_optional("SELECT 1 UNION SELECT 2", &[], |row| row.integer(0)));
    assert!(matches!(many.await, Err(StoreError::Corrupt(_))));
    let write = reader.read("write", |tx| insert(tx, 2));
    assert!(
        matches!(write.await, Err(StoreError::Database(text)) if text.contains("readonly") || text.contains("read-only"))
    );
    let panic = reader.read("panic", |_| -> Result<(), StoreError> { panic!("a defect") });
    assert!(matches!(panic.await, Err(StoreError::Database(text)) if text.contains("panicked")));
    assert_eq!(count(&reader).await, 1);
}

async fn values_come_back_as_they_went(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    let (writer, _reader) = open(&config).unwrap();
    let at = time::macros::datetime!(1969-12-31 23:59:59.999_999 UTC);
    let read = writer.run_tx("values", move |tx| {
        let values = [Value::Null, (-1_i64).into(), "їжак".into(), (&[0_u8, 255]).into(), at.into()];
        tx.query_optional("SELECT $1, $2, $3, $4, $5", &values, |row| {
            assert_eq!(row.integer(0), Err(StoreError::Corrupt("an integer was expected")));
            assert_eq!(row.text(9), Err(StoreError::Corrupt("a column is missing")));
            assert_eq!(row.array::<3>(3), Err(StoreError::Corrupt("a blob has another length")));
            assert!(row.integer(3).is_err() && row.blob(2).is_err() && row.text(1).is_err());
            Ok((row.is_null(0)?, row.integer(1)?, row.text(2)?, row.blob(3)?, row.time(4)?))
        })
    });
    let read: Result<_, TxError<StoreError>> = read.await;
    assert_eq!(read.unwrap().unwrap(), (true, -1, "їжак".to_owned(), vec![0, 255], at));
}

async fn a_failing_commit_is_answered_to_everyone_and_the_writer_lives_on(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    // A constraint that is checked at COMMIT stands in for a disk that fails there.
    table(
        &config,
        "CREATE TABLE late (probe INTEGER NOT NULL REFERENCES probe (id) DEFERRABLE INITIALLY DEFERRED) STRICT",
    );
    let (writer, reader) = open(&config).unwrap();
    let gate = Gate::close(&writer).await;
    let tasks: Vec<_> = (0..3_i64)
        .map(|id| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let run = writer.run_tx("probe", move |tx| {
                    if id == 1 {
                        tx.execute("INSERT INTO late (probe) VALUES (99)", &[])?;
                    }
                    if id == 2 { Err(StoreError::Conflict) } else { insert(tx, id) }
                });
                run.await
            })
        })
        .collect();
    Gate::until_waiting(&writer, 3).await;
    gate.open().await;
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Err(TxError::Store(StoreError::Database(_)))));
    }
    assert_eq!(count(&reader).await, 0);
    writer.run_tx("probe", |tx| insert(tx, 5)).await.unwrap();
    assert_eq!(count(&reader).await, 1);
}

/// As SQLite has it: what failed is undone by itself. Whether it is the last of its group or has neighbours, and whether the group's savepoints are there
/// already, must not tell.
async fn a_closure_may_go_on_after_a_statement_that_failed(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    let (writer, reader) = open(&config).unwrap();
    writer.run_tx("first", |tx| insert(tx, 0)).await.unwrap();
    for round in 0..3_i64 {
        let tasks: Vec<_> = (1..9_i64)
            .map(|lane| {
                let (writer, id) = (writer.clone(), round * 100 + lane * 10);
                tokio::spawn(async move {
                    let run = writer.run_tx("on", move |tx| {
                        insert(tx, id)?;
                        let there = insert(tx, 0);
                        let seen = tx.query_optional("SELECT count(*) FROM probe WHERE id = $1", &[id.into()], |row| {
                            row.integer(0)
                        });
                        if lane % 2 == 0 {
                            // The answer rests on what was read after the failure.
                            return Err(if seen? == Some(1) {
                                StoreError::Corrupt("refused after a look")
                            } else {
                                there.unwrap_err()
                            });
                        }
                        insert(tx, id + 1)?;
                        Ok::<_, StoreError>((there, seen?))
                    });
                    (lane, run.await)
                })
            })
            .collect();
        for task in tasks {
            match task.await.unwrap() {
                (lane, Ok(found)) => {
                    assert!(lane % 2 == 1 && found == (Err(StoreError::Conflict), Some(1)), "{found:?}")
                }
                (lane, refused) => {
                    assert!(lane % 2 == 0, "{refused:?}");
                    assert_eq!(refused, Err(TxError::Refused(StoreError::Corrupt("refused after a look"))));
                }
            }
        }
    }
    assert_eq!(count(&reader).await, 1 + 3 * 4 * 2);
}

/// Two accounts that may not both be empty, as an act would see to it: read both, take from one. In an order of any kind one of each pair is refused.
async fn acts_that_read_before_they_write_are_done_in_some_order(back_end: BackEnd) {
    let (_folder, mut config) = database(back_end);
    config.writers = 3;
    config.group = 1;
    let stores = [open(&config).unwrap(), open(&config).unwrap()];
    for pair in 0..60_i64 {
        let set = move |tx: &mut Tx<'_>| insert(tx, pair * 2).and_then(|()| insert(tx, pair * 2 + 1));
        stores[0].0.run_tx("set", set).await.unwrap();
        let takes = (0..4_usize).map(|lane| {
            let writer = stores[lane % 2].0.clone();
            let own = pair * 2 + i64::try_from(lane / 2).unwrap();
            tokio::spawn(async move {
                let take = writer.run_tx("take", move |tx| {
                    let left = "SELECT count(*) FROM probe WHERE id IN ($1, $2)";
                    let left =
                        tx.query_optional(left, &[(pair * 2).into(), (pair * 2 + 1).into()], |row| row.integer(0))?;
                    std::thread::sleep(Duration::from_micros(300));
                    if left != Some(2) {
                        return Err(StoreError::Corrupt("the last one stays"));
                    }
                    tx.execute("DELETE FROM probe WHERE id = $1", &[own.into()])
                });
                take.await
            })
        });
        let takes: Vec<_> = takes.collect();
        let mut taken = 0;
        for take in takes {
            match take.await.unwrap() {
                Ok(changed) => taken += changed,
                Err(refused) => assert_eq!(refused, TxError::Refused(StoreError::Corrupt("the last one stays"))),
            }
        }
        assert_eq!(taken, 1, "pair {pair}");
    }
    assert_eq!(count(&stores[1].1).await, 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_breaks_its_group_falls_alone() {
    let (_folder, config) = database(BackEnd::Sqlite);
    let (writer, reader) = open(&config).unwrap();
    let gate = Gate::close(&writer).await;
    let tasks: Vec<_> = (0..9_i64)
        .map(|id| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let run = writer.run_tx("probe", move |tx| {
                    insert(tx, id)?;
                    if id == 4 {
                        // What SQLite does by itself on a full disk or an input/output error.
                        tx.execute("ROLLBACK", &[])?;
                    }
                    Ok::<_, StoreError>(())
                });
                run.await
            })
        })
        .collect();
    Gate::until_waiting(&writer, 9).await;
    gate.open().await;
    for (id, task) in tasks.into_iter().enumerate() {
        let result = task.await.unwrap();
        assert_eq!(result.is_ok(), id != 4, "{id}: {result:?}");
    }
    assert_eq!(count(&reader).await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_refuses_and_keeps_what_it_acknowledged() {
    let (_folder, config) = database(BackEnd::Sqlite);
    table(&config, "CREATE TABLE big (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT");
    let (writer, reader) = open(&config).unwrap();
    let pages: i64 = writer
        .run_tx("limit", |tx| {
            let pages = tx.query_optional("PRAGMA page_count", &[], |row| row.integer(0))?.unwrap_or(0);
            tx.query("PRAGMA max_page_count = 300", &[], |row| row.integer(0))?;
            Ok::<_, StoreError>(pages)
        })
        .await
        .unwrap();
    assert!(pages < 300);
    let mut kept = Vec::new();
    for id in 0..60_i64 {
        let run = writer.run_tx("big", move |tx| {
            let body = vec![0_u8; 40_000];
            tx.execute("INSERT INTO big (id, body) VALUES ($1, $2)", &[id.into(), (&body).into()])
        });
        match run.await {
            Ok(_) => kept.push(id),
            Err(TxError::Refused(StoreError::Database(_)) | TxError::Store(StoreError::Database(_))) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(kept.len() > 5 && kept.len() < 60);
    let stored = reader.read("big", |tx| tx.query("SELECT id FROM big ORDER BY id", &[], |row| row.integer(0)));
    assert_eq!(stored.await.unwrap(), kept);
}

async fn two_processes_share_the_database(back_end: BackEnd) {
    let (_folder, config) = database(back_end);
    let stores = [open(&config).unwrap(), open(&config).unwrap()];
    let mut tasks = Vec::new();
    for id in 0..400_i64 {
        let writer = stores[usize::try_from(id % 2).unwrap()].0.clone();
        tasks.push(tokio::spawn(async move { writer.run_tx("probe", move |tx| insert(tx, id)).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    for (_, reader) in &stores {
        assert_eq!(count(reader).await, 400);
    }
}

/// The child of [`a_disk_that_refuses_loses_nothing_acknowledged`]: writes until it is refused, then some more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_writes_until_the_disk_refuses() {
    let Ok(path) = std::env::var("VUZOL_TEST_REFUSED_DATABASE") else { return };
    let (writer, _reader) = open(&StoreConfig::new(path.into())).unwrap();
    let mut refused = 0;
    for id in 0..2_000_i64 {
        let run = writer.run_tx("big", move |tx| {
            let body = vec![7_u8; 20_000];
            tx.execute("INSERT INTO big (id, body) VALUES ($1, $2)", &[id.into(), (&body).into()])
        });
        match run.await {
            Ok(_) => println!("acknowledged {id}"),
            Err(TxError::Store(StoreError::Database(_)) | TxError::Refused(StoreError::Database(_))) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
        if refused == 20 {
            println!("refused");
            return;
        }
    }
}

#[cfg(unix)]
#[test]
fn a_disk_that_refuses_loses_nothing_acknowledged() {
    let (_folder, config) = database(BackEnd::Sqlite);
    table(&config, "CREATE TABLE big (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT");
    // No file may grow past 4 MiB, and the signal that says so is ignored: writing fails with an error.
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::child_that_writes_until_the_disk_refuses", "--nocapture"])
        .env("VUZOL_TEST_REFUSED_DATABASE", path(&config))
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains("refused"), "{output}");
    let acknowledged: Vec<i64> =
        output.lines().filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse().ok()).collect();
    assert!(acknowledged.len() > 50, "{}", acknowledged.len());
    let connection = rusqlite::Connection::open(path(&config)).unwrap();
    for id in acknowledged {
        let length: i64 =
            connection.query_row("SELECT length(body) FROM big WHERE id = ?1", [id], |row| row.get(0)).unwrap();
        assert_eq!(length, 20_000);
    }
}

/// The child of [`an_acknowledged_row_survives_a_kill`]: prints the number of each row after its acknowledgement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_writes_until_it_is_killed() {
    let Ok(place) = std::env::var("VUZOL_TEST_KILLED_DATABASE") else { return };
    let first: i64 = std::env::var("VUZOL_TEST_KILLED_FIRST").unwrap().parse().unwrap();
    let config = match Address::parse(&place) {
        Ok(address) => StoreConfig::postgres(address),
        Err(_) => StoreConfig::new(place.into()),
    };
    let (writer, _reader) = open(&config).unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|lane| {
            let writer = writer.clone();
            tokio::spawn(async move {
                for id in (first + lane..).step_by(16) {
                    writer.run_tx("probe", move |tx| insert(tx, id)).await.unwrap();
                    use std::io::Write as _;
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {id}").and_then(|()| out.flush()).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn an_acknowledged_row_survives_a_kill(back_end: BackEnd) {
    use std::io::{BufRead as _, BufReader};
    let (_folder, config) = database(back_end);
    let place = match &config.database {
        Database::Sqlite(path) => path.display().to_string(),
        Database::Postgres(address) => Cluster::shared().unwrap().url(address.database(), "vuzol"),
    };
    let mut acknowledged = Vec::new();
    for round in 0..20_i64 {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::child_that_writes_until_it_is_killed", "--nocapture"])
            .env("VUZOL_TEST_KILLED_DATABASE", &place)
            .env("VUZOL_TEST_KILLED_FIRST", (round * 1_000_000).to_string())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = 20 + 17 * usize::try_from(round).unwrap();
        let mut seen = 0;
        for line in lines {
            // The last line may be torn by the kill; a torn number is a prefix of one that may never have been sent.
            let line = line.unwrap();
            if let Some(id) = line.rsplit_once("acknowledged ").filter(|_| seen < enough) {
                acknowledged.push(id.1.parse::<i64>().unwrap());
                seen += 1;
            }
            if seen == enough {
                seen += 1;
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen > enough, "the child ended by itself");
    }
    if let Database::Sqlite(path) = &config.database {
        let connection = rusqlite::Connection::open(path).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
    }
    let there = ids(&open(&config).unwrap().1).await;
    for id in &acknowledged {
        assert!(there.contains(id), "row {id} was acknowledged and is lost");
    }
    assert!(acknowledged.len() > 3_000);
}

pub(super) async fn ids(reader: &Reader) -> std::collections::BTreeSet<i64> {
    let ids = reader.read("ids", |tx| tx.query("SELECT id FROM probe", &[], |row| row.integer(0)));
    ids.await.unwrap().into_iter().collect()
}
