//! What is kept of a signature while its submission waits: sealed, and opened again for each look.

use crypto::digest::{Digest, DigestAlgorithm, from_hex, hex};
use crypto::seal::{self, DocumentKey};
use schemas::limits::{INLINE_PART_BYTES, SIGNATURE_BYTES};
use schemas::{EvidenceId, MessageId, ProblemCode};
use storage::StoreError;
use storage::ids::FreshId;
use zeroize::Zeroizing;

use crate::intake::{length, part_key};
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::{Content, HeldSignature, WaitingSignatures};

/// What is to be kept of a signature.
pub(crate) struct Judgeable<'a> {
    /// The part that it is.
    pub(crate) number: u8,
    /// The part that it signs.
    pub(crate) of: u8,
    /// The signature itself: detached.
    pub(crate) bytes: &'a [u8],
    /// Of the part that it signs, one for each algorithm that its signers use.
    pub(crate) digests: &'a [Digest],
}

impl Exchange {
    /// Seals a signature under the key of its hold. Where it is large it is an object when this returns.
    pub(crate) async fn keep_judgeable(
        &self,
        id: MessageId,
        key: &DocumentKey,
        signature: Judgeable<'_>,
    ) -> Result<HeldSignature, Refusal> {
        let Judgeable { number, of, bytes, digests } = signature;
        let digests: Vec<(&str, String)> =
            digests.iter().map(|digest| (digest.algorithm().oid(), hex(digest.as_bytes()))).collect();
        let digests = serde_json::to_string(&digests).map_err(|_| ProblemCode::Internal)?;
        let sealed = seal::seal(key, &context(id, Some(number)), bytes);
        let sealed_size = length(sealed.len());
        let content = if sealed.len() <= INLINE_PART_BYTES {
            Content::Inline(sealed)
        } else {
            // Two requests may send one submission at once; each names an object of its own.
            let name = format!("{}.{}", part_key(id, number), EvidenceId::fresh(self.inner.clock.now()));
            self.inner.objects.put_new(&name, sealed.into()).await?;
            Content::Object(name)
        };
        Ok(HeldSignature { number, of, digests, sealed_size, content })
    }

    /// A new key for what is kept of a message, and the same under the node's ring.
    pub(crate) fn key_of_hold(&self, id: MessageId) -> Result<(DocumentKey, Vec<u8>), Refusal> {
        let ring = self.inner.ring.as_ref().ok_or(ProblemCode::Internal)?;
        let key = DocumentKey::generate();
        let wrapped = ring.wrap_in(&context(id, None), &key)?;
        Ok((key, wrapped))
    }

    /// The key again; where the ring was turned meanwhile, also under its current key.
    pub(super) fn reopen(
        &self,
        id: MessageId,
        held: &WaitingSignatures,
    ) -> Result<(DocumentKey, Option<Vec<u8>>), Refusal> {
        let ring = self.inner.ring.as_ref().ok_or_else(|| {
            tracing::error!(message = %id, "a submission waits, and the node has no key ring any more");
            ProblemCode::Internal
        })?;
        let context = context(id, None);
        Ok((ring.unwrap_in(&context, &held.wrapped_key)?, ring.rewrap_in(&context, &held.wrapped_key)?))
    }

    /// The signature as it was handed in.
    pub(super) async fn open_kept(
        &self,
        id: MessageId,
        key: &DocumentKey,
        kept: &HeldSignature,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let context = context(id, Some(kept.number));
        let mut unsealed = self.unseal(key, &context, kept.content.clone(), kept.sealed_size).await?;
        let mut whole = Zeroizing::new(Vec::new());
        while let Some(piece) = unsealed.next().await? {
            if whole.len().saturating_add(piece.len()) > SIGNATURE_BYTES {
                return Err(StoreError::Corrupt("held_signature.content").into());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

/// The digests of the part that a kept signature signs.
pub(super) fn digests(kept: &HeldSignature) -> Result<Vec<Digest>, StoreError> {
    let corrupt = || StoreError::Corrupt("held_signature.digests");
    let stored: Vec<(String, String)> = serde_json::from_str(&kept.digests).map_err(|_| corrupt())?;
    let digest = |(oid, value): &(String, String)| Digest::new(DigestAlgorithm::from_oid(oid)?, &from_hex(value)?);
    stored.iter().map(|one| digest(one).ok_or_else(corrupt)).collect()
}

/// The objects among them.
pub(crate) fn objects(signatures: &[HeldSignature]) -> Vec<String> {
    signatures.iter().filter_map(|kept| kept.content.object_key()).collect()
}

/// What the key and each signature are bound to: never what a part of the message or the message's own key is bound to.
fn context(id: MessageId, number: Option<u8>) -> Vec<u8> {
    let mut context = b"held".to_vec();
    context.extend_from_slice(id.as_bytes());
    context.extend(number);
    context
}
