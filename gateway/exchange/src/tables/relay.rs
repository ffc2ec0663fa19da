//! Statements of the relay.

use audit::Event;
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::message::{CaseEvent, MessageState, State};
use schemas::peer::PeerTraffic;
use schemas::{CaseId, EventId, EvidenceId, MessageId};
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::{Content, id, named};
use crate::edge::Edge;
use crate::relay::{REPORT, job_kind};

/// The node that a message goes to, or came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its name.
    pub(crate) peer: String,
    /// It came from there.
    pub(crate) inbound: bool,
}

pub(crate) fn insert_route(tx: &mut Tx<'_>, message: MessageId, route: &Route) -> Result<(), StoreError> {
    let sql = "-- insert_route
        INSERT INTO relay_route (message_id, peer, inbound) VALUES ($1, $2, $3)";
    let values = [message.as_bytes().into(), (&route.peer).into(), i64::from(route.inbound).into()];
    tx.execute(sql, &values).map(|_| ())
}

pub(crate) fn route(tx: &mut Tx<'_>, message: MessageId) -> Result<Option<Route>, StoreError> {
    let sql = "-- read_route
        SELECT peer, inbound FROM relay_route WHERE message_id = $1";
    tx.query_optional(sql, &[message.as_bytes().into()], |row| {
        Ok(Route { peer: row.text(0)?, inbound: row.integer(1)? == 1 })
    })
}

/// A job that tells the node that the message came from; no job where it was handed in here. One statement, since every step
/// of every message passes here.
pub(crate) fn enqueue_report(tx: &mut Tx<'_>, edge: &Edge) -> Result<(), StoreError> {
    let sql = "-- enqueue_report
        INSERT INTO jobs (id, kind, subject, available_at)
        SELECT $1, $2 || peer, $3, $4 FROM relay_route WHERE message_id = $5 AND inbound = 1";
    let subject = [edge.message.id.as_bytes().as_slice(), &edge.message.steps.to_be_bytes()].concat();
    let values = [
        edge.report.as_bytes().into(),
        REPORT.into(),
        subject.as_slice().into(),
        edge.evidence.at.into(),
        edge.message.id.as_bytes().into(),
    ];
    tx.execute(sql, &values).map(|_| ())
}

/// The JWS that a report carries: `subject` is a message's sixteen bytes and the number of the step, big endian.
pub(crate) fn report(tx: &mut Tx<'_>, subject: &[u8]) -> Result<Option<String>, StoreError> {
    let corrupt = || StoreError::Corrupt("jobs.subject");
    let (message, step) = subject.split_at_checked(16).ok_or_else(corrupt)?;
    let step = u32::from_be_bytes(step.try_into().map_err(|_| corrupt())?);
    let sql = "-- read_report
        SELECT jws FROM evidence WHERE message_id = $1 AND step = $2";
    tx.query_optional(sql, &[message.into(), step.into()], |row| row.text(0))
}

/// Evidence of another node, on its way into its row or out of it.
#[derive(Debug, Clone)]
pub(crate) struct PeerEvidence {
    pub(crate) id: EvidenceId,
    pub(crate) message: MessageId,
    pub(crate) peer: String,
    pub(crate) kind: EvidenceKind,
    pub(crate) state: MessageState,
    pub(crate) at: OffsetDateTime,
    pub(crate) event: EventId,
    pub(crate) jws: String,
}

impl PeerEvidence {
    /// None where the statement names no message or no state, as no statement of version 2 does that is of a message.
    pub(crate) fn of(statement: &EvidenceStatement, jws: &str) -> Option<Self> {
        Some(Self {
            id: statement.evidence_id,
            message: statement.message_id?,
            peer: statement.node.clone(),
            kind: statement.kind,
            state: statement.state.as_ref()?.name(),
            at: statement.at,
            event: statement.event_id,
            jws: jws.to_owned(),
        })
    }

    /// As the parties read it.
    pub(crate) fn into_event(self) -> CaseEvent {
        CaseEvent {
            event_id: self.event,
            message_id: self.message,
            state: self.state,
            at: self.at,
            evidence_id: self.id,
            evidence: self.jws,
            node: Some(self.peer),
        }
    }
}

