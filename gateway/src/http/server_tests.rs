//! The port as clients of every kind meet it.

use super::*;
use std::io;
use std::path::Path;

use axum::extract::Extension;
use axum::routing::get;
use certs::dev::{DevPki, Identity, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use rustls::client::ResolvesClientCert;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore};
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::config::KeyPairFiles;
use crate::http::tls;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

/// A server whose only route tells how many certificates the client showed.
struct World {
    pki: DevPki,
    address: SocketAddr,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    _folder: tempfile::TempDir,
}

fn profile(name: &str, usage: Usage) -> Profile {
    let (not_before, not_after) = (NOW - time::Duration::days(1), NOW + time::Duration::days(3650));
    let dns_names = vec!["localhost".to_owned()];
    let (key, common_name) = (KeyKind::Ec(Curve::P256), name.to_owned());
    Profile {
        common_name,
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage,
        key,
        not_before,
        not_after,
        dns_names,
    }
}

fn key_files(folder: &Path, identity: &Identity) -> KeyPairFiles {
    let files = KeyPairFiles { certificate: folder.join("tls.pem"), key: folder.join("tls.key") };
    std::fs::write(&files.certificate, identity.certificate.to_pem()).unwrap();
    std::fs::write(&files.key, identity.key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    files
}

async fn show(Extension(connection): Extension<Arc<Connection>>) -> String {
    if connection.leaf().is_some() { "a certificate" } else { "no certificate" }.to_owned()
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pki =
            DevPki::new(NOW - time::Duration::days(2), time::Duration::days(4000), "http://127.0.0.1:1/").unwrap();
        let files = key_files(folder.path(), &pki.issue(profile("localhost", Usage::TlsServer)).unwrap());
        let tls = Some(Arc::new(ArcSwap::new(tls::server_config(&files).unwrap())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let router = Router::new().route("/", get(show)).route(
            "/slow",
            get(async || {
                tokio::time::sleep(Duration::from_millis(500)).await;
                "done"
            }),
        );
        let handshakes = Arc::new(Semaphore::new(2));
        let (entrance, connections) = (Entrance::Api, 8);
        let (ends, counted) = (shutdown.clone(), tasks.clone());
        let server =
            Server { entrance, router, ahead: None, tls, connections, handshakes, shutdown: ends, tasks: counted };
        tasks.spawn(server.run(listener));
        Self { pki, address, shutdown, tasks, _folder: folder }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        // The server shows its leaf alone: the issuing authority is the client's anchor.
        roots.add(CertificateDer::from(self.pki.issuing_ca().der().to_vec())).unwrap();
        roots
    }

    fn client(&self, identity: Option<&Identity>) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(self.roots());
        match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_auth_cert(chain(identity), private_key(identity)).unwrap(),
        }
    }

    async fn connect(&self, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    async fn ask(&self, config: ClientConfig, request: &str) -> io::Result<String> {
        let mut stream = self.connect(config).await?;
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        let mut answer = Vec::new();
        match tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap() {
            Err(error) if answer.is_empty() => Err(error),
            _ => Ok(String::from_utf8(answer).unwrap()),
        }
    }
}

fn chain(identity: &Identity) -> Vec<CertificateDer<'static>> {
    vec![CertificateDer::from(identity.certificate.der().to_vec())]
}

fn private_key(identity: &Identity) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.to_pkcs8_der().unwrap().to_vec()))
}

const GET: &str = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_client_without_a_certificate_is_heard() {
    let world = World::new().await;
    let answer = world.ask(world.client(None), GET).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("no certificate"), "{answer}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_reaches_the_door() {
    let world = World::new().await;
    let foreign = DevPki::new(NOW, time::Duration::days(1), "http://127.0.0.1:1/").unwrap();
    let identity = foreign.issue(profile("stranger", Usage::TlsClient)).unwrap();
    assert!(world.ask(world.client(Some(&identity)), GET).await.unwrap().ends_with("a certificate"));
}

/// Shows one party's certificate and signs with another's key.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesClientCert for Impostor {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_stolen_certificate_without_its_key_does_not_pass_the_handshake() {
    let world = World::new().await;
    let victim = world.pki.issue(profile("victim", Usage::TlsClient)).unwrap();
    let thief = world.pki.issue(profile("thief", Usage::TlsClient)).unwrap();
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(private_key(&thief)).unwrap();
    let mut config = world.client(None);
    config.client_auth_cert_resolver = Arc::new(Impostor(Arc::new(CertifiedKey::new(chain(&victim), key))));
    assert!(world.ask(config, GET).await.is_err());
}

