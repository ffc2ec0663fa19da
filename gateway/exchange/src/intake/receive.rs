//! A part, or a range of one, on its way in: hashed and sealed chunk by chunk, kept in memory while it is small, else uploaded.

use bytes::Bytes;
use crypto::digest::{Digest, DigestAlgorithm, Digester, hex};
use crypto::seal::{CHUNK_BYTES, DigestingSealer, DocumentKey, SealDigests, SealError};
use futures_util::{Stream, StreamExt};
use schemas::ProblemCode;
use schemas::limits::INLINE_PART_BYTES;
use schemas::message::{Part, PartRole};
use schemas::scan::PartScan;
use storage::StoreError;
use storage::objects::{Objects, Upload};

use super::{BodyError, length};
use crate::refusal::Refusal;
use crate::screening::{PartScreen, Screened};
use crate::tables::{Content, Whole};

/// Sealed bytes that are gathered before they are written to an upload.
const WRITE_BYTES: usize = 4 * CHUNK_BYTES;

/// What one chunk adds past the threshold, with the tags of those before it.
const SLACK_BYTES: usize = CHUNK_BYTES + 1024;

/// Where something that is received comes to lie, and what it is bound to.
pub(crate) struct Place {
    /// Its key in the object store, where it is large.
    pub(crate) object_key: String,
    /// Context of the seal.
    pub(crate) context: Vec<u8>,
}

/// Something that is received. Dropped at any point, it leaves nothing visible behind.
pub(crate) struct Receiving<'a> {
    objects: &'a Objects,
    object_key: String,
    /// Makes the SHA-256 of both sides for evidence.
    sealer: DigestingSealer,
    /// What the signers use besides.
    digesters: Vec<Digester>,
    most: u64,
    size: u64,
    written: u64,
    sealed: Vec<u8>,
    upload: Option<Upload>,
    screen: Option<PartScreen>,
}

impl<'a> Receiving<'a> {
    /// Takes `most` bytes and not one more.
    pub(crate) fn new(
        objects: &'a Objects,
        place: Place,
        key: &DocumentKey,
        signers: &[DigestAlgorithm],
        most: u64,
    ) -> Self {
        let mut algorithms = Vec::new();
        for algorithm in signers {
            if *algorithm != DigestAlgorithm::Sha256 && !algorithms.contains(algorithm) {
                algorithms.push(*algorithm);
            }
        }
        let Place { object_key, context } = place;
        let mut sealed = Vec::new();
        let sealer = DigestingSealer::new(key, &context, &mut sealed);
        let digesters = algorithms.into_iter().map(Digester::new).collect();
        Self { objects, object_key, sealer, digesters, most, size: 0, written: 0, sealed, upload: None, screen: None }
    }

    /// Has the scanner look at what comes.
    pub(crate) fn screened(self, screen: Option<PartScreen>) -> Self {
        Self { screen, ..self }
    }

