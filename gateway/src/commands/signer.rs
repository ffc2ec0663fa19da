//! `vuzol signer`: signs the checkpoints of a node's log, in a process and under a user of its own.

use std::path::PathBuf;
use std::sync::Arc;

use audit::log::Signer;
use audit::signer::{Desk, Door, serve};
use clap::Args;
use crypto::merkle::NoteSigner;
use crypto::token::{TokenKey, make_ed25519};
use tokio::signal::unix::{SignalKind, signal};

use super::serve::finish;
use super::terminal::Terminal;
use super::{Failure, exit};
use crate::config::{KeySource, SignerConfig};
use crate::telemetry::LogArguments;
use crate::token_key;
use crate::wiring::read_key;

/// Signs what continues the log, and nothing else, whoever asks.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// The configuration; `gateway/signer.example.toml` explains every key.
    #[arg(long, default_value = "signer.toml", value_name = "FILE")]
    config: PathBuf,
    /// This log begins: there is no memory yet, and the first tree that is asked for is signed whatever it is. Refused where there is one.
    #[arg(long)]
    begin: bool,
    /// Print the verifier keys, one a line, and end. The first is `log.signer.key` of the node.
    #[arg(long)]
    print_keys: bool,
    /// Make the key in its token, which it then never leaves; print its verifier key, and end. Refused where the token has something of that label.
    #[arg(long, conflicts_with_all = ["begin", "print_keys"])]
    make_key: bool,
    #[command(flatten)]
    log: LogArguments,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    if arguments.print_keys || arguments.make_key {
        let config = SignerConfig::load(&arguments.config).map_err(|error| Failure::Unreadable(error.0))?;
        if arguments.make_key {
            make_key(&config)?;
        }
        let signer = note_signer(&config).map_err(Failure::Unreadable)?;
        terminal.print(&format!("{}\n", signer.verifier().vkey()));
        if let Some(national) = signer.national_verifier() {
            terminal.print(&format!("{}\n", national.vkey()));
        }
        return Ok(exit::OK);
    }
    let outcome = arguments.log.start().and_then(|()| {
        let config = SignerConfig::load(&arguments.config).map_err(|error| error.0)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(sign_until_told(&config, arguments.begin))
    });
    Ok(finish(outcome, exit::OK, exit::REFUSED))
}

async fn sign_until_told(config: &SignerConfig, begin: bool) -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let memory = |error: audit::log::LogFailure| format!("memory {}: {error}", config.memory.display());
    let signer = Signer::open(note_signer(config)?, &config.memory).map_err(memory)?;
    let desk = if begin { Desk::begin(signer) } else { Desk::open(signer) }.map_err(|error| match begin {
        true => memory(error),
        false => format!("{}; where the log begins: --begin", memory(error)),
    })?;
    let door = Door::open(&config.socket, config.users.clone()).await;
    let door = door.map_err(|error| format!("socket {}: {error}", config.socket.display()))?;
    tracing::info!(log = config.name, key = desk.verifier().vkey(), "the signer runs");
    tokio::select! {
        () = serve(Arc::new(desk), door) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn make_key(config: &SignerConfig) -> Result<(), Failure> {
    let KeySource::Token(token) = &config.key else {
        return Err(Failure::Refused(
            "key: it is a file, and `openssl genpkey -algorithm ed25519` makes one".to_owned(),
        ));
    };
    let made = make_ed25519(&token_key::place(token, "key"));
    made.map(drop).map_err(|error| Failure::Refused(token_key::unusable(token, "key", &error)))
}

fn note_signer(config: &SignerConfig) -> Result<NoteSigner, String> {
    let signer = match &config.key {
        KeySource::File(file) => {
            let key = read_key("key", file).map_err(|error| error.0)?;
            let wrong =
                |error| format!("key {}: an Ed25519 key is needed, and a name of a log: {error}", file.display());
            NoteSigner::new(&config.name, key).map_err(wrong)?
        }
        // It has signed by then, and the signature was verified.
        KeySource::Token(token) => {
            let key = TokenKey::open_ed25519(token_key::place(token, "key"));
            let key = key.map_err(|error| token_key::unusable(token, "key", &error))?;
            NoteSigner::new(&config.name, key).map_err(|error| format!("name: a name of a log is needed: {error}"))?
        }
    };
    let Some(file) = &config.national_key else { return Ok(signer) };
    let key = read_key("national_key", file).map_err(|error| error.0)?;
    signer.with_national(Box::new(key)).map_err(|error| {
        format!("national_key {}: a little-endian key of DSTU 4145 is needed: {error}", file.display())
    })
}
