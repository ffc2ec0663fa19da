//! Public conformance suites, run over the product's own code: `cargo run --release -p tests --bin conformance -- SUITE PATH`.
//!
//! A row of a suite agrees, or it is a divergence that `certs/DIVERGENCES.md` names with its reason, or it is a miss.

pub mod limbo;
pub mod pkits;

/// What a suite came to.
#[derive(Debug)]
pub struct Outcome {
    suite: &'static str,
    rows: usize,
    misses: Vec<Miss>,
}

/// A row that does not agree.
#[derive(Debug)]
pub struct Miss {
    /// The name of the row in its suite.
    pub id: String,
    /// What we found, and against what.
    pub found: String,
}

impl Outcome {
    fn new(suite: &'static str) -> Self {
        Self { suite, rows: 0, misses: Vec::new() }
    }

    /// Counts a row; `disagreement` says how it does not agree.
    fn count(&mut self, id: &str, disagreement: Option<String>) {
        self.rows += 1;
        self.misses.extend(disagreement.map(|found| Miss { id: id.to_owned(), found }));
    }

    /// The rows that do not agree.
    #[must_use]
    pub fn misses(&self) -> &[Miss] {
        &self.misses
    }

    /// The rows that neither agree nor are known divergences.
    #[must_use]
    pub fn unexplained(&self) -> Vec<&Miss> {
        self.misses.iter().filter(|miss| divergence(&miss.id).is_none()).collect()
    }

    /// How many rows were run.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// Each row that does not agree, and the sum in the last line.
impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for miss in &self.misses {
            let reason = divergence(&miss.id).map(|reason| format!(" (divergence: {reason})"));
            writeln!(formatter, "  {}: {}{}", miss.id, miss.found, reason.unwrap_or_default())?;
        }
        write!(formatter, "{}: {} of {} agree", self.suite, self.rows - self.misses.len(), self.rows)
    }
}

/// The reason that `certs/DIVERGENCES.md` gives for a row: the lines there begin with the row's name in backticks.
fn divergence(id: &str) -> Option<&'static str> {
    const LIST: &str = include_str!("../../../certs/DIVERGENCES.md");
    let named = |line: &'static str| {
        let (name, reason) = line.strip_prefix("- `")?.split_once("`: ")?;
        (name == id).then_some(reason)
    };
    LIST.lines().find_map(named)
}

/// How a verdict disagrees with what the suite expects, if it does.
fn disagreement<T>(verdict: Result<T, String>, expected: bool) -> Option<String> {
    match (verdict, expected) {
        (Ok(_), true) | (Err(_), false) => None,
        (Err(reason), true) => Some(format!("refused: {reason}")),
        (Ok(_), false) => Some("accepted".to_owned()),
    }
}
