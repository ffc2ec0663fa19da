//! Whether a time-stamp is qualified: TS 119 615, 4.6.

use time::OffsetDateTime;

use super::judge::is_granted;
use super::{Answer, REGULATION_IN_FORCE, SCHEMES, StatusReason, best, candidates};
use crate::certificate::Certificate;
use crate::trust_list::{Listed, Scheme, Services, State};

/// What the lists make of a time-stamp.
#[derive(Debug, Clone)]
pub struct TimestampStatus<'l> {
    /// By whose law; `None` where no list names the authority as one that makes qualified time-stamps.
    pub scheme: Option<Scheme>,
    /// Whether it is a qualified one.
    pub qualified: Answer,
    /// The services that this rests on, in the order of the lists.
    pub services: Vec<Listed<'l>>,
    /// Why not.
    pub reasons: Vec<StatusReason>,
}

/// What `services` make of a token of the time `at`. `chain` is the verified path of its authority, leaf first. A list names the
/// authority's own certificate, or that of the authority above, all of whose units are meant then.
#[must_use]
pub fn of_timestamp<'s>(chain: &'s [Certificate], services: &'s Services, at: OffsetDateTime) -> TimestampStatus<'s> {
    let by_scheme = SCHEMES.into_iter().filter_map(|scheme| {
        let candidates = candidates::of_timestamp(chain, services, scheme);
        if candidates.is_empty() {
            return None;
        }
        let in_force = candidates.iter().filter_map(|one| Some((one.listed, one.stamping_at(scheme, at)?)));
        let (listed, states): (Vec<_>, Vec<_>) = in_force.unzip();
        let (qualified, reasons) = judge(&states, scheme, at);
        Some(TimestampStatus { scheme: Some(scheme), qualified, services: listed, reasons })
    });
    best(by_scheme, |status| status.qualified).unwrap_or_else(|| TimestampStatus {
        scheme: None,
        qualified: Answer::No,
        services: Vec::new(),
        reasons: vec![StatusReason::AuthorityNotListed],
    })
}

fn judge(states: &[&State], scheme: Scheme, at: OffsetDateTime) -> (Answer, Vec<StatusReason>) {
    let one = |state: &State| {
        if scheme == Scheme::European && at < REGULATION_IN_FORCE {
            (Answer::No, Some(StatusReason::BeforeRegulation))
        } else if !is_granted(&state.status, scheme, at) {
            (Answer::No, Some(StatusReason::NotGranted))
        } else if state.is_beyond_us {
            (Answer::Undecided, Some(StatusReason::ExtensionUnknown))
        } else {
            (Answer::Yes, None)
        }
    };
    let judged: Vec<_> = states.iter().map(|state| one(state)).collect();
    let Some((first, _)) = judged.first() else { return (Answer::No, vec![StatusReason::NotListedThen]) };
    let agree = judged.iter().all(|(answer, _)| answer == first);
    let mut reasons: Vec<_> = (!agree).then_some(StatusReason::ServicesDisagree).into_iter().collect();
    for reason in judged.iter().filter_map(|(_, reason)| *reason) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    (if agree { *first } else { Answer::Undecided }, reasons)
}
