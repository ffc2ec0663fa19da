//! Stories of the ring, over a real folder and a real database.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use audit::Ledger;
use crypto::seal::ring::RingKey;
use storage::clock::ManualClock;
use storage::store::{migrate, open};
use storage::throwaway::store_in;
use storage::{Value, Writer};
use time::Duration;
use zeroize::Zeroizing;

use super::custody::{BATCH, REST, Underneath};
use super::*;

const NOON: OffsetDateTime = time::macros::datetime!(2026-11-26 12:00:00 UTC);
/// What a CMS envelope begins with.
const CMS: &[u8] = &[0x30, 0x82, 0x01, 0x02, 0x06];

/// A node's ring and database.
struct House {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    writer: Writer,
    ledger: Ledger,
    custody: Custody,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = store_in(folder.path());
        migrate(&database).unwrap();
        let (writer, reader) = open(&database).unwrap();
        let clock = Arc::new(ManualClock::new(NOON));
        let ledger = Ledger::new(writer.clone(), reader, clock.clone(), "node.example");
        let custody = Custody::create(&folder.path().join("ring"), ledger.clone(), clock.clone()).await.unwrap();
        let house = Self { folder, clock, writer, ledger, custody };
        let case = "INSERT INTO exchange_case (id, opener, counterpart, opened_at) VALUES (zeroblob(16), 'a', 'b', 0)";
        house.sql(case).await;
        house
    }

    fn ring(&self) -> &KeyRing {
        self.custody.ring()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("ring").join(name)
    }

    /// The ring as another process has it.
    fn another_process(&self) -> KeyRing {
        KeyRing::open(&self.folder.path().join("ring")).unwrap()
    }

    async fn sql(&self, sql: &'static str) {
        let done = self.writer.run_tx("test", move |tx| tx.execute(sql, &[]).map(|_| ()));
        done.await.unwrap();
    }

    async fn erase(&self, id: MessageId) {
        let sql = "UPDATE message SET key_envelope = NULL WHERE id = $1";
        let done = self.writer.run_tx("test", move |tx| tx.execute(sql, &[id.as_bytes().into()]));
        assert_eq!(done.await.unwrap(), 1);
    }

    /// A message with this envelope.
    async fn message(&self, number: u32, envelope: Option<&[u8]>) -> MessageId {
        let (id, envelope) = (message(number), envelope.map(<[u8]>::to_vec));
        let insert = self.writer.run_tx("test", move |tx| {
            let sql =
                "INSERT INTO message (id, case_id, sender, sender_certificate, recipient, kind, media_type, state,
                    standing, steps, accepted_at, changed_at, parts, key_envelope)
                VALUES ($1, zeroblob(16), 'a', zeroblob(32), 'b', 'letter', 'application/pdf', 'validated',
                    '{\"name\":\"validated\"}', 1, 0, 0, '[]', $2)";
            let envelope = envelope.as_deref().map_or(Value::Null, Value::Blob);
            tx.execute(sql, &[id.as_bytes().into(), envelope]).map(|_| ())
        });
        insert.await.unwrap();
        id
    }

    /// A message whose document has this key, under the ring.
    async fn wrapped(&self, number: u32, key: &DocumentKey) -> MessageId {
        let envelope = self.ring().wrap(message(number), key).unwrap();
        self.message(number, Some(&envelope)).await
    }

    async fn envelope(&self, id: MessageId) -> Option<Vec<u8>> {
        let row = self.ledger.reader().read("test", move |tx| {
            let sql = "SELECT key_envelope FROM message WHERE id = $1";
            tx.query_optional(sql, &[id.as_bytes().into()], |row| {
                Ok(if row.is_null(0)? { None } else { Some(row.blob(0)?) })
            })
        });
        row.await.unwrap().unwrap()
    }

    /// The document key of a message, read from its row.
    async fn opens(&self, id: MessageId) -> Result<[u8; 32], KeyRingError> {
        let envelope = self.envelope(id).await.unwrap();
        self.ring().unwrap(id, &envelope).map(|key| *key.expose())
    }

    /// Wraps everything anew: how many in each batch.
    async fn rewraps(&self) -> Vec<custody::Batch> {
        let (mut batches, mut after) = (Vec::new(), None);
        loop {
            let batch = self.custody.rewrap(after).await.unwrap();
            after = batch.next;
            batches.push(batch);
            if after.is_none() {
                return batches;
            }
        }
    }

    /// Actions and details in the log, in the order of their making.
    async fn log(&self) -> Vec<(String, serde_json::Value)> {
        let rows = self.ledger.reader().read("test", |tx| {
            let sql = "SELECT entry, details FROM audit_outbox JOIN audit_payload USING (event_id) ORDER BY id";
            tx.query(sql, &[], |row| Ok((row.blob(0)?, row.text(1)?)))
        });
        let row = |(entry, details): (Vec<u8>, String)| {
            let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            (entry["action"].as_str().unwrap().to_owned(), serde_json::from_str(&details).unwrap())
        };
        rows.await.unwrap().into_iter().map(row).collect()
    }

    async fn actions(&self) -> Vec<String> {
        self.log().await.into_iter().map(|(action, _)| action).collect()
    }

    fn rest(&self) {
        self.clock.advance(REST);
    }
}

