//! XML signatures through the whole process: trust, revocation, time-stamps, counter-signatures, policies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{Identity, Usage};
use certs::revocation::RevocationData;
use certs::timestamp;
use crypto::digest::DigestAlgorithm;
use crypto::key::KeyKind;
use schemas::report::{Indication, SubIndication, TimestampKind};
use time::{Duration, OffsetDateTime};

use super::contents::{Files, NoContents};
use super::testing::{ENVELOPED, XADES, reference, sign, template};
use super::*;
use crate::testing::{NOW, World};
use crate::validate::{Context, Policy, XmlOutcome, validate_xml};
use crate::xml::canonical::Budget;
use crate::xml::{Limits, Source};

struct Town {
    world: World,
    signer: Identity,
    revocation: RevocationData,
}

impl Town {
    fn new() -> Self {
        let world = World::new();
        let signer = world.identity(KeyKind::Ed25519, Usage::Signing);
        let revocation = world.revocation(&signer.certificate, NOW);
        Self { world, signer, revocation }
    }

    /// KeyInfo with the chain, and the properties of level B; `unsigned` are unsigned signature properties.
    fn objects(&self, id: &str, unsigned: &str) -> String {
        let own = STANDARD.encode(crypto::digest::sha256(self.signer.certificate.der()));
        let data = self.world.chain(&self.signer).iter().fold(String::new(), |data, certificate| {
            data + &format!("<ds:X509Certificate>{}</ds:X509Certificate>", STANDARD.encode(certificate.der()))
        });
        let unsigned = if unsigned.is_empty() {
            String::new()
        } else {
            format!(
                "<x:UnsignedProperties><x:UnsignedSignatureProperties>{unsigned}</x:UnsignedSignatureProperties></x:UnsignedProperties>"
            )
        };
        format!(
            "<ds:KeyInfo><ds:X509Data>{data}</ds:X509Data></ds:KeyInfo><ds:Object><x:QualifyingProperties xmlns:x=\"{XADES}\" Target=\"#{id}\">\
             <x:SignedProperties Id=\"{id}-props\"><x:SignedSignatureProperties><x:SigningTime>2026-11-23T11:00:00Z</x:SigningTime>\
             <x:SigningCertificateV2><x:Cert><x:CertDigest><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\
             <ds:DigestValue>{own}</ds:DigestValue></x:CertDigest></x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties>\
             </x:SignedProperties>{unsigned}</x:QualifyingProperties></ds:Object>"
        )
    }

    fn signature(&self, id: &str, over: &str, unsigned: &str) -> String {
        let properties = format!("URI=\"#{id}-props\" Type=\"http://uri.etsi.org/01903#SignedProperties\"");
        let references = over.to_owned() + &reference(&properties, &[EXCLUSIVE]);
        template(id, &references, &self.objects(id, unsigned))
    }

    fn order(&self, unsigned: &str) -> String {
        let signature = self.signature("sig", &reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]), unsigned);
        sign(&self.signer.key, &format!("<order><sum>10</sum>{signature}</order>"), &NoContents)
    }

    /// The order with a token of `at` over the signature value.
    fn stamped(&self, at: OffsetDateTime) -> String {
        let stamp =
            "<x:SignatureTimeStamp><x:EncapsulatedTimeStamp>AAAA</x:EncapsulatedTimeStamp></x:SignatureTimeStamp>";
        let xml = self.order(stamp);
        let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
        let document = source.parse().unwrap();
        let signature = XmlSignature::read(signatures(&document)[0]).unwrap();
        let properties = UnverifiedProperties::of(&signature).unwrap().unwrap();
        let stamps = time_stamps(&properties);
        let mut budget = Budget::for_document(xml.len());
        let sha256 = DigestAlgorithm::Sha256;
        let made = imprint(&document, &signature, &properties, &stamps[0], sha256, &NoContents, &mut budget).unwrap();
        let response = self.world.pki.answer_tsa(&timestamp::request(&made.digest, None, true), at);
        let token = timestamp::token_of_response(&response).unwrap();
        xml.replace("AAAA", &STANDARD.encode(token))
    }

    fn validate(&self, xml: &str) -> XmlOutcome {
        self.validate_by(xml, &Policy::default(), &NoContents)
    }

    fn validate_by(&self, xml: &str, policy: &Policy, contents: &dyn Contents) -> XmlOutcome {
        let context = Context { trust: &self.world.trust, revocation: &self.revocation, at: NOW, policy };
        validate_xml(xml.as_bytes(), contents, &context).unwrap()
    }
}

#[track_caller]
fn verdict(outcome: &XmlOutcome) -> (Indication, Option<SubIndication>, bool) {
    let [signature] = outcome.report.signatures.as_slice() else { panic!("{:?}", outcome.report) };
    assert_eq!(outcome.passed.is_some(), outcome.problem().is_none());
    assert_eq!(outcome.passed.is_some(), signature.indication == Indication::TotalPassed);
    (signature.indication, signature.sub_indication, signature.intact)
}

#[test]
fn a_signed_order_passes_and_its_report_names_the_signer() {
    let town = Town::new();
    let outcome = town.validate(&town.order(""));
    assert_eq!(verdict(&outcome), (Indication::TotalPassed, None, true), "{:?}", outcome.report);
    let signature = &outcome.report.signatures[0];
    assert_eq!((signature.format.as_str(), signature.level.as_str()), ("XAdES", "XAdES-BASELINE-B"));
    assert_eq!(signature.signing_time.as_deref(), Some("2026-11-23T11:00:00Z"));
    assert_eq!(outcome.passed.unwrap().signers(), std::slice::from_ref(&town.signer.certificate));
    assert_eq!(outcome.report.format, "XML");
}

