//! Trusted lists for demonstrations and tests: from the model to elements, and from those to text.
//!
//! ```
//! # use certs::dev::{DevPki, lists};
//! # use certs::trust_list::{Scheme, ServiceStatus, ServiceType, TrustList};
//! # use time::{Duration, macros::datetime};
//! let now = datetime!(2026-11-26 08:00 UTC);
//! let pki = DevPki::new(now, Duration::days(9), "").unwrap();
//! let kind = ServiceType::QualifiedCertificates(Scheme::Ukrainian);
//! let service = lists::service("CA", kind, pki.issuing_ca(), &[(ServiceStatus::Granted, now)]);
//! let list = lists::list("UA", now, vec![lists::provider("QTSP", vec![service])]);
//! let text = lists::tag(&list).to_xml();
//! assert!(text.contains("National-CA/QC"));
//! ```
//! The text has no signature yet: an enveloped one goes before the end of the outermost element.
mod recognition;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub use recognition::agreement;

use super::tag::{Tag, XML};
use crate::certificate::Certificate;
use crate::trust_list::namespaces::{ADDITIONAL, LIST, QUALIFICATION, RECOGNITION, XADES};
use crate::trust_list::{
    Criteria, Criterion, Identity, KEY_USAGES, ListKind, Match, Names, Pointer, Provider, Qualification, Service,
    ServiceStatus, ServiceType, State, TrustList,
};

/// A list of `territory` that was issued at `at` and is good for half a year: version 6, number 1, English and Ukrainian names.
#[must_use]
pub fn list(territory: &str, at: OffsetDateTime, providers: Vec<Provider>) -> TrustList {
    TrustList {
        sha256: [0; 32],
        version: 6,
        sequence_number: 1,
        kind: ListKind::Services,
        operator: names("Scheme operator"),
        scheme: names("Scheme"),
        territory: territory.into(),
        issued_at: at,
        next_update: Some(at + Duration::days(180)),
        pointers: Vec::new(),
        distribution_points: vec!["https://tl.example/list.xml".into()],
        information: vec!["https://tl.example/about".into()],
        providers,
        faults: Vec::new(),
    }
}

/// A list of lists, with pointers.
#[must_use]
pub fn list_of_lists(territory: &str, at: OffsetDateTime, pointers: Vec<Pointer>) -> TrustList {
    TrustList { kind: ListKind::Lists, pointers, ..list(territory, at, Vec::new()) }
}

/// A pointer to the list of `territory` at `location`, which one of `signers` signs.
#[must_use]
pub fn pointer(territory: &str, location: &str, signers: Vec<Certificate>) -> Pointer {
    Pointer {
        location: location.into(),
        kind: Some(ListKind::Services),
        territory: Some(territory.into()),
        media_type: Some("application/vnd.etsi.tsl+xml".into()),
        operator: names("Scheme operator"),
        signers,
        recognition: None,
    }
}

/// A provider.
#[must_use]
pub fn provider(name: &str, services: Vec<Service>) -> Provider {
    Provider { names: names(name), trade_names: names("VATEE-12345678"), services }
}

/// A service that `certificate` identifies, with its states, the present one first: each with the day since which.
#[must_use]
pub fn service(
    name: &str,
    kind: ServiceType,
    certificate: &Certificate,
    states: &[(ServiceStatus, OffsetDateTime)],
) -> Service {
    let states = states.iter().map(|(status, since)| State {
        kind: kind.clone(),
        type_identifier: kind.uri(),
        status: status.clone(),
        since: *since,
        additional: Vec::new(),
        qualifications: Vec::new(),
        keeps_expired_since: None,
        is_beyond_us: false,
    });
    let identity = Identity { certificates: vec![certificate.clone()], ..Identity::default() };
    Service { names: names(name), identity, states: states.collect() }
}

/// The same name in English and in Ukrainian.
#[must_use]
pub fn names(name: &str) -> Names {
    Names(vec![("en".into(), name.into()), ("uk".into(), name.into())])
}

/// The elements of a list.
#[must_use]
pub fn tag(list: &TrustList) -> Tag {
    let root = of("TrustServiceStatusList").with_attribute("", "TSLTag", "http://uri.etsi.org/19612/TSLTag");
    let providers = (!list.providers.is_empty())
        .then(|| of("TrustServiceProviderList").with(list.providers.iter().map(provider_tag)));
    root.with_attribute("", "Id", "list").with([scheme(list)]).with(providers)
}

