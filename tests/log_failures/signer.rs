//! The process that signs, killed at any time under load. It is the product's command, with a configuration of its own.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crypto::key::SoftwareKey;

use super::book::{Book, ORIGIN};

/// How often it is killed. `LOG_FAILURE_KILLS` asks for more.
const KILLS: u64 = 20;

/// The folder of `vuzol signer` for a book, whose memory is where the book looks for it.
struct Safe(PathBuf);

impl Safe {
    fn beside(book: &Book) -> Self {
        let key = SoftwareKey::from_pkcs8_der(&std::fs::read(book.path("key")).unwrap()).unwrap();
        std::fs::write(book.path("key.pem"), key.to_pkcs8_pem().unwrap()).unwrap();
        std::fs::create_dir(book.path("run")).unwrap();
        std::fs::set_permissions(book.path("run"), std::fs::Permissions::from_mode(0o700)).unwrap();
        let config =
            format!("name = \"{ORIGIN}\"\nkey = \"key.pem\"\nmemory = \"signer.state\"\nsocket = \"run/socket\"\n");
        std::fs::write(book.path("signer.toml"), config).unwrap();
        Self(book.path(""))
    }

    fn socket(&self) -> PathBuf {
        self.0.join("run/socket")
    }

    fn command(&self, begin: bool) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_node"));
        command.arg("signer").arg("--config").arg(self.0.join("signer.toml")).args(begin.then_some("--begin"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// Starts it. One that was killed before its first signature has nothing to remember.
    async fn open(&self) -> Child {
        let mut child = self.command(!self.0.join("signer.state").exists()).spawn().unwrap();
        for _ in 0..1000 {
            if UnixStream::connect(self.socket()).is_ok() {
                return child;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        child.kill().unwrap();
        let ended = child.wait();
        panic!("the signer does not listen: {ended:?}");
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signer_that_is_killed_under_load_forks_nothing_and_loses_nothing() {
    let kills = std::env::var("LOG_FAILURE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut book = Book::new();
    let safe = Safe::beside(&book);
    assert!(!safe.command(false).status().unwrap().success(), "without a memory it does not start by itself");
    let mut signer = safe.open().await;
    let (socket, key) = (safe.socket().display().to_string(), book.verifier().vkey());
    let load = ["--lanes", "8", "--count", "1000000", "--seconds", "3600", "--signer", &socket, &key];
    let node = book.command(&[], &load).spawn().unwrap();
    let id = node.id();
    let listening = tokio::task::spawn_blocking(move || {
        let said = book.listen(node, |_, _| ());
        (book, said)
    });
    // Each round needs it for a moment, and there are many rounds a second.
    for turn in 0..kills {
        tokio::time::sleep(Duration::from_millis(60 + turn * 37 % 240)).await;
        kill(signer);
        assert!(is_alive(id), "the node goes on");
        signer = safe.open().await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap().success());
    let (mut book, said) = listening.await.unwrap();
    kill(signer);
    assert!(said.halted.is_none() && said.refused.is_empty(), "{:?} {:?}", said.halted, said.refused);
    book.verify_as_it_lies();
    assert!(!safe.command(true).status().unwrap().success(), "a log that has been signed does not begin");
    assert!(book.settle().await > said.acknowledged as u64);
    assert!(book.signed() as u64 > kills, "{} trees were published between {kills} kills", book.signed());
}
