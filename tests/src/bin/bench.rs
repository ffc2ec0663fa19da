//! `bench`: how fast, beside those who do the same. See `bench --help`.

use clap::Parser as _;
use tests::bench::{options::Options, report, run};

#[allow(clippy::print_stdout, reason = "the result of a command-line program")]
fn main() {
    let options = Options::parse();
    let json = options.effort().json;
    if !json {
        println!("{}", report::head());
    }
    run(&options, |figures| {
        for figure in figures {
            if json {
                println!("{}", report::json(figure));
            } else {
                println!("{}", report::line(figure, figures.first()));
            }
        }
    });
}
