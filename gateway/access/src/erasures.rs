//! Erasure of what the log holds about a person, on the word of two security officers: the first proposes it, another confirms it with the same
//! person and the same ground.
//!
//! It cannot be taken back, so it takes more than other deeds of two: a fresh signature of each, neither of them the person concerned (an officer's own
//! details say what they did), and no legal hold on what the details are about, asked when it is proposed and again in the transaction that erases.

use std::sync::Arc;

use audit::payload::{self, Erased, ErasureError, Order};
use audit::{Action, EventDraft, Ledger, Outcome, PayloadKeys};
use schemas::erasure::{ErasedDetails, ErasureOutcome, ErasureProposal, ErasureProposals, ErasureRequest};
use schemas::limits::{ERASURE_GROUND, PAGE_ITEMS};
use schemas::{PersonId, ProblemCode};
use storage::{Clock, StoreError, Tx, TxError};

use crate::actor::Actor;
use crate::decide::{EraseDetails, Permit, ReadErasures};
use crate::proposals::{self, Proposed, Turn};
use crate::watch::WatchError;

/// The first of these objects of audited events that a legal hold is on. What a hold is, the rooms above know.
pub type Held = fn(&mut Tx<'_>, &[String]) -> Result<Option<String>, StoreError>;

/// What is proposed here.
const WHAT: &str = "erase_details";

/// How often an officer's word is weighed anew because another was faster.
const TRIES: u32 = 4;

/// Erasures on the word of two. Cheap to clone.
#[derive(Clone)]
pub struct Erasures {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    /// None: the node seals nothing, so nothing can be erased.
    keys: Option<Arc<PayloadKeys>>,
    held: Held,
}

/// Why a proposal was not written.
enum NotWritten {
    /// Another officer was faster.
    Overtaken,
    Store(StoreError),
}

impl From<StoreError> for NotWritten {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Erasures {
    /// `held`: what a legal hold is on.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>, keys: Option<Arc<PayloadKeys>>, held: Held) -> Self {
        Self { ledger, clock, keys, held }
    }

    /// An officer's word that what the log holds about a person be erased: the first is a proposal; the same word of another officer within a day is
    /// done.
    ///
    /// # Errors
    /// `ErasureGroundWrong`; `ErasureOwn`; `ErasureNotSealed`; `ErasureNothing`, `ErasureHeld`, `ErasureTooMuch`; `NotYetInLog` where some of it was
    /// recorded a moment ago; `SameOperator`; otherwise when the store fails.
    pub async fn erase(
        &self,
        permit: Permit<EraseDetails>,
        request: ErasureRequest,
    ) -> Result<ErasureOutcome, WatchError> {
        let ErasureRequest { person, ground } = request;
        check_ground(&ground)?;
        let actor = permit.actor();
        if matches!(actor, Actor::Person(officer) if officer.id == person) {
            return Err(WatchError::refused(ProblemCode::ErasureOwn, "the person is the one who asks"));
        }
        let no_key = || WatchError::refused(ProblemCode::ErasureNotSealed, "log.payload_key");
        let keys = self.keys.as_ref().ok_or_else(no_key)?;
        let subject = format!("{person} {ground}");
        for _ in 0..TRIES {
            let about = subject.clone();
            let found = self.ledger.reader().read("erasure_proposed", move |tx| proposals::find(tx, WHAT, &about));
            let turn = proposals::turn(found.await?, WHAT, &subject, actor, self.clock.now());
            let turn = turn.map_err(|same| WatchError::refused(ProblemCode::SameOperator, same))?;
            let done = match turn {
                Turn::Propose(new) => self.propose(actor, person, &ground, new).await?,
                Turn::Confirm(confirmed) => self.confirm(actor, keys, person, &ground, confirmed).await?,
            };
            if let Some(outcome) = done {
                return Ok(outcome);
            }
        }
        Err(StoreError::Overloaded.into())
    }

    /// None where another was faster.
    async fn propose(
        &self,
        actor: &Actor,
        person: PersonId,
        ground: &str,
        new: Proposed,
    ) -> Result<Option<ErasureOutcome>, WatchError> {
        // A second officer is not asked to confirm what cannot be.
        let entries = payload::would_erase(&self.ledger, &object(person), self.held).await.map_err(refused)?;
        let event = self.ledger.prepare(EventDraft {
            action: Action::ProposeErasure,
            actor: actor.pseudonym(),
            object: Some(object(person)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "proposal": new.id, "basis": ground, "entries": entries }),
        });
        let proposal = shown(&new)?;
        let written = self.ledger.transact("propose_erasure", move |tx| {
            if !proposals::write(tx, &new)? {
                return Err(NotWritten::Overtaken);
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        match written.await {
            Ok(()) => Ok(Some(ErasureOutcome { proposal: Some(proposal), erased: None })),
            Err(TxError::Refused(NotWritten::Overtaken)) => Ok(None),
            Err(TxError::Refused(NotWritten::Store(error)) | TxError::Store(error)) => Err(error.into()),
        }
    }

    /// The proposal's end, the keys' and the audit row: one transaction. None where another was faster.
    async fn confirm(
        &self,
        actor: &Actor,
        keys: &Arc<PayloadKeys>,
        person: PersonId,
        ground: &str,
        confirmed: Proposed,
    ) -> Result<Option<ErasureOutcome>, WatchError> {
        let how = [
            ("proposal".to_owned(), confirmed.id.to_string().into()),
            ("proposed_by".to_owned(), confirmed.proposer().into()),
        ];
        let how = how.into_iter().collect();
        let order = Order { subject: object(person), basis: ground.to_owned(), actor: actor.pseudonym(), how };
        let ends = move |tx: &mut Tx<'_>| proposals::end(tx, &confirmed);
        match payload::erase(&self.ledger, keys, order, self.held, ends).await {
            Ok(Erased { seqs, keys, event }) => {
                let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
                let erased = ErasedDetails { entries: count(seqs.len()), keys: count(keys), event };
                Ok(Some(ErasureOutcome { proposal: None, erased: Some(erased) }))
            }
            Err(ErasureError::Overtaken) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// What can be confirmed now, the oldest first. On record before it is answered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn proposed(&self, permit: Permit<ReadErasures>) -> Result<ErasureProposals, WatchError> {
        let now = self.clock.now();
        let reader = self.ledger.reader();
        let open = reader.read("proposed_erasures", move |tx| proposals::open_about(tx, WHAT, "", now, PAGE_ITEMS));
        let proposals = open.await?.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
        let draft = EventDraft {
            action: Action::ReadErasures,
            actor: permit.actor().pseudonym(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::json!({ "proposals": proposals.len() }),
        };
        self.ledger.record(draft).await?;
        Ok(ErasureProposals { proposals })
    }
}

/// As the log names a person.
fn object(person: PersonId) -> String {
    format!("person:{person}")
}

fn check_ground(ground: &str) -> Result<(), WatchError> {
    let said =
        ERASURE_GROUND.contains(&ground.chars().count()) && ERASURE_GROUND.contains(&ground.trim().chars().count());
    if said && !ground.chars().any(char::is_control) {
        return Ok(());
    }
    Err(WatchError::refused(ProblemCode::ErasureGroundWrong, "ground"))
}

/// As officers read it: the subject is a person and the ground.
fn shown(proposed: &Proposed) -> Result<ErasureProposal, StoreError> {
    let corrupt = || StoreError::Corrupt("proposal.subject");
    let (person, ground) = proposed.subject.split_once(' ').ok_or_else(corrupt)?;
    Ok(ErasureProposal {
        id: proposed.id,
        person: person.parse().map_err(|_| corrupt())?,
        ground: ground.to_owned(),
        proposed_by: proposed.proposer(),
        at: proposed.at,
        until: proposed.until,
    })
}

fn refused(error: ErasureError) -> WatchError {
    let code = match &error {
        ErasureError::Nothing => ProblemCode::ErasureNothing,
        ErasureError::TooMany => ProblemCode::ErasureTooMuch,
        ErasureError::NotNumbered => ProblemCode::NotYetInLog,
        ErasureError::Held(_) => ProblemCode::ErasureHeld,
        ErasureError::Overtaken => ProblemCode::Overloaded,
        ErasureError::Journal(cause) => {
            tracing::error!(%cause, "the journal of erasures cannot be written: nothing is erased");
            return WatchError::refused(ProblemCode::StorageUnavailable, "nothing is erased");
        }
        ErasureError::Store(_) => ProblemCode::StorageUnavailable,
    };
    match error {
        ErasureError::Store(error) => error.into(),
        error => WatchError::refused(code, error),
    }
}
