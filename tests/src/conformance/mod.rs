//! Public conformance suites, run over the product's own code: `cargo run --release -p tests --bin conformance -- SUITE PATH`.
//!
//! A row of a suite agrees, or it is a divergence that the list of the crate (`DIVERGENCES.md`) names with its reason, or it is a miss.

pub mod documents;
pub mod limbo;
pub mod pkits;

/// What a suite came to.
#[derive(Debug)]
pub struct Outcome {
    suite: &'static str,
    /// Where known divergences stand: lines that begin with the row's name in backticks.
    divergences: &'static str,
    rows: usize,
    misses: Vec<Miss>,
    /// `None` where a crash would end the run.
    crashes: Option<usize>,
    /// Rows that agree and state more than agreement asks for.
    stated: usize,
    /// Those of them of which something else was found.
    remarks: Vec<Miss>,
}

/// The divergences of `certs`.
const PATHS: &str = include_str!("../../../certs/DIVERGENCES.md");
/// The divergences of `signing`.
const DOCUMENTS: &str = include_str!("../../../signing/DIVERGENCES.md");

/// A row that does not agree.
#[derive(Debug)]
pub struct Miss {
    /// The name of the row in its suite.
    pub id: String,
    /// What we found, and against what.
    pub found: String,
}

impl Outcome {
    fn new(suite: &'static str, divergences: &'static str) -> Self {
        Self { suite, divergences, rows: 0, misses: Vec::new(), crashes: None, stated: 0, remarks: Vec::new() }
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
        self.misses.iter().filter(|miss| self.divergence(&miss.id).is_none()).collect()
    }

    /// How many rows the product fell over, where that does not end the run. Each is a miss too.
    #[must_use]
    pub fn crashes(&self) -> Option<usize> {
        self.crashes
    }

    /// Rows that agree, of which something else was found than they state besides.
    #[must_use]
    pub fn remarks(&self) -> &[Miss] {
        &self.remarks
    }

    /// How many rows were run.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The reason that the list of divergences gives for a row.
    fn divergence(&self, id: &str) -> Option<&'static str> {
        let named = |line: &'static str| {
            let (name, reason) = line.strip_prefix("- `")?.split_once("`: ")?;
            (name == id).then_some(reason)
        };
        self.divergences.lines().find_map(named)
    }
}

/// Each row that does not agree, and the sum in the last line.
impl std::fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for miss in &self.misses {
            let reason = self.divergence(&miss.id).map(|reason| format!(" (divergence: {reason})"));
            writeln!(formatter, "  {}: {}{}", miss.id, miss.found, reason.unwrap_or_default())?;
        }
        for remark in &self.remarks {
            writeln!(formatter, "  remark: {}: {}", remark.id, remark.found)?;
        }
        if self.stated > 0 {
            let same = self.stated - self.remarks.len();
            writeln!(formatter, "conclusions and levels: {same} of {} agree", self.stated)?;
        }
        if let Some(crashes) = self.crashes {
            writeln!(formatter, "{crashes} crashes")?;
        }
        write!(formatter, "{}: {} of {} agree", self.suite, self.rows - self.misses.len(), self.rows)
    }
}

/// How a verdict disagrees with what the suite expects, if it does.
fn disagreement<T>(verdict: Result<T, String>, expected: bool) -> Option<String> {
    match (verdict, expected) {
        (Ok(_), true) | (Err(_), false) => None,
        (Err(reason), true) => Some(format!("refused: {reason}")),
        (Ok(_), false) => Some("accepted".to_owned()),
    }
}
