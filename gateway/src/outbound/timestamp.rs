//! Time-stamps from an authority over HTTP (RFC 3161, 3.4), through the one hardened client.
//!
//! A question carries the imprint, a fresh nonce, and the wish for the authority's certificate; no policy and no extension.
//! What comes back is checked as far as it can be without trust, and handed on unbelieved: whether its signature holds, and
//! whether its signer is an authority that we trust, [`UnverifiedTimestamp::validate`] tells.
//!
//! | the authority | what comes of it |
//! |---|---|
//! | is down, silent, slow, answers something else than 200, leads elsewhere, sends past the bound | [`StampError::NoAnswer`]; after three times in a row its host rests ([`super::breaker`]) and is not asked at all |
//! | refuses (PKIStatus) | [`StampError::Refused`] with the status |
//! | answers something that is no TimeStampResp around one signed TSTInfo | [`StampError::Unreadable`] |
//! | answers for another imprint; with another nonce or none | [`StampError::OtherImprint`], [`StampError::OtherQuestion`]: a replay |
//! | states a time that is not now | [`StampError::Untimely`] (RFC 3161, 2.2: timeliness against a local clock) |
//! | labels its answer with another media type | the answer is judged by its bytes |
//! | signs with a key that is not for time-stamps, or whom we do not trust | the token is read; validation refuses it |
//!
//! Nothing is repeated here and there is no second authority: who asked decides. No failure becomes a signature without the
//! time-stamp that was asked for.

use std::sync::Arc;

use certs::timestamp::{TimestampError, request, token_of_response};
use crypto::digest::Digest;
use signing::validate::UnverifiedTimestamp;
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;

use super::fetch::{FetchError, Fetcher};

/// How far the authority's clock and ours may lie apart, besides the accuracy that it states.
const SKEW: Duration = Duration::minutes(5);

/// Octets of a nonce. RFC 3161, 2.4.1 wants a large random number, and gives 64 bits as an example.
const NONCE: usize = 16;

/// Exchanges at a time.
const EXCHANGES: usize = 16;

/// Asks time-stamp authorities. Cheap to clone.
#[derive(Clone)]
pub struct TimestampClient(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    exchanges: Semaphore,
}

/// Why there is no time-stamp.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// The authority gave no answer, or was not asked.
    #[error("no answer from the time-stamp authority: {0}")]
    NoAnswer(#[from] FetchError),
    /// The authority gave no token.
    #[error("the time-stamp authority refused: status {0}")]
    Refused(u32),
    /// What came is no answer of a time-stamp authority.
    #[error("the time-stamp authority's answer cannot be read: {0}")]
    Unreadable(String),
    /// The token is for other data.
    #[error("the time-stamp is for another imprint")]
    OtherImprint,
    /// The token repeats another nonce than was sent, or none.
    #[error("the time-stamp answers another question")]
    OtherQuestion,
    /// The token's time is not that of the question.
    #[error("the time-stamp is of {0}, which is not now")]
    Untimely(OffsetDateTime),
}

impl From<TimestampError> for StampError {
    fn from(error: TimestampError) -> Self {
        match error {
            TimestampError::Refused { status } => Self::Refused(status),
            TimestampError::ImprintMismatch => Self::OtherImprint,
            TimestampError::NonceMismatch => Self::OtherQuestion,
            unreadable @ (TimestampError::Malformed(_) | TimestampError::WrongPurpose) => {
                Self::Unreadable(unreadable.to_string())
            }
        }
    }
}

impl TimestampClient {
    /// May ask the hosts of the list: `host` or `host:port`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(allowed_hosts: &[String]) -> Result<Self, String> {
        Ok(Self(Arc::new(Inner { fetcher: Fetcher::new(allowed_hosts)?, exchanges: Semaphore::new(EXCHANGES) })))
    }

    /// Asks the authority at `url` for a time-stamp over `imprint`; `at` is now. Returns the token (ContentInfo), which
    /// answers this very question and is not yet believed.
    ///
    /// # Errors
    /// [`StampError`], by the policy in the head of this file.
    pub async fn stamp(&self, url: &str, imprint: &Digest, at: OffsetDateTime) -> Result<Vec<u8>, StampError> {
        let url = self.0.fetcher.permitted(url)?;
        let nonce = crypto::random::array::<NONCE>();
        let question = request(imprint, Some(&nonce), true);
        let answer = {
            let _place = self.0.exchanges.acquire().await.map_err(|_| FetchError::Resting)?;
            self.0.fetcher.timestamp(url, question, at).await?
        };
        let token = token_of_response(&answer)?;
        check(&token, imprint, &nonce, at)?;
        Ok(token)
    }
}

/// Whether the token answers the question (RFC 3161, 2.2).
fn check(token: &[u8], imprint: &Digest, nonce: &[u8], at: OffsetDateTime) -> Result<(), StampError> {
    let token = UnverifiedTimestamp::read(token).map_err(|error| StampError::Unreadable(error.to_string()))?;
    let info = token.info();
    if info.imprint_oid != imprint.algorithm().oid() || info.imprint != imprint.as_bytes() {
        return Err(StampError::OtherImprint);
    }
    info.check_nonce(nonce)?;
    let apart = (info.gen_time - at).abs();
    if apart > SKEW.saturating_add(info.accuracy.unwrap_or(Duration::ZERO).min(SKEW)) {
        return Err(StampError::Untimely(info.gen_time));
    }
    Ok(())
}

#[cfg(test)]
#[path = "timestamp_tests.rs"]
mod tests;
