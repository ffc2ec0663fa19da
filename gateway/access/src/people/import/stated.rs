//! Typed rows of the tables. What is wrong with a row by itself is found here; what is wrong with it beside others, in `plan`.

use std::str::FromStr;

use schemas::access::Role;
use schemas::directory::{ImportRequest, ImportTable, NumberKind};
use schemas::limits::IMPORT_ROWS;
use schemas::{AreaCode, Edrpou, ProblemCode};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use super::Faults;
use super::table::{Row, Table};
use crate::people::PersonalNumbers;
use crate::people::numbers::{Digests, IdentityKey};
use crate::people::registering::{Newcomer, check_name};
use crate::registry::RegistryError;
use crate::registry::entering;

/// All that is stated, and what of it is wrong by itself.
#[derive(Debug, Default)]
pub(super) struct Stated {
    pub(super) participants: Vec<(u64, entering::Stated)>,
    pub(super) people: Vec<(u64, Newcomer)>,
    pub(super) roles: Vec<StatedRole>,
    pub(super) faults: Faults,
}

/// A role as a row states it.
#[derive(Debug)]
pub(super) struct StatedRole {
    pub(super) line: u64,
    pub(super) digests: Digests,
    pub(super) role: Role,
    pub(super) participant: Option<Edrpou>,
    pub(super) from: Option<OffsetDateTime>,
    pub(super) until: Option<OffsetDateTime>,
}

/// A column, and whether every table of the kind has it.
type Column = (&'static str, bool);

const PARTICIPANTS: &[Column] = &[("edrpou", true), ("name", true), ("mailboxes", false), ("area", false)];
const PEOPLE: &[Column] = &[("name", true), ("rnokpp", false), ("unzr", false)];
const ROLES: &[Column] = &[
    ("role", true),
    ("rnokpp", false),
    ("unzr", false),
    ("participant", false),
    ("valid_from", false),
    ("valid_until", false),
];

impl Stated {
    pub(super) fn read(request: &ImportRequest, key: &IdentityKey) -> Self {
        let mut stated = Self::default();
        let mut left = IMPORT_ROWS;
        for (kind, text, columns) in [
            (ImportTable::Participants, &request.participants, PARTICIPANTS),
            (ImportTable::People, &request.people, PEOPLE),
            (ImportTable::Roles, &request.roles, ROLES),
        ] {
            let Some(text) = text else { continue };
            let table = Table::read(text, left);
            left = left.saturating_sub(table.rows.len());
            for fault in &table.faults {
                let detail = Some(fault.what.to_owned());
                stated.faults.push(kind, fault.line, None, ProblemCode::ImportTableWrong, detail);
            }
            if table.columns.is_empty() || !check_columns(kind, &table, columns, &mut stated.faults) {
                continue;
            }
            for row in &table.rows {
                let mut cells = Cells { kind, table: &table, row, faults: &mut stated.faults };
                match kind {
                    ImportTable::Participants => stated.participants.extend(cells.participant()),
                    ImportTable::People => stated.people.extend(cells.person(key)),
                    ImportTable::Roles => stated.roles.extend(cells.role(key)),
                }
            }
        }
        stated
    }
}

/// Each column is one that the table may have, and stands there once; none that it must have is missing.
fn check_columns(kind: ImportTable, table: &Table, known: &[Column], faults: &mut Faults) -> bool {
    let before = faults.all;
    let mut wrong = |column: &str, detail: &str| {
        faults.push(kind, 1, Some(column), ProblemCode::ImportColumns, Some(detail.to_owned()));
    };
    for (place, column) in table.columns.iter().enumerate() {
        if !known.iter().any(|(name, _)| name == column) {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            // What stands there may be a person's name, in a table without a first line: its place is told, not its text.
            wrong(&format!("#{}", place + 1), &format!("columns are {}, with commas between them", names.join(", ")));
        } else if table.columns[..place].contains(column) {
            wrong(column, "is there twice");
        }
    }
    let has = |name: &str| table.columns.iter().any(|column| column == name);
    for (name, _) in known.iter().filter(|(name, required)| *required && !has(name)) {
        wrong(name, "is missing");
    }
    if known.iter().any(|(name, _)| *name == "rnokpp") && !has("rnokpp") && !has("unzr") {
        wrong("rnokpp", "is missing, and so is unzr");
    }
    faults.all == before
}

/// One row, by the names of its columns.
struct Cells<'t> {
    kind: ImportTable,
    table: &'t Table,
    row: &'t Row,
    faults: &'t mut Faults,
}

