//! The check of an exported case by a third party, without the node.
//!
//! What is believed: the node's certificate, which the caller knows from elsewhere, and the log's key, where the caller knows that;
//! otherwise the key that the signed manifest names. Everything in the container is a stranger's word until it is checked.
//! Whether the certificate of whoever signed an acknowledgement is to be trusted is not judged here: `vuzol verify` does that.

mod evidence;
mod fault;
mod proofs;

use std::collections::{BTreeMap, BTreeSet};

use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use crypto::merkle::NoteVerifier;
use schemas::MessageId;
use schemas::evidence::EvidenceStatement;
use schemas::export::{
    CERTIFICATES_FILE, CaseManifest, ExportedMessage, MANIFEST_FILE, MANIFEST_VERSION, PROTOCOL_FILE,
};
use schemas::message::Part;
use schemas::report::Report;
use signing::asic::zip::{Archive, Limits};
use signing::asic::{self, Container, ContainerError};
use signing::validate::{Context, Policy};
use time::OffsetDateTime;

pub use fault::{Fault, Finding};

/// Largest export that is read, in bytes: fifty times what a node makes.
pub const EXPORT_BYTES: u64 = 64 * 1024 * 1024;

/// What the caller knows.
pub struct Known<'a> {
    /// Certificates of the node's evidence, one for each key that it has had.
    pub node: &'a [Certificate],
    /// The log's key.
    pub log: Option<&'a NoteVerifier>,
    /// Files at hand: the number of the part, and its SHA-256.
    pub files: &'a [(u8, [u8; 32])],
    /// Which message the files are of. None: any of the case.
    pub message: Option<MessageId>,
    /// When the check is made.
    pub now: OffsetDateTime,
}

/// What a file at hand turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The message.
    pub message: MessageId,
    /// The part.
    pub part: u8,
    /// Whether it is the part as it was sealed, and not as it was handed in.
    pub sealed: bool,
}

/// What a check came to.
#[derive(Debug)]
pub struct Checked {
    /// What the container says of itself.
    pub manifest: CaseManifest,
    /// What the evidence states, as far as it verifies, in the order of the manifest.
    pub statements: Vec<EvidenceStatement>,
    /// The files at hand that the evidence names.
    pub matched: Vec<Matched>,
    /// Pieces of evidence whose events are proven to be in the log.
    pub logged: usize,
    /// What is wrong. Empty: everything that the evidence states is proven.
    pub findings: Vec<Finding>,
}

/// The container cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not a container, or one that no two programs must read in the same way.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// No manifest of a case in it.
    #[error("holds no manifest of a case")]
    Manifest,
}

/// The files of a container that are not the container's own.
type Files = BTreeMap<String, Vec<u8>>;

/// Checks an exported case.
///
/// # Errors
/// [`Unreadable`]; whatever else is wrong is a finding.
pub fn check(container: &[u8], known: &Known<'_>) -> Result<Checked, Unreadable> {
    let mut findings = signature(container, known)?;
    let files = files(container)?;
    let manifest = files.get(MANIFEST_FILE).and_then(|json| serde_json::from_slice::<CaseManifest>(json).ok());
    let manifest = manifest.filter(|manifest| manifest.version == MANIFEST_VERSION).ok_or(Unreadable::Manifest)?;
    findings.extend(unlisted(&manifest, &files));
    let mut statements = Vec::new();
    for message in &manifest.messages {
        let read = evidence::of_message(message, &files, known, &mut findings);
        evidence::agrees(&manifest, message, &read, &mut findings);
        evidence::acknowledged(message, &read, &files, &context(known, &nobody(known.now)), &mut findings);
        statements.extend(read);
    }
    let logged = proofs::prove(&manifest, &statements, &files, known.log, &mut findings);
    let matched = at_hand(&manifest, known, &mut findings);
    Ok(Checked { manifest, statements, matched, logged, findings })
}

/// Trust in nobody: what is asked of the validation is only whether a signature is intact.
fn nobody(now: OffsetDateTime) -> (TrustSnapshot, RevocationData, Policy) {
    (TrustSnapshot::new(Vec::new(), Vec::new(), now), RevocationData::default(), Policy::default())
}

