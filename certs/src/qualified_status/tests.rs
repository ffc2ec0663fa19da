//! Lists as tables: what they say, and what comes out.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod recognition;

use std::sync::Arc;

use const_oid::ObjectIdentifier;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::{Answer, CertificateStatus, REGULATION_IN_FORCE, StatusReason, of_certificate, of_timestamp};
use crate::asn1::{oid, tag, write};
use crate::certificate::{Certificate, QcType};
use crate::dev::Identity;
use crate::dev::forge::Forge;
use crate::dev::lists::{list, provider, service};
use crate::trust_list::{
    AdditionalService, Criteria, Criterion, Match, Qualification, Qualifier, Scheme, Service, ServiceStatus,
    ServiceType, Services,
};
use Answer::{No, Undecided, Yes};
use Scheme::{European, Ukrainian};
use ServiceStatus::{Accredited, Granted, SupervisionCeased, UnderSupervision, Withdrawn};

const ISSUED: OffsetDateTime = datetime!(2024-03-01 12:00 UTC);
const SIGNED: OffsetDateTime = datetime!(2025-03-01 12:00 UTC);
const EARLY: OffsetDateTime = datetime!(2018-01-01 0:00 UTC);
const BETWEEN: OffsetDateTime = datetime!(2024-09-01 0:00 UTC);

/// Statements of a certificate.
#[derive(Clone, Copy)]
struct Says {
    compliance: bool,
    national: bool,
    device: bool,
    country: Option<&'static str>,
    types: &'static [&'static ObjectIdentifier],
}

const NOTHING: Says = Says { compliance: false, national: false, device: false, country: None, types: &[] };
const SIGNATURE: Says = Says { compliance: true, types: &[&oid::QC_TYPE_SIGNATURE], ..NOTHING };
const SIGNATURE_ON_DEVICE: Says = Says { device: true, ..SIGNATURE };
const SEAL: Says = Says { types: &[&oid::QC_TYPE_SEAL], ..SIGNATURE };
const NATIONAL: Says = Says { compliance: true, national: true, device: true, ..NOTHING };

fn issued_at(at: OffsetDateTime, says: Says, policies: &[&str]) -> Vec<Certificate> {
    let life = Duration::days(3000);
    let root = Forge::authority("root").between(at - life, at + life).root();
    let issuer = Forge::authority("issuer").between(at - life, at + life).by(&root);
    let leaf = leaf(says, policies).between(at, at + life).by(&issuer);
    chain(&[leaf, issuer, root])
}

fn chain(identities: &[Identity]) -> Vec<Certificate> {
    identities.iter().map(|identity| identity.certificate.clone()).collect()
}

fn leaf(says: Says, policies: &[&str]) -> Forge {
    let statement = |id: &ObjectIdentifier, info: &[u8]| write::sequence(&[&write::oid(id), info]);
    let types: Vec<u8> = says.types.iter().flat_map(|one| write::oid(one)).collect();
    let country = says.country.map(|country| write::sequence(&[&write::printable(country)])).unwrap_or_default();
    let statements = [
        (says.compliance, statement(&oid::QC_COMPLIANCE, &[])),
        (says.national, statement(&oid::UA_QUALIFIED, &[])),
        (says.device, statement(&oid::QC_SSCD, &[])),
        (says.country.is_some(), statement(&oid::QC_LEGISLATION, &country)),
        (!types.is_empty(), statement(&oid::QC_TYPE, &write::element(tag::SEQUENCE, &types))),
    ];
    let said: Vec<u8> = statements.into_iter().filter(|(is, _)| *is).flat_map(|(_, said)| said).collect();
    let policy = |policy: &&str| write::sequence(&[&write::oid(&ObjectIdentifier::new(policy).unwrap())]);
    let policies: Vec<u8> = policies.iter().flat_map(policy).collect();
    let mut leaf = Forge::new("leaf").key_usage(0b11);
    if !said.is_empty() {
        leaf = leaf.with(&oid::QC_STATEMENTS, false, &write::element(tag::SEQUENCE, &said));
    }
    if !policies.is_empty() {
        leaf = leaf.with(&oid::CERTIFICATE_POLICIES, false, &write::element(tag::SEQUENCE, &policies));
    }
    leaf
}

