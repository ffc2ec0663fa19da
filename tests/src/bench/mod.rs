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
//! | [`signing`] | the rows of `bench signing` |
//! | [`access`] | the rows of `bench access` for decisions, timed by themselves |
//! | [`logins`] | the rows of `bench access` for logins, in processor time of the whole process |
//! | [`audit`] | the rows of `bench audit`, timed by themselves |
//! | [`hundred_million`] | those of them about a log of that size |
//! | [`footprint`] | the rows of `bench memory`, in processes of their own |
//! | [`memory`] | what the process holds at most |

pub mod access;
pub mod audit;
pub mod certs;
pub mod crypto;
pub mod footprint;
pub mod hundred_million;
pub mod logins;
pub mod measure;
pub mod memory;
pub mod options;
pub mod report;
pub mod signing;

use measure::Figure;
use options::Subject;

/// Measures what the options ask for and hands each row's figures to `report` as soon as they stand.
///
/// # Panics
/// Where ours or a peer does not do its task rightly: nothing is timed that was not checked first.
pub fn run(subject: &Subject, mut report: impl FnMut(&[Figure])) {
    let (rows, effort) = match subject {
        Subject::Crypto(effort) => (crypto::rows(), effort),
        Subject::Certs(effort) => (certs::rows(), effort),
        Subject::Signing { documents, effort } => {
            for row in signing::PEAKS.into_iter().filter(|row| effort.wants(row.0)) {
                report(signing::peak(row).as_slice());
            }
            (signing::rows(documents.as_deref()), effort)
        }
        Subject::Access(effort) => {
            for row in access::ROWS.into_iter().filter(|row| effort.wants(row.0)) {
                report(&[access::figure(row, effort)]);
            }
            for row in logins::ROWS.into_iter().filter(|row| effort.wants(row.0)) {
                report(&[logins::figure(row)]);
            }
            return;
        }
        Subject::Audit(effort) => {
            for (_, figures) in audit::ROWS.into_iter().filter(|row| effort.wants(row.0)) {
                report(&figures(effort));
            }
            return;
        }
        // In processes of their own: see [`footprint::run`].
        Subject::Memory(_) => return,
    };
    for row in rows {
        if effort.wants(row.name) {
            report(&measure::measure(row, effort));
        }
    }
}
