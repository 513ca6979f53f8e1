//! What is done with sessions once per tick: pings, and leaving for who is silent or does not read.

use std::time::Duration;

use tokio::time::Instant;

use crate::hub::local::effects::Effects;
use crate::hub::local::liveness::Verdict;
use crate::hub::local::notices;
use crate::hub::local::timer_wheel::TICK;
use crate::hub::{Delivery, Registration};
use crate::ids::ConnectionId;
use crate::protocol::close::CloseReason;

use super::Sessions;

/// Ticks that are so far apart were held up.
const PAUSE: Duration = Duration::from_secs(3 * TICK.as_secs());

impl Sessions {
    /// Bytes that wait for the sessions' clients.
    pub(in crate::hub::local) fn waiting(&self) -> usize {
        self.backlog.waiting()
    }

    /// Looks at the sessions that are due, and at all of them while a client is behind.
    pub(in crate::hub::local) fn tick(&mut self, now: Instant, effects: &mut Effects) {
        self.excuse_pause(now);
        self.now = now;
        self.evict_slow_consumers(effects);
        while let Some((slot, due)) = self.timers.pop(now) {
            for connection in due {
                let session = self.sessions.get(&connection);
                if session.is_some_and(|session| session.liveness.due == slot) {
                    self.look_at(connection, effects);
                }
            }
        }
    }

    /// A process that was stopped, or a thread that was kept busy, has read nothing meanwhile: that is not the clients'
    /// silence.
    fn excuse_pause(&mut self, now: Instant) {
        let since_last = now.saturating_duration_since(self.now);
        if since_last < PAUSE {
            return;
        }
        log::warn!(seconds:% = since_last.as_secs(); "the process was stopped, or a thread kept busy");
        for session in self.sessions.values_mut() {
            session.liveness.excuse(since_last - TICK);
        }
    }

    fn look_at(&mut self, connection: ConnectionId, effects: &mut Effects) {
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        let Registration { outbox, dialect, abort, .. } = &session.registration;
        match session.liveness.check(self.now, &self.config) {
            Verdict::Fine => {}
            Verdict::Ping => {
                // Who cannot take a ping is behind.
                if let Some(ping) = notices::ping(*dialect) {
                    let _ = outbox.push(ping, Delivery::Droppable);
                }
            }
            Verdict::Silent => {
                self.evict(connection, CloseReason::Silent, effects);
                return;
            }
            Verdict::Abort => effects.aborts.push(abort.clone()),
            Verdict::Forget => {
                log::error!(connection:%; "a session outlived its socket and was forgotten");
                self.sessions.remove(&connection);
                return;
            }
        }
        self.set_timer(connection);
    }

    /// Enters when the session is to be looked at next.
    pub(super) fn set_timer(&mut self, connection: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&connection) else { return };
        let liveness = &mut session.liveness;
        liveness.due = self.timers.insert(connection, liveness.due_at(&self.config), self.now);
    }

    fn evict_slow_consumers(&mut self, effects: &mut Effects) {
        if self.backlog.behind() == 0 && !self.is_any_stalled {
            return;
        }
        self.is_any_stalled = false;
        let mut slow = Vec::new();
        for (connection, session) in &mut self.sessions {
            let progress = session.registration.outbox.progress();
            if session.liveness.is_slow(self.now, progress, &self.config) {
                slow.push(*connection);
            }
            self.is_any_stalled |= session.liveness.is_stalled();
        }
        for connection in slow {
            self.evict(connection, CloseReason::SlowConsumer, effects);
        }
    }
}
