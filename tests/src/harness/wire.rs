//! HTTP/1.1 written by hand over TLS 1.3, for what no honest client sends.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use certs::dev::{DevPki, Identity};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use schemas::Problem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long an answer may take. The node gives a silent body up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to send, and as whom.
#[derive(Clone)]
pub struct Wire {
    connector: TlsConnector,
    address: SocketAddr,
    from: Option<IpAddr>,
}

impl Wire {
    /// Connects to `address`, trusting `authority`, with a client certificate and who issued it, or without.
    #[must_use]
    pub fn new(authority: &DevPki, login: Option<(&Identity, &DevPki)>, address: SocketAddr) -> Self {
        Self { connector: TlsConnector::from(Arc::new(tls_config(authority, login))), address, from: None }
    }

    /// The same from another address of this host: Linux has all of 127.0.0.0/8. The node bounds strangers by where they come from.
    #[must_use]
    pub fn coming_from(self, address: IpAddr) -> Self {
        Self { from: Some(address), ..self }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// What TCP or TLS says.
    pub async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = match self.from {
            None => TcpStream::connect(self.address).await?,
            Some(from) => {
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::new(from, 0))?;
                socket.connect(self.address).await?
            }
        };
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        self.connector.connect(name, stream).await
    }

    /// Sends raw bytes on a connection of their own and reads one answer.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the node closes without an answer; what TCP or TLS says.
    pub async fn sends(&self, raw: &[u8]) -> io::Result<Answer> {
        let mut line = self.connect().await?;
        // The node may refuse and close before everything is written: then the answer counts, not the failed write.
        let _ = async { line.write_all(raw).await.and(line.flush().await) }.await;
        tokio::time::timeout(PATIENCE, read_answer(&mut line))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer within 30 s"))?
    }

    /// Sends raw bytes and goes away.
    ///
    /// # Errors
    /// What TCP or TLS says.
    pub async fn sends_and_leaves(&self, raw: &[u8]) -> io::Result<()> {
        let mut line = self.connect().await?;
        line.write_all(raw).await?;
        line.flush().await?;
        line.shutdown().await
    }

    /// Sends a request on a connection of its own.
    ///
    /// # Panics
    /// Where no answer comes.
    pub async fn asks(&self, request: &Request) -> Answer {
        self.sends(&request.to_bytes()).await.expect("an answer")
    }
}

/// A TLS 1.3 client configuration that trusts `authority` and presents `login` with its issuer.
fn tls_config(authority: &DevPki, login: Option<(&Identity, &DevPki)>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority.root().der().to_vec())).expect("a root certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3 is there")
        .with_root_certificates(roots);
    match login {
        None => builder.with_no_client_auth(),
        Some((login, issuer)) => {
            let chain = [login.certificate.der(), issuer.issuing_ca().der()];
            let key = login.key.to_pkcs8_der().expect("an exportable key").to_vec();
            builder
                .with_client_auth_cert(
                    chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect(),
                    PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key)),
                )
                .expect("a key that belongs to its certificate")
        }
    }
}

/// A request whose every byte the test decides.
#[derive(Debug, Clone)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    length: Option<usize>,
}

