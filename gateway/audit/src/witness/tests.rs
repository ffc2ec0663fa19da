//! A witness as logs, forgers and power cuts meet it.

use super::memory::Step;
use super::*;
use crate::log::tests::Tree;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Hash, NoteSigner};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::sync::LazyLock;
use time::macros::datetime;

const ORIGIN: &str = "agency.example/log";
const NOW: OffsetDateTime = datetime!(2026-11-23 12:00:00 UTC);
const STEPS: [Step; 8] = [
    Step::FolderMade,
    Step::Locked,
    Step::Created,
    Step::HalfWritten,
    Step::Written,
    Step::Synced,
    Step::Renamed,
    Step::FolderSynced,
];

static KEYS: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    std::array::from_fn(|_| SoftwareKey::generate(KeyKind::Ed25519).unwrap().to_pkcs8_der().unwrap().to_vec())
});

fn log(number: usize, origin: &str) -> NoteSigner {
    NoteSigner::new(origin, SoftwareKey::from_pkcs8_der(&KEYS[number]).unwrap()).unwrap()
}

fn cosigner() -> Cosigner {
    Cosigner::new("witness.example/w1", SoftwareKey::from_pkcs8_der(&KEYS[2]).unwrap()).unwrap()
}

fn witness(folder: &Path) -> Witness {
    Witness::open(cosigner(), vec![log(0, ORIGIN).verifier()], folder).unwrap()
}

fn note(size: u64, root: Hash) -> String {
    log(0, ORIGIN).sign(&Checkpoint { origin: ORIGIN.to_owned(), size, root }.text()).unwrap()
}

fn body(old: u64, proof: &[Hash], note: &str) -> Vec<u8> {
    let mut body = format!("old {old}\n");
    for hash in proof {
        writeln!(body, "{}", STANDARD.encode(hash)).unwrap();
    }
    format!("{body}\n{note}").into_bytes()
}

fn request(tree: &Tree, old: u64, size: u64) -> Vec<u8> {
    body(old, &tree.consistency(old, size), &note(size, tree.root(size)))
}

/// The checkpoint that an answer cosigned, checked against the note of the request.
fn cosigned(answer: &Answer, body: &[u8]) -> (Checkpoint, u64) {
    let Answer::Cosigned(lines) = answer else { panic!("{answer:?}") };
    let request = AddCheckpoint::parse(body).unwrap();
    let verified = cosigner().verifier().verify(&format!("{}{lines}", request.note)).unwrap();
    assert_eq!(verified.0, request.checkpoint);
    verified
}

#[test]
fn a_growing_log_is_cosigned_and_remembered_across_starts() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 700);
    let mut old = 0;
    for (number, size) in (0..).zip([0, 0, 1, 2, 255, 255, 256, 700]) {
        let witness = witness(folder.path());
        let request = request(&tree, old, size);
        let now = NOW + time::Duration::seconds(number);
        let answer = witness.add_checkpoint(&request, now).unwrap();
        assert_eq!((answer.status(), answer.content_type()), (200, "text/plain; charset=utf-8"));
        let (checkpoint, seconds) = cosigned(&answer, &request);
        assert_eq!((checkpoint.size, seconds), (size, now.unix_timestamp().unsigned_abs()));
        assert!(answer.body().starts_with("— witness.example/w1 ") && answer.body().ends_with('\n'));
        // What monitors read: signed by both.
        let kept = witness.checkpoint(&memory::origin_hash(ORIGIN)).unwrap().unwrap();
        log(0, ORIGIN).verifier().verify(&kept).unwrap();
        assert_eq!(cosigner().verifier().verify(&kept).unwrap(), (checkpoint, seconds));
        old = size;
    }
    assert_eq!(witness(folder.path()).checkpoint(&memory::origin_hash("other")).unwrap(), None);
    assert_eq!(witness(folder.path()).checkpoint("").unwrap(), None);
}

