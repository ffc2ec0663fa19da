//! Entering participants, people and roles in bulk.
//!
//! All of an import is one transaction, or nothing: half a table entered is a table that nobody can hand in again without thought. It
//! adds, and never changes: a row that is there already, as stated, is passed over, so the same tables can be handed in again and
//! again; a row that is there otherwise is a fault. Somebody who was removed, by the undoing of an import above all, is entered again
//! as who they were. Keys are the natural ones: ЄДРПОУ, the digest of a number, and of a role its person, name and scope.
//!
//! Each row has its own audit entry, the same that it would have had singly, and there is one of the import. One entry over the whole
//! list would be shorter; but who asks the log about one person would have to be shown all the others to check it.
//!
//! An import with a role that takes two operators takes two: the first one's is a proposal, and is confirmed by handing in the same.
//!
//! `table` reads CSV, `stated` makes typed rows of it, `plan` holds them against what is there, `apply` writes, `undo` takes back.

mod apply;
mod plan;
mod stated;
pub mod table;
mod undo;

use std::sync::Arc;

use audit::{Action, EventDraft, Outcome};
use crypto::digest::{hex, sha256};
use schemas::directory::{ImportOutcome, ImportRequest, ImportTable, RowError};
use schemas::limits::IMPORT_ERRORS;
use schemas::{ImportId, ProblemCode};

use super::{DirectoryError, NotDone, People, retried};
use crate::decide::{ImportDirectory, Permit};
use crate::proposals::{self, Proposed, Turn};
use crate::registry::Registry;
use plan::Plan;
use stated::Stated;

/// What is proposed here.
const IMPORT: &str = "import_directory";

/// What is wrong with rows: the first of it, and how much there is.
#[derive(Debug, Clone, Default)]
struct Faults {
    first: Vec<RowError>,
    all: u64,
}

impl Faults {
    fn push(&mut self, table: ImportTable, line: u64, column: Option<&str>, code: ProblemCode, detail: Option<String>) {
        self.all += 1;
        if self.first.len() < IMPORT_ERRORS {
            self.first.push(RowError::new(table, line, column, code, detail));
        }
    }

    /// What a rule says, of a row.
    fn push_refusal(&mut self, table: ImportTable, line: u64, column: &str, code: ProblemCode, detail: String) {
        self.push(table, line, Some(column), code, Some(detail));
    }
}

/// The SHA-256 of what is handed in: each table by its length and its text, one that is absent by nothing.
fn digest(request: &ImportRequest) -> [u8; 32] {
    let mut message = Vec::new();
    for (name, text) in
        [("participants", &request.participants), ("people", &request.people), ("roles", &request.roles)]
    {
        if let Some(text) = text {
            message.extend_from_slice(format!("{name} {}\n", text.len()).as_bytes());
            message.extend_from_slice(text.as_bytes());
        }
    }
    sha256(&message)
}

impl People {
    /// Enters what tables state, or says what would be entered.
    ///
    /// # Errors
    /// [`DirectoryError::Invalid`]: `ImportRefused` where a row is wrong and it is no dry run; `SameOperator`; `PeopleNotKept`.
    pub async fn import(
        &self,
        permit: Permit<ImportDirectory>,
        registry: &Registry,
        request: ImportRequest,
    ) -> Result<ImportOutcome, DirectoryError> {
        let sha256 = digest(&request);
        let dry_run = request.dry_run;
        let stated = Arc::new(Stated::read(&request, self.key()?));
        drop(request);
        let outcome = retried!(self.try_import(&permit, &stated, sha256, dry_run))?;
        if outcome.import.is_some() {
            self.inner.kept.forget();
            registry.forget();
        }
        Ok(outcome)
    }

    async fn try_import(
        &self,
        permit: &Permit<ImportDirectory>,
        stated: &Arc<Stated>,
        sha256: [u8; 32],
        dry_run: bool,
    ) -> Result<ImportOutcome, NotDone> {
        let (people, rows, actor, subject) = (self.clone(), stated.clone(), permit.actor().clone(), hex(&sha256));
        let (now, about) = (self.inner.clock.now(), subject.clone());
        let planned = self.inner.ledger.reader().read("plan_import", move |tx| {
            let plan = plan::make(tx, &rows, &plan::Terms { operators: &people.inner.operators, actor: &actor, now })?;
            let proposed = proposals::find(tx, IMPORT, &about)?.filter(|proposed| now < proposed.until);
            let own = match &proposed {
                Some(proposed) => people.inner.operators.are_one_human(tx, &proposed.proposed_by, &actor)?,
                None => false,
            };
            Ok((plan, proposed, own))
        });
        let (plan, proposed, own) = planned.await?;
        if dry_run || (plan.is_empty() && plan.faults.all == 0) {
            self.record_dry_run(permit, &plan).await?;
            return Ok(plan.outcome(None, None));
        }
        if plan.faults.all > 0 {
            let first = plan.faults.first.first();
            let place = |first: &RowError| format!(", the first in line {} of {}", first.line, first.table.as_str());
            let detail = format!("{} faults{}", plan.faults.all, first.map(place).unwrap_or_default());
            return Err(DirectoryError::invalid(ProblemCode::ImportRefused, detail).into());
        }
        if !plan.takes_two() {
            return self
                .apply_import(permit, apply::Work { stated: stated.clone(), plan, sha256, confirmed: None })
                .await;
        }
        if own {
            return Err(proposals::SameOperator.into());
        }
        match proposals::turn(proposed, IMPORT, &subject, permit.actor(), now)? {
            Turn::Propose(new) => self.propose_import(permit, &plan, new).await,
            Turn::Confirm(confirmed) => {
                let (stated, confirmed) = (stated.clone(), Some(confirmed));
                self.apply_import(permit, apply::Work { stated, plan, sha256, confirmed }).await
            }
        }
    }

    /// What would be entered says who is in the directory.
    async fn record_dry_run(&self, permit: &Permit<ImportDirectory>, plan: &Plan) -> Result<(), NotDone> {
        let recorded = self.inner.ledger.record(EventDraft {
            action: Action::ReadPeople,
            actor: permit.actor().pseudonym(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::json!({ "import": plan.counts(), "faults": plan.faults.all }),
        });
        recorded.await?;
        Ok(())
    }

    async fn propose_import(
        &self,
        permit: &Permit<ImportDirectory>,
        plan: &Plan,
        new: Proposed,
    ) -> Result<ImportOutcome, NotDone> {
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ProposeImport,
            actor: permit.actor().pseudonym(),
            object: Some(format!("sha256:{}", new.subject)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "proposal": new.id, "import": plan.counts() }),
        });
        let proposal = new.shown();
        let done = self.inner.ledger.transact("propose_import", move |tx| {
            if !proposals::write(tx, &new)? {
                return Err(NotDone::Overtaken);
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        done.await?;
        Ok(plan.outcome(None, Some(proposal)))
    }
}

/// How an import is called in the log.
fn object(import: ImportId) -> String {
    format!("import:{import}")
}

#[cfg(test)]
mod tests;
