//! What an entry is found by. Pure: the node that fills the index and the auditor who replays the log run this over the same octets.
//!
//! Terms of the entry come first; of the details, which may be erased, only those that the entry does not have. What is not the text that a name
//! or an identifier has is no term, and there are at most [`TERMS`] of an entry, so that no details, however large, make the index large.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What kind of thing an entry is found by. The numbers stand in the table and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The deed.
    Action = 1,
    /// Who acted.
    Actor = 2,
    /// What was acted on, or had a part in it: `message:<id>`.
    Object = 3,
    /// `refused`, and the code of the refusal. What was done has none.
    Refusal = 4,
    /// A participant that has to do with it, by its ЄДРПОУ.
    Participant = 5,
    /// A person whom it concerns, by the node's number for them.
    Person = 6,
    /// A person at whose data somebody else looked.
    Looked = 7,
    /// What was looked at for.
    Purpose = 8,
    /// A case.
    Case = 9,
    /// A number by which entries belong together.
    Correlation = 10,
}

/// Of one entry, whatever its details say: a page of applications names a hundred people.
pub(super) const TERMS: usize = 256;

/// Octets of a term's value: what an entry has is no longer (`event::NAME_BYTES`, a hash with its prefix).
const VALUE_BYTES: usize = 256;

/// A thing that an entry is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// What kind of thing.
    pub kind: Kind,
    /// Its name.
    pub value: String,
    /// It stands in the details only.
    pub from_details: bool,
}

/// An entry in the index's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// Its number.
    pub seq: u64,
    /// Its time, by the node's clock.
    pub at: OffsetDateTime,
    /// All that it is found by.
    pub terms: Vec<Term>,
    /// The address of who is not known, where the details have it. Never in the index.
    pub peer: Option<String>,
    /// It commits to details that are not there: what they said it is not found by.
    pub erased: bool,
}

impl Indexed {
    /// What an entry is found by. An entry that is no JSON, which this log has none of, is found by nothing.
    #[must_use]
    pub fn of(seq: u64, entry: &[u8], details: Option<&str>) -> Self {
        let parsed: Value = serde_json::from_slice(entry).unwrap_or_default();
        let at = parsed["at"].as_str().and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
        let erased = details.is_none() && parsed.get("commit").is_some();
        let details: Value = details.and_then(|details| serde_json::from_str(details).ok()).unwrap_or_default();
        let mut terms = Terms::default();
        terms.of_entry(&parsed);
        terms.of_details(&details);
        terms.looked(&parsed);
        let peer = details["peer"].as_str().filter(|peer| fits(peer)).map(str::to_owned);
        Self { seq, at: at.unwrap_or(OffsetDateTime::UNIX_EPOCH), terms: terms.found, peer, erased }
    }

    /// The only value of a kind of which an entry has one: its deed, its actor.
    #[must_use]
    pub fn value(&self, kind: Kind) -> Option<&str> {
        self.values(kind).next()
    }

    /// All values of a kind.
    pub fn values(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.terms.iter().filter(move |term| term.kind == kind).map(|term| term.value.as_str())
    }

    /// Whether it is found by this.
    #[must_use]
    pub fn has(&self, kind: Kind, value: &str) -> bool {
        self.values(kind).any(|own| own == value)
    }

    /// Whether something that was asked was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.value(Kind::Refusal).is_some()
    }
}

/// Deeds by which somebody sees what is a person's.
const LOOKS: [&str; 9] = [
    "copy.look",
    "copy.read",
    "break_glass.open",
    "break_glass.copies",
    "break_glass.look",
    "application.read",
    "file.read",
    "look.list",
    "audit.search",
];

/// Whether a deed of that name shows somebody what is a person's.
#[must_use]
pub fn is_look(action: &str) -> bool {
    LOOKS.contains(&action)
}

/// Whether an entry commits to details.
pub(super) fn commits(entry: &[u8]) -> bool {
    let parsed: Value = serde_json::from_slice(entry).unwrap_or_default();
    parsed.get("commit").is_some()
}

#[derive(Default)]
struct Terms {
    found: Vec<Term>,
    from_details: bool,
}

