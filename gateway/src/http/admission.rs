//! What the node takes on, and from whom: quotas of participants, and the gate that keeps it productive when more is asked of
//! it than it can do.
//!
//! Both are asked after the login and before a byte of the body is read, so that a refusal costs a table look-up and an answer, and no
//! public-key operation; where the gate would refuse anyway, before all that ([`ahead`]). Work that finishes what was accepted (leases, downloads, acknowledgements) is never held up at the gate:
//! it is counted there, and new submissions get what room it leaves, so that the node drains instead of filling up.

pub(crate) mod ahead;
pub(crate) mod gate;
pub(crate) mod quota;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use access::Actor;
use http::HeaderMap;
use schemas::ProblemCode;
use storage::Clock;
use tokio::sync::OwnedSemaphorePermit;

use crate::config::LimitsConfig;
use crate::http::body;
use crate::http::operations::Operation;
use crate::workers::Stop;
use ahead::Ahead;
use gate::{Completing, Gate, Turn};
use quota::{Quotas, Upload};

/// A submission up to this size arrives at once from an honest sender.
const SMALL: u64 = 1024 * 1024;

/// Quotas and gate.
pub(crate) struct Admission {
    gate: Arc<Gate>,
    /// For the rows of refusals, and the messages that wait in a mailbox.
    pub(crate) quotas: Arc<Quotas>,
    clock: Arc<dyn Clock>,
    /// Whether deeds are refused, because nobody outside vouches for the log.
    stop: Arc<Stop>,
}

/// A request that was let in: what it occupies is free again when this is dropped.
#[derive(Default)]
pub(crate) struct Admitted {
    turn: Option<Turn>,
    _large: Option<OwnedSemaphorePermit>,
    _upload: Option<Upload>,
    _completing: Option<Completing>,
}

impl Admitted {
    /// The request is answered. How long it waited for its sender meanwhile does not count as the node's work.
    pub(crate) fn finished(mut self, waited_for_body: std::time::Duration) {
        if let Some(turn) = &mut self.turn {
            turn.worked_without(waited_for_body);
        }
    }
}

impl Admission {
    /// As configured.
    pub(crate) fn new(limits: &LimitsConfig, clock: Arc<dyn Clock>, stop: Arc<Stop>) -> Self {
        let gate = Arc::new(Gate::new(
            limits.submissions.map_or(gate::MOST, |most| usize::try_from(most).unwrap_or(usize::MAX)),
        ));
        Self { gate, quotas: Arc::new(Quotas::new(limits.participant.clone(), Instant::now())), clock, stop }
    }

    /// What looks at requests ahead of the routes.
    pub(crate) fn ahead(&self) -> Arc<Ahead> {
        Arc::new(Ahead::new(Arc::clone(&self.gate), Arc::clone(&self.clock)))
    }

    /// Lets a request in, or says why not. `received` counts the bytes of its body as they arrive.
    ///
    /// # Errors
    /// `quota.*` where the participant is past one, `node.overloaded` where the gate is shut, `node.log_unwitnessed` where deeds are refused.
    pub(crate) async fn admit(
        &self,
        actor: &Actor,
        operation: Option<&Operation>,
        headers: &HeaderMap,
        received: &Arc<AtomicU64>,
    ) -> Result<Admitted, ProblemCode> {
        let participant = actor.participant();
        if let Some(edrpou) = participant {
            self.quotas.request(edrpou, Instant::now())?;
        }
        if self.stop.is_in_force()
            && operation.is_some_and(|deed| deed.is_stopped() && !matches!(actor, Actor::Operator { .. }))
        {
            return Err(ProblemCode::LogUnwitnessed);
        }
        let mut admitted = Admitted::default();
        match operation.map(|operation| operation.id) {
            Some("submit_document") => {
                if let Some(edrpou) = participant {
                    let today = self.clock.now().date();
                    admitted._upload = Some(self.quotas.upload(edrpou, today, body::announced(headers), received)?);
                }
                match body::announced(headers) {
                    Some(bytes) if bytes <= SMALL => admitted.turn = Some(self.gate.enter().await?),
                    _ => admitted._large = Some(self.gate.enter_large().await?),
                }
            }
            Some("lease_messages" | "download_part" | "acknowledge_message") => {
                admitted._completing = Some(self.gate.complete());
            }
            _ => {}
        }
        Ok(admitted)
    }
}

/// What of a body has arrived, and how long the node waited for it.
#[derive(Debug, Default)]
pub(crate) struct BodyMeter {
    /// Bytes.
    pub(crate) received: Arc<AtomicU64>,
    waited_micros: AtomicU64,
}

impl BodyMeter {
    /// The body kept the node waiting.
    pub(crate) fn waited(&self, time: std::time::Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Bytes arrived.
    pub(crate) fn arrived(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How long the node waited for the body so far.
    pub(crate) fn waiting(&self) -> std::time::Duration {
        std::time::Duration::from_micros(self.waited_micros.load(Ordering::Relaxed))
    }
}
