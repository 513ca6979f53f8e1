//! Bounds the time in which a request body must arrive: actix-web itself would wait for the next byte without
//! limit.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, RequestHead, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError, web};
use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::app::App;
use crate::http::Problem;
use crate::http::connection::TcpHandle;

/// Answers 408 and closes the connection if the body is not complete in time.
pub(crate) async fn limit_body_time<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let limit = request.app_data::<web::Data<App>>().map(|app| app.config.server.body_timeout);
    let payload = request.take_payload();
    let is_body = !matches!(payload, Payload::None) && !asks_for_websocket(request.head());
    let (Some(limit), true) = (limit, is_body) else {
        request.set_payload(payload);
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    };
    let late = Rc::new(Cell::new(false));
    let timed = Timed {
        payload,
        left: length_of_ignored_upgrade(request.head()),
        deadline: Instant::now() + limit,
        timer: None,
        late: late.clone(),
        connection: request.conn_data::<TcpHandle>().cloned(),
    };
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

/// What follows a WebSocket upgrade is not a body: the session reads it for as long as it lives, or nobody
/// does.
fn asks_for_websocket(head: &RequestHead) -> bool {
    let headers = head.headers();
    let upgrade = headers.get(header::UPGRADE).map(|to| to.as_bytes().trim_ascii());
    let is_websocket = upgrade.is_some_and(|to| to.eq_ignore_ascii_case(b"websocket"));
    head.method == Method::GET && is_websocket && !headers.contains_key(header::TRANSFER_ENCODING)
}

/// actix-http takes everything after a request with `Upgrade: websocket` for its body. Only a GET can open a
/// WebSocket; the body of another method has its declared length.
fn length_of_ignored_upgrade(head: &RequestHead) -> Option<u64> {
    let headers = head.headers();
    let is_upgrade =
        headers.contains_key(header::UPGRADE) && !headers.contains_key(header::TRANSFER_ENCODING);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    (is_upgrade && head.method != Method::GET).then(|| length.unwrap_or(0))
}

struct Timed {
    payload: Payload,
    /// Remaining bytes of the body, where the payload does not end with it.
    left: Option<u64>,
    deadline: Instant,
    /// Created when the body is first waited for.
    timer: Option<Pin<Box<Sleep>>>,
    /// Tells the middleware about the timeout, since extractors answer every broken body alike.
    late: Rc<Cell<bool>>,
    connection: Option<TcpHandle>,
}

impl Timed {
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(context));
        self.late.set(true);
        Poll::Ready(Some(Err(PayloadError::Incomplete(None))))
    }
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.left == Some(0) {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.payload).poll_next(context) {
            Poll::Pending => self.poll_deadline(context),
            Poll::Ready(None) => {
                if let Some(connection) = &self.connection {
                    connection.body_ended();
                }
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(mut chunk))) => {
                if let Some(left) = &mut self.left {
                    chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= chunk.len() as u64;
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            failed => failed,
        }
    }
}
