//! The section of bounds.

use serde::{Deserialize, Serialize};

use super::LoginLimits;

/// Bounds. They can be lowered here, never raised above `schemas::limits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Largest document in bytes; default and maximum 2 GiB. Too small: honest documents answer `request.too_large`.
    pub document_bytes: Option<u64>,
    /// Connections at a time, default 1024. When all are taken, the one that has rested longest is asked to end. Too small: clients whose next
    /// request comes after a second connect anew each time, and where all are busy wait to be accepted. Too large: the process runs out of
    /// file descriptors (`ulimit -n` must be above twice this number).
    pub connections: Option<u32>,
    /// TLS handshakes computed at a time, default 32. Too small: clients that all come back at once wait. Too large: their
    /// signatures take the processor from those who are connected.
    pub handshakes: Option<u32>,
    /// Submissions worked on at a time, at most; default 512. The node itself finds how many below that it can do quickly. Too small: it
    /// answers `node.overloaded` while it is idle.
    pub submissions: Option<u32>,
    /// What one participant may use.
    pub participant: ParticipantLimits,
    /// How often logins are tried.
    pub logins: LoginLimits,
}

/// What one participant may use. Past it the answer is 429 with a code of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ParticipantLimits {
    /// Requests a second on average. Too small: honest systems answer `quota.requests`.
    pub requests_per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
    /// Submissions under way at once (`quota.concurrent`).
    pub concurrent_submissions: u32,
    /// Bytes uploaded in a day of UTC (`quota.bytes`).
    pub bytes_per_day: u64,
    /// Messages that may wait in a mailbox, not yet accepted or refused (`quota.mailbox_full`). Kept roughly: messages of a
    /// second more may come in.
    pub mailbox_messages: u64,
}

impl Default for ParticipantLimits {
    fn default() -> Self {
        Self {
            requests_per_second: 1000,
            burst: 5000,
            concurrent_submissions: 128,
            bytes_per_day: 100 << 30,
            mailbox_messages: 1_000_000,
        }
    }
}

impl LimitsConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let most = schemas::limits::DOCUMENT_BYTES;
        if self.document_bytes.is_some_and(|bytes| !(1..=most).contains(&bytes)) {
            return Err(("limits.document_bytes", format!("must be 1 to {most}")));
        }
        if self.connections.is_some_and(|connections| !(1..=65_536).contains(&connections)) {
            return Err(("limits.connections", "must be 1 to 65536".to_owned()));
        }
        if self.handshakes.is_some_and(|handshakes| !(1..=65_536).contains(&handshakes)) {
            return Err(("limits.handshakes", "must be 1 to 65536".to_owned()));
        }
        if self.submissions.is_some_and(|submissions| !(8..=65_536).contains(&submissions)) {
            return Err(("limits.submissions", "must be 8 to 65536".to_owned()));
        }
        self.logins.check()?;
        let ParticipantLimits { requests_per_second, burst, concurrent_submissions, bytes_per_day, mailbox_messages } =
            self.participant;
        let numbers = [
            ("limits.participant.requests_per_second", u64::from(requests_per_second)),
            ("limits.participant.burst", u64::from(burst)),
            ("limits.participant.concurrent_submissions", u64::from(concurrent_submissions)),
            ("limits.participant.bytes_per_day", bytes_per_day),
            ("limits.participant.mailbox_messages", mailbox_messages),
        ];
        // TOML's numbers have a sign.
        match numbers.into_iter().find(|(_, number)| *number == 0 || i64::try_from(*number).is_err()) {
            Some((key, _)) => Err((key, format!("must be 1 to {}", i64::MAX))),
            None => Ok(()),
        }
    }
}

impl ParticipantLimits {
    /// Keys and values of the section.
    pub(super) fn to_toml(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("requests_per_second", Some(self.requests_per_second.to_string())),
            ("burst", Some(self.burst.to_string())),
            ("concurrent_submissions", Some(self.concurrent_submissions.to_string())),
            ("bytes_per_day", Some(self.bytes_per_day.to_string())),
            ("mailbox_messages", Some(self.mailbox_messages.to_string())),
        ]
    }
}
