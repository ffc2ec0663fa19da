//! For tests: an identity provider of our own over TLS, which is honest until a test has it be otherwise.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use access::openid::dev::{DevKey, description, key_set};
use access::openid::flow::challenge;
use access::openid::keys::TokenAlgorithm;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{DevPki, Identity, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use storage::Clock;
use time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::{ClaimsConfig, ProviderConfig};
use crate::outbound::liar::http;

/// The node at this provider, and the secret that it shows.
pub(crate) const CLIENT: &str = "vuzol";
pub(crate) const SECRET: &str = "a secret: of 32 characters & more";

/// What the node asks.
pub(crate) struct Question {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) form: BTreeMap<String, String>,
}

/// A whole HTTP answer; none: silence.
type Reply = Option<Vec<u8>>;
type Spoil = Arc<dyn Fn(&Question) -> Option<Reply> + Send + Sync>;
type Claims = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// The provider.
pub(crate) struct Stage {
    /// Its issuer.
    pub(crate) issuer: String,
    inner: Arc<Inner>,
    folder: tempfile::TempDir,
}

struct Inner {
    issuer: String,
    clock: Arc<dyn Clock>,
    keys: Mutex<Vec<Arc<DevKey>>>,
    grants: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    spoil: Mutex<Option<Spoil>>,
    claims: Mutex<Option<Claims>>,
    asked: Mutex<BTreeMap<String, usize>>,
    codes: AtomicUsize,
}

/// An answer in JSON.
pub(crate) fn json_answer(status: &str, value: &Value) -> Vec<u8> {
    http(status, "content-type: application/json\r\n", value.to_string().as_bytes())
}

impl Stage {
    pub(crate) async fn start(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (authority, identity) = authority(&*clock);
        std::fs::write(folder.path().join("roots.pem"), authority.root().to_pem()).unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            clock,
            keys: Mutex::new(vec![Arc::new(DevKey::generate("k1", TokenAlgorithm::Es256).unwrap())]),
            grants: Mutex::default(),
            spoil: Mutex::default(),
            claims: Mutex::default(),
            asked: Mutex::default(),
            codes: AtomicUsize::new(0),
        });
        serve(listener, acceptor(&authority, &identity), inner.clone());
        Self { issuer, inner, folder }
    }

    /// The node's configuration of this provider.
    pub(crate) fn config(&self) -> ProviderConfig {
        let file = |name: &str| self.folder.path().join(name);
        ProviderConfig {
            name: "gov".to_owned(),
            portals: vec![schemas::access::Portal::Internal, schemas::access::Portal::External],
            issuer: self.issuer.clone(),
            hosts: Vec::new(),
            tls_roots: file("roots.pem"),
            client_id: CLIENT.to_owned(),
            client_secret: Some(file("secret")),
            client_key: None,
            client_key_id: None,
            algorithms: vec![TokenAlgorithm::Es256],
            scopes: vec!["openid".to_owned()],
            claims: ClaimsConfig::default(),
            user_info: false,
            assurance: Vec::new(),
            max_age_seconds: None,
        }
    }

    /// A file of this folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> std::path::PathBuf {
        let file = self.folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    /// From now on questions that `spoil` answers are answered so.
    pub(crate) fn spoils(&self, spoil: impl Fn(&Question) -> Option<Reply> + Send + Sync + 'static) {
        *self.inner.spoil.lock().unwrap() = Some(Arc::new(spoil));
    }

    /// Honest again.
    pub(crate) fn behaves(&self) {
        *self.inner.spoil.lock().unwrap() = None;
        *self.inner.claims.lock().unwrap() = None;
    }

    /// From now on `change` changes the claims of every token.
    pub(crate) fn says(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        *self.inner.claims.lock().unwrap() = Some(Arc::new(change));
    }

    /// Another key signs from now on, and only it is published.
    pub(crate) fn changes_key(&self, name: &str) {
        *self.inner.keys.lock().unwrap() = vec![Arc::new(DevKey::generate(name, TokenAlgorithm::Es256).unwrap())];
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.inner.asked.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    /// A browser follows `location`, and the person consents: where it is sent back to.
    pub(crate) fn consents(&self, location: &str) -> String {
        let request = pairs(location.split_once('?').unwrap().1);
        assert!(location.starts_with(&format!("{}/authorize?", self.issuer)), "{location}");
        assert_eq!((request["client_id"].as_str(), request["response_type"].as_str()), (CLIENT, "code"));
        assert_eq!(request["code_challenge_method"], "S256");
        let code = format!("code-{}", self.inner.codes.fetch_add(1, Ordering::SeqCst));
        let back = format!(
            "{}?code={code}&state={}&iss={}&session_state=x",
            request["redirect_uri"],
            request["state"],
            access::openid::flow::escaped(&self.issuer)
        );
        self.inner.grants.lock().unwrap().insert(code, request);
        back
    }
}

