//! The tables of copies, applications and looks (migrations/sqlite/0018_applications.sql, 0020_break_glass.sql).

use crypto::digest::hex;
use schemas::application::{Application, ApplicationState, Look, StoredCopy};
use schemas::id::InvalidId;
use schemas::{ApplicationId, BreakGlassId, CopyId, Edrpou, LookId, PersonId};
use storage::{Row, StoreError, Tx};
use time::OffsetDateTime;

use super::SealedCopy;

/// What stands of a copy and an application together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookFacts {
    pub(crate) copy: CopyId,
    pub(crate) owner: PersonId,
    pub(crate) application: ApplicationId,
    pub(crate) centre: Edrpou,
    /// Both are one person's, and the copy is attached.
    pub(crate) attached: bool,
    pub(crate) state: ApplicationState,
}

pub(super) fn id<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(&[u8]) -> Result<T, InvalidId>,
    name: &'static str,
) -> Result<T, StoreError> {
    read(&row.blob(column)?).map_err(|_| StoreError::Corrupt(name))
}

pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, StoreError> {
    row.text(column)?.parse().map_err(|_| StoreError::Corrupt(name))
}

/// `withdrawn_at`, `closed_at` and `retention`, from this column on.
fn state(row: &Row<'_>, column: usize) -> Result<ApplicationState, StoreError> {
    if !row.is_null(column)? {
        return Ok(ApplicationState::Withdrawn { at: row.time(column)? });
    }
    if row.is_null(column + 1)? {
        return Ok(ApplicationState::Open);
    }
    let retention = parsed(row, column + 2, "application.retention")?;
    Ok(ApplicationState::Closed { at: row.time(column + 1)?, retention })
}

/// Of what is not erased.
pub(super) fn copy(tx: &mut Tx<'_>, copy: CopyId) -> Result<Option<(PersonId, StoredCopy)>, StoreError> {
    let sql = "-- stored_copy
        SELECT id, kind, sha256, length(sealed), stored_at, owner FROM stored_copy WHERE id = $1 AND erased_at IS NULL";
    tx.query_optional(sql, &[copy.as_bytes().into()], |row| {
        Ok((id(row, 5, PersonId::from_bytes, "stored_copy.owner")?, stored(row)?))
    })
}

pub(super) fn stored(row: &Row<'_>) -> Result<StoredCopy, StoreError> {
    Ok(StoredCopy {
        copy_id: id(row, 0, CopyId::from_bytes, "stored_copy.id")?,
        kind: parsed(row, 1, "stored_copy.kind")?,
        sha256: hex(&row.array::<32>(2)?),
        size: u64::try_from(row.integer(3)?).map_err(|_| StoreError::Corrupt("stored_copy.sealed"))?,
        stored_at: row.time(4)?,
    })
}

/// With its bytes, of what is not erased.
pub(super) fn sealed(tx: &mut Tx<'_>, copy: CopyId) -> Result<Option<SealedCopy>, StoreError> {
    let sql = "-- sealed_copy
        SELECT id, kind, sha256, length(sealed), stored_at, sealed FROM stored_copy WHERE id = $1 AND erased_at IS NULL";
    tx.query_optional(sql, &[copy.as_bytes().into()], |row| Ok(SealedCopy { copy: stored(row)?, sealed: row.blob(5)? }))
}

pub(super) fn copies_of(tx: &mut Tx<'_>, owner: PersonId) -> Result<i64, StoreError> {
    let sql = "-- count_copies
        SELECT COUNT(*) FROM stored_copy WHERE owner = $1 AND erased_at IS NULL";
    tx.query_optional(sql, &[owner.as_bytes().into()], |row| row.integer(0)).map(Option::unwrap_or_default)
}

pub(super) fn own_copies(tx: &mut Tx<'_>, owner: PersonId, most: u32) -> Result<Vec<StoredCopy>, StoreError> {
    let sql = "-- own_copies
        SELECT id, kind, sha256, length(sealed), stored_at FROM stored_copy
        WHERE owner = $1 AND erased_at IS NULL ORDER BY id LIMIT $2";
    tx.query(sql, &[owner.as_bytes().into(), most.into()], stored)
}

