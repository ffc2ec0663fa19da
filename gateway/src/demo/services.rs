//! The trust services of the throw-away PKI on a loopback port: OCSP (RFC 6960, A.1), CRL and the authority's certificate (RFC
//! 5280), and time-stamps (RFC 3161, 3.4) over plain HTTP, as such services are offered; what they answer is signed.
//!
//! The address of the OCSP responder stands in every certificate, so the port must be known before the PKI is made:
//! [`DemoServices::bind`] first, then [`BoundServices::start`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use certs::dev::DevPki;
use storage::Clock;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A port that is taken and not yet served.
pub struct BoundServices {
    listener: TcpListener,
    address: SocketAddr,
}

/// The services, running until they are dropped.
pub struct DemoServices {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

struct Served {
    pki: Arc<DevPki>,
    clock: Arc<dyn Clock>,
}

impl DemoServices {
    /// Takes a free port on 127.0.0.1.
    ///
    /// # Errors
    /// The operating system's, when there is none.
    pub async fn bind() -> std::io::Result<BoundServices> {
        Self::bind_at(Ipv4Addr::LOCALHOST.into()).await
    }

    /// Takes a free port at an address of this host: nodes in network namespaces of their own have another loopback.
    ///
    /// # Errors
    /// The operating system's, when there is none.
    pub async fn bind_at(address: IpAddr) -> std::io::Result<BoundServices> {
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        Ok(BoundServices { listener, address })
    }

    /// Where the services listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The OCSP responder.
    #[must_use]
    pub fn ocsp_url(&self) -> String {
        ocsp_url(self.address)
    }

    /// The time-stamp authority.
    #[must_use]
    pub fn tsa_url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }

    /// The current CRL of the issuing authority.
    #[must_use]
    pub fn crl_url(&self) -> String {
        format!("http://{}/crl", self.address)
    }
}

impl BoundServices {
    /// Where the services will listen; `host:port` for `revocation.allowed_hosts`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The OCSP responder's address, to be written into certificates.
    #[must_use]
    pub fn ocsp_url(&self) -> String {
        ocsp_url(self.address)
    }

    /// The issuing authority's certificate (RFC 5280, 4.2.2.1), to be written into certificates.
    #[must_use]
    pub fn issuer_url(&self) -> String {
        format!("http://{}/issuer", self.address)
    }

    /// Serves `pki` by `clock`. Must be called within a Tokio runtime.
    #[must_use]
    pub fn start(self, pki: Arc<DevPki>, clock: Arc<dyn Clock>) -> DemoServices {
        let (stop, stopped) = oneshot::channel::<()>();
        let router = Router::new()
            .route("/ocsp", post(ocsp))
            .route("/tsa", post(time_stamp))
            .route("/crl", get(crl))
            .route("/issuer", get(issuer))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES))
            .with_state(Arc::new(Served { pki, clock }));
        let address = self.address;
        tokio::spawn(async move {
            let ended = async {
                // Resolves when the handle is dropped; nothing is ever sent.
                let _ = stopped.await;
            };
            if let Err(error) = axum::serve(self.listener, router).with_graceful_shutdown(ended).await {
                tracing::error!(%error, "the demonstration's trust services stopped");
            }
        });
        DemoServices { address, _stop: stop }
    }
}

async fn ocsp(State(served): State<Arc<Served>>, headers: HeaderMap, request: Bytes) -> Response {
    answer(&headers, "application/ocsp-request", "application/ocsp-response", || {
        served.pki.answer_ocsp(&request, served.clock.now())
    })
}

async fn time_stamp(State(served): State<Arc<Served>>, headers: HeaderMap, request: Bytes) -> Response {
    answer(&headers, "application/timestamp-query", "application/timestamp-reply", || {
        served.pki.answer_tsa(&request, served.clock.now())
    })
}

async fn crl(State(served): State<Arc<Served>>) -> Response {
    match served.pki.crl(served.clock.now()) {
        Ok(list) => ([(CONTENT_TYPE, "application/pkix-crl")], list).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn issuer(State(served): State<Arc<Served>>) -> Response {
    ([(CONTENT_TYPE, "application/pkix-cert")], served.pki.issuing_ca().der().to_vec()).into_response()
}

fn answer(headers: &HeaderMap, takes: &str, gives: &'static str, make: impl FnOnce() -> Vec<u8>) -> Response {
    if headers.get(CONTENT_TYPE).is_some_and(|value| value == takes) {
        ([(CONTENT_TYPE, gives)], make()).into_response()
    } else {
        StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response()
    }
}

fn ocsp_url(address: SocketAddr) -> String {
    format!("http://{address}/ocsp")
}

/// An OCSP request for one certificate takes about 150 bytes, a time-stamp query about 60.
const REQUEST_BYTES: usize = 16 * 1024;
