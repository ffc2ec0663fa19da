//! What is known about revocation: a cache of OCSP answers and CRLs that renews itself.
//!
//! For each certificate below the anchor: a fresh answer from the cache; past half of its life it is renewed in the
//! background while it still serves. Without a fresh one the caller waits for one exchange, however many callers there are,
//! and not for long ([`super::cache`]). An answer enters the cache only after `certs::revocation::status` has accepted it for
//! exactly this certificate, so a responder's nonsense never displaces an honest answer. A failure is remembered for some
//! seconds: a responder that is down is not asked by every request. Callers to whom an hour is too long (open sessions) say how old an
//! answer about a person's certificate may be.
//!
//! What was accepted is kept in storage too ([`storage::fetched`]), with the time at which it was fetched. A node that starts
//! while a responder is down goes on where it stopped: a kept answer is judged anew, signature and all, and is believed no
//! longer than it would have been without the restart. One whose bytes changed is thrown away, and the operator is told.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use certs::certificate::Certificate;
use certs::path::VerifiedPath;
use certs::revocation::{Crl, OcspResponse, RevocationData, RevocationSource, Status, ocsp_request, status};
use futures_util::future::join_all;
use storage::StoreError;
use storage::fetched::{Fetched, FetchedStore};
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;

use super::cache::{Asked, Cache, Known, value};
use super::fetch::{FetchError, Fetcher};
use super::issuers::Issuers;
use super::trust::FolderTrust;

/// An answer is asked for again after this time, whatever its nextUpdate says: a revocation is noticed within it.
const LONGEST: Duration = Duration::hours(1);

/// Life of an answer without nextUpdate, which says that newer information is always available (RFC 6960, 4.2.2.1).
const UNDATED: Duration = Duration::minutes(5);

/// Delta lists of one certificate that are fetched.
const DELTAS: usize = 2;

/// Exchanges at a time.
const EXCHANGES: usize = 32;

/// Kinds of what is kept.
const OCSP: &str = "ocsp";
const LIST: &str = "crl";

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct Revocation(Arc<Inner>);

struct Inner {
    fetcher: Arc<Fetcher>,
    answers: Cache<[u8; 32], Answer>,
    lists: Cache<String, Arc<FetchedList>>,
    exchanges: Semaphore,
    sources: Sources,
}

/// Where else answers come from, and what else learns from paths.
#[derive(Default)]
pub(crate) struct Sources {
    /// Where the lists of an offline bundle lie.
    pub(crate) beside: Option<Arc<FolderTrust>>,
    /// What outlives the process.
    pub(crate) kept: Option<FetchedStore>,
    /// Learns where authorities publish their certificates.
    pub(crate) issuers: Option<Arc<Issuers>>,
}

/// What answers for one certificate.
#[derive(Clone)]
enum Answer {
    Ocsp(OcspResponse),
    /// A list, and the delta lists that are at hand.
    Lists(Vec<Crl>),
}

/// A list, when it was fetched, and whether it is in storage.
struct FetchedList {
    list: Crl,
    at: OffsetDateTime,
    kept: AtomicBool,
}

