//! A small town for the tests of this crate: a database, a throw-away authority, a clock that stands still, one operator.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use audit::{Action, EventDraft, Ledger, Outcome};
use base64::Engine as _;
use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::path::VerifiedPath;
use certs::revocation::{OcspResponse, RevocationData, RevocationSource, ocsp_request};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot, TrustSource};
use crypto::key::KeyKind;
use schemas::registry::{
    CertificateRegistration, CertificateUsage, Channel, Participant, ParticipantQuery, ParticipantRegistration,
};
use schemas::routing::{FunctionalAddress, Suspension};
use schemas::{Addressee, Edrpou, MailboxId, PersonId, ServiceName};
use storage::clock::ManualClock;
use storage::store::{migrate, open};
use storage::throwaway::store_in;
use time::{Duration, OffsetDateTime};

use crate::actor::Actor;
use crate::decide::{Access, Permit, RegisterParticipant, SetAddress, SetChannel, SetSuspension};
use crate::peers::{Peer, Peers};
use crate::people::Operators;
use crate::registry::{Registry, RegistryError};

/// The node.
pub(crate) const NODE: &str = "node.example";

/// Another node, which the configuration names.
pub(crate) const PEER: &str = "peer.example";

pub(crate) const NOON: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00:00 UTC);

/// Answers for the authority, while it is in reach.
pub(crate) struct Responder {
    pub(crate) pki: DevPki,
    pub(crate) in_reach: AtomicBool,
}

impl RevocationSource for Responder {
    fn data<'a>(
        &'a self,
        path: &'a VerifiedPath,
        at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        let certificates = path.certificates();
        let pairs = certificates.iter().zip(certificates.iter().skip(1));
        let answers = pairs.map(|(certificate, issuer)| {
            let answer = self.pki.answer_ocsp(&ocsp_request(certificate, issuer, None), at);
            OcspResponse::from_der(&answer).unwrap()
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

pub(crate) struct Town {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) responder: Arc<Responder>,
    pub(crate) ledger: Ledger,
    pub(crate) access: Access,
    pub(crate) operator: Identity,
}

pub(crate) fn edrpou(text: &str) -> Edrpou {
    text.parse().unwrap()
}

pub(crate) fn mailbox(text: &str) -> MailboxId {
    text.parse().unwrap()
}

pub(crate) fn certificate(usage: CertificateUsage, certificate: &Certificate) -> CertificateRegistration {
    let der = base64::engine::general_purpose::STANDARD.encode(certificate.der());
    CertificateRegistration { usage, der }
}

pub(crate) fn registration(mailboxes: &[&str], certificates: Vec<CertificateRegistration>) -> ParticipantRegistration {
    let mailboxes = mailboxes.iter().map(|name| (*name).to_owned()).collect();
    let name = "Agency".to_owned();
    ParticipantRegistration { name, mailboxes, certificates, ..ParticipantRegistration::default() }
}

impl Town {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        migrate(&store_in(folder.path())).unwrap();
        let clock = Arc::new(ManualClock::new(NOON));
        let pki = DevPki::new(NOON, Duration::days(30), "http://ocsp.example/").unwrap();
        let responder = Arc::new(Responder { pki, in_reach: AtomicBool::new(true) });
        let operator = issue(&responder.pki, None, Usage::TlsClient, NOON + Duration::days(10));
        let (ledger, access) = open_node(folder.path(), &clock, &responder, &operator);
        Self { folder, clock, responder, ledger, access, operator }
    }

    /// A second process over the same database.
    pub(crate) fn other_process(&self) -> Access {
        open_node(self.folder.path(), &self.clock, &self.responder, &self.operator).1
    }

    /// The ledger of a second process over the same database.
    pub(crate) fn other_ledger(&self) -> Ledger {
        open_node(self.folder.path(), &self.clock, &self.responder, &self.operator).0
    }

    pub(crate) fn issue(&self, edrpou: &str, usage: Usage) -> Identity {
        issue(&self.responder.pki, Some(edrpou), usage, NOON + Duration::days(10))
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.access.registry()
    }

    pub(crate) fn operator(&self) -> Actor {
        Actor::Operator { certificate: self.operator.certificate.fingerprint() }
    }

    pub(crate) fn chain(&self, identity: &Identity) -> Vec<Vec<u8>> {
        vec![identity.certificate.der().to_vec(), self.responder.pki.issuing_ca().der().to_vec()]
    }

    pub(crate) async fn register(
        &self,
        participant: &str,
        registration: ParticipantRegistration,
    ) -> Result<Participant, RegistryError> {
        let permit: Permit<RegisterParticipant> =
            self.access.decide(&self.operator(), edrpou(participant)).await.unwrap();
        self.registry().register(permit, registration).await
    }

    pub(crate) async fn channel(&self, sender: &str, recipient: &str, kinds: &[&str]) -> Result<(), RegistryError> {
        let kinds = kinds.iter().map(|kind| kind.parse().unwrap()).collect();
        let (sender, recipient) = (edrpou(sender), mailbox(recipient));
        self.set_channel(Channel { sender, recipient, kinds, policy: None }).await
    }

    pub(crate) async fn set_channel(&self, channel: Channel) -> Result<(), RegistryError> {
        let recipient = channel.recipient.clone();
        let permit: Permit<SetChannel> = self.access.decide(&self.operator(), recipient).await.unwrap();
        self.registry().set_channel(permit, channel).await
    }

    pub(crate) async fn address(
        &self,
        service: &str,
        area: Option<&str>,
        recipient: &str,
    ) -> Result<(), RegistryError> {
        let service: ServiceName = service.parse().unwrap();
        let permit: Permit<SetAddress> = self.access.decide(&self.operator(), service.clone()).await.unwrap();
        let area = area.map(|area| area.parse().unwrap());
        let address = FunctionalAddress { service, area, mailbox: mailbox(recipient) };
        self.registry().set_address(permit, address).await
    }

    pub(crate) async fn suspend(&self, address: &str, suspended: bool) -> Result<(), RegistryError> {
        let address: Addressee = address.parse().unwrap();
        let permit: Permit<SetSuspension> = self.access.decide(&self.operator(), address.clone()).await.unwrap();
        self.registry().set_suspension(permit, Suspension { address, suspended }).await
    }

    /// A person of whom nothing more is known.
    pub(crate) async fn person(&self, id: PersonId) {
        let sql = "-- insert_person
            INSERT INTO person (id, name, registered_at, registered_by) VALUES ($1, 'Somebody', $2, 'test')";
        let draft = EventDraft {
            action: Action::Request,
            actor: "test".to_owned(),
            object: None,
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        };
        let event = self.ledger.prepare(draft);
        let inserted = self.ledger.transact("insert_person", move |tx| {
            tx.execute(sql, &[id.as_bytes().into(), event.at().into()])?;
            Ok::<_, storage::StoreError>(audit::append(tx, &event)?.with(()))
        });
        inserted.await.unwrap();
    }

    /// Everybody who is registered.
    pub(crate) async fn participants(&self) -> Vec<Participant> {
        self.registry().participants(&ParticipantQuery::default()).await.unwrap().participants
    }

    /// Actions and outcomes of the audit entries, in the order of their making.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let sql = "-- audited
            SELECT entry FROM audit_outbox ORDER BY id";
        let entries = self.ledger.reader().read("audited", move |tx| tx.query(sql, &[], |row| row.blob(0)));
        let text = |entry: Vec<u8>| {
            let entry: serde_json::Value = serde_json::from_slice(&entry).unwrap();
            format!("{} {} {}", entry["action"].as_str().unwrap(), entry["actor"].as_str().unwrap(), entry["object"])
        };
        entries.await.unwrap().into_iter().map(text).collect()
    }
}

