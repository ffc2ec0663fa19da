//! The command line of the `load` binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;

/// Drives a node open-loop over real TLS and counts what is lost and what comes twice.
///
/// Submission i is due at i/rate seconds whatever the node does; latencies count from then. Each document is different and
/// really signed (CAdES, ECDSA P-256). Recipients lease, download both parts, open them, check the digests, and acknowledge
/// with a signature. Without --node a throw-away node is started as a separate process on this machine, with the
/// authority's OCSP service in this process.
#[derive(Debug, Clone, Parser)]
#[command(name = "load", after_help = KEYS, max_term_width = 120)]
pub struct Options {
    /// Submissions per second.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,

    /// For how many seconds submissions are due.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,

    /// Instead of many documents one of so many MiB, up and down: other figures, always as JSON.
    #[arg(long, value_name = "MIB", conflicts_with_all = ["rate", "seconds", "node"], value_parser = clap::value_parser!(u32).range(1..=2047))]
    pub large: Option<u32>,

    /// Seconds at the beginning that the percentiles leave out: connections are opened in them. Everything else counts them.
    #[arg(long, default_value_t = 0)]
    pub warm_up: u32,

    /// Sign all documents before the first is due, as senders do on machines of their own. Some 2 kB of memory for each.
    #[arg(long, conflicts_with = "large")]
    pub prepare: bool,

    /// Bytes of each document, at least 16.
    #[arg(long, default_value_t = 4096)]
    pub size: usize,

    /// Print one JSON object and nothing else on standard output.
    #[arg(long)]
    pub json: bool,

    /// A running node, `https://host:port`; needs --credentials.
    #[arg(long, requires = "credentials", value_name = "URL")]
    pub node: Option<String>,

    /// Folder of the node's site, as `vuzol demo --keep` leaves it behind: `anchors/root.pem` and
    /// `agencies/<code>/{login,signing,encryption}.{pem,key}`. The first agency sends letters to the second one.
    #[arg(long, value_name = "DIR")]
    pub credentials: Option<PathBuf>,

    /// Process of the node of --node, where it runs on this machine, for `cpu_s` and `rss_mib`.
    #[arg(long, value_name = "PID")]
    pub process: Option<u32>,

    /// Where the throw-away node keeps its files; beside this program otherwise, so that they lie on a real disk.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,

    /// Processors of the throw-away node, as `taskset` takes them: `taskset -c 1 load --node-processors 0` keeps node and generator
    /// from taking each other's.
    #[arg(long, value_name = "LIST", conflicts_with_all = ["node", "large"])]
    pub node_processors: Option<String>,

    /// Pairs of a sending and a receiving participant of the throw-away node.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub pairs: u8,

    /// Most connections of one participant.
    #[arg(long, default_value_t = 128)]
    pub connections: usize,

    /// Messages that wait in mailboxes of others before the measurement begins, which nobody empties: 100 at least.
    #[arg(long, default_value_t = 0, conflicts_with = "node")]
    pub waiting: u32,

    /// Milliseconds that a recipient rests between two leases; the node holds a lease back while nothing waits.
    #[arg(long, default_value_t = 100)]
    pub poll: u64,

    /// Also print, on standard error, the figures of each so many seconds: a stall of a moment is lost in those of ten minutes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub windows: Option<u32>,

    /// Most seconds to wait for what is still on its way when the last submission is answered.
    #[arg(long, default_value_t = 30)]
    pub drain: u64,
}

impl Options {
    /// What starts `program` where the options want the throw-away node to run.
    #[must_use]
    pub fn node_command(&self, program: &Path) -> Command {
        let Some(processors) = &self.node_processors else { return Command::new(program) };
        let mut command = Command::new("taskset");
        command.args(["-c", processors]).arg(program);
        command
    }

    /// The first submission that percentiles count.
    #[must_use]
    pub fn measured_from(&self) -> u64 {
        u64::from(self.rate) * u64::from(self.warm_up)
    }
}

const KEYS: &str = "\
Keys of the JSON object:
  rate             submissions per second that were due
  sent             submissions made
  acknowledged     of these, answered 201 (durable)
  lost             acknowledged, but never opened by the recipient
  twice            opened more than once
  receipt_*_ms     milliseconds from the due time of a submission to its receipt (50th, 99th, 99.9th percentile)
  handover_*_ms    milliseconds from the due time of a submission to its document opened by the recipient
  completed        documents whose recipient's signed acknowledgement was answered
  goodput          of these, a second, while submissions were due: at a rate beyond what the node can do, what it still does
  complete_*_ms    milliseconds from the due time of a submission to that answer
  evidence_complete  accepted messages in the node's database that have evidence of all four steps, each with its audit
                   row; null for --node
  cpu_s            seconds of CPU time that the node's process used from the first due time to the end; null for --node
  rss_mib          largest resident memory of the node's process in MiB (VmHWM); null for --node
  log_age_max_s    greatest age in seconds of a deed that no published checkpoint covered yet, looked at once a second; null for --node
  index_age_max_s  how many seconds the log's index, and alerts with it, were behind at most, looked at likewise; null for --node
With --large:
  up_s, down_s     seconds until the receipt, and until the sealed document is there
  up_cpu_s, down_cpu_s  seconds of CPU time that the node's process used meanwhile, TLS and the disk among them
  up_mb_per_cpu_s, down_mb_per_cpu_s  megabytes (10^6) of document for each of these
  rest_mib, peak_mib    largest resident memory of the node's process before and after, in MiB
Exit code: 0 nothing lost and nothing twice, 1 otherwise.";
