//! Logins by signed challenge: any qualified certificate serves, whatever its keys, on a token or in a file. And logins by the word of an
//! identity provider.
//!
//! | module | what it holds |
//! |---|---|
//! | [`challenge`] | the text that is signed |
//! | `answer` | a signed text: judged, and a session opened |
//! | [`provider`] | there and back by way of an identity provider, and a session opened |
//! | [`attempt`] | what the browser keeps meanwhile |
//! | [`throttle`] | how often it may be tried |
//! | [`secret`] | what the node's processes share |

mod answer;
pub mod attempt;
pub mod challenge;
mod entitlement;
pub mod provider;
pub mod secret;
pub mod throttle;

pub use answer::LoggedIn;
pub(crate) use answer::Signed;
pub(crate) use entitlement::may_act_for;

#[cfg(test)]
mod enrolment_tests;
#[cfg(test)]
mod provider_tests;
#[cfg(test)]
mod tests;
