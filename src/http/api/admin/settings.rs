//! `/admin/settings`: what this server runs with.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;

use crate::clock::Timestamp;
use crate::config::{EffectiveSetting, SettingSource};
use crate::db::{LastBackup, Migration};
use crate::domain::oversight;
use crate::http::schema::enum_of;
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
    /// The migrations of the database's schema, the oldest first.
    migrations: Vec<MigrationView>,
    /// The last backup.
    backup: BackupView,
    /// Every setting, in the order of `souk serve --help`.
    settings: Vec<SettingView>,
}

/// A migration of the database's schema.
#[derive(Serialize, ToSchema)]
#[schema(as = Migration)]
struct MigrationView {
    /// The digits of its name, in which order migrations are applied.
    #[schema(example = "20261122000001")]
    version: String,
    /// Its name; null if a newer server has applied it.
    #[schema(example = "2026-11-22-000001_create_marketplace")]
    name: Option<String>,
    /// `unknown`: a newer server has applied it.
    #[schema(schema_with = migration_states)]
    state: &'static str,
    /// When it was applied.
    applied_at: Option<Timestamp>,
}

/// What is known of the last backup.
#[derive(Serialize, ToSchema)]
#[schema(as = LastBackup)]
struct BackupView {
    /// `none`: `souk backup` has made none of this file; `outside`: PostgreSQL, which is backed up by other means;
    /// `unknown`: its record cannot be read.
    #[schema(schema_with = backup_states)]
    state: &'static str,
    /// When it began: what was acknowledged before is in it.
    at: Option<Timestamp>,
    /// Its size.
    #[schema(minimum = 0)]
    bytes: Option<u64>,
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
    enum_of(["sqlite", "postgresql"])
}

fn sources() -> Schema {
    use SettingSource::{Default, Flag, NotSet, Variable};
    enum_of([Flag, Variable, Default, NotSet].map(SettingSource::as_str))
}

fn migration_states() -> Schema {
    enum_of(["applied", "pending", "unknown"])
}

fn backup_states() -> Schema {
    enum_of(["made", "none", "outside", "unknown"])
}

impl From<Migration> for MigrationView {
    fn from(migration: Migration) -> Self {
        let Migration { version, name, is_applied, applied_at } = migration;
        let state = match (is_applied, &name) {
            (true, Some(_)) => "applied",
            (true, None) => "unknown",
            (false, _) => "pending",
        };
        Self { version, name, state, applied_at }
    }
}

impl From<LastBackup> for BackupView {
    fn from(backup: LastBackup) -> Self {
        let (state, record) = match backup {
            LastBackup::Made(record) => ("made", Some(record)),
            LastBackup::None => ("none", None),
            LastBackup::Outside => ("outside", None),
            LastBackup::Unknown => ("unknown", None),
        };
        Self { state, at: record.map(|record| record.at), bytes: record.map(|record| record.bytes) }
    }
}

impl From<&EffectiveSetting> for SettingView {
    fn from(setting: &EffectiveSetting) -> Self {
        let EffectiveSetting { variable, section, value, source } = setting.clone();
        Self { name: variable, section, value, source: source.as_str() }
    }
}

/// The settings of the server that answers, secrets masked, and where each came from; its schema and the last backup.
#[utoipa::path(operation_id = "readSettings", responses((status = 200, body = SettingsView)))]
#[get("/admin/settings")]
pub(super) async fn read(call: ReadCall) -> Result<HttpResponse, Problem> {
    let app = call.app().clone();
    call.read(move |uow, scope| {
        let migrations = oversight::read_settings(uow, scope)?;
        Reply::ok(&SettingsView {
            version: env!("CARGO_PKG_VERSION"),
            database: if app.db.is_shared() { "postgresql" } else { "sqlite" },
            migrations: migrations.into_iter().map(MigrationView::from).collect(),
            backup: app.db.last_backup().into(),
            settings: app.config.effective.iter().map(SettingView::from).collect(),
        })
    })
    .await
}
