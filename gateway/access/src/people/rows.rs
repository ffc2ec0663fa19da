//! The directory's tables (migrations/sqlite/0016_people.sql).

use schemas::access::Role;
use schemas::directory::NumberKind;
use schemas::{AssignmentId, Edrpou, PersonId};
use storage::{Row, StoreError, Tx};
use time::OffsetDateTime;

use super::numbers::Digests;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PersonRow {
    pub(super) id: PersonId,
    pub(super) name: String,
    pub(super) registered_at: OffsetDateTime,
    pub(super) registered_by: String,
    pub(super) removed_at: Option<OffsetDateTime>,
}

/// A role of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) id: AssignmentId,
    pub(super) person: PersonId,
    pub(super) role: Role,
    pub(super) participant: Option<Edrpou>,
    pub(super) valid_from: OffsetDateTime,
    pub(super) valid_until: Option<OffsetDateTime>,
    pub(super) granted_by: String,
    pub(super) granted_at: OffsetDateTime,
    pub(super) revoked: Option<(OffsetDateTime, String)>,
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, StoreError> {
    row.text(column)?.parse().map_err(|_| StoreError::Corrupt(name))
}

fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<OffsetDateTime>, StoreError> {
    if row.is_null(column)? { Ok(None) } else { row.time(column).map(Some) }
}

fn person_id(row: &Row<'_>, column: usize) -> Result<PersonId, StoreError> {
    PersonId::from_bytes(&row.blob(column)?).map_err(|_| StoreError::Corrupt("person.id"))
}

/// Columns id, name, registered_at, registered_by, removed_at.
fn person_of_row(row: &Row<'_>) -> Result<PersonRow, StoreError> {
    Ok(PersonRow {
        id: person_id(row, 0)?,
        name: row.text(1)?,
        registered_at: row.time(2)?,
        registered_by: row.text(3)?,
        removed_at: optional_time(row, 4)?,
    })
}

/// Columns id, person_id, role, participant, valid_from, valid_until, granted_by, granted_at, revoked_at, revoked_by.
fn assignment_of_row(row: &Row<'_>) -> Result<Assignment, StoreError> {
    let corrupt = StoreError::Corrupt("role_assignment.id");
    let revoked_at = optional_time(row, 8)?;
    Ok(Assignment {
        id: AssignmentId::from_bytes(&row.blob(0)?).map_err(|_| corrupt)?,
        person: person_id(row, 1)?,
        role: parsed(row, 2, "role_assignment.role")?,
        participant: if row.is_null(3)? { None } else { Some(parsed(row, 3, "role_assignment.participant")?) },
        valid_from: row.time(4)?,
        valid_until: optional_time(row, 5)?,
        granted_by: row.text(6)?,
        granted_at: row.time(7)?,
        revoked: revoked_at.map(|at| Ok::<_, StoreError>((at, row.text(9)?))).transpose()?,
    })
}

/// Grows with each change, in the change's transaction.
pub(super) fn version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "-- directory_version
        SELECT version FROM directory_version WHERE id = 1";
    tx.query_optional(sql, &[], |row| row.integer(0))?.ok_or(StoreError::Corrupt("directory_version"))
}

/// Moves the version on from the one that a change was planned at. False: something changed meanwhile.
pub(super) fn advance(tx: &mut Tx<'_>, planned_at: i64) -> Result<bool, StoreError> {
    let sql = "-- advance_directory_version
        UPDATE directory_version SET version = version + 1 WHERE id = 1 AND version = $1";
    Ok(tx.execute(sql, &[planned_at.into()])? == 1)
}

/// Moves the version on, for a change that no plan precedes: whoever planned one meanwhile plans anew.
pub(super) fn grow(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "-- grow_directory_version
        UPDATE directory_version SET version = version + 1 WHERE id = 1";
    tx.execute(sql, &[]).map(drop)
}

/// What the identity key made of a fixed text when the first person was registered.
pub(super) fn key_check(tx: &mut Tx<'_>) -> Result<Option<[u8; 32]>, StoreError> {
    let sql = "-- identity_key_check
        SELECT key_check FROM directory_version WHERE id = 1 AND key_check IS NOT NULL";
    tx.query_optional(sql, &[], |row| row.array(0))
}

/// Remembers it. False: another key is in use.
pub(super) fn claim_key(tx: &mut Tx<'_>, check: &[u8; 32]) -> Result<bool, StoreError> {
    let sql = "-- claim_identity_key
        UPDATE directory_version SET key_check = $1 WHERE id = 1 AND (key_check IS NULL OR key_check = $1)";
    Ok(tx.execute(sql, &[check.into()])? == 1)
}

