//! The cost of a request alone: the same web server, the same length of body, nothing else.

use std::net::TcpListener;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer, rt};

use super::process::announce;

/// Serves until it is killed.
pub(crate) fn serve(length: usize) {
    rt::System::new().block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let body = Data::new(Bytes::from("x".repeat(length)));
        let app = move || App::new().app_data(body.clone()).default_service(web::to(answer));
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
        announce(address);
        server.await.unwrap();
    });
}

/// Takes the body of the request in, as a server must.
async fn answer(_body: Bytes, body: Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(Bytes::clone(&body))
}
