//! The way to other nodes: TLS 1.3 in both directions of trust, with the node's own client certificate, and nothing that neither the
//! configuration nor two operators name.
//!
//! A peer's address is the operators' word; redirects are not followed, answers are bounded, waits have an end, and a peer that
//! keeps failing rests. What arrives twice at a peer changes nothing there, so a broken connection is no more than a delay.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use access::peers::{Peer, Peers};
use bytes::Bytes;
use exchange::relay::{CarryError, Carrying, PeerCarrier, Piece};
use http::header::{CONTENT_RANGE, CONTENT_TYPE};
use reqwest::{RequestBuilder, StatusCode, Url};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use schemas::relay::{RelayOffer, RelayOutcome, RelayProgress, RelayedEvidence};
use schemas::{MessageId, Problem, ProblemCode};
use serde::de::DeserializeOwned;
use storage::Clock;
use time::OffsetDateTime;

use super::address::Anywhere;
use super::breaker::Breakers;
use super::fetch::client;

/// For a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// For one request and its answer: a piece of a part on a line of some 20 kB/s.
const DEADLINE: Duration = Duration::from_secs(60);
/// For a commit: the other node reads the whole message once more.
const COMMIT_DEADLINE: Duration = Duration::from_secs(600);
/// Largest answer.
const ANSWER_BYTES: usize = 256 * 1024;

/// The node's own login at peers: chain, leaf first, and key.
pub(crate) struct Login {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Why nothing reaches a node that is no peer, or no more.
const UNKNOWN_PEER: CarryError = CarryError::NoAnswer("relay.unknown_peer");

/// Why nothing reaches any: the configuration gives this node no login at others.
const NO_LOGIN: CarryError = CarryError::NoAnswer("relay.no_login");

/// A peer as it is reached, and what was stated of it when this was made.
struct Reached {
    peer: Arc<Peer>,
    url: Url,
    client: reqwest::Client,
}

/// The carrier.
pub(crate) struct RelayClient {
    peers: Peers,
    /// None: the configuration names none.
    login: Option<Login>,
    /// One client for each peer, since each has its own authorities. Made when it is first needed, and anew when another version of the peer
    /// holds, so that connections by the one before end with it.
    clients: Mutex<HashMap<Arc<str>, Arc<Reached>>>,
    resting: Breakers,
    clock: Arc<dyn Clock>,
}

impl RelayClient {
    pub(crate) fn new(peers: Peers, login: Option<Login>, clock: Arc<dyn Clock>) -> Self {
        Self { peers, login, clients: Mutex::default(), resting: Breakers::new(), clock }
    }

    /// Whether the node has a login at others.
    pub(crate) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Whether a peer could be reached as it is stated: its authorities are of a kind that TLS knows. Asks nobody.
    pub(crate) fn check(&self, peer: &Peer) -> Result<(), String> {
        let Some(login) = &self.login else { return Ok(()) };
        reaching(peer, login).map(drop)
    }

    /// The client for a peer, as it is stated now.
    async fn reached(&self, name: &str) -> Result<Arc<Reached>, CarryError> {
        let found = self.peers.find(name).await.map_err(|error| {
            tracing::error!(%error, "who is a peer cannot be read");
            CarryError::NoAnswer(ProblemCode::StorageUnavailable.as_str())
        })?;
        let Some(peer) = found else {
            self.forget(name);
            return Err(UNKNOWN_PEER);
        };
        let login = self.login.as_ref().ok_or(NO_LOGIN)?;
        let known = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(known) = known.filter(|known| *known.peer == *peer) {
            return Ok(known);
        }
        let (url, client) = reaching(&peer, login).map_err(|error| {
            tracing::error!(peer = name, error, "a peer cannot be reached as it is stated");
            CarryError::NoAnswer("relay.unreachable")
        })?;
        let reached = Arc::new(Reached { peer, url, client });
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        // What another version of it did not answer says nothing of this one.
        if clients.insert(Arc::clone(reached.peer.name()), Arc::clone(&reached)).is_some() {
            self.resting.ended(name, self.clock.now(), true);
        }
        Ok(reached)
    }

    fn forget(&self, name: &str) {
        if self.clients.lock().unwrap_or_else(PoisonError::into_inner).remove(name).is_some() {
            self.resting.ended(name, self.clock.now(), true);
        }
    }

    async fn request(
        &self,
        peer: &str,
        method: http::Method,
        path: &str,
        deadline: Duration,
    ) -> Result<RequestBuilder, CarryError> {
        let reached = self.reached(peer).await?;
        let url = reached.url.join(path).map_err(|_| UNKNOWN_PEER)?;
        Ok(reached.client.request(method, url).timeout(deadline))
    }

