//! Direct access to the server's database, for what no public interface shows.

use diesel::prelude::*;
use souk::db::DbError;
use souk::db::event_log;
use souk::db::schema::audit;
use souk::domain::policy::Scope;
use souk::events::Envelope;
use souk::ids::{CallId, Room, Seq};

use super::{Person, TestApp, eventually};

impl TestApp {
    /// Waits until the admins' room has the events of everything that was committed: on PostgreSQL it is filled
    /// afterwards.
    pub async fn db_admins_have_heard(&self) {
        #[derive(diesel::QueryableByName)]
        struct Waiting {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            waiting: i64,
        }
        eventually(async || {
            let waiting = self.server.db.read(|uow| {
                if !uow.conn().is_postgres() {
                    return Ok(0);
                }
                let waiting = diesel::sql_query(
                    "SELECT count(*) AS waiting FROM commits c, commit_readers r WHERE c.admin_events IS NOT NULL \
                     AND NOT pg_visible_in_snapshot(c.xid, r.position::pg_snapshot)",
                );
                let found: Waiting = waiting.get_result(uow.conn())?;
                Ok::<_, DbError>(found.waiting)
            });
            waiting.await.unwrap() == 0
        })
        .await;
    }

    /// The scope of a user's token, to call use cases directly.
    pub async fn db_scope(&self, person: &Person) -> Scope {
        let call = CallId::new(self.clock.now());
        self.server.auth.authenticate(person.token().unwrap(), call).await.unwrap()
    }

    /// The room's events, oldest first.
    pub async fn db_events(&self, room: &str) -> Vec<Envelope> {
        let room: Room = room.parse().unwrap();
        self.server.db.read(move |uow| event_log::after(uow.conn(), &room, Seq::START, 1000)).await.unwrap()
    }

    /// The audit trail of a row, oldest first: outcome and action of each entry.
    pub async fn db_audit(&self, kind: &'static str, row: &str) -> Vec<String> {
        let row = row.to_owned();
        let rows: Vec<(String, String)> = self
            .server
            .db
            .read(move |uow| -> Result<_, DbError> {
                let trail = audit::table.filter(audit::kind.eq(kind).and(audit::row_id.eq(row)));
                Ok(trail.order(audit::id).select((audit::outcome, audit::action)).load(uow.conn())?)
            })
            .await
            .unwrap();
        rows.into_iter().map(|(outcome, action)| format!("{outcome} {action}")).collect()
    }
}
