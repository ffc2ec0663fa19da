//! A witness in a process of its own: `vuzol witness serve`, with its key, its memory and its configuration in a folder.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crypto::digest::{hex, sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ground::free_port;

/// A witness that can be killed and started again where it was.
pub struct WitnessProcess {
    program: PathBuf,
    folder: TempDir,
    address: SocketAddr,
    key: String,
    child: Option<Child>,
}

impl WitnessProcess {
    /// Lays a witness out for the log with this key; `mirror`: where the log is read, and the file of the authorities of that address.
    ///
    /// # Panics
    /// Where the command does not make a key.
    #[must_use]
    pub fn lay(program: &Path, number: usize, log: &str, mirror: Option<(&str, &Path)>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let name = format!("w{number}.example");
        let made = Command::new(program)
            .args(["witness", "create-key", "--name", &name, "--output"])
            .arg(folder.path().join("witness.key"))
            .output()
            .expect("the command");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let key = String::from_utf8(made.stdout).expect("text").trim().to_owned();
        let address = free_port();
        let mut config =
            format!("name = {name:?}\nkey = \"witness.key\"\nmemory = \"memory\"\nlisten = \"{address}\"\n");
        if mirror.is_some() {
            config.push_str("[mirror]\nfolder = \"mirror\"\n");
        }
        let _ = write!(config, "[[logs]]\nkey = {log:?}\n");
        if let Some((monitor, roots)) = mirror {
            let _ = write!(config, "monitor = {monitor:?}\ntls_roots = {roots:?}\n");
        }
        std::fs::write(folder.path().join("witness.toml"), config).expect("a file");
        Self { program: program.to_owned(), folder, address, key, child: None }
    }

    /// Starts it, and waits until its door is open.
    ///
    /// # Panics
    /// Where it does not open within 30 s.
    pub async fn start(&mut self) {
        let child = Command::new(&self.program)
            .args(["witness", "serve", "--log", "error", "--config"])
            .arg(self.folder.path().join("witness.toml"))
            .stdin(Stdio::null())
            .spawn()
            .expect("the witness's process");
        self.child = Some(child);
        for _ in 0..3000 {
            if TcpStream::connect(self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the witness did not open {}", self.address);
    }

    /// SIGKILL, and wait until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Where it takes checkpoints.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its verifier key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The folder of its mirror of the log with this origin.
    #[must_use]
    pub fn mirror(&self, origin: &str) -> PathBuf {
        self.folder.path().join("mirror").join(hex(&sha256(origin.as_bytes())))
    }

    /// Status and body of what lies at a path.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn gets(&self, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address).await.expect("its door");
        let request = format!("GET {path} HTTP/1.1\r\nhost: w\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("headers");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, answer.split_off(end + 4))
    }
}

impl Drop for WitnessProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
