//! oidc-provider, a certified OpenID provider for Node.js, where it is at hand: a person comes in by way of it, with both ways in which the node shows who
//! it is there, and both places in which claims can be. Elsewhere the tests say that they are skipped.
//!
//! `OIDC_PROVIDER_MODULES` names the folder `node_modules` that it is installed in (`.ci/run` does that where there is npm).

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use certs::dev::Usage;
use crypto::key::{Curve, KeyHandle as _, KeyKind, SoftwareKey};
use gateway::config::{ClaimsConfig, PortalConfig, ProviderConfig};
use schemas::access::{Portal, Role};
use schemas::directory::{PersonEntry, PersonRegistration};
use schemas::session::SessionView;
use serde_json::{Value, json};
use tests::harness::{Answer, Region, Wire};
use time::Duration;

const CABINET: &str = "https://cabinet.example";
const CALLBACK: &str = "https://cabinet.example/v1/logins/openid/gov/callback";
/// Nobody's: fictitious, with a control digit that is right.
const NUMBER: &str = "0000000017";
const SECRET: &str = "a secret of this test alone: 0123456789";

#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn modules() -> Option<PathBuf> {
    let Some(modules) = std::env::var_os("OIDC_PROVIDER_MODULES").map(PathBuf::from) else {
        println!("skipped: OIDC_PROVIDER_MODULES is not set");
        return None;
    };
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no node");
        return None;
    }
    assert!(modules.join("oidc-provider").is_dir(), "OIDC_PROVIDER_MODULES has no oidc-provider");
    Some(modules)
}

/// Where the claims are, and how the node shows who it is.
#[derive(Clone, Copy)]
struct Manner {
    user_info: bool,
    by_key: bool,
}

/// The provider in a process of its own, which ends with this.
struct Provider {
    child: Child,
    input: Option<ChildStdin>,
    issuer: String,
}

impl Provider {
    fn start(modules: &Path, settings: &Value) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles/oidc_provider.mjs");
        let mut command = Command::new("node");
        command.arg(program).arg(settings.to_string()).env("OIDC_PROVIDER_MODULES", modules);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node starts");
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let issuer = lines.by_ref().map(|line| line.expect("text")).find(|line| line.starts_with("https://"));
        let issuer = issuer.expect("the provider listens");
        // What it says further is read away, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, input, issuer }
    }

    fn stop(mut self) {
        drop(self.input.take());
        self.child.wait().expect("it ends");
    }

    fn address(&self) -> SocketAddr {
        let port = self.issuer.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.expect("a port")))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// A node with a portal of applicants, the provider, and somebody whom both know.
struct Stage {
    region: Region,
    provider: Option<Provider>,
    settings: Value,
    modules: PathBuf,
    portal: SocketAddr,
    person: PersonEntry,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set(modules: PathBuf, manner: Manner) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let portal = free_port();
        let (mut provider, mut settings) = (None, Value::Null);
        let region = Region::start_with(|ground| {
            let file = |name: &str, text: &str| {
                let file = folder.path().join(name);
                std::fs::write(&file, text).expect("a file");
                file
            };
            let agency = ground.agency(3);
            let identity =
                ground.issues(&agency, Usage::TlsServer, |profile| profile.dns_names = vec!["localhost".to_owned()]);
            let pki = ground.site.pki();
            let chain = format!("{}{}", identity.certificate.to_pem(), pki.issuing_ca().to_pem());
            let key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).expect("a key");
            let client = if manner.by_key {
                let (x, y) = key.public_key().coordinates().expect("a point");
                let jwk = json!({ "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y), "kid": "own", "alg": "ES256" });
                let method = "private_key_jwt";
                json!({ "client_id": "vuzol", "token_endpoint_auth_method": method, "jwks": { "keys": [jwk] } })
            } else {
                json!({ "client_id": "vuzol", "client_secret": SECRET })
            };
            settings = json!({
                "port": 0, "kid": "k1", "client": client, "redirect_uri": CALLBACK, "rnokpp": NUMBER,
                "user_info": manner.user_info,
                "tls_key": file("tls.key", &identity.key.to_pkcs8_pem().expect("a key")),
                "tls_certificate": file("tls.pem", &chain),
            });
            let started = Provider::start(&modules, &settings);
            settings["port"] = started.address().port().into();
            ground.config.portals.external = Some(PortalConfig { origin: CABINET.to_owned(), listen: portal });
            ground.config.portals.providers = vec![ProviderConfig {
                name: "gov".to_owned(),
                portals: vec![Portal::External],
                issuer: started.issuer.clone(),
                hosts: Vec::new(),
                tls_roots: file("roots.pem", &pki.root().to_pem()),
                client_id: "vuzol".to_owned(),
                client_secret: (!manner.by_key).then(|| file("secret", SECRET)),
                client_key: manner.by_key.then(|| file("client.key", &key.to_pkcs8_pem().expect("a key"))),
                client_key_id: manner.by_key.then(|| "own".to_owned()),
                algorithms: vec![access::openid::keys::TokenAlgorithm::Es256],
                scopes: vec!["openid".to_owned(), "person".to_owned()],
                claims: ClaimsConfig::default(),
                user_info: manner.user_info,
                assurance: Vec::new(),
                max_age_seconds: Some(300),
            }];
            provider = Some(started);
        })
        .await;
        let registration =
            PersonRegistration { name: "Особа".to_owned(), rnokpp: Some(NUMBER.to_owned()), unzr: None };
        let person = region.operator.register_person(&registration).await.expect("a person");
        Self { region, provider, settings, modules, portal, person, _folder: folder }
    }