#[test]
fn what_was_changed_revoked_or_signed_by_a_stranger_does_not_pass() {
    let mut town = Town::new();
    let order = town.order("");
    let changed = town.validate(&order.replace("<sum>10", "<sum>99"));
    assert_eq!(verdict(&changed), (Indication::TotalFailed, Some(SubIndication::HashFailure), false));
    let stranger = Town::new();
    let foreign = town.validate(&stranger.order(""));
    assert_eq!(verdict(&foreign), (Indication::Indeterminate, Some(SubIndication::NoCertificateChainFound), true));
    town.world.pki.revoke(&town.signer.certificate, NOW - Duration::HOUR, 1);
    town.revocation = town.world.revocation(&town.signer.certificate, NOW);
    let revoked = town.validate(&order);
    assert_eq!(verdict(&revoked), (Indication::Indeterminate, Some(SubIndication::RevokedNoPoe), true));
}

#[test]
fn a_time_stamp_proves_that_the_signature_was_there_before_the_revocation() {
    let mut town = Town::new();
    let stamped = town.stamped(NOW - Duration::hours(2));
    town.world.pki.revoke(&town.signer.certificate, NOW - Duration::HOUR, 1);
    town.revocation = town.world.revocation(&town.signer.certificate, NOW);
    let outcome = town.validate(&stamped);
    assert_eq!(verdict(&outcome), (Indication::TotalPassed, None, true), "{:?}", outcome.report);
    let signature = &outcome.report.signatures[0];
    assert_eq!((signature.level.as_str(), signature.best_time.as_str()), ("XAdES-BASELINE-T", "2026-11-23T10:00:00Z"));
    let [stamp] = signature.timestamps.as_slice() else { panic!("{signature:?}") };
    assert_eq!((stamp.kind, stamp.indication), (TimestampKind::Signature, Indication::TotalPassed));
    // The signature that another signer makes has another value, of which that token says nothing.
    let other = Town { signer: town.world.identity(KeyKind::Ed25519, Usage::Signing), ..town };
    let text = |xml: &str| {
        let start = xml.find("<x:EncapsulatedTimeStamp>").unwrap();
        xml[start..xml.find("</x:EncapsulatedTimeStamp>").unwrap()].to_owned()
    };
    let foreign = other.stamped(NOW - Duration::HOUR);
    let swapped = foreign.replace(&text(&foreign), &text(&stamped));
    let stamp = &other.validate(&swapped).report.signatures[0].timestamps[0];
    assert_eq!((stamp.intact, stamp.sub_indication), (false, Some(SubIndication::HashFailure)));
}

#[test]
fn what_is_signed_beside_the_file_must_be_given() {
    let town = Town::new();
    let content: &[(&str, &[u8])] = &[("letter.pdf", b"letter")];
    let signature = town.signature("sig", &reference("URI=\"letter.pdf\"", &[]), "");
    let xml = sign(&town.signer.key, &signature, &Files(content));
    let with = |files: &[(&str, &[u8])]| town.validate_by(&xml, &Policy::default(), &Files(files));
    let outcome = with(content);
    assert_eq!(verdict(&outcome), (Indication::TotalPassed, None, true), "{:?}", outcome.report);
    assert_eq!(outcome.report.signatures[0].signed_parts, ["letter.pdf"]);
    assert_eq!(verdict(&with(&[("letter.pdf", b"lettes")])).1, Some(SubIndication::HashFailure));
    assert_eq!(verdict(&with(&[])).1, Some(SubIndication::SignedDataNotFound));
}

#[test]
fn a_counter_signature_has_a_verdict_of_its_own() {
    let town = Town::new();
    for (over, intact) in [("#sig-value", true), ("#other", false)] {
        let counter = town.signature("counter", &reference(&format!("URI=\"{over}\""), &[EXCLUSIVE]), "");
        // First the signature, whose value the other is over.
        let place = "<x:CounterSignature>HERE</x:CounterSignature>";
        let first = town.signature("sig", &reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]), place);
        let template = format!("<order><other Id=\"other\">x</other>{first}</order>");
        let signed = sign(&town.signer.key, &template, &NoContents).replace("HERE", &counter);
        let outcome = town.validate(&sign(&town.signer.key, &signed, &NoContents));
        let [signature] = outcome.report.signatures.as_slice() else { panic!("{:?}", outcome.report) };
        assert_eq!(signature.counter_signatures[0].intact, intact, "{over}: {:?}", signature.counter_signatures);
    }
}

#[test]
fn a_signature_without_properties_is_no_advanced_one() {
    let town = Town::new();
    let data = STANDARD.encode(town.signer.certificate.der());
    let key_info =
        format!("<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{data}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>");
    let bare = template("sig", &reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]), &key_info);
    let xml = sign(&town.signer.key, &format!("<order>{bare}</order>"), &NoContents);
    let outcome = town.validate(&xml);
    assert_eq!(outcome.report.signatures[0].level, "XML-NOT-ETSI");
    let codes: Vec<_> = outcome.report.signatures[0].reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert!(codes.contains(&"signature.signed_attributes_required"), "{codes:?}");
    assert!(verdict(&outcome).2 && outcome.passed.is_none());
}

#[test]
fn a_weak_digest_of_what_is_signed_is_not_relied_on() {
    let town = Town::new();
    let strong = reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]);
    let weak = strong.replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    let signature = town.signature("sig", &weak, "");
    let xml = sign(&town.signer.key, &format!("<order><sum>10</sum>{signature}</order>"), &NoContents);
    let outcome = town.validate(&xml);
    let found = verdict(&outcome);
    assert_eq!(found, (Indication::Indeterminate, Some(SubIndication::CryptoConstraintsFailureNoPoe), true));
}
