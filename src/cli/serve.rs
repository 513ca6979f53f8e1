//! `souk serve`: runs the server until a shutdown signal.

use crate::clock::Clock;
use crate::config::Settings;
use crate::server;

pub(super) fn run(settings: Settings) -> Result<(), super::Failed> {
    let config = settings.into_config()?;
    actix_web::rt::System::new().block_on(async {
        let stop = server::shutdown_signal()?;
        let server = server::build(config, Clock::system())?;
        server.tell_of_missing_admin().await;
        Ok(server.run_until_stopped(stop).await?)
    })
}
