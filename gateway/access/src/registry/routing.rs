//! Where documents go: functional addresses, and to whom nothing can be sent.

use audit::{Action, EventDraft, Outcome};
use schemas::routing::{FunctionalAddress, Suspension};
use schemas::{Addressee, AreaCode, MailboxId, ProblemCode, ServiceName};
use storage::{StoreError, TxError};

use super::{Registry, RegistryError, rows};
use crate::decide::{Permit, SetAddress, SetSuspension};

impl Registry {
    /// States who performs a service in an area, in the place of who did. The audit row is in the same transaction.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`]: `UnknownRecipient` where there is no such mailbox, `MalformedJson` where it is another service
    /// than that of the permit.
    pub async fn set_address(
        &self,
        permit: Permit<SetAddress>,
        address: FunctionalAddress,
    ) -> Result<(), RegistryError> {
        if address.service != *permit.resource() {
            let detail = "the address is of another service than the one that was asked for";
            return Err(RegistryError::invalid(ProblemCode::MalformedJson, detail));
        }
        if !self.snapshot().await?.has_mailbox(&address.mailbox) {
            return Err(RegistryError::invalid(ProblemCode::UnknownRecipient, "there is no such mailbox"));
        }
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::SetAddress,
            actor: permit.actor().pseudonym(),
            object: Some(object(&address.service)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "area": address.area, "mailbox": &address.mailbox }),
        });
        let at = event.at();
        self.change("set_address", event, move |tx| rows::replace_address(tx, &address, at)).await
    }

    /// Takes such a statement back: exactly that of the service and the area. The audit row is in the same transaction.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] with `NotFound`: there is none.
    pub async fn remove_address(
        &self,
        permit: Permit<SetAddress>,
        area: Option<AreaCode>,
    ) -> Result<(), RegistryError> {
        let service = permit.resource().clone();
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RemoveAddress,
            actor: permit.actor().pseudonym(),
            object: Some(object(&service)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "area": area }),
        });
        let removed = self.inner.ledger.transact("remove_address", move |tx| {
            let there = rows::delete_address(tx, &service, area)?;
            if there { Ok(audit::append(tx, &event)?.with(())) } else { Err(NotRemoved::NotThere) }
        });
        match removed.await {
            Ok(()) => {}
            Err(TxError::Refused(NotRemoved::NotThere)) => {
                let detail = "no functional address of this service is stated for exactly this area";
                return Err(RegistryError::invalid(ProblemCode::NotFound, detail));
            }
            Err(TxError::Refused(NotRemoved::Store(error)) | TxError::Store(error)) => return Err(error.into()),
        }
        self.forget();
        self.snapshot().await?;
        Ok(())
    }

    /// Who performs the service in the area, and for which area that was stated: for this one, else for the narrowest that holds
    /// it, else for wherever nothing else is stated.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn functional_address(
        &self,
        service: &ServiceName,
        area: Option<AreaCode>,
    ) -> Result<Option<FunctionalAddress>, StoreError> {
        Ok(self.snapshot().await?.functional_address(service, area).cloned())
    }

    /// The mailbox that documents of the service in the area go to.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn resolve(
        &self,
        service: &ServiceName,
        area: Option<AreaCode>,
    ) -> Result<Option<MailboxId>, StoreError> {
        Ok(self.functional_address(service, area).await?.map(|address| address.mailbox))
    }

    /// Stops everybody from sending to a participant or a mailbox, or lets them again. What was accepted before is delivered. The
    /// audit row is in the same transaction.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`]: `UnknownRecipient` where there is no such participant or mailbox to suspend, `MalformedJson`
    /// where it is another one than that of the permit.
    pub async fn set_suspension(
        &self,
        permit: Permit<SetSuspension>,
        suspension: Suspension,
    ) -> Result<(), RegistryError> {
        let Suspension { address, suspended } = suspension;
        if address != *permit.resource() {
            let detail = "the suspension is of another address than the one that was asked for";
            return Err(RegistryError::invalid(ProblemCode::MalformedJson, detail));
        }
        let snapshot = self.snapshot().await?;
        let there = match &address {
            Addressee::Participant(edrpou) => snapshot.entry(*edrpou).is_some(),
            Addressee::Mailbox(mailbox) => snapshot.has_mailbox(mailbox),
        };
        // What is not there any more can still be let go.
        if suspended && !there {
            return Err(RegistryError::invalid(
                ProblemCode::UnknownRecipient,
                "there is no such participant or mailbox",
            ));
        }
        let event = self.inner.ledger.prepare(EventDraft {
            action: if suspended { Action::SuspendRecipient } else { Action::ResumeRecipient },
            actor: permit.actor().pseudonym(),
            object: Some(match &address {
                Addressee::Participant(edrpou) => format!("participant:{edrpou}"),
                Addressee::Mailbox(mailbox) => format!("mailbox:{mailbox}"),
            }),
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        });
        let since = suspended.then(|| event.at());
        self.change("set_suspension", event, move |tx| rows::replace_suspension(tx, &address, since)).await
    }
}

fn object(service: &ServiceName) -> String {
    format!("service:{service}")
}

/// Why a statement was not taken back.
enum NotRemoved {
    /// There is none.
    NotThere,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for NotRemoved {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;
