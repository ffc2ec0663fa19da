//! What takes two operators: one proposes, another confirms in time. The second is known by another login certificate.
//!
//! Generic over what is proposed: a deed names itself and its subject, asks [`turn`] what the operator's word means now, and
//! does in one transaction what that is: [`Turn::Propose`] writes the proposal, [`Turn::Confirm`] ends it together with the
//! deed. Either finds that somebody was faster, and is asked anew.

use schemas::quarantine::Proposal;
use schemas::{ProblemCode, ProposalId};
use storage::ids::FreshId;
use storage::{Row, StoreError, Tx};
use time::{Duration, OffsetDateTime};

use crate::refusal::Refusal;
use access::Actor;

/// How long a proposal can be confirmed.
pub(crate) const CONFIRMABLE: Duration = Duration::hours(24);

/// A proposal as its row tells it.
#[derive(Debug, Clone)]
pub(crate) struct Proposed {
    pub(crate) id: ProposalId,
    pub(crate) what: String,
    pub(crate) subject: String,
    /// SHA-256 of the login certificate.
    pub(crate) proposed_by: [u8; 32],
    pub(crate) at: OffsetDateTime,
    pub(crate) until: OffsetDateTime,
}

impl Proposed {
    /// As operators read it.
    pub(crate) fn shown(&self) -> Proposal {
        Proposal {
            id: self.id,
            what: self.what.clone(),
            subject: self.subject.clone(),
            proposed_by: Actor::Operator { certificate: self.proposed_by }.pseudonym(),
            at: self.at,
            until: self.until,
        }
    }
}

/// What an operator's word means.
pub(crate) enum Turn {
    /// It is the first: this is to be written.
    Propose(Proposed),
    /// It is the second: this is confirmed.
    Confirm(Proposed),
}

/// What the word of `actor` means, where `found` was proposed before.
///
/// # Errors
/// `SameOperator` where the one who proposed it would confirm it too.
pub(crate) fn turn(
    found: Option<Proposed>,
    what: &str,
    subject: &str,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<Turn, Refusal> {
    match found.filter(|found| now < found.until) {
        Some(found) if found.proposed_by == *actor.certificate() => Err(ProblemCode::SameOperator.into()),
        Some(found) => Ok(Turn::Confirm(found)),
        None => Ok(Turn::Propose(Proposed {
            id: ProposalId::fresh(now),
            what: what.to_owned(),
            subject: subject.to_owned(),
            proposed_by: *actor.certificate(),
            at: now,
            until: now + CONFIRMABLE,
        })),
    }
}

/// Columns id, what, subject, proposed_by, at, until.
fn proposed(row: &Row<'_>) -> Result<Proposed, StoreError> {
    Ok(Proposed {
        id: ProposalId::from_bytes(&row.blob(0)?).map_err(|_| StoreError::Corrupt("proposal.id"))?,
        what: row.text(1)?,
        subject: row.text(2)?,
        proposed_by: row.array(3)?,
        at: row.time(4)?,
        until: row.time(5)?,
    })
}

/// What was proposed of a subject, also where its time is over.
pub(crate) fn find(tx: &mut Tx<'_>, what: &str, subject: &str) -> Result<Option<Proposed>, StoreError> {
    let sql = "-- find_proposal
        SELECT id, what, subject, proposed_by, at, until FROM proposal WHERE what = $1 AND subject = $2";
    tx.query_optional(sql, &[what.into(), subject.into()], proposed)
}

/// Writes a proposal, in place of one whose time is over. False where another was faster.
pub(crate) fn write(tx: &mut Tx<'_>, new: &Proposed) -> Result<bool, StoreError> {
    let sql = "-- write_proposal
        INSERT INTO proposal (id, what, subject, proposed_by, at, until) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (what, subject) DO UPDATE SET
            id = excluded.id, proposed_by = excluded.proposed_by, at = excluded.at, until = excluded.until
        WHERE proposal.until <= excluded.at";
    let values = [
        new.id.as_bytes().into(),
        (&new.what).into(),
        (&new.subject).into(),
        (&new.proposed_by).into(),
        new.at.into(),
        new.until.into(),
    ];
    Ok(tx.execute(sql, &values)? == 1)
}

/// Ends a proposal that is confirmed. False where another was faster.
pub(crate) fn end(tx: &mut Tx<'_>, confirmed: &Proposed) -> Result<bool, StoreError> {
    let sql = "-- end_proposal
        DELETE FROM proposal WHERE id = $1";
    Ok(tx.execute(sql, &[confirmed.id.as_bytes().into()])? == 1)
}
