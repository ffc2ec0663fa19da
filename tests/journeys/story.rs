//! A story of one role: what was done, what was refused, in the order in which it happened, kept as a snapshot.

use std::fmt::Write as _;

use tests::harness::Answer;

/// A story that is being told.
pub(crate) struct Story(String);

impl Story {
    /// It begins with whose it is.
    pub(crate) fn of(whom: &str) -> Self {
        Self(format!("# {whom}\n"))
    }

    /// Something that holds and is no request.
    pub(crate) fn so(&mut self, told: &str) {
        let _ = writeln!(self.0, "\n{told}");
    }

    /// What is permitted: it succeeds.
    pub(crate) fn may(&mut self, what: &str, answer: Answer) -> Answer {
        let body = String::from_utf8_lossy(&answer.body);
        assert!((200..300).contains(&answer.status), "{what}: {} {body}", answer.status);
        let _ = writeln!(self.0, "- {what}: {}", answer.status);
        answer
    }

    /// What is not: it is refused, and the story keeps why.
    pub(crate) fn may_not(&mut self, what: &str, answer: &Answer) {
        assert!((400..500).contains(&answer.status), "{what}: {}", answer.status);
        let _ = writeln!(self.0, "- not: {what}: {} {}", answer.status, answer.problem().code);
    }

    /// The whole of it is as it was told before: `snapshots/<whose>.snap`.
    pub(crate) fn ends(self) {
        let whose = self.0.lines().next().unwrap_or_default().trim_start_matches("# ").to_lowercase();
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(whose.replace([' ', '-'], "_"), self.0));
    }
}
