//! Whether the node is fit for its duty, asked by the operator port.

use std::sync::{Arc, Mutex, PoisonError};

use audit::Log;
use certs::trust::TrustSource;
use storage::{Clock, Reader};

use crate::http::operator::{JobReadiness, LogReadiness, Readiness, TrustReadiness, TrustedListReadiness};
use crate::outbound::{FolderTrust, TrustedLists};

/// A row that no checkpoint covers after this many seconds means that the log stands still.
const LOG_DELAY: f64 = 30.0;

/// What readiness is asked of.
pub(crate) struct Health {
    log: Log,
    reader: Reader,
    trust: Arc<FolderTrust>,
    trusted_lists: Arc<TrustedLists>,
    clock: Arc<dyn Clock>,
    stopped: Mutex<Option<String>>,
}

impl Health {
    /// Of a running node.
    pub(crate) fn new(
        log: Log,
        reader: Reader,
        trust: Arc<FolderTrust>,
        trusted_lists: Arc<TrustedLists>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { log, reader, trust, trusted_lists, clock, stopped: Mutex::new(None) }
    }

    /// The log refuses to go on.
    pub(crate) fn log_stopped(&self, why: String) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Everything that readiness is made of. A broken trust folder is shown and does not make the node unready: the set in
    /// use is still good, and taking every node out of service would help nobody.
    pub(crate) async fn readiness(&self) -> Readiness {
        let log = self.log().await;
        let jobs = storage::jobs::due(&self.reader, self.clock.now()).await;
        let database = jobs.is_ok() && log.backlog.is_some();
        let jobs = jobs.map(|(due, oldest)| JobReadiness {
            due: Some(due),
            oldest_seconds: oldest.map(|oldest| (self.clock.now() - oldest).as_seconds_f64().max(0.0)),
        });
        let ready = database && log.stopped.is_none() && log.oldest_seconds.is_some_and(|seconds| seconds <= LOG_DELAY);
        Readiness { ready, database, log, trust: self.trust(), jobs: jobs.unwrap_or_default() }
    }

    async fn log(&self) -> LogReadiness {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match self.log.backlog().await {
            Ok((rows, seconds)) => LogReadiness { stopped, backlog: Some(rows), oldest_seconds: Some(seconds) },
            Err(error) => {
                tracing::warn!(cause = %error, "readiness: the log cannot be asked");
                LogReadiness { stopped, ..LogReadiness::default() }
            }
        }
    }

    fn trust(&self) -> TrustReadiness {
        let (snapshot, checked, now) = (self.trust.current(), self.trust.checked(), self.clock.now());
        TrustReadiness {
            snapshot: crypto::digest::hex(&snapshot.id()),
            age_seconds: (now - snapshot.taken_at()).as_seconds_f64(),
            checked_seconds: (now - checked.at).as_seconds_f64(),
            problem: checked.problem.map(|problem| problem.0),
            trusted_lists: self.trusted_lists.status().iter().map(|list| TrustedListReadiness::of(list, now)).collect(),
        }
    }
}
