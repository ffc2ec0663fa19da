//! Two nodes and a link between them that fails as links do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use access::decide::*;
use access::peers::{Peer, Peers};
use access::{Access, Actor};
use certs::dev::{DevPki, Usage};
use crypto::digest::{hex, sha256};
use proptest::prelude::*;
use schemas::evidence::EvidenceStatement;
use schemas::message::*;
use schemas::peer::PeerTraffic;
use schemas::registry::{CertificateRegistration, CertificateUsage, Channel, ParticipantRegistration};
use schemas::relay::{RelayOffer, RelayOutcome, RelayProgress};
use schemas::scan::{PartScan, ScanResult};
use schemas::{MessageId, ProblemCode};
use storage::clock::ManualClock;
use storage::store::migrate;
use storage::throwaway::store_in;
use time::{Duration, OffsetDateTime};

use super::town::*;
use crypto::seal::ring::{RingKey, RingKeyHandle};

use crate::evidence::{EvidenceSigner, verify};
use crate::intake::Accepted;
use crate::key_ring::{Held, KeyRing};
use crate::mailbox::Spoken;
use crate::refusal::Refusal;
use crate::relay::{CarryError, Carrying, GIVE_UP, PeerCarrier, Piece, Relay};
use crate::retention::Retention;
use crate::scan::Unavailable;
use crate::screening::tests::Watcher;
use crate::service::Exchange;

/// What the link does with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Fine,
    /// The request does not arrive.
    Cut,
    /// It arrives, and the answer is lost.
    AnswerLost,
    /// It arrives twice.
    Twice,
}

/// One direction.
struct Link {
    from: &'static str,
    far: OnceLock<(Exchange, Access)>,
    faults: Mutex<VecDeque<Fault>>,
    down: Mutex<bool>,
    requests: Mutex<Vec<&'static str>>,
}

impl Link {
    fn new(from: &'static str) -> Arc<Self> {
        let (far, faults, down, requests) = (OnceLock::new(), Mutex::default(), Mutex::default(), Mutex::default());
        Arc::new(Self { from, far, faults, down, requests })
    }

    fn actor(&self) -> Actor {
        Actor::Peer { name: Arc::from(self.from), certificate: sha256(self.from.as_bytes()) }
    }

    fn next(&self, what: &'static str) -> Fault {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        if *self.down.lock().unwrap() {
            return Fault::Cut;
        }
        self.faults.lock().unwrap().pop_front().unwrap_or(Fault::Fine)
    }

    async fn through<T, F: Future<Output = Result<T, Refusal>>>(
        &self,
        what: &'static str,
        request: impl Fn() -> F,
    ) -> Result<T, CarryError> {
        let lost = Err(CarryError::NoAnswer("relay.no_answer"));
        let answer = match self.next(what) {
            Fault::Cut => return lost,
            Fault::Fine => request().await,
            Fault::AnswerLost => {
                let _ = request().await;
                return lost;
            }
            Fault::Twice => {
                let _ = request().await;
                request().await
            }
        };
        answer.map_err(|refusal| CarryError::Refused {
            code: refusal.code.as_str().to_owned(),
            evidence: refusal.evidence,
        })
    }

    async fn permit<A: Action>(&self, resource: A::Resource) -> Result<Permit<A>, Refusal> {
        let (_, access) = self.far.get().unwrap();
        access.decide(&self.actor(), resource).await.map_err(|denied| denied.code.into())
    }
}

use access::Permit;

impl PeerCarrier for Link {
    fn rests(&self, _: &Peer, _: OffsetDateTime) -> bool {
        false
    }