/// False where it is there already: then nothing may be committed.
pub(crate) fn insert_peer_evidence(
    tx: &mut Tx<'_>,
    evidence: &PeerEvidence,
    received: &Event,
) -> Result<bool, StoreError> {
    let sql = "-- insert_peer_evidence
        INSERT INTO peer_evidence (id, message_id, peer, kind, state, at, event_id, jws, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (message_id, id) DO NOTHING";
    let values = [
        evidence.id.as_bytes().into(),
        evidence.message.as_bytes().into(),
        (&evidence.peer).into(),
        evidence.kind.code().into(),
        evidence.state.as_str().into(),
        evidence.at.into(),
        evidence.event.as_bytes().into(),
        (&evidence.jws).into(),
        received.at().into(),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

pub(crate) fn has_peer_evidence(tx: &mut Tx<'_>, message: MessageId, evidence: EvidenceId) -> Result<bool, StoreError> {
    let sql = "-- has_peer_evidence
        SELECT 1 FROM peer_evidence WHERE message_id = $1 AND id = $2";
    let values = [message.as_bytes().into(), evidence.as_bytes().into()];
    Ok(tx.query_optional(sql, &values, |row| row.integer(0))?.is_some())
}

/// What other nodes state of the messages of a case, in the order in which it came.
pub(crate) fn case_peer_evidence(tx: &mut Tx<'_>, case: CaseId) -> Result<Vec<PeerEvidence>, StoreError> {
    let sql = "-- case_peer_evidence
        SELECT p.id, p.message_id, p.peer, p.kind, p.state, p.at, p.event_id, p.jws
        FROM message m JOIN peer_evidence p ON p.message_id = m.id WHERE m.case_id = $1 ORDER BY p.ordinal";
    tx.query(sql, &[case.as_bytes().into()], |row| {
        Ok(PeerEvidence {
            id: id(row, 0, EvidenceId::from_bytes, "peer_evidence.id")?,
            message: id(row, 1, MessageId::from_bytes, "peer_evidence.message_id")?,
            peer: row.text(2)?,
            kind: named::<EvidenceKind>(row.text(3)?, "peer_evidence.kind")?,
            state: named::<MessageState>(row.text(4)?, "peer_evidence.state")?,
            at: row.time(5)?,
            event: id(row, 6, EventId::from_bytes, "peer_evidence.event_id")?,
            jws: row.text(7)?,
        })
    })
}

/// What a message takes along.
pub(crate) struct Travelling {
    /// None: destroyed.
    pub(crate) key_envelope: Option<Vec<u8>>,
    /// Evidence A.1.
    pub(crate) evidence: String,
    /// Sealed parts by their numbers.
    pub(crate) contents: Vec<(u8, Content)>,
}

pub(crate) fn travelling(tx: &mut Tx<'_>, message: MessageId) -> Result<Option<Travelling>, StoreError> {
    let sql = "-- read_travelling
        SELECT m.key_envelope, e.jws FROM message m JOIN evidence e ON e.message_id = m.id AND e.kind = 'A.1'
        WHERE m.id = $1";
    let found = tx.query_optional(sql, &[message.as_bytes().into()], |row| {
        Ok((if row.is_null(0)? { None } else { Some(row.blob(0)?) }, row.text(1)?))
    })?;
    let Some((key_envelope, evidence)) = found else { return Ok(None) };
    let sql = "-- read_travelling_parts
        SELECT number, object_key, content FROM part WHERE message_id = $1 ORDER BY number";
    let contents = tx.query(sql, &[message.as_bytes().into()], |row| {
        let number = u8::try_from(row.integer(0)?).map_err(|_| StoreError::Corrupt("part.number"))?;
        let content = if row.is_null(1)? { Content::Inline(row.blob(2)?) } else { Content::Object(row.text(1)?) };
        Ok((number, content))
    })?;
    Ok(Some(Travelling { key_envelope, evidence, contents }))
}

/// What became of a message that was relayed to this node: its first evidence D.1, or A.2.
pub(crate) struct Answer {
    pub(crate) kind: EvidenceKind,
    pub(crate) event: EventId,
    pub(crate) jws: String,
}

pub(crate) fn answer(tx: &mut Tx<'_>, message: MessageId) -> Result<Option<Answer>, StoreError> {
    let sql = "-- read_relay_answer
        SELECT kind, event_id, jws FROM evidence
        WHERE message_id = $1 AND kind IN ('D.1', 'A.2') ORDER BY step LIMIT 1";
    tx.query_optional(sql, &[message.as_bytes().into()], |row| {
        Ok(Answer {
            kind: named::<EvidenceKind>(row.text(0)?, "evidence.kind")?,
            event: id(row, 1, EventId::from_bytes, "evidence.event_id")?,
            jws: row.text(2)?,
        })
    })
}

/// What waits for its way to a peer, when it was heard of last, and how the newest failure of what waits stands.
pub(crate) fn traffic(tx: &mut Tx<'_>, peer: &str) -> Result<PeerTraffic, StoreError> {
    let sql = "-- count_jobs_of_peer
        SELECT count(*) FROM jobs WHERE kind = $1";
    let mut count = |kind: &str| -> Result<u32, StoreError> {
        let found = tx.query_optional(sql, &[kind.into()], |row| row.integer(0))?;
        Ok(u32::try_from(found.unwrap_or(0)).unwrap_or(u32::MAX))
    };
    let kind = job_kind(peer);
    let (waiting, reports) = (count(&kind)?, count(&format!("{REPORT}{peer}"))?);
    let sql = "-- last_heard_of_peer
        SELECT received_at FROM peer_evidence WHERE peer = $1 ORDER BY ordinal DESC LIMIT 1";
    let last_heard_at = tx.query_optional(sql, &[peer.into()], |row| row.time(0))?;
    let sql = "-- last_failure_of_peer
        SELECT m.id FROM jobs j JOIN message m ON m.id = j.subject
        WHERE j.kind = $1 AND m.state = $2 ORDER BY m.changed_at DESC LIMIT 1";
    let values = [(&kind).into(), MessageState::RetryWait.as_str().into()];
    let failing = tx.query_optional(sql, &values, |row| id(row, 0, MessageId::from_bytes, "message.id"))?;
    let failing = failing.map(|message| super::read_message(tx, message)).transpose()?.flatten();
    let failure = failing.as_ref().and_then(|message| match &message.state {
        Some(State::RetryWait { reason, .. }) => Some(reason.clone()),
        _ => None,
    });
    let failed_at = failing.map(|message| message.changed_at).filter(|_| failure.is_some());
    Ok(PeerTraffic { waiting, reports, last_heard_at, failed_at, failure })
}
