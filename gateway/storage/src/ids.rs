//! Fresh identifiers: UUIDv7 of the given time and OS randomness.
use schemas::{CaseId, EventId, EvidenceId, JobId, LeaseToken, MessageId, RequestId};
use time::OffsetDateTime;
/// Implemented for every id type of `schemas::id`.
pub trait FreshId: Sized { fn fresh(at: OffsetDateTime) -> Self; }
macro_rules! fresh { ($($t:ty),*) => {$(impl FreshId for $t { fn fresh(_at: OffsetDateTime) -> Self { todo!() } })*} }
fresh!(MessageId, CaseId, EventId, EvidenceId, JobId, LeaseToken, RequestId);
