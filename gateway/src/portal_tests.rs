//! The portals as browsers, and whoever pretends to be one, meet them: over TLS, through the node's own doors.

use std::collections::BTreeMap;

use super::*;

#[path = "audit_tests.rs"]
mod auditing;
#[path = "break_glass_tests.rs"]
mod break_glass;
#[path = "erasure_tests.rs"]
mod erasing;

use access::people::{Answer, Entrusted, PersonalNumbers};
use certs::dev::{Identity, Profile, Usage};
use crypto::key::{Curve, KeyKind};
use schemas::access::{Role, Roles};
use schemas::session::{Deed, LoginChallenge, SessionView};
use schemas::{PersonId, Problem, ProblemCode as P};
use serde_json::{Value, json};
use signing::cades::{self, Content};
use storage::clock::{ManualClock, SystemClock};
use time::Duration as Span;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::PortalConfig;
use crate::demo::services::DemoServices;
use crate::demo::site::Site;

const OFFICE: &str = "https://office.example";
const CABINET: &str = "https://cabinet.example";
/// Fictitious: the last digit does not check.
const HEAD: &str = "0000000001";

/// One person, entrusted with an agency.
struct Register(BTreeMap<String, PersonId>, Entrusted);

impl Directory for Register {
    fn identify<'a>(&'a self, numbers: &'a PersonalNumbers) -> Answer<'a, PersonId> {
        let person = numbers.rnokpp.as_ref().and_then(|rnokpp| self.0.get(rnokpp)).copied();
        Box::pin(std::future::ready(Ok(person)))
    }

    fn entrusted(&self, person: PersonId) -> Answer<'_, Entrusted> {
        let entrusted = self.0.values().any(|known| *known == person).then(|| self.1.clone());
        Box::pin(std::future::ready(Ok(entrusted)))
    }
}

/// A node with both portals.
struct Region {
    site: Site,
    node: Node,
    clock: Arc<ManualClock>,
    person: PersonId,
    database: DatabaseConfig,
    _folder: tempfile::TempDir,
    _services: DemoServices,
}

/// An answer: status, header fields in lower case, body.
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answered {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        let told = String::from_utf8_lossy(&self.body);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{} {error}: {told}", self.status))
    }

    /// The code of the problem.
    fn code(&self) -> String {
        self.json::<Problem>().code
    }

    /// What the browser sends back.
    fn cookie(&self) -> String {
        let set = self.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {}", self.status));
        set.split(';').next().unwrap().to_owned()
    }
}

