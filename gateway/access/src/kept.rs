//! Tables as one immutable view in memory: read again after each change of this process, and once a second it is asked whether
//! another process changed them. A lookup in a view never touches the database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use storage::{Reader, StoreError, Tx};
use time::{Duration, OffsetDateTime};

/// How old a view may grow before the database is asked whether it changed.
const FRESH: Duration = Duration::seconds(1);

/// How long the last view serves while the database cannot be read. Past it the node no longer knows who is who.
const STALE: Duration = Duration::seconds(30);

/// What is kept.
pub(crate) trait View: Sized + Send + Sync + 'static {
    /// The tables as they are read, before they are made sense of.
    type Rows: Send + 'static;

    /// The number that grows with each change, in the change's transaction.
    fn stored_version(tx: &mut Tx<'_>) -> Result<i64, StoreError>;

    /// All of the tables, in one transaction. `now`: what is over may be left out.
    fn read(tx: &mut Tx<'_>, now: OffsetDateTime) -> Result<Self::Rows, StoreError>;

    /// What they mean.
    fn of_rows(rows: Self::Rows) -> Result<Self, StoreError>;

    /// The number that was read.
    fn version(&self) -> i64;
}

/// The last view, and when it was true.
pub(crate) struct Kept<V> {
    cached: RwLock<Option<Cached<V>>>,
    refreshing: AtomicBool,
}

struct Cached<V> {
    view: Arc<V>,
    read_at: OffsetDateTime,
}

impl<V> Default for Kept<V> {
    fn default() -> Self {
        Self { cached: RwLock::new(None), refreshing: AtomicBool::new(false) }
    }
}

impl<V: View> Kept<V> {
    /// The current view. One caller at a time looks whether it is current; the others go on with the last one.
    pub(crate) async fn current(&self, reader: &Reader, now: OffsetDateTime) -> Result<Arc<V>, StoreError> {
        let Some((view, read_at)) = self.cached() else { return self.load(reader, now).await };
        let age = now - read_at;
        if (Duration::ZERO..FRESH).contains(&age) {
            return Ok(view);
        }
        let Some(_turn) = Turn::take(&self.refreshing) else { return Ok(view) };
        match self.refresh(&view, reader, now).await {
            Err(error) if (Duration::ZERO..STALE).contains(&age) => {
                tracing::warn!(%error, view = std::any::type_name::<V>(), "cannot be read; the last view serves");
                Ok(view)
            }
            done => done,
        }
    }

    /// After a change: the next lookup reads the database.
    pub(crate) fn forget(&self) {
        *self.cached.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn cached(&self) -> Option<(Arc<V>, OffsetDateTime)> {
        let cached = self.cached.read().unwrap_or_else(PoisonError::into_inner);
        cached.as_ref().map(|cached| (Arc::clone(&cached.view), cached.read_at))
    }

    async fn refresh(&self, view: &Arc<V>, reader: &Reader, now: OffsetDateTime) -> Result<Arc<V>, StoreError> {
        let version = reader.read("view_version", V::stored_version).await?;
        if version != view.version() {
            return self.load(reader, now).await;
        }
        self.keep(Arc::clone(view), now);
        Ok(Arc::clone(view))
    }

    async fn load(&self, reader: &Reader, now: OffsetDateTime) -> Result<Arc<V>, StoreError> {
        let rows = reader.read("load_view", move |tx| V::read(tx, now)).await?;
        let view = Arc::new(V::of_rows(rows)?);
        tracing::debug!(version = view.version(), view = std::any::type_name::<V>(), "read");
        self.keep(Arc::clone(&view), now);
        Ok(view)
    }

    /// A slow reader must not put back what a change has replaced meanwhile.
    fn keep(&self, view: Arc<V>, now: OffsetDateTime) {
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        if cached.as_ref().is_none_or(|cached| cached.view.version() <= view.version()) {
            *cached = Some(Cached { view, read_at: now });
        }
    }
}

/// The right to refresh; given back on drop, also when the request that held it is cancelled.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(flag: &'a AtomicBool) -> Option<Self> {
        flag.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok().then_some(Self(flag))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
