//! Signatures of the openssl command line, in every form that it makes.

use std::path::Path;

use certs::dev::Identity;
use certs::trust::{Purpose, TrustAnchor};

use super::*;
use crate::cades::tests::{openssl, openssl_present, write_pem};
use crate::testing::served;

fn write_key(folder: &Path, name: &str, identity: &Identity) {
    std::fs::write(folder.join(name), identity.key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
}

#[test]
fn what_openssl_signs_passes_in_every_form() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let content = DOCUMENT.repeat(500);
    std::fs::write(folder.path().join("document"), &content).unwrap();
    write_pem(folder.path(), "chain.pem", &[world.pki.issuing_ca()]);
    for kind in [P256, KeyKind::Ec(Curve::P384), KeyKind::Rsa { bits: 2048 }] {
        if !served(kind) {
            continue;
        }
        let signer = world.identity(kind, Usage::Signing);
        let revocation = world.revocation(&signer.certificate, NOW);
        write_pem(folder.path(), "signer.pem", &[&signer.certificate]);
        write_key(folder.path(), "key.pem", &signer);
        let common =
            ["cms", "-sign", "-binary", "-cades", "-outform", "DER", "-in", "document", "-signer", "signer.pem"];
        let common = [&common[..], &["-inkey", "key.pem", "-certfile", "chain.pem"]].concat();
        let mut forms: Vec<&[&str]> = vec![
            &["-nodetach", "-md", "sha256"],
            &["-nodetach", "-stream", "-md", "sha256"],
            &["-nodetach", "-keyid", "-md", "sha512"],
            &["-md", "sha384"],
            &["-keyid", "-md", "sha512"],
        ];
        if matches!(kind, KeyKind::Rsa { .. }) {
            forms.push(&["-nodetach", "-md", "sha3-256"]);
            forms.push(&["-nodetach", "-md", "sha256", "-keyopt", "rsa_padding_mode:pss"]);
            forms.push(&[
                "-nodetach",
                "-md",
                "sha384",
                "-keyopt",
                "rsa_padding_mode:pss",
                "-keyopt",
                "rsa_pss_saltlen:20",
            ]);
        }
        for form in forms {
            let cms = openssl(folder.path(), &[&common[..], form].concat());
            let cms = cms.unwrap_or_else(|why| panic!("{kind:?} {form:?}: {why}"));
            let mut document = UnverifiedDocument::parse(&cms).unwrap();
            assert_eq!(document.is_attached(), form.contains(&"-nodetach"), "{kind:?} {form:?}");
            if !document.is_attached() {
                let digests = document.digest_algorithms().into_iter().map(|one| digest(one, &content)).collect();
                document = document.with_detached(digests);
            }
            let policy = Policy::default();
            let context = Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy };
            let outcome = validate(document, &context);
            assert_passed(&outcome);
            assert_eq!(outcome.report.signatures[0].level, "CAdES-BASELINE-B", "{kind:?} {form:?}");
            assert_eq!(outcome.signed_forms(), [Some(SignedForm::Der)]);
        }
    }
}

#[test]
fn two_signers_and_a_signature_within_a_signature() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (first, second) = (world.signer(), world.identity(KeyKind::Ec(Curve::P384), Usage::Signing));
    write_pem(folder.path(), "second.pem", &[&second.certificate]);
    write_key(folder.path(), "second.key", &second);
    std::fs::write(at("once"), world.sign(Content::Attached(DOCUMENT), &first)).unwrap();
    let signer = ["-signer", "second.pem", "-inkey", "second.key", "-md", "sha256", "-cades"];
    let mut revocation = world.revocation(&first.certificate, NOW);
    revocation.ocsp.extend(world.revocation(&second.certificate, NOW).ocsp);

    let resign = ["cms", "-resign", "-inform", "DER", "-outform", "DER", "-in", "once"];
    let twice = openssl(folder.path(), &[&resign[..], &signer].concat()).unwrap();
    let outcome = world.validate(&twice, &revocation);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.passed.unwrap().signers().len(), 2);

    let wrap = [
        "cms",
        "-sign",
        "-binary",
        "-nodetach",
        "-outform",
        "DER",
        "-in",
        "once",
        "-econtent_type",
        "pkcs7-signedData",
    ];
    let wrapped = openssl(folder.path(), &[&wrap[..], &signer].concat()).unwrap();
    std::fs::write(at("wrapped"), &wrapped).unwrap();
    let mut data = revocation;
    data.ocsp.extend(world.revocation(&second.certificate, NOW).ocsp);
    let policy = Policy::default();
    let trust = TrustSnapshot::new(world.trust.anchors().to_vec(), vec![world.pki.issuing_ca().clone()], NOW);
    let context = Context { trust: &trust, revocation: &data, at: NOW, policy: &policy };
    let outcome = validate(UnverifiedDocument::parse(&wrapped).unwrap(), &context);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures[0].level, "CAdES-BES");
    let inner = outcome.passed.unwrap().content().unwrap().to_vec();
    assert_passed(&world.validate(&inner, &data));
}

/// Nobody here makes such keys, so openssl does; the certificate is its own authority and trusted.
#[test]
fn a_key_that_is_too_short_is_refused() {
    if !openssl_present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| openssl(folder.path(), arguments).unwrap();
    let name = ["-nodes", "-keyout", "key.pem", "-out", "own.pem", "-days", "3650", "-subj", "/CN=Old"];
    run(&[&["req", "-x509", "-newkey", "rsa:1024", "-sha256"][..], &name].concat());
    std::fs::write(folder.path().join("document"), DOCUMENT).unwrap();
    let sign =
        ["cms", "-sign", "-binary", "-cades", "-nodetach", "-outform", "DER", "-in", "document", "-md", "sha256"];
    let cms = run(&[&sign[..], &["-signer", "own.pem", "-inkey", "key.pem"]].concat());
    let pem = std::fs::read_to_string(folder.path().join("own.pem")).unwrap();
    let own = Certificate::from_pem(&pem).unwrap().remove(0);
    let at = own.not_before() + Duration::HOUR;
    let anchor = TrustAnchor { certificate: own, purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], vec![], at);
    let judge = |policy: &Policy| {
        let revocation = RevocationData::default();
        let context = Context { trust: &trust, revocation: &revocation, at, policy };
        validate(UnverifiedDocument::parse(&cms).unwrap(), &context)
    };
    let outcome = judge(&Policy::default());
    let weak = ProblemCode::SignatureWeakAlgorithm;
    assert_refused(&outcome, SubIndication::CryptoConstraintsFailureNoPoe, true, weak);
    assert_eq!(outcome.report.signatures[0].reasons[0].code, "signature.weak_algorithm");
    assert_passed(&judge(&Policy { suite: suite::ANY, ..Policy::default() }));
}
