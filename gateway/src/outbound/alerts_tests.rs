//! Alerts at receivers on this machine, over real TLS: a webhook and a syslog server.

use std::path::PathBuf;
use std::sync::Mutex;

use certs::dev::{DevPki, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use schemas::AlertId;
use storage::clock::ManualClock;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::outbound::syslog::Syslog;

/// What a server does when it has read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Reads until the other side ends, and says farewell.
    Syslog,
    /// Reads a little, and goes without a word.
    Cuts,
    /// Says nothing and reads nothing.
    Sleeps,
    /// Answers a request with a body that ends with a brace.
    Http(&'static str),
}

struct Server {
    host: String,
    came: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Server {
    async fn of(manner: Manner) -> Self {
        Self::named(manner, "localhost").await
    }

    /// With a certificate of that name.
    async fn named(manner: Manner, name: &str) -> Self {
        let now = OffsetDateTime::now_utc();
        let pki = DevPki::new(now, time::Duration::days(30), "http://ocsp.example/").unwrap();
        let profile = Profile {
            common_name: "SIEM".to_owned(),
            organisation: None,
            edrpou: None,
            rnokpp: None,
            usage: Usage::TlsServer,
            key: KeyKind::Ec(Curve::P256),
            not_before: now - time::Duration::hours(1),
            not_after: now + time::Duration::days(1),
            dns_names: vec![name.to_owned()],
        };
        let identity = pki.issue(profile).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("roots.pem"), pki.root().to_pem()).unwrap();
        let chain = [&identity.certificate, pki.issuing_ca()];
        let chain = chain.map(|certificate| CertificateDer::from(certificate.der().to_vec())).to_vec();
        let key = identity.key.to_pkcs8_der().unwrap();
        let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::Pkcs8(key.to_vec().into()))
            .unwrap();
        let (acceptor, came) = (TlsAcceptor::from(Arc::new(tls)), Arc::<Mutex<Vec<String>>>::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let heard = came.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, heard) = (acceptor.clone(), heard.clone());
                tokio::spawn(async move {
                    if manner == Manner::Sleeps {
                        return std::future::pending().await;
                    }
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let (mut text, mut octets) = (Vec::new(), vec![0; 4096]);
                    while let Ok(read @ 1..) = stream.read(&mut octets).await {
                        text.extend_from_slice(&octets[..read]);
                        if manner == Manner::Cuts || (matches!(manner, Manner::Http(_)) && text.ends_with(b"}")) {
                            break;
                        }
                    }
                    heard.lock().unwrap().push(String::from_utf8(text).unwrap());
                    match manner {
                        Manner::Http(answer) => {
                            let _ = stream.write_all(answer.as_bytes()).await;
                            let _ = stream.shutdown().await;
                        }
                        Manner::Syslog => {
                            let _ = stream.shutdown().await;
                        }
                        Manner::Cuts | Manner::Sleeps => drop(stream.into_inner()),
                    }
                });
            }
        });
        Self { host, came, folder }
    }

    fn roots(&self) -> PathBuf {
        self.folder.path().join("roots.pem")
    }

    fn syslog(&self) -> Syslog {
        let config = AlertsConfig {
            syslog: Some(self.host.clone()),
            syslog_roots: Some(self.roots()),
            ..AlertsConfig::default()
        };
        Syslog::of_config(&config, "vuzol.test/log").unwrap().unwrap()
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().unwrap().clone()
    }
}

fn alert() -> Alert {
    let at = time::macros::datetime!(2026-11-27 10:00 UTC);
    Alert {
        alert_id: AlertId::from_parts(1, [7; 10]),
        rule: "refusal_storm".to_owned(),
        subject: "address:192.0.2.1".to_owned(),
        text: "50 requests were refused.".to_owned(),
        text_uk: "50 відмов, \"підряд\"].".to_owned(),
        threshold: 50,
        entries: (0..50).collect(),
        caused_at: at,
        raised_at: at,
    }
}

#[tokio::test]
async fn an_alert_arrives_at_a_syslog_server_in_one_frame() {
    let server = Server::of(Manner::Syslog).await;
    let syslog = server.syslog();
    syslog.deliver(&alert()).await.unwrap();
    syslog.deliver(&alert()).await.unwrap();
    let came = server.came();
    assert_eq!((came.len(), &came[0]), (2, &came[1]));
    let (length, message) = came[0].split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len(), "octets, as RFC 5425 counts");
    assert!(
        message.starts_with("<108>1 2026-11-27T10:00:00Z vuzol.test/log vuzol - refusal_storm [vuzol@32473 alert=\"")
    );
    assert!(message.contains("text_uk=\"50 відмов, \\\"підряд\\\"\\].\"]"), "{message}");
    assert!(message.ends_with(" \u{feff}50 requests were refused."));
}

