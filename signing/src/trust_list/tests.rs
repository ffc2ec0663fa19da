//! Who gets a list believed, and who does not. BAD_INPUTS: the rows of trusted lists.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::dev::{DevPki, Family, Identity, Profile, Usage, lists};
use certs::trust_list::{ListKind, Pointer, Scheme, ServiceStatus, ServiceType, TrustList};
use crypto::digest::{DigestAlgorithm, sha256};
use crypto::dstu4145;
use crypto::key::KeyKind;
use crypto::signature::SignatureAlgorithm;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::cades::Signatory;
use crate::validate::suite::{self, Suite};
use crate::xades::testing::{ENVELOPED, XADES, reference, sign, template};
use crate::xades::{NoContents, create};

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A country with an operator of its scheme.
struct Country {
    pki: DevPki,
    operator: Identity,
}

impl Country {
    fn new() -> Self {
        let pki = DevPki::new(NOW, Duration::days(1000), "").unwrap();
        let operator = operator(&pki, NOW + Duration::days(300));
        Self { pki, operator }
    }

    fn list(&self, number: u64) -> TrustList {
        let kind = ServiceType::QualifiedCertificates(Scheme::Ukrainian);
        let service = lists::service("CA", kind, self.pki.issuing_ca(), &[(ServiceStatus::Granted, NOW)]);
        let mut list = lists::list("UA", NOW - Duration::days(1), vec![lists::provider("QTSP", vec![service])]);
        list.sequence_number = number;
        list
    }

    fn signed(&self, list: &TrustList) -> String {
        signed(&lists::tag(list).to_xml(), &self.operator)
    }

    fn signers(&self) -> Vec<Certificate> {
        vec![self.pki.issuing_ca().clone(), self.operator.certificate.clone()]
    }

    fn believes(&self, text: &str) -> Result<AuthenticatedList, ListRefused> {
        authenticate(text.as_bytes(), &self.signers(), &suite::UKRAINIAN, NOW)
    }

    fn code(&self, text: &str) -> &'static str {
        self.believes(text).unwrap_err().code()
    }
}

fn operator(pki: &DevPki, until: OffsetDateTime) -> Identity {
    pki.issue(profile(until)).unwrap()
}

fn profile(until: OffsetDateTime) -> Profile {
    Profile {
        common_name: "Operator of lists".into(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Seal,
        key: KeyKind::Ed25519,
        not_before: NOW - Duration::days(900),
        not_after: until,
        dns_names: Vec::new(),
    }
}

/// The signature that TS 119 612, annex B asks for, at the end of the list.
pub(crate) fn signed(list: &str, operator: &Identity) -> String {
    let unsigned = with_signature(list, &reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]), &operator.certificate);
    sign(&operator.key, &unsigned, &NoContents)
}

fn with_signature(list: &str, whole: &str, certificate: &Certificate) -> String {
    let digest = STANDARD.encode(sha256(certificate.der()));
    let properties = format!(
        "<ds:Object><x:QualifyingProperties xmlns:x=\"{XADES}\" Target=\"#sig\"><x:SignedProperties Id=\"props\"><x:SignedSignatureProperties>\
         <x:SigningTime>2026-11-25T12:00:00Z</x:SigningTime><x:SigningCertificateV2><x:Cert><x:CertDigest>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{digest}</ds:DigestValue>\
         </x:CertDigest></x:Cert></x:SigningCertificateV2></x:SignedSignatureProperties></x:SignedProperties>\
         </x:QualifyingProperties></ds:Object>"
    );
    let key = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        STANDARD.encode(certificate.der())
    );
    let to_properties = reference("URI=\"#props\" Type=\"http://uri.etsi.org/01903#SignedProperties\"", &[EXCLUSIVE]);
    let signature = template("sig", &(whole.to_owned() + &to_properties), &(key + &properties));
    let end = list.rfind("</").unwrap();
    format!("{}{signature}{}", &list[..end], &list[end..])
}

#[test]
fn a_list_that_is_signed_by_whom_it_should_is_believed() {
    let country = Country::new();
    let text = country.signed(&country.list(7));
    let believed = country.believes(&text).unwrap();
    assert_eq!((believed.list().territory.as_str(), believed.list().sequence_number), ("UA", 7));
    assert_eq!(believed.list().sha256, sha256(text.as_bytes()));
    assert_eq!(believed.signer(), &country.operator.certificate);
    assert_eq!(believed.list().providers.len(), 1);
    assert!(believed.list().faults.is_empty());
}

