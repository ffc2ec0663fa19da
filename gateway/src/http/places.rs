//! Places for connections at one door: a bounded number, and who gives theirs up when all are taken.
//!
//! An honest client keeps its connections for its next requests, and one that keeps very many would lock everybody else out without a request. So
//! when a place is wanted and none is free, the connection that has rested longest is asked to end: no request of it is under way, and nothing went
//! over it for [`REST`]. What is being answered, sent or received is never cut short. Where nobody rests, whoever comes waits in the kernel's
//! bounded queue.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::identity::Connection;

/// How long nothing must have gone over a connection that has to give way.
const REST: Duration = Duration::from_secs(1);

/// How often somebody who gives way is looked for while none does.
const LOOK: Duration = Duration::from_millis(50);

/// The places of a door.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    next: AtomicU64,
    taken: Mutex<HashMap<u64, Arc<Connection>>>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    number: u64,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many.
    pub(crate) fn new(most: u32) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX)));
        Arc::new(Self { free, next: AtomicU64::new(0), taken: Mutex::default() })
    }

    /// Waits for a place, and has others make room meanwhile.
    ///
    /// # Errors
    /// Never: nobody closes the semaphore.
    pub(crate) async fn take(self: &Arc<Self>) -> Result<Place, AcquireError> {
        let place = Arc::clone(&self.free).acquire_owned();
        tokio::pin!(place);
        let permit = loop {
            match tokio::time::timeout(LOOK, place.as_mut()).await {
                Ok(permit) => break permit?,
                Err(_) => self.make_room(Instant::now()),
            }
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(Place { places: Arc::clone(self), number, _permit: permit })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the one that rests longest to end. It is asked once: who does not go at once is not asked again and again in place of others.
    fn make_room(&self, now: Instant) {
        let mut taken = self.taken();
        let resting = taken.iter().filter_map(|(number, connection)| Some((connection.activity().rest(now)?, *number)));
        let longest = resting.filter(|(rest, _)| *rest >= REST).max();
        if let Some(connection) = longest.and_then(|(_, number)| taken.remove(&number)) {
            metrics::counter!("vuzol_connections_given_up_total").increment(1);
            connection.dismiss();
        }
    }
}

impl Place {
    /// Whose it is: from now on they may have to give it up.
    pub(crate) fn is_of(&self, connection: &Arc<Connection>) {
        self.places.taken().insert(self.number, Arc::clone(connection));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().remove(&self.number);
    }
}
