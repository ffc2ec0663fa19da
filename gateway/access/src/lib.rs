//! Who is it, what may they do.
pub mod actor;
pub mod decide;
pub mod registry;
pub use actor::Actor;
pub use decide::{Access, Denied, Permit};
