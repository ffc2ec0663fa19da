//! A mirror beside a log that grows, one that lies, and a disk that somebody touched.

use super::*;
use crate::event::{Action, EventDraft, Outcome};
use crate::log::tests::{Machine, Process, note_signer};
use crate::verify::{Kept, Question, verify};
use std::cell::Cell;

/// The log's folder, as a distant reader sees it.
struct Distant<'f> {
    folder: Folder,
    asked: Cell<usize>,
    /// Changes what is read.
    change: &'f dyn Fn(&str, &mut Vec<u8>),
    /// Ends after so many reads.
    ends_after: usize,
}

impl<'f> Distant<'f> {
    fn of(machine: &Machine, change: &'f dyn Fn(&str, &mut Vec<u8>)) -> Self {
        let folder = Folder::new(&machine.path("objects/log"));
        Self { folder, asked: Cell::new(0), change, ends_after: usize::MAX }
    }
}

impl Source for Distant<'_> {
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, std::io::Error> {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() > self.ends_after {
            return Err(std::io::Error::other("the line is cut"));
        }
        // As the node serves it: a narrower one is cut from a wider.
        let mut found = self.folder.read(path, limit, content)?;
        if !found && let Some((base, width)) = path.split_once(".p/") {
            let width: u16 = width.parse().unwrap();
            for wider in width..256 {
                found = self.folder.read(&format!("{base}.p/{wider}"), limit, content)?;
                if found {
                    break;
                }
            }
        }
        (self.change)(path, content);
        Ok(found)
    }
}

const UNCHANGED: &dyn Fn(&str, &mut Vec<u8>) = &|_, _| ();

async fn grow(process: &Process, count: usize) -> String {
    process.record(count).await;
    while process.log.backlog().await.unwrap().0 > 0 {
        process.log.round().await.unwrap();
    }
    process.log.checkpoint().await.unwrap().unwrap()
}

fn mirror(machine: &Machine) -> Mirror {
    Mirror::open(&machine.path("mirror"), note_signer().verifier()).unwrap()
}

