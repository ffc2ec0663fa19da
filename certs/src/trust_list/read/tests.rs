mod recognition;

use super::*;
use crate::dev::{DevPki, Tag, lists};
use crate::trust_list::{
    AdditionalService, AgreementStatus, Criteria, Criterion, FaultPlace, ListKind, Match, Names, Provider,
    Qualification, Qualifier, Recognition, Scheme, ServiceStatus, ServiceType,
};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

const NOW: OffsetDateTime = datetime!(2026-11-26 08:00 UTC);
const BEFORE: OffsetDateTime = datetime!(2016-06-30 22:00 UTC);
const LONG_AGO: OffsetDateTime = datetime!(2009-02-03 04:05:06 UTC);

fn pki() -> DevPki {
    DevPki::new(NOW, Duration::days(9), "").unwrap()
}

fn provider(pki: &DevPki) -> Provider {
    let kind = ServiceType::QualifiedCertificates(Scheme::Ukrainian);
    let states =
        [(ServiceStatus::Withdrawn, NOW), (ServiceStatus::Granted, BEFORE), (ServiceStatus::Accredited, LONG_AGO)];
    lists::provider("Provider", vec![lists::service("Service", kind, pki.issuing_ca(), &states)])
}

fn tag(pki: &DevPki) -> Tag {
    lists::tag(&lists::list("UA", NOW, vec![provider(pki)]))
}

fn read(tag: &Tag) -> Result<TrustList, ListError> {
    TrustList::read(tag, [7; 32])
}

/// What is refused after a change to a list that would be read.
fn refused(change: impl Fn(&mut Tag)) -> ListError {
    let mut tag = tag(&pki());
    read(&tag).unwrap();
    change(&mut tag);
    read(&tag).unwrap_err()
}

/// The only fault after a change, in a list that is read.
fn fault(change: impl Fn(&mut Tag)) -> (TrustList, ListFault) {
    let mut tag = tag(&pki());
    change(&mut tag);
    let list = read(&tag).unwrap();
    let [fault] = list.faults.as_slice() else { panic!("{:?}", list.faults) };
    let fault = fault.clone();
    (list, fault)
}

fn set(tag: &mut Tag, name: &str, text: &str) {
    tag.find(name).unwrap().text = text.into();
}

fn remove(tag: &mut Tag, name: &str) {
    let parent = tag.parent_of(name).unwrap();
    let place = parent.children.iter().position(|child| child.name == name).unwrap();
    parent.children.remove(place);
}

fn repeat(tag: &mut Tag, name: &str) {
    let parent = tag.parent_of(name).unwrap();
    let child = parent.children.iter().find(|child| child.name == name).unwrap().clone();
    parent.children.push(child);
}

fn agreement() -> Recognition {
    let identifier = ServiceType::QualifiedCertificates(Scheme::Ukrainian).uri();
    lists::agreement("UA", &identifier, &[(AgreementStatus::Repealed, NOW), (AgreementStatus::Enacted, BEFORE)])
}

fn service() -> FaultPlace {
    FaultPlace::Service { provider: "Provider".into(), service: "Service".into() }
}

#[test]
fn what_was_written_is_read() {
    let pki = pki();
    let mut provider = provider(&pki);
    let state = &mut provider.services[0].states[1];
    state.additional = vec![
        AdditionalService::Signatures,
        AdditionalService::Root,
        AdditionalService::Other("https://provider.example/about".into()),
    ];
    state.keeps_expired_since = Some(LONG_AGO);
    state.is_beyond_us = true;
    let nested = Criteria {
        of: Match::None,
        criteria: vec![
            Criterion::ExtendedKeyUsage(vec!["1.3.6.1.5.5.7.3.1".into()]),
            Criterion::SubjectAttributes(vec!["2.5.4.97".into()]),
            Criterion::Unknown,
        ],
    };
    let criteria = vec![
        Criterion::KeyUsage(vec![(0, false), (1, true), (8, false)]),
        Criterion::Policies(vec!["1.2.804.2.1.1.1.2.2".into(), "0.4.0.1862.1.1".into()]),
        Criterion::Nested(nested),
    ];
    state.qualifications = vec![Qualification {
        qualifiers: vec![Qualifier::NotQualified, Qualifier::WithDevice],
        criteria: Criteria { of: Match::Any, criteria },
    }];
    provider.services[0].identity.subject_names = vec!["CN=Service".into()];
    provider.services[0].identity.key_identifiers = vec![vec![1, 2, 3]];
    let written = TrustList { sha256: [7; 32], ..lists::list("UA", NOW, vec![provider]) };
    assert_eq!(read(&lists::tag(&written)).unwrap(), written);
}

