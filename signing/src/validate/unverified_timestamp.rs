//! A time-stamp token by itself (RFC 3161, 2.4.2), for whoever has just asked an authority for one.

use certs::certificate::Certificate;
use certs::timestamp::{TrustedTime, TstInfo};
use crypto::digest::Digest;
use schemas::report::{TimestampKind, TimestampReport};

use super::cause::Findings;
use super::context::certificate_pool;
use super::document::ReadError;
use super::format::SignedAttributes;
use super::proof::Object;
use super::token::{Form, Source};
use super::{Context, identification, timestamp_over};

/// A time-stamp token as an authority gave it: one signature over a TSTInfo. Read, not believed.
pub struct UnverifiedTimestamp<'a> {
    token: &'a [u8],
    info: TstInfo,
    signing_certificate: Option<Certificate>,
    certificates: Vec<Certificate>,
}

/// A token that proves nothing, with what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the time-stamp cannot be relied on: {}", .0.reasons.first().map_or("no reason was found", |reason| reason.text_en.as_str()))]
pub struct TimestampRefused(pub Box<TimestampReport>);

impl<'a> UnverifiedTimestamp<'a> {
    /// Reads a token: BER or DER CMS SignedData (ContentInfo), which must be all of `token`.
    ///
    /// # Errors
    /// [`ReadError::Malformed`], also where the content is no TSTInfo, or not exactly one signature stands over it.
    pub fn read(token: &'a [u8]) -> Result<Self, ReadError> {
        let source = Source::new(TimestampKind::Container, Form::Plain, Object::Signature, token);
        let read = source.read().ok_or(ReadError::Malformed("not a time-stamp token"))?;
        let certificates = certificate_pool(&read.signed);
        let signing_certificate = read.signed.signers.first().and_then(|signer| {
            let mut unheeded = Findings::default();
            let attributes = SignedAttributes::read(signer, Some(read.signed.content_type), &mut unheeded);
            identification::identify(signer, &attributes, &certificates, &mut unheeded)
        });
        Ok(Self { token, info: read.info, signing_certificate, certificates })
    }

    /// What the authority claims.
    #[must_use]
    pub fn info(&self) -> &TstInfo {
        &self.info
    }

    /// The certificate that the token names as its signer's, where the token brings it. Unverified!
    #[must_use]
    pub fn signing_certificate(&self) -> Option<&Certificate> {
        self.signing_certificate.as_ref()
    }

    /// All certificates that the token brings, which may help to find its signer's path. Unverified!
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The time that the token proves for data with this imprint: its signature verifies, and its signer is an authority for
    /// time-stamps (RFC 3161, 2.3) whose path leads to an anchor of the context and is not revoked.
    ///
    /// # Errors
    /// [`TimestampRefused`].
    pub fn validate(&self, imprint: &Digest, context: &Context<'_>) -> Result<TrustedTime, TimestampRefused> {
        let own = |algorithm| (algorithm == imprint.algorithm()).then_some(*imprint);
        let (report, time) = timestamp_over(self.token, &own, &[], None, context);
        time.ok_or_else(|| TimestampRefused(Box::new(report)))
    }
}
