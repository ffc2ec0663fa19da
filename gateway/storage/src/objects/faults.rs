//! A folder that fails when a test says so, as networks and disks do: before the work was done, or after it, when only the answer was lost.
//!
//! Every [`Objects`] has the seam; none but those of a test have faults in it.

use super::Objects;
use crate::store::StoreError;
use std::future::Future;
use std::sync::Arc;

/// What is asked of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// An object is written, synced or not, new or not.
    Put,
    /// Objects are made durable.
    Sync,
    /// An object is read whole.
    Read,
    /// An object is removed.
    Delete,
    /// Objects are listed.
    List,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is wrong.
    None,
    /// It fails, and nothing is done.
    Before,
    /// It is done, and the caller is told that it failed.
    After,
}

/// Decides of each call, by what is asked and the key.
pub type Faults = Arc<dyn Fn(Call, &str) -> Fault + Send + Sync>;

impl Objects {
    /// The same folder, with faults.
    #[must_use]
    pub fn failing(self, faults: Faults) -> Self {
        Self { faults: Some(faults), ..self }
    }

    pub(super) async fn may_fail<T>(
        &self,
        call: Call,
        key: &str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(faults) = &self.faults else { return work.await };
        let lost = || StoreError::Objects(format!("{call:?} {key}: no answer"));
        match faults(call, key) {
            Fault::None => work.await,
            Fault::Before => Err(lost()),
            Fault::After => {
                let _ = work.await;
                Err(lost())
            }
        }
    }
}
