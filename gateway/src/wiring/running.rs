//! The tasks of a node: its doors, and the workers, each of which is started anew where it ends.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Rooms;
use crate::http::admission::ahead::Ahead;
use crate::http::identity::Entrance;
use crate::http::server::Server;
use crate::http::tls;
use crate::workers::{self, Health, RelayLoops};

/// Where tasks of the node are started.
pub(super) struct Running<'a> {
    pub(super) tasks: &'a TaskTracker,
    pub(super) shutdown: &'a CancellationToken,
}

impl Running<'_> {
    pub(super) fn serve(
        &self,
        entrance: Entrance,
        listener: TcpListener,
        (router, ahead): (axum::Router, Option<Arc<Ahead>>),
        tls: Option<Arc<ArcSwap<ServerConfig>>>,
        (connections, handshakes): (u32, u32),
    ) {
        let (shutdown, tasks) = (self.shutdown.clone(), self.tasks.clone());
        let handshakes = Arc::new(Semaphore::new(usize::try_from(handshakes).unwrap_or(usize::MAX)));
        self.tasks
            .spawn(Server { entrance, router, ahead, tls, connections, handshakes, shutdown, tasks }.run(listener));
    }

    pub(super) fn work(&self, rooms: &Rooms, health: Arc<Health>, round: Duration) {
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "delivery", move || {
            workers::deliver(exchange.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "sweep", move || {
            workers::sweep(exchange.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "timers", move || {
            workers::watch_time(exchange.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "held", move || {
            workers::watch_held(exchange.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "notices", move || {
            workers::post_notices(exchange.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "disposal", move || {
            workers::dispose(exchange.clone(), shutdown.clone())
        });
        let (log, shutdown) = (rooms.log.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "log", move || {
            workers::on_a_thread("log", workers::grow_log(log.clone(), health.clone(), round, shutdown.clone()))
        });
    }

    pub(super) fn watch(&self, rooms: &Rooms) {
        let (index, alerts, shutdown) = (rooms.index.clone(), rooms.alerts.clone(), self.shutdown.clone());
        let clock = rooms.clock.clone();
        workers::supervise(self.tasks, self.shutdown, "log index", move || {
            workers::watch_log(index.clone(), alerts.clone(), clock.clone(), shutdown.clone())
        });
        for receiver in &rooms.receivers {
            let (alerts, receiver, shutdown) = (rooms.alerts.clone(), receiver.clone(), self.shutdown.clone());
            workers::supervise(self.tasks, self.shutdown, "alerts", move || {
                workers::deliver_alerts(alerts.clone(), receiver.clone(), shutdown.clone())
            });
        }
    }

    pub(super) fn relay(&self, rooms: &Rooms, at_once: u8) {
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "unknown peers", move || {
            workers::seek_unknown_peers(exchange.clone(), shutdown.clone())
        });
        let loops =
            Arc::new(RelayLoops::new(rooms.exchange.clone(), at_once, self.tasks.clone(), self.shutdown.clone()));
        workers::supervise(self.tasks, self.shutdown, "peers", move || loops.clone().keep());
    }

    pub(super) fn vouch(&self, rooms: &Rooms) {
        if let Some(asking) = &rooms.vouching.witnesses {
            let (asking, shutdown) = (asking.clone(), self.shutdown.clone());
            workers::supervise(self.tasks, self.shutdown, "witnesses", move || {
                workers::ask_witnesses(asking.clone(), shutdown.clone())
            });
        }
        if let Some(anchors) = &rooms.vouching.anchors {
            let (anchors, shutdown) = (anchors.clone(), self.shutdown.clone());
            workers::supervise(self.tasks, self.shutdown, "anchors", move || {
                workers::anchor_log(anchors.clone(), shutdown.clone())
            });
        }
    }

    pub(super) fn refresh(&self, rooms: &Rooms, tls: Option<tls::Served>) {
        let (trust, ledger, shutdown) = (rooms.trust.clone(), rooms.ledger.clone(), self.shutdown.clone());
        let keeper = rooms.keeper.clone();
        workers::supervise(self.tasks, self.shutdown, "trust", move || {
            workers::refresh_trust(trust.clone(), keeper.clone(), ledger.clone(), tls.clone(), shutdown.clone())
        });
        if let Some(policies) = &rooms.policies {
            let (policies, shutdown) = (policies.clone(), self.shutdown.clone());
            workers::supervise(self.tasks, self.shutdown, "policies", move || {
                workers::refresh_policies(policies.clone(), shutdown.clone())
            });
        }
        let (lists, keeper, shutdown) = (rooms.trusted_lists.clone(), rooms.keeper.clone(), self.shutdown.clone());
        if !lists.is_empty() {
            workers::supervise(self.tasks, self.shutdown, "trusted lists", move || {
                workers::refresh_lists(lists.clone(), keeper.clone(), shutdown.clone())
            });
        }
    }

    pub(super) fn collect(&self, rooms: &Rooms, unpublished: u64) {
        let (space, shutdown) = (rooms.space.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "space", move || {
            workers::tend_space(space.clone(), shutdown.clone())
        });
        let (log, ledger, shutdown) = (rooms.log.clone(), rooms.ledger.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "unpublished", move || {
            workers::watch_unpublished(log.clone(), ledger.clone(), unpublished, shutdown.clone())
        });
        let (issuers, trust, shutdown) = (rooms.issuers.clone(), rooms.trust.clone(), self.shutdown.clone());
        let (registry, clock) = (rooms.access.registry().clone(), rooms.clock.clone());
        workers::supervise(self.tasks, self.shutdown, "issuers", move || {
            workers::collect_issuers(issuers.clone(), trust.clone(), registry.clone(), clock.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "subscriptions", move || {
            workers::watch_subscriptions(exchange.clone(), shutdown.clone())
        });
        let (exchange, shutdown) = (rooms.exchange.clone(), self.shutdown.clone());
        self.tasks.spawn(async move {
            shutdown.cancelled().await;
            exchange.end_waiting();
        });
        let (registry, seen, shutdown) = (rooms.access.registry().clone(), rooms.seen.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "sightings", move || {
            workers::exchange_sightings(registry.clone(), seen.clone(), shutdown.clone())
        });
        let (stop, shutdown) = (rooms.vouching.stop.clone(), self.shutdown.clone());
        workers::supervise(self.tasks, self.shutdown, "unwitnessed", move || {
            workers::watch_stop(stop.clone(), shutdown.clone())
        });
        let kept = rooms.kept.clone();
        self.tasks.spawn(async move {
            match kept.sweep().await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "objects of fetched answers were swept"),
                Err(error) => tracing::warn!(cause = %error, "objects of fetched answers are not swept"),
            }
        });
    }
}
