//! Oracles in Java: one process answers all questions of a test, a line each. Where there is nobody to ask, the test says that it is skipped.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// The answers of `program` (a file of this folder) to `questions`, one each; `None` where the variable with its class path is not set, or there is
/// no Java.
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn ask(variable: &str, program: &str, questions: &[String]) -> Option<Vec<String>> {
    let Some(class_path) = std::env::var_os(variable) else {
        println!("skipped: {variable} is not set");
        return None;
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oracles").join(program);
    let mut command = Command::new("java");
    command.arg("-cp").arg(class_path).arg(source).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        println!("skipped: there is no java");
        return None;
    };
    let mut text = questions.join("\n");
    text.push('\n');
    let mut input = child.stdin.take().expect("a pipe");
    // Answers may fill their pipe while questions are still being written.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("an answer");
    let written = writer.join().expect("a thread");
    assert!(output.status.success(), "{program} gave up");
    written.expect("questions that are read");
    let answers: Vec<String> = String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len(), "{answers:?}");
    Some(answers)
}
