//! The product against published corpora: `signing` and `vuzol verify` over signatures, `certs` over paths. The corpora are not in this
//! repository: `VUZOL_CORPORA` names the folder; without it the tests say that they are skipped.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod documents;
mod paths;

use std::path::PathBuf;

/// The folder of the corpora, where it is.
#[allow(clippy::print_stdout, reason = "a test that is skipped says so")]
fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("VUZOL_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: VUZOL_CORPORA is not set");
    }
    folder
}
