//! `souk demo`: the server with a sample marketplace, on a database that is deleted afterwards.

mod board;
mod marketplace;
mod output;
mod seed;
mod users;

use std::io::{self, Write};
use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::{DatabaseUrl, Settings};
use crate::server;

/// What `souk demo` takes besides the settings.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,

    /// Keep the database, in this new file
    #[arg(long, value_name = "PATH")]
    keep: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: Settings,
}

/// Runs the demo. The configured database is ignored: the sample marketplace must never get into an existing
/// one.
pub(super) fn run(options: Options) -> Result<(), super::Failed> {
    let Options { json, keep, settings } = options;
    if settings.is_production() {
        return Err("demo is for trying things out: it does not run with SOUK_ENV=production".into());
    }
    let place = Place::choose(keep)?;
    let config = settings.with_database(DatabaseUrl::Sqlite(place.file.clone())).into_config()?;
    actix_web::rt::System::new().block_on(async {
        let stop = server::shutdown_signal()?;
        let server = server::build(config, Clock::system())?;
        let demo = seed::set_up(server.app()).await.map_err(|error| error as super::Failed)?;
        let text = match json {
            true => output::as_json(&demo, server.address())?,
            false => output::as_text(&demo, server.address()),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        drop(out);
        Ok(server.run_until_stopped(stop).await?)
    })
}

/// Why the sample marketplace could not be set up.
pub(super) type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The location of the database: a file to keep, or one in a temporary directory that is deleted on drop.
struct Place {
    file: PathBuf,
    folder: Option<PathBuf>,
}

impl Place {
    fn choose(keep: Option<PathBuf>) -> Result<Self, super::Failed> {
        if let Some(file) = keep {
            if file.try_exists()? {
                let file = file.display();
                return Err(format!("{file} exists: serve it with `souk serve --database-url {file}`").into());
            }
            return Ok(Self { file, folder: None });
        }
        let folder = std::env::temp_dir().join(format!("souk-demo-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder)?;
        Ok(Self { file: folder.join("souk.db"), folder: Some(folder) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder
            && let Err(error) = std::fs::remove_dir_all(folder)
        {
            log::warn!("{} is left behind: {error}", folder.display());
        }
    }
}