/// As the central authority of Ukraine signs its own.
#[test]
fn lists_are_signed_with_national_algorithms_too() {
    let key = KeyKind::Dstu4145(dstu4145::Curve::M257);
    let pki = DevPki::of(Family::Dstu4145, NOW - Duration::days(900), Duration::days(2000), "").unwrap();
    let operator = pki.issue(Profile { key, ..profile(NOW + Duration::days(300)) }).unwrap();
    let text = lists::tag(&Country::new().list(7)).to_xml();
    for digest in [DigestAlgorithm::Kupyna256, DigestAlgorithm::Gost34311] {
        let signatory = Signatory {
            chain: std::slice::from_ref(&operator.certificate),
            algorithm: SignatureAlgorithm::Dstu4145(digest),
            signing_time: NOW,
        };
        let list = create::sign(text.as_bytes(), &operator.key, &signatory, &create::Options::default()).unwrap();
        let signers = [operator.certificate.clone()];
        let believed = authenticate(&list, &signers, &suite::UKRAINIAN, NOW).unwrap();
        assert_eq!(believed.list().sequence_number, 7);
        let refused = authenticate(&list, &signers, &suite::TS_119_312, NOW).unwrap_err();
        assert_eq!(refused.code(), "trust_list.weak_algorithm", "not of the European suite");
        let changed = String::from_utf8(list).unwrap().replace(">7<", ">8<");
        let refused = authenticate(changed.as_bytes(), &signers, &suite::UKRAINIAN, NOW).unwrap_err();
        assert_eq!(refused.code(), "xades.reference_changed");
    }
}

#[test]
fn a_list_signed_by_a_stranger_is_named_and_refused() {
    let (country, neighbour) = (Country::new(), Country::new());
    let text = neighbour.signed(&country.list(7));
    let refused = country.believes(&text).unwrap_err();
    assert_eq!(refused.code(), "trust_list.stranger");
    assert!(refused.to_string().contains("Operator of lists"), "{refused}");
    assert_eq!(authenticate(text.as_bytes(), &[], &suite::UKRAINIAN, NOW).unwrap_err().code(), "trust_list.stranger");
    // Who names the operator's certificate needs the operator's key.
    let list = lists::tag(&country.list(7)).to_xml();
    let whole = reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]);
    let forged =
        sign(&neighbour.operator.key, &with_signature(&list, &whole, &country.operator.certificate), &NoContents);
    assert_eq!(country.code(&forged), "xades.value_wrong");
}

#[test]
fn a_list_that_was_changed_is_refused() {
    let country = Country::new();
    let text = country.signed(&country.list(7));
    for (from, to) in [("Svcstatus/granted", "Svcstatus/withdrawn"), (">7<", ">8<"), ("QTSP", "QTSX")] {
        assert!(text.contains(from), "{from}");
        assert_eq!(country.code(&text.replace(from, to)), "xades.reference_changed", "{from}");
    }
}

#[test]
fn what_is_no_signed_list_is_refused() {
    let country = Country::new();
    let list = lists::tag(&country.list(7)).to_xml();
    let text = country.signed(&country.list(7));
    assert_eq!(country.code(&list), "trust_list.unsigned");
    assert_eq!(country.code("<!DOCTYPE html><html><body>Maintenance</body></html>"), "xml.doctype");
    assert_eq!(country.code("<html><body>Maintenance</body></html>"), "trust_list.not_a_list");
    assert_eq!(country.code(""), "xml.malformed");
    assert_eq!(country.code(&text[..text.len() / 2]), "xml.malformed");
    assert_eq!(country.code(&"<a>".repeat(10_000)), "xml.malformed");
    let (start, end) = (text.find("<ds:Signature ").unwrap(), text.rfind("</ds:Signature>").unwrap());
    let signature = &text[start..end + "</ds:Signature>".len()];
    let second = signature.replace("\"sig", "\"other").replace("props", "more");
    assert_eq!(
        country.code(&text.replace(signature, &format!("{signature}{second}"))),
        "trust_list.several_signatures"
    );
}

/// The signature must stand in the list itself and cover all of it.
#[test]
fn a_signature_over_a_part_of_a_list_is_refused() {
    let country = Country::new();
    let list = lists::tag(&country.list(7)).to_xml();
    let covering = |whole: &str| {
        sign(&country.operator.key, &with_signature(&list, whole, &country.operator.certificate), &NoContents)
    };
    let nothing = covering("");
    assert_eq!(country.code(&nothing), "trust_list.not_the_whole");
    // A whole list, signed, inside of another one.
    let text = country.signed(&country.list(7));
    let inner = text.split_once("?>").map_or(text.as_str(), |(_, rest)| rest);
    let end = list.rfind("</").unwrap();
    let wrapped = format!("{}{inner}{}", &list[..end], &list[end..]);
    assert_eq!(country.code(&wrapped), "trust_list.not_the_whole");
}

