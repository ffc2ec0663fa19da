//! What is answered to whom: derived from the matrix of roles and the table of operations, kept in `probe.csv`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemas::ProblemCode as P;

use super::scene::Thing;
use super::table::{OPERATIONS, Operation, Rule};
use super::who::{self, Door, Known, Standing, Who};

/// In place of a code: the operation is let through to what it is about.
pub(super) const ALLOW: &str = "allow";

/// In place of an operation: every one of them.
const EVERY: &str = "*";

/// In place of a thing: whichever it is.
const ANY: &str = "any";

const HEAD: &str = "\
# What is answered to whom, at which door. `allow`: let through to what it is about.
# thing: own: of the participant 99000001, which everybody here is of or acts for, or of the person who asks; foreign: of another
#   participant, and another person; none: not there; any: whichever. operation `*`: every one that has no line of its own.
# Derived from gateway/access/matrix.csv and tests/refusals/probe/table.rs; the node is held against it. UPDATE_GOLDEN=1 writes it.
operation,door,who,thing,status,code
";

/// What is asked, by whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) operation: String,
    pub(super) door: Door,
    pub(super) who: String,
    pub(super) thing: Thing,
}

/// A line of the file.
pub(super) type Line = String;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn file() -> PathBuf {
    root().join("refusals/probe.csv")
}

/// The lines of the file.
pub(super) fn kept() -> Vec<Line> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Writes the file.
pub(super) fn write(lines: &[Line]) {
    std::fs::write(file(), lines.join("\n") + "\n").expect("the golden file");
}

/// What the lines say, spelt out.
pub(super) fn rows(lines: &[Line]) -> BTreeMap<Row, (String, String)> {
    let mut rows = BTreeMap::new();
    let everybody = who::all();
    for line in lines.iter().filter(|line| !line.starts_with('#')).skip(1) {
        let [operation, door, who, thing, status, code] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}: not six fields")
        };
        let door = Door::named(door);
        let asks = everybody.iter().find(|asks| asks.door == door && asks.name == who);
        let asks = asks.unwrap_or_else(|| panic!("{line}: nobody is called that"));
        for meant in OPERATIONS.iter().filter(|meant| operation == EVERY || meant.id == operation) {
            for thing in meant.things(asks).filter(|meant| thing == ANY || thing == meant.as_str()) {
                let row = Row { operation: meant.id.to_owned(), door, who: who.to_owned(), thing };
                let answer = (status.to_owned(), code.to_owned());
                if operation == EVERY {
                    rows.entry(row).or_insert(answer);
                } else {
                    rows.insert(row, answer);
                }
            }
        }
    }
    rows
}

/// The lines that the file should have.
pub(super) fn derived() -> Vec<Line> {
    let (matrix, mut lines) = (Matrix::read(), HEAD.lines().map(str::to_owned).collect::<Vec<_>>());
    for who in who::all() {
        let usual = match who.standing {
            Standing::Stranger { code, .. } | Standing::Forged { code } => {
                lines.push(format!("{EVERY},{},{},{ANY},{}", who.door.as_str(), who.name, shown(Some(code))));
                Some(Some(code))
            }
            Standing::Known(_) => None,
        };
        for operation in OPERATIONS {
            let things: Vec<Thing> = operation.things(&who).collect();
            let answers: Vec<Option<P>> =
                things.iter().map(|thing| answered(&matrix, operation, &who, *thing)).collect();
            let first = answers.first().copied();
            let all_alike = answers.iter().all(|answer| Some(*answer) == first);
            if let Some(answer) = first.filter(|_| all_alike) {
                if usual != Some(answer) {
                    lines.push(format!("{},{},{},{ANY},{}", operation.id, who.door.as_str(), who.name, shown(answer)));
                }
                continue;
            }
            for (thing, answer) in things.iter().zip(answers) {
                let (door, thing) = (who.door.as_str(), thing.as_str());
                lines.push(format!("{},{door},{},{thing},{}", operation.id, who.name, shown(answer)));
            }
        }
    }
    lines
}

/// Status and code.
fn shown(answer: Option<P>) -> String {
    match answer {
        None => format!("-,{ALLOW}"),
        Some(code) => format!("{},{code}", status(code)),
    }
}

/// The statuses are stated here once more, by their sense and not by the node's table.
fn status(code: P) -> u16 {
    match code {
        P::ClientCertificateMissing
        | P::ClientCertificateUntrusted
        | P::ClientCertificateExpired
        | P::ClientCertificateRevoked
        | P::ClientCertificateUnregistered
        | P::SessionMissing
        | P::SessionEnded
        | P::TokenRefused => 401,
        P::ActionForbidden
        | P::SenderNotYou
        | P::ChannelNotAllowed
        | P::StepUpRequired
        | P::TokenScope
        | P::RoleOwn
        | P::BreakGlassOwn
        | P::SessionForeignOrigin
        | P::SessionCsrfToken => 403,
        P::NotFound => 404,
        other => panic!("{other} is no refusal of access"),
    }
}

