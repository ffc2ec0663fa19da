//! The time-stamp of a fresh signature: from the authority that the user names, checked before it is put in.

use std::path::Path;

use certs::revocation::RevocationData;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{Digest, DigestAlgorithm};
use crypto::signature::SignatureAlgorithm;
use signing::cades;
use signing::validate::{Context, Policy, UnverifiedTimestamp};
use storage::Clock;
use storage::clock::SystemClock;
use time::OffsetDateTime;

use super::Failure;
use super::anchors::{self, Belief};
use super::terminal::Terminal;
use crate::outbound::{StampError, TimestampClient};

/// `signature` with a time-stamp of the authority at `url` over its first signature value.
pub(super) fn stamped(
    signature: &[u8],
    url: &str,
    algorithm: SignatureAlgorithm,
    anchors: Option<&Path>,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<u8>, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(format!("no time-stamp: {error}"));
    // An authority that serves the signer's algorithms serves their digests too.
    let by = algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512);
    let imprint = cades::timestamp_imprint(signature, by).map_err(|error| refused(&error))?;
    let token = token(url, &imprint, anchors, terminal)?;
    cades::add_timestamp(signature, &token).map_err(|error| refused(&error))
}

/// A checked token of the authority at `url` over `imprint`.
pub(super) fn token(
    url: &str,
    imprint: &Digest,
    anchors: Option<&Path>,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<u8>, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(format!("no time-stamp: {error}"));
    let token = fetch(url, imprint)?;
    // The authority's clock may be ahead of ours by what its client tolerates.
    let at = UnverifiedTimestamp::read(&token).map_err(|error| refused(&error))?.info().gen_time.max(SystemClock.now());
    check(&token, imprint, anchors, at, terminal)?;
    Ok(token)
}

/// Whoever names an authority on the command line allows its host to be asked, and no other.
fn fetch(url: &str, imprint: &Digest) -> Result<Vec<u8>, Failure> {
    let host = reqwest::Url::parse(url).ok().and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(format!("{host}:{}", url.port_or_known_default()?))
    });
    let host =
        host.ok_or_else(|| Failure::Unreadable(format!("--tsa {url}: not an address such as http://tsa.example/")))?;
    let client = TimestampClient::new(&[host]).map_err(Failure::Unreachable)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
    runtime.block_on(client.stamp(url, imprint, SystemClock.now())).map_err(|error| match &error {
        StampError::NoAnswer(_) => Failure::Unreachable(format!("{url}: {error}")),
        _ => Failure::Refused(format!("{url}: {error}")),
    })
}

/// Validates the token: against the folder where one is given, else as far as it carries by itself.
pub(super) fn check(
    token: &[u8],
    imprint: &Digest,
    anchors: Option<&Path>,
    at: OffsetDateTime,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::Refused(format!("no time-stamp: {error}"));
    let token = UnverifiedTimestamp::read(token).map_err(|error| refused(&error))?;
    let belief = match anchors {
        Some(folder) => anchors::load(Some(folder), at)?,
        None => {
            terminal.note(
                "the time-stamp is put in without knowing who its authority is: give --anchors, or use `vuzol verify`",
            );
            by_itself(&token, at).ok_or_else(|| refused(&"it does not bring the authority's certificate"))?
        }
    };
    let policy = Policy::default();
    let context = Context { trust: &belief.trust, revocation: &belief.revocation, at, policy: &policy };
    token.validate(imprint, &context).map(drop).map_err(|error| refused(&error))
}

/// Believes the certificate that the token brings: then validation tells whether that key signed it, and is one for
/// time-stamps.
fn by_itself(token: &UnverifiedTimestamp<'_>, at: OffsetDateTime) -> Option<Belief> {
    let anchor =
        TrustAnchor { certificate: token.signing_certificate()?.clone(), purposes: vec![Purpose::TimeStamping] };
    Some(Belief { trust: TrustSnapshot::new(vec![anchor], Vec::new(), at), revocation: RevocationData::default() })
}
