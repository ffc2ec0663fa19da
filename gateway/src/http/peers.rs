//! Other nodes: operators read which there are and how it goes with them, state one, and withdraw one.

use std::sync::Arc;

use access::decide::{ReadPeers, SetPeer};
use access::peers::Stated;
use axum::Json;
use axum::extract::State;
use http::StatusCode;
use schemas::ProblemCode;
use schemas::peer::{PeerChange, PeerHistory, PeerName, PeerOutcome, Peers};

use super::Door;
use super::extract::{self, Ids};
use super::identity::Caller;
use super::problem::Failure;

/// Read which other nodes this one knows, who is at home there, how it goes with them, and what is proposed.
#[utoipa::path(
    get, path = "/v1/peers", operation_id = "read_peers", tag = "peers",
    responses((status = 200, body = Peers, description = "By name; those of the configuration, and those that operators stated, withdrawn ones too"))
)]
pub(crate) async fn list(State(door): State<Arc<Door>>, caller: Caller) -> Result<Json<Peers>, Failure> {
    let permit = door.access.decide::<ReadPeers>(&caller.actor, ()).await?;
    let mut told = door.access.list_peers(permit).await?;
    for peer in &mut told.peers {
        peer.traffic = door.exchange.traffic_with(&peer.name).await?;
    }
    Ok(Json(told))
}

/// State another node, or change what is stated of it. One operator proposes it; another confirms it, with the same statement, within a day.
///
/// It holds from then on, without a restart: at once in the process that was told, within a second in the others. A repeat of what holds
/// changes nothing.
#[utoipa::path(
    put, path = "/v1/peers/{peer}", operation_id = "set_peer", tag = "peers",
    params(("peer" = String, Path, description = "Its name: letters, digits, `.`, `-` and `_`, the first a letter or a digit")), request_body = PeerChange,
    responses(
        (status = 200, body = PeerOutcome, description = "It holds"),
        (status = 202, body = PeerOutcome, description = "Proposed: another operator must confirm"))
)]
pub(crate) async fn set(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(peer): Ids<PeerName>,
    extract::Json(change): extract::Json<PeerChange>,
) -> Result<(StatusCode, Json<PeerOutcome>), Failure> {
    let permit = door.access.decide::<SetPeer>(&caller.actor, peer.clone()).await?;
    if !door.relay.has_login() {
        return Err(ProblemCode::PeerWithoutLogin.into());
    }
    let stated = Stated::check(&peer, &change.statement)?;
    door.relay.check(stated.peer()).map_err(|error| Failure::new(ProblemCode::MalformedJson).detail(error))?;
    let outcome = door.access.set_peer(permit, change.replaces, stated).await?;
    let status = if outcome.proposal.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(outcome)))
}

/// Withdraw another node. One operator is enough.
///
/// Nothing goes there and nothing comes from there from now on. What waits for it stays, and goes when the node is stated again before its time
/// is over.
#[utoipa::path(
    delete, path = "/v1/peers/{peer}", operation_id = "withdraw_peer", tag = "peers",
    params(("peer" = String, Path, description = "Its name: letters, digits, `.`, `-` and `_`, the first a letter or a digit")),
    responses((status = 204, description = "Withdrawn"))
)]
pub(crate) async fn withdraw(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(peer): Ids<PeerName>,
) -> Result<StatusCode, Failure> {
    let permit = door.access.decide::<SetPeer>(&caller.actor, peer).await?;
    door.access.peers().withdraw(permit).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read what was stated of another node, whole, so that it can be stated again.
#[utoipa::path(
    get, path = "/v1/peers/{peer}/history", operation_id = "read_peer_history", tag = "peers",
    params(("peer" = String, Path, description = "Its name: letters, digits, `.`, `-` and `_`, the first a letter or a digit")),
    responses((status = 200, body = PeerHistory, description = "The newest first"))
)]
pub(crate) async fn history(
    State(door): State<Arc<Door>>,
    caller: Caller,
    Ids(peer): Ids<PeerName>,
) -> Result<Json<PeerHistory>, Failure> {
    let permit = door.access.decide::<ReadPeers>(&caller.actor, ()).await?;
    Ok(Json(door.access.peers().history(permit, peer).await?))
}