#[test]
fn every_refusal_of_the_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 300);
    let witness = witness(folder.path());
    let answer = |body: &[u8]| witness.add_checkpoint(body, NOW).unwrap();
    assert_eq!(answer(&request(&tree, 7, 9)), Answer::Conflict { size: 0 }, "nothing was cosigned yet");
    assert_eq!(answer(&body(0, &[[1; 32]], &note(9, tree.root(9)))), Answer::Unprocessable(Refusal::ProofFromNothing));
    assert_eq!(answer(&body(0, &[], &note(0, [1; 32]))), Answer::Unprocessable(Refusal::RootOfEmptyTree));
    assert_eq!(answer(&request(&tree, 0, 100)).status(), 200);

    let conflict = answer(&request(&tree, 99, 200));
    assert_eq!(conflict, Answer::Conflict { size: 100 });
    assert_eq!(
        (conflict.status(), conflict.content_type(), conflict.body()),
        (409, "text/x.tlog.size", "100\n".to_owned())
    );
    assert_eq!(answer(&request(&tree, 0, 200)), Answer::Conflict { size: 100 });
    assert_eq!(answer(&request(&tree, 50, 50)), Answer::Conflict { size: 100 }, "an older one");
    let backwards = answer(&body(200, &[], &note(100, tree.root(100))));
    assert_eq!(backwards, Answer::Malformed(RequestFault::OldSizeBeyondCheckpoint));
    assert_eq!(backwards.status(), 400);

    let proof = tree.consistency(100, 200);
    let refused = |proof: &[Hash], root| answer(&body(100, proof, &note(200, root)));
    let inconsistent = Answer::Unprocessable(Refusal::Inconsistent);
    assert_eq!(inconsistent.status(), 422);
    assert_eq!(refused(&[], tree.root(200)), inconsistent);
    assert_eq!(refused(&proof, [9; 32]), inconsistent);
    assert_eq!(refused(&proof[1..], tree.root(200)), inconsistent);
    assert_eq!(refused(&[proof.clone(), vec![[0; 32]]].concat(), tree.root(200)), inconsistent);
    assert_eq!(refused(&Tree::of("two", 300).consistency(100, 200), Tree::of("two", 300).root(200)), inconsistent);
    assert_eq!(answer(&body(100, &proof, &note(100, tree.root(100)))), inconsistent, "a proof from a tree to itself");

    let signed = |number, origin: &str| {
        let text = Checkpoint { origin: origin.to_owned(), size: 200, root: tree.root(200) }.text();
        body(100, &proof, &log(number, ORIGIN).sign(&text).unwrap())
    };
    assert_eq!((answer(&signed(0, "other.example")), Answer::UnknownOrigin.status()), (Answer::UnknownOrigin, 404));
    assert_eq!((answer(&signed(1, ORIGIN)), Answer::Untrusted.status()), (Answer::Untrusted, 403));
    let edited = note(200, tree.root(200)).replace("\n200\n", "\n201\n");
    assert_eq!(answer(&body(100, &proof, &edited)), Answer::Untrusted, "a known key whose line is false");
    assert_eq!(answer(&request(&tree, 100, 200)).status(), 200, "none of this changed anything");
    assert!(witness.forks(ORIGIN).unwrap().is_empty());
}

#[test]
fn a_request_is_read_strictly_and_within_bounds() {
    let tree = Tree::of("one", 9);
    let good = request(&tree, 3, 9);
    let text = String::from_utf8(good.clone()).unwrap();
    assert_eq!(AddCheckpoint::parse(&good).unwrap().old, 3);
    let line = format!("{}\n", STANDARD.encode([7; 32]));
    let refused: Vec<(String, RequestFault)> = vec![
        (String::new(), RequestFault::OldSize),
        (text.replace("old 3", "old 03"), RequestFault::OldSize),
        (text.replace("old 3", "old +3"), RequestFault::OldSize),
        (text.replace("old 3", "old"), RequestFault::OldSize),
        (text.replace("old 3", "Old 3"), RequestFault::OldSize),
        (text.replace("old 3", "old 18446744073709551616"), RequestFault::OldSize),
        (text.replace('\n', "\r\n"), RequestFault::OldSize),
        (text.replacen("=\n", "\n", 1), RequestFault::ProofLine),
        (text.replacen("\n\n", "\nAAAA\n\n", 1), RequestFault::ProofLine),
        (text.replacen("\n\n", "\n", 1), RequestFault::ProofLine),
        (text.replacen("\n\n", &format!("\n{}\n", line.repeat(64)), 1), RequestFault::ProofTooLong),
        ("old 3\n".to_owned(), RequestFault::NoCheckpoint),
        (format!("old 3\n{line}"), RequestFault::NoCheckpoint),
        ("old 3\n\n".to_owned(), RequestFault::Checkpoint),
        ("old 3\n\nrubbish\n\n— a AAAAAAA=\n".to_owned(), RequestFault::Checkpoint),
        (text.clone() + &"x".repeat(MAX_BODY_BYTES), RequestFault::TooLong),
    ];
    for (text, fault) in refused {
        assert_eq!(AddCheckpoint::parse(text.as_bytes()), Err(fault), "{text:.200}");
    }
    assert_eq!(AddCheckpoint::parse(b"old 3\n\xff"), Err(RequestFault::NotText));
    let full = format!("old 3\n{}\n{}", line.repeat(63), note(9, tree.root(9)));
    assert_eq!(AddCheckpoint::parse(full.as_bytes()).unwrap().proof.len(), 63);
    let folder = tempfile::tempdir().unwrap();
    let witness = witness(folder.path());
    for length in 0..good.len() {
        let answer = witness.add_checkpoint(&good[..length], NOW).unwrap();
        assert!(matches!(answer.status(), 400 | 403), "{length}: {answer:?}");
    }
}

