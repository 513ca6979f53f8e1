//! Adds the environment variable to clap's errors about a flag, since the value may have come from there.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};

/// Returns `error` with a tip that names the variable of the setting it concerns.
pub(crate) fn name_variable(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return error };
    let flag = flag.split(' ').next().unwrap_or_default().trim_start_matches("--");
    let variable = variable_of(flag, command)
        .map(|variable| format!("--{flag} can also come from the variable {}", variable.to_string_lossy()));
    if let Some(tip) = variable {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

/// The variable behind a flag of this command or of a subcommand.
fn variable_of<'a>(flag: &str, command: &'a clap::Command) -> Option<&'a std::ffi::OsStr> {
    let own = command.get_arguments().find(|setting| setting.get_long() == Some(flag));
    let below = || command.get_subcommands().find_map(|command| variable_of(flag, command));
    own.and_then(clap::Arg::get_env).or_else(below)
}
