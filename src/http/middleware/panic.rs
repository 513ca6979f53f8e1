//! Turns a panic in a handler into a 500: it must end this request, not the connection.

use std::panic::AssertUnwindSafe;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use futures_util::FutureExt;

use crate::http::Problem;

/// Answers 500 if the handler panicked; the panic hook has logged the panic already.
pub(crate) async fn catch_panic<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    // Unwind-safe: the handler's own state is dropped, and shared state is behind locks and transactions that
    // detect a panic by themselves.
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let panicked =
        || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault; it has been logged");
    answered.unwrap_or_else(|_| Err(panicked().into()))
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::{HttpResponse, test, web};

    use super::*;
    use crate::http::problem::render;

    #[actix_web::test]
    async fn a_panic_is_a_problem_document_and_not_the_end() {
        let app = actix_web::App::new()
            .wrap(from_fn(catch_panic))
            .wrap(from_fn(render))
            .route("/boom", web::get().to(async || -> HttpResponse { panic!("boom") }))
            .route("/fine", web::get().to(HttpResponse::Ok));
        let app = test::init_service(app).await;
        let request = || test::TestRequest::get().uri("/boom").to_request();
        let error = test::try_call_service(&app, request()).await.unwrap_err();
        let answer = error.error_response();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers().get("content-type").unwrap(), "application/problem+json");
        let fine = test::TestRequest::get().uri("/fine").to_request();
        assert!(test::call_service(&app, fine).await.status().is_success());
    }
}
