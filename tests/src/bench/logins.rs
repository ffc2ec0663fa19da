//! The rows of `bench access` for logins by signed challenge, as `Portals::log_in` does them: the text and its signature are judged, the person is
//! found in the directory, the session and its audit row are committed with an fsync.
//!
//! | row | who logs in |
//! |---|---|
//! | `login-dstu4145` | people whose certificates were used within the minute: path and revocation are remembered |
//! | `login-dstu4145-first` | people whose certificates the node never saw: path and OCSP answers are verified too |
//! | `login-p256`, `login-p256-first` | the same with ECDSA |
//!
//! The figure is logins a second of the processor: of all threads of the process, the writer's and the system calls among them. Challenges are
//! issued and signed, and OCSP answers made, before a round begins: that is the work of others. As many log in at once as a queue at nine in the
//! morning.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::decide::ImportDirectory;
use access::login::secret::NodeSecret;
use access::login::throttle::{LoginRates, Rate};
use access::people::{IdentityKey, Operators, People};
use access::portal::{Origins, PortalParts, Portals, SessionLimits};
use access::registry::Registry;
use access::{Access, Actor};
use audit::Ledger;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dev::{DevPki, Family, Identity, Profile, Usage};
use certs::path::VerifiedPath;
use certs::revocation::{OcspResponse, RevocationData, RevocationSource, ocsp_request};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot, TrustSource};
use schemas::access::Portal;
use schemas::directory::ImportRequest;
use schemas::session::LoginRequest;
use signing::cades::{self, Content};
use storage::clock::ManualClock;
use storage::seen::SeenStore;
use storage::store::{StoreConfig, migrate, open};
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::task::JoinSet;

use super::measure::{Figure, Unit, processor_time_of_process};

/// A row: its name, its keys, and whether the certificates are new in every round.
pub type Row = (&'static str, Family, bool);

/// All rows, in the order in which they are measured.
pub const ROWS: [Row; 4] = [
    ("login-dstu4145", Family::Dstu4145, false),
    ("login-dstu4145-first", Family::Dstu4145, true),
    ("login-p256", Family::P256, false),
    ("login-p256-first", Family::P256, true),
];

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// People; each logs in once in a round.
const PEOPLE: usize = 446;

/// Logins at once.
const AT_ONCE: usize = 64;

/// Rounds. A person's sessions pile up meanwhile; nobody's is ended to make room.
const ROUNDS: usize = 7;

const PARTICIPANT: &str = "88000001";

/// Measures one row. A round is as long as its logins take.
///
/// # Panics
/// Where a login is refused.
#[must_use]
pub fn figure((name, family, anew): Row) -> Figure {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut rates = runtime.block_on(async {
        let node = Node::furnished(family).await;
        let mut certificates = node.certificates();
        // Loads what a first login needs; and where certificates are known, all of them.
        node.round(&certificates).await;
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            if anew {
                certificates = node.certificates();
            }
            rates.push(node.round(&certificates).await);
        }
        rates
    });
    rates.sort_by(f64::total_cmp);
    let (best, median) = (rates.last().copied().unwrap_or(f64::NAN), rates[rates.len() / 2]);
    Figure { name, by: "vuzol", unit: Unit::Operations, best, median }
}

struct Anchors(Arc<TrustSnapshot>);

impl TrustSource for Anchors {
    fn current(&self) -> Arc<TrustSnapshot> {
        Arc::clone(&self.0)
    }
}

/// OCSP answers that were made beforehand, by the certificate's fingerprint: read, and verified by whoever needs one first, as the node's cache holds
/// them.
#[derive(Default)]
struct Answers(Mutex<HashMap<[u8; 32], OcspResponse>>);

impl RevocationSource for Answers {
    fn data<'a>(
        &'a self,
        path: &'a VerifiedPath,
        _at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        let known = self.0.lock().expect("answers");
        let below_anchor = path.certificates().iter();
        let answers = below_anchor.filter_map(|certificate| known.get(&certificate.fingerprint()));
        let ocsp = answers.cloned().collect();
        Box::pin(std::future::ready(RevocationData { ocsp, crls: Vec::new() }))
    }
}

struct Node {
    _folder: tempfile::TempDir,
    pki: DevPki,
    answers: Arc<Answers>,
    portals: Portals,
}

