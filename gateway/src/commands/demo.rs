//! `vuzol demo`: the whole story on this machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use crypto::digest::hex;
use storage::Clock;
use storage::clock::SystemClock;

use super::terminal::Terminal;
use super::{Failure, exit};
use crate::demo::screen::{Screen, Telling};
use crate::demo::story::{self, World};

/// Plays the whole story on this machine, in about a second.
///
/// One process makes throw-away keys and authorities, starts a node, and sends a signed PDF from agency A to agency B over
/// real HTTPS: verified, sealed, consigned, leased, opened, acknowledged, evidenced, proven in the log. Then it tries what
/// the node must refuse. Exit code 0 only if every step came out as it should.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol demo
  vuzol demo --keep --dir /tmp/vuzol      leave the node running, to try the API with curl
  vuzol demo --json | jq .ok")]
pub(super) struct Arguments {
    /// Leave the node running until Ctrl-C; print its addresses, where the keys lie, and requests to try.
    #[arg(long)]
    keep: bool,
    /// Print one JSON object instead of the story.
    #[arg(long)]
    json: bool,
    /// Use this folder, which must be empty or absent, and leave it there. Default: a temporary one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Unreadable(error.to_string()))?;
    runtime.block_on(play(arguments, terminal))
}

async fn play(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let folder = Folder::choose(arguments);
    let telling = if arguments.json { Telling::Json } else { Telling::Readable };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut screen = Screen::new(telling, terminal.out());
    let world = tokio::select! {
        world = story::play(&folder.path, clock, &mut screen) => world,
        () = told_to_stop() => return Ok(exit::REFUSED),
    };
    let summary = screen.finish();
    let Ok(world) = world else { return Ok(exit::REFUSED) };
    if arguments.keep {
        // With --json, stdout holds the one object and nothing else.
        let guide = guide(&world, folder.temporary);
        if arguments.json {
            terminal.note(&guide)
        } else {
            terminal.print(&guide)
        }
        told_to_stop().await;
    }
    world.close().await;
    Ok(if summary.ok { exit::OK } else { exit::REFUSED })
}

/// Ctrl-C, or SIGTERM where there are signals. Where neither can be listened for, there is nothing to wait for.
async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Where the demonstration lives. A temporary one goes with it.
struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    fn choose(arguments: &Arguments) -> Self {
        match &arguments.dir {
            Some(path) => Self { path: path.clone(), temporary: false },
            None => {
                let name = format!("vuzol-demo-{}", hex(&crypto::random::array::<8>()));
                Self { path: std::env::temp_dir().join(name), temporary: true }
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What the system's cleaning of temporary files will take care of.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// What a curious person can do now.
fn guide(world: &World, temporary: bool) -> String {
    let (site, base) = (world.site(), world.base());
    let operator_port = world.node().operator_address();
    let root = quoted(&site.directory().join("anchors/root.pem"));
    let curl = |folder: &Path, rest: &str| {
        let (certificate, key) = (quoted(&folder.join("login.pem")), quoted(&folder.join("login.key")));
        format!("  curl --cacert {root} --cert {certificate} --key {key} {rest}\n")
    };
    let lives =
        if temporary { "runs until Ctrl-C; its folder goes with it (--dir keeps one)" } else { "runs until Ctrl-C" };
    // Writing to a String cannot fail, hence the ignored results.
    let mut text = format!(
        "\nThe node {lives}.\n  API            {base}\n  operator port  http://{operator_port}\n  \
         keys, data     {}\n  log key        {}\n\nTry:\n",
        site.directory().display(),
        world.node().log_verifier_key()
    );
    for agency in site.agencies() {
        let _ = writeln!(text, "  # {} reads its mailbox", agency.name);
        text.push_str(&curl(agency.folder(), &format!("{base}/v1/mailboxes/{}/messages", agency.mailbox)));
    }
    let operator = site.directory().join("operator");
    text.push_str("  # an operator lists participants, reads the log's checkpoint and the API's description\n");
    for path in ["/v1/participants", "/v1/log/checkpoint", "/v1/openapi.json"] {
        text.push_str(&curl(&operator, &format!("{base}{path}")));
    }
    let _ = write!(
        text,
        "  # health and metrics\n  curl http://{operator_port}/health/ready\n  curl http://{operator_port}/metrics\n"
    );
    text
}

/// For a POSIX shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        assert_eq!(quoted(Path::new("/tmp/vuzol-demo.1")), "/tmp/vuzol-demo.1");
        assert_eq!(quoted(Path::new("/tmp/a b'c")), r"'/tmp/a b'\''c'");
    }
}
