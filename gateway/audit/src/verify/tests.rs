//! Logs that are whole, and what was done to others.

use super::*;
use crate::log::tests::note_signer;
use crypto::merkle::{Cosigner, Frontier, NoteSigner, TileId, entry_bundle, leaf_hash};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Error;
use storage::objects::Objects;

const ORIGIN: &str = "vuzol.test/log";

/// A log in memory, as a folder would hold it: no partial tile but those of its edge.
#[derive(Clone)]
struct Published {
    files: BTreeMap<String, Vec<u8>>,
    checkpoints: BTreeMap<u64, Checkpoint>,
    asked: RefCell<usize>,
}

fn entry(number: u64) -> Vec<u8> {
    format!(r#"{{"action":"test","id":"{number}","n":{number},"v":1}}"#).into_bytes()
}

impl Published {
    fn of(entries: &[Vec<u8>]) -> Self {
        let mut log = Self { files: BTreeMap::new(), checkpoints: BTreeMap::new(), asked: RefCell::default() };
        let mut frontier = Frontier::empty();
        for (size, entry) in (0..).zip(entries) {
            log.checkpoints.insert(size, checkpoint(&frontier));
            frontier.append(leaf_hash(entry));
        }
        log.checkpoints.insert(frontier.size(), checkpoint(&frontier));
        for (tile, bytes) in frontier.take_tiles() {
            log.files.insert(tile.path(), bytes);
        }
        for (index, bundle) in (0..).zip(entries.chunks(256)) {
            let tile = TileId { level: 0, index, width: u16::try_from(bundle.len()).unwrap() };
            log.files.insert(tile.entries_path(), entry_bundle(bundle.iter().map(Vec::as_slice)).unwrap());
        }
        log
    }

    fn with(size: u64) -> Self {
        Self::of(&(0..size).map(entry).collect::<Vec<_>>())
    }

    fn size(&self) -> u64 {
        *self.checkpoints.last_key_value().unwrap().0
    }

    fn kept(&self, size: u64) -> Kept {
        let note = note_signer().sign(&self.checkpoints[&size].text()).unwrap();
        Kept { name: format!("checkpoint.{size}"), note }
    }

    fn verify(&self, kept: &[u64]) -> Result<Verified, Wrong> {
        self.verify_to(self.size(), kept.iter().map(|size| self.kept(*size)).collect())
    }

    fn verify_to(&self, size: u64, kept: Vec<Kept>) -> Result<Verified, Wrong> {
        let log = note_signer().verifier();
        let question = Question {
            log: &log,
            national: None,
            policy: None,
            checkpoint: self.kept(size),
            kept,
            anchors: Vec::new(),
        };
        verify(self, &question, &mut |_, _| ())
    }

    /// Makes every tile anew of changed entries, and leaves the checkpoints as they are.
    fn rewritten(&self, entries: &[Vec<u8>]) -> Self {
        Self { checkpoints: self.checkpoints.clone(), ..Self::of(entries) }
    }
}

fn checkpoint(frontier: &Frontier) -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: frontier.size(), root: frontier.root() }
}

impl Source for Published {
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, Error> {
        *self.asked.borrow_mut() += 1;
        content.clear();
        let Some(bytes) = self.files.get(path) else { return Ok(false) };
        content.extend_from_slice(bytes.get(..=limit).unwrap_or(bytes));
        Ok(true)
    }
}

#[test]
fn whole_logs_of_every_shape_are_verified() {
    for size in [0, 1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_000] {
        let log = Published::with(size);
        let verified = log.verify(&[]).unwrap();
        assert_eq!(*verified.checkpoint(), log.checkpoints[&size]);
        let tiles = log.files.keys().filter(|path| !path.starts_with("tile/entries")).count();
        assert_eq!(verified.tiles(), tiles as u64, "{size}: every tile, full and partial");
    }
    let log = Published::with(700);
    let kept: Vec<u64> = (0..=700).collect();
    assert_eq!(log.verify(&kept).unwrap().kept(), 701, "and every checkpoint on the way");
    // A log that has grown on, with nothing but the newest partial tiles.
    for size in [0, 1, 255, 256, 300, 511, 512, 513, 600, 699] {
        log.verify_to(size, vec![log.kept(size / 2)]).unwrap();
    }
}