    fn offer<'a>(&'a self, _: &'a str, message: MessageId, offer: &'a RelayOffer) -> Carrying<'a, RelayProgress> {
        Box::pin(self.through("offer", move || async move {
            let (exchange, _) = self.far.get().unwrap();
            let offered = exchange.read_offer(self.from, message, offer.clone()).await?;
            exchange.offer(self.permit(offered.resource()).await?, &offered).await
        }))
    }

    fn piece<'a>(&'a self, _: &'a str, message: MessageId, piece: Piece) -> Carrying<'a, ()> {
        Box::pin(async move {
            let piece = &piece;
            self.through("piece", move || async move {
                let (exchange, _) = self.far.get().unwrap();
                let offered = exchange.offered(self.from, message).await?;
                exchange.take_piece(self.permit(offered.resource()).await?, &offered, piece.clone()).await
            })
            .await
        })
    }

    fn commit<'a>(&'a self, _: &'a str, message: MessageId) -> Carrying<'a, RelayOutcome> {
        Box::pin(self.through("commit", move || async move {
            let (exchange, _) = self.far.get().unwrap();
            let offered = exchange.offered(self.from, message).await?;
            exchange.take_over(self.permit(offered.resource()).await?, &offered).await
        }))
    }

    fn report<'a>(&'a self, _: &'a str, evidence: &'a str) -> Carrying<'a, ()> {
        Box::pin(self.through("report", move || async move {
            let (exchange, _) = self.far.get().unwrap();
            let reported = exchange.read_report(self.from, evidence).await?;
            exchange.hear(self.permit(reported.resource()).await?, reported).await
        }))
    }
}

const ONE: &str = "one.example";
const TWO: &str = "two.example";

/// Agency A is at node one, agency B at node two. A may send B letters, as both nodes know.
struct Country {
    folders: [tempfile::TempDir; 2],
    clock: Arc<ManualClock>,
    pki: Arc<DevPki>,
    signers: [EvidenceSigner; 2],
    one: Node,
    two: Node,
    there: Arc<Link>,
    back: Arc<Link>,
    a: Agency,
    b: Agency,
}

impl Country {
    async fn new() -> Self {
        Self::scanning([false, false]).await
    }

    /// With a scanner at the one node, or at the other.
    async fn scanning(scanning: [bool; 2]) -> Self {
        let clock = Arc::new(ManualClock::new(NOON));
        let pki = Arc::new(DevPki::new(NOON, Duration::days(60), "http://ocsp.example/").unwrap());
        let responder = Arc::new(Responder::new(&pki));
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let signers = [ONE, TWO].map(|name| {
            let identity = issue(&pki, None, Usage::Seal, |_| ());
            EvidenceSigner::new(Arc::new(identity.key), identity.certificate, name)
        });
        let (there, back) = (Link::new(ONE), Link::new(TWO));
        let [one, two] = [(0, 1, TWO, &there), (1, 0, ONE, &back)].map(|(own, other, name, link)| {
            migrate(&store_in(folders[own].path())).unwrap();
            let evidence = vec![signers[other].certificate().clone()];
            let peer = Peer::new(name, &format!("https://{name}"), Vec::new(), Vec::new(), evidence);
            let relay = Relay::new(Peers::configured([peer]), Arc::<Link>::clone(link), GIVE_UP);
            let key: Arc<dyn RingKeyHandle> = Arc::new(RingKey::generate());
            let ring = KeyRing::of_holders(Held { key, created: NOON }, NOON, Vec::new());
            let screening = scanning[own].then(|| Arc::<Watcher>::default().screening(Unavailable::Refuse));
            let (folder, with) = (folders[own].path(), (relay, screening, &Retention::default()));
            node_with(folder, &clock, &responder, &signers[own], &ring, &Arc::default(), with)
        });
        let _ = there.far.set((two.exchange.clone(), two.access.clone()));
        let _ = back.far.set((one.exchange.clone(), one.access.clone()));
        let [a, b] = ["00000001", "00000002"].map(|code| agency(&pki, code));
        let country = Self { folders, clock, pki, signers, one, two, there, back, a, b };
        for (node, a_at, b_at) in [(&country.one, None, Some(TWO)), (&country.two, Some(ONE), None)] {
            country.register(node, &country.a, a_at).await;
            country.register(node, &country.b, b_at).await;
            country.open_channel(node, &["letter"]).await;
        }
        country
    }

