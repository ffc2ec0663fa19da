//! A town for the stories: one node, an authority, three agencies.

use std::collections::BTreeSet;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use access::decide::*;
use access::registry::Registry;
use access::{Access, Actor};
use audit::{Ledger, Log};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::path::VerifiedPath;
use certs::revocation::{OcspResponse, RevocationData, RevocationSource, ocsp_request};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot, TrustSource};
use crypto::digest::{DigestAlgorithm, digest, sha256};
use crypto::key::{Curve, KeyKind, SoftwareKey};
use crypto::merkle::NoteSigner;
use crypto::seal::ring::{RingKey, RingKeyHandle};
use crypto::seal::{self, DocumentKey};
use futures_util::{Stream, TryStreamExt, stream};
use schemas::evidence::EvidenceStatement;
use schemas::message::*;
use schemas::registry::{CertificateRegistration, CertificateUsage, Channel, ChannelPolicy, ParticipantRegistration};
use schemas::{Edrpou, LeaseToken, MailboxId, MessageId, ProblemCode};
use signing::cades::{Content, sign};
use storage::clock::ManualClock;
use storage::objects::Objects;
use storage::store::{migrate, open};
use storage::throwaway::store_in;
use storage::{Clock, Writer};
use time::{Duration, OffsetDateTime};

use crate::evidence::{EvidenceSigner, verify};
use crate::export::CaseExport;
use crate::intake::{Accepted, IdempotencyKey, Submission, Taken};
use crate::key_ring::{Held, KeyRing};
use crate::mailbox::Spoken;
use crate::refusal::Refusal;
use crate::relay::Relay;
use crate::retention::{Keep, Retention};
use crate::screening::Screening;
use crate::service::{Exchange, Parts};
use crate::tests::notices::Receivers;

pub(super) const NOON: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00:00 UTC);

pub(super) struct Responder {
    pki: Arc<DevPki>,
    in_reach: AtomicBool,
    /// Certificates of which it says nothing.
    silent_about: Mutex<Vec<[u8; 32]>>,
}

impl Responder {
    pub(super) fn new(pki: &Arc<DevPki>) -> Self {
        Self { pki: Arc::clone(pki), in_reach: AtomicBool::new(true), silent_about: Mutex::default() }
    }
}

impl RevocationSource for Responder {
    fn data<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        let certificates = path.certificates();
        let pairs = certificates.iter().zip(certificates.iter().skip(1));
        let silent_about = self.silent_about.lock().unwrap().clone();
        let spoken_of = pairs.filter(|(certificate, _)| !silent_about.contains(&certificate.fingerprint()));
        let answers = spoken_of.map(|(certificate, issuer)| {
            OcspResponse::from_der(&self.pki.answer_ocsp(&ocsp_request(certificate, issuer, None), at)).unwrap()
        });
        let in_reach = self.in_reach.load(Ordering::SeqCst);
        let ocsp = if in_reach { answers.collect() } else { Vec::new() };
        Box::pin(std::future::ready(RevocationData { ocsp, crls: Vec::new() }))
    }
}

struct Trust(Arc<TrustSnapshot>);

impl TrustSource for Trust {
    fn current(&self) -> Arc<TrustSnapshot> {
        Arc::clone(&self.0)
    }
}

/// A participant with its keys.
pub(super) struct Agency {
    pub(super) edrpou: Edrpou,
    pub(super) mailbox: MailboxId,
    pub(super) signer: Identity,
    pub(super) encryption: Identity,
    pub(super) actor: Actor,
}

/// One process of the node, over the town's database and objects.
pub(super) struct Node {
    pub(super) exchange: Exchange,
    pub(super) access: Access,
    pub(super) ledger: Ledger,
    pub(super) writer: Writer,
    pub(super) objects: Objects,
}

