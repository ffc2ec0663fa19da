//! Revocation: CRL (RFC 5280 section 5) and OCSP (RFC 6960).
//!
//! `crl` and `ocsp` read and verify, `lists` puts lists together; here the facts about one certificate are weighed. Facts are
//! reported, freshness is the caller's to judge: a status carries the times that its answer gives.
//!
//! A delegated OCSP responder that its authority gave `ocsp-nocheck` is believed as long as its certificate lasts. One without
//! may be revoked (RFC 6960 4.2.2.2.1): that is looked up in the lists at hand, never in other OCSP answers, so that no
//! responder speaks for itself. What follows where no list speaks of it is the caller's policy: [`Responders`].
mod crl;
mod entries;
mod lists;
mod ocsp;
mod ocsp_request;
mod reasons;
mod scope;

pub use crl::{CRL_BYTES, Crl};
pub use ocsp::{OCSP_BYTES, OcspResponse, Recall};
pub(crate) use ocsp_request::{CertId, OcspRequest};
pub use ocsp_request::{ocsp_request, ocsp_request_by};
pub(crate) use reasons::Reasons;

use crate::asn1::Malformed;
use crate::certificate::Certificate;
use crate::path::{Budget, VerifiedPath};
use lists::Inquiry;
use std::pin::Pin;
use time::OffsetDateTime;

/// Why an answer about revocation was left aside.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// The named structure does not follow its RFC, or is larger than its bound.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The signature does not verify under the key that must have made it.
    #[error("signature wrong")]
    SignatureWrong,
    /// Whoever signed was not authorised by the certificate's issuer (RFC 6960 4.2.2.2, RFC 5280 6.3.3 f).
    #[error("responder not authorised")]
    ResponderNotAuthorised,
    /// An OCSP answer without content (RFC 6960 4.2.1): 1 malformedRequest, 2 internalError, 3 tryLater, 5 sigRequired, 6 unauthorized.
    #[error("OCSP error status {0}")]
    ResponderStatus(u8),
    /// The delegate that signed was revoked by its authority.
    #[error("responder revoked")]
    ResponderRevoked,
    /// The answer speaks of other certificates or of another issuer's.
    #[error("answer is for another certificate")]
    OtherCertificate,
    /// The answer repeats another nonce than was sent, or none.
    #[error("nonce differs")]
    NonceMismatch,
    /// The answer is authentic but says nothing usable of this certificate.
    #[error("the answer does not cover this certificate: {0}")]
    OutOfScope(&'static str),
}

impl From<Malformed> for RevocationError {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed(what)
    }
}

/// Everything known about revocation, untrusted until checked.
#[derive(Debug, Clone, Default)]
pub struct RevocationData {
    /// OCSP answers, of whomever.
    pub ocsp: Vec<OcspResponse>,
    /// Revocation lists, of whomever.
    pub crls: Vec<Crl>,
}

/// What is known about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Not revoked when the answer was made.
    Good {
        /// When the responder knew this.
        this_update: OffsetDateTime,
        /// When newer information will be there at the latest.
        next_update: Option<OffsetDateTime>,
        /// When the answer was signed.
        produced_at: OffsetDateTime,
    },
    /// Revoked, at a time that may lie before or after the one asked about.
    Revoked {
        /// Since when.
        at: OffsetDateTime,
        /// CRLReason (RFC 5280 5.3.1), where given: 1 keyCompromise, 6 certificateHold, ...
        reason: Option<u8>,
        /// When the responder knew this.
        this_update: OffsetDateTime,
    },
    /// Nothing usable.
    Unknown {
        /// Why each answer was left aside.
        tried: Vec<RevocationError>,
    },
}

/// What is demanded of a delegated OCSP responder whose authority did not give it `ocsp-nocheck` (RFC 6960 4.2.2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Responders {
    /// It must not be on a list of its authority. Where there is no list, its short life has to do: most authorities that leave
    /// `ocsp-nocheck` out publish no list that clients of OCSP would fetch.
    #[default]
    NotRevoked,
    /// A current list of its authority must be there, and it must not be on it.
    KnownGood,
}

/// What an authentic answer says of one certificate, and when it was true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `None`: not revoked.
    pub revoked: Option<Revoked>,
    /// When the authority knew this.
    pub this_update: OffsetDateTime,
    /// Until when it is fresh: newer information will be there at the latest.
    pub next_update: Option<OffsetDateTime>,
    /// When the answer was signed.
    pub produced_at: OffsetDateTime,
    /// The authority still speaks of certificates that expired at this time or later (archive cutoff, RFC 6960 4.4.4;
    /// expiredCertsOnCRL, X.509 9.5.2.8). `None`: not of those that expired before it knew this.
    pub keeps_expired_since: Option<OffsetDateTime>,
}

/// That and since when a certificate is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// Since when.
    pub at: OffsetDateTime,
    /// CRLReason (RFC 5280 5.3.1), where given.
    pub reason: Option<u8>,
}

/// Status of `certificate`, which `issuer` issued, by the authentic answers in `data`.
///
/// A revocation wins over every answer that knows nothing of it, save a hold, which a later answer may lift. Otherwise answers
/// that were current at `at` come before others, and then the freshest counts. The caller judges whether it is fresh enough.
/// Lists count where `issuer` signed them; for lists of other signers see [`path_status_with`].
#[must_use]
pub fn status(certificate: &Certificate, issuer: &Certificate, data: &RevocationData, at: OffsetDateTime) -> Status {
    status_with(certificate, issuer, data, Responders::default(), at)
}

