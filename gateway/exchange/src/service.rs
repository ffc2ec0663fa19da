//! The service: what it is made of.

use std::sync::Arc;

use access::registry::Registry;
use access::standing::Standings;
use audit::Ledger;
use certs::revocation::RevocationSource;
use certs::trust::{Purpose, TrustSource};
use storage::objects::Objects;
use storage::{Clock, Writer};
use tokio::sync::Notify;

use crate::edge::Terms;
use crate::evidence::EvidenceSigner;
use crate::key_ring::KeyRing;
use crate::lately::Lately;
use crate::mailbox::Waiting;
use crate::notices::{Poster, Subscriptions};
use crate::relay::Relay;
use crate::retention::Retention;
use crate::screening::Screening;

/// What the exchange needs.
pub struct Parts {
    /// Every change and every refusal goes through it.
    pub ledger: Ledger,
    /// For leasing jobs only: bookkeeping that is nobody's deed and has no audit row.
    pub jobs: Writer,
    /// Where parts lie that are too large for a row.
    pub objects: Objects,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whom to believe.
    pub trust: Arc<dyn TrustSource>,
    /// What is known of revocation.
    pub revocation: Arc<dyn RevocationSource>,
    /// Signs evidence.
    pub signer: EvidenceSigner,
    /// Who takes part.
    pub registry: Registry,
    /// Which signatures are accepted.
    pub policy: signing::validate::Policy,
    /// When recipients are reminded, and when messages expire.
    pub terms: Terms,
    /// Wraps the keys of submissions that are not complete yet, and of documents for recipients without an encryption certificate. Without
    /// it the ones come in one request, and the others are refused.
    pub ring: Option<KeyRing>,
    /// Brings notices to those who subscribed.
    pub poster: Arc<dyn Poster>,
    /// Other nodes, and the way to them.
    pub relay: Relay,
    /// Scans what is handed in for malware. None: nothing is scanned.
    pub screening: Option<Screening>,
    /// How long content is kept, and who may dispose of it.
    pub retention: Retention,
}

/// The exchange. Cheap to clone.
#[derive(Clone)]
pub struct Exchange {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) ledger: Ledger,
    pub(crate) jobs: Writer,
    pub(crate) objects: Objects,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) trust: Arc<dyn TrustSource>,
    pub(crate) revocation: Arc<dyn RevocationSource>,
    pub(crate) signer: EvidenceSigner,
    pub(crate) registry: Registry,
    pub(crate) policy: signing::validate::Policy,
    pub(crate) terms: Terms,
    pub(crate) ring: Option<KeyRing>,
    pub(crate) poster: Arc<dyn Poster>,
    pub(crate) relay: Relay,
    pub(crate) screening: Option<Screening>,
    pub(crate) retention: Arc<Retention>,
    /// Standing of the recipients' encryption certificates.
    pub(crate) encryption: Standings,
    /// Paths of signing certificates, by which revocation data is fetched.
    pub(crate) signers: Standings,
    /// Messages that were leased lately.
    pub(crate) lately: Lately,
    /// Rung when a delivery job was committed.
    pub(crate) arrived: Notify,
    /// Who waits for mail.
    pub(crate) waiting: Arc<Waiting>,
    /// Who subscribed to what.
    pub(crate) subscriptions: Subscriptions,
    /// Rung when a notice was committed.
    pub(crate) noticed: Notify,
}

impl Exchange {
    /// What signs the evidence.
    #[must_use]
    pub fn evidence_signer(&self) -> &EvidenceSigner {
        &self.inner.signer
    }

    /// Joins the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            ledger,
            jobs,
            objects,
            clock,
            trust,
            revocation,
            signer,
            registry,
            policy,
            terms,
            ring,
            poster,
            relay,
            screening,
            retention,
        } = parts;
        let standings =
            |purpose| Standings::new(purpose, Arc::clone(&trust), Arc::clone(&revocation), Arc::clone(&clock));
        let (encryption, signers) = (standings(Purpose::Encryption), standings(Purpose::Signing));
        let (arrived, noticed, subscriptions) = (Notify::new(), Notify::new(), Subscriptions::default());
        Self {
            inner: Arc::new(Inner {
                ledger,
                jobs,
                objects,
                clock,
                trust,
                revocation,
                signer,
                registry,
                policy,
                terms,
                ring,
                poster,
                relay,
                screening,
                retention: Arc::new(retention),
                encryption,
                signers,
                lately: Lately::default(),
                arrived,
                waiting: Arc::default(),
                subscriptions,
                noticed,
            }),
        }
    }

    /// Whether the node has a key ring.
    #[must_use]
    pub fn has_ring(&self) -> bool {
        self.inner.ring.is_some()
    }
}
