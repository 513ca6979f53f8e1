//! systemd is told when the server is ready, that it is alive, and when it stops; `souk health` asks for itself.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use crate::support::{Engine, Process, refused};

#[test]
fn the_service_manager_is_told_when_the_server_is_ready_alive_and_stopping() {
    let database = Engine::Sqlite.database().unwrap();
    let path = format!("{}.notify", database.url());
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let hear = || {
        let mut message = [0; 256];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).trim().to_owned()
    };
    let environment = format!("export NOTIFY_SOCKET='{path}' WATCHDOG_USEC=100000");
    let server = Process::start_after(&environment, "127.0.0.1:0", &database.url(), &[]);
    assert_eq!(hear(), "READY=1");
    for _ in 0..3 {
        assert_eq!(hear(), "WATCHDOG=1");
    }
    let bind = server.address.to_string();
    let health = Command::new(env!("CARGO_BIN_EXE_souk")).args(["health", "--bind", &bind]).output().unwrap();
    assert!(health.status.success(), "{health:?}");
    assert!(server.terminate().success());
    while hear() != "STOPPING=1" {}
    assert!(refused(&["health", "--bind", &bind]).contains("is not ready"));
}
