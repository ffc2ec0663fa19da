//! Transactions that cannot commit without their audit row.
//!
//! The rooms above hold no [`Writer`], only a [`Ledger`]; the one way through it to a commit is [`Ledger::transact`],
//! whose closure must return an [`Audited`]; the only way to an [`Audited`] is [`Appended::with`], and the only way to an
//! [`Appended`] is [`append`] into the open transaction. Neither can leave the closure it was made in and serve another:
//! both are `!Send`, while all that a transaction's closure captures or hands out must be `Send`. So, by type, whatever
//! changed has a row in the log, in the same commit.
//!
//! What the types do not say: that the event tells the truth about the deed. That is for tests of the deed.

use crate::event::{Action, Event, EventDraft, Source};
use crate::payload::{self, PayloadKeys};
use schemas::EventId;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use storage::ids::FreshId;
use storage::{Clock, Reader, Space, StoreError, Tx, TxError, Writer};

/// Proof that an event was appended in this transaction. Only [`append`] makes one.
///
/// ```compile_fail
/// fn leaves_its_thread<T: Send>() {}
/// leaves_its_thread::<audit::Appended>();
/// ```
pub struct Appended {
    stays: PhantomData<*const ()>,
}

/// A value that may leave a transaction, because its deed is recorded.
///
/// ```compile_fail
/// fn leaves_its_thread<T: Send>() {}
/// leaves_its_thread::<audit::Audited<u8>>();
/// ```
pub struct Audited<T> {
    value: T,
    stays: PhantomData<*const ()>,
}

impl Appended {
    /// The value that the transaction answers.
    #[must_use]
    pub fn with<T>(self, value: T) -> Audited<T> {
        Audited { value, stays: self.stays }
    }
}

/// Writes the event into the open transaction. Several events in one transaction are several calls.
///
/// # Errors
/// [`StoreError::Conflict`] for an event that was appended before, here or at the commit ([`Tx::insert`]); any other failure of the database. The caller's
/// transaction must fail with it.
pub fn append(tx: &mut Tx<'_>, event: &Event) -> Result<Appended, StoreError> {
    let outbox = "-- append
        INSERT INTO audit_outbox (event_id, at, entry) VALUES ($1, $2, $3)";
    let payload = "-- append
        INSERT INTO audit_payload (event_id, salt, details) VALUES ($1, $2, $3)";
    let id = event.id();
    tx.insert(outbox, &[id.as_bytes().into(), event.at().into(), event.entry().into()])?;
    if let Some(committed) = event.payload() {
        tx.insert(payload, &[id.as_bytes().into(), (&committed.salt).into(), (&committed.details).into()])?;
    }
    if let Some(sealed) = event.sealed() {
        payload::insert(tx, id, sealed)?;
    }
    Ok(Appended { stays: PhantomData })
}

/// The way to the database for everyone above this room.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    reader: Reader,
    clock: Arc<dyn Clock>,
    node: String,
    boot: String,
    prepared: AtomicU64,
    /// No deed is begun for whose record there might be no room.
    space: Space,
    /// Too much waits for its checkpoint: nothing is added to it.
    held_back: AtomicBool,
    /// Under which what entries commit to is sealed; None: it lies in the clear.
    keys: Option<Arc<PayloadKeys>>,
}

impl Ledger {
    /// `node`: the log's origin. Makes a boot id. Does not watch the disk.
    #[must_use]
    pub fn new(writer: Writer, reader: Reader, clock: Arc<dyn Clock>, node: &str) -> Self {
        Self::on(writer, reader, clock, node, Space::unwatched())
    }

    /// The same on a disk that is watched: where it is nearly full deeds are refused, each before it is begun. What is in the outbox by then is numbered and
    /// published all the same: the log writes past the ledger.
    #[must_use]
    pub fn on(writer: Writer, reader: Reader, clock: Arc<dyn Clock>, node: &str, space: Space) -> Self {
        Self::sealing(writer, reader, clock, node, space, None)
    }

