//! Transactions that cannot commit without their audit row.
//!
//! The rooms above hold no [`Writer`], only a [`Ledger`]; the one way through it to a commit is [`Ledger::transact`],
//! whose closure must return an [`Audited`]; the only way to an [`Audited`] is [`Appended::with`], and the only way to an
//! [`Appended`] is [`append`] into the open transaction. Neither can leave the closure it was made in and serve another:
//! both are `!Send`, while all that a transaction's closure captures or hands out must be `Send`. So, by type, whatever
//! changed has a row in the log, in the same commit.
//!
//! What the types do not say: that the event tells the truth about the deed. That is for tests of the deed.

use crate::event::{Event, EventDraft, Source};
use schemas::EventId;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::ids::FreshId;
use storage::{Clock, Reader, StoreError, Tx, TxError, Writer};

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
/// [`StoreError::Conflict`] for an event that was appended before; any other failure of the database. The caller's
/// transaction must fail with it.
pub fn append(tx: &mut Tx<'_>, event: &Event) -> Result<Appended, StoreError> {
    let outbox = "-- append
        INSERT INTO audit_outbox (event_id, at, entry) VALUES ($1, $2, $3)";
    let payload = "-- append
        INSERT INTO audit_payload (event_id, salt, details) VALUES ($1, $2, $3)";
    let id = event.id();
    tx.execute(outbox, &[id.as_bytes().into(), event.at().into(), event.entry().into()])?;
    if let Some(committed) = event.payload() {
        tx.execute(payload, &[id.as_bytes().into(), (&committed.salt).into(), (&committed.details).into()])?;
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
}

impl Ledger {
    /// `node`: the log's origin. Makes a boot id.
    #[must_use]
    pub fn new(writer: Writer, reader: Reader, clock: Arc<dyn Clock>, node: &str) -> Self {
        let boot = crypto::digest::hex(&crypto::random::array::<16>());
        let inner = Inner { writer, reader, clock, node: node.to_owned(), boot, prepared: AtomicU64::new(0) };
        Self { inner: Arc::new(inner) }
    }

    /// Completes an event, outside any transaction: a closure that runs twice appends the same event twice.
    #[must_use]
    pub fn prepare(&self, draft: EventDraft) -> Event {
        let inner = &self.inner;
        let at = inner.clock.now();
        let n = inner.prepared.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        Event::new(&draft, EventId::fresh(at), at, &Source { node: &inner.node, boot: &inner.boot, n })
    }

    /// Runs a transaction that records what it does. `name` is a label of metrics and logs.
    ///
    /// # Errors
    /// As [`Writer::run_tx`]. Nothing is recorded then: a refusal that must be on record goes through
    /// [`record`](Self::record).
    pub async fn transact<T, E, F>(&self, name: &'static str, mut f: F) -> Result<T, TxError<E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<Audited<T>, E> + Send + 'static,
    {
        self.inner.writer.run_tx(name, move |tx| f(tx).map(|audited| audited.value)).await
    }

    /// An audit-only transaction: for reads and refusals, before the answer leaves.
    ///
    /// # Errors
    /// Failures of the database: then the answer must not leave.
    pub async fn record(&self, draft: EventDraft) -> Result<EventId, StoreError> {
        let event = self.prepare(draft);
        let id = event.id();
        let recorded = self.transact("audit_record", move |tx| Ok(append(tx, &event)?.with(id)));
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
