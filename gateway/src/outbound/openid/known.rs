//! What is known of a provider: its description and its keys, for a while.

use std::sync::Arc;

use access::openid::address::HttpsAddress;
use access::openid::discovery::{DISCOVERY_BYTES, Discovery};
use access::openid::keys::{KEYS_BYTES, ProviderKeys};
use access::openid::provider::ProviderError;
use http::StatusCode;
use time::{Duration, OffsetDateTime};

use super::OpenIdProvider;

/// How long a description and keys are used: the longest that a key is believed which the provider withdrew.
pub(super) const FRESH: Duration = Duration::hours(1);

/// Between two questions for keys because of a token that names an unknown one. Whoever makes up names must not make the node ask.
pub(super) const AGAIN: Duration = Duration::seconds(30);

/// After a question that came to nothing.
pub(super) const PAUSE: Duration = Duration::seconds(5);

/// Each with the time at which it was asked for.
#[derive(Default)]
pub(super) struct Known {
    description: Option<(OffsetDateTime, Arc<Discovery>)>,
    keys: Option<(OffsetDateTime, Arc<ProviderKeys>)>,
    failed: Option<(OffsetDateTime, ProviderError)>,
}

impl Known {
    /// A clock that was set back must not prolong anything.
    fn within(at: OffsetDateTime, now: OffsetDateTime, lasts: Duration) -> bool {
        (Duration::ZERO..lasts).contains(&(now - at))
    }

    fn paused(&self, now: OffsetDateTime) -> Result<(), ProviderError> {
        let failed = self.failed.filter(|(at, _)| Self::within(*at, now, PAUSE));
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }
}

impl OpenIdProvider {
    /// The description. Who comes while it is asked for waits for that one answer.
    pub(super) async fn description(&self, now: OffsetDateTime) -> Result<Arc<Discovery>, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some((at, description)) = &known.description
            && Known::within(*at, now, FRESH)
        {
            return Ok(description.clone());
        }
        known.paused(now)?;
        let asked = self.ask_description(now).await;
        known.failed = asked.as_ref().err().map(|error| (now, *error));
        let description = Arc::new(asked?);
        known.description = Some((now, description.clone()));
        Ok(description)
    }

    async fn ask_description(&self, now: OffsetDateTime) -> Result<Discovery, ProviderError> {
        let address = HttpsAddress::parse(&self.stated.description()).ok_or(ProviderError::Malformed)?;
        let octets = self.fetch(&address, DISCOVERY_BYTES, now).await?;
        Discovery::read(&octets, &self.stated).map_err(|error| {
            tracing::error!(provider = self.name, %error, "the description of an identity provider is not used");
            ProviderError::Malformed
        })
    }

    /// The keys. `anew`: a token names one that is not among them.
    pub(super) async fn keys(
        &self,
        description: &Discovery,
        now: OffsetDateTime,
        anew: bool,
    ) -> Result<Arc<ProviderKeys>, ProviderError> {
        let mut known = self.known.lock().await;
        let lasts = if anew { AGAIN } else { FRESH };
        if let Some((at, keys)) = &known.keys
            && Known::within(*at, now, lasts)
        {
            return Ok(keys.clone());
        }
        known.paused(now)?;
        let asked = self.ask_keys(description, now).await;
        known.failed = asked.as_ref().err().map(|error| (now, *error));
        let keys = Arc::new(asked?);
        known.keys = Some((now, keys.clone()));
        Ok(keys)
    }

    async fn ask_keys(&self, description: &Discovery, now: OffsetDateTime) -> Result<ProviderKeys, ProviderError> {
        let octets = self.fetch(description.keys(), KEYS_BYTES, now).await?;
        ProviderKeys::read(&octets).map_err(|error| {
            tracing::error!(provider = self.name, %error, "the keys of an identity provider are not used");
            ProviderError::Malformed
        })
    }

    async fn fetch(
        &self,
        address: &HttpsAddress,
        most: usize,
        now: OffsetDateTime,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, ProviderError> {
        let request = self.client.get(self.permitted(address)?);
        match self.exchange(address, request, most, now).await? {
            (StatusCode::OK, octets) => Ok(octets),
            _ => Err(ProviderError::Malformed),
        }
    }
}
