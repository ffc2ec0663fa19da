//! Go's reference code of transparency logs (`golang.org/x/mod/sumdb`), where Go is at hand; elsewhere the test says that it is skipped. Nothing is
//! fetched: every Go toolchain carries that code for its own checks of modules, and it is taken from there. See `TransparencyLog.go`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use audit::verify::{Folder, Kept, Question, Wrong, verify};
use audit::witness::Answer;
use audit::{Action, EventDraft, Ledger, Log, Outcome, Witness, append};
use crypto::digest::hex;
use crypto::dstu4145::Curve;
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, Cosigner, NoteSigner, NoteVerifier};
use storage::clock::ManualClock;
use storage::objects::Objects;
use storage::store::{StoreConfig, migrate, open};
use storage::{Clock, StoreError};
use time::macros::datetime;

const ORIGIN: &str = "vuzol.test/log";

/// Asks the reference code.
struct Reference {
    program: PathBuf,
}

impl Reference {
    /// Built in `folder`; `None` where there is no Go, or one without that code.
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    fn build(folder: &Path) -> Option<Self> {
        let Ok(asked) = Command::new("go").args(["env", "GOROOT", "GOVERSION"]).output() else {
            println!("skipped: there is no go");
            return None;
        };
        let asked = String::from_utf8(asked.stdout).expect("text");
        let (root, version) = asked.trim().split_once('\n').expect("two lines");
        // `go1.26.8`: what it carries is written for itself.
        let language = version.trim_start_matches("go").split('.').take(2).collect::<Vec<_>>().join(".");
        let root = PathBuf::from(root);
        let vendored = root.join("src/cmd/vendor/golang.org/x/mod/sumdb");
        for package in ["note", "tlog"] {
            let to = folder.join("mod/sumdb").join(package);
            std::fs::create_dir_all(&to).expect("a folder");
            let Ok(files) = std::fs::read_dir(vendored.join(package)) else {
                println!("skipped: {} is not there", vendored.display());
                return None;
            };
            for file in files.flatten() {
                std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
            }
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/TransparencyLog.go");
        std::fs::copy(source, folder.join("main.go")).expect("a copy");
        let module = |name: &str| format!("module {name}\n\ngo {language}\n");
        std::fs::write(folder.join("mod/go.mod"), module("golang.org/x/mod")).expect("a file");
        let needs = "\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n";
        std::fs::write(folder.join("go.mod"), module("oracle") + needs).expect("a file");
        let program = folder.join("oracle");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(folder)
            .env("GOPROXY", "off")
            .env("GOFLAGS", "-mod=mod")
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .output()
            .expect("go");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Some(Self { program })
    }

    fn ask(&self, questions: &[String]) -> Vec<String> {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the oracle that was built");
        let mut input = child.stdin.take().expect("a pipe");
        let text = questions.iter().fold(String::new(), |text, question| text + question + "\n");
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output().expect("an answer");
        writer.join().expect("a thread").expect("questions that are read");
        assert!(output.status.success(), "the oracle gave up");
        let answers: Vec<String> = String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
        assert_eq!(answers.len(), questions.len(), "{answers:?}");
        answers
    }

    fn one(&self, verb: &str, log: &Path, vkey: &str, rest: &str) -> String {
        self.ask(&[format!("{verb} {} {vkey} {rest}", log.display())]).remove(0)
    }
}

/// A log of ours as it lies on the disk, and the checkpoints on its way.
struct OurLog {
    folder: PathBuf,
    signer: NoteVerifier,
    notes: Vec<String>,
}

/// Sizes after each round: within a bundle, at the end of one, beyond, and beyond the first 256 tiles.
const ROUNDS: [usize; 5] = [100, 156, 500, 1, 65_800];

async fn our_log(folder: &Path) -> OurLog {
    let store = StoreConfig::new(folder.join("vuzol.db"));
    migrate(&store).expect("a database");
    let (writer, reader) = open(&store).expect("a database");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(datetime!(2026-11-23 12:00 UTC)));
    let objects = Objects::open_folder(&folder.join("objects")).expect("a folder");
    let key = |kind| SoftwareKey::generate(kind).expect("a key");
    let signer = NoteSigner::new(ORIGIN, key(KeyKind::Ed25519)).expect("a signer");
    let signer = signer.with_national(Box::new(key(KeyKind::Dstu4145(Curve::M257)))).expect("a signer");
    let ledger = Ledger::new(writer.clone(), reader.clone(), Arc::clone(&clock), ORIGIN);
    let state = folder.join("signer.state");
    let log = Log::open(writer, reader, objects, clock, signer, &state).expect("a log");
    let mut notes = Vec::new();
    for count in ROUNDS {
        for start in (0..count).step_by(1000) {
            let draft = |number: usize| EventDraft {
                action: Action::SubmitDocument,
                actor: "participant:12345678".to_owned(),
                object: Some(format!("message:{number}")),
                outcome: Outcome::Done,
                details: serde_json::Value::Null,
            };
            let events: Vec<_> = (start..count.min(start + 1000)).map(|number| ledger.prepare(draft(number))).collect();
            let write = ledger.transact("record", move |tx| {
                let mut last = Err(StoreError::Closed);
                for event in &events {
                    last = Ok(append(tx, event)?);
                }
                Ok::<_, StoreError>(last?.with(()))
            });
            write.await.expect("records");
        }
        while log.backlog().await.expect("a log").0 > 0 {
            log.round().await.expect("a round");
        }
        notes.push(log.checkpoint().await.expect("a log").expect("a checkpoint"));
    }
    OurLog { folder: folder.join("objects/log"), signer: log.verifier(), notes }
}