/// What an auditor finds in the mirror.
fn audited(mirror: &Mirror) -> u64 {
    let note = std::fs::read_to_string(mirror.folder.join("checkpoint")).unwrap();
    let log = note_signer().verifier();
    let checkpoint = Kept { name: "checkpoint".to_owned(), note };
    let question =
        Question { log: &log, national: None, policy: None, checkpoint, kept: Vec::new(), anchors: Vec::new() };
    verify(&Folder::new(&mirror.folder), &question, &mut |_, _| ()).unwrap().checkpoint().size
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_follows_the_log_and_is_a_whole_log_by_itself() {
    let machine = Machine::new();
    let process = machine.start();
    let mut size = 0;
    for growth in [1, 1, 254, 1, 300, 2048, 5000, 255] {
        let note = grow(&process, growth).await;
        size += growth as u64;
        let mirror = mirror(&machine);
        assert_eq!(mirror.advance(&note, &Distant::of(&machine, UNCHANGED), &|| true).unwrap().size, size);
        assert_eq!(audited(&mirror), size);
        let again = Distant::of(&machine, UNCHANGED);
        mirror.advance(&note, &again, &|| true).unwrap();
        assert_eq!(again.asked.get(), 0, "what is there is not fetched again");
    }
    std::fs::remove_dir_all(machine.path("objects")).unwrap();
    let mirror = mirror(&machine);
    assert_eq!(audited(&mirror), size, "the node is gone");
    // Of the tiles at the edge there are those of this size alone.
    let partial = std::fs::read_dir(mirror.folder.join("tile/entries/030.p")).unwrap().count();
    assert_eq!(partial, 1);
    assert!(!mirror.folder.join("tile/entries/000.p/1").exists());
    assert_eq!(mirror.read("tile/entries/030.p/180").unwrap().map(|bytes| bytes.len() > 1000), Some(true));
    for path in [
        "progress",
        "next",
        "../signer.state",
        "tile/../progress",
        "tile/0/0",
        "anchors/x.tsr",
        "anchors/../progress",
        "",
    ] {
        assert_eq!(mirror.read(path).unwrap(), None, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_was_interrupted_goes_on_where_it_was() {
    let machine = Machine::new();
    let process = machine.start();
    let note = grow(&process, 6000).await;
    let mut most = 0;
    for cut in 1..40 {
        let distant = Distant { ends_after: cut, ..Distant::of(&machine, UNCHANGED) };
        let mirror = mirror(&machine);
        let Err(failure) = mirror.advance(&note, &distant, &|| true) else { break };
        assert!(matches!(failure, MirrorFailure::Log { .. }), "{failure}");
        assert_eq!(mirror.checkpoint().unwrap(), None, "nothing is claimed that is not whole");
        let reached = mirror.load().unwrap().frontier.size();
        assert!(reached >= most);
        most = reached;
    }
    let distant = Distant::of(&machine, UNCHANGED);
    mirror(&machine).advance(&note, &distant, &|| true).unwrap();
    assert!(distant.asked.get() < 6000 / 256, "{}", distant.asked.get());
    assert_eq!(audited(&mirror(&machine)), 6000);
    let note = grow(&process, 6000).await;
    let stopped = mirror(&machine).advance(&note, &Distant::of(&machine, UNCHANGED), &|| false);
    assert!(matches!(stopped, Err(MirrorFailure::Stopped)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_lead_to_the_signed_checkpoint_is_never_written() {
    let machine = Machine::new();
    let process = machine.start();
    let first = grow(&process, 700).await;
    mirror(&machine).advance(&first, &Distant::of(&machine, UNCHANGED), &|| true).unwrap();
    let note = grow(&process, 2500).await;
    let other_entry = |path: &str, content: &mut Vec<u8>| {
        if path == "tile/entries/005" {
            content[40] ^= 1;
        }
    };
    let other_tile = |path: &str, content: &mut Vec<u8>| {
        if path.starts_with("tile/1/") {
            content[11 * 32] ^= 1;
        }
    };
    let cut = |path: &str, content: &mut Vec<u8>| {
        if path.starts_with("tile/entries/004") {
            content.truncate(content.len() / 2);
        }
    };
    let long = |path: &str, content: &mut Vec<u8>| {
        if path.starts_with("tile/0/") || path.starts_with("tile/1/") {
            content.extend_from_slice(&[7; 40]);
        }
    };
    for change in [&other_entry as &dyn Fn(&str, &mut Vec<u8>), &other_tile, &cut, &long] {
        let mirror = mirror(&machine);
        let failure = mirror.advance(&note, &Distant::of(&machine, change), &|| true).unwrap_err();
        assert!(matches!(failure, MirrorFailure::Unproven { .. } | MirrorFailure::Log { .. }), "{failure}");
        assert_eq!(audited(&mirror), 700, "what was there is as good as before");
    }
    // A checkpoint that the log's key never signed, or of another log.
    let forged = note.replace("\n3200\n", "\n3201\n");
    assert!(mirror(&machine).advance(&forged, &Distant::of(&machine, UNCHANGED), &|| true).is_err());
    mirror(&machine).advance(&note, &Distant::of(&machine, UNCHANGED), &|| true).unwrap();
    assert_eq!(audited(&mirror(&machine)), 3200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_somebody_changed_is_an_alarm_and_stays() {
    let machine = Machine::new();
    let process = machine.start();
    let note = grow(&process, 300).await;
    mirror(&machine).advance(&note, &Distant::of(&machine, UNCHANGED), &|| true).unwrap();
    let later = grow(&process, 300).await;
    let folder = mirror(&machine).folder.clone();
    // The log's next full tile is there already, and is not what it must be.
    let planted = folder.join("tile/entries/001");
    std::fs::write(&planted, "planted").unwrap();
    let failure = mirror(&machine).advance(&later, &Distant::of(&machine, UNCHANGED), &|| true).unwrap_err();
    assert!(matches!(failure, MirrorFailure::Differs(_)), "{failure}");
    assert_eq!(std::fs::read(&planted).unwrap(), b"planted");
    std::fs::remove_file(&planted).unwrap();
    for (file, bytes) in [("progress", "rubbish"), ("checkpoint", "rubbish")] {
        let kept = std::fs::read(folder.join(file)).unwrap();
        std::fs::write(folder.join(file), bytes).unwrap();
        let failure = mirror(&machine).advance(&later, &Distant::of(&machine, UNCHANGED), &|| true).unwrap_err();
        assert!(matches!(failure, MirrorFailure::Differs(_)), "{file}: {failure}");
        std::fs::write(folder.join(file), kept).unwrap();
    }
    mirror(&machine).advance(&later, &Distant::of(&machine, UNCHANGED), &|| true).unwrap();
    assert_eq!(audited(&mirror(&machine)), 600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_stamps_that_entries_name_are_kept_and_no_others() {
    let machine = Machine::new();
    let process = machine.start();
    for (size, token) in [(1, "first"), (2, "second")] {
        let draft = EventDraft {
            action: Action::AnchorLog,
            actor: "node".to_owned(),
            object: Some(format!("anchor:{size}:{}", hex(&sha256(token.as_bytes())))),
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        };
        process.ledger.record(draft).await.unwrap();
    }
    let note = grow(&process, 3).await;
    let anchors = machine.path("objects/log/anchors");
    std::fs::create_dir_all(&anchors).unwrap();
    for (size, token) in [(1, "first"), (2, "forged"), (3, "third")] {
        std::fs::write(anchors.join(format!("{size}.tsr")), token).unwrap();
    }
    let mirror = mirror(&machine);
    mirror.advance(&note, &Distant::of(&machine, UNCHANGED), &|| true).unwrap();
    assert_eq!(std::fs::read(mirror.folder.join("anchors/1.tsr")).unwrap(), b"first");
    assert!(!mirror.folder.join("anchors/2.tsr").exists() && !mirror.folder.join("anchors/3.tsr").exists());
}
