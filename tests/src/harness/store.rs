//! What the node has on its disk: rows of its database and files of its object store, read beside the running node.

use std::path::{Path, PathBuf};

use gateway::config::{Config, DatabaseConfig};

/// A view of a node's database and object folder.
pub struct Store {
    database: DatabaseConfig,
    objects: PathBuf,
}

impl Store {
    /// Of the node with this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { database: config.storage.database.clone(), objects: config.storage.objects.clone() }
    }

    /// Counts rows.
    ///
    /// # Panics
    /// Where the statement does not fit the schema.
    pub async fn count(&self, sql: &'static str) -> i64 {
        let (_writer, reader) = storage::store::open(&self.database.store()).expect("the database");
        let row = reader.read("count", move |tx| tx.query_optional(sql, &[], |row| row.integer(0))).await;
        row.expect("a count").expect("one row")
    }

    /// Messages of which the node keeps anything but that they were rejected.
    pub async fn messages(&self) -> i64 {
        self.count("-- messages\nSELECT count(*) FROM message WHERE state <> 'rejected'").await
    }

    /// Files of the object store, as paths relative to it; those under the log's `log/` aside, and the reserve of the disk, which lies here where the
    /// database is elsewhere.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(&self.objects, &mut files);
        let mut names: Vec<String> = files
            .iter()
            .filter_map(|file| file.strip_prefix(&self.objects).ok())
            .map(|path| path.to_string_lossy().into_owned())
            .filter(|name| !name.starts_with("log/") && name != "vuzol.reserve")
            .collect();
        names.sort();
        names
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}
