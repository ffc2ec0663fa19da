//! Revocation: CRL (RFC 5280 section 5) and OCSP (RFC 6960).
//!
//! `crl` and `ocsp` read and verify; here the answers about one certificate are weighed. Facts are reported, freshness is the
//! caller's to judge: a status carries the times that its answer gives.
//!
//! Where we knowingly do less than the RFCs: indirect CRLs, delta CRLs and CRLs of some reasons only are not used, a
//! certificate for which there is nothing else is of unknown status; a delegated OCSP responder's own revocation is not
//! looked up (its authority gave it `ocsp-nocheck`, or a short life).
mod crl;
mod entries;
mod ocsp;

pub use crl::{CRL_BYTES, Crl};
pub(crate) use ocsp::{CertId, OcspRequest};
pub use ocsp::{OCSP_BYTES, OcspResponse, ocsp_request};

use crate::asn1::Malformed;
use crate::certificate::Certificate;
use crate::path::VerifiedPath;
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

/// CRLReason certificateHold: the only revocation that can be taken back.
const CERTIFICATE_HOLD: u8 = 6;

/// Status of `certificate`, which `issuer` issued, by the authentic answers in `data`.
///
/// A revocation wins over every answer that knows nothing of it, save a hold, which a later answer may lift. Otherwise answers
/// that were current at `at` come before others, and then the freshest counts. The caller judges whether it is fresh enough.
#[must_use]
pub fn status(certificate: &Certificate, issuer: &Certificate, data: &RevocationData, at: OffsetDateTime) -> Status {
    status_by(certificate, issuer, &[], data, at)
}

/// [`status`], where `others` are further certificates of the issuer's name whose keys may have signed its lists.
fn status_by(
    certificate: &Certificate,
    issuer: &Certificate,
    others: &[&Certificate],
    data: &RevocationData,
    at: OffsetDateTime,
) -> Status {
    let mut tried = Vec::new();
    let mut best: Option<Answer> = None;
    let of_ocsp = data.ocsp.iter().map(|response| response.answer(certificate, issuer));
    let of_crls = data.crls.iter().map(|crl| crl.answer(certificate, issuer, others));
    for answer in of_ocsp.chain(of_crls) {
        match answer {
            Ok(answer) if best.as_ref().is_none_or(|best| answer.weight(at) > best.weight(at)) => best = Some(answer),
            Ok(_) => {}
            Err(error) => tried.push(error),
        }
    }
    match best {
        None => Status::Unknown { tried },
        Some(Answer { this_update, next_update, produced_at, revoked: None }) => {
            Status::Good { this_update, next_update, produced_at }
        }
        Some(Answer { this_update, revoked: Some(Revoked { at, reason }), .. }) => {
            Status::Revoked { at, reason, this_update }
        }
    }
}

/// Status of every certificate of the path below the anchor, leaf first; empty where the leaf is itself the anchor.
#[must_use]
pub fn path_status(path: &VerifiedPath, data: &RevocationData, at: OffsetDateTime) -> Vec<Status> {
    let certificates = path.certificates();
    let pairs = certificates.iter().zip(certificates.iter().skip(1)).enumerate();
    let statuses = pairs.map(|(index, (child, issuer))| {
        // An authority that changed its key may sign its lists with the other one (RFC 5280 6.3.3 f): both keys are believed
        // where both stand above the certificate in the verified path.
        let above = certificates.iter().skip(index + 2);
        let others: Vec<_> = above.filter(|other| other.subject_name() == issuer.subject_name()).collect();
        status_by(child, issuer, &others, data, at)
    });
    statuses.collect()
}

/// An authentic answer about the certificate in question.
struct Answer {
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    produced_at: OffsetDateTime,
    revoked: Option<Revoked>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Revoked {
    at: OffsetDateTime,
    reason: Option<u8>,
}

impl Answer {
    /// Larger counts more.
    fn weight(&self, at: OffsetDateTime) -> (bool, bool, OffsetDateTime, bool) {
        let for_good = self.revoked.is_some_and(|revoked| revoked.reason != Some(CERTIFICATE_HOLD));
        let current = self.this_update <= at && self.next_update.is_none_or(|next| at <= next);
        (for_good, current, self.this_update, self.revoked.is_some())
    }
}

/// Where services get revocation data from (caches, network); implemented in the gateway.
pub trait RevocationSource: Send + Sync {
    /// Best known data for every certificate of the path below the anchor. Never fails: what cannot be had is absent.
    fn data<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>>;
}

#[cfg(test)]
mod tests;
