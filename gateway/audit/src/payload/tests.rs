//! What is sealed, what is erased, and what comes back with a backup.

use super::*;
use crate::event::{Action, Outcome};
use crate::ledger::Ledger;
use crate::log::tests::{Machine, ORIGIN, Process};
use crate::verify::{Compared, Folder, WrongRow, compare_rows};
use std::sync::atomic::AtomicUsize;
use storage::ids::FreshId;
use storage::{Clock, Space};

/// A node that seals; its payload key and journal lie where no backup of the database takes them.
struct Node {
    machine: Machine,
    master: [u8; 32],
}

impl Node {
    fn new() -> Self {
        Self { machine: Machine::new(), master: crypto::random::array() }
    }

    fn keys(&self) -> Arc<PayloadKeys> {
        Arc::new(PayloadKeys::open(Zeroizing::new(self.master), &self.machine.path("erased")).unwrap())
    }

    fn start(&self) -> (Process, Ledger, Arc<PayloadKeys>) {
        let (process, keys) = (self.machine.start(), self.keys());
        let clock: Arc<dyn Clock> = Arc::clone(&self.machine.clock) as _;
        let (writer, reader) = (process.writer.clone(), process.reader.clone());
        let ledger = Ledger::sealing(writer, reader, clock, ORIGIN, Space::unwatched(), Some(Arc::clone(&keys)));
        (process, ledger, keys)
    }

    async fn compared(&self, process: &Process, keys: &PayloadKeys) -> Result<Compared, WrongRow> {
        let size = process.published().await.size;
        compare_rows(&process.reader, &Folder::new(&self.machine.path("objects/log")), Some(keys), 0, size).await
    }
}

fn draft(actor: &str, object: Option<&str>, secret: &str) -> EventDraft {
    EventDraft {
        action: Action::ReadOwnFile,
        actor: actor.to_owned(),
        object: object.map(str::to_owned),
        outcome: Outcome::Done,
        details: serde_json::json!({ "secret": secret }),
    }
}

const ANNA: &str = "person:anna";
const BORYS: &str = "person:borys";

async fn record(ledger: &Ledger, events: usize) -> Vec<EventId> {
    let mut ids = Vec::new();
    for n in 0..events {
        let (actor, object) = match n % 4 {
            0 => (ANNA, None),
            1 => (BORYS, None),
            2 => ("operator:0011", Some(ANNA)),
            _ => ("participant:12345678", Some("message:7")),
        };
        ids.push(ledger.record(draft(actor, object, &format!("Таємниця {n}"))).await.unwrap());
    }
    ids
}

async fn read(process: &Process, keys: &PayloadKeys, event: EventId) -> Option<String> {
    let sql = "SELECT k.id, k.subject, k.wrapped, x.sealed FROM audit_sealed x JOIN audit_key k ON k.id = x.key_id WHERE x.event_id = $1";
    let found = process.reader.read("sealed", move |tx| {
        tx.query_optional(sql, &[event.as_bytes().into()], |row| {
            Ok((StoredKey { id: row.array(0)?, subject: row.text(1)?, wrapped: row.blob(2)? }, row.blob(3)?))
        })
    });
    let (key, sealed) = found.await.unwrap()?;
    keys.unsealer().open(event, key, &sealed).unwrap().map(|opened| opened.details.to_string())
}

fn order(basis: &str) -> Order {
    let (subject, basis, actor) = (ANNA.to_owned(), basis.to_owned(), "person:officer".to_owned());
    let how = [("proposed_by".to_owned(), "person:other".into())].into_iter().collect();
    Order { subject, basis, actor, how }
}