#[test]
fn a_fork_of_one_size_is_refused_and_both_notes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 300);
    let other = tree.branch(90, "two");
    let witness = witness(folder.path());
    witness.add_checkpoint(&request(&tree, 0, 100), NOW).unwrap();
    let forked = body(100, &[], &note(100, other.root(100)));
    for _ in 0..3 {
        let answer = witness.add_checkpoint(&forked, NOW).unwrap();
        assert_eq!(answer, Answer::Unprocessable(Refusal::AnotherRoot));
    }
    // The protocol wants the size first; the evidence is kept all the same.
    let root = Tree::of("three", 300).root(100);
    assert_eq!(witness.add_checkpoint(&body(3, &[], &note(100, root)), NOW).unwrap(), Answer::Conflict { size: 100 });
    let forks = self::witness(folder.path()).forks(ORIGIN).unwrap();
    assert_eq!(forks.len(), 2, "each once");
    let mut roots: Vec<Hash> = Vec::new();
    for fork in &forks {
        let verified = |note: &str| {
            let verifier = log(0, ORIGIN).verifier();
            Checkpoint::parse_text(verifier.verify(note).unwrap()).unwrap()
        };
        assert_eq!(verified(&fork.known).root, tree.root(100));
        cosigner().verifier().verify(&fork.known).unwrap();
        assert_eq!(verified(&fork.other).size, 100);
        roots.push(verified(&fork.other).root);
    }
    assert!(roots.contains(&other.root(100)) && roots.contains(&root));
    // What nobody signed is no evidence, and costs no disk.
    let unsigned = note(100, [5; 32]).replace("— ", "— x");
    assert_eq!(witness.add_checkpoint(&body(100, &[], &unsigned), NOW).unwrap(), Answer::Untrusted);
    for number in 0..100 {
        witness.add_checkpoint(&body(100, &[], &note(100, [number; 32])), NOW).unwrap();
    }
    assert_eq!(witness.forks(ORIGIN).unwrap().len(), 64, "and a log whose key is lost does not fill it");
    assert_eq!(witness.add_checkpoint(&request(&tree, 100, 200), NOW).unwrap().status(), 200);
}

#[test]
fn lines_of_strangers_are_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 3);
    let witness = witness(folder.path());
    let crowded = note(3, tree.root(3)) + &"— x.example AAAAAAA=\n".repeat(99);
    for _ in 0..2 {
        let answer = witness.add_checkpoint(&body(0, &[], &crowded), NOW).unwrap();
        assert!(matches!(answer, Answer::Cosigned(_) | Answer::Conflict { size: 3 }), "{answer:?}");
        let kept = witness.checkpoint(&memory::origin_hash(ORIGIN)).unwrap().unwrap();
        assert_eq!(kept.lines().count(), 3 + 1 + 2);
    }
}

#[test]
fn a_clock_that_was_set_back_contradicts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 9);
    let witness = witness(folder.path());
    witness.add_checkpoint(&request(&tree, 0, 3), NOW).unwrap();
    let later = request(&tree, 3, 9);
    let answer = witness.add_checkpoint(&later, NOW - time::Duration::days(1)).unwrap();
    assert_eq!(cosigned(&answer, &later).1, NOW.unix_timestamp().unsigned_abs());
    let folder = tempfile::tempdir().unwrap();
    let witness = self::witness(folder.path());
    let ancient = OffsetDateTime::UNIX_EPOCH - time::Duration::SECOND;
    assert_eq!(witness.add_checkpoint(&request(&tree, 0, 3), ancient), Err(WitnessFailure::Clock));
    let answer = witness.add_checkpoint(&request(&tree, 0, 3), OffsetDateTime::UNIX_EPOCH).unwrap();
    assert_eq!(cosigned(&answer, &request(&tree, 0, 3)).1, 1, "0 would be no time");
}

