//! The command line as a user meets it: arguments in, streams and exit code out.

use super::terminal::{Language, Terminal};
use super::{exit, run_with};

/// What a user saw.
struct Seen {
    code: u8,
    out: String,
    err: String,
}

fn vuzol(arguments: &[&str]) -> Seen {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut terminal = Terminal::new(&mut out, &mut err, Language::English);
    let line = std::iter::once("vuzol").chain(arguments.iter().copied());
    let code = run_with(line.map(Into::into), &mut terminal);
    Seen { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

mod arguments;
mod auditing;
mod bench;
mod forgetting;
mod markup;
mod peers;
mod people;
mod playing;
mod policies;
mod retention;
mod ring;
mod routing;
mod sealing;
mod stamping;
mod trusting;
mod verifying;
