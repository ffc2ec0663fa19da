//! Retention: a log may forget its beginning, by a written policy, and proves what is left as before (C2SP tlog-tiles, pruning).
//!
//! The *minimum index* goes forward by a deed that is in the log itself, with the digest of the policy. Then goes whatever ends at or below it: entry bundles,
//! tiles of hashes, rows, and what lies beside the tree. The tiles that reach across the minimum stay, and are all that proofs of later entries, and
//! of consistency from the minimum on, need; so checkpoints and receipts of what is left stay good. What was handed out for an entry that is gone still
//! verifies by itself: the entry is in the hands of whoever has the receipt.
//!
//! What is lost with it: the node can no longer make its tiles again from its rows. A folder of objects that is lost after a pruning is lost.

use crate::event::Event;
use crate::ledger::{Appended, append};
use crate::log::LogFailure;
use crate::log::state::{LogState, only_store, signed, unsigned};
use crate::log::tiles::{FULL, Wanted};
use crypto::merkle::TileId;
use storage::objects::Objects;
use storage::{Reader, StoreError, Tx, Writer};
use time::OffsetDateTime;

/// Entries that are looked at in one go, and that go in one transaction.
const CHUNK: u64 = FULL as u64;

/// Chunks that one call looks at: a million entries.
const LOOKS: u32 = 4096;

/// Takes away what lies below the minimum.
#[derive(Clone)]
pub struct Pruning {
    writer: Writer,
    reader: Reader,
    objects: Objects,
}

impl Pruning {
    /// Of the log in this database and folder.
    #[must_use]
    pub fn new(writer: Writer, reader: Reader, objects: Objects) -> Self {
        Self { writer, reader, objects }
    }

    /// The minimum index.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn minimum(&self) -> Result<u64, LogFailure> {
        Ok(read_minimum(&self.reader).await?)
    }

    /// How far the minimum could go: the published entries from the present one on that were all recorded before `before`, whole bundles only, and at most a
    /// million at a time.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn reaches(&self, before: OffsetDateTime) -> Result<u64, LogFailure> {
        let newest = "-- reaches
            SELECT max(at) FROM audit_seq WHERE seq >= $1 AND seq < $2";
        let found =
            self.reader.read("log_prunable", move |tx| {
                let published = LogState::read_in(tx)?.published_size();
                let mut reaches = minimum(tx)?;
                for _ in 0..LOOKS {
                    let end = reaches + CHUNK;
                    if end > published {
                        break;
                    }
                    let values = [signed(reaches)?.into(), signed(end)?.into()];
                    let at = tx.query_optional(newest, &values, |row| {
                        if row.is_null(0)? { Ok(None) } else { row.time(0).map(Some) }
                    })?;
                    if at.flatten().is_none_or(|at| at >= before) {
                        break;
                    }
                    reaches = end;
                }
                Ok(reaches)
            });
        Ok(found.await?)
    }

    /// Takes away the next of what lies below the minimum: a chunk of entries, objects first, so that a row always tells what is left to do. False: nothing is
    /// left. May be stopped anywhere and called again.
    ///
    /// # Errors
    /// Failures of the database or the objects.
    pub async fn step(&self) -> Result<bool, LogFailure> {
        let first = "-- step
            SELECT min(seq) FROM audit_seq WHERE seq < $1";
        let below = self.reader.read("log_prune_next", move |tx| {
            let minimum = minimum(tx)?;
            let first = tx.query_optional(first, &[signed(minimum)?.into()], |row| {
                if row.is_null(0)? { Ok(None) } else { unsigned(row, 0).map(Some) }
            })?;
            Ok(first.flatten())
        });
        let Some(first) = below.await? else { return Ok(false) };
        let chunk = first / CHUNK;
        for key in ends_with(chunk) {
            self.objects.delete(&key).await?;
        }
        let end = signed((chunk + 1) * CHUNK)?;
        let payloads = "-- step
            DELETE FROM audit_payload WHERE event_id IN (SELECT event_id FROM audit_seq WHERE seq < $1)";
        let sealed = "-- step
            DELETE FROM audit_sealed WHERE event_id IN (SELECT event_id FROM audit_seq WHERE seq < $1)";
        let rows = "-- step
            DELETE FROM audit_seq WHERE seq < $1";
        // There the node may not delete a numbered row; the function does, below the minimum (migrations/postgres/rights.sql).
        let rows_on_postgres = "-- step
            SELECT prune_numbered($1)";
        let deleted = self.writer.run_tx("log_prune", move |tx| {
            tx.execute(payloads, &[end.into()])?;
            tx.execute(sealed, &[end.into()])?;
            if tx.is_postgres() {
                return tx.query_optional(rows_on_postgres, &[end.into()], |_| Ok(())).map(drop);
            }
            tx.execute(rows, &[end.into()]).map(drop)
        });
        deleted.await.map_err(only_store)?;
        Ok(true)
    }
}

