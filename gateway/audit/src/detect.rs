//! Rules that find in the log what somebody should look at. Pure: entries in their order go in, findings come out; no clock but the log's own.
//!
//! | rule | raised when |
//! |---|---|
//! | [`Rule::BulkLooks`] | one actor looked at what is of many different people within a time |
//! | [`Rule::OutOfHours`] | somebody looked at what is a person's outside of the hours of work |
//! | [`Rule::LookWithoutCase`] | such a look named neither a case nor an application |
//! | [`Rule::RefusalStorm`] | many requests of one actor, or of one address, were refused within a time |
//!
//! A finding is no verdict: it says which entries of the log fulfilled which rule, so that whoever reads it looks there.
//!
//! The clock of the windows is the latest time of an entry so far, which never goes back. What a detector knows is a function of the entries within its
//! longest window and of what it has raised, so that one that is started anew in the middle goes on as if it had never stopped.

use std::collections::{BTreeMap, VecDeque};

use time::{Duration, OffsetDateTime, Weekday};

use crate::index::{Indexed, Kind};

mod wall_clock;

pub use wall_clock::{UnknownClock, WallClock};

/// A rule. The names are those of the API, the log and the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// One actor looked at many people.
    BulkLooks,
    /// A look outside of the hours of work.
    OutOfHours,
    /// A look that names no case.
    LookWithoutCase,
    /// Many refusals of one actor.
    RefusalStorm,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::BulkLooks, Self::OutOfHours, Self::LookWithoutCase, Self::RefusalStorm];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BulkLooks => "bulk_looks",
            Self::OutOfHours => "out_of_hours",
            Self::LookWithoutCase => "look_without_case",
            Self::RefusalStorm => "refusal_storm",
        }
    }

    /// The rule of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }
}

/// So many within so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// From how many on; at least 1.
    pub count: u32,
    /// Within what time.
    pub within: Duration,
}

/// The hours of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Monday to Sunday.
    pub days: [bool; 7],
    /// The first minute of the day that is within them.
    pub from: u16,
    /// The first that is not any more.
    pub to: u16,
    /// The clock on the wall.
    pub clock: WallClock,
}

impl Hours {
    fn contain(&self, at: OffsetDateTime) -> bool {
        let local = self.clock.show(at);
        let minute = u16::from(local.hour()) * 60 + u16::from(local.minute());
        let day = local.weekday().number_days_from_monday();
        self.days.get(usize::from(day)).is_some_and(|works| *works) && (self.from..self.to).contains(&minute)
    }
}

/// Which rules there are, and from where on each finds something. None: not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Different people at whose data one actor looked.
    pub bulk_looks: Option<Burst>,
    /// When looks are expected.
    pub hours: Option<Hours>,
    /// Whether each look has to do with a case or an application.
    pub look_without_case: bool,
    /// Refusals of one actor.
    pub refusal_storm: Option<Burst>,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// Who, by the name in the log; `address:<IP>` of who is not known.
    pub subject: String,
    /// From how many on it is raised; of hours their first minute; of a case 1.
    pub threshold: u32,
    /// The entries, the last of which fulfilled the rule; at most [`ENTRIES`], the newest.
    pub entries: Vec<u64>,
    /// Time of the last of them.
    pub caused_at: OffsetDateTime,
    /// The log's clock at that entry: from here on the rule rests for a while.
    pub clock: OffsetDateTime,
    /// Minutes of the window, or of the hour at which the look was.
    minutes: i64,
}

/// Entries that a finding names.
pub const ENTRIES: usize = 100;

/// Subjects that a window remembers. More than actors and addresses that a node has in an hour; who would need more is forgotten oldest first.
const SUBJECTS: usize = 20_000;

/// How long a rule rests after a finding of the same subject: what follows at once is the same matter.
fn rest(rule: Rule, rules: &Rules) -> Duration {
    match rule {
        Rule::BulkLooks => rules.bulk_looks.map_or(Duration::ZERO, |burst| burst.within),
        Rule::RefusalStorm => rules.refusal_storm.map_or(Duration::ZERO, |burst| burst.within),
        Rule::OutOfHours => Duration::hours(8),
        Rule::LookWithoutCase => Duration::hours(1),
    }
}

impl Rules {
    /// How far back the windows reach.
    #[must_use]
    pub fn window(&self) -> Duration {
        let bursts = [self.bulk_looks, self.refusal_storm];
        bursts.into_iter().flatten().map(|burst| burst.within).max().unwrap_or(Duration::ZERO)
    }
}

