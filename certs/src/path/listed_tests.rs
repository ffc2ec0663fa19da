//! Listed services as anchors: their time, and what outweighs what.
use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::dev::forge::{Forge, NOW};
use crate::dev::lists;
use crate::trust::TrustAnchor;
use crate::trust_list::{BelievedList, Scheme, Service, ServiceStatus, ServiceType, Services, State};
use time::Duration;

const QUALIFIED: ServiceType = ServiceType::QualifiedCertificates(Scheme::Ukrainian);
const STAMPS: ServiceType = ServiceType::QualifiedTimestamps(Scheme::Ukrainian);

/// What `certificate` is, newest state first: for how many days it has been that.
fn service(kind: ServiceType, certificate: &Certificate, states: &[(ServiceStatus, i64)]) -> Service {
    let states: Vec<_> = states.iter().map(|(status, days)| (status.clone(), NOW - Duration::days(*days))).collect();
    lists::service("Service", kind, certificate, &states)
}

fn believed(services: Vec<Service>, purposes: &[Purpose]) -> BelievedList {
    let list = lists::list("UA", NOW, vec![lists::provider("Provider", services)]);
    BelievedList { list: Arc::new(list), purposes: purposes.to_vec() }
}

fn trusting(lists: &[BelievedList]) -> TrustSnapshot {
    TrustSnapshot::with_services(vec![], vec![], Services::believed(lists, &BTreeSet::new()), NOW)
}

/// A signer below an issuing authority below a root, valid for years.
fn chain() -> [Certificate; 3] {
    let (from, to) = (NOW - Duration::days(2000), NOW + Duration::days(2000));
    let root = Forge::authority("Root").between(from, to).root();
    let issuing = Forge::authority("Issuing").between(from, to).by(&root);
    let signer = Forge::new("signer").key_usage(1 << 1).between(from, to).by(&issuing);
    [signer.certificate, issuing.certificate, root.certificate]
}

fn at(
    trust: &TrustSnapshot,
    leaf: &Certificate,
    pool: &[Certificate],
    days: i64,
) -> Result<Vec<Certificate>, PathError> {
    let time = NOW - Duration::days(days);
    let path = verify(leaf, pool, trust, Purpose::Signing, time, &mut Budget::default())?;
    Ok(path.certificates().to_vec())
}

#[test]
fn a_service_is_believed_while_the_list_says_so() {
    let [signer, issuing, _] = chain();
    let states =
        [(ServiceStatus::Granted, 10), (ServiceStatus::Withdrawn, 100), (ServiceStatus::UnderSupervision, 1000)];
    let trust = trusting(&[believed(vec![service(QUALIFIED, &issuing, &states)], &[Purpose::Signing])]);
    let subject = || issuing.subject();
    let whole = Ok(vec![signer.clone(), issuing.clone()]);
    let ended = Err(PathError::AnchorEnded { subject: subject(), at: NOW - Duration::days(100) });
    assert_eq!(at(&trust, &signer, &[], 1001), Err(PathError::AnchorNotYet { subject: subject() }));
    assert_eq!(at(&trust, &signer, &[], 1000), whole, "the first moment counts");
    assert_eq!(at(&trust, &signer, &[], 101), whole);
    assert_eq!(at(&trust, &signer, &[], 100), ended, "the last one does not");
    assert_eq!(at(&trust, &signer, &[], 11), ended);
    assert_eq!(at(&trust, &signer, &[], 10), whole);
    assert_eq!(at(&trust, &signer, &[], 0), whole);
}

#[test]
fn kinds_serve_their_purposes() {
    let [signer, issuing, _] = chain();
    let granted = [(ServiceStatus::Granted, 10)];
    let all = [Purpose::Signing, Purpose::TimeStamping, Purpose::TlsClient];
    let standing = |kind: ServiceType, status: &ServiceStatus, purpose| {
        let list = believed(vec![service(kind, &issuing, &[(status.clone(), 10)])], &all);
        trusting(&[list]).listed_standing(&issuing, purpose, NOW).is_some()
    };
    let granted_status = &granted[0].0;
    assert!(all.into_iter().all(|purpose| standing(QUALIFIED, granted_status, purpose)));
    assert!(all.into_iter().all(|purpose| standing(ServiceType::Root(Scheme::Ukrainian), granted_status, purpose)));
    let table = [
        (STAMPS, ServiceStatus::Granted, [false, true, false]),
        (ServiceType::OtherTimestamps, ServiceStatus::Recognised, [false, true, false]),
        (ServiceType::OtherCertificates, ServiceStatus::Recognised, [true, true, false]),
        (QUALIFIED, ServiceStatus::Recognised, [false; 3]),
        (QUALIFIED, ServiceStatus::Withdrawn, [false; 3]),
        (ServiceType::OcspForQualified(Scheme::Ukrainian), ServiceStatus::Granted, [false; 3]),
        (ServiceType::Other("urn:x".into()), ServiceStatus::Granted, [false; 3]),
    ];
    for (kind, status, expected) in table {
        assert_eq!(all.map(|purpose| standing(kind.clone(), &status, purpose)), expected, "{kind:?} {status:?}");
    }
    // What the list is not believed for, none of its services is.
    let narrow = trusting(&[believed(vec![service(QUALIFIED, &issuing, &granted)], &[Purpose::TimeStamping])]);
    assert_eq!(at(&narrow, &signer, &[], 0), Err(PathError::NoPath));
    assert_eq!(
        at(&trusting(&[believed(vec![service(QUALIFIED, &issuing, &granted)], &[])]), &signer, &[], 0),
        Err(PathError::NoPath)
    );
}

