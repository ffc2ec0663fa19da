//! PostgreSQL connections: where they lead, what is set and read back on them, and what their errors mean.
//!
//! A [`Session`] is a connection and the runtime that drives it, both on the storage thread that owns them: closures of transactions are
//! synchronous, so each statement is sent and awaited in its place. Statements are prepared once for each connection.
//!
//! The SQL is the text that SQLite runs. Plans are made as SQLite makes them, by an index wherever there is one: the statistics of tables that grow
//! by thousands of rows a second are always behind, and a plan made from them would read a whole log to find its end.

mod address;
mod together;
mod values;

pub use address::Address;
pub(crate) use values::column;

use crate::store::{Row, StoreError, Value};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgConnection, PgDatabaseError, PgSeverity};
use sqlx::{ConnectOptions, Either, Executor};
use std::future::Future;
use std::time::Duration;
use together::Together;
use tokio::runtime::Runtime;

/// What a connection is for: which role it takes on, and what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Acts of the node. It may add to the outbox of the log, and change nothing of it.
    Acts,
    /// Numbers the log's rows and carries its state.
    Sequencing,
    /// Snapshots, which change nothing.
    Reading,
    /// Changes the schema, as whoever the address names.
    Migrating,
}

impl Duty {
    fn role(self) -> Option<&'static str> {
        match self {
            Self::Acts | Self::Reading => Some("SET ROLE vuzol_node"),
            Self::Sequencing => Some("SET ROLE vuzol_sequencer"),
            Self::Migrating => None,
        }
    }

    /// Acts read before they write, and were written for a database with one writer: only transactions that PostgreSQL proves to be in some order
    /// keep what they rely on. The sequencer takes a row's lock first, and then has to see what was committed while it waited.
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Acts => "BEGIN ISOLATION LEVEL SERIALIZABLE",
            Self::Sequencing | Self::Migrating => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Self::Reading => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// A connection on its storage thread.
pub(crate) struct Session {
    runtime: Runtime,
    connection: PgConnection,
    /// Why the open transaction cannot go on.
    broken: Option<Broken>,
    /// Something was asked after that.
    asked_after: bool,
    /// Each statement has a savepoint of its own, so that a closure may go on after one that failed, as it may on SQLite.
    pub(crate) each_alone: bool,
    /// Inserts wait for company: where the whole group stands or falls together, so that it need not be known whose failed.
    pub(crate) together: bool,
    waiting: Together,
}

/// Why a transaction cannot go on.
#[derive(Debug, Clone)]
pub(crate) enum Broken {
    /// A statement failed, and with it all of the transaction up to its last savepoint.
    Statement(StoreError),
    /// It cannot be put in an order with others, or they wait for each other: nothing is kept, and the same again may succeed.
    Again,
    /// The connection is gone.
    Lost(StoreError),
}

impl Broken {
    pub(crate) fn error(&self) -> StoreError {
        match self {
            Self::Statement(error) | Self::Lost(error) => error.clone(),
            Self::Again => StoreError::Overloaded,
        }
    }
}

/// How the transaction stands after a closure.
pub(crate) struct Standing {
    pub(crate) broken: Option<Broken>,
    /// The closure asked something after a statement had failed, so that its result may rest on no answer.
    pub(crate) asked_after: bool,
}

/// How long one statement may take before its connection is given up. A network that swallows packets says nothing.
const ANSWER: Duration = Duration::from_secs(60);
const CONNECTING: Duration = Duration::from_secs(10);

