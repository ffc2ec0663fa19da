//! Enveloped signatures of level B: every algorithm passes our own validation, and hostile documents are refused.

use certs::dev::{Family, Identity, Usage};
use crypto::digest::DigestAlgorithm::{self, Gost34311, Kupyna256, Sha1, Sha256, Sha384, Sha512};
use crypto::dstu4145;
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use schemas::report::Indication;
use time::Duration;

use super::*;
use crate::testing::{NOW, P256, World, served};
use crate::validate::{Context, Policy, XmlOutcome, validate_xml};
use crate::xades::NoContents;
use crate::xml::XmlError;

pub(in crate::xades) const ORDER: &str = "<?xml version=\"1.0\"?>\r\n<!-- order -->\r\n<o:order xmlns:o=\"urn:order\" \
    xmlns:ds='urn:not-dsig'>\r\n\t<o:sum unit='грн'>10 &lt; 20</o:sum><!-- agreed --><ds:x/>\r\n</o:order>\r\n<?end?>";

pub(in crate::xades) fn signed(world: &World, signer: &Identity, document: &[u8], options: &Options<'_>) -> Vec<u8> {
    try_sign(world, signer, document, options).unwrap()
}

fn try_sign(world: &World, signer: &Identity, document: &[u8], options: &Options<'_>) -> Result<Vec<u8>, CreateError> {
    let chain = world.chain(signer);
    let algorithm = signer.key.default_algorithm();
    let signatory = Signatory { chain: &chain, algorithm, signing_time: NOW - Duration::HOUR };
    sign(document, &signer.key, &signatory, options)
}

/// What validation says, with the answers of now about these signers.
pub(in crate::xades) fn validated(world: &World, signers: &[&Identity], xml: &[u8]) -> XmlOutcome {
    let mut revocation = certs::revocation::RevocationData::default();
    signers.iter().for_each(|signer| revocation.ocsp.extend(world.revocation(&signer.certificate, NOW).ocsp));
    let policy = Policy::default();
    validate_xml(xml, &NoContents, &Context { trust: &world.trust, revocation: &revocation, at: NOW, policy: &policy })
        .unwrap()
}

#[track_caller]
fn assert_levels(outcome: &XmlOutcome, levels: &[&str]) {
    let all = &outcome.report.signatures;
    assert!(all.iter().all(|one| one.indication == Indication::TotalPassed), "{:?}", outcome.report);
    assert!(outcome.passed.is_some());
    assert_eq!(all.iter().map(|one| one.level.as_str()).collect::<Vec<_>>(), levels);
}

const B: &str = "XAdES-BASELINE-B";

#[test]
fn every_algorithm_makes_a_signature_that_passes() {
    let pss = |digest: DigestAlgorithm| SignatureAlgorithm::RsaPss {
        digest,
        mgf_digest: digest,
        salt_len: digest.output_len(),
    };
    let rsa = KeyKind::Rsa { bits: 2048 };
    let m257 = KeyKind::Dstu4145(dstu4145::Curve::M257);
    for (kind, algorithm) in [
        (P256, SignatureAlgorithm::Ecdsa(Sha256)),
        (KeyKind::Ec(Curve::P384), SignatureAlgorithm::Ecdsa(Sha384)),
        (KeyKind::Ec(Curve::P521), SignatureAlgorithm::Ecdsa(Sha512)),
        (KeyKind::Ed25519, SignatureAlgorithm::Ed25519),
        (rsa, SignatureAlgorithm::RsaPkcs1(Sha256)),
        (rsa, SignatureAlgorithm::RsaPkcs1(Sha512)),
        (rsa, pss(Sha384)),
        (m257, SignatureAlgorithm::Dstu4145(Kupyna256)),
        (m257, SignatureAlgorithm::Dstu4145(Gost34311)),
    ] {
        if !served(kind) {
            continue;
        }
        let family = if kind == m257 { Family::Dstu4145 } else { Family::P256 };
        let world = World::of(family);
        let signer = world.identity(kind, Usage::Signing);
        let chain = world.chain(&signer);
        let signatory = Signatory { chain: &chain, algorithm, signing_time: NOW - Duration::HOUR };
        let xml = sign(ORDER.as_bytes(), &signer.key, &signatory, &Options::default())
            .unwrap_or_else(|error| panic!("{algorithm:?}: {error}"));
        let outcome = validated(&world, &[&signer], &xml);
        assert_levels(&outcome, &[B]);
        let signature = &outcome.report.signatures[0];
        assert_eq!(signature.signing_time.as_deref(), Some("2026-11-23T11:00:00Z"));
        assert_eq!(outcome.passed.unwrap().signers(), std::slice::from_ref(&signer.certificate), "{algorithm:?}");
    }
}

