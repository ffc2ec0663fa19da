//! Sets of certificates made to exhaust whoever builds paths: what they may spend is counted here; `bench certs` prints times.
use super::*;
use crate::asn1::{oid, tag, write};
use crate::dev::forge::{Forge, NOW};
use crate::dev::hostile::{self, HostileSet};
use crate::trust::TrustAnchor;

fn trusting(anchor: &Certificate) -> TrustSnapshot {
    let anchor = TrustAnchor { certificate: anchor.clone(), purposes: vec![Purpose::Signing] };
    TrustSnapshot::new(vec![anchor], Vec::new(), NOW)
}

fn judge(set: &HostileSet, budget: &mut Budget) -> Result<(), Failure> {
    let anchor = TrustAnchor { certificate: set.anchor.clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], Vec::new(), NOW);
    verify_with(&set.leaf, &set.pool, &trust, Purpose::Signing, NOW, &Requirements::default(), budget).map(|_| ())
}

#[test]
fn authorities_that_all_certify_each_other() {
    let mut set = hostile::cross_certified(12, NOW).unwrap();
    let mut budget = Budget::default();
    let failure = judge(&set, &mut budget).unwrap_err();
    assert_eq!((failure.reason, budget.signature_checks), (PathError::BudgetExceeded, 0));
    assert!(failure.tried.len() <= MOST_TRIED);
    // With one of them as the anchor the way is found at once.
    set.anchor = set.pool[0].clone();
    let mut budget = Budget::default();
    judge(&set, &mut budget).unwrap();
    assert_eq!(budget.signature_checks, Budget::default().signature_checks - 1);
}

#[test]
fn ten_thousand_candidate_issuers() {
    let set = hostile::candidate_issuers(10_000, NOW).unwrap();
    let mut budget = Budget::default();
    let failure = judge(&set, &mut budget).unwrap_err();
    assert_eq!((failure.reason, budget.signature_checks), (PathError::BudgetExceeded, 0));
    let checks = usize::try_from(Budget::default().signature_checks).unwrap();
    assert_eq!(failure.tried.len() + failure.left_out, checks);
}

/// The issuer whose key identifier the leaf names is tried first among ten thousand.
#[test]
fn the_right_one_of_many_candidates() {
    let (root, issuer) = (Forge::authority("root").root(), Forge::authority("issuer").root());
    let others: Vec<_> = (0..4).map(|_| Forge::authority("issuer").root()).collect();
    let mut pool: Vec<_> =
        others.iter().cycle().take(500).map(|one| Forge::authority("issuer").cross(&root, one)).collect();
    pool.insert(250, Forge::authority("issuer").cross(&root, &issuer));
    let set = HostileSet { leaf: Forge::new("leaf").by(&issuer).certificate, pool, anchor: root.certificate };
    let mut budget = Budget::default();
    judge(&set, &mut budget).unwrap();
    assert_eq!(budget.signature_checks, Budget::default().signature_checks - 2);
}

#[test]
fn five_thousand_name_constraints() {
    let all = Budget::default().name_comparisons;
    let mut budget = Budget::default();
    assert_eq!(judge(&hostile::name_constraints(5_000, 40, NOW).unwrap(), &mut budget), Ok(()));
    assert_eq!(budget.name_comparisons, all - 40 * 5_000);
    let mut budget = Budget::default();
    let failure = judge(&hostile::name_constraints(5_000, 1_000, NOW).unwrap(), &mut budget).unwrap_err();
    assert_eq!((failure.reason, budget.name_comparisons), (PathError::BudgetExceeded, 0));
}

/// Certificates that each name thousands of policies and map them all: the graph of RFC 9618 grows with their size, where the
/// tree of RFC 5280 would have more nodes than there are atoms.
#[test]
fn policies_mapped_upon_each_other() {
    let policy = |number: u16| {
        // Three digits of seven bits after 1.2.
        let digit = |shift: u16| u8::try_from(number >> shift & 0x7f).unwrap();
        write::element(tag::OBJECT_IDENTIFIER, &[0x2a, 0x81, 0x80 | digit(7), digit(0)])
    };
    let policies: Vec<_> = (0..1_000).map(|number| write::sequence(&[&policy(number)])).collect();
    let policies = write::element(tag::SEQUENCE, &policies.concat());
    let mapping = |number: u16| write::sequence(&[&policy(number / 32), &policy(number % 32)]);
    let mappings = write::element(tag::SEQUENCE, &(0..1_024).map(mapping).collect::<Vec<_>>().concat());
    let authority = |name: &str| {
        Forge::authority(name).with(&oid::CERTIFICATE_POLICIES, false, &policies).with(
            &oid::POLICY_MAPPINGS,
            true,
            &mappings,
        )
    };
    let root = Forge::authority("root").root();
    let mut issuer = authority("0").by(&root);
    let mut pool = vec![issuer.certificate.clone()];
    for number in 1..6 {
        issuer = authority(&number.to_string()).by(&issuer);
        pool.push(issuer.certificate.clone());
    }
    let leaf = Forge::new("leaf").with(&oid::CERTIFICATE_POLICIES, false, &policies).by(&issuer).certificate;
    let path = verify(&leaf, &pool, &trusting(&root.certificate), Purpose::Signing, NOW, &mut Budget::default());
    let PolicySet::These(valid) = path.unwrap().policies().clone() else { panic!("any policy") };
    assert_eq!(valid.len(), 1_000);
}
