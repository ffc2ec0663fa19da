//! The core of XML signatures on containers: the signatures of the ASiC corpora with XAdES and of OpenDocument files, each over the entries of
//! its container. What a container demands besides (coverage, hash chains of batches) is not asked here.
//!
//! `VUZOL_CORPORA` names the folder that holds `asic/`, `asic-estonia/` and `xroad-asic/`; without it the test says that it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use signing::asic::zip::{Archive, Limits as ZipLimits};
use signing::xades::{Contents, SignedFacts, UnsignedValues, XmlSignature, check, signatures};
use signing::xml::canonical::Budget;
use signing::xml::{Document, Limits, Node, Source};

/// Rows that agree, of all. The other two are archives without a signature, which the container's own reader refuses.
const ROWS: (usize, usize) = (68, 70);

/// Entries by name, percent-encoded or not, with or without the slash of the root.
struct Entries(Vec<(String, Vec<u8>)>);

impl Contents for Entries {
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest> {
        self.octets(uri).map(|octets| digest(algorithm, octets))
    }

    fn octets(&self, uri: Option<&str>) -> Option<&[u8]> {
        let uri = uri?.trim_start_matches('/');
        let decoded = decode(uri);
        self.0.iter().find(|(name, _)| name == uri || *name == decoded).map(|(_, octets)| octets.as_slice())
    }
}

fn decode(uri: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = uri.as_bytes();
    while let Some((octet, after)) = rest.split_first() {
        let escape = (*octet == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        octets.push(escape.unwrap_or(*octet));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(octets).unwrap()
}

/// The codes of what is wrong, with the certificate that the signed properties refer to.
fn judge<'d, 't>(document: &'d Document<'t>, node: Node<'d, 't>, entries: &Entries) -> String {
    let signature = match XmlSignature::read(node) {
        Ok(signature) => signature,
        Err(fault) => return fault.code().to_owned(),
    };
    let mut budget = Budget::for_document(document.text().len());
    let checked = check(document, &signature, entries, &mut budget);
    let properties = checked.unverified_properties();
    let facts =
        properties.and_then(|found| Some(SignedFacts::read(found.signed?, found.namespace))).unwrap_or_default();
    let values = properties.as_ref().map(UnsignedValues::read).unwrap_or_default();
    let pool = signature.certificates.iter().chain(&values.certificates);
    let mut pool = pool.filter_map(|der| Certificate::from_der(der).ok());
    let wanted = facts.certificates.first().and_then(|reference| reference.digest.ok());
    let certificate = pool.find(|one| wanted.is_none_or(|own| digest(own.algorithm(), one.der()) == own));
    let Some(certificate) = certificate else { return "no signing certificate".to_owned() };
    match certificate.public_key() {
        Err(error) => error.to_string(),
        Ok(key) => match checked.verify(key, &mut budget) {
            Ok(_) => String::new(),
            Err(faults) => faults.iter().map(|fault| fault.code()).collect::<Vec<_>>().join(", "),
        },
    }
}

/// Codes of each signature; nothing for one that is intact.
fn examine(file: &Path) -> Result<Vec<String>, String> {
    let octets = std::fs::read(file).unwrap();
    let archive = Archive::read(octets.as_slice(), &ZipLimits::default()).map_err(|error| error.code().to_owned())?;
    let mut entries = Entries(Vec::new());
    for entry in archive.entries() {
        let content = archive.content(entry, 16 * 1024 * 1024).map_err(|error| error.code().to_owned())?;
        entries.0.push((entry.name().to_owned(), content));
    }
    let is_signature =
        |name: &str| name.starts_with("META-INF/") && name.contains("signatures") && name.ends_with(".xml");
    let mut verdicts = Vec::new();
    for (_, xml) in entries.0.iter().filter(|(name, _)| is_signature(name)) {
        let source = Source::read(xml, &Limits::DOCUMENT).map_err(|error| error.code().to_owned())?;
        let document = source.parse().map_err(|error| error.code().to_owned())?;
        verdicts.extend(signatures(&document).into_iter().map(|node| judge(&document, node, &entries)));
    }
    Ok(verdicts)
}

#[test]
fn rows_agree() {
    let Some(corpora) = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from) else {
        println!("skipped: VUZOL_CORPORA is not set");
        return;
    };
    let (mut agreeing, mut all) = (0, 0);
    for folder in ["asic", "asic-estonia", "xroad-asic"] {
        let text = std::fs::read_to_string(corpora.join(folder).join("expected.csv")).unwrap();
        for line in text.lines().skip(1) {
            let (file, rest) = match line.strip_prefix('"') {
                Some(quoted) => quoted.split_once("\",").unwrap(),
                None => line.split_once(',').unwrap(),
            };
            let fields: Vec<&str> = rest.split(',').collect();
            if fields[0] == "ASiC-CAdES" {
                continue;
            }
            all += 1;
            let outcome = examine(&corpora.join(folder).join("files").join(file));
            let number = fields[2].parse::<usize>().ok();
            let agrees = match (fields[3], &outcome) {
                ("intact", Ok(verdicts)) => {
                    !verdicts.is_empty()
                        && verdicts.iter().all(String::is_empty)
                        && number.is_none_or(|number| number == verdicts.len())
                }
                ("broken", Ok(verdicts)) => verdicts.iter().any(|verdict| !verdict.is_empty()),
                ("intact", Err(_)) => false,
                ("unreadable", Ok(_)) => false,
                _ => true,
            };
            agreeing += usize::from(agrees);
            if !agrees {
                println!("disagrees: {file}: expected {}, came to {outcome:?}", fields[3]);
            }
        }
    }
    println!("XAdES in containers: {agreeing} of {all} rows agree");
    assert_eq!((agreeing, all), ROWS);
}
