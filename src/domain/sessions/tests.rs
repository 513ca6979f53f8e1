//! Sessions against a real database, without an edge.

use std::sync::Arc;

use diesel::prelude::*;

use super::*;
use crate::clock::Clock;
use crate::db::{Db, DbConfig, DbError, Target, UnitOfWork};
use crate::domain::policy::ScopeParts;
use crate::domain::users::{Plan, Role};
use crate::domain::{Error, Page};
use crate::events::log;
use crate::ids::{CallId, ConsumerId, Seq, TokenId};

struct House {
    db: Db,
    clock: Clock,
    _folder: Folder,
    ana: Scope,
    pavel: Scope,
    session: Session,
}

struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn scope(user: UserId, role: Role, clock: &Clock) -> Scope {
    let now = clock.now();
    let parts = ScopeParts {
        user,
        role,
        plan: Plan::Free,
        email: format!("{user}@example.test"),
        token: TokenId("t".into()),
        issuer: None,
        login: None,
        outside_session: None,
        expires_at: now.plus(std::time::Duration::from_secs(60)),
        impersonator: None,
    };
    Scope::new(parts, CallId::new(now))
}

fn insert_user(uow: &mut UnitOfWork<'_>, id: UserId, role: Role) -> Result<(), DbError> {
    use crate::db::schema::users;
    let now = uow.now();
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            users::email.eq(format!("{id}@example.test")),
            users::display_name.eq("x"),
            users::role.eq(role),
            users::plan.eq(Plan::Free),
            users::is_active.eq(true),
            users::token_epoch.eq(0),
            users::version.eq(1),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}

fn insert_request(uow: &mut UnitOfWork<'_>, id: RequestId, user: UserId) -> Result<(), DbError> {
    use crate::db::schema::{consumers, requests};
    let now = uow.now();
    let consumer = ConsumerId::new(now);
    diesel::insert_into(consumers::table)
        .values((
            consumers::id.eq(consumer),
            consumers::user_id.eq(user),
            consumers::display_name.eq("Ana"),
            consumers::version.eq(1),
            consumers::created_at.eq(now),
            consumers::updated_at.eq(now),
        ))
        .execute(uow.conn())?;
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(id),
            requests::consumer_id.eq(consumer),
            requests::user_id.eq(user),
            requests::category.eq("plumbing"),
            requests::title.eq("A tap drips"),
            requests::description.eq(""),
            requests::currency.eq("EUR"),
            requests::status.eq("open"),
            requests::revision.eq(1),
            requests::expires_at.eq(now),
            requests::version.eq(1),
            requests::created_at.eq(now),
            requests::updated_at.eq(now),
        ))
        .execute(uow.conn())?;
    Ok(())
}

async fn house() -> House {
    let clock = Clock::system();
    let folder = Folder(std::env::temp_dir().join(format!("souk-sessions-{}", UserId::new(clock.now()))));
    let target = Target::Sqlite(folder.0.join("souk.db"));
    let db = Db::open(&DbConfig::new(target), clock.clone(), Arc::new(())).unwrap();
    let now = clock.now();
    let (ana, pavel, request) = (UserId::new(now), UserId::new(now), RequestId::new(now));
    let session = db
        .write(move |uow| -> Result<Session, Error> {
            insert_user(uow, ana, Role::Consumer)?;
            insert_user(uow, pavel, Role::Provider)?;
            insert_request(uow, request, ana)?;
            open(uow, &NewSession { request_id: request, consumer_user: ana, provider_user: pavel })
        })
        .await
        .unwrap();
    House {
        ana: scope(ana, Role::Consumer, &clock),
        pavel: scope(pavel, Role::Provider, &clock),
        db,
        clock,
        _folder: folder,
        session,
    }
}

impl House {
    async fn say(&self, who: &Scope, name: &str, text: &str) -> Result<Sent, Error> {
        let command = SendMessage {
            session: self.session.id,
            client_msg_id: ClientMsgId::parse(name).unwrap(),
            text: MessageText::parse(text).unwrap(),
        };
        let who = who.clone();
        self.db.write(move |uow| send_message(uow, &who, &command)).await
    }

    async fn room(&self, room: Room) -> Vec<String> {
        let events = self.db.read(move |uow| log::after(uow, &room, Seq::START, 100)).await.unwrap();
        events.iter().map(|event| format!("{} {}", event.seq, event.kind)).collect()
    }

