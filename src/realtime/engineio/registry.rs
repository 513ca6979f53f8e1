//! Finds a connection by its session id, from any worker thread.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::protocol::engineio::Packet;

use super::control::Control;

/// Packets that may wait for a busy session. Requests that bring more have to wait.
const PACKETS: usize = 8;

/// Messages that may wait for a `PollingConnection`, which is never busy for long.
const CONTROLS: usize = 8;

/// The connections that were opened by polling, by session id.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry(Arc<Mutex<HashMap<String, SessionHandle>>>);

/// The senders to one connection, usable on any thread.
#[derive(Debug, Clone)]
pub(super) struct SessionHandle {
    pub(super) control: mpsc::Sender<Control>,
    pub(super) packets: mpsc::Sender<Packet>,
    /// Whether a POST request is in progress.
    posting: Arc<AtomicBool>,
    sid: Arc<str>,
    registry: Registry,
}

/// The receivers that belong to a [`SessionHandle`].
pub(super) struct Receivers {
    pub(super) control: mpsc::Receiver<Control>,
    pub(super) packets: mpsc::Receiver<Packet>,
}

/// A session id that is registered until this is dropped.
pub(super) struct Sid(SessionHandle);

/// The right to POST packets: one request at a time, or their order would be lost.
pub(super) struct PostGuard(Arc<AtomicBool>);

impl Registry {
    /// Registers a connection under a new session id of 122 random bits: whoever could guess it could fetch
    /// the client's packets.
    pub(super) fn add(&self) -> (Sid, Receivers) {
        let (control, controls) = mpsc::channel(CONTROLS);
        let (packets, packets_end) = mpsc::channel(PACKETS);
        let sid: Arc<str> = uuid::Uuid::new_v4().simple().to_string().into();
        let session = SessionHandle {
            control,
            packets,
            posting: Arc::default(),
            sid: sid.clone(),
            registry: self.clone(),
        };
        self.lock().insert(sid.to_string(), session.clone());
        (Sid(session), Receivers { control: controls, packets: packets_end })
    }

    pub(super) fn find(&self, sid: &str) -> Option<SessionHandle> {
        self.lock().get(sid).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, SessionHandle>> {
        // A panic cannot leave an entry half-made, so a poisoned lock can be used.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionHandle {
    /// Begins a POST request; `None` if one is in progress.
    pub(super) fn begin_post(&self) -> Option<PostGuard> {
        let was_taken = self.posting.swap(true, Ordering::AcqRel);
        (!was_taken).then(|| PostGuard(self.posting.clone()))
    }

    /// Aborts the connection after a protocol error. It is unregistered first, so that no further request
    /// finds it.
    pub(super) async fn abort(&self) {
        self.registry.lock().remove(&*self.sid);
        // Fails only if the `PollingConnection` has ended already.
        let _ = self.control.send(Control::Break).await;
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.sid)
    }
}

impl Drop for Sid {
    fn drop(&mut self) {
        self.0.registry.lock().remove(&*self.0.sid);
    }
}

impl Drop for PostGuard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
