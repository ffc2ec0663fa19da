//! Filters, and which entries of a range match one.
//!
//! A page costs a bounded number of rows whatever is asked: the rarest kind of what the filter states leads, in the order of numbers; of what it
//! leads to at most [`EXAMINED`] entries are held against the rest, and the answer says how far it came.

use schemas::audit::AuditFilter;
use storage::{StoreError, Tx};
use time::{Duration, OffsetDateTime};

use super::fill::{Head, microseconds};
use super::{Index, Indexed, Kind};
use crate::event::Action;
use crate::log::state::{signed, unsigned};

/// Entries that one page holds against a filter: some ten milliseconds of one of the reading threads.
const EXAMINED: u32 = 4096;

/// How much later than another of a later time an entry may be numbered: clocks of two processes of a node differ, and a transaction waits for its turn.
/// Longer: a search up to a time looks at more entries behind it.
const CLOCK_SLACK: Duration = Duration::hours(1);

/// Octets of a value in a filter.
const VALUE_BYTES: usize = 256;

/// The filter cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnfitFilter(&'static str);

/// What is searched for: all of it must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In the order in which kinds lead.
    terms: Vec<(Kind, String)>,
    /// What was refused does not match.
    done: bool,
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

impl Filter {
    /// The filter of the API.
    ///
    /// # Errors
    /// [`UnfitFilter`]: a value that no entry can have, or times in the wrong order.
    pub fn of(stated: &AuditFilter) -> Result<Self, UnfitFilter> {
        let AuditFilter { person, looked_at, participant, object, case, action, actor, purpose, .. } = stated;
        let AuditFilter { result, correlation, from, to, .. } = stated;
        if let Some(action) = action
            && !Action::ALL.iter().any(|known| known.as_str() == action)
        {
            return Err(UnfitFilter("action: the log has no such deed"));
        }
        if from.zip(*to).is_some_and(|(from, to)| from > to) {
            return Err(UnfitFilter("from is after to"));
        }
        let done = result.as_deref() == Some("done");
        let refusal = result.clone().filter(|_| !done);
        if let Some(code) = &refusal
            && code != "refused"
            && !schemas::ProblemCode::ALL.iter().any(|known| known.as_str() == code)
        {
            return Err(UnfitFilter("result: done, refused, or the code of a refusal"));
        }
        let text = |value: &dyn std::fmt::Display| Some(value.to_string());
        // The rarest first, as a rule: numbers, things, people, then what many entries have.
        let stated = [
            (Kind::Correlation, correlation.clone()),
            (Kind::Looked, looked_at.as_ref().and_then(|it| text(it))),
            (Kind::Person, person.as_ref().and_then(|it| text(it))),
            (Kind::Object, object.clone()),
            (Kind::Case, case.as_ref().and_then(|it| text(it))),
            (Kind::Refusal, refusal),
            (Kind::Purpose, purpose.clone()),
            (Kind::Actor, actor.clone()),
            (Kind::Participant, participant.as_ref().and_then(|it| text(it))),
            (Kind::Action, action.clone()),
        ];
        let terms: Vec<_> = stated.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect();
        let fits = |value: &String| (1..=VALUE_BYTES).contains(&value.len()) && !value.chars().any(char::is_control);
        if !terms.iter().all(|(_, value)| fits(value)) {
            return Err(UnfitFilter("a value is empty, longer than 256 octets, or has control characters"));
        }
        Ok(Self { terms, done, from: *from, to: *to })
    }

    /// Whether an entry matches: what the SQL below says, for whoever replays the log.
    #[must_use]
    pub fn matches(&self, entry: &Indexed) -> bool {
        self.terms.iter().all(|(kind, value)| entry.has(*kind, value))
            && !(self.done && entry.is_refused())
            && self.from.is_none_or(|from| microseconds(entry.at) >= microseconds(from))
            && self.to.is_none_or(|to| microseconds(entry.at) < microseconds(to))
    }

    /// Whether an entry that does not match might have, before its details were erased.
    #[must_use]
    pub fn might_have_matched(&self, entry: &Indexed) -> bool {
        let in_details = |kind: Kind| !matches!(kind, Kind::Action | Kind::Actor | Kind::Refusal);
        let open =
            Self { terms: self.terms.iter().filter(|(kind, _)| !in_details(*kind)).cloned().collect(), ..self.clone() };
        entry.erased && open.terms.len() < self.terms.len() && open.matches(entry)
    }
}

/// What a page found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Numbers of the entries that match, ascending.
    pub hits: Vec<u64>,
    /// The first entry that was looked at.
    pub first: u64,
    /// The one behind the last that was.
    pub end: u64,
    /// Where to go on; none: all that was asked was looked at. Where nothing was looked at it is `end`: the index has not come further yet.
    pub next: Option<u64>,
}

