//! The function for trusted lists, and its seeds.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use ::certs::dev::{DevPki, Identity, Profile, Usage, lists};
use ::certs::trust::Purpose;
use ::certs::trust_list::{
    AdditionalService, BelievedList, Criteria, Criterion, Match, Qualification, Qualifier, Scheme, ServiceStatus,
    ServiceType, Services, TrustList,
};
use ::signing::cades::Signatory;
use ::signing::trust_list::{ListElement, authenticate, authenticate_along, pivot_locations};
use ::signing::validate::suite::UKRAINIAN;
use ::signing::xades::create::{Options, sign};
use ::signing::xml::{Limits, Source};
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Target;

/// Every target.
pub const ALL: &[Target] = &[Target { name: "trust_list", seeds: list_seeds, run: trust_list }];

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);
const LIMITS: Limits = Limits { octets: 64 * 1024, nodes: 4_000, ..Limits::DOCUMENT };

/// Who issues lists.
static OPERATOR: LazyLock<(DevPki, Identity)> = LazyLock::new(|| {
    let pki = DevPki::new(NOW - Duration::days(400), Duration::days(2000), "").unwrap();
    let profile = Profile {
        common_name: "Operator".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Seal,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::days(9),
        not_after: NOW + Duration::days(9),
        dns_names: Vec::new(),
    };
    let operator = pki.issue(profile).unwrap();
    (pki, operator)
});

/// What is read is bounded and says the same twice; nothing is authentic that the operator did not sign: a list that is says what a seed
/// says.
///
/// # Panics
/// Where it does not hold.
pub fn trust_list(data: &[u8]) {
    let Ok(source) = Source::read(data, &LIMITS) else { return };
    let Ok(document) = source.parse() else { return };
    let read = || TrustList::read(ListElement::unverified(document.root_element()), [0; 32]);
    let list = read();
    assert!(list == read(), "read in two ways");
    if let Ok(list) = list {
        let services = || list.providers.iter().flat_map(|provider| &provider.services);
        assert!(services().all(|service| !service.states.is_empty()), "a service without a state");
        let states: usize = services().map(|service| service.states.len()).sum();
        let believed = BelievedList { list: Arc::new(list), purposes: vec![Purpose::Signing, Purpose::TimeStamping] };
        let services = Services::believed(&[believed], &BTreeSet::new());
        for anchor in services.anchors() {
            assert!(states > 0 && !anchor.purposes().is_empty());
            let standing = anchor.purposes().into_iter().map(|purpose| anchor.standing(purpose, NOW));
            assert!(standing.into_iter().all(|standing| standing.is_some()), "no period, and an anchor");
        }
    }
    let signers = [OPERATOR.1.certificate.clone()];
    if let Ok(authentic) = authenticate(data, &signers, &UKRAINIAN, NOW) {
        let said = [seed(&service_list()), seed(&lists_of_lists())];
        let said =
            said.iter().map(|seed| authenticate(seed, &signers, &UKRAINIAN, NOW).expect("a seed").list().clone());
        let same = |one: &TrustList| TrustList { sha256: [0; 32], ..one.clone() };
        assert!(said.into_iter().any(|said| same(&said) == same(authentic.list())), "authentic, and nobody said it");
    }
    let _ = pivot_locations(data).map(|locations| locations.len());
    let _ = authenticate_along(data, &signers, &[data.to_vec()], &UKRAINIAN, None);
}

fn list_seeds() -> Vec<Vec<u8>> {
    vec![seed(&service_list()), seed(&lists_of_lists())]
}

fn seed(list: &TrustList) -> Vec<u8> {
    let operator = &OPERATOR.1;
    let signatory = Signatory {
        chain: std::slice::from_ref(&operator.certificate),
        algorithm: SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
        signing_time: NOW,
    };
    sign(lists::tag(list).to_xml().as_bytes(), &operator.key, &signatory, &Options::default()).unwrap()
}

/// A list with everything that a service can have.
fn service_list() -> TrustList {
    let states = [(ServiceStatus::Withdrawn, 1), (ServiceStatus::Granted, 50), (ServiceStatus::UnderSupervision, 5000)];
    let states = states.map(|(status, days)| (status, NOW - Duration::days(days)));
    let kind = ServiceType::QualifiedCertificates(Scheme::Ukrainian);
    let mut service = lists::service("CA", kind, OPERATOR.0.issuing_ca(), &states);
    let nested = Criteria { of: Match::None, criteria: vec![Criterion::Unknown, Criterion::KeyUsage(vec![(0, true)])] };
    let criteria = vec![
        Criterion::Policies(vec!["1.2.804.2.1".into()]),
        Criterion::ExtendedKeyUsage(vec!["1.3.6.1.5.5.7.3.8".into()]),
        Criterion::SubjectAttributes(vec!["2.5.4.5".into()]),
        Criterion::Nested(nested),
    ];
    for state in &mut service.states {
        state.additional = vec![AdditionalService::Signatures, AdditionalService::Root];
        state.keeps_expired_since = Some(NOW - Duration::days(30));
        let criteria = Criteria { of: Match::Any, criteria: criteria.clone() };
        state.qualifications = vec![Qualification { qualifiers: vec![Qualifier::WithDevice], criteria }];
    }
    lists::list("UA", NOW - Duration::HOUR, vec![lists::provider("QTSP", vec![service])])
}

fn lists_of_lists() -> TrustList {
    let signers = vec![OPERATOR.1.certificate.clone(), OPERATOR.0.root().clone()];
    let pointers = vec![
        lists::pointer("EE", "https://lists.example/ee.xml", signers.clone()),
        lists::pointer("PL", "https://lists.example/pl.xml", signers),
    ];
    lists::list_of_lists("EU", NOW - Duration::HOUR, pointers)
}
