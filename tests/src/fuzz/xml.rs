//! The functions for XML and its signatures, and their seeds.

use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{KeyHandle, KeyKind, SoftwareKey};
use signing::xades::{
    Covered, Files, SignedFacts, UnsignedValues, XmlSignature, check, imprint, signatures, time_stamps,
};
use signing::xml::canonical::{self, Budget, Form, Method, Selection};
use signing::xml::{Document, Limits, Source};
use std::sync::LazyLock;

use super::Target;

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "xml_document", seeds: document_seeds, run: xml_document },
    Target { name: "xml_signature", seeds: signature_seeds, run: xml_signature },
];

const LIMITS: Limits = Limits { octets: 64 * 1024, nodes: 4_000, ..Limits::DOCUMENT };

static KEY: LazyLock<SoftwareKey> = LazyLock::new(|| SoftwareKey::generate(KeyKind::Ed25519).unwrap());

fn canonical(document: &Document<'_>, form: Form) -> Vec<u8> {
    let (mut octets, mut budget) = (Vec::new(), Budget::new(16 * 1024 * 1024));
    let method = Method { form, comments: true, prefixes: Vec::new() };
    let whole = Selection::document(document, true);
    canonical::write(document, &whole, &method, &mut budget, &mut |piece| octets.extend_from_slice(piece)).unwrap();
    octets
}

/// A canonical form is a document, and its own canonical form. Every element can be written by itself.
///
/// # Panics
/// Where it is not.
pub fn xml_document(data: &[u8]) {
    let Ok(source) = Source::read(data, &LIMITS) else { return };
    let Ok(document) = source.parse() else { return };
    for form in [Form::Inclusive, Form::Inclusive11, Form::Exclusive] {
        let once = canonical(&document, form);
        let source = Source::read(&once, &Limits::DOCUMENT).expect("a canonical form is a text");
        let twice = canonical(&source.parse().expect("a canonical form is a document"), form);
        assert!(once == twice, "{form:?} is not its own canonical form");
    }
    for element in document.root().descendants().filter(|node| node.is_element()).take(16) {
        let selection = Selection::element(element, true);
        let mut budget = Budget::new(1024 * 1024);
        let _ = canonical::digest(&document, &selection, &Method::DEFAULT, DigestAlgorithm::Sha256, &mut budget);
        assert!(selection.contains(element));
    }
}

/// Nothing verifies under a key that has signed nothing, and what a reference covers has the digest that it names.
///
/// # Panics
/// Where it does not.
pub fn xml_signature(data: &[u8]) {
    let Ok(source) = Source::read(data, &LIMITS) else { return };
    let Ok(document) = source.parse() else { return };
    let files = Files(&[("a.txt", b"content"), ("b.xml", b"<b/>")]);
    for node in signatures(&document) {
        let Ok(signature) = XmlSignature::read(node) else { continue };
        let mut budget = Budget::new(4 * 1024 * 1024);
        let checked = check(&document, &signature, &files, &mut budget);
        for reference in checked.references() {
            if let Ok(Covered::Nodes(selection)) = &reference.result {
                assert!(document.node(selection.apex()).is_some());
            }
        }
        if let Some(properties) = checked.unverified_properties() {
            let _ = properties.signed.map(|signed| SignedFacts::read(signed, properties.namespace));
            let _ = UnsignedValues::read(&properties);
            for stamp in time_stamps(&properties) {
                let algorithm = DigestAlgorithm::Sha256;
                let _ = imprint(&document, &signature, &properties, &stamp, algorithm, &files, &mut budget);
            }
        }
        assert!(checked.verify(KEY.public_key(), &mut budget).is_err(), "nobody signed this");
    }
}

fn document_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- a --><?b c?><a xmlns=\"urn:1\" xmlns:p='urn:2' p:z='1' a=\"&lt;&#13;\"><b xmlns=''><![CDATA[<&>]]>&#x1F600;</b></a>",
        "<p:a xmlns:p='urn:1' xml:base='http://a/b' xml:lang='uk'><p:a xml:base='../c' Id='x'>\u{457}</p:a> <e/></p:a><!-- d -->",
        "<a><b Id='1'/><b ID='1'/><c id='2' xml:id='3'/></a>",
    ]
    .iter()
    .map(|seed| seed.as_bytes().to_vec())
    .collect();
    seeds.extend(signature_seeds());
    seeds
}

