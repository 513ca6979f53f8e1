//! A second handle of each connection's socket.
//!
//! The web server owns the socket and waits for it to take what was written. When the peer never reads, that
//! wait never ends, and nothing that is sent through the server can end it: only the socket itself can be
//! shut.

use std::any::Any;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;

/// What each accepted socket is set to.
#[derive(Debug, Clone, Copy)]
pub struct SocketOptions {
    /// The kernel's send buffer: what a peer that does not read can make the kernel keep.
    pub send_buffer: usize,
    /// Sent data that the peer's machine does not acknowledge for this long ends the connection.
    pub user_timeout: Duration,
}

/// For `HttpServer::on_connect`, which must be called before `bind`: sets the socket and keeps the second
/// handle where handlers find it.
pub fn on_connect(options: SocketOptions) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |connection, data| {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
        let socket = SockRef::from(stream);
        let set = socket
            .set_tcp_nodelay(true)
            .and_then(|()| socket.set_send_buffer_size(options.send_buffer))
            .and_then(|()| set_user_timeout(&socket, options.user_timeout));
        if let Err(error) = set {
            log::warn!("a socket could not be set up: {error}");
        }
        match socket.try_clone() {
            Ok(handle) => {
                data.insert(SocketHandle(Rc::new(handle)));
            }
            Err(error) => log::warn!("no second handle of a socket: {error}"),
        }
    }
}

#[cfg(target_os = "linux")]
fn set_user_timeout(socket: &SockRef<'_>, timeout: Duration) -> std::io::Result<()> {
    socket.set_tcp_user_timeout(Some(timeout))
}

#[cfg(not(target_os = "linux"))]
fn set_user_timeout(_: &SockRef<'_>, _: Duration) -> std::io::Result<()> {
    Ok(())
}

/// The second handle. Shutting it is heard by both ends, whatever the web server waits for.
#[derive(Debug, Clone)]
pub struct SocketHandle(Rc<socket2::Socket>);

impl SocketHandle {
    /// Nothing more will be written: the peer reads what is on its way, then the end.
    pub fn end_writing(&self) {
        // An error means that the connection is gone already.
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// Whether the peer has ended its half, as far as it is known here: also where the web server has not read so far.
    pub fn is_left(&self) -> bool {
        match self.0.peek(&mut [MaybeUninit::uninit()]) {
            Ok(read) => read == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// Ends the connection now.
    pub fn shut(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}
