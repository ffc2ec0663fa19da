//! Fresh identifiers: UUID version 7 (RFC 9562, 5.7) of the given time and the operating system's randomness.
//!
//! Random bytes are drawn a page at a time into a buffer of each thread, because a system call for each of the several
//! identifiers of a document costs more than the identifiers. Bytes are overwritten as they are handed out.

use schemas::{
    AlertId, ApplicationId, AssignmentId, BreakGlassId, CaseId, CopyId, DisposalActId, EventId, EvidenceId, HoldId,
    ImportId, JobId, LeaseToken, LookId, MessageId, NoticeId, PersonId, ProposalId, RequestId, SessionId, TokenId,
};
use std::cell::RefCell;
use time::OffsetDateTime;

/// Implemented for every id type of [`schemas::id`].
pub trait FreshId: Sized {
    /// An identifier that nobody has seen before and nobody can guess (74 random bits), sorting by `at` to the
    /// millisecond. A time before 1970 counts as 1970.
    fn fresh(at: OffsetDateTime) -> Self;
}

macro_rules! fresh {
    ($($id:ty),* $(,)?) => {$(
        impl FreshId for $id {
            fn fresh(at: OffsetDateTime) -> Self {
                Self::from_parts(unix_milliseconds(at), random())
            }
        }
    )*};
}

fresh!(
    MessageId,
    CaseId,
    EventId,
    EvidenceId,
    JobId,
    LeaseToken,
    NoticeId,
    ProposalId,
    RequestId,
    HoldId,
    DisposalActId,
    PersonId,
    AssignmentId,
    ImportId,
    SessionId,
    TokenId,
    ApplicationId,
    CopyId,
    LookId,
    BreakGlassId,
    AlertId
);

fn unix_milliseconds(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

/// Random bytes from this thread's buffer.
fn random<const N: usize>() -> [u8; N] {
    POOL.with_borrow_mut(|pool| {
        if pool.left < N {
            crypto::random::fill(&mut pool.bytes);
            pool.left = pool.bytes.len();
        }
        let mut out = [0; N];
        let start = pool.left - N;
        out.copy_from_slice(&pool.bytes[start..pool.left]);
        pool.bytes[start..pool.left].fill(0);
        pool.left = start;
        out
    })
}

struct Pool {
    bytes: [u8; 1024],
    left: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; 1024], left: 0 }) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn identifiers_are_fresh_across_threads_and_sort_by_time() {
        let at = time::macros::datetime!(2026-11-23 15:19:00 UTC);
        let make = move || (0..5_000).map(|_| EventId::fresh(at)).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(make)).collect();
        let all: BTreeSet<_> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        assert_eq!(all.len(), 20_000);
        let later = EventId::fresh(at + time::Duration::milliseconds(1));
        assert!(all.iter().all(|id| *id < later));
    }
}
