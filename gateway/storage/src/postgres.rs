//! The grown back end: many stateless processes on PostgreSQL.
//!
//! Not here yet, and nothing pretends to be. What will stand here: a second variant behind [`Tx`](crate::store::Tx) and
//! [`Row`](crate::store::Row), a `sqlx::PgConnection` driven by `Handle::block_on` on the same storage threads, running
//! the same SQL text (`$1`, `$2`, ...; times as BIGINT microseconds, ids as BYTEA of sixteen bytes), chosen by the
//! address in the configuration. Before it serves, it reads back `fsync`, `full_page_writes` and `synchronous_commit`
//! and refuses anything lower than `on`, as the embedded back end does with its pragmas. Its migrations are
//! `migrations/postgres`.
