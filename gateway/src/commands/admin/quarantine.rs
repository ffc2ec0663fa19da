//! `vuzol admin quarantine`: what does not go on by itself, and having it delivered again.

use clap::Subcommand;
use schemas::MessageId;

use super::{Connection, print_json, wait};
use crate::commands::Failure;
use crate::commands::terminal::Terminal;

/// Quarantine.
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineTask {
    /// Print which messages could not be delivered, and which notices nobody took in.
    List {
        #[command(flatten)]
        node: Connection,
    },
    /// Have a message delivered again: what one operator proposes, another confirms with the same command within a day.
    Retry {
        /// The message.
        message: MessageId,
        #[command(flatten)]
        node: Connection,
    },
}

pub(super) fn run(task: &QuarantineTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        QuarantineTask::List { node } => {
            let client = node.client(terminal)?;
            print_json(&wait(client.quarantine())?, terminal)
        }
        QuarantineTask::Retry { message, node } => {
            let client = node.client(terminal)?;
            let outcome = wait(client.retry_message(*message))?;
            if outcome.proposal.is_some() {
                terminal.note("proposed: another operator must confirm it");
            }
            print_json(&outcome, terminal)
        }
    }
}