/// What a page of a portal sends along.
#[derive(Clone, Default)]
struct Page {
    origin: Option<String>,
    site: Option<String>,
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Page {
    /// An honest page without a session.
    fn of(origin: &str) -> Self {
        Self { origin: Some(origin.to_owned()), site: Some("same-origin".to_owned()), ..Self::default() }
    }

    fn request(&self, method: &str, target: &str, body: Option<&Value>) -> String {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        for (name, value) in [
            ("origin", &self.origin),
            ("sec-fetch-site", &self.site),
            ("cookie", &self.cookie),
            ("vuzol-csrf", &self.csrf),
        ] {
            if let Some(value) = value {
                head += &format!("{name}: {value}\r\n");
            }
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if !body.is_empty() {
            head += "content-type: application/json\r\n";
        }
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    }
}

impl Region {
    async fn start() -> Self {
        Self::start_with(Arc::new(ManualClock::new(SystemClock.now())), |_| ()).await
    }

    async fn start_with(clock: Arc<ManualClock>, change: impl FnOnce(&mut Config)) -> Self {
        Self::begin(Some(PersonId::from_parts(1, [1; 10])), clock, change).await
    }

    /// With the node's own directory.
    async fn start_among_registered() -> Self {
        Self::begin(None, Arc::new(ManualClock::new(SystemClock.now())), |_| ()).await
    }

    /// With a directory of that one person, or with the node's own.
    async fn begin(only: Option<PersonId>, clock: Arc<ManualClock>, change: impl FnOnce(&mut Config)) -> Self {
        let person = PersonId::from_parts(1, [1; 10]);
        let folder = tempfile::tempdir().unwrap();
        let bound = DemoServices::bind().await.unwrap();
        let site = Site::create(&folder.path().join("site"), clock.now(), &bound.ocsp_url(), 1).unwrap();
        let services = bound.start(site.pki().clone(), clock.clone());
        let mut config = site.config().clone();
        let portal = |origin: &str| {
            let listen = SocketAddr::from(([127, 0, 0, 1], 0));
            Some(PortalConfig { origin: origin.to_owned(), listen })
        };
        (config.portals.internal, config.portals.external) = (portal(OFFICE), portal(CABINET));
        change(&mut config);
        let within = vec![(site.agencies()[0].edrpou, Roles::default().with(Role::HeadOfAgency))];
        let entrusted = Entrusted { node: Roles::default(), within };
        let register = |person| Register(BTreeMap::from([(HEAD.to_owned(), person)]), entrusted);
        let directory = only.map(|person| Arc::new(register(person)) as Arc<dyn Directory>);
        let database = config.storage.database.clone();
        let node = Node::start_among(directory, config, clock.clone(), Duties::All, true).await.unwrap();
        let region =
            Self { site, node, clock, person, database: database.clone(), _folder: folder, _services: services };
        let base = format!("https://localhost:{}", region.node.public_address().port());
        let operator = region.site.client(&base, region.site.operator()).unwrap();
        region.site.register_agencies(&operator).await.unwrap();
        let (writer, _) = open_database(&database, false).unwrap();
        let insert = writer.run_tx::<_, storage::StoreError, _>("test", move |tx| {
            let sql =
                "-- test\nINSERT INTO person (id, name, registered_at, registered_by) VALUES ($1, 'P', 0, 'node')";
            tx.execute(sql, &[person.as_bytes().into()]).map(drop)
        });
        insert.await.unwrap();
        region
    }

    fn head(&self) -> Identity {
        self.official(HEAD)
    }

    fn official(&self, rnokpp: &str) -> Identity {
        let profile = Profile {
            common_name: "Head".to_owned(),
            organisation: Some("Agency A".to_owned()),
            edrpou: Some(self.site.agencies()[0].edrpou.to_string()),
            rnokpp: Some(rnokpp.to_owned()),
            usage: Usage::Signing,
            key: KeyKind::Ec(Curve::P256),
            not_before: self.clock.now() - Span::days(1),
            not_after: self.clock.now() + Span::days(1),
            dns_names: Vec::new(),
        };
        self.site.pki().issue(profile).unwrap()
    }

    fn address(&self, portal: Portal) -> SocketAddr {
        self.node.portal_address(portal).unwrap()
    }

    async fn asks(&self, portal: Portal, page: &Page, method: &str, target: &str, body: Option<&Value>) -> Answered {
        self.sends(self.address(portal), &page.request(method, target, body)).await
    }

    /// One request on a connection of its own, without a client certificate.
    async fn sends(&self, address: SocketAddr, request: &str) -> Answered {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.site.pki().root().der().to_vec().into()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
        let connector = TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()));
        let stream = TcpStream::connect(address).await.unwrap();
        let mut line = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        line.flush().await.unwrap();
        let mut received = Vec::new();
        // Closed without farewell, or with: what arrived counts.
        let _ = tokio::time::timeout(Duration::from_secs(20), line.read_to_end(&mut received)).await.unwrap();
        let end = received.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
        let head = String::from_utf8(received[..end].to_vec()).unwrap();
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answered { status, headers, body: received[end + 4..].to_vec() }
    }

    /// A challenge, signed.
    async fn signs(&self, portal: Portal, page: &Page, deed: Option<Deed>, signer: &Identity) -> Value {
        let asked = deed.map_or_else(|| json!({}), |deed| json!({ "deed": deed }));
        let answer = self.asks(portal, page, "POST", "/v1/logins/challenges", Some(&asked)).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let LoginChallenge { challenge, .. } = answer.json();
        let chain = [signer.certificate.clone(), self.site.pki().issuing_ca().clone()];
        let content = Content::Attached(challenge.as_bytes());
        let signature = cades::sign(content, &signer.key, signer.key.default_algorithm(), &chain, self.clock.now());
        let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature.unwrap());
        json!({ "challenge": challenge, "signature": signature })
    }

    async fn logs_in(&self, portal: Portal, page: &Page, signer: &Identity) -> Answered {
        let request = self.signs(portal, page, None, signer).await;
        self.asks(portal, page, "POST", "/v1/logins", Some(&request)).await
    }

    /// A page with a session at the portal.
    async fn session(&self, portal: Portal) -> Page {
        let page = Page::of(if portal == Portal::Internal { OFFICE } else { CABINET });
        let answer = self.logs_in(portal, &page, &self.head()).await;
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        let view: SessionView = answer.json();
        Page { cookie: Some(answer.cookie()), csrf: Some(view.csrf_token), ..page }
    }
}

