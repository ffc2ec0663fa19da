//! What came to pass, and the figures from it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use schemas::Problem;
use serde::Serialize;
use tokio::time::Instant;

use super::Run;
use super::options::Options;

/// The counts of a run. Samples are kept whole: percentiles come from the sorted samples.
pub struct Tally {
    run: Run,
    sent: AtomicU64,
    receipts: Mutex<Vec<(u64, Duration)>>,
    openings: Mutex<Vec<(u64, Duration)>>,
    completions: Mutex<Vec<(u64, Duration)>>,
    failures: Mutex<BTreeMap<String, u64>>,
}

/// The result, as printed with `--json`. The keys are documented in `load --help`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "documented once, in the help text of the program")]
pub struct Figures {
    pub rate: u32,
    pub sent: u64,
    pub acknowledged: u64,
    pub lost: u64,
    pub twice: u64,
    pub receipt_p50_ms: Option<f64>,
    pub receipt_p99_ms: Option<f64>,
    pub receipt_p999_ms: Option<f64>,
    pub handover_p50_ms: Option<f64>,
    pub handover_p99_ms: Option<f64>,
    pub completed: u64,
    pub goodput: f64,
    pub complete_p50_ms: Option<f64>,
    pub complete_p99_ms: Option<f64>,
    pub evidence_complete: Option<u64>,
    pub cpu_s: Option<f64>,
    pub rss_mib: Option<f64>,
    pub log_age_max_s: Option<f64>,
    pub index_age_max_s: Option<f64>,
}

