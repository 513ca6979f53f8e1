use crate::protocol::frame;

use super::super::control::PollResponse;
use super::*;

const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A state machine, and the time at which it began.
struct Machine {
    machine: StateMachine,
    start: Instant,
    queued: usize,
}

/// The request of a poll.
struct Poll(oneshot::Receiver<PollResponse>);

#[derive(Debug, PartialEq)]
enum Response {
    Pending,
    Payload(String),
    RequestError,
    SessionUnknown,
}

fn machine() -> Machine {
    Machine { machine: StateMachine::new(CLOSE_TIMEOUT), start: Instant::now(), queued: 0 }
}

/// The frame of a message, as the outbox gives it.
fn message(text: &str) -> Bytes {
    frame::text(|to| to.extend(format!("4{text}").bytes()))
}

fn payload(text: &str) -> Response {
    Response::Payload(text.to_owned())
}

impl Machine {
    fn at(&self, milliseconds: u64) -> Instant {
        self.start + Duration::from_millis(milliseconds)
    }

    fn on(&mut self, milliseconds: u64, input: Input) -> Step {
        let now = self.at(milliseconds);
        self.machine.on(input, now, self.queued)
    }

    /// Polls where that ends nothing.
    fn poll(&mut self, milliseconds: u64) -> Poll {
        let (step, poll) = self.try_poll(milliseconds);
        assert_eq!(step, Step::Continue);
        poll
    }

    fn try_poll(&mut self, milliseconds: u64) -> (Step, Poll) {
        let (reply, response) = PollReply::new();
        (self.on(milliseconds, Input::Control(Control::Poll(reply))), Poll(response))
    }

    /// Gives frames of the outbox.
    fn give(&mut self, milliseconds: u64, text: &str) {
        assert!(self.machine.takes_frames());
        assert_eq!(self.on(milliseconds, Input::Frames(message(text))), Step::Continue);
    }

    /// Asks for an upgrade; `None` if it is refused.
    fn upgrade(&mut self) -> Option<mpsc::Receiver<ToSocket>> {
        let (reply, mut frames) = oneshot::channel();
        assert_eq!(self.on(0, Input::Control(Control::Upgrade(reply))), Step::Continue);
        frames.try_recv().ok()
    }

    /// A connection with a WebSocket that has taken over.
    fn upgraded() -> (Self, mpsc::Receiver<ToSocket>) {
        let mut machine = machine();
        let socket = machine.upgrade().unwrap();
        assert_eq!(machine.on(0, Input::Control(Control::Probed)), Step::Continue);
        assert_eq!(machine.on(0, Input::Control(Control::Upgraded)), Step::Continue);
        (machine, socket)
    }

    fn close(&mut self, reason: CloseReason) -> Step {
        self.on(0, Input::Closing(CloseState::Closed, Some(reason)))
    }

    fn deadline(&self) -> Option<Duration> {
        self.machine.deadline().map(|deadline| deadline - self.start)
    }

    /// The packet that the waiting poll is answered with in the end.
    fn last_packet(self, close: CloseState, reason: Option<CloseReason>) -> Option<&'static str> {
        match self.machine.into_farewell(close, reason) {
            Farewell::Answer(_, packet) => Some(packet),
            Farewell::Nothing => None,
            other => panic!("{other:?}"),
        }
    }
}

impl Poll {
    fn response(&mut self) -> Response {
        self.receive().map_or_else(|nothing| nothing, |(payload, _)| Response::Payload(payload))
    }

    /// The payload, and what the server reports writing it by.
    fn receive(&mut self) -> Result<(String, oneshot::Sender<()>), Response> {
        match self.0.try_recv() {
            Ok(PollResponse::Payload { payload, taken }) => {
                Ok((String::from_utf8(payload.to_vec()).unwrap(), taken))
            }
            Ok(PollResponse::RequestError) => Err(Response::RequestError),
            Err(oneshot::error::TryRecvError::Empty) => Err(Response::Pending),
            Err(oneshot::error::TryRecvError::Closed) => Err(Response::SessionUnknown),
        }
    }
}

