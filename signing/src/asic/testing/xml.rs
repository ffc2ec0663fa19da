//! Containers with XAdES.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::dev::Usage;
use crypto::digest::sha256;
use crypto::key::KeyKind;

use crate::testing::{NOW, World};
use crate::xades::Files;
use crate::xades::testing::{properties_reference, reference, sign, template};

use super::{Documents, Piece, Story, deflated, stored};

/// Somebody who signs XML.
pub(in crate::asic) fn story() -> Story {
    let world = World::new();
    let signer = world.identity(KeyKind::Ed25519, Usage::Signing);
    let revocation = world.revocation(&signer.certificate, NOW);
    Story { world, signer, revocation }
}

pub(in crate::asic) fn base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// A reference to an entry, percent-encoded as we do.
pub(in crate::asic) fn part(name: &str) -> String {
    reference(&format!("URI=\"{}\"", crate::asic::uri::encode(name)), &[])
}

/// A ds:Signature over these references to `documents`, level B.
pub(in crate::asic) fn signature(story: &Story, references: &str, documents: Documents<'_>) -> String {
    signature_with(story, references, "", documents)
}

/// The same with more ds:Object elements.
pub(in crate::asic) fn signature_with(story: &Story, references: &str, more: &str, documents: Documents<'_>) -> String {
    let chain = story.world.chain(&story.signer);
    let certificate = |one: &Certificate| format!("<ds:X509Certificate>{}</ds:X509Certificate>", base64(one.der()));
    let certificates: String = chain.iter().map(certificate).collect();
    let own = base64(&sha256(story.signer.certificate.der()));
    let objects = format!(
        "<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>\
         <ds:Object><x:QualifyingProperties xmlns:x=\"http://uri.etsi.org/01903/v1.3.2#\" Target=\"#sig\"><x:SignedProperties Id=\"props\">\
         <x:SignedSignatureProperties><x:SigningTime>2026-11-23T11:00:00Z</x:SigningTime><x:SigningCertificateV2><x:Cert><x:CertDigest>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{own}</ds:DigestValue></x:CertDigest></x:Cert>\
         </x:SigningCertificateV2></x:SignedSignatureProperties></x:SignedProperties></x:QualifyingProperties></ds:Object>{more}"
    );
    let template = template("sig", &format!("{references}{}", properties_reference()), &objects);
    sign(&story.signer.key, &template, &Files(documents))
}

/// A signature file over whole documents.
pub(in crate::asic) fn file_over(story: &Story, documents: Documents<'_>) -> Vec<u8> {
    let references: String = documents.iter().map(|(name, _)| part(name)).collect();
    wrapped(&signature(story, &references, documents))
}

pub(in crate::asic) fn wrapped(signatures: &str) -> Vec<u8> {
    format!(r#"<a:XAdESSignatures xmlns:a="http://uri.etsi.org/02918/v1.2.1#">{signatures}</a:XAdESSignatures>"#)
        .into_bytes()
}

/// mimetype, documents, signature files.
pub(in crate::asic) fn pieces(mimetype: &[u8], documents: Documents<'_>, signatures: &[(&str, &[u8])]) -> Vec<Piece> {
    let mimetype = std::iter::once(stored("mimetype", mimetype));
    mimetype.chain(documents.iter().chain(signatures).map(|(name, content)| deflated(name, content))).collect()
}
