//! What trusted lists make of a certificate or a time-stamp: qualified or not, for what, by whose law, with the key in a qualified
//! device or not, at one time and another. ETSI TS 119 615 V1.2.1, clauses 4.3 to 4.6.
//!
//! | module | what it does |
//! |---|---|
//! | `candidates` | services that may answer for a certificate, and their state at a time (4.3) |
//! | `statement` | what the certificate says of itself |
//! | `criteria` | which certificates a qualifier of the list is about (TS 119 612, 5.5.9.2) |
//! | `judge` | what one service makes of a certificate (4.4, 4.5) |
//! | `timestamp` | the same of time-stamps (4.6) |
//! | `recognition` | equivalence to the status of another law by an agreement (TS 119 612, 5.3.13) |
//! | `reason` | why, in words |
//!
//! What a list leaves open stays open: [`Answer::Undecided`] is no softer word for yes. The laws are told apart: a service that is
//! granted by that of Ukraine makes nothing qualified by that of the European Union, nor the other way round. What an
//! agreement makes equivalent stands beside the status by the own law, and never in its place.
//!
//! Not here: whether the chain may be believed, and whether a signature is valid. A qualified certificate makes no qualified signature.
mod candidates;
mod criteria;
mod judge;
mod reason;
mod recognition;
mod statement;
#[cfg(test)]
mod tests;
mod timestamp;

pub use reason::StatusReason;
pub use recognition::Equivalent;
pub use timestamp::{TimestampStatus, of_timestamp};

use time::OffsetDateTime;
use time::macros::datetime;

use crate::certificate::{Certificate, QcType};
use crate::trust_list::{Listed, Scheme, Services};
use candidates::Candidate;
use judge::Judgement;
use statement::Statement;

/// When Regulation 910/2014 took the place of Directive 1999/93/EC: the first of July 2016 in Brussels.
pub const REGULATION_IN_FORCE: OffsetDateTime = datetime!(2016-06-30 22:00 UTC);

/// The answer to a question that a list may leave open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// It cannot be told from what the lists say.
    Undecided,
}

impl Answer {
    fn of(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }

    /// Whether both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Undecided,
        }
    }

    fn may_be(self, is: bool) -> bool {
        self == Self::Undecided || self == Self::of(is)
    }
}

/// What the lists make of a certificate at one time.
#[derive(Debug, Clone)]
pub struct StatusAt<'l> {
    /// When.
    pub at: OffsetDateTime,
    /// Whether it was a qualified certificate.
    pub qualified: Answer,
    /// For what; `None`: it cannot be told.
    pub usage: Option<QcType>,
    /// Whether its key was in a qualified device; `None` where it was no qualified certificate.
    pub device: Option<Answer>,
    /// The services that this rests on, in the order of the lists.
    pub services: Vec<Listed<'l>>,
    /// Why it is not, or cannot be told; then remarks ([`StatusReason::is_remark`]).
    pub reasons: Vec<StatusReason>,
}

impl StatusAt<'_> {
    /// Whether it was qualified then and at the `earlier` time.
    fn qualified_since(&self, earlier: &Self) -> Answer {
        earlier.qualified.and(self.qualified)
    }

    /// What it was for at both times.
    fn usage_since(&self, earlier: &Self) -> Option<QcType> {
        self.usage.filter(|usage| earlier.usage == Some(*usage))
    }
}

/// What the lists make of a certificate.
#[derive(Debug, Clone)]
pub struct CertificateStatus<'l> {
    /// By whose law; `None` where no list names the issuer as one that issues qualified certificates.
    pub scheme: Option<Scheme>,
    /// When it was issued: at the start of its validity.
    pub at_issue: StatusAt<'l>,
    /// At the time that was asked for.
    pub at_time: StatusAt<'l>,
    /// What it is by another law, where an agreement on mutual recognition is about its issuer.
    pub equivalent: Option<Equivalent<'l>>,
}

impl CertificateStatus<'_> {
    /// Whether it was a qualified certificate at both times: issued by a qualified provider, and qualified when it was used
    /// (Regulation 910/2014, 32.1 a and b).
    #[must_use]
    pub fn qualified(&self) -> Answer {
        self.at_time.qualified_since(&self.at_issue)
    }

    /// What it was for at both times; `None`: it cannot be told.
    #[must_use]
    pub fn usage(&self) -> Option<QcType> {
        self.at_time.usage_since(&self.at_issue)
    }

    /// Whether the key was in a qualified device at the time asked for; `None` where the certificate was not qualified then.
    #[must_use]
    pub fn device(&self) -> Option<Answer> {
        self.at_time.device
    }
}

