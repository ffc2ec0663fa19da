//! `load`: drives a node open-loop over real TLS. See `load --help`.

use std::process::ExitCode;

use clap::Parser as _;
use tests::load::{drive, large, options::Options};

/// As in `vuzol` itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::print_stdout, reason = "the result of a command-line program")]
fn main() -> ExitCode {
    // The throw-away node is this program again, so that it is a process of its own: `load serve --config ..`.
    if std::env::args_os().nth(1).is_some_and(|command| command == "serve") {
        return ExitCode::from(gateway::commands::run(std::env::args_os()));
    }
    let options = Options::parse();
    // One thread: what is measured shares the machine with this, and waking each other would be most of what further threads did.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::from(2),
    };
    if let Some(mebibytes) = options.large {
        let figures = runtime.block_on(large::drive(mebibytes, options.folder.clone()));
        println!("{}", serde_json::to_string(&figures).unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    let figures = runtime.block_on(drive(&options));
    if options.json {
        println!("{}", figures.json());
    } else {
        println!("{}", figures.table());
    }
    if figures.is_faithful() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
