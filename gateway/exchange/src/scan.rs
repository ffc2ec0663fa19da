//! Malware scanning while a document streams through the intake: what a scanner is asked, what it answers, and what becomes of a
//! document by that. Who scans is the gateway's (`outbound::clamd`).
//!
//! The intake begins a [`Scan`], feeds it what it seals, and asks for the [`Verdict`] before it commits. A scan holds no more of
//! the document than the piece that it is fed.
//!
//! A verdict that was not reached is no verdict: whether such a document is refused or accepted with a mark is the operator's decision,
//! [`Unavailable`], and the only way past it is [`Verdict::judge`].

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

/// Begins scans.
pub trait Scanner: Send + Sync {
    /// Begins a scan of one document. Never fails: a scanner out of reach is what the scan's verdict tells.
    fn begin(&self) -> Pin<Box<dyn Future<Output = Box<dyn Scan>> + Send + '_>>;
}

/// The scan of one document. Dropped, it leaves nothing behind.
pub trait Scan: Send {
    /// Takes in the next octets, however many. Waits as long as the scanner takes to take them in, within bounds of its own;
    /// where the scan came to its end early it takes them in and does nothing.
    fn feed<'a>(&'a mut self, octets: &'a [u8]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

    /// The document is complete: what the scanner says of it, within a bound of time.
    fn finish(self: Box<Self>) -> Pin<Box<dyn Future<Output = Verdict> + Send>>;
}

/// What a scanner says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It knows nothing bad of it.
    Clean,
    /// It recognised something.
    Infected {
        /// What, as the scanner's database calls it: printable, of bounded length.
        signature: String,
    },
    /// It did not look at all of it.
    NotScanned(NotScanned),
}

/// Why a document was not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotScanned {
    /// The document is larger than what is sent to the scanner.
    #[error("the document is larger than what is scanned")]
    TooLarge,
    /// The scanner gave up at a bound of its own: size, depth, number of files, time.
    #[error("the scanner gave up at a bound of its own")]
    ScannersBound,
    /// The scanner found content that is encrypted, which it cannot look into.
    #[error("the document is encrypted: the scanner cannot look into it")]
    Encrypted,
    /// It says that it is a signed file, and nobody can say where in it the content is.
    #[error("the content of the signed file cannot be found")]
    Unwrappable,
    /// Too many documents are being scanned.
    #[error("too many documents are being scanned")]
    Busy,
    /// No connection to the scanner.
    #[error("the scanner cannot be reached")]
    Unreachable,
    /// The scanner did not take in the document, or did not answer, in time.
    #[error("the scanner did not answer in time")]
    TooSlow,
    /// The scanner went away in the middle.
    #[error("the scanner went away in the middle")]
    BrokenOff,
    /// The scanner said that it failed.
    #[error("the scanner failed")]
    ScannerFailed,
    /// The scanner's answer is none of those that it may give; the value is the stable name of what is wrong with it.
    #[error("the scanner's answer cannot be understood: {0}")]
    Unintelligible(&'static str),
}

impl NotScanned {
    /// The stable name, for marks, logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "scan.too_large",
            Self::ScannersBound => "scan.scanners_bound",
            Self::Encrypted => "scan.encrypted",
            Self::Unwrappable => "scan.unwrappable",
            Self::Busy => "scan.busy",
            Self::Unreachable => "scan.unreachable",
            Self::TooSlow => "scan.too_slow",
            Self::BrokenOff => "scan.broken_off",
            Self::ScannerFailed => "scan.scanner_failed",
            Self::Unintelligible(what) => what,
        }
    }

    /// Whether it is the document that cannot be scanned, however often it is sent.
    #[must_use]
    pub fn is_of_the_document(self) -> bool {
        match self {
            Self::TooLarge | Self::ScannersBound | Self::Encrypted | Self::Unwrappable => true,
            Self::Busy
            | Self::Unreachable
            | Self::TooSlow
            | Self::BrokenOff
            | Self::ScannerFailed
            | Self::Unintelligible(_) => false,
        }
    }
}

/// What becomes of a document that was not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unavailable {
    /// It is refused.
    Refuse,
    /// It is accepted, and the mark says why it was not scanned.
    Mark,
}

impl Unavailable {
    /// The name in configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Mark => "mark",
        }
    }
}

/// A document may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// It was scanned, and nothing bad is known of it.
    Scanned,
    /// It was not scanned, and the operator accepts such documents with this mark.
    Marked(NotScanned),
}

/// A document may not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Something was recognised in it. No setting lets it pass.
    Infected {
        /// What.
        signature: String,
    },
    /// It was not scanned, and the operator refuses such documents.
    NotScanned(NotScanned),
}

impl Verdict {
    /// Whether the document may pass.
    ///
    /// # Errors
    /// [`Stopped`] says why not.
    pub fn judge(self, unavailable: Unavailable) -> Result<Passage, Stopped> {
        match (self, unavailable) {
            (Self::Clean, _) => Ok(Passage::Scanned),
            (Self::Infected { signature }, _) => Err(Stopped::Infected { signature }),
            (Self::NotScanned(why), Unavailable::Mark) => Ok(Passage::Marked(why)),
            (Self::NotScanned(why), Unavailable::Refuse) => Err(Stopped::NotScanned(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_scanned_and_is_clean_passes_unmarked() {
        let infected = || Verdict::Infected { signature: "Eicar".to_owned() };
        let unscanned = || Verdict::NotScanned(NotScanned::BrokenOff);
        for unavailable in [Unavailable::Refuse, Unavailable::Mark] {
            assert_eq!(Verdict::Clean.judge(unavailable), Ok(Passage::Scanned));
            let stopped = Stopped::Infected { signature: "Eicar".to_owned() };
            assert_eq!(infected().judge(unavailable), Err(stopped), "no setting lets malware pass");
        }
        assert_eq!(unscanned().judge(Unavailable::Refuse), Err(Stopped::NotScanned(NotScanned::BrokenOff)));
        assert_eq!(unscanned().judge(Unavailable::Mark), Ok(Passage::Marked(NotScanned::BrokenOff)));
    }
}
