//! Status of certificates by everything that is known, looked up once for each and within a budget.
//!
//! Every list that names the right issuer costs a signature check, and a stranger chooses how many a file holds, how
//! many signatures ask, and how many time-stamps stand on each. So the work of a whole file is bounded.

use std::cell::{Cell, Ref, RefCell};

use certs::certificate::Certificate;
use certs::path::VerifiedPath;
use certs::revocation::{Crl, OcspResponse, RevocationData, Status, status};
use certs::timestamp::TrustedTime;
use certs::trust::TrustSnapshot;
use certs::trust_list::{Period, Standing};
use time::OffsetDateTime;

use super::proof::{Object, Proofs};
use super::{Context, ValidationData};

/// Answers that may be looked at for a file with one signature, and for each further one. Real long-term files, with thirty
/// answers for ten certificates, need some hundred for each signature.
const MOST_ANSWERS: usize = 4000;
const MOST_ANSWERS_MORE: usize = 500;

/// What is left of a file's budget.
pub(super) struct Work {
    answers: Cell<usize>,
}

impl Work {
    pub(super) fn new(signatures: usize) -> Self {
        Self { answers: Cell::new(MOST_ANSWERS + MOST_ANSWERS_MORE * signatures.saturating_sub(1)) }
    }

    fn spend(&self, answers: usize) -> bool {
        let rest = self.answers.get().checked_sub(answers);
        self.answers.set(rest.unwrap_or(0));
        rest.is_some()
    }
}

/// Lists and answers of one signature, each with the object that holds it.
#[derive(Default, Clone)]
pub(super) struct Embedded {
    pub(super) ocsp: Vec<(Object, OcspResponse)>,
    pub(super) crls: Vec<(Object, Crl)>,
}

impl Embedded {
    pub(super) fn is_empty(&self) -> bool {
        self.ocsp.is_empty() && self.crls.is_empty()
    }

    /// Both.
    pub(super) fn and(&self, more: Self) -> Self {
        let mut both = self.clone();
        both.ocsp.extend(more.ocsp);
        both.crls.extend(more.crls);
        both
    }

    fn data(&self, holds: impl Fn(Object) -> bool) -> RevocationData {
        let ocsp = self.ocsp.iter().filter(|(object, _)| holds(*object)).map(|(_, answer)| answer.clone());
        let crls = self.crls.iter().filter(|(object, _)| holds(*object)).map(|(_, list)| list.clone());
        RevocationData { ocsp: ocsp.collect(), crls: crls.collect() }
    }
}

/// A status that was looked up, by certificate, issuer, and how long the issuer was believed.
struct Found {
    of: Certificate,
    by: Certificate,
    until: Option<OffsetDateTime>,
    status: Status,
}

/// Revocation data of one signature with the statuses that were found in it, and the proofs of existence.
pub(super) struct Known<'w> {
    outside: &'w RevocationData,
    embedded: Embedded,
    /// Both.
    all: RevocationData,
    found: RefCell<Vec<Found>>,
    proofs: RefCell<Proofs>,
    trust: &'w TrustSnapshot,
    work: &'w Work,
    at: OffsetDateTime,
}

impl<'w> Known<'w> {
    /// What `context` and the file know.
    pub(super) fn new(context: &Context<'w>, embedded: Embedded, work: &'w Work) -> Self {
        let Context { revocation: outside, trust, at, .. } = *context;
        let mut all = embedded.data(|_| true);
        all.ocsp.extend(outside.ocsp.iter().cloned());
        all.crls.extend(outside.crls.iter().cloned());
        let proofs = RefCell::new(Proofs::new(at));
        Self { outside, embedded, all, found: RefCell::new(Vec::new()), proofs, trust, work, at }
    }

