//! Witnesses as a node meets them: honest, down, silent, slow, lying, forgetful; and the node as they meet it: set back, or two of them.

use super::*;
use crate::event::Action;
use crate::log::tests::{Machine, ORIGIN, Process};
use crate::witness::Witness;
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, Cosigner};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::clock::ManualClock;

/// What a witness does with a question.
#[derive(Debug, Clone)]
enum Mood {
    Honest,
    Down,
    Silent,
    Slow(Duration),
    /// A line under its name and key id that its key did not make.
    SignsFalsely,
    /// Whatever it is asked.
    Says(u16, &'static str, String),
}

struct Neighbour {
    witness: Witness,
    verifier: CosignatureVerifier,
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

/// Witnesses, and the way to them.
struct Town {
    neighbours: Vec<Neighbour>,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

impl Town {
    fn of(count: usize, clock: &Arc<ManualClock>, process: &Process) -> Arc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let neighbour = |number: usize| {
            let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
            let cosigner = Cosigner::new(&format!("w{number}.test"), key).unwrap();
            let verifier = cosigner.verifier();
            let memory = folder.path().join(number.to_string());
            let witness = Witness::open(cosigner, vec![process.log.verifier()], &memory).unwrap();
            Neighbour { witness, verifier, mood: Mutex::new(Mood::Honest), asked: AtomicUsize::new(0) }
        };
        let neighbours = (0..count).map(neighbour).collect();
        Arc::new(Self { neighbours, clock: Arc::clone(clock), _folder: folder })
    }

    fn is(&self, number: usize, mood: Mood) {
        *self.neighbours[number].mood.lock().unwrap() = mood;
    }

    fn asked(&self, number: usize) -> usize {
        self.neighbours[number].asked.load(Ordering::SeqCst)
    }

    fn policy(&self, quorum: usize) -> Policy {
        let mut text = String::new();
        let mut names = String::new();
        for (number, neighbour) in self.neighbours.iter().enumerate() {
            text += &format!("witness w{number} {} http://{number}/\n", neighbour.verifier.vkey());
            names += &format!(" w{number}");
        }
        Policy::parse(format!("{text}group all {quorum}{names}\nquorum all\n").as_bytes()).unwrap()
    }

    fn neighbour(&self, prefix: &str) -> &Neighbour {
        let number: usize = prefix.strip_prefix("http://").unwrap().parse().unwrap();
        &self.neighbours[number]
    }

    fn honest(&self, neighbour: &Neighbour, body: &str) -> Reply {
        let answer = neighbour.witness.add_checkpoint(body.as_bytes(), self.clock.now()).unwrap();
        Reply {
            status: answer.status(),
            content_type: answer.content_type().to_owned(),
            body: answer.body().into_bytes(),
        }
    }
}

impl Submitter for Town {
    fn add_checkpoint<'a>(&'a self, prefix: &'a str, body: String) -> Replying<'a> {
        Box::pin(async move {
            let neighbour = self.neighbour(prefix);
            neighbour.asked.fetch_add(1, Ordering::SeqCst);
            let mood = neighbour.mood.lock().unwrap().clone();
            match mood {
                Mood::Honest => Ok(self.honest(neighbour, &body)),
                Mood::Down => Err(NoReply("connection refused".to_owned())),
                Mood::Silent => std::future::pending().await,
                Mood::Slow(time) => {
                    tokio::time::sleep(time).await;
                    Ok(self.honest(neighbour, &body))
                }
                Mood::SignsFalsely => {
                    let mut reply = self.honest(neighbour, &body);
                    if reply.status == 200 {
                        let line = String::from_utf8(reply.body).unwrap();
                        let last = line.trim_end().trim_end_matches('=').len() - 2;
                        let other = if line.as_bytes()[last] == b'A' { "B" } else { "A" };
                        reply.body = format!("{}{other}{}", &line[..last], &line[last + 1..]).into_bytes();
                    }
                    Ok(reply)
                }
                Mood::Says(status, content_type, body) => {
                    Ok(Reply { status, content_type: content_type.to_owned(), body: body.into_bytes() })
                }
            }
        })
    }

