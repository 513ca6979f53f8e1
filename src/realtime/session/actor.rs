//! The actor around a session: carries out the effects that [`Session`] decides, one message after the other.

use std::rc::Rc;
use std::time::Duration;

use actix::fut::{ActorFutureExt as _, WrapFuture as _};
use actix::{Actor, ActorContext as _, AsyncContext as _, Context, SpawnHandle, StreamHandler};
use futures_util::Stream;
use tokio::time::Instant;

use crate::hub::{Closing, Ephemeral, FrameSeen, Lease, Outbox, Pushed, Registration, UserPermit};
use crate::ids::CallId;
use crate::nodes::{BoardElsewhere, NodePermit};
use crate::protocol::close::{CloseReason, Endpoint};
use crate::protocol::{
    AckBody, BoardClient, Command, Correlation, Dialect, Direction, ErrorCode, Notice, OnBoard, Request,
    decode,
};
use crate::realtime::Gateway;
use crate::realtime::admission::{AddressPermit, Proof, reauthenticate};
use crate::realtime::connection::{ConnectionHandle, Inbound};
use crate::realtime::handlers::{self, FirstRoom, Following, Outcome, Refusal, SessionContext, credentials};
use crate::realtime::metrics::Open;
use crate::realtime::target::EndpointTarget;

use super::running_command::RunningCommand;
use super::state::{Effect, Session};

/// Maximum wait until the token's expiry is checked again: timers run by another clock than the one that
/// tokens expire by.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);

/// What a session starts with.
pub(crate) struct SessionParts {
    /// The state shared by all live connections.
    pub(crate) gateway: Gateway,
    /// The session's logic.
    pub(crate) session: Session,
    /// What the client was authenticated by.
    pub(crate) proof: Proof,
    /// The endpoint that the client connected to.
    pub(crate) endpoint: Endpoint,
    /// What the endpoint's address is for.
    pub(crate) target: EndpointTarget,
    /// The dialect of the connection.
    pub(crate) dialect: Dialect,
    /// The queue of frames to the client.
    pub(crate) outbox: Outbox,
    /// Closes the connection.
    pub(crate) handle: Rc<dyn ConnectionHandle>,
    /// The permit among the user's connections.
    pub(crate) user_permit: UserPermit,
    /// The permit among the address's connections.
    pub(crate) address_permit: AddressPermit,
    /// Its row among the connections of all nodes.
    pub(crate) node_permit: NodePermit,
}

/// A running session.
///
/// While a command runs, the next message is not read: a client's commands take effect in the order in which
/// it sent them, and the messages of a client that sends faster than it is served wait in the network.
/// Evicting the session does not wait for the command, because that goes through its [`ConnectionHandle`];
/// only a server that stops lets it finish, so that what it has written is acknowledged.
pub(crate) struct SessionActor {
    session: Session,
    caller: SessionContext,
    running: Rc<RunningCommand>,
    timer: Option<SpawnHandle>,
    /// The client's registration at the board, if the connection is for one.
    lease: Option<Lease>,
    /// Whether this connection replaced an older one of the same client.
    came_back: bool,
    /// Whether the others on the board know of the client.
    is_known: bool,
    _address_permit: AddressPermit,
    _node_permit: NodePermit,
    _open: Open,
}

