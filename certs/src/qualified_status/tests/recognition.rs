//! Agreements on mutual recognition: a certificate of Ukraine before a list of lists of the Union.
use super::*;
use crate::dev::lists::{agreement, list_of_lists, pointer};
use crate::trust_list::{
    AgreementStatus, ContentContext, Equivalence, Recognition, Sides, StatementContent, StatementCriterion, Terms,
    TrustList, TypeOfService,
};
use AgreementStatus::{Enacted, Repealed};

/// Qualified by the law of Ukraine, and by the agreement.
const AGREED: Says =
    Says { compliance: true, device: true, country: Some("UA"), types: &[&oid::QC_TYPE_SIGNATURE], ..NOTHING };
const MUTUAL: &str = "http://czo.gov.ua/TrstSvc/Svctype/MR-CA/QC";

fn history(history: &[(AgreementStatus, OffsetDateTime)]) -> Recognition {
    agreement("UA", MUTUAL, history)
}

fn terms_of(recognition: &mut Recognition) -> &mut Terms {
    &mut recognition.equivalences[0].terms[0]
}

/// A service of the list for mutual recognition.
fn mutual(authority: &Certificate, states: States<'_>) -> Service {
    let mut service = issuing(Ukrainian, authority, states);
    service.states.iter_mut().for_each(|state| state.type_identifier = MUTUAL.into());
    service
}

fn of_country(territory: &str, services: Vec<Service>) -> TrustList {
    list(territory, ISSUED, vec![provider("QTSP", services)])
}

fn by_union(recognition: Recognition) -> TrustList {
    let mut pointer = pointer("UA", "https://tl.example/ua.xml", vec![]);
    pointer.recognition = Some(recognition);
    list_of_lists("EU", ISSUED, vec![pointer])
}

fn together(lists: [TrustList; 2]) -> Services {
    Services::new(lists.into_iter().map(Arc::new).collect())
}

/// The status by the law of the Union, with the first reason at signing.
type Recognised = Option<(Outcome, Option<StatusReason>)>;

fn recognised(chain: &[Certificate], lists: [TrustList; 2]) -> Recognised {
    let services = together(lists);
    let status = of_certificate(chain, &services, SIGNED).unwrap();
    let equivalent = status.equivalent?;
    assert_eq!((equivalent.scheme, equivalent.legal_identifier), (European, "QCForESig"));
    assert_eq!(equivalent.list.territory, "EU");
    let outcome =
        (equivalent.at_issue.qualified, equivalent.at_time.qualified, equivalent.usage(), equivalent.device());
    Some((outcome, equivalent.at_time.reasons.first().copied()))
}

/// Of a certificate that says `says` under a granted service.
fn under(says: Says, recognition: Recognition) -> Recognised {
    let chain = issued_at(ISSUED, says, &[]);
    recognised(&chain, [of_country("UA", vec![mutual(&chain[1], &[(Granted, EARLY)])]), by_union(recognition)])
}

const SIGNATURE_USE: Option<QcType> = Some(QcType::Signature);
const GOOD: Outcome = (Yes, Yes, SIGNATURE_USE, Some(Yes));

#[test]
fn what_is_enacted_is_recognised_and_the_own_status_stays() {
    assert_eq!(under(AGREED, history(&[(Enacted, EARLY)])), Some((GOOD, None)));
    let no_device = under(Says { device: false, ..AGREED }, history(&[(Enacted, EARLY)]));
    assert_eq!(no_device, Some(((Yes, Yes, SIGNATURE_USE, Some(No)), None)));
    let chain = issued_at(ISSUED, AGREED, &[]);
    let national = || of_country("UA", vec![mutual(&chain[1], &[(Granted, EARLY)])]);
    let (alone, with) =
        (Services::new(vec![Arc::new(national())]), together([national(), by_union(history(&[(Enacted, EARLY)]))]));
    let (alone, with) =
        (of_certificate(&chain, &alone, SIGNED).unwrap(), of_certificate(&chain, &with, SIGNED).unwrap());
    assert!(alone.equivalent.is_none());
    assert_eq!((outcome(&alone), alone.scheme), (outcome(&with), with.scheme));
    assert_eq!((alone.scheme, alone.qualified()), (Some(Ukrainian), Yes));
}

