//! What becomes of a relayed message at the recipient's node comes back to the sender's: evidence of every step, as it was
//! signed there, and the step that it means here.

use access::Permit;
use access::decide::{MessageResource, RelayEvidence};
use access::peers::Peer;
use audit::{Action, Event, EventDraft, Outcome};
use futures_util::future::join_all;
use schemas::ProblemCode;
use schemas::evidence::EvidenceStatement;
use schemas::message::State;
use storage::jobs::{self, Job};
use storage::{StoreError, TxError};
use time::Duration;

use super::outgoing::{digest_of, speaks_of};
use super::{CarryError, REPORT, is_final, named, pause, stated};
use crate::edge::{self, Deed, Edge, Word};
use crate::message::{Message, object};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, PeerEvidence, Route};

/// How long a report may take before another process tries.
const JOB_LEASE: Duration = Duration::minutes(1);

/// Tries after which a report that the other node refuses is let go: some ten days. One that cannot reach it is kept.
const TRIES: u32 = 500;

/// Times that a step is tried anew because the message moved meanwhile.
const RACES: usize = 3;

/// Evidence of a peer that verifies and names a message.
pub struct Reported {
    statement: EvidenceStatement,
    evidence: PeerEvidence,
}

impl Reported {
    /// What the decision is about.
    #[must_use]
    pub fn resource(&self) -> MessageResource {
        let EvidenceStatement { sender, recipient, .. } = &self.statement;
        MessageResource { message: self.evidence.message, sender: *sender, recipient: recipient.clone() }
    }
}

/// What a report changes.
enum Heard {
    /// It was heard before.
    Before,
    /// These steps are taken, or none, and it is kept.
    Now(Vec<Edge>),
}