fn message(number: u32) -> MessageId {
    let mut tail = [0; 10];
    tail[6..].copy_from_slice(&number.to_be_bytes());
    MessageId::from_parts(1_700_000_000_000, tail)
}

fn key(byte: u8) -> DocumentKey {
    DocumentKey::from_bytes([byte; 32])
}

#[tokio::test]
async fn a_key_comes_back_for_its_message_and_for_no_other() {
    let house = House::new().await;
    let envelope = house.ring().wrap(message(1), &key(7)).unwrap();
    assert!(KeyRing::is_envelope(&envelope));
    assert_eq!(house.ring().unwrap(message(1), &envelope).unwrap().expose(), &[7; 32]);
    assert_eq!(house.ring().unwrap(message(2), &envelope).unwrap_err(), RingError::Forged.into());
    assert_eq!(house.ring().unwrap(message(1), CMS).unwrap_err(), RingError::NotWrapped.into());
    assert!(!KeyRing::is_envelope(CMS));
    assert_eq!(format!("{:?}", house.ring()), "KeyRing(..)");
}

#[tokio::test]
async fn a_rotation_holds_for_every_process_and_closes_nothing() {
    let house = House::new().await;
    let other = house.another_process();
    let before = other.wrap(message(1), &key(1)).unwrap();
    let first = house.ring().current().unwrap();
    let second = house.custody.rotate().await.unwrap();
    assert_ne!(first, second);
    let after = other.wrap(message(2), &key(2)).unwrap();
    assert_eq!(ring::named_key(&after), Some(second), "the other process wraps under the new key at once");
    for ring in [house.ring(), &other, &house.another_process()] {
        assert_eq!(ring.unwrap(message(1), &before).unwrap().expose(), &[1; 32]);
        assert_eq!(ring.unwrap(message(2), &after).unwrap().expose(), &[2; 32]);
        let current: Vec<_> = ring.status().unwrap().into_iter().filter(|key| key.is_current).collect();
        assert_eq!(current.iter().map(|key| key.id).collect::<Vec<_>>(), [second]);
    }
    assert_eq!(house.actions().await, ["ring.rotate", "ring.rotate"]);
}

#[tokio::test]
async fn wrapping_anew_touches_the_rings_own_envelopes_only_and_records_each_batch() {
    let house = House::new().await;
    let count = BATCH + 10;
    for number in 0..count {
        match number % 4 {
            0 => house.message(number, Some(CMS)).await,
            1 => house.message(number, None).await,
            _ => house.wrapped(number, &key(u8::try_from(number % 251).unwrap())).await,
        };
    }
    let second = house.custody.rotate().await.unwrap();
    let batches = house.rewraps().await;
    assert_eq!(batches.iter().map(|batch| (batch.changed, batch.unreadable)).collect::<Vec<_>>(), [(128, 0), (4, 0)]);
    for number in 0..count {
        let envelope = house.envelope(message(number)).await;
        match number % 4 {
            0 => assert_eq!(envelope.as_deref(), Some(CMS)),
            1 => assert_eq!(envelope, None),
            _ => {
                assert_eq!(ring::named_key(&envelope.unwrap()), Some(second));
                assert_eq!(house.opens(message(number)).await.unwrap(), [u8::try_from(number % 251).unwrap(); 32]);
            }
        }
    }
    let log = house.log().await;
    let rewrapped: Vec<_> = log.iter().filter(|(action, _)| action == "ring.rewrap").collect();
    let messages = |details: &serde_json::Value| details["messages"].as_array().unwrap().len();
    assert_eq!(rewrapped.iter().map(|(_, details)| messages(details)).collect::<Vec<_>>(), [128, 4]);
    assert_eq!(rewrapped[0].1["messages"][0], message(2).to_string());
    assert!(house.rewraps().await.iter().all(|batch| batch.changed == 0));
    assert_eq!(house.log().await.len(), log.len(), "where nothing is changed, nothing is recorded");
}

