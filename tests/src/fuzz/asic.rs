//! The functions for the parsers of signed containers, and their seeds. Where `VUZOL_CORPORA` names the corpora, the smaller containers there
//! are seeds too.

use certs::dev::{DevPki, Profile, Usage};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest, from_hex};
use crypto::key::{Curve, KeyKind};
use signing::asic::create::{Part, Prepared, extended, simple};
use signing::asic::manifest::Manifest;
use signing::asic::zip::{Archive, Limits};
use signing::asic::{Container, validate};
use signing::cades::{Content, sign};
use signing::validate::{Context, Policy};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Target;
use super::certs::corpus;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// What is signed.
const DOCUMENTS: &[(&str, &[u8])] = &[("лист.txt", "Прошу надати довідку.".as_bytes()), ("folder/plan.txt", b"a plan")];

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "asic_archive", seeds: archive_seeds, run: asic_archive },
    Target { name: "asic_container", seeds: container_seeds, run: asic_container },
    Target { name: "asic_pieces", seeds: piece_seeds, run: asic_pieces },
    Target { name: "asic_manifest", seeds: manifest_seeds, run: asic_manifest },
];

struct World {
    trust: TrustSnapshot,
    revocation: RevocationData,
    extended: Vec<u8>,
    simple: Vec<u8>,
    manifest: Vec<u8>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let pki = DevPki::new(NOW - Duration::days(10), Duration::days(30), "http://ocsp.test/").unwrap();
    let profile = Profile {
        common_name: "Тест".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::days(1),
        not_after: NOW + Duration::days(1),
        dns_names: Vec::new(),
    };
    let signer = pki.issue(profile).unwrap();
    let answer =
        |subject, issuer| OcspResponse::from_der(&pki.answer_ocsp(&ocsp_request(subject, issuer, None), NOW)).unwrap();
    let (root, authority) = (pki.root(), pki.issuing_ca());
    let chain = [signer.certificate.clone(), authority.clone()];
    let complete = |prepared: Prepared| {
        let content = Content::Detached(prepared.to_sign(DigestAlgorithm::Sha256).unwrap());
        let cms = sign(content, &signer.key, signer.key.default_algorithm(), &chain, NOW).unwrap();
        prepared.complete(&cms).unwrap().to_vec(DOCUMENTS).unwrap()
    };
    let part = |(name, content): &(&str, &[u8])| {
        Part::of_bytes(name, Some("text/plain"), content, DigestAlgorithm::Sha256).unwrap()
    };
    let prepared = extended(DOCUMENTS.iter().map(part).collect()).unwrap();
    let anchor = TrustAnchor { certificate: root.clone(), purposes: vec![Purpose::Signing] };
    World {
        trust: TrustSnapshot::new(vec![anchor], Vec::new(), NOW),
        revocation: RevocationData {
            ocsp: vec![answer(&signer.certificate, authority), answer(authority, root)],
            crls: Vec::new(),
        },
        manifest: prepared.manifest().unwrap().to_vec(),
        extended: complete(prepared),
        simple: complete(simple(part(&DOCUMENTS[0])).unwrap()),
    }
});

/// Largest container of the corpora that is a seed: what is spoilt beyond it is the same again.
const SEED_OCTETS: usize = 40_000;

fn archive_seeds() -> Vec<Vec<u8>> {
    container_seeds().into_iter().chain([from_hex(STREAMED).unwrap()]).collect()
}

/// What can be read can be read to its end, within its own promises, under names that are paths and distinct.
pub fn asic_archive(data: &[u8]) {
    let limits = Limits { inflated: 1 << 24, ..Limits::default() };
    let Ok(archive) = Archive::read(data, &limits) else { return };
    let names: BTreeSet<String> = archive.entries().iter().map(|entry| entry.name().to_lowercase()).collect();
    assert_eq!(names.len(), archive.entries().len());
    let mut stored = 0;
    for entry in archive.entries() {
        let path = entry.name().strip_suffix('/').unwrap_or(entry.name());
        assert!(path.split('/').all(|component| !matches!(component, "" | "." | "..")), "{path:?}");
        let mut size = 0;
        if archive.stream(entry, |piece| size += piece.len() as u64).is_ok() {
            assert_eq!(size, entry.size());
        }
        assert!(size <= entry.size());
        // Each entry has two headers of its own, of 76 octets at least, and its name twice.
        stored += 76 + 2 * entry.name().len();
    }
    assert!(stored <= data.len());
}

fn container_seeds() -> Vec<Vec<u8>> {
    let endings = ["asice", "asics", "scs", "sce", "bdoc"];
    let folders = ["asic", "asic-estonia", "xroad-asic"];
    let found =
        folders.into_iter().flat_map(|folder| endings.into_iter().flat_map(move |ending| corpus(folder, ending)));
    let small = found.filter(|container| container.len() <= SEED_OCTETS);
    [WORLD.extended.clone(), WORLD.simple.clone()].into_iter().chain(small).collect()
}

/// A container that was changed proves nothing, or what it proved before.
pub fn asic_container(data: &[u8]) {
    let Ok(container) = Container::read(data) else { return };
    let context = Context { trust: &WORLD.trust, revocation: &WORLD.revocation, at: NOW, policy: &Policy::default() };
    let outcome = validate(container, &context);
    assert_eq!(outcome.passed.is_some(), outcome.problem().is_none());
    let Some(passed) = outcome.passed else { return };
    for part in passed.parts() {
        let has = |content: &[u8]| {
            part.digests == [digest(DigestAlgorithm::Sha256, content)] && part.size == content.len() as u64
        };
        // In ASiC-S the document's name is not signed (EN 319 162-1, 4.3.3.1); in ASiC-E it is.
        let renamed = outcome.report.format == "ASiC-S" && has(DOCUMENTS[0].1);
        let known = DOCUMENTS.iter().any(|(name, content)| *name == part.name && has(content));
        assert!(renamed || known, "{part:?}");
    }
}

