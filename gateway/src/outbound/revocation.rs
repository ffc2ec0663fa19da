//! What is known about revocation: a cache of OCSP answers and CRLs that renews itself.
//!
//! For each certificate below the anchor: a fresh answer from the cache; past half of its life it is renewed in the
//! background while it still serves. Without a fresh one the caller waits for one exchange, however many callers there are,
//! and not longer than [`PATIENCE`]. An answer enters the cache only after `certs::revocation::status` has accepted it for
//! exactly this certificate, so a responder's nonsense never displaces an honest answer. A failure is remembered for
//! [`RETRY`]: a responder that is down is not asked by every request.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use certs::certificate::Certificate;
use certs::path::VerifiedPath;
use certs::revocation::{Crl, OcspResponse, RevocationData, RevocationSource, Status, ocsp_request, status};
use futures_util::future::join_all;
use time::{Duration, OffsetDateTime};
use tokio::sync::{Semaphore, watch};

use super::fetch::{FetchError, Fetcher};
use super::trust::FolderTrust;

/// An answer is asked for again after this time, whatever its nextUpdate says: a revocation is noticed within it.
const LONGEST: Duration = Duration::hours(1);

/// Life of an answer without nextUpdate, which says that newer information is always available (RFC 6960, 4.2.2.1).
const UNDATED: Duration = Duration::minutes(5);

/// How long a failure is remembered.
const RETRY: Duration = Duration::seconds(5);

/// Longest that a caller waits for an exchange. The exchange goes on and serves the next caller.
const PATIENCE: StdDuration = StdDuration::from_secs(4);

/// How far callers' readings of the clock may lie apart.
const SKEW: Duration = Duration::minutes(1);

/// Delta lists of one certificate that are fetched.
const DELTAS: usize = 2;

/// Certificates and lists that are remembered.
const ENTRIES: usize = 16_384;

/// Exchanges at a time.
const EXCHANGES: usize = 32;

/// The cache. Cheap to clone.
#[derive(Clone)]
pub struct Revocation(Arc<Inner>);

struct Inner {
    fetcher: Fetcher,
    answers: Cache<[u8; 32], Answer>,
    lists: Cache<String, Crl>,
    exchanges: Semaphore,
    /// Where the lists of an offline bundle lie.
    beside: Option<Arc<FolderTrust>>,
}

/// What answers for one certificate.
#[derive(Clone)]
enum Answer {
    Ocsp(OcspResponse),
    /// A list, and the delta lists that are at hand.
    Lists(Vec<Crl>),
}

/// What is known of one thing, and whether somebody is asking.
struct State<V> {
    known: Option<Known<V>>,
    failed_at: Option<OffsetDateTime>,
    asking: bool,
}

#[derive(Clone)]
struct Known<V> {
    value: V,
    from: OffsetDateTime,
    until: OffsetDateTime,
}

impl<V: Clone> Known<V> {
    /// A clock that was set back must not prolong a life. A moment before `from` is no such clock but a caller who read it
    /// before the one that asked did.
    fn fresh(&self, at: OffsetDateTime) -> bool {
        self.from - SKEW <= at && at < self.until
    }

    fn aging(&self, at: OffsetDateTime) -> bool {
        at - self.from > (self.until - self.from) / 2
    }
}

type Slot<V> = Arc<watch::Sender<State<V>>>;

struct Cache<K, V>(Mutex<HashMap<K, Slot<V>>>);

impl<K: std::hash::Hash + Eq, V: Clone> Cache<K, V> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    fn slot(&self, key: K, at: OffsetDateTime) -> Slot<V> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= ENTRIES && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.borrow().known.as_ref().is_some_and(|known| known.fresh(at)));
            // Still full of fresh answers: forgetting all costs one exchange each, growing would cost the node.
            if slots.len() >= ENTRIES {
                slots.clear();
            }
        }
        let empty = || Arc::new(watch::Sender::new(State { known: None, failed_at: None, asking: false }));
        slots.entry(key).or_insert_with(empty).clone()
    }
}

/// The one that asks. Dropped when it is done, or when it cannot be: the next caller then asks again.
struct Asking<V>(Slot<V>);

impl<V> Drop for Asking<V> {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.asking = false);
    }
}

/// The value of a slot: fresh, or after one exchange that all callers share.
async fn value<V, F>(slot: Slot<V>, at: OffsetDateTime, ask: impl FnOnce() -> F) -> Option<V>
where
    V: Clone + Send + Sync + 'static,
    F: Future<Output = Option<Known<V>>> + Send + 'static,
{
    let mut news = slot.subscribe();
    let (known, failed) = {
        let state = news.borrow_and_update();
        let failed = state.failed_at.is_some_and(|failed| failed <= at && at - failed < RETRY);
        (state.known.clone().filter(|known| known.fresh(at)), failed)
    };
    let wanted = known.as_ref().is_none_or(|known| known.aging(at)) && !failed;
    let mut mine = false;
    if wanted {
        slot.send_if_modified(|state| {
            mine = !std::mem::replace(&mut state.asking, true);
            false
        });
    }
    if mine {
        let (asking, asked) = (Asking(slot.clone()), ask());
        tokio::spawn(async move {
            let answer = asked.await;
            asking.0.send_modify(|state| {
                state.failed_at = answer.is_none().then_some(at);
                state.known = answer.or(state.known.take());
            });
        });
    }
    if known.is_some() || failed {
        return known.map(|known| known.value);
    }
    // Out of time, or the asker is gone: what cannot be had is absent.
    let _ = tokio::time::timeout(PATIENCE, news.wait_for(|state| !state.asking)).await;
    let state = slot.borrow();
    state.known.as_ref().filter(|known| known.fresh(at)).map(|known| known.value.clone())
}

