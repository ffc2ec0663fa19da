//! Services that may answer for a certificate: TS 119 615, 4.3.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::trust_list::{AdditionalService, Listed, Scheme, Service, ServiceType, Services, State};

/// A service that a certificate of the path identifies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'l> {
    pub(super) listed: Listed<'l>,
    /// Whether it stands above the issuer.
    is_above: bool,
}

/// The services that the nearest authority above the leaf identifies which a list names as one that issues certificates.
///
/// Nearest: a list that names the issuer says more of it than one that names the root above.
pub(super) fn of_certificate<'s>(
    chain: &'s [Certificate],
    services: &'s Services,
    scheme: Scheme,
) -> Vec<Candidate<'s>> {
    let issues = |state: &State| state.kind == ServiceType::OtherCertificates || state.kind == issuing(scheme);
    let mut nearest = above(chain, services, &issues);
    nearest.retain(|candidate| candidate.listed.service.states.iter().any(|state| state.kind == issuing(scheme)));
    nearest
}

/// The same of services of any law that an agreement on recognition names, on lists that it is about.
pub(super) fn of_recognised<'s>(
    chain: &'s [Certificate],
    services: &'s Services,
    is_named: impl Fn(&State) -> bool,
    is_about: impl Fn(&Listed<'s>) -> bool,
) -> Vec<Candidate<'s>> {
    let issues = |state: &State| {
        matches!(state.kind, ServiceType::OtherCertificates | ServiceType::QualifiedCertificates(_)) || is_named(state)
    };
    let mut nearest = above(chain, services, &issues);
    nearest.retain(|one| is_about(&one.listed) && one.listed.service.states.iter().any(&is_named));
    nearest
}

/// The services that the nearest authority above the leaf identifies which has one of the kind that is asked for.
fn above<'s>(chain: &'s [Certificate], services: &'s Services, issues: &impl Fn(&State) -> bool) -> Vec<Candidate<'s>> {
    let authorities = chain.iter().enumerate().skip(1);
    let candidates = authorities.map(|(depth, authority)| nearest(authority, services, issues, depth > 1));
    candidates.skip_while(Vec::is_empty).take(1).flatten().collect()
}

/// The services for time-stamps that the authority's own certificate identifies, else those that its issuer does (TS 119 615, 4.6).
pub(super) fn of_timestamp<'s>(chain: &'s [Certificate], services: &'s Services, scheme: Scheme) -> Vec<Candidate<'s>> {
    let stamping = ServiceType::QualifiedTimestamps(scheme);
    let stamps = |state: &State| state.kind == ServiceType::OtherTimestamps || state.kind == stamping;
    let candidates = chain.iter().take(2).map(|certificate| nearest(certificate, services, &stamps, false));
    let mut nearest = candidates.skip_while(Vec::is_empty).take(1).flatten().collect::<Vec<_>>();
    nearest.retain(|candidate| candidate.listed.service.states.iter().any(|state| state.kind == stamping));
    nearest
}

/// The services that `certificate` identifies and that are or were of the kind that is asked for.
fn nearest<'s>(
    certificate: &'s Certificate,
    services: &'s Services,
    is: &impl Fn(&State) -> bool,
    is_above: bool,
) -> Vec<Candidate<'s>> {
    let listed = services.identified_by(certificate);
    let listed = listed.filter(|listed| listed.service.states.iter().any(is));
    listed.map(|listed| Candidate { listed, is_above }).collect()
}

fn issuing(scheme: Scheme) -> ServiceType {
    ServiceType::QualifiedCertificates(scheme)
}

impl<'l> Candidate<'l> {
    /// The state at a time, where the service issued qualified certificates then, and under the authority that is asked about. One that
    /// stands above the issuer does so only where the list says that it is a root (TS 119 612, 5.5.1.1 and 5.5.9.4).
    pub(super) fn issuing_at(&self, scheme: Scheme, at: OffsetDateTime) -> Option<&'l State> {
        self.recognised_at(at).filter(|state| state.kind == issuing(scheme))
    }

    /// The state at a time, where the service reaches the authority that is asked about, whatever it did then.
    pub(super) fn recognised_at(&self, at: OffsetDateTime) -> Option<&'l State> {
        let state = state_at(self.listed.service, at)?;
        let reaches = !self.is_above || state.additional.contains(&AdditionalService::Root);
        reaches.then_some(state)
    }

    /// The state at a time, where the service made qualified time-stamps then.
    pub(super) fn stamping_at(&self, scheme: Scheme, at: OffsetDateTime) -> Option<&'l State> {
        state_at(self.listed.service, at).filter(|state| state.kind == ServiceType::QualifiedTimestamps(scheme))
    }
}

/// The newest state that had begun.
fn state_at(service: &Service, at: OffsetDateTime) -> Option<&State> {
    service.states.iter().find(|state| state.since <= at)
}
