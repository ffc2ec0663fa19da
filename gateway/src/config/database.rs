//! `storage.database`: a file, or the address of a PostgreSQL database.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use storage::store::{Address, StoreConfig};

/// Where the rows are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DatabaseConfig {
    /// A SQLite file of this node alone.
    File(PathBuf),
    /// `postgres://...`, of all processes of a node.
    Postgres(PostgresAddress),
}

/// An address that was read, and its text, which may hold a password.
#[derive(Clone)]
pub struct PostgresAddress {
    text: String,
    address: Address,
}

impl DatabaseConfig {
    /// For `storage`, with its defaults.
    #[must_use]
    pub fn store(&self) -> StoreConfig {
        match self {
            Self::File(path) => StoreConfig::new(path.clone()),
            Self::Postgres(postgres) => StoreConfig::postgres(postgres.address.clone()),
        }
    }

    /// The folder that has to be there before the database can be made; none where somebody else makes it.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(path) => path.parent(),
            Self::Postgres(_) => None,
        }
    }

    /// The path of a file.
    pub(super) fn path_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl TryFrom<String> for DatabaseConfig {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !(text.starts_with("postgres:") || text.starts_with("postgresql:")) {
            return Ok(Self::File(text.into()));
        }
        let address = Address::parse(&text).map_err(|error| error.to_string())?;
        Ok(Self::Postgres(PostgresAddress { text, address }))
    }
}

impl From<DatabaseConfig> for String {
    fn from(database: DatabaseConfig) -> Self {
        match database {
            DatabaseConfig::File(path) => path.display().to_string(),
            DatabaseConfig::Postgres(postgres) => postgres.text,
        }
    }
}

impl From<PathBuf> for DatabaseConfig {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&str> for DatabaseConfig {
    fn from(path: &str) -> Self {
        Self::File(path.into())
    }
}

/// Without the password.
impl fmt::Display for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(postgres) => postgres.address.fmt(f),
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseConfig({self})")
    }
}

impl PartialEq for PostgresAddress {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for PostgresAddress {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_file_and_keeps_its_password_to_itself() {
        let read = |text: &str| DatabaseConfig::try_from(text.to_owned());
        assert_eq!(read("data/vuzol.db").unwrap(), DatabaseConfig::from("data/vuzol.db"));
        let here = "postgres://vuzol:hunter2@localhost/node";
        let address = read(here).unwrap();
        assert!(!format!("{address} {address:?}").contains("hunter2"));
        assert_eq!(String::from(address), here);
        let refused = read("postgres://vuzol:hunter2@db.example/node").unwrap_err();
        assert!(refused.contains("sslmode=verify-full") && !refused.contains("hunter2"), "{refused}");
    }
}