#[test]
fn an_agreement_counts_while_it_is_in_force() {
    let second = Duration::seconds(1);
    let table = [
        (vec![(Enacted, ISSUED)], Yes, Yes, None),
        (vec![(Enacted, SIGNED + second)], No, No, Some(StatusReason::AgreementNotEnacted)),
        (vec![(Enacted, BETWEEN)], No, Yes, None),
        (vec![(Repealed, BETWEEN), (Enacted, EARLY)], Yes, No, Some(StatusReason::AgreementRepealed)),
        (vec![(Repealed, SIGNED), (Enacted, EARLY)], Yes, No, Some(StatusReason::AgreementRepealed)),
        (vec![(Repealed, SIGNED + second), (Enacted, EARLY)], Yes, Yes, None),
        (vec![(Enacted, BETWEEN), (Repealed, ISSUED - second), (Enacted, EARLY)], No, Yes, None),
    ];
    for (number, (terms, at_issue, at_signing, reason)) in table.into_iter().enumerate() {
        let (outcome, why) = under(AGREED, history(&terms)).unwrap();
        assert_eq!((outcome.0, outcome.1, why), (at_issue, at_signing, reason), "{number}");
    }
}

#[test]
fn only_services_that_it_names_are_recognised() {
    let chain = issued_at(ISSUED, AGREED, &[]);
    let enacted = || history(&[(Enacted, EARLY)]);
    let granted = || mutual(&chain[1], &[(Granted, EARLY)]);
    let here = |service| of_country("UA", vec![service]);
    // The same type by the law of Ukraine, and another by the agreement.
    assert_eq!(
        recognised(&chain, [here(issuing(Ukrainian, &chain[1], &[(Granted, EARLY)])), by_union(enacted())]),
        None
    );
    assert_eq!(recognised(&chain, [of_country("MD", vec![granted()]), by_union(enacted())]), None);
    let other_operator = TrustList { territory: "ZZ".into(), ..by_union(enacted()) };
    assert_eq!(recognised(&chain, [here(granted()), other_operator]), None);
    let no_list_of_lists =
        TrustList { kind: by_union(enacted()).pointers[0].kind.clone().unwrap(), ..by_union(enacted()) };
    assert_eq!(recognised(&chain, [here(granted()), no_list_of_lists]), None);
    let mut for_seals = enacted();
    terms_of(&mut for_seals).types.pointed[0].additional = Some(AdditionalService::Seals);
    let signatures = || with_additional(granted(), &[AdditionalService::Signatures]);
    assert_eq!(recognised(&chain, [here(signatures()), by_union(for_seals)]), None);
    let mut other_type = enacted();
    terms_of(&mut other_type).types.pointing[0].identifier = ServiceType::QualifiedTimestamps(European).uri();
    let (outcome, reason) = recognised(&chain, [here(granted()), by_union(other_type)]).unwrap();
    assert_eq!((outcome.1, reason), (No, Some(StatusReason::AgreementType)));
    let mut for_nothing = enacted();
    terms_of(&mut for_nothing).types.pointing[0].additional = None;
    let (outcome, reason) = recognised(&chain, [here(granted()), by_union(for_nothing)]).unwrap();
    assert_eq!((outcome.1, reason), (No, Some(StatusReason::NotCovered)));
}