/// What `services` make of the first certificate of `chain`, which is a verified path: leaf first, anchor last. Where lists of both
/// schemes name its issuer, the one by which it is qualified counts, and the Ukrainian one among equals. `None` where `chain` is empty.
#[must_use]
pub fn of_certificate<'s>(
    chain: &'s [Certificate],
    services: &'s Services,
    at: OffsetDateTime,
) -> Option<CertificateStatus<'s>> {
    let certificate = chain.first()?;
    let by_scheme = SCHEMES.into_iter().filter_map(|scheme| {
        let candidates = candidates::of_certificate(chain, services, scheme);
        (!candidates.is_empty()).then(|| CertificateStatus {
            scheme: Some(scheme),
            at_issue: status_at(certificate, scheme, &candidates, certificate.not_before()),
            at_time: status_at(certificate, scheme, &candidates, at),
            equivalent: None,
        })
    });
    let best = best(by_scheme, CertificateStatus::qualified);
    let own = best.unwrap_or_else(|| CertificateStatus {
        scheme: None,
        at_issue: StatusAt::nowhere(certificate.not_before(), StatusReason::NotListed),
        at_time: StatusAt::nowhere(at, StatusReason::NotListed),
        equivalent: None,
    });
    let equivalent = recognition::of(chain, services, &own, at);
    Some(CertificateStatus { equivalent, ..own })
}

const SCHEMES: [Scheme; 2] = [Scheme::Ukrainian, Scheme::European];

/// The first of the best.
fn best<T>(all: impl Iterator<Item = T>, answer: impl Fn(&T) -> Answer) -> Option<T> {
    let rank = |one: &T| match answer(one) {
        Answer::Yes => 2,
        Answer::Undecided => 1,
        Answer::No => 0,
    };
    all.reduce(|first, next| if rank(&next) > rank(&first) { next } else { first })
}

impl StatusAt<'_> {
    fn nowhere(at: OffsetDateTime, reason: StatusReason) -> Self {
        Self { at, qualified: Answer::No, usage: None, device: None, services: Vec::new(), reasons: vec![reason] }
    }

    /// Makes it no better than `answer`, and says why.
    fn hold_against(&mut self, answer: Answer, reason: StatusReason) {
        self.qualified = self.qualified.and(answer);
        self.device = self.device.filter(|_| self.qualified != Answer::No);
        self.reasons.push(reason);
        self.reasons.sort_by_key(|reason| reason.is_remark());
    }
}

/// What the candidates make of `certificate` together. Those for other certificates than this do not count where one is for it; where
/// the rest disagree, nobody can tell (TS 119 615, 4.4.4 and 4.5.4).
fn status_at<'l>(
    certificate: &Certificate,
    scheme: Scheme,
    candidates: &[Candidate<'l>],
    at: OffsetDateTime,
) -> StatusAt<'l> {
    let statement = Statement::of(certificate, scheme);
    let judged = candidates.iter().filter_map(|candidate| {
        let state = candidate.issuing_at(scheme, at)?;
        Some((candidate.listed, judge::judge(certificate, &statement, scheme, state, at)))
    });
    together(judged.collect(), at)
}

fn together(mut judged: Vec<(Listed<'_>, Judgement)>, at: OffsetDateTime) -> StatusAt<'_> {
    if judged.iter().any(|(_, judgement)| judgement.is_covered) {
        judged.retain(|(_, judgement)| judgement.is_covered);
    }
    let services = judged.iter().map(|(listed, _)| *listed).collect();
    let together = judged.into_iter().map(|(_, judgement)| judgement).reduce(Judgement::and);
    let Some(judgement) = together else { return StatusAt::nowhere(at, StatusReason::NotListedThen) };
    let device = (judgement.qualified != Answer::No).then_some(judgement.device);
    let Judgement { qualified, usage, mut reasons, .. } = judgement;
    reasons.sort_by_key(|reason| reason.is_remark());
    StatusAt { at, qualified, usage, device, services, reasons }
}
