//! What a spectator sees: each step with its time and what it proved, or one JSON object for machines.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Why a step did not do what it should. Made from any error, or from a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure that is explained by `sentence`.
    #[must_use]
    pub fn of(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// The explanation.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self(text)
    }
}

/// The story cannot go on: a step failed. The screen has shown which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// How the story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// Lines for a person.
    Readable,
    /// Nothing until the end, then one JSON object.
    Json,
}

/// One step that was played.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What was done.
    pub name: String,
    /// Whether everything was as expected.
    pub ok: bool,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// What was proven, or what was wrong.
    pub detail: String,
}

/// All steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// In the order in which they were played.
    pub steps: Vec<Step>,
    /// Whether every step was as expected.
    pub ok: bool,
    /// From the first step to the last, in milliseconds.
    pub total_ms: f64,
}

/// Tells the story while it is played.
pub struct Screen<'w> {
    telling: Telling,
    out: &'w mut (dyn Write + Send),
    coloured: bool,
    animated: bool,
    steps: Vec<Step>,
    began: Instant,
}

impl<'w> Screen<'w> {
    /// A screen on `out`; a spinner turns on stderr where that is a terminal.
    pub fn new(telling: Telling, out: &'w mut (dyn Write + Send)) -> Self {
        let readable = telling == Telling::Readable;
        let coloured = readable && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let animated = readable && std::io::stderr().is_terminal();
        Self { telling, out, coloured, animated, steps: Vec::new(), began: Instant::now() }
    }

    /// Begins a group of steps.
    pub fn chapter(&mut self, title: &str) {
        let (bold, plain) = self.paint("\u{1b}[1m");
        self.say(&format!("\n{bold}{title}{plain}\n"));
    }

    /// Plays one step: the work returns what later steps need and what it proved.
    ///
    /// # Errors
    /// [`Stopped`] when the work failed.
    pub async fn step<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = Result<(T, String), Failure>>,
    ) -> Result<T, Stopped> {
        let spinner = self.animated.then(|| spinner(name));
        let began = Instant::now();
        let outcome = work.await;
        let ms = milliseconds(began.elapsed());
        if let Some(spinner) = spinner {
            spinner.finish_and_clear();
        }
        let (value, ok, detail) = match outcome {
            Ok((value, detail)) => (Ok(value), true, detail),
            Err(failure) => (Err(Stopped), false, failure.0),
        };
        self.show(Step { name: name.to_owned(), ok, ms, detail });
        value
    }

    /// Ends the telling: the last line, or the JSON object.
    pub fn finish(mut self) -> Summary {
        let ok = self.steps.iter().all(|step| step.ok);
        let total_ms = milliseconds(self.began.elapsed());
        let summary = Summary { steps: std::mem::take(&mut self.steps), ok, total_ms };
        match self.telling {
            Telling::Readable => self.closing_line(&summary),
            Telling::Json => {
                // A summary has only text, flags and finite numbers, so it always serialises.
                let object = serde_json::to_string(&summary).unwrap_or_default();
                let _ = writeln!(self.out, "{object}");
            }
        }
        let _ = self.out.flush();
        summary
    }

    fn closing_line(&mut self, summary: &Summary) {
        let seconds = summary.total_ms / 1000.0;
        let failed = summary.steps.iter().find(|step| !step.ok);
        let line = match failed {
            None => format!("\nAll {} steps were as they should be, in {seconds:.1} s.\n", summary.steps.len()),
            Some(step) => format!("\nFAILED at step {}: {}\n", summary.steps.len(), step.name),
        };
        self.say(&line);
    }

    fn show(&mut self, step: Step) {
        let (mark, colour) = if step.ok { ("✓", "\u{1b}[32m") } else { ("✗", "\u{1b}[31m") };
        let (paint, plain) = self.paint(colour);
        let (faint, _) = self.paint("\u{1b}[2m");
        let mut text = format!("  {paint}{mark}{plain} {:>8.1} ms  {}\n", step.ms, step.name);
        for line in step.detail.lines() {
            text.push_str(&format!("                  {faint}{line}{plain}\n"));
        }
        self.say(&text);
        self.steps.push(step);
    }

    /// A spectator who closed the window does not stop the play.
    fn say(&mut self, text: &str) {
        if self.telling == Telling::Readable {
            let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
    }

    fn paint(&self, code: &'static str) -> (&'static str, &'static str) {
        if self.coloured { (code, "\u{1b}[0m") } else { ("", "") }
    }
}

fn spinner(name: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(name.to_owned());
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed:>8}     {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// To a tenth, since anything finer is noise.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failed_step_is_named_and_fails_the_whole() {
        let mut out = Vec::new();
        let mut screen = Screen::new(Telling::Readable, &mut out);
        screen.chapter("Chapter");
        assert_eq!(screen.step("first", async { Ok((7, "seven".to_owned())) }).await, Ok(7));
        let second = screen.step("second", async { Err::<((), String), _>(Failure::of("no luck")) }).await;
        assert_eq!(second, Err(Stopped));
        let summary = screen.finish();
        assert!(!summary.ok && summary.steps.len() == 2);
        let text = String::from_utf8(out).unwrap();
        for part in ["Chapter", "✓", "first", "seven", "✗", "no luck", "FAILED at step 2: second"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[tokio::test]
    async fn json_is_one_object_and_nothing_else() {
        let mut out = Vec::new();
        let mut screen = Screen::new(Telling::Json, &mut out);
        screen.chapter("Chapter");
        screen.step("only", async { Ok(((), "done".to_owned())) }).await.unwrap();
        assert!(screen.finish().ok);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["ok"], true);
        assert_eq!(value["steps"][0]["name"], "only");
        assert_eq!(value["steps"][0]["detail"], "done");
        assert!(value["total_ms"].is_number() && value["steps"][0]["ms"].is_number());
    }
}
