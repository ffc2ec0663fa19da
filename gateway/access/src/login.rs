//! Logins by signed challenge: any qualified certificate serves, whatever its keys, on a token or in a file.
//!
//! | module | what it holds |
//! |---|---|
//! | [`challenge`] | the text that is signed |
//! | `answer` | a signed text: judged, and a session opened |
//! | [`throttle`] | how often it may be tried |
//! | [`secret`] | what the node's processes share |

mod answer;
pub mod challenge;
mod entitlement;
pub mod secret;
pub mod throttle;

pub use answer::LoggedIn;
pub(crate) use answer::Signed;
pub(crate) use entitlement::may_act_for;

#[cfg(test)]
mod tests;
