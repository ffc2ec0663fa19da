//! Other nodes as operators read them.

use std::sync::Arc;

use schemas::peer::{self, PeerSource, PeerTraffic};

use super::Peers;
use super::statement::Peer;
use crate::decide::{Access, Permit, ReadPeers};
use crate::proposals::Proposed;
use crate::registry::RegistryError;

/// One entry, before it is known who is at home there.
struct Known {
    name: Arc<str>,
    source: PeerSource,
    in_force: bool,
    version: Option<u32>,
    peer: Option<Arc<Peer>>,
}

impl Access {
    /// All other nodes by name, withdrawn ones too, with who is at home there, and what is proposed. How it goes is for the caller to add. The
    /// reading leaves an audit row.
    ///
    /// # Errors
    /// When the database cannot be read, or the row not be written.
    pub async fn list_peers(&self, permit: Permit<ReadPeers>) -> Result<peer::Peers, RegistryError> {
        let peers = self.peers();
        let mut shown = Vec::new();
        for Known { name, source, in_force, version, peer } in peers.known().await? {
            shown.push(peer::Peer {
                participants: self.registry().homed_at(&name).await?,
                name: name.to_string(),
                source,
                in_force,
                version,
                identity: peer.map(|peer| peer.identity()),
                traffic: PeerTraffic::default(),
            });
        }
        let statements = peers.statements()?;
        let proposed = statements.proposed(statements.clock.now()).await?;
        statements.record_reading(permit.actor().pseudonym(), None).await?;
        Ok(peer::Peers { peers: shown, proposals: proposed.iter().map(Proposed::shown).collect() })
    }
}

impl Peers {
    async fn known(&self) -> Result<Vec<Known>, RegistryError> {
        let configured = self.inner.configured.iter().map(|(name, peer)| Known {
            name: Arc::clone(name),
            source: PeerSource::Configuration,
            in_force: true,
            version: None,
            peer: Some(Arc::clone(peer)),
        });
        let mut known: Vec<Known> = configured.collect();
        if let Some(book) = self.book().await? {
            known.extend(book.entries().map(|(name, entry)| Known {
                name: Arc::clone(name),
                source: PeerSource::Operators,
                in_force: entry.peer.is_some() && !self.is_configured(name),
                version: Some(entry.version),
                peer: entry.peer.clone(),
            }));
        }
        known.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(known)
    }
}