    async fn texts(&self, before: Option<Seq>, limit: u16) -> (Vec<String>, Option<Seq>) {
        let (who, id) = (self.ana.clone(), self.session.id);
        let slice = self
            .db
            .read(move |uow| {
                let session = find(uow, &who, id)?;
                messages(uow, &session, Page { before, limit })
            })
            .await
            .unwrap();
        (slice.items.into_iter().map(|message| message.text).collect(), slice.next)
    }
}

#[actix_web::test]
async fn two_have_one_session_about_a_request_and_hear_of_it_once() {
    let house = house().await;
    let new = NewSession {
        request_id: house.session.request_id,
        consumer_user: house.ana.user(),
        provider_user: house.pavel.user(),
    };
    let again = house.db.write(move |uow| open(uow, &new)).await.unwrap();
    assert_eq!(again.id, house.session.id);
    for user in [&house.ana, &house.pavel] {
        assert_eq!(house.room(Room::User(user.user())).await, ["1 session.opened"]);
    }
}

#[actix_web::test]
async fn the_same_message_sent_again_is_one_message() {
    let house = house().await;
    let first = house.say(&house.ana, "a", "hello").await.unwrap();
    assert_eq!((first.seq, first.repeated), (Seq(1), false));
    let second = house.say(&house.ana, "a", "hello").await.unwrap();
    assert_eq!(second, Sent { repeated: true, ..first });
    // The other's message of the same name is another message.
    assert_eq!(house.say(&house.pavel, "a", "hi").await.unwrap().seq, Seq(2));
    assert_eq!(house.room(house.session.room()).await, ["1 message.sent", "2 message.sent"]);
    assert_eq!(house.room(Room::Admin).await, ["1 session.opened"]);
}

#[actix_web::test]
async fn messages_that_race_under_one_name_are_one_message() {
    let house = house().await;
    let racers = (0..16).map(|_| house.say(&house.ana, "a", "hello"));
    let sent: Vec<Sent> =
        futures_util::future::join_all(racers).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(sent.iter().filter(|sent| !sent.repeated).count(), 1);
    assert!(sent.iter().all(|one| (one.id, one.seq, one.at) == (sent[0].id, sent[0].seq, sent[0].at)));
    assert_eq!(house.room(house.session.room()).await, ["1 message.sent"]);
}

#[actix_web::test]
async fn messages_are_paged_newest_first() {
    let house = house().await;
    for n in 1..=3 {
        house.say(&house.ana, &n.to_string(), &format!("no {n}")).await.unwrap();
    }
    assert_eq!(house.texts(None, 2).await, (vec!["no 3".to_owned(), "no 2".to_owned()], Some(Seq(2))));
    assert_eq!(house.texts(Some(Seq(2)), 2).await, (vec!["no 1".to_owned()], None));
}

#[actix_web::test]
async fn strangers_neither_read_nor_write_and_admins_only_read() {
    let house = house().await;
    let now = house.clock.now();
    let stranger = scope(UserId::new(now), Role::Provider, &house.clock);
    let admin = scope(UserId::new(now), Role::Admin, &house.clock);
    let id = house.session.id;
    for (who, may_read) in [(stranger, false), (admin, true)] {
        let said = house.say(&who, "a", "hello").await;
        assert!(matches!(said, Err(Error::Forbidden { .. })), "{said:?}");
        let read = house.db.read(move |uow| find(uow, &who, id)).await;
        assert_eq!(read.is_ok(), may_read);
    }
    assert!(house.room(house.session.room()).await.is_empty());
}

#[actix_web::test]
async fn a_marker_only_goes_forward_and_never_past_what_was_said() {
    let house = house().await;
    for name in ["a", "b", "c"] {
        house.say(&house.ana, name, "hello").await.unwrap();
    }
    let id = house.session.id;
    for (up_to, marked) in [(2, 2), (1, 2), (9, 3)] {
        let who = house.pavel.clone();
        let seq = house.db.write(move |uow| mark_read(uow, &who, id, Seq(up_to))).await.unwrap();
        assert_eq!(seq, Seq(marked));
    }
    let (who, session) = (house.pavel.clone(), house.session.clone());
    let stand = house.db.read(move |uow| overviews(uow, &who, &[session])).await.unwrap();
    assert_eq!((stand[&id].head, stand[&id].read), (Seq(3), Seq(3)));
    assert_eq!(stand[&id].consumer_name.as_deref(), Some("Ana"));
}
