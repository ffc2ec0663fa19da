//! A log whose signer is another process's: here a task of the test's, over a real socket.

use super::wire::{Answer, BODY, Question, frame};
use super::*;
use crate::log::tests::{Machine, ORIGIN, Process, Tree, note_signer};
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storage::objects::Objects;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

/// The signer's own folder.
struct Safe {
    folder: tempfile::TempDir,
}

impl Safe {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn memory(&self) -> PathBuf {
        self.folder.path().join("memory")
    }

    fn signer(&self) -> Signer {
        Signer::open(note_signer(), &self.memory()).unwrap()
    }

    fn remembered(&self) -> u64 {
        self.signer().last_signed().unwrap().map_or(0, |last| last.size)
    }

    /// Starts it; it ends when the handle is aborted.
    async fn opens(&self) -> JoinHandle<()> {
        let signer = self.signer();
        let begins = signer.last_signed().unwrap().is_none();
        let desk = if begins { Desk::begin(signer) } else { Desk::open(signer) }.unwrap();
        let door = Door::open(&self.socket(), Vec::new()).await.unwrap();
        tokio::spawn(serve(Arc::new(desk), door))
    }

    /// A process of a node that has its checkpoints signed here.
    fn node(&self, machine: &Machine) -> Process {
        let objects = Objects::open_folder(&machine.path("objects")).unwrap();
        machine.start_signed_by(objects, Arc::new(RemoteSigner::new(&self.socket(), note_signer().verifier())))
    }
}

