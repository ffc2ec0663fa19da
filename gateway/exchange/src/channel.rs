//! Whether the way from a sender to a mailbox is open now, where no permit says so: for what waited, and for what another node
//! brings.

use schemas::{DocumentKind, Edrpou, MailboxId, ProblemCode};

use crate::refusal::Refusal;
use crate::service::Exchange;

impl Exchange {
    /// An operator opened the channel for this kind, the recipient takes it, and nobody has suspended the recipient.
    ///
    /// # Errors
    /// `ChannelNotAllowed`, `UnknownRecipient`, `RecipientTakesOtherKinds`, `RecipientSuspended`; otherwise when the registry
    /// cannot be read.
    pub(crate) async fn open_way(
        &self,
        sender: Edrpou,
        recipient: &MailboxId,
        kind: &DocumentKind,
    ) -> Result<(), Refusal> {
        let registry = &self.inner.registry;
        if !registry.channel_allows(sender, recipient, kind).await? {
            return Err(ProblemCode::ChannelNotAllowed.into());
        }
        let owner = registry.participant(recipient.participant()).await?.ok_or(ProblemCode::UnknownRecipient)?;
        if !owner.reception.takes(kind) {
            return Err(ProblemCode::RecipientTakesOtherKinds.into());
        }
        if owner.suspended || owner.suspended_mailboxes.contains(recipient) {
            return Err(ProblemCode::RecipientSuspended.into());
        }
        Ok(())
    }
}
