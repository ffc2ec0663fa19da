//! Carriers: take queued messages to where they go.
use crate::service::Exchange;
use storage::StoreError;
impl Exchange {
    /// One round: leases due delivery jobs, consigns to local mailboxes (D.1). Returns how many.
    pub async fn deliver_round(&self, _limit: u32) -> Result<usize, StoreError> { todo!() }
    /// Resolves when a new job may be there (in-process notice), for prompt delivery.
    pub async fn work_arrived(&self) { todo!() }
    /// Removes staged objects that no message names and that are older than an hour.
    pub async fn sweep(&self) -> Result<usize, StoreError> { todo!() }
}
