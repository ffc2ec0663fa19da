//! One test for each way in which an XML signature may say something else than it seems to. BAD_INPUTS: the XML rows.

use super::contents::{Files, NoContents};
use super::testing::*;
use super::*;
use crate::xml::{Limits, Source, Target};

/// An enveloped signature with its properties over a small document.
fn enveloped(key: &crypto::key::SoftwareKey) -> String {
    let references = reference("URI=\"\"", &[ENVELOPED, EXCLUSIVE]) + &properties_reference();
    let signature = template("sig", &references, &properties(""));
    sign(key, &format!("<order><sum>10</sum>{signature}</order>"), &NoContents)
}

/// Any signature over `references` with properties, over nothing else.
fn over(key: &crypto::key::SoftwareKey, references: &str, content: &str, contents: &dyn Contents) -> String {
    let signature = template("sig", &(references.to_owned() + &properties_reference()), &properties(""));
    sign(key, &format!("<root>{content}{signature}</root>"), contents)
}

#[test]
fn what_is_signed_is_handed_on() {
    let key = key();
    let xml = enveloped(&key);
    with_checked(&xml, &NoContents, |document, checked| {
        let verified = checked.verify(key_public(&key), &mut budget()).unwrap();
        assert_eq!(verified.document_element(), Some(document.root_element()));
        let properties = verified.signed_properties().unwrap();
        let facts = SignedFacts::read(properties.node(), properties.namespace());
        assert_eq!(facts.signing_time, Some(time::macros::datetime!(2026-11-23 12:00 UTC)));
        let sum = document.root_element().first_element_child().unwrap();
        assert!(verified.covers(sum));
        let value = document.root().descendants().find(|node| node.has_tag_name((XMLDSIG, "SignatureValue"))).unwrap();
        assert!(!verified.covers(value), "what is in the signature is not covered by the reference to the document");
    });
}

fn key_public(key: &crypto::key::SoftwareKey) -> &crypto::key::PublicKey {
    crypto::key::KeyHandle::public_key(key)
}

fn budget() -> crate::xml::canonical::Budget {
    crate::xml::canonical::Budget::for_document(0)
}

#[test]
fn a_changed_document_is_found_out() {
    let key = key();
    let xml = enveloped(&key);
    assert_eq!(faults_alone(&key, &xml.replace("<sum>10", "<sum>99")), [Fault::ReferenceChanged]);
    assert_eq!(faults_alone(&key, &xml.replace("T12:00:00Z", "T13:00:00Z")), [Fault::ReferenceChanged]);
    assert_eq!(faults_alone(&key, &xml.replace("<sum>", "<sum >")), []);
    assert_eq!(faults_alone(&testing::key(), &xml), [Fault::ValueWrong]);
}

#[test]
fn a_changed_reference_is_a_wrong_value() {
    let key = key();
    let xml = enveloped(&key);
    let cut = xml.replace(&format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"/>"), "");
    assert!(faults_alone(&key, &cut).contains(&Fault::ValueWrong));
}

/// Wrapping: the signed element is moved aside, and another one is put where the application looks.
#[test]
fn an_element_that_was_moved_does_not_vouch_for_its_old_place() {
    let key = key();
    let xml = over(&key, &reference("URI=\"#o1\"", &[EXCLUSIVE]), "<order Id=\"o1\">10</order>", &NoContents);
    let wrapped = xml
        .replace("<order Id=\"o1\">10</order>", "<order Id=\"o2\">99</order>")
        .replace("</root>", "<aside><order Id=\"o1\">10</order></aside></root>");
    with_checked(&wrapped, &NoContents, |document, checked| {
        let verified = checked.verify(key_public(&key), &mut budget()).unwrap();
        let Target::Element(fake) = document.element_by_id("o2") else { panic!("no order") };
        assert!(!verified.covers(fake));
        assert_eq!(verified.document_element(), None);
    });
}