    fn latest<'a>(&'a self, prefix: &'a str, origin_hash: &'a str) -> Replying<'a> {
        Box::pin(async move {
            let note = self.neighbour(prefix).witness.checkpoint(origin_hash).unwrap();
            let status = if note.is_some() { 200 } else { 404 };
            let body = note.unwrap_or_default().into_bytes();
            Ok(Reply { status, content_type: "text/plain; charset=utf-8".to_owned(), body })
        })
    }
}

const TERMS: Terms = Terms {
    every: Duration::from_millis(10),
    deadline: Duration::from_millis(400),
    alarm: time::Duration::minutes(10),
};

fn asking(machine: &Machine, process: &Process, town: &Arc<Town>, quorum: usize) -> Quorum {
    asking_by(TERMS, machine, process, town, quorum)
}

fn asking_by(terms: Terms, machine: &Machine, process: &Process, town: &Arc<Town>, quorum: usize) -> Quorum {
    let (log, ledger, clock) = (process.log.clone(), process.ledger.clone(), Arc::clone(&machine.clock) as _);
    let mut asking = Quorum::new(log, ledger, clock, town.policy(quorum), Arc::clone(town) as _, terms).unwrap();
    // Rests are real time, and tests have little of it.
    asking.longest_pause = Duration::from_millis(50);
    asking
}

/// Until `done`, which must come.
async fn until(quorum: &mut Quorum, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if done().await {
            return;
        }
        quorum.step().await.unwrap();
    }
    panic!("it did not come");
}

async fn grow(process: &Process, count: usize) -> u64 {
    process.record(count).await;
    process.log.round().await.unwrap()
}

/// Size and number of cosignatures of the witnessed head, which holds.
async fn witnessed(process: &Process, policy: &Policy) -> (u64, usize) {
    match process.log.witnessed().await.unwrap() {
        None => (0, 0),
        Some(note) => {
            let judged = policy.judge(&note, Some(&process.log.verifier())).unwrap();
            (judged.checkpoint().size, judged.cosignatures().len())
        }
    }
}

