//! Other nodes, as the configuration names them and operators state them.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::peers::{Peer, Peers};
use access::people::Operators;
use audit::Ledger;
use exchange::relay::Relay;
use storage::Clock;

use super::{StartError, read_certificate, read_certificates};
use crate::config::Config;
use crate::http::tls;
use crate::outbound::relay::{Login, RelayClient};

/// The peers of the configuration, from its files.
pub(super) fn configured(config: &Config) -> Result<Vec<Peer>, StartError> {
    let (mut peers, mut logins) = (Vec::new(), BTreeSet::new());
    for peer in &config.relay.peers {
        let login = read_certificate("relay.peers.login", &peer.login)?;
        if !logins.insert(login.fingerprint()) {
            return Err(StartError(format!("relay.peers.login {}: another peer's", peer.login.display())));
        }
        let evidence = vec![read_certificate("relay.peers.evidence", &peer.evidence)?];
        let authorities = read_certificates("relay.peers.authorities", &peer.authorities)?;
        peers.push(Peer::new(&peer.name, &peer.url, authorities, vec![login], evidence));
    }
    Ok(peers)
}

/// Other nodes, as the rooms are told of them.
pub(super) struct OtherNodes {
    pub(super) peers: Peers,
    pub(super) relay: Relay,
    pub(super) client: Arc<RelayClient>,
}

impl OtherNodes {
    /// Joins the peers of the configuration with those that operators state.
    pub(super) fn open(
        config: &Config,
        configured: Vec<Peer>,
        ledger: &Ledger,
        clock: &Arc<dyn Clock>,
        operators: Operators,
    ) -> Result<Self, StartError> {
        let login = config.relay.login.as_ref().map(|files| tls::chain_and_key("relay.login", files)).transpose();
        let login = login.map_err(StartError)?.map(|(chain, key)| Login { chain, key });
        let own = &config.node.name;
        let peers = Peers::with_statements(configured.clone(), own, ledger.clone(), clock.clone(), operators);
        let client = Arc::new(RelayClient::new(peers.clone(), login, clock.clone()));
        for peer in &configured {
            client.check(peer).map_err(|error| StartError(format!("relay.peers: {error}")))?;
        }
        let give_up = time::Duration::hours(i64::from(config.relay.give_up_hours));
        let relay = Relay::new(peers.clone(), client.clone(), give_up);
        Ok(Self { peers, relay, client })
    }
}
