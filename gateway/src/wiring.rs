//! The only place that joins rooms: from a configuration to a running node.
//!
//! Everything is bounded: connections and streams ([`crate::http`]), the writer's queue (`storage`), outbound exchanges
//! ([`crate::outbound`]), the time that a stop takes (`STOP`).

mod keys;
mod peers;
mod running;
mod standalone;
pub(crate) mod vouching;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::consent::{Consent, break_glass::BreakGlasses};
use access::erasures::Erasures;
use access::people::{Directory, Operators, People};
use access::portal::Portals;
use access::purpose::Purposes;
use access::registry::Registry;
use access::token::Tokens;
use access::trust::Statements;
use access::watch::Watch;
use access::{Access, PolicyKeeper};
use audit::alert::Receiver;
use audit::{Action, Alerts, EventDraft, Index, Ledger, Log, Outcome, PayloadKeys};
use certs::certificate::Certificate;
use certs::revocation::RevocationSource;
use certs::trust::TrustSource;
use exchange::key_ring::KeyRing;
use exchange::retention::{Keep, Retention};
use exchange::screening::Screening;
use exchange::{Exchange, Parts};
use schemas::access::Portal;
use storage::fetched::{Bounds, FetchedStore};
use storage::objects::Objects;
use storage::seen::SeenStore;
use storage::{Clock, Reader, Space, Writer};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::{Config, DatabaseConfig, KeyPairFiles, ScanConfig};
use crate::evidence_key::evidence_signer;
use crate::http::identity::Entrance;
use crate::http::server::{CONNECTIONS, HANDSHAKES};
use crate::http::{self, Door, operations, operator, strangers, tls};
use crate::identity_key::identity_key;
use crate::outbound::alerts::AlertWebhook;
use crate::outbound::relay::RelayClient;
use crate::outbound::syslog::Syslog;
use crate::outbound::{Clamd, Fetcher, FolderTrust, Issuers, Revocation, Sources, TrustKeeper, TrustedLists, Webhooks};
use crate::payload_key::payload_keys;
use crate::people_doors;
use crate::policies::PolicyFile;
use crate::telemetry;
use crate::workers::Health;
pub(crate) use keys::{read_certificates, read_key, warn_if_others_may_read};
pub use standalone::log_verifier_key;
pub(crate) use standalone::{index, ledger, pruning, statements};

use keys::{checkpoint_signer, read_certificate};
use peers::OtherNodes;
use running::Running;
use vouching::Vouching;

/// Connections of the operator port: probes and a collector of metrics.
const OPERATOR_CONNECTIONS: u32 = 32;

/// Longest that a stop waits for requests and workers.
const STOP: Duration = Duration::from_secs(20);

/// Why a node cannot start: which file or key, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// What runs in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duties {
    /// Door and workers.
    All,
    /// The public API.
    Door,
    /// Delivery, log, sweeping.
    Workers,
}

/// A running node. Port 0 in the configuration picks a free port.
///
/// Dropped without [`Node::stop`] it stops too, without waiting for what is under way.
pub struct Node {
    public: SocketAddr,
    operator: SocketAddr,
    portals: Vec<(Portal, SocketAddr)>,
    log_public: Option<SocketAddr>,
    log_key: String,
    #[cfg(test)]
    policies: Option<Arc<PolicyFile>>,
    tasks: TaskTracker,
    shutdown: CancellationToken,
    _guard: DropGuard,
}

impl Node {
    /// Opens storage (migrating an absent or older database when `migrate`), trust, keys; binds; serves.
    ///
    /// # Errors
    /// [`StartError`] when a file, a key or a port cannot be used, or the database has a schema that this binary does not
    /// know.
    pub async fn start(
        config: Config,
        clock: Arc<dyn Clock>,
        duties: Duties,
        migrate: bool,
    ) -> Result<Self, StartError> {
        Self::start_among(None, config, clock, duties, migrate).await
    }

