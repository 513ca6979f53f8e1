//! The HTTP server on our own connections: what `actix_web::HttpServer` does, with [`Stream`] for its
//! `TcpStream`.

use std::fmt::Debug;
use std::future::ready;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Request};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory, ServiceFactoryExt as _, apply_fn_factory, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, Server, Service, ServiceFactory, fn_service};
use actix_web::rt::net::TcpStream;
use futures_util::FutureExt as _;
use socket2::SockRef;

use super::exchange::Exchange;
use super::once::Once;
use super::permits::{ConnectionPermits, SURPLUS};
use super::phase::{LINGER, Timeouts};
use super::stream::Stream;
use super::upgraded::Upgradable;

/// Socket options of each accepted connection.
#[derive(Debug, Clone, Copy)]
pub struct SocketOptions {
    /// The kernel's send buffer in bytes, which bounds what a peer that does not read makes the kernel keep.
    pub(crate) send_buffer: usize,
    /// Sent data that stays unacknowledged for this long closes the connection (`TCP_USER_TIMEOUT`).
    pub(crate) user_timeout: Duration,
}

/// Options of the HTTP server.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// Worker threads, each with an event loop.
    pub workers: usize,
    /// Open connections per worker, counted over all of them. [`SURPLUS`] more are answered 503, or what a probe is
    /// answered, and closed; new ones beyond that wait in the backlog.
    pub max_connections: usize,
    /// How long requests in flight may take during a graceful stop.
    pub stop_timeout: Duration,
    /// How long a client may keep the server waiting.
    pub timeouts: Timeouts,
    /// Socket options of every connection.
    pub socket: SocketOptions,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            workers: 1,
            max_connections: 25_000,
            stop_timeout: Duration::from_secs(10),
            timeouts: Timeouts {
                head: Duration::from_secs(10),
                body: Duration::from_secs(20),
                idle: Duration::from_secs(75),
                write: Duration::from_secs(30),
            },
            socket: SocketOptions { send_buffer: 256 * 1024, user_timeout: Duration::from_secs(30) },
        }
    }
}

/// Serves the service that `app` creates, once per worker thread, on the connections of `listener`. Installs
/// no signal handlers.
///
/// # Errors
/// Those of the listener.
pub fn serve<F, I, S, B>(listener: TcpListener, options: ServeOptions, app: F) -> io::Result<Server>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<actix_web::Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let ServeOptions { workers, max_connections, stop_timeout, timeouts, socket } = options;
    let address = listener.local_addr()?;
    let builder = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(max_connections.saturating_add(SURPLUS))
        .shutdown_timeout(stop_timeout.as_secs().max(1))
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let permits = ConnectionPermits::new(max_connections.saturating_mul(workers));
    let service = move || {
        let stopping = stopping.clone();
        let app = app().into_factory().map_err(|error| -> actix_web::Error { error.into() });
        let tracked = apply_fn_factory(app, |mut request: Request, app: &_| {
            let exchange = Exchange::begin(&mut request);
            // Not an async block, which would store the response's future twice.
            Service::call(app, request)
                .map(|answered| answered.map(|response| exchange.answer(response.into())))
        });
        let tracked = Once::new(map_config(tracked, |()| AppConfig::default()));
        let upgrade = apply_fn_factory(tracked.clone(), |(mut request, framed): (Request, _), app: &_| {
            let connection = Upgradable::of(&mut request, framed);
            let answered = Service::call(app, request);
            async move {
                let handle = connection.handle();
                let answered = match answered.await {
                    Ok(response) => connection.answer(response).await,
                    Err(error) => connection.answer(error.error_response().into()).await,
                };
                match answered {
                    Ok(Some(session)) => handle.hand_over(session),
                    Ok(None) => {}
                    Err(error) => ended(&error),
                }
                Ok(())
            }
        });
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            // Answers a late first head with 408; the other timeouts are the stream's.
            .client_request_timeout(timeouts.head)
            .keep_alive(KeepAlive::Os)
            .client_disconnect_timeout(LINGER)
            .h1_allow_half_closed(false)
            .local_addr(address)
            .on_connect_ext(|stream: &Stream, data| {
                data.insert(stream.handle());
            })
            .upgrade(upgrade)
            .h1(tracked);
        let http = apply_fn_factory(http, |(stream, peer): (Stream, _), http: &_| {
            let handle = stream.handle();
            // In memory of its own, 5 KiB, which is given back when a session begins.
            let http = Box::pin(Service::call(http, (stream, peer)));
            async move {
                http.await?;
                if let Some(session) = handle.take_session()
                    && let Err(error) = session.await
                {
                    ended(&error);
                }
                Ok(())
            }
        });
        let (timeouts, permits) = (Rc::new(timeouts), permits.clone());
        fn_service(move |tcp: TcpStream| {
            set_up(&tcp, socket);
            let peer = tcp.peer_addr().ok();
            ready(Ok((Stream::new(tcp, timeouts.clone(), permits.take()), peer)))
        })
        .and_then(http)
    };
    Ok(builder.listen(address.to_string(), listener, service)?.run())
}

/// The client has gone, or does not take what it is sent.
fn ended(error: &io::Error) {
    log::debug!(target: "souk::http", "a connection ended: {error}");
}

fn set_up(tcp: &TcpStream, options: SocketOptions) {
    let socket = SockRef::from(tcp);
    let set = socket
        .set_tcp_nodelay(true)
        .and_then(|()| socket.set_send_buffer_size(options.send_buffer))
        .and_then(|()| set_user_timeout(&socket, options.user_timeout));
    if let Err(error) = set {
        log::warn!("a socket could not be set up: {error}");
    }
}

#[cfg(target_os = "linux")]
fn set_user_timeout(socket: &SockRef<'_>, timeout: Duration) -> io::Result<()> {
    socket.set_tcp_user_timeout(Some(timeout))
}

#[cfg(not(target_os = "linux"))]
fn set_user_timeout(_: &SockRef<'_>, _: Duration) -> io::Result<()> {
    Ok(())
}