pub(super) fn insert_copy(
    tx: &mut Tx<'_>,
    owner: PersonId,
    copy: &StoredCopy,
    sha256: &[u8; 32],
    sealed: &[u8],
) -> Result<(), StoreError> {
    let sql = "-- insert_copy
        INSERT INTO stored_copy (id, owner, kind, sha256, sealed, stored_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let (copy_id, owner, kind) = (copy.copy_id.as_bytes(), owner.as_bytes(), copy.kind.as_str());
    let values = [copy_id.into(), owner.into(), kind.into(), sha256.into(), sealed.into(), copy.stored_at.into()];
    tx.execute(sql, &values).map(drop)
}

/// False: it is not there, or not any more.
pub(super) fn erase(tx: &mut Tx<'_>, copy: CopyId, at: OffsetDateTime) -> Result<bool, StoreError> {
    let sql = "-- erase_copy
        UPDATE stored_copy SET sealed = $3, erased_at = $2 WHERE id = $1 AND erased_at IS NULL";
    Ok(tx.execute(sql, &[copy.as_bytes().into(), at.into(), (&[0_u8; 0]).into()])? > 0)
}

/// How the applications stand that a copy is attached to: one of each class of retention, the one that was closed last.
pub(super) fn ways_to_see(tx: &mut Tx<'_>, copy: CopyId) -> Result<Vec<ApplicationState>, StoreError> {
    let sql = "-- ways_to_see
        SELECT NULL, MAX(a.closed_at), a.retention FROM application_copy ac JOIN application a ON a.id = ac.application_id
        WHERE ac.copy_id = $1 AND ac.detached_at IS NULL AND a.withdrawn_at IS NULL GROUP BY a.retention";
    tx.query(sql, &[copy.as_bytes().into()], |row| state(row, 0))
}

/// Without its copies.
fn row_of_application(row: &Row<'_>) -> Result<Application, StoreError> {
    Ok(Application {
        application_id: id(row, 0, ApplicationId::from_bytes, "application.id")?,
        applicant: id(row, 1, PersonId::from_bytes, "application.applicant")?,
        centre: parsed(row, 2, "application.centre")?,
        service: parsed(row, 3, "application.service")?,
        applied_at: row.time(4)?,
        state: state(row, 5)?,
        copies: Vec::new(),
    })
}

fn with_copies(tx: &mut Tx<'_>, applications: Vec<Application>) -> Result<Vec<Application>, StoreError> {
    let sql = "-- attached_copies
        SELECT copy_id FROM application_copy WHERE application_id = $1 AND detached_at IS NULL ORDER BY copy_id";
    let with = |application: Application| {
        let copies = tx.query(sql, &[application.application_id.as_bytes().into()], |row| {
            id(row, 0, CopyId::from_bytes, "application_copy.copy_id")
        })?;
        Ok(Application { copies, ..application })
    };
    applications.into_iter().map(with).collect()
}

pub(super) fn application(tx: &mut Tx<'_>, application: ApplicationId) -> Result<Option<Application>, StoreError> {
    let sql = "-- application
        SELECT id, applicant, centre, service, applied_at, withdrawn_at, closed_at, retention
        FROM application WHERE id = $1";
    let found = tx.query(sql, &[application.as_bytes().into()], row_of_application)?;
    Ok(with_copies(tx, found)?.pop())
}

pub(super) fn own_applications(
    tx: &mut Tx<'_>,
    applicant: PersonId,
    most: u32,
) -> Result<Vec<Application>, StoreError> {
    let sql = "-- own_applications
        SELECT id, applicant, centre, service, applied_at, withdrawn_at, closed_at, retention
        FROM application WHERE applicant = $1 ORDER BY id DESC LIMIT $2";
    let found = tx.query(sql, &[applicant.as_bytes().into(), most.into()], row_of_application)?;
    with_copies(tx, found)
}

/// What was withdrawn is out of the centre's sight.
pub(super) fn applications_at(
    tx: &mut Tx<'_>,
    centre: Edrpou,
    after: Option<ApplicationId>,
    most: u32,
) -> Result<Vec<Application>, StoreError> {
    let sql = "-- applications_at
        SELECT id, applicant, centre, service, applied_at, withdrawn_at, closed_at, retention
        FROM application WHERE centre = $1 AND withdrawn_at IS NULL AND (id > $2 OR $2 IS NULL) ORDER BY id LIMIT $3";
    let values = [centre.as_str().into(), after.as_ref().map(ApplicationId::as_bytes).into(), most.into()];
    let found = tx.query(sql, &values, row_of_application)?;
    with_copies(tx, found)
}

pub(super) fn open_applications(tx: &mut Tx<'_>, applicant: PersonId) -> Result<i64, StoreError> {
    let sql = "-- count_open_applications
        SELECT COUNT(*) FROM application WHERE applicant = $1 AND withdrawn_at IS NULL AND closed_at IS NULL";
    tx.query_optional(sql, &[applicant.as_bytes().into()], |row| row.integer(0)).map(Option::unwrap_or_default)
}

pub(super) fn insert_application(tx: &mut Tx<'_>, application: &Application) -> Result<(), StoreError> {
    let sql = "-- insert_application
        INSERT INTO application (id, applicant, centre, service, applied_at) VALUES ($1, $2, $3, $4, $5)";
    let Application { application_id, applicant, centre, service, applied_at, .. } = application;
    let (application_id, applicant) = (application_id.as_bytes(), applicant.as_bytes());
    let (centre, service) = (centre.as_str(), service.as_str());
    let values = [application_id.into(), applicant.into(), centre.into(), service.into(), (*applied_at).into()];
    tx.execute(sql, &values).map(drop)
}

/// The caller has seen that it is open.
pub(super) fn end(tx: &mut Tx<'_>, application: ApplicationId, state: &ApplicationState) -> Result<(), StoreError> {
    let sql = "-- end_application
        UPDATE application SET withdrawn_at = $2, closed_at = $3, retention = $4 WHERE id = $1";
    let (withdrawn, closed, retention) = match state {
        ApplicationState::Open => (None, None, None),
        ApplicationState::Withdrawn { at } => (Some(*at), None, None),
        ApplicationState::Closed { at, retention } => (None, Some(*at), Some(retention.as_str())),
    };
    let values = [application.as_bytes().into(), withdrawn.into(), closed.into(), retention.into()];
    tx.execute(sql, &values).map(drop)
}

pub(super) fn attach(
    tx: &mut Tx<'_>,
    application: ApplicationId,
    copy: CopyId,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let sql = "-- attach_copy
        INSERT INTO application_copy (application_id, copy_id, attached_at) VALUES ($1, $2, $3)
        ON CONFLICT (application_id, copy_id) DO UPDATE SET attached_at = excluded.attached_at, detached_at = NULL
        WHERE application_copy.detached_at IS NOT NULL";
    tx.execute(sql, &[application.as_bytes().into(), copy.as_bytes().into(), at.into()]).map(drop)
}

pub(super) fn detach(
    tx: &mut Tx<'_>,
    application: ApplicationId,
    copy: CopyId,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let sql = "-- detach_copy
        UPDATE application_copy SET detached_at = $3 WHERE application_id = $1 AND copy_id = $2 AND detached_at IS NULL";
    tx.execute(sql, &[application.as_bytes().into(), copy.as_bytes().into(), at.into()]).map(drop)
}

pub(super) fn look_facts(
    tx: &mut Tx<'_>,
    application: ApplicationId,
    copy: CopyId,
) -> Result<Option<LookFacts>, StoreError> {
    let sql = "-- look_facts
        SELECT c.owner, a.centre, a.withdrawn_at, a.closed_at, a.retention, c.owner = a.applicant AND EXISTS (
            SELECT 1 FROM application_copy ac WHERE ac.application_id = a.id AND ac.copy_id = c.id AND ac.detached_at IS NULL
        ) FROM application a JOIN stored_copy c ON c.id = $2 AND c.erased_at IS NULL WHERE a.id = $1";
    tx.query_optional(sql, &[application.as_bytes().into(), copy.as_bytes().into()], |row| {
        Ok(LookFacts {
            copy,
            owner: id(row, 0, PersonId::from_bytes, "stored_copy.owner")?,
            application,
            centre: parsed(row, 1, "application.centre")?,
            state: state(row, 2)?,
            attached: row.integer(5)? != 0,
        })
    })
}

pub(super) fn insert_look(tx: &mut Tx<'_>, subject: PersonId, look: &Look) -> Result<(), StoreError> {
    let sql = "-- insert_look
        INSERT INTO look (id, subject, looked_by, acting_for, object, purpose, legal_ground, break_glass, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let Look { look_id, looked_by, acting_for, object, purpose, legal_ground, break_glass, at } = look;
    let acting_for = acting_for.as_ref().map(Edrpou::as_str);
    let values = [
        look_id.as_bytes().into(),
        subject.as_bytes().into(),
        looked_by.into(),
        acting_for.into(),
        object.into(),
        purpose.as_str().into(),
        legal_ground.into(),
        break_glass.as_ref().map(BreakGlassId::as_bytes).into(),
        (*at).into(),
    ];
    tx.execute(sql, &values).map(drop)
}

pub(super) fn looks_at(
    tx: &mut Tx<'_>,
    subject: PersonId,
    before: Option<LookId>,
    most: u32,
) -> Result<Vec<Look>, StoreError> {
    let sql = "-- looks_at
        SELECT id, looked_by, acting_for, object, purpose, legal_ground, at, break_glass FROM look
        WHERE subject = $1 AND (id < $2 OR $2 IS NULL) ORDER BY id DESC LIMIT $3";
    let values = [subject.as_bytes().into(), before.as_ref().map(LookId::as_bytes).into(), most.into()];
    tx.query(sql, &values, |row| {
        Ok(Look {
            look_id: id(row, 0, LookId::from_bytes, "look.id")?,
            looked_by: row.text(1)?,
            acting_for: if row.is_null(2)? { None } else { Some(parsed(row, 2, "look.acting_for")?) },
            object: row.text(3)?,
            purpose: parsed(row, 4, "look.purpose")?,
            legal_ground: row.text(5)?,
            at: row.time(6)?,
            break_glass: match row.is_null(7)? {
                true => None,
                false => Some(id(row, 7, BreakGlassId::from_bytes, "look.break_glass")?),
            },
        })
    })
}