fn open_node(
    folder: &std::path::Path,
    clock: &Arc<ManualClock>,
    responder: &Arc<Responder>,
    operator: &Identity,
) -> (Ledger, Access) {
    let (writer, reader) = open(&store_in(folder)).unwrap();
    let ledger = Ledger::new(writer, reader, clock.clone(), NODE);
    let purposes = vec![Purpose::TlsClient, Purpose::Encryption];
    let anchor = TrustAnchor { certificate: responder.pki.root().clone(), purposes };
    // Participants register no chains, so the node knows the authorities between.
    let intermediates = vec![responder.pki.issuing_ca().clone()];
    let trust = Arc::new(Trust(Arc::new(TrustSnapshot::new(vec![anchor], intermediates, NOON))));
    let classes = ["standard", "permanent"].map(|class| class.parse().unwrap());
    let registry = Registry::with_classes(ledger.clone(), clock.clone(), classes.into());
    let operators = BTreeSet::from([operator.certificate.fingerprint()]);
    let configured = [Peer::new(PEER, "https://peer.example", Vec::new(), Vec::new(), Vec::new())];
    let peers = Peers::with_statements(configured, NODE, ledger.clone(), clock.clone(), Operators::default());
    let access = Access::new(registry, trust, responder.clone(), clock.clone(), operators, peers).unwrap();
    (ledger, access)
}

pub(crate) fn issue(pki: &DevPki, edrpou: Option<&str>, usage: Usage, not_after: OffsetDateTime) -> Identity {
    pki.issue(profile(pki, edrpou, usage, not_after)).unwrap()
}

/// An encryption certificate with a key of another kind than the authority's.
pub(crate) fn issue_with(pki: &DevPki, edrpou: &str, key: KeyKind) -> Identity {
    let usual = profile(pki, Some(edrpou), Usage::Encryption, NOON + Duration::days(10));
    pki.issue(Profile { key, ..usual }).unwrap()
}

fn profile(pki: &DevPki, edrpou: Option<&str>, usage: Usage, not_after: OffsetDateTime) -> Profile {
    Profile {
        common_name: "Test".to_owned(),
        organisation: edrpou.map(|_| "Agency".to_owned()),
        edrpou: edrpou.map(str::to_owned),
        rnokpp: None,
        usage,
        key: pki.root().public_key().unwrap().kind(),
        not_before: NOON - Duration::days(1),
        not_after,
        dns_names: Vec::new(),
    }
}
