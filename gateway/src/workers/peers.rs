//! A loop for each message that travels to a peer at a time: begun for a peer that is stated while the node runs, ended with one that is withdrawn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use exchange::Exchange;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{pause, relay, supervise};

/// How often it is looked who is a peer. A lookup asks memory.
const TICK: Duration = Duration::from_secs(1);

/// The loops of all peers.
pub(crate) struct RelayLoops {
    exchange: Exchange,
    /// Loops of one peer.
    at_once: usize,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    /// By peer: whoever runs holds a clone, so that they can be counted.
    running: Mutex<HashMap<Arc<str>, Arc<()>>>,
}

impl RelayLoops {
    pub(crate) fn new(exchange: Exchange, at_once: u8, tasks: TaskTracker, shutdown: CancellationToken) -> Self {
        Self { exchange, at_once: usize::from(at_once), tasks, shutdown, running: Mutex::default() }
    }

    /// Begins what is missing, again and again. What is too much ends by itself ([`relay`]).
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            match self.exchange.peer_names().await {
                Ok(names) => self.begin_missing(&names),
                Err(error) => tracing::warn!(cause = %error, "who is a peer cannot be read"),
            }
            if pause(&self.shutdown, TICK).await {
                return;
            }
        }
    }

    fn begin_missing(&self, names: &[Arc<str>]) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|name, held| names.contains(name) || Arc::strong_count(held) > 1);
        for name in names {
            let held = running.entry(Arc::clone(name)).or_default();
            for _ in Arc::strong_count(held) - 1..self.at_once {
                let (exchange, peer, shutdown) = (self.exchange.clone(), Arc::clone(name), self.shutdown.clone());
                let counted = Arc::clone(held);
                supervise(&self.tasks, &self.shutdown, "relay", move || {
                    let _counted = &counted;
                    relay(exchange.clone(), peer.clone(), shutdown.clone())
                });
            }
        }
    }
}
