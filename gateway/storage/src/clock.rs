//! The clock of services. Pure code takes time as an argument instead.
use time::OffsetDateTime;
/// Tells the time in UTC, truncated to microseconds (what storage keeps).
pub trait Clock: Send + Sync { fn now(&self) -> OffsetDateTime; }
pub struct SystemClock;
impl Clock for SystemClock { fn now(&self) -> OffsetDateTime { todo!() } }
/// A clock that tests move.
pub struct ManualClock { inner: () }
impl ManualClock { pub fn new(_at: OffsetDateTime) -> Self { todo!() } pub fn set(&self, _at: OffsetDateTime) { todo!() } pub fn advance(&self, _by: time::Duration) { todo!() } }
impl Clock for ManualClock { fn now(&self) -> OffsetDateTime { todo!() } }
