//! The `vuzol` command as a binary of this package, so that the tests know where it lies.

/// As in `vuzol` itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(gateway::commands::run(std::env::args_os()))
}
