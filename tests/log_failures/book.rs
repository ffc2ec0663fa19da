//! A folder with a log in it, the processes that keep it, and what each failure has to end with.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use audit::verify::{Compared, Folder, Kept, Question, compare_rows, verify};
use audit::{Ledger, Log};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, NoteSigner, NoteVerifier, TileId, parse_entry_bundle};
use storage::Clock;
use storage::clock::SystemClock;
use storage::objects::Objects;
use storage::store::{StoreConfig, migrate, open};

pub(crate) const ORIGIN: &str = "vuzol.test/log";

/// A log, and all that was ever said of it.
pub(crate) struct Book {
    folder: tempfile::TempDir,
    pub(crate) places: Places,
    key: Vec<u8>,
    /// Events whose commit was answered.
    pub(crate) acknowledged: BTreeSet<String>,
    /// Notes that were published, and trees that the signer remembered.
    signed: Vec<Kept>,
}

/// Where the parts of a log lie, if not in its folder.
#[derive(Default, Clone)]
pub(crate) struct Places {
    pub(crate) database: Option<PathBuf>,
    pub(crate) objects: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
}

/// What a process said before it ended.
#[derive(Default, Debug)]
pub(crate) struct Said {
    pub(crate) acknowledged: usize,
    pub(crate) refused: Vec<String>,
    pub(crate) failed: Vec<String>,
    pub(crate) halted: Option<String>,
}

impl Book {
    pub(crate) fn new() -> Self {
        Self::at(Places::default())
    }

    pub(crate) fn at(places: Places) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap().to_pkcs8_der().unwrap().to_vec();
        std::fs::write(folder.path().join("key"), &key).unwrap();
        let book = Self { folder, places, key, acknowledged: BTreeSet::new(), signed: Vec::new() };
        migrate(&StoreConfig::new(book.database())).unwrap();
        book
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.places.database.clone().unwrap_or_else(|| self.folder.path().join("vuzol.db"))
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.places.objects.clone().unwrap_or_else(|| self.folder.path().join("objects"))
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.places.state.clone().unwrap_or_else(|| self.folder.path().join("signer.state"))
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn signer(&self) -> NoteSigner {
        NoteSigner::new(ORIGIN, SoftwareKey::from_pkcs8_der(&self.key).unwrap()).unwrap()
    }

    pub(crate) fn verifier(&self) -> NoteVerifier {
        self.signer().verifier()
    }

