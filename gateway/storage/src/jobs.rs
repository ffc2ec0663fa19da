//! Deferred work: a row written in the transaction that wants it, leased later.
//!
//! A lease is an expiry, a token and a count of attempts. Whoever holds the token may complete the job; when the lease
//! runs out another may claim the job, which replaces the token, so that the first holder's `complete` answers false
//! and its transaction must be rolled back. Work is therefore done at least once, and its effect in the database exactly
//! once.

use crate::ids::FreshId;
use crate::store::{Reader, StoreError, Tx, TxError, Writer};
use schemas::{JobId, LeaseToken};
use time::{Duration, OffsetDateTime};

/// A leased job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which job.
    pub id: JobId,
    /// What kind of work it is, e.g. `deliver`.
    pub kind: String,
    /// What it is about, usually the sixteen bytes of an identifier.
    pub subject: Vec<u8>,
    /// How often it was leased, this time included.
    pub attempts: u32,
    /// The right to complete it.
    pub token: LeaseToken,
}

/// Writes a job into the caller's transaction; it is due at `run_at`.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken; any other failure of the database.
pub fn enqueue(
    tx: &mut Tx<'_>,
    id: JobId,
    kind: &str,
    subject: &[u8],
    run_at: OffsetDateTime,
) -> Result<(), StoreError> {
    let sql = "-- enqueue
        INSERT INTO jobs (id, kind, subject, available_at) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, &[id.as_bytes().into(), kind.into(), subject.into(), run_at.into()])?;
    Ok(())
}

/// The kinds of jobs that there are whose name begins so.
///
/// # Errors
/// When the database fails.
pub fn kinds_from(tx: &mut Tx<'_>, begin: &str) -> Result<Vec<String>, StoreError> {
    let sql = "-- kinds_from
        SELECT DISTINCT kind FROM jobs WHERE kind >= $1 AND substr(kind, 1, length($1)) = $1";
    tx.query(sql, &[begin.into()], |row| row.text(0))
}

/// Leases up to `limit` due jobs of the kind, the longest due first, until `now + lease`. (Bookkeeping: no audit row.)
///
/// # Errors
/// Failures of the database.
pub async fn claim(
    writer: &Writer,
    kind: &str,
    limit: u32,
    lease: Duration,
    now: OffsetDateTime,
) -> Result<Vec<Job>, StoreError> {
    // The condition on available_at stands twice: under READ COMMITTED the outer one is evaluated again on a row that
    // another claim has just changed.
    let sql = "-- claim
        UPDATE jobs SET lease_token = $1, available_at = $2, attempts = attempts + 1
        WHERE available_at <= $3
          AND id IN (SELECT id FROM jobs WHERE kind = $4 AND available_at <= $3 ORDER BY available_at, id LIMIT $5)
        RETURNING id, subject, attempts";
    let token = LeaseToken::fresh(now);
    let until = now.checked_add(lease).ok_or(StoreError::Corrupt("a lease ends outside the calendar"))?;
    let kind = kind.to_owned();
    let claimed = writer.run_tx("jobs_claim", move |tx| {
        let values = [token.as_bytes().into(), until.into(), now.into(), (&kind).into(), limit.into()];
        tx.query(sql, &values, |row| {
            Ok(Job {
                id: JobId::from_bytes(&row.blob(0)?).map_err(|_| StoreError::Corrupt("a job's id"))?,
                kind: kind.clone(),
                subject: row.blob(1)?,
                attempts: u32::try_from(row.integer(2)?).unwrap_or(u32::MAX),
                token,
            })
        })
    });
    let mut jobs = claimed.await.map_err(store_error)?;
    // RETURNING promises no order; ids sort by the time of their making.
    jobs.sort_by_key(|job| job.id);
    Ok(jobs)
}

/// Removes a done job in the caller's transaction: false if the lease was lost (then the caller must roll back).
///
/// # Errors
/// Failures of the database.
pub fn complete(tx: &mut Tx<'_>, job: &Job) -> Result<bool, StoreError> {
    let sql = "-- complete
        DELETE FROM jobs WHERE id = $1 AND lease_token = $2";
    Ok(tx.execute(sql, &[job.id.as_bytes().into(), job.token.as_bytes().into()])? == 1)
}

/// Gives the job back for a later try, due at `run_at`. A lost lease is no error: the job is in other hands already.
///
/// # Errors
/// Failures of the database.
pub async fn release(writer: &Writer, job: &Job, run_at: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- release
        UPDATE jobs SET lease_token = NULL, available_at = $1 WHERE id = $2 AND lease_token = $3";
    let (id, token) = (job.id, job.token);
    let released = writer.run_tx("jobs_release", move |tx| {
        tx.execute(sql, &[run_at.into(), id.as_bytes().into(), token.as_bytes().into()])
    });
    released.await.map(drop).map_err(store_error)
}

/// Gives the job back in the caller's transaction, due at `run_at`: false if the lease was lost (then the caller must roll
/// back).
///
/// # Errors
/// Failures of the database.
pub fn postpone(tx: &mut Tx<'_>, job: &Job, run_at: OffsetDateTime) -> Result<bool, StoreError> {
    let sql = "-- postpone
        UPDATE jobs SET lease_token = NULL, available_at = $1 WHERE id = $2 AND lease_token = $3";
    Ok(tx.execute(sql, &[run_at.into(), job.id.as_bytes().into(), job.token.as_bytes().into()])? == 1)
}