/// An authority of its own, and a TLS certificate of it.
fn authority(clock: &dyn Clock) -> (DevPki, Identity) {
    let now = clock.now();
    let authority = DevPki::new(now, Duration::days(30), "http://127.0.0.1:9/ocsp").unwrap();
    let profile = Profile {
        common_name: "provider".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::TlsServer,
        key: KeyKind::Ec(Curve::P256),
        not_before: now - Duration::days(1),
        not_after: now + Duration::days(1),
        dns_names: vec!["localhost".to_owned()],
    };
    let identity = authority.issue(profile).unwrap();
    (authority, identity)
}

fn acceptor(authority: &DevPki, identity: &Identity) -> TlsAcceptor {
    let chain = [identity.certificate.der(), authority.issuing_ca().der()];
    let chain = chain.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.to_pkcs8_der().unwrap().to_vec()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()))
}

fn serve(listener: TcpListener, acceptor: TlsAcceptor, inner: Arc<Inner>) {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, inner) = (acceptor.clone(), inner.clone());
            tokio::spawn(async move {
                let Ok(mut line) = acceptor.accept(stream).await else { return };
                let Some(question) = read_question(&mut line).await else { return };
                match inner.answer(&question) {
                    Some(reply) => {
                        let _ = line.write_all(&reply).await;
                        let _ = line.shutdown().await;
                    }
                    None => std::future::pending().await,
                }
            });
        }
    });
}

impl Inner {
    fn answer(&self, question: &Question) -> Reply {
        *self.asked.lock().unwrap().entry(question.path.clone()).or_default() += 1;
        let spoil = self.spoil.lock().unwrap().clone();
        if let Some(reply) = spoil.and_then(|spoil| spoil(question)) {
            return reply;
        }
        let honest = match question.path.as_str() {
            "/.well-known/openid-configuration" => json_answer("200 OK", &description(&self.issuer)),
            "/keys" => {
                let keys = self.keys.lock().unwrap();
                http(
                    "200 OK",
                    "content-type: application/json\r\n",
                    &key_set(&keys.iter().map(|key| &**key).collect::<Vec<_>>()),
                )
            }
            "/token" => self.redeem(question),
            "/me" => {
                let known = question.authorization.as_deref() == Some("Bearer access-token");
                let status = if known { "200 OK" } else { "401 Unauthorized" };
                json_answer(status, &json!({ "sub": "person-1", "drfocode": "0000000001", "edrpoucode": "" }))
            }
            _ => http("404 Not Found", "", b""),
        };
        Some(honest)
    }

    /// As RFC 6749, 4.1.3 and RFC 7636, 4.6 have it.
    fn redeem(&self, question: &Question) -> Vec<u8> {
        let refused = |error: &str| json_answer("400 Bad Request", &json!({ "error": error }));
        if !is_client(question) {
            return json_answer("401 Unauthorized", &json!({ "error": "invalid_client" }));
        }
        let field = |name: &str| question.form.get(name).map(String::as_str).unwrap_or_default();
        let Some(grant) = self.grants.lock().unwrap().remove(field("code")) else { return refused("invalid_grant") };
        let is_same = grant["redirect_uri"] == field("redirect_uri");
        if !is_same || grant["code_challenge"] != challenge(field("code_verifier")) {
            return refused("invalid_grant");
        }
        let now = self.clock.now().unix_timestamp();
        let mut claims = json!({
            "iss": self.issuer, "sub": "person-1", "aud": CLIENT, "exp": now + 300, "iat": now,
            "nonce": grant["nonce"], "drfocode": "0000000001",
        });
        if let Some(change) = &*self.claims.lock().unwrap() {
            change(&mut claims);
        }
        let key = self.keys.lock().unwrap()[0].clone();
        let id_token = key.token(&claims).unwrap();
        json_answer(
            "200 OK",
            &json!({ "access_token": "access-token", "token_type": "Bearer", "expires_in": 60, "id_token": id_token }),
        )
    }
}

/// Whether the secret is shown, or an assertion that names client and issuer.
fn is_client(question: &Question) -> bool {
    let pair = format!("{CLIENT}:{}", access::openid::flow::escaped(SECRET));
    let by_secret = question.authorization.as_deref() == Some(&format!("Basic {}", STANDARD.encode(pair)));
    by_secret
        || question
            .form
            .get("client_id")
            .is_some_and(|client| client == CLIENT && question.form.contains_key("client_assertion"))
}

async fn read_question(line: &mut (impl AsyncRead + Unpin)) -> Option<Question> {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&received[..end]).into_owned();
            let field = |name: &str| {
                let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
                lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
            };
            let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if received.len() >= end + length {
                let target = head.split(' ').nth(1)?;
                let path = target.split('?').next()?.to_owned();
                let form = pairs(&String::from_utf8_lossy(&received[end..end + length]));
                return Some(Question { path, authorization: field("authorization"), form });
            }
        }
        match line.read(&mut piece).await {
            Ok(read) if read > 0 => received.extend_from_slice(&piece[..read]),
            _ => return None,
        }
    }
}

/// Fields of a query or a form.
pub(crate) fn pairs(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("https://x.example/?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
