//! What can happen to a log, and what is left of it. Each failure ends with the same question ([`book::Book::settle`]): is everything acknowledged in the log, are
//! the numbers contiguous, does an outsider's verification pass, were no two trees signed that contradict each other?
//!
//! | what happens | where it is tried |
//! |---|---|
//! | 1. processes are killed | [`crashes`] (`LOG_FAILURE_KILLS`); at every step of a round: `gateway/audit/src/log/tests.rs`; the whole node under load: `tests/durability` (`DURABILITY_KILLS`); the signer: [`signer`] |
//! | 2. system calls fail with EIO or ENOSPC, or are the last | [`injected`] (`LOG_FAILURE_CALLS=all`) |
//! | 3. fsync fails once; what was not synced is gone | [`injected`]; `a_crash_at_any_step_loses_nothing_and_forks_nothing` in `gateway/audit/src/log/tests.rs` tears tiles |
//! | 4. the disk is full, under the database, its log, tiles, stages, the signer's memory | [`full`]; the mark and the reserve: `gateway/storage/src/space.rs` |
//! | 5. the clock jumps | `a_clock_that_jumps_an_hour_either_way_changes_no_order_and_no_proof` in `gateway/audit/src/log/failure_tests.rs` |
//! | 6. somebody changes a row, before and after it was signed, a tile, a bundle, a checkpoint, what lies beside the tree | the same file; `gateway/audit/src/verify/tests.rs` (each byte of each file) |
//! | 7. tails are cut off: the table's, a tile's, the last tiles with an old checkpoint put back | `gateway/audit/src/log/failure_tests.rs` |
//! | 8. a backup is restored | `a_restored_backup_is_not_signed` in `gateway/audit/src/log/tests.rs`; with a signer of its own: `gateway/audit/src/signer/tests.rs` |
//! | 9. two integrators, one of them stopped past its turn | [`crashes`] with SIGSTOP; at every step: `an_integrator_that_was_stopped_for_long_does_not_set_the_log_back` in `gateway/audit/src/log/tests.rs` |
//! | 10. rows become visible out of order | `gateway/audit/src/log/claiming_tests.rs` |
//! | 11. the object store errs, answers too late, once and twice running | `gateway/audit/src/log/failure_tests.rs` |
//! | 12. witnesses and time-stamp authorities are down, slow, or lie | with what asks them |
//! | 13. two histories for two witnesses | `gateway/audit/src/verify/tests.rs` finds the fork; `gateway/audit/src/witness/tests.rs` refuses it |
//! | 14. a database fails over and loses rows | with that database; what it comes to is 8 |
//! | 15. the owner of the database drops its triggers and deletes rows | `gateway/audit/src/log/failure_tests.rs`; `recorded_rows_cannot_be_changed_by_mistake` in `gateway/audit/src/log/tests.rs` |
//! | 16. what was erased comes back with a backup | `what_was_erased_stays_erased_when_an_old_backup_is_restored` in `gateway/audit/src/payload/tests.rs` |
//! | 17. the log has a hundred million entries | `bench audit`, row `proof-100m` |
//! | 18. an act leaves no entry | `tests/refusals/probe`: every operation, at each door, for whoever knocks |

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod book;
mod crashes;
mod full;
mod injected;
mod signer;
