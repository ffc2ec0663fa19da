//! Listed services as trust anchors: for what, and from when to when (EN 319 102-1, 5.2.6.1: an anchor's sunrise and sunset).
//!
//! A service is believed while its state says so: `granted`, and before July 2016 what stood in its place; services that are not
//! qualified while they are recognised. A state lasts until the next one begins. What a service said before it was withdrawn stays
//! said; what it is found to say afterwards must be proven to be older.
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;

use super::identifier::{ServiceStatus, ServiceType};
use super::model::{Service, State, TrustList};
use crate::certificate::Certificate;
use crate::name::Canonical;
use crate::trust::Purpose;

/// An authenticated list, and what its services are believed for where they are of a kind that does it.
#[derive(Debug, Clone)]
pub struct BelievedList {
    /// The list.
    pub list: Arc<TrustList>,
    /// What for. Empty: the list tells who is qualified, and is no reason to believe anybody.
    pub purposes: Vec<Purpose>,
}

/// A time in which a service is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From then on (sunrise).
    pub since: OffsetDateTime,
    /// Until just before then (sunset); `None`: not ended.
    pub until: Option<OffsetDateTime>,
}

/// Whether a listed anchor is believed at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is: from and until when.
    Within(Period),
    /// Not any more: the last period before ended then.
    Ended(OffsetDateTime),
    /// Not yet: the first period begins then.
    NotYet(OffsetDateTime),
}

/// A certificate of a listed service with the periods of its name and key in all lists.
#[derive(Debug, Clone)]
pub struct ListedAnchor {
    /// Whose name and key are believed.
    pub certificate: Certificate,
    periods: Arc<[(Purpose, Period)]>,
}

impl ListedAnchor {
    /// For what it is or was believed, each once.
    #[must_use]
    pub fn purposes(&self) -> Vec<Purpose> {
        let mut purposes = Vec::new();
        for (purpose, _) in self.periods.iter() {
            if !purposes.contains(purpose) {
                purposes.push(*purpose);
            }
        }
        purposes
    }

    /// How it stands for `purpose` at the time `at`; `None`: no list ever believed it for that.
    #[must_use]
    pub fn standing(&self, purpose: Purpose, at: OffsetDateTime) -> Option<Standing> {
        let periods = || self.periods.iter().filter(|(known, _)| *known == purpose).map(|(_, period)| *period);
        let within = |period: &Period| period.since <= at && period.until.is_none_or(|until| at < until);
        // Of two lists that believe it the one that does so longer counts.
        let lasts = |period: &Period| (period.until.is_none(), period.until);
        if let Some(period) = periods().filter(within).max_by_key(lasts) {
            return Some(Standing::Within(period));
        }
        let ended = periods().filter_map(|period| period.until).filter(|until| *until <= at).max();
        let begins = || periods().map(|period| period.since).filter(|since| *since > at).min();
        ended.map(Standing::Ended).or_else(|| begins().map(Standing::NotYet))
    }
}

/// The anchors of `lists`, but for certificates whose SHA-256 is in `without`: of those somebody else decided.
pub(super) fn anchors(lists: &[BelievedList], without: &BTreeSet<[u8; 32]>) -> Vec<ListedAnchor> {
    // A service is its name and key: of several certificates, and of several lists, the periods add up (TS 119 612, 5.5.3).
    type Known<'l> = (Vec<(Purpose, Period)>, Vec<&'l Certificate>);
    let mut order: Vec<(&[u8], &Canonical)> = Vec::new();
    let mut entities: HashMap<(&[u8], &Canonical), Known<'_>> = HashMap::new();
    for BelievedList { list, purposes } in lists {
        for service in list.providers.iter().flat_map(|provider| &provider.services) {
            let periods = periods(service, purposes);
            for certificate in service.identity.certificates.iter().filter(|_| !periods.is_empty()) {
                let Some(name) = certificate.subject_name() else { continue };
                let entity = (certificate.spki_der(), name);
                let (known, certificates) = entities.entry(entity).or_insert_with(|| {
                    order.push(entity);
                    Known::default()
                });
                let new = periods.iter().filter(|period| !known.contains(period)).copied().collect::<Vec<_>>();
                known.extend(new);
                if !certificates.contains(&certificate) {
                    certificates.push(certificate);
                }
            }
        }
    }
    let anchors = order.iter().filter_map(|entity| entities.remove(entity)).flat_map(|(periods, certificates)| {
        let periods: Arc<[_]> = periods.into();
        certificates
            .into_iter()
            .map(move |certificate| ListedAnchor { certificate: certificate.clone(), periods: periods.clone() })
    });
    anchors.filter(|anchor| !without.contains(&anchor.certificate.fingerprint())).collect()
}

/// When `service` is believed for which of `purposes`.
fn periods(service: &Service, purposes: &[Purpose]) -> Vec<(Purpose, Period)> {
    let mut periods = Vec::new();
    let mut newer: Option<&State> = None;
    for state in &service.states {
        let until = newer.map(|newer| newer.since);
        // Of two that begin at once the first counts; one that begins after its successor never was.
        let lasted = until.is_none_or(|until| state.since < until);
        if lasted && is_believed(state) {
            let for_this = purposes.iter().filter(|purpose| serves(&state.kind, **purpose));
            periods.extend(for_this.map(|purpose| (*purpose, Period { since: state.since, until })));
        }
        if lasted {
            newer = Some(state);
        }
    }
    periods
}

/// A critical extension that is not understood may say anything: such a state is not used (TS 119 612, 5.5.9).
fn is_believed(state: &State) -> bool {
    let is_recognised = matches!(state.status, ServiceStatus::Recognised | ServiceStatus::SetByNationalLaw);
    let is_unqualified = matches!(state.kind, ServiceType::OtherCertificates | ServiceType::OtherTimestamps);
    !state.is_beyond_us && (state.status.is_qualified() || (is_unqualified && is_recognised))
}

/// What certificates below a service are for. Officials log in with qualified certificates only. An authority that issues
/// certificates issues those of time-stamp units too; what a certificate below it may be used for, that certificate says.
fn serves(kind: &ServiceType, purpose: Purpose) -> bool {
    match kind {
        ServiceType::QualifiedCertificates(_) | ServiceType::Root(_) => purpose != Purpose::OcspSigning,
        ServiceType::OtherCertificates => matches!(purpose, Purpose::Signing | Purpose::TimeStamping),
        ServiceType::QualifiedTimestamps(_) | ServiceType::OtherTimestamps => purpose == Purpose::TimeStamping,
        ServiceType::OcspForQualified(_)
        | ServiceType::CrlForQualified(_)
        | ServiceType::OtherOcsp
        | ServiceType::Other(_) => false,
    }
}