    fn provider(&self) -> &Provider {
        self.provider.as_ref().expect("the provider runs")
    }

    /// The provider comes back at the same address with another key.
    fn provider_changes_key(&mut self, kid: &str) {
        self.provider.take().expect("the provider runs").stop();
        self.settings["kid"] = kid.into();
        self.provider = Some(Provider::start(&self.modules, &self.settings));
    }

    async fn asks(&self, browser: &mut Browser, address: SocketAddr, request: String) -> Answer {
        let wire = Wire::new(self.region.ground.site.pki(), None, address);
        let answer = wire.sends(request.as_bytes()).await.expect("an answer");
        browser.keeps(address, &answer);
        answer
    }

    /// A browser follows an address of the portal.
    async fn visits(&self, browser: &mut Browser, target: &str) -> Answer {
        let request = browser.request("GET", self.portal, CABINET, target, None);
        self.asks(browser, self.portal, request).await
    }

    /// A person at the provider: logs in and consents on whatever pages there are, until they are sent back to the portal.
    async fn is_let_through(&self, browser: &mut Browser, location: &str) -> String {
        let (address, issuer) = (self.provider().address(), self.provider().issuer.clone());
        let mut target = location.to_owned();
        let mut form = None;
        for _ in 0..20 {
            if let Some(back) = target.strip_prefix(CABINET) {
                return back.to_owned();
            }
            let path = target.strip_prefix(&issuer).unwrap_or(&target).to_owned();
            let method = if form.is_some() { "POST" } else { "GET" };
            let request = browser.request(method, address, &issuer, &path, form.take());
            let answer = self.asks(browser, address, request).await;
            if let Some(location) = answer.header("location") {
                target = location.to_owned();
                continue;
            }
            let page = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, 200, "{page}");
            target =
                between(&page, "action=\"", "\"").unwrap_or_else(|| panic!("a page without a form: {page}")).to_owned();
            form = Some(match between(&page, "name=\"prompt\" value=\"", "\"") {
                Some("login") => "prompt=login&login=person-1&password=any",
                Some("consent") => "prompt=consent",
                other => panic!("{other:?}: {page}"),
            });
        }
        panic!("the provider leads in a circle");
    }

    /// There and back: the answer of the portal to what the provider sent.
    async fn comes_in(&self, browser: &mut Browser) -> Answer {
        let sent = self.visits(browser, "/v1/logins/openid/gov/start?target=/my").await;
        assert_eq!(sent.status, 303, "{}", String::from_utf8_lossy(&sent.body));
        let back = self.is_let_through(browser, sent.header("location").expect("an address")).await;
        self.visits(browser, &back).await
    }
}

/// Cookies, by the address that set them.
#[derive(Default)]
struct Browser(BTreeMap<SocketAddr, BTreeMap<String, String>>);