#[test]
fn what_stands_around_the_signature_stays_octet_for_octet() {
    let world = World::new();
    let signer = world.signer();
    for (document, end) in [
        (ORDER, "</o:order>\r\n<?end?>"),
        ("\u{feff}<a/>\r", "/>\r"),
        ("<a xmlns='urn:a' b=\"1\"\n/>", "/>"),
        ("<a></a>", "</a>"),
    ] {
        let xml = String::from_utf8(signed(&world, &signer, document.as_bytes(), &Options::default())).unwrap();
        let (before, rest) = xml.split_once("<ds:Signature ").unwrap();
        let (_, after) = rest.rsplit_once("</ds:Signature>").unwrap();
        match end.strip_prefix("/>") {
            Some(rest) => {
                let start = document.strip_suffix(end).unwrap();
                assert_eq!((before, after), (format!("{start}>").as_str(), format!("</a>{rest}").as_str()));
            }
            None => assert_eq!((format!("{before}{after}").as_str(), after), (document, end)),
        }
        assert_levels(&validated(&world, &[&signer], xml.as_bytes()), &[B]);
    }
}

#[test]
fn what_is_prepared_survives_the_way_to_the_token_and_back() {
    let world = World::new();
    let (signer, other) = (world.signer(), world.signer());
    let chain = world.chain(&signer);
    let algorithm = signer.key.default_algorithm();
    let signatory = Signatory { chain: &chain, algorithm, signing_time: NOW - Duration::HOUR };
    let first = prepare(ORDER.as_bytes(), &signatory, &Options::default()).unwrap();
    let second = Prepared::from_bytes(first.as_bytes()).unwrap();
    assert_eq!((first.to_be_signed(), first.digest()), (second.to_be_signed(), second.digest()));
    let value = signer.key.sign(algorithm, first.to_be_signed()).unwrap();
    let xml = second.complete(&value).unwrap();
    assert_levels(&validated(&world, &[&signer], &xml), &[B]);
    assert_eq!(Prepared::from_bytes(&xml).unwrap_err(), CreateError::Signature);
    let foreign = other.key.sign(algorithm, first.to_be_signed()).unwrap();
    for wrong in [&foreign[..], &value[..value.len() - 1], b""] {
        assert_eq!(first.clone().complete(wrong), Err(CreateError::Value));
    }
    // Whoever keeps it between the steps cannot have something else signed.
    let text = std::str::from_utf8(first.as_bytes()).unwrap();
    for (from, to) in [("10 &lt;", "99 &lt;"), ("application/xml", "application/xmk"), ("T11:00", "T12:00")] {
        assert!(text.contains(from));
        let changed = Prepared::from_bytes(text.replace(from, to).as_bytes()).unwrap();
        assert_eq!(changed.to_be_signed(), first.to_be_signed());
        assert_eq!(changed.complete(&value), Err(CreateError::Value), "{from}");
    }
}

#[test]
fn a_changed_document_does_not_pass() {
    let world = World::new();
    let signer = world.signer();
    let xml = String::from_utf8(signed(&world, &signer, ORDER.as_bytes(), &Options::default())).unwrap();
    let outcome = validated(&world, &[&signer], xml.replace("10 &lt;", "99 &lt;").as_bytes());
    assert_eq!(outcome.report.signatures[0].indication, Indication::TotalFailed);
    assert!(outcome.passed.is_none());
}

#[test]
fn several_sign_where_signatures_are_left_out() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let beside = Options { envelope: Envelope::DocumentLessSignatures, ..Options::default() };
    let one = signed(&world, &first, ORDER.as_bytes(), &beside);
    let two = signed(&world, &second, &one, &beside);
    assert_levels(&validated(&world, &[&first, &second], &two), &[B, B]);
    // The last may sign those before it, too. Then it is the last.
    let sealed = signed(&world, &first, &two, &Options::default());
    assert_levels(&validated(&world, &[&first, &second], &sealed), &[B, B, B]);
    assert_eq!(try_sign(&world, &second, &sealed, &beside), Err(CreateError::Covered));
}