pub(super) fn person(tx: &mut Tx<'_>, id: PersonId) -> Result<Option<PersonRow>, StoreError> {
    let sql = "-- read_person
        SELECT id, name, registered_at, registered_by, removed_at FROM person WHERE id = $1";
    tx.query_optional(sql, &[id.as_bytes().into()], person_of_row)
}

/// Whose number it is.
pub(super) fn owner(tx: &mut Tx<'_>, digest: &[u8; 32]) -> Result<Option<PersonId>, StoreError> {
    let sql = "-- owner_of_number
        SELECT person_id FROM person_identity WHERE digest = $1";
    tx.query_optional(sql, &[digest.into()], |row| person_id(row, 0))
}

pub(super) fn digests(tx: &mut Tx<'_>, person: PersonId) -> Result<Digests, StoreError> {
    let sql = "-- numbers_of_person
        SELECT digest FROM person_identity WHERE person_id = $1 AND kind = $2";
    let mut of = |kind: NumberKind| {
        tx.query_optional(sql, &[person.as_bytes().into(), kind.as_str().into()], |row| row.array(0))
    };
    Ok(Digests { rnokpp: of(NumberKind::Rnokpp)?, unzr: of(NumberKind::Unzr)? })
}

pub(super) fn insert_person(
    tx: &mut Tx<'_>,
    id: PersonId,
    name: &str,
    at: OffsetDateTime,
    by: &str,
) -> Result<(), StoreError> {
    let sql = "-- insert_person
        INSERT INTO person (id, name, registered_at, registered_by) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[id.as_bytes().into(), name.into(), at.into(), by.into()]).map(drop)
}

/// Somebody who was removed is in the directory again.
pub(super) fn reinstate_person(
    tx: &mut Tx<'_>,
    id: PersonId,
    name: &str,
    at: OffsetDateTime,
    by: &str,
) -> Result<(), StoreError> {
    let sql = "-- reinstate_person
        UPDATE person SET name = $2, registered_at = $3, registered_by = $4, removed_at = NULL, removed_by = NULL
        WHERE id = $1";
    tx.execute(sql, &[id.as_bytes().into(), name.into(), at.into(), by.into()]).map(drop)
}

pub(super) fn remove_person(tx: &mut Tx<'_>, id: PersonId, at: OffsetDateTime, by: &str) -> Result<(), StoreError> {
    let sql = "-- remove_person
        UPDATE person SET removed_at = $2, removed_by = $3 WHERE id = $1 AND removed_at IS NULL";
    tx.execute(sql, &[id.as_bytes().into(), at.into(), by.into()]).map(drop)
}

/// Adds the numbers that the person is not known by yet.
pub(super) fn add_digests(tx: &mut Tx<'_>, person: PersonId, digests: &Digests) -> Result<(), StoreError> {
    let known = self::digests(tx, person)?;
    let sql = "-- insert_number
        INSERT INTO person_identity (digest, kind, person_id) VALUES ($1, $2, $3)";
    for (kind, digest) in digests.iter().filter(|(kind, _)| known.of(*kind).is_none()) {
        tx.execute(sql, &[digest.into(), kind.as_str().into(), person.as_bytes().into()])?;
    }
    Ok(())
}