#[test]
fn progress_is_told_and_grows_to_the_end() {
    let log = Published::with(1000);
    let verifier = note_signer().verifier();
    let question = Question {
        log: &verifier,
        national: None,
        policy: None,
        checkpoint: log.kept(1000),
        kept: Vec::new(),
        anchors: Vec::new(),
    };
    let mut told = Vec::new();
    verify(&log, &question, &mut |done, all| told.push((done, all))).unwrap();
    assert_eq!(told, [(0, 1000), (256, 1000), (512, 1000), (768, 1000), (1000, 1000)]);
}

#[test]
fn each_flipped_bit_of_a_bundle_names_its_entry() {
    let whole = Published::with(600);
    for (path, first) in [("tile/entries/000", 0), ("tile/entries/002.p/88", 512)] {
        let mut start = 0;
        let bundle = whole.files[path].clone();
        for (index, length) in (first..).zip(0..40).map(|(index, _)| (index, entry(index).len())) {
            for offset in 0..length + 2 {
                let mut log = whole.clone();
                log.files.get_mut(path).unwrap()[start + offset] ^= 4;
                let wrong = log.verify(&[]).unwrap_err();
                match wrong {
                    Wrong::Entry { index: named, path: at } => assert_eq!((named, at.as_str()), (index, path)),
                    // A length that leads beyond the end.
                    Wrong::Bundle { index: named, path: at } if offset < 2 => {
                        assert_eq!((named, at.as_str()), (index, path));
                    }
                    other => panic!("{offset} of entry {index}: {other:?}"),
                }
            }
            start += length + 2;
        }
        assert!(start < bundle.len());
    }
}

#[test]
fn each_flipped_hash_of_a_tile_names_its_tile() {
    let whole = Published::with(66_000);
    let tiles = [
        ("tile/0/000", 0, 1, 256),
        ("tile/0/257.p/208", 257 * 256, 1, 208),
        ("tile/1/000", 0, 256, 256),
        ("tile/1/001.p/1", 65_536, 256, 1),
        ("tile/2/000.p/1", 0, 65_536, 1),
    ];
    for (path, first, below, width) in tiles {
        for position in [0, 1, 77, 254, 255_u16].into_iter().filter(|position| *position < width) {
            let mut log = whole.clone();
            log.files.get_mut(path).unwrap()[usize::from(position) * 32 + 5] ^= 1;
            let first = first + u64::from(position) * below;
            let covers = Covers { first, last: first + below - 1 };
            assert_eq!(log.verify(&[]), Err(Wrong::Tile { path: path.to_owned(), position, covers }));
        }
    }
}

#[test]
fn a_tile_or_bundle_that_is_cut_long_or_gone_is_named() {
    let whole = Published::with(66_000);
    let files: Vec<_> = whole.files.keys().filter(|path| !path.ends_with("/100")).cloned().collect();
    for path in files.iter().filter(|path| path.contains(".p/") || path.ends_with("000")) {
        let mut log = whole.clone();
        let bytes = log.files.remove(path).unwrap();
        let wrong = log.verify(&[]).unwrap_err();
        assert!(matches!(&wrong, Wrong::Missing { path: named, .. } if named == path), "{wrong:?}");
        for length in [0, 1, bytes.len() - 32, bytes.len() - 1] {
            log.files.insert(path.clone(), bytes[..length].to_vec());
            let wrong = log.verify(&[]).unwrap_err();
            let named = match &wrong {
                Wrong::Length { path: named, found, expected, .. } => {
                    assert_eq!((*found, *expected), (length, bytes.len()));
                    named
                }
                Wrong::Bundle { path: named, .. } => named,
                other => panic!("{path} of {length}: {other:?}"),
            };
            assert_eq!(named, path);
        }
        log.files.insert(path.clone(), [bytes, vec![0; 32]].concat());
        let wrong = log.verify(&[]).unwrap_err();
        assert!(matches!(wrong.code(), "length" | "bundle"), "{wrong:?}");
    }
    let mut log = whole;
    log.files.get_mut("tile/entries/003").unwrap().truncate(100);
    assert_eq!(
        log.verify(&[]),
        Err(Wrong::Bundle { path: "tile/entries/003".to_owned(), index: 768 + 2 }),
        "the third entry ends beyond the end"
    );
}