    /// Node one as it starts when its operator has taken node two out of the configuration.
    fn one_without_peers(&self) -> Node {
        let responder = Arc::new(Responder::new(&self.pki));
        let key: Arc<dyn RingKeyHandle> = Arc::new(RingKey::generate());
        let ring = KeyRing::of_holders(Held { key, created: NOON }, NOON, Vec::new());
        let with = (Relay::none(), None, &Retention::default());
        node_with(self.folders[0].path(), &self.clock, &responder, &self.signers[0], &ring, &Arc::default(), with)
    }

    async fn register(&self, node: &Node, agency: &Agency, at: Option<&str>) {
        use base64::Engine as _;
        let der = base64::engine::general_purpose::STANDARD.encode(agency.encryption.certificate.der());
        let registration = ParticipantRegistration {
            name: "Agency".to_owned(),
            mailboxes: vec![agency.mailbox.name().to_owned()],
            certificates: vec![CertificateRegistration { usage: CertificateUsage::Encryption, der }],
            node: at.map(str::to_owned),
            ..ParticipantRegistration::default()
        };
        let permit: Permit<RegisterParticipant> = node.access.decide(&operator(), agency.edrpou).await.unwrap();
        node.access.registry().register(permit, registration).await.unwrap();
    }

    async fn open_channel(&self, node: &Node, kinds: &[&str]) {
        let permit: Permit<SetChannel> = node.access.decide(&operator(), self.b.mailbox.clone()).await.unwrap();
        let kinds = kinds.iter().map(|kind| kind.parse().unwrap()).collect();
        let channel = Channel { sender: self.a.edrpou, recipient: self.b.mailbox.clone(), kinds, policy: None };
        node.access.registry().set_channel(permit, channel).await.unwrap();
    }

    fn cms(&self, identity: &certs::dev::Identity, content: signing::cades::Content<'_>) -> Vec<u8> {
        let chain = [identity.certificate.clone(), self.pki.issuing_ca().clone()];
        let algorithm = identity.key.default_algorithm();
        signing::cades::sign(content, &identity.key, algorithm, &chain, storage::Clock::now(&*self.clock)).unwrap()
    }

    async fn sends(&self, document: &[u8], key: &str) -> Accepted {
        let digest = crypto::digest::digest(crypto::digest::DigestAlgorithm::Sha256, document);
        let letter = Letter {
            envelope: Envelope {
                sender: self.a.edrpou,
                recipient: self.b.mailbox.clone(),
                kind: "letter".parse().unwrap(),
                case_id: None,
                media_type: MediaType::try_from("application/pdf".to_owned()).unwrap(),
                metadata: None,
            },
            signature: self.cms(&self.a.signer, signing::cades::Content::Detached(digest)),
            key: key.to_owned(),
            chunks: document.chunks(64 * 1024).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect(),
        };
        self.one.submit(&self.a.actor, letter).await.unwrap()
    }

    /// Both nodes work, and time passes, until nothing is left to do.
    async fn works(&self) {
        for _ in 0..60 {
            let relayed = self.one.exchange.relay_round(TWO, 10).await.unwrap();
            let reported = self.two.exchange.report_round(ONE, 10).await.unwrap();
            if relayed + reported == 0 && self.jobs(&self.one).await + self.jobs(&self.two).await == 0 {
                return;
            }
            self.clock.advance(Duration::minutes(30));
        }
        panic!("there is work left after a day");
    }

    async fn jobs(&self, node: &Node) -> i64 {
        let sql = "-- jobs
            SELECT count(*) FROM jobs";
        let jobs = node.ledger.reader().read("jobs", move |tx| tx.query_optional(sql, &[], |row| row.integer(0)));
        jobs.await.unwrap().unwrap()
    }

    async fn standing(&self, node: &Node, message: MessageId) -> State {
        let permit = node.permit::<ReadMessage>(&self.a, message).await;
        node.exchange.read_message(permit).await.unwrap().standing.unwrap()
    }

