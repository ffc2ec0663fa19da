//! Groups on PostgreSQL: one transaction for a group, several connections at once.
//!
//! A group is run without savepoints first, and again with each transaction in its own where one refuses or fails, as on SQLite. What is different:
//!
//! - **Inserts wait for company** in the first run: rows of one text go in one statement. One that fails then undoes the group, and in the second run
//!   each is sent in its place and whoever asked for it hears of it.
//! - **Order.** Groups of several connections and processes run beside each other. Acts run SERIALIZABLE: PostgreSQL finds out where their results
//!   fit no order, and ends one of them; its group runs again, and one by one where it keeps happening. Closures may run twice.
//! - **A failed statement** ends a transaction up to its last savepoint. A closure that goes on nevertheless, or that asked something more before it
//!   refused, is run once more with a savepoint around each statement.
//! - **Connections break.** Before COMMIT was sent nothing is kept, and the group runs again on a new connection. Once it was sent nobody knows:
//!   everyone in the group is told [`StoreError::OutcomeUnknown`], and nobody is told that it is done.

use super::{Group, Groups, Operation, answer_all, count};
use crate::postgres::{Address, Broken, Duty, Session};
use crate::store::{StoreError, Tx};
use std::time::Duration;

pub(crate) struct PostgresGroups {
    address: Address,
    duty: Duty,
    lease: Duration,
    /// None after a failure, until there is a new one.
    session: Option<Session>,
    /// How many groups to come are run with savepoints from the beginning.
    savepoints: u32,
}

/// Groups that are run with savepoints after one of which something refused.
const CAREFUL: u32 = 64;

/// How often a group runs that finds no order with others, before it is told to come later. Alone it nearly always succeeds.
const TRIES: u32 = 12;
/// After so many a group is run one by one.
const TRIES_TOGETHER: u32 = 3;

/// How many connections a group may lose: one that broke while nobody used it, one with its server, and one more.
const CONNECTIONS: u32 = 3;
/// Between tries to connect, doubled up to the last.
const BACK_OFF: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(800),
    Duration::from_millis(1600),
];

/// Why a group is not committed.
enum Undone {
    /// It finds no order with others. Nothing of it is kept.
    Again,
    /// The connection was lost before COMMIT. Nothing of it is kept.
    Lost(StoreError),
    /// Everyone's, for good.
    Failed(StoreError),
}

/// How a group without savepoints ended.
enum Bold {
    Done,
    /// Something of it refused or failed, and nothing of it is kept.
    Undone,
}

impl Groups for PostgresGroups {
    fn commit(&mut self, group: Group) {
        let (group, end) = self.commit_together(group);
        match end {
            Err(Undone::Again) if group.len() > 1 => {
                for operation in group {
                    self.commit_alone(operation);
                }
            }
            Err(Undone::Again) => answer_all(group, &Err(StoreError::Overloaded)),
            Err(Undone::Lost(error) | Undone::Failed(error)) => answer_all(group, &Err(error)),
            Ok(()) => answer_all(group, &Ok(())),
        }
    }
}

impl PostgresGroups {
    pub(crate) fn new(address: Address, duty: Duty, lease: Duration, session: Session) -> Self {
        Self { address, duty, lease, session: Some(session), savepoints: 0 }
    }

    fn commit_alone(&mut self, operation: Box<dyn Operation>) {
        let (group, end) = self.commit_together(vec![operation]);
        let end = end.map_err(|undone| match undone {
            Undone::Again => StoreError::Overloaded,
            Undone::Lost(error) | Undone::Failed(error) => error,
        });
        answer_all(group, &end);
    }

    fn commit_together(&mut self, mut group: Group) -> (Group, Result<(), Undone>) {
        let tries = if group.len() > 1 { TRIES_TOGETHER } else { TRIES };
        let (mut again, mut lost) = (0, 0);
        loop {
            let end = self.try_commit(&mut group);
            match end {
                Err(Undone::Again) if again + 1 < tries => {
                    again += 1;
                    count(group.first().map_or("none", |first| first.name()), "again");
                    std::thread::sleep(short_pause(again));
                }
                Err(Undone::Lost(_)) if lost + 1 < CONNECTIONS => lost += 1,
                end => return (group, end),
            }
        }
    }

