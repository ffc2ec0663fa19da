//! From a list to what the report says of a signature.

use std::collections::BTreeSet;
use std::sync::Arc;

use certs::certificate::Certificate;
use certs::dev::{Identity, Usage, lists};
use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use certs::trust_list::{
    AdditionalService, Criteria, Criterion, Match, Provider, Qualification, Qualifier, Scheme, Service, ServiceStatus,
    ServiceType, Services, Sides, TrustList,
};
use crypto::key::KeyKind;
use schemas::report::{Report, SignatureReport};
use time::Duration;

use super::*;
use crate::cades::Content;
use crate::testing::{NOW, P256, World};
use crate::trust_list::authenticate;
use crate::trust_list::tests::signed as signed_list;
use crate::validate::suite;

const LETTER: &[u8] = b"a letter";
const ON_DEVICE: &[Qualifier] = &[Qualifier::Qualified, Qualifier::WithDevice];

/// A service of `world` that issues certificates of which its list says `qualifiers`, granted two years ago.
fn issuing(world: &World, scheme: Scheme, qualifiers: &[Qualifier]) -> Service {
    let kind = ServiceType::QualifiedCertificates(scheme);
    let since = NOW - Duration::days(800);
    let mut service = lists::service("Видача", kind, world.pki.issuing_ca(), &[(ServiceStatus::Granted, since)]);
    for state in &mut service.states {
        state.additional = vec![AdditionalService::Signatures, AdditionalService::Seals];
        state.qualifications.push(Qualification {
            qualifiers: qualifiers.to_vec(),
            criteria: Criteria { of: Match::All, criteria: vec![Criterion::KeyUsage(vec![(0, true)])] },
        });
    }
    service
}

fn stamping(certificate: &Certificate, status: ServiceStatus) -> Service {
    let kind = ServiceType::QualifiedTimestamps(Scheme::Ukrainian);
    lists::service("Позначки часу", kind, certificate, &[(status, NOW - Duration::days(800))])
}

fn listing(services: Vec<Service>) -> TrustList {
    let provider: Provider = lists::provider("КНЕДП", services);
    TrustList { sequence_number: 77, ..lists::list("UA", NOW - Duration::days(10), vec![provider]) }
}

/// The list as its readers get it: through its XML, and a signature of somebody who was announced.
fn through_xml(world: &World, list: &TrustList) -> TrustList {
    let operator = world.identity(KeyKind::Ed25519, Usage::Seal);
    let text = signed_list(&lists::tag(list).to_xml(), &operator);
    let believed = authenticate(text.as_bytes(), &[operator.certificate], &suite::UKRAINIAN, NOW).unwrap();
    believed.list().as_ref().clone()
}

/// A world that believes `list` besides its own anchor.
fn believing(world: World, list: TrustList) -> World {
    let services = Services::new(vec![Arc::new(list)]);
    let trust = TrustSnapshot::with_services(world.trust.anchors().to_vec(), vec![], services, NOW);
    World { trust, ..world }
}

/// A world whose list says `qualifiers` of every signer.
fn saying(scheme: Scheme, qualifiers: &[Qualifier]) -> World {
    let world = World::new();
    let service = issuing(&world, scheme, qualifiers);
    believing(world, listing(vec![service]))
}

fn signed(world: &World, signer: &Identity) -> Report {
    let cms = world.sign(Content::Attached(LETTER), signer);
    world.validate(&cms, &world.revocation(&signer.certificate, NOW)).report
}

fn of(report: &Report) -> (&SignatureReport, &SignatureQualification) {
    let signature = &report.signatures[0];
    (signature, signature.qualification.as_ref().unwrap())
}