impl Revocation {
    /// May ask the hosts of the list: `host` or `host:port`. Keeps nothing.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(allowed_hosts: &[String]) -> Result<Self, String> {
        Ok(Self::with(Arc::new(Fetcher::new(allowed_hosts)?), Sources::default()))
    }

    /// Asks through `fetcher`, beside other sources.
    pub(crate) fn with(fetcher: Arc<Fetcher>, sources: Sources) -> Self {
        let (answers, lists, exchanges) = (Cache::new(), Cache::new(), Semaphore::new(EXCHANGES));
        Self(Arc::new(Inner { fetcher, answers, lists, exchanges, sources }))
    }

    async fn answer(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        since: Option<OffsetDateTime>,
    ) -> Option<Answer> {
        let slot = self.0.answers.slot(certificate.fingerprint(), at);
        value(slot, at, since, || {
            let (this, certificate, issuer) = (self.clone(), certificate.clone(), issuer.clone());
            async move { this.ask(&certificate, &issuer, at, since).await }
        })
        .await
    }

    /// What is known of a path. `since`: how old what is known of its first certificate may be, where somebody can be asked.
    async fn gather(&self, path: &VerifiedPath, at: OffsetDateTime, since: Option<OffsetDateTime>) -> RevocationData {
        if let Some(issuers) = &self.0.sources.issuers {
            issuers.learn(path);
        }
        let pairs = path.certificates().windows(2).filter_map(|pair| pair.first().zip(pair.get(1)));
        let answers = pairs.enumerate().map(|(place, (certificate, issuer))| {
            let since = since.filter(|_| place == 0);
            self.answer(certificate, issuer, at, since)
        });
        let answers = join_all(answers).await;
        let mut data = RevocationData::default();
        data.crls.extend(self.0.sources.beside.iter().flat_map(|trust| trust.lists()));
        for answer in answers.into_iter().flatten() {
            match answer {
                Answer::Ocsp(response) => data.ocsp.push(response),
                Answer::Lists(lists) => data.crls.extend(lists),
            }
        }
        data
    }

    /// What storage has, unless it is aging; else what the network says, and where that says nothing, what storage has.
    async fn ask(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
        since: Option<OffsetDateTime>,
    ) -> Asked<Answer> {
        let kept = self.recall(certificate, issuer, at).await;
        let is_new = |kept: &Known<Answer>| since.is_none_or(|since| since <= kept.from);
        if kept.as_ref().is_some_and(|kept| !kept.aging(at) && is_new(kept)) {
            return kept.into();
        }
        match self.inquire(certificate, issuer, at).await {
            Some(known) => Some(known).into(),
            None => Asked { known: kept, failed: true },
        }
    }

    /// OCSP first, then the lists; the first answer that says something about the certificate.
    async fn inquire(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
    ) -> Option<Known<Answer>> {
        for url in certificate.ocsp_urls() {
            match self.ocsp(url, certificate, issuer, at).await {
                Ok(known) => return Some(known),
                Err(why) => tell("ocsp", url, &why),
            }
        }
        for url in certificate.crl_urls() {
            match self.list(url, certificate, issuer, at).await {
                Ok(known) => return Some(known),
                Err(why) => tell("crl", url, &why),
            }
        }
        None
    }

    async fn ocsp(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
    ) -> Result<Known<Answer>, String> {
        let url = self.0.fetcher.permitted(url).map_err(|e| e.to_string())?;
        // No nonce: responders that answer from prepared responses ignore it; the life of an answer bounds its replay.
        let request = ocsp_request(certificate, issuer, None);
        let bytes = {
            let _place = self.0.exchanges.acquire().await.map_err(|e| e.to_string())?;
            self.0.fetcher.ocsp(url, request, at).await.map_err(|e| e.to_string())?
        };
        let response = OcspResponse::from_der(&bytes).map_err(|e| e.to_string())?;
        let known = ocsp_known(response, certificate, issuer, at, at)?;
        self.keep(OCSP, certificate.fingerprint(), (known.from, known.until), bytes);
        Ok(known)
    }

    async fn list(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
    ) -> Result<Known<Answer>, String> {
        let mut fetched = vec![(url, self.fetched(url, at).await?)];
        // A delta list that cannot be had is no reason to do without the complete one, which says how old it is.
        for url in certificate.delta_crl_urls().iter().take(DELTAS) {
            match self.fetched(url, at).await {
                Ok(delta) => fetched.push((url, delta)),
                Err(why) => tell("delta", url, &why),
            }
        }
        let from = fetched.iter().map(|(_, fetched)| fetched.at).min().unwrap_or(at);
        let lists: Vec<Crl> = fetched.iter().map(|(_, fetched)| fetched.list.clone()).collect();
        let data = RevocationData { ocsp: Vec::new(), crls: lists.clone() };
        let known = known(Answer::Lists(lists), status(certificate, issuer, &data, at), from, at)?;
        // Only now: what no authority signed is not worth a place.
        fetched.iter().for_each(|(url, fetched)| self.keep_list(url, fetched));
        Ok(known)
    }

    /// The list at `url`: from memory or storage, or after one exchange that all callers share.
    async fn fetched(&self, url: &str, at: OffsetDateTime) -> Result<Arc<FetchedList>, String> {
        let permitted = self.0.fetcher.permitted(url).map_err(|e| e.to_string())?;
        let slot = self.0.lists.slot(url.to_owned(), at);
        let (this, key) = (self.clone(), crypto::digest::sha256(url.as_bytes()));
        // Whether the list is signed by the issuer, and until when it holds, is judged for each certificate.
        let believed = |value: FetchedList, from| Known { value: Arc::new(value), from, until: from + UNDATED };
        let list = value(slot, at, None, || async move {
            let kept = this.recall_list(key, at).await;
            let kept = match kept {
                Some(kept) if at < kept.at + UNDATED => {
                    let from = kept.at;
                    return Some(believed(kept, from)).into();
                }
                other => other,
            };
            match this.fetch_list(permitted, at).await {
                Some(list) => Some(believed(list, at)).into(),
                None => Asked { known: kept.map(|kept| believed(kept, at)), failed: true },
            }
        });
        list.await.ok_or_else(|| FetchError::Unreachable.to_string())
    }

    async fn fetch_list(&self, url: reqwest::Url, at: OffsetDateTime) -> Option<FetchedList> {
        let _place = self.0.exchanges.acquire().await.ok()?;
        let bytes = self.0.fetcher.crl(url, at).await.ok()?;
        Some(FetchedList { list: Crl::from_vec(bytes).ok()?, at, kept: AtomicBool::new(false) })
    }

    /// The kept OCSP answer for a certificate, judged as if it had come now.
    async fn recall(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
    ) -> Option<Known<Answer>> {
        let key = certificate.fingerprint();
        let Fetched { content, fetched_at, .. } = self.load(OCSP, key, at).await?;
        let judged = OcspResponse::from_der(&content)
            .map_err(|e| e.to_string())
            .and_then(|response| ocsp_known(response, certificate, issuer, fetched_at, at));
        match judged {
            Ok(known) => Some(known).filter(|known| known.fresh(at)),
            Err(why) => {
                self.discard(OCSP, key, &why).await;
                None
            }
        }
    }

    async fn recall_list(&self, key: [u8; 32], at: OffsetDateTime) -> Option<FetchedList> {
        let Fetched { content, fetched_at, .. } = self.load(LIST, key, at).await?;
        match Crl::from_vec(content) {
            Ok(list) => Some(FetchedList { list, at: fetched_at, kept: AtomicBool::new(true) }),
            Err(why) => {
                self.discard(LIST, key, &why.to_string()).await;
                None
            }
        }
    }

    /// What storage keeps and what was fetched neither in the future nor too long ago.
    async fn load(&self, kind: &'static str, key: [u8; 32], at: OffsetDateTime) -> Option<Fetched> {
        match self.0.sources.kept.as_ref()?.load(kind, key, at).await {
            Ok(found) => found.filter(|found| found.fetched_at <= at && at < found.fetched_at + LONGEST),
            Err(StoreError::Corrupt(why)) => {
                self.discard(kind, key, why).await;
                None
            }
            Err(error) => {
                tracing::warn!(kind, cause = %error, "kept revocation answers cannot be read");
                None
            }
        }
    }

    async fn discard(&self, kind: &'static str, key: [u8; 32], why: &str) {
        metrics::counter!("vuzol_revocation_discarded_total", "kind" => kind).increment(1);
        tracing::error!(kind, key = crypto::digest::hex(&key), why, "a kept revocation answer is thrown away");
        if let Some(kept) = &self.0.sources.kept
            && let Err(error) = kept.forget(kind, key).await
        {
            tracing::warn!(kind, cause = %error, "and cannot be removed");
        }
    }

    fn keep_list(&self, url: &str, fetched: &Arc<FetchedList>) {
        if fetched.kept.swap(true, Ordering::Relaxed) {
            return;
        }
        let until = fetched.list.next_update().unwrap_or(fetched.at + UNDATED).min(fetched.at + LONGEST);
        self.keep(LIST, crypto::digest::sha256(url.as_bytes()), (fetched.at, until), ListBytes(fetched.list.clone()));
    }

    /// Puts an answer into storage, beside the requests that wait for it.
    fn keep(
        &self,
        kind: &'static str,
        key: [u8; 32],
        times: (OffsetDateTime, OffsetDateTime),
        content: impl AsRef<[u8]> + Send + Sync + 'static,
    ) {
        let Some(kept) = self.0.sources.kept.clone() else { return };
        tokio::spawn(async move {
            if let Err(error) = kept.keep(kind, key, content.as_ref(), times).await {
                tracing::warn!(kind, cause = %error, "a revocation answer is not kept");
            }
        });
    }
}