/// Holds the job until `until`: for work that takes longer than anybody can say beforehand. False if the lease was lost.
///
/// # Errors
/// Failures of the database.
pub async fn prolong(writer: &Writer, job: &Job, until: OffsetDateTime) -> Result<bool, StoreError> {
    let sql = "-- prolong
        UPDATE jobs SET available_at = $1 WHERE id = $2 AND lease_token = $3";
    let (id, token) = (job.id, job.token);
    let prolonged = writer.run_tx("jobs_prolong", move |tx| {
        tx.execute(sql, &[until.into(), id.as_bytes().into(), token.as_bytes().into()])
    });
    Ok(prolonged.await.map_err(store_error)? == 1)
}

/// What waits: the number of jobs that are due at `now`, and since when the oldest of them is.
///
/// # Errors
/// Failures of the database.
pub async fn due(reader: &Reader, now: OffsetDateTime) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
    let sql = "-- due
        SELECT count(*), min(available_at) FROM jobs WHERE available_at <= $1";
    let due = reader.read("jobs_due", move |tx| {
        tx.query_optional(sql, &[now.into()], |row| {
            let oldest = if row.is_null(1)? { None } else { Some(row.time(1)?) };
            Ok((u64::try_from(row.integer(0)?).unwrap_or(0), oldest))
        })
    });
    Ok(due.await?.unwrap_or((0, None)))
}

/// A transaction whose only refusal is a failure of the database.
fn store_error(error: TxError<StoreError>) -> StoreError {
    match error {
        TxError::Refused(error) | TxError::Store(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreConfig, migrate, open};
    use crate::throwaway::BackEnd;
    use time::macros::datetime;

    crate::on_each_back_end!(
        a_job_is_leased_when_due_and_done_once,
        a_lost_lease_is_noticed,
        a_job_never_has_two_holders
    );

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00 UTC);
    const LEASE: Duration = Duration::seconds(60);

    fn store(back_end: BackEnd) -> (tempfile::TempDir, StoreConfig, Writer, Reader) {
        let folder = tempfile::tempdir().unwrap();
        let config = back_end.database(folder.path()).unwrap();
        migrate(&config).unwrap();
        let (writer, reader) = open(&config).unwrap();
        (folder, config, writer, reader)
    }

    async fn put(writer: &Writer, kind: &'static str, run_at: OffsetDateTime) -> JobId {
        let id = JobId::fresh(run_at);
        writer.run_tx("put", move |tx| enqueue(tx, id, kind, b"subject", run_at)).await.unwrap();
        id
    }

    async fn finish(writer: &Writer, job: &Job) -> bool {
        let job = job.clone();
        writer.run_tx("finish", move |tx| complete(tx, &job)).await.unwrap()
    }

    async fn a_job_is_leased_when_due_and_done_once(back_end: BackEnd) {
        let (_folder, _config, writer, reader) = store(back_end);
        let id = put(&writer, "deliver", NOON).await;
        put(&writer, "notify", NOON).await;
        assert!(claim(&writer, "deliver", 9, LEASE, NOON - Duration::microseconds(1)).await.unwrap().is_empty());
        assert_eq!(due(&reader, NOON).await.unwrap(), (2, Some(NOON)));
        let jobs = claim(&writer, "deliver", 9, LEASE, NOON).await.unwrap();
        assert_eq!(jobs.iter().map(|j| (j.id, j.attempts)).collect::<Vec<_>>(), [(id, 1)]);
        assert_eq!(jobs[0].subject, b"subject");
        assert!(claim(&writer, "deliver", 9, LEASE, NOON).await.unwrap().is_empty());
        assert!(finish(&writer, &jobs[0]).await);
        assert!(!finish(&writer, &jobs[0]).await);
    }

    async fn a_lost_lease_is_noticed(back_end: BackEnd) {
        let (_folder, _config, writer, _reader) = store(back_end);
        put(&writer, "deliver", NOON).await;
        let first = claim(&writer, "deliver", 1, LEASE, NOON).await.unwrap().remove(0);
        let second = claim(&writer, "deliver", 1, LEASE, NOON + LEASE).await.unwrap().remove(0);
        assert_eq!(second.attempts, 2);
        assert!(!finish(&writer, &first).await);
        release(&writer, &first, NOON).await.unwrap();
        assert!(claim(&writer, "deliver", 1, LEASE, NOON + LEASE).await.unwrap().is_empty(), "released by a stranger");
        release(&writer, &second, NOON + LEASE * 3).await.unwrap();
        assert!(!finish(&writer, &second).await, "released and completed");
        let third = claim(&writer, "deliver", 1, LEASE, NOON + LEASE * 3).await.unwrap().remove(0);
        assert_eq!(third.attempts, 3);
        assert!(finish(&writer, &third).await);
    }

    async fn a_job_never_has_two_holders(back_end: BackEnd) {
        let (_folder, config, writer, _reader) = store(back_end);
        for _ in 0..200 {
            put(&writer, "deliver", NOON).await;
        }
        let (other, _) = open(&config).unwrap();
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let writer = if n % 2 == 0 { writer.clone() } else { other.clone() };
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        let jobs = claim(&writer, "deliver", 3, LEASE, NOON).await.unwrap();
                        if jobs.is_empty() {
                            return mine;
                        }
                        mine.extend(jobs.into_iter().map(|job| job.id));
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        assert_eq!(all.len(), 200);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 200);
    }
}