#[test]
fn a_list_of_lists_says_where_the_others_are_and_who_signs_them() {
    let pki = pki();
    let signers = vec![pki.root().clone(), pki.issuing_ca().clone()];
    let mut agreed = lists::pointer("UA", "https://czo.example/TL-UA.xml", signers);
    agreed.recognition = Some(agreement());
    let mut bare = lists::pointer("PL", "https://pl.example/list.xml", vec![]);
    bare.media_type = Some("application/pdf".into());
    bare.kind = Some(ListKind::Lists);
    let written = TrustList { sha256: [7; 32], ..lists::list_of_lists("EU", NOW, vec![agreed, bare]) };
    let read = read(&lists::tag(&written)).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.kind, ListKind::Lists);
}

#[test]
fn lists_are_written_with_spaces_zones_and_urns() {
    let mut tag = tag(&pki());
    set(&mut tag, "TSLType", "\n https://uri.etsi.org/TrstSvc/TrustedList/TSLType/UAlist\t");
    set(&mut tag, "ListIssueDateTime", "2026-11-26T10:00:00.000+02:00");
    set(&mut tag, "SchemeTerritory", "ua");
    set(&mut tag, "ServiceStatus", " http://czo.gov.ua/TrstSvc/TrustedList/Svcstatus/granted ");
    let list = read(&tag).unwrap();
    assert_eq!((list.kind, list.issued_at, list.territory.as_str()), (ListKind::Services, NOW, "UA"));
    assert_eq!(list.providers[0].services[0].states[0].status, ServiceStatus::Granted);
    assert_eq!(list.faults, []);
}

#[test]
fn a_closed_list_has_no_next_update() {
    let mut tag = tag(&pki());
    remove(&mut tag, "dateTime");
    assert_eq!(read(&tag).unwrap().next_update, None);
}

#[test]
fn what_is_no_list_is_refused() {
    assert_eq!(refused(|tag| tag.name = "TrustServiceProviderList".into()), ListError::NotAList);
    assert_eq!(refused(|tag| tag.namespace = "http://uri.etsi.org/02231/v3#".into()), ListError::NotAList);
    assert_eq!(refused(|tag| tag.attributes.clear()), ListError::NotAList);
    assert_eq!(refused(|tag| tag.attributes[0].2 = FORMER_TAG.into()), ListError::Version);
    assert_eq!(refused(|tag| tag.children.clear()), ListError::Missing("SchemeInformation"));
}

#[test]
fn versions_that_are_not_known_are_refused() {
    for version in ["3", "4", "7", "", "5.0", "six"] {
        assert_eq!(refused(|tag| set(tag, "TSLVersionIdentifier", version)), ListError::Version, "{version}");
    }
}

#[test]
fn a_sequence_number_is_a_positive_integer() {
    for number in ["0", "-1", "+1", "1.0", "", "18446744073709551616"] {
        assert_eq!(refused(|tag| set(tag, "TSLSequenceNumber", number)), ListError::SequenceNumber, "{number}");
    }
}

