//! nginx and HAProxy, with the configurations of `deploy/`, in front of two servers on one database.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{
    Database, Engine, Library, Person, Process, Socket, Transports, eventually, fetched, kill_afterwards,
};

use super::deployed;

/// A proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nginx,
    HaProxy,
}

/// A running proxy; killed on drop, or by a watchdog if this process dies first.
struct Proxy {
    child: Child,
    watchdog: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Kind {
    fn program(self) -> Option<PathBuf> {
        let name = if self == Self::Nginx { "nginx" } else { "haproxy" };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders =
            std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
        folders.map(|folder| folder.join(name)).find(|program| program.exists())
    }

    /// The deployed configuration with these addresses instead of those of the deployment.
    fn configuration(self, address: SocketAddr, servers: [SocketAddr; 2], folder: &Path) -> String {
        let replace = |text: String, from: &str, to: &str| {
            assert!(text.contains(from), "no {from:?} in the configuration of {self:?}");
            text.replace(from, to)
        };
        let (file, listen, listen_here) = match self {
            Self::Nginx => ("nginx.conf", "listen 80;", format!("listen {address};")),
            Self::HaProxy => ("haproxy.cfg", "bind :80", format!("bind {address}")),
        };
        let text = replace(deployed(file), listen, &listen_here);
        let text = replace(text, "souk-1:8000", &servers[0].to_string());
        let text = replace(text, "souk-2:8000", &servers[1].to_string());
        if self == Self::HaProxy {
            return text;
        }
        // Writable by whoever runs the tests.
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {}/{name};", folder.display()));
        let text = replace(text, "http {", &format!("http {{ {}", paths.concat()));
        let pid = format!("pid {}/pid; worker_processes 1;", folder.display());
        replace(text, "worker_processes auto;", &pid)
    }

    fn start(self, program: &Path, servers: [SocketAddr; 2]) -> Proxy {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let file = folder.path().join("configuration");
        std::fs::write(&file, self.configuration(address, servers, folder.path())).unwrap();
        let file = file.display().to_string();
        let mut command = Command::new(program);
        match self {
            // One process, which can be killed.
            Self::Nginx => command.args(["-c", &file, "-g", "daemon off; master_process off;"]),
            Self::HaProxy => command.args(["-db", "-f", &file]),
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let watchdog = kill_afterwards(child.id());
        Proxy { child, watchdog, address, _folder: folder }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for process in [&mut self.child, &mut self.watchdog] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Behind a proxy, every client has the address of this machine.
const FLAGS: [&str; 2] = ["--trusted-proxies=127.0.0.1", "--connections-per-address=1000"];

/// The status of an answer that may be the proxy's own; `None` if there was none.
async fn status(address: SocketAddr, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

async fn live_through(proxy: &Proxy, [first, second]: [Process; 2]) {
    eventually(async || status(proxy.address, "/readyz").await == Some(200)).await;
    let ana = Person::register(&second.client(None), "ana", "consumer").await;
    assert_eq!(status(proxy.address, "/metrics").await, Some(404));

    let mut socket = Socket::connect(proxy.address, &ana.live_path()).await;
    socket.recv("connection_established").await;
    assert_eq!(socket.ack(json!({"type": "whoami"})).await["user_id"], json!(ana.id));
    for transports in [Transports::Polling, Transports::WebSocket, Transports::Upgrade] {
        let Some(mut client) = Library::Node.start().await else { return };
        let auth = json!({"auth": {"token": ana.token().unwrap()}});
        client.connect(proxy.address, "/", transports, auth).await;
        client.receive("connect").await;
        assert_eq!(client.receive("connection_established").await["data"]["user_id"], json!(ana.id));
        for number in 0..20 {
            let done = client.done("whoami", json!({})).await;
            assert_eq!(done["user_id"], json!(ana.id), "{transports:?} {number}: {done}");
        }
        if transports == Transports::Upgrade {
            assert_eq!(client.receive("upgrade").await["transport"], "websocket");
        }
        client.disconnect().await;
    }
    // Whichever of the two it was, the other one goes on.
    assert!(first.terminate().success());
    eventually(async || status(proxy.address, "/readyz").await == Some(200)).await;
    let mut socket = Socket::connect(proxy.address, &ana.live_path()).await;
    socket.recv("connection_established").await;
}

fn in_front_of_two(kind: Kind) {
    let Some(program) = kind.program() else {
        return fetched::skip(&format!("{kind:?}"), "it is not installed");
    };
    let Some(database): Option<Database> = Engine::Postgres.database() else { return };
    let start = || Process::start("127.0.0.1:0", &database.url(), &FLAGS);
    let servers = [start(), start()];
    let proxy = kind.start(&program, [servers[0].address, servers[1].address]);
    actix_web::rt::System::new().block_on(live_through(&proxy, servers));
}

#[test]
fn clients_of_every_transport_live_behind_nginx() {
    in_front_of_two(Kind::Nginx);
}

#[test]
fn clients_of_every_transport_live_behind_haproxy() {
    in_front_of_two(Kind::HaProxy);
}