#[test]
fn an_id_of_two_elements_leads_nowhere() {
    let key = key();
    let xml = over(&key, &reference("URI=\"#o1\"", &[EXCLUSIVE]), "<order Id=\"o1\">10</order>", &NoContents);
    for twin in ["Id", "ID", "id", "xml:id"] {
        let doubled = xml.replace("</root>", &format!("<order {twin}=\"o1\">99</order></root>"));
        assert_eq!(faults_alone(&key, &doubled), [Fault::DuplicateId], "{twin}");
    }
    let elsewhere = xml.replace("</root>", "<order Id=\"o9\">99</order><order Id=\"o9\">98</order></root>");
    assert_eq!(faults_alone(&key, &elsewhere), [], "nothing refers to it");
}

/// Wrapping of the properties: the signed ones are moved aside, others stand in their place.
#[test]
fn signed_properties_that_were_replaced_are_found_out() {
    let key = key();
    let xml = over(&key, "", "", &NoContents);
    let start = xml.find("<x:SignedProperties").unwrap();
    let end = xml.find("</x:SignedProperties>").unwrap() + "</x:SignedProperties>".len();
    let signed = xml[start..end].to_owned();
    let fake = signed.replace("props", "other").replace("2026", "2020");
    let aside = format!("<ds:Object><aside xmlns:x=\"{XADES}\">{signed}</aside></ds:Object>");
    let wrapped = xml.replace(&signed, &fake).replace("</ds:SignatureValue>", &format!("</ds:SignatureValue>{aside}"));
    assert_eq!(faults_alone(&key, &wrapped), [Fault::PropertiesWrapped]);
    // The same with the signed ones outside of the signature.
    let outside =
        xml.replace(&signed, &fake).replace("</root>", &format!("<aside xmlns:x=\"{XADES}\">{signed}</aside></root>"));
    assert_eq!(faults_alone(&key, &outside), [Fault::PropertiesWrapped]);
}

#[test]
fn properties_stand_once_and_are_the_signature_s_own() {
    let key = key();
    let xml = over(&key, "", "", &NoContents);
    let second = properties("").replace("props", "more");
    let doubled = xml.replace("</ds:Signature>", &format!("{second}</ds:Signature>"));
    assert!(faults_alone(&key, &doubled).contains(&Fault::PropertiesMisplaced));
    let foreign = xml.replace("Target=\"#sig\"", "Target=\"#other\"");
    assert!(faults_alone(&key, &foreign).contains(&Fault::PropertiesMisplaced));
    let by_address =
        format!("<ds:Object><x:QualifyingPropertiesReference xmlns:x=\"{XADES}\" URI=\"http://a/\"/></ds:Object>");
    let away = xml.replace("</ds:Signature>", &format!("{by_address}</ds:Signature>"));
    assert!(faults_alone(&key, &away).contains(&Fault::PropertiesMisplaced));
}

#[test]
fn properties_that_no_reference_covers_are_not_signed() {
    let key = key();
    let references = reference("URI=\"\"", &[ENVELOPED]);
    let xml = sign(&key, &format!("<a>{}</a>", template("sig", &references, &properties(""))), &NoContents);
    assert_eq!(faults_alone(&key, &xml), [Fault::PropertiesUnsigned]);
    // By their Id alone, as LibreOffice has it.
    let references = reference("URI=\"#props\"", &[EXCLUSIVE]);
    let xml = sign(&key, &format!("<a>{}</a>", template("sig", &references, &properties(""))), &NoContents);
    assert_eq!(faults_alone(&key, &xml), []);
    // Covered, but as something else.
    let references = reference("URI=\"#props\" Type=\"http://www.w3.org/2000/09/xmldsig#Object\"", &[EXCLUSIVE]);
    let xml = sign(&key, &format!("<a>{}</a>", template("sig", &references, &properties(""))), &NoContents);
    assert_eq!(faults_alone(&key, &xml), [Fault::PropertiesUnsigned]);
    // Two references of the type.
    let references = properties_reference() + &properties_reference();
    let xml = sign(&key, &format!("<a>{}</a>", template("sig", &references, &properties(""))), &NoContents);
    assert_eq!(faults_alone(&key, &xml), [Fault::PropertiesWrapped]);
}

