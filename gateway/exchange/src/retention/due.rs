//! What is due for disposal.
//!
//! No index is kept for it: the index by which mailboxes are listed by state leads there, mailbox by mailbox, and what was erased is
//! out of the way in a state of its own. Identifiers begin with the time at which they were made, so that a mailbox is read up to where the
//! shortest class begins and no further. (A node that gives its messages numbers of the future keeps them out of the list until then.)

use access::Permit;
use access::decide::ReadRetention;
use audit::Action;
use schemas::limits::PAGE_ITEMS;
use schemas::retention::{DueMessage, DuePage};
use schemas::{Edrpou, MessageId, ProblemCode, RetentionClass};
use storage::{StoreError, Tx};
use time::{Duration, OffsetDateTime};

use super::{KEPT, Kept, Retention};
use crate::message::Message;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables;

/// Messages that one reading looks at: some ten milliseconds.
const SCANNED: usize = 1000;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct DueQuery {
    /// Only of this class.
    pub class: Option<RetentionClass>,
    /// Only what lies in mailboxes of this participant.
    pub participant: Option<Edrpou>,
    /// Only after this message, in the order of the list.
    pub after: Option<MessageId>,
    /// How many at most, 1 to [`PAGE_ITEMS`].
    pub limit: u32,
}

/// A message that is due.
pub(super) struct Due {
    pub(super) message: Message,
    pub(super) class: RetentionClass,
    pub(super) disposable_from: OffsetDateTime,
    pub(super) on_hold: bool,
}

/// What a reading found, and after which message the next one begins; None: everything was looked at.
pub(super) type Found = (Vec<Due>, Option<MessageId>);

impl Exchange {
    /// One page of what is due, by mailbox, then oldest first, with what is under a hold.
    ///
    /// # Errors
    /// `UnknownRetentionClass`; `MalformedQuery` where `after` is no message; otherwise when the store fails.
    pub async fn due_for_disposal(&self, permit: Permit<ReadRetention>, query: DueQuery) -> Result<DuePage, Refusal> {
        let details = serde_json::json!({ "what": "due", "class": query.class, "participant": query.participant });
        let limit = query.limit.clamp(1, PAGE_ITEMS);
        let (found, next_after) = self.read_due(DueQuery { limit, ..query }).await?;
        self.record_read(Action::ReadRetention, permit.actor().pseudonym(), None, details).await?;
        Ok(DuePage { messages: found.into_iter().map(Due::shown).collect(), next_after })
    }

    pub(super) async fn read_due(&self, query: DueQuery) -> Result<Found, Refusal> {
        if let Some(class) = &query.class
            && self.inner.retention.keep(class).is_none()
        {
            return Err(Refusal::with_detail(ProblemCode::UnknownRetentionClass, class.as_str()));
        }
        let (rules, now) = (std::sync::Arc::clone(&self.inner.retention), self.inner.clock.now());
        let reader = self.inner.ledger.reader();
        let found = reader.read("due_for_disposal", move |tx| scan(tx, &query, &rules, now)).await?;
        found.ok_or_else(|| Refusal::with_detail(ProblemCode::MalformedQuery, "after: there is no such message"))
    }
}

impl Due {
    fn shown(self) -> DueMessage {
        let Self { message, class, disposable_from, on_hold } = self;
        DueMessage {
            message_id: message.id,
            case_id: message.case,
            sender: message.sender,
            state: message.standing(),
            settled_at: message.changed_at,
            sealed_size: message.parts.iter().map(|part| part.sealed_size).sum(),
            recipient: message.recipient,
            kind: message.kind,
            class,
            disposable_from,
            on_hold,
        }
    }
}

/// None where the message to begin after is not there.
fn scan(
    tx: &mut Tx<'_>,
    query: &DueQuery,
    rules: &Retention,
    now: OffsetDateTime,
) -> Result<Option<Found>, StoreError> {
    // Whole milliseconds: what was made in this one may be due already.
    let made_before = |age| first_of(now - age + Duration::MILLISECOND);
    let Some(before) = rules.shortest(query.class.as_ref()).map(made_before) else {
        return Ok(Some((Vec::new(), None)));
    };
    let range = tables::mailboxes_of(query.participant);
    let (mut mailbox, mut after) = match query.after {
        None => (tables::next_mailbox(tx, &range.start, &range.end)?, None),
        Some(after) => match tables::parties(tx, after)? {
            None => return Ok(None),
            Some((_, recipient)) => (Some(recipient.to_string()), Some(after)),
        },
    };
    let (mut found, mut looked) = (Vec::new(), 0);
    while let Some(current) = mailbox {
        let left = SCANNED.saturating_sub(looked);
        let kept = in_mailbox(tx, &current, after.take(), before, left)?;
        for message in kept {
            looked = looked.saturating_add(1);
            let id = message.id;
            found.extend(due(tx, message, query, rules, now)?);
            if found.len() >= usize::try_from(query.limit).unwrap_or(usize::MAX) || looked >= SCANNED {
                return Ok(Some((found, Some(id))));
            }
        }
        // A mailbox of which there is more than was asked for has ended the reading.
        mailbox = tables::next_mailbox(tx, &current, &range.end)?;
    }
    Ok(Some((found, None)))
}

/// The oldest messages of a mailbox whose outcome is known.
fn in_mailbox(
    tx: &mut Tx<'_>,
    mailbox: &str,
    after: Option<MessageId>,
    before: MessageId,
    limit: usize,
) -> Result<Vec<Message>, StoreError> {
    let mut all = Vec::new();
    for state in KEPT {
        all.extend(tables::kept_in_state(tx, mailbox, state, after, before, limit)?);
    }
    all.sort_by_key(|message| message.id);
    all.truncate(limit);
    Ok(all)
}

fn due(
    tx: &mut Tx<'_>,
    message: Message,
    query: &DueQuery,
    rules: &Retention,
    now: OffsetDateTime,
) -> Result<Option<Due>, StoreError> {
    let Some(Kept { class, disposable_from: Some(disposable_from), on_hold }) = Kept::of(tx, &message, rules)? else {
        return Ok(None);
    };
    let asked = query.class.as_ref().is_none_or(|asked| *asked == class) && disposable_from <= now;
    Ok(asked.then_some(Due { message, class, disposable_from, on_hold }))
}

/// What comes before every identifier that is made from this moment on.
fn first_of(at: OffsetDateTime) -> MessageId {
    MessageId::from_parts(u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0), [0; 10])
}
