//! `souk check-config`: checks the configuration as `souk serve` would, and prints the effective settings.

use crate::auth::Auth;
use crate::config::{EffectiveSetting, Settings};

/// Prints every effective setting on standard output; problems are returned as the error.
#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
pub(super) fn run(settings: Settings, effective: &[EffectiveSetting]) -> Result<(), super::Failed> {
    effective.iter().for_each(|setting| println!("{setting}"));
    Ok(Auth::check(&settings.check()?)?)
}