impl Request {
    /// A request without headers of its own (`Host`, `Connection` and `Content-Length` are always sent).
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), headers: Vec::new(), body: Vec::new(), length: None }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// Whether it promises to change nothing.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        matches!(&*self.method, "GET" | "HEAD")
    }

    /// Whether it is of an operation, whose path has names in braces where the request has values.
    #[must_use]
    pub fn is_for(&self, method: &str, path: &str) -> bool {
        let target = self.target.split('?').next().unwrap_or_default();
        let (mut is, mut meant) = (target.split('/'), path.split('/'));
        self.method == method
            && loop {
                match (is.next(), meant.next()) {
                    (None, None) => break true,
                    // The one that is more than one segment.
                    (Some(_), Some("{path}")) => break true,
                    (Some(_), Some(name)) if name.starts_with('{') => {}
                    (Some(value), Some(name)) if value == name => {}
                    _ => break false,
                }
            }
    }

    /// Adds a header; the same one twice is sent twice.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    /// Declares another length than the body has.
    #[must_use]
    pub fn declaring(mut self, length: usize) -> Self {
        self.length = Some(length);
        self
    }

    /// The request as it goes over the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let length = self.length.unwrap_or(self.body.len());
        if length > 0 || self.method != "GET" {
            head += &format!("content-length: {length}\r\n");
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A `multipart/form-data` body.
#[derive(Debug, Clone, Default)]
pub struct Form {
    parts: Vec<(String, String, Vec<u8>)>,
}

impl Form {
    /// Boundary of every form of the tests.
    pub const BOUNDARY: &str = "vuzol-test-boundary";

    /// The form of a submission, in the right order.
    #[must_use]
    pub fn submission(envelope: &[u8], signature: &[u8], document: &[u8]) -> Self {
        Self::default()
            .part("envelope", "application/json", envelope)
            .part("signature", "application/pkcs7-signature", signature)
            .part("document", "application/pdf", document)
    }

    /// Adds a part.
    #[must_use]
    pub fn part(mut self, name: &str, media_type: &str, bytes: &[u8]) -> Self {
        self.parts.push((name.to_owned(), media_type.to_owned(), bytes.to_vec()));
        self
    }

    /// The `Content-Type`.
    #[must_use]
    pub fn media_type() -> String {
        format!("multipart/form-data; boundary={}", Self::BOUNDARY)
    }

    /// The body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (name, media_type, bytes) in &self.parts {
            let head = format!(
                "--{}\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\ncontent-type: {media_type}\r\n\r\n",
                Self::BOUNDARY
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{}--\r\n", Self::BOUNDARY).as_bytes());
        body
    }

    /// The request that submits it under an idempotency key.
    #[must_use]
    pub fn request(&self, key: &str) -> Request {
        Request::post("/v1/submissions").header("idempotency-key", key).body(&Self::media_type(), self.to_bytes())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body, chunks put together.
    pub body: Bytes,
}

impl Answer {
    /// The first header field of that name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The problem that it carries.
    ///
    /// # Panics
    /// Where it carries none.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{} {text}", self.status);
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("not a problem: {e}: {text}"))
    }

    /// The JSON that it carries.
    ///
    /// # Panics
    /// Where it is not a `T`.
    #[must_use]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        let text = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{}: {e}: {text}", self.status))
    }
}

/// Reads one answer from a connection.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] where the connection ends before a whole answer; [`io::ErrorKind::InvalidData`]
/// where it is not HTTP/1.1.
pub async fn read_answer(line: &mut TlsStream<TcpStream>) -> io::Result<Answer> {
    let mut received = Vec::new();
    let mut ended = false;
    loop {
        if let Some(answer) = parse_answer(&received, ended)? {
            return Ok(answer);
        }
        if ended {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut buffer = [0; 16 * 1024];
        match line.read(&mut buffer).await {
            Ok(0) => ended = true,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            // A peer that closes the connection without close_notify after its answer.
            Err(_) if !received.is_empty() => ended = true,
            Err(error) => return Err(error),
        }
    }
}

fn parse_answer(received: &[u8], ended: bool) -> io::Result<Option<Answer>> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).map_err(|_| wrong("head is not text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|rest| rest.get(..3));
    let status: u16 = status.and_then(|digits| digits.parse().ok()).ok_or_else(|| wrong("no status line"))?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &received[end + 4..];
    if status == 100 {
        return parse_answer(rest, ended);
    }
    let field = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let body = if let Some(length) = field("content-length") {
        let length: usize = length.parse().map_err(|_| wrong("content-length"))?;
        rest.get(..length).map(<[u8]>::to_vec)
    } else if field("transfer-encoding") == Some("chunked") {
        dechunk(rest)
    } else if matches!(status, 204 | 304) {
        Some(Vec::new())
    } else {
        ended.then(|| rest.to_vec())
    };
    Ok(body.map(|body| Answer { status, headers, body: body.into() }))
}

/// The body of a complete chunked message (RFC 9112, 7.1), or `None` while it is incomplete.
fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        rest = rest.get(line + 2..)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_put_together_once_it_is_complete() {
        let whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
        assert!(parse_answer(&whole[..60], false).unwrap().is_none());
        assert_eq!(parse_answer(whole, false).unwrap().unwrap().body, &b"abcde"[..]);
    }

    #[test]
    fn a_body_without_length_lasts_until_the_end() {
        let whole = b"HTTP/1.1 400 Bad Request\r\nX: y\r\n\r\nabc";
        assert!(parse_answer(whole, false).unwrap().is_none());
        let answer = parse_answer(whole, true).unwrap().unwrap();
        assert_eq!((answer.status, answer.header("x"), &answer.body[..]), (400, Some("y"), &b"abc"[..]));
    }
}
