//! A throw-away PKI with its OCSP responder, revocation list and time-stamp authority on a loopback port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::key::{Curve, KeyKind};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use storage::Clock;
use time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A root, an issuing authority, and the services that answer for it.
pub struct Authority {
    pki: DevPki,
    clock: Arc<dyn Clock>,
    address: SocketAddr,
    silent: AtomicBool,
    asked: AtomicU64,
}

/// Keeps the services of an [`Authority`] running; they stop when it is dropped.
pub struct Services(JoinHandle<()>);

impl Drop for Services {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Authority {
    /// Makes the keys and serves OCSP, the revocation list and time-stamps on a free loopback port.
    pub async fn start(clock: Arc<dyn Clock>) -> (Arc<Self>, Services) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free loopback port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let pki = DevPki::new(clock.now() - Duration::days(30), Duration::days(3650), &format!("http://{address}/ocsp"));
        let authority =
            Arc::new(Self { pki, clock, address, silent: AtomicBool::new(false), asked: AtomicU64::new(0) });
        let server = tokio::spawn(serve(listener, authority.clone()));
        (authority, Services(server))
    }

    /// The anchor.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.pki.root()
    }

    /// The authority that issues to agencies.
    #[must_use]
    pub fn issuing(&self) -> &Certificate {
        self.pki.issuing_ca()
    }

    /// Host and port of the OCSP service, as the allow-list of a node names it.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A P-256 key with a certificate that is valid now, for an organisation.
    #[must_use]
    pub fn issue(&self, name: &str, edrpou: &str, usage: Usage) -> Identity {
        self.pki.issue(self.profile(name, edrpou, usage))
    }

    /// The same, after `change` has changed what is asked for.
    #[must_use]
    pub fn issue_with(&self, name: &str, edrpou: &str, usage: Usage, change: impl FnOnce(&mut Profile)) -> Identity {
        let mut profile = self.profile(name, edrpou, usage);
        change(&mut profile);
        self.pki.issue(profile)
    }

    /// The same, valid until yesterday.
    #[must_use]
    pub fn issue_expired(&self, name: &str, edrpou: &str, usage: Usage) -> Identity {
        let now = self.clock.now();
        self.issue_with(name, edrpou, usage, |profile| {
            profile.not_before = now - Duration::days(20);
            profile.not_after = now - Duration::days(1);
        })
    }

    fn profile(&self, name: &str, edrpou: &str, usage: Usage) -> Profile {
        let now = self.clock.now();
        Profile {
            common_name: name.to_owned(),
            organisation: Some(name.to_owned()),
            edrpou: Some(edrpou.to_owned()),
            rnokpp: None,
            usage,
            key: KeyKind::Ec(Curve::P256),
            not_before: now - Duration::days(20),
            not_after: now + Duration::days(365),
            dns_names: if usage == Usage::TlsServer { vec!["localhost".to_owned()] } else { Vec::new() },
        }
    }

    /// Revokes a certificate as of an hour ago (key compromise).
    pub fn revoke(&self, certificate: &Certificate) {
        self.pki.revoke(certificate, self.clock.now() - Duration::hours(1), 1);
    }

    /// From now on the services answer nothing but 503.
    pub fn falls_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }

    /// How many questions were put to the OCSP service.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// The DER answer to a DER OCSP request, without the network.
    #[must_use]
    pub fn ocsp(&self, request: &[u8]) -> Vec<u8> {
        self.pki.answer_ocsp(request, self.clock.now())
    }

    /// Trust in this authority and nobody else, for every purpose.
    #[must_use]
    pub fn snapshot(&self) -> TrustSnapshot {
        let purposes = vec![Purpose::Signing, Purpose::TlsClient, Purpose::Encryption, Purpose::TimeStamping];
        let anchor = TrustAnchor { certificate: self.root().clone(), purposes };
        TrustSnapshot::new(vec![anchor], vec![self.issuing().clone()], self.clock.now())
    }

    fn answer(&self, path: &str, body: &[u8]) -> Option<(&'static str, Vec<u8>)> {
        let now = self.clock.now();
        match path {
            "/ocsp" => Some(("application/ocsp-response", self.pki.answer_ocsp(body, now))),
            "/tsa" => Some(("application/timestamp-reply", self.pki.answer_tsa(body, now))),
            "/crl" => Some(("application/pkix-crl", self.pki.crl(now))),
            // RFC 6960, A.1: the request in base64, percent-encoded, as the last path segment.
            _ => {
                let text = path.strip_prefix("/ocsp/")?.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
                let request = STANDARD.decode(text).ok()?;
                Some(("application/ocsp-response", self.pki.answer_ocsp(&request, now)))
            }
        }
    }
}

async fn serve(listener: TcpListener, authority: Arc<Authority>) {
    while let Ok((stream, _)) = listener.accept().await {
        let authority = authority.clone();
        let service = service_fn(move |request| respond(authority.clone(), request));
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A client that goes away is no concern of the authority's.
            let _ = connection.await;
        });
    }
}

async fn respond(
    authority: Arc<Authority>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    authority.asked.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let answer = if authority.silent.load(Ordering::Relaxed) { None } else { authority.answer(&path, &body) };
    let response = match answer {
        Some((media_type, bytes)) => {
            http::Response::builder().header("content-type", media_type).body(Full::new(Bytes::from(bytes)))
        }
        None => http::Response::builder().status(503).body(Full::default()),
    };
    Ok(response.expect("a response of constants is well formed"))
}