#[tokio::test]
async fn an_envelope_that_does_not_open_holds_up_no_other() {
    let house = House::new().await;
    let stolen = house.ring().wrap(message(9), &key(9)).unwrap();
    house.message(1, Some(&stolen)).await;
    let good = house.wrapped(2, &key(2)).await;
    let lost = ring::wrap(&RingKey::generate(), message(3).as_bytes(), &key(3)).unwrap();
    house.message(3, Some(&lost)).await;
    let second = house.custody.rotate().await.unwrap();
    let batches = house.rewraps().await;
    assert_eq!(batches, [custody::Batch { changed: 1, unreadable: 2, next: None }]);
    assert_eq!(ring::named_key(&house.envelope(good).await.unwrap()), Some(second));
    assert_eq!(house.envelope(message(1)).await.unwrap(), stolen, "what does not open stays for who looks into it");
}

/// A key in a token. The first time that it is asked, somebody erases a message.
struct Meddler {
    key: RingKey,
    writer: Writer,
    erases: MessageId,
    done: AtomicBool,
}

impl RingKeyHandle for Meddler {
    fn id(&self) -> RingKeyId {
        self.key.id()
    }

    fn hmac_sha256(&self, data: &[u8]) -> Result<Zeroizing<[u8; 32]>, RingError> {
        if !self.done.swap(true, Ordering::SeqCst) {
            let id = self.erases;
            let erased = self.writer.run_tx("test", move |tx| {
                tx.execute("UPDATE message SET key_envelope = NULL WHERE id = $1", &[id.as_bytes().into()])
            });
            let erased = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(erased));
            assert_eq!(erased.unwrap(), 1);
        }
        self.key.hmac_sha256(data)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_while_it_is_wrapped_anew_does_not_come_back() {
    let house = House::new().await;
    let older = RingKey::generate();
    for number in [1, 2] {
        let envelope = ring::wrap(&older, message(number).as_bytes(), &key(5)).unwrap();
        house.message(number, Some(&envelope)).await;
    }
    let (key, done) = (RingKey::generate(), AtomicBool::new(false));
    let meddler = Arc::new(Meddler { key, writer: house.writer.clone(), erases: message(1), done });
    let current = Held { key: meddler.clone(), created: NOON };
    let ring = KeyRing::of_holders(current, NOON, vec![Held { key: Arc::new(older), created: NOON }]);
    let custody = Custody::new(ring.clone(), house.ledger.clone(), house.clock.clone());
    assert_eq!(custody.rewrap(None).await.unwrap().changed, 1);
    assert_eq!(house.envelope(message(1)).await, None);
    let envelope = house.envelope(message(2)).await.unwrap();
    assert_eq!(ring::named_key(&envelope), Some(meddler.id()));
    assert_eq!(ring.unwrap(message(2), &envelope).unwrap().expose(), &[5; 32]);
    let (action, details) = house.log().await.pop().unwrap();
    assert_eq!((action.as_str(), &details), ("ring.rewrap", &serde_json::json!({ "messages": [message(2)] })));
    assert!(matches!(custody.rotate().await, Err(CustodyError::Ring(KeyRingError::NoFolder))));
}

#[tokio::test]
async fn a_key_is_destroyed_only_when_nothing_needs_it() {
    let house = House::new().await;
    let first = house.ring().current().unwrap();
    let living = house.wrapped(1, &key(1)).await;
    let unknown = RingKey::generate().id();
    let destroy = |id| house.custody.destroy(id, Underneath::Keep);
    assert!(matches!(destroy(first).await, Err(CustodyError::Ring(KeyRingError::IsCurrent(id))) if id == first));
    assert!(matches!(destroy(unknown).await, Err(CustodyError::Ring(KeyRingError::UnknownKey(_)))));
    house.custody.rotate().await.unwrap();
    house.clock.advance(REST - Duration::seconds(1));
    assert!(matches!(destroy(first).await, Err(CustodyError::TooSoon(until)) if until == NOON + REST));
    house.rest();
    assert!(matches!(destroy(first).await, Err(CustodyError::InUse(1))));
    assert_eq!(house.opens(living).await.unwrap(), [1; 32]);
    house.rewraps().await;
    destroy(first).await.unwrap();
    assert_eq!(house.opens(living).await.unwrap(), [1; 32]);
    assert!(matches!(destroy(first).await, Err(CustodyError::Ring(KeyRingError::UnknownKey(_)))));
}

#[tokio::test]
async fn a_turned_ring_makes_an_erasure_complete_in_every_copy() {
    let house = House::new().await;
    let other = house.another_process();
    let (erased, living) = (house.wrapped(1, &key(1)).await, house.wrapped(2, &key(2)).await);
    let backup = house.envelope(erased).await.unwrap();
    house.erase(erased).await;
    assert!(other.unwrap(erased, &backup).is_ok(), "before, a copy of the row still opens");
    let first = house.ring().current().unwrap();
    house.custody.rotate().await.unwrap();
    house.rewraps().await;
    house.rest();
    house.custody.destroy(first, Underneath::Keep).await.unwrap();
    for ring in [house.ring(), &other, &house.another_process()] {
        assert_eq!(ring.unwrap(erased, &backup).unwrap_err(), KeyRingError::UnknownKey(first));
    }
    assert_eq!(house.opens(living).await.unwrap(), [2; 32]);
    assert!(!house.path(&format!("{first}.key")).exists());
}

#[tokio::test]
async fn a_key_that_is_destroyed_with_its_messages_leaves_a_record_of_each() {
    let house = House::new().await;
    let first = house.ring().current().unwrap();
    for number in 0..BATCH + 5 {
        house.wrapped(number, &key(1)).await;
    }
    let to_a_certificate = house.message(BATCH + 5, Some(CMS)).await;
    house.custody.rotate().await.unwrap();
    let later = house.wrapped(BATCH + 6, &key(6)).await;
    house.rest();
    house.custody.destroy(first, Underneath::Erase).await.unwrap();
    for number in 0..BATCH + 5 {
        assert_eq!(house.envelope(message(number)).await, None);
    }
    assert_eq!(house.envelope(to_a_certificate).await.as_deref(), Some(CMS));
    assert_eq!(house.opens(later).await.unwrap(), [6; 32]);
    let log = house.log().await;
    let erased = log.iter().filter(|(action, _)| action == "ring.erase");
    let erased: usize = erased.map(|(_, details)| details["messages"].as_array().unwrap().len()).sum();
    assert_eq!(erased, usize::try_from(BATCH + 5).unwrap());
    let last = ("ring.destroy".to_owned(), serde_json::json!({ "erased_messages": BATCH + 5 }));
    assert_eq!(log.last(), Some(&last));
}

#[tokio::test]
async fn nothing_is_done_to_the_ring_without_its_record() {
    let house = House::new().await;
    let first = house.ring().current().unwrap();
    house.custody.rotate().await.unwrap();
    let second = house.ring().current().unwrap();
    house.rest();
    let drop = "DROP TABLE audit_outbox";
    if !storage::throwaway::by_owner(house.folder.path(), drop) {
        house.sql(drop).await;
    }
    assert!(matches!(house.custody.rotate().await, Err(CustodyError::Store(_))));
    assert_eq!(house.ring().current().unwrap(), second);
    assert!(matches!(house.custody.destroy(first, Underneath::Keep).await, Err(CustodyError::Store(_))));
    assert!(house.another_process().status().unwrap().iter().any(|key| key.id == first));
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_leaves_the_key_that_was() {
    let house = House::new().await;
    let first = house.ring().current().unwrap();
    Folder::new(&house.folder.path().join("ring")).add(&RingKey::generate(), NOON).unwrap();
    std::fs::write(house.path(".0123456789abcdef.partial"), "vuzol-ring-cur").unwrap();
    for ring in [house.ring(), &house.another_process()] {
        assert_eq!((ring.current().unwrap(), ring.status().unwrap().len()), (first, 2));
    }
}

#[tokio::test]
async fn a_ring_is_made_once() {
    let house = House::new().await;
    let again = Custody::create(&house.folder.path().join("ring"), house.ledger.clone(), house.clock.clone()).await;
    assert!(matches!(again, Err(CustodyError::NotEmpty)));
    // Nor where the word about the current key was lost: there are keys, and documents under them.
    std::fs::remove_file(house.path("current")).unwrap();
    let again = Custody::create(&house.folder.path().join("ring"), house.ledger.clone(), house.clock.clone()).await;
    assert!(matches!(again, Err(CustodyError::NotEmpty)));
}

#[tokio::test]
async fn files_are_their_owners_only_and_say_what_they_are() {
    let house = House::new().await;
    let id = house.ring().current().unwrap();
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = house.path(&format!("{id}.key"));
    assert_eq!((mode(file.clone()), mode(house.path("current")), mode(house.path(""))), (0o600, 0o600, 0o700));
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[..3], ["vuzol-ring-key: 1", &format!("id: {id}"), "created: 2026-11-26T12:00:00Z"]);
    assert!(text.starts_with("# Key of the ring of a Vuzol node."));
    let left: Vec<_> = std::fs::read_dir(house.path("")).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing half-written is left");
}

/// A damage, and what the operator is told.
type Damage = (&'static str, fn(&House, &Path), &'static str);

const DAMAGES: &[Damage] = &[
    ("readable by others", |_, file| chmod(file, 0o640), "chmod 600"),
    ("a folder that others write to", |house, _| chmod(&house.path(""), 0o777), "chmod 700"),
    ("a digit of the key", |_, file| rewrite(file, |text| flip_last_digit(&text)), "the file was damaged"),
    ("another id", |_, file| rewrite(file, |text| text.replace("id: ", "id: 0")), "32 lower-case hexadecimal digits"),
    ("a key cut short", |_, file| rewrite(file, |text| text[..text.len() - 3].to_owned()), "64 hexadecimal digits"),
    ("another version", |_, file| rewrite(file, |text| text.replace("ring-key: 1", "ring-key: 2")), "a version that"),
    ("a line too many", |_, file| rewrite(file, |text| text + "note: mine\n"), "more lines"),
    ("a line too few", |_, file| rewrite(file, |text| text.replace("created", "made")), "\"created\" is missing"),
    ("no time", |_, file| rewrite(file, |text| text.replace("created: 2026", "created: ")), "not a time of RFC 3339"),
    ("a novel", |_, file| rewrite(file, |text| text + &"#".repeat(1024)), "larger than 1024 bytes"),
    ("no text", |_, file| std::fs::write(file, [0xff, 0xfe]).unwrap(), "not text"),
    ("renamed", |house, file| std::fs::rename(file, house.path("mine.key")).unwrap(), "is not named as its key"),
    ("gone", |_, file| std::fs::remove_file(file).unwrap(), "whose file is missing"),
    ("no current", |house, _| std::fs::remove_file(house.path("current")).unwrap(), "current: No such file"),
    ("a current key that nobody knows", |house, _| point(house, RingKey::generate().id()), "whose file is missing"),
    (
        "no folder",
        |house, _| std::fs::rename(house.path(""), house.folder.path().join("other")).unwrap(),
        "No such file",
    ),
];

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn point(house: &House, id: RingKeyId) {
    Folder::new(&house.path("")).point(id, NOON).unwrap();
}

fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, change(text)).unwrap();
}