/// Moves the minimum index forward; with the event that says by which policy. (What it moves over goes later, by [`Pruning::step`].)
///
/// # Errors
/// [`StoreError::Corrupt`] for a minimum below the present one, beyond what is published, or within a bundle; failures of the database.
pub fn set_minimum(tx: &mut Tx<'_>, event: &Event, new: u64) -> Result<Appended, StoreError> {
    let sql = "-- set_minimum
        UPDATE log_retention SET minimum = $1 WHERE id = 1";
    let published = LogState::read_in(tx)?.published_size();
    if new < minimum(tx)? || new > published || !new.is_multiple_of(CHUNK) {
        return Err(StoreError::Corrupt("no such minimum index"));
    }
    tx.execute(sql, &[signed(new)?.into()])?;
    append(tx, event)
}

/// The minimum index.
pub(crate) async fn read_minimum(reader: &Reader) -> Result<u64, StoreError> {
    reader.read("log_minimum", minimum).await
}

fn minimum(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let sql = "-- minimum
        SELECT minimum FROM log_retention WHERE id = 1";
    Ok(tx.query_optional(sql, &[], |row| unsigned(row, 0))?.unwrap_or(0))
}

/// Keys of the bundle of a chunk of entries, and of each tile of hashes that ends with it.
fn ends_with(chunk: u64) -> Vec<String> {
    let tile = |level, index| TileId { level, index, width: FULL };
    let mut keys = vec![Wanted::Entries(tile(0, chunk)).key()];
    let (mut level, mut index) = (0, chunk);
    loop {
        keys.push(Wanted::Hashes(tile(level, index)).key());
        if !(index + 1).is_multiple_of(CHUNK) {
            return keys;
        }
        (level, index) = (level + 1, index / CHUNK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Action, EventDraft, Outcome};
    use crate::log::tests::{Machine, Process};
    use crate::verify::{Folder, Kept, Question, Wrong, compare_rows, verify, verify_from};
    use storage::store::Database;
    use storage::throwaway::{BackEnd, Cluster};

    fn pruning(machine: &Machine, process: &Process) -> Pruning {
        let objects = Objects::open_folder(&machine.path("objects")).unwrap();
        Pruning::new(process.writer.clone(), process.reader.clone(), objects)
    }

    async fn move_to(process: &Process, minimum: u64) -> Result<(), StoreError> {
        let draft = EventDraft {
            action: Action::PruneLog,
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::json!({ "minimum": minimum }),
        };
        let event = process.ledger.prepare(draft);
        let moved = process.ledger.transact("prune", move |tx| Ok(set_minimum(tx, &event, minimum)?.with(())));
        moved.await.map_err(only_store)
    }

    async fn prune(machine: &Machine, process: &Process) -> usize {
        let mut steps = 0;
        while pruning(machine, process).step().await.unwrap() {
            steps += 1;
        }
        steps
    }

    fn check(machine: &Machine, process: &Process, minimum: u64, kept: Vec<Kept>) -> Result<(u64, usize), Wrong> {
        let (folder, log) = (machine.path("objects/log"), process.log.verifier());
        let note = std::fs::read_to_string(folder.join("checkpoint")).unwrap();
        let checkpoint = Kept { name: "checkpoint".to_owned(), note };
        let question = Question { log: &log, national: None, policy: None, checkpoint, kept, anchors: Vec::new() };
        let verified = verify_from(&Folder::new(&folder), &question, minimum, &mut |_, _| ())?;
        Ok((verified.checkpoint().size, verified.kept()))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_pruned_log_forgets_its_beginning_and_proves_the_rest() {
        let machine = Machine::new();
        let process = machine.start();
        let mut events = process.record(1000).await;
        process.log.round().await.unwrap();
        let (receipt, old) = (process.log.proof(events[3]).await.unwrap().unwrap().unwrap(), process.published().await);
        let kept = Kept { name: "kept".to_owned(), note: process.log.checkpoint().await.unwrap().unwrap() };
        move_to(&process, 768).await.unwrap();
        assert_eq!(prune(&machine, &process).await, 3);
        assert_eq!(prune(&machine, &process).await, 0);

        // What is gone is gone, by every way to it; and its receipt still verifies.
        assert!(process.log.proof(events[3]).await.unwrap().is_none());
        for gone in ["tile/0/002", "tile/entries/000"] {
            assert!(!machine.path("objects/log").join(gone).exists());
            assert!(process.log.tile(gone).await.unwrap().is_none(), "{gone}");
        }
        assert_eq!(receipt.proof.verify(&receipt.entry, &process.log.verifier()).unwrap(), old);
        // What is left is proven, goes on, and is verified from there on, after a restart too.
        for process in [process, machine.start()] {
            events.extend(process.record(700).await);
            process.log.round().await.unwrap();
            while process.log.backlog().await.unwrap().0 > 0 {
                process.log.round().await.unwrap();
            }
            let size = process.published().await.size;
            for event in [768, 999, 1001, events.len() - 1] {
                assert!(process.log.proof(events[event]).await.unwrap().unwrap().is_ok(), "{event}");
            }
            assert_eq!(check(&machine, &process, 768, vec![kept.clone()]), Ok((size, 1)));
            assert!(matches!(check(&machine, &process, 0, Vec::new()), Err(Wrong::Missing { .. })));
            let source = Folder::new(&machine.path("objects/log"));
            assert_eq!(compare_rows(&process.reader, &source, None, 768, size).await.unwrap().rows, size - 768);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tiles_of_every_level_that_end_below_the_minimum_go_and_no_others() {
        let machine = Machine::new();
        let process = machine.start();
        process.record(66_000).await;
        while process.log.backlog().await.unwrap().0 > 0 {
            process.log.round().await.unwrap();
        }
        move_to(&process, 65_536).await.unwrap();
        // Stopped halfway, and begun again.
        for _ in 0..100 {
            assert!(pruning(&machine, &process).step().await.unwrap());
        }
        assert_eq!(prune(&machine, &process).await, 156);
        let tiles = machine.path("objects/log/tile");
        assert!(!tiles.join("1/000").exists() && !tiles.join("0/255").exists());
        assert!(tiles.join("0/256").exists() && tiles.join("2/000.p/1").exists());
        drop(process);
        let process = machine.start();
        process.record(1).await;
        let size = process.log.round().await.unwrap();
        assert_eq!(check(&machine, &process, 65_536, Vec::new()), Ok((size, 0)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_left_is_held_against_the_signed_root() {
        let machine = Machine::new();
        let process = machine.start();
        process.record(1500).await;
        process.log.round().await.unwrap();
        move_to(&process, 512).await.unwrap();
        prune(&machine, &process).await;
        let checked = |minimum| check(&machine, &process, minimum, Vec::new());
        assert_eq!(checked(512), Ok((1500, 0)));
        assert_eq!(checked(513), Ok((1500, 0)), "from the next bundle on");
        assert!(matches!(checked(256), Err(Wrong::Missing { .. })));
        assert!(matches!(checked(2000), Err(Wrong::Checkpoint { .. })), "beyond its end");
        for (path, at) in [("tile/entries/003", 40), ("tile/0/004", 9), ("tile/1/000.p/5", 70)] {
            let path = machine.path("objects/log").join(path);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[at] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            assert!(checked(512).is_err(), "{path:?}");
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
        // A hash of what is gone: it has no leaves any more, and leads to the root all the same.
        let path = machine.path("objects/log/tile/1/000.p/5");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(checked(512).is_err());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_minimum_goes_forward_over_whole_published_bundles_that_are_old_enough() {
        let machine = Machine::new();
        let process = machine.start();
        process.record(600).await;
        process.log.round().await.unwrap();
        machine.clock.advance(time::Duration::days(10));
        process.record(700).await;
        let limit = storage::Clock::now(&*machine.clock) - time::Duration::days(5);
        let pruning = pruning(&machine, &process);
        assert_eq!(pruning.reaches(limit).await.unwrap(), 512, "published alone");
        process.log.round().await.unwrap();
        assert_eq!(pruning.reaches(limit).await.unwrap(), 512, "a bundle with a younger entry stays");
        assert_eq!(pruning.reaches(limit + time::Duration::days(6)).await.unwrap(), 1280);
        for wrong in [100, 1536, 1300] {
            assert!(move_to(&process, wrong).await.is_err(), "{wrong}");
        }
        move_to(&process, 512).await.unwrap();
        assert!(move_to(&process, 256).await.is_err(), "never back");
        assert_eq!(pruning.minimum().await.unwrap(), 512);
        for sql in [
            "UPDATE log_retention SET minimum = 0",
            "DELETE FROM log_retention",
            "DELETE FROM audit_seq WHERE seq = 512",
        ] {
            assert!(crate::log::tests::by_hand(&machine.store(), sql).await.is_err(), "{sql}");
        }
        let whole = Kept { name: "c".to_owned(), note: process.log.checkpoint().await.unwrap().unwrap() };
        let log = process.log.verifier();
        let question = Question {
            log: &log,
            national: None,
            policy: None,
            checkpoint: whole,
            kept: Vec::new(),
            anchors: Vec::new(),
        };
        verify(&Folder::new(&machine.path("objects/log")), &question, &mut |_, _| ())
            .expect("nothing goes before a step");
    }

    /// On PostgreSQL, as a user who is not the owner of the tables and cannot delete a numbered row.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_nodes_own_role_prunes_below_the_minimum_and_nowhere_else() {
        let Some(cluster) = Cluster::shared() else { return };
        let machine = Machine::on(BackEnd::Postgres);
        let mut store = machine.store();
        let Database::Postgres(address) = &store.database else { panic!("no PostgreSQL") };
        store.database = Database::Postgres(cluster.address(address.database(), "vuzol"));
        let process = machine.start_with(&store);
        process.record(1000).await;
        process.log.round().await.unwrap();
        move_to(&process, 512).await.unwrap();
        let refused = async |sql: &str| match crate::log::tests::by_hand(&store, sql).await {
            Err(StoreError::Database(error)) => error,
            other => panic!("{sql}: {other:?}"),
        };
        let denied = refused("DELETE FROM audit_seq WHERE seq < 512").await;
        assert!(denied.contains("permission denied"), "{denied}");
        for beyond in ["SELECT prune_numbered(513)", "SELECT prune_numbered(NULL)"] {
            let denied = refused(beyond).await;
            assert!(denied.contains("never deleted"), "{beyond}: {denied}");
        }
        assert_eq!(process.entries().await.len(), 1000);
        assert_eq!(prune(&machine, &process).await, 2);
        let left = process.entries().await;
        assert_eq!((left.len(), left.first().map(|(seq, _)| *seq)), (488, Some(512)));
    }
}