#[test]
fn two_keys_of_one_log_are_both_believed_and_neither_falsely() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 9);
    let keys = vec![log(0, ORIGIN).verifier(), log(1, ORIGIN).verifier()];
    let witness = Witness::open(cosigner(), keys, folder.path()).unwrap();
    let text = |size| Checkpoint { origin: ORIGIN.to_owned(), size, root: tree.root(size) }.text();
    let by = |number: usize, size| log(number, ORIGIN).sign(&text(size)).unwrap();
    let line = |note: &str| format!("{}\n", note.lines().last().unwrap());
    assert_eq!(witness.add_checkpoint(&body(0, &[], &by(1, 2)), NOW).unwrap().status(), 200);
    let proof = tree.consistency(2, 5);
    let half_false = by(0, 5) + &line(&by(1, 4));
    assert_eq!(witness.add_checkpoint(&body(2, &proof, &half_false), NOW).unwrap(), Answer::Untrusted);
    let both = by(0, 5) + &line(&by(1, 5));
    assert_eq!(witness.add_checkpoint(&body(2, &proof, &both), NOW).unwrap().status(), 200);
}

#[test]
fn a_memory_that_is_damaged_or_foreign_is_not_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 9);
    let path = folder.path().join(memory::origin_hash(ORIGIN)).join("checkpoint");
    witness(folder.path()).add_checkpoint(&request(&tree, 0, 5), NOW).unwrap();
    let kept = std::fs::read(&path).unwrap();
    let running = witness(folder.path());
    let mut damaged = vec![Vec::new(), kept[..kept.len() - 1].to_vec(), kept.clone(), vec![b'x'; 2 << 20]];
    let size = kept.iter().position(|byte| *byte == b'5').unwrap();
    damaged[2][size] = b'4';
    // Signed by the log alone: whoever wrote it was not this witness.
    damaged.push(note(5, tree.root(5)).into_bytes());
    for bytes in damaged {
        std::fs::write(&path, &bytes).unwrap();
        let opened = Witness::open(cosigner(), vec![log(0, ORIGIN).verifier()], folder.path());
        assert!(matches!(opened.err(), Some(WitnessFailure::Memory(_))));
        let answer = running.add_checkpoint(&request(&tree, 5, 9), NOW);
        assert!(matches!(answer, Err(WitnessFailure::Memory(_))), "{answer:?}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "left for somebody to look at");
    }
    std::fs::write(&path, kept).unwrap();
    assert_eq!(running.add_checkpoint(&request(&tree, 5, 9), NOW).unwrap().status(), 200);
}

#[test]
fn of_many_at_once_one_is_cosigned() {
    let folder = tempfile::tempdir().unwrap();
    let tree = Tree::of("one", 100);
    witness(folder.path()).add_checkpoint(&request(&tree, 0, 10), NOW).unwrap();
    // As processes would be: each with its own files.
    let answers: Vec<_> = std::thread::scope(|scope| {
        let one = |number: u64| {
            let (folder, tree) = (folder.path(), &tree);
            scope.spawn(move || {
                let size = 11 + number * 7;
                let answer = witness(folder).add_checkpoint(&request(tree, 10, size), NOW).unwrap();
                (size, answer)
            })
        };
        let threads: Vec<_> = (0..12).map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(_, answer)| answer.status() == 200);
    assert_eq!((won.len(), lost.len()), (1, 11));
    assert!(lost.iter().all(|(_, answer)| *answer == Answer::Conflict { size: won[0].0 }));
}

#[test]
fn a_crash_between_any_two_operations_on_files_is_before_or_after() {
    for step in STEPS {
        for first in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let tree = Tree::of("one", 100);
            let old = if first { 0 } else { 40 };
            if !first {
                witness(folder.path()).add_checkpoint(&request(&tree, 0, 40), NOW).unwrap();
            }
            let crashed = crash_at(folder.path(), &request(&tree, old, 60), step);
            if step == Step::FolderMade && !first {
                assert_eq!(crashed.unwrap().status(), 200, "the folder was there");
                continue;
            }
            assert!(matches!(crashed, Err(WitnessFailure::Memory(_))), "{step:?}: no cosignature left");
            let witness = witness(folder.path());
            let after = matches!(step, Step::Renamed | Step::FolderSynced);
            let again = witness.add_checkpoint(&request(&tree, old, 60), NOW).unwrap();
            assert_eq!(again == Answer::Conflict { size: 60 }, after, "{step:?}");
            assert_eq!(again.status() == 200, !after, "{step:?}");
            // The log repeats with the size that it was told, and gets its cosignature.
            assert_eq!(witness.add_checkpoint(&request(&tree, 60, 60), NOW).unwrap().status(), 200, "{step:?}");
            assert_eq!(witness.add_checkpoint(&request(&tree, 60, 99), NOW).unwrap().status(), 200, "{step:?}");
        }
    }
}

