//! `vuzol keys`: the node's key ring, on the node's machine, by the user that the node runs as.
//!
//! Works beside a running node, which notices at its next use of the ring. Every deed is in the log; what is done is done in
//! `exchange::key_ring`.

use std::path::PathBuf;
use std::sync::Arc;

use audit::Ledger;
use clap::{Args, Subcommand};
use crypto::seal::ring::RingKeyId;
use exchange::key_ring::custody::Underneath;
use exchange::key_ring::{Custody, CustodyError, KeyRing, KeyRingError};
use storage::clock::SystemClock;

use super::terminal::Terminal;
use super::{Failure, exit};
use crate::config::Config;

/// Keep the node's key ring, under which lie documents for recipients without an encryption certificate.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol keys create-ring --config vuzol.toml   once; `vuzol migrate` comes before

Turning the ring, for example every year, and after an erasure that must hold in every backup too:
  vuzol keys rotate-ring                       a new key wraps from now on
  vuzol keys rewrap-ring                       what older keys wrapped comes under the new one
  vuzol keys list-ring                         what lies under which key
  vuzol keys destroy-ring ID                   an hour later: the older key, and every copy of what was under it")]
pub(super) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make the ring, with a first key, in the folder that `seal.ring` of the configuration names.
    #[command(name = "create-ring")]
    Create {
        #[command(flatten)]
        node: Node,
    },
    /// Make a new key, and make it the current one. The older ones go on unwrapping.
    #[command(name = "rotate-ring")]
    Rotate {
        #[command(flatten)]
        node: Node,
    },
    /// Wrap under the current key what lies under older ones. May be stopped and begun again.
    #[command(name = "rewrap-ring")]
    Rewrap {
        #[command(flatten)]
        node: Node,
    },
    /// Print the keys, which is current, and how many messages lie under each.
    #[command(name = "list-ring")]
    List {
        #[command(flatten)]
        node: Node,
    },
    /// Destroy a key that is not the current one. There is no way back.
    #[command(name = "destroy-ring")]
    Destroy {
        /// The key, as `list-ring` prints it.
        #[arg(value_parser = ring_key)]
        id: RingKeyId,
        /// Destroy it although messages lie under it, which nobody will read again.
        #[arg(long)]
        erase_messages: bool,
        #[command(flatten)]
        node: Node,
    },
}

#[derive(Debug, Args)]
struct Node {
    /// The node's vuzol.toml.
    #[arg(long, env = "VUZOL_CONFIG", default_value = "vuzol.toml", value_name = "FILE")]
    config: PathBuf,
}

/// A node's ring that may not be there yet.
struct Place {
    folder: PathBuf,
    ledger: Ledger,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
    runtime.block_on(async {
        match &arguments.task {
            Task::Create { node } => create(&node.place()?, terminal).await,
            Task::Rotate { node } => rotate(&node.custody()?, terminal).await,
            Task::Rewrap { node } => rewrap(&node.custody()?, terminal).await,
            Task::List { node } => list(&node.custody()?, terminal).await,
            Task::Destroy { id, erase_messages, node } => {
                let underneath = if *erase_messages { Underneath::Erase } else { Underneath::Keep };
                node.custody()?.destroy(*id, underneath).await.map(|()| exit::OK).map_err(failure)
            }
        }
    })
}

impl Node {
    fn place(&self) -> Result<Place, Failure> {
        let config = Config::load(&self.config).map_err(|error| Failure::Unreadable(error.to_string()))?;
        let unnamed = || Failure::Unreadable(format!("{}: seal.ring names no folder", self.config.display()));
        let folder = config.seal.ring.clone().ok_or_else(unnamed)?;
        let ledger = crate::wiring::ledger(&config, Arc::new(SystemClock));
        Ok(Place { folder, ledger: ledger.map_err(|error| Failure::Unreadable(error.to_string()))? })
    }

    fn custody(&self) -> Result<Custody, Failure> {
        let Place { folder, ledger } = self.place()?;
        let ring = KeyRing::open(&folder).map_err(|error| failure(error.into()))?;
        Ok(Custody::new(ring, ledger, Arc::new(SystemClock)))
    }
}

async fn create(place: &Place, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let made = Custody::create(&place.folder, place.ledger.clone(), Arc::new(SystemClock)).await;
    let id = made.and_then(|custody| Ok(custody.ring().current()?)).map_err(failure)?;
    terminal.print(&format!("{id}\n"));
    terminal.note(
        "Keep a copy of the folder, apart from the backup of the database: without it nobody reads what it seals.",
    );
    Ok(exit::OK)
}

async fn rotate(custody: &Custody, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let id = custody.rotate().await.map_err(failure)?;
    terminal.print(&format!("{id}\n"));
    terminal.note("Copy the new key to where the older ones are kept. `vuzol keys rewrap-ring` brings what they wrapped under it.");
    Ok(exit::OK)
}

async fn rewrap(custody: &Custody, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let (mut after, mut changed, mut unreadable) = (None, 0, 0);
    loop {
        let batch = custody.rewrap(after).await.map_err(failure)?;
        (after, changed, unreadable) = (batch.next, changed + batch.changed, unreadable + batch.unreadable);
        if after.is_none() {
            break;
        }
    }
    terminal.print(&format!("wrapped anew: {changed}\n"));
    if unreadable == 0 {
        return Ok(exit::OK);
    }
    Err(Failure::Refused(format!(
        "{unreadable} do not open and stay as they are: forged, or under a key that is missing"
    )))
}

async fn list(custody: &Custody, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let mut counts = custody.census().await.map_err(failure)?;
    for key in custody.ring().status().map_err(|error| failure(error.into()))? {
        let (count, state) = (counts.remove(&key.id).unwrap_or(0), if key.is_current { "current" } else { "older" });
        terminal.print(&format!("{}  {:7}  {}  {count} messages\n", key.id, state, key.created));
    }
    for (id, count) in counts {
        terminal.print(&format!("{id}  missing  {count} messages\n"));
    }
    Ok(exit::OK)
}

fn failure(error: CustodyError) -> Failure {
    let text = error.to_string();
    match error {
        CustodyError::Ring(KeyRingError::Unusable { .. }) => Failure::Unreadable(text),
        CustodyError::Ring(_)
        | CustodyError::NotEmpty
        | CustodyError::TooSoon(_)
        | CustodyError::InUse(_)
        | CustodyError::OnHold(_) => Failure::Refused(text),
        CustodyError::Store(_) => Failure::Unwritable(text),
    }
}

fn ring_key(text: &str) -> Result<RingKeyId, &'static str> {
    RingKeyId::parse(text).ok_or("the id of a ring key is 32 lower-case hexadecimal digits")
}
