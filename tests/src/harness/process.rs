//! A node in a process of its own, to be killed without warning and to be measured.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use super::ground::Ground;

/// A running `vuzol serve`; killed when dropped.
pub struct NodeProcess {
    child: Child,
}

impl NodeProcess {
    /// Starts `program serve` with the configuration of its ground, and waits until both doors are open.
    ///
    /// `program` is a binary that hands its arguments to `gateway::commands::run`. What the node prints goes to `node.log`
    /// beside its configuration.
    ///
    /// # Panics
    /// Where it does not open its doors within 30 s, or ends before.
    pub async fn start(program: &Path, ground: &Ground) -> Self {
        Self::start_with(Command::new(program), ground).await
    }

    /// The same with a command that the arguments of the node are added to.
    ///
    /// # Panics
    /// As [`NodeProcess::start`].
    pub async fn start_with(command: Command, ground: &Ground) -> Self {
        let listen = &ground.config.listen;
        Self::start_from(command, &ground.save(), [listen.public, listen.operator]).await
    }

    /// The same with any file of configuration, for a node whose doors are found at `doors` from here.
    ///
    /// # Panics
    /// As [`NodeProcess::start`].
    pub async fn start_from(mut command: Command, config: &Path, doors: [SocketAddr; 2]) -> Self {
        let printed = log_file(config);
        // Every variable of that prefix is a key of the configuration to the node, and nothing of ours must become one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VUZOL_")) {
            command.env_remove(name);
        }
        let child = command
            .args(["serve", "--migrate", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(printed.try_clone().expect("a file handle"))
            .stderr(printed)
            .spawn()
            .expect("the node's process");
        let mut process = Self { child };
        for door in doors {
            process.await_door(door, config).await;
        }
        process
    }

    async fn await_door(&mut self, door: SocketAddr, config: &Path) {
        for _ in 0..3000 {
            if TcpStream::connect(door).await.is_ok() {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the node ended with {status}: {}", last_words(config));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the node did not open {door}: {}", last_words(config));
    }

    /// SIGKILL, and wait until the process is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_path(config: &Path) -> PathBuf {
    config.with_file_name("node.log")
}

fn log_file(config: &Path) -> std::fs::File {
    std::fs::OpenOptions::new().create(true).append(true).open(log_path(config)).expect("the node's log file")
}

fn last_words(config: &Path) -> String {
    let printed = std::fs::read_to_string(log_path(config)).unwrap_or_default();
    let lines: Vec<&str> = printed.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// CPU time that a process has used, in seconds, from `/proc/<pid>/stat` (proc_pid_stat(5), fields 14 and 15).
#[must_use]
pub fn cpu_seconds(process: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the command in parentheses and may hold anything: count from the last parenthesis.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    // USER_HZ is 100 on every Linux that this runs on.
    Some(f64::from(ticks) / 100.0)
}

/// The largest resident memory that a process has had, in MiB, from `/proc/<pid>/status`.
#[must_use]
pub fn peak_memory_mib(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(f64::from(line.trim().strip_suffix(" kB")?.trim().parse::<u32>().ok()?) / 1024.0)
}
