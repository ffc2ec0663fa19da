//! Bounds that every door enforces. Past a bound a request is refused with a code of its own; nothing is cut silently.
//!
//! Each constant says what the bound protects. Operators may lower the ones that `vuzol.toml` names, never raise one.

/// Largest document of one submission, in bytes. It is sealed while it streams in, so this bounds disk, not memory.
pub const DOCUMENT_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Largest detached signature, in bytes. It is held in memory while it is validated; long-term forms carry whole
/// revocation lists, hence not smaller.
pub const SIGNATURE_BYTES: usize = 4 * 1024 * 1024;

/// Parts of an announced submission. Each is a row, a verification and a download.
pub const ANNOUNCED_PARTS: usize = 100;

/// How long an announced submission may take until it is sent, in hours. What was uploaded lies on the disk until then.
pub const ANNOUNCEMENT_HOURS: u64 = 24;

/// Smallest range of an upload that does not end its part, in bytes. Each range is a row, an object and an audit entry.
pub const RANGE_BYTES: u64 = 256 * 1024;

/// Announced submissions of one sender that are neither sent nor given up, at a time. Each may keep as much as its channel takes for a day.
pub const ANNOUNCED_SUBMISSIONS: u64 = 1_000;

/// Submissions of one sender that wait for a fact at a time. Each keeps its document and asks responders outside, again and again.
pub const HELD_SUBMISSIONS: u64 = 1_000;

/// Largest content of metadata, as JSON without white space, in bytes: half of an envelope.
pub const METADATA_BYTES: usize = 8 * 1024;

/// Levels of metadata, the outermost counted. Every reader of a message walks them.
pub const METADATA_DEPTH: usize = 8;

/// Largest envelope (JSON) in bytes.
pub const ENVELOPE_BYTES: usize = 16 * 1024;

/// Largest signed acknowledgement (CMS) in bytes.
pub const ACKNOWLEDGEMENT_BYTES: usize = 64 * 1024;

/// Bytes of a sealed part that travel between nodes in one request. What a broken link costs is at most this much again; it is held in
/// memory while it is written.
pub const RELAY_PIECE_BYTES: usize = 1024 * 1024;

/// Largest JSON body of any other operation in bytes.
pub const JSON_BYTES: usize = 64 * 1024;

/// Sealed parts up to this size lie in the database row, larger ones in the object store: a file and two fsyncs for
/// each small document cost more than half the throughput.
pub const INLINE_PART_BYTES: usize = 64 * 1024;

/// Signatures in one signature file. Each costs a chain and a public-key operation.
pub const SIGNATURES_IN_DOCUMENT: usize = 32;

/// Length of an `Idempotency-Key` header, in visible ASCII characters.
pub const IDEMPOTENCY_KEY_CHARACTERS: usize = 64;

/// How long an idempotency key is remembered, in hours. A client that retries later asks for the message's state first.
pub const IDEMPOTENCY_HOURS: u64 = 24 * 7;

/// Messages in one page of a listing.
pub const PAGE_ITEMS: u32 = 100;

/// Pieces of evidence in one export of a case; what is more comes with the next. Each takes four files, and a container holds at
/// most 1,000; the export is made in memory, some 2 MB of it.
pub const EXPORT_EVIDENCE: usize = 200;

/// Messages in one lease.
pub const LEASE_MESSAGES: u32 = 100;

/// Sealed bytes that the answer to one lease carries; what is more is downloaded. The answer is made in memory.
pub const LEASE_CONTENT_BYTES: u64 = 1024 * 1024;

/// Longest lease in seconds: after it the messages are offered again.
pub const LEASE_SECONDS: u32 = 3600;

/// Characters of the address that notices are posted to.
pub const WEBHOOK_URL_CHARACTERS: usize = 2000;

/// Dead letters that a subscription shows.
pub const DEAD_LETTERS: u32 = 100;

/// Hours for which a notice is tried before it is a dead letter: three days.
pub const NOTICE_HOURS: u32 = 72;

/// Longest that the answer to a lease is held back while nothing waits, in seconds. Proxies cut silent connections after a
/// minute.
pub const LEASE_WAIT_SECONDS: u32 = 30;

/// Requests of one participant that are held back at once.
pub const WAITING_REQUESTS: u32 = 4;

