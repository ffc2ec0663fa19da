//! A range of the log as one file, which whoever holds it checks without the node.
//!
//! | submodule | what it owns |
//! |---|---|
//! | `plan` | which files an archive has, and in which order: a function of its manifest |
//! | `zip` | the one way in which these files are framed (APPNOTE 6.3, stored, nothing optional) |
//! | `write` | reads the log and hands the archive out piece by piece, in memory that does not grow with the range |
//! | `read` | opens one: what is not framed exactly so is refused, and what is wrong is named |
//! | `check` | whether what it holds is what the checkpoint says |
//!
//! Unpacked it is a folder of C2SP tlog-tiles: `checkpoint`, `tile/entries/`, `tile/<L>/`: whole bundles of the range, their tiles, those above them, and
//! the right edge, so that any client of that format proves each entry. Beside it lies what entries commit to (`details/`, JSON lines), where whoever
//! took it away may see it and it is not erased.
//!
//! What an archive does not prove: that details which are not in it are erased; that the log did not go on after its checkpoint.

mod check;
mod plan;
mod read;
mod write;
mod zip;

pub use check::{Checked, Fault, check};
pub use plan::Manifest;
pub use read::{Archive, Broken};
pub use write::{Export, ExportFailure, RangeWrong};

#[cfg(test)]
mod tests;