async fn close(open: JoinHandle<()>) {
    open.abort();
    assert!(open.await.unwrap_err().is_cancelled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_signed_by_a_process_that_has_the_key_and_it_alone() {
    let (machine, safe) = (Machine::new(), Safe::new());
    let open = safe.opens().await;
    let process = safe.node(&machine);
    let mut events = Vec::new();
    for count in [1, 255, 1, 400] {
        events.extend(process.record(count).await);
        assert_eq!(process.log.round().await.unwrap(), events.len() as u64);
    }
    process.audit(&events[650..]).await;
    assert_eq!(safe.remembered(), 657);
    assert!(!machine.path("signer.state").exists());
    close(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_signer_is_away_deeds_go_on_and_all_of_them_are_published_when_it_is_back() {
    let (machine, safe) = (Machine::new(), Safe::new());
    let process = safe.node(&machine);
    let mut events = process.record(5).await;
    assert!(matches!(process.log.round().await, Err(LogFailure::SignerAway(_))), "it was never there");
    let open = safe.opens().await;
    assert_eq!(process.log.round().await.unwrap(), 5);
    close(open).await;
    // Conversations under way end with a process; here they are the runtime's. So the node starts again too.
    std::fs::remove_file(safe.socket()).unwrap();
    let process = safe.node(&machine);
    for round in 1..=3 {
        events.extend(process.record(10).await);
        assert!(matches!(process.log.round().await, Err(LogFailure::SignerAway(_))));
        assert_eq!(process.log.unpublished().await.unwrap(), round * 10);
        assert_eq!(process.published().await.size, 5, "what is published stays");
        assert!(process.log.proof(events[0]).await.unwrap().unwrap().is_ok(), "and is proven");
    }
    let open = safe.opens().await;
    assert_eq!(process.log.round().await.unwrap(), 35);
    assert_eq!(process.log.unpublished().await.unwrap(), 0);
    process.audit(&events).await;
    close(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_not_signed_whatever_it_grows_to() {
    for after in [0, 50, 100, 500] {
        let (mut machine, safe) = (Machine::new(), Safe::new());
        let open = safe.opens().await;
        let process = safe.node(&machine);
        process.record(300).await;
        process.log.round().await.unwrap();
        machine.copy_database("backup.db");
        process.record(100).await;
        process.log.round().await.unwrap();
        machine.store = storage::store::StoreConfig::new(machine.path("backup.db"));
        let process = safe.node(&machine);
        process.record(after).await;
        assert!(matches!(process.log.round().await, Err(LogFailure::Inconsistent)), "{after}");
        assert!(matches!(process.log.backlog().await, Err(LogFailure::Inconsistent)), "{after}: and stays stopped");
        assert_eq!(safe.remembered(), 400, "{after}");
        close(open).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_that_is_lost_or_set_back_signs_nothing() {
    let (machine, safe) = (Machine::new(), Safe::new());
    let open = safe.opens().await;
    let process = safe.node(&machine);
    process.record(10).await;
    process.log.round().await.unwrap();
    let old = std::fs::read(safe.memory()).unwrap();
    process.record(10).await;
    process.log.round().await.unwrap();
    let newest = std::fs::read(safe.memory()).unwrap();

    // Lost while it runs: that the log is empty it does not take the node's word for, nor the operator's of long ago.
    std::fs::remove_file(safe.memory()).unwrap();
    process.record(1).await;
    assert!(matches!(process.log.round().await, Err(LogFailure::SignerState(_))));
    close(open).await;
    std::fs::remove_file(safe.socket()).unwrap();
    assert!(Desk::open(safe.signer()).is_err(), "nor does it start without one");

    // Set back while it was away: its own signature, which the node has, tells it.
    std::fs::write(safe.memory(), old).unwrap();
    assert!(Desk::begin(safe.signer()).is_err());
    let open = safe.opens().await;
    let process = safe.node(&machine);
    assert!(matches!(process.log.round().await, Err(LogFailure::SignerState(why)) if why.contains("set back")));
    assert_eq!(safe.remembered(), 10);
    std::fs::write(safe.memory(), newest).unwrap();
    assert_eq!(process.log.round().await.unwrap(), 21);
    close(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_of_one_log_share_a_signer_and_a_second_log_gets_nothing() {
    let (machine, safe) = (Machine::new(), Safe::new());
    let open = safe.opens().await;
    let (one, two) = (safe.node(&machine), safe.node(&machine));
    let mut events = Vec::new();
    for turn in 0..10 {
        let (first, second) = if turn % 2 == 0 { (&one, &two) } else { (&two, &one) };
        events.extend(first.record(40).await);
        events.extend(second.record(3).await);
        let (first, second) = tokio::join!(first.log.round(), second.log.round());
        assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    }
    while one.log.round().await.unwrap() < events.len() as u64 {}
    two.log.round().await.unwrap();
    for process in [&one, &two] {
        process.audit(&events[400..]).await;
    }
    let other = Machine::new();
    let stranger = safe.node(&other);
    for size in [1, 600] {
        stranger.record(size).await;
        assert!(matches!(stranger.log.round().await, Err(LogFailure::Inconsistent)), "{size}");
    }
    assert_eq!(safe.remembered(), 430);
    close(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_listens_in_its_place_gets_nothing_published() {
    let (machine, safe) = (Machine::new(), Safe::new());
    // The same name, another key.
    let key = crypto::key::SoftwareKey::generate(crypto::key::KeyKind::Ed25519).unwrap();
    let impostor = Signer::open(crypto::merkle::NoteSigner::new(ORIGIN, key).unwrap(), &safe.memory()).unwrap();
    let door = Door::open(&safe.socket(), Vec::new()).await.unwrap();
    let open = tokio::spawn(serve(Arc::new(Desk::begin(impostor).unwrap()), door));
    let process = safe.node(&machine);
    process.record(3).await;
    for _ in 0..2 {
        assert!(matches!(process.log.round().await, Err(LogFailure::SignerAway(_))));
    }
    assert!(process.log.checkpoint().await.unwrap().is_none());
    close(open).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_that_anybody_could_come_through_is_not_opened() {
    let safe = Safe::new();
    std::fs::write(safe.socket(), "a file").unwrap();
    assert!(Door::open(&safe.socket(), Vec::new()).await.is_err(), "something that is no socket is left alone");
    std::fs::remove_file(safe.socket()).unwrap();
    let open = safe.opens().await;
    assert!(Door::open(&safe.socket(), Vec::new()).await.is_err(), "somebody listens there");
    close(open).await;
    // What a killed signer left is taken away.
    drop(Door::open(&safe.socket(), Vec::new()).await.unwrap());
    std::fs::set_permissions(safe.folder.path(), std::fs::Permissions::from_mode(0o705)).unwrap();
    assert!(Door::open(&safe.socket(), Vec::new()).await.is_err(), "others may enter the folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_users_process_is_shown_out() {
    use std::os::unix::fs::MetadataExt;
    let (machine, safe) = (Machine::new(), Safe::new());
    let own = std::fs::metadata(safe.folder.path()).unwrap().uid();
    let process = safe.node(&machine);
    process.record(2).await;
    for (users, comes_in) in [(vec![own + 1], false), (vec![own + 1, own], true)] {
        let desk = Arc::new(Desk::begin(safe.signer()).unwrap());
        let open = tokio::spawn(serve(desk, Door::open(&safe.socket(), users).await.unwrap()));
        let round = process.log.round().await;
        assert_eq!(round.is_ok(), comes_in, "{round:?}");
        assert!(comes_in || matches!(round, Err(LogFailure::SignerAway(_))));
        close(open).await;
    }
}

/// A stranger's connection: what is answered until it is closed.
async fn say(safe: &Safe, bytes: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(safe.socket()).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_bytes_sign_nothing_and_keep_nobody_out() {
    let (machine, safe) = (Machine::new(), Safe::new());
    let open = safe.opens().await;
    let process = safe.node(&machine);
    process.record(7).await;
    process.log.round().await.unwrap();
    let not_understood = frame(&Answer::Unintelligible.to_bytes());
    assert_eq!(say(&safe, &frame(&[])).await, not_understood);
    assert_eq!(say(&safe, &frame(&[1, 9])).await, not_understood);
    assert_eq!(say(&safe, &frame(&[2, 1])).await, not_understood, "another version");
    assert!(say(&safe, &[0xff; 4]).await.is_empty(), "a frame beyond the bound");
    assert!(say(&safe, &u32::try_from(BODY + 1).unwrap().to_be_bytes()).await.is_empty());
    assert!(say(&safe, b"GET / HTTP/1.1\r\n\r\n").await.is_empty());
    assert!(say(&safe, &frame(&Question::LastSigned.to_bytes())[..5]).await.is_empty(), "half a question");
    // A tree of somebody's own, with every proof that could be thought of.
    let tree = Tree::of("forged", 64);
    for (size, from) in [(64, 7), (7, 7), (64, 0), (64, 64), (0, 0), (u64::MAX, 7)] {
        let root = if size <= 64 { tree.root(size) } else { [0; 32] };
        let proof = if from <= size && size <= 64 { tree.consistency(from, size) } else { Vec::new() };
        let wanted = Wanted { size, root, was_empty: true, proven_from: from, proof, held: None };
        let answer = say(&safe, &frame(&Question::Sign(wanted).to_bytes())).await;
        assert!(!matches!(Answer::parse(&answer[4..]), Some(Answer::Signed(_))), "{size} from {from}");
    }
    assert_eq!(safe.remembered(), 7);
    // More who say nothing than there are places: they are shown out, and the node's own connection was there before.
    let silent = connect(20, &safe).await;
    process.record(1).await;
    assert_eq!(process.log.round().await.unwrap(), 8);
    drop(silent);
    close(open).await;
}

async fn connect(count: usize, safe: &Safe) -> Vec<UnixStream> {
    let mut silent = Vec::new();
    for _ in 0..count {
        silent.push(UnixStream::connect(safe.socket()).await.unwrap());
    }
    silent
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    let proof = prop::collection::vec(any::<[u8; 32]>(), 0..64);
    let held = prop::option::of("\\PC{1,80}");
    (any::<u64>(), any::<[u8; 32]>(), any::<u64>(), proof, held).prop_map(|(size, root, proven_from, proof, held)| {
        Wanted { size, root, was_empty: false, proven_from, proof, held }
    })
}

proptest! {
    #[test]
    fn what_is_asked_is_understood_and_nothing_else(wanted in any_wanted(), cut in any::<prop::sample::Index>()) {
        let question = Question::Sign(wanted);
        let bytes = question.to_bytes();
        prop_assert_eq!(Question::parse(&bytes), Some(question.clone()));
        let cut = &bytes[..cut.index(bytes.len())];
        prop_assert_ne!(Question::parse(cut), Some(question));
    }

    #[test]
    fn strangers_questions_and_answers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 0_u8..10) {
        for bytes in [bytes.clone(), [&[1, kind], bytes.as_slice()].concat()] {
            if let Some(question) = Question::parse(&bytes) {
                prop_assert_eq!(question.to_bytes(), bytes.clone());
            }
            if let Some(answer) = Answer::parse(&bytes) {
                prop_assert_eq!(answer.to_bytes(), bytes);
            }
        }
    }

    /// Whatever is asked of a signer that remembers a tree, it signs that tree again or nothing.
    #[test]
    fn nobody_without_the_log_gets_a_signature(wanted in any_wanted(), small in any::<bool>()) {
        let safe = Safe::new();
        let tree = Tree::of("true", 20);
        let first = Wanted { size: 20, root: tree.root(20), was_empty: true, proven_from: 0, proof: Vec::new(), held: None };
        safe.signer().sign(&first).unwrap();
        let desk = Desk::open(safe.signer()).unwrap();
        let wanted = if small { Wanted { size: wanted.size % 40, proven_from: 20, ..wanted } } else { wanted };
        let answer = Answer::parse(&desk.answer(&Question::Sign(wanted).to_bytes()));
        prop_assert!(!matches!(answer, Some(Answer::Signed(_))));
        prop_assert_eq!(safe.remembered(), 20);
    }
}