#[test]
fn statuses_count_as_the_agreement_says() {
    let with = |state: ServiceStatus, change: &dyn Fn(&mut Terms)| {
        let mut recognition = history(&[(Enacted, EARLY)]);
        change(terms_of(&mut recognition));
        let chain = issued_at(ISSUED, AGREED, &[]);
        let national = of_country("UA", vec![mutual(&chain[1], &[(state, BETWEEN), (Granted, EARLY)])]);
        let (outcome, reason) = recognised(&chain, [national, by_union(recognition)]).unwrap();
        (outcome.1, reason)
    };
    let not = (No, Some(StatusReason::NotGranted));
    assert_eq!(with(Granted, &|_| ()), (Yes, None));
    assert_eq!(with(Withdrawn, &|_| ()), not);
    assert_eq!(with(Withdrawn, &|terms| terms.valid.pointed.push(Withdrawn)), not);
    assert_eq!(with(Granted, &|terms| terms.valid.pointed.clear()), not);
    assert_eq!(with(Granted, &|terms| terms.valid.pointing = vec![Withdrawn]), not);
    // What the agreement takes for granted is not so by the own law.
    let lenient = |terms: &mut Terms| {
        terms.valid.pointed.push(Withdrawn);
        terms.invalid.pointed.clear();
    };
    assert_eq!(with(Withdrawn, &lenient), (No, Some(StatusReason::NotByOwnLaw)));
}

#[test]
fn certificates_must_say_what_the_agreement_asks() {
    let enacted = || history(&[(Enacted, EARLY)]);
    let content = Some(StatusReason::AgreementContent);
    // By the national statement alone it is qualified at home, and the agreement asks for more.
    let at_home = Says { country: None, national: true, ..AGREED };
    assert_eq!(under(at_home, enacted()), Some(((No, No, SIGNATURE_USE, None), content)));
    let (outcome, _) = under(Says { types: &[], ..AGREED }, enacted()).unwrap();
    assert_eq!((outcome.0, outcome.1), (No, No));
    let (outcome, _) = under(Says { types: &[&oid::QC_TYPE_SEAL], ..AGREED }, enacted()).unwrap();
    assert_eq!((outcome.0, outcome.1), (No, No));
    let compliance = |terms: &mut Terms| terms.contents.retain(|one| one.context != ContentContext::Compliance);
    let use_of = |terms: &mut Terms| terms.contents.retain(|one| one.context != ContentContext::Type);
    // A declaration of the Union that does not say there what it is taken for.
    let empty = |terms: &mut Terms| terms.contents[0].declaration.pointing.criteria.clear();
    let meaningless = |terms: &mut Terms| {
        let statement = StatementCriterion { identifier: "0.4.0.1862.1.5".into(), says: None };
        terms.contents[0].declaration.pointing.criteria = vec![Criterion::Statements(vec![statement])];
    };
    let several = |terms: &mut Terms| {
        let bare = StatementCriterion { identifier: "0.4.0.1862.1.6".into(), says: None };
        terms.contents[1].declaration.pointing.criteria = vec![Criterion::Statements(vec![bare])];
    };
    let changes: [&dyn Fn(&mut Terms); 5] = [&compliance, &use_of, &empty, &meaningless, &several];
    for (number, change) in changes.into_iter().enumerate() {
        let mut recognition = enacted();
        change(terms_of(&mut recognition));
        let (outcome, _) = under(AGREED, recognition).unwrap();
        assert_eq!(outcome.1, No, "{number}");
    }
    // Of a criterion nobody can tell.
    let mut recognition = enacted();
    terms_of(&mut recognition).contents[0].declaration.pointed.criteria.push(Criterion::Unknown);
    assert_eq!(under(AGREED, recognition).unwrap().0.1, Undecided);
    // Words that fit one use only by what they rule out.
    let mut recognition = enacted();
    let of_type = |oid: &ObjectIdentifier| {
        let says = Some(StatementContent::Type(oid.to_string()));
        Criterion::Statements(vec![StatementCriterion { identifier: "0.4.0.1862.1.6".into(), says }])
    };
    let ruled_out = vec![of_type(&oid::QC_TYPE_SEAL), of_type(&oid::QC_TYPE_WEBSITE)];
    terms_of(&mut recognition).contents[1].declaration.pointing = Criteria { of: Match::None, criteria: ruled_out };
    assert_eq!(under(AGREED, recognition), Some((GOOD, None)));
}

