//! The product against published corpora: `vuzol verify` over signatures, `certs` over paths. The corpora are not in this
//! repository: `VUZOL_CORPORA` names the folder; without it the tests say that they are skipped.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cades;
mod paths;
mod table;
mod ukrainian;
