//! Participants, their mailboxes, certificates and channels, as operators state them.
//!
//! Everything is held in memory as one immutable snapshot: a lookup never touches the database. The snapshot is read
//! again after each change of this process, and once a second looks whether another process changed the registry.

mod encryption;
pub(crate) mod entering;
mod homes;
mod presence;
mod registration;
mod retention;
mod routing;
mod rows;
mod search;
mod snapshot;

use std::collections::BTreeSet;
use std::sync::Arc;

use audit::{Action, Event, EventDraft, Ledger, Outcome};
use certs::certificate::Certificate;
use schemas::limits::KINDS;
use schemas::registry::{Channel, ChannelPolicy, Participant, ParticipantRegistration};
use schemas::{DocumentKind, Edrpou, MailboxId, ProblemCode, RetentionClass};
use storage::{Clock, StoreError, Tx, TxError};

use crate::decide::{Permit, RegisterParticipant, SetChannel};
use crate::kept::Kept;
use presence::Presence;
use registration::Registration;
pub(crate) use registration::can_log_in;
pub use retention::{UnknownClass, retention_class};
pub(crate) use snapshot::Snapshot;

/// The registry. Cheap to clone; clones share the snapshot.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    kept: Kept<Snapshot>,
    presence: Presence,
    /// Which classes of retention the terms of a channel may name.
    classes: BTreeSet<RetentionClass>,
}

/// A change of the registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator stated something that cannot be.
    #[error("{code}: {detail}")]
    Invalid {
        /// What the operator is told.
        code: ProblemCode,
        /// What exactly is wrong.
        detail: String,
    },
}

impl RegistryError {
    pub(crate) fn invalid(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::Invalid { code, detail: detail.into() }
    }
}

impl Registry {
    /// A registry over the ledger's database, whose channels may name the class of retention that is usual, and no other. Reads
    /// nothing yet.
    #[must_use]
    pub fn new(ledger: Ledger, clock: Arc<dyn Clock>) -> Self {
        Self::with_classes(ledger, clock, BTreeSet::from([RetentionClass::default()]))
    }

    /// The same, whose channels may name these classes of retention.
    #[must_use]
    pub fn with_classes(ledger: Ledger, clock: Arc<dyn Clock>, classes: BTreeSet<RetentionClass>) -> Self {
        let (kept, presence) = (Kept::default(), Presence::default());
        Self { inner: Arc::new(Inner { ledger, clock, kept, presence, classes }) }
    }