/// What separates the contents of the entries in a seed.
const BORDER: &[u8] = b"\0|border|\0";

/// The entries of the extended container.
fn piece_names() -> Vec<String> {
    let archive = Archive::read(WORLD.extended.as_slice(), &Limits::default()).unwrap();
    archive.entries().iter().map(|entry| entry.name().to_owned()).collect()
}

fn piece_seeds() -> Vec<Vec<u8>> {
    let archive = Archive::read(WORLD.extended.as_slice(), &Limits::default()).unwrap();
    let contents = archive.entries().iter().map(|entry| archive.content(entry, 1 << 20).unwrap());
    vec![contents.collect::<Vec<_>>().join(BORDER)]
}

/// The contents of the entries, in an archive that is put together rightly, so that what is spoilt gets past its checksums.
pub fn asic_pieces(data: &[u8]) {
    let mut contents = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(BORDER.len()).position(|bytes| bytes == BORDER) {
        contents.push(&rest[..at]);
        rest = &rest[at + BORDER.len()..];
    }
    contents.push(rest);
    asic_container(&archive_of(&piece_names(), &contents));
}

/// An archive of stored entries, written plainly after APPNOTE 4.3.
fn archive_of(names: &[String], contents: &[&[u8]]) -> Vec<u8> {
    let (mut local, mut central) = (Vec::new(), Vec::new());
    let entries = names.iter().zip(contents);
    let count = u16::try_from(entries.len()).unwrap_or_default().to_le_bytes();
    for (name, content) in entries {
        let size = u32::try_from(content.len()).unwrap_or_default().to_le_bytes();
        let length = u16::try_from(name.len()).unwrap_or_default().to_le_bytes();
        let common =
            [&[20, 0, 0, 8, 0, 0, 0, 0, 0, 0], &crc32(content).to_le_bytes()[..], &size, &size, &length, &[0; 2]];
        let common = common.concat();
        let offset = u32::try_from(local.len()).unwrap_or_default().to_le_bytes();
        central.extend([b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10], &offset, name.as_bytes()].concat());
        local.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat());
    }
    let sizes = [central.len(), local.len()].map(|size| u32::try_from(size).unwrap_or_default().to_le_bytes()).concat();
    [local, central, [b"PK\x05\x06\0\0\0\0", &count[..], &count, &sizes, &[0; 2]].concat()].concat()
}

/// CRC-32 as in APPNOTE 4.4.7, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, octet: &u8| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn manifest_seeds() -> Vec<Vec<u8>> {
    vec![WORLD.manifest.clone()]
}

/// A manifest names something, and nothing twice.
pub fn asic_manifest(data: &[u8]) {
    let Ok(manifest) = Manifest::read(data) else { return };
    let uris: BTreeSet<&str> = manifest.objects.iter().map(|object| object.uri.as_str()).collect();
    assert!(!manifest.signature.is_empty() && !uris.is_empty() && !uris.contains(""));
    assert_eq!(uris.len(), manifest.objects.len());
}

/// An archive made by Python's zipfile onto a stream: a stored and a deflated file with data descriptors, a folder, a comment.
const STREAMED: &str = "504b030414000800000000002100000000000000000000000000080000006d696d65747970656170706c69636174696f6e2f766e642e657473692e617369632d652b7a6970504b07088a21f9451f0000001f000000504b03041400080000000000210000000000000000000000000007000000666f6c6465722f504b0708000000000000000000000000504b0304140008080800000021000000000000000000000000000d000000666f6c6465722fd1972e7478742b2badcacf5128a33b0900504b07087e6435310b00000078000000504b01021403140008000000000021008a21f9451f0000001f0000000800000000000000000000008001000000006d696d6574797065504b0102140314000800000000002100000000000000000000000000070000000000000000000000800155000000666f6c6465722f504b01021403140008080800000021007e6435310b000000780000000d000000000000000000000080018a000000666f6c6465722fd1972e747874504b05060000000003000300a6000000d000000009006120636f6d6d656e74";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_what_they_should_be() {
        assert_eq!(
            Archive::read(from_hex(STREAMED).unwrap().as_slice(), &Limits::default()).unwrap().entries().len(),
            3
        );
        for (bytes, parts) in [(&WORLD.extended, 2), (&WORLD.simple, 1)] {
            let context =
                Context { trust: &WORLD.trust, revocation: &WORLD.revocation, at: NOW, policy: &Policy::default() };
            let outcome = validate(Container::read(bytes.as_slice()).unwrap(), &context);
            assert_eq!(outcome.passed.expect("a proof").parts().len(), parts);
        }
        let archive = Archive::read(WORLD.extended.as_slice(), &Limits::default()).unwrap();
        let contents = archive.entries().iter().map(|entry| archive.content(entry, 1 << 20).unwrap());
        let contents: Vec<Vec<u8>> = contents.collect();
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let again = archive_of(&piece_names(), &contents);
        assert_eq!(Archive::read(again.as_slice(), &Limits::default()).unwrap().entries().len(), 5);
        let container = Container::read(again.as_slice()).unwrap();
        let context =
            Context { trust: &WORLD.trust, revocation: &WORLD.revocation, at: NOW, policy: &Policy::default() };
        assert!(validate(container, &context).passed.is_some());
    }
}
