//! What belongs to one person: their copies, their file, the looks at them.

use audit::Action;
use crypto::digest::{hex, sha256};
use schemas::application::{LookPage, OwnFile, StoredCopy};
use schemas::limits::{APPLICATIONS_OF_PERSON, COPIES_OF_PERSON, COPY_BYTES, PAGE_ITEMS};
use schemas::{CopyId, DocumentKind, LookId, ProblemCode};
use storage::ids::FreshId;
use storage::{StoreError, Tx};

use super::{Consent, ConsentError, CopyResource, SealedCopy, person, rows};
use crate::decide::{EraseCopy, ListLooks, Permit, ReadCopy, ReadOwnFile, StoreCopy};

impl Consent {
    /// What a decision about a copy needs; none: there is no such copy.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn copy(&self, copy: CopyId) -> Result<Option<CopyResource>, StoreError> {
        let found = self.ledger.reader().read("copy_facts", move |tx| rows::copy(tx, copy)).await?;
        Ok(found.map(|(owner, _)| CopyResource { copy, owner }))
    }

    /// Keeps what a person's portal sealed, as it is.
    ///
    /// # Errors
    /// `EmptyDocument`, `TooLarge` past [`COPY_BYTES`], `CopiesFull`; otherwise when the store fails.
    pub async fn store(
        &self,
        permit: Permit<StoreCopy>,
        kind: DocumentKind,
        sealed: Vec<u8>,
    ) -> Result<StoredCopy, ConsentError> {
        let owner = person(permit.actor())?;
        if sealed.is_empty() {
            return Err(ConsentError::Refused(ProblemCode::EmptyDocument));
        }
        if sealed.len() > COPY_BYTES {
            return Err(ConsentError::Refused(ProblemCode::TooLarge));
        }
        let (copy_id, digest) = (CopyId::fresh(self.clock.now()), sha256(&sealed));
        let details = serde_json::json!({ "kind": kind, "sha256": hex(&digest), "size": sealed.len() });
        let event = self.event(&permit, Action::StoreCopy, Some(object(copy_id)), details);
        let (size, stored_at) = (sealed.len() as u64, event.at());
        let stored = StoredCopy { copy_id, kind, sha256: hex(&digest), size, stored_at };
        let row = stored.clone();
        let kept = self.ledger.transact("store_copy", move |tx| {
            if rows::copies_of(tx, owner)? >= i64::from(COPIES_OF_PERSON) {
                return Err(ConsentError::Refused(ProblemCode::CopiesFull));
            }
            rows::insert_copy(tx, owner, &row, &digest, &sealed)?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        kept.await?;
        Ok(stored)
    }

    /// One's own copy.
    ///
    /// # Errors
    /// `NotFound` where it was erased meanwhile; otherwise when the store fails.
    pub async fn read_copy(&self, permit: Permit<ReadCopy>) -> Result<SealedCopy, ConsentError> {
        let copy = permit.resource().copy;
        let found = self.ledger.reader().read("read_copy", move |tx| rows::sealed(tx, copy)).await?;
        let found = found.ok_or(ConsentError::Refused(ProblemCode::NotFound))?;
        let details = serde_json::json!({ "owner": permit.resource().owner });
        self.record(&permit, Action::ReadCopy, Some(object(copy)), details).await?;
        Ok(found)
    }

    /// Erases one's own copy. That there was one stays on record, and so do the looks at it.
    ///
    /// # Errors
    /// `CopyAttached` while a centre may see it: detach it, or withdraw; `NotFound` where it was erased before; otherwise when the store fails.
    pub async fn erase(&self, permit: Permit<EraseCopy>) -> Result<(), ConsentError> {
        let copy = permit.resource().copy;
        let event = self.event(&permit, Action::EraseCopy, Some(object(copy)), serde_json::Value::Null);
        let gate = self.clone();
        let erased = self.ledger.transact("erase_copy", move |tx| {
            let seen = rows::ways_to_see(tx, copy)?;
            if seen.iter().any(|state| gate.is_visible(state, event.at())) {
                return Err(ConsentError::Refused(ProblemCode::CopyAttached));
            }
            if !rows::erase(tx, copy, event.at())? {
                return Err(ConsentError::Refused(ProblemCode::NotFound));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        Ok(erased.await?)
    }

    /// The copies that a person keeps, and the newest of their applications.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_file(&self, permit: Permit<ReadOwnFile>) -> Result<OwnFile, ConsentError> {
        let of = *permit.resource();
        let file = self.ledger.reader().read("own_file", move |tx| {
            let copies = rows::own_copies(tx, of, COPIES_OF_PERSON)?;
            Ok(OwnFile { copies, applications: rows::own_applications(tx, of, APPLICATIONS_OF_PERSON)? })
        });
        let file = file.await?;
        let details = serde_json::json!({ "copies": file.copies.len(), "applications": file.applications.len() });
        self.record(&permit, Action::ReadOwnFile, Some(format!("person:{of}")), details).await?;
        Ok(file)
    }

    /// One page of the looks at what is a person's, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn looks(
        &self,
        permit: Permit<ListLooks>,
        before: Option<LookId>,
        limit: u32,
    ) -> Result<LookPage, ConsentError> {
        let (of, limit) = (*permit.resource(), limit.clamp(1, PAGE_ITEMS));
        let read = move |tx: &mut Tx<'_>| rows::looks_at(tx, of, before, limit.saturating_add(1));
        let mut looks = self.ledger.reader().read("looks_at", read).await?;
        let more = looks.len() > limit as usize;
        looks.truncate(limit as usize);
        let next_before = looks.last().filter(|_| more).map(|look| look.look_id);
        let details = serde_json::json!({ "looks": looks.len() });
        self.record(&permit, Action::ListLooks, Some(format!("person:{of}")), details).await?;
        Ok(LookPage { looks, next_before })
    }
}

fn object(copy: CopyId) -> String {
    format!("copy:{copy}")
}