/// How often a deed is in the log.
async fn count(process: &Process, action: Action) -> usize {
    process.log.round().await.unwrap();
    let name = format!(r#""action":"{}""#, action.as_str());
    let entries = process.entries().await;
    entries.iter().filter(|(_, entry)| String::from_utf8_lossy(entry).contains(&name)).count()
}

/// What was kept of conflicts.
fn evidence(machine: &Machine) -> Vec<serde_json::Value> {
    let folder = std::fs::read_dir(machine.path("objects/log/conflicts"));
    let files = folder.into_iter().flatten().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.map(|file| serde_json::from_slice(&file).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_is_published_once_a_quorum_has_cosigned_it_and_later_lines_are_added() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(2);
    let mut quorum = asking(&machine, &process, &town, 2);
    let mut before = 0;
    for growth in [1, 1, 254, 300, 5000] {
        let size = grow(&process, growth).await;
        until(&mut quorum, async || witnessed(&process, &policy).await == (size, 3)).await;
        assert!(size > before);
        before = size;
    }
    let file = std::fs::read_to_string(machine.path("objects/log/checkpoint.witnessed")).unwrap();
    assert_eq!(Some(file), process.log.witnessed().await.unwrap());
    // Nothing that is smaller, or less cosigned, takes its place.
    let note = process.log.witnessed().await.unwrap().unwrap();
    assert!(!process.log.publish_witnessed(before - 1, 3, note.clone()).await.unwrap());
    assert!(!process.log.publish_witnessed(before, 2, note).await.unwrap());
    // A process that starts knows nothing of the witnesses, and is told.
    let mut quorum = asking(&machine, &process, &town, 3);
    let size = grow(&process, 3).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 3)).await;
    assert_eq!(count(&process, Action::WitnessConflict).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_is_down_delays_nobody_and_cosigns_again_once_it_is_back() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(2);
    let mut quorum = asking(&machine, &process, &town, 2);
    town.is(1, Mood::Down);
    for _ in 0..4 {
        let size = grow(&process, 20).await;
        until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2)).await;
    }
    town.is(1, Mood::Honest);
    let size = grow(&process, 20).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_says_nothing_keeps_no_round_from_its_quorum() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(2);
    // Were any round to wait for it, the test would not end.
    let terms = Terms { deadline: Duration::from_secs(3600), ..TERMS };
    let mut quorum = asking_by(terms, &machine, &process, &town, 2);
    town.is(0, Mood::Silent);
    for _ in 0..5 {
        let size = grow(&process, 1).await;
        until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2)).await;
    }
    assert_eq!(town.asked(0), 1, "and it is not asked while it is being asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_witnesses_that_the_quorum_needs_come_to_sign_the_same_head() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(3);
    let mut quorum = asking(&machine, &process, &town, 3);
    town.is(0, Mood::Slow(Duration::from_millis(70)));
    town.is(1, Mood::Slow(Duration::from_millis(110)));
    // The log grows all the while.
    for _ in 0..3 {
        let (size, mut grown) = (grow(&process, 5).await, 0);
        let done = async || {
            if grown < 30 {
                grow(&process, 1).await;
                grown += 1;
            }
            witnessed(&process, &policy).await.0 >= size
        };
        until(&mut quorum, done).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_signs_falsely_is_put_on_record_once_and_nothing_of_it_is_published() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(2);
    let mut quorum = asking(&machine, &process, &town, 2);
    town.is(2, Mood::SignsFalsely);
    for _ in 0..3 {
        let size = grow(&process, 20).await;
        until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2)).await;
    }
    until(&mut quorum, async || town.asked(2) > 3).await;
    assert_eq!(count(&process, Action::WitnessConflict).await, 1, "its lies do not fill the log");
    let kept = evidence(&machine);
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["kind"], &kept[0]["proven"]), (&"false_signature".into(), &false.into()));
    let answer = format!("{}{}", kept[0]["submitted"].as_str().unwrap(), kept[0]["answer"].as_str().unwrap());
    assert_eq!(town.neighbours[2].verifier.verify(&answer), Err(LogError::BadSignature), "anybody can see it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_none_of_the_protocol_cosign_nothing_and_accuse_nobody() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(2, &machine.clock, &process);
    let policy = town.policy(1);
    let mut quorum = asking(&machine, &process, &town, 1);
    let other = Town::of(1, &machine.clock, &process);
    let plain = "text/plain; charset=utf-8";
    let stranger = other.honest(&other.neighbours[0], &request_body(&process).await);
    for (status, content_type, body) in [
        (200, plain, String::new()),
        (200, plain, "cosigned".to_owned()),
        (200, plain, String::from_utf8(stranger.body).unwrap()),
        (200, plain, "— w1.test AAAA\n".repeat(200)),
        (204, plain, String::new()),
        (302, plain, String::new()),
        (400, plain, String::new()),
        (403, plain, String::new()),
        (404, plain, String::new()),
        (500, plain, String::new()),
        (409, plain, "0\n".to_owned()),
        (409, "text/x.tlog.size", "0\n".to_owned()),
        (409, "text/x.tlog.size", "-1\n".to_owned()),
        (409, "text/x.tlog.size", "01\n".to_owned()),
        (409, "text/x.tlog.size", "99999999999999999999\n".to_owned()),
        (409, "text/x.tlog.size", String::new()),
    ] {
        let said = format!("{status} {content_type} {body:.20}");
        town.is(1, Mood::Says(status, content_type, body));
        let (asked, size) = (town.asked(1), grow(&process, 3).await);
        until(&mut quorum, async || witnessed(&process, &policy).await == (size, 1) && town.asked(1) > asked).await;
        assert_eq!(count(&process, Action::WitnessConflict).await, 0, "{said}");
    }
    // One of these is an answer of the protocol, to another question.
    town.is(1, Mood::Honest);
    let size = grow(&process, 3).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2)).await;
}