    /// The same, with another directory of people.
    async fn start_among(
        directory: Option<Arc<dyn Directory>>,
        config: Config,
        clock: Arc<dyn Clock>,
        duties: Duties,
        migrate: bool,
    ) -> Result<Self, StartError> {
        telemetry::metrics();
        let rooms = Rooms::open_among(directory, &config, clock, migrate)?;
        // What operators state may be that somebody is believed no longer: without it the node must not answer.
        rooms.keeper.refresh().await.map_err(|e| StartError(e.0))?;
        let subscriptions = rooms.exchange.refresh_subscriptions().await;
        subscriptions.map_err(|e| StartError(format!("storage.database: cannot read subscriptions: {e}")))?;
        rooms.check_retention().await?;
        rooms.check_identity_key().await?;
        if let Some(policies) = &rooms.policies {
            policies.refresh().await.map_err(|e| StartError(format!("policies.bundle: {e}")))?;
        }
        rooms.vouching.stop.look().await;
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let running = Running { tasks: &tasks, shutdown: &shutdown };
        let tls = if duties == Duties::Workers { None } else { Some(tls_config(&config.tls)?) };
        let portals = if tls.is_some() { people_doors::bind(&config.portals).await? } else { Vec::new() };
        // Both ports before any work begins: a node that cannot be reached must not take jobs.
        let public = match &tls {
            Some(_) => Some(bind("listen.public", config.listen.public).await?),
            None => None,
        };
        let log_door = match config.log.public.filter(|_| tls.is_some()) {
            Some(address) => Some(bind("log.public", address).await?),
            None => None,
        };
        let log_public = log_door.as_ref().map(local_address).transpose()?;
        let operator_listener = bind("listen.operator", config.listen.operator).await?;
        let operator = local_address(&operator_listener)?;
        let portal_addresses = people_doors::addresses(&portals)?;
        let public_address = public.as_ref().map_or(Ok(config.listen.public), local_address)?;
        rooms.erase_again().await?;
        rooms.record_start(duties).await?;
        let health = Arc::new(Health::new(
            rooms.log.clone(),
            rooms.reader.clone(),
            rooms.trust.clone(),
            rooms.trusted_lists.clone(),
            rooms.exchange.evidence_signer().clone(),
            rooms.clock.clone(),
            rooms.space.clone(),
            (rooms.vouching.witnesses.is_some(), rooms.vouching.anchors.is_some(), rooms.vouching.stop.clone()),
        ));
        let bounds = (OPERATOR_CONNECTIONS, 1);
        running.serve(Entrance::Api, operator_listener, (operator::router(health.clone()), None), None, bounds);
        if duties != Duties::Door {
            running.work(&rooms, health, Duration::from_millis(config.log.round_milliseconds));
            running.relay(&rooms, config.relay.at_once);
            running.watch(&rooms);
            running.vouch(&rooms);
        }
        running.refresh(&rooms, tls.clone());
        running.collect(&rooms, config.log.unpublished_rows);
        let log_key = rooms.log.verifier().vkey();
        #[cfg(test)]
        let policies = rooms.policies.clone();
        if let (Some(listener), Some(tls)) = (public, tls) {
            let connections = config.limits.connections.unwrap_or(CONNECTIONS);
            let handshakes = config.limits.handshakes.unwrap_or(HANDSHAKES);
            if let Some(listener) = log_door {
                let bounds = (http::log_door::CONNECTIONS, handshakes);
                let router = http::log_door::router(rooms.log.clone());
                running.serve(Entrance::Api, listener, (router, None), Some(tls.portals.clone()), bounds);
            }
            let door = Arc::new(rooms.into_door(&config));
            let (ahead, router, bounds) = (door.admission.ahead(), http::router(door), (connections, handshakes));
            for (portal, listener) in portals {
                let routes = (router.clone(), None);
                running.serve(Entrance::Portal(portal), listener, routes, Some(tls.portals.clone()), bounds);
            }
            running.serve(Entrance::Api, listener, (router, Some(ahead)), Some(tls.api), bounds);
        }
        tracing::info!(node = config.node.name, public = %public_address, operator = %operator, "the node runs");
        let _guard = shutdown.clone().drop_guard();
        let portals = portal_addresses;
        Ok(Self {
            public: public_address,
            operator,
            portals,
            log_public,
            log_key,
            #[cfg(test)]
            policies,
            tasks,
            shutdown,
            _guard,
        })
    }