fn codes(reasons: &[Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn codes_are_unique_and_reasons_speak_both_languages() {
    let reasons: Vec<Reason> = Ground::ALL.iter().map(|ground| ground.reason()).collect();
    let of_certs = StatusReason::ALL.iter().map(|reason| reason.code());
    let codes: BTreeSet<_> = reasons.iter().map(|reason| reason.code.as_str()).chain(of_certs).collect();
    assert_eq!(codes.len(), Ground::ALL.len() + StatusReason::ALL.len());
    for reason in &reasons {
        assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.code);
        assert!(reason.text_uk.chars().any(|letter| ('а'..='я').contains(&letter)), "{}", reason.code);
    }
}

#[test]
fn without_a_list_nothing_is_said() {
    let world = World::new();
    let report = signed(&world, &world.signer());
    assert_eq!(report.signatures[0].qualification, None);
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["signatures"][0].get("qualification").is_none());
}

#[test]
fn a_qualified_signature_names_the_law_the_provider_and_the_list() {
    let world = saying(Scheme::Ukrainian, ON_DEVICE);
    let signer = world.signer();
    let report = signed(&world, &signer);
    let (signature, qualification) = of(&report);
    assert_eq!(signature.indication, Indication::TotalPassed);
    assert_eq!(qualification.signature, SignatureClass::QualifiedSignature);
    assert_eq!((qualification.scheme, qualification.if_passed), (Some(LegalScheme::Ukraine), None));
    let service = qualification.service.as_ref().unwrap();
    assert_eq!((service.provider.as_str(), service.service.as_str()), ("КНЕДП", "Видача"));
    assert_eq!((service.territory.as_str(), service.list_number), ("UA", 77));
    let issue = qualification.certificate_at_issue.as_ref().unwrap();
    let signing = qualification.certificate_at_signing.as_ref().unwrap();
    assert_eq!(Some(issue.time.clone()), rfc3339(signer.certificate.not_before()));
    assert_eq!(signing.time, signature.best_time);
    for certificate in [issue, signing] {
        assert_eq!((certificate.qualified, certificate.device), (LegalAnswer::Yes, Some(LegalAnswer::Yes)));
        assert_eq!(certificate.usage, Some(CertificateUsage::Signature));
    }
    assert_eq!(codes(&qualification.reasons), [""; 0]);
    assert_eq!(signed(&world, &signer).signatures[0].qualification.as_ref(), Some(qualification));
}

#[test]
fn what_is_qualified_is_so_by_a_list_that_was_read_and_authenticated() {
    let world = World::new();
    let stamping = stamping(world.pki.tsa_certificate(), ServiceStatus::Granted);
    let list = through_xml(&world, &listing(vec![issuing(&world, Scheme::Ukrainian, ON_DEVICE), stamping]));
    let sha256 = hex(&list.sha256);
    let world = believing(world, list);
    let signer = world.signer();
    let cms = world.stamp(&world.sign(Content::Attached(LETTER), &signer), NOW - Duration::HOUR);
    let report = world.validate(&cms, &world.revocation(&signer.certificate, NOW)).report;
    let (signature, qualification) = of(&report);
    assert_eq!(qualification.signature, SignatureClass::QualifiedSignature, "{:?}", qualification);
    assert_eq!(qualification.service.as_ref().unwrap().list_sha256, sha256);
    assert_eq!(signature.timestamps[0].qualification.as_ref().unwrap().timestamp, LegalAnswer::Yes);
}

