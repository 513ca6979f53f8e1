//! The actor around a session: carries out what its logic decides, one message after the other.

use std::rc::Rc;
use std::time::Duration;

use actix::fut::{ActorFutureExt as _, WrapFuture as _};
use actix::{Actor, ActorContext as _, AsyncContext as _, Context, SpawnHandle, StreamHandler};
use futures_util::Stream;

use crate::hub::Lease;
use crate::hub::{Outbox, Pushed, Registration, UserPermit};
use crate::ids::CallId;
use crate::protocol::close::{CloseReason, Endpoint};
use crate::protocol::{AckBody, Command, Correlation, Dialect, ErrorCode, Notice, OnBoard, Request, decode};
use crate::realtime::Gateway;
use crate::realtime::admission::{AddressPermit, Proof, reauthenticate};
use crate::realtime::connection::{ConnectionHandle, Inbound};
use crate::realtime::handlers::{self, Caller, Outcome, Refusal, credentials};
use crate::realtime::metrics::Open;
use crate::realtime::target::EndpointTarget;

use super::state::{Effect, Session};

/// Timers run by a clock that may differ from the one that tokens end by, so the token's time is looked at
/// this often.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);

/// What a session begins with.
pub struct SessionParts {
    /// Where live connections come in.
    pub gateway: Gateway,
    /// Its logic.
    pub session: Session,
    /// What it was let in by.
    pub proof: Proof,
    /// Where it was made.
    pub endpoint: Endpoint,
    /// What for.
    pub target: EndpointTarget,
    /// How its client speaks.
    pub dialect: Dialect,
    /// What is said to its client.
    pub outbox: Outbox,
    /// To end it by.
    pub handle: Rc<dyn ConnectionHandle>,
    /// Its place among the user's connections.
    pub user_permit: UserPermit,
    /// Its place among those of its address.
    pub address_permit: AddressPermit,
}

/// A session that runs.
///
/// While a command is carried out the next message is not read: a client's commands take effect in its order,
/// and one that sends faster than it is served waits in the network. Evicting a session does not wait for it:
/// that goes by its wire.
pub struct SessionActor {
    session: Session,
    caller: Caller,
    target: EndpointTarget,
    timer: Option<SpawnHandle>,
    /// Its place at the board that it is for.
    lease: Option<Lease>,
    _address_permit: AddressPermit,
    _open: Open,
}

impl SessionActor {
    /// Registers the session with the hub and starts it on this thread; it hears its client by `inbound`.
    pub fn open(parts: SessionParts, inbound: impl Stream<Item = Inbound> + 'static) {
        let SessionParts {
            gateway,
            session,
            proof,
            endpoint,
            target,
            dialect,
            outbox,
            handle,
            user_permit,
            address_permit,
        } = parts;
        let hub = gateway.app().hub.local();
        let registration = hub.register(Registration {
            connection: session.connection(),
            credentials: credentials(session.scope(), session.limits()),
            endpoint,
            address: address_permit.address(),
            since: gateway.app().clock.now(),
            dialect,
            bound_room: target.room(),
            outbox: outbox.clone(),
            evict: Rc::new({
                let handle = handle.clone();
                move |reason| handle.close(reason)
            }),
            abort: Rc::new({
                let handle = handle.clone();
                move || handle.abort()
            }),
            user_permit,
        });
        let open = gateway.metrics().opened();
        let scope = session.scope().clone();
        let subscriptions = Rc::default();
        let caller = Caller {
            scope,
            gateway,
            hub,
            registration: Rc::new(registration),
            outbox,
            dialect,
            handle,
            subscriptions,
        };
        Self::create(|context| {
            context.add_stream(inbound);
            let mut actor = Self {
                session,
                caller,
                target,
                timer: None,
                lease: None,
                _address_permit: address_permit,
                _open: open,
            };
            actor.begin(proof, context);
            actor
        });
    }

    /// The token was looked at before the session was registered. A right that ended in between was told to
    /// nobody, so it is looked at once more, and only then is the client greeted.
    fn begin(&mut self, proof: Proof, context: &mut Context<Self>) {
        let caller = self.caller.clone();
        let begin = async move {
            let auth = &caller.gateway.app().auth;
            let identified = reauthenticate(auth, &proof, caller.scope.call()).await;
            (identified.err(), caller)
        };
        context.wait(begin.into_actor(self).map(|(refused, caller), actor, context| match refused {
            Some(reason) => caller.handle.close(reason),
            None => actor.greet(context),
        }));
    }

    fn greet(&mut self, context: &mut Context<Self>) {
        let board = self.lease_board();
        let app = self.caller.gateway.app();
        let heartbeat = app.config.realtime.heartbeat_interval.as_secs();
        let greeting = self.session.greeting(app.clock.now(), heartbeat, board);
        log::info!(
            target: "souk::realtime", connection_id:% = self.session.connection(),
            user_id:% = self.session.scope().user(), request_id:% = self.session.scope().call();
            "a session began"
        );
        self.send(&greeting);
        self.set_timer(context);
        let caller = self.caller.clone();
        let target = self.target.clone();
        let join = async move { handlers::join_first_rooms(&caller, &target).await };
        context.wait(join.into_actor(self).map(|joined, actor, _| {
            if let Err(reason) = joined {
                actor.close(reason);
            }
        }));
    }

