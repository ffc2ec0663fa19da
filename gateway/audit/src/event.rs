//! Audited events and their canonical entries.
//!
//! An entry is JSON in canonical form (RFC 8785: keys sorted, no white space, strings and integers only), and its bytes
//! are the content of a Merkle leaf. It holds nothing personal: who acted is a pseudonym, and everything else is behind
//! `commit`, the SHA-256 of 32 random bytes and the details. Without the salt a dictionary cannot guess the details, and
//! when salt and details are erased the entry and every proof stay as they are.
//!
//! | key | value |
//! |---|---|
//! | `action` | [`Action::as_str`] |
//! | `actor` | pseudonym |
//! | `at` | RFC 3339 in UTC with six decimals, by the node's clock |
//! | `boot` | random identifier of the node's start, 32 hexadecimal digits |
//! | `commit` | SHA-256(salt ‖ details), 64 hexadecimal digits; absent where there are no details |
//! | `id` | the event, UUIDv7 |
//! | `n` | counter of the start, from 1. A number that never appears was prepared and not committed: refused, shed, or lost in a crash |
//! | `node` | origin of the log |
//! | `object` | what was acted on; absent where nothing |
//! | `outcome` | `done` or `refused` |
//! | `reason` | code of the refusal; only with `refused` |
//! | `v` | 1 |

