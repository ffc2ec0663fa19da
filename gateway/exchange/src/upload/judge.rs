//! The signatures of a submission whose parts are all here: each is judged over the part that it signs, by the rules of a
//! submission in one request, and each document and attachment needs one of the sender.

use std::collections::{BTreeMap, BTreeSet};

use crypto::digest::{Digest, DigestAlgorithm, Digester, from_hex};
use crypto::seal::DocumentKey;
use schemas::limits::SIGNATURE_BYTES;
use schemas::message::{Part, PartRole};
use schemas::{Edrpou, MessageId, ProblemCode};

use crate::intake::seal_context;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature;
use crate::tables::Content;

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
    /// What is wrong with the first that is wrong. `SignerStatusUnknown` only where nothing else is wrong.
    pub(crate) async fn judge_parts(
        &self,
        id: MessageId,
        sender: Edrpou,
        key: &DocumentKey,
        kept: &[Kept],
    ) -> Result<(), Refusal> {
        let (mut covered, mut known, mut waiting) = (BTreeSet::new(), Digests::new(), None);
        for kept_signature in kept.iter().filter(|kept| kept.part.role == PartRole::Signature) {
            let number = kept_signature.part.of.unwrap_or_default();
            let target = kept.iter().find(|kept| kept.part.number == number).ok_or(ProblemCode::Internal)?;
            match self.judge_part(id, sender, key, kept_signature, target, &mut known).await {
                Ok(true) => {
                    covered.insert(number);
                }
                Ok(false) => {}
                Err(refusal) if refusal.code == ProblemCode::SignerStatusUnknown => waiting = Some(refusal),
                Err(refusal) => {
                    let detail = refusal.detail.unwrap_or_default();
                    let detail = format!("part {}: {detail}", kept_signature.part.number);
                    return Err(Refusal::with_detail(refusal.code, detail));
                }
            }
        }
        if let Some(refusal) = waiting {
            return Err(refusal);
        }
        let mut contents = kept.iter().filter(|kept| kept.part.role != PartRole::Signature);
        match contents.find(|kept| !covered.contains(&kept.part.number)) {
            None => Ok(()),
            Some(kept) => {
                let detail = format!("part {}", kept.part.number);
                Err(Refusal::with_detail(ProblemCode::SignerNotOfSender, detail))
            }
        }
    }

    /// Whether a valid signature is the sender's.
    async fn judge_part(
        &self,
        id: MessageId,
        sender: Edrpou,
        key: &DocumentKey,
        kept: &Kept,
        target: &Kept,
        known: &mut Digests,
    ) -> Result<bool, Refusal> {
        let document = signature::read(&self.whole(id, key, kept).await?)?;
        if document.is_attached() {
            let detail = "the signature carries its content; a detached one is needed";
            return Err(Refusal::with_detail(ProblemCode::SignatureFormat, detail));
        }
        let signers = self.signer_paths(&document)?;
        let digests = self.digests(id, key, target, &document.digest_algorithms(), known).await?;
        let revocation = self.revocation(&signers).await;
        let validated = self.judge(document.with_detached(digests), &revocation)?;
        Ok(signature::signed_for(&validated, sender).is_ok())
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