fn nobody_holds(_: &mut Tx<'_>, _: &[String]) -> Result<Option<String>, StoreError> {
    Ok(None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_entries_commit_to_lies_sealed_and_opens_with_the_nodes_key_alone() {
    let node = Node::new();
    let (process, ledger, keys) = node.start();
    let events = record(&ledger, 40).await;
    process.log.round().await.unwrap();
    process.audit(&events).await;
    assert_eq!(node.compared(&process, &keys).await, Ok(Compared { rows: 40, payloads: 40 }));
    assert!(read(&process, &keys, events[5]).await.unwrap().contains("Таємниця 5"));
    // Nothing of it is in the database in the clear, whatever page of whatever file.
    for file in ["vuzol.db", "vuzol.db-wal"] {
        let bytes = std::fs::read(node.machine.path(file)).unwrap();
        assert!(!bytes.windows(8).any(|window| window == &"Таємниця".as_bytes()[..8]), "{file}");
    }
    let stranger = PayloadKeys::open(Zeroizing::new([1; 32]), &node.machine.path("none")).unwrap();
    assert!(read(&process, &stranger, events[5]).await.is_none());
    // Three subjects: two persons, and the month.
    let keys = process
        .reader
        .read("keys", |tx| tx.query("SELECT subject FROM audit_key ORDER BY subject", &[], |row| row.text(0)));
    assert_eq!(keys.await.unwrap(), ["2026-11", ANNA, BORYS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_row_that_was_changed_or_moved_is_named() {
    for damage in [
        "UPDATE audit_sealed SET sealed = zeroblob(length(sealed)) WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 7)",
        "UPDATE audit_sealed SET sealed = (SELECT sealed FROM audit_sealed WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 3)) WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 7)",
        "UPDATE audit_sealed SET sealed = x'' WHERE event_id = (SELECT event_id FROM audit_seq WHERE seq = 7)",
    ] {
        let node = Node::new();
        let (process, ledger, keys) = node.start();
        record(&ledger, 9).await;
        process.log.round().await.unwrap();
        node.machine.sql(damage).await;
        assert_eq!(node.compared(&process, &keys).await, Err(WrongRow::Payload(7)), "{damage}");
    }
    let node = Node::new();
    let (process, ledger, keys) = node.start();
    record(&ledger, 9).await;
    process.log.round().await.unwrap();
    node.machine.sql("UPDATE audit_key SET subject = 'person:borys' WHERE subject = 'person:anna'").await;
    assert_eq!(
        node.compared(&process, &keys).await,
        Err(WrongRow::Payload(0)),
        "a key does not open under another name"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasing_takes_a_persons_details_and_leaves_every_entry_and_proof() {
    let node = Node::new();
    let (process, ledger, keys) = node.start();
    let mut events = record(&ledger, 20).await;
    let erase_anna = async |basis| erase(&ledger, &keys, order(basis), nobody_holds, |_| Ok(true)).await;
    assert!(matches!(erase_anna("x").await, Err(ErasureError::NotNumbered)));
    process.log.round().await.unwrap();
    let held =
        |_: &mut Tx<'_>, objects: &[String]| Ok(objects.iter().find(|object| object.starts_with("person:")).cloned());
    let refused = erase(&ledger, &keys, order("x"), held, |_| Ok(true)).await;
    assert!(matches!(refused, Err(ErasureError::Held(what)) if what == ANNA));
    assert!(matches!(would_erase(&ledger, ANNA, held).await, Err(ErasureError::Held(_))));
    assert_eq!(would_erase(&ledger, ANNA, nobody_holds).await.unwrap(), 10);
    assert_eq!(node.compared(&process, &keys).await.unwrap().payloads, 20, "nothing was erased");

    let erased = erase_anna("Закон 2297-VI, ст. 15").await.unwrap();
    assert_eq!(erased.seqs, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    events.push(erased.event);
    process.log.round().await.unwrap();
    process.audit(&events).await;
    assert_eq!(node.compared(&process, &keys).await, Ok(Compared { rows: 21, payloads: 11 }));
    assert!(read(&process, &keys, events[0]).await.is_none());
    assert!(read(&process, &keys, events[1]).await.is_some(), "another person's stay");
    let told = read(&process, &keys, erased.event).await.unwrap();
    assert!(told.contains("Закон 2297-VI") && told.contains("[18,18]") && told.contains("person:other"), "{told}");
    assert!(matches!(erase_anna("x").await, Err(ErasureError::Nothing)));
    // Life goes on, under another key, in this process and in the next.
    let later = ledger.record(draft(ANNA, None, "later")).await.unwrap();
    assert!(read(&process, &keys, later).await.unwrap().contains("later"));
    assert!(read(&process, &node.keys(), later).await.unwrap().contains("later"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_ended_first_is_not_erased_twice_and_who_proposed_it_stays_on_record() {
    let node = Node::new();
    let (process, ledger, keys) = node.start();
    let events = record(&ledger, 8).await;
    let proposal = EventDraft { action: Action::ProposeErasure, ..draft("person:other", Some(ANNA), "why") };
    let proposal = ledger.record(proposal).await.unwrap();
    process.log.round().await.unwrap();
    let overtaken = erase(&ledger, &keys, order("x"), nobody_holds, |_| Ok(false)).await;
    assert!(matches!(overtaken, Err(ErasureError::Overtaken)));
    // A hold that was placed since it was looked for: the deed is refused, and nothing of it is done with the next start either.
    let asked = Arc::new(AtomicUsize::new(0));
    let later = move |_: &mut Tx<'_>, objects: &[String]| {
        Ok((asked.fetch_add(1, Ordering::Relaxed) > 0).then(|| objects.first().cloned().unwrap_or_default()))
    };
    let refused = erase(&ledger, &keys, order("x"), later, |_| Ok(true)).await;
    assert!(matches!(refused, Err(ErasureError::Held(_))));
    drop((process, ledger, keys));
    let (process, ledger, keys) = node.start();
    assert_eq!(keys.replay(&ledger).await.unwrap(), 0);
    assert!(read(&process, &keys, events[0]).await.is_some(), "what was refused is not done");
    let erased = erase(&ledger, &keys, order("x"), nobody_holds, |_| Ok(true)).await.unwrap();
    assert_eq!((erased.seqs.len(), erased.keys), (4, 1));
    assert!(read(&process, &keys, events[0]).await.is_none());
    assert!(read(&process, &keys, proposal).await.unwrap().contains("why"), "the record of it is not erased with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_stays_erased_when_an_old_backup_is_restored() {
    let mut node = Node::new();
    let (process, ledger, keys) = node.start();
    let events = record(&ledger, 8).await;
    process.log.round().await.unwrap();
    node.machine.copy_database("backup.db");
    // Whatever the backup has of the log has to be what was signed: the signer's memory and the folder are from then too.
    erase(&ledger, &keys, order("x"), nobody_holds, |_| Ok(true)).await.unwrap();
    node.machine.store = storage::store::StoreConfig::new(node.machine.path("backup.db"));

    let (process, ledger, keys) = node.start();
    assert!(read(&process, &keys, events[0]).await.is_none(), "not even before it is taken away again");
    assert_eq!(keys.replay(&ledger).await.unwrap(), 1);
    assert_eq!(keys.replay(&ledger).await.unwrap(), 0);
    let left = process.reader.read("left", |tx| {
        tx.query_optional("SELECT count(*) FROM audit_key WHERE subject = 'person:anna'", &[], |row| row.integer(0))
    });
    assert_eq!(left.await.unwrap(), Some(0));
    process.log.round().await.unwrap();
    assert_eq!(node.compared(&process, &keys).await, Ok(Compared { rows: 9, payloads: 5 }));
    let last = process.entries().await.pop().unwrap().1;
    assert!(String::from_utf8(last).unwrap().contains("\"audit.erase\""), "the log says that they came back and went");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_live_for_minutes_and_a_refused_transaction_leaves_none_behind() {
    let node = Node::new();
    let (process, ledger, keys) = node.start();
    // The first transaction under a key comes to nothing: its row does too, and the next one writes it.
    let event = ledger.prepare(draft(ANNA, None, "refused"));
    let refused = ledger.transact("refused", move |tx| {
        let _ = crate::append(tx, &event)?;
        Err::<crate::Audited<()>, _>(StoreError::Conflict)
    });
    assert!(refused.await.is_err());
    let mut events = Vec::new();
    for minutes in [0, 5, 5, 5, -60] {
        node.machine.clock.advance(Duration::minutes(minutes));
        events.push(ledger.record(draft(ANNA, None, "kept")).await.unwrap());
    }
    for event in events {
        assert!(read(&process, &keys, event).await.is_some());
    }
    let count = process
        .reader
        .read("count", |tx| tx.query_optional("SELECT count(*) FROM audit_key", &[], |row| row.integer(0)));
    assert_eq!(count.await.unwrap(), Some(3), "0 and 5, 10 and 15, and the clock that went back");
}

#[test]
fn a_key_that_was_unwrapped_opens_nothing_after_its_erasure_and_nothing_for_another_row() {
    let node = Node::new();
    let (keys, now) = (node.keys(), node.machine.clock.now());
    let (one, other) = (EventId::fresh(now), EventId::fresh(now));
    let sealed =
        |event| keys.seal(&draft(ANNA, None, "Таємниця"), event, now, &[&[7; 32][..], b"{}"].concat()).unwrap();
    let (first, second) = (sealed(one), sealed(other));
    assert_eq!(first.key.id, second.key.id);
    let row =
        |wrapped: &[u8]| StoredKey { id: first.key.id, subject: first.key.subject.clone(), wrapped: wrapped.to_vec() };
    let whole = || row(&first.key.wrapped);
    let mut unsealer = keys.unsealer();
    for (event, sealed) in [(one, &first), (other, &second), (one, &first)] {
        assert_eq!(unsealer.open(event, whole(), &sealed.bytes).unwrap().unwrap().details.as_str(), "{}");
    }
    let mut changed = first.key.wrapped.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(unsealer.open(one, row(&changed), &first.bytes).is_err());
    assert!(unsealer.open(other, whole(), &first.bytes).is_err(), "another event's");
    assert!(unsealer.open(one, whole(), &first.bytes).unwrap().is_some());
    keys.note_erased(&[first.key.id]).unwrap();
    assert!(unsealer.open(one, whole(), &first.bytes).unwrap().is_none());
}