/// [`status`], with a policy for delegated responders.
#[must_use]
pub fn status_with(
    certificate: &Certificate,
    issuer: &Certificate,
    data: &RevocationData,
    responders: Responders,
    at: OffsetDateTime,
) -> Status {
    Inquiry::new(&[], data, &[], at, &mut Budget::default()).demanding(responders).status(certificate, issuer, &[])
}

/// Status of every certificate of the path below the anchor, leaf first; empty where the leaf is itself the anchor.
#[must_use]
pub fn path_status(path: &VerifiedPath, data: &RevocationData, at: OffsetDateTime) -> Vec<Status> {
    path_status_with(path, data, &[], at, &mut Budget::default())
}

/// [`path_status`], where `helpers` are unproven certificates of who may have signed lists: issuers of indirect lists, and
/// keys that an authority keeps for its lists. Their paths must lead to the anchor of `path`; `budget` bounds the search.
#[must_use]
pub fn path_status_with(
    path: &VerifiedPath,
    data: &RevocationData,
    helpers: &[Certificate],
    at: OffsetDateTime,
    budget: &mut Budget,
) -> Vec<Status> {
    path_status_demanding(path, data, helpers, Responders::default(), at, budget)
}

/// [`path_status_with`], with a policy for delegated responders.
#[must_use]
pub fn path_status_demanding(
    path: &VerifiedPath,
    data: &RevocationData,
    helpers: &[Certificate],
    responders: Responders,
    at: OffsetDateTime,
    budget: &mut Budget,
) -> Vec<Status> {
    let certificates = path.certificates();
    let mut inquiry = Inquiry::new(certificates, data, helpers, at, budget).demanding(responders);
    let pairs = certificates.iter().zip(certificates.iter().skip(1)).enumerate();
    let statuses = pairs.map(|(index, (child, issuer))| {
        let above: Vec<_> = certificates.iter().skip(index + 2).collect();
        inquiry.status(child, issuer, &above)
    });
    statuses.collect()
}

/// The status that counts among `facts`; `tried` are the reasons for which other answers were left aside.
fn weigh(facts: Vec<Fact>, mut tried: Vec<RevocationError>, certificate: &Certificate, at: OffsetDateTime) -> Status {
    let (usable, late): (Vec<_>, Vec<_>) = facts.into_iter().partition(|fact| fact.speaks_of(certificate));
    match usable.into_iter().reduce(|best, fact| if fact.weight(at) > best.weight(at) { fact } else { best }) {
        Some(Fact { this_update, revoked: Some(Revoked { at, reason }), .. }) => {
            Status::Revoked { at, reason, this_update }
        }
        Some(Fact { this_update, next_update, produced_at, revoked: None, .. }) => {
            Status::Good { this_update, next_update, produced_at }
        }
        None => {
            tried.extend(late.iter().map(|_| RevocationError::OutOfScope(EXPIRED_BEFORE)));
            Status::Unknown { tried }
        }
    }
}

impl Fact {
    /// Larger counts more.
    fn weight(&self, at: OffsetDateTime) -> (bool, bool, OffsetDateTime, bool) {
        let for_good = self.revoked.is_some_and(|revoked| revoked.reason != Some(CERTIFICATE_HOLD));
        let current = self.this_update <= at && self.next_update.is_none_or(|next| at <= next);
        (for_good, current, self.this_update, self.revoked.is_some())
    }

    /// Whether the authority still spoke of `certificate`: entries leave the lists once their certificates have expired
    /// (RFC 5280 3.3), so that silence about such a certificate means nothing.
    fn speaks_of(&self, certificate: &Certificate) -> bool {
        let end = certificate.not_after();
        self.revoked.is_some() || self.this_update <= end || self.keeps_expired_since.is_some_and(|since| since <= end)
    }

    /// Both facts as one that is not younger than either.
    fn older_of(self, other: &Self) -> Self {
        Self {
            revoked: self.revoked.or(other.revoked),
            this_update: self.this_update.min(other.this_update),
            next_update: match (self.next_update, other.next_update) {
                (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
                (ours, theirs) => ours.or(theirs),
            },
            produced_at: self.produced_at.min(other.produced_at),
            keeps_expired_since: match (self.keeps_expired_since, other.keeps_expired_since) {
                (Some(ours), Some(theirs)) => Some(ours.max(theirs)),
                _ => None,
            },
        }
    }
}

/// CRLReason certificateHold: the only revocation that can be taken back.
const CERTIFICATE_HOLD: u8 = 6;

const EXPIRED_BEFORE: &str = "it was made after the certificate expired, and keeps no record of expired ones";

/// Where services get revocation data from (caches, network); implemented in the gateway.
pub trait RevocationSource: Send + Sync {
    /// Best known data for every certificate of the path below the anchor. Never fails: what cannot be had is absent.
    fn data<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>>;

    /// The same, where what is known of the first certificate should not be older than `since`. What nobody can be asked for anew is as old
    /// as it is.
    fn data_since<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
        since: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        let _ = since;
        self.data(path, at)
    }
}

#[cfg(test)]
mod list_tests;
#[cfg(test)]
mod responder_tests;
#[cfg(test)]
mod tests;
