//! What takes two operators: one proposes, another confirms in time. The second is known by another login certificate.
//!
//! Generic over what is proposed: a deed names itself and its subject, asks [`turn`] what the operator's word means now, and
//! does in one transaction what that is: [`Turn::Propose`] writes the proposal, [`Turn::Confirm`] ends it together with the
//! deed. Either finds that somebody was faster, and is asked anew.

use schemas::ProposalId;
use schemas::quarantine::Proposal;
use storage::ids::FreshId;
use storage::{Row, StoreError, Tx};
use time::{Duration, OffsetDateTime};

use crate::actor::Actor;

/// How long a proposal can be confirmed.
pub const CONFIRMABLE: Duration = Duration::hours(24);

/// A proposal as its row tells it.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// Which proposal.
    pub id: ProposalId,
    /// What is to be done.
    pub what: String,
    /// To what; with every particular that the second operator confirms.
    pub subject: String,
    /// SHA-256 of the login certificate.
    pub proposed_by: [u8; 32],
    /// When it was proposed.
    pub at: OffsetDateTime,
    /// It can be confirmed until then.
    pub until: OffsetDateTime,
}

/// The one who proposed it would confirm it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("proposed by the same operator")]
pub struct SameOperator;

impl Proposed {
    /// As operators read it.
    #[must_use]
    pub fn shown(&self) -> Proposal {
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
#[derive(Debug, Clone)]
pub enum Turn {
    /// It is the first: this is to be written.
    Propose(Proposed),
    /// It is the second: this is confirmed.
    Confirm(Proposed),
}

/// What the word of `actor` means, where `found` was proposed before.
///
/// # Errors
/// [`SameOperator`].
pub fn turn(
    found: Option<Proposed>,
    what: &str,
    subject: &str,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<Turn, SameOperator> {
    match found.filter(|found| now < found.until) {
        Some(found) if found.proposed_by == actor.mark() => Err(SameOperator),
        Some(found) => Ok(Turn::Confirm(found)),
        None => Ok(Turn::Propose(Proposed {
            id: ProposalId::fresh(now),
            what: what.to_owned(),
            subject: subject.to_owned(),
            proposed_by: actor.mark(),
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
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut Tx<'_>, what: &str, subject: &str) -> Result<Option<Proposed>, StoreError> {
    let sql = "-- find_proposal
        SELECT id, what, subject, proposed_by, at, until FROM proposal WHERE what = $1 AND subject = $2";
    tx.query_optional(sql, &[what.into(), subject.into()], proposed)
}

/// What was proposed of this kind about subjects that begin so, as far as it can be confirmed at `now`; the oldest `most`.
///
/// # Errors
/// When the store fails.
pub fn open_about(
    tx: &mut Tx<'_>,
    what: &str,
    beginning: &str,
    now: OffsetDateTime,
    most: u32,
) -> Result<Vec<Proposed>, StoreError> {
    let sql = "-- open_proposals
        SELECT id, what, subject, proposed_by, at, until FROM proposal
        WHERE what = $1 AND substr(subject, 1, length($2)) = $2 AND until > $3 ORDER BY id LIMIT $4";
    tx.query(sql, &[what.into(), beginning.into(), now.into(), most.into()], proposed)
}

/// Writes a proposal, in place of one whose time is over. False where another was faster.
///
/// # Errors
/// When the store fails.
pub fn write(tx: &mut Tx<'_>, new: &Proposed) -> Result<bool, StoreError> {
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
///
/// # Errors
/// When the store fails.
pub fn end(tx: &mut Tx<'_>, confirmed: &Proposed) -> Result<bool, StoreError> {
    let sql = "-- end_proposal
        DELETE FROM proposal WHERE id = $1";
    Ok(tx.execute(sql, &[confirmed.id.as_bytes().into()])? == 1)
}