pub(super) struct Town {
    folder: tempfile::TempDir,
    pub(super) clock: Arc<ManualClock>,
    pub(super) pki: Arc<DevPki>,
    responder: Arc<Responder>,
    pub(super) signer: EvidenceSigner,
    ring: KeyRing,
    /// Where notices go.
    pub(super) receivers: Arc<Receivers>,
    /// Two persons, and another certificate of the first.
    pub(super) commission: [Identity; 3],
    pub(super) retention: Retention,
    pub(super) node: Node,
    pub(super) a: Agency,
    pub(super) b: Agency,
    pub(super) c: Agency,
}

impl Town {
    /// Agencies A, B and C; A and B may send each other letters.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        migrate(&store_in(folder.path())).unwrap();
        let clock = Arc::new(ManualClock::new(NOON));
        let pki = Arc::new(DevPki::new(NOON, Duration::days(60), "http://ocsp.example/").unwrap());
        let responder = Arc::new(Responder::new(&pki));
        let Identity { certificate, key } = issue(&pki, None, Usage::Seal, |_| ());
        let signer = EvidenceSigner::new(Arc::new(key), certificate, "node.example");
        let signer = signer.with_issuers([pki.issuing_ca().clone()]);
        let key: Arc<dyn RingKeyHandle> = Arc::new(RingKey::generate());
        let ring = KeyRing::of_holders(Held { key, created: NOON }, NOON, Vec::new());
        let receivers = Arc::<Receivers>::default();
        let commission = commission(&pki);
        let retention = retention(&commission);
        let node = node(folder.path(), &clock, &responder, &signer, &ring, &receivers, &retention);
        let [a, b, c] = ["00000001", "00000002", "00000003"].map(|code| agency(&pki, code));
        let town =
            Self { folder, clock, pki, responder, signer, ring, receivers, commission, retention, node, a, b, c };
        for agency in [&town.a, &town.b, &town.c] {
            town.register(agency, Some(&agency.encryption.certificate)).await;
        }
        town.open_channel(&town.a, &town.b, &["letter"]).await;
        town.open_channel(&town.b, &town.a, &["letter"]).await;
        town
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The node's log. Nothing is in it before a round.
    pub(super) fn log(&self) -> Log {
        let key = SoftwareKey::generate(KeyKind::Ed25519).unwrap();
        let (node, signer) = (&self.node, NoteSigner::new("node.example", key).unwrap());
        let (reader, state) = (node.ledger.reader().clone(), self.folder.path().join("signer"));
        Log::open(node.writer.clone(), reader, node.objects.clone(), self.clock.clone(), signer, &state).unwrap()
    }

    pub(super) async fn export(&self, agency: &Agency, case: schemas::CaseId, log: &Log) -> CaseExport {
        let resource = self.node.exchange.case_resource(case).await.unwrap().unwrap();
        let permit: Permit<ExportCase> = self.node.access.decide(&agency.actor, resource).await.unwrap();
        self.node.exchange.export_case(permit, None, log).await.unwrap()
    }

    /// What an OCSP responder in reach says of a certificate and its issuer.
    pub(super) fn revocation(&self, certificates: &[Certificate]) -> RevocationData {
        let pairs = certificates.iter().zip(certificates.iter().skip(1));
        let answer = |(certificate, issuer)| {
            let answer = self.pki.answer_ocsp(&ocsp_request(certificate, issuer, None), self.clock.now());
            OcspResponse::from_der(&answer).unwrap()
        };
        RevocationData { ocsp: pairs.map(answer).collect(), crls: Vec::new() }
    }

    /// Another process of the same node.
    pub(super) fn another_process(&self) -> Node {
        self.process_with(&self.retention)
    }

    /// Another process, whose configuration says this of retention.
    pub(super) fn process_with(&self, retention: &Retention) -> Node {
        node(self.folder.path(), &self.clock, &self.responder, &self.signer, &self.ring, &self.receivers, retention)
    }

