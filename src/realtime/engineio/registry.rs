//! Where the connection of a name is, whichever worker thread a request of it comes to.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::protocol::engineio::Packet;

use super::polling_connection::Control;

/// Packets that may wait for a session which is busy with one. Requests that bring more wait themselves.
const PACKETS: usize = 8;

/// Requests that may wait for a courier, which is never busy for long.
const CONTROLS: usize = 8;

/// The connections that have polled.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry(Arc<Mutex<HashMap<String, SessionHandle>>>);

/// The way to one connection, from any thread.
#[derive(Debug, Clone)]
pub(super) struct SessionHandle {
    pub(super) control: mpsc::Sender<Control>,
    pub(super) packets: mpsc::Sender<Packet>,
    /// Whether a request that brings packets is being taken in.
    posting: Arc<AtomicBool>,
    sid: Arc<str>,
    registry: Registry,
}

/// Where a line's other ends are.
pub(super) struct Receivers {
    pub(super) control: mpsc::Receiver<Control>,
    pub(super) packets: mpsc::Receiver<Packet>,
}

/// A name that is known until this is dropped.
pub(super) struct Sid(SessionHandle);

/// The right to bring packets: one request at a time, or their order would be lost.
pub(super) struct PostGuard(Arc<AtomicBool>);

impl Registry {
    /// Gives a connection its name. 122 random bits: whoever could guess it could take what is said to the client.
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
        // An entry cannot be left half-made by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionHandle {
    /// The turn to bring packets, if nobody has it.
    pub(super) fn begin_post(&self) -> Option<PostGuard> {
        let was_taken = self.posting.swap(true, Ordering::AcqRel);
        (!was_taken).then(|| PostGuard(self.posting.clone()))
    }

    /// The connection makes no more sense: nobody finds it any more, and it ends.
    pub(super) async fn abort(&self) {
        self.registry.lock().remove(&*self.sid);
        // Where the courier has ended, all is done.
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
