//! Figures: how fast is it, beside those who do the same? The `bench` binary; see `bench --help`.
//!
//! A row is one task, done by us and by each peer that can, in one run on one core. How it is measured stands in [`measure`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`options`] | the command line |
//! | [`measure`] | the method: interleaved rounds, processor time |
//! | [`report`] | lines of JSON, or a table for people |
//! | [`crypto`] | the rows of `bench crypto` |
//! | [`certs`] | the rows of `bench certs` |

pub mod certs;
pub mod crypto;
pub mod measure;
pub mod options;
pub mod report;

use measure::Figure;
use options::{Options, Subject};

/// Measures what the options ask for and hands each row's figures to `report` as soon as they stand.
///
/// # Panics
/// Where ours or a peer does not do its task rightly: nothing is timed that was not checked first.
pub fn run(options: &Options, mut report: impl FnMut(&[Figure])) {
    let (rows, effort) = match &options.subject {
        Subject::Crypto(effort) => (crypto::rows(), effort),
        Subject::Certs(effort) => (certs::rows(), effort),
    };
    for row in rows {
        if effort.wants(row.name) {
            report(&measure::measure(row.name, row.make, effort));
        }
    }
}
