//! `vuzol admin`: what an operator does to a node. A client of the public API like any other, whose power is the operator's
//! certificate; save for the part of `trust` that keeps the folders which the node reads.

mod peers;
mod people;
mod policies;
mod quarantine;
mod retention;
mod routing;

use std::future::Future;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use crypto::key::SoftwareKey;
use crypto::merkle::{NoteVerifier, TlogProof};
use schemas::registry::{
    Capability, CertificateRegistration, CertificateUsage, Channel, ParticipantQuery, ParticipantRegistration,
};
use schemas::{AreaCode, DocumentKind, Edrpou, EventId, MailboxId};

use super::terminal::Terminal;
use super::trust::TrustTask;
use super::{Failure, exit, keys};
use crate::client::{Client, ClientError};
use crate::config::Config;
use peers::PeersTask;
use people::{GrantTask, ImportTask, PeopleTask, PersonTask, RevokeTask};
use policies::PoliciesTask;
use quarantine::QuarantineTask;
use retention::RetentionTask;
use routing::{AddressTask, ReceptionTerms, Suspended, Terms};

/// Manages a running node through its public API, with an operator's certificate.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol admin participant list --node https://node:8443 --roots roots.pem --certificate operator.pem --key operator.key
  vuzol admin participant set 00000001 --name 'Agency' --mailbox chancellery --login tls.pem --encryption enc.pem ...
  vuzol admin channel set --sender 00000001 --recipient 00000002.chancellery --kind letter ...
  vuzol admin address set subsidy --area UA05020030000031457 --mailbox 00000002.chancellery ...
  vuzol admin suspend 00000002.chancellery ...          nothing can be sent to it until `resume`
  vuzol admin person add --name 'Шевченко Оксана Іванівна' --rnokpp 3184710691 ...
  vuzol admin grant PERSON head_of_agency --participant 00000001 ...    one proposes, another confirms
  vuzol admin import --participants bodies.csv --people people.csv --roles roles.csv --dry-run ...
  vuzol admin peers set poltava.example --url https://vuzol.poltava.example --authorities ca.pem --login login.pem --evidence evidence.pem ...
  vuzol admin peers withdraw poltava.example ...    at once; `peers restore` states an earlier version again
  vuzol admin quarantine retry 01938f6e-3c00-7abc-8def-0123456789ab ...    one proposes, another confirms
  vuzol admin retention hold --case 01938f6e-3c00-7abc-8def-0123456789ab --reason 'ruling 757/1/26' ...
  vuzol admin retention act draw --number 1/26 --date 2026-11-26 --class letters --ground '...' --member 'NAME|POSITION|WORD' ...
  vuzol admin retention act show ID --out act.json ...    two members sign act.json; each signature: `act sign`
  vuzol admin policies bundle --folder policies --number 7 --out policies.json
  vuzol admin policies check policies.json --signer security-officer.pem
  vuzol admin log-key --config vuzol.toml
  vuzol admin trust add our-ca.pem --purpose login --purpose encryption --config vuzol.toml
  vuzol admin trust state SHA256 --node https://node:8443 ...          believe it for nothing, at once
  vuzol admin proof 01938f6e-3c00-7abc-8def-0123456789ab --log-key NAME+HASH+KEY ...")]
