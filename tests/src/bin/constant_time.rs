//! `constant_time`: does the time of an operation tell its secret? See `constant_time --help`.

use std::process::ExitCode;

use clap::Parser;
use tests::chance::Chance;
use tests::constant_time::{THRESHOLD, targets};

/// Times each operation with a fixed secret and with random ones, and tests whether the times differ (Welch's t-test, as dudect).
///
/// |t| above 10 in three runs after each other is a leak. A small |t| proves nothing; give more measurements to see more. The exit code is 1 where
/// the code leaks, or where a leak that was sown is not found.
#[derive(Debug, Parser)]
#[command(name = "constant_time", max_term_width = 120)]
struct Options {
    /// Measurements of each operation.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    measurements: u32,
    /// Only the operations whose names contain this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

#[allow(clippy::print_stdout, reason = "the result of a command-line program")]
fn main() -> ExitCode {
    let options = Options::parse();
    let mut chance = Chance::new(1);
    let mut as_expected = true;
    for mut target in targets::all() {
        if options.only.as_ref().is_some_and(|text| !target.name.contains(text.as_str())) {
            continue;
        }
        let measurements = usize::try_from(options.measurements).unwrap_or(usize::MAX);
        let (tells, t) = target.tells(measurements, &mut chance);
        let verdict = match (tells, target.leaks) {
            (true, true) => "leaks, as sown",
            (false, false) => "no leak seen",
            (true, false) => "LEAKS",
            (false, true) => "THE SOWN LEAK IS NOT SEEN",
        };
        as_expected &= tells == target.leaks;
        println!("{:<44} |t| = {t:>8.1}  {verdict} (threshold {THRESHOLD})", target.name);
    }
    if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