    /// Sends, and reads the answer within its bound. What a node answers by itself, a refusal too, shows that it is there.
    async fn answer(&self, peer: &str, request: RequestBuilder) -> Result<Bytes, CarryError> {
        let outcome = read(request).await;
        let there = !matches!(outcome, Err(CarryError::NoAnswer(_)));
        self.resting.ended(peer, self.clock.now(), there);
        outcome
    }
}

/// Address and client of a peer.
fn reaching(peer: &Peer, login: &Login) -> Result<(Url, reqwest::Client), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", peer.name());
    let mut roots = rustls::RootCertStore::empty();
    for authority in peer.authorities() {
        roots.add(CertificateDer::from(authority.der().to_vec())).map_err(|e| wrong(&e))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| wrong(&e))?
        .with_root_certificates(roots)
        .with_client_auth_cert(login.chain.clone(), login.key.clone_key())
        .map_err(|e| format!("relay.login: {e}"))?;
    let client = client(tls)
        .dns_resolver(Arc::new(Anywhere))
        .https_only(true)
        .connect_timeout(CONNECT)
        .pool_max_idle_per_host(8);
    let client = client.pool_idle_timeout(Duration::from_secs(20)).build().map_err(|e| wrong(&e))?;
    Ok((Url::parse(peer.url()).map_err(|e| wrong(&e))?, client))
}

async fn read(request: RequestBuilder) -> Result<Bytes, CarryError> {
    let mut answer = request.send().await.map_err(|error| {
        tracing::debug!(%error, "a peer does not answer");
        CarryError::NoAnswer(if error.is_connect() { "relay.unreachable" } else { "relay.no_answer" })
    })?;
    let status = answer.status();
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|_| CarryError::NoAnswer("relay.no_answer"))? {
        if bytes.len() + piece.len() > ANSWER_BYTES {
            return Err(CarryError::NoAnswer("relay.unintelligible"));
        }
        bytes.extend_from_slice(&piece);
    }
    match status {
        StatusCode::OK | StatusCode::NO_CONTENT => Ok(bytes.into()),
        _ => match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(CarryError::Refused { code: problem.code, evidence: problem.evidence }),
            Err(_) => Err(CarryError::NoAnswer("relay.unintelligible")),
        },
    }
}

fn parsed<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, CarryError> {
    serde_json::from_slice(bytes).map_err(|_| CarryError::NoAnswer("relay.unintelligible"))
}

impl PeerCarrier for RelayClient {
    fn rests(&self, peer: &Peer, at: OffsetDateTime) -> bool {
        let known = self.clients.lock().unwrap_or_else(PoisonError::into_inner).get(peer.name()).cloned();
        known.is_some_and(|known| *known.peer == *peer) && self.resting.rests(peer.name(), at)
    }

    fn offer<'a>(&'a self, peer: &'a str, message: MessageId, offer: &'a RelayOffer) -> Carrying<'a, RelayProgress> {
        Box::pin(async move {
            let path = format!("/v1/relay/messages/{message}");
            let request = self.request(peer, http::Method::PUT, &path, DEADLINE).await?.json(offer);
            parsed(&self.answer(peer, request).await?)
        })
    }

    fn piece<'a>(&'a self, peer: &'a str, message: MessageId, piece: Piece) -> Carrying<'a, ()> {
        Box::pin(async move {
            let path = format!("/v1/relay/messages/{message}/parts/{}", piece.part());
            let bytes = piece.bytes().clone();
            let last = piece.offset() + bytes.len() as u64 - 1;
            let range = format!("bytes {}-{last}/{}", piece.offset(), piece.total());
            let request = self.request(peer, http::Method::PUT, &path, DEADLINE).await?;
            let request = request.header(CONTENT_TYPE, "application/octet-stream").header(CONTENT_RANGE, range);
            self.answer(peer, request.body(bytes)).await.map(drop)
        })
    }

    fn commit<'a>(&'a self, peer: &'a str, message: MessageId) -> Carrying<'a, RelayOutcome> {
        Box::pin(async move {
            let path = format!("/v1/relay/messages/{message}/commit");
            let request = self.request(peer, http::Method::POST, &path, COMMIT_DEADLINE).await?;
            parsed(&self.answer(peer, request).await?)
        })
    }

    fn report<'a>(&'a self, peer: &'a str, evidence: &'a str) -> Carrying<'a, ()> {
        Box::pin(async move {
            let evidence = RelayedEvidence { evidence: evidence.to_owned() };
            let request = self.request(peer, http::Method::POST, "/v1/relay/evidence", DEADLINE).await?.json(&evidence);
            self.answer(peer, request).await.map(drop)
        })
    }
}
