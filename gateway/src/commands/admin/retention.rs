//! `vuzol admin retention`: what is due for disposal, legal holds, disposal acts.

use std::path::PathBuf;

use clap::{ArgGroup, Subcommand};
use schemas::limits::SIGNATURE_BYTES;
use schemas::retention::{ActRequest, HoldRelease, HoldRequest, HoldSubject, Member};
use schemas::{CaseId, DisposalActId, Edrpou, HoldId, MessageId, RetentionClass};

use super::{Connection, print_json, wait};
use crate::client::retention::DueQuery;
use crate::commands::files::{self, Existing, NewFile, Readers};
use crate::commands::terminal::Terminal;
use crate::commands::{Failure, exit};

/// Retention.
#[derive(Debug, Subcommand)]
pub(super) enum RetentionTask {
    /// Print a page of what is due for disposal. Nothing of its content.
    Due {
        /// Only of this class.
        #[arg(long)]
        class: Option<RetentionClass>,
        /// Only in mailboxes of this participant: ЄДРПОУ.
        #[arg(long)]
        participant: Option<Edrpou>,
        /// `next_after` of the page before.
        #[arg(long)]
        after: Option<MessageId>,
        #[command(flatten)]
        node: Connection,
    },
    /// Forbid that a message, or whatever belongs to a case, is erased.
    #[command(group = ArgGroup::new("subject").required(true))]
    Hold {
        /// The message.
        #[arg(long, group = "subject")]
        message: Option<MessageId>,
        /// The case.
        #[arg(long, group = "subject")]
        case: Option<CaseId>,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        node: Connection,
    },
    /// Lift a legal hold.
    Lift {
        /// The hold.
        hold: HoldId,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        node: Connection,
    },
    /// Print a page of the legal holds in force.
    Holds {
        /// Those that were lifted too.
        #[arg(long)]
        lifted: bool,
        /// `next_after` of the page before.
        #[arg(long)]
        after: Option<HoldId>,
        #[command(flatten)]
        node: Connection,
    },
    /// Disposal acts: drawn up, signed by two members of the commission, carried out.
    #[command(subcommand)]
    Act(ActTask),
}

/// Disposal acts.
#[derive(Debug, Subcommand)]
pub(super) enum ActTask {
    /// Have a disposal act drawn up over what is due of a class.
    Draw {
        /// The act's number.
        #[arg(long)]
        number: String,
        /// Its date: YYYY-MM-DD.
        #[arg(long)]
        date: String,
        /// Of which class.
        #[arg(long)]
        class: RetentionClass,
        /// Only of mailboxes of this participant: ЄДРПОУ.
        #[arg(long)]
        participant: Option<Edrpou>,
        /// The legal ground.
        #[arg(long)]
        ground: String,
        /// A member of the commission: name, position and word, with `|` between them. Repeat for each.
        #[arg(long, value_name = "NAME|POSITION|WORD", value_parser = member, required = true)]
        member: Vec<Member>,
        /// Of how many messages at most.
        #[arg(long, value_name = "COUNT")]
        most: Option<u32>,
        #[command(flatten)]
        node: Connection,
    },
    /// Print a page of the disposal acts.
    List {
        /// `next_after` of the page before.
        #[arg(long)]
        after: Option<DisposalActId>,
        #[command(flatten)]
        node: Connection,
    },
    /// Print an act with its signatures and what came of it; write its document, which is what is signed, to a file.
    Show {
        /// The act.
        act: DisposalActId,
        /// Where the document goes. Sign it with `vuzol sign -o act.p7s act.json`, or any program that makes
        /// detached CMS.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        node: Connection,
    },
    /// Hand in a signature of an act. With the second one, of another person, the node erases what the act names.
    Sign {
        /// The act.
        act: DisposalActId,
        /// Detached CMS over the act's document.
        #[arg(long, value_name = "FILE")]
        signature: PathBuf,
        #[command(flatten)]
        node: Connection,
    },
    /// Take an act back that does not have both its signatures.
    Withdraw {
        /// The act.
        act: DisposalActId,
        #[command(flatten)]
        node: Connection,
    },
}

pub(super) fn run(task: &RetentionTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        RetentionTask::Due { class, participant, after, node } => {
            let query = DueQuery { class: class.clone(), participant: *participant, after: *after };
            print_json(&wait(node.client(terminal)?.due(&query))?, terminal)
        }
        RetentionTask::Hold { message, case, reason, node } => {
            let of_case = case.map(HoldSubject::Case);
            let subject = message.map(HoldSubject::Message).or(of_case);
            // The arguments are a required group: one of the two is there.
            let subject = subject.ok_or_else(|| Failure::Unreadable("--message or --case".to_owned()))?;
            let request = HoldRequest { subject, reason: reason.clone() };
            print_json(&wait(node.client(terminal)?.place_hold(&request))?, terminal)
        }
        RetentionTask::Lift { hold, reason, node } => {
            let release = HoldRelease { reason: reason.clone() };
            print_json(&wait(node.client(terminal)?.lift_hold(*hold, &release))?, terminal)
        }
        RetentionTask::Holds { lifted, after, node } => {
            print_json(&wait(node.client(terminal)?.holds(*lifted, *after))?, terminal)
        }
        RetentionTask::Act(task) => act(task, terminal),
    }
}

fn act(task: &ActTask, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    match task {
        ActTask::Draw { number, date, class, participant, ground, member, most, node } => {
            let (number, date, class, ground) = (number.clone(), date.clone(), class.clone(), ground.clone());
            let (participant, commission, most) = (*participant, member.clone(), *most);
            let request = ActRequest { number, date, class, participant, ground, commission, most };
            print_json(&wait(node.client(terminal)?.draw_act(&request))?, terminal)
        }
        ActTask::List { after, node } => print_json(&wait(node.client(terminal)?.acts(*after))?, terminal),
        ActTask::Show { act, out, node } => {
            let (act, document) = wait(node.client(terminal)?.act(*act))?;
            if let Some(file) = out {
                let mut written = NewFile::create(file, Existing::Keep, Readers::AsUsual)?;
                written.write(&document)?;
                written.commit()?;
            }
            print_json(&act, terminal)
        }
        ActTask::Sign { act, signature, node } => {
            let cms = files::read(signature, SIGNATURE_BYTES as u64)?;
            let signed = wait(node.client(terminal)?.sign_act(*act, cms))?;
            if signed.signatures < 2 {
                terminal.note("another member of the commission must sign it too");
            }
            print_json(&signed, terminal)
        }
        ActTask::Withdraw { act, node } => wait(node.client(terminal)?.withdraw_act(*act)).map(|()| exit::OK),
    }
}

/// `NAME|POSITION|WORD`.
fn member(text: &str) -> Result<Member, String> {
    match text.split('|').map(str::trim).collect::<Vec<_>>()[..] {
        [name, position, word] => {
            let [name, position, word] = [name, position, word].map(str::to_owned);
            Ok(Member { name, position, word })
        }
        _ => Err("name, position and word with | between them".to_owned()),
    }
}
