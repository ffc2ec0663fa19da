//! What the node asks of the world, and whom it believes: the one hardened outbound client (OCSP, CRL, time-stamps,
//! certificates of authorities), trust anchors from folders, identity providers, and the malware scanner of the configuration.
//!
//! Nothing a stranger sends makes the node open a connection by itself: a URL is used only from a certificate whose path
//! leads to an anchor (the type `VerifiedPath` says so) or that an operator gave us, and only where its host is on the
//! operator's list.

mod address;
pub(crate) mod alerts;
pub(crate) mod anchors;
mod breaker;
mod cache;
mod clamd;
mod fetch;
mod issuers;
mod keeper;
#[cfg(test)]
pub(crate) mod liar;
pub(crate) mod lists;
pub(crate) mod mirrored;
pub(crate) mod openid;
pub(crate) mod relay;
mod revocation;
pub(crate) mod syslog;
mod timestamp;
pub(crate) mod trust;
pub(crate) mod trusted_lists;
mod webhook;
pub(crate) mod witnesses;

pub use clamd::Clamd;
pub use fetch::FetchError;
pub(crate) use fetch::Fetcher;
pub(crate) use issuers::Issuers;
pub(crate) use keeper::TrustKeeper;
pub use revocation::Revocation;
pub(crate) use revocation::{Sources, collect_lists};
pub use timestamp::{StampError, TimestampClient};
pub use trust::{FolderTrust, TrustProblem};
pub(crate) use trusted_lists::TrustedLists;
pub(crate) use webhook::Webhooks;
