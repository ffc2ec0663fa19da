//! `vuzol admin`: functional addresses, suspensions, and the terms of participants and channels.

use clap::{Args, Subcommand};
use schemas::registry::{ChannelPolicy, DeliveryMode, Reception, SignatureLevel};
use schemas::routing::{AddressQuery, FunctionalAddress, Suspension};
use schemas::{Addressee, AreaCode, DocumentKind, MailboxId, RetentionClass, ServiceName};

use super::{Connection, print_json, wait};
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, exit};

/// Functional addresses.
#[derive(Debug, Subcommand)]
pub(super) enum AddressTask {
    /// Say which mailbox the documents of a service in an area go to.
    Set {
        /// The service.
        service: ServiceName,
        /// The area, a code of КАТОТТГ. Without one: wherever nothing else is stated.
        #[arg(long)]
        area: Option<AreaCode>,
        /// The mailbox: ЄДРПОУ.name.
        #[arg(long)]
        mailbox: MailboxId,
        #[command(flatten)]
        node: Connection,
    },
    /// Take back what was said of a service in exactly this area.
    Remove {
        /// The service.
        service: ServiceName,
        /// The area, a code of КАТОТТГ.
        #[arg(long)]
        area: Option<AreaCode>,
        #[command(flatten)]
        node: Connection,
    },
    /// Print where the documents of a service in an area go.
    Resolve {
        /// The service.
        service: ServiceName,
        /// The area, a code of КАТОТТГ.
        #[arg(long)]
        area: Option<AreaCode>,
        #[command(flatten)]
        node: Connection,
    },
}

pub(super) fn address(task: &AddressTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        AddressTask::Set { service, area, mailbox, node } => {
            let address = FunctionalAddress { service: service.clone(), area: *area, mailbox: mailbox.clone() };
            let client = node.client(terminal)?;
            wait(client.set_address(&address)).map(|()| exit::OK)
        }
        AddressTask::Remove { service, area, node } => {
            let client = node.client(terminal)?;
            wait(client.remove_address(&AddressQuery { service: service.clone(), area: *area })).map(|()| exit::OK)
        }
        AddressTask::Resolve { service, area, node } => {
            let client = node.client(terminal)?;
            let found = wait(client.resolve(&AddressQuery { service: service.clone(), area: *area }))?;
            print_json(&found, terminal)
        }
    }
}

/// Whom a suspension is about.
#[derive(Debug, Args)]
pub(super) struct Suspended {
    /// ЄДРПОУ, or ЄДРПОУ.name.
    address: Addressee,
    #[command(flatten)]
    node: Connection,
}

impl Suspended {
    pub(super) fn state(&self, suspended: bool, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
        let client = self.node.client(terminal)?;
        wait(client.set_suspension(&Suspension { address: self.address.clone(), suspended })).map(|()| exit::OK)
    }
}

/// What a participant takes.
#[derive(Debug, Args)]
pub(super) struct ReceptionTerms {
    /// A kind of document that it takes. Repeat for several; none: any.
    #[arg(long = "takes", value_name = "KIND")]
    kinds: Vec<DocumentKind>,
    /// The largest document that it takes, in bytes.
    #[arg(long)]
    maximum_bytes: Option<u64>,
    /// The node calls its system when a message comes, instead of being asked.
    #[arg(long)]
    webhook: bool,
}

impl ReceptionTerms {
    pub(super) fn stated(&self) -> Reception {
        let usual = Reception::default();
        Reception {
            kinds: self.kinds.clone(),
            maximum_bytes: self.maximum_bytes.unwrap_or(usual.maximum_bytes),
            delivery: if self.webhook { DeliveryMode::Webhook } else { usual.delivery },
        }
    }
}

/// The terms of a channel; each that is left out is as usual.
#[derive(Debug, Args)]
pub(super) struct Terms {
    /// Only documents with qualified signatures.
    #[arg(long)]
    qualified: bool,
    /// The largest document, in bytes.
    #[arg(long)]
    maximum_bytes: Option<u64>,
    /// The class that says how long documents are kept.
    #[arg(long, value_name = "CLASS")]
    retention: Option<RetentionClass>,
    /// Hours that a submission waits whose signature cannot be judged yet; 0, which is usual: none.
    #[arg(long)]
    hold_hours: Option<u32>,
    /// Days in which the recipient has to answer, after which a message expires; 21 as usual.
    #[arg(long)]
    acknowledge_within_days: Option<u32>,
    /// Documents come sealed to the recipient already.
    #[arg(long)]
    sealed_by_sender: bool,
    /// Where the recipient has no encryption certificate, the node may hold the document keys, in its key ring.
    #[arg(long)]
    node_held_keys: bool,
    /// The schema that metadata have to follow; without it none are needed.
    #[arg(long, value_name = "URI")]
    metadata_schema: Option<String>,
}

impl Terms {
    /// None where all is as usual.
    pub(super) fn stated(&self) -> Option<ChannelPolicy> {
        let usual = ChannelPolicy::default();
        let stated = ChannelPolicy {
            signature: if self.qualified { SignatureLevel::Qualified } else { usual.signature },
            maximum_bytes: self.maximum_bytes.unwrap_or(usual.maximum_bytes),
            retention: self.retention.clone().unwrap_or_else(|| usual.retention.clone()),
            hold_hours: self.hold_hours.unwrap_or(usual.hold_hours),
            acknowledge_within_days: self.acknowledge_within_days.unwrap_or(usual.acknowledge_within_days),
            sealed_by_sender: self.sealed_by_sender,
            node_held_keys: self.node_held_keys,
            metadata_schema: self.metadata_schema.clone(),
        };
        (stated != usual).then_some(stated)
    }
}