#[test]
fn the_scheme_part_must_be_whole_and_say_things_once() {
    for name in [
        "TSLVersionIdentifier",
        "TSLSequenceNumber",
        "TSLType",
        "SchemeOperatorName",
        "SchemeTerritory",
        "ListIssueDateTime",
        "NextUpdate",
    ] {
        assert_eq!(refused(|tag| remove(tag, name)), ListError::Missing(name));
        assert_eq!(refused(|tag| repeat(tag, name)), ListError::Repeated(name));
    }
    for name in ["SchemeName", "SchemeInformationURI", "DistributionPoints"] {
        assert_eq!(refused(|tag| repeat(tag, name)), ListError::Repeated(name));
    }
    assert_eq!(refused(|tag| repeat(tag, "SchemeInformation")), ListError::Repeated("SchemeInformation"));
    assert_eq!(refused(|tag| repeat(tag, "TrustServiceProviderList")), ListError::Repeated("TrustServiceProviderList"));
    assert_eq!(refused(|tag| set(tag, "SchemeInformation", "x")), ListError::Mixed("SchemeInformation"));
    assert_eq!(refused(|tag| set(tag, "SchemeTerritory", "Ukraine")), ListError::Value("SchemeTerritory"));
    let empty = |tag: &mut Tag| tag.find("SchemeOperatorName").unwrap().children.clear();
    assert_eq!(refused(empty), ListError::Value("SchemeOperatorName"));
    let inside = |tag: &mut Tag| tag.find("TSLType").unwrap().children.push(Tag::new("", "b"));
    assert_eq!(refused(inside), ListError::Mixed("TSLType"));
}

#[test]
fn dates_have_a_zone() {
    for date in
        ["2026-11-26", "2026-11-26T08:00:00", "26.11.2026", "", "2026-13-26T08:00:00Z", "9999-12-31T23:00:00-05:00"]
    {
        let error = refused(|tag| set(tag, "ListIssueDateTime", date));
        assert_eq!(error, ListError::Date("ListIssueDateTime"), "{date}");
        assert_eq!(refused(|tag| set(tag, "dateTime", date)), ListError::Date("NextUpdate"), "{date}");
    }
}

#[test]
fn one_service_does_not_take_down_a_country() {
    let pki = pki();
    let mut written = lists::list("UA", NOW, vec![provider(&pki), provider(&pki)]);
    written.providers[1].services[0].names = lists::names("Other");
    let mut tag = lists::tag(&written);
    set(&mut tag, "StatusStartingTime", "yesterday");
    let list = read(&tag).unwrap();
    assert_eq!(list.providers[0].services, []);
    assert_eq!(list.providers[1], written.providers[1]);
    let error = ListError::Date("StatusStartingTime");
    assert_eq!(list.faults, [ListFault { place: service(), error, is_left_out: true }]);
}

#[test]
fn services_with_a_part_missing_or_said_twice_are_left_out() {
    for name in ["ServiceTypeIdentifier", "ServiceStatus", "StatusStartingTime"] {
        let (list, fault) = fault(|tag| remove(tag, name));
        assert_eq!(list.providers[0].services, []);
        assert_eq!(fault, ListFault { place: service(), error: ListError::Missing(name), is_left_out: true });
        let (_, fault) = self::fault(|tag| repeat(tag, name));
        assert_eq!(fault, ListFault { place: service(), error: ListError::Repeated(name), is_left_out: true });
    }
    let (_, fault) = fault(|tag| remove(tag, "ServiceInformation"));
    assert_eq!((fault.error, fault.is_left_out), (ListError::Missing("ServiceInformation"), true));
    let (list, fault) = self::fault(|tag| remove(tag, "TSPInformation"));
    assert_eq!((list.providers, fault.error.code()), (vec![], "trust_list.element_missing"));
}

#[test]
fn a_service_that_nothing_identifies_is_left_out() {
    let (_, fault) = fault(|tag| tag.find("ServiceDigitalIdentity").unwrap().children.clear());
    assert_eq!(fault, ListFault { place: service(), error: ListError::Identity, is_left_out: true });
    // An address identifies what has no key.
    let mut tag = tag(&pki());
    let id = tag.find("DigitalId").unwrap();
    id.children = vec![Tag::new(LIST, "Other").with_text("https://provider.example")];
    let list = read(&tag).unwrap();
    assert_eq!((list.providers[0].services.len(), list.faults.len()), (1, 0));
}

#[test]
fn a_certificate_that_cannot_be_read_is_passed_over_beside_others() {
    let (list, fault) = fault(|tag| set(tag, "X509Certificate", "MAA="));
    assert_eq!((list.providers[0].services.len(), fault.is_left_out), (0, true));
    assert_eq!(fault.error.code(), "trust_list.certificate");
    let (list, fault) = self::fault(|tag| {
        repeat(tag, "DigitalId");
        set(tag, "X509Certificate", "not base64");
    });
    assert_eq!(list.providers[0].services[0].identity.certificates.len(), 1);
    let error = ListError::Value("X509Certificate");
    assert_eq!(fault, ListFault { place: service(), error, is_left_out: false });
}

