//! Revocation freshness, EN 319 102-1 5.2.5.

use certs::revocation::Status;
use time::{Duration, OffsetDateTime};

use super::Policy;
use super::cause::Cause;

/// How old an answer without nextUpdate may be when the policy says nothing. RFC 6960, 4.2.2.1 reads such an answer as
/// "newer information is available all the time", which bounds nothing.
const WITHOUT_NEXT_UPDATE: Duration = Duration::hours(24);

/// What a certificate's status means for something that existed at `existed` at the latest.
///
/// `authority`: the certificate is one above the signer's.
pub(super) fn judge(status: &Status, existed: OffsetDateTime, authority: bool, policy: &Policy) -> Result<(), Cause> {
    match *status {
        Status::Good { this_update, next_update, .. } => {
            if fresh(this_update, next_update, existed, policy) {
                Ok(())
            } else {
                Err(Cause::StatusStale)
            }
        }
        // Revoked after the signature was there: proof of existence saves it (5.5.4).
        Status::Revoked { at, .. } if existed < at => Ok(()),
        // certificateHold: it may come back (RFC 5280, 5.3.1).
        Status::Revoked { reason: Some(6), .. } => Err(Cause::OnHold),
        Status::Revoked { .. } => Err(if authority { Cause::RevokedAuthority } else { Cause::Revoked }),
        Status::Unknown { .. } => Err(Cause::StatusUnknown),
    }
}

fn fresh(
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    at: OffsetDateTime,
    policy: &Policy,
) -> bool {
    if this_update >= at {
        return true;
    }
    match (policy.revocation_freshness, next_update) {
        (Some(most), _) => at - this_update <= most,
        (None, Some(next_update)) => at <= next_update,
        (None, None) => at - this_update <= WITHOUT_NEXT_UPDATE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn good(age: Duration, next: Option<Duration>) -> Status {
        Status::Good { this_update: NOW - age, next_update: next.map(|next| NOW + next), produced_at: NOW - age }
    }

    #[test]
    fn freshness_is_of_the_policy_else_of_the_answer() {
        let default = Policy::default();
        let hour = Policy { revocation_freshness: Some(Duration::hours(1)), ..Policy::default() };
        for (status, policy, fresh) in [
            (good(Duration::days(3), Some(Duration::days(4))), &default, true),
            (good(Duration::days(3), Some(-Duration::SECOND)), &default, false),
            (good(Duration::hours(23), None), &default, true),
            (good(Duration::hours(25), None), &default, false),
            (good(Duration::minutes(59), Some(-Duration::SECOND)), &hour, true),
            (good(Duration::minutes(61), Some(Duration::days(4))), &hour, false),
            (good(-Duration::days(9), None), &hour, true),
        ] {
            assert_eq!(judge(&status, NOW, false, policy).is_ok(), fresh, "{status:?}");
        }
    }

    #[test]
    fn revocation_counts_from_its_own_time() {
        let revoked = |at, reason| Status::Revoked { at, reason, this_update: NOW };
        let policy = Policy::default();
        assert_eq!(judge(&revoked(NOW, None), NOW, false, &policy), Err(Cause::Revoked));
        assert_eq!(judge(&revoked(NOW, Some(1)), NOW, true, &policy), Err(Cause::RevokedAuthority));
        assert_eq!(judge(&revoked(NOW, Some(6)), NOW, false, &policy), Err(Cause::OnHold));
        assert_eq!(judge(&revoked(NOW + Duration::SECOND, Some(1)), NOW, false, &policy), Ok(()));
        assert_eq!(judge(&Status::Unknown { tried: vec![] }, NOW, false, &policy), Err(Cause::StatusUnknown));
    }
}
