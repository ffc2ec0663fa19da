//! The loops.

use std::sync::Arc;
use std::time::Duration;

use access::registry::Registry;
use audit::log::LogFailure;
use audit::{Action, EventDraft, Ledger, Log, Outcome};
use certs::trust::{TrustSnapshot, TrustSource as _};
use exchange::Exchange;
use exchange::notices::Courier;
use storage::Clock;
use storage::seen::SeenStore;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::health::Health;
use super::{Backoff, pause};
use crate::http::tls;
use crate::outbound::trust::difference;
use crate::outbound::{FolderTrust, Issuers, TrustKeeper, TrustedLists};

/// Deliveries that one round takes.
const DELIVERIES: u32 = 128;

/// Reports that one round sends to one peer.
const REPORTS: u32 = 16;

/// Delivery looks for work this often even when nobody says that there is some: jobs fall due, other processes write.
const DELIVERY_TICK: Duration = Duration::from_secs(1);

/// Pieces of an act that one round carries out: the act's document is read once for all of them.
const DISPOSALS: u32 = 64;

/// Terms are days, so a look each half minute is soon enough.
const TIMER_TICK: Duration = Duration::from_secs(30);

/// Submissions that one round looks at again: each may ask responders outside.
const LOOKS: u32 = 16;

/// The first look comes half a minute after the submission.
const HOLD_TICK: Duration = Duration::from_secs(10);

/// What notices that are on their way have when the node stops.
const LAST_NOTICES: Duration = Duration::from_secs(10);

/// Between two sweeps.
const SWEEP: Duration = Duration::from_secs(3600);

/// Between two rounds of collecting certificates of authorities.
const ISSUERS: Duration = Duration::from_secs(3600);

/// Certificates of participants in which such a round looks for addresses, the newest.
const REGISTERED: u32 = 4096;

/// Between two writings of who was seen.
const SIGHTINGS: Duration = Duration::from_secs(60);

/// Between two readings of the trust folders.
const TRUST: Duration = Duration::from_secs(60);

/// Takes queued messages to where they go.
pub(crate) async fn deliver(exchange: Exchange, shutdown: CancellationToken) {
    let delivered = metrics::counter!("vuzol_deliveries_total");
    let mut backoff = Backoff::new();
    while !shutdown.is_cancelled() {
        match exchange.deliver_round(DELIVERIES).await {
            Ok(0) => {
                backoff.reset();
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = exchange.work_arrived() => {}
                    () = tokio::time::sleep(DELIVERY_TICK) => {}
                }
            }
            Ok(count) => {
                backoff.reset();
                delivered.increment(u64::try_from(count).unwrap_or(u64::MAX));
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a delivery round failed");
                pause(&shutdown, backoff.next()).await;
            }
        }
    }
}