    pub(super) fn proofs(&self) -> Ref<'_, Proofs> {
        self.proofs.borrow()
    }

    /// Proves that `objects` existed. What depends on proofs is looked up anew.
    pub(super) fn prove(&self, objects: &[Object], time: TrustedTime) {
        self.proofs.borrow_mut().add(objects, time);
        self.found.borrow_mut().retain(|found| found.until.is_none());
    }

    /// Proves that everything in the file existed.
    pub(super) fn prove_whole(&self, time: TrustedTime) {
        self.proofs.borrow_mut().add_whole(time);
        self.found.borrow_mut().retain(|found| found.until.is_none());
    }

    /// The same with more data, on the same budget. `within`: what is proven of whatever holds the signature.
    pub(super) fn with(&self, context: &Context<'w>, more: Embedded, within: Option<(&Proofs, Object)>) -> Self {
        let known = Self::new(context, self.embedded.and(more), self.work);
        known.proofs.borrow_mut().share_whole(&self.proofs.borrow());
        if let Some((proofs, outer)) = within {
            known.proofs.borrow_mut().inherit(Object::Signature, proofs, outer);
        }
        known
    }

    /// Until when what `issuer` signed is believed without a proof that it existed: its end, where that is past. Anchors have no
    /// end, the snapshot vouches for their keys, save that listed services end when they are withdrawn.
    pub(super) fn end_of(&self, issuer: &Certificate, path: &VerifiedPath) -> Option<OffsetDateTime> {
        if path.anchor() != issuer {
            return (issuer.not_after() < self.at).then(|| issuer.not_after());
        }
        if self.trust.is_anchor(issuer, path.purpose()) {
            return None;
        }
        match self.trust.listed_standing(issuer, path.purpose(), path.verified_at()) {
            Some(Standing::Within(Period { until, .. })) => until.filter(|until| *until <= self.at),
            _ => None,
        }
    }

    /// Status of `certificate`. Unknown past the budget.
    ///
    /// `until`: after that time the issuer's key may be in anybody's hands, so what it signed must be known to have existed before
    /// (EN 319 102-1, 5.6.2.2).
    ///
    /// Authorities drop expired certificates from their lists, so "good" said after a certificate's end says nothing:
    /// each certificate is looked up no later than its end.
    pub(super) fn status(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        until: Option<OffsetDateTime>,
    ) -> Status {
        let same = |found: &&Found| found.of == *certificate && found.by == *issuer && found.until == until;
        if let Some(found) = self.found.borrow().iter().find(same) {
            return found.status.clone();
        }
        let status = self.look_up(certificate, issuer, until);
        // What was believed is known to the next file that carries it. The issuer is of a verified path.
        if !matches!(status, Status::Unknown { .. }) {
            self.all.ocsp.iter().for_each(|answer| self.trust.remember_answer(answer, issuer));
            self.all.crls.iter().for_each(|list| self.trust.remember_list(list, issuer));
        }
        let (of, by) = (certificate.clone(), issuer.clone());
        self.found.borrow_mut().push(Found { of, by, until, status: status.clone() });
        status
    }

    /// Adds every certificate that was looked up, its issuer, and the answers that speak of it.
    pub(super) fn gather(&self, data: &mut ValidationData) {
        for found in self.found.borrow().iter() {
            data.add_certificate(&found.of);
            data.add_certificate(&found.by);
            for answer in self.all.ocsp.iter().filter(|answer| answer.fact(&found.of, &found.by).is_ok()) {
                data.add_answer(answer);
            }
            for list in self.all.crls.iter().filter(|list| list.fact(&found.of, &found.by).is_ok()) {
                data.add_list(list);
            }
        }
    }

    /// Whether an answer was left aside only because nothing proves that it existed while its issuer's key was to be
    /// believed.
    pub(super) fn lacks_proof(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        until: Option<OffsetDateTime>,
    ) -> bool {
        until.is_some() && !matches!(self.of(&self.all, certificate, issuer), Status::Unknown { .. })
    }

    /// Whether what the file itself holds tells the status, proven or not.
    pub(super) fn is_told_within(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let embedded;
        let data = if self.outside.ocsp.is_empty() && self.outside.crls.is_empty() {
            &self.all
        } else {
            embedded = self.embedded.data(|_| true);
            &embedded
        };
        !matches!(self.of(data, certificate, issuer), Status::Unknown { .. })
    }

    fn look_up(&self, certificate: &Certificate, issuer: &Certificate, until: Option<OffsetDateTime>) -> Status {
        let Some(until) = until else { return self.of(&self.all, certificate, issuer) };
        let proofs = self.proofs.borrow();
        let proven = |object| proofs.existed(object) <= until;
        self.of(&self.embedded.data(proven), certificate, issuer)
    }

    fn of(&self, data: &RevocationData, certificate: &Certificate, issuer: &Certificate) -> Status {
        if !self.work.spend(data.ocsp.len() + data.crls.len()) {
            return Status::Unknown { tried: Vec::new() };
        }
        status(certificate, issuer, data, self.at.min(certificate.not_after()))
    }
}
