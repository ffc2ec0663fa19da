//! `conformance`: public conformance suites over the product's own code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tests::conformance::documents::{self, Judge};
use tests::conformance::{Outcome, limbo, pkits};

/// Runs a conformance suite: prints each row that does not agree, and in the last line how many do.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    suite: Suite,
}

#[derive(Subcommand)]
enum Suite {
    /// x509-limbo: paths of TLS peers.
    Limbo {
        /// The suite's limbo.json.
        file: PathBuf,
    },
    /// NIST PKITS: paths, policies, revocation lists.
    Pkits {
        /// The folder with cases.csv, certs and crls.
        folder: PathBuf,
    },
    /// Signed documents: is every signature intact or broken as the table says, and are conclusions and levels those that it states?
    Documents {
        /// The table, expected.csv; the folder `files` lies beside it.
        table: PathBuf,
        /// Ask `vuzol verify --json` of this binary, a process a row, instead of the library.
        #[arg(long, value_name = "PATH")]
        binary: Option<PathBuf>,
    },
}

/// 0: all rows agree or are known divergences; 1: some do not; 2: the suite cannot be read.
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the result of a command-line program")]
fn main() -> ExitCode {
    let outcome: Result<Outcome, String> = match Arguments::parse().suite {
        Suite::Limbo { file } => limbo::run(&file),
        Suite::Pkits { folder } => pkits::run(&folder),
        Suite::Documents { table, binary } => {
            documents::run(&table, binary.as_deref().map_or(Judge::Library, Judge::Command))
        }
    };
    match outcome {
        Ok(outcome) => {
            println!("{outcome}");
            if outcome.unexplained().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}