    /// Where the public API listens.
    #[must_use]
    pub fn public_address(&self) -> SocketAddr {
        self.public
    }

    /// Where health and metrics are.
    #[must_use]
    pub fn operator_address(&self) -> SocketAddr {
        self.operator
    }

    /// Where a portal listens; none where there is no such portal.
    #[must_use]
    pub fn portal_address(&self, portal: Portal) -> Option<SocketAddr> {
        self.portals.iter().find(|(of, _)| *of == portal).map(|(_, address)| *address)
    }

    /// Where the log is read without a login; none where it is not.
    #[must_use]
    pub fn log_address(&self) -> Option<SocketAddr> {
        self.log_public
    }

    /// C2SP vkey of the log.
    #[must_use]
    pub fn log_verifier_key(&self) -> String {
        self.log_key.clone()
    }

    /// What the node does of itself every minute: reads the bundle of policies that lies there.
    #[cfg(test)]
    async fn refresh_policies(&self) -> Result<bool, String> {
        let Some(policies) = &self.policies else { return Ok(false) };
        policies.refresh().await.map_err(|error| error.to_string())
    }

    /// Graceful: stops accepting, finishes requests (bounded), stops workers.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(STOP, self.tasks.wait()).await.is_err() {
            tracing::warn!("stopped before everything under way had ended");
        }
    }
}

/// The rooms of the house, open.
struct Rooms {
    clock: Arc<dyn Clock>,
    reader: Reader,
    space: Space,
    /// What seals the details of events, where the configuration names a key for it.
    payload_keys: Option<Arc<PayloadKeys>>,
    ledger: Ledger,
    log: Log,
    trust: Arc<FolderTrust>,
    trusted_lists: Arc<TrustedLists>,
    keeper: TrustKeeper,
    issuers: Arc<Issuers>,
    kept: FetchedStore,
    seen: SeenStore,
    access: Access,
    people: People,
    portals: Option<Portals>,
    tokens: Tokens,
    consent: Consent,
    purposes: Purposes,
    /// The bundle of policies that the configuration names.
    policies: Option<Arc<PolicyFile>>,
    exchange: Exchange,
    index: Index,
    alerts: Alerts,
    /// Where alerts go.
    receivers: Vec<Arc<dyn Receiver>>,
    /// The way to other nodes.
    peers: Arc<RelayClient>,
    /// Who vouches for the log.
    vouching: Vouching,
}

impl Rooms {
    #[cfg(test)]
    fn open(config: &Config, clock: Arc<dyn Clock>, migrate: bool) -> Result<Self, StartError> {
        Self::open_among(None, config, clock, migrate)
    }

