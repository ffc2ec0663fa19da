//! Whether the node is fit for its duty, asked by the operator port.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use audit::Log;
use certs::trust::TrustSource;
use exchange::evidence::EvidenceSigner;
use storage::{Clock, Reader, Space};

use crate::http::operator::{
    EvidenceReadiness, JobReadiness, LogReadiness, Readiness, SpaceReadiness, TrustReadiness, TrustedListReadiness,
    VouchedReadiness,
};
use crate::outbound::{FolderTrust, TrustedLists};
use crate::workers::Stop;

/// A row that no checkpoint covers after this many seconds means that the log stands still.
const LOG_DELAY: f64 = 30.0;

/// How long readiness waits for a token.
const TOKEN_ANSWERS: Duration = Duration::from_secs(1);

/// What readiness is asked of.
pub(crate) struct Health {
    log: Log,
    reader: Reader,
    trust: Arc<FolderTrust>,
    trusted_lists: Arc<TrustedLists>,
    signer: EvidenceSigner,
    clock: Arc<dyn Clock>,
    space: Space,
    stopped: Mutex<Option<String>>,
    /// Why the signer does not answer, where it is a process of its own.
    signer_away: Mutex<Option<String>>,
    /// Whether witnesses are asked, whether checkpoints are time-stamped, and whether deeds are refused for want of the former.
    vouching: (bool, bool, Arc<Stop>),
}

impl Health {
    /// Of a running node.
    #[allow(clippy::too_many_arguments, reason = "each is asked about something else")]
    pub(crate) fn new(
        log: Log,
        reader: Reader,
        trust: Arc<FolderTrust>,
        trusted_lists: Arc<TrustedLists>,
        signer: EvidenceSigner,
        clock: Arc<dyn Clock>,
        space: Space,
        vouching: (bool, bool, Arc<Stop>),
    ) -> Self {
        Self {
            log,
            reader,
            trust,
            trusted_lists,
            signer,
            clock,
            space,
            stopped: Mutex::new(None),
            signer_away: Mutex::new(None),
            vouching,
        }
    }

    /// The log refuses to go on.
    pub(crate) fn log_stopped(&self, why: String) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// The signer of checkpoints answers, or does not, and why.
    pub(crate) fn signer_answers(&self, problem: Option<String>) {
        *self.signer_away.lock().unwrap_or_else(PoisonError::into_inner) = problem;
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
        let evidence = self.evidence().await;
        let space = self.space();
        let ready = database
            && space.accepts
            && evidence.signs
            && log.stopped.is_none()
            && log.oldest_seconds.is_some_and(|seconds| seconds <= LOG_DELAY);
        Readiness { ready, database, space, log, evidence, trust: self.trust(), jobs: jobs.unwrap_or_default() }
    }

    fn space(&self) -> SpaceReadiness {
        let standing = self.space.standing();
        SpaceReadiness { accepts: standing.accepts, free_bytes: standing.free, reserve: standing.reserve }
    }

    async fn log(&self) -> LogReadiness {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let signer = self.signer_away.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match self.log.backlog().await {
            Ok((rows, seconds)) => {
                let vouched = self.vouched().await;
                LogReadiness { stopped, signer, backlog: Some(rows), oldest_seconds: Some(seconds), vouched }
            }
            Err(error) => {
                tracing::warn!(cause = %error, "readiness: the log cannot be asked");
                LogReadiness { stopped, signer, ..LogReadiness::default() }
            }
        }
    }

    /// How far others vouch for the log; none where nobody is asked to. Their outage does not make the node unready.
    async fn vouched(&self) -> Option<VouchedReadiness> {
        let (witnesses, anchors, stop) = &self.vouching;
        let vouched = self.log.vouched().await.ok().filter(|_| *witnesses || *anchors)?;
        let now = self.clock.now();
        let age =
            |since: Option<time::OffsetDateTime>| since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
        Some(VouchedReadiness {
            published: vouched.published,
            witnessed: witnesses.then_some(vouched.witnessed),
            unwitnessed_seconds: witnesses.then(|| age(vouched.unwitnessed_since)),
            anchored: anchors.then_some(vouched.anchored),
            unanchored_seconds: anchors.then(|| age(vouched.unanchored_since)),
            refuses_deeds: stop.is_in_force(),
        })
    }

    /// A key in memory is there; one in a token is asked for a signature.
    async fn evidence(&self) -> EvidenceReadiness {
        if !self.signer.is_outside() {
            return EvidenceReadiness { signs: true, problem: None };
        }
        let signer = self.signer.clone();
        // The task goes on where it is not waited for; how many of them wait is bounded by the key.
        let asked = tokio::task::spawn_blocking(move || signer.prove());
        let problem = match tokio::time::timeout(TOKEN_ANSWERS, asked).await {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => Some(self.signer.complaint().unwrap_or_else(|| error.to_string())),
            Ok(Err(_)) | Err(_) => Some("the token does not answer".to_owned()),
        };
        if let Some(problem) = &problem {
            tracing::error!(problem, "readiness: evidence cannot be signed");
        }
        EvidenceReadiness { signs: problem.is_none(), problem }
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
