//! A small office for the tests of logins and sessions: a database, a throw-away authority with keys of either kind, a clock that stands
//! still, a directory in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use audit::Ledger;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{DevPki, Family, Identity, Profile, Usage};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot, TrustSource};
use crypto::digest::digest;
use schemas::access::{Portal, Role, Roles};
use schemas::session::{Deed, LoginRequest, StepUpRequest};
use schemas::{Edrpou, PersonId, ProblemCode};
use signing::cades::{self, Content};
use storage::clock::ManualClock;
use storage::seen::SeenStore;
use storage::store::{migrate, open};
use storage::throwaway::store_in;
use storage::{StoreError, Writer};
use time::Duration;

use crate::decide::Access;
use crate::login::LoggedIn;
use crate::login::provider::Offered;
use crate::login::secret::NodeSecret;
use crate::login::throttle::LoginRates;
use crate::openid::provider::{self, Asked, IdentityProvider, ProviderError, Returned, Vouched};
use crate::peers::Peers;
use crate::people::{Answer, Directory, Entrusted, PersonalNumbers};
use crate::portal::{Origins, PortalParts, Portals, Refused, SessionLimits};
use crate::registry::Registry;
use crate::session::Entered;
use crate::town::{NOON, Responder};

pub(crate) const AGENCY: &str = "00000001";
pub(crate) const OTHER: &str = "00000002";
/// Fictitious: the last digit does not check.
pub(crate) const HEAD: &str = "0000000001";
pub(crate) const CLERK: &str = "0000000002";
/// Registered nowhere.
pub(crate) const STRANGER: &str = "0000000009";
pub(crate) const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

struct Trust(Arc<TrustSnapshot>);

impl TrustSource for Trust {
    fn current(&self) -> Arc<TrustSnapshot> {
        Arc::clone(&self.0)
    }
}

/// People by their РНОКПП; what they are entrusted with, unless they were taken out.
#[derive(Default)]
pub(crate) struct Book(Mutex<BTreeMap<String, (PersonId, Option<Entrusted>)>>);

impl Book {
    pub(crate) fn entrust(&self, rnokpp: &str, entrusted: Option<Entrusted>) {
        let mut book = self.0.lock().unwrap();
        let id = id_of(rnokpp);
        book.insert(rnokpp.to_owned(), (id, entrusted));
    }
}

pub(crate) fn id_of(rnokpp: &str) -> PersonId {
    PersonId::from_parts(1, rnokpp.as_bytes().try_into().unwrap())
}

impl Directory for Book {
    fn identify<'a>(&'a self, numbers: &'a PersonalNumbers) -> Answer<'a, PersonId> {
        let book = self.0.lock().unwrap();
        let person = numbers.rnokpp.as_ref().and_then(|rnokpp| book.get(rnokpp)).map(|(id, _)| *id);
        Box::pin(std::future::ready(Ok(person)))
    }

    fn entrusted(&self, person: PersonId) -> Answer<'_, Entrusted> {
        let book = self.0.lock().unwrap();
        let entrusted = book.values().find(|(id, _)| *id == person).and_then(|(_, entrusted)| entrusted.clone());
        Box::pin(std::future::ready(Ok(entrusted)))
    }
}

/// The name of the stand-in for an identity provider.
pub(crate) const PROVIDER: &str = "gov";

/// A stand-in for an identity provider: it sends the browser to its own state, and says what it was told to say.
pub(crate) struct Vouching {
    says: Mutex<Result<Vouched, ProviderError>>,
    /// How often it was asked about a code.
    pub(crate) asked: AtomicUsize,
}

/// The person of this number, whose name at the provider is their number.
pub(crate) fn vouched(rnokpp: &str, organisation: Option<&str>) -> Vouched {
    Vouched {
        subject: rnokpp.to_owned(),
        numbers: PersonalNumbers { rnokpp: Some(rnokpp.to_owned()), unzr: None },
        organisation: organisation.map(edrpou),
        assurance: Some("high".to_owned()),
    }
}

impl Vouching {
    pub(crate) fn says(&self, answer: Result<Vouched, ProviderError>) {
        *self.says.lock().unwrap() = answer;
    }

    pub(crate) fn no_numbers() -> PersonalNumbers {
        PersonalNumbers { rnokpp: None, unzr: None }
    }
}

impl IdentityProvider for Vouching {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn send<'a>(&'a self, asked: Asked<'a>) -> provider::Answer<'a, String> {
        Box::pin(std::future::ready(Ok(asked.state.to_owned())))
    }

    fn identify<'a>(&'a self, _: Asked<'a>, _: &'a Returned) -> provider::Answer<'a, Vouched> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(self.says.lock().unwrap().clone()))
    }
}

pub(crate) struct Office {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) book: Arc<Book>,
    pub(crate) vouching: Arc<Vouching>,
    pub(crate) ledger: Ledger,
    pub(crate) portals: Portals,
}

pub(crate) fn heads(participant: &str) -> Entrusted {
    let within = vec![(participant.parse().unwrap(), Roles::default().with(Role::HeadOfAgency))];
    Entrusted { node: Roles::default(), within }
}

