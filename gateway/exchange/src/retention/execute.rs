//! Acts are carried out: piece by piece, from the beginning of the document to its end.
//!
//! A piece is one transaction: the steps V.8 of its messages, what of it was left and why, and how far the act has come. That number moves
//! from exactly what was read, so that of two processes one finds that the piece is done, and after a crash the next one goes on where the last commit
//! stands. Objects are removed after the commit; what a crash leaves of them no row names, and the sweep takes it.

use audit::{Action, EventDraft, Outcome};
use crypto::digest::{hex, sha256};
use schemas::retention::{ActDocument, ActMessage, WhyLeft};
use schemas::{DisposalActId, MessageId};
use storage::{StoreError, Tx, TxError};

use super::Kept;
use super::act::{digests, object};
use crate::edge::{self, Deed, Edge, NoEdge};
use crate::message::Message;
use crate::service::Exchange;
use crate::state::Step;
use crate::tables::{self, Piece, StoredAct};

/// Messages of a piece: some milliseconds of the writer, so that nobody waits behind it.
const PIECE: usize = 32;

/// How often a piece is prepared anew because a message of it moved meanwhile.
const TRIES: u32 = 8;

/// What becomes of a message of an act.
enum Fate {
    Erased(Box<Edge>),
    Left(MessageId, WhyLeft),
}

/// A message as it is found before its fate is known; None: it is not there.
type Seen = Option<(Message, Option<Kept>)>;

/// What a piece brought.
struct Done {
    erased: usize,
    /// Objects that no row names any more.
    objects: Vec<String>,
}

/// Why a piece was not committed.
enum NotDone {
    /// A message moved, or another process was faster.
    Overtaken,
    Store(StoreError),
}

impl From<StoreError> for NotDone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Exchange {
    /// Carries out the oldest act that has both its signatures, up to `pieces` of it. Returns how many messages were looked at: 0
    /// means that there is nothing to do.
    ///
    /// # Errors
    /// When the store fails, or the act's document is not the one that was signed. What was committed by then stays.
    pub async fn dispose_round(&self, pieces: u32) -> Result<usize, StoreError> {
        let Some((mut act, document)) = self.act_to_execute().await? else { return Ok(0) };
        let mut looked = 0_usize;
        for _ in 0..pieces {
            let from = usize::try_from(act.done).map_err(|_| StoreError::Corrupt("disposal_act.done"))?;
            let messages: Vec<_> = document.messages.iter().skip(from).take(PIECE).cloned().collect();
            if messages.is_empty() {
                break;
            }
            if !self.carry_out(&act, &document, &messages).await? {
                break;
            }
            looked = looked.saturating_add(messages.len());
            act.done = act.done.saturating_add(u32::try_from(messages.len()).unwrap_or(u32::MAX));
        }
        Ok(looked)
    }

    async fn act_to_execute(&self) -> Result<Option<(StoredAct, ActDocument)>, StoreError> {
        let found = self.inner.ledger.reader().read("act_to_execute", move |tx| {
            let Some(act) = tables::executing_act(tx)? else { return Ok(None) };
            let document = tables::act_document(tx, act.id)?;
            Ok(Some((act, document)))
        });
        let Some((act, bytes)) = found.await? else { return Ok(None) };
        // What two people signed, and nothing else.
        if sha256(&bytes) != act.sha256 {
            return Err(StoreError::Corrupt("disposal_document.document"));
        }
        let document = serde_json::from_slice(&bytes).map_err(|_| StoreError::Corrupt("disposal_document.document"))?;
        Ok(Some((act, document)))
    }

