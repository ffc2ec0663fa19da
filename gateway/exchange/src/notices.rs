//! Notices: who subscribed is told what happens to messages.
//!
//! Which notices a step brings is decided before its transaction, from subscriptions in memory, and they are written in it:
//! a step that nobody subscribed to pays nothing. The courier posts them; a notice is posted at least once, and each repeat
//! carries the same delivery id. What a recipient took in is stated (D.3), what it did not take in after days as well (D.4),
//! and stays visible as a dead letter.
//!
//! | module | what it holds |
//! |---|---|
//! | `subscriptions` | who subscribed to what, stated by participants, held in memory |
//! | [`courier`] | posts what is due, each receiver for itself |
//!
//! How bytes come to a receiver is the gateway's (`outbound::webhook`): here is only the trait that it implements.

pub mod courier;
mod subscriptions;

use std::future::Future;
use std::pin::Pin;

use audit::Event;
use schemas::evidence::EvidenceKind;
use schemas::notice::{Notice, NoticeEvent};
use schemas::{MailboxId, NoticeId};
use storage::ids::FreshId;
use time::OffsetDateTime;

use crate::edge::Edge;
use crate::message::Message;
use crate::service::Exchange;
use crate::state::Step;

pub use courier::Courier;
pub(crate) use subscriptions::{Subscribed, Subscriptions};

/// Brings notices to their receivers.
pub trait Poster: Send + Sync {
    /// Whether notices may be posted to this address.
    ///
    /// # Errors
    /// [`NotPermitted`].
    fn permitted(&self, url: &str) -> Result<(), NotPermitted>;

    /// How many notices may be on their way to the receiver at once now: none while it rests after failures.
    fn places(&self, receiver: &MailboxId, at: OffsetDateTime) -> u32;

    /// Posts once, within a bound of time: nothing is followed, nothing is tried again. Done where the receiver took it in.
    fn post<'a>(
        &'a self,
        receiver: &'a MailboxId,
        posting: Posting,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotPosted>> + Send + 'a>>;
}

/// One try of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Where to.
    pub url: String,
    /// The same in every repeat.
    pub delivery: NoticeId,
    /// Seconds since the Unix epoch.
    pub timestamp: i64,
    /// `v1=<hex>`: see [`schemas::notice`].
    pub signature: String,
    /// JSON.
    pub body: String,
}

/// Why notices are not posted to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    /// This node posts none at all.
    #[error("this node posts no notices")]
    NotOffered,
    /// Not to this one.
    #[error("{0}")]
    Address(&'static str),
}

/// Why a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPosted {
    /// The node may not post there, or posts nothing at all.
    #[error("the address is not permitted")]
    NotPermitted,
    /// No connection, or no answer in time.
    #[error("no connection, or no answer in time")]
    Unreachable,
    /// An answer that is not 2xx; a redirect is one.
    #[error("the receiver answered {0}")]
    Answer(u16),
    /// The secret of the subscription cannot be read.
    #[error("the secret cannot be read")]
    Secret,
    /// The subscription was taken back.
    #[error("nobody subscribes any more")]
    Unsubscribed,
}

impl NotPosted {
    /// The stable name, as dead letters show it.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::NotPermitted => "notice.not_permitted".to_owned(),
            Self::Unreachable => "notice.unreachable".to_owned(),
            Self::Answer(status) => format!("notice.answer_{status}"),
            Self::Secret => "notice.secret_unreadable".to_owned(),
            Self::Unsubscribed => "notice.unsubscribed".to_owned(),
        }
    }
}

/// A notice on its way into its row.
pub(crate) struct NewNotice {
    pub(crate) id: NoticeId,
    pub(crate) mailbox: MailboxId,
    pub(crate) event: NoticeEvent,
    /// Of a reminder: which.
    pub(crate) reminders: u8,
    pub(crate) body: String,
    pub(crate) at: OffsetDateTime,
}

/// Whose affair a step is.
enum Party {
    Sender,
    Recipient,
}

/// What a step is called in notices. None: nobody is told of it.
fn told(step: &Step) -> Option<(Party, NoticeEvent)> {
    match step {
        Step::Consign { .. } => Some((Party::Recipient, NoticeEvent::Consigned)),
        Step::AcceptContent => Some((Party::Sender, NoticeEvent::Accepted)),
        Step::RefuseContent { .. } => Some((Party::Sender, NoticeEvent::Refused)),
        Step::Register { .. } => Some((Party::Sender, NoticeEvent::Registered)),
        Step::Expire => Some((Party::Sender, NoticeEvent::Expired)),
        Step::Quarantine { .. } => Some((Party::Sender, NoticeEvent::Quarantined)),
        Step::RelayRefusal { .. } | Step::GiveUp { .. } => Some((Party::Sender, NoticeEvent::RelayFailed)),
        _ => None,
    }
}

impl Exchange {
    /// The notices that a step brings. `message`: as it stands after the step.
    pub(crate) fn notices(&self, message: &Message, step: &Step, event: &Event) -> Vec<NewNotice> {
        let Some((party, what)) = told(step) else { return Vec::new() };
        let snapshot = self.inner.subscriptions.current();
        let mailboxes = match party {
            Party::Recipient => snapshot.of_mailbox(&message.recipient, what),
            Party::Sender => snapshot.of_participant(message.sender, what),
        };
        mailboxes.into_iter().filter_map(|mailbox| notice(message, mailbox, what, 0, event)).collect()
    }

    /// The reminder of this number, where the recipient subscribed to reminders.
    pub(crate) fn reminder_notice(&self, message: &Message, reminders: u8, event: &Event) -> Option<NewNotice> {
        let snapshot = self.inner.subscriptions.current();
        let mailbox = snapshot.of_mailbox(&message.recipient, NoticeEvent::Reminder).pop()?;
        notice(message, mailbox, NoticeEvent::Reminder, reminders, event)
    }

    /// Resolves when a notice was committed by this process since the last time it resolved.
    pub async fn notice_arrived(&self) {
        self.inner.noticed.notified().await;
    }

    /// After the commit of edges: wakes who waits for what they brought.
    pub(crate) fn rings(&self, bells: &Bells) {
        if bells.noticed {
            self.inner.noticed.notify_one();
        }
        if let Some(mailbox) = &bells.consigned {
            self.inner.waiting.ring(mailbox);
        }
    }
}

/// None only where the JSON of it cannot be made, which no message brings about.
fn notice(message: &Message, mailbox: MailboxId, what: NoticeEvent, reminders: u8, event: &Event) -> Option<NewNotice> {
    let at = event.at();
    let body = Notice {
        event: what,
        event_id: event.id(),
        message_id: message.id,
        case_id: message.case,
        mailbox: mailbox.clone(),
        state: message.standing(),
        at,
    };
    let body = serde_json::to_string(&body).map_err(|error| tracing::error!(%error, "a notice is no JSON")).ok()?;
    Some(NewNotice { id: NoticeId::fresh(at), mailbox, event: what, reminders, body, at })
}

/// Who is to be woken when edges of one message are committed. Made before the transaction takes the edges away.
pub(crate) struct Bells {
    noticed: bool,
    consigned: Option<MailboxId>,
}

impl Bells {
    pub(crate) fn of<'a>(edges: impl IntoIterator<Item = &'a Edge>) -> Self {
        let mut bells = Self { noticed: false, consigned: None };
        for edge in edges {
            bells.noticed |= !edge.notices.is_empty();
            if edge.evidence.kind == EvidenceKind::ContentConsignment {
                bells.consigned = Some(edge.message.recipient.clone());
            }
        }
        bells
    }
}
