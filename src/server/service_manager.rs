//! Tells the service manager (systemd, `Type=notify`) how the server is: `sd_notify(3)`. Without one, which is where
//! `NOTIFY_SOCKET` is not set, nothing happens. The protocol's variables are no settings of ours.

/// The server accepts requests.
pub(super) fn tell_ready() {
    tell(Message::Ready);
}

/// The server has begun to stop.
pub(super) fn tell_stopping() {
    tell(Message::Stopping);
}

/// Keeps the service manager's watchdog (`WatchdogSec=`) from restarting us, for as long as this thread's event loop
/// runs; returns at once where there is none.
pub(super) async fn keep_watchdog() {
    let Some(limit) = watchdog() else { return };
    // Half of it, as sd_watchdog_enabled(3) recommends.
    let mut rounds = tokio::time::interval(limit / 2);
    loop {
        rounds.tick().await;
        tell(Message::Alive);
    }
}

#[derive(Clone, Copy, Debug)]
enum Message {
    Ready,
    Stopping,
    Alive,
}

#[cfg(target_os = "linux")]
fn tell(message: Message) {
    use sd_notify::NotifyState;
    let state = match message {
        Message::Ready => NotifyState::Ready,
        Message::Stopping => NotifyState::Stopping,
        Message::Alive => NotifyState::Watchdog,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        log::warn!("the service manager was not told {message:?}: {error}");
    }
}

#[cfg(target_os = "linux")]
fn watchdog() -> Option<std::time::Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !(*limit / 2).is_zero())
}

#[cfg(not(target_os = "linux"))]
fn tell(_: Message) {}

#[cfg(not(target_os = "linux"))]
fn watchdog() -> Option<std::time::Duration> {
    None
}
