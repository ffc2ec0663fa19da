//! The `vuzol` binary.

/// A document costs some hundred allocations on four threads: with this allocator the node spends an eighth less processor
/// time at 500 documents a second than with that of glibc (measured side by side).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(gateway::commands::run(std::env::args_os()))
}