pub(super) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Agencies and centres: their mailboxes and certificates.
    #[command(subcommand)]
    Participant(ParticipantTask),
    /// Who may send what to which mailbox.
    #[command(subcommand)]
    Channel(ChannelTask),
    /// Who performs a service in an area.
    #[command(subcommand)]
    Address(AddressTask),
    /// Stop everybody from sending to a participant or a mailbox. What was accepted before is delivered.
    Suspend(Suspended),
    /// Let everybody send to it again.
    Resume(Suspended),
    /// Print who is in the directory of people, with their roles and what is proposed.
    People(PeopleTask),
    /// Enter a person into the directory, or take one out of it.
    #[command(subcommand)]
    Person(PersonTask),
    /// Entrust a person with a role. Heads and roles of the node take two: one proposes, another confirms with the same command in a day.
    Grant(GrantTask),
    /// Take a role back.
    Revoke(RevokeTask),
    /// Enter participants, people and roles from CSV files: all of it or nothing.
    Import(ImportTask),
    /// Other nodes: to whom documents leave the region, and who speaks for participants there.
    #[command(subcommand)]
    Peers(PeersTask),
    /// What could not be delivered, and having it delivered again.
    #[command(subcommand)]
    Quarantine(QuarantineTask),
    /// What is due for disposal, legal holds, disposal acts.
    #[command(subcommand)]
    Retention(RetentionTask),
    /// Signed bundles of policies: make one, check one.
    #[command(subcommand)]
    Policies(PoliciesTask),
    /// Print the log's latest checkpoint.
    Checkpoint {
        #[command(flatten)]
        node: Connection,
        #[command(flatten)]
        log: LogKey,
    },
    /// Print an event's logged entry and its inclusion proof.
    Proof {
        /// The event, as in a receipt.
        event: EventId,
        #[command(flatten)]
        node: Connection,
        #[command(flatten)]
        log: LogKey,
    },
    /// Whom the node believes: anchors, intermediates, revocation lists of an offline bundle.
    #[command(subcommand)]
    Trust(TrustTask),
    /// Print the public key of a node's log, to be given to everyone who checks proofs. Reads the configuration only.
    LogKey {
        /// The node's vuzol.toml.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ParticipantTask {
    /// Print all participants, or those that meet all that is asked.
    List {
        /// The beginning of a ЄДРПОУ code, or a part of a name.
        #[arg(long, value_name = "TEXT")]
        query: Option<String>,
        /// Only those that serve this area or a part of it: a code of КАТОТТГ.
        #[arg(long)]
        area: Option<AreaCode>,
        /// Only those that can do this: receive, pull, webhook, rsa, ecdh, dstu, or kind:KIND.
        #[arg(long)]
        capability: Option<Capability>,
        #[command(flatten)]
        node: Connection,
    },
    /// Register a participant, or replace its registration as a whole.
    Set {
        /// ЄДРПОУ, eight digits.
        edrpou: Edrpou,
        /// Its name.
        #[arg(long)]
        name: String,
        /// A mailbox, by the name after the dot. Repeat for several.
        #[arg(long, value_name = "NAME", required = true)]
        mailbox: Vec<String>,
        /// A certificate that its system logs in with. Repeat for several.
        #[arg(long, value_name = "PEM")]
        login: Vec<PathBuf>,
        /// The certificate that documents are sealed to.
        #[arg(long, value_name = "PEM")]
        encryption: Vec<PathBuf>,
        /// The area that it serves: a code of КАТОТТГ.
        #[arg(long)]
        area: Option<AreaCode>,
        #[command(flatten)]
        reception: ReceptionTerms,
        /// The other node that its mailboxes are at, by name: it logs in there and not here.
        #[arg(long, value_name = "PEER", conflicts_with = "login")]
        at: Option<String>,
        #[command(flatten)]
        node: Connection,
    },
}

#[derive(Debug, Subcommand)]
enum ChannelTask {
    /// Open a channel, or replace the kinds of document that it carries.
    Set {
        /// Who may send: ЄДРПОУ.
        #[arg(long)]
        sender: Edrpou,
        /// To where: ЄДРПОУ.name.
        #[arg(long)]
        recipient: MailboxId,
        /// A kind of document. Repeat for several; none closes the channel.
        #[arg(long)]
        kind: Vec<DocumentKind>,
        #[command(flatten)]
        terms: Terms,
        #[command(flatten)]
        node: Connection,
    },
}

#[derive(Debug, Args)]
pub(super) struct Connection {
    /// The node's public address.
    #[arg(long, value_name = "URL")]
    node: String,
    /// Anchors of the node's TLS certificate.
    #[arg(long, value_name = "PEM")]
    roots: PathBuf,
    /// The operator's certificate, with the authorities above it in the same file.
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    /// Its private key (PKCS#8).
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
}

#[derive(Debug, Args)]
struct LogKey {
    /// Verify under this key of the log (from `vuzol admin log-key`, not from the node itself).
    #[arg(long = "log-key", value_name = "VKEY")]
    log_key: Option<String>,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match &arguments.task {
        Task::Participant(ParticipantTask::List { query, area, capability, node }) => {
            let (query, capability) = (query.clone(), capability.clone());
            let query = ParticipantQuery { query, area: *area, capability, ..ParticipantQuery::default() };
            let client = node.client(terminal)?;
            print_json(&wait(client.search(&query))?, terminal)
        }
        Task::Participant(ParticipantTask::Set {
            edrpou,
            name,
            mailbox,
            login,
            encryption,
            area,
            reception,
            at,
            node,
        }) => {
            let registration = ParticipantRegistration {
                name: name.clone(),
                mailboxes: mailbox.clone(),
                certificates: [(CertificateUsage::Login, login), (CertificateUsage::Encryption, encryption)]
                    .into_iter()
                    .flat_map(|(usage, paths)| paths.iter().map(move |path| registered(usage, path)))
                    .collect::<Result<_, _>>()?,
                area: *area,
                reception: reception.stated(),
                node: at.clone(),
            };
            let client = node.client(terminal)?;
            let participant = wait(client.register(*edrpou, &registration))?;
            print_json(&participant, terminal)
        }
        Task::Channel(ChannelTask::Set { sender, recipient, kind, terms, node }) => {
            let (recipient, kinds, policy) = (recipient.clone(), kind.clone(), terms.stated());
            let channel = Channel { sender: *sender, recipient, kinds, policy };
            let client = node.client(terminal)?;
            wait(client.set_channel(&channel)).map(|()| exit::OK)
        }
        Task::Address(task) => routing::address(task, terminal),
        Task::Suspend(suspended) => suspended.state(true, terminal),
        Task::Resume(suspended) => suspended.state(false, terminal),
        Task::People(task) => people::list(task, terminal),
        Task::Person(task) => people::person(task, terminal),
        Task::Grant(task) => people::grant(task, terminal),
        Task::Revoke(task) => people::revoke(task, terminal),
        Task::Import(task) => people::import(task, terminal),
        Task::Peers(task) => peers::run(task, terminal),
        Task::Quarantine(task) => quarantine::run(task, terminal),
        Task::Retention(task) => retention::run(task, terminal),
        Task::Checkpoint { node, log } => checkpoint(&node.client(terminal)?, log, terminal),
        Task::Proof { event, node, log } => proof(*event, &node.client(terminal)?, log, terminal),
        Task::LogKey { config } => log_key(config, terminal),
        Task::Policies(task) => policies::run(task, terminal),
        Task::Trust(task) => super::trust::run(task, terminal),
    }
}

