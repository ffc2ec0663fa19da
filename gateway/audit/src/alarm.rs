//! Alarms of the log: raised and lowered once for each change, whichever process sees it, and each change is itself an event.

use crate::event::{Action, EventDraft, Outcome};
use crate::ledger::{Ledger, append};
use serde_json::Value;
use storage::{StoreError, TxError};
use time::OffsetDateTime;

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// No quorum of witnesses.
    Witness,
    /// No time-stamps.
    Anchor,
}

/// Why a transaction did not commit.
enum Unchanged {
    /// The alarm is what it should be.
    AsItIs,
    Store(StoreError),
}

impl From<StoreError> for Unchanged {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Alarm {
    fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Anchor => "anchor",
        }
    }

    fn action(self, raised: bool) -> Action {
        match (self, raised) {
            (Self::Witness, true) => Action::WitnessDegraded,
            (Self::Witness, false) => Action::WitnessRestored,
            (Self::Anchor, true) => Action::AnchorDegraded,
            (Self::Anchor, false) => Action::AnchorRestored,
        }
    }

    /// Raises or lowers it, with an event where that changes anything. True where it did.
    pub(crate) async fn set(
        self,
        ledger: &Ledger,
        raised: bool,
        now: OffsetDateTime,
        details: Value,
    ) -> Result<bool, StoreError> {
        let sql = "-- set_alarm
            UPDATE log_alarms SET raised = $1, at = $2 WHERE name = $3 AND raised <> $1";
        // Asked for every second, and changed once a year: the writer is not troubled in between.
        if self.is_raised(ledger).await? == raised {
            return Ok(false);
        }
        let draft = EventDraft {
            action: self.action(raised),
            actor: "node".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details,
        };
        let event = ledger.prepare(draft);
        let changed = ledger.transact("log_alarm", move |tx| {
            if tx.execute(sql, &[raised.into(), now.into(), self.name().into()])? == 0 {
                return Err(Unchanged::AsItIs);
            }
            Ok(append(tx, &event)?.with(()))
        });
        match changed.await {
            Ok(()) => Ok(true),
            Err(TxError::Refused(Unchanged::AsItIs)) => Ok(false),
            Err(TxError::Refused(Unchanged::Store(error)) | TxError::Store(error)) => Err(error),
        }
    }

    /// Whether it is raised.
    pub(crate) async fn is_raised(self, ledger: &Ledger) -> Result<bool, StoreError> {
        let sql = "-- is_raised
            SELECT raised FROM log_alarms WHERE name = $1";
        let read = ledger
            .reader()
            .read("log_alarm", move |tx| tx.query_optional(sql, &[self.name().into()], |row| row.integer(0)));
        Ok(read.await? == Some(1))
    }
}
