//! Retention: what falls due for disposal, legal holds, and disposal acts («акти про вилучення документів»).
//!
//! The document of an act is the canonical JSON (RFC 8785) of [`ActDocument`]: two members of the commission sign exactly these bytes.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::address::{DocumentKind, Edrpou, MailboxId, RetentionClass};
use crate::id::{CaseId, DisposalActId, HoldId, MessageId};
use crate::limits::{DISPOSAL_MEMBERS, DISPOSAL_NUMBER_CHARACTERS, RETENTION_TEXT_CHARACTERS};
use crate::message::MessageState;

/// Version of the shape of [`ActDocument`].
pub const ACT_VERSION: u8 = 1;

/// How long the content of a message is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageRetention {
    /// Its class: that of the channel when the node accepted the message.
    pub class: RetentionClass,
    /// From when on an act may dispose of it. Absent: its outcome is not known yet, it is kept for ever, or it is erased.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub disposable_from: Option<OffsetDateTime>,
    /// Under a legal hold, of its own or of its case: nothing erases it.
    pub on_hold: bool,
}

/// One page of what is due for disposal. Nothing of any content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DuePage {
    /// The messages, by mailbox, then oldest first. A page looks at a bounded number of messages: it may be empty and yet not the last.
    pub messages: Vec<DueMessage>,
    /// Given where there may be more: the `after` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<MessageId>,
}

/// A message whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DueMessage {
    /// The message.
    pub message_id: MessageId,
    /// Its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// Who sent it.
    pub sender: Edrpou,
    /// Where it lies.
    pub recipient: MailboxId,
    /// Kind of document.
    pub kind: DocumentKind,
    /// Where it stands.
    pub state: MessageState,
    /// Since when it stands there.
    #[serde(with = "time::serde::rfc3339")]
    pub settled_at: OffsetDateTime,
    /// Its class.
    pub class: RetentionClass,
    /// Since when it is due.
    #[serde(with = "time::serde::rfc3339")]
    pub disposable_from: OffsetDateTime,
    /// Bytes of its sealed parts.
    pub sealed_size: u64,
    /// Under a legal hold: no act disposes of it.
    pub on_hold: bool,
}

/// A legal hold to be placed: of a message, or of all messages of a case, those that are still to come included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// What is held.
    pub subject: HoldSubject,
    /// Why, 1 to 2000 characters: the court's ruling, the inquiry. Only operators read it.
    pub reason: String,
}

/// What a hold is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldSubject {
    /// A message.
    Message(MessageId),
    /// A case.
    Case(CaseId),
}

impl std::fmt::Display for HoldSubject {
    /// As audit entries name it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(message) => write!(f, "message:{message}"),
            Self::Case(case) => write!(f, "case:{case}"),
        }
    }
}

/// Why a hold is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRelease {
    /// 1 to 2000 characters.
    pub reason: String,
}

/// A legal hold. Several may be of one thing: each is lifted by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hold {
    /// The hold.
    pub hold_id: HoldId,
    /// What is held.
    pub subject: HoldSubject,
    /// Why.
    pub reason: String,
    /// Who placed it, as in the log.
    pub placed_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub placed_at: OffsetDateTime,
    /// That and why it was lifted. Absent: it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted: Option<Lifted>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lifted {
    /// Why.
    pub reason: String,
    /// Who lifted it, as in the log.
    pub by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// One page of holds, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HoldPage {
    /// The holds.
    pub holds: Vec<Hold>,
    /// Given where there are more: the `after` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<HoldId>,
}

/// What an operator says of an act to be drawn up. The node adds what is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActRequest {
    /// The act's number in the register of the one who draws it up, 1 to 64 characters. No two acts that stand share one.
    pub number: String,
    /// Its date, `YYYY-MM-DD`.
    pub date: String,
    /// Of which class.
    pub class: RetentionClass,
    /// Only of mailboxes of this participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<Edrpou>,
    /// The legal ground, for example the article of the list of typical documents with its term.
    pub ground: String,
    /// The members of the commission, and what each said: 2 to 16.
    pub commission: Vec<Member>,
    /// Of how many messages at most: 1 to 10000, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10000)]
    pub most: Option<u32>,
}