/// A service for signatures and seals.
fn issuing(scheme: Scheme, authority: &Certificate, states: States<'_>) -> Service {
    let mut service = service("CA", ServiceType::QualifiedCertificates(scheme), authority, states);
    for state in &mut service.states {
        state.additional = vec![AdditionalService::Signatures, AdditionalService::Seals];
    }
    service
}

fn saying(mut service: Service, qualifications: &[(&[Qualifier], Criterion)]) -> Service {
    for state in &mut service.states {
        state.qualifications.extend(qualifications.iter().map(|(qualifiers, criterion)| Qualification {
            qualifiers: qualifiers.to_vec(),
            criteria: Criteria { of: Match::All, criteria: vec![criterion.clone()] },
        }));
    }
    service
}

fn with_additional(mut service: Service, additional: &[AdditionalService]) -> Service {
    service.states.iter_mut().for_each(|state| state.additional = additional.to_vec());
    service
}

fn listed(services: Vec<Service>) -> Services {
    Services::new(vec![Arc::new(list("XX", ISSUED, vec![provider("QTSP", services)]))])
}

/// With the day since which, the present one first.
type States<'t> = &'t [(ServiceStatus, OffsetDateTime)];

/// What the list says of which certificates.
type Said<'t> = &'t [(&'t [Qualifier], Criterion)];

/// At issue, at signing, use, device.
type Outcome = (Answer, Answer, Option<QcType>, Option<Answer>);

fn outcome(status: &CertificateStatus<'_>) -> Outcome {
    (status.at_issue.qualified, status.at_time.qualified, status.usage(), status.device())
}

fn says_at_signing(status: &CertificateStatus<'_>, reason: StatusReason) -> bool {
    status.at_time.reasons.contains(&reason)
}

fn applies() -> Criterion {
    Criterion::KeyUsage(vec![(1, true)])
}

fn applies_not() -> Criterion {
    Criterion::KeyUsage(vec![(0, false)])
}

#[test]
fn history_decides_at_each_time() {
    let chain = issued_at(ISSUED, SIGNATURE_ON_DEVICE, &[]);
    let second = Duration::seconds(1);
    let good = (Yes, Yes, Some(QcType::Signature), Some(Yes));
    let lost = (Yes, No, Some(QcType::Signature), None);
    let gained = (No, Yes, Some(QcType::Signature), Some(Yes));
    let table: [(&str, States<'_>, Outcome); 8] = [
        ("granted", &[(Granted, EARLY)], good),
        ("granted at the very second", &[(Granted, ISSUED)], good),
        ("granted, withdrawn", &[(Withdrawn, BETWEEN), (Granted, EARLY)], lost),
        ("granted, withdrawn, granted", &[(Granted, SIGNED), (Withdrawn, BETWEEN), (Granted, EARLY)], good),
        ("withdrawn after signing", &[(Withdrawn, SIGNED + second), (Granted, EARLY)], good),
        ("withdrawn before issue", &[(Granted, BETWEEN), (Withdrawn, ISSUED - second), (Granted, EARLY)], gained),
        ("supervised only", &[(UnderSupervision, EARLY)], (No, No, Some(QcType::Signature), None)),
        ("another's word", &[(ServiceStatus::Other("granted".into()), EARLY)], (No, No, Some(QcType::Signature), None)),
    ];
    for (name, states, expected) in table {
        let services = listed(vec![issuing(European, &chain[1], states)]);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!((outcome(&status), status.scheme), (expected, Some(European)), "{name}");
        assert_eq!(says_at_signing(&status, StatusReason::NotGranted), expected.1 == No, "{name}");
    }
}

#[test]
fn a_certificate_from_before_its_service_was_listed_is_not_qualified() {
    let chain = issued_at(ISSUED, SIGNATURE_ON_DEVICE, &[]);
    let services = listed(vec![issuing(European, &chain[1], &[(Granted, ISSUED + Duration::seconds(1))])]);
    let status = of_certificate(&chain, &services, SIGNED).unwrap();
    assert_eq!((status.qualified(), status.usage()), (No, None));
    assert_eq!(status.at_issue.reasons, [StatusReason::NotListedThen]);
    assert_eq!((status.at_time.qualified, status.at_time.services.len()), (Yes, 1));
}

#[test]
fn the_nearest_listed_authority_answers_and_a_root_only_where_it_is_one() {
    let chain = issued_at(ISSUED, SIGNATURE, &[]);
    let other = issued_at(ISSUED, SIGNATURE, &[]);
    let granted = |authority| issuing(European, authority, &[(Granted, EARLY)]);
    let root =
        |authority| with_additional(granted(authority), &[AdditionalService::Root, AdditionalService::Signatures]);
    let national_root = service("Root", ServiceType::Root(European), &chain[2], &[(Granted, EARLY)]);
    let other_certificates =
        service("CA", ServiceType::OtherCertificates, &chain[1], &[(ServiceStatus::Recognised, EARLY)]);
    let withdrawn = issuing(European, &chain[1], &[(Withdrawn, EARLY)]);
    let table = [
        ("issuer", vec![granted(&chain[1])], Yes),
        ("root above", vec![root(&chain[2])], Yes),
        ("above, and no root", vec![granted(&chain[2])], No),
        ("a national root alone", vec![national_root], No),
        ("another issuer of the same name", vec![granted(&other[1])], No),
        ("the certificate itself", vec![granted(&chain[0])], No),
        ("the issuer is withdrawn, the root granted", vec![root(&chain[2]), withdrawn], No),
        ("the issuer issues others, the root is granted", vec![other_certificates, root(&chain[2])], No),
        ("nobody", vec![], No),
    ];
    for (name, services, expected) in table {
        let services = listed(services);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!(status.qualified(), expected, "{name}");
        assert!(expected == Yes || !status.at_time.reasons.is_empty(), "{name}");
    }
    assert!(of_certificate(&[], &listed(vec![]), SIGNED).is_none());
}

#[test]
fn qualifiers_outweigh_the_certificate_where_their_criteria_hold() {
    use Qualifier::*;
    use StatusReason as Why;
    let signature = Some(QcType::Signature);
    let table: [(Says, Said<'_>, Outcome, Option<Why>); 19] = [
        (NOTHING, &[], (No, No, signature, None), Some(Why::NotStated)),
        (NOTHING, &[(&[Qualified], applies())], (Yes, Yes, signature, Some(No)), Some(Why::QualifiedByList)),
        (NOTHING, &[(&[Qualified], applies_not())], (No, No, signature, None), Some(Why::NotStated)),
        (
            NOTHING,
            &[(&[Qualified], Criterion::Unknown)],
            (Undecided, Undecided, signature, Some(No)),
            Some(Why::CriteriaUndecided),
        ),
        (SIGNATURE, &[(&[Qualified], Criterion::Unknown)], (Yes, Yes, signature, Some(No)), None),
        (SIGNATURE, &[(&[NotQualified], applies())], (No, No, signature, None), Some(Why::NotQualifiedByList)),
        (
            SIGNATURE,
            &[(&[NotQualified], Criterion::Unknown)],
            (Undecided, Undecided, signature, Some(No)),
            Some(Why::CriteriaUndecided),
        ),
        (
            SIGNATURE,
            &[(&[NotQualified], applies()), (&[Qualified], applies())],
            (Undecided, Undecided, signature, Some(No)),
            Some(Why::QualifiersConflict),
        ),
        (Says { country: Some("CH"), ..SIGNATURE }, &[], (No, No, signature, None), Some(Why::OtherLaw)),
        (SEAL, &[], (Yes, Yes, Some(QcType::Seal), Some(No)), None),
        (SEAL, &[(&[ForSignatures], applies())], (Yes, Yes, signature, Some(No)), Some(Why::UsageOverruled)),
        (SEAL, &[(&[ForSignatures, ForSeals], applies())], (Yes, Yes, None, Some(No)), Some(Why::UsageUnclear)),
        (SIGNATURE, &[(&[ForWebsites], applies())], (No, No, Some(QcType::Website), None), Some(Why::NotCovered)),
        (SIGNATURE, &[(&[LegalPerson], applies())], (No, No, signature, None), Some(Why::NotCovered)),
        (SIGNATURE, &[(&[WithDevice], applies())], (Yes, Yes, signature, Some(Yes)), Some(Why::DeviceOverruled)),
        (SIGNATURE, &[(&[ManagedOnBehalf], applies())], (Yes, Yes, signature, Some(Yes)), Some(Why::DeviceOverruled)),
        (SIGNATURE_ON_DEVICE, &[(&[NoDevice], applies())], (Yes, Yes, signature, Some(No)), Some(Why::DeviceOverruled)),
        (
            SIGNATURE,
            &[(&[WithDevice, NoDevice], applies())],
            (Yes, Yes, signature, Some(Undecided)),
            Some(Why::DeviceConflict),
        ),
        // A word of the directive.
        (SIGNATURE, &[(&[WithFormerDevice], applies())], (Yes, Yes, signature, Some(No)), None),
    ];
    for (number, (says, qualifications, expected, reason)) in table.into_iter().enumerate() {
        let chain = issued_at(ISSUED, says, &[]);
        let service = saying(issuing(European, &chain[1], &[(Granted, EARLY)]), qualifications);
        let services = listed(vec![service]);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!(outcome(&status), expected, "{number}");
        assert_eq!(status.at_time.reasons.first().copied(), reason, "{number}");
    }
}

#[test]
fn what_is_stated_as_in_the_certificate_is_so_and_an_unknown_qualifier_is_told() {
    let chain = issued_at(ISSUED, SIGNATURE_ON_DEVICE, &[]);
    let stated: &[Qualifier] = &[Qualifier::DeviceAsInCertificate, Qualifier::Unknown];
    let service = saying(issuing(European, &chain[1], &[(Granted, EARLY)]), &[(stated, applies())]);
    let services = listed(vec![service]);
    let status = of_certificate(&chain, &services, SIGNED).unwrap();
    assert_eq!(outcome(&status), (Yes, Yes, Some(QcType::Signature), Some(Yes)));
    assert_eq!(status.at_time.reasons, [StatusReason::QualifierUnknown]);
}

#[test]
fn criteria_are_counted_as_they_say() {
    let chain = issued_at(ISSUED, NOTHING, &["1.2.3", "1.2.4"]);
    let policies = |all: &[&str]| Criterion::Policies(all.iter().map(|&one| one.to_owned()).collect());
    let country = |oid: &str| Criterion::SubjectAttributes(vec![oid.to_owned()]);
    let usage = Criterion::ExtendedKeyUsage(vec!["1.3.6.1.5.5.7.3.4".to_owned()]);
    let (has, lacks) = (|| policies(&["1.2.3"]), || policies(&["1.2.3", "1.2.5"]));
    let nested = |of, criteria| Criterion::Nested(Criteria { of, criteria });
    let table = [
        (Match::All, vec![has(), policies(&["1.2.4", "1.2.3"])], Yes),
        (Match::All, vec![has(), lacks()], No),
        (Match::All, vec![has(), Criterion::Unknown], Undecided),
        (Match::All, vec![lacks(), Criterion::Unknown], No),
        (Match::Any, vec![lacks(), has()], Yes),
        (Match::Any, vec![lacks(), usage.clone()], No),
        (Match::Any, vec![has(), Criterion::Unknown], Yes),
        (Match::Any, vec![lacks(), Criterion::Unknown], Undecided),
        (Match::None, vec![lacks(), usage], Yes),
        (Match::None, vec![lacks(), has()], No),
        (Match::None, vec![lacks(), Criterion::Unknown], Undecided),
        (Match::All, vec![country("2.5.4.6"), applies()], Yes),
        (Match::All, vec![country("2.5.4.97")], No),
        (Match::All, vec![has(), nested(Match::None, vec![applies_not()])], Yes),
        (Match::All, vec![], Undecided),
        (Match::All, vec![policies(&[])], Undecided),
    ];
    for (number, (of, criteria, expected)) in table.into_iter().enumerate() {
        let criteria = Criteria { of, criteria };
        assert_eq!(super::criteria::hold(&criteria, &chain[0]), expected, "{number}");
    }
}

#[test]
fn services_that_disagree_decide_nothing() {
    let chain = issued_at(ISSUED, SIGNATURE, &[]);
    let granted = || issuing(European, &chain[1], &[(Granted, EARLY)]);
    let withdrawn = || issuing(European, &chain[1], &[(Withdrawn, EARLY)]);
    let seals = || with_additional(withdrawn(), &[AdditionalService::Seals]);
    let on_device = || saying(granted(), &[(&[Qualifier::WithDevice], applies())]);
    let signature = Some(QcType::Signature);
    let table = [
        ("agree", vec![granted(), granted()], (Yes, Yes, signature, Some(No)), false),
        ("one withdrawn", vec![granted(), withdrawn()], (Undecided, Undecided, signature, Some(No)), true),
        ("the other is for seals", vec![seals(), granted()], (Yes, Yes, signature, Some(No)), false),
        ("device", vec![granted(), on_device()], (Yes, Yes, signature, Some(Undecided)), true),
    ];
    for (name, services, expected, conflict) in table {
        let services = listed(services);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!(outcome(&status), expected, "{name}");
        assert_eq!(says_at_signing(&status, StatusReason::ServicesDisagree), conflict, "{name}");
    }
}

#[test]
fn a_service_is_for_what_it_is_listed_for() {
    use AdditionalService::{Seals, Signatures, Websites};
    let several = Says { types: &[&oid::QC_TYPE_SIGNATURE, &oid::QC_TYPE_SEAL], ..SIGNATURE };
    let unknown = Says { types: &[&oid::QC_COMPLIANCE], ..SIGNATURE };
    let untyped = Says { types: &[], ..SIGNATURE };
    let table: [(Says, &[AdditionalService], Answer, Option<QcType>); 8] = [
        (SIGNATURE, &[Signatures], Yes, Some(QcType::Signature)),
        (SIGNATURE, &[Seals, Websites], No, Some(QcType::Signature)),
        (SIGNATURE, &[], No, Some(QcType::Signature)),
        (SEAL, &[Seals], Yes, Some(QcType::Seal)),
        (SEAL, &[Signatures], No, Some(QcType::Seal)),
        (untyped, &[Signatures], Yes, Some(QcType::Signature)),
        (several, &[Signatures], Yes, None),
        (unknown, &[Signatures], Yes, None),
    ];
    for (number, (says, additional, qualified, usage)) in table.into_iter().enumerate() {
        let chain = issued_at(ISSUED, says, &[]);
        let service = with_additional(issuing(European, &chain[1], &[(Granted, EARLY)]), additional);
        let services = listed(vec![service]);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!((status.qualified(), status.usage()), (qualified, usage), "{number}");
        assert_eq!(says_at_signing(&status, StatusReason::NotCovered), qualified == No, "{number}");
    }
}

#[test]
fn a_critical_extension_that_is_not_understood_leaves_it_open() {
    let chain = issued_at(ISSUED, SIGNATURE, &[]);
    let mut service = issuing(European, &chain[1], &[(Granted, EARLY)]);
    service.states.iter_mut().for_each(|state| state.is_beyond_us = true);
    let services = listed(vec![service]);
    let status = of_certificate(&chain, &services, SIGNED).unwrap();
    assert_eq!(status.qualified(), Undecided);
    assert!(says_at_signing(&status, StatusReason::ExtensionUnknown));
}

#[test]
fn before_july_2016_the_directive_counts() {
    const QCP: &str = "0.4.0.1456.1.2";
    const QCP_PLUS: &str = "0.4.0.1456.1.1";
    let issued = datetime!(2015-01-01 0:00 UTC);
    let begun = datetime!(2010-01-01 0:00 UTC);
    let seconds_before = REGULATION_IN_FORCE - Duration::seconds(1);
    let signature = Some(QcType::Signature);
    let migrated: States<'_> = &[(Granted, REGULATION_IN_FORCE), (UnderSupervision, begun)];
    let ceased: States<'_> = &[(SupervisionCeased, datetime!(2014-01-01 0:00 UTC)), (Accredited, begun)];
    let before_its_time: States<'_> = &[(Granted, begun)];
    type Row<'r> = (Says, &'r [&'r str], States<'r>, OffsetDateTime, Outcome);
    let table: [Row<'_>; 8] = [
        (NOTHING, &[QCP], migrated, seconds_before, (Yes, Yes, signature, Some(No))),
        (NOTHING, &[QCP_PLUS], migrated, seconds_before, (Yes, Yes, signature, Some(Yes))),
        (NOTHING, &[QCP_PLUS], migrated, EARLY, (Yes, Yes, signature, Some(Yes))),
        (NOTHING, &[], migrated, EARLY, (No, No, signature, None)),
        (SIGNATURE_ON_DEVICE, &[], migrated, EARLY, (Yes, Yes, signature, Some(Yes))),
        (SEAL, &[], migrated, EARLY, (Yes, Yes, signature, Some(No))),
        (SIGNATURE, &[], ceased, seconds_before, (No, No, signature, None)),
        (SIGNATURE, &[], before_its_time, EARLY, (No, Yes, signature, Some(No))),
    ];
    for (number, (says, policies, states, at, expected)) in table.into_iter().enumerate() {
        let chain = issued_at(issued, says, policies);
        let services = listed(vec![with_additional(issuing(European, &chain[1], states), &[])]);
        let status = of_certificate(&chain, &services, at).unwrap();
        assert_eq!(outcome(&status), expected, "{number}");
    }
    // A policy of the directive makes nothing qualified under the regulation.
    let chain = issued_at(ISSUED, NOTHING, &[QCP_PLUS]);
    let services = listed(vec![issuing(European, &chain[1], &[(Granted, EARLY)])]);
    assert_eq!(of_certificate(&chain, &services, SIGNED).unwrap().qualified(), No);
}

#[test]
fn the_laws_are_told_apart() {
    let by_country = Says { national: false, country: Some("UA"), ..NATIONAL };
    let elsewhere = Says { national: false, ..NATIONAL };
    let table = [
        (NATIONAL, Ukrainian, Yes),
        (by_country, Ukrainian, Yes),
        (elsewhere, Ukrainian, No),
        (SIGNATURE, European, Yes),
        (by_country, European, No),
    ];
    for (number, (says, scheme, expected)) in table.into_iter().enumerate() {
        let chain = issued_at(ISSUED, says, &[]);
        let services = listed(vec![issuing(scheme, &chain[1], &[(Granted, EARLY)])]);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!((status.scheme, status.qualified()), (Some(scheme), expected), "{number}");
    }
    // Where both name the issuer, the one that makes it qualified.
    let chain = issued_at(ISSUED, SIGNATURE, &[]);
    let granted = |scheme| issuing(scheme, &chain[1], &[(Granted, EARLY)]);
    let services = listed(vec![granted(Ukrainian), granted(European)]);
    let status = of_certificate(&chain, &services, SIGNED).unwrap();
    assert_eq!((status.scheme, status.qualified(), status.at_time.services.len()), (Some(European), Yes, 1));
}

#[test]
fn a_national_service_may_be_silent_and_a_national_seal_is_one() {
    let life = Duration::days(3000);
    let issuer = Forge::authority("issuer").between(ISSUED - life, ISSUED + life).root();
    let seal =
        leaf(NATIONAL, &[]).extended_key_usage(false, &[oid::UA_SEAL]).between(ISSUED, ISSUED + life).by(&issuer);
    let chain = chain(&[seal, issuer]);
    let granted = || issuing(Ukrainian, &chain[1], &[(Granted, EARLY)]);
    for (additional, expected) in [
        (vec![], Yes),
        (vec![AdditionalService::Seals], Yes),
        (vec![AdditionalService::Signatures], No),
        (vec![AdditionalService::Other("urn:example".into())], Yes),
    ] {
        let services = listed(vec![with_additional(granted(), &additional)]);
        let status = of_certificate(&chain, &services, SIGNED).unwrap();
        assert_eq!((status.qualified(), status.usage()), (expected, Some(QcType::Seal)), "{additional:?}");
    }
}

#[test]
fn time_stamps_are_qualified_by_their_unit_or_its_authority() {
    let chain = issued_at(ISSUED, NOTHING, &[]);
    let early = datetime!(2016-01-01 0:00 UTC);
    let stamping = |scheme, certificate, states: States<'_>| {
        service("TSA", ServiceType::QualifiedTimestamps(scheme), certificate, states)
    };
    let granted = |scheme, certificate| stamping(scheme, certificate, &[(Granted, EARLY)]);
    let other = service("TSA", ServiceType::OtherTimestamps, &chain[0], &[(ServiceStatus::Recognised, EARLY)]);
    let withdrawn = stamping(European, &chain[0], &[(Withdrawn, BETWEEN), (Granted, EARLY)]);
    let former = stamping(European, &chain[0], &[(UnderSupervision, datetime!(2010-01-01 0:00 UTC))]);
    let table = [
        (vec![granted(European, &chain[0])], SIGNED, Some(European), Yes, None),
        (vec![granted(Ukrainian, &chain[1])], SIGNED, Some(Ukrainian), Yes, None),
        (vec![granted(European, &chain[2])], SIGNED, None, No, Some(StatusReason::AuthorityNotListed)),
        (
            vec![issuing(European, &chain[1], &[(Granted, EARLY)])],
            SIGNED,
            None,
            No,
            Some(StatusReason::AuthorityNotListed),
        ),
        (vec![withdrawn.clone()], ISSUED, Some(European), Yes, None),
        (vec![withdrawn.clone()], SIGNED, Some(European), No, Some(StatusReason::NotGranted)),
        (
            vec![withdrawn.clone(), granted(European, &chain[1])],
            SIGNED,
            Some(European),
            No,
            Some(StatusReason::NotGranted),
        ),
        (
            vec![granted(European, &chain[0]), withdrawn],
            SIGNED,
            Some(European),
            Undecided,
            Some(StatusReason::ServicesDisagree),
        ),
        (vec![other, granted(European, &chain[1])], SIGNED, None, No, Some(StatusReason::AuthorityNotListed)),
        (vec![granted(European, &chain[0])], early, Some(European), No, Some(StatusReason::NotListedThen)),
        (vec![former], early, Some(European), No, Some(StatusReason::BeforeRegulation)),
    ];
    for (number, (services, at, scheme, expected, reason)) in table.into_iter().enumerate() {
        let services = listed(services);
        let status = of_timestamp(&chain, &services, at);
        assert_eq!((status.scheme, status.qualified), (scheme, expected), "{number}");
        assert_eq!(status.reasons.first().copied(), reason, "{number}");
    }
}
