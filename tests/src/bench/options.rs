//! The command line of the `bench` binary.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::footprint::Footprint;

/// Measures the product beside others that do the same, in one run on one core.
///
/// Each row is one task. Everything is checked before it is timed. Rounds of all implementations of a row follow each other in
/// turn; of each, the fastest round counts (processor time of the thread), for what else the machine does can only add.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench", max_term_width = 120)]
pub struct Options {
    /// What to measure.
    #[command(subcommand)]
    pub subject: Subject,
}

/// What can be measured.
#[derive(Debug, Clone, Subcommand)]
pub enum Subject {
    /// Signatures, hashes and ciphers of the crate `crypto`, beside other implementations.
    Crypto(Effort),
    /// Paths and revocation lists of the crate `certs`, beside rustls-webpki; sets made to exhaust.
    Certs(Effort),
    /// Validation of signed documents beside OpenSSL's CMS_verify, a detached gibibyte, and envelopes.
    ///
    /// The documents are files of the corpus `cades` (VUZOL_CORPORA names the folder of corpora) and of the source that it was taken from.
    Signing {
        /// A folder with further documents, looked at first.
        #[arg(long, value_name = "DIR")]
        documents: Option<PathBuf>,
        /// How, and how long.
        #[command(flatten)]
        effort: Effort,
    },
    /// Decisions and logins of the crate `access`: what a decision takes by the shipped policies, and by five hundred; logins a second of a processor.
    Access(Effort),
    /// The log of the crate `audit`: durable records of 64 clients, integration, proofs, verification of a million entries.
    Audit(Effort),
    /// Memory at the peak, of look-ups in a list of 60 MB and of sets made to exhaust, each in a process of its own (Linux).
    Memory(Footprint),
}

/// How to measure, and what of it.
#[derive(Debug, Clone, Args)]
pub struct Effort {
    /// One JSON object a line instead of a table: {"name","by","ops_per_s", "mib_per_s", "peak_mib" or "p50_us" and "p99_us"}.
    #[arg(long)]
    pub json: bool,
    /// Rounds of each implementation.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// About how long a round takes, in milliseconds.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub milliseconds: u32,
    /// Only the rows whose names contain this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub only: Vec<String>,
}

impl Effort {
    /// Whether the row of that name is to be measured.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| name.contains(text.as_str()))
    }
}
