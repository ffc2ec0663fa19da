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

use crate::actor::{Actor, person_mark};

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
    /// The mark of who proposed it, [`Actor::mark`].
    pub proposed_by: [u8; 32],
    /// Their name in the log; none: an older binary wrote the proposal, perhaps over another one.
    pub proposer: Option<String>,
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
    /// Who proposed it, by their name in the log; where that was not kept, the one that an operator with this mark has.
    #[must_use]
    pub fn proposer(&self) -> String {
        let by_mark = || Actor::Operator { certificate: self.proposed_by }.pseudonym();
        self.proposer.clone().unwrap_or_else(by_mark)
    }

    /// As operators read it.
    #[must_use]
    pub fn shown(&self) -> Proposal {
        Proposal {
            id: self.id,
            what: self.what.clone(),
            subject: self.subject.clone(),
            proposed_by: self.proposer(),
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
            proposer: Some(actor.pseudonym()),
            at: now,
            until: now + CONFIRMABLE,
        })),
    }
}

/// Columns id, what, subject, proposed_by, at, until, proposer.
fn proposed(row: &Row<'_>) -> Result<Proposed, StoreError> {
    let mark = row.array(3)?;
    let proposer = if row.is_null(6)? { None } else { Some(row.text(6)?) };
    Ok(Proposed {
        id: ProposalId::from_bytes(&row.blob(0)?).map_err(|_| StoreError::Corrupt("proposal.id"))?,
        what: row.text(1)?,
        subject: row.text(2)?,
        proposed_by: mark,
        at: row.time(4)?,
        until: row.time(5)?,
        proposer: proposer.filter(|name| is_of(name, mark)),
    })
}

/// Whether the name is of who has the mark: an older binary that proposes anew over a row of ours leaves the name as it was.
fn is_of(name: &str, mark: [u8; 32]) -> bool {
    match name.strip_prefix("person:").map(str::parse) {
        Some(person) => person.is_ok_and(|person| person_mark(person) == mark),
        None => name == (Actor::Operator { certificate: mark }).pseudonym(),
    }
}

/// What was proposed of a subject, also where its time is over.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut Tx<'_>, what: &str, subject: &str) -> Result<Option<Proposed>, StoreError> {
    let sql = "-- find_proposal
        SELECT id, what, subject, proposed_by, at, until, proposer FROM proposal WHERE what = $1 AND subject = $2";
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
        SELECT id, what, subject, proposed_by, at, until, proposer FROM proposal
        WHERE what = $1 AND substr(subject, 1, length($2)) = $2 AND until > $3 ORDER BY id LIMIT $4";
    tx.query(sql, &[what.into(), beginning.into(), now.into(), most.into()], proposed)
}

/// Writes a proposal, in place of one whose time is over. False where another was faster.
///
/// # Errors
/// When the store fails.
pub fn write(tx: &mut Tx<'_>, new: &Proposed) -> Result<bool, StoreError> {
    let sql = "-- write_proposal
        INSERT INTO proposal (id, what, subject, proposed_by, at, until, proposer) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (what, subject) DO UPDATE SET
            id = excluded.id, proposed_by = excluded.proposed_by, at = excluded.at, until = excluded.until,
            proposer = excluded.proposer
        WHERE proposal.until <= excluded.at";
    let values = [
        new.id.as_bytes().into(),
        (&new.what).into(),
        (&new.subject).into(),
        (&new.proposed_by).into(),
        new.at.into(),
        new.until.into(),
        new.proposer.as_deref().into(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::PersonId;

    #[test]
    fn a_name_counts_beside_its_own_mark_alone() {
        let person = PersonId::from_parts(1, [7; 10]);
        let operator = Actor::Operator { certificate: [3; 32] };
        assert!(is_of(&format!("person:{person}"), person_mark(person)));
        assert!(is_of(&operator.pseudonym(), operator.mark()));
        for (name, mark) in [
            (format!("person:{person}"), operator.mark()),
            (operator.pseudonym(), person_mark(person)),
            ("person:".to_owned(), person_mark(person)),
            (String::new(), operator.mark()),
        ] {
            assert!(!is_of(&name, mark), "{name}");
        }
    }
}