#[test]
fn a_signature_that_names_no_certificate_is_refused() {
    let country = Country::new();
    let list = lists::tag(&country.list(7)).to_xml();
    let end = list.rfind("</").unwrap();
    let bare = template("sig", &reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]), "");
    let text = sign(&country.operator.key, &format!("{}{bare}{}", &list[..end], &list[end..]), &NoContents);
    assert_eq!(country.code(&text), "trust_list.no_signing_certificate");
}

#[test]
fn a_signer_that_has_expired_signs_nothing_new() {
    let mut country = Country::new();
    country.operator = operator(&country.pki, NOW - Duration::hours(1));
    let text = country.signed(&country.list(7));
    assert_eq!(country.code(&text), "trust_list.signer_expired");
    let former = authenticate_as_issued(text.as_bytes(), &country.signers(), &suite::UKRAINIAN);
    assert!(former.is_ok(), "when it was issued the certificate was valid");
}

#[test]
fn algorithms_that_are_not_relied_on_sign_nothing() {
    let country = Country::new();
    let text = country.signed(&country.list(7));
    // The European suite does not have the curve of this signer.
    let refused = authenticate(text.as_bytes(), &country.signers(), &suite::TS_119_312, NOW).unwrap_err();
    assert_eq!(refused.code(), "trust_list.weak_algorithm");
    let without_digest = Suite { digests: &[], ..suite::UKRAINIAN };
    let refused = authenticate(text.as_bytes(), &country.signers(), &without_digest, NOW).unwrap_err();
    assert_eq!(refused.code(), "trust_list.weak_algorithm");
}

#[test]
fn what_is_authentic_and_no_list_is_refused_by_its_content() {
    let country = Country::new();
    let seven = TrustList { version: 7, ..country.list(7) };
    assert_eq!(country.code(&country.signed(&seven)), "trust_list.version");
}

#[test]
fn numbers_and_dates_do_not_go_back() {
    let country = Country::new();
    let believed = |change: &dyn Fn(&mut TrustList)| {
        let mut list = country.list(7);
        change(&mut list);
        country.believes(&country.signed(&list)).unwrap()
    };
    let held = believed(&|_| ());
    let code = |list: &AuthenticatedList, held: Option<&AuthenticatedList>| {
        list.may_replace(held, NOW).err().map(|refused| refused.code())
    };
    assert_eq!(code(&held, None), None);
    assert_eq!(code(&held, Some(&held)), None, "the same list");
    assert_eq!(code(&believed(&|list| list.sequence_number = 8), Some(&held)), None);
    assert_eq!(code(&believed(&|list| list.sequence_number = 6), Some(&held)), Some("trust_list.older"));
    let backdated = believed(&|list| {
        list.sequence_number = 8;
        list.issued_at = NOW - Duration::days(9);
    });
    assert_eq!(code(&backdated, Some(&held)), Some("trust_list.older"));
    let twin = believed(&|list| list.next_update = Some(NOW + Duration::days(9)));
    assert_eq!(code(&twin, Some(&held)), Some("trust_list.same_number"));
    let other = believed(&|list| list.territory = "EE".into());
    assert_eq!(code(&other, Some(&held)), Some("trust_list.another_list"));
    let future = believed(&|list| list.issued_at = NOW + Duration::hours(1));
    assert_eq!(code(&future, None), Some("trust_list.not_yet"));
    let late = believed(&|list| list.next_update = Some(NOW - Duration::hours(1)));
    assert_eq!(code(&late, None), Some("trust_list.expired"));
    assert!(late.is_overdue(NOW) && !held.is_overdue(NOW));
    let ended = believed(&|list| list.next_update = None);
    assert_eq!(code(&ended, None), Some("trust_list.ended"));
}

/// Issues of a list of lists: each signed by whom the one before announced.
struct Lists {
    first: Country,
    signers: Vec<Identity>,
}

impl Lists {
    fn new() -> Self {
        let first = Country::new();
        let signers = (0..3).map(|_| operator(&first.pki, NOW + Duration::days(300))).collect();
        Self { first, signers }
    }

