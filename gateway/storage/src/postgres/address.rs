//! Where a PostgreSQL database is, and what every connection to it is started with.

use super::Duty;
use crate::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Where a database is, whose it is, and how its server proves who it is. Prints without the password.
#[derive(Clone)]
pub struct Address {
    options: Box<PgConnectOptions>,
}

impl Address {
    /// From `postgres://user@host:port/database?sslmode=verify-full&sslrootcert=...`, or `postgres:///database?host=/folder/of/the/socket&user=...`.
    /// What it does not name is taken from the environment (`PGHOST`, `PGUSER`, `PGPASSWORD`, ...) and the password file, as `psql` does.
    ///
    /// # Errors
    /// [`StoreError::Database`] where it is no such address, or leads over a network without `sslmode=verify-full`: whoever answers there would be
    /// given the password and everything that the node knows.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        // The parser's own words may quote the password.
        let unreadable = |_| StoreError::Database("the address of the database cannot be read".to_owned());
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(StoreError::Database("the address of the database does not begin with postgres://".to_owned()));
        }
        let options = PgConnectOptions::from_str(url).map_err(unreadable)?;
        let address = Self { options: Box::new(options.statement_cache_capacity(PREPARED_STATEMENTS)) };
        if !address.stays_here() && !matches!(address.options.get_ssl_mode(), PgSslMode::VerifyFull) {
            return Err(StoreError::Database(format!("{address} is over a network: it needs sslmode=verify-full")));
        }
        Ok(address)
    }

    /// The name of the database.
    #[must_use]
    pub fn database(&self) -> &str {
        self.options.get_database().unwrap_or(self.options.get_username())
    }

    fn stays_here(&self) -> bool {
        let host = self.options.get_host();
        self.options.get_socket().is_some()
            || host == "localhost"
            || host.starts_with('/')
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback())
    }

    /// What is set from the first moment on; the name is what an administrator sees of it. `lease`: how long a transaction may lie open while its process does nothing; then the server ends it,
    /// and what it held is free for others.
    pub(super) fn options(&self, duty: Duty, lease: Duration) -> PgConnectOptions {
        let lease = lease.as_millis().max(1);
        let name = match duty {
            Duty::Acts => "vuzol acts",
            Duty::Sequencing => "vuzol sequencing",
            Duty::Reading => "vuzol reading",
            Duty::Migrating => "vuzol migrating",
        };
        PgConnectOptions::clone(&self.options).application_name(name).options([
            ("idle_in_transaction_session_timeout", format!("{lease}ms")),
            // Whoever waits for what a stopped process holds waits longer than its lease.
            ("lock_timeout", format!("{}ms", lease.saturating_mul(2))),
            ("enable_seqscan", "off".to_owned()),
            ("jit", "off".to_owned()),
        ])
    }
}

/// Distinct statements of the product are counted in the low hundreds.
const PREPARED_STATEMENTS: usize = 512;

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.database();
        match self.options.get_socket() {
            Some(socket) => write!(f, "postgres {}/{database}", socket.display()),
            None => write!(f, "postgres {}:{}/{database}", self.options.get_host(), self.options.get_port()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_network_the_server_must_prove_who_it_is() {
        for here in [
            "postgres:///vuzol?host=/run/postgresql&user=vuzol",
            "postgres://vuzol@localhost/vuzol",
            "postgresql://vuzol@127.0.0.1:5433/vuzol?sslmode=disable",
            "postgres://vuzol@[::1]/vuzol",
            "postgres://vuzol@db.example/vuzol?sslmode=verify-full",
        ] {
            Address::parse(here).unwrap();
        }
        for refused in [
            "postgres://vuzol:hunter2@db.example/vuzol",
            "postgres://vuzol:hunter2@db.example/vuzol?sslmode=require",
            "postgres://vuzol:hunter2@db.example/vuzol?sslmode=verify-ca",
            "postgres://vuzol:hunter2@10.0.0.7/vuzol?sslmode=disable",
            "postgres://vuzol:hunter2@db.example:port/vuzol",
            "mysql://vuzol:hunter2@localhost/vuzol",
            "vuzol.db",
        ] {
            let error = Address::parse(refused).unwrap_err();
            assert!(matches!(&error, StoreError::Database(why) if !why.contains("hunter2")), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let address = Address::parse("postgres://vuzol:hunter2@localhost/node").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "postgres localhost:5432/node Address(postgres localhost:5432/node)"
        );
    }
}