#[test]
fn entries_that_were_rewritten_with_their_tiles_are_named_by_what_the_checkpoint_proves() {
    let whole = Published::with(66_000);
    let mut entries: Vec<_> = (0..66_000).map(entry).collect();
    entries[1000] = entry(1_000_000);
    let rewritten = whole.rewritten(&entries);
    // Everything anew: the root tells, and the checkpoints of others tell until when all was well.
    let wrong = rewritten.verify(&[256, 999, 1000, 1001, 5000]).unwrap_err();
    assert_eq!(wrong, Wrong::Root { size: 1001, name: "checkpoint.1001".to_owned(), agreed: 1000 });
    let wrong = rewritten.verify(&[]).unwrap_err();
    assert_eq!(wrong, Wrong::Root { size: 66_000, name: "checkpoint.66000".to_owned(), agreed: 0 });
    // The bundle and its tile only: the tile above is the one that was signed.
    let mut log = whole.clone();
    for path in ["tile/entries/003", "tile/0/003"] {
        log.files.insert(path.to_owned(), rewritten.files[path].clone());
    }
    let covers = Covers { first: 768, last: 1023 };
    assert_eq!(log.verify(&[]), Err(Wrong::Entries { covers, path: "tile/1/000".to_owned() }));
    // One level more.
    log.files.insert("tile/1/000".to_owned(), rewritten.files["tile/1/000"].clone());
    let covers = Covers { first: 0, last: 65_535 };
    assert_eq!(log.verify(&[]), Err(Wrong::Entries { covers, path: "tile/2/000.p/1".to_owned() }));
    // The bundle, and something else in its tile.
    let mut log = whole;
    log.files.insert("tile/entries/003".to_owned(), rewritten.files["tile/entries/003"].clone());
    log.files.get_mut("tile/0/003").unwrap()[255 * 32] ^= 1;
    let wrong = log.verify(&[]).unwrap_err();
    assert!(matches!(&wrong, Wrong::Contradiction { covers, .. } if covers.first == 1000), "{wrong:?}");
}

#[test]
fn a_log_whose_end_was_cut_off_does_not_pass_where_anybody_kept_a_checkpoint() {
    let whole = Published::with(600);
    let cut = Published::with(500);
    assert!(cut.verify(&[]).is_ok(), "a shorter log is a log, if nobody remembers");
    let name = "checkpoint.600".to_owned();
    assert_eq!(cut.verify_to(500, vec![whole.kept(600)]), Err(Wrong::CutOff { size: 500, name, kept: 600 }));
}

#[test]
fn two_histories_that_the_log_signed_are_a_fork() {
    let whole = Published::with(600);
    let mut entries: Vec<_> = (0..600).map(entry).collect();
    entries[123] = entry(9);
    let other = Published::of(&entries);
    let mut kept = other.kept(600);
    kept.name = "of a witness".to_owned();
    let (one, other_name) = ("checkpoint.600".to_owned(), kept.name.clone());
    assert_eq!(whole.verify_to(600, vec![kept]), Err(Wrong::Forked { size: 600, one, other: other_name }));
    let wrong = whole.verify_to(600, vec![other.kept(123), other.kept(124)]).unwrap_err();
    assert_eq!(wrong, Wrong::Root { size: 124, name: "checkpoint.124".to_owned(), agreed: 123 });
}

