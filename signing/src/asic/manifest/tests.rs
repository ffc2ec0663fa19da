use crypto::digest::digest;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

const HEAD: &str = r#"<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">"#;
const SIGNATURE: &str = r#"<asic:SigReference URI="META-INF/signature.p7s" MimeType="application/pkcs7-signature"/>"#;
const TAIL: &str = "</asic:ASiCManifest>";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

fn object(uri: &str, algorithm: &str, value: &str) -> String {
    format!(
        r#"<asic:DataObjectReference URI="{uri}" MimeType="text/plain"><ds:DigestMethod Algorithm="{algorithm}"/><ds:DigestValue>{value}</ds:DigestValue></asic:DataObjectReference>"#
    )
}

fn value() -> String {
    STANDARD.encode(digest(DigestAlgorithm::Sha256, b"content").as_bytes())
}

fn whole(body: &str) -> String {
    format!("{HEAD}{SIGNATURE}{body}{TAIL}")
}

#[track_caller]
fn assert_refused(text: &str, error: ContainerError) {
    assert_eq!(Manifest::read(text.as_bytes()), Err(error), "{text}");
}

#[test]
fn a_manifest_is_read_with_its_references() {
    let body = object("a%20b.txt", SHA256, &format!("\n  {}\n", value()))
        + "\n<!-- between -->"
        + &object("c", "urn:other", "AA==");
    let text = format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", whole(&body));
    let manifest = Manifest::read(text.as_bytes()).unwrap();
    assert_eq!(manifest.signature, "META-INF/signature.p7s");
    let [first, second] = manifest.objects.as_slice() else { panic!("two references") };
    assert_eq!(
        (first.uri.as_str(), first.mime_type.as_deref(), first.root_file),
        ("a%20b.txt", Some("text/plain"), false)
    );
    assert_eq!(first.digest, ReferenceDigest::Known(digest(DigestAlgorithm::Sha256, b"content")));
    assert_eq!(second.digest, ReferenceDigest::Unknown("urn:other".into()));
}

#[test]
fn a_document_type_is_refused() {
    let doctype = r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"#;
    assert_refused(&format!("{doctype}{}", whole(&object("a", SHA256, &value()))), ContainerError::ManifestDoctype);
}

#[test]
fn what_the_schema_does_not_have_is_refused() {
    let good = object("a", SHA256, &value());
    for text in [
        String::new(),
        "not xml".into(),
        whole(""),
        format!("{HEAD}{good}{TAIL}"),
        format!("{HEAD}{good}{SIGNATURE}{TAIL}"),
        format!("{HEAD}<asic:SigReference/>{good}{TAIL}"),
        whole(&good).replace("v1.2.1", "v1.1.1"),
        whole(&good).replace("ASiCManifest", "Manifest"),
        whole(&(good.clone() + "text")),
        whole(&(good.clone() + SIGNATURE)),
        whole(&(good.clone() + &good)),
        whole(&good.replace("ds:DigestMethod", "asic:DigestMethod")),
        whole(&good.replace(" URI=\"a\"", "")),
        whole(&good.replace("MimeType", "Rootfile")),
        whole(&good.replace(SHA256, "")),
        whole(&object("a", SHA256, "AAAA")),
        whole(&object("a", SHA256, "not base64!")),
        whole(&object("a", SHA256, "")),
    ] {
        assert_refused(&text, ContainerError::Manifest);
    }
    let mut latin = whole(&good).into_bytes();
    latin.push(0xff);
    assert_eq!(Manifest::read(&latin), Err(ContainerError::Manifest));
}

#[test]
fn a_comment_in_a_value_does_not_hide_half_of_it() {
    let (first, second) = (value()[..20].to_owned(), value()[20..].to_owned());
    for text in [format!("{first}<!-- -->{second}"), format!("{}<!-- -->AAAA", value()), format!("<!-- -->{}", value())]
    {
        assert_refused(&whole(&object("a", SHA256, &text)), ContainerError::Manifest);
    }
}

#[test]
fn what_other_readers_would_read_otherwise_is_refused() {
    let good = whole(&object("a", SHA256, &value()));
    for encoding in ["windows-1251", "UTF-16", "ISO-8859-1", ""] {
        let declared = format!("<?xml version='1.0' encoding='{encoding}'?>{good}");
        assert_refused(&declared, ContainerError::Manifest);
    }
    for declaration in ["<?xml version='1.0' encoding = \"utf-8\" ?>", "<?xml version=\"1.0\"?>", "\u{feff}"] {
        assert!(Manifest::read(format!("{declaration}{good}").as_bytes()).is_ok(), "{declaration}");
    }
    assert_refused(&good.replace(" xmlns:ds", " xml:base='folder/' xmlns:ds"), ContainerError::Manifest);
}

#[test]
fn critical_extensions_are_refused_and_others_passed_over() {
    let extended = |critical: &str| {
        let extension = format!(r#"<asic:Extension Critical="{critical}"><x/></asic:Extension>"#);
        let all = format!("<asic:ASiCManifestExtensions>{extension}</asic:ASiCManifestExtensions>");
        whole(&(object("a", SHA256, &value()) + &all))
    };
    assert_refused(&extended("true"), ContainerError::ManifestExtension);
    assert!(Manifest::read(extended("false").as_bytes()).is_ok());
    assert_refused(&extended(""), ContainerError::Manifest);
}

#[test]
fn bombs_of_depth_nodes_attributes_and_size_are_refused() {
    let good = object("a", SHA256, &value());
    let extension = |inside: String| {
        let one = format!(r#"<asic:Extension Critical="false">{inside}</asic:Extension>"#);
        whole(&(good.clone() + &format!("<asic:ASiCManifestExtensions>{one}</asic:ASiCManifestExtensions>")))
    };
    let deep = |levels: usize| extension("<x>".repeat(levels) + &"</x>".repeat(levels));
    assert!(Manifest::read(deep(20).as_bytes()).is_ok());
    for text in [deep(40), deep(100_000), extension("<x/>".repeat(30_000))] {
        assert_refused(&text, ContainerError::ManifestLimits);
    }
    let attributes: String = (0..50_000).map(|number| format!(" a{number}=''")).collect();
    assert_refused(&extension(format!("<x{attributes}/>")), ContainerError::ManifestLimits);
    assert_refused(&" ".repeat(LONGEST_MANIFEST + 1), ContainerError::MetadataTooLarge);
}