fn scheme(list: &TrustList) -> Tag {
    let detail = "http://uri.etsi.org/TrstSvc/TrustedList/StatusDetn/";
    let next = list.next_update.map(|at| text("dateTime", &date(at)));
    let pointers =
        (!list.pointers.is_empty()).then(|| of("PointersToOtherTSL").with(list.pointers.iter().map(pointer_tag)));
    of("SchemeInformation")
        .with([
            text("TSLVersionIdentifier", &list.version.to_string()),
            text("TSLSequenceNumber", &list.sequence_number.to_string()),
            text("TSLType", &list_kind(&list.kind, &list.territory)),
            names_tag("SchemeOperatorName", &list.operator),
            names_tag("SchemeName", &list.scheme),
            of("SchemeInformationURI").with(list.information.iter().map(|uri| in_english("URI", uri))),
            text("StatusDeterminationApproach", &format!("{detail}{}appropriate", list.territory)),
            text("SchemeTerritory", &list.territory),
            text("HistoricalInformationPeriod", "65535"),
        ])
        .with(pointers)
        .with([text("ListIssueDateTime", &date(list.issued_at)), of("NextUpdate").with(next)])
        .with([of("DistributionPoints").with(list.distribution_points.iter().map(|uri| text("URI", uri)))])
}

fn list_kind(kind: &ListKind, territory: &str) -> String {
    let word = match kind {
        ListKind::Services if territory == "EU" => "generic",
        ListKind::Services => "list",
        ListKind::Lists => "listofthelists",
        ListKind::Other(uri) => return uri.clone(),
    };
    format!("http://uri.etsi.org/TrstSvc/TrustedList/TSLType/{territory}{word}")
}

fn pointer_tag(pointer: &Pointer) -> Tag {
    let territory = pointer.territory.as_deref().unwrap_or("EU");
    let kind = pointer.kind.as_ref().map(|kind| text("TSLType", &list_kind(kind, territory)));
    let operator = (!pointer.operator.0.is_empty()).then(|| names_tag("SchemeOperatorName", &pointer.operator));
    let territory = pointer.territory.as_deref().map(|territory| text("SchemeTerritory", territory));
    let media = pointer.media_type.as_deref().map(|media| Tag::new(ADDITIONAL, "MimeType").with_text(media));
    let agreement = pointer.recognition.as_ref().map(recognition::tag);
    let information = [kind, operator, territory, media, agreement].into_iter().flatten();
    let identity = of("ServiceDigitalIdentity").with(pointer.signers.iter().map(certificate_tag));
    of("OtherTSLPointer").with([
        of("ServiceDigitalIdentities").with([identity]),
        text("TSLLocation", &pointer.location),
        of("AdditionalInformation").with(information.map(|one| of("OtherInformation").with([one]))),
    ])
}

fn provider_tag(provider: &Provider) -> Tag {
    let information = of("TSPInformation")
        .with([names_tag("TSPName", &provider.names), names_tag("TSPTradeName", &provider.trade_names)]);
    of("TrustServiceProvider").with([information, of("TSPServices").with(provider.services.iter().map(service_tag))])
}

fn service_tag(service: &Service) -> Tag {
    let (present, former) = service.states.split_first().map_or((None, &[][..]), |(first, rest)| (Some(first), rest));
    let present = present.map(|state| state_tag("ServiceInformation", service, state));
    let former = (!former.is_empty()).then(|| {
        of("ServiceHistory").with(former.iter().map(|state| state_tag("ServiceHistoryInstance", service, state)))
    });
    of("TSPService").with(present).with(former)
}

fn state_tag(name: &str, service: &Service, state: &State) -> Tag {
    let extensions: Vec<Tag> = extensions(state).collect();
    let extensions = (!extensions.is_empty()).then(|| of("ServiceInformationExtensions").with(extensions));
    of(name)
        .with([
            text("ServiceTypeIdentifier", &state.type_identifier),
            names_tag("ServiceName", &service.names),
            identity_tag(&service.identity),
            text("ServiceStatus", &state.status.uri()),
            text("StatusStartingTime", &date(state.since)),
        ])
        .with(extensions)
}