#[test]
fn a_state_with_a_critical_extension_that_nobody_knows_is_not_used() {
    let [signer, issuing, _] = chain();
    let mut one = service(QUALIFIED, &issuing, &[(ServiceStatus::Granted, 10), (ServiceStatus::Granted, 100)]);
    one.states[0].is_beyond_us = true;
    let trust = trusting(&[believed(vec![one], &[Purpose::Signing])]);
    assert!(matches!(at(&trust, &signer, &[], 0), Err(PathError::AnchorEnded { .. })));
    assert!(at(&trust, &signer, &[], 11).is_ok());
}

#[test]
fn of_states_that_begin_out_of_order_only_those_that_lasted_count() {
    let [signer, issuing, _] = chain();
    let granted = |days| State {
        since: NOW - Duration::days(days),
        ..service(QUALIFIED, &issuing, &[(ServiceStatus::Granted, 0)]).states.remove(0)
    };
    let mut one = service(QUALIFIED, &issuing, &[(ServiceStatus::Withdrawn, 100)]);
    one.states.extend([granted(100), granted(5)]);
    let trust = trusting(&[believed(vec![one], &[Purpose::Signing])]);
    assert_eq!(at(&trust, &signer, &[], 0), Err(PathError::NoPath), "no period is left");
}

#[test]
fn a_withdrawn_service_does_not_come_back_below_its_root() {
    let [signer, issuing, root] = chain();
    let withdrawn = [(ServiceStatus::Withdrawn, 10), (ServiceStatus::Granted, 100)];
    let list = believed(vec![service(QUALIFIED, &issuing, &withdrawn)], &[Purpose::Signing]);
    let services = Services::believed(std::slice::from_ref(&list), &BTreeSet::new());
    let anchor = TrustAnchor { certificate: root.clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::with_services(vec![anchor.clone()], vec![issuing.clone()], services, NOW);
    let found = at(&trust, &signer, std::slice::from_ref(&issuing), 0);
    assert!(matches!(found, Err(PathError::AnchorEnded { .. })), "{found:?}");
    // But where an operator decided of it, the list is not asked.
    let decided = BTreeSet::from([issuing.fingerprint()]);
    let services = Services::believed(std::slice::from_ref(&list), &decided);
    let trust = TrustSnapshot::with_services(vec![anchor], vec![], services, NOW);
    assert_eq!(at(&trust, &signer, std::slice::from_ref(&issuing), 0).map(|path| path.len()), Ok(3));
    // And one that is believed without end stays so.
    let services = Services::believed(&[list], &BTreeSet::new());
    let anchor = TrustAnchor { certificate: issuing.clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::with_services(vec![anchor], vec![], services, NOW);
    assert_eq!(at(&trust, &signer, &[], 0).map(|path| path.len()), Ok(2));
}

#[test]
fn two_lists_add_up() {
    let [signer, issuing, _] = chain();
    let first = [(ServiceStatus::Withdrawn, 50), (ServiceStatus::Granted, 100)];
    let second = [(ServiceStatus::Granted, 60)];
    let list = |states: &[_]| believed(vec![service(QUALIFIED, &issuing, states)], &[Purpose::Signing]);
    let both = trusting(&[list(&first), list(&second)]);
    assert!(at(&both, &signer, &[], 100).is_ok() && at(&both, &signer, &[], 0).is_ok());
    assert_ne!(both.id(), trusting(&[list(&first)]).id());
}

#[test]
fn a_listed_time_stamp_unit_stands_alone() {
    let (from, to) = (NOW - Duration::days(2000), NOW + Duration::days(2000));
    let root = Forge::authority("Root").between(from, to).root();
    let unit = Forge::new("unit").key_usage(1).extended_key_usage(true, &["1.3.6.1.5.5.7.3.8"]).between(from, to);
    let unit = unit.by(&root).certificate;
    let states = [(ServiceStatus::Withdrawn, 10), (ServiceStatus::Granted, 100)];
    let trust = trusting(&[believed(vec![service(STAMPS, &unit, &states)], &[Purpose::TimeStamping])]);
    let path = |days| {
        let time = NOW - Duration::days(days);
        verify(&unit, &[], &trust, Purpose::TimeStamping, time, &mut Budget::default())
            .map(|path| path.certificates().len())
    };
    assert_eq!(path(50), Ok(1));
    let ended = PathError::AnchorEnded { subject: unit.subject(), at: NOW - Duration::days(10) };
    assert_eq!(path(0), Err(ended));
}