#[test]
fn a_poll_is_answered_with_what_comes_while_it_waits() {
    let mut machine = machine();
    assert!(!machine.machine.takes_frames(), "only the outbox is bounded");
    let mut poll = machine.poll(0);
    assert_eq!((poll.response(), machine.deadline()), (Response::Pending, None));
    machine.give(10, "hello");
    assert_eq!(poll.response(), payload("4hello"));
    assert!(!machine.machine.takes_control(), "until the server writes the answer");
    assert!(!machine.machine.takes_frames());
    assert_eq!(machine.on(20, Input::AnswerTaken), Step::Continue);
    assert!(machine.machine.takes_control());
    assert_eq!(machine.poll(30).response(), Response::Pending, "the client has it");
}

#[test]
fn the_answer_is_taken_when_the_server_writes_it() {
    let mut machine = machine();
    let mut poll = machine.poll(0);
    machine.give(0, "hello");
    let (_, taken) = poll.receive().unwrap();
    let State::Polling { poll: PollState::Answering { taken: is_taken, .. }, .. } =
        &mut machine.machine.state
    else {
        panic!("{:?}", machine.machine.state)
    };
    taken.send(()).unwrap();
    assert_eq!(is_taken.try_recv(), Ok(()));
}

#[test]
fn the_frames_of_an_aborted_poll_go_to_the_next_one() {
    let mut machine = machine();
    let _aborted = machine.poll(0);
    machine.give(0, "hello");
    assert_eq!(machine.on(5, Input::PollAborted), Step::Continue);
    assert_eq!(machine.deadline(), Some(Duration::from_millis(1_005)));
    assert_eq!(machine.poll(10).response(), payload("4hello"));
    assert_eq!(machine.deadline(), None);
}

#[test]
fn frames_that_are_put_back_stay_in_front() {
    let mut machine = machine();
    let _aborted = machine.poll(0);
    machine.give(0, "first");
    assert_eq!(machine.close(CloseReason::Revoked), Step::Continue);
    machine.give(0, "second");
    assert_eq!(machine.on(0, Input::PollAborted), Step::Continue);
    assert_eq!(machine.poll(0).response(), payload("4first\u{1e}4second"));
}

#[test]
fn a_client_that_aborts_its_poll_is_disconnected_after_the_timeout() {
    let mut machine = machine();
    let _aborted = machine.poll(0);
    assert_eq!(machine.on(5, Input::PollAborted), Step::Continue);
    assert_eq!(machine.deadline(), Some(Duration::from_millis(1_005)));
    assert_eq!(machine.on(1_005, Input::Deadline), Step::Abort);
}

#[test]
fn a_client_that_aborts_its_poll_may_come_back_only_for_what_waits() {
    let mut for_nothing = machine();
    let _aborted = for_nothing.poll(0);
    assert_eq!(for_nothing.on(0, Input::PollAborted), Step::Continue);
    let (step, mut poll) = for_nothing.try_poll(10);
    assert_eq!((step, poll.response()), (Step::Abort, Response::RequestError));

    let mut for_frames = machine();
    let _aborted = for_frames.poll(0);
    assert_eq!(for_frames.on(0, Input::PollAborted), Step::Continue);
    for_frames.queued = 1;
    assert_eq!(for_frames.poll(10).response(), Response::Pending);
    assert!(for_frames.machine.takes_frames());
}

#[test]
fn a_second_poll_at_once_ends_the_connection() {
    let mut machine = machine();
    let (mut first, mut second) = (machine.poll(0), machine.poll(20));
    assert!(!machine.machine.takes_control() && !machine.machine.takes_frames());
    assert_eq!((first.response(), second.response()), (Response::Pending, Response::Pending));
    assert_eq!(machine.deadline(), Some(Duration::from_millis(70)));
    assert_eq!(machine.on(70, Input::Deadline), Step::Abort);
    assert_eq!((first.response(), second.response()), (payload("1"), Response::RequestError));
}

#[test]
fn a_poll_that_overtakes_the_abort_of_the_one_before_takes_its_place() {
    let mut machine = machine();
    let (_aborted, mut second) = (machine.poll(0), machine.poll(20));
    machine.queued = 1;
    assert_eq!(machine.on(30, Input::PollAborted), Step::Continue);
    assert_eq!((second.response(), machine.deadline()), (Response::Pending, None));
    machine.give(40, "hello");
    assert_eq!(second.response(), payload("4hello"));
}

#[test]
fn a_poll_that_overtakes_an_abort_is_refused_where_nothing_waits() {
    let mut machine = machine();
    let (_aborted, mut second) = (machine.poll(0), machine.poll(20));
    assert_eq!(machine.on(30, Input::PollAborted), Step::Abort);
    assert_eq!(second.response(), Response::RequestError);
}