    /// Another process of the same node, under another ring or none.
    pub(super) fn a_process_under(&self, ring: Option<&KeyRing>) -> Node {
        let with = (Relay::none(), None, &self.retention);
        node_of(self.folder.path(), &self.clock, &self.responder, &self.signer, ring, &self.receivers, with)
    }

    /// Another process of the same node, which scans.
    pub(super) fn a_process_that_scans(&self, screening: Screening) -> Node {
        let with = (Relay::none(), Some(screening), &self.retention);
        node_with(self.folder.path(), &self.clock, &self.responder, &self.signer, &self.ring, &self.receivers, with)
    }

    pub(super) async fn register(&self, agency: &Agency, encryption: Option<&Certificate>) {
        self.register_with(agency, encryption, &[agency.mailbox.name()]).await;
    }

    async fn register_with(&self, agency: &Agency, encryption: Option<&Certificate>, mailboxes: &[&str]) {
        let certificates = encryption.map(|certificate| CertificateRegistration {
            usage: CertificateUsage::Encryption,
            der: STANDARD.encode(certificate.der()),
        });
        let registration = ParticipantRegistration {
            name: "Agency".to_owned(),
            mailboxes: mailboxes.iter().map(|&name| name.to_owned()).collect(),
            certificates: certificates.into_iter().collect(),
            ..ParticipantRegistration::default()
        };
        let permit: Permit<RegisterParticipant> = self.node.access.decide(&operator(), agency.edrpou).await.unwrap();
        self.node.access.registry().register(permit, registration).await.unwrap();
    }

    pub(super) async fn open_channel(&self, from: &Agency, to: &Agency, kinds: &[&str]) {
        self.open_channel_under(from, to, kinds, None).await;
    }

    pub(super) async fn open_channel_under(
        &self,
        from: &Agency,
        to: &Agency,
        kinds: &[&str],
        policy: Option<ChannelPolicy>,
    ) {
        let permit: Permit<SetChannel> = self.node.access.decide(&operator(), to.mailbox.clone()).await.unwrap();
        let kinds = kinds.iter().map(|kind| kind.parse().unwrap()).collect();
        let channel = Channel { sender: from.edrpou, recipient: to.mailbox.clone(), kinds, policy };
        self.node.access.registry().set_channel(permit, channel).await.unwrap();
    }

    pub(super) fn issue(&self, agency: &Agency, usage: Usage, change: impl FnOnce(&mut Profile)) -> Identity {
        issue(&self.pki, Some(agency.edrpou), usage, change)
    }

    pub(super) fn responder_is_silent_about(&self, certificate: &Certificate) {
        self.responder.silent_about.lock().unwrap().push(certificate.fingerprint());
    }

    pub(super) fn responder_speaks_again_about(&self, certificate: &Certificate) {
        self.responder.silent_about.lock().unwrap().retain(|silent| *silent != certificate.fingerprint());
    }

    pub(super) fn responder_is_in_reach(&self, in_reach: bool) {
        self.responder.in_reach.store(in_reach, Ordering::SeqCst);
    }