/// A member of the commission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Who.
    pub name: String,
    /// As what.
    pub position: String,
    /// What the member said of the disposal.
    pub word: String,
}

/// A text of an act or a hold that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IllFormed(pub &'static str);

/// Whether a text is 1 to `most` characters, with something to be seen, and no control characters but line ends.
fn is_text(text: &str, most: usize) -> bool {
    let plain = text.chars().all(|c| c == '\n' || !c.is_control());
    plain && !text.trim().is_empty() && text.chars().count() <= most
}

/// Checks a reason.
///
/// # Errors
/// [`IllFormed`].
pub fn check_reason(text: &str) -> Result<(), IllFormed> {
    is_text(text, RETENTION_TEXT_CHARACTERS).then_some(()).ok_or(IllFormed("reason: 1 to 2000 characters"))
}

impl ActRequest {
    /// Whether its texts are within their bounds and its date is a day of the calendar.
    ///
    /// # Errors
    /// Which is not.
    pub fn check(&self) -> Result<(), IllFormed> {
        if !is_text(&self.number, DISPOSAL_NUMBER_CHARACTERS) || self.number.contains('\n') {
            return Err(IllFormed("number: 1 to 64 characters in one line"));
        }
        let form = time::macros::format_description!("[year]-[month]-[day]");
        if time::Date::parse(&self.date, form).is_err() {
            return Err(IllFormed("date: YYYY-MM-DD"));
        }
        if !is_text(&self.ground, RETENTION_TEXT_CHARACTERS) {
            return Err(IllFormed("ground: 1 to 2000 characters"));
        }
        if !(2..=DISPOSAL_MEMBERS).contains(&self.commission.len()) {
            return Err(IllFormed("commission: 2 to 16 members"));
        }
        let told = |member: &Member| {
            [&member.name, &member.position, &member.word]
                .into_iter()
                .all(|text| is_text(text, RETENTION_TEXT_CHARACTERS))
        };
        if !self.commission.iter().all(told) {
            return Err(IllFormed("commission: name, position and word of each member, 1 to 2000 characters"));
        }
        if self.most.is_some_and(|most| !(1..=crate::limits::DISPOSAL_MESSAGES).contains(&most)) {
            return Err(IllFormed("most: 1 to 10000"));
        }
        Ok(())
    }
}

/// The act itself: what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActDocument {
    /// Version of this shape.
    pub version: u8,
    /// The act.
    pub act_id: DisposalActId,
    /// The node that disposes.
    pub node: String,
    /// Its number.
    pub number: String,
    /// Its date.
    pub date: String,
    /// When the node drew it up, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub drawn_at: OffsetDateTime,
    /// The class.
    pub class: RetentionClass,
    /// What the class meant then: days after the last step.
    pub days: u32,
    /// The legal ground.
    pub ground: String,
    /// The members of the commission, and what each said.
    pub commission: Vec<Member>,
    /// What is disposed of.
    pub messages: Vec<ActMessage>,
}

/// A message of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActMessage {
    /// The message.
    pub message_id: MessageId,
    /// Its case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_id: Option<CaseId>,
    /// Who sent it.
    pub sender: Edrpou,
    /// Where it lies.
    pub recipient: MailboxId,
    /// Kind of document.
    pub kind: DocumentKind,
    /// Where it stands.
    pub state: MessageState,
    /// Since when, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub settled_at: OffsetDateTime,
    /// SHA-256 of each part as it was handed in, in the order of their numbers, in lower-case hexadecimal.
    pub parts: Vec<String>,
}

/// How an act stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActState {
    /// Signatures are missing.
    Open,
    /// Both are there; the node erases.
    Executing,
    /// Every message of it was looked at.
    Executed,
    /// Taken back before it was signed twice.
    Withdrawn,
}