#[test]
fn what_the_list_says_of_certificates_is_translated_or_leaves_it_open() {
    let said = |qualifier: Qualifier, change: &dyn Fn(&mut Terms)| {
        let mut recognition = history(&[(Enacted, EARLY)]);
        change(terms_of(&mut recognition));
        let chain = issued_at(ISSUED, Says { device: false, ..AGREED }, &[]);
        let service = saying(mutual(&chain[1], &[(Granted, EARLY)]), &[(&[qualifier], applies())]);
        let (outcome, reason) = recognised(&chain, [of_country("UA", vec![service]), by_union(recognition)]).unwrap();
        (outcome.1, outcome.3, reason)
    };
    let unknown = Some(StatusReason::AgreementQualifier);
    assert_eq!(said(Qualifier::WithDevice, &|_| ()), (Yes, Some(Yes), Some(StatusReason::DeviceOverruled)));
    assert_eq!(said(Qualifier::NotQualified, &|_| ()), (No, None, Some(StatusReason::NotQualifiedByList)));
    assert_eq!(said(Qualifier::NoDevice, &|_| ()), (Undecided, Some(No), unknown));
    assert_eq!(said(Qualifier::Unknown, &|_| ()), (Undecided, Some(No), unknown));
    let twice = |terms: &mut Terms| {
        terms.qualifiers.push(Sides { pointing: Qualifier::NoDevice, pointed: Qualifier::WithDevice });
    };
    assert_eq!(said(Qualifier::WithDevice, &twice), (Undecided, Some(No), unknown));
    let from_unknown = |terms: &mut Terms| {
        terms.qualifiers.push(Sides { pointing: Qualifier::WithDevice, pointed: Qualifier::Unknown })
    };
    assert_eq!(said(Qualifier::Unknown, &from_unknown), (Undecided, Some(No), unknown));
}

#[test]
fn of_several_equivalences_the_one_that_fits_counts_unless_they_contradict() {
    let seals = |pointing: AdditionalService| {
        let mut recognition = history(&[(Enacted, EARLY)]);
        let mut other: Equivalence = recognition.equivalences[0].clone();
        other.terms[0].types.pointing =
            vec![TypeOfService { additional: Some(pointing), ..other.terms[0].types.pointing[0].clone() }];
        recognition.equivalences.insert(0, other);
        recognition
    };
    assert_eq!(under(AGREED, seals(AdditionalService::Seals)), Some((GOOD, None)));
    assert_eq!(under(AGREED, seals(AdditionalService::Signatures)), Some((GOOD, None)));
    let mut contradicts = seals(AdditionalService::Signatures);
    contradicts.equivalences[1].terms[0].contents.pop();
    let (outcome, reason) = under(AGREED, contradicts).unwrap();
    assert_eq!((outcome.1, reason), (Undecided, Some(StatusReason::ServicesDisagree)));
}

#[test]
fn a_country_whose_law_is_not_known_here_is_recognised_by_the_agreement_alone() {
    const THEIRS: &str = "http://zz.example/TrstSvc/Svctype/CA/QC";
    let chain = issued_at(ISSUED, Says { country: Some("ZZ"), ..AGREED }, &[]);
    let kind = ServiceType::from_uri(THEIRS);
    let national = || of_country("ZZ", vec![service("CA", kind.clone(), &chain[1], &[(Granted, EARLY)])]);
    let mut lists = by_union(agreement("ZZ", THEIRS, &[(Enacted, EARLY)]));
    assert_eq!(recognised(&chain, [national(), lists.clone()]), None);
    lists.pointers[0].territory = Some("ZZ".into());
    assert_eq!(recognised(&chain, [national(), lists]), Some((GOOD, None)));
}
