//! Who vouches for the log, as the configuration names them.

use std::sync::Arc;
use std::time::Duration;

use audit::anchors::Anchors;
use audit::quorum::{Quorum, Submitter, Terms, Unusable};
use audit::{Ledger, Log};
use certs::revocation::RevocationSource;
use certs::trust::TrustSource;
use crypto::merkle::Policy;
use storage::Clock;

use super::StartError;
use crate::config::{LogConfig, WitnessesConfig};
use crate::outbound::TimestampClient;
use crate::outbound::anchors::ConfiguredAuthority;
use crate::outbound::witnesses::WitnessClient;
use crate::workers::Stop;

/// What is shared by those who vouch.
pub(super) struct Parts {
    pub(super) log: Log,
    pub(super) ledger: Ledger,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) trust: Arc<dyn TrustSource>,
    pub(super) revocation: Arc<dyn RevocationSource>,
}

/// Who vouches for the log.
pub(super) struct Vouching {
    pub(super) witnesses: Option<Arc<Asking>>,
    pub(super) anchors: Option<Arc<Anchors>>,
    pub(super) stop: Arc<Stop>,
}

impl Vouching {
    pub(super) fn open(config: &LogConfig, parts: Parts) -> Result<Self, StartError> {
        let stop = Stop::new(parts.log.clone(), parts.clock.clone(), config.witnesses.stop_after_hours);
        let witnesses = Asking::open(&config.witnesses, &parts)?.map(Arc::new);
        let anchors = anchors(config, parts)?.map(Arc::new);
        Ok(Self { witnesses, anchors, stop: Arc::new(stop) })
    }
}

/// What witnesses are asked with.
pub(crate) struct Asking {
    log: Log,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    policy: Policy,
    submitter: Arc<dyn Submitter>,
    terms: Terms,
}

impl Asking {
    fn open(config: &WitnessesConfig, parts: &Parts) -> Result<Option<Self>, StartError> {
        let wrong = |what: &dyn std::fmt::Display| match &config.policy {
            Some(file) => StartError(format!("log.witnesses.policy {}: {what}", file.display())),
            None => StartError(format!("log.witnesses: {what}")),
        };
        let Some(policy) = config.policy().map_err(|error| wrong(&error))? else { return Ok(None) };
        let asking = Self {
            log: parts.log.clone(),
            ledger: parts.ledger.clone(),
            clock: parts.clock.clone(),
            policy,
            submitter: Arc::new(WitnessClient::new(config).map_err(StartError)?),
            terms: Terms {
                every: Duration::from_secs(config.interval_seconds.into()),
                deadline: Duration::from_secs(config.timeout_seconds.into()),
                alarm: time::Duration::minutes(config.alarm_minutes.into()),
            },
        };
        asking.quorum().map_err(|error| wrong(&error))?;
        Ok(Some(asking))
    }

    /// The rounds.
    pub(crate) fn quorum(&self) -> Result<Quorum, Unusable> {
        let (log, ledger, clock) = (self.log.clone(), self.ledger.clone(), self.clock.clone());
        Quorum::new(log, ledger, clock, self.policy.clone(), self.submitter.clone(), self.terms)
    }
}

fn anchors(config: &LogConfig, parts: Parts) -> Result<Option<Anchors>, StartError> {
    let Some((url, host)) = config.anchors.authority.clone().zip(config.anchors.host()) else { return Ok(None) };
    let minutes = |minutes: u16| time::Duration::minutes(minutes.into());
    let terms = (minutes(config.anchors.minutes), minutes(config.anchors.alarm_minutes));
    let Parts { log, ledger, clock, trust, revocation } = parts;
    // Whoever names an authority allows its host to be asked.
    let client = TimestampClient::new(&[host]).map_err(StartError)?;
    let authority = ConfiguredAuthority { client, url, trust, revocation, clock: clock.clone() };
    Ok(Some(Anchors::new(log, ledger, clock, Arc::new(authority), terms)))
}
