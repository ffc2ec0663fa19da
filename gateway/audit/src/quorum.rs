//! Asks the witnesses of this log for their cosignatures (C2SP tlog-witness v1.0.0, as its client), and publishes a head once a quorum has
//! cosigned it. Without HTTP: [`Submitter`] carries the requests.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `ask` | one question to one witness, and what its answer means |
//! | `conflict` | what contradicts the log or a signature, kept as evidence |
//!
//! **Rounds.** A round is one checkpoint that all witnesses are asked about at once, for a quorum must have signed one and the same. Each is asked by a task
//! of its own, within a deadline, so none waits for another. The next round, with whatever is published by then, begins when this one has its quorum or can
//! no longer come to it, and not before the interval is over. Who comes back from an earlier question joins the round that runs. A line that
//! arrives after the quorum is added to the published head, as long as that is the one.
//!
//! **Old sizes.** What each witness cosigned last is remembered while the process lives, and told anew by its 409 otherwise.
//!
//! **Outages** take nothing away but the witnessed head's progress: after a bound an alarm is raised and logged (`witness.degraded`), and taken back by the
//! next quorum. A witness that signs falsely, or has seen a log that this one does not continue, is another matter: `witness.conflict`, with
//! the evidence kept beside the log, and a person must look. Neither stops the log.

mod ask;
mod conflict;

use crate::alarm::Alarm;
use crate::ledger::Ledger;
use crate::log::heads::Heads;
use crate::log::{Log, LogFailure};
use ask::{Asked, Failed};
use conflict::Conflict;
use crypto::merkle::{CosignatureVerifier, LogError, Policy};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::Clock;
use tokio::task::{Id, JoinSet};

/// Bytes of an answer that are read: sixteen signature lines of a post-quantum kind take less.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// Between two looks at the published head, and at the time.
const TICK: Duration = Duration::from_millis(100);

/// Between two looks at the age of the witnessed head.
const WATCH: Duration = Duration::from_secs(1);

/// The first pause of a witness that failed; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest: who has recovered is found again within it.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Between two events about one witness that contradicts: its lies must not fill the log.
const CONFLICTS: Duration = Duration::from_secs(3600);

/// What a witness answered, whatever it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status of HTTP.
    pub status: u16,
    /// `Content-Type`, empty where there is none.
    pub content_type: String,
    /// The body, [`ANSWER_BYTES`] at most.
    pub body: Vec<u8>,
}

/// No answer came: why, for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoReply(pub String);

/// An answer on its way.
pub type Replying<'a> = Pin<Box<dyn Future<Output = Result<Reply, NoReply>> + Send + 'a>>;

/// Carries requests to witnesses; implemented where HTTP is spoken. Each is tried once.
pub trait Submitter: Send + Sync {
    /// POSTs `body` to `<prefix>/add-checkpoint`.
    fn add_checkpoint<'a>(&'a self, prefix: &'a str, body: String) -> Replying<'a>;

    /// GETs `<prefix>/<origin hash>/checkpoint`: what the witness says that it cosigned last.
    fn latest<'a>(&'a self, prefix: &'a str, origin_hash: &'a str) -> Replying<'a>;
}

/// How witnesses are asked.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Between the beginnings of two rounds.
    pub every: Duration,
    /// For one question, answers to a wrong old size included.
    pub deadline: Duration,
    /// How old an event may be that no witnessed head covers before the alarm is raised.
    pub alarm: time::Duration,
}

/// Why a policy cannot be asked by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It lists logs, and not this one.
    #[error("the policy lists logs, and not this one")]
    OtherLogs,
    /// It has no witness, or its quorum is `none`.
    #[error("the policy asks for no witness")]
    NoWitness,
    /// A witness has no address.
    #[error("the policy has no address for witness {0}")]
    NoAddress(String),
    /// The witnesses that it names could never make its quorum.
    #[error("all witnesses of the policy together make no quorum")]
    NoQuorum,
}