/// What happened lately, of one subject: by what is counted once, the newest entry.
type Lately = BTreeMap<String, (u64, OffsetDateTime)>;

/// The rules over a stream of entries.
#[derive(Debug, Clone)]
pub struct Detector {
    rules: Rules,
    clock: OffsetDateTime,
    /// Whom each actor looked at.
    looks: BTreeMap<String, Lately>,
    refusals: BTreeMap<String, VecDeque<(u64, OffsetDateTime)>>,
    /// The log's clock at the newest finding.
    raised: BTreeMap<(Rule, String), OffsetDateTime>,
}

impl Detector {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        let clock = OffsetDateTime::UNIX_EPOCH;
        Self { rules, clock, looks: BTreeMap::new(), refusals: BTreeMap::new(), raised: BTreeMap::new() }
    }

    /// A finding that was raised before: the log's clock at its last entry.
    pub fn remember(&mut self, rule: Rule, subject: String, clock: OffsetDateTime) {
        let newest = self.raised.entry((rule, subject)).or_insert(clock);
        *newest = (*newest).max(clock);
    }

    /// An entry that was judged before, of the time of the windows.
    pub fn recall(&mut self, entry: &Indexed) {
        self.observe(entry);
    }

    /// The next entry: what the rules find in it.
    pub fn judge(&mut self, entry: &Indexed) -> Vec<Finding> {
        self.observe(entry);
        let mut findings = Vec::new();
        let Some(subject) = subject(entry) else { return findings };
        if entry.is_refused() {
            findings.extend(self.storm(&subject, entry));
        } else if let Some(look) = Look::of(entry) {
            findings.extend(self.bulk(&subject, entry));
            if look.is_at_content {
                findings.extend(self.hours(&subject, entry));
            }
            if look.is_at_content && !look.has_case && self.rules.look_without_case {
                findings.push(self.finding(Rule::LookWithoutCase, &subject, 1, vec![entry.seq], 0, entry));
            }
        }
        findings.retain(|finding| self.is_awake(finding));
        for finding in &findings {
            self.remember(finding.rule, finding.subject.clone(), finding.clock);
        }
        findings
    }

    fn observe(&mut self, entry: &Indexed) {
        self.clock = self.clock.max(entry.at);
        let Some(subject) = subject(entry) else { return };
        if let (Some(burst), true) = (self.rules.refusal_storm, entry.is_refused()) {
            let since = self.clock - burst.within;
            make_room(&mut self.refusals, &subject, |lately| lately.back().is_none_or(|(_, at)| *at <= since));
            let lately = self.refusals.entry(subject.clone()).or_default();
            lately.push_back((entry.seq, entry.at));
            lately.retain(|(_, at)| *at > since);
            // More than are needed to raise it nobody asks for.
            while lately.len() > burst.count as usize {
                lately.pop_front();
            }
        }
        if let (Some(burst), Some(look)) = (self.rules.bulk_looks, Look::of(entry)) {
            let since = self.clock - burst.within;
            make_room(&mut self.looks, &subject, |lately| lately.values().all(|(_, at)| *at <= since));
            let lately = self.looks.entry(subject).or_default();
            lately.insert(look.person.to_owned(), (entry.seq, entry.at));
            lately.retain(|_, (_, at)| *at > since);
            while lately.len() > burst.count as usize {
                let oldest = lately.iter().min_by_key(|(_, (seq, _))| *seq).map(|(person, _)| person.clone());
                match oldest {
                    Some(person) => lately.remove(&person),
                    None => break,
                };
            }
        }
    }

    fn bulk(&self, subject: &str, entry: &Indexed) -> Option<Finding> {
        let burst = self.rules.bulk_looks?;
        let lately = self.looks.get(subject).filter(|lately| lately.len() >= burst.count as usize)?;
        let entries = lately.values().map(|(seq, _)| *seq).collect();
        Some(self.finding(Rule::BulkLooks, subject, burst.count, entries, burst.within.whole_minutes(), entry))
    }

    fn storm(&self, subject: &str, entry: &Indexed) -> Option<Finding> {
        let burst = self.rules.refusal_storm?;
        let lately = self.refusals.get(subject).filter(|lately| lately.len() >= burst.count as usize)?;
        let entries = lately.iter().map(|(seq, _)| *seq).collect();
        Some(self.finding(Rule::RefusalStorm, subject, burst.count, entries, burst.within.whole_minutes(), entry))
    }

    fn hours(&self, subject: &str, entry: &Indexed) -> Option<Finding> {
        let hours = self.rules.hours.filter(|hours| !hours.contain(entry.at))?;
        let local = hours.clock.show(entry.at);
        let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
        let entries = vec![entry.seq];
        Some(self.finding(Rule::OutOfHours, subject, hours.from.into(), entries, minute, entry))
    }

    fn finding(
        &self,
        rule: Rule,
        subject: &str,
        threshold: u32,
        mut entries: Vec<u64>,
        minutes: i64,
        entry: &Indexed,
    ) -> Finding {
        entries.sort_unstable();
        entries.dedup();
        let entries = entries.split_off(entries.len().saturating_sub(ENTRIES));
        let (caused_at, clock) = (entry.at, self.clock);
        Finding { rule, subject: subject.to_owned(), threshold, entries, caused_at, clock, minutes }
    }

    /// The same matter is raised once.
    fn is_awake(&self, finding: &Finding) -> bool {
        let last = self.raised.get(&(finding.rule, finding.subject.clone()));
        last.is_none_or(|last| finding.clock >= *last + rest(finding.rule, &self.rules))
    }
}