#[tokio::test]
async fn a_syslog_server_of_another_authority_or_another_name_is_told_nothing() {
    let (server, other) = (Server::of(Manner::Syslog).await, Server::of(Manner::Syslog).await);
    let of_another = Server::named(Manner::Syslog, "other.example").await;
    for (address, roots) in [(server.host.clone(), other.roots()), (of_another.host.clone(), of_another.roots())] {
        let config = AlertsConfig { syslog: Some(address), syslog_roots: Some(roots), ..AlertsConfig::default() };
        let syslog = Syslog::of_config(&config, "n").unwrap().unwrap();
        let error = syslog.deliver(&alert()).await.unwrap_err();
        assert!(error.0.contains("certificate"), "{error}");
    }
    assert_eq!([server.came(), of_another.came()], [Vec::<String>::new(), Vec::new()]);
}

#[tokio::test]
async fn a_syslog_server_that_goes_without_a_farewell_has_not_got_it() {
    let cuts = Server::of(Manner::Cuts).await;
    assert!(cuts.syslog().deliver(&alert()).await.is_err());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = AlertsConfig {
        syslog: Some(format!("localhost:{}", closed.port())),
        syslog_roots: Some(cuts.roots()),
        ..AlertsConfig::default()
    };
    assert!(Syslog::of_config(&config, "n").unwrap().unwrap().deliver(&alert()).await.is_err());
}

#[tokio::test]
async fn a_syslog_server_that_sleeps_is_left_after_a_while() {
    let sleeps = Server::of(Manner::Sleeps).await;
    let syslog = sleeps.syslog();
    let delivered = tokio::time::timeout(std::time::Duration::from_secs(60), syslog.deliver(&alert())).await;
    assert_eq!(delivered.expect("within the bound").unwrap_err().0, "too slow");
}

#[tokio::test]
async fn an_alert_is_posted_with_a_signature_that_the_receiver_checks() {
    let server = Server::of(Manner::Http("HTTP/1.1 204 No Content\r\n\r\n")).await;
    let secret = server.folder.path().join("secret");
    std::fs::write(&secret, format!("{}\n", "0a".repeat(32))).unwrap();
    let webhooks = WebhooksConfig { tls_roots: Some(server.roots()), private_hosts: vec![server.host.clone()] };
    let config = AlertsConfig {
        webhook: Some(format!("https://{}/alerts", server.host)),
        webhook_secret: Some(secret.clone()),
        ..AlertsConfig::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(time::macros::datetime!(2026-11-27 10:00 UTC)));
    let webhook = AlertWebhook::of_config(&config, &webhooks, clock.clone()).unwrap().unwrap();
    webhook.deliver(&alert()).await.unwrap();
    let came = server.came().remove(0);
    let (head, body) = came.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<Alert>(body).unwrap(), alert());
    let field = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("{name} in {head}")).to_owned()
    };
    let signed = format!("{}.{body}", field("vuzol-timestamp"));
    assert_eq!(field("vuzol-signature"), format!("v1={}", hex(&hmac_sha256(&[0x0a; 32], signed.as_bytes()))));
    assert_eq!(field("vuzol-delivery"), alert().alert_id.to_string());

    // What cannot work is said at the start, by its key.
    let closed = WebhooksConfig::default();
    let refused = |config: &AlertsConfig, webhooks: &WebhooksConfig| {
        AlertWebhook::of_config(config, webhooks, clock.clone()).err().expect("it cannot work")
    };
    assert!(refused(&config, &closed).starts_with("alerts.webhook:"));
    std::fs::write(&secret, "0a").unwrap();
    assert!(refused(&config, &webhooks).starts_with("alerts.webhook_secret"));
    let fails = Server::of(Manner::Http("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")).await;
    std::fs::write(&secret, "0b".repeat(32)).unwrap();
    let webhooks = WebhooksConfig { tls_roots: Some(fails.roots()), private_hosts: vec![fails.host.clone()] };
    let config = AlertsConfig { webhook: Some(format!("https://{}/", fails.host)), ..config };
    let webhook = AlertWebhook::of_config(&config, &webhooks, clock.clone()).unwrap().unwrap();
    assert!(webhook.deliver(&alert()).await.unwrap_err().0.contains("500"));
}
