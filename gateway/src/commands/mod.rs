//! The command line: `vuzol serve|worker|migrate|verify|sign|seal|open|demo|admin`.
/// Parses the arguments of the process and runs; returns the exit code.
pub fn run(_arguments: impl IntoIterator<Item = std::ffi::OsString>) -> u8 { todo!() }