impl Session {
    /// Connects, takes on the role, and reads back that commits are durable.
    pub(crate) fn connect(address: &Address, duty: Duty, lease: Duration) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Database(format!("no runtime for a connection: {error}")))?;
        let options = address.options(duty, lease).disable_statement_logging();
        let connecting = async { tokio::time::timeout(CONNECTING, options.connect()).await };
        let connection = match runtime.block_on(connecting) {
            Ok(Ok(connection)) => connection,
            // What the server itself says is enough; that of TLS or the network does not say of whom.
            Ok(Err(error)) if error.as_database_error().is_some() => return Err(classify(&error).error()),
            Ok(Err(error)) => return Err(StoreError::Database(format!("no connection to {address}: {error}"))),
            Err(_) => return Err(StoreError::Database(format!("no connection to {address}: it does not answer"))),
        };
        let mut session = Self {
            runtime,
            connection,
            broken: None,
            asked_after: false,
            each_alone: false,
            together: false,
            waiting: Together::default(),
        };
        if let Some(role) = duty.role() {
            session.control(role).map_err(|broken| match broken {
                Broken::Statement(_) => StoreError::Database(format!(
                    "{role} was refused: the owner of the database runs `vuzol migrate`, and grants both of the node's roles to its user"
                )),
                other => other.error(),
            })?;
        }
        session.check_promises(duty)?;
        Ok(session)
    }

    /// What commits here are worth. As with the pragmas of SQLite, anything lower is refused.
    fn check_promises(&mut self, duty: Duty) -> Result<(), StoreError> {
        let sql = "-- check_promises
            SELECT current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
                current_setting('server_encoding'), pg_is_in_recovery()";
        let mut refused = Err(StoreError::Corrupt("no settings"));
        self.query(sql, &[], |row| {
            let on = |column| row.text(column).map(|text| text == "on");
            refused = if !on(0)? {
                refusal("fsync is off, but durability needs it")
            } else if !on(1)? {
                refusal("full_page_writes is off, but durability needs it")
            } else if !on(2)? && row.text(2)? != "remote_apply" {
                refusal("synchronous_commit is lower than on, but durability needs that")
            } else if row.text(3)? != "UTF8" {
                refusal("server_encoding is not UTF8")
            } else if duty != Duty::Reading && row.integer(4)? != 0 {
                refusal("this server is a standby")
            } else {
                Ok(())
            };
            Ok(())
        })?;
        refused
    }

    /// A statement without parameters that begins or ends something.
    pub(crate) fn control(&mut self, sql: &'static str) -> Result<(), Broken> {
        let Self { runtime, connection, .. } = self;
        wait(runtime, async { connection.execute(sql).await.map(drop) })
    }

    /// As [`Session::control`], for texts of migrations.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        let Self { runtime, connection, .. } = self;
        let text = sqlx::AssertSqlSafe(sql.to_owned());
        wait(runtime, async { connection.execute(text).await.map(drop) }).map_err(|broken| broken.error())
    }

    pub(crate) fn begin(&mut self, duty: Duty) -> Result<(), Broken> {
        self.broken = None;
        self.asked_after = false;
        self.together = false;
        self.waiting.take();
        self.control(duty.begin())
    }

    /// COMMIT of a transaction that failed answers ROLLBACK and no error; the statement before it fails where it did.
    pub(crate) fn commit(&mut self) -> Result<(), Broken> {
        self.control("SET LOCAL jit = off; COMMIT")
    }

    /// What the closure that just ended left, which is forgotten here.
    pub(crate) fn standing(&mut self) -> Standing {
        Standing { broken: self.broken.take(), asked_after: std::mem::take(&mut self.asked_after) }
    }

    pub(crate) fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.run(sql, values, |_| Ok(()))
    }

    pub(crate) fn query(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.run(sql, values, each).map(drop)
    }

    /// Inserts a row, now or with others before the commit ([`Session::send_waiting`]).
    pub(crate) fn insert(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<(), StoreError> {
        if self.together && self.broken.is_none() && self.waiting.add(sql, values)? {
            return if self.waiting.is_much() { self.send_waiting() } else { Ok(()) };
        }
        self.execute(sql, values).map(drop)
    }

    /// Sends the inserts that wait. What fails breaks the transaction, as any statement does.
    pub(crate) fn send_waiting(&mut self) -> Result<(), StoreError> {
        for rows in self.waiting.take() {
            let sent = rows
                .arguments()
                .map_err(|error| Broken::Statement(StoreError::Database(error)))
                .and_then(|arguments| self.send(sqlx::AssertSqlSafe(rows.statement()), arguments, |_| Ok(())))
                .and_then(|answer| answer.map_err(Broken::Statement));
            if let Err(broken) = sent {
                let error = broken.error();
                self.broken = Some(broken);
                return Err(error);
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        if let Some(broken) = &self.broken {
            self.asked_after = true;
            return Err(broken.error());
        }
        if self.waiting.concerns(sql) {
            self.send_waiting()?;
        }
        let run =
            if self.each_alone { self.run_in_savepoint(sql, values, each) } else { self.send_one(sql, values, each) };
        match run {
            Ok(answer) => answer,
            Err(Broken::Statement(error)) if self.each_alone => Err(error),
            Err(broken) => {
                let error = broken.error();
                self.broken = Some(broken);
                Err(error)
            }
        }
    }

    fn run_in_savepoint(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<Result<u64, StoreError>, Broken> {
        self.control("SAVEPOINT statement")?;
        let end = self.send_one(sql, values, each);
        match &end {
            Ok(_) => self.control("RELEASE SAVEPOINT statement")?,
            Err(Broken::Statement(_)) => {
                self.control("ROLLBACK TO SAVEPOINT statement; RELEASE SAVEPOINT statement")?
            }
            Err(_) => {}
        }
        end
    }

    fn send_one(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<Result<u64, StoreError>, Broken> {
        let arguments = values::arguments(values).map_err(|error| Broken::Statement(StoreError::Database(error)))?;
        self.send(sql, arguments, each)
    }

    /// Inner: what `each` refused. The answer is read to its end nevertheless, since an error may be the last that comes.
    fn send(
        &mut self,
        sql: impl sqlx::SqlSafeStr,
        arguments: PgArguments,
        mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<Result<u64, StoreError>, Broken> {
        let Self { runtime, connection, .. } = self;
        wait(runtime, async {
            let mut answer = Ok(0);
            let mut stream = connection.fetch_many(sqlx::query_with(sql, arguments));
            while let Some(part) = stream.try_next().await? {
                answer = match (answer, part) {
                    (Ok(_), Either::Left(done)) => Ok(done.rows_affected()),
                    (Ok(count), Either::Right(row)) => each(&Row::of_postgres(&row)).map(|()| count),
                    (refused, _) => refused,
                };
            }
            Ok(answer)
        })
    }
}

/// Runs what drives connections away from the runtime of whoever calls.
pub(crate) fn on_a_thread<T: Send>(work: impl FnOnce() -> Result<T, StoreError> + Send) -> Result<T, StoreError> {
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or(Err(StoreError::Closed))
}

fn refusal(why: &str) -> Result<(), StoreError> {
    Err(StoreError::Database(why.to_owned()))
}

fn wait<T>(runtime: &Runtime, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Broken> {
    match runtime.block_on(async { tokio::time::timeout(ANSWER, work).await }) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classify(&error)),
        Err(_) => Err(Broken::Lost(StoreError::Database("the database does not answer".to_owned()))),
    }
}

/// What an error means. The server's first lines name tables and columns; where they may quote values (class 22, data exceptions), only the code is
/// kept.
fn classify(error: &sqlx::Error) -> Broken {
    let Some(error) = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>()) else {
        return Broken::Lost(StoreError::Database(format!("the connection was lost: {error}")));
    };
    let told = if error.code().starts_with("22") {
        StoreError::Database(format!("a value does not fit its place ({})", error.code()))
    } else {
        StoreError::Database(format!("{} ({})", error.message(), error.code()))
    };
    match (error.severity(), error.code()) {
        (PgSeverity::Panic | PgSeverity::Fatal, _) => Broken::Lost(told),
        (_, SERIALIZATION_FAILURE | DEADLOCK) => Broken::Again,
        (_, UNIQUE_VIOLATION) => Broken::Statement(StoreError::Conflict),
        // Somebody holds a lock for longer than anybody should.
        (_, LOCK_NOT_AVAILABLE) => Broken::Statement(StoreError::Overloaded),
        _ => Broken::Statement(told),
    }
}

// PostgreSQL 15, appendix A.
const SERIALIZATION_FAILURE: &str = "40001";
const DEADLOCK: &str = "40P01";
const UNIQUE_VIOLATION: &str = "23505";
const LOCK_NOT_AVAILABLE: &str = "55P03";
