//! What the node says of itself: log lines and metrics. Once per process, however many nodes run in it.
//!
//! Log lines go to standard error, as text or as JSON, filtered by `VUZOL_LOG` (the syntax of tracing's `EnvFilter`).
//! They carry pseudonyms and identifiers, no personal data. Metrics are in the text format of Prometheus.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Shape of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line, for a collector.
    Json,
}

/// How a process logs: arguments that `serve`, `worker` and `migrate` share.
#[derive(Debug, Clone, clap::Args)]
pub struct LogArguments {
    /// What is logged, for example `info` or `info,gateway=debug`. A filter that hides errors hides them from you alone.
    #[arg(long = "log", env = "VUZOL_LOG", default_value = "info", value_name = "FILTER")]
    pub filter: String,
    /// Shape of the log lines.
    #[arg(long, env = "VUZOL_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

impl LogArguments {
    /// Starts logging to standard error. A second call changes nothing.
    ///
    /// # Errors
    /// When the filter cannot be understood.
    pub fn start(&self) -> Result<(), String> {
        let filter = EnvFilter::try_new(&self.filter).map_err(|e| format!("--log (VUZOL_LOG): {e}"))?;
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = match self.log_format {
            LogFormat::Text => builder.try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        if started.is_err() {
            tracing::debug!("logging was started before");
        }
        Ok(())
    }
}

/// Upper bounds of the latency buckets in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The metrics of this process. The first call installs the recorder, so it comes before the first metric.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = || PrometheusBuilder::new().set_buckets(&SECONDS).unwrap_or_else(|_| PrometheusBuilder::new());
        // A program that embeds the node may have a recorder of its own: then ours stays empty, and nothing breaks.
        builder().install_recorder().unwrap_or_else(|_| builder().build_recorder().handle())
    })
}