impl Terms {
    fn add(&mut self, kind: Kind, value: &str) {
        let known = self.found.iter().any(|term| term.kind == kind && term.value == value);
        if fits(value) && !known && self.found.len() < TERMS {
            self.found.push(Term { kind, value: value.to_owned(), from_details: self.from_details });
        }
    }

    fn of_entry(&mut self, entry: &Value) {
        let text = |key: &str| entry[key].as_str();
        if let Some(action) = text("action") {
            self.add(Kind::Action, action);
        }
        if let Some(actor) = text("actor") {
            self.add(Kind::Actor, actor);
            self.named(actor, false);
        }
        if text("outcome") == Some("refused") {
            self.add(Kind::Refusal, "refused");
            if let Some(reason) = text("reason") {
                self.add(Kind::Refusal, reason);
            }
        }
        if let Some(object) = text("object") {
            self.object(object);
        }
    }

    fn of_details(&mut self, details: &Value) {
        self.from_details = true;
        let texts = |key: &str| -> Vec<&str> {
            match &details[key] {
                Value::String(text) => vec![text],
                Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            }
        };
        for key in ["owner", "subject", "applicant", "applicants", "person"] {
            texts(key).into_iter().for_each(|person| self.add(Kind::Person, person));
        }
        for key in ["centre", "participant", "acting_for", "sender", "recipient"] {
            texts(key).into_iter().for_each(|participant| self.participant(participant));
        }
        for (key, prefix) in [
            ("message", "message"),
            ("messages", "message"),
            ("copy", "copy"),
            ("application", "application"),
            ("break_glass", "break_glass"),
        ] {
            texts(key).into_iter().for_each(|id| self.object(&format!("{prefix}:{id}")));
        }
        let opens = &details["opens"];
        if let Some(application) = opens["application"].as_str() {
            self.object(&format!("application:{application}"));
        }
        for key in ["purpose", "ground"] {
            texts(key).into_iter().for_each(|purpose| self.add(Kind::Purpose, purpose));
        }
        texts("case").into_iter().for_each(|case| self.add(Kind::Case, case));
        for key in ["request", "evidence", "proposal", "import", "break_glass"] {
            texts(key).into_iter().for_each(|number| self.add(Kind::Correlation, number));
        }
    }

    /// A thing by its name, and what the name says of whom it concerns.
    fn object(&mut self, object: &str) {
        self.add(Kind::Object, object);
        self.named(object, true);
        match object.split_once(':') {
            Some(("case", case)) => self.add(Kind::Case, case),
            Some(("break_glass" | "import", number)) => self.add(Kind::Correlation, number),
            Some(("mailbox", mailbox)) => self.participant(mailbox),
            _ => {}
        }
    }

    fn named(&mut self, name: &str, people: bool) {
        match name.split_once(':') {
            Some(("participant", rest)) => self.participant(rest),
            Some(("person", person)) if people => self.add(Kind::Person, person),
            _ => {}
        }
    }

    /// `00000002`, `00000002/token:..`, `00000002.chancellery`.
    fn participant(&mut self, text: &str) {
        let code = text.split(['/', '.']).next().unwrap_or_default();
        if code.len() == 8 && code.bytes().all(|digit| digit.is_ascii_digit()) {
            self.add(Kind::Participant, code);
        }
    }

    /// Looks of somebody at what is another's. An operator's certificate and a system are others whoever it is.
    fn looked(&mut self, entry: &Value) {
        let (action, actor) =
            (entry["action"].as_str().unwrap_or_default(), entry["actor"].as_str().unwrap_or_default());
        if !is_look(action) || entry["outcome"].as_str() != Some("done") {
            return;
        }
        let own = actor.strip_prefix("person:");
        let people = self.found.iter().filter(|term| term.kind == Kind::Person && Some(term.value.as_str()) != own);
        let people: Vec<_> = people.map(|term| (term.value.clone(), term.from_details)).collect();
        for (person, from_details) in people {
            self.from_details = from_details;
            self.add(Kind::Looked, &person);
        }
    }
}

/// A name or an identifier: short, of one line.
fn fits(value: &str) -> bool {
    (1..=VALUE_BYTES).contains(&value.len()) && !value.chars().any(char::is_control)
}