fn checkpoint(client: &Client, log: &LogKey, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let note = wait(client.checkpoint())?;
    match log.verifier()? {
        Some(verifier) => verifier.verify(&note).map(|_| ()).map_err(|error| Failure::Refused(error.to_string()))?,
        None => terminal.note("not verified: give --log-key"),
    }
    terminal.print(&note);
    Ok(exit::OK)
}

fn proof(event: EventId, client: &Client, log: &LogKey, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let answer = wait(client.proof(event))?;
    match log.verifier()? {
        None => terminal.note("not verified: give --log-key"),
        Some(verifier) => {
            let unexpected =
                |error: &dyn std::fmt::Display| Failure::Refused(format!("the proof cannot be read: {error}"));
            let entry = STANDARD.decode(&answer.entry).map_err(|error| unexpected(&error))?;
            let proof = TlogProof::parse(&answer.proof).map_err(|error| unexpected(&error))?;
            let covered = proof.verify(&entry, &verifier).map_err(|error| Failure::Refused(error.to_string()))?;
            if !String::from_utf8_lossy(&entry).contains(&format!("\"{event}\"")) {
                return Err(Failure::Refused("the proven entry is of another event".to_owned()));
            }
            terminal.note(&format!("verified: entry {} of {} in {}", proof.index, covered.size, covered.origin));
        }
    }
    print_json(&answer, terminal)
}

fn log_key(config: &Path, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let config = Config::load(config).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let key = crate::wiring::log_verifier_key(&config).map_err(|error| Failure::Unreadable(error.to_string()))?;
    terminal.print(&format!("{key}\n"));
    Ok(exit::OK)
}

impl Connection {
    pub(super) fn client(&self, terminal: &mut Terminal<'_>) -> Result<Client, Failure> {
        let roots = keys::certificates(&self.roots)?;
        let chain = keys::certificates(&self.certificate)?;
        let leaf = keys::certificate(&self.certificate)?;
        let key: SoftwareKey = keys::private_key(&self.key, &leaf, terminal)?;
        let key = key.to_pkcs8_der().map_err(|error| Failure::Unreadable(error.to_string()))?;
        Client::new(&self.node, &roots, Some((&chain, &key))).map_err(of_client)
    }
}

impl LogKey {
    fn verifier(&self) -> Result<Option<NoteVerifier>, Failure> {
        let parse = |vkey: &String| {
            NoteVerifier::from_vkey(vkey).map_err(|error| Failure::Unreadable(format!("--log-key: {error}")))
        };
        self.log_key.as_ref().map(parse).transpose()
    }
}

fn registered(usage: CertificateUsage, path: &Path) -> Result<CertificateRegistration, Failure> {
    Ok(CertificateRegistration { usage, der: STANDARD.encode(keys::certificate(path)?.der()) })
}

pub(super) fn wait<T>(operation: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::Unreachable(error.to_string()))?.block_on(operation).map_err(of_client)
}

pub(super) fn of_client(error: ClientError) -> Failure {
    match &error {
        ClientError::Refused(_) | ClientError::Unexpected(_) => Failure::Refused(error.to_string()),
        ClientError::Transport(_) => Failure::Unreachable(error.to_string()),
        ClientError::Configuration(_) => Failure::Unreadable(error.to_string()),
    }
}

pub(super) fn print_json(value: &impl serde::Serialize, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::Unwritable(error.to_string()))?;
    terminal.print(&format!("{json}\n"));
    Ok(exit::OK)
}