/// The bytes of a list, which is not copied: it may have 60 MB.
struct ListBytes(Crl);

impl AsRef<[u8]> for ListBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.der()
    }
}

/// Fetches the lists that `certificates` name, for an offline bundle: the lists, and which could not be had and why.
///
/// # Errors
/// When the HTTP client cannot be made.
pub(crate) async fn collect_lists(
    allowed_hosts: &[String],
    certificates: &[Certificate],
    at: OffsetDateTime,
) -> Result<(Vec<Crl>, Vec<String>), String> {
    let revocation = Revocation::new(allowed_hosts)?;
    let urls = certificates.iter().flat_map(|one| one.crl_urls().iter().chain(one.delta_crl_urls()));
    let urls: std::collections::BTreeSet<&String> = urls.collect();
    let (mut lists, mut missing) = (Vec::new(), Vec::new());
    for url in urls {
        match revocation.fetched(url, at).await {
            Ok(fetched) => lists.push(fetched.list.clone()),
            Err(why) => missing.push(format!("{url}: {why}")),
        }
    }
    Ok((lists, missing))
}

/// [`known`], of an OCSP answer that was fetched at `from`.
fn ocsp_known(
    response: OcspResponse,
    certificate: &Certificate,
    issuer: &Certificate,
    from: OffsetDateTime,
    at: OffsetDateTime,
) -> Result<Known<Answer>, String> {
    let data = RevocationData { ocsp: vec![response.clone()], crls: Vec::new() };
    known(Answer::Ocsp(response), status(certificate, issuer, &data, at), from, at)
}

/// How long an accepted answer is believed that was fetched at `from`; why it is not accepted.
fn known(value: Answer, status: Status, from: OffsetDateTime, at: OffsetDateTime) -> Result<Known<Answer>, String> {
    let until = match status {
        Status::Good { next_update, .. } => next_update.map_or(from + UNDATED, |next| next.min(from + LONGEST)),
        Status::Revoked { .. } => from + LONGEST,
        Status::Unknown { tried } => {
            let tried: Vec<String> = tried.iter().map(ToString::to_string).collect();
            return Err(format!("no usable answer: {}", tried.join("; ")));
        }
    };
    if until <= at { Err("the answer is out of date".to_owned()) } else { Ok(Known { value, from, until }) }
}

fn tell(kind: &'static str, url: &str, why: &str) {
    metrics::counter!("vuzol_revocation_failures_total", "kind" => kind).increment(1);
    tracing::warn!(kind, url, why, "no revocation answer");
}

impl RevocationSource for Revocation {
    fn data<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        Box::pin(self.gather(path, at, None))
    }

    fn data_since<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
        since: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        Box::pin(self.gather(path, at, Some(since)))
    }
}

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
