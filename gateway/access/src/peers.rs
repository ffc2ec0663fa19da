//! Other nodes: those of the configuration, and those that operators state while the node runs.
//!
//! A peer decides to whom documents leave the region, and who speaks for the participants at the other end. So it is entered, and changed, by
//! two operators: one proposes, another states the same within a day. One withdraws it: where it has to go, it is to be at once, and what was
//! withdrawn too much is stated again. What was stated is never overwritten: each statement and each withdrawal is a version of its own, and to
//! undo one is to state the version before it.
//!
//! The configuration wins. What it names cannot be changed over the API, and a name, or a login certificate, that it has is not looked for
//! among what operators stated; that comes into force again when the configuration no longer names it, unless they withdraw it.
//!
//! A lookup asks memory, at most a second old: other processes of the node follow a change within that, the one that made it at once.

mod book;
mod keeping;
mod rows;
mod showing;
mod statement;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use audit::Ledger;
use storage::{Clock, StoreError};

use crate::kept::Kept;
use crate::people::Operators;
use book::Book;
pub use statement::{Peer, Stated};

/// Most peers in force: each has loops of its own. A country has some two dozen regions.
pub const PEERS: usize = 64;

/// The other nodes. Cheap to clone; clones share what is in memory.
#[derive(Clone)]
pub struct Peers {
    inner: Arc<Inner>,
}

struct Inner {
    configured: BTreeMap<Arc<str>, Arc<Peer>>,
    /// Names by the SHA-256 of login certificates, of those that the configuration names.
    logins: HashMap<[u8; 32], Arc<str>>,
    /// None: there is no database of statements.
    stated: Option<Statements>,
}

/// What operators stated, and who they are.
struct Statements {
    own: String,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    operators: Operators,
    kept: Kept<Book>,
}

impl Peers {
    /// No other nodes.
    #[must_use]
    pub fn none() -> Self {
        Self::configured([])
    }

    /// Those of the configuration, and no others. Of two with one name or one login certificate the later one is what holds.
    #[must_use]
    pub fn configured(peers: impl IntoIterator<Item = Peer>) -> Self {
        Self::joined(peers, None)
    }

    /// Those of the configuration, and those that operators state in the ledger's database. `own`: the name of this node. Reads nothing yet.
    #[must_use]
    pub fn with_statements(
        configured: impl IntoIterator<Item = Peer>,
        own: &str,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        operators: Operators,
    ) -> Self {
        let (own, kept) = (own.to_owned(), Kept::default());
        Self::joined(configured, Some(Statements { own, ledger, clock, operators, kept }))
    }

    fn joined(peers: impl IntoIterator<Item = Peer>, stated: Option<Statements>) -> Self {
        let named = |peer: Peer| (Arc::clone(peer.name()), Arc::new(peer));
        let configured: BTreeMap<_, _> = peers.into_iter().map(named).collect();
        let mut logins = HashMap::new();
        for peer in configured.values() {
            logins.extend(peer.logins().into_iter().map(|login| (login, Arc::clone(peer.name()))));
        }
        Self { inner: Arc::new(Inner { configured, logins, stated }) }
    }

    /// The peer of this name; none: there is none, or it was withdrawn.
    ///
    /// # Errors
    /// When what operators stated was never read, or not for long, and cannot be read now; so for all lookups below.
    pub async fn find(&self, name: &str) -> Result<Option<Arc<Peer>>, StoreError> {
        if let Some(peer) = self.inner.configured.get(name) {
            return Ok(Some(Arc::clone(peer)));
        }
        Ok(self.book().await?.and_then(|book| book.peer(name)))
    }

    /// The peer that logs in with the certificate of this SHA-256.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn by_login(&self, certificate: &[u8; 32]) -> Result<Option<Arc<str>>, StoreError> {
        if let Some(name) = self.inner.logins.get(certificate) {
            return Ok(Some(Arc::clone(name)));
        }
        let Some(book) = self.book().await? else { return Ok(None) };
        Ok(book.by_login(certificate).filter(|name| !self.is_configured(name)))
    }

    /// The names of all that are in force.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn names(&self) -> Result<Vec<Arc<str>>, StoreError> {
        let mut names: Vec<Arc<str>> = self.inner.configured.keys().cloned().collect();
        if let Some(book) = self.book().await? {
            names.extend(book.names().filter(|name| !self.is_configured(name)));
        }
        Ok(names)
    }

    fn is_configured(&self, name: &str) -> bool {
        self.inner.configured.contains_key(name)
    }

    async fn book(&self) -> Result<Option<Arc<Book>>, StoreError> {
        let Some(stated) = &self.inner.stated else { return Ok(None) };
        let now = stated.clock.now();
        stated.kept.current(stated.ledger.reader(), now).await.map(Some)
    }
}

#[cfg(test)]
mod tests;