    pub(super) fn time_passes(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A detached signature.
    pub(super) fn signs(&self, signer: &Identity, document: &[u8]) -> Vec<u8> {
        let content = Content::Detached(digest(DigestAlgorithm::Sha256, document));
        self.cms(signer, content)
    }

    /// An attached signature.
    pub(super) fn states(&self, signer: &Identity, acknowledgement: &Acknowledgement) -> Vec<u8> {
        self.cms(signer, Content::Attached(&serde_json::to_vec(acknowledgement).unwrap()))
    }

    pub(super) fn cms(&self, signer: &Identity, content: Content<'_>) -> Vec<u8> {
        let chain = [signer.certificate.clone(), self.pki.issuing_ca().clone()];
        sign(content, &signer.key, signer.key.default_algorithm(), &chain, self.clock.now()).unwrap()
    }

    /// A letter from A to B.
    pub(super) fn letter(&self, document: &[u8]) -> Letter {
        Letter {
            envelope: Envelope {
                sender: self.a.edrpou,
                recipient: self.b.mailbox.clone(),
                kind: "letter".parse().unwrap(),
                case_id: None,
                media_type: MediaType::try_from("application/pdf".to_owned()).unwrap(),
                metadata: None,
            },
            signature: self.signs(&self.a.signer, document),
            key: "key-1".to_owned(),
            chunks: document.chunks(4096).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect(),
        }
    }

    /// Submits as the participant that the envelope names.
    pub(super) async fn submit(&self, letter: Letter) -> Result<Accepted, Refusal> {
        self.node.submit(self.actor(letter.envelope.sender), letter).await
    }

    pub(super) fn actor(&self, edrpou: Edrpou) -> &Actor {
        let agencies = [&self.a, &self.b, &self.c];
        &agencies.into_iter().find(|agency| agency.edrpou == edrpou).unwrap().actor
    }

    /// Submits a letter under a key of its own and delivers it.
    pub(super) async fn deliver(&self, document: &[u8], key: &str) -> Receipt {
        let letter = Letter { key: key.to_owned(), ..self.letter(document) };
        let receipt = self.submit(letter).await.unwrap().receipt;
        self.node.exchange.deliver_round(100).await.unwrap();
        receipt
    }

    /// At another process of the node.
    pub(super) async fn submit_at(&self, node: &Node, letter: Letter) -> Result<Accepted, Refusal> {
        node.submit(self.actor(letter.envelope.sender), letter).await
    }

    /// B leases everything that waits, at another process of the node.
    pub(super) async fn lease_at(&self, node: &Node, seconds: u32, contents: bool) -> Lease {
        let permit: Permit<LeaseMessages> = node.access.decide(&self.b.actor, self.b.mailbox.clone()).await.unwrap();
        node.exchange
            .lease(permit, LeaseRequest { max_messages: 100, seconds, contents, wait_seconds: 0 })
            .await
            .unwrap()
    }

    /// A system of B's says so, at another process of the node.
    pub(super) async fn says_at(
        &self,
        node: &Node,
        acknowledgement: &Acknowledgement,
        lease: LeaseToken,
    ) -> Result<AcknowledgementReceipt, Refusal> {
        let permit = node.permit::<AcknowledgeMessage>(&self.b, acknowledgement.message_id).await;
        let spoken = Spoken::BySystem(serde_json::to_vec(acknowledgement).unwrap());
        node.exchange.acknowledge(permit, Some(lease), spoken).await
    }

    /// The operator takes B's mailbox out of the registry while these letters are on their way in, so that each needs a
    /// carrier.
    pub(super) async fn submit_while_the_mailbox_is_gone(&self, letters: Vec<Letter>) -> Vec<Receipt> {
        let mut permits = Vec::new();
        for letter in &letters {
            permits.push(self.node.permit_to_submit(self.actor(letter.envelope.sender), letter).await);
        }
        self.register_with(&self.b, Some(&self.b.encryption.certificate), &["other"]).await;
        let mut receipts = Vec::new();
        for (letter, permit) in letters.into_iter().zip(permits) {
            let Letter { envelope, signature, key, chunks } = letter;
            let idempotency_key = IdempotencyKey::parse(&key).unwrap();
            let submission = Submission { envelope, signature, idempotency_key, announced: None };
            let taken = self.node.exchange.intake(permit, submission, stream::iter(chunks)).await.unwrap();
            receipts.push(accepted(taken).receipt);
        }
        receipts
    }

    /// The operator puts B's mailbox back, and opens the channel to it, which was closed with the mailbox.
    pub(super) async fn the_mailbox_is_back(&self) {
        self.register(&self.b, Some(&self.b.encryption.certificate)).await;
        self.open_channel(&self.a, &self.b, &["letter"]).await;
    }

    pub(super) async fn sent(&self, agency: &Agency, state: Option<MessageState>) -> Vec<MessageSummary> {
        let permit: Permit<ListSubmissions> = self.node.access.decide(&agency.actor, agency.edrpou).await.unwrap();
        self.node.exchange.sent(permit, state, None, 100).await.unwrap().messages
    }

    /// Leases with the contents of small messages.
    pub(super) async fn lease_whole(&self, agency: &Agency) -> Lease {
        let permit: Permit<LeaseMessages> =
            self.node.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
        let request = LeaseRequest { max_messages: 100, seconds: 60, contents: true, wait_seconds: 0 };
        self.node.exchange.lease(permit, request).await.unwrap()
    }

    pub(super) async fn lease(&self, agency: &Agency) -> Lease {
        self.node.lease(agency, 100, 60).await.unwrap()
    }

    pub(super) async fn download(
        &self,
        agency: &Agency,
        message: MessageId,
        part: u8,
        lease: LeaseToken,
    ) -> Result<Vec<u8>, Refusal> {
        self.node.download(agency, message, part, lease, None).await
    }

    pub(super) async fn acknowledge(
        &self,
        agency: &Agency,
        message: MessageId,
        lease: LeaseToken,
        signed: Vec<u8>,
    ) -> Result<AcknowledgementReceipt, Refusal> {
        self.node.acknowledge(agency, message, lease, signed).await
    }

    /// A system of the agency's says so, without a signature.
    pub(super) async fn says(
        &self,
        agency: &Agency,
        acknowledgement: &Acknowledgement,
        lease: Option<LeaseToken>,
    ) -> Result<AcknowledgementReceipt, Refusal> {
        let permit = self.node.permit::<AcknowledgeMessage>(agency, acknowledgement.message_id).await;
        let spoken = Spoken::BySystem(serde_json::to_vec(acknowledgement).unwrap());
        self.node.exchange.acknowledge(permit, lease, spoken).await
    }

    pub(super) async fn summary(&self, agency: &Agency, message: MessageId) -> MessageSummary {
        let permit = self.node.permit::<ReadMessage>(agency, message).await;
        self.node.exchange.read_message(permit).await.unwrap()
    }

    /// The evidence of a case as a party reads it, verified.
    pub(super) async fn evidence(&self, agency: &Agency, case: schemas::CaseId) -> Vec<EvidenceStatement> {
        let resource = self.node.exchange.case_resource(case).await.unwrap().unwrap();
        let permit: Permit<ReadCase> = self.node.access.decide(&agency.actor, resource).await.unwrap();
        let events = self.node.exchange.case_events(permit).await.unwrap().events;
        events
            .iter()
            .map(|event| {
                let statement = self.proves(&event.evidence);
                assert_eq!(
                    (statement.event_id, statement.evidence_id, statement.message_id, statement.at),
                    (event.event_id, event.evidence_id, Some(event.message_id), event.at)
                );
                assert_eq!(statement.state.as_ref().map(State::name), Some(event.state));
                statement
            })
            .collect()
    }

    pub(super) fn proves(&self, jws: &str) -> EvidenceStatement {
        verify(jws, self.signer.certificate()).unwrap()
    }

    /// Audit entries so far: action, outcome, object, in the order of their making.
    pub(super) async fn audited(&self) -> Vec<String> {
        let sql = "-- audited
            SELECT entry FROM audit_outbox ORDER BY id";
        let entries = self.node.ledger.reader().read("audited", move |tx| tx.query(sql, &[], |row| row.blob(0)));
        let text = |entry: Vec<u8>| {
            let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            let outcome = entry["reason"].as_str().or(entry["outcome"].as_str()).unwrap();
            format!("{} {outcome} {}", entry["action"].as_str().unwrap(), entry["object"].as_str().unwrap_or("-"))
        };
        entries.await.unwrap().into_iter().map(text).collect()
    }

    pub(super) async fn has_event(&self, event: schemas::EventId) -> bool {
        let sql = "-- has_event
            SELECT count(*) FROM audit_outbox WHERE event_id = $1";
        let count = self
            .node
            .ledger
            .reader()
            .read("has_event", move |tx| tx.query_optional(sql, &[event.as_bytes().into()], |row| row.integer(0)));
        count.await.unwrap() == Some(1)
    }

    /// Rows of each of the exchange's tables that a message has part in.
    pub(super) async fn rows(&self) -> [i64; 5] {
        let sql = "-- rows
            SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM part), (SELECT count(*) FROM evidence),
                (SELECT count(*) FROM submission_key), (SELECT count(*) FROM jobs)";
        let rows = self.node.ledger.reader().read("rows", move |tx| {
            tx.query_optional(sql, &[], |row| {
                Ok([row.integer(0)?, row.integer(1)?, row.integer(2)?, row.integer(3)?, row.integer(4)?])
            })
        });
        rows.await.unwrap().unwrap()
    }

