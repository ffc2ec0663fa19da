//! `vuzol audit search` and `who-looked`: the log of a running node, searched; and whether the node tells the truth.

use std::sync::Arc;

use audit::archive::{Archive, check};
use audit::index::{Filter, Lie, Opened, Replay};
use audit::verify::{Kept, Question};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use crypto::digest::{from_hex, hex};
use crypto::merkle::{NoteVerifier, TlogProof};
use schemas::audit::{AuditExport, AuditFilter, AuditHit, AuditPage, AuditSearch, Covered, SoughtAs, SoughtPerson};
use schemas::limits::AUDIT_EXPORT_ENTRIES;
use schemas::{CaseId, Edrpou, PersonId};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::export::unnamed_file;
use super::log_key;
use super::session::Session;
use crate::client::PortalClient;
use crate::commands::admin::of_client;
use crate::commands::terminal::{Terminal, printable};
use crate::commands::{Failure, exit};

/// Searches the log of a running node, as a security officer or an auditor. Every search is an entry of the log.
///
/// Each hit is checked against the log's key. With --check the entries that the answer covers are fetched and replayed, so that an answer which leaves one
/// out or puts one in is found out, and the first such entry is named. Exit code 1 then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol audit search --participant 00000001 --result refused --from 2026-11-01T00:00:00Z --log-key KEY --portal https://office.example ...
  vuzol audit search --object message:01938f6e-3c00-7abc-8def-0123456789ab --check ...
  vuzol audit who-looked 3184710691 --check ...")]
pub(super) struct Search {
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    how: How,
}

// What must hold of an entry.
#[derive(Debug, Default, Args)]
struct Terms {
    /// Whom it concerns: the node's number of a person.
    #[arg(long, value_name = "ID")]
    person: Option<PersonId>,
    /// A participant: ЄДРПОУ.
    #[arg(long)]
    participant: Option<Edrpou>,
    /// A thing by its name in the log: message:ID, copy:ID, application:ID, mailbox:ADDRESS.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// A case.
    #[arg(long, value_name = "ID")]
    case: Option<CaseId>,
    /// A deed: copy.look, document.submit.
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Who acted: person:ID, participant:CODE, operator:FINGERPRINT, anonymous, node.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// What was looked at for.
    #[arg(long, value_name = "NAME")]
    purpose: Option<String>,
    /// How it ended: done, refused, or the code of a refusal.
    #[arg(long, value_name = "RESULT")]
    result: Option<String>,
    /// The number of a request, a piece of evidence, a proposal, an import, a break-glass access.
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
}

// Where it is looked for, and how the answer is treated.
#[derive(Debug, Args)]
struct How {
    /// Only from this moment on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<OffsetDateTime>,
    /// Only before this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<OffsetDateTime>,
    /// Only from this entry of the log on.
    #[arg(long, value_name = "NUMBER")]
    first: Option<u64>,
    /// Only before this entry.
    #[arg(long, value_name = "NUMBER")]
    end: Option<u64>,
    /// Fetch the entries that the answer covers, and compare.
    #[arg(long)]
    check: bool,
    /// Print each hit as one JSON object a line.
    #[arg(long)]
    json: bool,
    /// The log's key, as `vuzol admin log-key` prints it.
    #[arg(long, value_name = "VKEY", value_parser = log_key)]
    log_key: NoteVerifier,
    #[command(flatten)]
    session: Session,
}

/// Who looked at what is a person's, and what for.
#[derive(Debug, Args)]
pub(super) struct WhoLooked {
    /// The person: the node's number of them, РНОКПП (ten digits) or УНЗР. The latter two go in the body of a request and nowhere else.
    person: String,
    #[command(flatten)]
    how: How,
}