    /// B takes everything out of its mailbox at node two and opens the documents.
    async fn b_opens(&self) -> (Lease, Vec<Vec<u8>>) {
        let lease = self.two.lease(&self.b, 100, 3600).await.unwrap();
        let mut documents = Vec::new();
        for leased in &lease.messages {
            let id = leased.summary.message_id;
            let sealed = self.two.download(&self.b, id, 0, lease.token, None).await.unwrap();
            documents.push(self.b.opens(leased, 0, &sealed));
            let signature = self.two.download(&self.b, id, 1, lease.token, None).await.unwrap();
            let signature = self.b.opens(leased, 1, &signature);
            assert!(signing::validate::UnverifiedDocument::parse(&signature).is_ok());
        }
        (lease, documents)
    }

    async fn b_says(&self, acknowledgement: &Acknowledgement, lease: schemas::LeaseToken) {
        let permit = self.two.permit::<AcknowledgeMessage>(&self.b, acknowledgement.message_id).await;
        let spoken = Spoken::BySystem(serde_json::to_vec(acknowledgement).unwrap());
        self.two.exchange.acknowledge(permit, Some(lease), spoken).await.unwrap();
    }

    /// The evidence of a case as a party reads it at a node: what that node states, and what the other does. Each verifies under
    /// the certificate of who states it.
    async fn evidence(&self, node: &Node, party: &Agency, case: schemas::CaseId) -> [Vec<EvidenceStatement>; 2] {
        let resource = node.exchange.case_resource(case).await.unwrap().unwrap();
        let permit: Permit<ReadCase> = node.access.decide(&party.actor, resource).await.unwrap();
        let own = if std::ptr::eq(node, &self.one) { 0 } else { 1 };
        let mut found = [Vec::new(), Vec::new()];
        for event in node.exchange.case_events(permit).await.unwrap().events {
            let whose = if event.node.is_some() { 1 - own } else { own };
            let statement = verify(&event.evidence, self.signers[whose].certificate()).unwrap();
            assert_eq!(event.node.as_deref().unwrap_or([ONE, TWO][own]), statement.node);
            found[usize::from(event.node.is_some())].push(statement);
        }
        found
    }
}

fn kinds(statements: &[EvidenceStatement]) -> Vec<&'static str> {
    statements.iter().map(|statement| statement.kind.code()).collect()
}

#[tokio::test]
async fn a_letter_to_another_node_arrives_and_what_becomes_of_it_comes_back() {
    let country = Country::new().await;
    let receipt = country.sends(b"a letter", "k").await.receipt;
    let queued = country.standing(&country.one, receipt.message_id).await;
    assert_eq!(queued, State::Queued { peer: TWO.to_owned() });
    country.works().await;
    assert_eq!(country.standing(&country.one, receipt.message_id).await, State::Relayed { peer: TWO.to_owned() });

    country.clock.advance(Duration::seconds(1));
    let (lease, documents) = country.b_opens().await;
    assert_eq!(documents, [b"a letter"]);
    country.clock.advance(Duration::seconds(1));
    country.b_says(&acknowledgement(receipt.message_id, b"a letter", None), lease.token).await;
    country.works().await;
    assert_eq!(country.standing(&country.one, receipt.message_id).await, State::Accepted);

    let [own, theirs] = country.evidence(&country.one, &country.a, receipt.case_id).await;
    assert_eq!(kinds(&own), ["A.1", "V.3", "V.4", "B.1", "C.3"]);
    assert_eq!(kinds(&theirs), ["D.1", "E.1", "C.3"]);
    for (here, there) in [(&own[3], &theirs[0]), (&own[4], &theirs[2])] {
        let named = here.rests_on.as_ref().unwrap();
        assert_eq!((named.node.as_str(), named.evidence_id), (TWO, there.evidence_id));
        assert_eq!(here.parts, there.parts);
    }
    assert_eq!(own[4].acknowledgement_sha256, theirs[2].acknowledgement_sha256);
    let [at_two, of_one] = country.evidence(&country.two, &country.b, receipt.case_id).await;
    assert_eq!((kinds(&at_two), kinds(&of_one)), (vec!["A.1", "D.1", "E.1", "C.3"], vec!["A.1"]));
    assert_eq!(at_two[0].rests_on.as_ref().map(|named| named.evidence_id), Some(of_one[0].evidence_id));
    assert_eq!(hex(&sha256(receipt.evidence.as_bytes())), at_two[0].rests_on.as_ref().unwrap().sha256);
    assert!(country.two.objects.list("relay/").await.unwrap().is_empty(), "nothing of the transfer stays");
}