#[test]
fn what_the_list_says_of_the_certificate_decides_what_the_signature_is() {
    use Qualifier::*;
    use SignatureClass as Class;
    let (ua, eu) = (Scheme::Ukrainian, Scheme::European);
    let seal: &[Qualifier] = &[Qualified, ForSeals, ManagedOnBehalf];
    let table: [(Scheme, &[Qualifier], Class, &[&str]); 9] = [
        (eu, ON_DEVICE, Class::QualifiedSignature, &[]),
        (eu, seal, Class::QualifiedSeal, &[]),
        (ua, seal, Class::QualifiedSeal, &[]),
        (ua, &[Qualified], Class::AdvancedSignatureOnQualifiedCertificate, &["qualification.no_device"]),
        (ua, &[Qualified, ForSeals], Class::AdvancedSealOnQualifiedCertificate, &["qualification.no_device"]),
        (ua, &[WithDevice], Class::NotQualified, &["qualification.certificate_not_qualified"]),
        (ua, &[Qualified, NotQualified], Class::Indeterminate, &["qualification.certificate_undecided"]),
        (ua, &[Qualified, ForSeals, ForSignatures], Class::Indeterminate, &["qualification.usage_undecided"]),
        (ua, &[Qualified, WithDevice, NoDevice], Class::Indeterminate, &["qualification.device_undecided"]),
    ];
    for (number, (scheme, qualifiers, class, reasons)) in table.into_iter().enumerate() {
        let world = saying(scheme, qualifiers);
        let report = signed(&world, &world.signer());
        let (signature, qualification) = of(&report);
        assert_eq!(signature.indication, Indication::TotalPassed, "{number}");
        assert_eq!((qualification.signature, codes(&qualification.reasons).as_slice()), (class, reasons), "{number}");
        assert_eq!(qualification.scheme, Some(super::scheme(scheme)), "{number}");
    }
}

#[test]
fn a_certificate_for_websites_makes_no_signature_qualified() {
    let world = World::new();
    let mut service = issuing(&world, Scheme::European, &[Qualifier::Qualified, Qualifier::ForWebsites]);
    service.states.iter_mut().for_each(|state| state.additional.push(AdditionalService::Websites));
    let world = believing(world, listing(vec![service]));
    let report = signed(&world, &world.signer());
    let (_, qualification) = of(&report);
    assert_eq!(qualification.signature, SignatureClass::NotQualified);
    assert_eq!(codes(&qualification.reasons), ["qualification.website_certificate"]);
}

#[test]
fn only_a_signature_that_passed_is_qualified() {
    let world = saying(Scheme::Ukrainian, ON_DEVICE);
    let signer = world.signer();
    let cms = world.sign(Content::Attached(LETTER), &signer);
    let unknown = world.validate(&cms, &RevocationData::default()).report;
    let (signature, qualification) = of(&unknown);
    assert_eq!(signature.indication, Indication::Indeterminate);
    assert_eq!(qualification.signature, SignatureClass::Indeterminate);
    assert_eq!(qualification.if_passed, Some(SignatureClass::QualifiedSignature));
    assert_eq!(codes(&qualification.reasons), ["qualification.not_passed"]);

    let place = cms.windows(LETTER.len()).position(|window| window == LETTER).unwrap();
    let mut changed = cms.clone();
    changed[place] ^= 1;
    let failed = world.validate(&changed, &world.revocation(&signer.certificate, NOW)).report;
    let (signature, qualification) = of(&failed);
    assert_eq!(signature.indication, Indication::TotalFailed);
    assert_eq!((qualification.signature, qualification.if_passed), (SignatureClass::NotQualified, None));
    assert_eq!(codes(&qualification.reasons), ["qualification.failed"]);
}

#[test]
fn a_stranger_without_a_path_is_asked_of_no_list() {
    let world = saying(Scheme::Ukrainian, ON_DEVICE);
    let stranger = World::new();
    let signer = stranger.signer();
    let cms = stranger.sign(Content::Attached(LETTER), &signer);
    let report = world.validate(&cms, &stranger.revocation(&signer.certificate, NOW)).report;
    let (_, qualification) = of(&report);
    assert_eq!(qualification.signature, SignatureClass::Indeterminate);
    assert_eq!(codes(&qualification.reasons), ["qualification.not_passed", "qualification.no_path"]);
    assert_eq!((qualification.scheme, qualification.certificate_at_issue.as_ref()), (None, None));
}

