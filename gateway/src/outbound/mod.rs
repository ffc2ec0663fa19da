//! What the node asks of the world, and whom it believes: the one hardened outbound client (OCSP and CRL), and trust
//! anchors from folders.
//!
//! Nothing a stranger sends makes the node open a connection by itself: a URL is used only from a certificate whose path
//! leads to an anchor (the type `VerifiedPath` says so), and only where its host is on the operator's list.

mod address;
mod breaker;
mod fetch;
pub(crate) mod lists;
mod revocation;
pub(crate) mod trust;

pub use revocation::Revocation;
pub(crate) use revocation::collect_lists;
pub use trust::{FolderTrust, TrustProblem};
