//! SoftHSM, where it is at hand: the process that signs checkpoints, with its key made in a token and never anywhere else.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use audit::log::{CheckpointSigner, LogFailure, Signing, Wanted};
use audit::signer::RemoteSigner;
use crypto::merkle::{Checkpoint, Hash, NoteVerifier, leaf_hash, node_hash};

use super::soft_hsm::{PIN, module};

const ORIGIN: &str = "token.example/log";

/// The folder of `vuzol signer`, with a token beside it.
struct Safe {
    folder: tempfile::TempDir,
    module: PathBuf,
}

impl Safe {
    fn with(module: PathBuf) -> Self {
        let safe = Self { folder: tempfile::tempdir().expect("a folder"), module };
        for folder in ["tokens", "run"] {
            std::fs::create_dir(safe.path(folder)).expect("a folder");
        }
        std::fs::set_permissions(safe.path("run"), std::fs::Permissions::from_mode(0o700)).expect("its own folder");
        let settings = format!("directories.tokendir = {}\nlog.level = ERROR\n", safe.path("tokens").display());
        std::fs::write(safe.path("softhsm.conf"), settings).expect("a file");
        std::fs::write(safe.path("pin"), format!("{PIN}\n")).expect("a file");
        safe.names("checkpoints");
        safe.tool(&["--init-token", "--free", "--label", "safe", "--pin", PIN, "--so-pin", "27182818"]);
        safe
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration, with the key of this label.
    fn names(&self, label: &str) {
        let module = self.module.display();
        let key = format!(
            "{{ pkcs11 = {{ module = \"{module}\", token_label = \"safe\", key_label = \"{label}\", pin_file = \"pin\" }} }}"
        );
        let config = format!("name = \"{ORIGIN}\"\nkey = {key}\nmemory = \"memory\"\nsocket = \"run/socket\"\n");
        std::fs::write(self.path("signer.toml"), config).expect("a file");
    }

    fn tool(&self, arguments: &[&str]) {
        let mut tool = Command::new("softhsm2-util");
        let output = tool.env("SOFTHSM2_CONF", self.path("softhsm.conf")).args(arguments).output();
        let output = output.expect("softhsm2-util runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
        command.env("SOFTHSM2_CONF", self.path("softhsm.conf")).stdin(Stdio::null());
        command.args(["signer", "--config"]).arg(self.path("signer.toml")).args(arguments);
        command
    }

    /// Whether it ended well, and what it said.
    fn says(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().expect("the command runs");
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(!said.contains(PIN), "{said}");
        (output.status.success(), said)
    }

    /// Starts it, and waits until it listens.
    fn starts(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
        let running = Running(child);
        for _ in 0..1000 {
            if UnixStream::connect(self.path("run/socket")).is_ok() {
                return running;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the signer does not listen");
    }

    /// Pulls the token out, or puts it back.
    fn moves_token(&self, is_there: bool) {
        let (inside, outside) = (self.path("tokens"), self.path("pulled-out"));
        if is_there {
            std::fs::rename(outside, inside).expect("the token moves");
        } else {
            std::fs::rename(&inside, outside).expect("the token moves");
            std::fs::create_dir(inside).expect("an empty folder of tokens");
        }
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed then.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A log of one entry, and of two.
fn leaves() -> [Hash; 2] {
    [leaf_hash(b"one"), leaf_hash(b"two")]
}

fn first() -> Wanted {
    Wanted { size: 1, root: leaves()[0], was_empty: true, proven_from: 0, proof: Vec::new(), held: None }
}

fn second() -> Wanted {
    let [one, two] = leaves();
    Wanted { size: 2, root: node_hash(&one, &two), was_empty: false, proven_from: 1, proof: vec![two], held: None }
}

/// The signed tree, verified under the key that the operator was told.
fn signed(verifier: &NoteVerifier, signing: Result<Signing, LogFailure>) -> (u64, Hash) {
    let Signing::Signed(note) = signing.expect("a signature") else { panic!("nobody else signs") };
    let checkpoint = Checkpoint::parse_text(verifier.verify(&note).expect("it verifies")).expect("a checkpoint");
    assert_eq!(checkpoint.origin, ORIGIN);
    (checkpoint.size, checkpoint.root)
}

#[test]
fn a_key_that_was_made_in_a_token_signs_checkpoints_and_is_found_again_after_it_was_pulled_out() {
    let Some(module) = module() else { return };
    let safe = Safe::with(module);
    assert!(!safe.says(&["--print-keys"]).0, "there is no key yet");
    let (made, key) = safe.says(&["--make-key"]);
    assert!(made, "{key}");
    let (again, said) = safe.says(&["--make-key"]);
    assert!(!again && said.contains("already"), "{said}");
    assert_eq!(safe.says(&["--print-keys"]), (true, key.clone()));
    let verifier = NoteVerifier::from_vkey(key.trim_end()).expect("a verifier key");

    let running = safe.starts(&["--begin"]);
    let signer = RemoteSigner::new(&safe.path("run/socket"), verifier.clone());
    assert_eq!(signed(&verifier, signer.sign(&first())), (1, leaves()[0]));

    // What is asked meanwhile is told to come again, and is signed then: the log was not left halfway.
    safe.moves_token(false);
    let away = signer.sign(&second());
    assert!(matches!(&away, Err(LogFailure::SignerAway(why)) if why.contains("token")), "{away:?}");
    safe.moves_token(true);
    let again = Wanted { proven_from: 2, ..second() };
    let back = (0..100).find_map(|_| match signer.sign(&again) {
        Err(LogFailure::SignerAway(_)) => {
            std::thread::sleep(Duration::from_millis(100));
            None
        }
        answer => Some(answer),
    });
    assert_eq!(signed(&verifier, back.expect("the token is found again")), (2, second().root));

    // Another process, the same key.
    drop(running);
    let _running = safe.starts(&[]);
    let signer = RemoteSigner::new(&safe.path("run/socket"), verifier.clone());
    assert_eq!(signed(&verifier, signer.sign(&again)), (2, second().root));
}

#[test]
fn a_signer_does_not_start_without_its_key_and_takes_none_of_another_kind() {
    let Some(module) = module() else { return };
    let safe = Safe::with(module);
    let key = safe.path("p256.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
        .arg(&key)
        .output();
    assert!(made.expect("openssl runs").status.success());
    imports(&safe, &key, "checkpoints");
    let (started, said) = safe.says(&["--begin"]);
    assert!(!started && said.contains("0 Ed25519 public keys"), "{said}");
    let (made, said) = safe.says(&["--make-key"]);
    assert!(!made && said.contains("already"), "{said}");

    safe.names("another");
    assert!(safe.says(&["--make-key"]).0);
    std::fs::write(safe.path("pin"), "87654321\n").expect("a file");
    let (started, said) = safe.says(&["--begin"]);
    assert!(!started && said.contains("does not take the PIN") && !said.contains("87654321"), "{said}");
    assert!(!safe.path("memory").exists(), "nothing was signed");
}

fn imports(safe: &Safe, key: &Path, label: &str) {
    let key = key.display().to_string();
    safe.tool(&["--import", &key, "--token", "safe", "--label", label, "--id", "01", "--pin", PIN]);
}