impl Browser {
    fn keeps(&mut self, address: SocketAddr, answer: &Answer) {
        let jar = self.0.entry(address).or_default();
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else { continue };
            if value.is_empty() {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    fn cookies(&self, address: SocketAddr) -> String {
        let jar = self.0.get(&address).into_iter().flatten();
        jar.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn request(&self, method: &str, address: SocketAddr, origin: &str, target: &str, form: Option<&str>) -> String {
        let host = origin.trim_start_matches("https://");
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        let cookies = self.cookies(address);
        if !cookies.is_empty() {
            head += &format!("cookie: {cookies}\r\n");
        }
        let form = form.unwrap_or_default();
        if method != "GET" {
            head += &format!("origin: {origin}\r\ncontent-length: {}\r\n", form.len());
            head += "content-type: application/x-www-form-urlencoded\r\n";
        }
        format!("{head}\r\n{form}")
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(found, _)| found)
}

fn base64url(octets: &[u8]) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, octets)
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound listener has an address")
}

/// In, at the session, out.
async fn goes_in_and_out(manner: Manner) {
    let Some(modules) = modules() else { return };
    let stage = Stage::set(modules, manner).await;
    let mut browser = Browser::default();
    let opened = stage.comes_in(&mut browser).await;
    assert_eq!(
        (opened.status, opened.header("location")),
        (303, Some("/my")),
        "{}",
        String::from_utf8_lossy(&opened.body)
    );
    let view: SessionView = stage.visits(&mut browser, "/v1/session").await.json();
    assert_eq!((view.person, view.portal, view.provider.as_deref()), (stage.person.id, Portal::External, Some("gov")));
    assert_eq!(view.roles, [Role::Applicant]);
    let cookies = browser.cookies(stage.portal);
    let out = format!(
        "DELETE /v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\norigin: {CABINET}\r\ncookie: {cookies}\r\n\
         vuzol-csrf: {}\r\n\r\n",
        view.csrf_token
    );
    assert_eq!(stage.asks(&mut browser, stage.portal, out).await.status, 204);
    assert_eq!(stage.visits(&mut browser, "/v1/session").await.status, 401);
    // The provider remembers its person: in again without a word, with another code.
    assert_eq!(stage.comes_in(&mut browser).await.status, 303);
    assert_eq!(stage.visits(&mut browser, "/v1/session").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_in_by_way_of_a_real_provider_with_claims_in_the_token() {
    goes_in_and_out(Manner { user_info: false, by_key: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_in_by_way_of_a_real_provider_with_claims_at_its_user_info() {
    goes_in_and_out(Manner { user_info: true, by_key: true }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_changes_its_key_and_people_go_on_coming_in() {
    let Some(modules) = modules() else { return };
    let mut stage = Stage::set(modules, Manner { user_info: false, by_key: false }).await;
    assert_eq!(stage.comes_in(&mut Browser::default()).await.status, 303);
    stage.provider_changes_key("k2");
    // Keys were asked for just now; half a minute later a token that names another makes the node ask.
    stage.region.time_passes(Duration::seconds(31));
    let answer = stage.comes_in(&mut Browser::default()).await;
    assert_eq!(answer.status, 303, "{}", String::from_utf8_lossy(&answer.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_takes_a_code_once_and_a_person_may_decline() {
    let Some(modules) = modules() else { return };
    let stage = Stage::set(modules, Manner { user_info: false, by_key: false }).await;
    let mut browser = Browser::default();
    let sent = stage.visits(&mut browser, "/v1/logins/openid/gov/start").await;
    let back = stage.is_let_through(&mut browser, sent.header("location").expect("an address")).await;
    let spent = browser.0.clone();
    assert_eq!(stage.visits(&mut browser, &back).await.status, 303);
    let mut thief = Browser(spent);
    let again = stage.visits(&mut thief, &back).await;
    assert_eq!((again.status, again.problem().code.as_str()), (422, "login.attempt_invalid"));
    // Another attempt of the same browser with the old code: the provider does not take it.
    let sent = stage.visits(&mut browser, "/v1/logins/openid/gov/start").await;
    let state = between(sent.header("location").expect("an address"), "state=", "&").expect("a state").to_owned();
    let (code, issuer) = (between(&back, "code=", "&").expect("a code"), &stage.provider().issuer);
    let issuer = issuer.replace(':', "%3A").replace('/', "%2F");
    let old = format!("/v1/logins/openid/gov/callback?code={code}&state={state}&iss={issuer}");
    let refused = stage.visits(&mut browser, &old).await;
    assert_eq!((refused.status, refused.problem().code.as_str()), (422, "login.provider_refused"));
    let sent = stage.visits(&mut browser, "/v1/logins/openid/gov/start").await;
    let state = between(sent.header("location").expect("an address"), "state=", "&").expect("a state").to_owned();
    let declined = format!("/v1/logins/openid/gov/callback?error=access_denied&state={state}&iss={issuer}");
    let refused = stage.visits(&mut browser, &declined).await;
    assert_eq!((refused.status, refused.problem().code.as_str()), (422, "login.provider_refused"));
}
