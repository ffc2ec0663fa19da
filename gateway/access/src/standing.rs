//! Whether a certificate may be relied on right now, for one purpose: it leads to an anchor (RFC 5280, 6.1), and every
//! certificate below the anchor is known not to be revoked. Verdicts are remembered for up to a minute, and renewed before it is over: one
//! caller renews while the others go on with what is known. (Without that the verdicts of all who came with the start of a node, or of a
//! day, end in one moment: at 1,000 documents a second from 50 participants every sixtieth second came to a standstill.)

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use certs::certificate::Certificate;
use certs::path::{self, Budget, Failure, PathError, Requirements, VerifiedPath};
use certs::revocation::{RevocationData, RevocationSource, Status, path_status};
use certs::trust::{Purpose, TrustSnapshot, TrustSource};
use storage::Clock;
use time::{Duration, OffsetDateTime};

/// How long a verdict is relied on: the longest that a revocation which we have heard of goes unheeded.
const REMEMBERED: Duration = Duration::seconds(60);

/// The earliest that a verdict is renewed. Between this and [`RENEWED_BY`] each certificate has a moment of its own.
const RENEWED_FROM: Duration = Duration::seconds(25);

/// By when a certificate that is in use is renewed, if its renewal does not fail.
const RENEWED_BY: Duration = Duration::seconds(45);

/// The same where what was heard may not be old either: with [`HEARD`] it is a minute from the revocation to the verdict.
const WATCHED: Duration = Duration::seconds(50);

/// How old what was heard may be there.
const HEARD: Duration = Duration::seconds(10);

/// Verdicts kept at once. A region has hundreds of systems; past this the oldest knowledge is thrown away.
const VERDICTS: usize = 4096;

/// How old an answer without nextUpdate may be. Such an answer only says "as of then" (RFC 6960, 4.2.2.1).
const UNDATED_ANSWER: Duration = Duration::hours(24);

/// Answers of which the log is told why they did not serve.
const TRIED: usize = 4;

/// Why a certificate may not be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReliable {
    /// A certificate of the path is not valid yet, or no longer.
    #[error("outside its validity period")]
    OutsideValidity(Box<Failure>),
    /// It leads to no anchor that is trusted for the purpose.
    #[error("no trusted path")]
    NoPath(Box<Failure>),
    /// A certificate of the path is revoked.
    #[error("revoked")]
    Revoked,
    /// Nothing fresh says that it is not revoked. We fail closed.
    #[error("revocation status unknown")]
    StatusUnknown(Unknown),
}

/// Of which certificates nothing fresh is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unknown {
    /// By their place in the path, 0 for the leaf, with why what was at hand did not serve.
    pub certificates: Vec<(usize, String)>,
}

impl NotReliable {
    /// What was tried, for the operator's log: no person is named in it ([`Failure::explain`]).
    #[must_use]
    pub fn explain(&self) -> String {
        match self {
            Self::OutsideValidity(failure) | Self::NoPath(failure) => failure.explain(),
            Self::Revoked => "a certificate of the path is revoked".to_owned(),
            Self::StatusUnknown(Unknown { certificates }) => {
                let told = certificates.iter().map(|(place, why)| match place {
                    0 => format!("the certificate itself: {why}"),
                    place => format!("authority {place} above it: {why}"),
                });
                told.collect::<Vec<_>>().join("; ")
            }
        }
    }
}

impl From<Failure> for NotReliable {
    fn from(failure: Failure) -> Self {
        match failure.reason {
            PathError::Expired { .. } | PathError::NotYetValid { .. } => Self::OutsideValidity(Box::new(failure)),
            _ => Self::NoPath(Box::new(failure)),
        }
    }
}

/// Verdicts for one purpose.
pub struct Standings {
    purpose: Purpose,
    trust: Arc<dyn TrustSource>,
    revocation: Arc<dyn RevocationSource>,
    clock: Arc<dyn Clock>,
    /// Whether to ask anew for each verdict.
    watched: bool,
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
    /// From when on it is renewed, and whether somebody does. Whoever takes it up and goes away leaves the verdict to its end.
    renewal: OffsetDateTime,
    renewing: Arc<AtomicBool>,
}

