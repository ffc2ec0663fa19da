//! The `vuzol` binary.
fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(gateway::commands::run(std::env::args_os()))
}
