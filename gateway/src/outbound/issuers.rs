//! Certificates of authorities that chains lack, fetched from where their subordinates say that they lie (caIssuers, RFC 5280
//! 4.2.2.1), so that an authority's new key is known before the operator hears of it.
//!
//! The policy:
//!
//! - **No stranger's address is ever dereferenced, and no request makes the node fetch.** An address is taken only from a
//!   certificate that an operator gave us (anchors, intermediates, the certificates of participants), or whose path leads to an
//!   anchor: of a signer, a login or an authority that was verified. What to do about a chain that leads nowhere is decided
//!   with what is at hand; a name in it that we know changes nothing, since anybody can write a name.
//! - Only hosts of the allow-list are asked, through the one hardened client.
//! - It happens in the background, once an hour, and at the start; rounds that overlap share their exchanges.
//! - A file is one certificate in DER, PEM blocks, or a certs-only CMS in BER or DER (RFC 5652; `.p7c`, `.p7b`); at most
//!   [`FILE_CERTIFICATES`] of it are looked at.
//! - What is found **helps, and is never believed**: it becomes an intermediate of the trust snapshot, and only where it is an
//!   authority's own and a path leads from it to one of our anchors now. Everything else in a file is dropped unseen, so that
//!   who sits on the (unencrypted) line can withhold a certificate but not slip one in.
//! - One step at a time: the addresses in what was found are used in the next round, now that a path leads from there.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use certs::certificate::Certificate;
use certs::path::{self, Budget, VerifiedPath};
use certs::trust::{Purpose, TrustSnapshot};
use futures_util::future::join_all;
use signing::asn1::{Layers, Limits, normalise};
use signing::cms::SignedData;
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;

use super::cache::{Asked, Cache, Known, value};
use super::fetch::Fetcher;

/// How long a file is not asked for again.
const LIFE: Duration = Duration::minutes(50);

/// Certificates of one file that are looked at. A nation's bag of authorities has some two hundred.
const FILE_CERTIFICATES: usize = 256;

/// Certificates that are kept.
const COLLECTED: usize = 1024;

/// Addresses that are remembered from verified paths, and asked in one round. A region's signers have some thirty authorities.
const ADDRESSES: usize = 256;

/// Addresses of one certificate that are used.
const ADDRESSES_OF_CERTIFICATE: usize = 2;

/// Signature checks over all certificates of a round: a bag made to exhaust costs a second in the background, not more.
const SIGNATURE_CHECKS: u32 = 10_000;

/// Exchanges at a time.
const EXCHANGES: usize = 4;

/// Purposes of anchors under which an authority is of use.
const PURPOSES: [Purpose; 4] = [Purpose::Signing, Purpose::TlsClient, Purpose::Encryption, Purpose::TimeStamping];

/// Collects certificates of authorities.
pub(crate) struct Issuers {
    fetcher: Arc<Fetcher>,
    files: Cache<String, Arc<Vec<Certificate>>>,
    /// Addresses of verified certificates, the latest last.
    learnt: Mutex<VecDeque<String>>,
    exchanges: Semaphore,
}

impl Issuers {
    pub(crate) fn new(fetcher: Arc<Fetcher>) -> Arc<Self> {
        let (files, learnt, exchanges) = (Cache::new(), Mutex::default(), Semaphore::new(EXCHANGES));
        Arc::new(Self { fetcher, files, learnt, exchanges })
    }

    /// Remembers where the certificates of a path say that their issuers' lie: each of them leads to an anchor.
    pub(crate) fn learn(&self, path: &VerifiedPath) {
        let addresses = path.certificates().iter().flat_map(|certificate| self.addresses(certificate));
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        for address in addresses {
            if learnt.contains(&address) {
                continue;
            }
            if learnt.len() >= ADDRESSES {
                learnt.pop_front();
            }
            learnt.push_back(address);
        }
    }