#[test]
fn checkpoints_that_are_edited_foreign_or_not_cosigned_are_refused() {
    let log = Published::with(300);
    let verifier = note_signer().verifier();
    let ask = |checkpoint: Kept, kept: Vec<Kept>, policy: Option<&Policy>| {
        verify(
            &log,
            &Question { log: &verifier, national: None, policy, checkpoint, kept, anchors: Vec::new() },
            &mut |_, _| (),
        )
    };
    let edited = |size: u64| {
        let kept = log.kept(size);
        Kept { note: kept.note.replace(&format!("\n{size}\n"), &format!("\n{}\n", size - 1)), ..kept }
    };
    let refused = |result: Result<Verified, Wrong>| match result {
        Err(Wrong::Checkpoint { name, error }) => (name, error),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(ask(edited(300), Vec::new(), None)), ("checkpoint.300".to_owned(), LogError::BadSignature));
    let kept = vec![log.kept(5), edited(7)];
    assert_eq!(refused(ask(log.kept(300), kept, None)), ("checkpoint.7".to_owned(), LogError::BadSignature));
    let text = Checkpoint { origin: "other.example".to_owned(), ..log.checkpoints[&300].clone() }.text();
    let foreign = Kept { note: note_signer().sign(&text).unwrap(), ..log.kept(300) };
    assert_eq!(refused(ask(foreign, Vec::new(), None)).1, LogError::WrongOrigin);

    let key = crypto::key::SoftwareKey::generate(crypto::key::KeyKind::Ed25519).unwrap();
    let witness = Cosigner::new("w.example/1", key).unwrap();
    let policy = format!("log {}\nwitness w {}\nquorum w\n", verifier.vkey(), witness.verifier().vkey());
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    assert_eq!(refused(ask(log.kept(300), Vec::new(), Some(&policy))).1, LogError::NoQuorum { cosigned: 0 });
    let plain = log.kept(300);
    let note = plain.note.clone() + &witness.cosign(&log.checkpoints[&300].text(), 77).unwrap();
    let verified = ask(Kept { note, ..plain }, vec![log.kept(9)], Some(&policy)).unwrap();
    assert_eq!(verified.cosignatures(), [(b"w".to_vec(), 77)]);
}

#[test]
fn the_second_line_must_hold_where_it_is_asked_for() {
    let log = Published::with(9);
    let key = || {
        let kind = crypto::key::KeyKind::Dstu4145(crypto::dstu4145::Curve::M257);
        Box::new(crypto::key::SoftwareKey::generate(kind).unwrap())
    };
    let signer: NoteSigner = note_signer().with_national(key()).unwrap();
    let other = note_signer().with_national(key()).unwrap().national_verifier().unwrap();
    let (verifier, national) = (signer.verifier(), signer.national_verifier().unwrap());
    let both = Kept { name: "both".to_owned(), note: signer.sign(&log.checkpoints[&9].text()).unwrap() };
    let ask = |national: &NationalVerifier, checkpoint: &Kept| {
        let (checkpoint, kept) = (checkpoint.clone(), vec![log.kept(3)]);
        let question =
            Question { log: &verifier, national: Some(national), policy: None, checkpoint, kept, anchors: Vec::new() };
        verify(&log, &question, &mut |_, _| ())
    };
    assert!(ask(&national, &both).is_ok(), "a checkpoint that was kept may be older than the second key");
    assert!(matches!(ask(&national, &log.kept(9)), Err(Wrong::Checkpoint { error: LogError::NoKnownSignature, .. })));
    assert!(matches!(ask(&other, &both), Err(Wrong::Checkpoint { error: LogError::NoKnownSignature, .. })));
}

#[test]
fn an_entry_that_is_logged_and_not_canonical_is_named() {
    let mut entries: Vec<_> = (0..600).map(entry).collect();
    entries[555] = br#"{"action":"test", "v":1}"#.to_vec();
    let wrong = Published::of(&entries).verify(&[]).unwrap_err();
    assert_eq!(wrong, Wrong::Form { index: 555, fault: NotCanonical(17) });
}

