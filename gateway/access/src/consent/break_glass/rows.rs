//! The table of break-glass accesses (migrations/sqlite/0020_break_glass.sql).

use schemas::application::StoredCopy;
use schemas::break_glass::{BreakGlass, BrokenGlass, Review};
use schemas::{ApplicationId, BreakGlassId, CopyId, Edrpou, PersonId};
use storage::{Row, StoreError, Tx};
use time::OffsetDateTime;

use super::super::rows::{id, parsed, stored};
use super::OpeningResource;

/// Centres of one person that a decision looks at: a region has some tens.
const CENTRES: u32 = 1000;

pub(super) fn opening(tx: &mut Tx<'_>, opens: BrokenGlass) -> Result<Option<OpeningResource>, StoreError> {
    match opens {
        BrokenGlass::Application { application } => {
            let sql = "-- break_glass_of_application
                SELECT applicant, centre FROM application WHERE id = $1";
            tx.query_optional(sql, &[application.as_bytes().into()], |row| {
                let subject = id(row, 0, PersonId::from_bytes, "application.applicant")?;
                Ok(OpeningResource { opens, subject, centres: vec![parsed(row, 1, "application.centre")?] })
            })
        }
        BrokenGlass::Person { person } => {
            let sql = "-- break_glass_of_person
                SELECT 1 FROM person WHERE id = $1";
            if tx.query_optional(sql, &[person.as_bytes().into()], |row| row.integer(0))?.is_none() {
                return Ok(None);
            }
            let sql = "-- centres_of_person
                SELECT DISTINCT centre FROM application WHERE applicant = $1 ORDER BY centre LIMIT $2";
            let values = [person.as_bytes().into(), CENTRES.into()];
            let centres = tx.query(sql, &values, |row| parsed(row, 0, "application.centre"))?;
            Ok(Some(OpeningResource { opens, subject: person, centres }))
        }
    }
}

/// Columns id, opened_by, subject, application, centre, ground, reason, opened_at, ends_at, ended_at, reviewed_at, reviewed_by, finding, note,
/// and how many looks there were.
fn of_row(row: &Row<'_>) -> Result<BreakGlass, StoreError> {
    let subject = id(row, 2, PersonId::from_bytes, "break_glass.subject")?;
    let opens = match row.is_null(3)? {
        true => BrokenGlass::Person { person: subject },
        false => {
            BrokenGlass::Application { application: id(row, 3, ApplicationId::from_bytes, "break_glass.application")? }
        }
    };
    let review = match row.is_null(10)? {
        true => None,
        false => Some(Review {
            reviewed_at: row.time(10)?,
            reviewed_by: row.text(11)?,
            finding: parsed(row, 12, "break_glass.finding")?,
            note: row.text(13)?,
        }),
    };
    Ok(BreakGlass {
        break_glass_id: id(row, 0, BreakGlassId::from_bytes, "break_glass.id")?,
        opened_by: id(row, 1, PersonId::from_bytes, "break_glass.opened_by")?,
        subject,
        opens,
        centre: if row.is_null(4)? { None } else { Some(parsed(row, 4, "break_glass.centre")?) },
        ground: parsed(row, 5, "break_glass.ground")?,
        reason: row.text(6)?,
        opened_at: row.time(7)?,
        ends_at: row.time(8)?,
        ended_at: if row.is_null(9)? { None } else { Some(row.time(9)?) },
        review,
        // The first look under it is that it was opened.
        looks: u64::try_from(row.integer(14)? - 1).unwrap_or_default(),
    })
}

pub(super) fn access(tx: &mut Tx<'_>, id: BreakGlassId) -> Result<Option<BreakGlass>, StoreError> {
    let sql = "-- break_glass
        SELECT id, opened_by, subject, application, centre, ground, reason, opened_at, ends_at, ended_at,
            reviewed_at, reviewed_by, finding, note, (SELECT COUNT(*) FROM look WHERE break_glass = break_glass.id)
        FROM break_glass WHERE id = $1";
    tx.query_optional(sql, &[id.as_bytes().into()], of_row)
}

/// The newest first; of a centre those that it is told of; `all`: those that were reviewed too.
pub(super) fn list(
    tx: &mut Tx<'_>,
    centre: Option<Edrpou>,
    all: bool,
    before: Option<BreakGlassId>,
    most: u32,
) -> Result<Vec<BreakGlass>, StoreError> {
    let sql = "-- break_glasses
        SELECT id, opened_by, subject, application, centre, ground, reason, opened_at, ends_at, ended_at,
            reviewed_at, reviewed_by, finding, note, (SELECT COUNT(*) FROM look WHERE break_glass = break_glass.id)
        FROM break_glass WHERE (centre = $1 OR $1 IS NULL) AND ($2 <> 0 OR reviewed_at IS NULL) AND (id < $3 OR $3 IS NULL)
        ORDER BY id DESC LIMIT $4";
    let values = [
        centre.as_ref().map(Edrpou::as_str).into(),
        i64::from(all).into(),
        before.as_ref().map(BreakGlassId::as_bytes).into(),
        most.into(),
    ];
    tx.query(sql, &values, of_row)
}

