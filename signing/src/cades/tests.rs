//! Our signatures before an implementation that is not ours: the openssl command line.

use std::path::Path;
use std::process::Command;

use certs::certificate::Certificate;
use certs::dev::Usage;
use crypto::key::{Curve, KeyKind};

use crypto::digest::digest;

use super::*;
use crate::asn1::{Element, Layers, Limits, Reader, normalise, oid};
use crate::cms::SignedData;
use crate::testing::{NOW, P256, World, served};

const DOCUMENT: &[u8] = b"a document\r\nwith two lines\n";

/// Whether the command line is there; says so if a test is passed over.
pub(crate) fn openssl_present() -> bool {
    let present = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !present {
        println!("skipped: no openssl command line");
    }
    present
}

/// Runs openssl in `folder`; its standard error where it fails.
pub(crate) fn openssl(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

pub(crate) fn write_pem(folder: &Path, name: &str, certificates: &[&Certificate]) {
    let pem: String = certificates.iter().map(|certificate| certificate.to_pem()).collect();
    std::fs::write(folder.join(name), pem).unwrap();
}

#[test]
fn openssl_accepts_what_we_sign() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_pem(folder.path(), "root.pem", &[world.pki.root()]);
    std::fs::write(at("document"), DOCUMENT).unwrap();
    let sha256 = DigestAlgorithm::Sha256;
    let rsa = KeyKind::Rsa { bits: 2048 };
    for (kind, algorithm) in [
        (P256, SignatureAlgorithm::Ecdsa(sha256)),
        (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)),
        (rsa, SignatureAlgorithm::RsaPkcs1(sha256)),
        (rsa, SignatureAlgorithm::RsaPss { digest: sha256, mgf_digest: sha256, salt_len: 32 }),
        (KeyKind::Ed25519, SignatureAlgorithm::Ed25519),
    ] {
        if !served(kind) {
            continue;
        }
        let signer = world.identity(kind, Usage::Signing);
        let chain = world.chain(&signer);
        let sign = |content| sign(content, &signer.key, algorithm, &chain, NOW).unwrap();
        let seconds = NOW.unix_timestamp().to_string();
        let common = [
            "cms", "-verify", "-inform", "DER", "-binary", "-cades", "-purpose", "any", "-attime", &seconds, "-CAfile",
            "root.pem",
        ];

        std::fs::write(at("attached"), sign(Content::Attached(DOCUMENT))).unwrap();
        let content = openssl(folder.path(), &[&common[..], &["-in", "attached"]].concat());
        if algorithm == SignatureAlgorithm::Ed25519 && content.as_ref().is_err_and(|why| why.contains("invalid digest"))
        {
            println!("skipped: this openssl does not know Ed25519 in CMS");
            continue;
        }
        assert_eq!(content.as_deref(), Ok(DOCUMENT), "{algorithm:?}");

        let hash = digest(algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512), DOCUMENT);
        std::fs::write(at("detached"), sign(Content::Detached(hash))).unwrap();
        let content = openssl(folder.path(), &[&common[..], &["-in", "detached", "-content", "document"]].concat());
        assert_eq!(content.as_deref(), Ok(DOCUMENT), "{algorithm:?}");
        std::fs::write(at("other"), b"another document").unwrap();
        assert!(openssl(folder.path(), &[&common[..], &["-in", "detached", "-content", "other"]].concat()).is_err());
    }
}

#[test]
fn openssl_accepts_it_with_a_time_stamp_and_reads_the_token() {
    if !openssl_present() {
        return;
    }
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let signer = world.signer();
    let cms = world.stamp(&world.sign(Content::Attached(DOCUMENT), &signer), NOW);
    std::fs::write(folder.path().join("stamped"), &cms).unwrap();
    write_pem(folder.path(), "root.pem", &[world.pki.root()]);
    let seconds = NOW.unix_timestamp().to_string();
    let verify = [
        "cms", "-verify", "-inform", "DER", "-binary", "-in", "stamped", "-purpose", "any", "-CAfile", "root.pem",
        "-attime", &seconds,
    ];
    assert_eq!(openssl(folder.path(), &verify).as_deref(), Ok(DOCUMENT));
    let text = openssl(folder.path(), &["cms", "-cmsout", "-print", "-inform", "DER", "-in", "stamped"]).unwrap();
    assert!(String::from_utf8_lossy(&text).contains("id-smime-aa-timeStampToken"));
}

#[test]
fn what_we_write_is_der_to_the_last_level() {
    let world = World::new();
    let signer = world.signer();
    let cms = world.stamp(&world.sign(Content::Attached(DOCUMENT), &signer), NOW);
    let (der, taken) = normalise(&cms, Layers::ALL, &Limits::default()).unwrap();
    assert!(matches!(der, std::borrow::Cow::Borrowed(_)));
    assert_eq!(taken, cms.len());
    let signed = SignedData::read(&cms).unwrap();
    let attributes = Element::only(signed.signers[0].signed_attributes_der.unwrap()).unwrap();
    let members = Reader::new(attributes.content).all(20).unwrap();
    assert!(members.windows(2).all(|pair| pair[0].raw < pair[1].raw));
}

#[test]
fn a_time_stamp_changes_nothing_that_is_signed() {
    let world = World::new();
    let signer = world.signer();
    let before = world.sign(Content::Attached(DOCUMENT), &signer);
    let once = world.stamp(&before, NOW);
    let twice = world.stamp(&once, NOW);
    let read = |cms| SignedData::read(cms).unwrap();
    assert_eq!(read(&twice).signers[0].signed_part, read(&before).signers[0].signed_part);
    assert_eq!(read(&twice).head, read(&before).head);
    let stamps = |cms| read(cms).signers[0].unsigned(oid::SIGNATURE_TIME_STAMP).count();
    assert_eq!((stamps(&before), stamps(&once), stamps(&twice)), (0, 1, 2));
    assert!(matches!(add_timestamp(&before, b"no token"), Err(SignError::Timestamp)));
    assert!(matches!(add_timestamp(b"no signature", &once), Err(SignError::Signature)));
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let world = World::new();
    let (signer, other) = (world.signer(), world.signer());
    let algorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    let content = || Content::Detached(digest(DigestAlgorithm::Sha256, DOCUMENT));
    let attempt = |content, chain: &[Certificate], time| sign(content, &signer.key, algorithm, chain, time);
    assert!(matches!(attempt(content(), &[], NOW), Err(SignError::Certificate)));
    assert!(matches!(attempt(content(), &world.chain(&other), NOW), Err(SignError::Certificate)));
    let chain = world.chain(&signer);
    let sha512 = Content::Detached(digest(DigestAlgorithm::Sha512, DOCUMENT));
    assert!(matches!(attempt(sha512, &chain, NOW), Err(SignError::DigestMismatch)));
    let ancient = time::macros::datetime!(1949-12-31 23:59 UTC);
    assert!(matches!(attempt(content(), &chain, ancient), Err(SignError::Encoding)));
    let rsa = SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256);
    assert!(matches!(sign(content(), &signer.key, rsa, &chain, NOW), Err(SignError::Key(_))));
}

mod hash_index;
mod long_life;
