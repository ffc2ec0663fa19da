//! `bench`: how fast, beside those who do the same, and in how much memory. See `bench --help`.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use tests::bench::footprint::{self, Footprint};
use tests::bench::options::{Options, Subject};
use tests::bench::{report, run};

/// The node's: what is measured here runs there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the result of a command-line program")]
fn main() -> ExitCode {
    let subject = Options::parse().subject;
    let json = match &subject {
        Subject::Crypto(effort)
        | Subject::Certs(effort)
        | Subject::Access(effort)
        | Subject::Audit(effort)
        | Subject::Signing { effort, .. } => effort.json,
        Subject::Memory(options) => {
            return match measure_memory(options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("not measured: {error}");
                    ExitCode::FAILURE
                }
            };
        }
    };
    if !json {
        println!("{}", report::head());
    }
    run(&subject, |figures| {
        for figure in figures {
            if json {
                println!("{}", report::json(figure));
            } else {
                println!("{}", report::line(figure, figures.first()));
            }
        }
    });
    ExitCode::SUCCESS
}

#[allow(clippy::print_stdout, reason = "the result of a command-line program")]
fn measure_memory(options: &Footprint) -> std::io::Result<()> {
    if let Some([row, folder]) = options.task.as_deref() {
        println!("{}", footprint::task(row, Path::new(folder))?);
        return Ok(());
    }
    footprint::run(options, |peak| {
        println!("{}", if options.json { report::json(peak) } else { report::line(peak, None) });
    })
}