    fn open_among(
        directory: Option<Arc<dyn Directory>>,
        config: &Config,
        clock: Arc<dyn Clock>,
        migrate: bool,
    ) -> Result<Self, StartError> {
        let trusted_lists = TrustedLists::open(&config.trusted_lists, clock.clone()).map_err(|e| StartError(e.0))?;
        let trust = FolderTrust::open_beside(&config.trust, Some(&trusted_lists), clock.clone());
        let (trust, trusted_lists) = (Arc::new(trust.map_err(|e| StartError(e.0))?), Arc::new(trusted_lists));
        let fetcher = Arc::new(Fetcher::new(&config.revocation.allowed_hosts).map_err(StartError)?);
        let issuers = Issuers::new(fetcher.clone());
        let signer = evidence_signer(config, &*clock)?;
        let (operators, key) =
            (operators(&config.access.operators)?, identity_key(config.access.identity_key.as_deref())?);
        let configured = peers::configured(config)?;
        let objects = Objects::open_folder(&config.storage.objects)
            .map_err(|e| StartError(format!("storage.objects {}: {e}", config.storage.objects.display())))?;
        if migrate {
            create_database_folder(&config.storage.database)?;
        }
        // Before the database: on a full disk it cannot be opened until the reserve is given up.
        let space = watch_space(config)?;
        let (writer, reader) = open_database(&config.storage.database, migrate)?;
        let keys = payload_keys(config.log.payload_key.as_deref())?;
        let (name, watched) = (&config.node.name, space.clone());
        let ledger = Ledger::sealing(writer.clone(), reader.clone(), clock.clone(), name, watched, keys.clone());
        let log =
            Log::signed_by(writer.clone(), reader.clone(), objects.clone(), clock.clone(), checkpoint_signer(config)?);
        let index = Index::new(writer.clone(), reader.clone()).opening(keys.clone());
        let receivers = receivers(config, &clock)?;
        let alerts = Alerts::new(
            index.clone(),
            writer.clone(),
            reader.clone(),
            ledger.clone(),
            clock.clone(),
            config.alerts.rules(),
            receivers.iter().map(|receiver| receiver.name()).collect(),
        );
        let kept = FetchedStore::new(writer.clone(), reader.clone(), objects.clone(), Bounds::default());
        let seen = SeenStore::new(writer.clone(), reader.clone());
        let (beside, learning) = (Some(trust.clone()), Some(issuers.clone()));
        let sources = Sources { beside, kept: Some(kept.clone()), issuers: learning };
        let revocation: Arc<dyn RevocationSource> = Arc::new(Revocation::with(fetcher, sources));
        let keeper =
            TrustKeeper::new(trust.clone(), trusted_lists.clone(), Statements::new(ledger.clone()), clock.clone());
        let retention = retention(config)?;
        let consent = Consent::new(ledger.clone(), clock.clone(), terms_of(&retention));
        let purposes = config.purposes.purposes().map_err(|e| StartError(format!("purposes.list: {e}")))?;
        let registry = Registry::with_classes(ledger.clone(), clock.clone(), retention.classes());
        let known = Operators::new(key.as_ref(), &operators);
        let others = OtherNodes::open(config, configured, &ledger, &clock, known.clone())?;
        let people = People::new(ledger.clone(), clock.clone(), key, known);
        let operators = operators.iter().map(Certificate::fingerprint).collect();
        let source: Arc<dyn TrustSource> = trust.clone();
        let access =
            Access::new(registry.clone(), source.clone(), revocation.clone(), clock.clone(), operators, others.peers)
                .map_err(|e| StartError(e.to_string()))?;
        let shared = people_doors::Shared {
            ledger: ledger.clone(),
            seen: seen.clone(),
            clock: clock.clone(),
            trust: source.clone(),
            revocation: revocation.clone(),
            directory: directory.unwrap_or_else(|| Arc::new(people.clone())),
        };
        let portals = people_doors::open(config, shared)?;
        let tokens = Tokens::new(ledger.clone(), clock.clone(), registry.clone());
        let policies = policy_file(config, &access, &ledger, &clock)?;
        let ring = config.seal.ring.as_deref().map(KeyRing::open).transpose();
        let ring = ring.map_err(|e| StartError(format!("seal.ring: {e}")))?;
        let vouching = Vouching::open(
            &config.log,
            vouching::Parts {
                log: log.clone(),
                ledger: ledger.clone(),
                clock: clock.clone(),
                trust: source.clone(),
                revocation: revocation.clone(),
            },
        )?;
        let poster = Arc::new(Webhooks::new(&config.webhooks).map_err(StartError)?);
        let exchange = Exchange::new(Parts {
            ledger: ledger.clone(),
            jobs: writer,
            objects,
            clock: clock.clone(),
            trust: source,
            revocation,
            signer,
            registry,
            policy: signing::validate::Policy::default(),
            terms: exchange::Terms::default(),
            ring,
            poster,
            relay: others.relay,
            screening: screening(&config.scan, clock.clone()),
            retention,
        });
        Ok(Self {
            clock,
            reader,
            space,
            payload_keys: keys,
            ledger,
            log,
            trust,
            trusted_lists,
            keeper,
            issuers,
            kept,
            seen,
            access,
            people,
            portals,
            tokens,
            consent,
            purposes,
            policies,
            exchange,
            index,
            alerts,
            receivers,
            peers: others.client,
            vouching,
        })
    }