impl Office {
    /// With ECDSA throughout.
    pub(crate) async fn new() -> Self {
        Self::of(Family::P256, LoginRates::default()).await
    }

    pub(crate) async fn of(family: Family, rates: LoginRates) -> Self {
        let folder = tempfile::tempdir().unwrap();
        migrate(&store_in(folder.path())).unwrap();
        let clock = Arc::new(ManualClock::new(NOON));
        let pki = DevPki::of(family, NOON, Duration::days(30), "http://ocsp.example/").unwrap();
        let responder = Arc::new(Responder { pki, in_reach: AtomicBool::new(true) });
        let book = Arc::new(Book::default());
        let says = Mutex::new(Ok(vouched(HEAD, Some(AGENCY))));
        let vouching = Arc::new(Vouching { says, asked: AtomicUsize::new(0) });
        let offered = Some(vouching.clone());
        let terms = Terms { directory: book.clone(), offered, rates, secret: "0a".repeat(32), enrols: true };
        let (writer, ledger, portals) = open_node(&folder, &clock, &responder, terms);
        for participant in [AGENCY, OTHER] {
            let sql = "-- test\nINSERT INTO participant (edrpou, name, registered_at) VALUES ($1, 'Agency', 0)";
            insert(&writer, sql, participant.as_bytes().to_vec(), true).await;
        }
        for person in [HEAD, CLERK] {
            let sql =
                "-- test\nINSERT INTO person (id, name, registered_at, registered_by) VALUES ($1, 'P', 0, 'node')";
            insert(&writer, sql, id_of(person).as_bytes().to_vec(), false).await;
        }
        book.entrust(HEAD, Some(heads(AGENCY)));
        Self { folder, clock, responder, book, vouching, ledger, portals }
    }

    /// A second process over the same database, or, with another secret, another node.
    pub(crate) fn other_process(&self, secret_octet: &str) -> Portals {
        let (directory, rates, offered) = (self.book.clone(), LoginRates::default(), Some(self.vouching.clone()));
        let terms = Terms { directory, offered, rates, secret: secret_octet.repeat(32), enrols: true };
        open_node(&self.folder, &self.clock, &self.responder, terms).2
    }

    /// The same process after its configuration lost the provider.
    pub(crate) fn without_providers(&self) -> Portals {
        let (directory, rates, secret) = (self.book.clone(), LoginRates::default(), "0a".repeat(32));
        let terms = Terms { directory, offered: None, rates, secret, enrols: true };
        open_node(&self.folder, &self.clock, &self.responder, terms).2
    }

    /// A process over the same database that asks another directory.
    pub(crate) fn among(&self, directory: Arc<dyn Directory>, rates: LoginRates, enrols: bool) -> Portals {
        let offered = Some(self.vouching.clone());
        let terms = Terms { directory, offered, rates, secret: "0a".repeat(32), enrols };
        open_node(&self.folder, &self.clock, &self.responder, terms).2
    }

    /// What decides over permits.
    pub(crate) fn access(&self) -> Access {
        let registry = Registry::new(self.ledger.clone(), self.clock.clone());
        let trust = Arc::new(Trust(Arc::new(TrustSnapshot::new(Vec::new(), Vec::new(), NOON))));
        Access::new(registry, trust, self.responder.clone(), self.clock.clone(), BTreeSet::new(), Peers::none())
            .unwrap()
    }

    /// A person's certificate for signing, of an organisation or of none.
    pub(crate) fn issue(&self, rnokpp: Option<&str>, edrpou: Option<&str>) -> Identity {
        issue(&self.responder.pki, Usage::Signing, rnokpp, edrpou)
    }

    pub(crate) fn head(&self) -> Identity {
        self.issue(Some(HEAD), Some(AGENCY))
    }

    pub(crate) fn sign(&self, signer: &Identity, content: Content<'_>) -> Vec<u8> {
        sign(&self.responder.pki, signer, content)
    }

    /// A challenge of the internal portal, signed.
    pub(crate) fn answer(&self, signer: &Identity) -> LoginRequest {
        self.answer_at(Portal::Internal, signer)
    }

    pub(crate) fn answer_at(&self, portal: Portal, signer: &Identity) -> LoginRequest {
        let challenge = self.portals.challenge(portal, PEER, None).unwrap().challenge;
        let signature = STANDARD.encode(self.sign(signer, Content::Attached(challenge.as_bytes())));
        LoginRequest { challenge, signature, acting_for: None }
    }

    pub(crate) async fn log_in(&self, request: &LoginRequest) -> Result<LoggedIn, ProblemCode> {
        self.portals.log_in(Portal::Internal, PEER, request).await.map_err(|refused| refused.code)
    }

    pub(crate) async fn refused(&self, request: &LoginRequest) -> ProblemCode {
        self.log_in(request).await.err().unwrap()
    }

    /// A session of the head at the internal portal: what opens it, and itself.
    pub(crate) async fn session(&self) -> (String, Entered) {
        self.session_of(&self.head()).await
    }

    pub(crate) async fn session_of(&self, signer: &Identity) -> (String, Entered) {
        let opened = self.log_in(&self.answer(signer)).await.unwrap();
        (opened.secret.to_text().to_string(), opened.entered)
    }