    /// False where another process carries the act out as well, and is faster.
    async fn carry_out(
        &self,
        act: &StoredAct,
        document: &ActDocument,
        messages: &[ActMessage],
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let fates = self.fates(act, document, messages).await?;
            match self.commit_piece(act, document, fates).await {
                Ok(done) => {
                    metrics::counter!("vuzol_messages_erased_total")
                        .increment(u64::try_from(done.erased).unwrap_or(u64::MAX));
                    self.remove(done.objects).await;
                    return Ok(true);
                }
                Err(NotDone::Overtaken) => {
                    let id = act.id;
                    let now = self.inner.ledger.reader().read("act", move |tx| tables::act(tx, id)).await?;
                    if now.is_none_or(|now| now.done != act.done) {
                        return Ok(false);
                    }
                }
                Err(NotDone::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Overloaded)
    }

    async fn fates(
        &self,
        act: &StoredAct,
        document: &ActDocument,
        messages: &[ActMessage],
    ) -> Result<Vec<Fate>, StoreError> {
        let ids: Vec<_> = messages.iter().map(|message| message.message_id).collect();
        let rules = std::sync::Arc::clone(&self.inner.retention);
        let seen = self.inner.ledger.reader().read("messages_of_act", move |tx| {
            let look = |id: &MessageId| -> Result<Seen, StoreError> {
                let Some(message) = tables::read_message(tx, *id)? else { return Ok(None) };
                let kept = Kept::of(tx, &message, &rules)?;
                Ok(Some((message, kept)))
            };
            ids.iter().map(look).collect::<Result<Vec<_>, _>>()
        });
        let seen = seen.await?;
        messages.iter().zip(seen).map(|(named, seen)| self.fate(act, document, named, seen)).collect()
    }

    /// What becomes of a message, as far as that can be told before the transaction.
    fn fate(
        &self,
        act: &StoredAct,
        document: &ActDocument,
        named: &ActMessage,
        seen: Seen,
    ) -> Result<Fate, StoreError> {
        let left = |why| Ok(Fate::Left(named.message_id, why));
        let Some((message, kept)) = seen else { return left(WhyLeft::Gone) };
        if message.standing() == schemas::message::MessageState::Erased {
            return left(WhyLeft::Gone);
        }
        let now = self.inner.clock.now();
        let Some(kept) = kept.filter(|kept| is_due(kept, document, &message, named, now)) else {
            return left(WhyLeft::NotDue);
        };
        if kept.on_hold {
            return left(WhyLeft::Held);
        }
        let details = serde_json::json!({ "act": act.id, "act_sha256": hex(&act.sha256) });
        match self.edge(&message, &Step::Erase, Deed::of_node(Action::EraseMessage, details)) {
            Ok(edge) => Ok(Fate::Erased(Box::new(edge))),
            Err(NoEdge::Wrong(_)) => left(WhyLeft::NotDue),
            Err(NoEdge::Signing(error)) => {
                tracing::error!(%error, "evidence cannot be signed");
                Err(StoreError::Corrupt("evidence"))
            }
        }
    }

    async fn commit_piece(&self, act: &StoredAct, document: &ActDocument, fates: Vec<Fate>) -> Result<Done, NotDone> {
        let to = act.done.saturating_add(u32::try_from(fates.len()).unwrap_or(u32::MAX));
        let whole = usize::try_from(to).is_ok_and(|to| to >= document.messages.len());
        let event = self.inner.ledger.prepare(EventDraft {
            action: Action::ExecuteDisposalAct,
            actor: "node".to_owned(),
            object: Some(object(act.id)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "from": act.done, "to": to, "of": act.messages }),
        });
        let piece = Piece { act: act.id, from: act.done, to, at: event.at(), whole };
        let committed = self.inner.ledger.transact("carry_out_disposal", move |tx| {
            let done = erase(tx, piece.act, &fates)?;
            if !tables::advance_act(tx, &piece, done.erased)? {
                return Err(NotDone::Overtaken);
            }
            Ok(audit::append(tx, &event)?.with(done))
        });
        committed.await.map_err(|error| match error {
            TxError::Refused(error) => error,
            TxError::Store(error) => NotDone::Store(error),
        })
    }

    async fn remove(&self, objects: Vec<String>) {
        for key in objects {
            if let Err(error) = self.inner.objects.delete(&key).await {
                tracing::warn!(key, %error, "a part of an erased message is left to the sweep");
            }
        }
    }
}

/// Takes the steps. A hold that was placed since the fates were told is found here.
fn erase(tx: &mut Tx<'_>, act: DisposalActId, fates: &[Fate]) -> Result<Done, NotDone> {
    let mut done = Done { erased: 0, objects: Vec::new() };
    for fate in fates {
        let left = match fate {
            Fate::Left(message, why) => Some((*message, *why)),
            Fate::Erased(edge) if tables::is_held(tx, edge.message.id)? => Some((edge.message.id, WhyLeft::Held)),
            Fate::Erased(edge) => {
                done.objects.extend(tables::objects_of(tx, edge.message.id)?);
                edge::take(tx, edge, None)?.ok_or(NotDone::Overtaken)?;
                done.erased = done.erased.saturating_add(1);
                None
            }
        };
        if let Some((message, why)) = left {
            tables::insert_left(tx, act, message, why)?;
        }
    }
    Ok(done)
}

/// Whether the message is the one that the act names, and its time is over by what holds now.
fn is_due(
    kept: &Kept,
    document: &ActDocument,
    message: &Message,
    named: &ActMessage,
    now: time::OffsetDateTime,
) -> bool {
    kept.class == document.class
        && digests(&message.parts) == named.parts
        && kept.disposable_from.is_some_and(|from| from <= now)
}
