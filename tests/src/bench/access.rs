//! The rows of `bench access`: how long a decision takes, as a caller of `Access::decide` sees it.
//!
//! | row | what is decided |
//! |---|---|
//! | `decide-shipped` | a mix of actors and actions by the policies that the binary carries |
//! | `decide-500` | the same where local policies make it five hundred, each about one action |
//! | `decide-500-of-every-action` | the same where each local policy is about whatever is done by whomever: none can be left out |
//!
//! Every decision is timed by itself on the clock on the wall, and checked; the figure is the median of all of them. The registry is in memory and
//! the clock stands still, as within any second of a node: a decision that asked for anything else would fail the measurement.

use std::collections::BTreeSet;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use access::decide::{
    AcknowledgeMessage, CaseResource, LeaseMessages, MessageResource, ReadCase, ReadMessage, RegisterParticipant,
    SetChannel, SetTrust, SubmissionResource, SubmitDocument,
};
use access::registry::Registry;
use access::{Access, Actor, Denied, Person, PolicyFiles};
use audit::Ledger;
use certs::path::VerifiedPath;
use certs::revocation::{RevocationData, RevocationSource};
use certs::trust::{TrustSnapshot, TrustSource};
use schemas::access::Role;
use schemas::registry::{Channel, ParticipantRegistration};
use schemas::{CaseId, Edrpou, MessageId, PersonId};
use storage::clock::ManualClock;
use storage::store::{StoreConfig, migrate, open};
use time::OffsetDateTime;
use time::macros::datetime;

use super::measure::{Figure, Unit};
use super::options::Effort;

/// A row: its name, and the policies beside those that are shipped.
pub type Row = (&'static str, fn() -> Vec<String>);

/// All rows, in the order in which they are measured.
pub const ROWS: [Row; 3] =
    [("decide-shipped", Vec::new), ("decide-500", of_one_action), ("decide-500-of-every-action", of_every_action)];

/// Policies altogether.
const POLICIES: usize = 500;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Measures one row.
///
/// # Panics
/// Where a decision is not the expected one, or asks more than memory.
#[must_use]
pub fn figure((name, local): Row, effort: &Effort) -> Figure {
    let node = Node::new(&local());
    let budget = Duration::from_millis(u64::from(effort.milliseconds)) * effort.rounds;
    let (start, mut times) = (Instant::now(), Vec::new());
    for step in 0.. {
        let before = Instant::now();
        let allowed = node.decides(step);
        times.push(before.elapsed());
        assert_eq!(allowed, step % MIX != MIX - 1, "step {step} of the mix");
        if start.elapsed() >= budget && times.len() >= 100 {
            break;
        }
    }
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e6;
    Figure { name, by: "vuzol", unit: Unit::Microseconds, best: at(50), median: at(99) }
}

/// Decisions of one turn of the mix; the last is a refusal.
const MIX: usize = 8;

struct Node {
    _folder: tempfile::TempDir,
    access: Access,
    sender: Actor,
    recipient: Actor,
    representative: Actor,
    head: Actor,
    operator: Actor,
    stranger: Actor,
}

struct NoTrust;

impl TrustSource for NoTrust {
    fn current(&self) -> Arc<TrustSnapshot> {
        Arc::new(TrustSnapshot::new(Vec::new(), Vec::new(), NOW))
    }
}

struct NoRevocation;

impl RevocationSource for NoRevocation {
    fn data<'a>(
        &'a self,
        _path: &'a VerifiedPath,
        _at: OffsetDateTime,
    ) -> Pin<Box<dyn Future<Output = RevocationData> + Send + 'a>> {
        Box::pin(std::future::ready(RevocationData::default()))
    }
}

fn code(text: &str) -> Edrpou {
    text.parse().expect("a code")
}

fn system(of: &str) -> Actor {
    Actor::Participant { edrpou: code(of), certificate: [1; 32] }
}

fn person(number: u8, role: Role, acting_for: Option<&str>) -> Actor {
    let (id, roles) = (PersonId::from_parts(1, [number; 10]), [role].into_iter().collect());
    Actor::Person(Person { id, acting_for: acting_for.map(code), roles, certificate: Some([2; 32]), stepped_up: true })
}