#[tokio::test]
async fn the_mark_of_the_node_that_saw_a_part_open_stays_and_who_did_not_calls_nothing_clean() {
    for (scanning, result, node) in [
        ([true, false], ScanResult::Clean, ONE),
        ([true, true], ScanResult::Clean, ONE),
        ([false, true], ScanResult::Encrypted, TWO),
    ] {
        let country = Country::scanning(scanning).await;
        let receipt = country.sends(b"a letter", "k").await.receipt;
        country.works().await;
        assert_eq!(country.standing(&country.one, receipt.message_id).await, State::Relayed { peer: TWO.to_owned() });
        let (lease, documents) = country.b_opens().await;
        assert_eq!(documents, [b"a letter"]);
        let mark = Some(PartScan { result, node: node.to_owned(), detail: None });
        assert!(lease.messages[0].parts.iter().all(|part| part.scan == mark), "{scanning:?}");
    }
}

#[tokio::test]
async fn a_refusal_a_registration_and_an_expiry_there_are_known_here() {
    let country = Country::new().await;
    let mut messages = Vec::new();
    for key in ["refused", "registered", "expired"] {
        messages.push(country.sends(key.as_bytes(), key).await.receipt.message_id);
    }
    country.works().await;
    let (lease, _) = country.b_opens().await;
    country.b_says(&acknowledgement(messages[0], b"refused", Some("not ours")), lease.token).await;
    let registration = Some(Registration { number: "12/3".to_owned(), date: "2026-11-23".to_owned() });
    let outcome = AcknowledgementOutcome::Registered;
    let word = Acknowledgement { outcome, registration, ..acknowledgement(messages[1], b"registered", None) };
    country.b_says(&word, lease.token).await;
    country.works().await;
    assert_eq!(country.standing(&country.one, messages[0]).await, State::Refused { reason: "not ours".to_owned() });
    let registered = State::Registered { number: "12/3".to_owned(), date: "2026-11-23".to_owned() };
    assert_eq!(country.standing(&country.one, messages[1]).await, registered);
    assert_eq!(country.standing(&country.one, messages[2]).await.name(), MessageState::Relayed);
    country.clock.advance(Duration::days(22));
    while country.two.exchange.timer_round(100).await.unwrap() > 0 {}
    country.works().await;
    assert_eq!(country.standing(&country.one, messages[2]).await, State::Expired);
}

#[tokio::test]
async fn what_the_other_node_refuses_is_refused_each_time_and_the_sender_has_its_evidence() {
    let country = Country::new().await;
    country.open_channel(&country.two, &["report"]).await;
    let receipt = country.sends(b"a letter", "k").await.receipt;
    // The first refusal is lost on the way, and then the operator there opens the channel.
    country.there.faults.lock().unwrap().push_back(Fault::AnswerLost);
    country.one.exchange.relay_round(TWO, 10).await.unwrap();
    assert_eq!(country.standing(&country.one, receipt.message_id).await.name(), MessageState::RetryWait);
    country.open_channel(&country.two, &["letter"]).await;
    country.works().await;
    let reason = ProblemCode::ChannelNotAllowed.as_str().to_owned();
    let failed = State::RelayFailed { peer: TWO.to_owned(), reason };
    assert_eq!(country.standing(&country.one, receipt.message_id).await, failed);
    let [own, theirs] = country.evidence(&country.one, &country.a, receipt.case_id).await;
    assert_eq!(own.last().unwrap().kind.code(), "B.2");
    assert_eq!(kinds(&theirs), ["A.2"]);
    assert!(country.b_opens().await.1.is_empty());
}