/// Takes messages to one peer, and tells it what became of those that came from there. Each peer has loops of its own. Ends when it is a peer
/// no more, between two rounds: what a round holds it gives back, with the reason.
pub(crate) async fn relay(exchange: Exchange, peer: Arc<str>, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let round = async {
            if !exchange.has_peer(&peer).await? {
                return Ok::<_, storage::StoreError>(None);
            }
            let relayed = exchange.relay_round(&peer, 1).await?;
            Ok(Some(relayed + exchange.report_round(&peer, REPORTS).await?))
        };
        let done = tokio::select! {
            () = shutdown.cancelled() => return,
            done = round => done,
        };
        let rest = match done {
            Ok(None) => return,
            Ok(Some(0)) => {
                backoff.reset();
                DELIVERY_TICK
            }
            Ok(Some(_)) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(cause = %error, %peer, "a round of the relay failed");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Looks after messages to nodes that are no peers, or no more.
pub(crate) async fn seek_unknown_peers(exchange: Exchange, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let rest = match exchange.unknown_peers_round(DELIVERIES).await {
            Ok(count) if count >= usize::try_from(DELIVERIES).unwrap_or(usize::MAX) => Duration::ZERO,
            Ok(_) => {
                backoff.reset();
                TIMER_TICK
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a round for unknown peers failed");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Reminds recipients and ends what has lapsed.
pub(crate) async fn watch_time(exchange: Exchange, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let rest = match exchange.timer_round(DELIVERIES).await {
            Ok(count) if count >= usize::try_from(DELIVERIES).unwrap_or(usize::MAX) => Duration::ZERO,
            Ok(_) => {
                backoff.reset();
                TIMER_TICK
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a round of the timers failed");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Carries out disposal acts that have both their signatures.
pub(crate) async fn dispose(exchange: Exchange, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let rest = match exchange.dispose_round(DISPOSALS).await {
            Ok(0) => {
                backoff.reset();
                DELIVERY_TICK
            }
            Ok(count) => {
                tracing::info!(count, "messages of a disposal act were looked at");
                Duration::ZERO
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a round of the disposal failed");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Looks again at submissions that wait for a fact.
pub(crate) async fn watch_held(exchange: Exchange, shutdown: CancellationToken) {
    let mut backoff = Backoff::new();
    loop {
        let rest = match exchange.hold_round(LOOKS).await {
            Ok(count) if count >= usize::try_from(LOOKS).unwrap_or(usize::MAX) => Duration::ZERO,
            Ok(_) => {
                backoff.reset();
                HOLD_TICK
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a round of looks at what is held failed");
                backoff.next()
            }
        };
        if pause(&shutdown, rest).await {
            return;
        }
    }
}

/// Posts notices to those who subscribed. What is on its way when the node stops has some seconds to end; then it is posted
/// again by whoever runs next.
pub(crate) async fn post_notices(exchange: Exchange, shutdown: CancellationToken) {
    let courier = Courier::new(exchange.clone());
    let mut backoff = Backoff::new();
    while !shutdown.is_cancelled() {
        match courier.round().await {
            Ok(_) => {
                backoff.reset();
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = exchange.notice_arrived() => {}
                    () = courier.ended() => {}
                    () = tokio::time::sleep(DELIVERY_TICK) => {}
                }
            }
            Err(error) => {
                tracing::warn!(cause = %error, "a round of notices failed");
                pause(&shutdown, backoff.next()).await;
            }
        }
    }
    if tokio::time::timeout(LAST_NOTICES, courier.idle()).await.is_err() {
        tracing::warn!("notices are still on their way; they will be posted again");
    }
}

/// Notices what other processes state of subscriptions, and once a minute keeps their secrets under the ring's current key.
pub(crate) async fn watch_subscriptions(exchange: Exchange, shutdown: CancellationToken) {
    for second in 0_u64.. {
        let mut looked = exchange.refresh_subscriptions().await;
        if looked.is_ok() && second.is_multiple_of(60) {
            looked = exchange.rewrap_secrets().await;
        }
        if let Err(error) = looked {
            tracing::warn!(cause = %error, "subscriptions are not read");
        }
        if pause(&shutdown, DELIVERY_TICK).await {
            return;
        }
    }
}

/// Numbers what is committed and signs checkpoints. Stops for good when the log contradicts itself: a person must look.
pub(crate) async fn grow_log(log: Log, health: Arc<Health>, every: Duration, shutdown: CancellationToken) {
    let size = metrics::gauge!("vuzol_log_size");
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut backoff = Backoff::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match log.round().await {
            #[allow(clippy::cast_precision_loss, reason = "a gauge for the eye")]
            Ok(entries) => {
                backoff.reset();
                size.set(entries as f64);
                health.signer_answers(None);
            }
            // Deeds go on, and what they recorded waits: it comes by itself when the signer does.
            Err(away @ LogFailure::SignerAway(_)) => {
                tracing::error!(cause = %away, "nothing is published");
                health.signer_answers(Some(away.to_string()));
                pause(&shutdown, backoff.next()).await;
            }
            Err(LogFailure::Store(error)) => {
                tracing::warn!(cause = %error, "a round of the log failed");
                pause(&shutdown, backoff.next()).await;
            }
            Err(contradiction) => {
                metrics::counter!("vuzol_log_stopped_total").increment(1);
                tracing::error!(cause = %contradiction, "the log stops: nothing more is signed until a person has looked");
                health.log_stopped(contradiction.to_string());
                return;
            }
        }
    }
}

/// Removes what no message names.
pub(crate) async fn sweep(exchange: Exchange, shutdown: CancellationToken) {
    while !pause(&shutdown, SWEEP).await {
        match exchange.sweep().await {
            Ok(count) => tracing::info!(count, "swept"),
            Err(error) => tracing::warn!(cause = %error, "a sweep failed"),
        }
    }
}

/// Writes once a minute, and when the node stops, which participants were seen, and learns whom other processes saw.
pub(crate) async fn exchange_sightings(registry: Registry, seen: SeenStore, shutdown: CancellationToken) {
    loop {
        if let Err(error) = registry.exchange_sightings(&seen).await {
            tracing::warn!(cause = %error, "who was seen is not written");
        }
        if shutdown.is_cancelled() {
            return;
        }
        pause(&shutdown, SIGHTINGS).await;
    }
}

/// Collects certificates of authorities: at the start, and once an hour. They are taken into use with the next reading of the
/// trust folders, which puts on record that they were.
pub(crate) async fn collect_issuers(
    issuers: Arc<Issuers>,
    trust: Arc<FolderTrust>,
    registry: Registry,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    loop {
        match registry.registered_certificates(REGISTERED).await {
            Ok(held) => {
                let found = issuers.collect(&trust.current(), &held, &trust.fetched(), clock.now()).await;
                tracing::debug!(count = found.len(), "certificates of authorities collected");
                trust.complete_with(found);
            }
            Err(error) => tracing::warn!(cause = %error, "certificates of authorities are not collected"),
        }
        if pause(&shutdown, ISSUERS).await {
            return;
        }
    }
}

/// Reads trust anchors anew every minute, folders and statements, and on SIGHUP together with the TLS key and certificate.
/// Whoever changed them, and by whatever means: that the node now believes others is on record.
pub(crate) async fn refresh_trust(
    trust: Arc<FolderTrust>,
    keeper: TrustKeeper,
    ledger: Ledger,
    tls: Option<tls::Served>,
    shutdown: CancellationToken,
) {
    let mut hangups = signal(SignalKind::hangup()).map_err(|error| tracing::warn!(cause = %error, "no SIGHUP")).ok();
    let mut ticks = interval(TRUST);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut recorded = trust.current();
    loop {
        let asked = tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => false,
            () = hangup(&mut hangups) => true,
        };
        match keeper.refresh().await {
            Ok(true) => tracing::info!("trust anchors changed"),
            Ok(false) => {}
            Err(problem) => {
                metrics::counter!("vuzol_trust_failures_total").increment(1);
                tracing::error!(cause = %problem, "trust anchors are not believed; the set in use stays");
            }
        }
        recorded = record_change(&ledger, recorded, trust.current()).await;
        if let (true, Some(served)) = (asked, &tls) {
            match served.reload() {
                Ok(()) => tracing::info!("TLS key and certificate read anew"),
                Err(problem) => tracing::error!(cause = problem, "TLS key and certificate in use stay"),
            }
        }
    }
}

/// Between two looks at which trusted lists are due.
const LISTS: Duration = Duration::from_secs(60);

/// Asks for trusted lists that are due, and takes into use what is believed.
pub(crate) async fn refresh_lists(lists: Arc<TrustedLists>, keeper: TrustKeeper, shutdown: CancellationToken) {
    let mut ticks = interval(LISTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let changed = tokio::select! {
            () = shutdown.cancelled() => return,
            changed = lists.refresh() => changed,
        };
        // The loop that watches the folders puts the change on record.
        if changed && let Err(problem) = keeper.refresh().await {
            tracing::error!(cause = %problem, "trusted lists have changed, and the set in use stays");
        }
    }
}

/// Puts on record that `now` is believed instead of `recorded`, and returns what is on record after that.
async fn record_change(ledger: &Ledger, recorded: Arc<TrustSnapshot>, now: Arc<TrustSnapshot>) -> Arc<TrustSnapshot> {
    if recorded.id() == now.id() {
        return recorded;
    }
    let draft = EventDraft {
        action: Action::TrustChanged,
        actor: "node".to_owned(),
        object: Some(format!("trust:{}", crypto::digest::hex(&now.id()))),
        outcome: Outcome::Done,
        details: difference(&recorded, &now),
    };
    match ledger.record(draft).await {
        Ok(_) => now,
        Err(error) => {
            tracing::error!(cause = %error, "a change of trust is not on record yet");
            recorded
        }
    }
}

/// The next SIGHUP; never, where signals cannot be had.
async fn hangup(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
