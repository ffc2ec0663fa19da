//! What the tests share: archives put together by hand, so that they can be put together wrongly.
#![allow(clippy::cast_possible_truncation, reason = "small archives")]

pub(super) mod chain;
pub(super) mod xml;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{Identity, Usage};
use certs::revocation::RevocationData;
use certs::timestamp;
use crypto::digest::DigestAlgorithm;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec;
use time::OffsetDateTime;

use crate::cades::Content;
use crate::testing::{NOW, P256, World};
use crate::validate::{Context, Policy};

use super::create::{Part, Prepared, extended, simple};
use super::{Container, ContainerError, Outcome, validate};

/// Somebody who signs, and all that is known about them.
pub(super) struct Story {
    pub(super) world: World,
    pub(super) signer: Identity,
    pub(super) revocation: RevocationData,
}

/// Documents by name.
pub(super) type Documents<'a> = &'a [(&'a str, &'a [u8])];

pub(super) const ASIC_E: &[u8] = b"application/vnd.etsi.asic-e+zip";
pub(super) const ASIC_S: &[u8] = b"application/vnd.etsi.asic-s+zip";
pub(super) const MANIFEST: &str = "META-INF/ASiCManifest001.xml";
pub(super) const SIGNATURE: &str = "META-INF/signature001.p7s";

impl Story {
    pub(super) fn new() -> Self {
        let world = World::new();
        let signer = world.identity(P256, Usage::Signing);
        let revocation = world.revocation(&signer.certificate, NOW);
        Self { world, signer, revocation }
    }

    pub(super) fn part(name: &str, content: &[u8]) -> Part {
        Part::of_bytes(name, Some("text/plain"), content, DigestAlgorithm::Sha256).unwrap()
    }

    /// A signature over what was prepared.
    pub(super) fn sign(&self, prepared: &Prepared) -> Vec<u8> {
        let digest = prepared.to_sign(DigestAlgorithm::Sha256).unwrap();
        self.world.sign(Content::Detached(digest), &self.signer)
    }

    /// A signature over these octets.
    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.world.sign(Content::Detached(crypto::digest::digest(DigestAlgorithm::Sha256, bytes)), &self.signer)
    }

    /// ASiC-E as we write it.
    pub(super) fn extended(&self, documents: Documents<'_>) -> Vec<u8> {
        let prepared = extended(documents.iter().map(|(name, content)| Self::part(name, content)).collect()).unwrap();
        let cms = self.sign(&prepared);
        prepared.complete(&cms).unwrap().to_vec(documents).unwrap()
    }

    /// ASiC-S as we write it.
    pub(super) fn simple(&self, name: &str, content: &[u8]) -> Vec<u8> {
        let prepared = simple(Self::part(name, content)).unwrap();
        let cms = self.sign(&prepared);
        prepared.complete(&cms).unwrap().to_vec(&[(name, content)]).unwrap()
    }

    /// The same ASiC-E in pieces, to be put together otherwise: mimetype, documents, manifest, signature.
    pub(super) fn pieces(&self, documents: Documents<'_>) -> Vec<Piece> {
        let prepared = extended(documents.iter().map(|(name, content)| Self::part(name, content)).collect()).unwrap();
        let manifest = prepared.manifest().unwrap();
        let mut pieces = vec![stored("mimetype", ASIC_E)];
        pieces.extend(documents.iter().map(|(name, content)| deflated(name, content)));
        pieces.extend([deflated(MANIFEST, manifest), deflated(SIGNATURE, &self.sign(&prepared))]);
        pieces
    }

    /// A time-stamp token over these octets, made at `at`.
    pub(super) fn token(&self, bytes: &[u8], at: OffsetDateTime) -> Vec<u8> {
        let imprint = crypto::digest::digest(DigestAlgorithm::Sha256, bytes);
        let response = self.world.pki.answer_tsa(&timestamp::request(&imprint, None, true), at);
        timestamp::token_of_response(&response).unwrap()
    }

    pub(super) fn validate(&self, container: &[u8]) -> Result<Outcome, ContainerError> {
        self.validate_with(container, &Policy::default())
    }

    pub(super) fn validate_with(&self, container: &[u8], policy: &Policy) -> Result<Outcome, ContainerError> {
        let container = Container::read(container)?;
        let context = Context { trust: &self.world.trust, revocation: &self.revocation, at: NOW, policy };
        let outcome = validate(container, &context);
        crate::testing::conformance::assert_conforms(&outcome.report);
        Ok(outcome)
    }
}

