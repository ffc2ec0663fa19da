//! `vuzol admin peers`: other nodes, over the API of a running one.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use schemas::peer::{PeerChange, PeerName, PeerSource, PeerStatement};

use super::{Connection, print_json, wait};
use crate::client::Client;
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, exit, keys};

/// Other nodes.
#[derive(Debug, Subcommand)]
pub(super) enum PeersTask {
    /// Print which other nodes there are, who is at home there, how it goes with them, and what is proposed.
    List {
        #[command(flatten)]
        node: Connection,
    },
    /// State another node, or change what is stated of it as a whole: what one operator proposes, another confirms with the same command within a
    /// day.
    Set(SetTask),
    /// Withdraw another node: nothing goes there and nothing comes from there. What waits for it stays.
    Withdraw {
        /// Its name.
        peer: PeerName,
        #[command(flatten)]
        node: Connection,
    },
    /// Print what was stated of another node, the newest first.
    History {
        /// Its name.
        peer: PeerName,
        #[command(flatten)]
        node: Connection,
    },
    /// State again what an earlier version says, which undoes what came after it. Takes two operators, as `set` does.
    Restore {
        /// Its name.
        peer: PeerName,
        /// Which version, as `history` prints it.
        #[arg(long)]
        version: u32,
        /// The version that it takes the place of; the last one as usual.
        #[arg(long, value_name = "VERSION")]
        replaces: Option<u32>,
        #[command(flatten)]
        node: Connection,
    },
}

/// What is stated.
#[derive(Debug, Args)]
pub(super) struct SetTask {
    /// Its `node.name`, as its evidence carries it.
    peer: PeerName,
    /// Its public address: https://host[:port].
    #[arg(long)]
    url: String,
    /// The authorities that its TLS certificate leads to: all certificates of the file.
    #[arg(long, value_name = "PEM")]
    authorities: PathBuf,
    /// The certificate that it logs in here with: the first of the file. Repeat while it changes from one to another.
    #[arg(long, value_name = "PEM", required = true)]
    login: Vec<PathBuf>,
    /// The certificate that its evidence verifies under: the first of the file. Repeat for those before it.
    #[arg(long, value_name = "PEM", required = true)]
    evidence: Vec<PathBuf>,
    /// The version that it takes the place of; the last one as usual.
    #[arg(long, value_name = "VERSION")]
    replaces: Option<u32>,
    #[command(flatten)]
    node: Connection,
}

pub(super) fn run(task: &PeersTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        PeersTask::List { node } => {
            let client = node.client(terminal)?;
            print_json(&wait(client.peers())?, terminal)
        }
        PeersTask::Set(task) => {
            let statement = task.statement()?;
            state(&task.node.client(terminal)?, &task.peer, task.replaces, statement, terminal)
        }
        PeersTask::Withdraw { peer, node } => {
            wait(node.client(terminal)?.withdraw_peer(peer))?;
            terminal.note("withdrawn: what waits for it stays, and goes when it is stated again in time");
            Ok(exit::OK)
        }
        PeersTask::History { peer, node } => {
            let client = node.client(terminal)?;
            print_json(&wait(client.peer_history(peer))?, terminal)
        }
        PeersTask::Restore { peer, version, replaces, node } => {
            let client = node.client(terminal)?;
            let history = wait(client.peer_history(peer))?;
            let found = history.versions.into_iter().find(|found| found.version == *version);
            let statement = found.and_then(|found| found.statement);
            let statement = statement
                .ok_or_else(|| Failure::Refused(format!("version {version} states nothing: see `history`")))?;
            state(&client, peer, *replaces, statement, terminal)
        }
    }
}

impl SetTask {
    fn statement(&self) -> Result<PeerStatement, Failure> {
        let first = |paths: &[PathBuf]| paths.iter().map(|path| encoded(path)).collect::<Result<Vec<_>, _>>();
        let authorities = keys::certificates(&self.authorities)?;
        Ok(PeerStatement {
            url: self.url.clone(),
            authorities: authorities.iter().map(|authority| STANDARD.encode(authority.der())).collect(),
            login: first(&self.login)?,
            evidence: first(&self.evidence)?,
        })
    }
}

fn encoded(path: &Path) -> Result<String, Failure> {
    Ok(STANDARD.encode(keys::certificate(path)?.der()))
}

fn state(
    client: &Client,
    peer: &PeerName,
    replaces: Option<u32>,
    statement: PeerStatement,
    terminal: &mut Terminal<'_>,
) -> Result<u8, Failure> {
    let replaces = replaces.map_or_else(|| last(client, peer), Ok)?;
    let outcome = wait(client.set_peer(peer, &PeerChange { replaces, statement }))?;
    if outcome.proposal.is_some() {
        terminal.note("proposed: another operator must confirm it, with the same certificates");
    }
    print_json(&outcome, terminal)
}

/// The last version that operators stated of the peer; 0: none.
fn last(client: &Client, peer: &PeerName) -> Result<u32, Failure> {
    let known = wait(client.peers())?.peers;
    let stated = known.iter().find(|it| it.source == PeerSource::Operators && it.name == peer.as_str());
    Ok(stated.and_then(|it| it.version).unwrap_or(0))
}