#[test]
fn a_poll_that_delays_an_upgrade_is_answered_with_noop() {
    let mut machine = machine();
    let _socket = machine.upgrade().unwrap();
    let mut early = machine.poll(0);
    assert_eq!(machine.deadline(), None, "the WebSocket may not work");
    assert_eq!(machine.on(20, Input::Control(Control::Probed)), Step::Continue);
    assert_eq!(machine.deadline(), Some(Duration::from_millis(70)));
    assert_eq!(machine.on(70, Input::Deadline), Step::Continue);
    assert_eq!((early.response(), machine.deadline()), (payload("6"), None));
    let mut late = machine.poll(100);
    assert_eq!(machine.deadline(), Some(Duration::from_millis(150)));
    machine.give(110, "hello");
    assert_eq!(late.response(), payload("4hello"), "frames come before a noop");
}

#[test]
fn after_the_upgrade_frames_go_to_the_websocket() {
    let (mut machine, mut socket) = Machine::upgraded();
    machine.give(0, "hello");
    assert!(!machine.machine.takes_frames(), "one batch at a time");
    assert_eq!(machine.on(0, Input::SocketReady), Step::Continue);
    assert!(matches!(socket.try_recv(), Ok(ToSocket::Frames(frames)) if frames == message("hello")));
    assert!(machine.machine.takes_frames());
    let (step, mut poll) = machine.try_poll(0);
    assert_eq!((step, poll.response()), (Step::Continue, Response::RequestError));
    assert!(machine.upgrade().is_none(), "one is enough");
}

#[test]
fn a_poll_that_waits_at_the_upgrade_is_refused() {
    let mut machine = machine();
    let mut socket = machine.upgrade().unwrap();
    let mut poll = machine.poll(0);
    assert_eq!(machine.on(0, Input::Control(Control::Probed)), Step::Continue);
    assert_eq!(machine.on(0, Input::Control(Control::Upgraded)), Step::Continue);
    assert_eq!((poll.response(), machine.deadline()), (Response::RequestError, None));
    machine.give(0, "hello");
    assert_eq!(machine.on(0, Input::SocketReady), Step::Continue);
    assert!(socket.try_recv().is_ok());
}

#[test]
fn what_an_aborted_poll_left_and_its_deadline_end_with_the_upgrade() {
    let mut machine = machine();
    let _aborted = machine.poll(0);
    machine.give(0, "hello");
    assert_eq!(machine.on(0, Input::PollAborted), Step::Continue);
    let mut socket = machine.upgrade().unwrap();
    assert_eq!(machine.on(0, Input::Control(Control::Upgraded)), Step::Continue);
    assert_eq!(machine.deadline(), None);
    assert_eq!(machine.on(0, Input::SocketReady), Step::Continue);
    assert!(matches!(socket.try_recv(), Ok(ToSocket::Frames(frames)) if frames == message("hello")));
}

#[test]
fn a_websocket_that_fails_to_take_over_changes_nothing() {
    let mut machine = machine();
    let failed = machine.upgrade().unwrap();
    assert!(machine.upgrade().is_none(), "one at a time");
    assert_eq!(machine.on(0, Input::Control(Control::Probed)), Step::Continue);
    drop(failed);
    let mut poll = machine.poll(10);
    assert_eq!(machine.deadline(), None);
    machine.give(10, "hello");
    assert_eq!(poll.response(), payload("4hello"));
    assert_eq!(machine.on(20, Input::AnswerTaken), Step::Continue);
    assert!(machine.upgrade().is_some(), "another one may try");
}

#[test]
fn a_websocket_that_ends_ends_the_connection() {
    let (mut machine, socket) = Machine::upgraded();
    drop(socket);
    machine.give(0, "hello");
    assert_eq!(machine.on(0, Input::SocketReady), Step::Abort);
    let (mut machine, _socket) = Machine::upgraded();
    assert_eq!(machine.on(0, Input::Control(Control::Break)), Step::Abort);
    assert!(matches!(machine.machine.into_farewell(CloseState::Aborted, None), Farewell::Nothing));
}

