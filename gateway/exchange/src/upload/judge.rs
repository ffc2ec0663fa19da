//! The signatures of a submission whose parts are all here: each is judged over the part that it signs, by the rules of a
//! submission in one request, and each document and attachment needs one of the sender.

use std::collections::BTreeMap;

use crypto::digest::{Digest, DigestAlgorithm, Digester, from_hex};
use crypto::seal::DocumentKey;
use schemas::limits::SIGNATURE_BYTES;
use schemas::message::{Part, PartRole};
use schemas::{Edrpou, MessageId, ProblemCode};
use signing::validate::UnverifiedDocument;

use crate::hold::Judgeable;
use crate::intake::seal_context;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature::{self, Tally};
use crate::tables::{Content, HeldSignature};

/// A part that is durable, before the node is responsible for it.
pub(crate) struct Kept {
    pub(crate) part: Part,
    pub(crate) content: Content,
}

/// Digests that were made of a part, beside the one in its row.
type Digests = BTreeMap<(u8, &'static str), Digest>;

impl Exchange {
    /// Judges the signatures one after the other, so that one of them at a time is in memory.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong; what a signature waits for only where nothing else is wrong.
    pub(crate) async fn judge_parts(
        &self,
        id: MessageId,
        sender: Edrpou,
        key: &DocumentKey,
        kept: &[Kept],
    ) -> Result<(), Refusal> {
        let (mut tally, mut known) = (Tally::default(), Digests::new());
        for kept_signature in kept.iter().filter(|kept| kept.part.role == PartRole::Signature) {
            let (_, document, digests) = self.signature_of(id, key, kept, kept_signature, &mut known).await?;
            let judged = self.judge_detached(document, digests, sender).await;
            tally.add(kept_signature.part.number, signed_part(kept_signature), judged)?;
        }
        let contents = kept.iter().filter(|kept| kept.part.role != PartRole::Signature);
        tally.finish(contents.map(|kept| kept.part.number))
    }

    /// The same signatures as they are kept to be judged again, in their order.
    pub(super) async fn keep_parts(
        &self,
        id: MessageId,
        key: &DocumentKey,
        kept: &[Kept],
        key_of_hold: &DocumentKey,
        signatures: &mut Vec<HeldSignature>,
    ) -> Result<(), Refusal> {
        let mut known = Digests::new();
        for kept_signature in kept.iter().filter(|kept| kept.part.role == PartRole::Signature) {
            let (bytes, _, digests) = self.signature_of(id, key, kept, kept_signature, &mut known).await?;
            let (number, of) = (kept_signature.part.number, signed_part(kept_signature));
            let judgeable = Judgeable { number, of, bytes: &bytes, digests: &digests };
            signatures.push(self.keep_judgeable(id, key_of_hold, judgeable).await?);
        }
        Ok(())
    }

    /// A signature as it was handed in and as it was read, and the digests of the part that it signs.
    async fn signature_of(
        &self,
        id: MessageId,
        key: &DocumentKey,
        all: &[Kept],
        kept: &Kept,
        known: &mut Digests,
    ) -> Result<(Vec<u8>, UnverifiedDocument, Vec<Digest>), Refusal> {
        let number = signed_part(kept);
        let target = all.iter().find(|kept| kept.part.number == number).ok_or(ProblemCode::Internal)?;
        let bytes = self.whole(id, key, kept).await?;
        let wrong = |refusal: Refusal| {
            let detail = format!("part {}: {}", kept.part.number, refusal.detail.as_deref().unwrap_or_default());
            Refusal { detail: Some(detail), ..refusal }
        };
        let document = signature::read(&bytes).map_err(wrong)?;
        if document.is_attached() {
            let detail = "the signature carries its content; a detached one is needed";
            return Err(wrong(Refusal::with_detail(ProblemCode::SignatureFormat, detail)));
        }
        let digests = self.digests(id, key, target, &document.digest_algorithms(), known).await?;
        Ok((bytes, document, digests))
    }

    /// A signature in memory.
    async fn whole(&self, id: MessageId, key: &DocumentKey, kept: &Kept) -> Result<Vec<u8>, Refusal> {
        let Kept { part, content } = kept;
        let context = seal_context(id, part.number);
        let mut unsealed = self.unseal(key, &context, content.clone(), part.sealed_size).await?;
        let mut whole = Vec::new();
        while let Some(piece) = unsealed.next().await? {
            if whole.len().saturating_add(piece.len()) > SIGNATURE_BYTES {
                return Err(ProblemCode::TooLarge.into());
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    /// The digests of a part that its signers use. Its SHA-256 is known; for any other the part is read back.
    async fn digests(
        &self,
        id: MessageId,
        key: &DocumentKey,
        target: &Kept,
        algorithms: &[DigestAlgorithm],
        known: &mut Digests,
    ) -> Result<Vec<Digest>, Refusal> {
        let part = &target.part;
        let sha256 = from_hex(&part.sha256).and_then(|value| Digest::new(DigestAlgorithm::Sha256, &value));
        known.insert((part.number, DigestAlgorithm::Sha256.oid()), sha256.ok_or(ProblemCode::Internal)?);
        let missing = |algorithm: &&DigestAlgorithm| !known.contains_key(&(part.number, algorithm.oid()));
        let mut digesters: Vec<Digester> = algorithms.iter().filter(missing).copied().map(Digester::new).collect();
        if !digesters.is_empty() {
            let context = seal_context(id, part.number);
            let mut unsealed = self.unseal(key, &context, target.content.clone(), part.sealed_size).await?;
            while let Some(piece) = unsealed.next().await? {
                digesters.iter_mut().for_each(|digester| digester.update(&piece));
            }
        }
        for digest in digesters.into_iter().map(Digester::finish) {
            known.insert((part.number, digest.algorithm().oid()), digest);
        }
        let wanted = algorithms.iter().filter_map(|algorithm| known.get(&(part.number, algorithm.oid())));
        Ok(wanted.copied().collect())
    }
}

/// The part that a signature signs.
fn signed_part(signature: &Kept) -> u8 {
    signature.part.of.unwrap_or_default()
}