/// The roles of a person that are not taken back, whenever they hold.
pub(super) fn open_assignments(tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<Assignment>, StoreError> {
    let sql = "-- open_assignments
        SELECT id, person_id, role, participant, valid_from, valid_until, granted_by, granted_at, revoked_at, revoked_by
        FROM role_assignment WHERE person_id = $1 AND revoked_at IS NULL ORDER BY id";
    tx.query(sql, &[person.as_bytes().into()], assignment_of_row)
}

/// The newest roles of a person, oldest first.
pub(super) fn assignments(tx: &mut Tx<'_>, person: PersonId, most: u32) -> Result<Vec<Assignment>, StoreError> {
    let sql = "-- assignments
        SELECT id, person_id, role, participant, valid_from, valid_until, granted_by, granted_at, revoked_at, revoked_by
        FROM role_assignment WHERE person_id = $1 ORDER BY id DESC LIMIT $2";
    let mut found = tx.query(sql, &[person.as_bytes().into(), most.into()], assignment_of_row)?;
    found.reverse();
    Ok(found)
}

pub(super) fn assignment(tx: &mut Tx<'_>, id: AssignmentId) -> Result<Option<Assignment>, StoreError> {
    let sql = "-- assignment
        SELECT id, person_id, role, participant, valid_from, valid_until, granted_by, granted_at, revoked_at, revoked_by
        FROM role_assignment WHERE id = $1";
    tx.query_optional(sql, &[id.as_bytes().into()], assignment_of_row)
}

/// The roles of everybody who is in the directory, as far as they hold now or later.
pub(super) fn all_assignments(tx: &mut Tx<'_>, now: OffsetDateTime) -> Result<Vec<Assignment>, StoreError> {
    let sql = "-- all_assignments
        SELECT a.id, a.person_id, a.role, a.participant, a.valid_from, a.valid_until, a.granted_by, a.granted_at,
            a.revoked_at, a.revoked_by
        FROM role_assignment AS a JOIN person AS p ON p.id = a.person_id
        WHERE a.revoked_at IS NULL AND p.removed_at IS NULL AND (a.valid_until IS NULL OR a.valid_until > $1)";
    tx.query(sql, &[now.into()], assignment_of_row)
}

/// The numbers of those people, each with its owner.
pub(super) fn numbers_of_officials(
    tx: &mut Tx<'_>,
    now: OffsetDateTime,
) -> Result<Vec<([u8; 32], PersonId)>, StoreError> {
    let sql = "-- numbers_of_officials
        SELECT i.digest, i.person_id FROM person_identity AS i JOIN person AS p ON p.id = i.person_id
        WHERE p.removed_at IS NULL AND EXISTS (SELECT 1 FROM role_assignment AS a
            WHERE a.person_id = i.person_id AND a.revoked_at IS NULL AND (a.valid_until IS NULL OR a.valid_until > $1))";
    tx.query(sql, &[now.into()], |row| Ok((row.array(0)?, person_id(row, 1)?)))
}

pub(super) fn insert_assignment(tx: &mut Tx<'_>, new: &Assignment) -> Result<(), StoreError> {
    let sql = "-- insert_assignment
        INSERT INTO role_assignment
            (id, person_id, role, participant, valid_from, valid_until, granted_by, granted_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        new.id.as_bytes().into(),
        new.person.as_bytes().into(),
        new.role.as_str().into(),
        new.participant.as_ref().map(Edrpou::as_str).into(),
        new.valid_from.into(),
        new.valid_until.into(),
        (&new.granted_by).into(),
        new.granted_at.into(),
    ];
    tx.execute(sql, &values).map(drop)
}

/// False: it was taken back before.
pub(super) fn revoke_assignment(
    tx: &mut Tx<'_>,
    id: AssignmentId,
    at: OffsetDateTime,
    by: &str,
) -> Result<bool, StoreError> {
    let sql = "-- revoke_assignment
        UPDATE role_assignment SET revoked_at = $2, revoked_by = $3 WHERE id = $1 AND revoked_at IS NULL";
    Ok(tx.execute(sql, &[id.as_bytes().into(), at.into(), by.into()])? == 1)
}

/// People after this one, by id.
pub(super) fn people(tx: &mut Tx<'_>, after: Option<PersonId>, most: u32) -> Result<Vec<PersonRow>, StoreError> {
    let sql = "-- people
        SELECT id, name, registered_at, registered_by, removed_at FROM person WHERE id > $1 ORDER BY id LIMIT $2";
    tx.query(sql, &[beginning(&after).into(), most.into()], person_of_row)
}

/// The same, of those who are in the directory and have a role within the participant that is not taken back.
pub(super) fn people_of(
    tx: &mut Tx<'_>,
    participant: Edrpou,
    after: Option<PersonId>,
    most: u32,
) -> Result<Vec<PersonRow>, StoreError> {
    let sql = "-- people_of_participant
        SELECT id, name, registered_at, registered_by, removed_at FROM person
        WHERE id > $1 AND removed_at IS NULL AND id IN
            (SELECT person_id FROM role_assignment WHERE participant = $2 AND revoked_at IS NULL)
        ORDER BY id LIMIT $3";
    tx.query(sql, &[beginning(&after).into(), participant.as_str().into(), most.into()], person_of_row)
}

/// Every identifier is greater than no bytes.
fn beginning(after: &Option<PersonId>) -> &[u8] {
    after.as_ref().map_or(&[], |id| id.as_bytes())
}

pub(super) fn participant_exists(tx: &mut Tx<'_>, participant: Edrpou) -> Result<bool, StoreError> {
    let sql = "-- participant_exists
        SELECT 1 FROM participant WHERE edrpou = $1";
    Ok(tx.query_optional(sql, &[participant.as_str().into()], |row| row.integer(0))?.is_some())
}
