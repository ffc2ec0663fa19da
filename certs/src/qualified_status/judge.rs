//! What one service makes of a certificate: TS 119 615, 4.4.4 and 4.5.4.

use time::OffsetDateTime;

use super::statement::{Statement, is_former};
use super::{Answer, REGULATION_IN_FORCE, StatusReason, criteria};
use crate::certificate::{Certificate, QcType};
use crate::trust_list::{AdditionalService, Qualifier, Scheme, ServiceStatus, State};

/// What one service, or several together, make of a certificate.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    pub(super) qualified: Answer,
    pub(super) usage: Option<QcType>,
    pub(super) device: Answer,
    /// Whether the service is for such certificates at all.
    pub(super) is_covered: bool,
    pub(super) reasons: Vec<StatusReason>,
}

impl Judgement {
    /// Makes it no better than `answer`, and says why.
    pub(super) fn hold_against(&mut self, answer: Answer, reason: StatusReason) {
        self.qualified = self.qualified.and(answer);
        self.reasons.push(reason);
    }

    /// Of two: what they disagree in, nobody can tell.
    pub(super) fn and(mut self, other: Self) -> Self {
        let agree = |one: Answer, two: Answer| if one == two { one } else { Answer::Undecided };
        let disagrees = (self.qualified, self.usage, self.device) != (other.qualified, other.usage, other.device);
        self.qualified = agree(self.qualified, other.qualified);
        self.usage = self.usage.filter(|usage| other.usage == Some(*usage));
        self.device = agree(self.device, other.device);
        let conflict = disagrees.then_some(StatusReason::ServicesDisagree);
        for reason in conflict.into_iter().chain(other.reasons) {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
        self
    }
}

/// What a service in `state` at the time `at` makes of `certificate`, which says `statement` of itself.
pub(super) fn judge(
    certificate: &Certificate,
    statement: &Statement,
    scheme: Scheme,
    state: &State,
    at: OffsetDateTime,
) -> Judgement {
    let captured = Captured::by(state, certificate);
    let mut reasons = Vec::new();
    let qualified = qualified(&captured, statement, &mut reasons);
    let usage = usage(&captured, statement, scheme, at, &mut reasons);
    let device = device(&captured, statement, scheme, at, &mut reasons);
    let is_covered = is_covered(&captured, state, usage, is_former(certificate, scheme) || is_before(scheme, at));
    let held_against = [
        (!is_granted(&state.status, scheme, at), Answer::No, StatusReason::NotGranted),
        (!is_covered, Answer::No, StatusReason::NotCovered),
        (state.is_beyond_us, Answer::Undecided, StatusReason::ExtensionUnknown),
    ];
    let mut judgement = Judgement { qualified, usage, device, is_covered, reasons };
    for (_, answer, reason) in held_against.into_iter().filter(|(applies, ..)| *applies) {
        judgement.hold_against(answer, reason);
    }
    if captured.certain.contains(&Qualifier::Unknown) || captured.perhaps.contains(&Qualifier::Unknown) {
        judgement.reasons.push(StatusReason::QualifierUnknown);
    }
    judgement
}

/// Whether the status is that of a qualified service. Those of the directive count until the regulation, and that of the regulation since;
/// Ukraine has the latter only.
pub(super) fn is_granted(status: &ServiceStatus, scheme: Scheme, at: OffsetDateTime) -> bool {
    let is_of_regulation = *status == ServiceStatus::Granted;
    status.is_qualified() && is_of_regulation != is_before(scheme, at)
}

/// Whether the directive was in force.
fn is_before(scheme: Scheme, at: OffsetDateTime) -> bool {
    scheme == Scheme::European && at < REGULATION_IN_FORCE
}

fn qualified(captured: &Captured, statement: &Statement, reasons: &mut Vec<StatusReason>) -> Answer {
    let said = [captured.has(&[Qualifier::Qualified]), captured.has(&[Qualifier::NotQualified])];
    let stated = Answer::of(statement.qualified);
    let answer = in_every_case(said, |case| match case {
        [false, false] => stated,
        [true, false] => Answer::Yes,
        [false, true] => Answer::No,
        [true, true] => Answer::Undecided,
    });
    let reason = match (answer, said) {
        (_, [Answer::Yes, Answer::Yes]) => Some(StatusReason::QualifiersConflict),
        (None | Some(Answer::Undecided), _) => Some(StatusReason::CriteriaUndecided),
        (Some(Answer::No), [_, Answer::Yes]) => Some(StatusReason::NotQualifiedByList),
        (Some(Answer::No), _) if statement.other_law => Some(StatusReason::OtherLaw),
        (Some(Answer::No), _) => Some(StatusReason::NotStated),
        (Some(Answer::Yes), _) => (stated == Answer::No).then_some(StatusReason::QualifiedByList),
    };
    reasons.extend(reason);
    answer.unwrap_or(Answer::Undecided)
}

fn usage(
    captured: &Captured,
    statement: &Statement,
    scheme: Scheme,
    at: OffsetDateTime,
    reasons: &mut Vec<StatusReason>,
) -> Option<QcType> {
    if is_before(scheme, at) {
        return Some(QcType::Signature);
    }
    let said = [Qualifier::ForSignatures, Qualifier::ForSeals, Qualifier::ForWebsites].map(|one| captured.has(&[one]));
    let usage = in_every_case(said, |case| match case {
        [false, false, false] => statement.usage,
        [true, false, false] => Some(QcType::Signature),
        [false, true, false] => Some(QcType::Seal),
        [false, false, true] => Some(QcType::Website),
        _ => None,
    });
    reasons.extend(match usage {
        None => Some(StatusReason::CriteriaUndecided),
        Some(None) => Some(StatusReason::UsageUnclear),
        Some(usage) => (usage != statement.usage).then_some(StatusReason::UsageOverruled),
    });
    usage.flatten()
}

fn device(
    captured: &Captured,
    statement: &Statement,
    scheme: Scheme,
    at: OffsetDateTime,
    reasons: &mut Vec<StatusReason>,
) -> Answer {
    use Qualifier::{
        DeviceAsInCertificate, FormerDeviceAsInCertificate, ManagedOnBehalf, NoDevice, NoFormerDevice, WithDevice,
        WithFormerDevice,
    };
    // Words of the directive say nothing under the regulation, nor the other way round.
    let said = if is_before(scheme, at) {
        [[WithFormerDevice].as_slice(), &[NoFormerDevice], &[FormerDeviceAsInCertificate]]
    } else {
        [[WithDevice, ManagedOnBehalf].as_slice(), &[NoDevice], &[DeviceAsInCertificate]]
    };
    let said = said.map(|any| captured.has(any));
    let stated = Answer::of(statement.device);
    let answer = in_every_case(said, |case| match case {
        [false, false, _] => stated,
        [true, false, as_stated] if !as_stated || stated == Answer::Yes => Answer::Yes,
        [false, true, as_stated] if !as_stated || stated == Answer::No => Answer::No,
        _ => Answer::Undecided,
    });
    reasons.extend(match answer {
        None => Some(StatusReason::CriteriaUndecided),
        Some(Answer::Undecided) => Some(StatusReason::DeviceConflict),
        Some(answer) => (answer != stated).then_some(StatusReason::DeviceOverruled),
    });
    answer.unwrap_or(Answer::Undecided)
}

/// Whether the service is listed for such certificates (TS 119 612, 5.5.9.4). Under the directive nothing was said of it; the European
/// lists must say it now, the Ukrainian ones may.
fn is_covered(captured: &Captured, state: &State, usage: Option<QcType>, is_former: bool) -> bool {
    use AdditionalService::{Seals, Signatures, Websites};
    let Some(usage) = usage else { return true };
    let is_national = matches!(state.kind, crate::trust_list::ServiceType::QualifiedCertificates(Scheme::Ukrainian));
    let is_silent = ![Signatures, Seals, Websites].iter().any(|one| state.additional.contains(one));
    if is_former || is_national && is_silent {
        return true;
    }
    let is_persons = captured.has(&[Qualifier::LegalPerson]) != Answer::Yes;
    match usage {
        QcType::Signature => state.additional.contains(&Signatures) && is_persons,
        QcType::Seal => state.additional.contains(&Seals),
        QcType::Website => state.additional.contains(&Websites),
    }
}

/// What the list says of one certificate.
struct Captured {
    certain: Vec<Qualifier>,
    /// By criteria of which nobody can tell whether they hold.
    perhaps: Vec<Qualifier>,
}

impl Captured {
    fn by(state: &State, certificate: &Certificate) -> Self {
        let mut captured = Self { certain: Vec::new(), perhaps: Vec::new() };
        for qualification in &state.qualifications {
            match criteria::hold(&qualification.criteria, certificate) {
                Answer::Yes => captured.certain.extend(&qualification.qualifiers),
                Answer::Undecided => captured.perhaps.extend(&qualification.qualifiers),
                Answer::No => (),
            }
        }
        captured
    }

    fn has(&self, any: &[Qualifier]) -> Answer {
        let has = |said: &[Qualifier]| any.iter().any(|one| said.contains(one));
        match (has(&self.certain), has(&self.perhaps)) {
            (true, _) => Answer::Yes,
            (false, true) => Answer::Undecided,
            (false, false) => Answer::No,
        }
    }
}

/// What comes out whichever way the open questions are answered; `None` where it depends on them.
fn in_every_case<const N: usize, T: PartialEq>(answers: [Answer; N], outcome: impl Fn([bool; N]) -> T) -> Option<T> {
    let cases = (0..1_u32 << N).map(|bits| std::array::from_fn(|place| bits >> place & 1 == 1));
    let possible = cases.filter(|case| answers.iter().zip(case).all(|(answer, is)| answer.may_be(*is)));
    let mut outcomes = possible.map(outcome);
    let first = outcomes.next()?;
    outcomes.all(|next| next == first).then_some(first)
}