    /// Authorities under the anchors of `trust` that it does not know yet, from the addresses in what it holds, in `held`
    /// (certificates that an operator gave us) and in what was learnt; `earlier` are those of the last round, which stay as long
    /// as a path leads from them.
    pub(crate) async fn collect(
        &self,
        trust: &TrustSnapshot,
        held: &[Certificate],
        earlier: &[Certificate],
        at: OffsetDateTime,
    ) -> Vec<Certificate> {
        let found = join_all(self.known_addresses(trust, held).into_iter().map(|url| self.file(url, at))).await;
        let mut candidates: Vec<Certificate> = Vec::new();
        let mut seen = BTreeSet::new();
        let files = found.iter().flatten().flat_map(|file| file.iter());
        for certificate in files.chain(earlier) {
            if certificate.is_ca() && seen.insert(certificate.fingerprint()) {
                candidates.push(certificate.clone());
            }
        }
        let trust = trust.clone();
        let judged = tokio::task::spawn_blocking(move || authorities(candidates, &trust, at));
        judged.await.unwrap_or_default()
    }

    fn addresses(&self, certificate: &Certificate) -> Vec<String> {
        let permitted = |url: &&String| self.fetcher.permitted(url).is_ok();
        certificate.issuer_urls().iter().filter(permitted).take(ADDRESSES_OF_CERTIFICATE).cloned().collect()
    }

    fn known_addresses(&self, trust: &TrustSnapshot, held: &[Certificate]) -> BTreeSet<String> {
        let anchors = trust.anchor_certificates();
        let ours = anchors.chain(trust.intermediates()).chain(held);
        let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        let all = ours.flat_map(|certificate| self.addresses(certificate)).chain(learnt.iter().cloned());
        let mut addresses = BTreeSet::new();
        for address in all {
            if addresses.len() >= ADDRESSES {
                break;
            }
            addresses.insert(address);
        }
        addresses
    }

    /// What lies at an address: after one exchange that all rounds share.
    async fn file(&self, url: String, at: OffsetDateTime) -> Option<Arc<Vec<Certificate>>> {
        let permitted = self.fetcher.permitted(&url).ok()?;
        let slot = self.files.slot(url.clone(), at);
        let _place = self.exchanges.acquire().await.ok()?;
        let fetcher = self.fetcher.clone();
        value(slot, at, None, || async move {
            let read = fetcher.certificates(permitted, at).await.map_err(|e| e.to_string()).and_then(|b| read(&b));
            match read {
                Ok(certificates) => Asked {
                    known: Some(Known { value: Arc::new(certificates), from: at, until: at + LIFE }),
                    failed: false,
                },
                Err(why) => {
                    metrics::counter!("vuzol_issuer_failures_total").increment(1);
                    tracing::warn!(url, why, "no certificates of an authority");
                    Asked { known: None, failed: true }
                }
            }
        })
        .await
    }
}

/// The candidates from which a path leads to an anchor, and which the snapshot does not hold already.
fn authorities(candidates: Vec<Certificate>, trust: &TrustSnapshot, at: OffsetDateTime) -> Vec<Certificate> {
    let held = |certificate: &Certificate| {
        let anchors = trust.anchor_certificates();
        anchors.chain(trust.intermediates()).any(|known| known == certificate)
    };
    let mut left = SIGNATURE_CHECKS;
    let mut leads = |certificate: &Certificate| {
        PURPOSES.into_iter().any(|purpose| {
            // One candidate must not use up what is there for all.
            let mut budget = Budget { signature_checks: left.min(100), ..Budget::default() };
            let given = budget.signature_checks;
            let path = path::of_authority(certificate, &candidates, trust, purpose, at, &mut budget);
            left = left.saturating_sub(given.saturating_sub(budget.signature_checks));
            path.is_ok()
        })
    };
    candidates.iter().filter(|certificate| !held(certificate) && leads(certificate)).take(COLLECTED).cloned().collect()
}

/// The certificates of a file; what cannot be read among others is passed over.
fn read(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    if let Ok(one) = Certificate::from_der(bytes) {
        return Ok(vec![one]);
    }
    if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN CERTIFICATE-----")) {
        let certificates = Certificate::from_pem(text).map_err(|e| e.to_string())?;
        return Ok(certificates.into_iter().take(FILE_CERTIFICATES).collect());
    }
    let unreadable = |_| "neither a certificate nor a bag of them".to_owned();
    let (der, _) = normalise(bytes, Layers::SIGNED_DATA, &Limits::default()).map_err(unreadable)?;
    let bag = SignedData::read(&der).map_err(unreadable)?;
    let certificates = bag.certificates.iter().take(FILE_CERTIFICATES);
    Ok(certificates.filter_map(|der| Certificate::from_der(der).ok()).collect())
}

#[cfg(test)]
#[path = "issuers_tests.rs"]
mod tests;
