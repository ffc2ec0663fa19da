//! Whether a certificate may be relied on right now, for one purpose: it leads to an anchor (RFC 5280, 6.1), and every
//! certificate below the anchor is known not to be revoked. Verdicts are remembered for up to a minute.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use certs::certificate::Certificate;
use certs::path::{self, Budget, PathError, VerifiedPath};
use certs::revocation::{RevocationSource, Status, path_status};
use certs::trust::{Purpose, TrustSnapshot, TrustSource};
use storage::Clock;
use time::{Duration, OffsetDateTime};

/// How long a verdict is relied on: the longest that a revocation which we have heard of goes unheeded.
const REMEMBERED: Duration = Duration::seconds(60);

/// Verdicts kept at once. A region has hundreds of systems; past this the oldest knowledge is thrown away.
const VERDICTS: usize = 4096;

/// How old an answer without nextUpdate may be. Such an answer only says "as of then" (RFC 6960, 4.2.2.1).
const UNDATED_ANSWER: Duration = Duration::hours(24);

/// Why a certificate may not be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReliable {
    /// A certificate of the path is not valid yet, or no longer.
    #[error("outside its validity period")]
    OutsideValidity,
    /// It leads to no anchor that is trusted for the purpose.
    #[error("no trusted path: {0}")]
    NoPath(PathError),
    /// A certificate of the path is revoked.
    #[error("revoked")]
    Revoked,
    /// Nothing fresh says that it is not revoked. We fail closed.
    #[error("revocation status unknown")]
    StatusUnknown,
}

impl From<PathError> for NotReliable {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Expired { .. } | PathError::NotYetValid { .. } => Self::OutsideValidity,
            other => Self::NoPath(other),
        }
    }
}

/// Verdicts for one purpose.
pub struct Standings {
    purpose: Purpose,
    trust: Arc<dyn TrustSource>,
    revocation: Arc<dyn RevocationSource>,
    clock: Arc<dyn Clock>,
    /// By the leaf's DER: the lookup of a request hashes the bytes that the handshake left and parses nothing.
    known: RwLock<HashMap<Vec<u8>, Verdict>>,
}

#[derive(Clone)]
struct Verdict {
    path: VerifiedPath,
    fingerprint: [u8; 32],
    /// Whether revocation was checked too, or only the path.
    reliable: bool,
    trust: [u8; 32],
    from: OffsetDateTime,
    until: OffsetDateTime,
}

impl Standings {
    /// Judges certificates for the purpose, against the trust, the revocation data and the clock.
    #[must_use]
    pub fn new(
        purpose: Purpose,
        trust: Arc<dyn TrustSource>,
        revocation: Arc<dyn RevocationSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { purpose, trust, revocation, clock, known: RwLock::default() }
    }

    /// The fingerprint of a certificate (DER) whose good standing is remembered.
    #[must_use]
    pub fn recall(&self, leaf: &[u8]) -> Option<[u8; 32]> {
        self.remembered(leaf).filter(|verdict| verdict.reliable).map(|verdict| verdict.fingerprint)
    }

    /// Verifies path and revocation. `pool`: untrusted certificates that may help.
    ///
    /// # Errors
    /// [`NotReliable`].
    pub async fn check(&self, leaf: &Certificate, pool: &[Certificate]) -> Result<VerifiedPath, NotReliable> {
        if let Some(verdict) = self.remembered(leaf.der()).filter(|verdict| verdict.reliable) {
            return Ok(verdict.path);
        }
        let now = self.clock.now();
        let trust = self.trust.current();
        let path = path::verify(leaf, pool, &trust, self.purpose, now, &mut Budget::default())?;
        let data = self.revocation.data(&path, now).await;
        not_revoked(&path_status(&path, &data, now), now)?;
        self.remember(&path, true, &trust, now);
        Ok(path)
    }

    /// Verifies the path alone, for callers who judge revocation themselves. `pool`: untrusted certificates that may help.
    ///
    /// # Errors
    /// [`NotReliable::NoPath`] and [`NotReliable::OutsideValidity`].
    pub fn path(&self, leaf: &Certificate, pool: &[Certificate]) -> Result<VerifiedPath, NotReliable> {
        if let Some(verdict) = self.remembered(leaf.der()) {
            return Ok(verdict.path);
        }
        let now = self.clock.now();
        let trust = self.trust.current();
        let path = path::verify(leaf, pool, &trust, self.purpose, now, &mut Budget::default())?;
        self.remember(&path, false, &trust, now);
        Ok(path)
    }

    fn remembered(&self, leaf: &[u8]) -> Option<Verdict> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let verdict = known.get(leaf)?;
        let now = self.clock.now();
        // A clock that was set back proves nothing about the time before the verdict.
        let holds = verdict.from <= now && now < verdict.until && verdict.trust == self.trust.current().id();
        holds.then(|| verdict.clone())
    }

    fn remember(&self, path: &VerifiedPath, reliable: bool, trust: &TrustSnapshot, now: OffsetDateTime) {
        let expiry = path.certificates().iter().map(Certificate::not_after).min();
        let until = expiry.map_or(now, |expiry| expiry.min(now + REMEMBERED));
        let (der, fingerprint) = (path.leaf().der().to_vec(), path.leaf().fingerprint());
        let path = path.clone();
        let verdict = Verdict { path, fingerprint, reliable, trust: trust.id(), from: now, until };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= VERDICTS {
            known.retain(|_, verdict| now < verdict.until);
        }
        if known.len() >= VERDICTS {
            known.clear();
        }
        known.insert(der, verdict);
    }
}

/// Fails closed: one certificate of unknown status is enough, and a revoked one outweighs unknown ones.
fn not_revoked(statuses: &[Status], now: OffsetDateTime) -> Result<(), NotReliable> {
    if statuses.iter().any(|status| matches!(status, Status::Revoked { .. })) {
        return Err(NotReliable::Revoked);
    }
    let fresh = |status: &Status| match status {
        Status::Good { next_update: Some(next), .. } => now <= *next,
        Status::Good { next_update: None, this_update, .. } => now - *this_update <= UNDATED_ANSWER,
        Status::Revoked { .. } | Status::Unknown { .. } => false,
    };
    if statuses.iter().all(fresh) { Ok(()) } else { Err(NotReliable::StatusUnknown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(next_update: Option<OffsetDateTime>, this_update: OffsetDateTime) -> Status {
        Status::Good { this_update, next_update, produced_at: this_update }
    }

    #[test]
    fn revocation_fails_closed() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let fresh = good(Some(now + Duration::hours(1)), now - Duration::hours(1));
        let stale = good(Some(now - Duration::seconds(1)), now - Duration::hours(1));
        let unknown = Status::Unknown { tried: Vec::new() };
        let revoked = Status::Revoked { at: now, reason: None, this_update: now };
        assert_eq!(not_revoked(&[fresh.clone(), fresh.clone()], now), Ok(()));
        assert_eq!(not_revoked(&[good(None, now - Duration::hours(23))], now), Ok(()));
        assert_eq!(not_revoked(&[good(None, now - Duration::hours(25))], now), Err(NotReliable::StatusUnknown));
        assert_eq!(not_revoked(&[fresh.clone(), stale], now), Err(NotReliable::StatusUnknown));
        assert_eq!(not_revoked(&[fresh, unknown.clone()], now), Err(NotReliable::StatusUnknown));
        assert_eq!(not_revoked(&[unknown, revoked], now), Err(NotReliable::Revoked));
    }
}
