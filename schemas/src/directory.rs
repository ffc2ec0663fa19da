//! The directory of people: who they are and what they are entrusted with, as operators and heads state it; and what is entered in
//! bulk.
//!
//! A person's numbers go in and never come out: the node keeps keyed digests of them, by which it knows who logs in.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::access::Role;
use crate::address::Edrpou;
use crate::id::{AssignmentId, ImportId, PersonId};
use crate::problem::ProblemCode;
use crate::quarantine::Proposal;

/// A person as operators register them. At least one of the numbers is there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRegistration {
    /// Surname, given name, patronymic.
    pub name: String,
    /// РНОКПП: ten digits, the last of which is a control digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rnokpp: Option<String>,
    /// УНЗР: the date of birth and five digits, `19900101-01234`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unzr: Option<String>,
}

// Personal: neither in a log nor in a failed assertion.
impl fmt::Debug for PersonRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonRegistration")
    }
}

/// Which number a person is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberKind {
    /// РНОКПП.
    Rnokpp,
    /// УНЗР.
    Unzr,
}

impl NumberKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Rnokpp, Self::Unzr];

    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rnokpp => "rnokpp",
            Self::Unzr => "unzr",
        }
    }
}

/// A person as the directory has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PersonEntry {
    /// Who.
    pub id: PersonId,
    /// Surname, given name, patronymic.
    pub name: String,
    /// Which numbers they are known by; not the numbers.
    pub known_by: Vec<NumberKind>,
    /// When they were registered.
    #[serde(with = "time::serde::rfc3339")]
    pub registered_at: OffsetDateTime,
    /// By whom, as in the log.
    pub registered_by: String,
    /// Since when they are no more in the directory.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub removed_at: Option<OffsetDateTime>,
    /// The roles that they have, had and will have, oldest first; the newest [`crate::limits::ASSIGNMENTS_SHOWN`] of them. Asked of a
    /// participant: only those within it that were not taken back.
    pub roles: Vec<RoleAssignment>,
    /// Roles that one operator proposes and another may confirm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proposals: Vec<Proposal>,
}

/// One page of people, by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PeoplePage {
    /// The people.
    pub people: Vec<PersonEntry>,
    /// Given where there are more: the `after` of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<PersonId>,
}

/// A role that a person is to be entrusted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGrant {
    /// Which.
    pub role: Role,
    /// Within which participant; absent: for the node as a whole. Which of the two is the role's nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<Edrpou>,
    /// From when; absent: at once.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub valid_from: Option<OffsetDateTime>,
    /// Until when, that moment excluded; absent: until it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub valid_until: Option<OffsetDateTime>,
}

/// One role of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoleAssignment {
    /// Which assignment.
    pub id: AssignmentId,
    /// The role.
    pub role: Role,
    /// Within which participant; absent: for the node as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<Edrpou>,
    /// From when.
    #[serde(with = "time::serde::rfc3339")]
    pub valid_from: OffsetDateTime,
    /// Until when, that moment excluded.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub valid_until: Option<OffsetDateTime>,
    /// Who entrusted it, as in the log.
    pub granted_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: OffsetDateTime,
    /// Whoever entrusted it could not do so any more: they are no operator now, or no head of the participant. The role stays: it was
    /// entrusted in the participant's name, and an agency must not lose its people with its head. Somebody should look at it.
    pub grantor_ended: bool,
    /// Since when it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub revoked_at: Option<OffsetDateTime>,
    /// By whom, as in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<String>,
}

/// What came of the word that a person be entrusted with a role: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GrantOutcome {
    /// The role that they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<RoleAssignment>,
    /// The proposal that another operator must confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
}

/// What is to be entered in bulk: up to three tables as CSV (RFC 4180, UTF-8, first line: names of columns; lines may end in LF; a byte
/// order mark is passed over). All of it is entered, or nothing. What is there already as stated is passed over, so that a table can be
/// handed in again; what is there otherwise is never changed, but told.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Columns `edrpou`, `name`; optional `mailboxes` (names with spaces between them), `area` (a code of КАТОТТГ).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participants: Option<String>,
    /// Columns `name` and at least one of `rnokpp`, `unzr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<String>,
    /// Columns `role` and at least one of `rnokpp`, `unzr`; optional `participant`, `valid_from`, `valid_until` (a moment of RFC 3339, or
    /// a date, which means its first moment in UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

// Personal.
impl fmt::Debug for ImportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportRequest")
    }
}

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportTable {
    /// Agencies and centres.
    Participants,
    /// People.
    People,
    /// Their roles.
    Roles,
}

impl ImportTable {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Participants => "participants",
            Self::People => "people",
            Self::Roles => "roles",
        }
    }
}

/// How many rows of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportCount {
    /// Entered, or to be entered.
    pub added: u64,
    /// There already, as stated.
    pub unchanged: u64,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportOutcome {
    /// The import, by which it can be undone. Absent where nothing was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportId>,
    /// The proposal that another operator must confirm, by handing the same in: heads and roles of the node are among the roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// Participants.
    pub participants: ImportCount,
    /// People.
    pub people: ImportCount,
    /// Roles.
    pub roles: ImportCount,
    /// What is wrong with rows, by table and line; the first [`crate::limits::IMPORT_ERRORS`]. With one of them nothing is entered.
    pub errors: Vec<RowError>,
    /// How many there are.
    pub errors_in_all: u64,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowError {
    /// In which table.
    pub table: ImportTable,
    /// Line at which the row begins, from 1; the first one names the columns.
    pub line: u64,
    /// In which column; absent where it is the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The stable code, one of those of problems.
    pub code: String,
    /// What is wrong, in English.
    pub title: String,
    /// What is wrong, in Ukrainian.
    pub title_uk: String,
    /// What exactly; never what stands in the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl RowError {
    /// With the code's sentences.
    #[must_use]
    pub fn new(table: ImportTable, line: u64, column: Option<&str>, code: ProblemCode, detail: Option<String>) -> Self {
        let (title, title_uk) = (code.text_en().to_owned(), code.text_uk().to_owned());
        Self { table, line, column: column.map(str::to_owned), code: code.as_str().to_owned(), title, title_uk, detail }
    }
}

/// What came of undoing an import. What was done singly since then is left as it is, and so is what that rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportUndone {
    /// Which import.
    pub import: ImportId,
    /// Roles that were taken back.
    pub roles_revoked: u64,
    /// People who were removed.
    pub people_removed: u64,
    /// Participants that were suspended: one that was registered is never deleted, since the log names it.
    pub participants_suspended: u64,
    /// People who have roles from elsewhere, and stay.
    pub people_kept: Vec<PersonId>,
    /// Participants that have certificates or people from elsewhere, and stay.
    pub participants_kept: Vec<Edrpou>,
}
