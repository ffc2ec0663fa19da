//! Other nodes, as the configuration names them.

use std::collections::BTreeMap;
use std::sync::Arc;

use exchange::relay::Relay;
use storage::Clock;

use super::{StartError, read_certificate, read_certificates};
use crate::config::Config;
use crate::http::tls;
use crate::outbound::relay::{Login, PeerAddress, RelayClient};

/// Other nodes, as the rooms are told of them.
pub(super) struct Peers {
    pub(super) names: Vec<Arc<str>>,
    pub(super) logins: BTreeMap<[u8; 32], Arc<str>>,
    pub(super) relay: Relay,
}

impl Peers {
    pub(super) fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let (mut names, mut logins, mut known, mut addresses) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
        for peer in &config.relay.peers {
            let name: Arc<str> = Arc::from(peer.name.as_str());
            let login = read_certificate("relay.peers.login", &peer.login)?.fingerprint();
            if logins.insert(login, name.clone()).is_some() {
                return Err(StartError(format!("relay.peers.login {}: another peer's", peer.login.display())));
            }
            known.push(exchange::relay::Peer {
                name: name.clone(),
                evidence: read_certificate("relay.peers.evidence", &peer.evidence)?,
            });
            let authorities = read_certificates("relay.peers.authorities", &peer.authorities)?;
            addresses.push(PeerAddress { name: name.clone(), url: peer.url.clone(), authorities });
            names.push(name);
        }
        let give_up = time::Duration::hours(i64::from(config.relay.give_up_hours));
        let relay = match &config.relay.login {
            Some(files) if !known.is_empty() => {
                let (chain, key) = tls::chain_and_key("relay.login", files).map_err(StartError)?;
                let client = RelayClient::new(&addresses, &Login { chain, key }, clock).map_err(StartError)?;
                Relay::new(known, Arc::new(client), give_up)
            }
            _ => Relay::none(),
        };
        Ok(Self { names, logins, relay })
    }
}
