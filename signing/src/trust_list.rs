//! Trusted lists as signed documents, ETSI TS 119 612, and the only way from octets to a list that is believed: ETSI TS 119 615, 4.1
//! and 4.2.
//!
//! | module | what it does | source |
//! |---|---|---|
//! | `authenticate` | octets and who may sign them, to an [`AuthenticatedList`] | TS 119 612, 5.7 |
//! | `succession` | whether a list may take the place of another, and when it should have been replaced | TS 119 612, 5.3.2, 5.3.14, 5.3.15 |
//! | `pivots` | a list of lists whose signers have changed since they were published | TS 119 615, 4.1.4 |
//! | `element` | the verified tree, as `certs` reads it | |
//! | `refused` | why a list is not believed, in words | |
//!
//! ```text
//! authenticate(octets, signers, suite, at) -> AuthenticatedList -> may_replace(held, at) -> certs::trust_list::Services
//! ```
//!
//! What a list says is read from the very element that its signature covers. Who may sign it comes from a list of lists that was
//! authenticated, or from the operator, and never from the list itself.
//!
//! Not here: what a list means (`certs`), where it is fetched and kept (the gateway).

mod authenticate;
mod element;
mod pivots;
mod refused;
mod succession;

#[cfg(test)]
pub(crate) mod tests;

pub use authenticate::{AuthenticatedList, authenticate, authenticate_as_issued};
pub use element::ListElement;
pub use pivots::{PivotRefused, authenticate_along, pivot_locations, signers_announced};
pub use refused::ListRefused;
