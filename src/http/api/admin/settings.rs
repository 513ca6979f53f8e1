//! `/admin/settings`: what this server runs with.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use crate::config::{EffectiveSetting, SettingSource};
use crate::domain::oversight;
use crate::http::schema::one_of;
use crate::http::{Problem, ReadCall, Reply};

/// What a server runs with.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
struct SettingsView {
    /// The server's version.
    version: &'static str,
    /// The database's engine.
    #[schema(schema_with = engines)]
    database: &'static str,
    /// Every setting, in the order of `souk serve --help`.
    settings: Vec<SettingView>,
}

/// A setting.
#[derive(Serialize, ToSchema)]
#[schema(as = Setting)]
struct SettingView {
    /// Its variable.
    #[schema(example = "SOUK_BIND")]
    name: String,
    /// The section of the help that it is in.
    #[schema(example = "Server")]
    section: String,
    /// Its value; `***` for a secret, `-` where there is none.
    value: String,
    /// Where the value came from.
    #[schema(schema_with = sources)]
    source: &'static str,
}

fn engines() -> Schema {
    one_of(["sqlite", "postgresql"])
}

fn sources() -> Schema {
    use SettingSource::{Default, Flag, NotSet, Variable};
    one_of([Flag, Variable, Default, NotSet].map(SettingSource::as_str))
}

impl From<&EffectiveSetting> for SettingView {
    fn from(setting: &EffectiveSetting) -> Self {
        let EffectiveSetting { variable, section, value, source } = setting.clone();
        Self { name: variable, section, value, source: source.as_str() }
    }
}

/// The settings of the server that answers, secrets masked, and where each came from.
#[utoipa::path(operation_id = "readSettings", responses((status = 200, body = SettingsView)))]
#[get("/admin/settings")]
pub(super) async fn read(call: ReadCall) -> Result<HttpResponse, Problem> {
    let config = call.app().config.clone();
    let database = if call.app().db.is_shared() { "postgresql" } else { "sqlite" };
    call.read(move |uow, scope| {
        oversight::read_settings(uow, scope)?;
        let settings = config.effective.iter().map(SettingView::from).collect();
        Reply::ok(&SettingsView { version: env!("CARGO_PKG_VERSION"), database, settings })
    })
    .await
}
