//! What operators stated of other nodes, as it stood at one moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use schemas::peer::PeerStatement;
use storage::{StoreError, Tx};
use time::OffsetDateTime;

use super::rows::{self, Latest};
use super::statement::Peer;
use crate::kept::View;

/// The last version of each. Immutable.
pub(super) struct Book {
    version: i64,
    entries: BTreeMap<Arc<str>, Entry>,
    logins: HashMap<[u8; 32], Arc<str>>,
}

/// The last version of one.
pub(super) struct Entry {
    pub(super) version: u32,
    /// None: it was withdrawn.
    pub(super) peer: Option<Arc<Peer>>,
}

impl View for Book {
    type Rows = (i64, Vec<Latest>);

    fn stored_version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
        rows::last_ordinal(tx)
    }

    fn read(tx: &mut Tx<'_>, _: OffsetDateTime) -> Result<Self::Rows, StoreError> {
        Ok((rows::last_ordinal(tx)?, rows::latest_of_all(tx)?))
    }

    fn of_rows((version, latest): Self::Rows) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt("peer_version.statement");
        let (mut entries, mut logins) = (BTreeMap::new(), HashMap::new());
        for Latest { name, version, statement } in latest {
            let name: Arc<str> = name.into();
            let peer = match statement {
                None => None,
                Some(json) => {
                    let statement: PeerStatement = serde_json::from_str(&json).map_err(|_| corrupt())?;
                    Some(Arc::new(Peer::of_statement(&name, &statement).map_err(|_| corrupt())?))
                }
            };
            for login in peer.iter().flat_map(|peer| peer.logins()) {
                logins.insert(login, Arc::clone(&name));
            }
            entries.insert(name, Entry { version, peer });
        }
        Ok(Self { version, entries, logins })
    }

    fn version(&self) -> i64 {
        self.version
    }
}

impl Book {
    /// The peer of this name, unless it was withdrawn.
    pub(super) fn peer(&self, name: &str) -> Option<Arc<Peer>> {
        self.entries.get(name)?.peer.clone()
    }

    /// Who logs in with this certificate.
    pub(super) fn by_login(&self, certificate: &[u8; 32]) -> Option<Arc<str>> {
        self.logins.get(certificate).cloned()
    }

    /// The names of those that were not withdrawn.
    pub(super) fn names(&self) -> impl Iterator<Item = Arc<str>> {
        self.entries.iter().filter(|(_, entry)| entry.peer.is_some()).map(|(name, _)| Arc::clone(name))
    }

    /// All of them by name, withdrawn ones too.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.entries.iter()
    }
}