impl Node {
    async fn furnished(family: Family) -> Self {
        let folder = tempfile::tempdir_in(std::env::current_exe().expect("a path").parent().expect("a folder"));
        let folder = folder.expect("a folder on a disk");
        let store = StoreConfig::new(folder.path().join("vuzol.db"));
        migrate(&store).expect("a database");
        let (writer, reader) = open(&store).expect("a database");
        let clock = Arc::new(ManualClock::new(NOW));
        let ledger = Ledger::new(writer.clone(), reader.clone(), clock.clone(), "bench");
        let pki = DevPki::of(family, NOW, time::Duration::days(30), "http://ocsp.example/").expect("authorities");
        let answers = Arc::new(Answers::default());
        answers.hold(&pki, pki.issuing_ca(), pki.root());
        let anchor = TrustAnchor { certificate: pki.root().clone(), purposes: vec![Purpose::Signing] };
        let trust = Arc::new(Anchors(Arc::new(TrustSnapshot::new(vec![anchor], Vec::new(), NOW))));
        let people = People::new(ledger.clone(), clock.clone(), Some(IdentityKey::new([7; 32])), Operators::default());
        let registry = Registry::new(ledger.clone(), clock.clone());
        let nobody = (BTreeSet::new(), access::peers::Peers::none());
        let access = Access::new(registry, trust.clone(), answers.clone(), clock.clone(), nobody.0, nobody.1);
        let access = access.expect("the shipped policies");
        let permit = access.decide::<ImportDirectory>(&Actor::Operator { certificate: [9; 32] }, ()).await;
        let entered =
            people.import(permit.expect("an operator"), access.registry(), region()).await.expect("an import");
        assert!(entered.import.is_some(), "{entered:?}");
        let ample = Rate { burst: 1e9, per_second: 1e9 };
        let portals = Portals::new(PortalParts {
            ledger,
            seen: SeenStore::new(writer, reader),
            clock,
            trust,
            revocation: answers.clone(),
            directory: Arc::new(people),
            secret: NodeSecret::from_hex(&"0a".repeat(32)).expect("a secret"),
            node: "bench.example".to_owned(),
            origins: Origins { internal: Some("https://office.example".to_owned()), external: None },
            limits: SessionLimits { open: 1_000, ..SessionLimits::default() },
            rates: LoginRates { address: ample, certificate: ample, participant: ample, ..LoginRates::default() },
            providers: Vec::new(),
            enrols: false,
        });
        Self { _folder: folder, pki, answers, portals }
    }

    /// A new certificate for each person, and the answer about it.
    fn certificates(&self) -> Vec<Identity> {
        let issue = |number| {
            let profile = Profile {
                common_name: "Test".to_owned(),
                organisation: Some("Agency".to_owned()),
                edrpou: Some(PARTICIPANT.to_owned()),
                rnokpp: Some(rnokpp(number)),
                usage: Usage::Signing,
                key: self.pki.issuing_ca().public_key().expect("a key").kind(),
                not_before: NOW - time::Duration::days(1),
                not_after: NOW + time::Duration::days(10),
                dns_names: Vec::new(),
            };
            let identity = self.pki.issue(profile).expect("a certificate");
            self.answers.hold(&self.pki, &identity.certificate, self.pki.issuing_ca());
            identity
        };
        (0..PEOPLE).map(issue).collect()
    }

    /// Logs everybody in; logins a second of the processor.
    #[allow(clippy::cast_precision_loss, reason = "some hundred logins")]
    async fn round(&self, certificates: &[Identity]) -> f64 {
        let requests: Vec<_> = certificates.iter().map(|identity| self.signed(identity)).collect();
        let before = processor_time_of_process();
        let (mut queue, mut under_way) = (requests.into_iter(), JoinSet::new());
        loop {
            while under_way.len() < AT_ONCE
                && let Some((peer, request)) = queue.next()
            {
                let portals = self.portals.clone();
                under_way.spawn(async move { portals.log_in(Portal::Internal, peer, &request).await.map(drop) });
            }
            match under_way.join_next().await {
                Some(end) => end.expect("a login that ends").expect("a session"),
                None => break,
            }
        }
        let spent: Duration = processor_time_of_process().saturating_sub(before);
        certificates.len() as f64 / spent.as_secs_f64()
    }

    fn signed(&self, identity: &Identity) -> (IpAddr, LoginRequest) {
        let peer = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let challenge = self.portals.challenge(Portal::Internal, peer, None).expect("a challenge").challenge;
        let chain = [identity.certificate.clone(), self.pki.issuing_ca().clone()];
        let algorithm = identity.key.default_algorithm();
        let content = Content::Attached(challenge.as_bytes());
        let signature = cades::sign(content, &identity.key, algorithm, &chain, NOW).expect("a signature");
        (peer, LoginRequest { challenge, signature: STANDARD.encode(signature), acting_for: None })
    }
}

impl Answers {
    fn hold(
        &self,
        pki: &DevPki,
        certificate: &certs::certificate::Certificate,
        issuer: &certs::certificate::Certificate,
    ) {
        let answer = pki.answer_ocsp(&ocsp_request(certificate, issuer, None), NOW);
        let answer = OcspResponse::from_der(&answer).expect("an answer");
        self.0.lock().expect("answers").insert(certificate.fingerprint(), answer);
    }
}

/// One agency and its representatives. All made up: the numbers check, and are nobody's.
fn region() -> ImportRequest {
    let participants = format!("edrpou,name,mailboxes\r\n{PARTICIPANT},Орган,office\r\n");
    let (mut people, mut roles) = ("name,rnokpp\r\n".to_owned(), "rnokpp,role,participant\r\n".to_owned());
    for number in 0..PEOPLE {
        write!(people, "Особа {number},{}\r\n", rnokpp(number)).expect("a row");
        write!(roles, "{},authorised_representative,{PARTICIPANT}\r\n", rnokpp(number)).expect("a row");
    }
    ImportRequest { participants: Some(participants), people: Some(people), roles: Some(roles), dry_run: false }
}

/// Nine digits of the number, and the one that checks them.
fn rnokpp(number: usize) -> String {
    const WEIGHTS: [i64; 9] = [-1, 5, 7, 9, 4, 6, 10, 5, 7];
    let digits = format!("{number:09}");
    let sum: i64 = digits.bytes().zip(WEIGHTS).map(|(digit, weight)| i64::from(digit - b'0') * weight).sum();
    format!("{digits}{}", sum.rem_euclid(11) % 10)
}
