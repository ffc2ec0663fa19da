//! Status of certificates by everything that is known, looked up once for each and within a budget.
//!
//! Every list that names the right issuer costs a signature check, and a stranger chooses how many a file holds, how
//! many signatures ask, and how many time-stamps stand on each. So the work of a whole file is bounded.

use std::cell::{Cell, RefCell};

use certs::certificate::Certificate;
use certs::revocation::{RevocationData, Status, status};
use time::OffsetDateTime;

/// Answers that may be looked at for one file. Real long-term files, with thirty answers for ten certificates, need some
/// hundred.
const MOST_ANSWERS: usize = 4000;

/// What is left of a file's budget.
pub(super) struct Work {
    answers: Cell<usize>,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { answers: Cell::new(MOST_ANSWERS) }
    }

    fn spend(&self, answers: usize) -> bool {
        let rest = self.answers.get().checked_sub(answers);
        self.answers.set(rest.unwrap_or(0));
        rest.is_some()
    }
}

/// A status that was looked up, by the fingerprints of certificate and issuer.
struct Found {
    of: [u8; 32],
    by: [u8; 32],
    status: Status,
}

/// Revocation data with the statuses that were found in it.
pub(super) struct Known<'w> {
    data: RevocationData,
    found: RefCell<Vec<Found>>,
    work: &'w Work,
    at: OffsetDateTime,
}

impl<'w> Known<'w> {
    /// `at`: the time of validation.
    pub(super) fn new(data: RevocationData, at: OffsetDateTime, work: &'w Work) -> Self {
        Self { data, found: RefCell::new(Vec::new()), work, at }
    }

    /// The same with more data, on the same budget.
    pub(super) fn joined(&self, more: RevocationData) -> Self {
        let mut data = self.data.clone();
        data.ocsp.extend(more.ocsp);
        data.crls.extend(more.crls);
        Self::new(data, self.at, self.work)
    }

    /// Status of `certificate`. Unknown past the budget.
    ///
    /// Authorities drop expired certificates from their lists, so "good" said after a certificate's end says nothing:
    /// each certificate is looked up no later than its end.
    pub(super) fn status(&self, certificate: &Certificate, issuer: &Certificate) -> Status {
        let (of, by) = (certificate.fingerprint(), issuer.fingerprint());
        if let Some(found) = self.found.borrow().iter().find(|found| found.of == of && found.by == by) {
            return found.status.clone();
        }
        let status = self.look_up(certificate, issuer);
        self.found.borrow_mut().push(Found { of, by, status: status.clone() });
        status
    }

    fn look_up(&self, certificate: &Certificate, issuer: &Certificate) -> Status {
        let unknown = Status::Unknown { tried: Vec::new() };
        if !self.work.spend(self.data.ocsp.len() + self.data.crls.len()) {
            return unknown;
        }
        match status(certificate, issuer, &self.data, self.at.min(certificate.not_after())) {
            Status::Good { this_update, .. } if this_update > certificate.not_after() => unknown,
            status => status,
        }
    }
}