impl Revocation {
    /// May ask the hosts of the list: `host` or `host:port`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(allowed_hosts: &[String]) -> Result<Self, String> {
        Self::beside(allowed_hosts, None)
    }

    /// [`Self::new`], with the lists that lie in the folder of `trust`.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn beside(allowed_hosts: &[String], trust: Option<Arc<FolderTrust>>) -> Result<Self, String> {
        let (fetcher, answers, lists) = (Fetcher::new(allowed_hosts)?, Cache::new(), Cache::new());
        let exchanges = Semaphore::new(EXCHANGES);
        Ok(Self(Arc::new(Inner { fetcher, answers, lists, exchanges, beside: trust })))
    }

    async fn answer(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Option<Answer> {
        let slot = self.0.answers.slot(certificate.fingerprint(), at);
        value(slot, at, || {
            let (this, certificate, issuer) = (self.clone(), certificate.clone(), issuer.clone());
            async move { this.ask(&certificate, &issuer, at).await }
        })
        .await
    }

    /// OCSP first, then the lists; the first answer that says something about the certificate.
    async fn ask(&self, certificate: &Certificate, issuer: &Certificate, at: OffsetDateTime) -> Option<Known<Answer>> {
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
        let data = RevocationData { ocsp: vec![response.clone()], crls: Vec::new() };
        known(Answer::Ocsp(response), status(certificate, issuer, &data, at), at)
    }

    async fn list(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        at: OffsetDateTime,
    ) -> Result<Known<Answer>, String> {
        let mut lists = vec![self.fetched(url, at).await?];
        // A delta list that cannot be had is no reason to do without the complete one, which says how old it is.
        for url in certificate.delta_crl_urls().iter().take(DELTAS) {
            match self.fetched(url, at).await {
                Ok(delta) => lists.push(delta),
                Err(why) => tell("delta", url, &why),
            }
        }
        let data = RevocationData { ocsp: Vec::new(), crls: lists.clone() };
        known(Answer::Lists(lists), status(certificate, issuer, &data, at), at)
    }

    /// The list at `url`: from the cache, or after one exchange that all callers share.
    async fn fetched(&self, url: &str, at: OffsetDateTime) -> Result<Crl, String> {
        let permitted = self.0.fetcher.permitted(url).map_err(|e| e.to_string())?;
        let slot = self.0.lists.slot(url.to_owned(), at);
        let this = self.clone();
        let list = value(slot, at, || async move {
            let _place = this.0.exchanges.acquire().await.ok()?;
            let bytes = this.0.fetcher.crl(permitted, at).await.ok()?;
            let value = Crl::from_vec(bytes).ok()?;
            // Whether the list is signed by the issuer, and until when it holds, is judged for each certificate.
            Some(Known { value, from: at, until: at + UNDATED })
        });
        list.await.ok_or_else(|| FetchError::Unreachable.to_string())
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
            Ok(list) => lists.push(list),
            Err(why) => missing.push(format!("{url}: {why}")),
        }
    }
    Ok((lists, missing))
}

/// How long an accepted answer is believed; why it is not accepted.
fn known(value: Answer, status: Status, at: OffsetDateTime) -> Result<Known<Answer>, String> {
    let until = match status {
        Status::Good { next_update, .. } => next_update.map_or(at + UNDATED, |next| next.min(at + LONGEST)),
        Status::Revoked { .. } => at + LONGEST,
        Status::Unknown { tried } => {
            let tried: Vec<String> = tried.iter().map(ToString::to_string).collect();
            return Err(format!("no usable answer: {}", tried.join("; ")));
        }
    };
    if until <= at { Err("the answer is out of date".to_owned()) } else { Ok(Known { value, from: at, until }) }
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
        Box::pin(async move {
            let pairs = path.certificates().windows(2).filter_map(|pair| pair.first().zip(pair.get(1)));
            let answers = join_all(pairs.map(|(certificate, issuer)| self.answer(certificate, issuer, at))).await;
            let mut data = RevocationData::default();
            data.crls.extend(self.0.beside.iter().flat_map(|trust| trust.lists()));
            for answer in answers.into_iter().flatten() {
                match answer {
                    Answer::Ocsp(response) => data.ocsp.push(response),
                    Answer::Lists(lists) => data.crls.extend(lists),
                }
            }
            data
        })
    }
}

#[cfg(test)]
#[path = "hostile_tests.rs"]
mod hostile_tests;
#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