impl Verdict {
    /// A clock that was set back proves nothing about the time before the verdict.
    fn holds(&self, now: OffsetDateTime, trust: [u8; 32]) -> bool {
        (self.from..self.until).contains(&now) && self.trust == trust
    }
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
        Self { purpose, trust, revocation, clock, watched: false, known: RwLock::default() }
    }

    /// The same, where a revocation is heeded within a minute of its publication: whoever can be asked is asked for each verdict.
    #[must_use]
    pub fn watched(self) -> Self {
        Self { watched: true, ..self }
    }

    /// What is known of the revocation of a path, as fresh as these verdicts need it.
    pub async fn revocation(&self, path: &VerifiedPath, now: OffsetDateTime) -> RevocationData {
        if self.watched {
            self.revocation.data_since(path, now, now - HEARD).await
        } else {
            self.revocation.data(path, now).await
        }
    }

    /// The fingerprint of a certificate (DER) whose good standing is remembered. Where there is none, or the caller is the one to renew it:
    /// [`Self::check_anew`].
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
        self.check_anew(leaf, pool).await
    }

    /// The same, whatever is remembered; but where nothing fresh is known of its revocation, what is remembered holds until its minute is over.
    ///
    /// # Errors
    /// [`NotReliable`].
    pub async fn check_anew(&self, leaf: &Certificate, pool: &[Certificate]) -> Result<VerifiedPath, NotReliable> {
        let now = self.clock.now();
        let trust = self.trust.current();
        let path = self.find(leaf, pool, &trust, now).inspect_err(|_| self.forget(leaf))?;
        let data = self.revocation(&path, now).await;
        match not_revoked(&path_status(&path, &data, now), now) {
            Ok(()) => {
                self.remember(&path, true, &trust, now);
                Ok(path)
            }
            Err(NotReliable::StatusUnknown(unknown)) => {
                let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
                let verdict =
                    known.get(leaf.der()).filter(|verdict| verdict.reliable && verdict.holds(now, trust.id()));
                verdict.map(|verdict| verdict.path.clone()).ok_or(NotReliable::StatusUnknown(unknown))
            }
            Err(reason) => {
                self.forget(leaf);
                Err(reason)
            }
        }
    }

    /// Once one caller has heard of it, nobody goes on with what is remembered.
    fn forget(&self, leaf: &Certificate) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(leaf.der());
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
        let path = self.find(leaf, pool, &trust, now)?;
        self.remember(&path, false, &trust, now);
        Ok(path)
    }

    fn find(
        &self,
        leaf: &Certificate,
        pool: &[Certificate],
        trust: &TrustSnapshot,
        now: OffsetDateTime,
    ) -> Result<VerifiedPath, Failure> {
        let (requirements, mut budget) = (Requirements::default(), Budget::default());
        path::verify_with(leaf, pool, trust, self.purpose, now, &requirements, &mut budget)
    }

    fn remembered(&self, leaf: &[u8]) -> Option<Verdict> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let verdict = known.get(leaf)?;
        let now = self.clock.now();
        let is_mine_to_renew = || verdict.renewal <= now && !verdict.renewing.swap(true, Ordering::Relaxed);
        (verdict.holds(now, self.trust.current().id()) && !is_mine_to_renew()).then(|| verdict.clone())
    }

    fn remember(&self, path: &VerifiedPath, reliable: bool, trust: &TrustSnapshot, now: OffsetDateTime) {
        let expiry = path.certificates().iter().map(Certificate::not_after).min();
        let remembered = if self.watched { WATCHED } else { REMEMBERED };
        let until = expiry.map_or(now, |expiry| expiry.min(now + remembered));
        let (der, fingerprint) = (path.leaf().der().to_vec(), path.leaf().fingerprint());
        let path = path.clone();
        let (trust, renewal, renewing) = (trust.id(), now + renewed_after(&fingerprint), Arc::default());
        let verdict = Verdict { path, fingerprint, reliable, trust, from: now, until, renewal, renewing };
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

/// A share of the time between [`RENEWED_FROM`] and [`RENEWED_BY`] that is the certificate's own.
fn renewed_after(fingerprint: &[u8; 32]) -> Duration {
    RENEWED_FROM + (RENEWED_BY - RENEWED_FROM) * i32::from(fingerprint[0]) / i32::from(u8::MAX)
}

/// Fails closed: one certificate of unknown status is enough, and a revoked one outweighs unknown ones.
fn not_revoked(statuses: &[Status], now: OffsetDateTime) -> Result<(), NotReliable> {
    if statuses.iter().any(|status| matches!(status, Status::Revoked { .. })) {
        return Err(NotReliable::Revoked);
    }
    let why = |status: &Status| match status {
        Status::Good { next_update: Some(next), .. } if now > *next => Some(format!("out of date since {next}")),
        Status::Good { next_update: None, this_update, .. } if now - *this_update > UNDATED_ANSWER => {
            Some(format!("an undated answer of {this_update}"))
        }
        Status::Good { .. } | Status::Revoked { .. } => None,
        Status::Unknown { tried } if tried.is_empty() => Some("no answer at hand".to_owned()),
        Status::Unknown { tried } => {
            let tried: Vec<String> = tried.iter().take(TRIED).map(ToString::to_string).collect();
            Some(tried.join(", "))
        }
    };
    let unknown = statuses.iter().enumerate().filter_map(|(place, status)| Some((place, why(status)?)));
    let certificates: Vec<_> = unknown.collect();
    if certificates.is_empty() { Ok(()) } else { Err(NotReliable::StatusUnknown(Unknown { certificates })) }
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
        let told = |statuses: &[Status]| not_revoked(statuses, now).map_err(|reason| reason.explain());
        assert_eq!(told(&[fresh.clone(), fresh.clone()]), Ok(()));
        assert_eq!(told(&[good(None, now - Duration::hours(23))]), Ok(()));
        let old = told(&[good(None, now - Duration::hours(25))]).unwrap_err();
        assert!(old.starts_with("the certificate itself: an undated answer of "), "{old}");
        let of_authority = told(&[fresh.clone(), stale]).unwrap_err();
        assert!(of_authority.starts_with("authority 1 above it: out of date since "), "{of_authority}");
        assert_eq!(told(&[fresh, unknown.clone()]), Err("authority 1 above it: no answer at hand".to_owned()));
        assert_eq!(not_revoked(&[unknown, revoked], now), Err(NotReliable::Revoked));
    }
}
