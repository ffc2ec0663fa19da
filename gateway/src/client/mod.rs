//! Typed client of the public API, version 1, over TLS 1.3 with a client certificate. The command line, the
//! demonstration, the tests and the load generator all speak to a node through it, so none of them can do what a
//! participant could not.
//!
//! It owns how an operation is written on the wire and how its answer is read. It does not sign, seal, open or judge: it
//! carries bytes. It never follows a redirect, never uses a proxy and never repeats a request by itself; whether a repeat
//! is safe (an `Idempotency-Key` makes it so) is the caller's decision.

mod directory;
mod peers;
mod people;
mod portal;
pub mod retention;
mod transport;

pub use portal::PortalClient;
pub(crate) use transport::plain_http_client;

use std::time::Duration;

use bytes::Bytes;
use certs::certificate::Certificate;
use certs::dev::Identity;
use http::{HeaderMap, Method, StatusCode};
use reqwest::multipart::{Form, Part as FormPart};
use reqwest::{Body, RequestBuilder};
use schemas::message::{
    AcknowledgementReceipt, CaseEvents, Envelope, HeldReceipt, Lease, LeaseRequest, LogProof, MessagePage,
    MessageState, MessageSummary, Receipt,
};
use schemas::notice::{Subscription, SubscriptionRequest};
use schemas::quarantine::{Quarantine, RetryOutcome};
use schemas::{CaseId, EventId, LeaseToken, MailboxId, MessageId, Problem};
use serde::de::DeserializeOwned;

/// Why an operation did not come to its answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The node refused, and said why.
    #[error("refused: {} ({}){}", .0.code, .0.title, .0.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Refused(Box<Problem>),
    /// No answer: no connection, a broken TLS handshake, a time-out.
    #[error("cannot reach the node: {0}")]
    Transport(String),
    /// An answer that the API does not have.
    #[error("the node answered something unexpected: {0}")]
    Unexpected(String),
    /// The client itself cannot be made from what it was given: an address, a certificate or a key is unusable.
    #[error("unusable client configuration: {0}")]
    Configuration(String),
}

impl ClientError {
    /// The problem's stable code, where the node refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            Self::Transport(_) | Self::Unexpected(_) | Self::Configuration(_) => None,
        }
    }
}

/// An answer as it came: for tests and for whoever looks behind the typed operations.
#[derive(Debug, Clone)]
pub struct RawAnswer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most [`ANSWER_BYTES`].
    pub body: Bytes,
}

/// What came of a submission that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The node has taken responsibility for it (201).
    Accepted(Receipt),
    /// It has not, and waits for a fact about a signature (202). [`Client::message`] tells later what became of it, and so does a repeat.
    Held(HeldReceipt),
}

impl Submitted {
    /// The receipt, where it was accepted.
    #[must_use]
    pub fn accepted(self) -> Option<Receipt> {
        match self {
            Self::Accepted(receipt) => Some(receipt),
            Self::Held(_) => None,
        }
    }
}

