//! A receiver on this machine that keeps to a script.

use std::path::Path;
use std::sync::Mutex;

use certs::dev::{DevPki, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use schemas::NoticeId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A receiver that answers everybody the same, and what came to it.
struct Receiver {
    host: String,
    came: Arc<Mutex<Vec<String>>>,
    roots: tempfile::TempDir,
}

impl Receiver {
    /// `answer` None: it says nothing.
    async fn answering(answer: Option<&'static str>) -> Self {
        let now = OffsetDateTime::now_utc();
        let pki = DevPki::new(now, time::Duration::days(30), "http://ocsp.example/").unwrap();
        let identity = pki
            .issue(Profile {
                common_name: "Receiver".to_owned(),
                organisation: None,
                edrpou: None,
                rnokpp: None,
                usage: Usage::TlsServer,
                key: KeyKind::Ec(Curve::P256),
                not_before: now - time::Duration::hours(1),
                not_after: now + time::Duration::days(1),
                dns_names: vec!["localhost".to_owned()],
            })
            .unwrap();
        let roots = tempfile::tempdir().unwrap();
        std::fs::write(roots.path().join("roots.pem"), pki.root().to_pem()).unwrap();
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
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut bytes = vec![0; 4096];
                    let mut text = String::new();
                    while !text.ends_with('}') {
                        let Ok(read @ 1..) = stream.read(&mut bytes).await else { return };
                        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
                    }
                    heard.lock().unwrap().push(text);
                    let Some(answer) = answer else { return std::future::pending().await };
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { host, came, roots }
    }

    fn webhooks(&self, private: bool) -> Webhooks {
        webhooks(Some(&self.roots.path().join("roots.pem")), if private { vec![self.host.clone()] } else { Vec::new() })
    }

    async fn told(&self, webhooks: &Webhooks) -> Result<(), NotPosted> {
        webhooks.post(&receiver(), posting(&format!("https://{}/notices", self.host)), NOW).await
    }

    fn count(&self) -> usize {
        self.came.lock().unwrap().len()
    }
}

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

fn webhooks(roots: Option<&Path>, private_hosts: Vec<String>) -> Webhooks {
    Webhooks::new(&WebhooksConfig { tls_roots: roots.map(Path::to_owned), private_hosts }).unwrap()
}

fn receiver() -> MailboxId {
    "00000001.chancellery".parse().unwrap()
}

fn posting(url: &str) -> Posting {
    Posting {
        url: url.to_owned(),
        delivery: NoticeId::from_parts(1, [7; 10]),
        timestamp: 1_700_000_000,
        signature: "v1=00ff".to_owned(),
        body: "{\"event\":\"consigned\"}".to_owned(),
    }
}

#[tokio::test]
async fn a_notice_comes_with_its_headers() {
    let receiver = Receiver::answering(Some("HTTP/1.1 204 No Content\r\n\r\n")).await;
    assert_eq!(receiver.told(&receiver.webhooks(true)).await, Ok(()));
    let came = receiver.came.lock().unwrap().pop().unwrap();
    assert!(came.starts_with("POST /notices HTTP/1.1\r\n"), "{came}");
    let delivery = format!("vuzol-delivery: {}\r\n", NoticeId::from_parts(1, [7; 10]));
    for part in ["vuzol-timestamp: 1700000000\r\n", "vuzol-signature: v1=00ff\r\n", &delivery, "application/json"] {
        assert!(came.contains(part), "{part} in {came}");
    }
    assert!(came.ends_with("{\"event\":\"consigned\"}"));
}

#[tokio::test]
async fn an_address_inside_is_not_asked_unless_the_operator_named_it() {
    let receiver = Receiver::answering(Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    assert_eq!(receiver.told(&receiver.webhooks(false)).await, Err(NotPosted::NotPermitted));
    assert_eq!(receiver.count(), 0);
    // Nor another port of a host that was named, nor a name that leads inside, whatever the statement said of it.
    let elsewhere = webhooks(None, vec!["localhost:1".to_owned()]);
    assert!(matches!(elsewhere.permitted(&format!("https://{}/", receiver.host)), Err(NotPermitted::Address(_))));
    let named = |hosts: &[String]| NamedOrPublic(Arc::new(Private::new(hosts)));
    let name = || "localhost".parse::<Name>().unwrap();
    assert!(named(&[]).resolve(name()).await.is_err());
    assert!(named(&["localhost:1".to_owned()]).resolve(name()).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let receiver =
        Receiver::answering(Some("HTTP/1.1 307 Moved\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"))
            .await;
    let webhooks = receiver.webhooks(true);
    assert_eq!(receiver.told(&webhooks).await, Err(NotPosted::Answer(307)));
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn a_receiver_that_fails_gets_one_at_a_time_then_rests_and_is_its_own_matter() {
    let receiver = Receiver::answering(Some("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")).await;
    let webhooks = receiver.webhooks(true);
    let (name, other) = (self::receiver(), "00000002.chancellery".parse().unwrap());
    assert_eq!(webhooks.places(&name, NOW), 4);
    for places in [1, 1, 0] {
        assert_eq!(receiver.told(&webhooks).await, Err(NotPosted::Answer(500)));
        assert_eq!(webhooks.places(&name, NOW), places);
    }
    assert_eq!(webhooks.places(&other, NOW), 4);
    let later = NOW + time::Duration::seconds(10);
    assert_eq!((webhooks.places(&name, later), webhooks.places(&name, later)), (1, 0));
}

#[tokio::test]
async fn a_receiver_whose_authority_is_unknown_is_told_nothing() {
    let receiver = Receiver::answering(Some("HTTP/1.1 200 OK\r\n\r\n")).await;
    let stranger = Receiver::answering(None).await;
    let webhooks = webhooks(Some(&stranger.roots.path().join("roots.pem")), vec![receiver.host.clone()]);
    assert_eq!(receiver.told(&webhooks).await, Err(NotPosted::Unreachable));
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn a_receiver_that_is_silent_is_left_after_a_while() {
    let receiver = Receiver::answering(None).await;
    let webhooks = receiver.webhooks(true);
    let posted = tokio::time::timeout(DEADLINE * 3, receiver.told(&webhooks)).await;
    assert_eq!(posted.expect("within the bound"), Err(NotPosted::Unreachable));
    assert_eq!(receiver.count(), 1);
}

#[test]
fn only_https_addresses_of_public_hosts_may_be_stated() {
    let offered = webhooks(None, vec!["10.1.2.3:8443".to_owned()]);
    for url in
        ["https://agency.example/", "https://agency.example:8443/x?y", "https://8.8.8.8/", "https://10.1.2.3:8443/"]
    {
        assert_eq!(offered.permitted(url), Err(NotPermitted::NotOffered), "{url}: nothing but the node is in the way");
    }
    for url in [
        "http://agency.example/",
        "https://user@agency.example/",
        "https://:word@agency.example/",
        "https://agency.example:22/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.1.2.3/",
        "https://localhost/",
        "https://localhost./",
        "https://agency.example/#x",
        "ftp://agency.example/",
        "agency.example",
        "",
    ] {
        assert!(matches!(offered.permitted(url), Err(NotPermitted::Address(_))), "{url}");
    }
}