    /// Issue `number`, signed by one signer and announcing another.
    fn issue(&self, number: u64, by: usize, announcing: usize) -> Vec<u8> {
        let certificate = self.signers[announcing].certificate.clone();
        let own =
            Pointer { kind: Some(ListKind::Lists), ..lists::pointer("EU", "https://a/lotl.xml", vec![certificate]) };
        let member = lists::pointer("EE", "https://a/ee.xml", vec![self.first.operator.certificate.clone()]);
        let mut list = lists::list_of_lists("EU", NOW - Duration::days(1), vec![own, member]);
        list.sequence_number = number;
        list.information = ["pivot-9.xml", "pivot-5.xml", "oj.html"].map(|name| format!("https://a/{name}")).into();
        signed(&lists::tag(&list).to_xml(), &self.signers[by]).into_bytes()
    }

    fn follow(&self, octets: &[u8], pivots: &[Vec<u8>]) -> Result<u64, PivotRefused> {
        let published = [self.signers[0].certificate.clone()];
        let list = authenticate_along(octets, &published, pivots, &suite::UKRAINIAN, Some(NOW))?;
        Ok(list.list().sequence_number)
    }
}

#[test]
fn pivots_lead_from_the_published_signers_to_those_of_today() {
    let lists = Lists::new();
    let pivots = [lists.issue(5, 0, 1), lists.issue(9, 1, 2)];
    let today = lists.issue(12, 2, 2);
    assert_eq!(lists.follow(&today, &pivots), Ok(12));
    assert_eq!(pivot_locations(&today).unwrap(), ["https://a/pivot-5.xml", "https://a/pivot-9.xml"]);
    // The issue that changes the signers is a pivot itself, and signed by those of before.
    assert_eq!(lists.follow(&pivots[1], &pivots), Ok(9));
    assert_eq!(lists.follow(&lists.issue(3, 0, 0), &[]), Ok(3));
}

#[test]
fn a_pivot_that_is_missing_broken_or_of_another_breaks_the_way() {
    let lists = Lists::new();
    let (one, two, today) = (lists.issue(5, 0, 1), lists.issue(9, 1, 2), lists.issue(12, 2, 2));
    let code = |pivots: &[Vec<u8>]| {
        let refused = lists.follow(&today, pivots).unwrap_err();
        (refused.pivot, refused.cause.code())
    };
    assert_eq!(code(&[]), (None, "trust_list.stranger"));
    assert_eq!(code(std::slice::from_ref(&one)), (None, "trust_list.stranger"));
    assert_eq!(code(std::slice::from_ref(&two)), (Some(1), "trust_list.stranger"));
    assert_eq!(code(&[two.clone(), one.clone()]), (Some(1), "trust_list.stranger"));
    let changed = String::from_utf8(one.clone()).unwrap().replace(">5<", ">6<").into_bytes();
    assert_eq!(code(&[changed, two.clone()]), (Some(1), "xades.reference_changed"));
    assert_eq!(code(&[one.clone(), b"<html/>".to_vec()]), (Some(2), "trust_list.not_a_list"));
    let back = lists.issue(4, 1, 2);
    assert_eq!(code(&[one.clone(), back]), (Some(2), "trust_list.older"));
    let stale = lists.issue(8, 2, 2);
    let refused = lists.follow(&stale, &[one, two]).unwrap_err();
    assert_eq!((refused.pivot, refused.cause.code()), (None, "trust_list.older"));
}

#[test]
fn refusals_speak_both_languages() {
    for refused in [
        ListRefused::NotAList,
        ListRefused::Unsigned,
        ListRefused::SeveralSignatures,
        ListRefused::NotTheWhole,
        ListRefused::NoSigningCertificate,
        ListRefused::Stranger(Some("CN=Somebody".into())),
        ListRefused::SignerExpired(NOW),
        ListRefused::WeakAlgorithm,
        ListRefused::Older(1, 2),
        ListRefused::SameNumber(1),
        ListRefused::AnotherList("EE".into()),
        ListRefused::NotYet(NOW),
        ListRefused::Expired(NOW),
        ListRefused::Ended,
    ] {
        let reason = refused.reason();
        assert!(reason.text_en.is_ascii() && reason.text_en.ends_with('.'), "{}", reason.text_en);
        assert!(reason.text_uk.chars().any(|c| ('а'..='я').contains(&c)), "{}", reason.text_uk);
        assert!(reason.clause.starts_with("ETSI TS 119 61"), "{}", reason.clause);
    }
}