pub(super) fn search(arguments: &Search, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let Terms { person, participant, object, case, action, actor, purpose, result, correlation } = &arguments.terms;
    let filter = AuditFilter {
        person: *person,
        participant: *participant,
        object: object.clone(),
        case: *case,
        action: action.clone(),
        actor: actor.clone(),
        purpose: purpose.clone(),
        result: result.clone(),
        correlation: correlation.clone(),
        ..AuditFilter::default()
    };
    ask(AuditSearch { filter, ..AuditSearch::default() }, &arguments.how, terminal)
}

pub(super) fn who_looked(arguments: &WhoLooked, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let mut search = AuditSearch::default();
    let text = arguments.person.as_str();
    match text.parse::<PersonId>() {
        Ok(person) => search.filter.looked_at = Some(person),
        Err(_) => {
            let (rnokpp, unzr) = if text.contains('-') { (None, Some(text)) } else { (Some(text), None) };
            let (rnokpp, unzr) = (rnokpp.map(str::to_owned), unzr.map(str::to_owned));
            (search.sought, search.sought_as) = (Some(SoughtPerson { rnokpp, unzr }), SoughtAs::LookedAt);
        }
    }
    ask(search, &arguments.how, terminal)
}

fn ask(mut search: AuditSearch, how: &How, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    (search.filter.from, search.filter.to) = (how.from, how.to);
    (search.first, search.end) = (how.first, how.end);
    let asked = |portal: Arc<PortalClient>| async move {
        let mut pages: Vec<AuditPage> = Vec::new();
        loop {
            let page = portal.search_audit(&search).await.map_err(of_client)?;
            let next = page.next;
            page.hits.iter().try_for_each(|hit| proven(hit, &how.log_key))?;
            pages.push(page);
            // A page that goes nowhere would be asked for again for ever.
            match next.filter(|next| search.first.is_none_or(|first| *next > first)) {
                Some(next) => search.first = Some(next),
                None => break,
            }
        }
        let undecided = if how.check { Some(replayed(&portal, &pages, how).await?) } else { None };
        Ok((pages, undecided))
    };
    let (pages, undecided) = how.session.run(terminal, asked)?;
    let mut count = 0;
    for hit in pages.iter().flat_map(|page| &page.hits) {
        count += 1;
        let line = if how.json { serde_json::to_string(hit).unwrap_or_default() } else { shown(hit) };
        terminal.print(&printable(&format!("{line}\n")));
    }
    let covered = Covered {
        first: pages.first().map_or(0, |page| page.covered.first),
        end: pages.last().map_or(0, |page| page.covered.end),
    };
    terminal.note(&format!("{count} entries, all proven, of those from {} to before {}", covered.first, covered.end));
    if pages.last().is_some_and(|page| page.next.is_some()) {
        terminal.note("what follows is not indexed yet: ask again later");
    }
    match undecided {
        None => terminal.note("that none was left out is not checked: give --check"),
        Some(0) => terminal.note("replayed: none was left out, none was put in"),
        Some(n) => terminal.note(&format!(
            "replayed: none was left out, none was put in; of {n} entries nothing can be said, their details are erased"
        )),
    }
    Ok(exit::OK)
}

/// The entry is the log's under this number, and the details are its own.
fn proven(hit: &AuditHit, key: &NoteVerifier) -> Result<(), Failure> {
    let wrong = |what: &dyn std::fmt::Display| Failure::Refused(format!("entry {}: {what}", hit.seq));
    let entry = STANDARD.decode(&hit.entry).map_err(|error| wrong(&error))?;
    let proof = TlogProof::parse(&hit.proof).map_err(|error| wrong(&error))?;
    proof.verify(&entry, key).map_err(|error| wrong(&error))?;
    if proof.index != hit.seq {
        return Err(wrong(&"the proof is of another number"));
    }
    let parsed: Value = serde_json::from_slice(&entry).map_err(|error| wrong(&error))?;
    if parsed["id"].as_str() != Some(&hit.event.to_string()) {
        return Err(wrong(&"the entry is of another event"));
    }
    let Some(opened) = &hit.opened else { return Ok(()) };
    let salt: Option<[u8; 32]> = from_hex(&opened.salt).and_then(|salt| salt.try_into().ok());
    let commit = salt.map(|salt| hex(&audit::event::commitment(&salt, opened.details.as_bytes())));
    if commit.is_none() || parsed["commit"].as_str() != commit.as_deref() {
        return Err(wrong(&"the details are not what the entry commits to"));
    }
    Ok(())
}

