//! Mirrors follow what is cosigned: in the background, one batch after the other, never in the way of a cosignature.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use audit::Witness;
use audit::mirror::{Mirror, MirrorFailure};
use audit::verify::Source;
use reqwest::StatusCode;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::config::WitnessedLogConfig;
use crate::outbound::mirrored;

/// Between two looks, at least: a log may be cosigned every second, and each of its heads costs files.
const REST: Duration = Duration::from_secs(5);

/// Between two tries of a log that cannot be read, and between two looks where nobody says anything.
const PAUSE: Duration = Duration::from_secs(60);

/// A log and its mirror.
pub(super) struct Mirroring {
    pub(super) mirror: Arc<Mirror>,
    pub(super) cosigned: Arc<Notify>,
    pub(super) witness: Arc<Witness>,
    pub(super) hash: String,
    pub(super) distant: Arc<Distant>,
}

/// Brings the mirror to what was cosigned last, again and again.
pub(super) async fn follow(mirroring: Arc<Mirroring>, shutdown: CancellationToken) {
    let mut complained = false;
    loop {
        let (working, stop) = (mirroring.clone(), shutdown.clone());
        let runtime = tokio::runtime::Handle::current();
        let done = tokio::task::spawn_blocking(move || working.advance(runtime, &stop));
        let rest = match done.await {
            Ok(Ok(())) => {
                complained = false;
                REST
            }
            Ok(Err(MirrorFailure::Stopped)) => return,
            Ok(Err(failure)) => {
                metrics::counter!("vuzol_mirror_failures_total").increment(1);
                if !std::mem::replace(&mut complained, true) {
                    tracing::error!(cause = %failure, "the mirror of a log does not follow it");
                }
                PAUSE
            }
            Err(error) => {
                tracing::error!(cause = %error, "the mirror of a log does not follow it");
                PAUSE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = mirroring.cosigned.notified() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

impl Mirroring {
    fn advance(&self, runtime: tokio::runtime::Handle, shutdown: &CancellationToken) -> Result<(), MirrorFailure> {
        let cosigned = self.witness.checkpoint(&self.hash);
        let cosigned = cosigned.map_err(|error| MirrorFailure::Disk {
            path: "memory".to_owned(),
            error: Error::other(error.to_string()),
        })?;
        let Some(note) = cosigned else { return Ok(()) };
        let source = Reading { distant: &self.distant, runtime };
        let reached = self.mirror.advance(&note, &source, &|| !shutdown.is_cancelled())?;
        #[allow(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("vuzol_mirror_size", "log" => reached.origin).set(reached.size as f64);
        Ok(())
    }
}

/// The way to a log.
pub(super) struct Distant {
    client: reqwest::Client,
    prefix: String,
    token: Option<Zeroizing<String>>,
}

impl Distant {
    pub(super) fn new(log: &WitnessedLogConfig) -> Result<Self, String> {
        let prefix = log.monitor.clone().unwrap_or_default().trim_end_matches('/').to_owned();
        let token = log.token.as_deref().map(read_token).transpose()?;
        Ok(Self { client: mirrored::client_of(log.tls_roots.as_deref())?, prefix, token })
    }

    /// What lies at a path below the prefix, of which one byte more than `limit` is read at most.
    async fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, String> {
        let mut request = self.client.get(format!("{}/{path}", self.prefix));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.as_str());
        }
        let mut answer = request.send().await.map_err(|error| error.to_string())?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(format!("status {}", status.as_u16())),
        }
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| error.to_string())? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > limit {
                bytes.truncate(limit.saturating_add(1));
                break;
            }
        }
        Ok(Some(bytes))
    }
}

/// A log that is read over the network from a thread that may block.
struct Reading<'d> {
    distant: &'d Distant,
    runtime: tokio::runtime::Handle,
}

impl Source for Reading<'_> {
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, Error> {
        content.clear();
        match self.runtime.block_on(self.distant.get(path, limit)) {
            Ok(Some(bytes)) => {
                *content = bytes;
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(why) => Err(Error::new(ErrorKind::ConnectionAborted, why)),
        }
    }
}

fn read_token(file: &Path) -> Result<Zeroizing<String>, String> {
    crate::wiring::warn_if_others_may_read("logs.token", file)
        .map_err(|e| format!("logs.token {}: {e}", file.display()))?;
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|e| format!("logs.token {}: {e}", file.display()))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
