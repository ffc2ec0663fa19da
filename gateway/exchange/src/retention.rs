//! Retention: how long the content of a message is kept, what keeps it longer, and how it is disposed of.
//!
//! # Classes
//!
//! A class (`[retention.classes.<name>]` of `vuzol.toml`) is a number of days, or for ever. Two things are fixed at different times:
//!
//! | what | fixed | why |
//! |---|---|---|
//! | which class a message has | when the node accepts it: the one that its channel named then | what an operator states of a channel later shortens nothing that lies there; the history of the channel's terms says which it was ([`access::registry::retention_class`]), so that the acceptance of a document writes nothing more for it |
//! | how long a class is | when something is listed, drawn up or erased | that is the law's matter: where the list of terms is amended, it holds for everything that is still there |
//!
//! The days run from the last step of a message whose outcome is known: accepted, registered, refused, expired, not relayed. A message that
//! was accepted and is registered later begins anew. Of a rejected submission nothing is kept; what another node took over and never
//! spoke of again has no outcome, and is not due.
//!
//! # Who decides
//!
//! The node erases nothing by itself. [`due`] lists what may be disposed of; an operator has an act drawn up over it ([`act`]); two members
//! of the commission, two persons, sign exactly its bytes ([`signatures`]); with the second signature it is carried out ([`execute`]): piece by
//! piece, each message one [`Step::Erase`](crate::state::Step::Erase) with its evidence V.8 and its audit row. Where the process dies, the next one goes on at the
//! piece that was not committed.
//!
//! # Legal holds
//!
//! What is under a hold ([`holds`]) is not erased, whichever way: the hold is looked for inside the transaction that erases, so that one of
//! the two was first. These are all ways on which something accepted can vanish, and what stops each:
//!
//! | way | stopped by |
//! |---|---|
//! | the step V.8 | `edge::take`, in its transaction; the act leaves the message as held |
//! | destruction of a key of the ring with what is under it | `key_ring::custody`, in the transaction that destroys an envelope, before the key |
//! | the sweep | takes objects that no row names; rows go in the two ways above |
//! | rejection, withdrawal or lapse of an announced submission | is not accepted yet: no hold can be of it |
//! | any statement that is written one day | two triggers of `migrations/sqlite/0012_retention.sql` |
//!
//! # What is erased, and what stays
//!
//! Gone are the sealed parts, in the database and the object store (a crash in between leaves objects that no row names: the sweep's), the
//! envelope of the document key, the reason or registration number in the message's row, and what the recipient said: the acknowledgement
//! carries the certificate of whoever signed it, and reasons in that person's words. Rows of the database leave copies in free pages and in the log of
//! writes until these are used again: they are sealed, and under a key of the ring nobody opens them once that is turned
//! ([`key_ring`](crate::key_ring)); what is wrapped to a certificate only the recipient could.
//!
//! Evidence stays byte for byte, and with it the case can be proven. A message's row has no title and no name of a person; evidence names
//! organisations, kinds, sizes, digests, and the SHA-256 of a system's certificate. Two texts in it are other people's words, signed into it and therefore
//! not erased: the reason of a refusal (C.4) and the registration number (V.7). Who acknowledges is told so in the API's description: no personal data belongs
//! there. The act names members of the commission, and stays, as the law wants it.

pub mod act;
pub mod due;
pub mod execute;
pub mod holds;
pub mod signatures;

use std::collections::{BTreeMap, BTreeSet};

use certs::certificate::Certificate;
use schemas::RetentionClass;
use schemas::limits::{RETENTION_CLASSES, RETENTION_DAYS};
use schemas::message::{MessageRetention, MessageState};
use storage::{StoreError, Tx};
use time::{Duration, OffsetDateTime};

use crate::message::Message;
use crate::tables;

/// How long the documents of a class are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many days after the last step, 1 to [`RETENTION_DAYS`].
    Days(u32),
    /// For ever.
    Permanent,
}

/// The classes of this node, and who signs its disposal acts.
#[derive(Debug, Clone)]
pub struct Retention {
    classes: BTreeMap<RetentionClass, Keep>,
    commission: Vec<Certificate>,
}

/// Classes or a commission that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Documents of channels that name no class would have none.
    #[error("classes: the class {:?}, which channels have that name none, must be there", RetentionClass::default().as_str())]
    NoDefault,
    /// So many classes that nobody knows which is which.
    #[error("classes: at most {RETENTION_CLASSES}")]
    TooMany,
    /// A number of days outside its bounds.
    #[error("classes.{}: days must be 1 to {RETENTION_DAYS}", .0.as_str())]
    Days(RetentionClass),
    /// A seal is an organisation's, and signs whoever holds it.
    #[error("commission: the certificate of {0} is a seal's; members sign as persons")]
    Seal(String),
    /// One person cannot sign twice.
    #[error("commission: two persons at least, or nobody")]
    Alone,
}