    fn try_commit(&mut self, group: &mut Group) -> Result<(), Undone> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect().map_err(Undone::Failed)?,
        };
        let end = self.run_group(&mut session, group);
        // After anything but these the state of the connection is not worth guessing about.
        if matches!(end, Ok(()) | Err(Undone::Again)) {
            self.session = Some(session);
        }
        end
    }

    fn connect(&self) -> Result<Session, StoreError> {
        let mut last = StoreError::Closed;
        for pause in BACK_OFF {
            std::thread::sleep(pause);
            match Session::connect(&self.address, self.duty, self.lease) {
                Ok(session) => return Ok(session),
                Err(error) => {
                    tracing::warn!(%error, database = %self.address, "no connection to the database");
                    last = error;
                }
            }
        }
        Err(last)
    }

    fn run_group(&mut self, session: &mut Session, group: &mut Group) -> Result<(), Undone> {
        if self.savepoints == 0 {
            match run_boldly(session, self.duty, group)? {
                Bold::Done => return Ok(()),
                Bold::Undone => self.savepoints = CAREFUL,
            }
        }
        self.savepoints -= 1;
        run_carefully(session, self.duty, group)
    }
}

/// Those that met shall not meet again at the next try.
fn short_pause(again: u32) -> Duration {
    let [chance] = crypto::random::array::<1>();
    Duration::from_micros(u64::from(again) * (200 + u64::from(chance) * 16))
}

/// Without savepoints: all of the group or nothing.
fn run_boldly(session: &mut Session, duty: Duty, group: &mut Group) -> Result<Bold, Undone> {
    session.begin(duty).map_err(before_commit)?;
    session.together = true;
    for operation in group.iter_mut() {
        let keep = operation.run(&mut Tx::of_postgres(session));
        if !stands(session, keep)? {
            return Ok(Bold::Undone);
        }
    }
    let sent = session.send_waiting().is_ok();
    if !stands(session, sent)? {
        return Ok(Bold::Undone);
    }
    commit(session).map(|()| Bold::Done)
}

/// Whether the open transaction may go on; what is not to be kept is rolled back. Whose fault that is, the second run tells.
fn stands(session: &mut Session, keep: bool) -> Result<bool, Undone> {
    match session.standing().broken {
        None if keep => Ok(true),
        None | Some(Broken::Statement(_)) => session.control("ROLLBACK").map(|()| false).map_err(before_commit),
        Some(broken) => Err(end(session, broken)),
    }
}

/// Each transaction in its savepoint, so that what it changed can be taken back alone.
fn run_carefully(session: &mut Session, duty: Duty, group: &mut Group) -> Result<(), Undone> {
    session.begin(duty).map_err(before_commit)?;
    let mut savepoint = "SAVEPOINT operation";
    for operation in group.iter_mut() {
        session.control(savepoint).map_err(before_commit)?;
        savepoint = "RELEASE SAVEPOINT operation; SAVEPOINT operation";
        let mut keep = operation.run(&mut Tx::of_postgres(session));
        let standing = session.standing();
        let mut broken = standing.broken;
        if matches!(broken, Some(Broken::Statement(_))) && (keep || standing.asked_after) {
            session.control("ROLLBACK TO SAVEPOINT operation").map_err(before_commit)?;
            session.each_alone = true;
            keep = operation.run(&mut Tx::of_postgres(session));
            session.each_alone = false;
            broken = session.standing().broken;
        }
        match broken {
            None if keep => {}
            None | Some(Broken::Statement(_)) => {
                session.control("ROLLBACK TO SAVEPOINT operation").map_err(before_commit)?;
            }
            Some(broken) => return Err(end(session, broken)),
        }
    }
    commit(session)
}

fn commit(session: &mut Session) -> Result<(), Undone> {
    session.commit().map_err(|broken| match broken {
        Broken::Again => Undone::Again,
        // The server says that it did not commit.
        Broken::Statement(error) => Undone::Failed(error),
        Broken::Lost(error) => {
            tracing::error!(%error, "the connection was lost during a commit");
            Undone::Failed(StoreError::OutcomeUnknown)
        }
    })
}

fn before_commit(broken: Broken) -> Undone {
    match broken {
        Broken::Again => Undone::Again,
        Broken::Statement(error) => Undone::Failed(error),
        Broken::Lost(error) => Undone::Lost(error),
    }
}

/// Ends a transaction that cannot go on.
fn end(session: &mut Session, broken: Broken) -> Undone {
    match (broken, session.control("ROLLBACK")) {
        (Broken::Lost(error), _) | (_, Err(Broken::Lost(error))) => Undone::Lost(error),
        (Broken::Again, Ok(())) => Undone::Again,
        (Broken::Statement(error), _) | (_, Err(Broken::Statement(error))) => Undone::Failed(error),
        (Broken::Again, Err(Broken::Again)) => Undone::Again,
    }
}