use crypto::digest::{hex, sha256};
use schemas::{EventId, ProblemCode};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::payload::{PayloadKeys, Sealed};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Stable names of deeds. A name is never reused and never changes its meaning: it is in the log for ever.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $name,)* }

        impl Action {
            /// All actions, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable name, `<thing>.<deed>`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

actions! {
    /// Somebody proved who they are.
    Login = "session.login";
    /// A challenge to be signed was asked for.
    RequestChallenge = "session.challenge";
    /// A person looked at their own session.
    ReadSession = "session.read";
    /// A session acts in another name from now on.
    ActFor = "session.act_for";
    /// A person confirmed a deed with a fresh signature.
    StepUp = "session.step_up";
    /// A session, or all of a person, ended before their time.
    EndSession = "session.end";
    /// A token was issued to a participant's systems.
    IssueToken = "token.issue";
    /// The tokens of a participant were listed.
    ReadTokens = "token.list";
    /// A token was taken back.
    RevokeToken = "token.revoke";
    /// A participant handed in a document.
    SubmitDocument = "document.submit";
    /// A participant announced a submission.
    AnnounceSubmission = "submission.announce";
    /// A range of a part of an announced submission was received.
    UploadPart = "submission.upload";
    /// What was received of an announced submission was read.
    ReadAnnouncement = "submission.read";
    /// A participant gave an announced submission up.
    WithdrawSubmission = "submission.withdraw";
    /// The node put a message into a mailbox.
    ConsignMessage = "message.consign";
    /// The contents of a mailbox were listed.
    ListMailbox = "mailbox.list";
    /// Messages of a mailbox were leased.
    LeaseMessages = "mailbox.lease";
    /// A part of a message was downloaded.
    DownloadPart = "message.download";
    /// A message was accepted or refused by its recipient.
    AcknowledgeMessage = "message.acknowledge";
    /// The events and evidence of a case were read.
    ReadCase = "case.read";
    /// A case was exported, with its evidence and proofs.
    ExportCase = "case.export";
    /// The state of a message was read.
    ReadMessage = "message.read";
    /// The participants were listed.
    ReadParticipants = "participant.list";
    /// A participant was registered or changed.
    RegisterParticipant = "participant.register";
    /// A channel was opened or changed.
    SetChannel = "channel.set";
    /// A channel was closed.
    RemoveChannel = "channel.remove";
    /// Who performs a service in an area was stated.
    SetAddress = "address.set";
    /// Such a statement was taken back.
    RemoveAddress = "address.remove";
    /// Who performs a service in an area was asked.
    ResolveAddress = "address.resolve";
    /// An operator stopped everybody from sending to a participant or a mailbox.
    SuspendRecipient = "recipient.suspend";
    /// An operator let everybody send to it again.
    ResumeRecipient = "recipient.resume";
    /// A participant asked whether a document could be sent.
    CheckDelivery = "delivery.check";
    /// Checkpoint, tiles or a proof of this log were read.
    ReadLog = "log.read";
    /// The node started.
    NodeStarted = "node.start";
    /// The node began to believe other certificates.
    TrustChanged = "trust.change";
    /// Whom the node believes was listed.
    ReadTrust = "trust.read";
    /// An operator stated what a certificate is believed for.
    SetTrust = "trust.set";
    /// Such a statement was taken back.
    WithdrawTrust = "trust.withdraw";
    /// Objects that no message names were removed.
    ObjectsSwept = "objects.sweep";
    /// The node's key ring got a new current key.
    RingRotated = "ring.rotate";
    /// Document keys were wrapped under the ring's current key.
    RingRewrapped = "ring.rewrap";
    /// Document keys were destroyed, before the ring key that they were under.
    RingEnvelopesErased = "ring.erase";
    /// A key of the ring was destroyed.
    RingKeyDestroyed = "ring.destroy";
    /// A message ended because its time was over.
    ExpireMessage = "message.expire";
    /// A message can be read no more: an act disposed of its keys and parts, or the key above its own was destroyed before its
    /// recipient had dealt with it.
    EraseMessage = "message.erase";
    /// The recipient of a message was reminded of it, or could not be.
    RemindRecipient = "message.remind";
    /// The recipient of a message was told of it by a notice, or could not be.
    NotifyRecipient = "message.notify";
    /// A participant said where notices are to be posted.
    SetSubscription = "subscription.set";
    /// A participant took that back.
    RemoveSubscription = "subscription.remove";
    /// Such a statement was read, and what could not be posted.
    ReadSubscription = "subscription.read";
    /// A message that could not be delivered was set aside.
    QuarantineMessage = "message.quarantine";
    /// What is in quarantine was listed.
    ReadQuarantine = "quarantine.list";
    /// An operator proposed that a message in quarantine be delivered again.
    ProposeRetry = "message.propose_retry";
    /// Another operator confirmed it.
    RetryMessage = "message.retry";
    /// What is due for disposal, legal holds or disposal acts were read.
    ReadRetention = "retention.read";
    /// An operator forbade the erasure of a message or a case.
    PlaceHold = "hold.place";
    /// An operator lifted such a hold.
    LiftHold = "hold.lift";
    /// An operator had a disposal act drawn up.
    DrawDisposalAct = "disposal.draw";
    /// A member of the commission signed it.
    SignDisposalAct = "disposal.sign";
    /// An operator took it back.
    WithdrawDisposalAct = "disposal.withdraw";
    /// The node carried out a piece of it.
    ExecuteDisposalAct = "disposal.execute";
    /// A message goes to another node: queued, begun, delayed, arrived, refused or given up.
    RelayMessage = "relay.send";
    /// A message came from another node.
    ReceiveRelayed = "relay.receive";
    /// Another node stated what became of a message.
    HearPeer = "relay.hear";
    /// What a participant handed in was listed.
    ListSubmissions = "document.list";
    /// The people of a participant, or of the node, were listed.
    ReadPeople = "person.list";
    /// A person was entered into the directory.
    RegisterPerson = "person.register";
    /// A person was taken out of it.
    RemovePerson = "person.remove";
    /// An operator proposed that a person be entrusted with a role.
    ProposeRole = "role.propose";
    /// A person was entrusted with a role.
    GrantRole = "role.grant";
    /// A role was taken back from a person.
    RevokeRole = "role.revoke";
    /// An operator proposed an import into the directory.
    ProposeImport = "directory.propose_import";
    /// Participants, people and roles were entered in bulk; each has its own entry too.
    ImportDirectory = "directory.import";
    /// What an import had entered was taken back.
    UndoImport = "directory.undo_import";
    /// A person stored a copy of a document at the node.
    StoreCopy = "copy.store";
    /// A person read their own copy.
    ReadCopy = "copy.read";
    /// A person had their copy erased.
    EraseCopy = "copy.erase";
    /// Somebody looked at a person's copy, for a purpose.
    LookAtCopy = "copy.look";
    /// A person was shown what they keep at the node and applied for.
    ReadOwnFile = "file.read";
    /// A person was shown who looked at what is theirs.
    ListLooks = "look.list";
    /// A person applied for a service.
    ApplyForService = "application.apply";
    /// A person attached a copy to an application.
    AttachCopy = "application.attach";
    /// A person detached one.
    DetachCopy = "application.detach";
    /// A person withdrew an application.
    WithdrawApplication = "application.withdraw";
    /// A centre closed an application.
    CloseApplication = "application.close";
    /// An application was read, or those of a centre.
    ReadApplication = "application.read";
    /// A person opened break-glass access.
    OpenBreakGlass = "break_glass.open";
    /// It was ended before its time.
    EndBreakGlass = "break_glass.end";
    /// It was reviewed by another person.
    ReviewBreakGlass = "break_glass.review";
    /// Such accesses were listed.
    ReadBreakGlass = "break_glass.list";
    /// The copies that such an access opens were listed under it.
    ListOpenedCopies = "break_glass.copies";
    /// A copy was looked at under it.
    LookThroughGlass = "break_glass.look";
    /// The node began to decide by other policies.
    PoliciesChanged = "policy.change";
    /// Other nodes were listed, or what was stated of one.
    ReadPeers = "peer.list";
    /// An operator proposed what is to hold of another node.
    ProposePeer = "peer.propose";
    /// Another operator confirmed it: documents go there and come from there.
    SetPeer = "peer.set";
    /// An operator withdrew another node.
    WithdrawPeer = "peer.withdraw";
    /// The log forgot its beginning, by a written policy.
    PruneLog = "log.prune";
    /// What the log held about somebody was erased, or erased again after a backup was restored.
    EraseDetails = "audit.erase";
    /// A security officer proposed that it be erased.
    ProposeErasure = "audit.propose_erasure";
    /// What is proposed was listed.
    ReadErasures = "audit.erasures";
    /// The log was searched.
    SearchAudit = "audit.search";
    /// A part of the log was taken away.
    ExportAudit = "audit.export";
    /// The index of the log was dropped, to be made again.
    ReindexAudit = "audit.reindex";
    /// A rule found something that somebody should look at.
    RaiseAlert = "alert.raise";
    /// An alert was delivered to a receiver.
    DeliverAlert = "alert.deliver";
    /// Alerts were listed.
    ReadAlerts = "alert.list";
    /// Somebody said that they have seen an alert.
    SeeAlert = "alert.see";
    /// For too long no quorum of witnesses cosigned the log.
    WitnessDegraded = "witness.degraded";
    /// A quorum cosigned it again.
    WitnessRestored = "witness.restored";
    /// A witness signed falsely, or says that the log is not what it was.
    WitnessConflict = "witness.conflict";
    /// A checkpoint was time-stamped: size and digest of the token are the object.
    AnchorLog = "log.anchor";
    /// For too long no checkpoint was time-stamped.
    AnchorDegraded = "anchor.degraded";
    /// One was again.
    AnchorRestored = "anchor.restored";
    /// Any other request at the door, most often one that was refused before its meaning was known.
    Request = "request";
}

/// How a deed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused, and nothing changed.
    Refused(ProblemCode),
}

