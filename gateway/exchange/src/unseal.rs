//! Parts that the node itself reads again before it is responsible for them: to join the ranges of an upload, to make
//! digests, to judge signatures. In bounded memory, chunk by chunk, each after its check.

use bytes::Bytes;
use crypto::seal::{DocumentKey, Opener, SealError};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use schemas::ProblemCode;
use storage::StoreError;
use zeroize::Zeroizing;

use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::tables::Content;

/// Something sealed, on its way to whoever reads it.
pub(crate) struct Unsealed {
    /// None: the end was reached.
    opener: Option<Opener>,
    sealed: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl Exchange {
    /// Opens what was sealed under this key and context.
    pub(crate) async fn unseal(
        &self,
        key: &DocumentKey,
        context: &[u8],
        content: Content,
        sealed_size: u64,
    ) -> Result<Unsealed, Refusal> {
        let sealed = self.open(content, &(0..sealed_size)).await?;
        Ok(Unsealed { opener: Some(Opener::new(key, context)), sealed })
    }
}

impl Unsealed {
    /// What comes next: never empty; None after the end, which was checked.
    pub(crate) async fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        while let Some(opener) = &mut self.opener {
            let next = self.sealed.next().await.transpose()?;
            // With room for all that may come: a buffer that grows leaves copies behind.
            let room = next.as_ref().map_or(0, Bytes::len) + crypto::seal::CHUNK_BYTES;
            let mut plaintext = Zeroizing::new(Vec::with_capacity(room));
            match next {
                Some(sealed) => opener.update(&sealed, &mut plaintext).map_err(unreadable)?,
                None => {
                    if let Some(opener) = self.opener.take() {
                        opener.finish(&mut plaintext).map_err(unreadable)?;
                    }
                }
            }
            if !plaintext.is_empty() {
                return Ok(Some(plaintext));
            }
        }
        Ok(None)
    }
}

fn unreadable(error: SealError) -> Refusal {
    tracing::error!(%error, "what the node sealed does not open");
    ProblemCode::Internal.into()
}