fn identity_tag(identity: &Identity) -> Tag {
    let id = |tag| of("DigitalId").with([tag]);
    of("ServiceDigitalIdentity")
        .with(identity.certificates.iter().map(certificate_tag))
        .with(identity.subject_names.iter().map(|name| id(text("X509SubjectName", name))))
        .with(identity.key_identifiers.iter().map(|key| id(text("X509SKI", &STANDARD.encode(key)))))
}

fn certificate_tag(certificate: &Certificate) -> Tag {
    of("DigitalId").with([text("X509Certificate", &STANDARD.encode(certificate.der()))])
}

fn extensions(state: &State) -> impl Iterator<Item = Tag> {
    let critical =
        |is: bool, tag| of("Extension").with_attribute("", "Critical", if is { "true" } else { "false" }).with([tag]);
    let additional = state.additional.iter().map(move |additional| {
        critical(true, of("AdditionalServiceInformation").with([in_english("URI", &additional.uri())]))
    });
    let qualifications = (!state.qualifications.is_empty()).then(|| {
        let elements = state.qualifications.iter().map(qualification);
        critical(true, Tag::new(QUALIFICATION, "Qualifications").with(elements))
    });
    let expired =
        state.keeps_expired_since.map(|since| critical(false, text("ExpiredCertsRevocationInfo", &date(since))));
    let beyond = state.is_beyond_us.then(|| critical(true, Tag::new("urn:example", "Unknown")));
    additional.chain(qualifications).chain(expired).chain(beyond)
}

fn qualification(qualification: &Qualification) -> Tag {
    let qualifiers = qualification
        .qualifiers
        .iter()
        .map(|qualifier| Tag::new(QUALIFICATION, "Qualifier").with_attribute("", "uri", &qualifier.uri()));
    Tag::new(QUALIFICATION, "QualificationElement")
        .with([Tag::new(QUALIFICATION, "Qualifiers").with(qualifiers), criteria_of(&qualification.criteria)])
}

fn criteria_of(list: &Criteria) -> Tag {
    let of = match list.of {
        Match::All => "all",
        Match::Any => "atLeastOne",
        Match::None => "none",
    };
    Tag::new(QUALIFICATION, "CriteriaList").with_attribute("", "assert", of).with(list.criteria.iter().map(criterion))
}

fn criterion(criterion: &Criterion) -> Tag {
    let others = |tag: Tag| Tag::new(QUALIFICATION, "otherCriteriaList").with([tag]);
    match criterion {
        Criterion::KeyUsage(bits) => Tag::new(QUALIFICATION, "KeyUsage").with(bits.iter().map(|(bit, value)| {
            let name = KEY_USAGES.get(usize::from(*bit)).copied().unwrap_or_default();
            Tag::new(QUALIFICATION, "KeyUsageBit").with_attribute("", "name", name).with_text(&value.to_string())
        })),
        Criterion::Policies(policies) => identifiers(QUALIFICATION, "PolicySet", "PolicyIdentifier", policies),
        Criterion::ExtendedKeyUsage(usages) => {
            others(identifiers(ADDITIONAL, "ExtendedKeyUsage", "KeyPurposeId", usages))
        }
        Criterion::SubjectAttributes(attributes) => {
            others(identifiers(ADDITIONAL, "CertSubjectDNAttribute", "AttributeOID", attributes))
        }
        Criterion::Statements(statements) => recognition::statements(statements),
        Criterion::Nested(list) => criteria_of(list),
        Criterion::Unknown => others(Tag::new("urn:example", "Unknown")),
    }
}

fn identifiers(namespace: &str, list: &str, name: &str, dotted: &[String]) -> Tag {
    Tag::new(namespace, list).with(
        dotted
            .iter()
            .map(|identifier| Tag::new(namespace, name).with([Tag::new(XADES, "Identifier").with_text(identifier)])),
    )
}

fn names_tag(name: &str, names: &Names) -> Tag {
    of(name).with(names.0.iter().map(|(language, name)| text("Name", name).with_attribute(XML, "lang", language)))
}

fn in_english(name: &str, value: &str) -> Tag {
    text(name, value).with_attribute(XML, "lang", "en")
}

fn of(name: &str) -> Tag {
    Tag::new(LIST, name)
}

fn text(name: &str, text: &str) -> Tag {
    of(name).with_text(text)
}

fn date(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
