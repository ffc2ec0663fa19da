//! A case taken away: everything that proves it in one signed container (ASiC-E with CAdES, ETSI EN 319 162-1), which a court or
//! an auditor checks without the node.
//!
//! | file | what it is |
//! |---|---|
//! | `manifest.json` | [`CaseManifest`]: messages, parts with the digests of plain and sealed bytes, evidence |
//! | `protocol.txt` | the same for people, in Ukrainian and in English |
//! | `certificates.pem` | the certificate of the evidence, and those above it |
//! | `evidence/<step>-<kind>-<id>.jws` | evidence, as it was signed |
//! | `evidence/<step>-<kind>-<id>.xml` | the same as XML of ETSI EN 319 522-3, as far as that is public (`erds`); not of codes V |
//! | `acknowledgements/<message>.p7m` | what the recipient signed when it accepted or refused |
//! | `proofs/<event>.json`, `proofs/<event>.tlog-proof` | the log's entry of each event, and the proof that it is in the log |
//!
//! No document is in it: the node cannot open them. Whoever has one compares it with the digests.
//!
//! [`check`] is the other side, and needs nothing but the container, the node's certificate and, where known, the log's key.

pub mod check;
mod erds;
pub mod protocol;
mod words;

use std::io;

use access::Permit;
use access::decide::ExportCase;
use audit::log::LogFailure;
use audit::{Action, Log};
use crypto::digest::DigestAlgorithm;
use schemas::export::{
    CERTIFICATES_FILE, CaseManifest, ExportedEvidence, ExportedMessage, ExportedProof, MANIFEST_FILE, MANIFEST_VERSION,
    PROTOCOL_FILE,
};
use schemas::limits::EXPORT_EVIDENCE;
use schemas::message::{MediaType, MessageState};
use schemas::{EventId, MessageId, ProblemCode};
use signing::asic::create::{Part, extended};

use crate::evidence::{EvidenceSigner, read_statement};
use crate::message::Evidence;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{self, Exported};

pub use words::Language;

/// Media type of the container.
pub const MEDIA_TYPE: &str = "application/vnd.etsi.asic-e+zip";

/// A case in a container.
#[derive(Debug)]
pub struct CaseExport {
    /// The container.
    pub container: Vec<u8>,
    /// The case goes on: what to ask for next.
    pub next_after: Option<MessageId>,
}

