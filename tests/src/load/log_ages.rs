//! How far the node's log follows behind what is done, looked at once a second while it does it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// Looks until it is asked.
pub struct Watch {
    stop: tokio::sync::watch::Sender<()>,
    looks: JoinHandle<Ages>,
}

/// The greatest of all looks, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Ages {
    /// Age of the oldest deed that no published checkpoint covered.
    pub unpublished: f64,
    /// How old what the index took in last was, while there was more: so far search and alerts were behind.
    pub unindexed: f64,
}

impl Watch {
    /// Of the node whose operator port is there.
    #[must_use]
    pub fn start(operator: SocketAddr) -> Self {
        let (stop, mut stopped) = tokio::sync::watch::channel(());
        let looks = tokio::spawn(async move {
            let mut most = Ages::default();
            while tokio::time::timeout(Duration::from_secs(1), stopped.changed()).await.is_err() {
                let now = look(operator).await;
                most.unpublished = most.unpublished.max(now.unpublished);
                most.unindexed = most.unindexed.max(now.unindexed);
            }
            most
        });
        Self { stop, looks }
    }

    /// What was seen.
    ///
    /// # Panics
    /// Where the operator port did not answer.
    pub async fn finish(self) -> Ages {
        drop(self.stop);
        self.looks.await.expect("the operator port answers")
    }
}

async fn look(operator: SocketAddr) -> Ages {
    // The question of readiness brings the first of the two up to date.
    ask(operator, "/health/ready").await;
    let metrics = ask(operator, "/metrics").await;
    let read = |name: &str| gauge(&metrics, name).unwrap_or_default();
    Ages { unpublished: read("vuzol_log_backlog_seconds"), unindexed: read("vuzol_log_index_seconds") }
}

async fn ask(operator: SocketAddr, path: &str) -> String {
    let mut answer = String::new();
    let mut stream = TcpStream::connect(operator).await.expect("the operator port");
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.expect("a question");
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

/// In the text format of Prometheus.
fn gauge(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_found_by_its_whole_name() {
        let text = "# TYPE a_b gauge\na_b_c 7\na_b 2.5\n";
        assert_eq!(gauge(text, "a_b"), Some(2.5));
        assert_eq!(gauge(text, "a"), None);
    }
}
