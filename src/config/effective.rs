//! The effective configuration for `souk check-config` and `GET /admin/settings`, read from clap's own definition
//! so that no setting is missing.

use std::fmt;

use clap::parser::ValueSource;

use super::database::DatabaseUrl;

/// A setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EffectiveSetting {
    /// Its variable, such as `SOUK_BIND`.
    pub(crate) variable: String,
    /// The section of `souk serve --help` that it is in.
    pub(crate) section: String,
    /// Its value as text; `***` for a secret, `-` where there is none.
    pub(crate) value: String,
    /// Where the value came from.
    pub(crate) source: SettingSource,
}

/// Where a setting's value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingSource {
    /// The command line.
    Flag,
    /// The environment.
    Variable,
    /// Nobody gave one: the built-in value.
    Default,
    /// Nobody gave one, and there is no built-in value.
    NotSet,
}

impl SettingSource {
    /// The source in words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Variable => "variable",
            Self::Default => "default",
            Self::NotSet => "not set",
        }
    }
}

/// A line of `souk check-config`.
impl fmt::Display for EffectiveSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, value, source, .. } = self;
        write!(f, "{variable} = {value}  ({})", source.as_str())
    }
}

/// Every setting of the command, in the order of its help; secrets are masked.
pub(crate) fn effective(command: &clap::Command, matches: &clap::ArgMatches) -> Vec<EffectiveSetting> {
    command
        .get_arguments()
        .filter_map(|setting| {
            let variable = setting.get_env()?.to_string_lossy().into_owned();
            let id = setting.get_id().as_str();
            let source = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => SettingSource::Flag,
                Some(ValueSource::EnvVariable) => SettingSource::Variable,
                Some(_) => SettingSource::Default,
                None => SettingSource::NotSet,
            };
            let section = setting.get_help_heading().unwrap_or("General").to_owned();
            Some(EffectiveSetting { variable, section, value: shown(setting, id, matches), source })
        })
        .collect()
}

fn shown(setting: &clap::Arg, id: &str, matches: &clap::ArgMatches) -> String {
    if id == "database_url" {
        return matches.get_one::<DatabaseUrl>(id).map(ToString::to_string).unwrap_or_default();
    }
    let Some(values) = matches.get_raw(id) else { return "-".to_owned() };
    if setting.is_hide_env_values_set() {
        return "***".to_owned();
    }
    values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(",")
}