/// The rounds. One in each process that works; several processes do no harm.
pub struct Quorum {
    shared: Arc<Shared>,
    witnesses: Vec<Standing>,
    round: Option<Round>,
    asking: JoinSet<Asked>,
    /// Which witness a task asks, and in which round.
    tasks: HashMap<Id, (usize, u64)>,
    rounds: u64,
    watched: Option<Instant>,
    longest_pause: Duration,
}

/// What the tasks that ask share.
struct Shared {
    log: Log,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    policy: Policy,
    terms: Terms,
    submitter: Arc<dyn Submitter>,
    addresses: Vec<Address>,
}

/// A witness, as it is asked.
struct Address {
    prefix: String,
    verifier: CosignatureVerifier,
}

/// How a witness stands.
struct Standing {
    /// The largest size that it is known to have cosigned.
    known: u64,
    busy: bool,
    pause: Duration,
    /// Not asked before.
    rests_until: Option<Instant>,
    /// Its last failure was told of.
    complained: bool,
    conflicted: Option<Instant>,
}

/// One checkpoint, and who has cosigned it.
struct Round {
    number: u64,
    head: Arc<Head>,
    began: Instant,
    lines: Vec<Option<String>>,
    /// Who has seen something larger: not asked about this one again.
    past: Vec<bool>,
    published: bool,
}

/// A published checkpoint.
struct Head {
    size: u64,
    note: String,
}