#[test]
fn a_trusted_issuer_that_no_list_names_makes_nothing_qualified() {
    let (world, other) = (World::new(), World::new());
    let world = believing(world, listing(vec![issuing(&other, Scheme::Ukrainian, ON_DEVICE)]));
    let report = signed(&world, &world.signer());
    let (signature, qualification) = of(&report);
    assert_eq!(signature.indication, Indication::TotalPassed);
    assert_eq!(qualification.signature, SignatureClass::NotQualified);
    assert_eq!((qualification.scheme, qualification.service.as_ref()), (None, None));
    let at_signing = qualification.certificate_at_signing.as_ref().unwrap();
    assert_eq!(codes(&at_signing.reasons), ["qualification.not_listed"]);
}

#[test]
fn a_time_stamp_from_before_the_withdrawal_keeps_the_signature_qualified() {
    let world = World::new();
    let mut service = issuing(&world, Scheme::Ukrainian, ON_DEVICE);
    let mut withdrawn = service.states[0].clone();
    (withdrawn.status, withdrawn.since) = (ServiceStatus::Withdrawn, NOW - Duration::days(2));
    service.states.insert(0, withdrawn);
    let stamping = stamping(world.pki.tsa_certificate(), ServiceStatus::Granted);
    let world = believing(world, listing(vec![service, stamping]));
    let signer = world.signer();
    let cms = world.sign(Content::Attached(LETTER), &signer);
    let revocation = world.revocation(&signer.certificate, NOW);

    let report = world.validate(&cms, &revocation).report;
    let (_, qualification) = of(&report);
    assert_eq!(qualification.signature, SignatureClass::NotQualified);
    let at_signing = qualification.certificate_at_signing.as_ref().unwrap();
    assert_eq!(at_signing.reasons[0].code, "qualification.not_granted");
    assert_eq!(qualification.certificate_at_issue.as_ref().unwrap().qualified, LegalAnswer::Yes);

    let stamped = world.stamp(&cms, NOW - Duration::days(5));
    let report = world.validate(&stamped, &revocation).report;
    let (signature, qualification) = of(&report);
    assert_eq!(signature.indication, Indication::TotalPassed, "{:?}", signature.reasons);
    assert_eq!(qualification.signature, SignatureClass::QualifiedSignature);
    let stamp = signature.timestamps[0].qualification.as_ref().unwrap();
    assert_eq!((stamp.timestamp, stamp.scheme), (LegalAnswer::Yes, Some(LegalScheme::Ukraine)));
    assert_eq!(stamp.service.as_ref().unwrap().service, "Позначки часу");
}

#[test]
fn time_stamps_are_qualified_by_the_list_and_by_passing() {
    let world = World::new();
    let signer = world.identity(P256, Usage::Signing);
    let cms = world.stamp(&world.sign(Content::Attached(LETTER), &signer), NOW - Duration::days(5));
    let revocation = world.revocation(&signer.certificate, NOW);
    let tsa = world.pki.tsa_certificate().clone();
    let granted = stamping(&tsa, ServiceStatus::Granted);
    let other = issuing(&world, Scheme::Ukrainian, ON_DEVICE);
    let mut world = world;
    let table: [(Vec<Service>, &RevocationData, LegalAnswer, &[&str]); 4] = [
        (vec![granted.clone()], &revocation, LegalAnswer::Yes, &[]),
        (vec![stamping(&tsa, ServiceStatus::Withdrawn)], &revocation, LegalAnswer::No, &["qualification.not_granted"]),
        (vec![other], &revocation, LegalAnswer::No, &["qualification.authority_not_listed"]),
        (vec![granted], &RevocationData::default(), LegalAnswer::Indeterminate, &["qualification.not_passed"]),
    ];
    for (number, (services, revocation, expected, reasons)) in table.into_iter().enumerate() {
        world = believing(world, listing(services));
        let report = world.validate(&cms, revocation).report;
        let stamp = report.signatures[0].timestamps[0].qualification.as_ref().unwrap();
        assert_eq!((stamp.timestamp, codes(&stamp.reasons).as_slice()), (expected, reasons), "{number}");
    }
}

