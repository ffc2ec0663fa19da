//! Who acts while the node is killed: senders, recipients, and a watcher of the log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crypto::merkle::Checkpoint;
use gateway::client::ClientError;
use schemas::MessageId;
use schemas::message::{Lease, LeaseRequest, LeasedMessage, Receipt};
use tests::harness::{Agency, Ground, pdf};
use time::OffsetDateTime;
use tokio::task::JoinHandle;

/// Seconds of a lease: short, since the answer to a lease is lost with the node that gave it, and nobody holds it then.
const LEASE_SECONDS: u32 = 8;

/// How often, at 50 ms, nothing may have arrived before the rest counts as lost: a minute.
const PATIENCE: u32 = 1200;

/// Documents that one sender has under way at the same time.
const HANDS: u64 = 3;

/// What everybody wrote down.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What senders were told, by the text of the document.
    pub(crate) receipts: BTreeMap<String, Receipt>,
    /// What recipients opened and had acknowledged: the text, and under which messages.
    pub(crate) accepted: BTreeMap<String, Vec<MessageId>>,
    /// Checkpoints that were seen, oldest first.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Until when each leased message was ours.
    leases: BTreeMap<MessageId, OffsetDateTime>,
    /// What should never be.
    pub(crate) faults: Vec<String>,
}

type Journal = Arc<Mutex<Outcome>>;

/// The actors at work.
pub(crate) struct Play {
    journal: Journal,
    enough: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
}

impl Play {
    /// Registers two senders and two recipients and sets them to work.
    pub(crate) async fn begin(ground: &Ground) -> Self {
        let operator = ground.operator();
        let agencies: Vec<Arc<Agency>> = (0..4).map(|index| Arc::new(ground.agency(index))).collect();
        for agency in &agencies {
            ground.registers(&operator, agency).await;
        }
        let (journal, enough) = (Journal::default(), Arc::new(AtomicBool::new(false)));
        let (mut senders, mut others) = (Vec::new(), Vec::new());
        for pair in agencies.chunks(2) {
            let [from, to] = pair else { continue };
            ground.opens_channel(&operator, from, &to.mailbox()).await;
            for hand in 0..HANDS {
                senders.push(tokio::spawn(send(from.clone(), to.clone(), hand, journal.clone(), enough.clone())));
            }
            others.push(tokio::spawn(receive(to.clone(), journal.clone())));
        }
        let note = ground.log_verifier();
        others.push(tokio::spawn(watch(agencies[0].clone(), note, journal.clone())));
        Self { journal, enough, senders, others }
    }

    /// Lets senders finish what they began and recipients drain, then returns the books.
    pub(crate) async fn end(self) -> Outcome {
        self.enough.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.await.expect("a sender does not panic");
        }
        // As long as anything still arrives: many kills leave much to work off, and slow is not lost.
        let (mut arrived, mut quiet) = (0, 0);
        while quiet < PATIENCE {
            let (open, accepted) = {
                let journal = self.journal.lock().expect("no holder panics");
                let open = journal.receipts.keys().any(|text| !journal.accepted.contains_key(text));
                (open, journal.accepted.len())
            };
            if !open {
                break;
            }
            quiet = if accepted > arrived { 0 } else { quiet + 1 };
            arrived = accepted;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // A second delivery would come after the first: whatever was leased and lost is offered again by then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        for other in self.others {
            other.abort();
        }
        std::mem::take(&mut *self.journal.lock().expect("no holder panics"))
    }
}

/// Sends one document after the other, each until it is acknowledged.
async fn send(from: Arc<Agency>, to: Arc<Agency>, hand: u64, journal: Journal, enough: Arc<AtomicBool>) {
    let mailbox = to.mailbox();
    for number in 0.. {
        if enough.load(Ordering::Relaxed) {
            return;
        }
        let text = format!("{} {hand} {number}", from.edrpou());
        let document = pdf(&text);
        let signature = from.signs(&document);
        let key = text.replace(' ', "-");
        let receipt = until_answered(&journal, || {
            from.submits(document.clone()).to(&mailbox).with_key(&key).signed_with(signature.clone()).made()
        })
        .await;
        if let Some((receipt, _)) = receipt {
            journal.lock().expect("no holder panics").receipts.insert(text, receipt);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Leases, opens and acknowledges, each step until it is answered.
async fn receive(agency: Arc<Agency>, journal: Journal) {
    let (request, mailbox) =
        (LeaseRequest { max_messages: 20, seconds: LEASE_SECONDS, contents: false, wait_seconds: 0 }, agency.mailbox());
    loop {
        let lease = until_answered(&journal, || agency.client.lease(&mailbox, &request)).await;
        let Some(lease) = lease.filter(|lease| !lease.messages.is_empty()) else {
            tokio::time::sleep(Duration::from_millis(30)).await;
            continue;
        };
        note_lease(&journal, &lease);
        for message in &lease.messages {
            handle(&agency, &lease, message, &journal).await;
        }
    }
}

/// A message that is still ours must not be offered a second time.
fn note_lease(journal: &Journal, lease: &Lease) {
    let mut journal = journal.lock().expect("no holder panics");
    let now = OffsetDateTime::now_utc();
    for message in &lease.messages {
        let id = message.summary.message_id;
        if journal.leases.insert(id, lease.expires_at).is_some_and(|until| until > now) {
            journal.faults.push(format!("{id} was offered again under a lease that holds"));
        }
    }
}

async fn handle(agency: &Agency, lease: &Lease, message: &LeasedMessage, journal: &Journal) {
    let id = message.summary.message_id;
    let Some(opened) = until_answered(journal, || agency.opens(lease, message)).await else { return };
    let signed = agency.states(&tests::harness::agency::statement(id, &opened.document, None));
    let done = until_answered(journal, || agency.client.acknowledge(id, lease.token, signed.clone())).await;
    if done.is_some() {
        let text = text_of(&opened.document);
        let mut journal = journal.lock().expect("no holder panics");
        journal.leases.remove(&id);
        journal.accepted.entry(text).or_default().push(id);
    }
}

/// The text of a PDF of the harness.
fn text_of(document: &[u8]) -> String {
    let text = String::from_utf8_lossy(document);
    text.split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or_else(String::new, |(text, _)| text.to_owned())
}

/// Repeats a request as long as nobody answers it. A lease that expired meanwhile ends it without a result: the message
/// is offered again. Any other refusal is a fault.
async fn until_answered<T, F>(journal: &Journal, mut ask: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Result<T, ClientError>>,
{
    loop {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(ClientError::Refused(problem)) if problem.code == "message.lease_not_held" => return None,
            Err(ClientError::Refused(problem)) if problem.status != 503 => {
                let fault = format!("{}: {:?}", problem.code, problem.detail);
                journal.lock().expect("no holder panics").faults.push(fault);
                return None;
            }
            // Killed, starting, or busy: nobody has taken responsibility for anything.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Writes down every checkpoint that is published.
async fn watch(agency: Arc<Agency>, log: crypto::merkle::NoteVerifier, journal: Journal) {
    loop {
        if let Ok(note) = agency.client.checkpoint().await {
            let seen = log.verify(&note).ok().and_then(|text| Checkpoint::parse_text(text).ok());
            let mut journal = journal.lock().expect("no holder panics");
            match seen {
                Some(checkpoint) => {
                    if journal.checkpoints.last() != Some(&checkpoint) {
                        journal.checkpoints.push(checkpoint);
                    }
                }
                None => journal.faults.push(format!("a checkpoint that does not verify: {note}")),
            }
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}
