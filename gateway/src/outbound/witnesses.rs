//! The way to witnesses (C2SP tlog-witness, as a client): addresses of the configuration, no redirects, no credentials, bounded answers, nothing tried
//! twice. Who is asked when, and what an answer means, `audit::quorum` knows; how long it may take, too.

use std::sync::Arc;
use std::time::Duration;

use audit::quorum::{ANSWER_BYTES, NoReply, Reply, Replying, Submitter};
use http::header::CONTENT_TYPE;
use reqwest::RequestBuilder;

use super::address::Anywhere;
use super::fetch::client;
use super::trusted_lists::fetch::read_roots;
use crate::config::WitnessesConfig;

/// For a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// For one request and its answer, whatever who waits for it thinks: more than the configuration allows for a question.
const DEADLINE: Duration = Duration::from_secs(120);

/// The client.
pub(crate) struct WitnessClient(reqwest::Client);

impl WitnessClient {
    /// As configured.
    pub(crate) fn new(config: &WitnessesConfig) -> Result<Self, String> {
        let roots = config.tls_roots.as_deref().map(|file| read_roots("log.witnesses.tls_roots", file)).transpose()?;
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots.unwrap_or_else(rustls::RootCertStore::empty))
            .with_no_client_auth();
        // Witnesses stand in the networks of agencies, under names of these.
        let client = client(tls).dns_resolver(Arc::new(Anywhere)).connect_timeout(CONNECT).timeout(DEADLINE);
        // Shorter than a door waits for the next request of a connection.
        let client = client.pool_max_idle_per_host(2).pool_idle_timeout(Duration::from_secs(20));
        Ok(Self(client.build().map_err(|e| e.to_string())?))
    }
}

impl Submitter for WitnessClient {
    fn add_checkpoint<'a>(&'a self, prefix: &'a str, body: String) -> Replying<'a> {
        let request = self.0.post(format!("{prefix}/add-checkpoint"));
        Box::pin(read(request.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(body)))
    }

    fn latest<'a>(&'a self, prefix: &'a str, origin_hash: &'a str) -> Replying<'a> {
        Box::pin(read(self.0.get(format!("{prefix}/{origin_hash}/checkpoint"))))
    }
}

async fn read(request: RequestBuilder) -> Result<Reply, NoReply> {
    let failed =
        |error: reqwest::Error| NoReply(if error.is_connect() { "no connection" } else { "broken off" }.to_owned());
    let mut answer = request.send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > ANSWER_BYTES {
            return Err(NoReply("an answer past the bound".to_owned()));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Reply { status, content_type, body })
}