/// A signature whose references hold, with properties of every kind, and a value that is nobody's.
fn signature_seeds() -> Vec<Vec<u8>> {
    let reference = |attributes: &str, transforms: &str, value: &str| {
        format!(
            "<d:Reference {attributes}><d:Transforms>{transforms}</d:Transforms>\
             <d:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><d:DigestValue>{value}</d:DigestValue></d:Reference>"
        )
    };
    let transform = |algorithm: &str| format!("<d:Transform Algorithm=\"{algorithm}\"/>");
    let exclusive = transform("http://www.w3.org/2001/10/xml-exc-c14n#");
    let filter = "<d:Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-filter2\"><f:XPath xmlns:f=\"http://www.w3.org/2002/06/xmldsig-filter2\" Filter=\"subtract\">/descendant::d:Signature</f:XPath></d:Transform>";
    let value = |octets: &[u8]| {
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            digest(DigestAlgorithm::Sha256, octets).as_bytes(),
        )
    };
    let references = reference("URI=\"\"", &(filter.to_owned() + &exclusive), &value(b"<a><b></b></a>"))
        + &reference("URI=\"#o\"", &transform("http://www.w3.org/2000/09/xmldsig#base64"), &value(b"content"))
        + &reference("URI=\"a.txt\"", "", &value(b"content"))
        + &reference("URI=\"b.xml\"", &exclusive, &value(b"<b></b>"))
        + &reference("URI=\"#m\" Type=\"http://www.w3.org/2000/09/xmldsig#Manifest\"", &exclusive, &value(b""))
        + &reference("URI=\"#p\" Type=\"http://uri.etsi.org/01903#SignedProperties\"", &exclusive, &value(b""));
    let stamps: String = ["SignatureTimeStamp", "SigAndRefsTimeStamp", "RefsOnlyTimeStamp", "ArchiveTimeStamp"]
        .iter()
        .map(|name| format!("<x:{name}><x:EncapsulatedTimeStamp>AAAA</x:EncapsulatedTimeStamp></x:{name}>"))
        .collect();
    let object = format!(
        "<d:Object><x:QualifyingProperties xmlns:x=\"http://uri.etsi.org/01903/v1.3.2#\" Target=\"#s\"><x:SignedProperties Id=\"p\">\
         <x:SignedSignatureProperties><x:SigningTime>2026-11-23T12:00:00Z</x:SigningTime><x:SigningCertificateV2><x:Cert><x:CertDigest>\
         <d:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><d:DigestValue>{}</d:DigestValue></x:CertDigest></x:Cert>\
         </x:SigningCertificateV2></x:SignedSignatureProperties><x:SignedDataObjectProperties><x:AllDataObjectsTimeStamp>\
         <x:EncapsulatedTimeStamp>AAAA</x:EncapsulatedTimeStamp></x:AllDataObjectsTimeStamp></x:SignedDataObjectProperties></x:SignedProperties>\
         <x:UnsignedProperties><x:UnsignedSignatureProperties>{stamps}</x:UnsignedSignatureProperties></x:UnsignedProperties>\
         </x:QualifyingProperties></d:Object><d:Object Id=\"o\">Y29udGVudA==</d:Object><d:Object><d:Manifest Id=\"m\">{}</d:Manifest></d:Object>",
        value(b"certificate"),
        reference("URI=\"a.txt\"", "", &value(b"content"))
    );
    vec![
        format!(
            "<a><b/><d:Signature xmlns:d=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"s\"><d:SignedInfo>\
             <d:CanonicalizationMethod Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"/>\
             <d:SignatureMethod Algorithm=\"http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519\"/>{references}</d:SignedInfo>\
             <d:SignatureValue>{}</d:SignatureValue><d:KeyInfo><d:X509Data><d:X509Certificate>AAAA</d:X509Certificate></d:X509Data></d:KeyInfo>\
             {object}</d:Signature></a>",
            value(b"") + &value(b"")
        )
        .into_bytes(),
    ]
}