    pub(crate) async fn enter(&self, cookie: &str) -> Result<Entered, ProblemCode> {
        self.portals.enter(Portal::Internal, cookie).await.map_err(|refused| refused.code)
    }

    pub(crate) fn confirmation(&self, entered: &Entered, deed: Deed, signer: &Identity) -> StepUpRequest {
        let confirms = Some((deed, entered.session()));
        let challenge = self.portals.challenge(entered.session().portal(), PEER, confirms).unwrap().challenge;
        let signature = STANDARD.encode(self.sign(signer, Content::Attached(challenge.as_bytes())));
        StepUpRequest { challenge, signature }
    }

    pub(crate) async fn step_up(&self, entered: &Entered, request: &StepUpRequest) -> Result<Entered, Refused> {
        self.portals.step_up(PEER, entered, request).await
    }

    pub(crate) fn clock_now(&self) -> time::OffsetDateTime {
        storage::Clock::now(&*self.clock)
    }

    /// What the log says: action, actor, outcome, with the stored details.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let sql = "-- audited
            SELECT o.entry, p.details FROM audit_outbox o JOIN audit_payload p ON p.event_id = o.event_id ORDER BY o.id";
        let rows =
            self.ledger.reader().read("audited", move |tx| tx.query(sql, &[], |row| Ok((row.blob(0)?, row.text(1)?))));
        let told = |(entry, details): (Vec<u8>, String)| {
            let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {} {} {details}", text("action"), text("actor"), text("object"), text("outcome"))
        };
        rows.await.unwrap().into_iter().map(told).collect()
    }
}

pub(crate) fn issue(pki: &DevPki, usage: Usage, rnokpp: Option<&str>, edrpou: Option<&str>) -> Identity {
    let profile = Profile {
        common_name: "Test".to_owned(),
        organisation: edrpou.map(|_| "Agency".to_owned()),
        edrpou: edrpou.map(str::to_owned),
        rnokpp: rnokpp.map(str::to_owned),
        usage,
        key: pki.issuing_ca().public_key().unwrap().kind(),
        not_before: NOON - Duration::days(1),
        not_after: NOON + Duration::days(10),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap()
}

pub(crate) fn sign(pki: &DevPki, signer: &Identity, content: Content<'_>) -> Vec<u8> {
    let chain = [signer.certificate.clone(), pki.issuing_ca().clone()];
    cades::sign(content, &signer.key, signer.key.default_algorithm(), &chain, NOON).unwrap()
}

/// The text as detached content of what this signer signs.
pub(crate) fn detached<'a>(signer: &Identity, text: &str) -> Content<'a> {
    Content::Detached(digest(signer.key.default_algorithm().digest_algorithm().unwrap(), text.as_bytes()))
}

pub(crate) fn edrpou(text: &str) -> Edrpou {
    text.parse().unwrap()
}

async fn insert(writer: &Writer, sql: &'static str, id: Vec<u8>, as_text: bool) {
    let done = writer.run_tx::<_, StoreError, _>("test", move |tx| {
        let text = String::from_utf8(id.clone()).unwrap_or_default();
        let value = if as_text { (&text).into() } else { (&id).into() };
        tx.execute(sql, &[value]).map(drop)
    });
    done.await.unwrap();
}

/// In what processes of a node may differ.
struct Terms {
    directory: Arc<dyn Directory>,
    offered: Option<Arc<Vouching>>,
    rates: LoginRates,
    secret: String,
    enrols: bool,
}

fn open_node(
    folder: &tempfile::TempDir,
    clock: &Arc<ManualClock>,
    responder: &Arc<Responder>,
    terms: Terms,
) -> (Writer, Ledger, Portals) {
    let Terms { directory, offered: vouching, rates, secret, enrols } = terms;
    let (writer, reader) = open(&store_in(folder.path())).unwrap();
    let ledger = Ledger::new(writer.clone(), reader.clone(), clock.clone(), "node.example");
    let anchor = TrustAnchor { certificate: responder.pki.root().clone(), purposes: vec![Purpose::Signing] };
    // Authorities between come with the signatures alone: a session must remember them.
    let trust = Arc::new(Trust(Arc::new(TrustSnapshot::new(vec![anchor], Vec::new(), NOON))));
    let internal = Some("https://office.example".to_owned());
    let portals = vec![Portal::Internal, Portal::External];
    let offered = |provider: &Arc<Vouching>| Offered { provider: provider.clone(), portals: portals.clone() };
    let providers = vouching.as_ref().map(offered).into_iter().collect();
    let portals = Portals::new(PortalParts {
        ledger: ledger.clone(),
        seen: SeenStore::new(writer.clone(), reader),
        clock: clock.clone(),
        trust,
        revocation: responder.clone(),
        directory,
        secret: NodeSecret::from_hex(&secret).unwrap(),
        node: "node.example".to_owned(),
        origins: Origins { internal, external: Some("https://cabinet.example".to_owned()) },
        limits: SessionLimits::default(),
        rates,
        providers,
        enrols,
    });
    (writer, ledger, portals)
}