impl Tally {
    /// Of a run that begins.
    #[must_use]
    pub fn new(run: Run) -> Self {
        Self {
            run,
            sent: AtomicU64::new(0),
            receipts: Mutex::default(),
            openings: Mutex::default(),
            completions: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The run's name, in hexadecimal.
    #[must_use]
    pub fn run_name(&self) -> String {
        crypto::digest::hex(&self.run.id)
    }

    /// A submission was begun.
    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// A receipt came, now.
    pub fn receipt(&self, index: u64) {
        self.receipts.lock().expect("no holder panics").push((index, self.since_due(index)));
    }

    /// A document was opened by its recipient, now.
    pub fn opened(&self, index: u64) {
        self.openings.lock().expect("no holder panics").push((index, self.since_due(index)));
    }

    /// The recipient's acknowledgement of a document was answered, now: its way is complete.
    pub fn completed(&self, index: u64) {
        self.completions.lock().expect("no holder panics").push((index, self.since_due(index)));
    }

    fn since_due(&self, index: u64) -> Duration {
        Instant::now().saturating_duration_since(self.run.due(index))
    }

    /// Something failed; counted by its name.
    pub fn failure(&self, name: &str) {
        *self.failures.lock().expect("no holder panics").entry(name.to_owned()).or_default() += 1;
    }

    /// The node refused; counted by step, status and code.
    pub fn refusal(&self, step: &str, status: StatusCode, body: &Bytes) {
        self.failure(&Self::name_refusal(step, status, body));
    }

    /// The name of a refusal: step, status, code.
    #[must_use]
    pub fn name_refusal(step: &str, status: StatusCode, body: &Bytes) -> String {
        let code = serde_json::from_slice::<Problem>(body).map(|problem| problem.code).unwrap_or_default();
        format!("{step}: {} {code}", status.as_u16())
    }

    /// Acknowledged submissions that were not opened yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let opened: HashSet<u64> = self.openings.lock().expect("no holder panics").iter().map(|(i, _)| *i).collect();
        self.receipts.lock().expect("no holder panics").iter().filter(|(index, _)| !opened.contains(index)).count()
    }

    /// How many acknowledged submissions have not gone their whole way.
    #[must_use]
    pub fn incomplete(&self) -> usize {
        let receipts = self.receipts.lock().expect("no holder panics").len();
        receipts.saturating_sub(self.completions.lock().expect("no holder panics").len())
    }

    /// Prints what failed to standard error.
    #[allow(clippy::print_stderr, reason = "a command-line program's report")]
    pub fn report_failures(&self) {
        for (name, count) in self.failures.lock().expect("no holder panics").iter() {
            eprintln!("{count:>8} x {name}");
        }
    }

    /// Prints the receipts of each `seconds` to standard error: from which second on they were due, how many there are, and their latencies.
    #[allow(clippy::print_stderr, reason = "a command-line program's report")]
    pub fn report_windows(&self, options: &Options, seconds: u32) {
        let each = u64::from(options.rate) * u64::from(seconds);
        let mut windows: BTreeMap<u64, Vec<Duration>> = BTreeMap::new();
        for (index, after) in self.receipts.lock().expect("no holder panics").iter() {
            windows.entry(index / each).or_default().push(*after);
        }
        eprintln!("{:>8} {:>9} {:>9} {:>9} {:>9}", "due from", "receipts", "p50 ms", "p99 ms", "most ms");
        for (window, mut times) in windows {
            times.sort_unstable();
            let figure = |per_mille| percentile(&times, per_mille).unwrap_or_default();
            let (from, receipts) = (window * u64::from(seconds), times.len());
            eprintln!("{from:>8} {receipts:>9} {:>9.1} {:>9.1} {:>9.1}", figure(500), figure(990), figure(1000));
        }
    }

    /// The figures.
    #[must_use]
    pub fn figures(&self, options: &Options, cpu_s: Option<f64>, rss_mib: Option<f64>) -> Figures {
        let receipts = self.receipts.lock().expect("no holder panics").clone();
        let openings = self.openings.lock().expect("no holder panics").clone();
        let mut times: HashMap<u64, u32> = HashMap::new();
        for (index, _) in &openings {
            *times.entry(*index).or_default() += 1;
        }
        let warm = options.measured_from();
        let measured = |samples: &[(u64, Duration)]| -> Vec<Duration> {
            let mut times: Vec<_> =
                samples.iter().filter(|(index, _)| *index >= warm).map(|(_, after)| *after).collect();
            times.sort_unstable();
            times
        };
        let receipt = measured(&receipts);
        let completions = self.completions.lock().expect("no holder panics").clone();
        let complete = measured(&completions);
        let mut first: HashMap<u64, Duration> = HashMap::new();
        for (index, after) in openings {
            let earliest = first.entry(index).or_insert(after);
            *earliest = after.min(*earliest);
        }
        let handover = measured(&first.into_iter().collect::<Vec<_>>());
        Figures {
            rate: options.rate,
            sent: self.sent.load(Ordering::Relaxed),
            acknowledged: count(receipts.len()),
            lost: count(receipts.iter().filter(|(index, _)| !times.contains_key(index)).count()),
            twice: count(times.values().filter(|times| **times > 1).count()),
            receipt_p50_ms: percentile(&receipt, 500),
            receipt_p99_ms: percentile(&receipt, 990),
            receipt_p999_ms: percentile(&receipt, 999),
            handover_p50_ms: percentile(&handover, 500),
            handover_p99_ms: percentile(&handover, 990),
            completed: count(completions.len()),
            goodput: rounded(goodput(&completions, options)),
            complete_p50_ms: percentile(&complete, 500),
            complete_p99_ms: percentile(&complete, 990),
            evidence_complete: None,
            cpu_s: cpu_s.map(rounded),
            rss_mib: rss_mib.map(rounded),
            log_age_max_s: None,
            index_age_max_s: None,
        }
    }
}

impl Figures {
    /// Nothing lost, nothing twice, and where the node's database could be read, everything proven.
    #[must_use]
    pub fn is_faithful(&self) -> bool {
        let proven = self.evidence_complete.is_none_or(|complete| complete >= self.completed);
        self.lost == 0 && self.twice == 0 && proven
    }

    /// One JSON object, keys in the order of the documentation.
    ///
    /// # Panics
    /// Never: numbers are JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers are JSON")
    }