async fn request_body(process: &Process) -> String {
    grow(process, 1).await;
    crate::witness::request::body(0, &[], &process.log.checkpoint().await.unwrap().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_that_claims_more_than_the_log_has_is_put_on_record_and_the_log_goes_on() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(2);
    let mut quorum = asking(&machine, &process, &town, 2);
    town.is(0, Mood::Says(409, "text/x.tlog.size", "1000000\n".to_owned()));
    let size = grow(&process, 20).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2) && town.asked(0) > 2).await;
    assert_eq!(count(&process, Action::WitnessConflict).await, 1);
    let kept = evidence(&machine);
    assert_eq!((&kept[0]["kind"], &kept[0]["proven"]), (&"ahead".into(), &false.into()), "its word alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_was_set_back_whole_is_told_so_by_its_witnesses_with_its_own_signature() {
    let mut machine = Machine::new();
    let process = machine.start();
    let town = Town::of(2, &machine.clock, &process);
    let policy = town.policy(2);
    grow(&process, 300).await;
    // Everything that the node has, the signer's memory too: nothing on this machine can notice.
    machine.copy_database("backup.db");
    let state = machine.path("signer.state");
    let remembered = std::fs::read(&state).unwrap();
    let mut quorum = asking(&machine, &process, &town, 2);
    let size = grow(&process, 50).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2)).await;
    drop((quorum, process));

    machine.store = storage::store::StoreConfig::new(machine.path("backup.db"));
    std::fs::write(&state, remembered).unwrap();
    std::fs::remove_dir_all(machine.path("objects")).unwrap();
    let process = machine.start();
    let mut quorum = asking(&machine, &process, &town, 2);
    grow(&process, 7).await;
    until(&mut quorum, async || evidence(&machine).len() == 2).await;
    let kept = evidence(&machine);
    for conflict in &kept {
        assert_eq!((&conflict["kind"], &conflict["proven"]), (&"ahead".into(), &true.into()));
        let held = conflict["held"].as_str().unwrap();
        let checkpoint = Checkpoint::parse_text(process.log.verifier().verify(held).unwrap()).unwrap();
        assert_eq!(checkpoint.size, size, "what the node signed before");
    }
    // Grown past what they remember, it is another history, and they say so.
    grow(&process, 100).await;
    let mut quorum = asking(&machine, &process, &town, 2);
    until(&mut quorum, async || evidence(&machine).len() == 4).await;
    let kinds: Vec<_> = evidence(&machine).iter().map(|kept| kept["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "other_history").count(), 2, "{kinds:?}");
    assert!(evidence(&machine).iter().all(|kept| kept["proven"] == true));
    assert_eq!(witnessed(&process, &policy).await, (0, 0));
    assert_eq!(count(&process, Action::WitnessConflict).await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_forks_that_are_shown_to_two_witnesses_come_to_no_quorum_and_both_are_found_out() {
    // One key, two histories: each is shown to the witness that has not seen the other.
    let (here, there) = (Machine::new(), Machine::new());
    let forks = [here.start(), there.start()];
    let town = Town::of(2, &here.clock, &forks[0]);
    let policy = town.policy(2);
    let mut sizes = [0; 2];
    for (number, (machine, process)) in [&here, &there].into_iter().zip(&forks).enumerate() {
        town.is(number, Mood::Honest);
        town.is(1 - number, Mood::Down);
        sizes[number] = grow(process, 40 + number).await;
        let mut quorum = asking(machine, process, &town, 2);
        until(&mut quorum, async || {
            let hash = crypto::digest::hex(&crypto::digest::sha256(ORIGIN.as_bytes()));
            town.neighbours[number].witness.checkpoint(&hash).unwrap().is_some() && town.asked(1 - number) > 0
        })
        .await;
        assert_eq!(witnessed(process, &policy).await, (0, 0), "one cosignature is no quorum");
    }
    town.is(0, Mood::Honest);
    for (machine, process) in [&here, &there].into_iter().zip(&forks) {
        grow(process, 5).await;
        let mut quorum = asking(machine, process, &town, 2);
        until(&mut quorum, async || !evidence(machine).is_empty()).await;
        let kept = evidence(machine);
        assert_eq!((&kept[0]["kind"], &kept[0]["proven"]), (&"other_history".into(), &true.into()));
        // Two notes of one key of which neither continues the other: whoever reads the file can tell.
        for note in ["submitted", "held"] {
            process.log.verifier().verify(kept[0][note].as_str().unwrap()).unwrap();
        }
        assert_eq!(witnessed(process, &policy).await, (0, 0));
        assert_eq!(count(process, Action::WitnessConflict).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_quorum_for_too_long_an_alarm_is_logged_once_and_taken_back_once() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(2);
    let (mut quorum, mut other) = (asking(&machine, &process, &town, 2), asking(&machine, &process, &town, 2));
    town.is(0, Mood::Down);
    town.is(1, Mood::Down);
    grow(&process, 10).await;
    quorum.step().await.unwrap();
    assert_eq!(count(&process, Action::WitnessDegraded).await, 0);
    machine.clock.advance(TERMS.alarm + time::Duration::SECOND);
    for _ in 0..3 {
        // Two processes, and each looks again and again.
        for quorum in [&mut quorum, &mut other] {
            quorum.watched = None;
            quorum.step().await.unwrap();
        }
    }
    assert_eq!(count(&process, Action::WitnessDegraded).await, 1);
    assert_eq!(count(&process, Action::WitnessRestored).await, 0);
    // The exchange goes on, and its head is published all the while.
    let size = grow(&process, 10).await;
    assert_eq!(process.published().await.size, size);
    town.is(0, Mood::Honest);
    until(&mut quorum, async || witnessed(&process, &policy).await.0 >= size).await;
    quorum.watched = None;
    until(&mut quorum, async || count(&process, Action::WitnessRestored).await == 1).await;
    other.watched = None;
    other.step().await.unwrap();
    assert_eq!(count(&process, Action::WitnessRestored).await, 1);
    assert_eq!(count(&process, Action::WitnessDegraded).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_whose_memory_was_set_back_is_put_on_record() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(2, &machine.clock, &process);
    let policy = town.policy(1);
    let mut quorum = asking(&machine, &process, &town, 1);
    let size = grow(&process, 20).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 2)).await;
    town.is(0, Mood::Says(409, "text/x.tlog.size", "0\n".to_owned()));
    let size = grow(&process, 20).await;
    until(&mut quorum, async || witnessed(&process, &policy).await == (size, 1) && evidence(&machine).len() == 1).await;
    assert_eq!(evidence(&machine)[0]["kind"], "forgot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_ask_the_same_witnesses_do_no_harm() {
    let machine = Machine::new();
    let (process, twin) = (machine.start(), machine.start());
    let town = Town::of(3, &machine.clock, &process);
    let policy = town.policy(3);
    let (mut one, mut two) = (asking(&machine, &process, &town, 3), asking(&machine, &twin, &town, 3));
    for _ in 0..10 {
        let size = grow(&process, 3).await;
        let mut before = 0;
        for _ in 0..400 {
            let (a, b) = tokio::join!(one.step(), two.step());
            a.unwrap();
            b.unwrap();
            let now = witnessed(&process, &policy).await.0;
            assert!(now >= before, "never backwards");
            before = now;
            if now == size {
                break;
            }
        }
        assert_eq!(before, size);
    }
    assert_eq!(count(&process, Action::WitnessConflict).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_by_which_nobody_can_be_asked_is_refused() {
    let machine = Machine::new();
    let process = machine.start();
    let town = Town::of(2, &machine.clock, &process);
    let open = |text: &str| {
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let (log, ledger, clock) = (process.log.clone(), process.ledger.clone(), Arc::clone(&machine.clock) as _);
        Quorum::new(log, ledger, clock, policy, Arc::clone(&town) as _, TERMS).err()
    };
    let keys: Vec<_> = town.neighbours.iter().map(|neighbour| neighbour.verifier.vkey()).collect();
    let log = process.log.verifier().vkey();
    let other = crypto::merkle::NoteSigner::new("other.test", SoftwareKey::generate(KeyKind::Ed25519).unwrap());
    let other = other.unwrap().verifier().vkey();
    assert_eq!(open(&format!("witness a {} http://0/\nquorum a\n", keys[0])), None);
    assert_eq!(open(&format!("log {log}\nwitness a {} http://0/\nquorum a\n", keys[0])), None);
    assert_eq!(open(&format!("log {other}\nwitness a {} http://0/\nquorum a\n", keys[0])), Some(Unusable::OtherLogs));
    assert_eq!(open("quorum none\n"), Some(Unusable::NoWitness));
    assert_eq!(open(&format!("witness a {} http://0/\nquorum none\n", keys[0])), Some(Unusable::NoWitness));
    assert_eq!(open(&format!("witness a {}\nquorum a\n", keys[0])), Some(Unusable::NoAddress("a".to_owned())));
}
