//! Other nodes, as operators read and state them. Operators only.

use http::{Method, StatusCode};
use schemas::peer::{PeerChange, PeerHistory, PeerName, PeerOutcome, Peers};

use super::{ANSWER_BYTES, Client, ClientError, expect, refusal};

/// Largest list: 64 peers and as many withdrawn ones with their certificates and participants stay far below.
const PEERS_BYTES: usize = 8 * ANSWER_BYTES;

impl Client {
    /// Which other nodes the node knows, and how it goes with them.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn peers(&self) -> Result<Peers, ClientError> {
        expect(self.send(self.request(Method::GET, "/v1/peers"), PEERS_BYTES).await?, StatusCode::OK)?.json()
    }

    /// States another node, or changes what is stated of it. The first operator's word is a proposal.
    ///
    /// # Errors
    /// [`ClientError`]; `peer.changed`, `peer.configured`, `peer.no_login_here`, `proposal.same_operator`.
    pub async fn set_peer(&self, peer: &PeerName, change: &PeerChange) -> Result<PeerOutcome, ClientError> {
        let request = self.with_json(Method::PUT, &format!("/v1/peers/{peer}"), change)?;
        let answer = self.send(request, ANSWER_BYTES).await?;
        match answer.status {
            StatusCode::OK | StatusCode::ACCEPTED => answer.json(),
            _ => Err(refusal(&answer)),
        }
    }

    /// Withdraws another node.
    ///
    /// # Errors
    /// [`ClientError`]; `request.not_found` where operators stated nothing that is in force.
    pub async fn withdraw_peer(&self, peer: &PeerName) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/v1/peers/{peer}"));
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::NO_CONTENT).map(|_| ())
    }

    /// What was stated of another node, the newest first.
    ///
    /// # Errors
    /// [`ClientError`]; `request.not_found` where nobody ever stated anything of it.
    pub async fn peer_history(&self, peer: &PeerName) -> Result<PeerHistory, ClientError> {
        let request = self.request(Method::GET, &format!("/v1/peers/{peer}/history"));
        expect(self.send(request, PEERS_BYTES).await?, StatusCode::OK)?.json()
    }
}
