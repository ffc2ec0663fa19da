//! The log of a running node as a verifier reads it: checkpoint and tiles over the public API.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use audit::verify::{Kept, Source};
use clap::Args;
use tokio::runtime::Runtime;

use crate::client::{Client, ClientError};
use crate::commands::admin::of_client;
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, keys};

#[derive(Debug, Args)]
pub(super) struct Node {
    /// A running node: its log is read over the API.
    #[arg(long, value_name = "URL", conflicts_with_all = ["folder", "archive"], requires = "roots", requires = "certificate", requires = "certificate_key")]
    node: Option<String>,
    /// Anchors of the node's TLS certificate (with --node).
    #[arg(long, value_name = "PEM")]
    roots: Option<PathBuf>,
    /// The certificate to log in with, with the authorities above it in the same file (with --node).
    #[arg(long, value_name = "PEM")]
    certificate: Option<PathBuf>,
    /// Its private key (with --node).
    #[arg(long, value_name = "PEM")]
    certificate_key: Option<PathBuf>,
}

impl Node {
    /// The log of the node, if one is named.
    pub(super) fn open(&self, terminal: &mut Terminal<'_>) -> Result<Option<Online>, Failure> {
        let Self { node: Some(node), roots: Some(roots), certificate: Some(certificate), certificate_key: Some(key) } =
            self
        else {
            return Ok(None);
        };
        let (roots, chain, leaf) =
            (keys::certificates(roots)?, keys::certificates(certificate)?, keys::certificate(certificate)?);
        let key = keys::private_key(key, &leaf, terminal)?;
        let key = key.to_pkcs8_der().map_err(|error| Failure::Unreadable(error.to_string()))?;
        let client = Client::new(node, &roots, Some((&chain, &key))).map_err(of_client)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Unreachable(error.to_string()))?;
        Ok(Some(Online { client, runtime: RefCell::new(runtime) }))
    }
}

/// The log of a node that runs.
pub(super) struct Online {
    client: Client,
    runtime: RefCell<Runtime>,
}

impl Online {
    pub(super) fn checkpoint(&self) -> Result<Kept, Failure> {
        let note = self.patiently(async || self.client.checkpoint().await).map_err(of_client)?;
        Ok(Kept { name: "of the node".to_owned(), note })
    }

    /// Asks again where the node says that it was asked too much.
    fn patiently<T>(&self, ask: impl AsyncFn() -> Result<T, ClientError>) -> Result<T, ClientError> {
        self.runtime.borrow_mut().block_on(async {
            for _ in 0..TRIES {
                match ask().await {
                    Err(error)
                        if error.code().is_some_and(|code| code.starts_with("quota.") || code == "node.overloaded") =>
                    {
                        tokio::time::sleep(PAUSE).await;
                    }
                    other => return other,
                }
            }
            ask().await
        })
    }
}

impl Source for Online {
    fn read(&self, path: &str, limit: usize, content: &mut Vec<u8>) -> Result<bool, io::Error> {
        content.clear();
        match self.patiently(async || self.client.tile(path).await).map_err(io::Error::other)? {
            None => Ok(false),
            Some(octets) => {
                content.extend_from_slice(octets.get(..=limit).unwrap_or(&octets));
                Ok(true)
            }
        }
    }
}

/// A minute in all.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);
