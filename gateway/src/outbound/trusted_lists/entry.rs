//! One list: what is in use of it, and how the last question went.

use std::collections::BTreeSet;
use std::path::Path;

use certs::trust_list::{FaultPlace, ListFault, ListedAnchor, Service, ServiceType, Services, Standing};
use schemas::report::Reason;
use schemas::trust::{ListFlaw, ListProblem, TrustPurpose, TrustedListStatus};
use signing::trust_list::{AuthenticatedList, ListRefused, PivotRefused, authenticate_along, authenticate_as_issued};
use signing::validate::suite;
use time::OffsetDateTime;

use super::source::Member;
use super::{InUse, folder, told};
use crate::config::TrustedListConfig;
use crate::outbound::fetch::FetchError;
use crate::outbound::trust::read_folder;

/// What is wrong, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Reason);

impl Problem {
    pub(super) fn of_list(refused: &ListRefused) -> Self {
        Self(refused.reason())
    }

    pub(super) fn of_pivot(refused: &PivotRefused) -> Self {
        let mut reason = refused.cause.reason();
        if let Some(number) = refused.pivot {
            reason.text_en = format!("Former issue {number} on the way to its signers: {}", reason.text_en);
            reason.text_uk = format!("Попередній випуск {number} на шляху до підписувачів: {}", reason.text_uk);
        }
        Self(reason)
    }

    pub(super) fn of_fetching(error: FetchError) -> Self {
        Self(Reason {
            code: "trust_list.not_fetched".into(),
            text_en: format!("The trusted list could not be fetched: {error}."),
            text_uk: "Довірчий список не вдалося отримати.".into(),
            clause: "ETSI TS 119 612, 6".into(),
        })
    }

    pub(super) fn of_folder(error: &dyn std::fmt::Display) -> Self {
        Self(Reason {
            code: "trust_list.file".into(),
            text_en: format!("A file of the trusted list cannot be used: {error}."),
            text_uk: format!("Файл довірчого списку не можна використати: {error}."),
            clause: "vuzol.toml, trusted_lists".into(),
        })
    }

    fn told(&self, since: OffsetDateTime) -> ListProblem {
        let Reason { code, text_en, text_uk, clause } = self.0.clone();
        ListProblem { code, text_en, text_uk, clause, since }
    }
}

/// A list of the configuration, or a member of one.
pub(super) struct Entry {
    location: String,
    purposes: Vec<TrustPurpose>,
    held: Option<AuthenticatedList>,
    checked_at: Option<OffsetDateTime>,
    pub(super) due_at: OffsetDateTime,
    problem: Option<(OffsetDateTime, Problem)>,
}

impl Entry {
    pub(super) fn empty(list: &TrustedListConfig, member: Option<&Member>, now: OffsetDateTime) -> Self {
        let location = member.map_or(&list.location, |member| &member.location).clone();
        let purposes = list.purposes.clone();
        Self { location, purposes, held: None, checked_at: None, due_at: now, problem: None }
    }

    /// With what was kept of it, as far as that is still believed: its signature under today's signers, its dates as they were.
    pub(super) fn kept(
        folder: &Path,
        name: &str,
        list: &TrustedListConfig,
        member: Option<&Member>,
        now: OffsetDateTime,
    ) -> Self {
        let mut entry = Self::empty(list, member, now);
        match read_kept(folder, name, list, member) {
            Ok(held) => entry.held = held,
            Err(problem) => {
                tracing::error!(
                    list = name,
                    code = problem.0.code,
                    cause = problem.0.text_en,
                    "a kept trusted list is not believed"
                );
                entry.problem = Some((now, problem));
            }
        }
        entry
    }

    pub(super) fn in_use(&self) -> Option<&AuthenticatedList> {
        self.held.as_ref()
    }

    pub(super) fn believed(&self) -> Option<InUse> {
        Some(InUse { list: self.held.clone()?, purposes: self.purposes.clone() })
    }

    /// Takes note of an answer. Returns whether another list is in use.
    pub(super) fn settle(
        &mut self,
        name: &str,
        list: &TrustedListConfig,
        member: Option<&Member>,
        answer: Result<Option<AuthenticatedList>, Problem>,
        now: OffsetDateTime,
    ) -> bool {
        self.location.clone_from(member.map_or(&list.location, |member| &member.location));
        match answer {
            Ok(news) => {
                (self.checked_at, self.problem) = (Some(now), None);
                if let Some(list) = &news {
                    tracing::info!(list = name, number = list.list().sequence_number, "a trusted list is in use");
                }
                let has_changed = news.is_some();
                self.held = news.or(self.held.take());
                has_changed
            }
            Err(problem) => {
                metrics::counter!("vuzol_trusted_list_failures_total", "list" => name.to_owned()).increment(1);
                let in_use = self.held.as_ref().map_or_else(|| "none".to_owned(), |held| told(held.list().issued_at));
                tracing::error!(
                    list = name,
                    code = problem.0.code,
                    cause = problem.0.text_en,
                    in_use,
                    "a trusted list is not believed; the one in use stays"
                );
                let since = self.problem.as_ref().map_or(now, |(since, _)| *since);
                self.problem = Some((since, problem));
                false
            }
        }
    }