/// Fetches what the pages cover and replays it. How many entries nothing can be said of.
async fn replayed(portal: &PortalClient, pages: &[AuditPage], how: &How) -> Result<u64, Failure> {
    let Some(first) = pages.first() else { return Ok(0) };
    let filter = Filter::of(&first.filter).map_err(|error| Failure::Refused(error.to_string()))?;
    let hits: Vec<u64> = pages.iter().flat_map(|page| page.hits.iter().map(|hit| hit.seq)).collect();
    let mut replay = Replay::new(&filter, &hits);
    // Where no time was stated nothing is passed over. Where one was, the node says at which entry it begins, and the answer's last line shows it.
    let mut at = if how.from.is_none() { how.first.unwrap_or(0) } else { first.covered.first };
    for page in pages {
        // Before the first page, and between two, nothing is skipped.
        if page.covered.first > at {
            return Err(Failure::Refused(format!("the answer leaves out entries from {at} on")));
        }
        while at < page.covered.end {
            let end = page.covered.end.min(at.saturating_add(AUDIT_EXPORT_ENTRIES));
            replay_range(portal, (at, end), &mut replay, how).await?;
            at = end;
        }
    }
    replay.finish().map_err(lie)
}

async fn replay_range(
    portal: &PortalClient,
    (first, end): (u64, u64),
    replay: &mut Replay<'_>,
    how: &How,
) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut file = unnamed_file()?;
    let export = AuditExport { first, end: Some(end), details: true };
    portal.export_audit(&export, |piece| file.write_all(piece)).await.map_err(of_client)?;
    let broken = |error: &dyn std::fmt::Display| Failure::Refused(format!("what the node exported: {error}"));
    let archive = Archive::open(file).map_err(|error| broken(&error))?;
    if (archive.manifest().first, archive.manifest().end) != (first, end) {
        return Err(broken(&"another range than was asked for"));
    }
    let checkpoint = Kept { name: String::new(), note: String::new() };
    let question =
        Question { log: &how.log_key, national: None, policy: None, checkpoint, kept: Vec::new(), anchors: Vec::new() };
    let mut found = Ok(());
    let mut each = |opened: &Opened| {
        if found.is_ok() {
            found = replay.entry(&opened.indexed());
        }
    };
    check(&archive, &question, &mut |_, _| (), &mut each).map_err(|error| broken(&error))?;
    found.map_err(lie)
}

fn lie(lie: Lie) -> Failure {
    Failure::Refused(format!("the answer does not fit the log: {lie}"))
}

/// `12  2026-11-27T10:00:00Z  copy.look  person:..  copy:..  done  application.review`
fn shown(hit: &AuditHit) -> String {
    let entry: Value =
        STANDARD.decode(&hit.entry).ok().and_then(|entry| serde_json::from_slice(&entry).ok()).unwrap_or_default();
    let details: Value =
        hit.opened.as_ref().and_then(|opened| serde_json::from_str(&opened.details).ok()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let ended = entry["reason"].as_str().or(entry["outcome"].as_str()).unwrap_or("-").to_owned();
    let purpose = details["purpose"].as_str().or(details["ground"].as_str()).unwrap_or("-").to_owned();
    let fields = [
        hit.seq.to_string(),
        text(&entry["at"]),
        text(&entry["action"]),
        text(&entry["actor"]),
        text(&entry["object"]),
        ended,
        if hit.erased { "(erased)".to_owned() } else { purpose },
    ];
    fields.join("  ")
}

fn moment(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a moment of RFC 3339: 2026-11-26T00:00:00Z".to_owned())
}