impl OurLog {
    fn checkpoints(&self) -> Vec<Checkpoint> {
        let parse = |note: &String| {
            let text = self.signer.verify(note).expect("a note");
            Checkpoint::parse_text(text).expect("a checkpoint")
        };
        self.notes.iter().map(parse).collect()
    }

    /// What our own verifier says.
    fn verified(&self) -> Result<(), Wrong> {
        let note = std::fs::read_to_string(self.folder.join("checkpoint")).expect("a checkpoint");
        let kept = |number: usize, note: &String| Kept { name: number.to_string(), note: note.clone() };
        let question = Question {
            log: &self.signer,
            national: None,
            policy: None,
            checkpoint: Kept { name: "checkpoint".to_owned(), note },
            kept: self.notes.iter().enumerate().map(|(number, note)| kept(number, note)).collect(),
            anchors: Vec::new(),
        };
        verify(&Folder::new(&self.folder), &question, &mut |_, _| ()).map(drop)
    }

    /// Changes a file, looks at what came of it, and changes it back.
    fn tampered(&self, path: &str, change: impl FnOnce(&mut Vec<u8>), look: impl FnOnce(&Self)) {
        let path = self.folder.join(path);
        let content = std::fs::read(&path).expect("a file");
        let mut changed = content.clone();
        change(&mut changed);
        assert_ne!(content, changed);
        std::fs::write(&path, changed).expect("a file");
        look(self);
        std::fs::write(&path, content).expect("a file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_code_accepts_our_log_and_refuses_it_when_it_was_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(reference) = Reference::build(&folder.path().join("go")) else { return };
    let log = our_log(folder.path()).await;
    let vkey = log.signer.vkey();
    let checkpoints = log.checkpoints();
    let size = checkpoints.last().expect("a checkpoint").size;
    let path = |start: &str, level: &str| {
        let width = if level == "entries" || level == "0" { size % 256 } else { size / 256 % 256 };
        format!("tile/{level}/{start}.p/{width}")
    };
    let entries = |log: &OurLog| reference.one("entries", &log.folder, &vkey, "");

    assert_eq!(entries(&log), "ok");
    assert_eq!(log.verified(), Ok(()));
    assert_eq!(
        reference.one("signatures", &log.folder, &vkey, ""),
        format!("ok {ORIGIN} 1"),
        "our second line is passed over"
    );
    for index in [0, 1, 255, 256, 257, 65_535, 65_536, size - 1] {
        assert_eq!(reference.one("inclusion", &log.folder, &vkey, &index.to_string()), "ok", "{index}");
    }
    for old in &checkpoints {
        let answer = reference.one("consistency", &log.folder, &vkey, &old.size.to_string());
        assert_eq!(answer, format!("ok {}", hex(&old.root)), "{}", old.size);
    }

    // One flipped byte of a bundle: the entry is named, by both.
    let third = |content: &mut Vec<u8>| {
        let length = |content: &[u8], at: usize| 2 + usize::from(u16::from_be_bytes([content[at], content[at + 1]]));
        let second = length(content, 0);
        let third = second + length(content, second);
        content[third + 9] ^= 1;
    };
    for (bundle, index) in [("tile/entries/001".to_owned(), 258), (path("259", "entries"), 259 * 256 + 2)] {
        log.tampered(&bundle, third, |log| {
            assert_eq!(entries(log), format!("refused: entry {index} is not what was logged"));
            assert_eq!(log.verified(), Err(Wrong::Entry { index, path: bundle.clone() }));
        });
    }
    // A truncated tile: of leaves, in the middle and at the edge, and above them.
    for tile in ["tile/0/001".to_owned(), path("259", "0"), "tile/1/000".to_owned(), path("001", "1")] {
        log.tampered(
            &tile,
            |content| content.truncate(content.len() - 32),
            |log| {
                assert!(entries(log).starts_with("refused: "), "{tile}");
                assert!(matches!(log.verified(), Err(Wrong::Length { path, .. }) if path == tile), "{tile}");
            },
        );
        log.tampered(
            &tile,
            |content| content[3] ^= 1,
            |log| {
                assert!(entries(log).starts_with("refused: "), "{tile}");
                assert!(matches!(log.verified(), Err(Wrong::Tile { path, position: 0, .. }) if path == tile), "{tile}");
            },
        );
    }
    // An edited size, and an edited root.
    let edit = |from: String, to: String| {
        move |content: &mut Vec<u8>| {
            *content = String::from_utf8(content.clone()).expect("a note").replacen(&from, &to, 1).into_bytes();
        }
    };
    let second_line = |content: &mut Vec<u8>| {
        let text = String::from_utf8(content.clone()).expect("a note");
        let (first, last) = text.trim_end().rsplit_once('\n').expect("two lines");
        let renamed = last.replace("vuzol.test/log ", "vuzol.test/other ");
        *content = format!("{first}\n{renamed}\n").into_bytes();
    };
    log.tampered("checkpoint", edit(format!("\n{size}\n"), format!("\n{}\n", size - 1)), |log| {
        assert!(entries(log).starts_with("refused: invalid signature"), "{}", entries(log));
        assert!(matches!(log.verified(), Err(Wrong::Checkpoint { .. })));
    });
    // A line of an unknown kind may say anything: it is nobody's.
    log.tampered("checkpoint", second_line, |log| assert_eq!(entries(log), "ok"));
    assert_eq!((entries(&log), log.verified()), ("ok".to_owned(), Ok(())));

    cosigned(&reference, &log, &checkpoints, folder.path());
}

/// The cosignatures of our witness, over the whole way, in the eyes of the reference code.
fn cosigned(reference: &Reference, log: &OurLog, checkpoints: &[Checkpoint], folder: &Path) {
    let cosigner =
        Cosigner::new("w.example/1", SoftwareKey::generate(KeyKind::Ed25519).expect("a key")).expect("a name");
    let verifier = cosigner.verifier();
    let witness = Witness::open(cosigner, vec![log.signer.clone()], &folder.join("witness")).expect("a witness");
    let now = datetime!(2026-11-23 12:00 UTC);
    let first = format!("old 0\n\n{}", log.notes[0]);
    let answer = witness.add_checkpoint(first.as_bytes(), now).expect("a witness that works");
    let Answer::Cosigned(line) = answer else { panic!("{answer:?}") };
    let note = log.notes[0].clone() + &line;
    let asked = |note: String| {
        let folder = folder.join("cosigned");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("checkpoint"), note).expect("a file");
        reference.one("signatures", &folder, &log.signer.vkey(), &verifier.vkey())
    };
    assert_eq!(checkpoints[0].size, 100);
    assert_eq!(asked(note), format!("ok {ORIGIN},w.example/1 1"));
    assert!(asked(log.notes[1].clone() + &line).starts_with("refused: invalid signature"), "over another checkpoint");
}