impl Index {
    /// The entries from `first` to before `end` that match, at most `limit` of them.
    ///
    /// What is not indexed yet is not covered; the answer says how far it goes. Where the filter states times, entries that are certainly outside are
    /// not looked at: before the first of its time, and an hour of the log's clock after the last.
    ///
    /// # Errors
    /// Failures of the database.
    pub async fn search(&self, filter: &Filter, first: u64, end: u64, limit: u32) -> Result<Found, StoreError> {
        let filter = filter.clone();
        self.reader.read("audit_search", move |tx| search(tx, &filter, first, end, limit.max(1))).await
    }
}

fn search(tx: &mut Tx<'_>, filter: &Filter, first: u64, end: u64, limit: u32) -> Result<Found, StoreError> {
    let indexed = Head::read(tx)?.indexed();
    let is_behind = indexed < end;
    let mut end = end.min(indexed);
    let mut first = first.min(end);
    if let Some(from) = filter.from {
        first = first.max(first_of_time(tx, from)?.unwrap_or(indexed)).min(end);
    }
    if let Some(to) = filter.to.and_then(|to| to.checked_add(CLOCK_SLACK)) {
        end = end.min(first_of_time(tx, to)?.unwrap_or(indexed)).max(first);
    }
    let mut led = led_to(tx, filter, first, end)?;
    let more = led.len() > EXAMINED as usize;
    led.truncate(EXAMINED as usize);
    let (mut hits, mut stopped) = (Vec::new(), None);
    for (seq, at) in &led {
        if holds(tx, filter, *seq, *at)? {
            hits.push(*seq);
            if hits.len() == limit as usize {
                stopped = Some(seq + 1);
                break;
            }
        }
    }
    let stopped = stopped.or(led.last().filter(|_| more).map(|(seq, _)| seq + 1)).filter(|at| *at < end);
    let next = stopped.or((is_behind && end == indexed).then_some(end));
    Ok(Found { hits, first, end: stopped.unwrap_or(end), next })
}

/// The first entry at which the log's clock had come to this time.
fn first_of_time(tx: &mut Tx<'_>, at: OffsetDateTime) -> Result<Option<u64>, StoreError> {
    let sql = "-- first_of_time
        SELECT seq FROM audit_index WHERE high >= $1 ORDER BY high, seq LIMIT 1";
    tx.query_optional(sql, &[at.into()], |row| unsigned(row, 0))
}

/// Where the first of the filter's terms leads, or all entries: number and time, one more than are examined.
fn led_to(tx: &mut Tx<'_>, filter: &Filter, first: u64, end: u64) -> Result<Vec<(u64, i64)>, StoreError> {
    let by_term = "-- led_to_by_term
        SELECT t.seq, i.at FROM audit_index_term t JOIN audit_index i ON i.seq = t.seq
        WHERE t.kind = $1 AND t.value = $2 AND t.seq >= $3 AND t.seq < $4 ORDER BY t.seq LIMIT $5";
    let all = "-- led_to
        SELECT seq, at FROM audit_index WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3";
    let (first, end, most) = (signed(first)?, signed(end)?, EXAMINED + 1);
    let read = |row: &storage::Row<'_>| -> Result<_, StoreError> { Ok((unsigned(row, 0)?, row.integer(1)?)) };
    match filter.terms.first() {
        Some((kind, value)) => {
            let values = [i64::from(*kind as u8).into(), value.into(), first.into(), end.into(), most.into()];
            tx.query(by_term, &values, read)
        }
        None => tx.query(all, &[first.into(), end.into(), most.into()], read),
    }
}

/// Whether the rest of the filter holds of an entry.
fn holds(tx: &mut Tx<'_>, filter: &Filter, seq: u64, at: i64) -> Result<bool, StoreError> {
    let sql = "-- has_term
        SELECT 1 FROM audit_index_term WHERE kind = $1 AND value = $2 AND seq = $3";
    let in_time =
        filter.from.is_none_or(|from| at >= microseconds(from)) && filter.to.is_none_or(|to| at < microseconds(to));
    if !in_time {
        return Ok(false);
    }
    let seq = signed(seq)?;
    let mut has = |kind: Kind, value: &str| {
        let found =
            tx.query_optional(sql, &[i64::from(kind as u8).into(), value.into(), seq.into()], |row| row.integer(0));
        found.map(|found| found.is_some())
    };
    for (kind, value) in filter.terms.iter().skip(1) {
        if !has(*kind, value)? {
            return Ok(false);
        }
    }
    Ok(!(filter.done && has(Kind::Refusal, "refused")?))
}