    /// The same, and what entries commit to is sealed.
    #[must_use]
    pub fn sealing(
        writer: Writer,
        reader: Reader,
        clock: Arc<dyn Clock>,
        node: &str,
        space: Space,
        keys: Option<Arc<PayloadKeys>>,
    ) -> Self {
        let boot = crypto::digest::hex(&crypto::random::array::<16>());
        let (prepared, held_back) = (AtomicU64::new(0), AtomicBool::new(false));
        let inner = Inner { writer, reader, clock, node: node.to_owned(), boot, prepared, space, held_back, keys };
        Self { inner: Arc::new(inner) }
    }

    /// Whether a deed that is begun now would be refused for want of room: to be asked before its content is taken in.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.inner.space.accepts()
    }

    /// Refuses deeds ([`StoreError::Overloaded`]) for as long as more waits for its checkpoint than may, as whoever watches the log says.
    pub fn hold_back(&self, too_much_waits: bool) {
        self.inner.held_back.store(too_much_waits, Ordering::Relaxed);
    }

    fn refuse_beyond_bounds(&self) -> Result<(), StoreError> {
        if !self.inner.space.accepts() {
            return Err(StoreError::NoSpace);
        }
        if self.inner.held_back.load(Ordering::Relaxed) { Err(StoreError::Overloaded) } else { Ok(()) }
    }

    /// Completes an event, outside any transaction: a closure that runs twice appends the same event twice.
    #[must_use]
    pub fn prepare(&self, draft: EventDraft) -> Event {
        let inner = &self.inner;
        let at = inner.clock.now();
        let n = inner.prepared.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let event = Event::new(&draft, EventId::fresh(at), at, &Source { node: &inner.node, boot: &inner.boot, n });
        match &inner.keys {
            Some(keys) => event.seal(&draft, keys),
            None => event,
        }
    }

    /// Runs a transaction that records what it does. `name` is a label of metrics and logs.
    ///
    /// # Errors
    /// As [`Writer::run_tx`]. Nothing is recorded then: a refusal that must be on record goes through
    /// [`record`](Self::record). [`StoreError::NoSpace`] where the disk is nearly full.
    pub async fn transact<T, E, F>(&self, name: &'static str, f: F) -> Result<T, TxError<E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<Audited<T>, E> + Send + 'static,
    {
        self.refuse_beyond_bounds().map_err(TxError::Store)?;
        self.commit(name, f).await
    }

    async fn commit<T, E, F>(&self, name: &'static str, mut f: F) -> Result<T, TxError<E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<Audited<T>, E> + Send + 'static,
    {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&keys);
        let run = move |tx: &mut Tx<'_>| {
            // What an earlier transaction on this thread left that did not come so far.
            drop(payload::take_written());
            let end = f(tx).map(|audited| audited.value);
            *written.lock().unwrap_or_else(PoisonError::into_inner) = payload::take_written();
            end
        };
        let end = self.inner.writer.run_tx(name, run).await;
        if end.is_ok() {
            payload::committed(&keys.lock().unwrap_or_else(PoisonError::into_inner));
        }
        if matches!(end, Err(TxError::Store(StoreError::NoSpace))) {
            self.inner.space.met_full();
        }
        end
    }

    /// An audit-only transaction: for reads and refusals, before the answer leaves.
    ///
    /// # Errors
    /// Failures of the database: then the answer must not leave.
    pub async fn record(&self, draft: EventDraft) -> Result<EventId, StoreError> {
        // A node that was stopped by a full disk must be able to start, or nothing finishes what it had committed.
        if draft.action != Action::NodeStarted {
            self.refuse_beyond_bounds()?;
        }
        let event = self.prepare(draft);
        let id = event.id();
        let recorded = self.commit("audit_record", move |tx| Ok(append(tx, &event)?.with(id)));
        recorded.await.map_err(|error| match error {
            TxError::Refused(error) | TxError::Store(error) => error,
        })
    }

    /// Readings, which change nothing; whether one must be on record is for the caller to decide.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.inner.reader
    }
}