#[test]
fn certificates_of_several_keys_in_one_service_are_told() {
    let pki = pki();
    let mut provider = provider(&pki);
    provider.services[0].identity.certificates.push(pki.root().clone());
    let list = read(&lists::tag(&lists::list("UA", NOW, vec![provider]))).unwrap();
    assert_eq!(list.faults[0].error, ListError::IdentityDiffers);
    assert_eq!(list.providers[0].services[0].identity.certificates.len(), 2);
}

#[test]
fn history_is_put_in_order_and_never_outruns_the_present() {
    let pki = pki();
    let mut provider = provider(&pki);
    provider.services[0].states.swap(1, 2);
    let list = read(&lists::tag(&lists::list("UA", NOW, vec![provider]))).unwrap();
    let since: Vec<_> = list.providers[0].services[0].states.iter().map(|state| state.since).collect();
    assert_eq!(since, [NOW, BEFORE, LONG_AGO]);
    let (_, fault) = fault(|tag| set(tag, "StatusStartingTime", "2012-01-01T00:00:00Z"));
    assert_eq!(fault, ListFault { place: service(), error: ListError::History, is_left_out: true });
}

#[test]
fn extensions_that_are_not_understood_bind_where_they_are_critical_or_known() {
    let extended = |extension: Tag, critical: &str| {
        let mut tag = tag(&pki());
        let extension = Tag::new(LIST, "Extension").with_attribute("", "Critical", critical).with([extension]);
        let all = Tag::new(LIST, "ServiceInformationExtensions").with([extension]);
        tag.find("ServiceInformation").unwrap().children.push(all);
        let list = read(&tag).unwrap();
        (list.providers[0].services[0].states[0].is_beyond_us, list.faults.len())
    };
    assert_eq!(extended(Tag::new("urn:example", "A"), "false"), (false, 0));
    assert_eq!(extended(Tag::new("urn:example", "A"), "true"), (true, 0));
    assert_eq!(extended(Tag::new(LIST, "TakenOverBy"), "true"), (false, 0));
    let broken = Tag::new(crate::trust_list::namespaces::QUALIFICATION, "Qualifications").with([Tag::new("", "a")]);
    assert_eq!(extended(broken, "false"), (true, 1));
    assert_eq!(extended(Tag::new(LIST, "AdditionalServiceInformation"), "false"), (true, 1));
}

#[test]
fn a_criterion_that_cannot_be_read_is_unclear_and_the_others_count() {
    let pki = pki();
    let mut provider = provider(&pki);
    let criteria = vec![Criterion::Policies(vec!["1.2.3".into()]), Criterion::Policies(vec!["1.2.4".into()])];
    let criteria = Criteria { of: Match::Any, criteria };
    provider.services[0].states[0].qualifications = vec![Qualification { qualifiers: vec![], criteria }];
    let mut tag = lists::tag(&lists::list("UA", NOW, vec![provider]));
    set(&mut tag, "Identifier", "urn:oid:1.2.");
    let list = read(&tag).unwrap();
    let state = &list.providers[0].services[0].states[0];
    let expected = [Criterion::Unknown, Criterion::Policies(vec!["1.2.4".into()])];
    assert_eq!((state.qualifications[0].criteria.criteria.as_slice(), state.is_beyond_us), (&expected[..], false));
    let error = ListError::Extension("Qualifications");
    assert_eq!(list.faults, [ListFault { place: service(), error, is_left_out: false }]);
}