#[test]
fn nothing_is_fetched() {
    let key = key();
    let served = Files(&[("a.txt", b"content")]);
    for address in ["http://127.0.0.1/a", "https://a/b", "file:///etc/passwd", "//host/a", "ftp://a/"] {
        let xml = over(&key, &reference(&format!("URI=\"{address}\""), &[]), "", &served);
        assert_eq!(faults_alone(&key, &xml), [Fault::RemoteReference], "{address}");
    }
    let xml = over(&key, &reference("URI=\"a.txt\"", &[]), "", &served);
    assert_eq!(faults(&key, &xml, &served), []);
    assert_eq!(faults_alone(&key, &xml), [Fault::ContentMissing]);
    let two = Files(&[("a.txt", b"content"), ("b.txt", b"content")]);
    assert_eq!(faults(&key, &xml, &two), []);
    assert_eq!(faults(&key, &xml, &Files(&[("a.txt", b"changed")])), [Fault::ReferenceChanged]);
    // An address of a key is no key.
    let retrieval = "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://127.0.0.1/key\"/></ds:KeyInfo>";
    let source_text = xml.replace("</ds:SignatureValue>", &format!("</ds:SignatureValue>{retrieval}"));
    let source = Source::read(source_text.as_bytes(), &Limits::DOCUMENT).unwrap();
    let document = source.parse().unwrap();
    assert!(XmlSignature::read(signatures(&document)[0]).unwrap().certificates.is_empty());
}

#[test]
fn references_lead_to_what_is_there_in_forms_that_are_known() {
    let key = key();
    let xml = over(&key, &reference("URI=\"#o1\"", &[EXCLUSIVE]), "<order Id=\"o1\">10</order>", &NoContents);
    assert!(faults_alone(&key, &xml.replace("<order Id=\"o1\">", "<order>")).contains(&Fault::ReferenceMissing));
    assert!(
        faults_alone(&key, &xml.replace("URI=\"#o1\"", "URI=\"#xpointer(//order)\"")).contains(&Fault::ReferenceForm)
    );
}

