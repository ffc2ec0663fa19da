//! Deferred work: a row written in the transaction that wants it, leased later. Lease = expiry + token + attempts.
use crate::store::{StoreError, Tx, Writer};
use schemas::{JobId, LeaseToken};
use time::{Duration, OffsetDateTime};
#[derive(Debug, Clone)]
pub struct Job { pub id: JobId, pub kind: String, pub subject: Vec<u8>, pub attempts: u32, pub token: LeaseToken }
/// In the caller's transaction.
pub fn enqueue(_tx: &mut Tx<'_>, _id: JobId, _kind: &str, _subject: &[u8], _run_at: OffsetDateTime) -> Result<(), StoreError> { todo!() }
/// Leases up to `limit` due jobs of the kind (bookkeeping: no audit row).
pub async fn claim(_writer: &Writer, _kind: &'static str, _limit: u32, _lease: Duration, _now: OffsetDateTime) -> Result<Vec<Job>, StoreError> { todo!() }
/// In the caller's transaction: false if the lease was lost (then the caller must roll back).
pub fn complete(_tx: &mut Tx<'_>, _job: &Job) -> Result<bool, StoreError> { todo!() }
/// Gives the job back for a later try.
pub async fn release(_writer: &Writer, _job: &Job, _run_at: OffsetDateTime) -> Result<(), StoreError> { todo!() }
