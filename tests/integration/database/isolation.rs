//! Units of work have the isolation that they are written for, whatever the database's own default is.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection};
use souk::clock::Clock;
use souk::db::{Db, DbConfig, DbError, Target, UnitOfWork};

use crate::support::Engine;

#[derive(QueryableByName)]
struct Shown {
    #[diesel(sql_type = Text)]
    transaction_isolation: String,
}

fn shown(uow: &mut UnitOfWork<'_>) -> Result<String, DbError> {
    let shown: Shown = diesel::sql_query("SHOW transaction_isolation").get_result(uow.conn())?;
    Ok(shown.transaction_isolation)
}

#[test]
fn writes_read_what_is_committed_also_where_the_default_is_another() {
    let Some(database) = Engine::Postgres.database() else { return };
    let url = database.url();
    let name = url.split_once(":///").unwrap().1.split('?').next().unwrap();
    let mut connection = PgConnection::establish(&url).unwrap();
    let alter = format!("ALTER DATABASE {name} SET default_transaction_isolation TO 'serializable'");
    connection.batch_execute(&alter).unwrap();
    drop(connection);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let db = Db::open(&DbConfig::new(Target::Postgres(url)), Clock::system(), Arc::new(())).unwrap();
    runtime.block_on(async {
        assert_eq!(db.write(shown).await.unwrap(), "read committed");
        assert_eq!(db.read(shown).await.unwrap(), "repeatable read");
        db.close().await;
    });
}