    pub(super) async fn objects(&self) -> Vec<String> {
        let mut keys: Vec<_> =
            self.node.objects.list("parts/").await.unwrap().into_iter().map(|(key, ..)| key).collect();
        keys.sort();
        keys
    }
}

impl Node {
    pub(super) async fn permit_to_submit(&self, actor: &Actor, letter: &Letter) -> Permit<SubmitDocument> {
        let envelope = &letter.envelope;
        let (recipient, kind) = (envelope.recipient.clone(), envelope.kind.clone());
        self.access.decide(actor, SubmissionResource { sender: envelope.sender, recipient, kind }).await.unwrap()
    }

    pub(super) async fn submit(&self, actor: &Actor, letter: Letter) -> Result<Accepted, Refusal> {
        self.hand_in(actor, letter).await.map(accepted)
    }

    pub(super) async fn hand_in(&self, actor: &Actor, letter: Letter) -> Result<Taken, Refusal> {
        let permit = self.permit_to_submit(actor, &letter).await;
        let Letter { envelope, signature, key, chunks } = letter;
        let idempotency_key = IdempotencyKey::parse(&key).unwrap();
        let bytes = signature.len() + chunks.iter().flatten().map(Bytes::len).sum::<usize>();
        let (document, announced) = (stream::iter(chunks), Some(u64::try_from(bytes).unwrap()));
        self.exchange.intake(permit, Submission { envelope, signature, idempotency_key, announced }, document).await
    }

