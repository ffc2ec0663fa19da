//! A security officer or an auditor at the portal of officials, from the command line.

use std::future::Future;
use std::path::PathBuf;

use clap::Args;
use signing::cades::{self, Content};
use storage::Clock as _;
use storage::clock::SystemClock;

use crate::client::{Client, ClientError, PortalClient};
use crate::commands::admin::of_client;
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, keys};

// Where and as whom. Each command logs in with a signature of its own, and out when it is done.
#[derive(Debug, Args)]
pub(in crate::commands) struct Session {
    /// The portal of officials, as the node's configuration has its origin.
    #[arg(long, value_name = "URL")]
    portal: String,
    /// Where it is reached, if not there.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Anchors of its TLS certificate.
    #[arg(long, value_name = "PEM")]
    roots: PathBuf,
    /// Your signing certificate, with the authorities above it in the same file.
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    /// Its private key (PKCS#8).
    #[arg(long, value_name = "PEM")]
    sign_key: PathBuf,
}

impl Session {
    /// Logs in, does it, and logs out, whatever came of it.
    pub(super) fn run<T, F>(
        &self,
        terminal: &mut Terminal<'_>,
        work: impl FnOnce(std::sync::Arc<PortalClient>) -> F,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let roots = keys::certificates(&self.roots)?;
        let chain = keys::certificates(&self.certificate)?;
        let leaf = keys::certificate(&self.certificate)?;
        let key = keys::private_key(&self.sign_key, &leaf, terminal)?;
        let client = Client::new(self.address.as_ref().unwrap_or(&self.portal), &roots, None).map_err(of_client)?;
        let sign = |text: &[u8]| {
            let signed = cades::sign(Content::Attached(text), &key, key.default_algorithm(), &chain, SystemClock.now());
            signed.map_err(|error| ClientError::Configuration(format!("cannot sign: {error}")))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
        runtime.block_on(async {
            let portal =
                PortalClient::log_in(client, self.portal.trim_end_matches('/'), sign).await.map_err(of_client)?;
            let portal = std::sync::Arc::new(portal);
            let done = work(std::sync::Arc::clone(&portal)).await;
            // A session that is not ended ends by itself.
            let _ = portal.log_out().await;
            done
        })
    }
}
