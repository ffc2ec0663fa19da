//! `vuzol admin people|person|grant|revoke|import`: the directory of people.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use schemas::access::Role;
use schemas::directory::{ImportOutcome, ImportRequest, PersonRegistration, RoleGrant, RowError};
use schemas::limits::IMPORT_BYTES;
use schemas::{AssignmentId, Edrpou, ImportId, PersonId};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Connection, print_json, wait};
use crate::client::Client;
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, exit, files};

/// Reading the directory.
#[derive(Debug, Args)]
pub(super) struct PeopleTask {
    /// Only who has a role within this participant: ЄДРПОУ.
    #[arg(long)]
    participant: Option<Edrpou>,
    /// `next_after` of the page before.
    #[arg(long)]
    after: Option<PersonId>,
    #[command(flatten)]
    node: Connection,
}

/// One person.
#[derive(Debug, Subcommand)]
pub(super) enum PersonTask {
    /// Enter a person into the directory. Their numbers are kept as keyed digests only.
    #[command(group = ArgGroup::new("numbers").required(true).multiple(true))]
    Add {
        /// Surname, given name, patronymic.
        #[arg(long)]
        name: String,
        /// РНОКПП, ten digits.
        #[arg(long, group = "numbers")]
        rnokpp: Option<String>,
        /// УНЗР: YYYYMMDD-NNNNN.
        #[arg(long, group = "numbers")]
        unzr: Option<String>,
        #[command(flatten)]
        node: Connection,
    },
    /// Take a person out of the directory, and all their roles back.
    Remove {
        /// The person.
        person: PersonId,
        #[command(flatten)]
        node: Connection,
    },
}

/// A role for a person.
#[derive(Debug, Args)]
pub(super) struct GrantTask {
    /// The person.
    person: PersonId,
    /// The role, by its name in the API: `head_of_agency`.
    role: Role,
    /// Within which participant: ЄДРПОУ. Without one: for the node.
    #[arg(long)]
    participant: Option<Edrpou>,
    /// From when, in RFC 3339; at once as usual.
    #[arg(long, value_parser = moment)]
    valid_from: Option<OffsetDateTime>,
    /// Until when, in RFC 3339.
    #[arg(long, value_parser = moment)]
    valid_until: Option<OffsetDateTime>,
    #[command(flatten)]
    node: Connection,
}

/// A role that is taken back.
#[derive(Debug, Args)]
pub(super) struct RevokeTask {
    /// The person.
    person: PersonId,
    /// The assignment, as `people` prints it.
    assignment: AssignmentId,
    #[command(flatten)]
    node: Connection,
}

/// Tables that are entered, or an import that is undone.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
pub(super) struct ImportTask {
    /// CSV with the columns edrpou, name, and as needed mailboxes, area.
    #[arg(long, value_name = "FILE", group = "what")]
    participants: Option<PathBuf>,
    /// CSV with the columns name and rnokpp or unzr, or both.
    #[arg(long, value_name = "FILE", group = "what")]
    people: Option<PathBuf>,
    /// CSV with the columns role, rnokpp or unzr, and as needed participant, valid_from, valid_until.
    #[arg(long, value_name = "FILE", group = "what")]
    roles: Option<PathBuf>,
    /// Only say what would be entered, and what is wrong with which row.
    #[arg(long)]
    dry_run: bool,
    /// Take back what this import entered: its roles are taken back, its people removed, its participants suspended.
    #[arg(long, value_name = "IMPORT", group = "what", conflicts_with_all = ["participants", "people", "roles", "dry_run"])]
    undo: Option<ImportId>,
    #[command(flatten)]
    node: Connection,
}

pub(super) fn list(task: &PeopleTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let client = task.node.client(terminal)?;
    let page = match task.participant {
        Some(participant) => wait(client.people_of(participant, task.after))?,
        None => wait(client.people(task.after))?,
    };
    print_json(&page, terminal)
}

pub(super) fn person(task: &PersonTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        PersonTask::Add { name, rnokpp, unzr, node } => {
            let (name, rnokpp, unzr) = (name.clone(), rnokpp.clone(), unzr.clone());
            let client = node.client(terminal)?;
            print_json(&wait(client.register_person(&PersonRegistration { name, rnokpp, unzr }))?, terminal)
        }
        PersonTask::Remove { person, node } => wait(node.client(terminal)?.remove_person(*person)).map(|()| exit::OK),
    }
}

pub(super) fn grant(task: &GrantTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let GrantTask { person, role, participant, valid_from, valid_until, node } = task;
    let grant =
        RoleGrant { role: *role, participant: *participant, valid_from: *valid_from, valid_until: *valid_until };
    let outcome = wait(node.client(terminal)?.grant_role(*person, &grant))?;
    if outcome.proposal.is_some() {
        terminal.note("proposed: another operator must confirm it");
    }
    print_json(&outcome, terminal)
}

pub(super) fn revoke(task: &RevokeTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    wait(task.node.client(terminal)?.revoke_role(task.person, task.assignment)).map(|()| exit::OK)
}

pub(super) fn import(task: &ImportTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    if let Some(import) = task.undo {
        let undone = wait(task.node.client(terminal)?.undo_import(import))?;
        return print_json(&undone, terminal);
    }
    let read = |file: &Option<PathBuf>| file.as_deref().map(table).transpose();
    let (participants, people, roles) = (read(&task.participants)?, read(&task.people)?, read(&task.roles)?);
    let request = ImportRequest { participants, people, roles, dry_run: true };
    let client = task.node.client(terminal)?;
    let tried = wait(client.import_directory(&request))?;
    for error in &tried.errors {
        terminal.note(&told(task, error));
    }
    if tried.errors_in_all > 0 {
        print_json(&tried, terminal)?;
        return Err(Failure::Refused(format!("{} faults, nothing is entered", tried.errors_in_all)));
    }
    if task.dry_run { print_json(&tried, terminal) } else { enter(&client, request, terminal) }
}

fn enter(client: &Client, request: ImportRequest, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let entered: ImportOutcome = wait(client.import_directory(&ImportRequest { dry_run: false, ..request }))?;
    if entered.proposal.is_some() {
        terminal.note("proposed: another operator must confirm it, with the same files");
    }
    print_json(&entered, terminal)
}

/// `people.csv:12: rnokpp: person.number_wrong: ...`
fn told(task: &ImportTask, error: &RowError) -> String {
    let file = match error.table {
        schemas::directory::ImportTable::Participants => &task.participants,
        schemas::directory::ImportTable::People => &task.people,
        schemas::directory::ImportTable::Roles => &task.roles,
    };
    let file = file.as_deref().map_or_else(|| error.table.as_str().into(), Path::to_string_lossy);
    let column = error.column.as_ref().map(|column| format!("{column}: ")).unwrap_or_default();
    let detail = error.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{file}:{}: {column}{}: {}{detail}", error.line, error.code, error.title)
}

fn table(file: &Path) -> Result<String, Failure> {
    let bytes = files::read(file, IMPORT_BYTES as u64)?;
    String::from_utf8(bytes).map_err(|_| files::unreadable(file, "not UTF-8: export the table as CSV UTF-8"))
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a moment of RFC 3339: 2026-11-26T00:00:00Z".to_owned())
}