    /// A table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let figure = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
        [
            ("rate, documents/s", self.rate.to_string()),
            ("sent", self.sent.to_string()),
            ("acknowledged", self.acknowledged.to_string()),
            ("lost", self.lost.to_string()),
            ("twice", self.twice.to_string()),
            ("receipt p50, ms", figure(self.receipt_p50_ms)),
            ("receipt p99, ms", figure(self.receipt_p99_ms)),
            ("receipt p99.9, ms", figure(self.receipt_p999_ms)),
            ("handover p50, ms", figure(self.handover_p50_ms)),
            ("handover p99, ms", figure(self.handover_p99_ms)),
            ("completed", self.completed.to_string()),
            ("goodput, documents/s", format!("{:.2}", self.goodput)),
            ("complete p50, ms", figure(self.complete_p50_ms)),
            ("complete p99, ms", figure(self.complete_p99_ms)),
            ("evidence complete", self.evidence_complete.map_or_else(|| "-".to_owned(), |count| count.to_string())),
            ("CPU of the node, s", figure(self.cpu_s)),
            ("memory of the node, MiB", figure(self.rss_mib)),
            ("log behind at most, s", figure(self.log_age_max_s)),
            ("index behind at most, s", figure(self.index_age_max_s)),
        ]
        .map(|(name, value)| format!("{name:<24}{value:>12}"))
        .join("\n")
    }
}

/// Documents a second that went their whole way while submissions were due: what a node gets done while more is asked of it than
/// it can do. What it completes afterwards does not count.
#[allow(clippy::cast_precision_loss, reason = "numbers of documents")]
fn goodput(completions: &[(u64, Duration)], options: &Options) -> f64 {
    let seconds = f64::from(options.seconds);
    let in_time =
        |(index, after): &&(u64, Duration)| *index as f64 / f64::from(options.rate) + after.as_secs_f64() <= seconds;
    completions.iter().filter(in_time).count() as f64 / seconds
}

/// Nearest rank: the smallest sample that at least `per_mille` of all samples do not exceed, in milliseconds.
fn percentile(sorted: &[Duration], per_mille: usize) -> Option<f64> {
    let rank = (sorted.len() * per_mille).div_ceil(1000).max(1);
    sorted.get(rank - 1).map(|time| rounded(time.as_secs_f64() * 1000.0))
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn percentiles_are_nearest_rank_of_all_samples() {
        let samples: Vec<Duration> = (1..=1000).map(Duration::from_millis).collect();
        assert_eq!([500, 990, 999].map(|p| percentile(&samples, p)), [Some(500.0), Some(990.0), Some(999.0)]);
        assert_eq!(percentile(&samples[..1], 999), Some(1.0));
        assert_eq!(percentile(&[], 500), None);
    }

    #[test]
    fn what_is_acknowledged_and_never_opened_is_lost_and_what_is_opened_again_is_twice() {
        let tally = Tally::new(Run { id: [1; 8], start: Instant::now(), rate: 1.0 });
        for index in 0..4 {
            tally.sent();
            tally.receipt(index);
        }
        for index in [0, 1, 1, 3, 9] {
            tally.opened(index);
        }
        assert_eq!(tally.waiting(), 1);
        let options = Options::parse_from(["load", "--rate", "1", "--seconds", "4"]);
        let figures = tally.figures(&options, None, None);
        assert_eq!((figures.sent, figures.acknowledged, figures.lost, figures.twice), (4, 4, 1, 1));
        assert!(!figures.is_faithful());
    }

    #[test]
    fn what_was_completed_after_the_last_was_due_is_no_goodput() {
        let options = Options::parse_from(["load", "--rate", "1", "--seconds", "4"]);
        let after = Duration::from_millis(500);
        assert!((goodput(&[(0, after), (3, after)], &options) - 0.5).abs() < 1e-9);
        assert!((goodput(&[(0, after), (3, after * 3)], &options) - 0.25).abs() < 1e-9);
    }

    #[test]
    fn the_json_has_exactly_the_promised_keys() {
        let tally = Tally::new(Run { id: [1; 8], start: Instant::now(), rate: 1.0 });
        let options = Options::parse_from(["load", "--rate", "1", "--seconds", "4"]);
        let json = tally.figures(&options, Some(1.0), None).json();
        let mut last = 0;
        let keys = "rate sent acknowledged lost twice receipt_p50_ms receipt_p99_ms receipt_p999_ms handover_p50_ms \
                    handover_p99_ms completed goodput complete_p50_ms complete_p99_ms evidence_complete cpu_s rss_mib \
                    log_age_max_s index_age_max_s";
        for key in keys.split_whitespace() {
            let at = json.find(&format!("\"{key}\":")).unwrap();
            assert!(at >= last);
            last = at;
        }
        assert_eq!(json.matches("\":").count(), 19);
    }
}
