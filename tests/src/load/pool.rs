//! Keep-alive HTTP/1.1 connections of one participant: opened on demand up to a bound, reused last in first out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

/// How long one exchange may take before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections of one participant that are opened beforehand: a handshake costs as much as a document.
const WARM: usize = 16;

type Connection = SendRequest<Full<Bytes>>;

/// The connections of one participant.
pub struct Pool {
    connector: TlsConnector,
    host: String,
    port: u16,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Pool {
    /// At most `most` connections to `host:port`.
    #[must_use]
    pub fn new(tls: Arc<ClientConfig>, host: &str, port: u16, most: usize) -> Arc<Self> {
        Arc::new(Self {
            connector: TlsConnector::from(tls),
            host: host.to_owned(),
            port,
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(most),
        })
    }

    /// Opens connections ahead of the measurement, as many as there may be and no more than `WARM`.
    ///
    /// # Errors
    /// Why the node cannot be reached.
    pub async fn warm(&self) -> Result<(), String> {
        for _ in 0..WARM.min(self.permits.available_permits()) {
            let connection = self.open().await.map_err(|error| format!("warm-up: {error}"))?;
            self.put_back(connection);
        }
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// A short name of what failed, to be counted.
    pub async fn ask(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.map_err(|_| "no answer in 30 s".to_owned())?
    }

    async fn exchange(&self, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        let _permit = self.permits.acquire().await.map_err(|_| "pool closed".to_owned())?;
        request.headers_mut().insert("host", self.host.parse().map_err(|_| "host name".to_owned())?);
        loop {
            let (mut connection, reused) = match self.take() {
                Some(connection) => (connection, true),
                None => (self.open().await?, false),
            };
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let status = response.status();
                    let body = response.into_body().collect().await.map_err(|e| format!("answer cut: {e}"))?;
                    self.put_back(connection);
                    return Ok((status, body.to_bytes()));
                }
                Err(mut failure) => match failure.take_message() {
                    // The node closed an idle connection before the request was written: nothing was asked yet.
                    Some(unsent) if reused => request = unsent,
                    _ => return Err(format!("exchange failed: {}", failure.error())),
                },
            }
        }
    }

    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().expect("no holder panics");
        while let Some(connection) = idle.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn put_back(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle.lock().expect("no holder panics").push(connection);
        }
    }

    async fn open(&self) -> Result<Connection, String> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|e| format!("connect: {e}"))?;
        tcp.set_nodelay(true).map_err(|e| format!("connect: {e}"))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|e| e.to_string())?;
        let tls = self.connector.connect(name, tcp).await.map_err(|e| format!("TLS: {e}"))?;
        let (mut sender, connection) = handshake(TokioIo::new(tls)).await.map_err(|e| format!("HTTP: {e}"))?;
        tokio::spawn(connection);
        sender.ready().await.map_err(|e| format!("HTTP: {e}"))?;
        Ok(sender)
    }
}

/// A request with a body.
///
/// # Panics
/// Where a header value is not one: the callers pass constants and identifiers.
#[must_use]
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut builder = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(body.into())).expect("well-formed headers")
}
