//! Who is it, what may they do.
//!
//! | module | what it holds |
//! |---|---|
//! | [`actor`] | who is asking, once a certificate said so |
//! | [`portal`] | the two portals: logins and sessions of people |
//! | [`login`] | signed challenges, and the word of identity providers |
//! | [`openid`] | OpenID Connect: what a provider says, and when it is believed |
//! | [`session`] | sessions |
//! | [`token`] | API tokens of participants' systems |
//! | [`people`] | who people are and what they are entrusted with |
//! | [`proposals`] | what takes two operators |
//! | [`peers`] | other nodes, of the configuration and as operators state them |
//! | [`registry`] | participants, their mailboxes, certificates, channels and functional addresses, as operators state them |
//! | [`delivery`] | whether a document could be sent, before it is |
//! | [`standing`] | whether a certificate may be relied on right now: path, validity, revocation |
//! | [`trust`] | what operators state of certificates |
//! | [`consent`] | what people keep at the node, what they applied for, and who looked at it |
//! | [`purpose`] | what personal data may be looked at for |
//! | [`erasures`] | what the log holds about a person, erased on the word of two |
//! | [`watch`] | what those who watch do with the log: searches, exports, alerts |
//! | [`decide`] | actions, the permits to do them, and [`Access`], which identifies and decides |
//!
//! Who may do what is written in Cedar (`policies/*.cedar`), checked strictly against `policies/vuzol.cedarschema` before
//! the node starts. This crate knows no HTTP and no document: the rooms above bring the facts of a message or a case and
//! take a [`Permit`] away, without which none of their functions can be called.

pub mod actor;
pub mod consent;
pub mod decide;
pub mod delivery;
mod describe;
pub mod erasures;
mod identify;
mod kept;
pub mod login;
pub mod openid;
pub mod peers;
pub mod people;
mod policies;
pub mod portal;
pub mod proposals;
pub mod purpose;
pub mod registry;
pub mod session;
pub mod standing;
pub mod token;
pub mod trust;
pub mod watch;

pub use actor::{Actor, Person};
pub use decide::{Access, Denied, Permit};
pub use policies::{
    Bundle, BundleError, PolicyError, PolicyFiles, PolicyKeeper, SignedPolicies, UnreadableFiles, distinct_persons,
};

#[cfg(test)]
#[path = "office_tests.rs"]
mod office;
#[cfg(test)]
mod town;
