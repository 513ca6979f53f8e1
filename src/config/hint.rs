//! Names the variable behind a flag that clap complains about: the value may well have come from there.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};

/// `error`, with a tip that names the variable of the setting that it is about.
pub fn name_variable(mut error: clap::Error, command: &clap::Command) -> clap::Error {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return error };
    let flag = flag.split(' ').next().unwrap_or_default().trim_start_matches("--");
    let mut settings = command.get_subcommands().chain([command]).flat_map(clap::Command::get_arguments);
    let variable = settings
        .find(|setting| setting.get_long() == Some(flag))
        .and_then(clap::Arg::get_env)
        .map(|variable| format!("--{flag} can also come from the variable {}", variable.to_string_lossy()));
    if let Some(tip) = variable {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}
