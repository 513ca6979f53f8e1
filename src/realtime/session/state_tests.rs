use std::time::Duration;

use crate::config::PlanLimits;
use crate::domain::policy::ScopeParts;
use crate::domain::users::{Plan, Role};
use crate::ids::{CallId, TokenId, UserId};
use crate::protocol::json;

use super::*;

const LIMITS: SessionLimits = SessionLimits {
    plan: PlanLimits {
        connections: 3,
        messages: 5,
        rooms: 4,
        requests: 60,
        simulations: 2,
        simulations_per_day: 20,
        simulation_runs: 100,
        simulation_steps: 10,
        generations: 1,
        messages_per_day: 50,
        plans_per_day: 5,
        generated_characters_per_day: 1_000,
    },
    malformed: 3,
    token_warning: Duration::from_secs(60),
    token_grace: Duration::from_secs(10),
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds).unwrap()
}

fn scope(issuer: Option<&str>, expires_at: Timestamp) -> Scope {
    let parts = ScopeParts {
        user: UserId::new(at(0)),
        role: Role::Consumer,
        plan: Plan::Free,
        email: "ana@example.test".into(),
        token: TokenId("t".into()),
        issuer: issuer.map(Into::into),
        login: None,
        outside_session: None,
        expires_at,
        impersonator: None,
        is_synthetic: false,
        token_epoch: Timestamp::EPOCH,
        is_command_line: false,
    };
    Scope::new(parts, CallId::new(at(0)))
}

fn session(issuer: Option<&str>) -> Session {
    Unauthenticated::new(ConnectionId::new(at(0))).authenticated(scope(issuer, at(100)), LIMITS)
}

fn receive(session: &mut Session, text: &str, now: Timestamp) -> Vec<Effect> {
    session.on_message(json::decode(text), now)
}

fn sent(effects: &[Effect]) -> String {
    match effects {
        [Effect::Send(notice), ..] => serde_json::to_string(notice).unwrap(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_ping_is_answered_at_once_and_other_requests_are_run() {
    let mut session = session(None);
    assert_eq!(sent(&receive(&mut session, r#"{"type":"ping","id":1}"#, at(0))), r#"{"type":"pong","id":1}"#);
    let effects = receive(&mut session, r#"{"type":"leave","room":"admin"}"#, at(0));
    assert!(matches!(&effects[..], [Effect::Run(request)] if request.command.name() == "leave"));
}

#[test]
fn a_mistake_is_explained_and_too_many_in_a_minute_end_the_session() {
    let mut session = session(None);
    for second in [0, 1] {
        let effects = receive(&mut session, r#"{"type":"shout","id":"a"}"#, at(second));
        assert_eq!(effects.len(), 1, "the session goes on");
        assert_eq!(
            sent(&effects),
            r#"{"type":"error","id":"a","code":"unknown_type","message":"unknown type \"shout\""}"#
        );
    }
    let effects = receive(&mut session, "nonsense", at(39));
    assert!(matches!(effects[..], [Effect::Send(_), Effect::Close(CloseReason::TooManyMistakes)]));
}

#[test]
fn who_is_too_fast_is_told_when_to_go_on() {
    let mut session = session(None);
    let ping = r#"{"type":"ping","id":7}"#;
    for _ in 0..5 {
        assert!(sent(&receive(&mut session, ping, at(0))).contains("pong"));
    }
    assert_eq!(
        sent(&receive(&mut session, ping, at(0))),
        r#"{"type":"error","id":7,"code":"rate_limited","message":"too many messages; send slower","retry_after":1}"#
    );
    let gave_up = (0..100)
        .any(|_| matches!(receive(&mut session, ping, at(0))[..], [Effect::Close(CloseReason::TooFast)]));
    assert!(gave_up);
}

#[test]
fn the_end_of_a_token_is_announced_and_then_kept() {
    let mut session = session(None);
    assert_eq!(session.next_timer(), at(40));
    assert!(session.on_timer(at(39)).is_empty());
    assert!(sent(&session.on_timer(at(40))).contains("token_expiring"));
    assert!(session.on_timer(at(41)).is_empty(), "once is enough");
    assert_eq!(session.next_timer(), at(100));
    assert!(matches!(session.on_timer(at(100))[..], [Effect::Close(CloseReason::TokenExpired)]));
}

#[test]
fn nothing_is_carried_out_after_the_end_of_the_token() {
    let mut session = session(None);
    let effects = receive(&mut session, r#"{"type":"leave","room":"admin"}"#, at(50));
    assert!(matches!(effects[..], [Effect::Send(_), Effect::Run(_)]), "warned, however late the timer");
    let effects = receive(&mut session, r#"{"type":"leave","room":"admin"}"#, at(100));
    assert!(matches!(effects[..], [Effect::Close(CloseReason::TokenExpired)]));
}

#[test]
fn an_outside_token_has_a_grace() {
    let mut session = session(Some("https://clerk.example"));
    assert_eq!(session.on_timer(at(105)).len(), 1, "the warning that was late");
    assert_eq!(session.next_timer(), at(110));
    assert!(matches!(session.on_timer(at(110))[..], [Effect::Close(CloseReason::TokenExpired)]));
}

#[test]
fn a_refreshed_session_goes_on_by_the_new_token() {
    let mut session = session(None);
    session.on_timer(at(50));
    session.refreshed(scope(None, at(1_000)), LIMITS);
    assert_eq!(session.next_timer(), at(940), "and is warned again");
    assert!(session.on_timer(at(100)).is_empty());
}