#[test]
fn programs_and_selections_are_not_run() {
    let key = key();
    let xml = over(&key, &reference("URI=\"\"", &[ENVELOPED]), "", &NoContents);
    let with = |algorithm: &str, inner: &str| {
        let transform = format!("<ds:Transform Algorithm=\"{algorithm}\">{inner}</ds:Transform>");
        faults_alone(&key, &xml.replace(&format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>"), &transform))
    };
    let xslt = "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"/>";
    assert!(with("http://www.w3.org/TR/1999/REC-xslt-19991116", xslt).contains(&Fault::TransformRefused));
    let all_but_the_sum = "<ds:XPath>not(ancestor-or-self::sum)</ds:XPath>";
    assert!(with("http://www.w3.org/TR/1999/REC-xpath-19991116", all_but_the_sum).contains(&Fault::XPathRefused));
    let many = format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>").repeat(9);
    let crowded = xml.replace(&format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>"), &many);
    assert!(faults_alone(&key, &crowded).contains(&Fault::TooManyTransforms));
}

/// After a canonical form there are octets. Parsing them again and leaving something out would cover less than it says.
#[test]
fn nothing_is_left_out_after_a_canonical_form() {
    let key = key();
    let xml = over(&key, &reference("URI=\"\"", &[ENVELOPED]), "", &NoContents);
    let reordered = xml.replace(
        &format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>"),
        &format!("<ds:Transform Algorithm=\"{EXCLUSIVE}\"/><ds:Transform Algorithm=\"{ENVELOPED}\"/>"),
    );
    assert!(faults_alone(&key, &reordered).contains(&Fault::TransformInput));
}

#[test]
fn whoever_signs_themselves_signs_nothing() {
    let key = key();
    let xml = over(&key, &reference("URI=\"#o1\"", &[EXCLUSIVE]), "<order Id=\"o1\">10</order>", &NoContents);
    let itself = xml.replace(
        "URI=\"#o1\"><ds:Transforms>",
        &format!("URI=\"#sig\"><ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"/>"),
    );
    assert!(faults_alone(&key, &itself).contains(&Fault::TransformInput));
}

#[test]
fn a_message_authentication_code_is_no_signature() {
    let key = key();
    let xml = enveloped(&key);
    for code in ["http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"] {
        assert!(faults_alone(&key, &xml.replace(ED25519, code)).contains(&Fault::AuthenticationCode), "{code}");
    }
    let method = format!("<ds:SignatureMethod Algorithm=\"{ED25519}\"/>");
    let truncated = format!(
        "<ds:SignatureMethod Algorithm=\"{ED25519}\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"
    );
    assert!(faults_alone(&key, &xml.replace(&method, &truncated)).contains(&Fault::AuthenticationCode));
}

#[test]
fn algorithms_are_known_and_belong_to_the_key() {
    let key = key();
    let xml = enveloped(&key);
    let method = |uri: &str| faults_alone(&key, &xml.replace(ED25519, uri));
    assert_eq!(method("http://www.w3.org/2000/09/xmldsig#dsa-sha1"), [Fault::AlgorithmUnknown]);
    assert_eq!(method("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"), [Fault::AlgorithmsDisagree]);
    let canonical = xml.replacen(EXCLUSIVE, "http://www.w3.org/2000/09/xmldsig#minimal", 1);
    assert_eq!(faults_alone(&key, &canonical), [Fault::CanonicalizationUnknown]);
    let digest =
        xml.replacen("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#md5", 1);
    assert_eq!(faults_alone(&key, &digest), [Fault::DigestUnknown, Fault::ValueWrong]);
}

/// The signature algorithm alone does not tell how strong a signature is.
#[test]
fn weak_digests_of_references_are_told() {
    use crypto::digest::DigestAlgorithm::{Sha1, Sha256};
    let key = key();
    let weak = reference("URI=\"a.txt\"", &[])
        .replace("http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1");
    let files = Files(&[("a.txt", b"content")]);
    let xml = over(&key, &weak, "", &files);
    let algorithms = with_checked(&xml, &files, |_, checked| {
        checked.verify(key_public(&key), &mut budget()).unwrap().digest_algorithms()
    });
    assert_eq!(algorithms, [Sha1, Sha256]);
}

#[test]
fn a_counter_signature_is_over_the_signature_in_which_it_stands() {
    let key = key();
    let counter = template("counter", &reference("URI=\"#sig-value\"", &[EXCLUSIVE]), "");
    let unsigned = format!(
        "<x:UnsignedProperties><x:UnsignedSignatureProperties><x:CounterSignature>{counter}</x:CounterSignature>\
         </x:UnsignedSignatureProperties></x:UnsignedProperties>"
    );
    let signature = template("sig", &properties_reference(), &properties(&unsigned));
    let countersigns = |xml: &str| {
        with_checked(xml, &NoContents, |document, checked| {
            let properties = checked.unverified_properties().unwrap();
            let counter = XmlSignature::read(counter_signatures(&properties)[0]).unwrap();
            let outer = XmlSignature::read(signatures(document)[0]).unwrap();
            let checked = check(document, &counter, &NoContents, &mut budget());
            checked.verify(key_public(&key), &mut budget()).unwrap().countersigns(&outer)
        })
    };
    // The value that is countersigned must be there first: the one in front is filled in first, and digests before values.
    let unfinished = format!("<a>{}</a>", signature.replace(&counter, ""));
    let finished = sign(&key, &unfinished, &NoContents);
    let with_counter = |reference_uri: &str| {
        let counter = counter.replace("#sig-value", reference_uri);
        let xml = finished.replace(
            "<x:CounterSignature></x:CounterSignature>",
            &format!("<x:CounterSignature>{counter}</x:CounterSignature>"),
        );
        sign(&key, &xml.replace("</a>", "<decoy Id=\"decoy\"/></a>"), &NoContents)
    };
    let good = with_counter("#sig-value");
    assert!(countersigns(&good));
    assert_eq!(with_checked(&good, &NoContents, |document, _| signatures(document).len()), 1);
    assert!(!countersigns(&with_counter("#decoy")), "it verifies, but over something else");
}

#[test]
fn what_a_manifest_lists_is_checked() {
    let key = key();
    let files = Files(&[("a.txt", b"content"), ("b.txt", b"more")]);
    let listed = reference("URI=\"a.txt\"", &[]) + &reference("URI=\"b.txt\"", &[]);
    let manifest = format!("<ds:Object><ds:Manifest Id=\"list\">{listed}</ds:Manifest></ds:Object>");
    let typed = reference("URI=\"#list\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"", &[EXCLUSIVE]);
    let signature = template("sig", &(typed + &properties_reference()), &(properties("") + &manifest));
    let xml = sign(&key, &format!("<a>{signature}</a>"), &files);
    assert_eq!(faults(&key, &xml, &files), []);
    let number =
        with_checked(&xml, &files, |_, checked| checked.references().iter().filter(|one| one.in_manifest).count());
    assert_eq!(number, 2);
    assert_eq!(faults(&key, &xml, &Files(&[("a.txt", b"content"), ("b.txt", b"else")])), [Fault::ReferenceChanged]);
    assert_eq!(faults(&key, &xml, &Files(&[("a.txt", b"content"), ("c.txt", b"more")])), [Fault::ContentMissing]);
    // What is called a manifest and is none.
    let other =
        xml.replace("<ds:Manifest Id=\"list\">", "<ds:Manifest Id=\"was\">").replace("<a>", "<a><b Id=\"list\"/>");
    assert!(faults(&key, &other, &files).contains(&Fault::ReferenceChanged));
}

#[test]
fn values_are_in_one_piece() {
    let key = key();
    let xml = enveloped(&key);
    for name in ["SignatureValue", "DigestValue"] {
        let split = xml.replacen(&format!("</ds:{name}>"), &format!("<!-- -->AAAA</ds:{name}>"), 1);
        let source = Source::read(split.as_bytes(), &Limits::DOCUMENT).unwrap();
        let document = source.parse().unwrap();
        let fault = match XmlSignature::read(signatures(&document)[0]) {
            Err(fault) => vec![fault],
            Ok(_) => faults_alone(&key, &split),
        };
        assert!(fault.contains(&Fault::Structure), "{name}");
    }
}

#[test]
fn signatures_have_the_shape_of_the_schema() {
    let key = key();
    let xml = enveloped(&key);
    let shape = |xml: &str| {
        let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
        let document = source.parse().unwrap();
        XmlSignature::read(signatures(&document)[0]).err()
    };
    assert_eq!(shape(&xml), None);
    for changed in [
        xml.replace("</ds:SignedInfo>", "</ds:SignedInfo>text"),
        xml.replace("</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo/>"),
        xml.replace("</ds:SignatureValue>", "</ds:SignatureValue><ds:SignatureValue/>"),
        xml.replace("<ds:Object>", "<x:Object xmlns:x=\"urn:x\"/><ds:Object>"),
        xml.replace("<ds:DigestValue>", "<ds:Other/><ds:DigestValue>"),
    ] {
        assert_eq!(shape(&changed), Some(Fault::Structure), "{changed}");
    }
    let one = reference("URI=\"#a\"", &[]);
    let crowded = format!(
        "<a>{}</a>",
        template("sig", &one.repeat(1025), "")
            .replace("<ds:SignatureValue Id=\"sig-value\"/>", "<ds:SignatureValue>AA==</ds:SignatureValue>")
    );
    assert_eq!(shape(&crowded), Some(Fault::TooManyReferences));
}

/// A thousand references over a megabyte are a gigabyte.
#[test]
fn many_references_over_much_spend_the_budget() {
    let key = key();
    let content = format!("<b>{}</b>", "x".repeat(200_000));
    let references = reference("URI=\"\"", &[ENVELOPED]).repeat(800);
    let xml = format!("<a>{content}{}</a>", template("sig", &references, ""));
    let filled = xml.replace("<ds:DigestValue/>", &format!("<ds:DigestValue>{}=</ds:DigestValue>", "A".repeat(43)));
    let filled = filled.replace("<ds:SignatureValue Id=\"sig-value\"/>", "<ds:SignatureValue>AA==</ds:SignatureValue>");
    assert!(faults_alone(&key, &filled).contains(&Fault::TooMuchWork));
}

#[test]
fn what_writes_nothing_spends_the_budget_too() {
    let key = key();
    let all = "http://www.w3.org/TR/1999/REC-xpath-19991116";
    let xpath = format!(
        "<ds:Transform Algorithm=\"{all}\"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>"
    );
    let plain = reference("URI=\"\"", &[ENVELOPED]).repeat(1000);
    let references = plain.replace(&format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>"), &xpath.repeat(8));
    let hidden = format!("<ds:Object>{}</ds:Object>", "<b/>".repeat(20_000));
    let xml = format!("<a>{}</a>", template("sig", &references, &hidden));
    let filled = xml.replace("<ds:DigestValue/>", &format!("<ds:DigestValue>{}=</ds:DigestValue>", "A".repeat(43)));
    let filled = filled.replace("<ds:SignatureValue Id=\"sig-value\"/>", "<ds:SignatureValue>AA==</ds:SignatureValue>");
    assert!(faults_alone(&key, &filled).contains(&Fault::TooMuchWork));
}

#[test]
fn a_content_is_hashed_once_for_all_references() {
    struct Counted(std::cell::Cell<usize>);
    impl Contents for Counted {
        fn digest(
            &self,
            _: Option<&str>,
            algorithm: crypto::digest::DigestAlgorithm,
        ) -> Option<crypto::digest::Digest> {
            self.0.set(self.0.get() + 1);
            Some(crypto::digest::digest(algorithm, b"content"))
        }
        fn octets(&self, _: Option<&str>) -> Option<&[u8]> {
            Some(b"content")
        }
    }
    let (key, files) = (key(), Files(&[("a", b"content")]));
    let references: String = (0..50).map(|number| reference(&format!("URI=\"{number}.txt\""), &[])).collect();
    let xml = over(&key, &references, "", &files);
    let counted = Counted(std::cell::Cell::new(0));
    assert_eq!(faults(&key, &xml, &counted), []);
    assert_eq!(counted.0.get(), 1);
}

#[test]
fn manifests_are_few() {
    let key = key();
    let listed = reference("URI=\"#b\"", &[]);
    let manifest =
        format!("<ds:Object><ds:Manifest Id=\"list\">{listed}</ds:Manifest></ds:Object><ds:Object Id=\"b\"/>");
    let typed = reference("URI=\"#list\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"", &[EXCLUSIVE]);
    for (number, expected) in [(16, vec![]), (17, vec![Fault::TooManyReferences])] {
        let signature = template("sig", &typed.repeat(number), &manifest);
        let xml = sign(&key, &format!("<a>{signature}</a>"), &NoContents);
        assert_eq!(faults_alone(&key, &xml), expected);
    }
}

/// ECDSA values are two numbers side by side in XML, not the structure that certificates have.
#[test]
fn ecdsa_values_are_two_numbers() {
    use crypto::digest::DigestAlgorithm;
    use crypto::key::{Curve, KeyHandle, KeyKind, SoftwareKey};
    use crypto::signature::SignatureAlgorithm;
    let ecdsa = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    let xml = enveloped(&key()).replace(ED25519, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256");
    let value_of = |xml: &str| -> (String, Vec<u8>) {
        with_checked(xml, &NoContents, |document, _| {
            let node = signatures(document)[0];
            let signature = XmlSignature::read(node).unwrap();
            let method = transform::read_method(signature.signed_info.first_element_child().unwrap()).unwrap();
            let mut message = Vec::new();
            let signed = crate::xml::canonical::Selection::element(signature.signed_info, true);
            crate::xml::canonical::write(document, &signed, &method, &mut budget(), &mut |piece| {
                message.extend_from_slice(piece)
            })
            .unwrap();
            (crate::xml::read::text(signature.value_node).unwrap().to_owned(), message)
        })
    };
    let (old, message) = value_of(&xml);
    let der = ecdsa.sign(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256), &message).unwrap();
    let number = |at: usize| -> (Vec<u8>, usize) {
        let length = usize::from(der[at + 1]);
        let bare: Vec<u8> = der[at + 2..at + 2 + length].iter().copied().skip_while(|octet| *octet == 0).collect();
        (std::iter::repeat_n(0, 32 - bare.len()).chain(bare).collect(), at + 2 + length)
    };
    let (r, after) = number(2);
    let (s, _) = number(after);
    let encode = |value: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, value);
    let bare = xml.replace(&old, &encode(&[r, s].concat()));
    assert_eq!(faults_alone(&ecdsa, &bare), []);
    assert_eq!(faults_alone(&ecdsa, &xml.replace(&old, &encode(&der))), [Fault::ValueWrong]);
}
