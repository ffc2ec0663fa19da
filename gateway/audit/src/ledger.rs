//! Transactions that cannot commit without their audit row.
use crate::event::{Event, EventDraft};
use std::sync::Arc;
use storage::{Clock, Reader, StoreError, Tx, TxError, Writer};
/// Proof that an event was appended in this transaction. Only `append` makes one.
pub struct Appended { _private: () }
/// A value that may leave a transaction, because its deed is recorded.
pub struct Audited<T> { _value: T }
impl Appended { pub fn with<T>(self, value: T) -> Audited<T> { Audited { _value: value } } }
pub fn append(_tx: &mut Tx<'_>, _event: &Event) -> Result<Appended, StoreError> { todo!() }
#[derive(Clone)]
pub struct Ledger { inner: () }
impl Ledger {
    /// `node`: the log's origin. Makes a boot id.
    pub fn new(_writer: Writer, _reader: Reader, _clock: Arc<dyn Clock>, _node: &str) -> Self { todo!() }
    pub fn prepare(&self, _draft: EventDraft) -> Event { todo!() }
    pub async fn transact<T, E, F>(&self, _name: &'static str, _f: F) -> Result<T, TxError<E>>
    where T: Send + 'static, E: From<StoreError> + Send + 'static, F: FnMut(&mut Tx<'_>) -> Result<Audited<T>, E> + Send + 'static { todo!() }
    /// An audit-only transaction: reads and refusals, before the answer leaves.
    pub async fn record(&self, _draft: EventDraft) -> Result<schemas::EventId, StoreError> { todo!() }
    pub fn reader(&self) -> &Reader { todo!() }
}