    pub(super) async fn submit_stream<S>(
        &self,
        agency: &Agency,
        letter: Letter,
        document: S,
    ) -> Result<Accepted, Refusal>
    where
        S: Stream<Item = Result<Bytes, ProblemCode>> + Send + Unpin,
    {
        let Letter { envelope, signature, key, .. } = letter;
        let (recipient, kind) = (envelope.recipient.clone(), envelope.kind.clone());
        let resource = SubmissionResource { sender: envelope.sender, recipient, kind };
        let permit: Permit<SubmitDocument> = self.access.decide(&agency.actor, resource).await.unwrap();
        let idempotency_key = IdempotencyKey::parse(&key).unwrap();
        let submission = Submission { envelope, signature, idempotency_key, announced: None };
        self.exchange.intake(permit, submission, document).await.map(accepted)
    }

    pub(super) async fn permit<A: Action<Resource = MessageResource>>(
        &self,
        agency: &Agency,
        message: MessageId,
    ) -> Permit<A> {
        let resource = self.exchange.message_resource(message).await.unwrap().unwrap();
        self.access.decide(&agency.actor, resource).await.unwrap()
    }

    pub(super) async fn lease(&self, agency: &Agency, max_messages: u32, seconds: u32) -> Result<Lease, Refusal> {
        let permit: Permit<LeaseMessages> = self.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
        self.exchange.lease(permit, LeaseRequest { max_messages, seconds, contents: false, wait_seconds: 0 }).await
    }

