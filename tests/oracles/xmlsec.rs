//! xmlsec1 (libxml2 and OpenSSL), where it is at hand; elsewhere the tests say that they are skipped. It verifies digests and values, under
//! the key of the certificate in the signature, which leads to our root.

use std::path::Path;
use std::process::Command;

use certs::dev::Family;
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use signing::xades::create::{Envelope, Options};

use crate::workshop::{SHA256, Workshop};
use crate::xades::{Level, ORDER, enveloped, order, raised};

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn is_there() -> bool {
    let there = Command::new("xmlsec1").arg("--version").output().is_ok();
    if !there {
        println!("skipped: xmlsec1 is not there");
    }
    there
}

/// Whether the signature number `number` of `xml` verifies; what it says where not.
fn verify(workshop: &Workshop, xml: &[u8], number: usize) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("signed.xml"), xml).expect("a file");
    std::fs::write(at("root.der"), workshop.pki.root().der()).expect("a file");
    let path = |path: &Path| path.display().to_string();
    let place = format!(
        "(//*[local-name()='Signature' and namespace-uri()='http://www.w3.org/2000/09/xmldsig#'])[{}]",
        number + 1
    );
    let output = Command::new("xmlsec1")
        .args(["--verify", "--trusted-der", &path(&at("root.der")), "--id-attr:Id"])
        .args(["http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--node-xpath", &place])
        .arg(at("signed.xml"))
        .output()
        .expect("an answer");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn every_algorithm_verifies() {
    if !is_there() {
        return;
    }
    let workshop = Workshop::of(Family::P256);
    let rsa = KeyKind::Rsa { bits: 2048 };
    let (sha384, sha512) = (DigestAlgorithm::Sha384, DigestAlgorithm::Sha512);
    for (kind, algorithm) in [
        (KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(SHA256)),
        (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(sha384)),
        (KeyKind::Ec(Curve::P521), SignatureAlgorithm::Ecdsa(sha512)),
        (rsa, SignatureAlgorithm::RsaPkcs1(SHA256)),
        (rsa, SignatureAlgorithm::RsaPkcs1(sha512)),
    ] {
        let signer = workshop.signer(kind, algorithm);
        // Values of ECDSA differ in length now and then.
        for _ in 0..4 {
            let b = enveloped(&workshop, &signer, ORDER, &Options::default());
            assert_eq!(verify(&workshop, &b, 0), Ok(()), "{algorithm:?}");
        }
    }
}

#[test]
fn every_level_verifies_and_so_do_several() {
    if !is_there() {
        return;
    }
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(SHA256));
    for level in [Level::B, Level::T, Level::Lt, Level::Lta, Level::Renewed] {
        assert_eq!(verify(&workshop, &order(&workshop, &signer, level), 0), Ok(()), "{level:?}");
    }
    let beside = Options { envelope: Envelope::DocumentLessSignatures, ..Options::default() };
    let one = enveloped(&workshop, &signer, ORDER, &beside);
    let mut two = enveloped(&workshop, &signer, &one, &beside);
    for number in 0..2 {
        two = raised(&workshop, &signer, &two, number, Level::Lta, &signing::xades::NoContents);
    }
    assert_eq!((verify(&workshop, &two, 0), verify(&workshop, &two, 1)), (Ok(()), Ok(())));
}

#[test]
fn what_is_changed_is_refused() {
    if !is_there() {
        return;
    }
    let workshop = Workshop::of(Family::P256);
    let signer = workshop.signer(KeyKind::Ec(Curve::P256), SignatureAlgorithm::Ecdsa(SHA256));
    let b = String::from_utf8(order(&workshop, &signer, Level::B)).expect("text");
    for (from, to) in [("10 &lt;", "99 &lt;"), ("application/xml", "application/xmk")] {
        assert!(verify(&workshop, b.replace(from, to).as_bytes(), 0).is_err(), "{from}");
    }
}
