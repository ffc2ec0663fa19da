//! The accept loop: connections, handshakes, and their bounds.
//!
//! Ours rather than the framework's, because these knobs are what keeps strangers from holding the node: a bounded number
//! of connections, a deadline for the handshake, for the headers, and for the first login; a cap on streams and on the size
//! of headers; an end that finishes what is under way.
//!
//! What is no HTTP (headers past [`HEADER_BYTES`], contradicting lengths, broken framing) is answered by the HTTP library
//! itself, with a bare status and a closed connection: there is no request yet that a problem could be about.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::activity::Watched;
use super::admission::ahead::Ahead;
use super::identity::{Connection, Entrance};
use super::places::{Place, Places};

/// Connections at a time, unless configured.
pub(crate) const CONNECTIONS: u32 = 1024;

/// TLS handshakes computed at a time, unless configured.
pub(crate) const HANDSHAKES: u32 = 32;

/// How long a handshake counts among those that are computed: longer than its signatures take on a busy machine. What takes longer waits for
/// its client, which costs the node nothing and must not keep others out.
const COMPUTING: Duration = Duration::from_millis(250);

/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// For the headers of a request, and between two requests of a connection.
const HEADERS: Duration = Duration::from_secs(30);

/// From the handshake to the first valid login. A connection that does not come to one is closed.
const FIRST_LOGIN: Duration = Duration::from_secs(10);

/// The same at a portal, where somebody signs a challenge meanwhile. Nothing hangs on the connection: who takes longer goes on over
/// another one. Strangers there cannot keep systems out, since each door has connections of its own.
const FIRST_SESSION: Duration = Duration::from_secs(150);

/// Requests of one HTTP/2 connection at a time.
const STREAMS: u32 = 128;

/// Headers of one request, together.
const HEADER_BYTES: u32 = 16 * 1024;

/// For the requests under way when a connection is asked to end.
const FAREWELL: Duration = Duration::from_secs(10);

/// What a port serves, and under which bounds.
pub(crate) struct Server {
    /// Which door it is.
    pub(crate) entrance: Entrance,
    /// Routes.
    pub(crate) router: Router,
    /// Who is turned away ahead of them.
    pub(crate) ahead: Option<Arc<Ahead>>,
    /// TLS, replaced when its files change; none on the operator port.
    pub(crate) tls: Option<Arc<ArcSwap<ServerConfig>>>,
    /// Connections at a time.
    pub(crate) connections: u32,
    /// Places for TLS handshakes.
    pub(crate) handshakes: Arc<Semaphore>,
    /// Asks it to end.
    pub(crate) shutdown: CancellationToken,
    /// Tasks to wait for.
    pub(crate) tasks: TaskTracker,
}

impl Server {
    /// Accepts until the shutdown. The connections go on in their own tasks.
    pub(crate) async fn run(self, listener: TcpListener) {
        let places = Places::new(self.connections);
        let server = Arc::new(self);
        loop {
            // The place comes first: what cannot be served waits in the kernel's bounded queue.
            let place = tokio::select! {
                () = server.shutdown.cancelled() => return,
                place = places.take() => place,
            };
            let Ok(place) = place else { return };
            let accepted = tokio::select! {
                () = server.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let _ = stream.set_nodelay(true);
                    server.tasks.spawn(server.clone().connection(stream, peer, place));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: pausing lets connections end, spinning would not.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, place: Place) {
        let _counted = Counted::new();
        match &self.tls {
            None => self.serve(stream, Connection::new(self.entrance, peer, Vec::new()), &place).await,
            Some(tls) => {
                let handshake = self.handshake(stream, tls.load_full());
                match tokio::time::timeout(HANDSHAKE, handshake).await {
                    Ok(Ok(stream)) => {
                        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                        let chain = certificates.iter().map(|certificate| certificate.to_vec()).collect();
                        self.serve(stream, Connection::new(self.entrance, peer, chain), &place).await;
                    }
                    Ok(Err(error)) => {
                        metrics::counter!("vuzol_handshakes_failed_total", "why" => "refused").increment(1);
                        tracing::debug!(%error, "handshake");
                    }
                    Err(_) => metrics::counter!("vuzol_handshakes_failed_total", "why" => "timeout").increment(1),
                }
            }
        }
        drop(place);
    }

    /// The TLS handshake. Who says nothing waits outside; who has said something waits for one of the places, since from here on
    /// there are signatures to make and to verify.
    async fn handshake(&self, stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<TlsStream<TcpStream>> {
        let greeted = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let came = std::time::Instant::now();
        let place = self.handshakes.acquire().await.map_err(std::io::Error::other)?;
        metrics::histogram!("vuzol_admission_handshake_wait_seconds").record(came.elapsed().as_secs_f64());
        let handshake = greeted.into_stream(config);
        tokio::pin!(handshake);
        if let Ok(done) = tokio::time::timeout(COMPUTING, handshake.as_mut()).await {
            return done;
        }
        drop(place);
        handshake.await
    }

    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        connection: Connection,
        place: &Place,
    ) {
        let connection = Arc::new(connection);
        place.is_of(&connection);
        let stream = Watched::new(stream, Arc::clone(&connection));
        let service = {
            let (router, ahead, connection) = (self.router.clone(), self.ahead.clone(), connection.clone());
            hyper::service::service_fn(move |request| {
                answer(router.clone(), ahead.clone(), connection.clone(), request)
            })
        };
        let builder = builder();
        let serving = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(serving);
        let is_public = self.tls.is_some();
        let first_login = tokio::time::sleep(match self.entrance {
            Entrance::Api => FIRST_LOGIN,
            Entrance::Portal(_) => FIRST_SESSION,
        });
        tokio::pin!(first_login);
        let outcome = loop {
            tokio::select! {
                outcome = serving.as_mut() => break Some(outcome),
                () = self.shutdown.cancelled() => break None,
                () = connection.dismissed() => break None,
                () = first_login.as_mut(), if is_public => {
                    if !connection.is_known() {
                        break None;
                    }
                    // Logged in: this deadline does not come back.
                    first_login.as_mut().reset(tokio::time::Instant::now() + FOREVER);
                }
            }
        };
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => {
                serving.as_mut().graceful_shutdown();
                tokio::time::timeout(FAREWELL, serving).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "connection");
        }
    }
}

/// One connection in the gauge, for as long as it lives and however it ends.
struct Counted(metrics::Gauge);

impl Counted {
    fn new() -> Self {
        let gauge = metrics::gauge!("vuzol_connections");
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// A century.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

async fn answer(
    mut router: Router,
    ahead: Option<Arc<Ahead>>,
    connection: Arc<Connection>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let counted = Arc::clone(&connection);
    let _under_way = counted.activity().request();
    if let Some(ahead) = ahead.filter(|ahead| ahead.turns_away(&connection, &request)) {
        return Ok(ahead.refuse(request).await);
    }
    request.extensions_mut().insert(connection);
    router.call(request.map(Body::new)).await
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(usize::try_from(HEADER_BYTES).unwrap_or(usize::MAX))
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_BYTES)
        .initial_stream_window_size(512 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