fn flip_last_digit(text: &str) -> String {
    let (rest, last) = text.trim_end().split_at(text.trim_end().len() - 1);
    format!("{rest}{}\n", if last == "0" { "1" } else { "0" })
}

#[tokio::test]
async fn a_damaged_ring_is_not_used_and_the_operator_is_told_why() {
    for (name, damage, told) in DAMAGES {
        let house = House::new().await;
        let file = house.path(&format!("{}.key", house.ring().current().unwrap()));
        damage(&house, &file);
        let error = KeyRing::open(&house.folder.path().join("ring")).unwrap_err();
        assert!(error.to_string().contains(told), "{name}: {error}");
        assert_eq!(error.code(), "ring.unusable", "{name}");
    }
}

#[tokio::test]
async fn a_key_over_what_is_under_a_legal_hold_is_not_destroyed() {
    let house = House::new().await;
    let first = house.ring().current().unwrap();
    for number in 0..3 {
        house.wrapped(number, &key(1)).await;
    }
    house.custody.rotate().await.unwrap();
    house.rest();
    let hold = "INSERT INTO legal_hold (id, case_id, reason, placed_by, placed_at)
        VALUES (zeroblob(16), zeroblob(16), 'a ruling', 'operator', 0)";
    house.sql(hold).await;
    let refused = house.custody.destroy(first, Underneath::Erase).await;
    assert!(matches!(refused, Err(CustodyError::OnHold(3))), "{refused:?}");
    for number in 0..3 {
        assert_eq!(house.opens(message(number)).await.unwrap(), [1; 32], "nothing was begun");
    }
    // The hold of one message is enough, and what is wrapped anew is under another key.
    house.sql("UPDATE legal_hold SET lifted_at = 1, lifted_by = 'operator', lift_reason = 'over'").await;
    let one = "INSERT INTO legal_hold (id, message_id, reason, placed_by, placed_at)
        SELECT randomblob(16), id, 'a ruling', 'operator', 0 FROM message ORDER BY id DESC LIMIT 1";
    house.sql(one).await;
    assert!(matches!(house.custody.destroy(first, Underneath::Erase).await, Err(CustodyError::OnHold(1))));
    house.rewraps().await;
    house.custody.destroy(first, Underneath::Erase).await.unwrap();
    assert_eq!(house.opens(message(2)).await.unwrap(), [1; 32]);
}
