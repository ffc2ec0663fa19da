//! The answers of `add-checkpoint`.

use super::request::RequestFault;

/// One of the answers that C2SP tlog-witness knows, for the door to send as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: signature lines. The memory of them is durable.
    Cosigned(String),
    /// 400: not what the protocol asks for.
    Malformed(RequestFault),
    /// 403: no key that is trusted for this origin signed it, or one of them falsely.
    Untrusted,
    /// 404: a log that is not witnessed.
    UnknownOrigin,
    /// 409: the proof does not start at what was cosigned last, which has this size.
    Conflict {
        /// Leaves of the latest checkpoint that was cosigned; 0 where none was.
        size: u64,
    },
    /// 422: it does not continue what was cosigned last.
    Unprocessable(Refusal),
}

/// Why a checkpoint does not continue the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The proof does not verify.
    #[error("the consistency proof does not verify")]
    Inconsistent,
    /// A proof where there is nothing to start from.
    #[error("a consistency proof from the empty tree must be empty")]
    ProofFromNothing,
    /// The same size with another root: the log has forked. Both notes were kept.
    #[error("another root of this size was cosigned: the log has forked")]
    AnotherRoot,
    /// A tree without leaves whose root is not that of the empty tree.
    #[error("a checkpoint of size 0 has another root than the empty tree")]
    RootOfEmptyTree,
}

impl Answer {
    /// The status of HTTP.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Malformed(_) => 400,
            Self::Untrusted => 403,
            Self::UnknownOrigin => 404,
            Self::Conflict { .. } => 409,
            Self::Unprocessable(_) => 422,
        }
    }

    /// The `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The body. Of refusals it is a line for people.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(lines) => lines.clone(),
            Self::Malformed(fault) => format!("{fault}\n"),
            Self::Untrusted => "no signature of a key that is trusted for this log\n".to_owned(),
            Self::UnknownOrigin => "this log is not witnessed here\n".to_owned(),
            Self::Conflict { size } => format!("{size}\n"),
            Self::Unprocessable(refusal) => format!("{refusal}\n"),
        }
    }
}