    /// How long a document is kept must be known of every one that is there.
    async fn check_retention(&self) -> Result<(), StartError> {
        let checked = self.access.registry().check_classes().await;
        let checked = checked.map_err(|e| StartError(format!("storage.database: cannot read channels: {e}")))?;
        checked.map_err(|e| StartError(format!("retention.classes: {e}: state it in vuzol.toml")))
    }

    /// Under another key nobody who is registered would be found, and they could be registered once more.
    async fn check_identity_key(&self) -> Result<(), StartError> {
        let checked = self.people.check_key().await;
        let checked = checked.map_err(|e| StartError(format!("storage.database: cannot read the directory: {e}")))?;
        checked.map_err(|e| StartError(format!("access.identity_key: {e}")))
    }

    /// What a restored backup brought back of what was erased goes again, before anybody is answered.
    async fn erase_again(&self) -> Result<(), StartError> {
        let Some(keys) = &self.payload_keys else { return Ok(()) };
        let replayed = keys.replay(&self.ledger).await;
        let count = replayed.map_err(|e| StartError(format!("storage.database: cannot erase what came back: {e}")))?;
        if count > 0 {
            tracing::warn!(
                count,
                "keys of details that were erased had come back with a backup, and are destroyed again"
            );
        }
        Ok(())
    }

    async fn record_start(&self, duties: Duties) -> Result<(), StartError> {
        let details = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "duties": format!("{duties:?}").to_ascii_lowercase(),
            "trust": crypto::digest::hex(&self.trust.current().id()),
        });
        let (action, actor, object, outcome) = (Action::NodeStarted, "node".to_owned(), None, Outcome::Done);
        let recorded = self.ledger.record(EventDraft { action, actor, object, outcome, details }).await;
        recorded.map(drop).map_err(|e| StartError(format!("storage.database: cannot record the start: {e}")))
    }

    fn into_door(self, config: &Config) -> Door {
        let (ledger, log, people) = (self.ledger.clone(), self.log.clone(), self.people.clone());
        let watch = Watch::new(ledger, log, self.index, self.alerts, people);
        let held = exchange::retention::holds::held_among;
        Door {
            watch,
            erasures: Erasures::new(self.ledger.clone(), self.clock.clone(), self.payload_keys, held),
            admission: http::admission::Admission::new(&config.limits, self.clock.clone(), self.vouching.stop),
            exchange: self.exchange,
            access: self.access,
            people: self.people,
            portals: self.portals,
            tokens: self.tokens,
            break_glasses: BreakGlasses::new(self.ledger.clone(), self.clock.clone(), config.break_glass.minutes),
            consent: self.consent,
            purposes: self.purposes,
            trust: self.keeper,
            relay: self.peers,
            log: self.log,
            ledger: self.ledger,
            clock: self.clock,
            document_bytes: config.limits.document_bytes.unwrap_or(schemas::limits::DOCUMENT_BYTES),
            strangers: strangers::Strangers::new(Instant::now()),
            meters: operations::Meters::new(),
            openapi: http::openapi::serialised(),
        }
    }
}

