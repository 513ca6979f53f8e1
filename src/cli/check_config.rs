//! `souk check-config`: checks the configuration as `souk serve` would, and prints the effective settings.

use crate::auth::Auth;
use crate::config::{Settings, effective};

/// Prints every effective setting on standard output; problems are returned as the error.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(
    settings: Settings,
    definition: &clap::Command,
    matches: &clap::ArgMatches,
) -> Result<(), super::Failed> {
    if let Some((name, matches)) = matches.subcommand()
        && let Some(definition) = definition.find_subcommand(name)
    {
        effective(definition, matches).iter().for_each(|line| println!("{line}"));
    }
    Ok(Auth::check(&settings.check()?)?)
}