/// What the caller says of an event.
#[derive(Debug, Clone)]
pub struct EventDraft {
    /// The deed.
    pub action: Action,
    /// Pseudonymous: `participant:<edrpou>`, `operator:<fingerprint16>`, `anonymous`, `node`.
    pub actor: String,
    /// What was acted on, e.g. `message:<id>`.
    pub object: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Committed by salted hash, stored beside the tree, never in it. `Null` for none.
    pub details: serde_json::Value,
}

/// A complete event: id, time, counter, salt, canonical entry. Built by [`Ledger::prepare`](crate::Ledger::prepare)
/// before the transaction.
#[derive(Debug, Clone)]
pub struct Event {
    id: EventId,
    at: OffsetDateTime,
    entry: Vec<u8>,
    payload: Option<Payload>,
    /// In its place, where the node has a key for it.
    sealed: Option<Sealed>,
}

/// What an entry commits to.
#[derive(Clone)]
pub(crate) struct Payload {
    pub(crate) salt: [u8; 32],
    /// JSON, exactly these bytes.
    pub(crate) details: String,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payload(..)")
    }
}

impl Event {
    /// Identity of the event, before it has a number in the log.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.id
    }

    /// When it was prepared.
    #[must_use]
    pub fn at(&self) -> OffsetDateTime {
        self.at
    }

    /// Canonical bytes, the Merkle leaf's content.
    #[must_use]
    pub fn entry(&self) -> &[u8] {
        &self.entry
    }

    pub(crate) fn payload(&self) -> Option<&Payload> {
        self.payload.as_ref()
    }

    pub(crate) fn sealed(&self) -> Option<&Sealed> {
        self.sealed.as_ref()
    }

    /// Puts what the entry commits to under the key of whom it is about.
    pub(crate) fn seal(mut self, draft: &EventDraft, keys: &PayloadKeys) -> Self {
        let Some(payload) = &self.payload else { return self };
        let mut plain = Zeroizing::new(Vec::with_capacity(32 + payload.details.len()));
        plain.extend_from_slice(&payload.salt);
        plain.extend_from_slice(payload.details.as_bytes());
        self.sealed = keys.seal(draft, self.id, self.at, &plain);
        if self.sealed.is_some() {
            self.payload = None;
        }
        self
    }

    pub(crate) fn new(draft: &EventDraft, id: EventId, at: OffsetDateTime, source: &Source<'_>) -> Self {
        let payload = (!draft.details.is_null())
            .then(|| Payload { salt: crypto::random::array(), details: draft.details.to_string() });
        let commit = payload.as_ref().map(|p| hex(&commitment(&p.salt, p.details.as_bytes())));
        Self { id, at, entry: entry(draft, id, at, source, commit.as_deref()), payload, sealed: None }
    }
}