/// What the API answers who has a client certificate: the status, and the code of a problem.
async fn raw(client: &crate::client::Client, method: ::http::Method, target: &str) -> (u16, Option<String>) {
    let answer = client.raw(method, target, &[], "").await.unwrap();
    (answer.status.as_u16(), answer.problem().map(|problem| problem.code))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_official_logs_in_works_and_logs_out() {
    let region = Region::start().await;
    let page = Page::of(OFFICE);
    let answer = region.logs_in(Portal::Internal, &page, &region.head()).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-vuzol-internal="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let view: SessionView = answer.json();
    assert_eq!((view.person, view.acting_for), (region.person, Some(region.site.agencies()[0].edrpou)));
    let page = Page { cookie: Some(answer.cookie()), csrf: Some(view.csrf_token.clone()), ..page };
    let read = region.asks(Portal::Internal, &page, "GET", "/v1/session", None).await;
    assert_eq!((read.status, read.json::<SessionView>()), (200, view));
    // A session is somebody: what they may do is decided for them as for anybody.
    let forbidden = region.asks(Portal::Internal, &page, "GET", "/v1/quarantine", None).await;
    assert_eq!((forbidden.status, forbidden.code()), (403, P::ActionForbidden.to_string()));

    let confirmation = region.signs(Portal::Internal, &page, Some(Deed::IssueToken), &region.head()).await;
    let confirmed = region.asks(Portal::Internal, &page, "POST", "/v1/session/step-up", Some(&confirmation)).await;
    assert_eq!(confirmed.json::<SessionView>().confirmed.unwrap().deed, Deed::IssueToken);
    let nobody = json!({ "acting_for": null });
    let switched = region.asks(Portal::Internal, &page, "POST", "/v1/session/acting-for", Some(&nobody)).await;
    assert_eq!(switched.json::<SessionView>().acting_for, None);

    let out = region.asks(Portal::Internal, &page, "DELETE", "/v1/session", None).await;
    assert_eq!(out.status, 204);
    assert!(out.header("set-cookie").unwrap().starts_with("__Host-vuzol-internal=; Max-Age=0;"));
    let over = region.asks(Portal::Internal, &page, "GET", "/v1/session", None).await;
    assert_eq!((over.status, over.code()), (401, P::SessionEnded.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_its_own_portal_and_no_other_door() {
    let region = Region::start().await;
    let page = region.session(Portal::Internal).await;
    let value = page.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    // As it is, and under the name that the other portal looks for.
    let renamed = Page { cookie: Some(format!("__Host-vuzol-external={value}")), ..page.clone() };
    for (page, code) in [(&page, P::SessionMissing), (&renamed, P::SessionEnded)] {
        let answer = region.asks(Portal::External, page, "GET", "/v1/session", None).await;
        assert_eq!((answer.status, answer.code()), (401, code.to_string()));
    }
    let api = region.node.public_address();
    for target in ["/v1/session", "/v1/participants", "/v1/openapi.json"] {
        let answer = region.sends(api, &page.request("GET", target, None)).await;
        assert_eq!((answer.status, answer.code()), (401, P::ClientCertificateMissing.to_string()), "{target}");
    }
    // Nor are the operations of logins there, for who has a login.
    let agency = &region.site.agencies()[0].login;
    let client = region.site.client(&format!("https://localhost:{}", api.port()), agency).unwrap();
    assert_eq!(raw(&client, ::http::Method::GET, "/v1/session").await, (404, Some(P::NotFound.to_string())));
    assert_eq!(region.asks(Portal::Internal, &page, "GET", "/v1/session", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_session_may_log_in_and_nothing_else() {
    let region = Region::start().await;
    let page = Page::of(OFFICE);
    for (method, target) in [
        ("GET", "/v1/session"),
        ("DELETE", "/v1/session"),
        ("GET", "/v1/participants"),
        ("GET", "/v1/openapi.json"),
        ("GET", "/v1/nowhere"),
        ("POST", "/v1/session/step-up"),
    ] {
        let answer = region.asks(Portal::Internal, &page, method, target, None).await;
        assert_eq!((answer.status, answer.code()), (401, P::SessionMissing.to_string()), "{method} {target}");
    }
    let deed = json!({ "deed": "issue_token" });
    let answer = region.asks(Portal::Internal, &page, "POST", "/v1/logins/challenges", Some(&deed)).await;
    assert_eq!(answer.code(), P::SessionMissing.to_string());
    let unknown = region.logs_in(Portal::Internal, &page, &region.official("0000000009")).await;
    assert_eq!((unknown.status, unknown.code()), (401, P::LoginRefused.to_string()));
    assert_eq!(unknown.header("set-cookie"), None);
}

/// Method, `Origin`, `Sec-Fetch-Site`, whether the token is the session's, and what is answered.
type Attempt = (&'static str, Option<&'static str>, Option<&'static str>, Option<bool>, Result<u16, P>);

#[tokio::test(flavor = "multi_thread")]
async fn what_may_change_something_comes_from_a_page_of_the_portal_that_knows_the_session() {
    let region = Region::start().await;
    let page = region.session(Portal::Internal).await;
    let other = region.session(Portal::Internal).await;
    let (own, token) = (Some(OFFICE), Some(true));
    let attempts: &[Attempt] = &[
        ("GET", None, None, None, Ok(200)),
        ("GET", None, Some("cross-site"), None, Ok(200)),
        ("POST", own, Some("same-origin"), token, Ok(200)),
        ("POST", own, None, token, Ok(200)),
        ("POST", None, Some("same-origin"), token, Err(P::SessionForeignOrigin)),
        ("POST", Some("null"), None, token, Err(P::SessionForeignOrigin)),
        ("POST", Some(CABINET), None, token, Err(P::SessionForeignOrigin)),
        ("POST", Some("https://office.example.evil"), None, token, Err(P::SessionForeignOrigin)),
        ("POST", Some("http://office.example"), None, token, Err(P::SessionForeignOrigin)),
        ("POST", own, Some("same-site"), token, Err(P::SessionForeignOrigin)),
        ("POST", own, Some("cross-site"), token, Err(P::SessionForeignOrigin)),
        ("POST", own, Some("none"), token, Err(P::SessionForeignOrigin)),
        ("POST", own, Some("same-origin"), None, Err(P::SessionCsrfToken)),
        ("POST", own, Some("same-origin"), Some(false), Err(P::SessionCsrfToken)),
    ];
    for (method, origin, site, is_own, expected) in attempts {
        let csrf = is_own.map(|is_own| if is_own { &page } else { &other }.csrf.clone().unwrap());
        let (origin, site) = (origin.map(str::to_owned), site.map(str::to_owned));
        let sent = Page { origin, site, csrf, cookie: page.cookie.clone() };
        let (target, body) = match *method {
            "GET" => ("/v1/session", None),
            _ => ("/v1/session/acting-for", Some(json!({ "acting_for": null }))),
        };
        let answer = region.asks(Portal::Internal, &sent, method, target, body.as_ref()).await;
        let told = if answer.status == 200 { Ok(200) } else { Err(answer.code()) };
        assert_eq!(told, expected.map_err(|code| code.to_string()), "{method} {:?} {:?}", sent.origin, sent.site);
    }
    // Nobody is logged in from elsewhere into a session that is not theirs.
    for origin in [None, Some(CABINET), Some("https://evil.example")] {
        let foreign = Page { origin: origin.map(str::to_owned), ..Page::default() };
        let answer = region.asks(Portal::Internal, &foreign, "POST", "/v1/logins/challenges", Some(&json!({}))).await;
        assert_eq!((answer.status, answer.code()), (403, P::SessionForeignOrigin.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_planted_before_the_login_opens_nothing_after_it() {
    let region = Region::start().await;
    let planted = format!("__Host-vuzol-internal={}", "A".repeat(43));
    let page = Page { cookie: Some(planted.clone()), ..Page::of(OFFICE) };
    let answer = region.logs_in(Portal::Internal, &page, &region.head()).await;
    assert_eq!(answer.status, 201);
    assert_ne!(answer.cookie(), planted);
    let read = region.asks(Portal::Internal, &page, "GET", "/v1/session", None).await;
    assert_eq!((read.status, read.code()), (401, P::SessionEnded.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_ends_all_sessions_of_a_person() {
    let region = Region::start().await;
    let (inside, outside) = (region.session(Portal::Internal).await, region.session(Portal::External).await);
    let base = format!("https://localhost:{}", region.node.public_address().port());
    let target = format!("/v1/people/{}/sessions/end", region.person);
    let agency = region.site.client(&base, &region.site.agencies()[0].login).unwrap();
    let post = ::http::Method::POST;
    let forbidden = (403, Some(P::ActionForbidden.to_string()));
    assert_eq!(raw(&agency, post.clone(), &target).await, forbidden);
    let operator = region.site.client(&base, region.site.operator()).unwrap();
    assert_eq!(raw(&operator, post, &target).await, (200, None));
    for (portal, page) in [(Portal::Internal, &inside), (Portal::External, &outside)] {
        let answer = region.asks(portal, page, "GET", "/v1/session", None).await;
        assert_eq!((answer.status, answer.code()), (401, P::SessionEnded.to_string()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_issues_a_token_with_a_fresh_signature_and_a_system_uses_it() {
    let region = Region::start().await;
    let (page, head) = (region.session(Portal::Internal).await, region.head());
    let agency = &region.site.agencies()[0];
    let target = format!("/v1/participants/{}/tokens", agency.edrpou);
    let request = json!({ "name": "archive", "scopes": ["read_participants"], "days": 30 });
    let asks = async |method: &str, target: &str, body: Option<&Value>| {
        region.asks(Portal::Internal, &page, method, target, body).await
    };
    let confirms = async |deed: Deed| {
        let confirmation = region.signs(Portal::Internal, &page, Some(deed), &head).await;
        assert_eq!(asks("POST", "/v1/session/step-up", Some(&confirmation)).await.status, 200);
    };
    confirms(Deed::RevokeToken).await;
    let refused = asks("POST", &target, Some(&request)).await;
    assert_eq!((refused.status, refused.code()), (403, P::StepUpRequired.to_string()), "another deed was confirmed");
    confirms(Deed::IssueToken).await;
    let issued = asks("POST", &target, Some(&request)).await;
    assert_eq!(issued.status, 201, "{}", String::from_utf8_lossy(&issued.body));
    let issued: Value = issued.json();
    let (secret, token) = (issued["secret"].as_str().unwrap(), issued["token"].as_str().unwrap());

    let system = |target: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
        format!("{head}authorization: Bearer {secret}\r\n\r\n")
    };
    let (api, portal) = (region.node.public_address(), region.address(Portal::Internal));
    assert_eq!(region.sends(api, &system("/v1/participants")).await.status, 200);
    let mailbox = format!("/v1/mailboxes/{}/messages", agency.mailbox);
    let beyond = region.sends(api, &system(&mailbox)).await;
    assert_eq!((beyond.status, beyond.code()), (403, P::TokenScope.to_string()));
    let misplaced = region.sends(portal, &system("/v1/participants")).await;
    assert_eq!((misplaced.status, misplaced.code()), (401, P::SessionMissing.to_string()));

    let listed: Value = asks("GET", &target, None).await.json();
    assert_eq!((&listed["tokens"][0]["token"], listed["tokens"][0].get("secret")), (&json!(token), None));
    confirms(Deed::RevokeToken).await;
    assert_eq!(asks("DELETE", &format!("{target}/{token}"), None).await.status, 204);
    let over = region.sends(api, &system("/v1/participants")).await;
    assert_eq!((over.status, over.code()), (401, P::TokenRefused.to_string()));
}

#[path = "openid_tests.rs"]
mod openid;