impl<'t> Cells<'t> {
    /// None where the column is absent or the field is empty.
    fn text(&self, column: &str) -> Option<&'t str> {
        let place = self.table.columns.iter().position(|name| name == column)?;
        self.row.fields.get(place).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn wrong(&mut self, column: &str, code: ProblemCode, detail: impl Into<String>) {
        self.faults.push(self.kind, self.row.line, Some(column), code, Some(detail.into()));
    }

    fn required(&mut self, column: &str) -> Option<&'t str> {
        let text = self.text(column);
        if text.is_none() {
            self.wrong(column, ProblemCode::ImportValueWrong, "is empty");
        }
        text
    }

    /// Outer None: it is wrong. Inner None: it is not stated.
    fn parsed<T: FromStr<Err: std::fmt::Display>>(&mut self, column: &str) -> Option<Option<T>> {
        match self.text(column).map(str::parse).transpose() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(column, ProblemCode::ImportValueWrong, error.to_string());
                None
            }
        }
    }

    /// A moment, or a day, which means its first moment in UTC.
    fn moment(&mut self, column: &str) -> Option<Option<OffsetDateTime>> {
        let day = time::macros::format_description!(version = 2, "[year]-[month]-[day]");
        let read = |text: &str| match Date::parse(text, day) {
            Ok(date) => Ok(date.midnight().assume_utc()),
            Err(_) => OffsetDateTime::parse(text, &Rfc3339),
        };
        match self.text(column).map(read).transpose() {
            Ok(moment) => Some(moment),
            Err(_) => {
                self.wrong(column, ProblemCode::ImportValueWrong, "YYYY-MM-DD, or a moment of RFC 3339");
                None
            }
        }
    }

    fn digests(&mut self, key: &IdentityKey) -> Option<Digests> {
        match PersonalNumbers::checked(self.text("rnokpp"), self.text("unzr")) {
            Ok(numbers) => Some(key.digests(&numbers)),
            Err(error) => {
                let column = error.kind.map_or("rnokpp", NumberKind::as_str);
                self.wrong(column, ProblemCode::PersonNumberWrong, error.reason);
                None
            }
        }
    }

    fn participant(&mut self) -> Option<(u64, entering::Stated)> {
        let edrpou = self.required("edrpou").and_then(|_| self.parsed::<Edrpou>("edrpou")).flatten();
        let name = self.required("name");
        let area = self.parsed::<AreaCode>("area");
        let mailboxes = self.text("mailboxes").unwrap_or_default();
        let mailboxes = mailboxes.split_ascii_whitespace().map(str::to_owned).collect();
        match entering::Stated::check(edrpou?, name?, mailboxes, area?) {
            Ok(stated) => Some((self.row.line, stated)),
            Err(RegistryError::Invalid { detail, .. }) => {
                let column = if detail.starts_with("name") { "name" } else { "mailboxes" };
                self.wrong(column, ProblemCode::ImportValueWrong, detail);
                None
            }
            // Checking a statement reads nothing.
            Err(RegistryError::Store(_)) => None,
        }
    }

    fn person(&mut self, key: &IdentityKey) -> Option<(u64, Newcomer)> {
        let name = self.required("name");
        if let Some(Err(detail)) = name.map(check_name) {
            self.wrong("name", ProblemCode::ImportValueWrong, detail);
            return None;
        }
        let digests = self.digests(key)?;
        Some((self.row.line, Newcomer { name: name?.to_owned(), digests }))
    }

    fn role(&mut self, key: &IdentityKey) -> Option<StatedRole> {
        let digests = self.digests(key);
        let role = self.required("role").and_then(|_| self.parsed::<Role>("role")).flatten();
        let participant = self.parsed::<Edrpou>("participant");
        let (from, until) = (self.moment("valid_from"), self.moment("valid_until"));
        let (line, digests, role, participant) = (self.row.line, digests?, role?, participant?);
        Some(StatedRole { line, digests, role, participant, from: from?, until: until? })
    }
}