    /// Reads the stream to its end and seals it. Nothing is visible yet.
    pub(crate) async fn read<S>(mut self, document: &mut S) -> Result<Received, Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        match self.take_all(document).await {
            Ok(()) => self.close().await,
            Err(refusal) => {
                self.abort().await;
                Err(refusal)
            }
        }
    }

    async fn take_all<S>(&mut self, document: &mut S) -> Result<(), Refusal>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + Unpin,
    {
        while let Some(chunk) = document.next().await {
            self.take(&chunk?).await?;
        }
        if self.size == 0 { Err(ProblemCode::EmptyDocument.into()) } else { Ok(()) }
    }

    /// Takes in what comes next.
    pub(crate) async fn take(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        self.size = self.size.saturating_add(length(chunk.len()));
        if self.size > self.most {
            return Err(ProblemCode::TooLarge.into());
        }
        // A caller may hand over any amount at once; what is held here stays bounded.
        for piece in chunk.chunks(CHUNK_BYTES) {
            self.digesters.iter_mut().for_each(|digester| digester.update(piece));
            if let Some(screen) = &mut self.screen {
                screen.feed(piece).await;
            }
            self.sealer.update(piece, &mut self.sealed).map_err(sealing_failed)?;
            self.spill(WRITE_BYTES).await?;
        }
        Ok(())
    }

    /// Nothing of it stays.
    pub(crate) async fn abort(self) {
        abort(self.upload).await;
    }

    /// Moves sealed bytes on, once there are more of them than a row takes.
    async fn spill(&mut self, threshold: usize) -> Result<(), StoreError> {
        if self.upload.is_none() {
            if self.sealed.len() <= INLINE_PART_BYTES {
                return Ok(());
            }
            self.upload = Some(self.objects.upload(&self.object_key).await?);
        }
        let Some(upload) = &mut self.upload else { return Ok(()) };
        if self.sealed.len() >= threshold {
            // As large as what comes: growing from nothing would copy everything twice over.
            let bytes = std::mem::replace(&mut self.sealed, Vec::with_capacity(WRITE_BYTES + SLACK_BYTES));
            self.written = self.written.saturating_add(length(bytes.len()));
            upload.write(bytes.into()).await?;
        }
        Ok(())
    }

    /// Seals the last chunk.
    pub(crate) async fn close(mut self) -> Result<Received, Refusal> {
        let sealed_to = match self.sealer.finish(&mut self.sealed) {
            Ok(digests) => digests,
            Err(error) => {
                abort(self.upload).await;
                return Err(sealing_failed(error));
            }
        };
        let SealDigests { plain: sha256, sealed: sealed_sha256 } = sealed_to;
        let digests = Digest::new(DigestAlgorithm::Sha256, &sha256);
        let digests = digests.into_iter().chain(self.digesters.into_iter().map(Digester::finish)).collect();
        if self.upload.is_none() && self.sealed.len() > INLINE_PART_BYTES {
            self.upload = Some(self.objects.upload(&self.object_key).await?);
        }
        let screened = match self.screen.take() {
            Some(screen) => Some(screen.finish().await),
            None => None,
        };
        Ok(Received {
            screened,
            sha256,
            digests,
            size: self.size,
            sealed_sha256,
            sealed_size: self.written.saturating_add(length(self.sealed.len())),
            object_key: self.object_key,
            rest: self.sealed,
            upload: self.upload,
        })
    }
}

async fn abort(upload: Option<Upload>) {
    if let Some(upload) = upload {
        upload.abort().await;
    }
}

fn sealing_failed(error: SealError) -> Refusal {
    tracing::error!(%error, "a document cannot be sealed");
    ProblemCode::Internal.into()
}

/// What was received and sealed. Dropped or aborted, it leaves nothing visible behind.
pub(crate) struct Received {
    screened: Option<Screened>,
    pub(crate) sha256: [u8; 32],
    pub(crate) digests: Vec<Digest>,
    pub(crate) size: u64,
    sealed_sha256: [u8; 32],
    pub(crate) sealed_size: u64,
    object_key: String,
    /// Sealed bytes that are not uploaded; all of them where there is no upload.
    rest: Vec<u8>,
    upload: Option<Upload>,
}

impl Received {
    /// What evidence says of a document that came in one request.
    pub(crate) fn part(&self) -> Part {
        Part {
            number: 0,
            role: PartRole::Document,
            of: None,
            media_type: None,
            sha256: hex(&self.sha256),
            size: self.size,
            sealed_size: self.sealed_size,
            sealed_sha256: Some(hex(&self.sealed_sha256)),
            scan: self.mark(),
        }
    }

    /// What the scanner said of it, where there is one.
    pub(crate) fn mark(&self) -> Option<PartScan> {
        self.screened.as_ref().map(|screened| screened.mark.clone())
    }

    /// Why the scanner does not let it pass.
    pub(crate) fn stopped(&self) -> Option<Refusal> {
        self.screened.as_ref()?.refusal.clone()
    }

    pub(crate) async fn abort(self) {
        abort(self.upload).await;
    }

    /// What is known of it.
    pub(crate) fn whole(&self) -> Whole {
        Whole { sha256: self.sha256, sealed_size: self.sealed_size, sealed_sha256: self.sealed_sha256 }
    }

    /// Makes an upload durable and visible; small documents are for the row.
    pub(crate) async fn finish(self) -> Result<Content, StoreError> {
        let Some(mut upload) = self.upload else { return Ok(Content::Inline(self.rest)) };
        if !self.rest.is_empty()
            && let Err(error) = upload.write(self.rest.into()).await
        {
            upload.abort().await;
            return Err(error);
        }
        upload.finish().await?;
        Ok(Content::Object(self.object_key))
    }
}
