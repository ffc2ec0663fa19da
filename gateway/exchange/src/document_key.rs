//! Who can open a document: its recipient alone, or the node for a recipient that has no encryption certificate.
//!
//! | the recipient | the document key is wrapped | who opens |
//! |---|---|---|
//! | has a valid encryption certificate | to it, as CMS | the recipient alone |
//! | has none, and its channel says `node_held_keys` | by the node's key ring ([`crate::key_ring`]) | the recipient, with the key that the node hands over |
//! | has one that is expired, revoked or not trusted | not at all: refused | - |
//!
//! **When the ring is asked.** Only where an operator said so of the channel, and the node has a ring: what senders were promised, that
//! nobody but the recipient reads, does not change because a ring was made for something else. A certificate that is no longer
//! good is a reason to get another one, not to fall back to the node. Nor is a mailbox at another node served so: that node's ring is not ours.
//!
//! **What is handed over.** The document key, in the lease, and not the opened document. Parts stay sealed on their way, so ranges, sizes,
//! digests and evidence are the same for every recipient, one code in a client opens them all, chunk by chunk with its check, and the
//! node unwraps 32 bytes and never has the document open again. A key without its parts opens nothing, so that E.1 still comes
//! before the first byte that can be read.
//!
//! **When the key is gone.** A ring key that was destroyed, or an envelope that an erasure removed, leaves a message that nobody reads:
//! the lease says so of the message, its parts are refused with `message.key_destroyed`, no handover is stated. What an erasure took
//! from a mailbox before it was fetched comes to its end, V.8, by the timer (`crate::timers`); who has fetched it may still answer.

use audit::Action;
use certs::certificate::Certificate;
use crypto::seal::DocumentKey;
use schemas::message::Envelope;
use schemas::{Edrpou, MessageId, ProblemCode};

use crate::edge::{Deed, Edge, NoEdge};
use crate::key_ring::{KeyRing, KeyRingError};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::Leased;

/// To whom the key of a document is wrapped.
pub(crate) enum SealTo {
    /// To the recipient's certificate.
    Certificate(Certificate),
    /// Under the node's own ring.
    Ring,
}

impl SealTo {
    /// DER of the certificate, where there is one.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        match self {
            Self::Certificate(certificate) => Some(certificate.der().to_vec()),
            Self::Ring => None,
        }
    }
}

/// What a recipient is handed of a message's key.
pub(crate) enum HandedKey {
    /// The envelope, which only the recipient opens.
    Sealed,
    /// The key itself, which lay under the node's ring.
    Open(DocumentKey),
    /// Nothing: nobody opens the message, or not now.
    Unreadable(ProblemCode),
}

impl Exchange {
    /// To whom the key of such a document is wrapped, as far as that can be told without asking anyone outside.
    pub(crate) async fn seal_to(&self, envelope: &Envelope) -> Result<SealTo, Refusal> {
        match self.encryption_certificate(envelope).await {
            Ok(certificate) => Ok(SealTo::Certificate(certificate)),
            Err(refusal) => {
                let fallback =
                    refusal.code == ProblemCode::RecipientCannotReceive && self.may_hold_key(envelope).await?;
                if fallback { Ok(SealTo::Ring) } else { Err(refusal) }
            }
        }
    }

    /// Whether the node may hold the key of such a document: it has a ring, the mailbox is here and without a certificate, and
    /// the channel allows it.
    async fn may_hold_key(&self, envelope: &Envelope) -> Result<bool, Refusal> {
        let (Envelope { sender, recipient, kind, .. }, registry) = (envelope, &self.inner.registry);
        let participant = recipient.participant();
        if self.inner.ring.is_none()
            || registry.encryption_certificate(participant).await?.is_some()
            || registry.home(participant).await?.is_some()
        {
            return Ok(false);
        }
        let policy = registry.channel_policy(*sender, recipient, kind).await?;
        Ok(policy.is_some_and(|policy| policy.node_held_keys))
    }

    /// What has to be asked outside: nothing is sealed to a key that is reported lost.
    pub(crate) async fn check_seal_to(&self, recipient: Edrpou, to: &SealTo) -> Result<(), Refusal> {
        match to {
            SealTo::Certificate(certificate) => self.check_encryption(recipient, certificate).await,
            SealTo::Ring => Ok(()),
        }
    }

    /// Wraps the key of a message's document: what `message.key_envelope` holds.
    pub(crate) fn wrap_key(
        &self,
        message: MessageId,
        recipient: Edrpou,
        key: &DocumentKey,
        to: &SealTo,
    ) -> Result<Vec<u8>, Refusal> {
        match (to, &self.inner.ring) {
            (SealTo::Certificate(certificate), _) => signing::envelope::seal_key(key, certificate).map_err(|error| {
                tracing::warn!(%recipient, %error, "a key cannot be sealed");
                ProblemCode::RecipientCannotReceive.into()
            }),
            (SealTo::Ring, Some(ring)) => Ok(ring.wrap(message, key)?),
            (SealTo::Ring, None) => Err(ProblemCode::RecipientCannotReceive.into()),
        }
    }

    /// What the recipient is handed for each of these messages. Empty where each has its envelope to a certificate, as is usual.
    pub(crate) fn handed_keys(&self, leased: &[Leased]) -> Vec<HandedKey> {
        let usual =
            |leased: &Leased| leased.key_envelope.as_deref().is_some_and(|envelope| !KeyRing::is_envelope(envelope));
        if leased.iter().all(usual) {
            return Vec::new();
        }
        leased.iter().map(|leased| self.handed_key(leased.message.id, leased.key_envelope.as_deref())).collect()
    }

    /// What the recipient is handed for a message with this envelope; None: it was destroyed.
    pub(crate) fn handed_key(&self, message: MessageId, envelope: Option<&[u8]>) -> HandedKey {
        let Some(envelope) = envelope else { return HandedKey::Unreadable(ProblemCode::KeyDestroyed) };
        if !KeyRing::is_envelope(envelope) {
            return HandedKey::Sealed;
        }
        match self.inner.ring.as_ref().map(|ring| ring.unwrap(message, envelope)) {
            Some(Ok(key)) => HandedKey::Open(key),
            Some(Err(KeyRingError::UnknownKey(_))) => HandedKey::Unreadable(ProblemCode::KeyDestroyed),
            Some(Err(error)) => {
                tracing::error!(%message, code = error.code(), %error, "the key of a message cannot be used");
                HandedKey::Unreadable(ProblemCode::KeyUnavailable)
            }
            None => {
                tracing::error!(%message, "the key of a message lies under a ring that the configuration does not name");
                HandedKey::Unreadable(ProblemCode::KeyUnavailable)
            }
        }
    }

    /// The end of a message whose key was destroyed before its recipient had dealt with it: V.8.
    pub(crate) fn key_is_gone(&self, message: &Message) -> Result<Edge, NoEdge> {
        let details = serde_json::json!({ "state": message.standing(), "reason": ProblemCode::KeyDestroyed.as_str() });
        self.edge(message, &Step::Erase, Deed::of_node(Action::EraseMessage, details))
    }
}

/// Says in the audit entry of an acceptance that the node holds the key; where it does not, says nothing.
pub(crate) fn note_holder(details: &mut serde_json::Value, by_the_ring: bool) {
    if let (true, Some(details)) = (by_the_ring, details.as_object_mut()) {
        details.insert("key_holder".to_owned(), "node".into());
    }
}
