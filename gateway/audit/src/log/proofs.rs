//! An event's inclusion under the published checkpoint.

use crate::log::state::{LogState, Published, unsigned};
use crate::log::tiles::Tiles;
use crate::log::{EventProof, LogFailure, NotYet};
use crypto::merkle::{NoteVerifier, TlogProof, inclusion_proof};
use schemas::EventId;
use std::collections::HashMap;
use storage::{Reader, StoreError, Tx};

pub(crate) async fn prove(
    reader: &Reader,
    tiles: &Tiles,
    verifier: &NoteVerifier,
    event: EventId,
) -> Result<Option<Result<EventProof, NotYet>>, LogFailure> {
    let (found, state) =
        reader.read("log_find_event", move |tx| Ok((find(tx, event)?, LogState::read_in(tx)?))).await?;
    let (index, entry) = match found {
        Found::Nowhere => return Ok(None),
        Found::Waiting => return Ok(Some(Err(NotYet))),
        Found::Numbered(index, entry) => (index, entry),
    };
    let Some(published) = state.published.filter(|published| index < published.size) else {
        return Ok(Some(Err(NotYet)));
    };
    let size = published.size;
    let hashes = tiles.compute(size, HashMap::new(), |tiles| inclusion_proof(index, size, tiles)).await?;
    let proof = TlogProof { index, hashes, checkpoint: published.note };
    // What does not verify here would not verify at the reader's, who could not tell whose fault it is.
    proof.verify(&entry, verifier)?;
    Ok(Some(Ok(EventProof { entry, proof })))
}

enum Found {
    Nowhere,
    /// In the outbox.
    Waiting,
    Numbered(u64, Vec<u8>),
}

fn find(tx: &mut Tx<'_>, event: EventId) -> Result<Found, StoreError> {
    let numbered = "-- find
        SELECT seq, entry FROM audit_seq WHERE event_id = $1";
    let waiting = "-- find
        SELECT 1 FROM audit_outbox WHERE event_id = $1";
    let id = [event.as_bytes().into()];
    if let Some((index, entry)) = tx.query_optional(numbered, &id, |row| Ok((unsigned(row, 0)?, row.blob(1)?)))? {
        return Ok(Found::Numbered(index, entry));
    }
    let waits = tx.query_optional(waiting, &id, |row| row.integer(0))?;
    Ok(if waits.is_some() { Found::Waiting } else { Found::Nowhere })
}

/// Proofs of several entries under one checkpoint: the published one. `entries`: numbers and contents, each below its size.
pub(crate) async fn prove_all(
    tiles: &Tiles,
    verifier: &NoteVerifier,
    published: Published,
    entries: &[(u64, Vec<u8>)],
) -> Result<Vec<TlogProof>, LogFailure> {
    let Published { size, note } = published;
    let indices: Vec<u64> = entries.iter().map(|(index, _)| *index).collect();
    let all = tiles.compute(size, HashMap::new(), |tiles| {
        indices.iter().map(|index| inclusion_proof(*index, size, tiles)).collect::<Result<Vec<_>, _>>()
    });
    let mut proofs = Vec::with_capacity(entries.len());
    for ((index, entry), hashes) in entries.iter().zip(all.await?) {
        let proof = TlogProof { index: *index, hashes, checkpoint: note.clone() };
        // As of one: what does not verify here is not handed out.
        proof.verify(entry, verifier)?;
        proofs.push(proof);
    }
    Ok(proofs)
}
