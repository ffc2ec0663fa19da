//! Hash chains as X-Road writes them, and otherwise.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::digest::sha256;

use crate::asn1::{Writer, tag};

pub(in crate::asic) const RESULT: &str = "sig-hashchainresult.xml";
pub(in crate::asic) const CHAIN: &str = "sig-hashchain.xml";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const NAMESPACES: &str = r#"xmlns="http://www.w3.org/2000/09/xmldsig#" xmlns:h="http://cyber.ee/hashchain""#;

/// The octets of a step with these digests.
pub(in crate::asic) fn step_octets(digests: &[[u8; 32]]) -> Vec<u8> {
    let members = digests.iter().fold(Writer::new(), |all, digest| {
        let member = Writer::new().value(tag::OCTET_STRING, digest).value(tag::UTF8_STRING, SHA256.as_bytes());
        all.nest(tag::SEQUENCE, member.value(tag::SEQUENCE, &[]))
    });
    Writer::new().nest(tag::SEQUENCE, members).into_bytes()
}

fn value(digest: &[u8; 32]) -> String {
    format!("<DigestValue>{}</DigestValue>", STANDARD.encode(digest))
}

pub(in crate::asic) fn hash_value(digest: &[u8; 32]) -> String {
    format!("<h:HashValue>{}</h:HashValue>", value(digest))
}

pub(in crate::asic) fn step_reference(uri: &str) -> String {
    format!(r#"<h:StepRef URI="{uri}"/>"#)
}

pub(in crate::asic) fn data_reference(uri: &str, content: &[u8]) -> String {
    format!(r#"<h:DataRef URI="{uri}">{}</h:DataRef>"#, value(&sha256(content)))
}

/// A step of these values.
pub(in crate::asic) fn step(id: &str, values: &[String]) -> String {
    format!(r#"<h:HashStep id="{id}">{}</h:HashStep>"#, values.concat())
}

/// A chain of these steps.
pub(in crate::asic) fn chain(steps: &[String]) -> Vec<u8> {
    let default = format!(r#"<h:DefaultDigestMethod Algorithm="{SHA256}"/>"#);
    format!("<h:HashChain {NAMESPACES}>{default}{}</h:HashChain>", steps.concat()).into_bytes()
}

/// A result that says that the step at `uri` has these octets.
pub(in crate::asic) fn result(uri: &str, octets: &[u8]) -> Vec<u8> {
    let method = format!(r#"<DigestMethod Algorithm="{SHA256}"/>"#);
    let digest = value(&sha256(octets));
    format!(r#"<h:HashChainResult URI="{uri}" {NAMESPACES}>{method}{digest}</h:HashChainResult>"#).into_bytes()
}

/// What is over one message of two: the digest of another one, and a step with those of `documents`.
pub(in crate::asic) struct Batch {
    pub(in crate::asic) result: Vec<u8>,
    pub(in crate::asic) chain: Vec<u8>,
}

impl Batch {
    pub(in crate::asic) fn over(name: &str, documents: &[(&str, &[u8])]) -> Self {
        let digests: Vec<[u8; 32]> = documents.iter().map(|(_, content)| sha256(content)).collect();
        let other = sha256(b"another message");
        let top = step_octets(&[other, sha256(&step_octets(&digests))]);
        let references: Vec<String> =
            documents.iter().map(|(name, content)| data_reference(&format!("/{name}"), content)).collect();
        let steps = [step("STEP0", &[hash_value(&other), step_reference("#STEP1")]), step("STEP1", &references)];
        Self { result: result(&format!("/{name}#STEP0"), &top), chain: chain(&steps) }
    }
}
