//! Several revocation lists about one certificate, put together: RFC 5280 6.3.3.
//!
//! A complete list is one fact, with each delta list that fits it another; lists of some reasons only make a fact together.
//! Lists whose signer is not the certificate's issuer count where the signer's own path leads to the same anchor and nothing
//! on it is revoked (6.3.3 f).
use super::crl::{Crl, DELTA, SOME_REASONS};
use super::reasons::Reasons;
use super::scope;
use super::{Fact, Responders, RevocationData, RevocationError, Status};
use crate::certificate::Certificate;
use crate::path::{self, Budget, PathError};
use crate::trust::{Purpose, TrustAnchor, TrustSnapshot};
use time::OffsetDateTime;

/// What is asked of the lists, and whom they may be signed by.
pub(super) struct Inquiry<'a> {
    data: &'a RevocationData,
    /// Verified certificates, leaf first, anchor last: their keys are believed.
    path: &'a [Certificate],
    /// Unproven certificates of whoever signs lists.
    helpers: &'a [Certificate],
    at: OffsetDateTime,
    budget: &'a mut Budget,
    /// Helpers that were judged.
    judged: Vec<(Certificate, bool)>,
    /// Helpers that are being judged: no list is believed on their own word.
    pending: Vec<Certificate>,
    /// Whether the budget did not suffice to judge who signed a list.
    exceeded: bool,
    responders: Responders,
    /// Delegated responders with what the lists say of them.
    delegates: Vec<(Certificate, Status)>,
}

/// Most delegated responders whose status is remembered. An authority has a handful.
const MOST_DELEGATES: usize = 16;

/// Most signers of lists that stand upon each other.
const MOST_PENDING: usize = 3;

/// Most keys that are tried for one list. An authority has one or two; each costs a pass over the whole list.
const MOST_SIGNERS: usize = 4;

impl<'a> Inquiry<'a> {
    pub(super) fn new(
        path: &'a [Certificate],
        data: &'a RevocationData,
        helpers: &'a [Certificate],
        at: OffsetDateTime,
        budget: &'a mut Budget,
    ) -> Self {
        let (judged, pending, delegates) = (Vec::new(), Vec::new(), Vec::new());
        let (exceeded, responders) = (false, Responders::default());
        Self { data, path, helpers, at, budget, judged, pending, exceeded, responders, delegates }
    }

    /// With a policy for delegated responders.
    pub(super) fn demanding(self, responders: Responders) -> Self {
        Self { responders, ..self }
    }

    /// Status of `certificate`, which `issuer` issued. `others` stand above the issuer in a verified path: their keys may have
    /// signed its lists too, as those of an authority that changed its key. Whoever stands below may not: no key speaks for
    /// the certificate that it is believed by.
    pub(super) fn status(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        others: &[&Certificate],
    ) -> Status {
        let (mut facts, mut tried) = self.by_lists(certificate, issuer, others);
        let data = self.data;
        for response in &data.ocsp {
            let answer = response.fact_and_delegate(certificate, issuer).and_then(|(fact, delegate)| {
                self.check_delegate(delegate.as_ref(), issuer, others, fact.produced_at).map(|()| fact)
            });
            match answer {
                Ok(fact) => facts.push(fact),
                Err(error) => tried.push(error),
            }
        }
        self.concluded(facts, tried, certificate)
    }