#[test]
fn a_second_signature_that_would_break_the_first_is_refused() {
    let world = World::new();
    let (first, second) = (world.signer(), world.signer());
    let one = signed(&world, &first, ORDER.as_bytes(), &Options::default());
    for envelope in [Envelope::Document, Envelope::DocumentLessSignatures] {
        let again = try_sign(&world, &second, &one, &Options { envelope, ..Options::default() });
        assert_eq!(again, Err(CreateError::Covered));
    }
    // The reference may name the outermost element, or stand in a signature that is not understood.
    let plain = "<a Id='whole'><ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:SignedInfo><ds:Reference URI='URI'>\
                 <ds:Transforms><ds:Transform Algorithm='ALGORITHM'/></ds:Transforms><ds:DigestMethod Algorithm='x'/><ds:DigestValue/>\
                 </ds:Reference></ds:SignedInfo></ds:Signature><b Id='part'/></a>";
    let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
    for (uri, algorithm, refused) in [
        ("#whole", enveloped, true),
        ("#xpointer(/)", enveloped, true),
        ("", "http://www.w3.org/TR/1999/REC-xslt-19991116", true),
        ("#part", enveloped, false),
        ("#nowhere", enveloped, false),
        ("a.txt", enveloped, false),
    ] {
        let document = plain.replace("'URI'", &format!("'{uri}'")).replace("ALGORITHM", algorithm);
        let made = try_sign(&world, &second, document.as_bytes(), &Options::default());
        assert_eq!(made.is_err(), refused, "{uri} {algorithm}: {made:?}");
        assert!(!refused || made == Err(CreateError::Covered));
    }
    let root = "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'/>";
    assert_eq!(try_sign(&world, &first, root.as_bytes(), &Options::default()), Err(CreateError::Covered));
}

#[test]
fn hostile_documents_are_refused() {
    let world = World::new();
    let signer = world.signer();
    let refused = |document: &str| try_sign(&world, &signer, document.as_bytes(), &Options::default()).unwrap_err();
    assert_eq!(refused("<!DOCTYPE a [<!ATTLIST b Id ID #IMPLIED>]><a/>"), CreateError::Xml(XmlError::Doctype));
    assert_eq!(refused("<a>"), CreateError::Xml(XmlError::Malformed));
    assert_eq!(refused(""), CreateError::Xml(XmlError::Malformed));
    assert_eq!(refused("<?xml version='1.0' encoding='windows-1251'?><a/>"), CreateError::Xml(XmlError::Encoding));
    let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
    assert_eq!(refused(&deep), CreateError::Xml(XmlError::TooDeep));
    // Deep enough to be read.
    let deep = format!("{}{}", "<a>".repeat(250), "</a>".repeat(250));
    assert!(try_sign(&world, &signer, deep.as_bytes(), &Options::default()).is_ok());
    // As many prefixes as are read, so that those of the signature are too many.
    let prefixes: String = (0..128).map(|number| format!(" xmlns:p{number}='u'")).collect();
    assert!(matches!(refused(&format!("<a{prefixes}/>")), CreateError::Xml(_)));
}

#[test]
fn an_id_that_is_taken_is_refused_and_others_may_be_repeated() {
    let world = World::new();
    let signer = world.signer();
    // Ids that nothing refers to are the document's business.
    let repeated = signed(&world, &signer, b"<a Id='1'><b Id='1'/></a>", &Options::default());
    assert_levels(&validated(&world, &[&signer], &repeated), &[B]);
    // The Id depends on the document, so that a document cannot hold its own; one that was changed between the steps can.
    let chain = world.chain(&signer);
    let signatory = Signatory { chain: &chain, algorithm: signer.key.default_algorithm(), signing_time: NOW };
    let prepared = prepare(b"<a><b/></a>", &signatory, &Options::default()).unwrap();
    let text = std::str::from_utf8(prepared.as_bytes()).unwrap();
    let id = text.split("Id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let twice = text.replace("<b/>", &format!("<b Id='{id}'/>"));
    assert_eq!(Prepared::from_bytes(twice.as_bytes()).unwrap_err(), CreateError::IdTaken);
    let properties = text.replace("<b/>", &format!("<b Id='{id}-properties'/>"));
    let moved = Prepared::from_bytes(properties.as_bytes()).unwrap();
    let value = signer.key.sign(moved.algorithm(), moved.to_be_signed()).unwrap();
    assert_eq!(moved.complete(&value), Err(CreateError::Value));
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let world = World::new();
    let (signer, other) = (world.signer(), world.signer());
    let chain = world.chain(&signer);
    let algorithm = signer.key.default_algorithm();
    let right = Signatory { chain: &chain, algorithm, signing_time: NOW };
    let refused = |key: &Identity, signatory: Signatory<'_>, options: Options<'_>| {
        sign(b"<a/>", &key.key, &signatory, &options).unwrap_err()
    };
    let sha1 = SignatureAlgorithm::Ecdsa(Sha1);
    let early = time::macros::datetime!(-2026-11-23 12:00 UTC);
    assert_eq!(refused(&other, right, Options::default()), CreateError::Certificate);
    assert_eq!(refused(&signer, Signatory { chain: &[], ..right }, Options::default()), CreateError::Certificate);
    assert_eq!(refused(&signer, Signatory { algorithm: sha1, ..right }, Options::default()), CreateError::Algorithm);
    assert_eq!(
        refused(&signer, Signatory { signing_time: early, ..right }, Options::default()),
        CreateError::SigningTime
    );
    let options = Options { media_type: "text/\"", ..Options::default() };
    assert_eq!(refused(&signer, right, options), CreateError::MediaType);
}