impl Node {
    fn new(local: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = StoreConfig::new(folder.path().join("vuzol.db"));
        migrate(&store).expect("a database");
        let (writer, reader) = open(&store).expect("a database");
        let clock = Arc::new(ManualClock::new(NOW));
        let ledger = Ledger::new(writer, reader, clock.clone(), "bench");
        let registry = Registry::new(ledger, clock.clone());
        let (trust, revocation) = (Arc::new(NoTrust), Arc::new(NoRevocation));
        let access = Access::new(registry, trust, revocation, clock, BTreeSet::new(), access::peers::Peers::none());
        let access = access.expect("the shipped policies");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(furnish(&access));
        let shipped = PolicyFiles::shipped();
        let text = local.join("\n");
        let files = shipped.policies().chain([("local.cedar", text.as_str())]);
        let files = PolicyFiles::new(shipped.schema(), files).expect("policies");
        access.adopt_policies(&files).expect("policies that are sound");
        Self {
            _folder: folder,
            access,
            sender: system("00000001"),
            recipient: system("00000002"),
            representative: person(1, Role::AuthorisedRepresentative, Some("00000002")),
            head: person(2, Role::HeadOfAgency, Some("00000002")),
            operator: person(3, Role::NodeOperator, None),
            stranger: system("00000003"),
        }
    }

    /// Whether the step of the mix is allowed.
    fn decides(&self, step: usize) -> bool {
        let (from, to) = (code("00000001"), code("00000002"));
        let mailbox = || "00000002.office".parse().expect("a mailbox");
        let message = MessageId::from_parts(1, [1; 10]);
        let message = || MessageResource { message, sender: from, recipient: mailbox() };
        let case = || CaseResource { case: CaseId::from_parts(1, [1; 10]), participants: vec![from, to] };
        match step % MIX {
            0 => {
                let kind = "letter".parse().expect("a kind");
                let resource = SubmissionResource { sender: from, recipient: mailbox(), kind };
                at_once(self.access.decide::<SubmitDocument>(&self.sender, resource))
            }
            1 => at_once(self.access.decide::<LeaseMessages>(&self.recipient, mailbox())),
            2 => at_once(self.access.decide::<ReadMessage>(&self.sender, message())),
            3 => at_once(self.access.decide::<AcknowledgeMessage>(&self.recipient, message())),
            4 => at_once(self.access.decide::<ReadCase>(&self.representative, case())),
            5 => at_once(self.access.decide::<ReadMessage>(&self.head, message())),
            6 => at_once(self.access.decide::<SetTrust>(&self.operator, [1; 32].into())),
            _ => at_once(self.access.decide::<ReadCase>(&self.stranger, case())),
        }
    }
}

/// Three participants, and a channel from the first to the second.
async fn furnish(access: &Access) {
    let operator = Actor::Operator { certificate: [9; 32] };
    for participant in ["00000001", "00000002", "00000003"] {
        let permit = access.decide::<RegisterParticipant>(&operator, code(participant)).await.expect("an operator");
        let (name, mailboxes) = ("Agency".to_owned(), vec!["office".to_owned()]);
        let registration = ParticipantRegistration { name, mailboxes, ..ParticipantRegistration::default() };
        access.registry().register(permit, registration).await.expect("a participant");
    }
    let recipient: schemas::MailboxId = "00000002.office".parse().expect("a mailbox");
    let permit = access.decide::<SetChannel>(&operator, recipient.clone()).await.expect("an operator");
    let (sender, kinds) = (code("00000001"), vec!["letter".parse().expect("a kind")]);
    let channel = Channel { sender, recipient, kinds, policy: None };
    access.registry().set_channel(permit, channel).await.expect("a channel");
}

/// The answer of a decision, which waits for nothing.
fn at_once<T>(decision: impl Future<Output = Result<T, Denied>>) -> bool {
    match pin!(decision).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(decided) => decided.is_ok(),
        Poll::Pending => panic!("a decision waits for something"),
    }
}

/// Policies of a region beside those that are shipped: what some participant may not do.
fn local(scope: impl Fn(usize) -> String) -> Vec<String> {
    let shipped: usize = PolicyFiles::shipped().policies().map(|(_, text)| text.matches("@id(").count()).sum();
    let policy = |number: usize| {
        let scope = scope(number);
        let nobody = format!("9{number:07}");
        format!(
            r#"@id("local.{number}") forbid (principal, {scope}, resource) when {{ principal in Vuzol::Participant::"{nobody}" }};"#
        )
    };
    (0..POLICIES.saturating_sub(shipped)).map(policy).collect()
}

fn of_one_action() -> Vec<String> {
    const ACTIONS: [&str; 6] =
        ["submit_document", "lease_messages", "read_message", "acknowledge_message", "read_case", "set_trust"];
    local(|number| format!(r#"action == Vuzol::Action::"{}""#, ACTIONS[number % ACTIONS.len()]))
}

fn of_every_action() -> Vec<String> {
    local(|_| "action".to_owned())
}