/// Characters of a reason in an acknowledgement.
pub const REASON_CHARACTERS: usize = 2000;

/// Characters of a registration number.
pub const REGISTRATION_CHARACTERS: usize = 128;

/// Certificates that an operator may register for one participant.
pub const CERTIFICATES_OF_PARTICIPANT: usize = 64;

/// Longest that a channel may hold a submission whose signature cannot be judged yet, in hours: thirty days. What is missing
/// then never comes.
pub const HOLD_HOURS: u32 = 30 * 24;

/// Longest time that a channel may leave its recipient for an acknowledgement, in days.
pub const ACKNOWLEDGE_DAYS: u32 = 365;

/// Kinds of document that one participant may say it takes, and that one channel may name.
pub const KINDS: usize = 64;

/// Characters of a search for participants. The longest official names of agencies are below 300.
pub const SEARCH_CHARACTERS: usize = 400;

/// Days for which a class of documents may be kept: a hundred years. What is to be kept longer is permanent.
pub const RETENTION_DAYS: u32 = 36_525;

/// Classes of retention that a node may have.
pub const RETENTION_CLASSES: usize = 64;

/// Messages of one disposal act. Its document names each with its digests, about 300 bytes, and is read by two people.
pub const DISPOSAL_MESSAGES: u32 = 10_000;

/// Parts of all messages of one disposal act: with [`DISPOSAL_MESSAGES`] it bounds the act's document to some 8 MB.
pub const DISPOSAL_PARTS: usize = 40_000;

/// Members of the commission that a disposal act names.
pub const DISPOSAL_MEMBERS: usize = 16;

/// Characters of each text of a disposal act and of a legal hold: ground, name, position, word, reason.
pub const RETENTION_TEXT_CHARACTERS: usize = 2000;

/// Characters of the number of a disposal act.
pub const DISPOSAL_NUMBER_CHARACTERS: usize = 64;

/// Characters of a person's name. The longest full names are below 100.
pub const PERSON_NAME_CHARACTERS: usize = 200;

/// Roles of one person that the directory shows. What is older is in the log.
pub const ASSIGNMENTS_SHOWN: u32 = 100;

/// Bytes of one import into the directory, as JSON. It is held in memory, some three times over, while it is planned.
pub const IMPORT_BYTES: usize = 4 * 1024 * 1024;

/// Rows of one import, in all its tables. All of them are one transaction, at some 50 us each, and everybody else's writes wait for it.
pub const IMPORT_ROWS: usize = 5_000;

/// Faults of rows that an import tells. Who has more of them mends the table as a whole.
pub const IMPORT_ERRORS: usize = 500;

/// Largest sealed copy that a person keeps at the node, in bytes: a scan of some pages. It lies in a row of the database.
pub const COPY_BYTES: usize = 1024 * 1024;

/// Copies that one person keeps at a time.
pub const COPIES_OF_PERSON: u32 = 100;

/// Open applications of one person at a time, and copies attached to one application.
pub const APPLICATIONS_OF_PERSON: u32 = 100;

/// Characters of a reason for break-glass access, and of the note of its review: at least so many that something is said.
pub const BREAK_GLASS_REASON: std::ops::RangeInclusive<usize> = 20..=1000;

/// Minutes for which break-glass access can be opened at most, whatever is configured: a working day.
pub const BREAK_GLASS_MINUTES: u16 = 480;

/// Break-glass accesses of one person that nobody has reviewed yet. Who has as many opens no other.
pub const BREAK_GLASS_UNREVIEWED: u32 = 10;

/// Entries of one export of the log: a thousand bundles, a few hundred megabytes.
pub const AUDIT_EXPORT_ENTRIES: u64 = 1 << 18;

/// Hits of one page of a search of the log.
pub const AUDIT_HITS: u32 = 100;

/// Characters of a remark on an alert.
pub const ALERT_REMARK: std::ops::RangeInclusive<usize> = 3..=1000;

/// Characters of the ground on which details of the log are erased: long enough to name a clause or a decision, short enough to be read whole.
pub const ERASURE_GROUND: std::ops::RangeInclusive<usize> = 3..=1000;

/// Purposes that a node may list.
pub const PURPOSES: usize = 64;

/// Characters of the sentences and the legal ground of a purpose.
pub const PURPOSE_TEXT_CHARACTERS: usize = 400;