impl SessionActor {
    /// Registers the session with the hub and starts it on this thread; `inbound` is what its client sends.
    pub(crate) fn open(parts: SessionParts, inbound: impl Stream<Item = Inbound> + 'static) {
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
            node_permit,
        } = parts;
        let hub = gateway.app().hub.local();
        let running = Rc::<RunningCommand>::default();
        let address = address_permit.address();
        let registration = hub.register(Registration {
            connection: session.connection(),
            credentials: credentials(session.scope(), session.limits()),
            endpoint,
            address,
            since: gateway.app().clock.now(),
            dialect,
            bound_room: target.room(),
            outbox: outbox.clone(),
            evict: Rc::new({
                let (handle, running) = (handle.clone(), running.clone());
                move |reason, closing| {
                    if closing == Closing::AtOnce || !running.close_after(reason) {
                        handle.close(reason);
                    }
                }
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
        let caller = SessionContext {
            scope,
            gateway,
            hub,
            registration: Rc::new(registration),
            outbox,
            dialect,
            handle,
            address,
            target,
            followed: Rc::default(),
            subscriptions,
            asked_at: None,
        };
        Self::create(|context| {
            context.add_stream(inbound);
            let mut actor = Self {
                session,
                caller,
                running,
                timer: None,
                lease: None,
                came_back: false,
                is_known: false,
                _address_permit: address_permit,
                _node_permit: node_permit,
                _open: open,
            };
            actor.begin(proof, context);
            actor
        });
    }

    /// Checks the token again before the client is greeted: it was first checked before the session was
    /// registered, and a revocation in between did not find the session.
    fn begin(&mut self, proof: Proof, context: &mut Context<Self>) {
        let caller = self.caller.clone();
        let begin = async move {
            let auth = &caller.gateway.app().auth;
            let identified = reauthenticate(auth, &proof, caller.scope.call()).await;
            (identified.err(), caller)
        };
        context.wait(begin.into_actor(self).map(|(refused, caller), actor, context| match refused {
            Some(reason) => caller.handle.close(reason),
            None => actor.enter(context),
        }));
    }

    /// Joins the first rooms, and greets the client: whatever happens there once it is greeted reaches it.
    fn enter(&mut self, context: &mut Context<Self>) {
        let board = self.lease_board();
        let caller = self.caller.clone();
        let begin = async move {
            let elsewhere = open_board_elsewhere(&caller).await?;
            Ok((elsewhere, handlers::begin_first_rooms(&caller, &caller.target).await?))
        };
        context.wait(begin.into_actor(self).map(|begun, actor, context| match begun {
            Ok((elsewhere, rooms)) => actor.greet(board, elsewhere, rooms, context),
            Err(reason) => actor.close(reason),
        }));
    }

    fn greet(
        &mut self,
        board: Option<OnBoard>,
        elsewhere: BoardElsewhere,
        rooms: Vec<FirstRoom>,
        context: &mut Context<Self>,
    ) {
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
        let begin = async move {
            for room in rooms {
                room.go_live(&caller).await?;
            }
            let Some(entry) = caller.target.entry() else { return Ok(None) };
            handlers::follow_reflection(&caller, entry).await.map_err(|refusal| refusal.close_reason())
        };
        context.wait(begin.into_actor(self).map(move |begun, actor, context| match begun {
            Ok(following) => {
                if !actor.came_back && !elsewhere.came_back {
                    actor.announce_coming(elsewhere.clients);
                }
                actor.is_known = true;
                actor.follow(following, context);
            }
            Err(reason) => actor.close(reason),
        }));
    }

    /// Sends the client every step of the texts that it follows, beside everything else, until the session ends.
    fn follow(&self, following: Option<Following>, context: &mut Context<Self>) {
        if let Some(following) = following {
            context.spawn(following.run(self.caller.clone()).into_actor(self));
        }
    }

    /// Registers the client at the board that the connection is for, and closes the client's older
    /// connection, if any.
    fn lease_board(&mut self) -> Option<OnBoard> {
        let EndpointTarget::Board(project, client) = &self.caller.target else { return None };
        let app = self.caller.gateway.app();
        let (user, connection) = (self.session.scope().user(), self.session.connection());
        let (lease, former) = app.board_clients.acquire(*project, user, client.clone(), connection);
        self.lease = Some(lease);
        self.came_back = former.is_some();
        self.is_known = self.came_back;
        if let Some(former) = former {
            let hub = app.hub.clone();
            actix_web::rt::spawn(async move { hub.close(former, CloseReason::Replaced).await });
        }
        Some(OnBoard { client_id: client.as_str().clone(), project_id: *project })
    }

    /// Tells the other clients of the board that this one came; `elsewhere`: how many clients other nodes have there.
    fn announce_coming(&self, elsewhere: usize) {
        let Some(client) = self.board_client(elsewhere) else { return };
        // A busy hub loses it, as it may lose `typing`: the number of clients can be asked for.
        let hub = &self.caller.gateway.app().hub;
        let _ = hub.tell_bound(Ephemeral::ClientJoined(client), self.session.connection());
    }

    /// Tells the other clients of the board that this one left.
    fn announce_leaving(&self) {
        let Some(client) = self.board_client(0) else { return };
        let (app, connection) = (self.caller.gateway.app().clone(), self.session.connection());
        actix_web::rt::spawn(async move {
            // The others are told even if the number cannot be read.
            let elsewhere = app.nodes.count_clients_elsewhere(client.project_id).await.unwrap_or(0);
            let active_clients = client.active_clients + elsewhere;
            let client = BoardClient { active_clients, ..client };
            let _ = app.hub.tell_bound(Ephemeral::ClientLeft(client), connection);
        });
    }

    /// This client as the others of its board see it.
    fn board_client(&self, elsewhere: usize) -> Option<BoardClient> {
        let EndpointTarget::Board(project_id, client) = &self.caller.target else { return None };
        let (app, scope) = (self.caller.gateway.app(), self.session.scope());
        Some(BoardClient {
            client_id: client.as_str().clone(),
            user_id: scope.user(),
            user_email: scope.email().into(),
            project_id: *project_id,
            timestamp: app.clock.now(),
            active_clients: app.board_clients.clients_of(*project_id) + elsewhere,
        })
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
        self.caller.gateway.metrics().received(&command);
        let call = CallId::new(app.clock.now());
        log::debug!(
            target: "souk::realtime", connection_id:% = self.session.connection(), request_id:% = call;
            "{}", command.name()
        );
        let caller = SessionContext { scope: self.session.scope().in_call(call), ..self.caller.clone() };
        let work = async move { execute(&caller, id, command).await };
        self.running.begin();
        context.wait(work.into_actor(self).map(|(id, result), actor, context| {
            actor.answer(id, result, context);
            if let Some(reason) = actor.running.end() {
                actor.caller.handle.close(reason);
            }
        }));
    }

    /// Sends exactly one answer to a request that has an id; to one that has none, only an answer that
    /// carries data.
    fn answer(
        &mut self,
        id: Option<Correlation>,
        result: Result<Outcome, Refusal>,
        context: &mut Context<Self>,
    ) {
        match result {
            Ok(Outcome::Answered) => {}
            Ok(Outcome::Follows(following)) => self.follow(following, context),
            Ok(Outcome::Done) if id.is_none() => {}
            Ok(Outcome::Done) => self.send(&Notice::Ack { id, body: AckBody::Done {} }),
            Ok(Outcome::Answer(body)) => self.send(&Notice::Ack { id, body }),
            Ok(Outcome::Caused(body, event)) => {
                self.send(&Notice::Ack { id, body });
                self.caller.hub.deliver_own(self.session.connection(), event);
            }
            Ok(Outcome::Following(body, following)) => {
                self.send(&Notice::Ack { id, body });
                self.follow(following, context);
            }
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

    /// Sends `disconnecting`, then closes.
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
    caller: &SessionContext,
    id: Option<Correlation>,
    command: Command,
) -> (Option<Correlation>, Result<Outcome, Refusal>) {
    let result = match end_rights(caller, &command).await {
        Ok(()) => handlers::run(caller, id.as_ref(), command).await,
        Err(refusal) => Err(refusal),
    };
    (id, result)
}

/// Ends the rights of this thread's sessions that have ended, before a command uses one: a process that did not run for
/// a while, or lost the database, may find a command before it hears what ended elsewhere meanwhile.
async fn end_rights(caller: &SessionContext, command: &Command) -> Result<(), Refusal> {
    if matches!(command, Command::Ping) {
        return Ok(());
    }
    let are_known = caller.gateway.app().invalidations.wait_until_followed().await;
    // What has been followed is listed for this thread; so is what this process has committed itself.
    caller.hub.end_rights();
    match (caller.handle.is_closing(), are_known) {
        (false, true) => Ok(()),
        (false, false) => Err(Refusal::busy()),
        (true, _) => Err(Refusal::ending()),
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Context<Self>) {
        let reason = self.caller.handle.close_reason();
        // A client that only changes its connection, perhaps to another node, does not leave.
        let is_gone = self.lease.take().is_some_and(Lease::release) && reason != Some(CloseReason::Replaced);
        if is_gone && self.is_known {
            self.announce_leaving();
        }
        self.caller.gateway.metrics().closed(reason);
        self.caller.registration.ended(reason, self.caller.gateway.app().clock.now());
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
            // After `Gone` the stream ends, and with it the session.
            Inbound::Alive | Inbound::Gone => {}
            // Commands of a session that is closing are not run.
            Inbound::Text(_) | Inbound::Binary(_) if self.caller.handle.is_closing() => {}
            Inbound::Binary(_) => self.close(CloseReason::NotText),
            Inbound::Text(text) => {
                self.caller.registration.count_message();
                let asked_at = Instant::now();
                self.caller.asked_at = Some(asked_at);
                let app = self.caller.gateway.app();
                let message = decode(self.caller.dialect, &text);
                self.caller.registration.record(|| FrameSeen {
                    at: asked_at,
                    direction: Direction::In,
                    kind: message.as_ref().map_or("malformed", |request| request.command.name()),
                    room: message.as_ref().ok().and_then(|request| request.command.room()).cloned(),
                    seq: None,
                    bytes: text.len(),
                    latency: None,
                });
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

/// Registers a client of a board with the other nodes.
async fn open_board_elsewhere(caller: &SessionContext) -> Result<BoardElsewhere, CloseReason> {
    let EndpointTarget::Board(project, client) = &caller.target else { return Ok(BoardElsewhere::default()) };
    let (nodes, user) = (&caller.gateway.app().nodes, caller.scope.user());
    let opened = nodes.open_board(caller.connection(), user, *project, client.clone()).await;
    // Logged where writes are.
    opened.map_err(|_| CloseReason::Internal)
}