/// A client of one node under one identity. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// `base`: `https://host:port`; `roots`: anchors of the node's TLS certificate; `identity`: client certificate chain
    /// (leaf first) and its PKCS#8 DER key.
    ///
    /// # Errors
    /// [`ClientError::Configuration`] when the address is no `https` origin or the identity cannot be used.
    pub fn new(
        base: &str,
        roots: &[Certificate],
        identity: Option<(&[Certificate], &[u8])>,
    ) -> Result<Self, ClientError> {
        let base = transport::origin(base)?;
        Ok(Self { base, http: transport::http_client(transport::tls_configuration(roots, identity)?)? })
    }

    /// A client that logs in as `identity`, whose certificate `issuing` issued under `root`; `root` also anchors the node.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn for_identity(
        base: &str,
        root: &Certificate,
        issuing: &Certificate,
        identity: &Identity,
    ) -> Result<Self, ClientError> {
        let key = identity.key.to_pkcs8_der().map_err(|error| ClientError::Configuration(error.to_string()))?;
        let chain = [identity.certificate.clone(), issuing.clone()];
        Self::new(base, std::slice::from_ref(root), Some((&chain, &key)))
    }

    /// Hands a document in. Returns what came of it and whether the node had answered the same submission so before.
    ///
    /// # Errors
    /// [`ClientError`]; after [`ClientError::Transport`] the outcome is unknown: repeat with the same key.
    pub async fn submit(
        &self,
        idempotency_key: &str,
        envelope: &Envelope,
        signature: Vec<u8>,
        document: Bytes,
    ) -> Result<(Submitted, bool), ClientError> {
        let length = document.len() as u64;
        self.submit_streamed(idempotency_key, envelope, signature, Body::from(document), Some(length)).await
    }

    /// Hands a document of any size in, reading it as it is sent. `length` is its size in bytes, where it is known.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn submit_streamed(
        &self,
        idempotency_key: &str,
        envelope: &Envelope,
        signature: Vec<u8>,
        document: Body,
        length: Option<u64>,
    ) -> Result<(Submitted, bool), ClientError> {
        let form = Form::new()
            .part("envelope", typed(FormPart::bytes(to_json(envelope)?), "application/json")?)
            .part("signature", typed(FormPart::bytes(signature), "application/pkcs7-signature")?)
            .part("document", typed(streamed(document, length), "application/octet-stream")?);
        let request = self.request(Method::POST, "/v1/submissions").header(IDEMPOTENCY_KEY, idempotency_key);
        let answer = self.send(request.timeout(TRANSFER_TIMEOUT).multipart(form), ANSWER_BYTES).await?;
        let replayed = answer.headers.get(IDEMPOTENCY_REPLAYED).is_some_and(|value| value == "true");
        let submitted = match answer.status {
            StatusCode::ACCEPTED => Submitted::Held(answer.json()?),
            _ => Submitted::Accepted(expect(answer, StatusCode::CREATED)?.json()?),
        };
        Ok((submitted, replayed))
    }

    /// One page of a mailbox, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(
        &self,
        mailbox: &MailboxId,
        state: Option<MessageState>,
        after: Option<MessageId>,
        limit: Option<u32>,
    ) -> Result<MessagePage, ClientError> {
        let query: Vec<String> = [
            state.map(|state| format!("state={}", state.as_str())),
            after.map(|after| format!("after={after}")),
            limit.map(|limit| format!("limit={limit}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        self.get_json(&format!("/v1/mailboxes/{mailbox}/messages?{}", query.join("&"))).await
    }

    /// Leases waiting messages of a mailbox.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lease(&self, mailbox: &MailboxId, request: &LeaseRequest) -> Result<Lease, ClientError> {
        let path = format!("/v1/mailboxes/{mailbox}/leases");
        let answer = self.send(self.with_json(Method::POST, &path, request)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::CREATED)?.json()
    }

    /// Says where notices of a mailbox are posted.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn subscribe(
        &self,
        mailbox: &MailboxId,
        request: &SubscriptionRequest,
    ) -> Result<Subscription, ClientError> {
        let path = format!("/v1/subscriptions/{mailbox}");
        let answer = self.send(self.with_json(Method::PUT, &path, request)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::OK)?.json()
    }

    /// Where they are posted, and what could not be.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn subscription(&self, mailbox: &MailboxId) -> Result<Subscription, ClientError> {
        self.get_json(&format!("/v1/subscriptions/{mailbox}")).await
    }

    /// Takes it back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn unsubscribe(&self, mailbox: &MailboxId) -> Result<(), ClientError> {
        let path = format!("/v1/subscriptions/{mailbox}");
        let answer = self.send(self.request(Method::DELETE, &path), ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(drop)
    }

    /// The first page of what is in quarantine.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn quarantine(&self) -> Result<Quarantine, ClientError> {
        self.get_json("/v1/quarantine").await
    }

    /// Has a message in quarantine delivered again, or proposes it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn retry_message(&self, message: MessageId) -> Result<RetryOutcome, ClientError> {
        let path = format!("/v1/quarantine/{message}/retry");
        let answer = self.send(self.request(Method::POST, &path), ANSWER_BYTES).await?;
        let expected = if answer.status == StatusCode::ACCEPTED { StatusCode::ACCEPTED } else { StatusCode::OK };
        expect(answer, expected)?.json()
    }

    /// A message that one is a party of.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn message(&self, message: MessageId) -> Result<MessageSummary, ClientError> {
        self.get_json(&format!("/v1/messages/{message}")).await
    }

    /// The sealed bytes of a part, whole and in memory. For large parts see [`Client::download_streamed`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn download(&self, message: MessageId, part: u8, lease: LeaseToken) -> Result<Bytes, ClientError> {
        let answer = self.send(self.part_request(message, part, lease), PART_BYTES_IN_MEMORY).await?;
        Ok(expect(answer, StatusCode::OK)?.body)
    }

    /// Fetches the sealed bytes of a part, handing each piece to `consume` as it arrives.
    ///
    /// # Errors
    /// [`ClientError`]; `consume`'s own error ends the download and is passed on as [`ClientError::Unexpected`].
    pub async fn download_streamed<E: std::fmt::Display>(
        &self,
        message: MessageId,
        part: u8,
        lease: LeaseToken,
        mut consume: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), ClientError> {
        let mut response = self.part_request(message, part, lease).send().await.map_err(transport_error)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(&collect(response, ANSWER_BYTES).await?));
        }
        while let Some(piece) = response.chunk().await.map_err(transport_error)? {
            consume(&piece).map_err(|error| ClientError::Unexpected(error.to_string()))?;
        }
        Ok(())
    }

    /// Sends a signed acknowledgement: an attached CMS over [`schemas::message::Acknowledgement`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn acknowledge(
        &self,
        message: MessageId,
        lease: LeaseToken,
        signed: Vec<u8>,
    ) -> Result<AcknowledgementReceipt, ClientError> {
        let request = self
            .request(Method::POST, &format!("/v1/messages/{message}/acknowledgement"))
            .header(LEASE, lease.to_string())
            .header(http::header::CONTENT_TYPE, "application/pkcs7-mime")
            .body(signed);
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::CREATED)?.json()
    }

    /// The events of a case with their evidence, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn case_events(&self, case: CaseId) -> Result<CaseEvents, ClientError> {
        self.get_json(&format!("/v1/cases/{case}/events")).await
    }

    /// A case in a signed container, its messages after `after`; and what to ask for next where the case goes on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn export_case(
        &self,
        case: CaseId,
        after: Option<MessageId>,
    ) -> Result<(Bytes, Option<MessageId>), ClientError> {
        let rest = after.map(|after| format!("?after={after}")).unwrap_or_default();
        let request = self.request(Method::GET, &format!("/v1/cases/{case}/export{rest}"));
        let answer = expect(self.send(request, PART_BYTES_IN_MEMORY).await?, StatusCode::OK)?;
        let next = answer.headers.get(NEXT_AFTER).map(|next| next.to_str().ok().and_then(|next| next.parse().ok()));
        let next = next.map(|next| next.ok_or_else(|| ClientError::Unexpected(NEXT_AFTER.to_owned()))).transpose()?;
        Ok((answer.body, next))
    }

    /// The latest checkpoint of the log: a signed note. Nothing is verified here.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn checkpoint(&self) -> Result<String, ClientError> {
        let answer = self.send(self.request(Method::GET, "/v1/log/checkpoint"), ANSWER_BYTES).await?;
        String::from_utf8(expect(answer, StatusCode::OK)?.body.to_vec())
            .map_err(|_| ClientError::Unexpected("a checkpoint that is not UTF-8".to_owned()))
    }

    /// A tile or a bundle by its path of C2SP tlog-tiles (`tile/0/000`); none: the node has none. Nothing is verified here.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tile(&self, path: &str) -> Result<Option<Bytes>, ClientError> {
        // The largest bundle: 256 entries of 65,535 octets, and their lengths.
        let answer = self.send(self.request(Method::GET, &format!("/v1/log/{path}")), 2 * ANSWER_BYTES).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(expect(answer, StatusCode::OK)?.body))
    }

    /// The logged entry of an event and its proof. Nothing is verified here: `crypto::merkle::TlogProof::verify` does that.
    ///
    /// # Errors
    /// [`ClientError`]; `log.not_yet_integrated` for an event of the last moments.
    pub async fn proof(&self, event: EventId) -> Result<LogProof, ClientError> {
        self.get_json(&format!("/v1/log/proofs/{event}")).await
    }

    /// Sends anything and returns whatever comes: headers are appended as given, repeats included.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when no answer came, [`ClientError::Configuration`] for a header that cannot be sent.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Result<RawAnswer, ClientError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let unusable = |_| ClientError::Configuration(format!("header {name}"));
            let name = http::HeaderName::try_from(*name).map_err(|error| unusable(error.to_string()))?;
            let value = http::HeaderValue::try_from(*value).map_err(|error| unusable(error.to_string()))?;
            map.append(name, value);
        }
        self.send(self.request(method, path).headers(map).timeout(TRANSFER_TIMEOUT).body(body), ANSWER_BYTES).await
    }

    /// The origin that this client speaks to, without a trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).timeout(REQUEST_TIMEOUT)
    }

    fn with_json(
        &self,
        method: Method,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<RequestBuilder, ClientError> {
        let request = self.request(method, path).header(http::header::CONTENT_TYPE, "application/json");
        Ok(request.body(to_json(body)?))
    }

    /// A request whose query is made of the fields of `query` that are there.
    fn with_query(
        &self,
        method: Method,
        path: &str,
        query: &impl serde::Serialize,
    ) -> Result<RequestBuilder, ClientError> {
        let unusable = |error: &dyn std::fmt::Display| ClientError::Configuration(format!("query: {error}"));
        let fields = serde_json::to_value(query).map_err(|error| unusable(&error))?;
        let pairs = fields
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.base), pairs);
        Ok(self.http.request(method, url.map_err(|error| unusable(&error))?).timeout(REQUEST_TIMEOUT))
    }

    async fn find<T: DeserializeOwned>(&self, path: &str, query: &impl serde::Serialize) -> Result<T, ClientError> {
        let answer = self.send(self.with_query(Method::GET, path, query)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::OK)?.json()
    }

    fn part_request(&self, message: MessageId, part: u8, lease: LeaseToken) -> RequestBuilder {
        let path = format!("/v1/messages/{message}/parts/{part}");
        self.request(Method::GET, &path).timeout(TRANSFER_TIMEOUT).header(LEASE, lease.to_string())
    }

    async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let answer = self.send(self.request(Method::GET, path), ANSWER_BYTES).await?;
        expect(answer, StatusCode::OK)?.json()
    }

    async fn send(&self, request: RequestBuilder, limit: usize) -> Result<RawAnswer, ClientError> {
        collect(request.send().await.map_err(transport_error)?, limit).await
    }
}