    /// Enters a participant, or replaces all that was stated of it. Channels to a mailbox that is no longer there are closed, and
    /// functional addresses of it are removed. A suspension stays. The audit row is in the same transaction.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] with `MalformedJson`: a certificate that does not parse or does not fit its usage, names
    /// another organisation, or is another participant's login; a mailbox name that is none; too many of them; a number outside
    /// its bounds.
    pub async fn register(
        &self,
        permit: Permit<RegisterParticipant>,
        registration: ParticipantRegistration,
    ) -> Result<Participant, RegistryError> {
        let edrpou = *permit.resource();
        let registration = Registration::check(edrpou, registration)?;
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::RegisterParticipant,
            actor: permit.actor().pseudonym(),
            object: Some(format!("participant:{edrpou}")),
            outcome: Outcome::Done,
            details: registration.audit_details(),
        });
        let changed = self.inner.ledger.transact("register_participant", move |tx| {
            rows::replace_participant(tx, &registration, event.at())?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        match changed.await {
            Ok(()) => {}
            // The one uniqueness rule that a registration can break.
            Err(TxError::Refused(StoreError::Conflict) | TxError::Store(StoreError::Conflict)) => {
                let detail = "a login certificate is registered by another participant";
                return Err(RegistryError::invalid(ProblemCode::MalformedJson, detail));
            }
            Err(TxError::Refused(error) | TxError::Store(error)) => return Err(error.into()),
        }
        self.forget();
        self.participant(edrpou).await?.ok_or(RegistryError::Store(StoreError::Corrupt("participant")))
    }

    /// Opens a channel for exactly the kinds that it names, under the terms that it states for all of them, or closes it where it
    /// names none. The audit row is in the same transaction.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`]: `UnknownRecipient` when there is no such mailbox, `NotFound` when there is no such
    /// sender, `MalformedJson` when the channel is for another mailbox than the permit, names too many kinds, or states terms
    /// that are out of bounds, `UnknownRetentionClass` when they name a class that the node's configuration does not have.
    pub async fn set_channel(&self, permit: Permit<SetChannel>, channel: Channel) -> Result<(), RegistryError> {
        let Channel { sender, recipient, mut kinds, policy } = channel;
        kinds.sort();
        kinds.dedup();
        if recipient != *permit.resource() {
            let detail = "the channel is for another mailbox than the one that was asked for";
            return Err(RegistryError::invalid(ProblemCode::MalformedJson, detail));
        }
        if kinds.len() > KINDS {
            let detail = format!("a channel names at most {KINDS} kinds");
            return Err(RegistryError::invalid(ProblemCode::MalformedJson, detail));
        }
        if let Some(policy) = &policy {
            policy.check().map_err(|error| RegistryError::invalid(ProblemCode::MalformedJson, error.to_string()))?;
            self.check_class(&policy.retention)?;
        }
        let snapshot = self.snapshot().await?;
        if !snapshot.has_mailbox(&recipient) {
            return Err(RegistryError::invalid(ProblemCode::UnknownRecipient, "there is no such mailbox"));
        }
        if snapshot.entry(sender).is_none() {
            return Err(RegistryError::invalid(ProblemCode::NotFound, "there is no such sender"));
        }
        let event = self.inner.ledger.prepare(EventDraft {
            action: if kinds.is_empty() { Action::RemoveChannel } else { Action::SetChannel },
            actor: permit.actor().pseudonym(),
            object: Some(format!("mailbox:{recipient}")),
            outcome: Outcome::Done,
            details: serde_json::json!({ "sender": sender, "kinds": &kinds, "policy": &policy }),
        });
        let at = event.at();
        self.change("set_channel", event, move |tx| {
            rows::replace_channel(tx, sender, &recipient, &kinds, policy.as_ref())?;
            let class = policy.as_ref().map(|policy| policy.retention.clone()).unwrap_or_default();
            if kinds.is_empty() { Ok(()) } else { retention::remember(tx, sender, &recipient, &class, at) }
        })
        .await
    }

    /// Commits a change with its audit row, and reads the registry anew.
    async fn change<F>(&self, name: &'static str, event: Event, mut f: F) -> Result<(), RegistryError>
    where
        F: FnMut(&mut Tx<'_>) -> Result<(), StoreError> + Send + 'static,
    {
        let changed = self.inner.ledger.transact(name, move |tx| {
            f(tx)?;
            Ok::<_, StoreError>(audit::append(tx, &event)?.with(()))
        });
        changed.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })?;
        self.forget();
        self.snapshot().await?;
        Ok(())
    }

    /// One participant.
    ///
    /// # Errors
    /// When the registry was never read, or not for long, and cannot be read now; so for all lookups below.
    pub async fn participant(&self, edrpou: Edrpou) -> Result<Option<Participant>, StoreError> {
        let snapshot = self.snapshot().await?;
        Ok(snapshot.entry(edrpou).map(|entry| self.view(&snapshot, edrpou, entry)))
    }

    /// Who registered the login certificate with this SHA-256.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn login_owner(&self, certificate: &[u8; 32]) -> Result<Option<Edrpou>, StoreError> {
        Ok(self.snapshot().await?.login_owner(certificate))
    }

    /// Whether the mailbox is registered.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn mailbox_exists(&self, mailbox: &MailboxId) -> Result<bool, StoreError> {
        Ok(self.snapshot().await?.has_mailbox(mailbox))
    }

    /// The peer at which the participant's mailboxes are, by its name; none: they are here, or it is not registered.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn home(&self, participant: Edrpou) -> Result<Option<String>, StoreError> {
        Ok(self.snapshot().await?.home(participant).map(str::to_owned))
    }

    /// The participant's encryption certificate. That it is valid is for the caller to check.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn encryption_certificate(&self, participant: Edrpou) -> Result<Option<Certificate>, StoreError> {
        Ok(self.snapshot().await?.entry(participant).and_then(|entry| entry.encryption.clone()))
    }

    /// The certificates that operators registered, the newest first; at most `most`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub async fn registered_certificates(&self, most: u32) -> Result<Vec<Certificate>, StoreError> {
        self.inner.ledger.reader().read("registered_certificates", move |tx| rows::certificates(tx, most)).await
    }

    /// Whether an operator opened a channel from the sender to the mailbox for this kind.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn channel_allows(
        &self,
        sender: Edrpou,
        recipient: &MailboxId,
        kind: &DocumentKind,
    ) -> Result<bool, StoreError> {
        Ok(self.snapshot().await?.channel_policy(sender, recipient, kind).is_some())
    }

    /// The terms of the channel from the sender to the mailbox for this kind; none where an operator opened none.
    ///
    /// # Errors
    /// As [`Self::participant`].
    pub async fn channel_policy(
        &self,
        sender: Edrpou,
        recipient: &MailboxId,
        kind: &DocumentKind,
    ) -> Result<Option<ChannelPolicy>, StoreError> {
        Ok(self.snapshot().await?.channel_policy(sender, recipient, kind).cloned())
    }

    /// Puts on record what changes nothing.
    pub(crate) async fn record(&self, draft: EventDraft) -> Result<(), StoreError> {
        self.inner.ledger.record(draft).await.map(drop)
    }

    /// The current snapshot, at most a second old.
    pub(crate) async fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        self.inner.kept.current(self.inner.ledger.reader(), self.inner.clock.now()).await
    }

    /// After a change: the next lookup reads the database.
    pub(crate) fn forget(&self) {
        self.inner.kept.forget();
    }
}

#[cfg(test)]
mod tests;