/// Who an entry is counted for. The node itself is nobody.
fn subject(entry: &Indexed) -> Option<String> {
    match entry.value(Kind::Actor)? {
        "node" => None,
        "anonymous" => entry.peer.as_ref().map(|peer| format!("address:{peer}")),
        actor => Some(actor.to_owned()),
    }
}

/// A look of one at another.
struct Look<'e> {
    person: &'e str,
    /// It shows what is the person's, and not only what was done with it.
    is_at_content: bool,
    has_case: bool,
}

impl<'e> Look<'e> {
    /// A list that shows many people at once, as of a centre's applications, is none: it shows of each that they applied.
    fn of(entry: &'e Indexed) -> Option<Self> {
        let mut people = entry.values(Kind::Looked);
        let person = people.next().filter(|_| people.next().is_none())?;
        let is_at_content = !matches!(entry.value(Kind::Action)?, "audit.search" | "look.list" | "break_glass.open");
        let of_case = entry.values(Kind::Object).any(|object| object.starts_with("application:"));
        Some(Self { person, is_at_content, has_case: of_case || entry.value(Kind::Case).is_some() })
    }
}

/// Who is new among very many takes the place of those of whom nothing is remembered any more, or of one of them.
fn make_room<T>(subjects: &mut BTreeMap<String, T>, new: &str, is_old: impl Fn(&T) -> bool) {
    if subjects.len() < SUBJECTS || subjects.contains_key(new) {
        return;
    }
    subjects.retain(|_, lately| !is_old(lately));
    if subjects.len() >= SUBJECTS {
        subjects.pop_first();
    }
}

impl Finding {
    /// What was found, for people: English, Ukrainian.
    #[must_use]
    pub fn texts(&self) -> (String, String) {
        let Self { subject, threshold, minutes, .. } = self;
        match self.rule {
            Rule::BulkLooks => (
                format!("{subject} looked at what is of {threshold} different people within {minutes} minutes."),
                format!("{subject}: перегляд даних {threshold} різних осіб протягом {minutes} хв."),
            ),
            Rule::OutOfHours => {
                let clock = format!("{:02}:{:02}", minutes / 60, minutes % 60);
                (
                    format!("{subject} looked at what is a person's at {clock}, outside of the hours of work."),
                    format!("{subject}: перегляд даних особи о {clock}, поза робочими годинами."),
                )
            }
            Rule::LookWithoutCase => (
                format!("{subject} looked at what is a person's without naming a case or an application."),
                format!("{subject}: перегляд даних особи без зазначення справи чи заяви."),
            ),
            Rule::RefusalStorm => (
                format!("{threshold} requests of {subject} were refused within {minutes} minutes."),
                format!("{subject}: {threshold} відмов протягом {minutes} хв."),
            ),
        }
    }
}

/// The days of the week by the first three letters of their English names.
#[must_use]
pub fn weekday(name: &str) -> Option<Weekday> {
    let days = [
        ("mon", Weekday::Monday),
        ("tue", Weekday::Tuesday),
        ("wed", Weekday::Wednesday),
        ("thu", Weekday::Thursday),
        ("fri", Weekday::Friday),
        ("sat", Weekday::Saturday),
        ("sun", Weekday::Sunday),
    ];
    days.into_iter().find(|(known, _)| *known == name).map(|(_, day)| day)
}

#[cfg(test)]
mod tests;