    pub(super) async fn list(
        &self,
        agency: &Agency,
        state: Option<MessageState>,
        after: Option<MessageId>,
        limit: u32,
    ) -> MessagePage {
        let permit: Permit<ListMailbox> = self.access.decide(&agency.actor, agency.mailbox.clone()).await.unwrap();
        self.exchange.list(permit, state, after, limit).await.unwrap()
    }

    pub(super) async fn download(
        &self,
        agency: &Agency,
        message: MessageId,
        part: u8,
        lease: LeaseToken,
        range: Option<(Option<u64>, Option<u64>)>,
    ) -> Result<Vec<u8>, Refusal> {
        let permit = self.permit::<DownloadPart>(agency, message).await;
        let download = self.exchange.download(permit, part, lease, range).await?;
        let bytes: Vec<Bytes> = download.body.try_collect().await.unwrap();
        let bytes = bytes.concat();
        assert_eq!(bytes.len() as u64, download.range.end - download.range.start);
        Ok(bytes)
    }

    pub(super) async fn acknowledge(
        &self,
        agency: &Agency,
        message: MessageId,
        lease: LeaseToken,
        signed: Vec<u8>,
    ) -> Result<AcknowledgementReceipt, Refusal> {
        let permit = self.permit::<AcknowledgeMessage>(agency, message).await;
        self.exchange.acknowledge(permit, Some(lease), Spoken::Signed(signed)).await
    }
}

/// For stories in which nothing waits.
pub(super) fn accepted(taken: Taken) -> Accepted {
    match taken {
        Taken::Accepted(accepted) => accepted,
        Taken::Held { receipt, .. } => panic!("held: {receipt:?}"),
    }
}

/// A submission that a story may spoil.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) envelope: Envelope,
    pub(super) signature: Vec<u8>,
    pub(super) key: String,
    pub(super) chunks: Vec<Result<Bytes, ProblemCode>>,
}

impl Agency {
    /// Opens a sealed part of a leased message.
    pub(super) fn opens(&self, leased: &LeasedMessage, number: u8, sealed: &[u8]) -> Vec<u8> {
        let key = match &leased.document_key {
            Some(key) => DocumentKey::from_bytes(STANDARD.decode(key).unwrap().try_into().unwrap()),
            None => {
                let envelope = STANDARD.decode(&leased.key_envelope).unwrap();
                let own = &self.encryption;
                signing::envelope::open_key(&envelope, &own.certificate, &own.key).unwrap()
            }
        };
        let context = [leased.summary.message_id.as_bytes().as_slice(), &[number]].concat();
        seal::open(&key, &context, sealed).unwrap()
    }
}

pub(super) fn acknowledgement(message: MessageId, document: &[u8], reason: Option<&str>) -> Acknowledgement {
    Acknowledgement {
        message_id: message,
        outcome: if reason.is_none() { AcknowledgementOutcome::Accepted } else { AcknowledgementOutcome::Refused },
        document_sha256: crypto::digest::hex(&sha256(document)),
        reason: reason.map(str::to_owned),
        registration: None,
    }
}

pub(super) fn operator() -> Actor {
    Actor::Operator { certificate: [9; 32] }
}

fn node(
    folder: &Path,
    clock: &Arc<ManualClock>,
    responder: &Arc<Responder>,
    signer: &EvidenceSigner,
    ring: &KeyRing,
    receivers: &Arc<Receivers>,
    retention: &Retention,
) -> Node {
    node_with(folder, clock, responder, signer, ring, receivers, (Relay::none(), None, retention))
}

/// Two days, a day, for ever.
fn retention(commission: &[Identity]) -> Retention {
    let classes = [("standard", Keep::Days(2)), ("brief", Keep::Days(1)), ("permanent", Keep::Permanent)];
    let classes = classes.into_iter().map(|(name, keep)| (name.parse().unwrap(), keep)).collect();
    let members = commission.iter().map(|member| member.certificate.clone()).collect();
    Retention::new(classes, members).unwrap()
}

