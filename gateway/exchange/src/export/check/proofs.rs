//! That the log holds the events of the evidence.

use crypto::merkle::{NoteVerifier, TlogProof};
use schemas::evidence::EvidenceStatement;
use schemas::export::{CaseManifest, ExportedProof};
use serde::Deserialize;
use time::OffsetDateTime;

use super::{Fault, Files, Finding};
use crate::message::object;

/// What an entry says that evidence says, too. The entry has more, and its format is `audit`'s.
#[derive(Deserialize)]
struct Entry {
    id: schemas::EventId,
    node: String,
    object: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

/// How many of the statements are proven to be in the log.
pub(super) fn prove(
    manifest: &CaseManifest,
    statements: &[EvidenceStatement],
    files: &Files,
    known: Option<&NoteVerifier>,
    findings: &mut Vec<Finding>,
) -> usize {
    let named = match NoteVerifier::from_vkey(&manifest.log_key) {
        Ok(named) if known.is_none_or(|known| known.vkey() == named.vkey()) => named,
        _ => {
            findings.push(Fault::LogKey.of(&manifest.log_key));
            return 0;
        }
    };
    let pieces = manifest.messages.iter().flat_map(|message| &message.evidence);
    let proven = pieces.filter_map(|piece| {
        let statement = statements.iter().find(|statement| statement.evidence_id == piece.evidence_id)?;
        match one(piece.log.as_ref()?, statement, files, &named) {
            Ok(()) => Some(()),
            Err(fault) => {
                findings.push(fault.of(&piece.file));
                None
            }
        }
    });
    proven.count()
}

fn one(log: &ExportedProof, statement: &EvidenceStatement, files: &Files, key: &NoteVerifier) -> Result<(), Fault> {
    let entry = files.get(&log.entry).ok_or(Fault::LogMalformed)?;
    let proof = files.get(&log.proof).and_then(|proof| std::str::from_utf8(proof).ok());
    let proof = proof.and_then(|proof| TlogProof::parse(proof).ok()).ok_or(Fault::LogMalformed)?;
    proof.verify(entry, key).map_err(|_| Fault::LogProof)?;
    let told: Entry = serde_json::from_slice(entry).map_err(|_| Fault::LogMalformed)?;
    let same = (told.id, told.at) == (statement.event_id, statement.at)
        && told.node == statement.node
        && told.object == statement.message_id.map(object);
    if same { Ok(()) } else { Err(Fault::LogOtherEvent) }
}