impl RawAnswer {
    /// The body as JSON of a known shape.
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] when it is of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ClientError::Unexpected(format!("status {}, {error}", self.status)))
    }

    /// The problem, where the answer is one.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let kind = self.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
        kind.starts_with(PROBLEM_JSON).then(|| serde_json::from_slice(&self.body).ok())?
    }
}

/// The answer if it has the status of success, else the refusal that it carries.
fn expect(answer: RawAnswer, status: StatusCode) -> Result<RawAnswer, ClientError> {
    if answer.status == status { Ok(answer) } else { Err(refusal(&answer)) }
}

fn refusal(answer: &RawAnswer) -> ClientError {
    match answer.problem() {
        Some(problem) => ClientError::Refused(Box::new(problem)),
        None => ClientError::Unexpected(format!("status {}", answer.status)),
    }
}

async fn collect(mut response: reqwest::Response, limit: usize) -> Result<RawAnswer, ClientError> {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = bytes::BytesMut::new();
    while let Some(piece) = response.chunk().await.map_err(transport_error)? {
        if body.len().saturating_add(piece.len()) > limit {
            return Err(ClientError::Unexpected(format!("status {status}, an answer longer than {limit} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    Ok(RawAnswer { status, headers, body: body.freeze() })
}

fn typed(part: FormPart, media_type: &str) -> Result<FormPart, ClientError> {
    part.mime_str(media_type).map_err(|error| ClientError::Configuration(error.to_string()))
}

fn streamed(document: Body, length: Option<u64>) -> FormPart {
    match length {
        Some(length) => FormPart::stream_with_length(document, length),
        None => FormPart::stream(document),
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>, ClientError> {
    serde_json::to_vec(value).map_err(|error| ClientError::Configuration(error.to_string()))
}

/// reqwest's own text stops at "error sending request"; the cause that helps is further down the chain.
fn transport_error(error: reqwest::Error) -> ClientError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    ClientError::Transport(text)
}

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
const IDEMPOTENCY_REPLAYED: &str = "Idempotency-Replayed";
const LEASE: &str = "Vuzol-Lease";
const NEXT_AFTER: &str = "Vuzol-Next-After";
const PROBLEM_JSON: &str = "application/problem+json";

/// Longest answer that is not a part, in bytes: a full page of leased messages with their key envelopes takes under 1 MiB.
pub const ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Largest part that [`Client::download`] takes into memory, in bytes.
pub const PART_BYTES_IN_MEMORY: usize = 256 * 1024 * 1024;
/// An operation without a large body that takes longer has failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest document over a line of 10 Mbit/s takes half an hour.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3600);
