//! What security officers and auditors ask of the log: searches, exports, alerts.
//!
//! A filter names people by the node's own numbers for them. A person's РНОКПП or УНЗР may stand in the body of a search, never in an address, and
//! goes no further than to the number that it leads to.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AlertId, CaseId, Edrpou, EventId, PersonId};

/// What is searched for. Everything that is stated must hold; nothing stated: every entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditFilter {
    /// Entries that concern this person: whose it is, who was entered, entrusted or looked at. Not what they did: that is `actor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Looks of others at what is this person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<PersonId>,
    /// Entries that a participant has to do with: whose system or token acted, whose mailbox or centre it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant: Option<Edrpou>,
    /// A thing, by its name in the log: `message:<id>`, `copy:<id>`, `application:<id>`, `break_glass:<id>`, `mailbox:<address>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub object: Option<String>,
    /// A case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// A deed, by its name in the log: `copy.look`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub action: Option<String>,
    /// Who acted, by their name in the log: `person:<id>`, `participant:<code>`, `operator:<fingerprint>`, `anonymous`, `node`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 256)]
    pub actor: Option<String>,
    /// What was looked at for: a purpose of the node's list, or a ground of break-glass access (`incident`, or as its subject is shown it,
    /// `break-glass.incident`). Looks whose details do not say it, because an older binary recorded them, are found by the number of the access: `correlation`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub purpose: Option<String>,
    /// How it ended: `done`, `refused`, or the code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub result: Option<String>,
    /// What belongs together by a number: of a request, a piece of evidence, a proposal, an import, a break-glass access.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub correlation: Option<String>,
    /// Only entries of this time and after, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub from: Option<OffsetDateTime>,
    /// Only entries before this time, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub to: Option<OffsetDateTime>,
}

/// A person by a number that their documents have. One of the two, or both.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoughtPerson {
    /// РНОКПП: ten digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rnokpp: Option<String>,
    /// УНЗР.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unzr: Option<String>,
}

// Personal: neither in a log nor in a failed assertion.
impl fmt::Debug for SoughtPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoughtPerson")
    }
}

/// As which field of the filter a person that is named by their numbers is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SoughtAs {
    /// `looked_at`.
    #[default]
    LookedAt,
    /// `person`.
    Person,
    /// `actor`.
    Actor,
}

/// A search, or the next page of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSearch {
    /// What is searched for.
    pub filter: AuditFilter,
    /// A person by their numbers, in place of the field of the filter that `sought_as` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sought: Option<SoughtPerson>,
    /// Which field that is.
    pub sought_as: SoughtAs,
    /// The first entry that is looked at: `next` of the page before. Absent: 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Where the looking ends: this entry is not looked at any more. Absent: the end of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// How many hits at most: 1 to 100, which is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

/// Entries from the first to before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Covered {
    /// The first.
    pub first: u64,
    /// The one behind the last.
    pub end: u64,
}

/// One page of the answer.
///
/// It says that of the entries `covered`, exactly `hits` match `filter`. Each hit is proven to be in the log; that none was left out no proof says:
/// who wants to know replays the entries covered (`vuzol audit search --check` does).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditPage {
    /// What was searched for: numbers of people are replaced by the node's name for them.
    pub filter: AuditFilter,
    /// Which entries were looked at. Entries whose time is outside of what the filter states are left out at both ends.
    pub covered: Covered,
    /// The hits, in the order of the log.
    pub hits: Vec<AuditHit>,
    /// Where the next page begins; absent: this was the last. Where it is where this one began, what follows is not indexed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// The checkpoint that all proofs lead to: a signed note.
    pub checkpoint: String,
}

/// One entry that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditHit {
    /// Its number in the log.
    pub seq: u64,
    /// The event.
    pub event: EventId,
    /// The logged entry, in base64: canonical JSON, the leaf's content.
    pub entry: String,
    /// Inclusion proof, C2SP tlog-proof, under `checkpoint`.
    pub proof: String,
    /// What the entry commits to. Absent: there is nothing, or it is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<OpenedDetails>,
    /// The entry commits to details that are erased.
    pub erased: bool,
}

/// Details of an entry: SHA-256 of the salt followed by the details is what the entry has as `commit`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OpenedDetails {
    /// 32 octets, 64 hexadecimal digits.
    pub salt: String,
    /// JSON, exactly the octets that are committed to.
    pub details: String,
}

// May name people.
impl fmt::Debug for OpenedDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedDetails")
    }
}

/// Which part of the log is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditExport {
    /// The first entry.
    pub first: u64,
    /// The one behind the last. Absent: the end of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// With what the entries commit to.
    #[serde(default)]
    pub details: bool,
}

/// An alert: a rule found something that somebody should look at. It is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// Its number.
    pub alert_id: AlertId,
    /// The rule: `bulk_looks`, `out_of_hours`, `look_without_case`, `refusal_storm`.
    pub rule: String,
    /// Whom it is about, by the name in the log; of those who are not known, the address.
    pub subject: String,
    /// What was found, in English.
    pub text: String,
    /// The same in Ukrainian.
    pub text_uk: String,
    /// From how many on it is raised; of hours: the first minute of the day that is within them.
    pub threshold: u32,
    /// Numbers of the entries that raised it, at most 100, in the order of the log.
    pub entries: Vec<u64>,
    /// Time of the last of them, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub caused_at: OffsetDateTime,
    /// When it was raised, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub raised_at: OffsetDateTime,
}

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptAlert {
    /// What was raised.
    pub alert: Alert,
    /// To which kinds of receivers it was delivered: `webhook`, `syslog`.
    pub delivered: Vec<String>,
    /// Who has seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<AlertSeen>,
}

/// Who has seen an alert, and what they say of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertSeen {
    /// By their name in the log.
    pub by: String,
    /// When, RFC 3339 in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Their words.
    pub remark: String,
}

/// What is said of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertRemark {
    /// 3 to 1000 characters.
    #[schema(min_length = 3, max_length = 1000)]
    pub remark: String,
}

/// One page of alerts, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AlertPage {
    /// The alerts.
    pub alerts: Vec<KeptAlert>,
    /// Where the next page goes on; absent: this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_before: Option<AlertId>,
}
