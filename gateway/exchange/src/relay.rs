//! Messages whose recipient's mailbox is at another node, and messages that come from one.
//!
//! ```text
//! this node                                     the recipient's node
//! Validated -> Queued (V.3) -> Relaying (V.4) -- offer, pieces, commit --> Validated (A.1) -> Consigned (D.1)
//! Relayed (B.1) <-------------- D.1 ------------------'                         | E.1, C.3, C.4, C.5, V.7
//! Accepted, Refused, Expired, Registered <----- evidence, a job with retries ---'
//! ```
//!
//! Exactly once: a message keeps its number, and its number is the key at the receiving node. Whatever is lost, cut or sent twice
//! on the way, the same number brings the same answer; a message that was refused is refused again.
//!
//! Nothing is opened on the way: parts stay sealed, the document key stays wrapped to the recipient. So the receiving node cannot
//! validate the sender's signature, and does not pretend to: it holds the evidence A.1 of the node that did, verified under the
//! certificate that its operator was given, and checks that sealed parts arrive as they were offered.
//!
//! Each peer has jobs of its own kind and a loop of its own, so a peer that is out of reach delays nobody else. Messages to a node that
//! was withdrawn, or taken out of the configuration, are not forgotten either: their sender reads the reason, and in the end that they were
//! given up; stated again in between, it gets them. Who is a peer is asked of [`access::peers`] at each step, so that a change holds from
//! the next one on.

mod incoming;
mod outgoing;
mod report;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use access::peers::{Peer, Peers};
use bytes::Bytes;
use crypto::digest::{hex, sha256};
use schemas::evidence::{EvidenceStatement, OtherEvidence};
use schemas::peer::PeerTraffic;
use schemas::relay::{RelayOffer, RelayOutcome, RelayProgress};
use schemas::{MessageId, ProblemCode};
use storage::StoreError;
use time::{Duration, OffsetDateTime};

pub use incoming::{Offered, Piece};
pub use report::Reported;

use crate::evidence::{EvidenceError, verify};
use crate::service::Exchange;
use crate::tables;

/// Begin of the kinds of relay jobs.
const RELAY: &str = "relay:";

/// Begin of the kinds of jobs that report to the node that a message came from.
pub(crate) const REPORT: &str = "report:";

/// The kind of the jobs that take messages to a peer.
pub(crate) fn job_kind(peer: &str) -> String {
    format!("{RELAY}{peer}")
}

/// After so long a message that cannot be relayed is given up (B.3), where the configuration says nothing else.
pub const GIVE_UP: Duration = Duration::hours(72);

/// The longest pause between two tries. A peer that comes back is found within it.
const LONGEST_PAUSE: Duration = Duration::minutes(30);

/// What the exchange is told of other nodes. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    peers: Peers,
    carrier: Arc<dyn PeerCarrier>,
    give_up: Duration,
}

impl Relay {
    /// `give_up`: how long after its acceptance a message that cannot be relayed is given up.
    #[must_use]
    pub fn new(peers: Peers, carrier: Arc<dyn PeerCarrier>, give_up: Duration) -> Self {
        Self { peers, carrier, give_up }
    }

    /// A node on its own.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Peers::none(), Arc::new(Nowhere), GIVE_UP)
    }

    /// The peer of this name, while it is one.
    pub(crate) async fn peer(&self, name: &str) -> Result<Option<Arc<Peer>>, StoreError> {
        self.peers.find(name).await
    }
}

/// Why something did not reach a peer, or was not taken there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarryError {
    /// Nobody knows whether it arrived: no connection, no answer, or one that cannot be understood. A code.
    #[error("{0}")]
    NoAnswer(&'static str),
    /// The peer refused it.
    #[error("refused: {code}")]
    Refused {
        /// The peer's code.
        code: String,
        /// Its evidence A.2, where it gave any.
        evidence: Option<String>,
    },
}

/// An answer that takes its time.
pub type Carrying<'a, T> = Pin<Box<dyn Future<Output = Result<T, CarryError>> + Send + 'a>>;

/// The way to other nodes. Everything may be called again after any error: the peer answers as it did before.
pub trait PeerCarrier: Send + Sync {
    /// Whether the peer, as it is stated now, failed lately and is to be left alone at this moment.
    fn rests(&self, peer: &Peer, at: OffsetDateTime) -> bool;
    /// Offers a message; answers how much of it is there.
    fn offer<'a>(&'a self, peer: &'a str, message: MessageId, offer: &'a RelayOffer) -> Carrying<'a, RelayProgress>;
    /// Brings bytes of a sealed part.
    fn piece<'a>(&'a self, peer: &'a str, message: MessageId, piece: Piece) -> Carrying<'a, ()>;
    /// Everything is there: the peer takes the message over.
    fn commit<'a>(&'a self, peer: &'a str, message: MessageId) -> Carrying<'a, RelayOutcome>;
    /// Tells the peer what became of a message that came from there: a JWS.
    fn report<'a>(&'a self, peer: &'a str, evidence: &'a str) -> Carrying<'a, ()>;
}