/// A manifest over these entries, for what lies at `signature`.
pub(super) fn manifest_over(signature: &str, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let parts = entries.iter().map(|(name, content)| {
        let digest = STANDARD.encode(crypto::digest::sha256(content));
        format!(
            r#"<DataObjectReference URI="{}"><d:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><d:DigestValue>{digest}</d:DigestValue></DataObjectReference>"#,
            super::uri::encode(name)
        )
    });
    let head =
        r#"<ASiCManifest xmlns="http://uri.etsi.org/02918/v1.2.1#" xmlns:d="http://www.w3.org/2000/09/xmldsig#">"#;
    format!(r#"{head}<SigReference URI="{signature}"/>{}</ASiCManifest>"#, parts.collect::<String>()).into_bytes()
}

/// An archive, and where its structures lie.
pub(super) struct Forge {
    pub(super) bytes: Vec<u8>,
    /// Where each local header begins, in the order of the files.
    pub(super) local: Vec<usize>,
    /// Where each central header begins.
    pub(super) central: Vec<usize>,
    /// Where the end of the central directory begins.
    pub(super) end: usize,
}

/// A file of an archive.
#[derive(Clone)]
pub(super) struct Piece {
    name: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    size: u64,
    data: Vec<u8>,
    local_extra: Vec<u8>,
    central_extra: Vec<u8>,
    external: u32,
    descriptor: Option<Descriptor>,
}

/// A form of the data descriptor.
#[derive(Clone, Copy)]
pub(super) struct Descriptor {
    pub(super) signed: bool,
    pub(super) wide: bool,
}

pub(super) fn stored(name: &str, content: &[u8]) -> Piece {
    Piece {
        name: name.into(),
        method: 0,
        flags: 1 << 11,
        crc: crc32fast::hash(content),
        size: content.len() as u64,
        data: content.to_vec(),
        local_extra: Vec::new(),
        central_extra: Vec::new(),
        external: 0,
        descriptor: None,
    }
}

pub(super) fn deflated(name: &str, content: &[u8]) -> Piece {
    Piece { method: 8, data: compress_to_vec(content, 6), ..stored(name, content) }
}

impl Piece {
    pub(super) fn with_raw_name(mut self, name: &[u8]) -> Self {
        self.name = name.to_vec();
        self
    }

    pub(super) fn with_method(mut self, method: u16) -> Self {
        self.method = method;
        self
    }

    pub(super) fn with_flags(mut self, flags: u16) -> Self {
        self.flags |= flags;
        self
    }

    pub(super) fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = data;
        self
    }

    pub(super) fn with_size(mut self, size: u64) -> Self {
        self.size = size;
        self
    }

    pub(super) fn with_crc(mut self, crc: u32) -> Self {
        self.crc = crc;
        self
    }

    pub(super) fn with_mode(mut self, mode: u32) -> Self {
        self.external = mode << 16;
        self
    }

    pub(super) fn with_descriptor(mut self, descriptor: Descriptor) -> Self {
        self.descriptor = Some(descriptor);
        self.with_flags(1 << 3)
    }

    pub(super) fn with_local_extra(mut self, kind: u16, content: &[u8]) -> Self {
        self.local_extra = extra(kind, content);
        self
    }

    pub(super) fn with_central_extra(mut self, kind: u16, content: &[u8]) -> Self {
        self.central_extra = extra(kind, content);
        self
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(super) fn content(&self) -> Vec<u8> {
        if self.method == 8 { decompress_to_vec(&self.data).unwrap() } else { self.data.clone() }
    }

    fn fixed(&self, later: bool) -> Vec<u8> {
        let sizes = if later { (0, 0, 0) } else { (self.crc, self.data.len() as u32, self.size as u32) };
        let mut out = Vec::new();
        out.extend(20_u16.to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend(self.method.to_le_bytes());
        out.extend([0, 0, 0x21, 0]);
        out.extend(sizes.0.to_le_bytes());
        out.extend(sizes.1.to_le_bytes());
        out.extend(sizes.2.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out
    }

    fn local(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        out.extend(self.fixed(self.descriptor.is_some()));
        out.extend((self.local_extra.len() as u16).to_le_bytes());
        out.extend(&self.name);
        out.extend(&self.local_extra);
        out.extend(&self.data);
        if let Some(Descriptor { signed, wide }) = self.descriptor {
            out.extend(if signed { &b"PK\x07\x08"[..] } else { b"" });
            out.extend(self.crc.to_le_bytes());
            for number in [self.data.len() as u64, self.size] {
                out.extend(number.to_le_bytes().iter().take(if wide { 8 } else { 4 }));
            }
        }
        out
    }

    fn central(&self, offset: usize) -> Vec<u8> {
        let mut out = b"PK\x01\x02\x14\x03".to_vec();
        out.extend(self.fixed(false));
        out.extend((self.central_extra.len() as u16).to_le_bytes());
        out.extend([0; 6]);
        out.extend(self.external.to_le_bytes());
        out.extend((offset as u32).to_le_bytes());
        out.extend(&self.name);
        out.extend(&self.central_extra);
        out
    }
}

fn extra(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &(content.len() as u16).to_le_bytes(), content].concat()
}

impl Forge {
    pub(super) fn of(pieces: &[Piece]) -> Self {
        Self::with_comment(pieces, b"")
    }

    pub(super) fn with_comment(pieces: &[Piece], comment: &[u8]) -> Self {
        let mut forge = Self { bytes: Vec::new(), local: Vec::new(), central: Vec::new(), end: 0 };
        for piece in pieces {
            forge.local.push(forge.bytes.len());
            forge.bytes.extend(piece.local());
        }
        forge.finish(pieces, comment)
    }

    /// Central directory and end, for local headers that are written.
    pub(super) fn finish(mut self, pieces: &[Piece], comment: &[u8]) -> Self {
        let directory = self.bytes.len();
        for (piece, offset) in pieces.iter().zip(&self.local) {
            self.central.push(self.bytes.len());
            self.bytes.extend(piece.central(*offset));
        }
        self.end = self.bytes.len();
        self.bytes.extend(end(pieces.len() as u16, (self.end - directory) as u32, directory as u32, comment));
        self
    }

    /// The same with other octets at a place.
    pub(super) fn patched(mut self, at: usize, octets: &[u8]) -> Vec<u8> {
        self.bytes[at..at + octets.len()].copy_from_slice(octets);
        self.bytes
    }
}

/// End of central directory.
pub(super) fn end(entries: u16, size: u32, offset: u32, comment: &[u8]) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(entries.to_le_bytes());
    out.extend(entries.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend((comment.len() as u16).to_le_bytes());
    out.extend(comment);
    out
}

/// ZIP64 end of central directory and its locator, as they stand before the end. `at`: where they begin.
pub(super) fn zip64_end(entries: u64, size: u64, offset: u64, at: usize) -> Vec<u8> {
    let mut out = b"PK\x06\x06".to_vec();
    out.extend(44_u64.to_le_bytes());
    out.extend([45, 0, 45, 0]);
    out.extend([0; 8]);
    for number in [entries, entries, size, offset] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend((at as u64).to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    out
}
