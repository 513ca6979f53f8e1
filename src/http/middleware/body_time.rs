//! A request body has so long to arrive: actix-web itself would wait for ever for the next byte.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::app::App;
use crate::http::Problem;

/// Answers 408 and closes the connection where the body is not complete in time. A WebSocket's payload is no body: it
/// goes on for as long as its session does.
pub async fn limit_body_time<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let limit = request.app_data::<web::Data<App>>().map(|app| app.config.server.body_timeout);
    let payload = request.take_payload();
    let limit = limit.filter(|_| !request.headers().contains_key(header::UPGRADE));
    let (Some(limit), false) = (limit, matches!(payload, Payload::None)) else {
        request.set_payload(payload);
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let late = Rc::new(Cell::new(false));
    let deadline = Box::pin(sleep_until(Instant::now() + limit));
    let timed = Timed { payload, deadline, late: late.clone() };
    request.set_payload(Payload::Stream { payload: Box::pin(timed) });
    let response = next.call(request).await?;
    if !late.get() {
        return Ok(response.map_into_left_body());
    }
    let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long to arrive");
    let mut answer = problem.error_response();
    answer.head_mut().set_connection_type(actix_http::ConnectionType::Close);
    Ok(ServiceResponse::new(response.into_parts().0, answer).map_into_right_body())
}

struct Timed {
    payload: Payload,
    deadline: Pin<Box<Sleep>>,
    /// Told to the middleware, since extractors answer any broken body alike.
    late: Rc<Cell<bool>>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.payload).poll_next(context);
        if polled.is_pending() && self.deadline.as_mut().poll(context).is_ready() {
            self.late.set(true);
            return Poll::Ready(Some(Err(PayloadError::Incomplete(None))));
        }
        polled
    }
}
