//! `/admin`: administration of the marketplace. For admins only; every request, reading ones included, is
//! audited, but for how the server is. Nothing here is for the dashboard alone but how it logs in.

mod audit;
mod bookings;
mod connections;
mod ended;
mod explain;
mod health;
mod limits;
mod login;
mod logins;
mod room_log;
mod room_presence;
mod rooms;
mod settings;
mod states;
mod users;
mod views;

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::http::Problem;
use crate::http::feature_routes::FeatureRoutes;
use crate::hub::HubBusy;

/// All routes under `/admin`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes
        .service(users::list)
        .service(users::get_one)
        .service(limits::read)
        .service(users::suspend)
        .service(users::reinstate)
        .service(users::change_role)
        .service(users::change_plan)
        .service(users::log_out)
        .service(views::begin);
    routes.service(login::log_in).service(login::refresh).service(login::log_out);
    routes.service(logins::list).service(logins::end).service(logins::revoke);
    // Before the routes of one connection, whose id may otherwise be `ended`.
    routes.service(ended::list);
    routes.service(connections::list).service(connections::get_one).service(connections::close);
    routes.service(rooms::list).service(rooms::members).service(room_log::read).service(room_presence::read);
    routes.service(audit::list);
    routes.service(bookings::list);
    routes.service(settings::read);
    routes.service(health::read);
    routes.service(states::machines).service(states::read);
    routes.service(explain::explain_right).service(explain::dry_run);
}

impl From<HubBusy> for Problem {
    fn from(_: HubBusy) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too much is going on; try again")
            .retry_after(Duration::from_secs(1))
    }
}