impl Quorum {
    /// Asks the witnesses of `policy` about the checkpoints of `log`.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(
        log: Log,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        policy: Policy,
        submitter: Arc<dyn Submitter>,
        terms: Terms,
    ) -> Result<Self, Unusable> {
        let addresses = usable(&log, &policy)?;
        let witnesses = addresses.iter().map(|_| Standing::fresh()).collect();
        let shared = Arc::new(Shared { log, ledger, clock, policy, terms, submitter, addresses });
        Ok(Self {
            shared,
            witnesses,
            round: None,
            asking: JoinSet::new(),
            tasks: HashMap::new(),
            rounds: 0,
            watched: None,
            longest_pause: LONGEST_PAUSE,
        })
    }

    /// Waits for something to happen, at most a moment, and deals with it. Called again and again; dropped in between, nothing is lost that
    /// the next start would not ask for again.
    ///
    /// # Errors
    /// Failures of the database or the objects: worth another try.
    pub async fn step(&mut self) -> Result<(), LogFailure> {
        if self.asking.is_empty() {
            tokio::time::sleep(TICK).await;
        } else if let Ok(Some(done)) = tokio::time::timeout(TICK, self.asking.join_next_with_id()).await {
            match done {
                Ok((id, asked)) => self.finished(id, asked).await?,
                Err(error) => {
                    tracing::error!(cause = %error, "a question to a witness failed");
                    self.finished(error.id(), Asked::Failed(Failed::Ours)).await?;
                }
            }
        }
        self.begin_round().await?;
        self.ask_the_idle();
        self.watch().await
    }

    /// One question has ended.
    async fn finished(&mut self, id: Id, asked: Asked) -> Result<(), LogFailure> {
        let Some((index, number)) = self.tasks.remove(&id) else { return Ok(()) };
        let (shared, longest) = (Arc::clone(&self.shared), self.longest_pause);
        let (Some(standing), Some(address)) = (self.witnesses.get_mut(index), shared.addresses.get(index)) else {
            return Ok(());
        };
        let name = address.verifier.name();
        standing.busy = false;
        metrics::counter!("vuzol_witness_questions_total", "witness" => name.to_owned(), "outcome" => asked.code())
            .increment(1);
        match asked {
            Asked::Cosigned { size, line } => {
                if standing.complained {
                    tracing::info!(witness = name, "a witness cosigns again");
                }
                *standing =
                    Standing { known: size.max(standing.known), conflicted: standing.conflicted, ..Standing::fresh() };
                self.cosigned(index, number, line).await
            }
            Asked::Overtaken { told } => {
                standing.known = told;
                if let Some(round) = self.round.as_mut().filter(|round| round.number == number)
                    && let Some(past) = round.past.get_mut(index)
                {
                    *past = true;
                }
                Ok(())
            }
            Asked::Failed(why) => {
                standing.rest(longest);
                if !std::mem::replace(&mut standing.complained, true) {
                    tracing::warn!(witness = name, cause = %why, "a witness does not cosign");
                }
                Ok(())
            }
            Asked::Conflict(conflict) => {
                standing.rest(longest);
                if let Some(told) = conflict.told() {
                    standing.known = told;
                }
                let again = standing.conflicted.is_some_and(|at| at.elapsed() < CONFLICTS);
                if !again {
                    standing.conflicted = Some(Instant::now());
                    shared.record(address, &conflict).await?;
                }
                Ok(())
            }
        }
    }

    /// Counts a line, and publishes where it makes a quorum or comes on top of one.
    async fn cosigned(&mut self, index: usize, number: u64, line: String) -> Result<(), LogFailure> {
        let Some(round) = self.round.as_mut().filter(|round| round.number == number) else { return Ok(()) };
        if let Some(place) = round.lines.get_mut(index) {
            *place = Some(line);
        }
        let note = round.lines.iter().flatten().fold(round.head.note.clone(), |note, line| note + line);
        match self.shared.policy.judge(&note, Some(&self.shared.log.verifier())) {
            Ok(witnessed) => {
                let (size, count) = (witnessed.checkpoint().size, witnessed.cosignatures().len());
                self.shared.log.publish_witnessed(size, count, note).await?;
                round.published = true;
                #[allow(clippy::cast_precision_loss, reason = "a gauge")]
                metrics::gauge!("vuzol_log_witnessed_size").set(size as f64);
                Ok(())
            }
            Err(LogError::NoQuorum { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Where the round that runs is decided and its interval over, takes what is published by now.
    async fn begin_round(&mut self) -> Result<(), LogFailure> {
        let deadline = self.shared.terms.every.max(self.shared.terms.deadline);
        if let Some(round) = &self.round {
            let age = round.began.elapsed();
            let decided = round.published || !self.may_succeed(round) || age >= deadline;
            if age < self.shared.terms.every || !decided {
                return Ok(());
            }
        }
        let heads = self.shared.log.heads().await?;
        let Some(published) = heads.published else { return Ok(()) };
        let newer = match &self.round {
            Some(round) => published.size > round.head.size,
            // After a start: what a quorum has cosigned already is left alone.
            None => heads.witnessed.is_none_or(|witnessed| witnessed.size < published.size),
        };
        if newer {
            self.rounds += 1;
            let head = Arc::new(Head { size: published.size, note: published.note });
            let (lines, past) = (vec![None; self.witnesses.len()], vec![false; self.witnesses.len()]);
            let (number, began) = (self.rounds, Instant::now());
            self.round = Some(Round { number, head, began, lines, past, published: false });
        }
        Ok(())
    }

    /// Whether those who have cosigned, and those who are being asked about it, would make a quorum.
    fn may_succeed(&self, round: &Round) -> bool {
        let asked = |index: usize| self.tasks.values().any(|task| *task == (index, round.number));
        let may: Vec<bool> =
            round.lines.iter().enumerate().map(|(index, line)| line.is_some() || asked(index)).collect();
        self.shared.policy.would_suffice(&may)
    }

    /// Asks everybody about the round that runs who has not cosigned it, does not rest and is not being asked.
    fn ask_the_idle(&mut self) {
        let Some(round) = &self.round else { return };
        let now = Instant::now();
        for (index, standing) in self.witnesses.iter_mut().enumerate() {
            let answered = round.lines.get(index).is_none_or(Option::is_some) || round.past.get(index) == Some(&true);
            let rests = standing.rests_until.is_some_and(|until| now < until);
            if answered || rests || standing.busy {
                continue;
            }
            standing.busy = true;
            let question = ask::ask(Arc::clone(&self.shared), index, Arc::clone(&round.head), standing.known);
            let task = self.asking.spawn(question);
            self.tasks.insert(task.id(), (index, round.number));
        }
    }

    /// Raises or lowers the alarm.
    async fn watch(&mut self) -> Result<(), LogFailure> {
        if self.watched.is_some_and(|at| at.elapsed() < WATCH) {
            return Ok(());
        }
        self.watched = Some(Instant::now());
        self.shared.watch().await
    }
}

impl Standing {
    fn fresh() -> Self {
        Self { known: 0, busy: false, pause: FIRST_PAUSE, rests_until: None, complained: false, conflicted: None }
    }

    fn rest(&mut self, longest: Duration) {
        self.rests_until = Some(Instant::now() + self.pause.min(longest));
        self.pause = (self.pause * 2).min(longest);
    }
}

impl Shared {
    async fn watch(&self) -> Result<(), LogFailure> {
        let (heads, now) = (self.log.heads().await?, self.clock.now());
        let age = heads.unwitnessed_since.map_or(time::Duration::ZERO, |since| (now - since).max(time::Duration::ZERO));
        metrics::gauge!("vuzol_log_witnessed_seconds").set(age.as_seconds_f64());
        let raised = age > self.terms.alarm;
        if Alarm::Witness.set(&self.ledger, raised, now, self.details(&heads, age)).await? {
            if raised {
                let seconds = age.whole_seconds();
                tracing::error!(seconds, "no quorum of witnesses cosigns the log; the exchange goes on");
            } else {
                tracing::info!("a quorum of witnesses cosigns the log again");
            }
        }
        metrics::gauge!("vuzol_log_witness_alarm").set(if raised { 1.0 } else { 0.0 });
        Ok(())
    }

    fn details(&self, heads: &Heads, age: time::Duration) -> serde_json::Value {
        serde_json::json!({
            "witnessed": heads.witnessed.as_ref().map_or(0, |witnessed| witnessed.size),
            "published": heads.published.as_ref().map_or(0, |published| published.size),
            "seconds": age.whole_seconds(),
            "witnesses": self.addresses.len(),
        })
    }

    /// Keeps the evidence and puts the conflict on record.
    async fn record(&self, address: &Address, conflict: &Conflict) -> Result<(), LogFailure> {
        let witness = address.verifier.name();
        metrics::counter!("vuzol_witness_conflicts_total", "witness" => witness.to_owned()).increment(1);
        tracing::error!(witness, kind = conflict.code(), proven = conflict.is_proven(), "{conflict}");
        conflict::record(&self.log, &self.ledger, &address.verifier, conflict, self.clock.now()).await
    }
}

/// The witnesses of a policy with their addresses.
fn usable(log: &Log, policy: &Policy) -> Result<Vec<Address>, Unusable> {
    if !policy.accepts(&log.verifier()) {
        return Err(Unusable::OtherLogs);
    }
    let count = policy.witnesses().len();
    if policy.would_suffice(&vec![false; count]) {
        return Err(Unusable::NoWitness);
    }
    if !policy.would_suffice(&vec![true; count]) {
        return Err(Unusable::NoQuorum);
    }
    let address = |witness: &crypto::merkle::PolicyWitness| {
        let url = witness.url.as_ref().and_then(|url| std::str::from_utf8(url).ok());
        let prefix = url.map(|url| url.trim_end_matches('/').to_owned());
        let name = || String::from_utf8_lossy(&witness.name).into_owned();
        let prefix = prefix.ok_or_else(|| Unusable::NoAddress(name()))?;
        Ok(Address { prefix, verifier: witness.verifier.clone() })
    };
    policy.witnesses().iter().map(address).collect()
}

#[cfg(test)]
mod tests;
