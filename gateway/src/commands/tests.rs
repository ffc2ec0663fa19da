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

mod arguments {
    use super::*;

    #[test]
    fn the_declaration_of_the_command_line_is_consistent() {
        use clap::CommandFactory;
        super::super::CommandLine::command().debug_assert();
    }

    #[test]
    fn a_mistake_is_explained_on_stderr_and_is_no_verdict() {
        for wrong in
            [&["vrify"][..], &["verify"], &["verify", "--at", "yesterday", "x"], &["sign", "x"], &["demo", "x"], &[]]
        {
            let seen = vuzol(wrong);
            assert_eq!(seen.code, exit::USAGE, "{wrong:?}");
            assert!(seen.out.is_empty() && !seen.err.is_empty(), "{wrong:?}");
        }
    }

    #[test]
    fn help_and_version_are_results() {
        let help = vuzol(&["--help"]);
        assert_eq!(help.code, exit::OK);
        for command in ["verify", "sign", "seal", "open", "demo", "admin"] {
            assert!(help.out.contains(command), "{command}");
            let own = vuzol(&[command, "--help"]);
            assert_eq!((own.code, own.err.as_str()), (exit::OK, ""), "{command}");
            assert!(own.out.contains("Example"), "{command} teaches by example");
        }
        assert!(help.out.contains("INDETERMINATE"), "the exit codes are listed");
        assert_eq!(vuzol(&["--version"]).out, format!("vuzol {}\n", env!("CARGO_PKG_VERSION")));
    }
}