#[test]
fn a_closing_server_tells_the_poll_that_waits() {
    let mut machine = machine();
    let _poll = machine.poll(0);
    assert_eq!(machine.close(CloseReason::Revoked), Step::Continue);
    assert_eq!(machine.on(0, Input::Drained), Step::Finish);
    assert_eq!(machine.last_packet(CloseState::Closed, Some(CloseReason::Revoked)), Some("1"));
}

#[test]
fn a_closing_server_waits_for_the_poll_that_fetches_the_rest() {
    let mut machine = machine();
    assert_eq!(machine.close(CloseReason::Revoked), Step::Continue);
    assert_eq!(machine.deadline(), Some(CLOSE_TIMEOUT));
    machine.give(0, "goodbye");
    assert_eq!(machine.poll(0).response(), payload("4goodbye"));
    assert_eq!(machine.on(0, Input::Drained), Step::Continue);
    assert_eq!(machine.on(0, Input::AnswerTaken), Step::Continue);
    assert!(!machine.machine.takes_frames());
    let (step, _poll) = machine.try_poll(0);
    assert_eq!(step, Step::Finish);
    assert_eq!(machine.last_packet(CloseState::Closed, Some(CloseReason::Revoked)), Some("1"));
}

#[test]
fn a_closing_server_waits_within_a_bound() {
    let mut machine = machine();
    assert_eq!(machine.close(CloseReason::Revoked), Step::Continue);
    assert_eq!(machine.on(0, Input::Drained), Step::Continue);
    assert_eq!(machine.on(1_000, Input::Deadline), Step::Finish);
    assert_eq!(machine.last_packet(CloseState::Closed, Some(CloseReason::Revoked)), None);
}

#[test]
fn a_client_that_reconnects_is_not_sent_close() {
    let mut with_poll = machine();
    let _poll = with_poll.poll(0);
    assert_eq!(with_poll.close(CloseReason::Restarting), Step::Continue);
    assert_eq!(with_poll.on(0, Input::Drained), Step::Finish);
    assert_eq!(with_poll.last_packet(CloseState::Closed, Some(CloseReason::Restarting)), None);

    let mut without_poll = machine();
    assert_eq!(without_poll.close(CloseReason::Restarting), Step::Continue);
    assert_eq!(without_poll.on(0, Input::Drained), Step::Finish, "no poll is waited for");

    let mut silent = machine();
    let _poll = silent.poll(0);
    assert_eq!(silent.on(0, Input::Closing(CloseState::Aborted, Some(CloseReason::Silent))), Step::Finish);
    assert_eq!(silent.last_packet(CloseState::Aborted, Some(CloseReason::Silent)), None);
}

#[test]
fn a_closing_server_closes_the_websocket_after_what_waits() {
    let (mut machine, mut socket) = Machine::upgraded();
    assert_eq!(machine.close(CloseReason::Restarting), Step::Continue);
    machine.give(0, "goodbye");
    assert_eq!(machine.on(0, Input::SocketReady), Step::Continue);
    assert!(socket.try_recv().is_ok());
    assert_eq!(machine.on(0, Input::Drained), Step::Finish);
    let farewell = machine.machine.into_farewell(CloseState::Closed, Some(CloseReason::Restarting));
    assert!(matches!(farewell, Farewell::CloseSocket(_)));
}

#[test]
fn a_client_that_leaves_has_its_poll_answered_with_noop() {
    let mut with_poll = machine();
    let _poll = with_poll.poll(0);
    assert_eq!(with_poll.on(0, Input::Closing(CloseState::Left, None)), Step::Finish);
    assert_eq!(with_poll.last_packet(CloseState::Left, None), Some("6"));

    let mut between_polls = machine();
    assert_eq!(between_polls.on(0, Input::Closing(CloseState::Left, None)), Step::Finish);
    assert!(matches!(between_polls.machine.into_farewell(CloseState::Left, None), Farewell::AwaitPoll));

    let (mut upgraded, _socket) = Machine::upgraded();
    assert_eq!(upgraded.on(0, Input::Closing(CloseState::Left, None)), Step::Finish);
    assert!(matches!(upgraded.machine.into_farewell(CloseState::Left, None), Farewell::CloseSocket(_)));
}

#[test]
fn a_client_that_breaks_the_protocol_is_sent_close() {
    let mut machine = machine();
    let _poll = machine.poll(0);
    assert_eq!(machine.on(0, Input::Control(Control::Break)), Step::Abort);
    assert_eq!(machine.last_packet(CloseState::Aborted, None), Some("1"));
}
