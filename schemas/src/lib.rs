//! Every shape that crosses a wire: identifiers, addresses, envelopes, receipts, evidence, reports, problems, and the
//! limits on them.
//!
//! This is the ground floor: no I/O, no clock, no randomness, no key. A value of one of these types is well formed, and
//! that is all it says: whether a message may be sent, a signature believed or a log trusted is decided above.
//!
//! | module | what it holds | source |
//! |---|---|---|
//! | [`id`] | UUIDv7 identifiers, one type for each kind of thing | RFC 9562 5.7 |
//! | [`access`] | people's roles, portals | the region's own rules |
//! | [`address`] | participants and mailboxes, document kinds, areas, services | CMU resolution 55 (2018) for ЄДРПОУ as the address; КАТОТТГ for areas |
//! | [`announcement`] | submissions in several requests: what is announced, what was received | - |
//! | [`directory`] | the directory of people: registrations, roles, imports | RFC 4180 for imports |
//! | [`application`] | people's applications for services, the copies that they keep, who looked at these | - |
//! | [`audit`] | searches of the log, exports, alerts | - |
//! | [`erasure`] | what the log holds about a person, erased on the word of two | Law of Ukraine 2297-VI |
//! | [`kinds`] | metadata of documents and their schemas, by kind and version | JSON Schema, draft 2020-12 |
//! | [`message`] | envelope, receipt, mailbox, lease, acknowledgement | - |
//! | [`notice`] | subscriptions to what happens to messages, and the notices that are posted | - |
//! | [`quarantine`] | what does not go on by itself, and what takes two operators | - |
//! | [`state`] | where a message stands, with the data of each state | - |
//! | [`evidence`] | evidence of each step | ETSI EN 319 522-1 and -2 |
//! | [`export`] | the manifest of an exported case | - |
//! | [`relay`] | what nodes say to each other of a message that goes from one to the other | - |
//! | [`peer`] | other nodes, as operators state and read them | - |
//! | [`registry`] | participants, certificates, channels as operators state them; search | - |
//! | [`routing`] | functional addresses, suspensions, whether something can be delivered | - |
//! | [`session`] | logins, sessions and tokens | - |
//! | [`scan`] | what a malware scanner said of a part | - |
//! | [`trust`] | whom the node believes, as operators read and state it | - |
//! | [`retention`] | what falls due for disposal, legal holds, disposal acts | - |
//! | [`report`] | the report of a signature validation | ETSI EN 319 102-1, TS 119 102-2 |
//! | [`purpose`] | what personal data is looked at for | Law of Ukraine 2297-VI |
//! | [`problem`] | what a refusal looks like, and every code that there is | RFC 9457 |
//! | [`limits`] | the bounds that every door enforces | - |

pub mod access;
pub mod address;
pub mod announcement;
pub mod application;
pub mod audit;
pub mod break_glass;
pub mod directory;
pub mod erasure;
pub mod evidence;
pub mod export;
pub mod id;
pub mod kinds;
pub mod limits;
pub mod message;
pub mod notice;
pub mod peer;
pub mod problem;
pub mod purpose;
pub mod quarantine;
pub mod registry;
pub mod relay;
pub mod report;
pub mod retention;
pub mod routing;
pub mod scan;
pub mod session;
pub mod state;
pub mod trust;

pub use address::{Addressee, AreaCode, DocumentKind, Edrpou, MailboxId, RetentionClass, ServiceName};
pub use id::{
    AlertId, ApplicationId, AssignmentId, BreakGlassId, CaseId, CopyId, DisposalActId, EventId, EvidenceId, HoldId,
    ImportId, JobId, LeaseToken, LookId, MessageId, NoticeId, PersonId, ProposalId, RequestId, SessionId, TokenId,
};
pub use problem::{Problem, ProblemCode};