/// A file of the container: name, media type, content.
struct File(String, &'static str, Vec<u8>);

impl Exchange {
    /// Exports the messages of a case after `after`, oldest first, up to [`EXPORT_EVIDENCE`] pieces of evidence, with the proofs of
    /// what `log` has integrated. A message that this node has not accepted is exported to its sender alone.
    ///
    /// # Errors
    /// `TooLarge` where one message alone has more evidence than that; otherwise when the store, the log or the key fails.
    pub async fn export_case(
        &self,
        permit: Permit<ExportCase>,
        after: Option<MessageId>,
        log: &Log,
    ) -> Result<CaseExport, Refusal> {
        let (case_id, participant) = (permit.resource().case, permit.actor().participant());
        let reader = self.inner.ledger.reader();
        let read =
            reader.read("export_case", move |tx| tables::exported(tx, (case_id, participant), after, EXPORT_EVIDENCE));
        let (exported, more) = read.await?;
        let pieces = exported.iter().map(|exported| exported.evidence.len()).sum::<usize>();
        if pieces > EXPORT_EVIDENCE {
            return Err(ProblemCode::TooLarge.into());
        }
        let (mut messages, mut files) = (Vec::with_capacity(exported.len()), Vec::new());
        for exported in exported {
            messages.push(one_message(exported, log, &mut files).await?);
        }
        let next_after = messages.last().filter(|_| more).map(|message| message.message_id);
        let manifest = CaseManifest {
            version: MANIFEST_VERSION,
            case_id,
            node: self.inner.signer.node().to_owned(),
            made_at: self.inner.clock.now(),
            log_key: log.verifier().vkey(),
            messages,
            next_after,
        };
        // On record before it is made: it leaves the node with the answer.
        let details = serde_json::json!({ "evidence": pieces, "after": after });
        let object = Some(format!("case:{case_id}"));
        self.record_read(Action::ExportCase, permit.actor().pseudonym(), object, details).await?;
        let signer = self.inner.signer.clone();
        let made = tokio::task::spawn_blocking(move || contained(&manifest, files, &signer));
        let container = made.await.unwrap_or_else(|_| Err(ProblemCode::Internal.into()))?;
        Ok(CaseExport { container, next_after })
    }
}

/// Puts the files of a message to the others, and says in the manifest's words what they are.
async fn one_message(exported: Exported, log: &Log, files: &mut Vec<File>) -> Result<ExportedMessage, Refusal> {
    let Exported { message, evidence, acknowledgements } = exported;
    let mut pieces = Vec::with_capacity(evidence.len());
    for piece in evidence {
        let proof = proof(piece.event, log, files).await?;
        pieces.push(one_piece(piece, &message.media_type, proof, files));
    }
    let mut said = Vec::with_capacity(acknowledgements.len());
    for (step, spoken) in acknowledgements {
        // What was not signed is JSON, and nothing signed begins like it.
        let plain = spoken.first() == Some(&b'{');
        let (kind, media_type) = if plain { ("json", "application/json") } else { ("p7m", "application/pkcs7-mime") };
        let name = format!("acknowledgements/{step:04}-{}.{kind}", message.id);
        files.push(File(name.clone(), media_type, spoken));
        said.push(name);
    }
    Ok(ExportedMessage {
        message_id: message.id,
        state: message.standing(),
        erased: message.standing() == MessageState::Erased,
        sender: message.sender,
        recipient: message.recipient,
        kind: message.kind,
        media_type: message.media_type,
        parts: message.parts,
        evidence: pieces,
        acknowledgements: said,
    })
}

fn one_piece(
    piece: Evidence,
    media_type: &MediaType,
    log: Option<ExportedProof>,
    files: &mut Vec<File>,
) -> ExportedEvidence {
    let Evidence { id, step, kind, at, event, jws, .. } = piece;
    let name = format!("evidence/{step:04}-{}-{id}", kind.code());
    let xml = read_statement(&jws).and_then(|statement| erds::render(&statement, media_type)).map(|xml| {
        let file = format!("{name}.xml");
        files.push(File(file.clone(), "application/xml", xml.into_bytes()));
        file
    });
    let file = format!("{name}.jws");
    files.push(File(file.clone(), "application/jose", jws.into_bytes()));
    ExportedEvidence { evidence_id: id, step, kind, at, event_id: event, file, xml, log }
}

/// The proof that the log holds the event. None: not integrated yet.
async fn proof(event: EventId, log: &Log, files: &mut Vec<File>) -> Result<Option<ExportedProof>, Refusal> {
    let found = log.proof(event).await.map_err(|failure| match failure {
        LogFailure::Store(error) => error.into(),
        other => {
            tracing::error!(%event, error = %other, "an event cannot be proven");
            Refusal::from(ProblemCode::Internal)
        }
    })?;
    let Some(Ok(found)) = found else { return Ok(None) };
    let (entry, proof) = (format!("proofs/{event}.json"), format!("proofs/{event}.tlog-proof"));
    files.push(File(entry.clone(), "application/json", found.entry));
    files.push(File(proof.clone(), "text/plain", found.proof.to_text().into_bytes()));
    Ok(Some(ExportedProof { entry, proof }))
}

/// Signs and writes the container.
fn contained(manifest: &CaseManifest, mut files: Vec<File>, signer: &EvidenceSigner) -> Result<Vec<u8>, Refusal> {
    let failed = |what: &'static str| {
        move |error: &dyn std::fmt::Display| {
            tracing::error!(%error, what, "a case cannot be exported");
            Refusal::from(ProblemCode::Internal)
        }
    };
    let statements = files
        .iter()
        .filter(|file| file.0.ends_with(".jws"))
        .filter_map(|File(_, _, jws)| std::str::from_utf8(jws).ok().and_then(read_statement));
    let protocol = protocol::both(manifest, &statements.collect::<Vec<_>>());
    let json = serde_json::to_vec_pretty(manifest).map_err(|error| failed("manifest")(&error))?;
    let certificates: String = signer.chain().iter().map(certs::certificate::Certificate::to_pem).collect();
    files.push(File(MANIFEST_FILE.to_owned(), "application/json", json));
    files.push(File(PROTOCOL_FILE.to_owned(), "text/plain", protocol.into_bytes()));
    files.push(File(CERTIFICATES_FILE.to_owned(), "application/x-pem-file", certificates.into_bytes()));
    let parts = files
        .iter()
        .map(|File(name, media_type, content)| Part::of_bytes(name, Some(media_type), content, DigestAlgorithm::Sha256))
        .collect::<Result<Vec<_>, _>>();
    let prepared = parts.and_then(extended).map_err(|error| failed("container")(&error))?;
    let completed = signer.seal(prepared, manifest.made_at)?;
    let mut container = Vec::with_capacity(usize::try_from(completed.size()).unwrap_or_default());
    files.sort_by(|one, other| one.0.cmp(&other.0));
    let open = |name: &str| {
        let found = files.binary_search_by(|file| file.0.as_str().cmp(name)).ok().and_then(|index| files.get(index));
        found.map(|file| file.2.as_slice()).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    completed.write(&mut container, open).map_err(|error| failed("writing")(&error))?;
    Ok(container)
}