/// What is answered; none: let through.
fn answered(matrix: &Matrix, operation: &Operation, who: &Who, thing: Thing) -> Option<P> {
    match &who.standing {
        // Who comes without a session may begin one.
        // A page that speaks for one that is over is told so; a browser that is sent to log in is not asked what else it carries.
        Standing::Stranger { speaks, .. }
            if who.door != Door::Api && operation.begins_a_session() && (!speaks || operation.method == "GET") =>
        {
            None
        }
        Standing::Stranger { code, .. } => Some(*code),
        Standing::Forged { code: P::SessionCsrfToken } if operation.begins_a_session() => None,
        Standing::Forged { code } => Some(*code),
        Standing::Known(known) => known_to(matrix, operation, who, known, thing),
    }
}

fn known_to(matrix: &Matrix, operation: &Operation, who: &Who, known: &Known, thing: Thing) -> Option<P> {
    let by_matrix = |action: &str, column: usize| matrix.answer(action, who, known, column);
    match operation.rule {
        Rule::Everybody => None,
        // There is no session at the door of the API, and so there are no operations on it.
        Rule::Session | Rule::ActFor if who.door == Door::Api => Some(P::NotFound),
        Rule::Session => None,
        Rule::ActFor if who.door == Door::External || thing != Thing::Own => Some(P::ActionForbidden),
        Rule::ActFor => None,
        Rule::Peers(_) if !known.is_peer() => Some(P::ActionForbidden),
        // What a peer brings is judged by what it brings: whose it is stands in evidence that is signed.
        Rule::Peers(action) => by_matrix(action, Thing::Own.column()),
        Rule::People(_) if !known.is_person() => Some(P::ActionForbidden),
        // Nobody acts for anybody once the role is taken back, and so nobody's name can be taken in vain.
        Rule::Action("submit_document") if known.is_without_role() => Some(P::ActionForbidden),
        Rule::People(action) | Rule::Action(action) => by_matrix(action, thing.column()),
        // Of persons: what is theirs at the external portal, and another's at the internal one.
        Rule::Owned(action) if who.door != Door::External && thing == Thing::Own => by_matrix(action, OTHER),
        Rule::Owned(action) => by_matrix(action, thing.column()),
        Rule::OfNode(action) => by_matrix(action, OTHER),
        Rule::OfTheirs(action) => by_matrix(action, if known.is_of_node() { OTHER } else { 0 }),
        Rule::Opens(action) | Rule::Opened(action) | Rule::Watched(action) => {
            let column = match (operation.rule, thing) {
                (Rule::Opens(_), _) | (_, Thing::Foreign | Thing::None) => thing.column(),
                (Rule::Opened(_), _) if known.row() == OFFICER => 0,
                _ => OTHER,
            };
            let answer = by_matrix(action, column);
            // It is looked up before it is decided about, but not for a token that does not serve it.
            if thing == Thing::None && answer != Some(P::TokenScope) { Some(P::NotFound) } else { answer }
        }
        Rule::Entrusts(action) if thing == Thing::Own => by_matrix(action, OTHER),
        Rule::Entrusts(action) => by_matrix(action, thing.column()),
        Rule::TakesBack(action) => {
            let place = if thing == Thing::Own { OTHER } else { thing.column() };
            let refused = by_matrix(action, place)?;
            // Whoever may not see the people of a participant is not told who is among them; and what is not there is not there.
            let sees = thing != Thing::None && by_matrix("read_people", thing.column()).is_none();
            Some(if refused == P::ActionForbidden && !sees { P::NotFound } else { refused })
        }
    }
}

/// Who opened the access that is one's own.
pub(super) const OFFICER: &str = "security_officer";

/// Place of what is another's, of the same participant.
const OTHER: usize = 1;

/// `gateway/access/matrix.csv`.
struct Matrix(BTreeMap<(String, String), Vec<String>>);

impl Matrix {
    fn read() -> Self {
        let text = std::fs::read_to_string(root().join("../gateway/access/matrix.csv")).expect("the matrix of roles");
        let lines = text.lines().filter(|line| !line.starts_with('#')).skip(1);
        let rows = lines.map(|line| {
            let mut fields = line.split(',').map(str::to_owned);
            let (action, who) = (fields.next().expect("an action"), fields.next().expect("a role"));
            ((action, who), fields.collect())
        });
        Self(rows.collect())
    }

    fn answer(&self, action: &str, who: &Who, known: &Known, column: usize) -> Option<P> {
        let plain = action.split('[').next().unwrap_or_default();
        if known.scopes().is_some_and(|scopes| !scopes.contains(&plain)) {
            return Some(P::TokenScope);
        }
        let row = self.0.get(&(action.to_owned(), known.row().to_owned()));
        let row = row.unwrap_or_else(|| panic!("the matrix has no row of {action} for {}", who.name));
        // Of what is the node's it makes no difference whose it is.
        let answer = if row[column] == "-" { &row[0] } else { &row[column] };
        let code = P::ALL.iter().copied().find(|code| code.as_str() == answer);
        assert!(code.is_some() || answer == ALLOW, "{action}: {answer}");
        code
    }
}