fn commission(pki: &DevPki) -> [Identity; 3] {
    [("Member one", "1111111111"), ("Member two", "2222222222"), ("Member one, renewed", "1111111111")].map(
        |(name, code)| {
            issue(pki, None, Usage::Signing, |profile| {
                profile.common_name = name.to_owned();
                profile.rnokpp = Some(code.to_owned());
            })
        },
    )
}

/// A node with peers, each of which logs in with a certificate whose SHA-256 is that of its name, and a scanner.
pub(super) fn node_with(
    folder: &Path,
    clock: &Arc<ManualClock>,
    responder: &Arc<Responder>,
    signer: &EvidenceSigner,
    ring: &KeyRing,
    receivers: &Arc<Receivers>,
    with: (Relay, Option<Screening>, &Retention),
) -> Node {
    node_of(folder, clock, responder, signer, Some(ring), receivers, with)
}

fn node_of(
    folder: &Path,
    clock: &Arc<ManualClock>,
    responder: &Arc<Responder>,
    signer: &EvidenceSigner,
    ring: Option<&KeyRing>,
    receivers: &Arc<Receivers>,
    (relay, screening, retention): (Relay, Option<Screening>, &Retention),
) -> Node {
    let (writer, reader) = open(&store_in(folder)).unwrap();
    let objects = Objects::open_folder(&folder.join("objects")).unwrap();
    let ledger = Ledger::new(writer.clone(), reader, clock.clone(), signer.node());
    let registry = Registry::with_classes(ledger.clone(), clock.clone(), retention.classes());
    let purposes = vec![Purpose::Signing, Purpose::Encryption, Purpose::TlsClient, Purpose::TimeStamping];
    let anchor = TrustAnchor { certificate: responder.pki.root().clone(), purposes };
    let intermediates = vec![responder.pki.issuing_ca().clone()];
    let trust = Arc::new(Trust(Arc::new(TrustSnapshot::new(vec![anchor], intermediates, NOON))));
    let access = Access::new(
        registry.clone(),
        trust.clone(),
        responder.clone(),
        clock.clone(),
        BTreeSet::new(),
        access::peers::Peers::none(),
    )
    .unwrap();
    let exchange = Exchange::new(Parts {
        ledger: ledger.clone(),
        jobs: writer.clone(),
        objects: objects.clone(),
        clock: clock.clone(),
        trust,
        revocation: responder.clone(),
        signer: signer.clone(),
        registry,
        policy: signing::validate::Policy::default(),
        terms: crate::Terms::default(),
        ring: ring.cloned(),
        poster: receivers.clone(),
        relay,
        screening,
        retention: retention.clone(),
    });
    Node { exchange, access, ledger, writer, objects }
}

pub(super) fn agency(pki: &DevPki, code: &str) -> Agency {
    let edrpou: Edrpou = code.parse().unwrap();
    let mailbox = format!("{code}.chancellery").parse().unwrap();
    let signer = issue(pki, Some(edrpou), Usage::Signing, |_| ());
    let encryption = issue(pki, Some(edrpou), Usage::Encryption, |_| ());
    let actor = Actor::Participant { edrpou, certificate: sha256(code.as_bytes()) };
    Agency { edrpou, mailbox, signer, encryption, actor }
}

pub(super) fn issue(pki: &DevPki, edrpou: Option<Edrpou>, usage: Usage, change: impl FnOnce(&mut Profile)) -> Identity {
    let mut profile = Profile {
        common_name: "Test".to_owned(),
        organisation: Some("Agency".to_owned()),
        edrpou: edrpou.map(|edrpou| edrpou.to_string()),
        rnokpp: None,
        usage,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOON - Duration::days(1),
        not_after: NOON + Duration::days(30),
        dns_names: Vec::new(),
    };
    change(&mut profile);
    pki.issue(profile).unwrap()
}

/// So many bytes that do not repeat soon.
pub(super) fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n ^ (n >> 8)).to_le_bytes()[0]).collect()
}