fn context<'a>(known: &Known<'_>, belief: &'a (TrustSnapshot, RevocationData, Policy)) -> Context<'a> {
    Context { trust: &belief.0, revocation: &belief.1, at: known.now, policy: &belief.2 }
}

/// Whether every signature of a report is intact, and there is one.
fn is_intact(report: &Report) -> bool {
    !report.signatures.is_empty() && report.signatures.iter().all(|signature| signature.intact)
}

/// The container's own signature: intact, the node's, over everything.
fn signature(bytes: &[u8], known: &Known<'_>) -> Result<Vec<Finding>, Unreadable> {
    let container = Container::read(bytes)?;
    let signers = container.signing_certificates();
    let ours = |signer: &Option<Certificate>| {
        signer.as_ref().is_some_and(|signer| known.node.iter().any(|node| node.der() == signer.der()))
    };
    let mut findings = Vec::new();
    if signers.is_empty() || !signers.iter().all(ours) {
        findings.push(Fault::ContainerSigner.of("META-INF"));
    }
    let belief = nobody(known.now);
    let report = asic::validate(container, &context(known, &belief)).report;
    if !is_intact(&report) {
        findings.push(Fault::ContainerSignature.of("META-INF"));
    }
    findings.extend(report.unsigned_parts.iter().map(|part| Fault::ContainerUnsigned.of(part)));
    Ok(findings)
}

fn files(container: &[u8]) -> Result<Files, Unreadable> {
    let archive = Archive::read(container, &Limits { inflated: EXPORT_BYTES, ..Limits::default() })?;
    let limit = usize::try_from(EXPORT_BYTES).unwrap_or(usize::MAX);
    let mut files = Files::new();
    for entry in archive.entries() {
        let own = entry.name() == "mimetype" || entry.name().starts_with("META-INF/");
        if !own && !entry.is_directory() {
            files.insert(entry.name().to_owned(), archive.content(entry, limit)?);
        }
    }
    Ok(files)
}

/// Files that the manifest does not speak of, and the other way round.
fn unlisted(manifest: &CaseManifest, files: &Files) -> Vec<Finding> {
    let mut listed: BTreeSet<&str> = [MANIFEST_FILE, PROTOCOL_FILE, CERTIFICATES_FILE].into();
    let (mut findings, mut messages) = (Vec::new(), BTreeSet::new());
    for message in &manifest.messages {
        let of_evidence = message.evidence.iter().flat_map(|piece| {
            let log = piece.log.iter().flat_map(|log| [log.entry.as_str(), log.proof.as_str()]);
            std::iter::once(piece.file.as_str()).chain(piece.xml.as_deref()).chain(log)
        });
        // A file is of one thing, and a message is there once: else one proof could be counted for two.
        for file in of_evidence.chain(message.acknowledgements.iter().map(String::as_str)) {
            if !listed.insert(file) {
                findings.push(Fault::ManifestMismatch.of(file));
            }
        }
        if !messages.insert(message.message_id) {
            findings.push(Fault::ManifestMismatch.of(&message.message_id.to_string()));
        }
    }
    let present: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    findings.extend(listed.symmetric_difference(&present).map(|file| Fault::ManifestMismatch.of(file)));
    findings
}

/// Which parts the files at hand are.
fn at_hand(manifest: &CaseManifest, known: &Known<'_>, findings: &mut Vec<Finding>) -> Vec<Matched> {
    let mut matched = Vec::new();
    let asked: Vec<&ExportedMessage> = manifest
        .messages
        .iter()
        .filter(|message| known.message.is_none_or(|asked| asked == message.message_id))
        .collect();
    for (number, digest) in known.files {
        let digest = crypto::digest::hex(digest);
        let found = asked.iter().find_map(|message| {
            let part = message.parts.iter().find(|part| part.number == *number)?;
            Some(Matched { message: message.message_id, part: *number, sealed: is_sealed(part, &digest)? })
        });
        match found {
            Some(found) => matched.push(found),
            None => findings.push(Fault::PartMismatch.of(&format!("{number} {digest}"))),
        }
    }
    matched
}

/// Whether the digest is that of the sealed part; None where it is neither's.
fn is_sealed(part: &Part, digest: &str) -> Option<bool> {
    if part.sha256 == digest {
        return Some(false);
    }
    (part.sealed_sha256.as_deref() == Some(digest)).then_some(true)
}