    /// Takes the client's place at the board that the connection is for. An older connection of the client has to go.
    fn lease_board(&mut self) -> Option<OnBoard> {
        let EndpointTarget::Board(project, client) = &self.target else { return None };
        let app = self.caller.gateway.app();
        let (user, connection) = (self.session.scope().user(), self.session.connection());
        let (lease, former) = app.board_clients.acquire(*project, user, client.clone(), connection);
        self.lease = Some(lease);
        if let Some(former) = former {
            let hub = app.hub.clone();
            actix_web::rt::spawn(async move { hub.close(former, CloseReason::Replaced).await });
        }
        Some(OnBoard { client_id: client.as_str().clone(), project_id: *project })
    }

    fn perform(&mut self, effects: Vec<Effect>, context: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Send(notice) => self.send(&notice),
                Effect::Run(request) => self.run(request, context),
                Effect::Close(reason) => self.close(reason),
            }
        }
    }

    fn run(&mut self, request: Request, context: &mut Context<Self>) {
        let Request { id, command } = request;
        let app = self.caller.gateway.app();
        self.caller.gateway.metrics().heard(&command);
        let call = CallId::new(app.clock.now());
        log::debug!(
            target: "souk::realtime", connection_id:% = self.session.connection(), request_id:% = call;
            "{}", command.name()
        );
        let caller = Caller { scope: self.session.scope().in_call(call), ..self.caller.clone() };
        let work = async move { execute(&caller, id, command).await };
        context.wait(work.into_actor(self).map(|(id, result), actor, context| {
            actor.answer(id, result, context);
        }));
    }

    /// Exactly one answer to a request that has an id; to one that has none, only what carries something.
    fn answer(
        &mut self,
        id: Option<Correlation>,
        result: Result<Outcome, Refusal>,
        context: &mut Context<Self>,
    ) {
        match result {
            Ok(Outcome::Answered) => {}
            Ok(Outcome::Done) if id.is_none() => {}
            Ok(Outcome::Done) => self.send(&Notice::Ack { id, body: AckBody::Done {} }),
            Ok(Outcome::Answer(body)) => self.send(&Notice::Ack { id, body }),
            Ok(Outcome::Refreshed(scope)) => {
                let expires_at = scope.expires_at();
                self.caller.scope = scope.clone();
                let limits = self.caller.gateway.session_limits(scope.plan());
                self.session.refreshed(scope, limits);
                self.set_timer(context);
                self.send(&Notice::Ack { id, body: AckBody::Refreshed { expires_at } });
            }
            Err(refusal) => self.send(&refusal.into_notice(id)),
        }
    }

    fn send(&mut self, notice: &Notice) {
        let limit = match notice {
            Notice::Error { code: ErrorCode::RateLimited, .. } => Some("messages"),
            Notice::Error { code: ErrorCode::TooManyRooms, .. } => Some("rooms"),
            _ => None,
        };
        if let Some(limit) = limit {
            let plan = self.session.scope().plan();
            self.caller.gateway.app().metrics.plan_limited(limit, plan.as_str());
        }
        if self.caller.send(notice) == Pushed::Overflow {
            self.caller.handle.close(CloseReason::SlowConsumer);
        }
    }

    /// Says so first, then closes.
    fn close(&mut self, reason: CloseReason) {
        self.send(&Notice::Disconnecting {
            reason: reason.name(),
            message: reason.socket_io(),
            reconnect_in_ms: reason.reconnect().in_ms(),
        });
        self.caller.handle.close(reason);
    }

    fn set_timer(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.timer.take() {
            context.cancel_future(timer);
        }
        let now = self.caller.gateway.app().clock.now();
        let wait = self.session.next_timer().since(now).min(RECHECK_INTERVAL);
        self.timer = Some(context.run_later(wait, |actor, context| {
            let now = actor.caller.gateway.app().clock.now();
            let effects = actor.session.on_timer(now);
            actor.perform(effects, context);
            if !actor.caller.handle.is_closing() {
                actor.set_timer(context);
            }
        }));
    }
}

async fn execute(
    caller: &Caller,
    id: Option<Correlation>,
    command: Command,
) -> (Option<Correlation>, Result<Outcome, Refusal>) {
    let result = handlers::run(caller, id.as_ref(), command).await;
    (id, result)
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        let reason = self.caller.handle.close_reason();
        self.caller.gateway.metrics().closed(reason);
        log::info!(
            target: "souk::realtime", connection_id:% = self.session.connection(),
            user_id:% = self.session.scope().user();
            "a session ended: {}", reason.map_or("client", CloseReason::name)
        );
    }
}

impl StreamHandler<Inbound> for SessionActor {
    fn handle(&mut self, inbound: Inbound, context: &mut Context<Self>) {
        self.caller.registration.seen();
        match inbound {
            Inbound::Fault(reason) => self.caller.handle.close(reason),
            // The stream ends with it, and the session with the stream.
            Inbound::Alive | Inbound::Gone => {}
            // What a client says after its end was decided changes nothing.
            Inbound::Text(_) | Inbound::Binary(_) if self.caller.handle.is_closing() => {}
            Inbound::Binary(_) => self.close(CloseReason::NotText),
            Inbound::Text(text) => {
                let app = self.caller.gateway.app();
                let message = decode(self.caller.dialect, &text);
                if let Err(malformed) = &message {
                    self.caller.gateway.metrics().malformed(malformed.code);
                }
                let effects = self.session.on_message(message, app.clock.now());
                self.perform(effects, context);
            }
        }
    }

    fn finished(&mut self, context: &mut Context<Self>) {
        context.stop();
    }
}
