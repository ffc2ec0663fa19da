//! The evidence of one message: signatures, order, agreement; and what the recipient signed.

use std::collections::BTreeMap;

use crypto::digest::{hex, sha256};
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::export::{CaseManifest, ExportedEvidence, ExportedMessage};
use schemas::message::{Acknowledgement, AcknowledgementOutcome, MessageState, PartRole, State};
use signing::validate::{Context, UnverifiedDocument, validate};

use super::{Fault, Files, Finding, Known, is_intact};
use crate::evidence::{EvidenceError, verify};
use crate::export::erds::render;
use crate::state::replay;

/// The statements of a message that verify, in the order of their steps.
pub(super) fn of_message(
    message: &ExportedMessage,
    files: &Files,
    known: &Known<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<EvidenceStatement> {
    let mut statements = Vec::with_capacity(message.evidence.len());
    for piece in &message.evidence {
        match one(piece, files, known) {
            Ok(statement) => {
                if !is_listed_as(&statement, piece, message) {
                    findings.push(Fault::ManifestMismatch.of(&piece.file));
                }
                let xml = piece.xml.as_ref().map(|file| files.get(file).map(Vec::as_slice));
                let rendered = render(&statement, &message.media_type);
                if xml.is_some_and(|xml| xml != rendered.as_deref().map(str::as_bytes)) {
                    findings.push(Fault::EvidenceXml.of(&piece.file));
                }
                statements.push(statement);
            }
            Err(fault) => findings.push(fault.of(&piece.file)),
        }
    }
    statements
}

/// One piece of evidence, under whichever of the node's certificates it names.
fn one(piece: &ExportedEvidence, files: &Files, known: &Known<'_>) -> Result<EvidenceStatement, Fault> {
    let jws = files.get(&piece.file).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let jws = jws.ok_or(Fault::EvidenceMalformed)?;
    let mut fault = Fault::EvidenceSigner;
    for certificate in known.node {
        match verify(jws, certificate) {
            Ok(statement) => {
                let valid = (certificate.not_before()..=certificate.not_after()).contains(&statement.at);
                return if valid { Ok(statement) } else { Err(Fault::EvidenceTime) };
            }
            Err(EvidenceError::OtherSigner) => {}
            Err(EvidenceError::Malformed) => fault = Fault::EvidenceMalformed,
            Err(EvidenceError::Mismatch) => fault = Fault::EvidenceSignature,
        }
    }
    Err(fault)
}

fn is_listed_as(statement: &EvidenceStatement, piece: &ExportedEvidence, message: &ExportedMessage) -> bool {
    (statement.evidence_id, statement.kind, statement.event_id, statement.at)
        == (piece.evidence_id, piece.kind, piece.event_id, piece.at)
        // Version 1 did not state the step.
        && statement.step.is_none_or(|step| step == piece.step)
        && statement.message_id.is_none_or(|id| id == message.message_id)
}

/// Whether the statements tell one story, and it is the one that the manifest tells.
pub(super) fn agrees(
    manifest: &CaseManifest,
    message: &ExportedMessage,
    statements: &[EvidenceStatement],
    findings: &mut Vec<Finding>,
) {
    let about = message.message_id.to_string();
    for statement in statements {
        let same = statement.node == manifest.node
            && statement.case_id.is_none_or(|case| case == manifest.case_id)
            && (statement.sender, &statement.recipient, &statement.document_kind)
                == (message.sender, &message.recipient, &message.kind)
            && names_parts(statement, message);
        if !same {
            findings.push(Fault::EvidenceDisagrees.of(&about));
        }
    }
    // Only what its evidence says to be erased is.
    if message.erased != (message.state == MessageState::Erased) {
        findings.push(Fault::ManifestMismatch.of(&about));
    }
    if !is_whole(message, statements) {
        findings.push(Fault::EvidenceOrder.of(&about));
    }
}

/// Whether there is evidence of every step, and the steps lead to where the message stands.
fn is_whole(message: &ExportedMessage, statements: &[EvidenceStatement]) -> bool {
    let numbered = (1..).zip(&message.evidence).all(|(number, piece)| piece.step == number);
    if !numbered || statements.len() != message.evidence.len() {
        return false;
    }
    let steps = statements.iter().map(|statement| Some((statement.step?, statement.kind, statement.state.as_ref()?)));
    match steps.collect::<Option<Vec<_>>>() {
        Some(steps) => replay(steps).is_ok_and(|state| state.as_ref().map(State::name) == Some(message.state)),
        // Version 1 stated neither step nor state: such evidence is told by its numbers alone.
        None => statements.iter().any(|statement| statement.version == 1),
    }
}

/// Every part, with its digests; when a submission is announced, those of them that were.
fn names_parts(statement: &EvidenceStatement, message: &ExportedMessage) -> bool {
    match statement.kind {
        EvidenceKind::SubmissionAnnouncement => statement.parts.iter().all(|part| message.parts.contains(part)),
        _ => statement.parts == message.parts,
    }
}

/// What the recipient said: each word that the evidence names is there, intact, the recipient's, and of this document; and
/// none is there that no evidence names.
pub(super) fn acknowledged(
    message: &ExportedMessage,
    statements: &[EvidenceStatement],
    files: &Files,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) {
    let mut spoken: BTreeMap<String, (&String, &[u8], bool)> = BTreeMap::new();
    for file in &message.acknowledgements {
        let Some(word) = files.get(file) else {
            findings.push(Fault::AcknowledgementMismatch.of(file));
            continue;
        };
        spoken.insert(hex(&sha256(word)), (file, word, false));
    }
    for statement in statements {
        let Some(digest) = &statement.acknowledgement_sha256 else { continue };
        match spoken.get_mut(digest) {
            // Erased with the parts (V.8); its digest is all that is left. That it is, `is_whole` has proven.
            None if message.erased => {}
            None => findings.push(Fault::AcknowledgementMismatch.of(&statement.evidence_id.to_string())),
            Some((file, word, named)) => {
                *named = true;
                findings.extend(speaks(message, statement, word, context).err().map(|fault| fault.of(file)));
            }
        }
    }
    let unnamed = spoken.values().filter(|(_, _, named)| !named);
    findings.extend(unnamed.map(|(file, ..)| Fault::AcknowledgementMismatch.of(file)));
}

/// Whether the word is one of this message and this document, and of what the evidence proves.
fn fits(message: &ExportedMessage, kind: EvidenceKind, content: &Acknowledgement) -> Result<(), Fault> {
    use AcknowledgementOutcome as Outcome;
    let proven = match kind {
        // A registration accepts what was not accepted yet.
        EvidenceKind::ConsignmentAcceptance => matches!(content.outcome, Outcome::Accepted | Outcome::Registered),
        EvidenceKind::ConsignmentRejection => content.outcome == Outcome::Refused,
        EvidenceKind::ContentRegistration => content.outcome == Outcome::Registered,
        _ => false,
    };
    let part = message.parts.iter().find(|part| part.role == PartRole::Document);
    let of_document = part.is_some_and(|part| part.sha256 == content.document_sha256);
    let fits = proven && of_document && content.message_id == message.message_id;
    fits.then_some(()).ok_or(Fault::AcknowledgementMismatch)
}

fn speaks(
    message: &ExportedMessage,
    statement: &EvidenceStatement,
    word: &[u8],
    context: &Context<'_>,
) -> Result<(), Fault> {
    // Without a signature it is the node's word that a system of the recipient's said so; the evidence says which.
    if statement.on_behalf_of.is_some() {
        let content = serde_json::from_slice(word).map_err(|_| Fault::AcknowledgementMismatch)?;
        return fits(message, statement.kind, &content);
    }
    let document = UnverifiedDocument::parse(word).map_err(|_| Fault::AcknowledgementSignature)?;
    let content = document.content().and_then(|content| serde_json::from_slice::<Acknowledgement>(content).ok());
    fits(message, statement.kind, &content.ok_or(Fault::AcknowledgementMismatch)?)?;
    let recipient = message.recipient.participant();
    let signers = document.signing_certificates();
    let theirs = |signer: &Option<certs::certificate::Certificate>| {
        signer.as_ref().and_then(certs::certificate::Certificate::edrpou).as_deref() == Some(recipient.as_str())
    };
    if !signers.iter().any(theirs) {
        return Err(Fault::AcknowledgementSigner);
    }
    if is_intact(&validate(document, context).report) { Ok(()) } else { Err(Fault::AcknowledgementSignature) }
}
