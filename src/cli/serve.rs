//! `souk serve`: runs the server until a shutdown signal.

use crate::clock::Clock;
use crate::config::Settings;
use crate::server;

pub(super) fn run(settings: Settings) -> Result<(), super::Failed> {
    let config = settings.into_config()?;
    let system = actix_web::rt::System::new();
    let served = system.block_on(async {
        let stop = server::shutdown_signal()?;
        let server = server::build(config, Clock::system())?;
        server.tell_of_missing_admin().await;
        Ok(server.run_until_stopped(stop).await?)
    });
    // Everything is closed, or was given its time. Dropping the runtime would also wait for threads that a silent
    // PostgreSQL keeps.
    std::mem::forget(system);
    served
}