/// The carrier of a node without peers.
struct Nowhere;

impl PeerCarrier for Nowhere {
    fn rests(&self, _: &Peer, _: OffsetDateTime) -> bool {
        true
    }

    fn offer<'a>(&'a self, _: &'a str, _: MessageId, _: &'a RelayOffer) -> Carrying<'a, RelayProgress> {
        nowhere()
    }

    fn piece<'a>(&'a self, _: &'a str, _: MessageId, _: Piece) -> Carrying<'a, ()> {
        nowhere()
    }

    fn commit<'a>(&'a self, _: &'a str, _: MessageId) -> Carrying<'a, RelayOutcome> {
        nowhere()
    }

    fn report<'a>(&'a self, _: &'a str, _: &'a str) -> Carrying<'a, ()> {
        nowhere()
    }
}

fn nowhere<'a, T: Send + 'a>() -> Carrying<'a, T> {
    Box::pin(std::future::ready(Err(CarryError::NoAnswer(UNKNOWN_PEER))))
}

impl Exchange {
    /// The names of the nodes that messages go to now.
    ///
    /// # Errors
    /// When it cannot be read what operators stated.
    pub async fn peer_names(&self) -> Result<Vec<Arc<str>>, StoreError> {
        self.inner.relay.peers.names().await
    }

    /// Whether messages go to the node of this name now.
    ///
    /// # Errors
    /// As [`Self::peer_names`].
    pub async fn has_peer(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.inner.relay.peer(name).await?.is_some())
    }

    /// How it goes between this node and the one of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn traffic_with(&self, name: &str) -> Result<PeerTraffic, StoreError> {
        let name = name.to_owned();
        self.inner.ledger.reader().read("peer_traffic", move |tx| tables::traffic(tx, &name)).await
    }
}

/// Why nothing reaches a node that is no peer.
const UNKNOWN_PEER: &str = "relay.unknown_peer";

/// What a peer states, once its signature and its name are its own.
pub(crate) fn stated(peer: &Peer, jws: &str) -> Result<EvidenceStatement, EvidenceError> {
    let mut found = Err(EvidenceError::OtherSigner);
    for certificate in peer.evidence() {
        found = verify(jws, certificate);
        if found.is_ok() {
            break;
        }
    }
    let statement = found?;
    if *statement.node == **peer.name() { Ok(statement) } else { Err(EvidenceError::OtherSigner) }
}

/// How our evidence names that of a peer.
fn named(statement: &EvidenceStatement, jws: &str) -> OtherEvidence {
    OtherEvidence {
        node: statement.node.clone(),
        evidence_id: statement.evidence_id,
        sha256: hex(&sha256(jws.as_bytes())),
    }
}

/// Doubles with each try from 2 s up to the longest pause; between half of it and the whole, so that what failed together does
/// not come back together.
fn pause(attempts: u32) -> Duration {
    let whole = Duration::seconds(2_i64 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    let chance = i32::from(u16::from_be_bytes(crypto::random::array::<2>()));
    whole / 2 + whole / 2 * chance / i32::from(u16::MAX)
}

/// Whether a peer's refusal is its last word. What its operator mends, or time, is tried again; so is a code that this node does
/// not know: a message is given up for a reason that somebody understands, or because its time is over.
fn is_final(code: &str) -> bool {
    use ProblemCode as P;
    const FINAL: [ProblemCode; 9] = [
        P::ActionForbidden,
        P::UnknownRecipient,
        P::ChannelNotAllowed,
        P::RecipientTakesOtherKinds,
        P::UnknownCase,
        P::TooLarge,
        P::MalformedJson,
        P::RelayConflict,
        P::RelayEvidenceWrong,
    ];
    FINAL.iter().any(|last| last.as_str() == code)
}

impl Piece {
    /// A piece as it is brought: `offset` is from the beginning of the sealed part, a multiple of [`schemas::limits::RELAY_PIECE_BYTES`].
    #[must_use]
    pub fn new(part: u8, offset: u64, total: u64, bytes: Bytes) -> Self {
        Self { part, offset, total, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        for (attempt, whole) in [(0, 2), (1, 2), (2, 4), (3, 8), (10, 1024), (11, 1800), (u32::MAX, 1800)] {
            let pauses: Vec<_> = (0..50).map(|_| pause(attempt)).collect();
            let whole = Duration::seconds(whole);
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{attempt}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{attempt}");
        }
    }

    #[test]
    fn what_can_be_mended_is_no_last_word() {
        for code in [ProblemCode::RecipientSuspended, ProblemCode::Internal, ProblemCode::RelayIncomplete] {
            assert!(!is_final(code.as_str()), "{code}");
        }
        assert!(!is_final("something.new"));
        assert!(is_final(ProblemCode::UnknownRecipient.as_str()));
    }
}