#[tokio::test]
async fn who_cannot_be_reached_is_given_up_after_three_days_and_not_before() {
    let country = Country::new().await;
    let receipt = country.sends(b"a letter", "k").await.receipt;
    *country.there.down.lock().unwrap() = true;
    while storage::Clock::now(&*country.clock) - NOON < GIVE_UP - Duration::hours(1) {
        country.one.exchange.relay_round(TWO, 10).await.unwrap();
        country.clock.advance(Duration::minutes(30));
    }
    assert_eq!(country.standing(&country.one, receipt.message_id).await.name(), MessageState::RetryWait);
    country.clock.advance(Duration::hours(2));
    country.one.exchange.relay_round(TWO, 10).await.unwrap();
    let reason = "relay.no_answer".to_owned();
    let failed = State::RelayFailed { peer: TWO.to_owned(), reason };
    assert_eq!(country.standing(&country.one, receipt.message_id).await, failed);
    let [own, _] = country.evidence(&country.one, &country.a, receipt.case_id).await;
    assert_eq!(own.last().unwrap().kind.code(), "B.3");
}

#[tokio::test]
async fn a_message_to_a_node_that_was_taken_out_of_the_configuration_is_not_forgotten() {
    let country = Country::new().await;
    let receipt = country.sends(b"a letter", "k").await.receipt;
    country.sends(b"another", "l").await;
    let without_peers = country.one_without_peers();
    assert_eq!(without_peers.exchange.unknown_peers_round(10).await.unwrap(), 2);
    let state = country.standing(&country.one, receipt.message_id).await;
    assert!(matches!(&state, State::RetryWait { reason, .. } if reason == "relay.unknown_peer"), "{state:?}");
    assert_eq!(without_peers.exchange.unknown_peers_round(10).await.unwrap(), 0, "not again at once");
    country.clock.advance(GIVE_UP);
    assert_eq!(without_peers.exchange.unknown_peers_round(10).await.unwrap(), 2);
    let failed = State::RelayFailed { peer: TWO.to_owned(), reason: "relay.unknown_peer".to_owned() };
    assert_eq!(country.standing(&country.one, receipt.message_id).await, failed);
    let [own, _] = country.evidence(&country.one, &country.a, receipt.case_id).await;
    assert_eq!(own.last().unwrap().kind.code(), "B.3");
    assert_eq!(
        country.one.exchange.unknown_peers_round(10).await.unwrap(),
        0,
        "a node that knows its peer leaves this to the relay"
    );
}

#[tokio::test]
async fn an_operator_sees_what_waits_for_a_peer_why_it_failed_and_when_it_was_heard_of() {
    let country = Country::new().await;
    let traffic = async || country.one.exchange.traffic_with(TWO).await.unwrap();
    assert_eq!(traffic().await, PeerTraffic::default());
    country.sends(b"a letter", "k").await;
    assert_eq!((traffic().await.waiting, traffic().await.failure), (1, None));
    *country.there.down.lock().unwrap() = true;
    country.one.exchange.relay_round(TWO, 10).await.unwrap();
    let failed = traffic().await;
    assert_eq!((failed.waiting, failed.failure.as_deref()), (1, Some("relay.no_answer")));
    assert_eq!((failed.failed_at, failed.last_heard_at), (Some(NOON), None));
    *country.there.down.lock().unwrap() = false;
    country.works().await;
    let (heard, other) = (traffic().await, country.two.exchange.traffic_with(ONE).await.unwrap());
    assert_eq!((heard.waiting, heard.reports, heard.failure), (0, 0, None));
    assert!(heard.last_heard_at.is_some() && other.last_heard_at.is_some(), "at either node");
    assert_eq!(country.one.exchange.traffic_with("three.example").await.unwrap(), PeerTraffic::default());
}