/// Why a report was not taken in.
enum NotHeard {
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotHeard {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// One round for one peer: leases up to `limit` due reports and sends them. Returns how many were leased.
    ///
    /// # Errors
    /// When jobs cannot be leased. A report that fails is sent again later and holds up no other.
    pub async fn report_round(&self, peer: &str, limit: u32) -> Result<usize, StoreError> {
        let (relay, now) = (&self.inner.relay, self.inner.clock.now());
        let Some(peer) = relay.peer(peer).await? else { return Ok(0) };
        if relay.carrier.rests(&peer, now) {
            return Ok(0);
        }
        let kind = format!("{REPORT}{}", peer.name());
        let due = jobs::claim(&self.inner.jobs, &kind, limit, JOB_LEASE, now).await?;
        join_all(due.iter().map(|job| self.report(&peer, job))).await;
        Ok(due.len())
    }

    async fn report(&self, peer: &Peer, job: &Job) {
        let done = match self.send_report(peer, job).await {
            Ok(()) => self.close_report(job).await,
            Err(error) => {
                let (now, lost) = (self.inner.clock.now(), is_lost(&error, job.attempts));
                tracing::warn!(job = %job.id, peer = %peer.name(), attempts = job.attempts, %error, lost, "a report");
                metrics::counter!("vuzol_relay_reports_failed_total", "peer" => peer.name().to_string()).increment(1);
                match lost {
                    true => self.close_report(job).await,
                    false => jobs::release(&self.inner.jobs, job, now + pause(job.attempts)).await,
                }
            }
        };
        if let Err(error) = done {
            // Sent once more when the lease has run out: the other node has heard it then.
            tracing::warn!(job = %job.id, %error, "a job cannot be ended");
        }
    }

    async fn send_report(&self, peer: &Peer, job: &Job) -> Result<(), CarryError> {
        let subject = job.subject.clone();
        let found = self.inner.ledger.reader().read("read_report", move |tx| tables::report(tx, &subject)).await;
        let jws = found.map_err(|error| {
            tracing::error!(job = %job.id, %error, "a report cannot be read");
            CarryError::NoAnswer(ProblemCode::StorageUnavailable.as_str())
        })?;
        let jws = jws.ok_or(CarryError::NoAnswer(ProblemCode::Internal.as_str()))?;
        self.inner.relay.carrier.report(peer.name(), &jws).await
    }

    /// Bookkeeping: what was told changes nothing here.
    async fn close_report(&self, job: &Job) -> Result<(), StoreError> {
        let job = job.clone();
        let closed = self.inner.jobs.run_tx("close_job", move |tx| jobs::complete(tx, &job));
        closed.await.map(drop).map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }

    /// Reads what a peer states of a message.
    ///
    /// # Errors
    /// `ActionForbidden` for who is no peer, `RelayEvidenceWrong`; otherwise when it cannot be read who is one.
    pub async fn read_report(&self, peer: &str, jws: &str) -> Result<Reported, Refusal> {
        let peer = self.inner.relay.peer(peer).await?.ok_or(ProblemCode::ActionForbidden)?;
        let statement = stated(&peer, jws).map_err(|error| {
            tracing::warn!(peer = %peer.name(), %error, "evidence of a peer is not believed");
            ProblemCode::RelayEvidenceWrong
        })?;
        let evidence = PeerEvidence::of(&statement, jws).ok_or(ProblemCode::RelayEvidenceWrong)?;
        Ok(Reported { statement, evidence })
    }

    /// Keeps what the recipient's node states, and takes the step that it means. The same evidence again changes nothing; in
    /// whatever order it comes, the message comes to where it stands there.
    ///
    /// # Errors
    /// `NotFound` where no such message went to that node, `RelayEvidenceWrong` where it is another one there, `RelayTooEarly`
    /// before this node knows that it arrived; otherwise when the store fails.
    pub async fn hear(&self, permit: Permit<RelayEvidence>, reported: Reported) -> Result<(), Refusal> {
        if *permit.resource() != reported.resource() {
            tracing::error!("the door asked for a permit for another message");
            return Err(ProblemCode::Internal.into());
        }
        let actor = permit.actor().pseudonym();
        for _ in 0..RACES {
            let edges = match self.heard(&actor, &reported).await? {
                Heard::Before => return self.record_repeat(&actor, &reported).await,
                Heard::Now(edges) => edges,
            };
            match self.take_report(&actor, &reported, edges).await {
                Ok(()) => return Ok(()),
                Err(NotHeard::Moved) => {}
                Err(NotHeard::Store(error)) => return Err(error.into()),
            }
        }
        Err(ProblemCode::RelayTooEarly.into())
    }

    async fn heard(&self, actor: &str, reported: &Reported) -> Result<Heard, Refusal> {
        let (id, evidence) = (reported.evidence.message, reported.evidence.id);
        let found = self.inner.ledger.reader().read("relayed_message", move |tx| {
            let Some(message) = tables::read_message(tx, id)? else { return Ok(None) };
            Ok(Some((message, tables::route(tx, id)?, tables::has_peer_evidence(tx, id, evidence)?)))
        });
        let (message, route, known) = found.await?.ok_or(ProblemCode::NotFound)?;
        let there = Route { peer: reported.evidence.peer.clone(), inbound: false };
        if route != Some(there) {
            return Err(ProblemCode::NotFound.into());
        }
        if !speaks_of(&reported.statement, &message) {
            return Err(ProblemCode::RelayEvidenceWrong.into());
        }
        if known {
            return Ok(Heard::Before);
        }
        let mut edges: Vec<Edge> = Vec::new();
        for step in steps(&message, &reported.statement)? {
            let before = edges.last().map_or(&message, |edge| &edge.message);
            edges.push(self.edge(before, &step, deed(actor, reported))?);
        }
        Ok(Heard::Now(edges))
    }

    async fn take_report(&self, actor: &str, reported: &Reported, edges: Vec<Edge>) -> Result<(), NotHeard> {
        let evidence = reported.evidence.clone();
        let noted = edges.is_empty().then(|| self.noted(actor, reported));
        let taken = self.inner.ledger.transact("hear_peer", move |tx| {
            let mut appended = noted.as_ref().map(|event| audit::append(tx, event)).transpose()?;
            for edge in &edges {
                appended = Some(edge::take(tx, edge, None)?.ok_or(NotHeard::Moved)?);
            }
            let event = noted.as_ref().or(edges.last().map(|edge| &edge.event)).ok_or(NotHeard::Moved)?;
            if !tables::insert_peer_evidence(tx, &evidence, event)? {
                return Err(NotHeard::Moved);
            }
            appended.map(|appended| appended.with(())).ok_or(NotHeard::Moved)
        });
        taken.await.map_err(|error| match error {
            TxError::Refused(error) => error,
            TxError::Store(error) => NotHeard::Store(error),
        })
    }

    /// The audit row of evidence that is kept and changes nothing.
    fn noted(&self, actor: &str, reported: &Reported) -> Event {
        self.inner.ledger.prepare(EventDraft {
            action: Action::HearPeer,
            actor: actor.to_owned(),
            object: Some(object(reported.evidence.message)),
            outcome: Outcome::Done,
            details: details(reported),
        })
    }

    async fn record_repeat(&self, actor: &str, reported: &Reported) -> Result<(), Refusal> {
        let details = serde_json::json!({ "replayed": true });
        let (actor, object) = (actor.to_owned(), Some(object(reported.evidence.message)));
        let draft = EventDraft { action: Action::HearPeer, actor, object, outcome: Outcome::Done, details };
        self.inner.ledger.record(draft).await?;
        Ok(())
    }
}

/// The steps that a statement of the recipient's node means here, where the message stands. What is known already, or has no
/// counterpart here (a handover, a reminder), is only kept.
fn steps(message: &Message, statement: &EvidenceStatement) -> Result<Vec<Step>, ProblemCode> {
    let after = statement.state.as_ref().ok_or(ProblemCode::RelayEvidenceWrong)?;
    let proven = Step::proven(statement.kind, after).ok_or(ProblemCode::RelayEvidenceWrong)?;
    let outcome = match proven {
        step @ (Step::AcceptContent | Step::RefuseContent { .. } | Step::Expire | Step::Register { .. }) => step,
        _ => return Ok(Vec::new()),
    };
    match (&message.state, outcome) {
        // The answer to the relay was lost, and is asked for again: it comes first.
        (Some(State::Validated | State::Queued { .. } | State::Relaying { .. } | State::RetryWait { .. }), _) => {
            Err(ProblemCode::RelayTooEarly)
        }
        // A registration implies the acceptance, whose evidence may be on another way.
        (Some(State::Relayed { .. }), step @ Step::Register { .. }) => Ok(vec![Step::AcceptContent, step]),
        (Some(State::Relayed { .. }), step) | (Some(State::Accepted), step @ Step::Register { .. }) => Ok(vec![step]),
        (Some(State::RelayFailed { .. }), _) => {
            // The sender was told that it failed. Nothing changes that; a person must see that it arrived.
            metrics::counter!("vuzol_relay_contradictions_total").increment(1);
            tracing::error!(message = %message.id, "a message that was given up has arrived at the other node");
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

fn details(reported: &Reported) -> serde_json::Value {
    serde_json::json!({ "kind": reported.statement.kind, "peer_evidence": reported.evidence.id })
}

fn deed(actor: &str, reported: &Reported) -> Deed {
    let EvidenceStatement { acknowledgement_sha256, on_behalf_of, .. } = &reported.statement;
    let word = acknowledgement_sha256.as_deref().and_then(digest_of);
    let word = word.map(|sha256| Word { sha256, on_behalf_of: on_behalf_of.as_deref().and_then(digest_of) });
    Deed {
        word,
        rests_on: Some(named(&reported.statement, &reported.evidence.jws)),
        ..Deed::of(Action::HearPeer, actor.to_owned(), details(reported))
    }
}

/// Whether a report is sent no more: the other node understands it and will not have it.
fn is_lost(error: &CarryError, attempts: u32) -> bool {
    matches!(error, CarryError::Refused { code, .. } if is_final(code) || attempts >= TRIES)
}