#[tokio::test]
async fn only_tls_1_3_is_spoken_and_nothing_is_resumed() {
    let world = World::new().await;
    let old = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(world.roots())
        .with_no_client_auth();
    let mut stream = world.connect(old.clone()).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    stream.write_all(GET.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    let again = world.connect(old).await.unwrap();
    assert_eq!(again.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
}

#[tokio::test]
async fn both_protocols_are_offered() {
    let world = World::new().await;
    for offered in [b"h2".to_vec(), b"http/1.1".to_vec()] {
        let mut config = world.client(None);
        config.alpn_protocols = vec![offered.clone()];
        assert_eq!(world.connect(config).await.unwrap().get_ref().1.alpn_protocol(), Some(&offered[..]));
    }
}

#[tokio::test]
async fn old_clients_are_answered_and_noise_is_refused() {
    let world = World::new().await;
    let answer = world.ask(world.client(None), "GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    let oversized = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "a".repeat(20_000));
    let answer = world.ask(world.client(None), &oversized).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: y\r\n".repeat(200));
    let answer = world.ask(world.client(None), &many).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let noise = world.ask(world.client(None), "\0\0\0\r\n\r\n").await;
    assert!(noise.is_err() || noise.as_ref().unwrap().starts_with("HTTP/1.1 400"), "{noise:?}");
}

#[tokio::test]
async fn plain_text_at_the_tls_port_ends_the_connection() {
    let world = World::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP"));
}

#[tokio::test]
async fn who_is_silent_in_the_handshake_is_left() {
    let world = World::new().await;
    let silent: Vec<TcpStream> = {
        let mut streams = Vec::new();
        for _ in 0..8 {
            streams.push(TcpStream::connect(world.address).await.unwrap());
        }
        streams
    };
    // All places are taken; the next client waits until the silent ones are given up, and is then served.
    let before = std::time::Instant::now();
    assert!(world.ask(world.client(None), GET).await.is_ok());
    assert!(before.elapsed() > HANDSHAKE / 2 && before.elapsed() < HANDSHAKE * 2);
    drop(silent);
}

#[tokio::test]
async fn a_stop_lets_the_request_under_way_finish_and_takes_no_new_one() {
    let world = World::new().await;
    let request = "GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.shutdown.cancel();
        world.tasks.close();
    };
    let (answer, ()) = tokio::join!(world.ask(world.client(None), request), stop);
    assert!(answer.unwrap().ends_with("done"));
    tokio::time::timeout(Duration::from_secs(5), world.tasks.wait()).await.unwrap();
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[test]
fn files_that_do_not_serve_tls_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let pki = DevPki::new(NOW, time::Duration::days(1), "http://127.0.0.1:1/").unwrap();
    let (one, other) = (profile("one", Usage::TlsServer), profile("other", Usage::TlsServer));
    let (one, other) = (pki.issue(one).unwrap(), pki.issue(other).unwrap());
    let files = key_files(folder.path(), &one);
    std::fs::write(&files.key, other.key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    let problem = tls::server_config(&files).unwrap_err();
    assert!(problem.contains("tls.key"), "{problem}");
    std::fs::write(&files.key, "no key").unwrap();
    assert!(tls::server_config(&files).unwrap_err().contains("PKCS#8"));
    std::fs::write(&files.certificate, "no certificate").unwrap();
    assert!(tls::server_config(&files).unwrap_err().contains("tls.certificate"));
}

/// Sends a request over a connection that stays open; the status line of its answer.
async fn next(stream: &mut TlsStream<TcpStream>, path: &str) -> io::Result<String> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await?;
    stream.flush().await?;
    let mut buffer = [0; 1024];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut buffer)).await??;
    Ok(String::from_utf8_lossy(&buffer[..read]).lines().next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn who_keeps_all_places_without_a_request_gives_way_and_who_is_answered_does_not() {
    let world = World::new().await;
    let mut kept = Vec::new();
    for _ in 0..8 {
        let mut stream = world.connect(world.client(None)).await.unwrap();
        assert_eq!(next(&mut stream, "/").await.unwrap(), "HTTP/1.1 200 OK");
        kept.push(stream);
    }
    let mut busy = kept.pop().unwrap();
    let busy = tokio::spawn(async move {
        let mut answers = Vec::new();
        for _ in 0..8 {
            answers.push(next(&mut busy, "/slow").await.unwrap());
        }
        answers
    });
    // All places are taken, by connections of strangers that would be closed after ten seconds only.
    for _ in 0..3 {
        let asked = tokio::time::timeout(Duration::from_secs(5), world.ask(world.client(None), GET));
        assert!(asked.await.expect("somebody gives way").unwrap().starts_with("HTTP/1.1 200"));
    }
    assert_eq!(busy.await.unwrap(), vec!["HTTP/1.1 200 OK"; 8]);
    let mut ended = 0;
    for stream in &mut kept {
        ended += usize::from(next(stream, "/").await.is_ok_and(|line| line.is_empty()));
    }
    assert!((1..=3).contains(&ended), "{ended} gave way for three who came one after another");
}
