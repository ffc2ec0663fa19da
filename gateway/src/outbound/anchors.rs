//! Time-stamps over checkpoints: asked for through the one client for time-stamps, and believed only after validation against the node's own trust.

use std::sync::Arc;

use audit::anchors::{Authority, Stamping, Unstamped};
use certs::path::{self, Budget};
use certs::revocation::{RevocationData, RevocationSource};
use certs::trust::{Purpose, TrustSource};
use crypto::digest::{Digest, DigestAlgorithm};
use signing::validate::{Context, Policy, UnverifiedTimestamp};
use storage::Clock;

use super::TimestampClient;

/// The authority that the configuration names.
pub(crate) struct ConfiguredAuthority {
    pub(crate) client: TimestampClient,
    pub(crate) url: String,
    pub(crate) trust: Arc<dyn TrustSource>,
    pub(crate) revocation: Arc<dyn RevocationSource>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ConfiguredAuthority {
    async fn validate(&self, token: &[u8], imprint: &Digest) -> Result<(), Unstamped> {
        let unstamped = |why: &dyn std::fmt::Display| Unstamped(why.to_string());
        let token = UnverifiedTimestamp::read(token).map_err(|error| unstamped(&error))?;
        // The authority's clock may be ahead of ours by what its client tolerates.
        let at = token.info().gen_time.max(self.clock.now());
        let trust = self.trust.current();
        let signer =
            token.signing_certificate().ok_or_else(|| unstamped(&"the token does not bring its certificate"))?;
        // Of a stranger's certificate nobody is asked anything; validation says that it is a stranger's.
        let path =
            path::verify(signer, token.certificates(), &trust, Purpose::TimeStamping, at, &mut Budget::default());
        let revocation = match path {
            Ok(path) => self.revocation.data(&path, at).await,
            Err(_) => RevocationData::default(),
        };
        let policy = Policy::default();
        let context = Context { trust: &trust, revocation: &revocation, at, policy: &policy };
        token.validate(imprint, &context).map(drop).map_err(|error| unstamped(&error))
    }
}

impl Authority for ConfiguredAuthority {
    fn stamp<'a>(&'a self, imprint: [u8; 32]) -> Stamping<'a, Vec<u8>> {
        Box::pin(async move {
            let imprint = of_sha256(&imprint)?;
            let stamped = self.client.stamp(&self.url, &imprint, self.clock.now()).await;
            let token = stamped.map_err(|error| Unstamped(error.to_string()))?;
            self.validate(&token, &imprint).await?;
            Ok(token)
        })
    }

    fn holds<'a>(&'a self, token: &'a [u8], imprint: [u8; 32]) -> Stamping<'a, ()> {
        Box::pin(async move { self.validate(token, &of_sha256(&imprint)?).await })
    }
}

fn of_sha256(value: &[u8; 32]) -> Result<Digest, Unstamped> {
    Digest::new(DigestAlgorithm::Sha256, value).ok_or_else(|| Unstamped("no SHA-256".to_owned()))
}

#[cfg(test)]
#[path = "anchors_tests.rs"]
mod tests;