    pub(super) fn status(&self, name: &str, now: OffsetDateTime) -> TrustedListStatus {
        let held = self.held.as_ref();
        let list = held.map(|held| held.list().as_ref());
        let services = || list.into_iter().flat_map(|list| &list.providers).flat_map(|provider| &provider.services);
        let count = |wanted: &dyn Fn(&Service) -> bool| count_of(services().filter(|one| wanted(one)).count());
        TrustedListStatus {
            name: name.to_owned(),
            location: self.location.clone(),
            purposes: self.purposes.clone(),
            territory: list.map(|list| list.territory.clone()),
            operator: list.map(|list| list.operator.best().to_owned()),
            sequence_number: list.map(|list| list.sequence_number),
            issued_at: list.map(|list| list.issued_at),
            next_update: list.and_then(|list| list.next_update),
            overdue: held.is_some_and(|held| held.is_overdue(now)),
            signer: held.map(|held| held.signer().subject()),
            sha256: list.map(|list| list.sha256.into()),
            providers: count_of(list.map_or(0, |list| list.providers.len())),
            services: count(&|_| true),
            qualified_authorities: count(&|service| {
                is_qualified_now(service, &|kind| matches!(kind, ServiceType::QualifiedCertificates(_)))
            }),
            qualified_timestamping: count(&|service| {
                is_qualified_now(service, &|kind| matches!(kind, ServiceType::QualifiedTimestamps(_)))
            }),
            anchors: held.map_or(0, |held| self.anchors(held, now)),
            flaws: list.into_iter().flat_map(|list| &list.faults).take(ListFlaw::MOST).map(flaw).collect(),
            further_flaws: list.map_or(0, |list| count_of(list.faults.len().saturating_sub(ListFlaw::MOST))),
            checked_at: self.checked_at,
            problem: self.problem.as_ref().map(|(since, problem)| problem.told(*since)),
        }
    }
}

fn count_of(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

fn flaw(fault: &ListFault) -> ListFlaw {
    let place = match &fault.place {
        FaultPlace::Pointer(address) => address.clone(),
        FaultPlace::Provider(provider) => provider.clone(),
        FaultPlace::Service { provider, service } => format!("{provider}: {service}"),
    };
    ListFlaw {
        place,
        left_out: fault.is_left_out,
        code: fault.error.code().into(),
        text_en: fault.error.to_string(),
        text_uk: fault.error.text_uk().into(),
        clause: fault.error.clause().into(),
    }
}

fn is_qualified_now(service: &Service, is_wanted: &dyn Fn(&ServiceType) -> bool) -> bool {
    service.states.first().is_some_and(|state| is_wanted(&state.kind) && state.status.is_qualified())
}

impl Entry {
    /// How many services are believed at `now`.
    fn anchors(&self, held: &AuthenticatedList, now: OffsetDateTime) -> u32 {
        let in_use = InUse { list: held.clone(), purposes: self.purposes.clone() };
        let services = Services::believed(&[in_use.believed()], &BTreeSet::new());
        let is_believed = |anchor: &&ListedAnchor| {
            let mut standings = anchor.purposes().into_iter().map(|purpose| anchor.standing(purpose, now));
            standings.any(|standing| matches!(standing, Some(Standing::Within(_))))
        };
        count_of(services.anchors().iter().filter(is_believed).count())
    }
}

fn read_kept(
    folder: &Path,
    name: &str,
    list: &TrustedListConfig,
    member: Option<&Member>,
) -> Result<Option<AuthenticatedList>, Problem> {
    let Some(kept) = folder::load(folder, name).map_err(|error| Problem::of_folder(&error))? else { return Ok(None) };
    if let Some(member) = member {
        let held = authenticate_as_issued(&kept.octets, &member.signers, &suite::UKRAINIAN);
        return held.map(Some).map_err(|refused| Problem::of_list(&refused));
    }
    let signers = read_folder("trusted_lists.lists", &list.signers).map_err(|error| Problem::of_folder(&error))?;
    let held = authenticate_along(&kept.octets, &signers, &kept.pivots, &suite::UKRAINIAN, None);
    held.map(Some).map_err(|refused| Problem::of_pivot(&refused))
}
