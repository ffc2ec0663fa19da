//! A witness over HTTP, as logs, monitors and strangers meet it.

use super::*;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::key::{KeyKind, SoftwareKey};
use crypto::merkle::{Checkpoint, CosignatureVerifier, NoteSigner, leaf_hash, node_hash};
use storage::clock::SystemClock;

const ORIGIN: &str = "log.example";

/// A log of two leaves, and a witness of it.
struct Scene {
    log: NoteSigner,
    other: NoteSigner,
    folder: tempfile::TempDir,
}

fn signer(origin: &str) -> NoteSigner {
    NoteSigner::new(origin, SoftwareKey::generate(KeyKind::Ed25519).unwrap()).unwrap()
}

impl Scene {
    fn set() -> Self {
        let scene = Self { log: signer(ORIGIN), other: signer(ORIGIN), folder: tempfile::tempdir().unwrap() };
        let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
        std::fs::write(scene.folder.path().join("witness.key"), key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
        scene
    }

    fn config(&self) -> WitnessFileConfig {
        let file = self.folder.path().join("witness.toml");
        let text = format!(
            "name = \"w.example\"\nkey = \"witness.key\"\nmemory = \"memory\"\nlisten = \"127.0.0.1:0\"\n[[logs]]\nkey = \"{}\"\n",
            self.log.verifier().vkey()
        );
        std::fs::write(&file, text).unwrap();
        WitnessFileConfig::load(&file).unwrap()
    }

    async fn start(&self) -> WitnessService {
        WitnessService::start(self.config(), Arc::new(SystemClock)).await.unwrap()
    }

    fn note(&self, size: u64) -> String {
        self.log.sign(&text(size)).unwrap()
    }

    /// A request that is right.
    fn request(&self, old: u64, size: u64) -> String {
        let proof =
            if (old, size) == (1, 2) { format!("{}\n", STANDARD.encode(leaf_hash(b"two"))) } else { String::new() };
        format!("old {old}\n{proof}\n{}", self.note(size))
    }
}

fn text(size: u64) -> String {
    let (one, two) = (leaf_hash(b"one"), leaf_hash(b"two"));
    let root = if size == 1 { one } else { node_hash(&one, &two) };
    Checkpoint { origin: ORIGIN.to_owned(), size, root }.text()
}

/// What came back.
#[derive(Debug)]
struct Answered {
    status: u16,
    content_type: String,
    body: String,
}

fn exchange(address: SocketAddr, request: &[u8]) -> Answered {
    let mut stream = TcpStream::connect(address).unwrap();
    // Who is refused in the middle of a body may find the door closed.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answered { status, content_type: content_type.to_owned(), body: body.to_owned() }
}

async fn asked(address: SocketAddr, method: &str, path: &str, body: &str) -> Answered {
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    tokio::task::spawn_blocking(move || exchange(address, request.as_bytes())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_protocol_comes_over_http() {
    let scene = Scene::set();
    let service = scene.start().await;
    let at = service.address();
    let add = async |body: String| asked(at, "POST", "/add-checkpoint", &body).await;

    let hash = hex(&sha256(ORIGIN.as_bytes()));
    assert_eq!(asked(at, "GET", &format!("/{hash}/checkpoint"), "").await.status, 404, "nothing was cosigned yet");
    let cosigned = add(scene.request(0, 1)).await;
    assert_eq!((cosigned.status, cosigned.content_type.as_str()), (200, "text/plain; charset=utf-8"));
    let verifier = CosignatureVerifier::from_vkey(service.verifier_key()).unwrap();
    let (checkpoint, _) = verifier.verify(&format!("{}{}", scene.note(1), cosigned.body)).unwrap();
    assert_eq!(checkpoint.size, 1);

    let conflict = add(scene.request(0, 2)).await;
    assert_eq!(
        (conflict.status, conflict.content_type.as_str(), conflict.body.as_str()),
        (409, "text/x.tlog.size", "1\n")
    );
    assert_eq!(add(scene.request(1, 2).replacen("\n\n", "\nAAAA\n\n", 1)).await.status, 400);
    assert_eq!(add(String::new()).await.status, 400);
    assert_eq!(add(format!("old 1\n\n{}", scene.note(2))).await.status, 422, "without its proof");
    let foreign = scene.other.sign(&text(2)).unwrap();
    assert_eq!(add(format!("old 1\n\n{foreign}")).await.status, 403);
    let unknown = signer("other.example").sign(&text(2).replace(ORIGIN, "other.example")).unwrap();
    assert_eq!(add(format!("old 1\n\n{unknown}")).await.status, 404);
    assert_eq!(add(scene.request(1, 2)).await.status, 200, "none of this changed anything");

    let kept = asked(at, "GET", &format!("/{hash}/checkpoint"), "").await;
    assert_eq!((kept.status, kept.content_type.as_str()), (200, "text/plain; charset=utf-8"));
    assert_eq!(verifier.verify(&kept.body).unwrap().0.size, 2);
    scene.log.verifier().verify(&kept.body).unwrap();
    for (method, path, status) in [
        ("GET", "/add-checkpoint", 405),
        ("POST", "/other", 404),
        ("GET", "/", 404),
        ("GET", "/00/checkpoint", 404),
        ("GET", "/mirror/00/checkpoint", 404),
        ("GET", "/../witness.key", 404),
    ] {
        assert_eq!(asked(at, method, path, "").await.status, status, "{method} {path}");
    }
    service.stop().await;
    // What it remembers outlives it.
    let service = scene.start().await;
    let again = asked(service.address(), "POST", "/add-checkpoint", &scene.request(0, 2)).await;
    assert_eq!((again.status, again.body.as_str()), (409, "2\n"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_without_end_and_clients_without_patience_hold_nobody_up() {
    let scene = Scene::set();
    let service = scene.start().await;
    let at = service.address();
    let endless = asked(at, "POST", "/add-checkpoint", &"x".repeat(200 << 10)).await;
    assert!(matches!(endless.status, 400 | 0), "{endless:?}");
    // Requests that never come to their end.
    let mut idle = Vec::new();
    for beginning in ["", "POST /add", "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 100\r\n\r\nold "] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(at).unwrap();
            stream.write_all(beginning.as_bytes()).unwrap();
            idle.push(stream);
        }
    }
    assert_eq!(asked(at, "POST", "/add-checkpoint", &scene.request(0, 1)).await.status, 200);
    // Many at once: one of them is first, and all are answered.
    let many: Vec<_> = (0..50).map(|_| asked(at, "POST", "/add-checkpoint", "old 1\n\n")).collect();
    for answered in futures_util::future::join_all(many).await {
        assert_eq!(answered.status, 400);
    }
    drop(idle);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_questions_at_once_one_history_is_cosigned() {
    let scene = Scene::set();
    let service = scene.start().await;
    let at = service.address();
    let fork = {
        let root = node_hash(&leaf_hash(b"another"), &leaf_hash(b"two"));
        scene.log.sign(&Checkpoint { origin: ORIGIN.to_owned(), size: 2, root }.text()).unwrap()
    };
    let bodies = (0..30).map(|n| if n % 2 == 0 { scene.request(0, 2) } else { format!("old 0\n\n{fork}") });
    let asked: Vec<_> =
        bodies.map(|body| async move { asked(at, "POST", "/add-checkpoint", &body).await.status }).collect();
    let statuses = futures_util::future::join_all(asked).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
    service.stop().await;
    // Whichever came second is kept as evidence.
    let forks = forks(&scene.config()).unwrap();
    assert_eq!(forks.len(), 1);
    assert_eq!(forks[0].0, ORIGIN);
}

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/witness.example.toml");

fn loaded(text: &str) -> Result<WitnessFileConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("witness.toml");
    std::fs::write(&file, text).unwrap();
    WitnessFileConfig::load(&file).map_err(|error| error.0)
}

#[test]
fn the_example_loads_and_shows_every_key() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let config = loaded(&text).unwrap();
    assert!(config.key.is_absolute(), "relative paths are relative to the file");
    let shown: std::collections::BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once(" = "))
        .map(|(key, _)| key)
        .filter(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect();
    let json = serde_json::to_value(&config).unwrap();
    let mut known = std::collections::BTreeSet::new();
    let objects = [&json, &json["tls"], &json["mirror"], &json["logs"][0]];
    for (key, value) in objects.iter().flat_map(|object| object.as_object().unwrap()) {
        if !value.is_object() && !value.is_array() {
            known.insert(key.as_str());
        }
    }
    assert_eq!(shown, known);
}

#[test]
fn a_configuration_that_would_not_do_what_it_says_is_refused() {
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let without_tls = text
        .replace("[tls]", "[mirror]")
        .replace("certificate = \"tls/chain.pem\"\nkey = \"tls/key.pem\"", "folder = \"m\"");
    let without_tls = without_tls.replacen("[mirror]\nfolder = \"mirror\"", "", 1);
    for (changed, told) in [
        (text.replace("memory =", "memmory ="), "memmory"),
        (text.replace("memory = \"memory\"\n", ""), "memory"),
        (without_tls.clone(), "plain_http"),
        (text.replace("# plain_http", "plain_http"), "plain_http"),
        (text.replace("[mirror]\nfolder = \"mirror\"", ""), "mirror.folder"),
        (text.replace("tls_roots =", "# tls_roots ="), "tls_roots"),
        (text.replace("https://vuzol.example.gov.ua:8446", "ftp://vuzol.example"), "monitor"),
        (text.replace("https://vuzol", "http://vuzol").replace("# token", "token"), "token"),
        (text.replace("monitor =", "# monitor ="), "monitor"),
        (text.replace("+b2e3b9b8+", "+b2e3b9b9+"), "key"),
        (text.split("[[logs]]").next().unwrap().to_owned(), "logs"),
    ] {
        let error = loaded(&changed).err().unwrap_or_else(|| panic!("{told}"));
        assert!(error.contains(told), "{told}: {error}");
    }
    assert!(loaded(&without_tls.replace("# plain_http", "plain_http")).is_ok());
    assert!(loaded(&without_tls.replace("0.0.0.0", "127.0.0.1")).is_ok());
}

#[test]
fn a_key_is_made_once_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let vuzol = |arguments: &[&str]| {
        let line = ["vuzol", "witness"].iter().chain(arguments).map(std::ffi::OsString::from);
        crate::commands::run(line)
    };
    let key = path("witness.key");
    let key: &Path = &key;
    let shown = key.to_str().unwrap();
    assert_eq!(vuzol(&["create-key", "--name", "w.example", "--output", shown]), 0);
    let made = std::fs::read(key).unwrap();
    assert_ne!(vuzol(&["create-key", "--name", "w.example", "--output", shown]), 0, "never over another");
    assert_ne!(vuzol(&["create-key", "--name", "two words", "--output", path("x").to_str().unwrap()]), 0);
    assert_eq!(std::fs::read(key).unwrap(), made);
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o077, 0);
}