#[test]
fn what_an_agreement_makes_of_a_signature_stands_beside_what_it_is() {
    use certs::trust_list::AgreementStatus::{Enacted, Repealed};
    let believing_both = |status: &[_], second: &dyn Fn(&mut TrustList)| {
        let world = World::new();
        let pointed = ServiceType::QualifiedCertificates(Scheme::Ukrainian).uri();
        let mut agreement = lists::agreement("UA", &pointed, status);
        // Certificates of tests say little of themselves.
        let says = Criteria { of: Match::All, criteria: vec![Criterion::KeyUsage(vec![(0, true)])] };
        for terms in agreement.equivalences.iter_mut().flat_map(|one| &mut one.terms) {
            terms.contents.iter_mut().for_each(|content| content.declaration.pointed = says.clone());
            terms.qualifiers.push(Sides { pointing: Qualifier::Qualified, pointed: Qualifier::Qualified });
        }
        let mut pointer = lists::pointer("UA", "https://tl.example/ua.xml", vec![]);
        pointer.recognition = Some(agreement);
        let mut of_lists = lists::list_of_lists("EU", NOW - Duration::days(10), vec![pointer]);
        second(&mut of_lists);
        let of_lists = through_xml(&world, &of_lists);
        let service = issuing(&world, Scheme::Ukrainian, ON_DEVICE);
        let services = Services::new(vec![Arc::new(listing(vec![service])), Arc::new(of_lists)]);
        let trust = TrustSnapshot::with_services(world.trust.anchors().to_vec(), vec![], services, NOW);
        World { trust, ..world }
    };
    let since = NOW - Duration::days(800);
    let of_world = |world: World| {
        let report = signed(&world, &world.signer());
        of(&report).1.clone()
    };
    let qualification = of_world(believing_both(&[(Enacted, since)], &|_| ()));
    let equivalent = qualification.equivalent.as_ref().unwrap();
    assert_eq!(
        (qualification.signature, qualification.scheme),
        (SignatureClass::QualifiedSignature, Some(LegalScheme::Ukraine))
    );
    assert_eq!(
        (equivalent.signature, equivalent.scheme),
        (SignatureClass::QualifiedSignature, LegalScheme::EuropeanUnion)
    );
    assert_eq!((equivalent.legal_identifier.as_str(), equivalent.territory.as_str()), ("QCForESig", "EU"));
    assert_eq!(codes(&equivalent.reasons), ["qualification.recognised"]);
    assert_eq!(
        equivalent.reasons[0].text_en,
        "The certificate is recognised as equivalent to qualified under Regulation (EU) No 910/2014 by QCForESig."
    );
    let repealed = of_world(believing_both(&[(Repealed, NOW - Duration::days(1)), (Enacted, since)], &|_| ()));
    let equivalent = repealed.equivalent.as_ref().unwrap();
    assert_eq!(
        (repealed.signature, equivalent.signature),
        (SignatureClass::QualifiedSignature, SignatureClass::NotQualified)
    );
    assert_eq!(codes(&equivalent.certificate_at_signing.reasons), ["qualification.agreement_repealed"]);
    let overdue =
        of_world(believing_both(&[(Enacted, since)], &|list| list.next_update = Some(NOW - Duration::days(1))));
    let equivalent = overdue.equivalent.as_ref().unwrap();
    assert_eq!(codes(&equivalent.reasons), ["qualification.recognised", "qualification.list_overdue"]);
    assert_eq!(of_world(believing_both(&[(Enacted, since)], &|list| list.territory = "ZZ".into())).equivalent, None);
}

#[test]
fn a_list_that_is_overdue_is_told() {
    let world = World::new();
    let mut list = listing(vec![issuing(&world, Scheme::Ukrainian, ON_DEVICE)]);
    list.next_update = Some(NOW - Duration::days(1));
    let world = believing(world, list);
    let report = signed(&world, &world.signer());
    let (_, qualification) = of(&report);
    assert_eq!(qualification.signature, SignatureClass::QualifiedSignature);
    assert_eq!(codes(&qualification.reasons), ["qualification.list_overdue"]);
}