    /// The facts that the lists state of `certificate`, and why others were left aside.
    fn by_lists(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
        others: &[&Certificate],
    ) -> (Vec<Fact>, Vec<RevocationError>) {
        let (mut facts, mut tried, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        let data = self.data;
        for list in &data.crls {
            if let Err(error) = self.read_list(list, certificate, issuer, others, &mut parts) {
                tried.push(error);
            }
        }
        let (whole, some): (Vec<_>, Vec<_>) = parts.into_iter().partition(|(reasons, _)| *reasons == Reasons::ALL);
        facts.extend(whole.into_iter().map(|(_, fact)| fact));
        // A revocation for one reason is a revocation; that there is none takes all reasons.
        facts.extend(some.iter().filter(|(_, fact)| fact.revoked.is_some()).map(|(_, fact)| fact.clone()));
        match put_together(&some, self.at) {
            Some(fact) => facts.push(fact),
            None if some.is_empty() => {}
            None => tried.push(RevocationError::OutOfScope(SOME_REASONS)),
        }
        (facts, tried)
    }

    fn concluded(&self, facts: Vec<Fact>, mut tried: Vec<RevocationError>, certificate: &Certificate) -> Status {
        if self.exceeded {
            // The list that was left aside may be the one that says so.
            tried.push(RevocationError::OutOfScope(BUDGET));
            return Status::Unknown { tried };
        }
        super::weigh(facts, tried, certificate, self.at)
    }

    /// RFC 6960 4.2.2.2.1: whether an answer that `delegate` signed at `produced_at` may be believed, as far as lists say. An
    /// answer from before a revocation that has nothing to do with the key still counts.
    pub(super) fn check_delegate(
        &mut self,
        delegate: Option<&Certificate>,
        issuer: &Certificate,
        others: &[&Certificate],
        produced_at: OffsetDateTime,
    ) -> Result<(), RevocationError> {
        let Some(delegate) = delegate.filter(|delegate| !delegate.extensions().ocsp_no_check) else {
            return Ok(());
        };
        match self.delegate_status(delegate, issuer, others) {
            Status::Revoked { at, reason, .. } if at > produced_at && reason.is_some_and(|r| HARMLESS.contains(&r)) => {
                Ok(())
            }
            Status::Revoked { .. } => Err(RevocationError::ResponderRevoked),
            Status::Good { next_update, .. } if next_update.is_none_or(|next| self.at <= next) => Ok(()),
            Status::Good { .. } | Status::Unknown { .. } => match self.responders {
                Responders::NotRevoked => Ok(()),
                Responders::KnownGood => Err(RevocationError::OutOfScope(RESPONDER_UNKNOWN)),
            },
        }
    }

    fn delegate_status(&mut self, delegate: &Certificate, issuer: &Certificate, others: &[&Certificate]) -> Status {
        if let Some((_, status)) = self.delegates.iter().find(|(judged, _)| judged == delegate) {
            return status.clone();
        }
        let (facts, tried) = self.by_lists(delegate, issuer, others);
        let status = self.concluded(facts, tried, delegate);
        // What was cut short by those that are pending may be judged otherwise when they are not.
        if self.pending.is_empty() && self.delegates.len() < MOST_DELEGATES {
            self.delegates.push((delegate.clone(), status.clone()));
        }
        status
    }

    /// Adds what a complete list says, alone and with each delta list that fits it.
    fn read_list(
        &mut self,
        list: &Crl,
        certificate: &Certificate,
        issuer: &Certificate,
        others: &[&Certificate],
        parts: &mut Vec<(Reasons, Fact)>,
    ) -> Result<(), RevocationError> {
        let reasons = list.covers(certificate)?;
        if list.is_delta() {
            let data = self.data;
            let is_used = data.crls.iter().any(|one| !one.is_delta() && one.fits(list));
            return if is_used { Ok(()) } else { Err(RevocationError::OutOfScope(DELTA)) };
        }
        self.check_signer(list, certificate, issuer, others)?;
        let alone = list.find(certificate)?;
        parts.push((reasons, list.fact_of(alone)));
        let data = self.data;
        for delta in data.crls.iter().filter(|one| one.is_delta()) {
            if !list.fits(delta) || !list.is_by_the_key_of(delta) {
                continue;
            }
            // 6.3.3 (i) to (k): the delta list decides about those that it names.
            let changed = delta.find(certificate)?;
            let revoked = if changed.is_some() { changed } else { alone };
            parts.push((reasons, delta.fact_of(revoked.filter(|revoked| revoked.reason != Some(REMOVE_FROM_CRL)))));
        }
        Ok(())
    }

    /// Whether somebody whom we believe signed the list.
    fn check_signer(
        &mut self,
        list: &Crl,
        certificate: &Certificate,
        issuer: &Certificate,
        others: &[&Certificate],
    ) -> Result<(), RevocationError> {
        let named = |certificate: &&Certificate| certificate.subject_name() == Some(list.issuer());
        let known = [issuer].into_iter().chain(others.iter().copied()).filter(named);
        let mut verdict = Err(RevocationError::OtherCertificate);
        for signer in distinct(known) {
            verdict = list.check_signer(signer);
            if verdict.is_ok() {
                return verdict;
            }
        }
        for signer in distinct(self.helpers.iter().filter(named)) {
            match list.check_signer(signer) {
                Ok(()) if names_itself(certificate, signer) || self.believes(signer) => return Ok(()),
                Ok(()) => verdict = Err(RevocationError::ResponderNotAuthorised),
                Err(error) if matches!(verdict, Err(RevocationError::OtherCertificate)) => verdict = Err(error),
                Err(_) => {}
            }
        }
        verdict
    }

    /// Whether a path leads from `signer` to the anchor of our own path, on which every certificate is good by a current list
    /// that somebody else signed.
    fn believes(&mut self, signer: &Certificate) -> bool {
        if let Some((_, verdict)) = self.judged.iter().find(|(judged, _)| judged == signer) {
            return *verdict;
        }
        if self.pending.len() == MOST_PENDING || self.pending.contains(signer) {
            return false;
        }
        self.pending.push(signer.clone());
        let verdict = self.is_sound(signer);
        self.pending.pop();
        // What was cut short by those that are pending may be judged otherwise when they are not.
        if verdict || self.pending.is_empty() {
            self.judged.push((signer.clone(), verdict));
        }
        verdict
    }

    fn is_sound(&mut self, signer: &Certificate) -> bool {
        let Some(anchor) = self.path.last() else {
            return false;
        };
        let purpose = Purpose::Signing;
        let anchors = vec![TrustAnchor { certificate: anchor.clone(), purposes: vec![purpose] }];
        let trust = TrustSnapshot::new(anchors, self.path.to_vec(), self.at);
        let path = match path::of_list_signer(signer, self.helpers, &trust, purpose, self.at, self.budget) {
            Ok(path) => path,
            Err(error) => {
                self.exceeded |= error == PathError::BudgetExceeded;
                return false;
            }
        };
        let above = path.iter().zip(path.iter().skip(1)).enumerate();
        above.into_iter().all(|(index, (child, issuer))| {
            let others: Vec<_> = path.iter().skip(index + 2).collect();
            let status = self.status(child, issuer, &others);
            let at = self.at;
            matches!(status, Status::Good { next_update, .. } if next_update.is_none_or(|next| at <= next))
        })
    }
}

/// Whether `certificate` is that of the lists' signer, and names itself as the issuer of the lists that it is on: then its
/// authority wanted it to speak for itself, and nobody else does (PKITS 4.14.30).
fn names_itself(certificate: &Certificate, signer: &Certificate) -> bool {
    certificate == signer && signer.subject_name().is_some_and(|name| scope::names_list_issuer(certificate, name))
}

/// The signers whose keys differ, at most [`MOST_SIGNERS`].
fn distinct<'c>(signers: impl Iterator<Item = &'c Certificate>) -> Vec<&'c Certificate> {
    let mut found: Vec<&Certificate> = Vec::new();
    for signer in signers {
        if found.len() < MOST_SIGNERS && !found.contains(&signer) {
            found.push(signer);
        }
    }
    found
}

/// One fact of facts that each speak for some reasons: for each reason the one that counts most. `None` where a reason is
/// left out. The dates are the oldest of what was used.
fn put_together(parts: &[(Reasons, Fact)], at: OffsetDateTime) -> Option<Fact> {
    let mut together: Option<Fact> = None;
    for reason in Reasons::each() {
        let speaking = parts.iter().filter(|(reasons, _)| !reasons.and(reason).is_empty());
        let (_, fact) = speaking.max_by_key(|(_, fact)| fact.weight(at))?;
        together = Some(match together {
            _ if fact.revoked.is_some() => return Some(fact.clone()),
            None => fact.clone(),
            Some(earlier) => earlier.older_of(fact),
        });
    }
    together
}

/// CRLReason affiliationChanged, superseded, cessationOfOperation (RFC 5280 5.3.1): the key stayed where it was.
const HARMLESS: [u8; 3] = [3, 4, 5];

const RESPONDER_UNKNOWN: &str = "no current list says that its responder is not revoked";

const BUDGET: &str = "the budget does not suffice to judge who signed a list";

/// CRLReason removeFromCRL (RFC 5280 5.3.1): in a delta list, the hold is lifted.
const REMOVE_FROM_CRL: u8 = 8;