    /// The command of a process that keeps this log, behind `before` (for example strace and its arguments).
    pub(crate) fn command(&self, before: &[String], arguments: &[&str]) -> Command {
        let program = env!("CARGO_BIN_EXE_logbook").to_owned();
        let mut words = before.iter().cloned().chain([program]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg(self.folder.path());
        for (name, place) in [("--database", self.database()), ("--objects", self.objects()), ("--state", self.state())]
        {
            command.arg(name).arg(place);
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    /// Runs a process to its end.
    pub(crate) fn run(&mut self, before: &[String], arguments: &[&str]) -> Said {
        let child = self.command(before, arguments).spawn().unwrap();
        self.listen(child, |_, _| ())
    }

    /// Writes down what a process says until it ends; `heard` is told of each acknowledgement, by its number, and may end it.
    pub(crate) fn listen(&mut self, mut child: Child, mut heard: impl FnMut(usize, &mut Child)) -> Said {
        let mut said = Said::default();
        let lines = BufReader::new(child.stdout.take().unwrap());
        for line in lines.split(b'\n').map_while(Result::ok) {
            // The last line may be torn.
            let line = String::from_utf8_lossy(&line).into_owned();
            match line.split_once(' ') {
                Some(("acknowledged", event)) if event.len() == 36 => {
                    self.acknowledged.insert(event.to_owned());
                    said.acknowledged += 1;
                    heard(said.acknowledged, &mut child);
                }
                Some(("published", note)) => {
                    let note = STANDARD.decode(note).ok().and_then(|note| String::from_utf8(note).ok());
                    self.signed.extend(note.filter(|note| self.verifier().verify(note).is_ok()).map(kept));
                }
                Some(("refused", why)) => said.refused.push(why.to_owned()),
                Some(("failed", why)) => said.failed.push(why.to_owned()),
                Some(("halted", why)) => said.halted = Some(why.to_owned()),
                _ => {}
            }
        }
        child.wait().unwrap();
        self.note_memory();
        said
    }

    /// What the signer remembers was perhaps signed, and never published.
    fn note_memory(&mut self) {
        let Ok(text) = std::fs::read_to_string(self.state()) else { return };
        let checkpoint = Checkpoint::parse_text(&text).expect("the memory is whole, whenever its process ended");
        let note = self.signer().sign(&checkpoint.text()).unwrap();
        self.signed.push(kept(note));
        self.signed.dedup_by(|one, other| one.note == other.note);
    }

    /// Whether what is published, as it lies there, is whole: nobody has started since whatever happened.
    pub(crate) fn verify_as_it_lies(&self) {
        let log = self.objects().join("log");
        let Ok(note) = std::fs::read_to_string(log.join("checkpoint")) else { return };
        let verifier = self.verifier();
        let question = Question {
            log: &verifier,
            national: None,
            policy: None,
            checkpoint: kept(note),
            kept: Vec::new(),
            anchors: Vec::new(),
        };
        verify(&Folder::new(&log), &question, &mut |_, _| ()).expect("a checkpoint is never ahead of its tiles");
    }

    /// What each failure ends with: everything acknowledged is in the log, numbers are contiguous, the whole log verifies, and no two trees were ever
    /// signed that contradict each other. Returns how many entries there are.
    pub(crate) async fn settle(&mut self) -> u64 {
        let (writer, reader) = open(&StoreConfig::new(self.database())).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let objects = Objects::open_folder(&self.objects()).unwrap();
        let state = self.state();
        let log =
            Log::open(writer.clone(), reader.clone(), objects, Arc::clone(&clock), self.signer(), &state).unwrap();
        // One event more, so that whatever was left is published anew.
        let ledger = Ledger::new(writer, reader.clone(), clock, ORIGIN);
        let draft = audit::EventDraft {
            action: audit::Action::NodeStarted,
            actor: "node".to_owned(),
            object: None,
            outcome: audit::Outcome::Done,
            details: serde_json::Value::Null,
        };
        let last = ledger.record(draft).await.expect("the log goes on");
        self.acknowledged.insert(last.to_string());
        while log.backlog().await.expect("the log was not stopped").0 > 0 {
            log.round().await.expect("a round");
        }
        let checkpoint = kept(log.checkpoint().await.unwrap().unwrap());
        let folder = self.objects().join("log");
        assert_eq!(std::fs::read_to_string(folder.join("checkpoint")).unwrap(), checkpoint.note);
        let (verifier, source) = (self.verifier(), Folder::new(&folder));
        let question = Question {
            log: &verifier,
            national: None,
            policy: None,
            checkpoint,
            kept: self.signed.clone(),
            anchors: Vec::new(),
        };
        let verified = verify(&source, &question, &mut |_, _| ()).expect("one history, whole");
        let size = verified.checkpoint().size;
        let Compared { rows, .. } =
            compare_rows(&reader, &source, None, 0, size).await.expect("rows as they were logged");
        assert_eq!(rows, size, "contiguous from 0");
        let logged = events(&folder, size);
        assert_eq!(logged.len() as u64, size, "no event twice");
        let lost: Vec<_> = self.acknowledged.difference(&logged).collect();
        assert!(
            lost.is_empty(),
            "{} of {} acknowledged events are lost: {lost:?}",
            lost.len(),
            self.acknowledged.len()
        );
        size
    }

    /// Trees that were signed, each a beginning of the log.
    pub(crate) fn signed(&self) -> usize {
        self.signed.len()
    }
}

fn kept(note: String) -> Kept {
    let size = note.lines().nth(1).unwrap_or_default();
    Kept { name: format!("the checkpoint of {size}"), note }
}

fn events(folder: &Path, size: u64) -> BTreeSet<String> {
    let mut events = BTreeSet::new();
    for index in 0..size.div_ceil(256) {
        let width = u16::try_from((size - index * 256).min(256)).unwrap();
        let path = folder.join(TileId { level: 0, index, width }.entries_path());
        for entry in parse_entry_bundle(&std::fs::read(path).unwrap()).unwrap() {
            let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            events.insert(entry["id"].as_str().unwrap().to_owned());
        }
    }
    events
}
