//! May this certificate be believed at time T?
pub mod certificate;
pub mod dev;
pub mod name;
pub mod path;
pub mod revocation;
pub mod timestamp;
pub mod trust;
