//! The `souk` binary. Everything it can do is in the library, so that tests can do it, too.

/// Gives memory back to the system after a burst of connections or requests; `docs/performance.md` compares.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    souk::cli::run()
}