pub(super) fn open_of(tx: &mut Tx<'_>, opened_by: PersonId, now: OffsetDateTime) -> Result<i64, StoreError> {
    let sql = "-- count_open_break_glasses
        SELECT COUNT(*) FROM break_glass WHERE opened_by = $1 AND ended_at IS NULL AND ends_at > $2";
    let counted = tx.query_optional(sql, &[opened_by.as_bytes().into(), now.into()], |row| row.integer(0));
    counted.map(Option::unwrap_or_default)
}

pub(super) fn unreviewed_of(tx: &mut Tx<'_>, opened_by: PersonId) -> Result<i64, StoreError> {
    let sql = "-- count_unreviewed_break_glasses
        SELECT COUNT(*) FROM break_glass WHERE opened_by = $1 AND reviewed_at IS NULL";
    tx.query_optional(sql, &[opened_by.as_bytes().into()], |row| row.integer(0)).map(Option::unwrap_or_default)
}

pub(super) fn insert(tx: &mut Tx<'_>, access: &BreakGlass) -> Result<(), StoreError> {
    let sql = "-- insert_break_glass
        INSERT INTO break_glass (id, opened_by, subject, application, centre, ground, reason, opened_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let values = [
        access.break_glass_id.as_bytes().into(),
        access.opened_by.as_bytes().into(),
        access.subject.as_bytes().into(),
        application(&access.opens).into(),
        access.centre.as_ref().map(Edrpou::as_str).into(),
        access.ground.as_str().into(),
        (&access.reason).into(),
        access.opened_at.into(),
        access.ends_at.into(),
    ];
    tx.execute(sql, &values).map(drop)
}

/// The caller has seen that it is open.
pub(super) fn end(tx: &mut Tx<'_>, id: BreakGlassId, at: OffsetDateTime, by: &str) -> Result<(), StoreError> {
    let sql = "-- end_break_glass
        UPDATE break_glass SET ended_at = $2, ended_by = $3 WHERE id = $1";
    tx.execute(sql, &[id.as_bytes().into(), at.into(), by.into()]).map(drop)
}

/// The caller has seen that it is not reviewed.
pub(super) fn review(tx: &mut Tx<'_>, id: BreakGlassId, review: &Review) -> Result<(), StoreError> {
    let sql = "-- review_break_glass
        UPDATE break_glass SET reviewed_at = $2, reviewed_by = $3, finding = $4, note = $5 WHERE id = $1";
    let Review { reviewed_at, reviewed_by, finding, note } = review;
    let values =
        [id.as_bytes().into(), (*reviewed_at).into(), reviewed_by.into(), finding.as_str().into(), note.into()];
    tx.execute(sql, &values).map(drop)
}

/// Whether a copy is among what is opened: the subject's own, not erased, and ever attached to the application.
pub(super) fn covers(
    tx: &mut Tx<'_>,
    opens: &BrokenGlass,
    subject: PersonId,
    copy: CopyId,
) -> Result<bool, StoreError> {
    let sql = "-- break_glass_covers
        SELECT 1 FROM stored_copy c WHERE c.id = $1 AND c.owner = $2 AND c.erased_at IS NULL AND (EXISTS (
            SELECT 1 FROM application_copy ac WHERE ac.application_id = $3 AND ac.copy_id = c.id) OR $3 IS NULL)";
    let values = [copy.as_bytes().into(), subject.as_bytes().into(), application(opens).into()];
    Ok(tx.query_optional(sql, &values, |row| row.integer(0))?.is_some())
}

/// What is opened, the oldest first.
pub(super) fn copies(
    tx: &mut Tx<'_>,
    opens: &BrokenGlass,
    subject: PersonId,
    most: u32,
) -> Result<Vec<StoredCopy>, StoreError> {
    let sql = "-- opened_copies
        SELECT c.id, c.kind, c.sha256, length(c.sealed), c.stored_at FROM stored_copy c
        WHERE c.owner = $1 AND c.erased_at IS NULL AND (EXISTS (
            SELECT 1 FROM application_copy ac WHERE ac.application_id = $2 AND ac.copy_id = c.id) OR $2 IS NULL)
        ORDER BY c.id LIMIT $3";
    tx.query(sql, &[subject.as_bytes().into(), application(opens).into(), most.into()], stored)
}

fn application(opens: &BrokenGlass) -> Option<&[u8; 16]> {
    match opens {
        BrokenGlass::Application { application } => Some(application.as_bytes()),
        BrokenGlass::Person { .. } => None,
    }
}
