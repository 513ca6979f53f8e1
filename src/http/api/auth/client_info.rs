//! The device and the call of a client that is not authenticated yet.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::domain::users::logins::Device;
use crate::http::{Problem, address, extract};
use crate::ids::CallId;

/// The origin of an unauthenticated call.
pub(in crate::http::api) struct ClientInfo {
    pub(in crate::http::api) device: Device,
    pub(in crate::http::api) call: CallId,
}

impl FromRequest for ClientInfo {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(extract::app_of(request).map(|app| {
            let user_agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
            let address = address::client_address(request, &app.config.server);
            let call = request.extensions().get::<CallId>().copied();
            Self {
                device: Device::new(user_agent, Some(address)),
                call: call.unwrap_or_else(|| CallId::new(app.clock.now())),
            }
        }))
    }
}