impl ActState {
    /// The text on the wire and in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Executing => "executing",
            Self::Executed => "executed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// An act in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActSummary {
    /// The act.
    pub act_id: DisposalActId,
    /// Its number.
    pub number: String,
    /// The class.
    pub class: RetentionClass,
    /// How it stands.
    pub state: ActState,
    /// When it was drawn up.
    #[serde(with = "time::serde::rfc3339")]
    pub drawn_at: OffsetDateTime,
    /// How many messages it names.
    pub messages: u32,
    /// SHA-256 of the document, in lower-case hexadecimal: what a signer sees before signing.
    pub sha256: String,
    /// How many signatures it has.
    pub signatures: u8,
}

/// One page of acts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActPage {
    /// The acts.
    pub acts: Vec<ActSummary>,
    /// Given where there are more: the `after` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<DisposalActId>,
}

/// A whole act: the document, its signatures, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Act {
    /// The act.
    #[serde(flatten)]
    pub summary: ActSummary,
    /// The bytes that are signed, in base64: the canonical JSON of an `ActDocument`.
    pub document: String,
    /// Its signatures, in the order in which they came.
    pub signed: Vec<ActSignature>,
    /// What came of it so far.
    pub result: ActResult,
}

/// A signature of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActSignature {
    /// SHA-256 of the signer's certificate, in lower-case hexadecimal.
    pub certificate: String,
    /// The detached signature (CMS), as it came, in base64.
    pub cms: String,
    /// When the node validated it.
    #[serde(with = "time::serde::rfc3339")]
    pub validated_at: OffsetDateTime,
    /// Which operator brought it, as in the log.
    pub brought_by: String,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActResult {
    /// Messages that were looked at.
    pub done: u32,
    /// Of these, erased: each has its evidence V.8.
    pub erased: u32,
    /// The others, and why they were left.
    pub left: Vec<LeftMessage>,
    /// When the last was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub executed_at: Option<OffsetDateTime>,
}

/// A message of an act that the act did not erase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeftMessage {
    /// The message.
    pub message_id: MessageId,
    /// Why.
    pub why: WhyLeft,
}

/// Why an act left a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhyLeft {
    /// It is under a legal hold.
    Held,
    /// It was erased before, by another act.
    Gone,
    /// It has moved since the act was drawn up, or its class is kept longer now: its time is not over.
    NotDue,
}

impl WhyLeft {
    /// The text on the wire and in storage.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Gone => "gone",
            Self::NotDue => "not_due",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ActRequest {
        let member = |name: &str| Member {
            name: name.to_owned(),
            position: "archivist".to_owned(),
            word: "so be it".to_owned(),
        };
        ActRequest {
            number: "1/26".to_owned(),
            date: "2026-11-26".to_owned(),
            class: RetentionClass::default(),
            participant: None,
            ground: "article 6".to_owned(),
            commission: vec![member("one"), member("two")],
            most: None,
        }
    }

    #[test]
    fn what_an_act_says_is_within_bounds() {
        assert_eq!(request().check(), Ok(()));
        for (what, spoil) in [
            ("number", (|r| r.number = " ".to_owned()) as fn(&mut ActRequest)),
            ("number", |r| r.number = "1\n2".to_owned()),
            ("date", |r| r.date = "2026-02-30".to_owned()),
            ("date", |r| r.date = "26.11.2026".to_owned()),
            ("ground", |r| r.ground = String::new()),
            ("ground", |r| r.ground = "x".repeat(2001)),
            ("commission", |r| r.commission.truncate(1)),
            ("commission", |r| r.commission = vec![r.commission[0].clone(); 17]),
            ("commission", |r| r.commission[1].word = "\u{7}".to_owned()),
            ("most", |r| r.most = Some(0)),
            ("most", |r| r.most = Some(10_001)),
        ] {
            let mut spoilt = request();
            spoil(&mut spoilt);
            let error = spoilt.check().unwrap_err().to_string();
            assert!(error.starts_with(what), "{what}: {error}");
        }
    }

    #[test]
    fn a_state_has_one_name() {
        for state in [ActState::Open, ActState::Executing, ActState::Executed, ActState::Withdrawn] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for why in [WhyLeft::Held, WhyLeft::Gone, WhyLeft::NotDue] {
            assert_eq!(serde_json::to_value(why).unwrap(), why.as_str());
        }
    }
}
