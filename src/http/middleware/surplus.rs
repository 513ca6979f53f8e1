//! Refuses requests of connections that are too many, with a reason, where a full backlog would leave their clients
//! waiting without a word.

use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};

use crate::http::Problem;
use crate::http::connection::TcpHandle;

use super::access::{Access, access};

/// When to try again: sessions come and go by the second.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Answers 503 if the connection is one too many. Probes and scrapes are answered as ever: they must not take a server
/// that is merely full for one that is down.
pub(crate) async fn refuse_surplus<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let is_surplus = request.conn_data::<TcpHandle>().is_some_and(TcpHandle::is_surplus);
    if !is_surplus || access(&request) == Access::Probe {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let detail = "this server has as many connections as it may have; try again later";
    let problem =
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(RETRY_AFTER);
    Ok(request.into_response(problem.error_response()).map_into_right_body())
}