impl Default for Retention {
    /// Everything is kept for ever.
    fn default() -> Self {
        let classes = BTreeMap::from([(RetentionClass::default(), Keep::Permanent)]);
        Self { classes, commission: Vec::new() }
    }
}

impl Retention {
    /// Checks what a configuration says. Without a commission no act can be signed.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(classes: BTreeMap<RetentionClass, Keep>, commission: Vec<Certificate>) -> Result<Self, Unusable> {
        if !classes.contains_key(&RetentionClass::default()) {
            return Err(Unusable::NoDefault);
        }
        if classes.len() > RETENTION_CLASSES {
            return Err(Unusable::TooMany);
        }
        let wrong = |keep: &Keep| matches!(keep, Keep::Days(days) if !(1..=RETENTION_DAYS).contains(days));
        if let Some((class, _)) = classes.iter().find(|(_, keep)| wrong(keep)) {
            return Err(Unusable::Days(class.clone()));
        }
        if let Some(seal) = commission.iter().find(|member| member.is_seal()) {
            return Err(Unusable::Seal(seal.subject()));
        }
        let two = |first: &Certificate| commission.iter().any(|other| !same_person(first, other));
        if commission.first().is_some_and(|first| !two(first)) {
            return Err(Unusable::Alone);
        }
        Ok(Self { classes, commission })
    }

    /// The names of the classes.
    #[must_use]
    pub fn classes(&self) -> BTreeSet<RetentionClass> {
        self.classes.keys().cloned().collect()
    }

    /// How long a class is kept; None where there is none of this name.
    #[must_use]
    pub fn keep(&self, class: &RetentionClass) -> Option<Keep> {
        self.classes.get(class).copied()
    }

    fn is_member(&self, signer: &Certificate) -> bool {
        self.commission.iter().any(|member| member.der() == signer.der())
    }

    /// From when on something of the class may be disposed of that came to its end at this moment. None: never; so is what has a class
    /// that is not known.
    fn disposable_from(&self, class: &RetentionClass, since: OffsetDateTime) -> Option<OffsetDateTime> {
        match self.keep(class)? {
            Keep::Days(days) => since.checked_add(Duration::days(i64::from(days))),
            Keep::Permanent => None,
        }
    }

    /// The shortest of the classes, or of the one that is named; None where nothing is ever due.
    fn shortest(&self, class: Option<&RetentionClass>) -> Option<Duration> {
        let asked = self.classes.iter().filter(|(name, _)| class.is_none_or(|class| class == *name));
        let days = asked.filter_map(|(_, keep)| match keep {
            Keep::Days(days) => Some(*days),
            Keep::Permanent => None,
        });
        days.min().map(|days| Duration::days(i64::from(days)))
    }
}

/// Whether two certificates are one person's, as far as they tell: the same РНОКПП or УНЗР, the same name of the subject, or the same key.
pub(crate) fn same_person(one: &Certificate, other: &Certificate) -> bool {
    one.is_of_same_person(other)
}

/// States whose content waits for disposal: the outcome is known, and something is kept.
const KEPT: [MessageState; 5] = [
    MessageState::RelayFailed,
    MessageState::Accepted,
    MessageState::Registered,
    MessageState::Refused,
    MessageState::Expired,
];

/// What retention means for one message.
struct Kept {
    class: RetentionClass,
    /// None: it has no outcome yet, is kept for ever, or is erased.
    disposable_from: Option<OffsetDateTime>,
    on_hold: bool,
}

impl Kept {
    /// Reads it, within the transaction that read the message. None before the message was accepted.
    fn of(tx: &mut Tx<'_>, message: &Message, rules: &Retention) -> Result<Option<Self>, StoreError> {
        let Some(accepted_at) = message.accepted_at else { return Ok(None) };
        let class = access::registry::retention_class(tx, message.sender, &message.recipient, accepted_at)?;
        let ended = KEPT.contains(&message.standing());
        let disposable_from = ended.then(|| rules.disposable_from(&class, message.changed_at)).flatten();
        Ok(Some(Self { class, disposable_from, on_hold: tables::is_held(tx, message.id)? }))
    }
}

/// What the parties of a message are told of it.
pub(crate) fn of_message(
    tx: &mut Tx<'_>,
    message: &Message,
    rules: &Retention,
) -> Result<Option<MessageRetention>, StoreError> {
    let told = |Kept { class, disposable_from, on_hold }| MessageRetention { class, disposable_from, on_hold };
    Ok(Kept::of(tx, message, rules)?.map(told))
}