/// Which node, which start of it, which event of that start.
pub(crate) struct Source<'a> {
    pub(crate) node: &'a str,
    pub(crate) boot: &'a str,
    pub(crate) n: u64,
}

/// The value of `commit`: SHA-256 of the salt followed by the details, exactly as stored.
#[must_use]
pub fn commitment(salt: &[u8; 32], details: &[u8]) -> [u8; 32] {
    let mut message = Vec::with_capacity(salt.len() + details.len());
    message.extend_from_slice(salt);
    message.extend_from_slice(details);
    sha256(&message)
}

/// Keys are written in the order of RFC 8785 3.2.3, which for these is the alphabet's.
fn entry(draft: &EventDraft, id: EventId, at: OffsetDateTime, source: &Source<'_>, commit: Option<&str>) -> Vec<u8> {
    let mut json = Canonical::new();
    json.string("action", draft.action.as_str());
    json.string("actor", &bounded(&draft.actor));
    json.string("at", &rfc3339(at));
    json.string("boot", source.boot);
    if let Some(commit) = commit {
        json.string("commit", commit);
    }
    json.string("id", &id.to_string());
    json.integer("n", source.n);
    json.string("node", source.node);
    if let Some(object) = &draft.object {
        json.string("object", &bounded(object));
    }
    match draft.outcome {
        Outcome::Done => json.string("outcome", "done"),
        Outcome::Refused(code) => {
            json.string("outcome", "refused");
            json.string("reason", code.as_str());
        }
    }
    json.integer("v", 1);
    json.finish()
}

/// A leaf is at most 65,535 bytes (C2SP tlog-tiles), and every reader of the log carries it: a name that is longer than
/// any of ours, and so is a stranger's, is replaced by its hash.
const NAME_BYTES: usize = 256;

fn bounded(name: &str) -> std::borrow::Cow<'_, str> {
    if name.len() <= NAME_BYTES { name.into() } else { format!("sha256:{}", hex(&sha256(name.as_bytes()))).into() }
}

/// `2026-11-23T15:19:00.000001Z`. By hand: the general formatter costs as much as the rest of the entry, and drops
/// trailing zeros.
fn rfc3339(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second, microsecond) = at.to_hms_micro();
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microsecond:06}Z")
}

/// Writes one flat object of RFC 8785; the caller gives the keys in order.
struct Canonical {
    json: Vec<u8>,
}

impl Canonical {
    fn new() -> Self {
        Self { json: Vec::with_capacity(512) }
    }

    fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        self.quoted(value);
    }

    /// RFC 8785 3.2.2.3 writes numbers as ECMAScript does, which for integers below 2^53 is plain decimal.
    fn integer(&mut self, key: &str, value: u64) {
        self.key(key);
        self.json.extend_from_slice(value.to_string().as_bytes());
    }

    fn finish(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }

    fn key(&mut self, key: &str) {
        self.json.push(if self.json.is_empty() { b'{' } else { b',' });
        self.quoted(key);
        self.json.push(b':');
    }

    /// RFC 8785 3.2.2.2: two-character escapes where JSON has them, `\u00xx` for other controls, all else as it is.
    fn quoted(&mut self, text: &str) {
        self.json.push(b'"');
        for &byte in text.as_bytes() {
            match byte {
                b'"' | b'\\' => self.json.extend_from_slice(&[b'\\', byte]),
                0x08 => self.json.extend_from_slice(b"\\b"),
                b'\t' => self.json.extend_from_slice(b"\\t"),
                b'\n' => self.json.extend_from_slice(b"\\n"),
                0x0c => self.json.extend_from_slice(b"\\f"),
                b'\r' => self.json.extend_from_slice(b"\\r"),
                0..=0x1f => self.json.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.json.push(byte),
            }
        }
        self.json.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn make(draft: &EventDraft) -> Event {
        let at = time::macros::datetime!(2026-11-23 15:19:00.000_001 UTC);
        let source = Source { node: "log.example/vuzol", boot: "00ff", n: 7 };
        Event::new(draft, EventId::from_parts(1_700_000_000_000, [0xa5; 10]), at, &source)
    }

    fn draft() -> EventDraft {
        EventDraft {
            action: Action::SubmitDocument,
            actor: "participant:12345678".to_owned(),
            object: Some("message:1".to_owned()),
            outcome: Outcome::Refused(ProblemCode::SignatureOverOtherContent),
            details: serde_json::json!({"name": "Тарас"}),
        }
    }

    #[test]
    fn an_entry_is_exactly_these_bytes() {
        let event = make(&EventDraft { details: serde_json::Value::Null, ..draft() });
        let expected = concat!(
            r#"{"action":"document.submit","actor":"participant:12345678","at":"2026-11-23T15:19:00.000001Z","#,
            r#""boot":"00ff","id":"018bcfe5-6800-75a5-a5a5-a5a5a5a5a5a5","n":7,"node":"log.example/vuzol","#,
            r#""object":"message:1","outcome":"refused","reason":"signature.hash_failure","v":1}"#
        );
        assert_eq!(std::str::from_utf8(event.entry()).unwrap(), expected);
        assert!(event.payload().is_none());
    }

    #[test]
    fn details_are_committed_with_a_fresh_salt_and_not_in_the_entry() {
        let (one, two) = (make(&draft()), make(&draft()));
        assert_ne!(one.entry(), two.entry(), "the same details must not show as the same");
        assert!(!String::from_utf8_lossy(one.entry()).contains("Тарас"));
        let payload = one.payload().unwrap();
        let commit = serde_json::from_slice::<serde_json::Value>(one.entry()).unwrap()["commit"].clone();
        assert_eq!(commit, hex(&commitment(&payload.salt, payload.details.as_bytes())));
        assert!(!format!("{one:?}").contains("Тарас"));
    }

    #[test]
    fn an_entry_is_canonical_whatever_it_names() {
        let hostile: String = (0..=0x7f_u8).map(char::from).chain("\u{2028}їжак😀".chars()).collect();
        let event = make(&EventDraft { object: Some(hostile.clone()), ..draft() });
        let parsed: serde_json::Value = serde_json::from_slice(event.entry()).unwrap();
        assert_eq!(parsed["object"], hostile);
        // serde_json's maps are sorted and its strings are escaped as RFC 8785 says: an independent writer.
        let sorted: std::collections::BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(event.entry()).unwrap();
        assert_eq!(serde_json::to_vec(&sorted).unwrap(), event.entry());
    }

    #[test]
    fn a_name_of_any_length_gives_a_small_entry() {
        let event = make(&EventDraft { object: Some("\u{1}".repeat(1 << 20)), actor: "x".repeat(300), ..draft() });
        assert!(event.entry().len() < 2048);
        let parsed: serde_json::Value = serde_json::from_slice(event.entry()).unwrap();
        assert!(parsed["object"].as_str().unwrap().starts_with("sha256:"));
    }

    #[test]
    fn names_of_actions_are_unique() {
        let names: BTreeSet<_> = Action::ALL.iter().map(|a| a.as_str()).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }
}