#[test]
fn criteria_in_criteria_end() {
    let pki = pki();
    let nest = |depth: usize| {
        let innermost = Criteria { of: Match::All, criteria: vec![] };
        (1..depth).fold(innermost, |inner, _| Criteria { of: Match::All, criteria: vec![Criterion::Nested(inner)] })
    };
    let with = |criteria: Criteria| {
        let mut provider = provider(&pki);
        provider.services[0].states[0].qualifications = vec![Qualification { qualifiers: vec![], criteria }];
        read(&lists::tag(&lists::list("UA", NOW, vec![provider]))).unwrap().faults
    };
    assert_eq!(with(nest(limits::CRITERIA_DEPTH)), []);
    let too_deep = with(nest(limits::CRITERIA_DEPTH + 1));
    assert_eq!((too_deep[0].error.code(), too_deep[0].is_left_out), ("trust_list.too_many", true));
    let many = vec![Criterion::Unknown; limits::CRITERIA];
    let too_many = with(Criteria { of: Match::All, criteria: many });
    assert_eq!(too_many[0].error, ListError::TooMany("criteria"));
}

#[test]
fn pointers_are_told_where_they_are_wrong() {
    let pki = pki();
    let broken = |change: &dyn Fn(&mut Tag)| {
        let pointer = lists::pointer("PL", "https://pl.example/list.xml", vec![pki.root().clone()]);
        let mut tag = lists::tag(&lists::list_of_lists("EU", NOW, vec![pointer]));
        change(tag.find("OtherTSLPointer").unwrap());
        read(&tag).unwrap()
    };
    let place = FaultPlace::Pointer("https://pl.example/list.xml".into());
    let list = broken(&|tag| set(tag, "X509Certificate", "MAA="));
    assert_eq!((list.pointers.len(), list.faults[0].is_left_out), (1, false));
    assert_eq!(list.faults[0].place, place);
    let list = broken(&|tag| set(tag, "SchemeTerritory", "Poland"));
    assert_eq!((list.pointers.len(), &list.faults[0].place), (0, &place));
    let list = broken(&|tag| remove(tag, "TSLLocation"));
    assert_eq!(list.faults[0].error, ListError::Missing("TSLLocation"));
    let list = broken(&|tag| repeat(tag, "OtherInformation"));
    assert_eq!(list.faults[0].error, ListError::Repeated("TSLType"));
}

#[test]
fn bounds_are_kept() {
    let many = |name: &'static str, count: usize| {
        refused(|tag| {
            let parent = tag.parent_of(name).unwrap();
            let child = parent.children.iter().find(|child| child.name == name).unwrap().clone();
            parent.children = vec![child; count];
        })
    };
    let providers = many("TrustServiceProvider", limits::PROVIDERS + 1);
    assert_eq!(providers, ListError::TooMany("TrustServiceProvider"));
    // Faulty ones count: a list of nothing else is none.
    let faulty = refused(|tag| {
        remove(tag, "ServiceName");
        let services = tag.find("TSPServices").unwrap();
        services.children = vec![services.children[0].clone(); limits::FAULTS + 1];
    });
    assert_eq!(faulty, ListError::TooMany("faults"));
    assert_eq!(many("Name", limits::NAMES + 1), ListError::TooMany("Name"));
    assert_eq!(many("URI", limits::ADDRESSES + 1), ListError::TooMany("URI"));
    let long = "x".repeat(limits::TEXT + 1);
    assert_eq!(refused(|tag| set(tag, "Name", &long)), ListError::TooLong("Name"));
    let (_, fault) = fault(|tag| {
        let history = tag.find("ServiceHistory").unwrap();
        history.children = vec![history.children[0].clone(); limits::STATES];
    });
    assert_eq!(fault.error, ListError::TooMany("ServiceHistoryInstance"));
    let (_, fault) = self::fault(|tag| {
        let identity = tag.find("ServiceDigitalIdentity").unwrap();
        identity.children = vec![identity.children[0].clone(); limits::CERTIFICATES + 1];
    });
    assert_eq!(fault.error, ListError::TooMany("DigitalId"));
}

#[test]
fn a_fault_carries_no_more_of_a_name_than_it_must() {
    let (_, fault) = fault(|tag| {
        remove(tag, "ServiceStatus");
        for name in tag.find("ServiceName").unwrap().children.iter_mut() {
            name.text = "ї".repeat(limits::FAULT_NAME + 1);
        }
    });
    let FaultPlace::Service { service, .. } = fault.place else { panic!("{:?}", fault.place) };
    assert_eq!(service, "ї".repeat(limits::FAULT_NAME));
    assert_eq!(Names::default().best(), "");
}
