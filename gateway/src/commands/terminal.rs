//! Where commands print: a result on one stream, notes on the other, in the reader's language.

use std::io::{ErrorKind, Write};

use super::exit;

/// The language of what people read. Machines read English codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Ukrainian,
}

impl Language {
    /// By the rule of POSIX locales: LC_ALL, else LC_MESSAGES, else LANG.
    pub(crate) fn of_environment() -> Self {
        let named =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os).find(|value| !value.is_empty());
        if named.is_some_and(|value| value.to_string_lossy().starts_with("uk")) {
            Self::Ukrainian
        } else {
            Self::English
        }
    }

    /// The text in this language.
    pub(crate) fn choose<'t>(self, english: &'t str, ukrainian: &'t str) -> &'t str {
        match self {
            Self::English => english,
            Self::Ukrainian => ukrainian,
        }
    }
}

/// The two streams of a command. A closed pipe silences a stream; any other failure of stdout is told by the exit code.
pub(crate) struct Terminal<'w> {
    out: &'w mut (dyn Write + Send),
    err: &'w mut (dyn Write + Send),
    language: Language,
    unprinted: bool,
}

impl<'w> Terminal<'w> {
    pub(crate) fn new(out: &'w mut (dyn Write + Send), err: &'w mut (dyn Write + Send), language: Language) -> Self {
        Self { out, err, language, unprinted: false }
    }

    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// Prints a part of the result, exactly as it is.
    pub(crate) fn print(&mut self, text: &str) {
        if let Err(error) = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            self.unprinted |= error.kind() != ErrorKind::BrokenPipe;
        }
    }

    /// Prints a line about the run on stderr. Nothing can be done where that fails.
    pub(crate) fn note(&mut self, line: &str) {
        let _ = writeln!(self.err, "{}", printable(line));
    }

    /// The stream of the result, for what prints while it runs.
    pub(crate) fn out(&mut self) -> &mut (dyn Write + Send) {
        self.out
    }

    /// The exit code of a command that came to `code`.
    pub(crate) fn finish(&self, code: u8) -> u8 {
        if self.unprinted { exit::UNPRINTED } else { code }
    }
}

/// Names in certificates and files are a stranger's words: control characters in them could repaint the terminal, and
/// direction marks could make one name look like another.
pub(crate) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if hidden(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn exit_after_printing(kind: ErrorKind) -> u8 {
        let (mut out, mut err) = (Broken(kind), Broken(kind));
        let mut terminal = Terminal::new(&mut out, &mut err, Language::English);
        terminal.print("result");
        terminal.note("note");
        terminal.finish(exit::UNDECIDED)
    }

    #[test]
    fn a_closed_pipe_keeps_the_verdict_and_a_full_disk_does_not() {
        assert_eq!(exit_after_printing(ErrorKind::BrokenPipe), exit::UNDECIDED);
        assert_eq!(exit_after_printing(ErrorKind::StorageFull), exit::UNPRINTED);
    }

    #[test]
    fn strangers_cannot_repaint_the_terminal() {
        assert_eq!(printable("CN=\u{1b}[2Jx\u{202e}y\r"), "CN=\u{fffd}[2Jx\u{fffd}y\u{fffd}");
        assert_eq!(printable("CN=Відділ №1\n"), "CN=Відділ №1\n");
    }
}
