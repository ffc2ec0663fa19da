//! The command line: `vuzol serve|worker|migrate|verify|evidence|audit|witness|sign|seal|open|keys|demo|admin`.
//!
//! It owns arguments, exit codes and what is printed. What the commands do is done below: validation in `signing`, sealing
//! in `crypto`, serving in [`crate::wiring`]. `admin` is a client of the public API like any other.
//!
//! Text goes to stdout where it is the result and to stderr where it is about the run. A reader that closes the pipe early
//! ends the printing, never the command.

mod admin;
mod anchors;
mod audit;
mod augment;
mod demo;
mod evidence;
mod files;
mod keys;
mod lists;
mod migrate;
mod open;
mod ring;
mod seal;
mod sealed_file;
mod serve;
mod sign;
mod signer;
mod stamp;
pub(crate) mod terminal;
mod trust;
mod verdict;
mod verify;
mod witness;
mod worker;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use terminal::Terminal;

/// Parses the arguments of the process and runs; returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    run_with(arguments, &mut Terminal::new(&mut out, &mut err, terminal::Language::of_environment()))
}

pub(crate) fn run_with(arguments: impl IntoIterator<Item = OsString>, terminal: &mut Terminal<'_>) -> u8 {
    let code = match CommandLine::try_parse_from(arguments) {
        Ok(line) => dispatch(line.command, terminal).unwrap_or_else(|failure| {
            terminal.note(&format!("vuzol: {failure}"));
            failure.exit_code()
        }),
        Err(error) if error.use_stderr() => {
            terminal.note(error.render().to_string().trim_end());
            exit::USAGE
        }
        Err(help_or_version) => {
            terminal.print(&help_or_version.render().to_string());
            exit::OK
        }
    };
    terminal.finish(code)
}

fn dispatch(command: Command, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match command {
        Command::Serve(arguments) => Ok(serve::run(arguments)),
        Command::Worker(arguments) => Ok(worker::run(arguments)),
        Command::Migrate(arguments) => Ok(migrate::run(arguments)),
        Command::Verify(arguments) => verify::run(&arguments, terminal),
        Command::Evidence(arguments) => evidence::run(&arguments, terminal),
        Command::Audit(arguments) => audit::run(&arguments, terminal),
        Command::Witness(arguments) => witness::run(&arguments, terminal),
        Command::Sign(arguments) => sign::run(&arguments, terminal),
        Command::Signer(arguments) => signer::run(&arguments, terminal),
        Command::Augment(arguments) => augment::run(&arguments, terminal),
        Command::Seal(arguments) => seal::run(&arguments, terminal),
        Command::Open(arguments) => open::run(&arguments, terminal),
        Command::Keys(arguments) => ring::run(&arguments, terminal),
        Command::Demo(arguments) => demo::run(&arguments, terminal),
        Command::Admin(arguments) => admin::run(&arguments, terminal),
    }
}

#[derive(Debug, Parser)]
#[command(name = "vuzol", bin_name = "vuzol", version, about = ABOUT, after_help = GUIDE)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node: the public API, delivery and the log.
    Serve(serve::Arguments),
    /// Run delivery and the log beside `vuzol serve --without-workers`.
    Worker(worker::Arguments),
    /// Create the database, or bring it to the schema of this version.
    Migrate(migrate::Arguments),
    /// Tell whether the signatures in a file are valid, offline.
    Verify(verify::Arguments),
    /// Tell what an exported case proves, offline.
    Evidence(evidence::Arguments),
    /// Tell whether a copy of a node's log, or a part of it, is whole and unchanged; search the log of a running node.
    Audit(audit::Arguments),
    /// Sign the checkpoints of a node's log, in a process of its own that remembers what it signed.
    Signer(signer::Arguments),
    /// Vouch for the logs of others: a witness, with copies of them.
    Witness(witness::Arguments),
    /// Sign a file (CAdES or XAdES, BASELINE-B, or -T with a time-stamp).
    Sign(sign::Arguments),
    /// Make signatures last: add time-stamps and what verdicts rest on (levels T, LT, LTA of CAdES and XAdES).
    Augment(augment::Arguments),
    /// Seal a file so that only the holder of one certificate's key can open it.
    Seal(seal::Arguments),
    /// Open a sealed file.
    Open(open::Arguments),
    /// Keep the node's key ring: make it, rotate it, destroy what is old.
    Keys(ring::Arguments),
    /// Play the whole story on this machine: keys, node, document, evidence, refusals.
    Demo(demo::Arguments),
    /// Manage a running node through its public API, with an operator's certificate.
    Admin(admin::Arguments),
}

/// Why a command ended without a result. Each variant has an exit code of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// What was given was refused: by the node, or because it was changed or is addressed to somebody else.
    #[error("{0}")]
    Refused(String),
    /// An input cannot be read or is not what it should be.
    #[error("{0}")]
    Unreadable(String),
    /// The output cannot be written.
    #[error("{0}")]
    Unwritable(String),
    /// The node, or an authority, did not answer.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => exit::REFUSED,
            Self::Unreadable(_) => exit::UNREADABLE,
            Self::Unwritable(_) => exit::UNWRITABLE,
            Self::Unreachable(_) => exit::UNREACHABLE,
        }
    }
}

/// Exit codes. 0 to 3 are `verify`'s and keep their sense elsewhere; the rest follow sysexits.h.
pub(crate) mod exit {
    /// Done; for `verify`: every signature is TOTAL_PASSED.
    pub(crate) const OK: u8 = 0;
    /// Refused, or a demonstration that failed; for `verify`: a signature is TOTAL_FAILED.
    pub(crate) const REFUSED: u8 = 1;
    /// For `verify`: a signature is INDETERMINATE, and none failed.
    pub(crate) const UNDECIDED: u8 = 2;
    /// An input cannot be read.
    pub(crate) const UNREADABLE: u8 = 3;
    /// The arguments are wrong (EX_USAGE).
    pub(crate) const USAGE: u8 = 64;
    /// The node, or an authority, cannot be reached (EX_UNAVAILABLE).
    pub(crate) const UNREACHABLE: u8 = 69;
    /// An output file exists or cannot be written (EX_CANTCREAT).
    pub(crate) const UNWRITABLE: u8 = 73;
    /// The result could not be printed (EX_IOERR).
    pub(crate) const UNPRINTED: u8 = 74;
}

const ABOUT: &str = "Vuzol: the secure exchange node of a region. It checks every signature, seals and routes every \
document, and keeps a log that nobody can change unseen.";

const GUIDE: &str = "\
Examples:
  vuzol demo                                   see it all work, in ten seconds
  vuzol verify --anchors roots/ letter.p7m     is this signature valid?
  vuzol verify --detached letter.pdf letter.pdf.p7s
  vuzol COMMAND --help                         every command explains itself

Exit codes:
   0  done; verify: every signature is TOTAL_PASSED
   1  refused; verify: a signature is TOTAL_FAILED
   2  verify: a signature is INDETERMINATE, none failed
   3  an input cannot be read (one line on stderr says why)
  64  the arguments are wrong
  69  the node, or the time-stamp authority, cannot be reached
  73  an output file exists (see --force) or cannot be written
  74  the result could not be printed";

#[cfg(test)]
mod tests;