/// A node that gets a new key for its evidence is believed under either for a while: what it signed before may still be on its way.
#[tokio::test]
async fn evidence_is_believed_under_any_certificate_that_is_stated() {
    let country = Country::new().await;
    let receipt = country.sends(b"a letter", "k").await.receipt;
    let next = issue(&country.pki, None, Usage::Seal, |_| ()).certificate;
    let known_by = |evidence: Vec<certs::certificate::Certificate>| {
        Peer::new(ONE, "https://one.example", Vec::new(), Vec::new(), evidence)
    };
    let old = country.signers[0].certificate().clone();
    let other = country.signers[1].certificate().clone();
    let read = |evidence| crate::relay::stated(&known_by(evidence), &receipt.evidence).is_ok();
    assert!(read(vec![next.clone(), old.clone()]) && read(vec![old]));
    assert!(!read(vec![next, other]) && !read(Vec::new()));
}

#[tokio::test]
async fn a_large_document_goes_on_where_the_link_broke() {
    let country = Country::new().await;
    let document = bytes(5 * 1024 * 1024);
    country.sends(&document, "k").await;
    *country.there.faults.lock().unwrap() = [Fault::Fine, Fault::Fine, Fault::Fine, Fault::Cut].into();
    country.works().await;
    assert_eq!(country.b_opens().await.1, [document]);
    let requests = country.there.requests.lock().unwrap().clone();
    let pieces = requests.iter().filter(|what| **what == "piece").count();
    // Six of the document, one of the signature, and the one that was cut.
    assert_eq!(pieces, 8, "{requests:?}");
}

#[tokio::test]
async fn a_node_speaks_only_for_its_own_participants_and_only_of_what_it_got() {
    let country = Country::new().await;
    let receipt = country.sends(b"a letter", "k").await.receipt;
    // Node two says that A is its own now: what node one brings of A's is not believed.
    country.register(&country.two, &country.a, None).await;
    country.works().await;
    let reason = ProblemCode::ActionForbidden.as_str().to_owned();
    let failed = State::RelayFailed { peer: TWO.to_owned(), reason };
    assert_eq!(country.standing(&country.one, receipt.message_id).await, failed);
    // Evidence of another node, and evidence that was changed.
    let error = country.one.exchange.read_report(TWO, &receipt.evidence).await.err().unwrap();
    assert_eq!(error.code, ProblemCode::RelayEvidenceWrong);
    let error = country.one.exchange.read_report("three.example", &receipt.evidence).await.err().unwrap();
    assert_eq!(error.code, ProblemCode::ActionForbidden);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_link_does_nothing_is_lost_and_nothing_comes_twice(
        there in proptest::collection::vec(0_u8..4, 0..24),
        back in proptest::collection::vec(0_u8..4, 0..24),
    ) {
        let faults = |numbers: Vec<u8>| -> VecDeque<Fault> {
            let all = [Fault::Fine, Fault::Cut, Fault::AnswerLost, Fault::Twice];
            numbers.into_iter().map(|number| all[usize::from(number)]).collect()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let country = Country::new().await;
            let documents: Vec<Vec<u8>> = [10, 100_000, 1_500_000].map(bytes).into();
            let mut receipts = Vec::new();
            for (number, document) in documents.iter().enumerate() {
                receipts.push(country.sends(document, &format!("k{number}")).await.receipt);
            }
            *country.there.faults.lock().unwrap() = faults(there);
            *country.back.faults.lock().unwrap() = faults(back);
            country.works().await;
            let (lease, mut opened) = country.b_opens().await;
            opened.sort_by_key(Vec::len);
            assert!(opened == documents, "each document once, and whole");
            for (receipt, document) in receipts.iter().zip(&documents) {
                country.b_says(&acknowledgement(receipt.message_id, document, None), lease.token).await;
            }
            country.works().await;
            for receipt in &receipts {
                assert_eq!(country.standing(&country.one, receipt.message_id).await, State::Accepted);
                let [own, theirs] = country.evidence(&country.one, &country.a, receipt.case_id).await;
                let ends: Vec<_> = kinds(&own).into_iter().filter(|kind| ["A.1", "B.1", "C.3"].contains(kind)).collect();
                assert_eq!(ends, ["A.1", "B.1", "C.3"]);
                let mut theirs = kinds(&theirs);
                theirs.sort_unstable();
                assert_eq!(theirs, ["C.3", "D.1", "E.1"]);
            }
        });
    }
}
