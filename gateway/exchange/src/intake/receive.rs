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
    sealed: Sealed,
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
        Self { objects, object_key, sealer, digesters, most, size: 0, sealed: Sealed::Held(sealed), screen: None }
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
            self.sealer.update(piece, self.sealed.end()).map_err(sealing_failed)?;
            self.sealed.spill(self.objects, &self.object_key).await?;
        }
        Ok(())
    }

    /// Nothing of it stays.
    pub(crate) async fn abort(self) {
        self.sealed.abort().await;
    }

    /// Seals the last chunk.
    pub(crate) async fn close(self) -> Result<Received, Refusal> {
        let Self { objects, object_key, sealer, digesters, size, mut sealed, screen, .. } = self;
        let ended = match sealer.finish(sealed.end()) {
            Ok(digests) => sealed.spill(objects, &object_key).await.map(|()| digests).map_err(Refusal::from),
            Err(error) => Err(sealing_failed(error)),
        };
        let SealDigests { plain: sha256, sealed: sealed_sha256 } = match ended {
            Ok(digests) => digests,
            Err(refusal) => {
                sealed.abort().await;
                return Err(refusal);
            }
        };
        let digests = Digest::new(DigestAlgorithm::Sha256, &sha256);
        let digests = digests.into_iter().chain(digesters.into_iter().map(Digester::finish)).collect();
        let screened = match screen {
            Some(screen) => Some(screen.finish().await),
            None => None,
        };
        Ok(Received { screened, sha256, digests, size, sealed_sha256, object_key, sealed })
    }
}

/// The sealed stream as far as it has come.
enum Sealed {
    /// While a row takes it.
    Held(Vec<u8>),
    Uploaded(Upload),
}

impl Sealed {
    /// Where it goes on.
    fn end(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Held(held) => held,
            Self::Uploaded(upload) => upload.gathered(),
        }
    }

    /// Moves on what [`end`](Self::end) was given, once there is more than a row takes.
    async fn spill(&mut self, objects: &Objects, object_key: &str) -> Result<(), StoreError> {
        if let Self::Held(held) = self
            && held.len() > INLINE_PART_BYTES
        {
            let mut upload = objects.upload(object_key).await?;
            upload.gathered().append(held);
            *self = Self::Uploaded(upload);
        }
        match self {
            Self::Uploaded(upload) => upload.advance().await,
            Self::Held(_) => Ok(()),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Held(held) => length(held.len()),
            Self::Uploaded(upload) => upload.size(),
        }
    }

    async fn abort(self) {
        if let Self::Uploaded(upload) = self {
            upload.abort().await;
        }
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
    object_key: String,
    sealed: Sealed,
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
            sealed_size: self.sealed.size(),
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
        self.sealed.abort().await;
    }

    /// What is known of it.
    pub(crate) fn whole(&self) -> Whole {
        Whole { sha256: self.sha256, sealed_size: self.sealed.size(), sealed_sha256: self.sealed_sha256 }
    }

    /// Makes an upload durable and visible; small documents are for the row.
    pub(crate) async fn finish(self) -> Result<Content, StoreError> {
        match self.sealed {
            Sealed::Held(held) => Ok(Content::Inline(held)),
            Sealed::Uploaded(upload) => {
                upload.finish().await?;
                Ok(Content::Object(self.object_key))
            }
        }
    }
}