#[test]
fn one_spelling_of_an_entry_and_no_other() {
    let good: [&[u8]; 7] = [
        br#"{"v":1}"#,
        br#"{"a":"","b_2":0,"n":9007199254740991}"#,
        r#"{"a":"їжак 😀 ","b":"/"}"#.as_bytes(),
        br#"{"a":"\"\\\b\t\n\f\r"}"#,
        br#"{"a":"\u0000\u0007\u000b\u000e\u001f"}"#,
        b"{\"a\":\"\x7f\"}",
        br#"{"a":"a","aa":"b","ab":"c"}"#,
    ];
    for entry in good {
        assert_eq!(canonical(entry), Ok(()), "{}", String::from_utf8_lossy(entry));
        let parsed: BTreeMap<String, serde_json::Value> = serde_json::from_slice(entry).unwrap();
        assert_eq!(serde_json::to_vec(&parsed).unwrap(), entry);
    }
    let bad: [(&[u8], usize); 30] = [
        (b"", 0),
        (b"{}", 1),
        (b"[]", 0),
        (br#"{"v":1"#, 6),
        (br#"{"v":1}}"#, 7),
        (b"{\"v\":1}\n", 7),
        (br#" {"v":1}"#, 0),
        (br#"{ "v":1}"#, 1),
        (br#"{"v": 1}"#, 5),
        (br#"{"v":1,}"#, 7),
        (br#"{"v":1,"v":1}"#, 7),
        (br#"{"b":1,"a":1}"#, 7),
        (br#"{"V":1}"#, 2),
        (br#"{"":1}"#, 1),
        (br#"{"v":01}"#, 6),
        (br#"{"v":-1}"#, 5),
        (br#"{"v":1.0}"#, 6),
        (br#"{"v":1e3}"#, 6),
        (br#"{"v":9007199254740992}"#, 20),
        (br#"{"v":99999999999999999999}"#, 20),
        (br#"{"v":null}"#, 5),
        (br#"{"v":{}}"#, 5),
        (br#"{"v":"\/"}"#, 6),
        (br#"{"v":"\u0041"}"#, 6),
        (br#"{"v":"\u000A"}"#, 6),
        (br#"{"v":"\u000a"}"#, 6),
        (br#"{"v":"\u001F"}"#, 6),
        (b"{\"v\":\"\n\"}", 6),
        (b"{\"v\":\"\xff\"}", 6),
        (b"{\"v\":\"abc", 9),
    ];
    for (entry, at) in bad {
        assert_eq!(canonical(entry), Err(NotCanonical(at)), "{}", String::from_utf8_lossy(entry));
    }
}

#[test]
fn a_folder_and_the_objects_of_a_node_are_read_alike() {
    let log = Published::with(300);
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in &log.files {
        let path = folder.path().join("log").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let verifier = note_signer().verifier();
    let question = Question {
        log: &verifier,
        national: None,
        policy: None,
        checkpoint: log.kept(300),
        kept: vec![log.kept(7)],
        anchors: Vec::new(),
    };
    let ask = |source: &dyn Source| verify(source, &question, &mut |_, _| ());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let stored = Stored::new(Objects::open_folder(folder.path()).unwrap(), runtime.handle().clone());
    let files = Folder::new(&folder.path().join("log"));
    assert_eq!(ask(&files), log.verify(&[7]));
    assert_eq!(ask(&stored), log.verify(&[7]));
    // A folder where a file should be: the system's fault, told as such.
    std::fs::remove_file(folder.path().join("log/tile/entries/000")).unwrap();
    assert!(matches!(ask(&stored), Err(Wrong::Missing { .. })));
    std::fs::create_dir(folder.path().join("log/tile/entries/000")).unwrap();
    assert!(matches!(ask(&files), Err(Wrong::Unreadable { .. })));
}

#[test]
fn every_tile_is_read_once() {
    let log = Published::with(66_000);
    log.verify(&[100, 5000]).unwrap();
    // Each file, and the partial tile of a level that has none is not asked for.
    assert_eq!(*log.asked.borrow(), log.files.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever single byte of whatever file is changed, the log does not pass, and what is named is where it was changed.
    #[test]
    fn no_changed_byte_passes(size in 1_u64..900, file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bits in 1_u8..) {
        let mut log = Published::with(size);
        let path = file.get(&log.files.keys().cloned().collect::<Vec<_>>()).clone();
        let bytes = log.files.get_mut(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= bits;
        let wrong = log.verify(&[]).unwrap_err();
        let named = match &wrong {
            Wrong::Entry { path, .. } | Wrong::Bundle { path, .. } | Wrong::Tile { path, .. } => path,
            other => panic!("{path} at {at}: {other:?}"),
        };
        prop_assert_eq!(named, &path, "{:?}", wrong);
    }

    #[test]
    fn what_is_canonical_is_what_an_independent_writer_writes(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}", number in 0_u64..(1 << 53)) {
        let map: BTreeMap<&str, serde_json::Value> = [("a", text.into()), ("b", number.into())].into();
        let written = serde_json::to_vec(&map).unwrap();
        prop_assert_eq!(canonical(&written), Ok(()));
    }

    #[test]
    fn strangers_entries_never_panic(entry in prop::collection::vec(any::<u8>(), 0..60), text in "[{}\":,0-9a-b\\\\u]{0,30}") {
        let _ = canonical(&entry);
        if canonical(text.as_bytes()).is_ok() {
            let parsed: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&parsed).unwrap(), text);
        }
    }
}

/// A log whose entries name time-stamps: of so many entries, by which entry, with this token.
fn anchored(named: &[(u64, u64, &str)]) -> Published {
    let named_by = |number: u64| {
        let (size, _, token) = named.iter().find(|(_, by, _)| *by == number)?;
        let object = format!("anchor:{size}:{}", crypto::digest::hex(&sha256(token.as_bytes())));
        Some(format!(r#"{{"action":"log.anchor","actor":"node","n":{number},"object":"{object}","v":1}}"#).into_bytes())
    };
    let entries: Vec<_> = (0..600).map(|number| named_by(number).unwrap_or_else(|| entry(number))).collect();
    Published::of(&entries)
}

impl Published {
    /// A time-stamp over the checkpoint of this size.
    fn stamped(&self, size: u64, token: &str) -> Stamped {
        let text = self.checkpoints.get(&size).map(Checkpoint::text).unwrap_or_default();
        let (imprint, digest) = (sha256(text.as_bytes()), sha256(token.as_bytes()));
        Stamped { name: format!("{size}.tsr"), size, imprint, digest }
    }

    fn verify_anchors(&self, anchors: Vec<Stamped>) -> Result<Anchors, Wrong> {
        let log = note_signer().verifier();
        let (checkpoint, kept) = (self.kept(self.size()), Vec::new());
        let question = Question { log: &log, national: None, policy: None, checkpoint, kept, anchors };
        verify(self, &question, &mut |_, _| ()).map(|verified| verified.anchors().clone())
    }
}

#[test]
fn time_stamps_that_are_over_their_checkpoints_and_named_later_fit() {
    let log = anchored(&[(100, 100, "a"), (300, 310, "b"), (500, 500, "c")]);
    let found = log.verify_anchors(vec![log.stamped(300, "b"), log.stamped(100, "a"), log.stamped(600, "d")]).unwrap();
    assert_eq!(found, Anchors { named: 3, fit: vec![100, 300], unnamed: vec![600] });
    assert_eq!(log.verify_anchors(Vec::new()).unwrap(), Anchors { named: 3, ..Anchors::default() });
}

#[test]
fn a_time_stamp_of_something_else_or_in_anothers_place_is_named() {
    let log = anchored(&[(100, 100, "a"), (300, 310, "b"), (400, 399, "early")]);
    let wrong = |anchor: Stamped| match log.verify_anchors(vec![anchor]).unwrap_err() {
        Wrong::Anchor { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(wrong(Stamped { size: 101, ..log.stamped(100, "a") }), AnchorFault::Imprint(101));
    assert_eq!(wrong(Stamped { imprint: [7; 32], ..log.stamped(100, "a") }), AnchorFault::Imprint(100));
    assert_eq!(wrong(log.stamped(300, "another token")), AnchorFault::Replaced(310));
    assert_eq!(wrong(Stamped { size: 601, ..log.stamped(600, "a") }), AnchorFault::Beyond(601), "its end was cut off");
    // An entry that was there before the checkpoint cannot name its time-stamp.
    assert_eq!(log.verify_anchors(vec![log.stamped(400, "early")]).unwrap().unnamed, [400]);
}