#[test]
fn a_crash_while_evidence_is_kept_leaves_it_whole_or_not_at_all() {
    for step in STEPS {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::of("one", 100);
        witness(folder.path()).add_checkpoint(&request(&tree, 0, 40), NOW).unwrap();
        let forked = body(40, &[], &note(40, [4; 32]));
        let crashed = crash_at(folder.path(), &forked, step);
        assert_eq!(crashed.is_ok(), step == Step::FolderMade, "{step:?}");
        let witness = witness(folder.path());
        assert!(witness.forks(ORIGIN).unwrap().len() <= 1, "{step:?}");
        assert_eq!(witness.add_checkpoint(&forked, NOW).unwrap().status(), 422, "{step:?}");
        assert_eq!(witness.forks(ORIGIN).unwrap().len(), 1, "{step:?}");
        assert_eq!(witness.add_checkpoint(&request(&tree, 40, 50), NOW).unwrap().status(), 200, "{step:?}");
    }
}

fn crash_at(folder: &Path, body: &[u8], step: Step) -> Result<Answer, WitnessFailure> {
    let mut witness = witness(folder);
    witness.memory.hook =
        Box::new(move |reached| if reached == step { Err(std::io::Error::other("the power is gone")) } else { Ok(()) });
    witness.add_checkpoint(body, NOW)
}

/// What somebody asks of a witness.
#[derive(Debug, Clone)]
struct Ask {
    tree: usize,
    size: u64,
    /// What the request says was there before; `None`: what the witness knows.
    old: Option<u64>,
    /// Whose proof it carries, from where; `None`: the right one.
    proof: Option<(usize, u64)>,
    crash: Option<usize>,
    /// After a crash before the folder was synced, the rename may be undone.
    undone: bool,
}

fn ask() -> impl Strategy<Value = Ask> {
    let old = prop::option::weighted(0.3, 0..40_u64);
    let proof = prop::option::weighted(0.2, (0..4_usize, 0..40_u64));
    let crash = prop::option::weighted(0.3, 0..STEPS.len());
    (0..4_usize, 0..40_u64, old, proof, crash, any::<bool>()).prop_map(|(tree, size, old, proof, crash, undone)| Ask {
        tree,
        size,
        old,
        proof,
        crash,
        undone,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is asked, and wherever it crashes: all that was ever cosigned is one history.
    #[test]
    fn a_witness_never_cosigns_two_histories(asks in prop::collection::vec(ask(), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(memory::origin_hash(ORIGIN)).join("checkpoint");
        let main = Tree::of("main", 40);
        let trees = [main.branch(7, "early"), main.branch(20, "middle"), main.branch(33, "late"), main];
        let mut seen: Vec<Checkpoint> = Vec::new();
        for ask in asks {
            let witness = witness(folder.path());
            let known = witness.memory.known(ORIGIN).unwrap().map_or(0, |known| known.checkpoint.size);
            let old = ask.old.unwrap_or(known);
            let (by, from) = ask.proof.unwrap_or((ask.tree, old));
            let proof = if from <= ask.size { trees[by].consistency(from, ask.size) } else { Vec::new() };
            let body = body(old, &proof, &note(ask.size, trees[ask.tree].root(ask.size)));
            let before = std::fs::read(&path).ok();
            let answer = match ask.crash {
                Some(step) => crash_at(folder.path(), &body, STEPS[step]),
                None => witness.add_checkpoint(&body, NOW),
            };
            match answer {
                Ok(answer) if answer.status() == 200 => seen.push(cosigned(&answer, &body).0),
                Ok(_) => {}
                Err(_) if ask.undone && ask.crash.map(|step| STEPS[step]) == Some(Step::Renamed) => {
                    match before {
                        Some(before) => std::fs::write(&path, before).unwrap(),
                        None => drop(std::fs::remove_file(&path)),
                    }
                }
                Err(_) => {}
            }
        }
        let one = |tree: &Tree| seen.iter().all(|checkpoint| tree.root(checkpoint.size) == checkpoint.root);
        prop_assert!(trees.iter().any(one), "{seen:?}");
        prop_assert!(seen.is_sorted_by_key(|checkpoint| checkpoint.size));
    }

    #[test]
    fn strangers_bodies_never_panic(body in prop::collection::vec(any::<u8>(), 0..400), tail in "\\PC{0,80}") {
        let _ = AddCheckpoint::parse(&body);
        let _ = AddCheckpoint::parse(format!("old 1\n\n{tail}\n\n— a {tail}\n").as_bytes());
    }
}
