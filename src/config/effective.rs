//! The effective configuration for `souk check-config`, read from clap's own definition so that no setting is
//! missing.

use clap::parser::ValueSource;

use super::database::DatabaseUrl;

/// One line per setting: its variable, its value and the value's source; secrets are masked.
pub(crate) fn effective(command: &clap::Command, matches: &clap::ArgMatches) -> Vec<String> {
    command
        .get_arguments()
        .filter_map(|setting| {
            let variable = setting.get_env()?.to_string_lossy();
            let id = setting.get_id().as_str();
            let source = match matches.value_source(id) {
                Some(ValueSource::CommandLine) => "flag",
                Some(ValueSource::EnvVariable) => "variable",
                Some(_) => "default",
                None => "not set",
            };
            Some(format!("{variable} = {}  ({source})", shown(setting, id, matches)))
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
