//! The `souk` binary. Everything it can do is in the library, so that tests can do it, too.

fn main() -> std::process::ExitCode {
    souk::cli::run()
}