/// Where the configuration sends alerts.
fn receivers(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Arc<dyn Receiver>>, StartError> {
    let webhook = AlertWebhook::of_config(&config.alerts, &config.webhooks, clock.clone()).map_err(StartError)?;
    let syslog = Syslog::of_config(&config.alerts, &config.node.name).map_err(StartError)?;
    let webhook = webhook.map(|webhook| Arc::new(webhook) as Arc<dyn Receiver>);
    let syslog = syslog.map(|syslog| Arc::new(syslog) as Arc<dyn Receiver>);
    Ok(webhook.into_iter().chain(syslog).collect())
}

/// How long each class is kept, for what people attach to their applications.
fn terms_of(retention: &Retention) -> access::consent::Terms {
    let days = |class| match retention.keep(&class) {
        Some(Keep::Days(days)) => Some((class, Some(days))),
        Some(Keep::Permanent) => Some((class, None)),
        None => None,
    };
    retention.classes().into_iter().filter_map(days).collect()
}

/// How documents are scanned; None where the configuration names no scanner.
fn screening(config: &ScanConfig, clock: Arc<dyn Clock>) -> Option<Screening> {
    let scanner = Arc::new(Clamd::of_config(config, clock)?);
    Some(Screening { scanner, unavailable: config.unavailable })
}

fn watch_space(config: &Config) -> Result<Space, StartError> {
    // The disk of a database that is elsewhere is watched there.
    let folders: Vec<&Path> = config.storage.database.folder().into_iter().chain([&*config.storage.objects]).collect();
    Space::watch(&folders, config.storage.bounds())
        .map_err(|e| StartError(format!("storage.database, storage.objects: the disk cannot be watched: {e}")))
}

fn create_database_folder(database: &DatabaseConfig) -> Result<(), StartError> {
    let Some(folder) = database.folder() else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|e| StartError(format!("storage.database: cannot create {}: {e}", folder.display())))
}

fn open_database(database: &DatabaseConfig, migrate: bool) -> Result<(Writer, Reader), StartError> {
    let failed = |e: storage::StoreError| StartError(format!("storage.database {database}: {e}"));
    let config = database.store();
    if migrate {
        create_database_folder(database)?;
        storage::store::migrate(&config).map_err(failed)?;
    }
    storage::store::open(&config).map_err(failed)
}

fn tls_config(files: &KeyPairFiles) -> Result<tls::Served, StartError> {
    tls::Served::open(files).map_err(StartError)
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|e| StartError(format!("{key}: cannot listen on {address}: {e}")))
}

fn local_address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|e| StartError(format!("listen: {e}")))
}

fn operators(files: &[std::path::PathBuf]) -> Result<Vec<Certificate>, StartError> {
    files.iter().map(|file| read_certificate("access.operators", file)).collect()
}

fn policy_file(
    config: &Config,
    access: &Access,
    ledger: &Ledger,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<PolicyFile>>, StartError> {
    let Some(bundle) = &config.policies.bundle else { return Ok(None) };
    let signers = config.policies.signers.iter().map(|file| read_certificate("policies.signers", file));
    let signers = signers.collect::<Result<Vec<_>, _>>()?;
    let signatures = usize::from(config.policies.signatures);
    if access::distinct_persons(&signers) < signatures {
        return Err(StartError(format!("policies.signers: certificates of {signatures} persons are needed")));
    }
    let keeper = PolicyKeeper::new(access.clone(), ledger.clone(), clock.clone(), signers, signatures);
    Ok(Some(Arc::new(PolicyFile::new(keeper, bundle.clone()))))
}

fn retention(config: &Config) -> Result<Retention, StartError> {
    let wrong = |problem: String| StartError(format!("retention.{problem}"));
    let members = config.retention.commission.iter().map(|file| read_certificate("retention.commission", file));
    let classes = config.retention.classes().map_err(wrong)?;
    Retention::new(classes, members.collect::<Result<_, _>>()?).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
#[path = "policies_tests.rs"]
mod policies_tests;
#[cfg(test)]
#[path = "portal_tests.rs"]
mod portal_tests;
#[cfg(test)]
#[path = "wiring_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "trust_tests.rs"]
mod trust_tests;
