//! Cosignatures and policies of C2SP, asked of transparency-dev's code (`github.com/transparency-dev/formats`) in both directions, where Go is at hand and
//! has it in its module cache (`.ci/run` fetches it); elsewhere the test says that it is skipped. See `cosignatures/main.go`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use audit::Witness;
use audit::witness::Answer;
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, CosignatureVerifier, Cosigner, LogError, NoteSigner, Policy, leaf_hash};
use time::macros::datetime;

const ORIGIN: &str = "vuzol.test/log";

struct Peer {
    program: PathBuf,
}

impl Peer {
    #[allow(clippy::print_stdout, reason = "a skipped test says so")]
    fn build(folder: &Path) -> Option<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/cosignatures");
        for name in ["main.go", "go.mod", "go.sum"] {
            std::fs::copy(source.join(name), folder.join(name)).expect("a copy");
        }
        let program = folder.join("peer");
        let built = Command::new("go")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(folder)
            .env("GOPROXY", "off")
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .env("GOFLAGS", "-mod=readonly")
            .output();
        let Ok(built) = built else {
            println!("skipped: there is no go");
            return None;
        };
        let said = String::from_utf8_lossy(&built.stderr).into_owned();
        if said.contains("module lookup disabled") || said.contains("requires go >=") {
            println!("skipped: go has no github.com/transparency-dev/formats in its cache, or is too old for it");
            return None;
        }
        assert!(built.status.success(), "{said}");
        Some(Self { program })
    }

    fn asks(&self, question: &str) -> String {
        let mut child = Command::new(&self.program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program that was built");
        writeln!(child.stdin.take().expect("a pipe"), "{question}").expect("a question");
        let output = child.wait_with_output().expect("an answer");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(KeyKind::Ed25519).expect("a key")
}

#[test]
fn transparency_devs_code_accepts_what_our_witnesses_cosign_and_we_accept_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(peer) = Peer::build(folder.path()) else { return };
    let log = NoteSigner::new(ORIGIN, key()).expect("a signer");
    let text = Checkpoint { origin: ORIGIN.to_owned(), size: 1, root: leaf_hash(b"one") }.text();
    let note = log.sign(&text).expect("a note");
    let vkey = log.verifier().vkey();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };

    // Three witnesses of ours, each as it answers.
    let (mut keys, mut lines) = (Vec::new(), Vec::new());
    let now = datetime!(2026-11-23 12:00 UTC);
    for number in 0..3 {
        let cosigner = Cosigner::new(&format!("w{number}.example"), key()).expect("a cosigner");
        keys.push(cosigner.verifier().vkey());
        let memory = folder.path().join(format!("memory{number}"));
        let witness = Witness::open(cosigner, vec![log.verifier()], &memory).expect("a witness");
        let answer = witness.add_checkpoint(format!("old 0\n\n{note}").as_bytes(), now).expect("an answer");
        let Answer::Cosigned(line) = answer else { panic!("{answer:?}") };
        lines.push(line);
    }
    let policy: String =
        (0..).zip(&keys).map(|(number, key)| format!("witness w{number} {key} http://w{number}.example/\n")).collect();
    let policy = format!("{policy}group two 2 w0 w1 w2\nquorum two\n");
    let policy_file = write("policy", &policy);
    for (cosigned, satisfied) in [(vec![0], false), (vec![0, 2], true), (vec![0, 1, 2], true), (vec![], false)] {
        let note = cosigned.iter().fold(note.clone(), |note, number| note + &lines[*number]);
        let said = peer.asks(&format!("satisfied {} {vkey} {policy_file}", write("note", &note)));
        assert_eq!(said == "satisfied", satisfied, "{cosigned:?}: {said}");
        let ours = Policy::parse(policy.as_bytes()).expect("a policy").judge(&note, Some(&log.verifier()));
        assert_eq!(ours.is_ok(), satisfied, "and we say the same");
    }
    let whole = note.clone() + &lines[1];
    let cosigned = |note: &str| peer.asks(&format!("cosigned {} {vkey} {}", write("note", note), keys[1]));
    assert_eq!(cosigned(&whole), format!("1 {}", now.unix_timestamp()));
    // The line of another checkpoint; one with another time.
    let other = log.sign(&Checkpoint { origin: ORIGIN.to_owned(), size: 1, root: [7; 32] }.text()).expect("a note");
    assert!(cosigned(&(other + &lines[1])).starts_with("no"));
    assert!(cosigned(&(note.clone() + &lines[0])).starts_with("no"));

    // A witness of theirs.
    let keys = peer.asks("key peer.example/witness");
    let (skey, theirs) = keys.split_once(' ').expect("two keys");
    let line = peer.asks(&format!("cosign {} {skey}", write("note", &note)));
    let verifier = CosignatureVerifier::from_vkey(theirs).expect("a verifier key");
    let (checkpoint, seconds) = verifier.verify(&format!("{note}{line}\n")).expect("a cosignature");
    assert_eq!(checkpoint.size, 1);
    assert!(seconds > 1_700_000_000);
    let elsewhere = log.sign(&text.replace("\n1\n", "\n2\n")).expect("a note");
    assert_eq!(verifier.verify(&format!("{elsewhere}{line}\n")), Err(LogError::BadSignature));
}
