//! Storage of simulations: queries and writes, no decisions.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::db::schema::{simulations, users};
use crate::db::{DbConnection, DbError, UnitOfWork};
use crate::domain::money::{Currency, Money};
use crate::domain::policy::{Authorized, Scope};
use crate::domain::{Error, Kind, Page};
use crate::ids::{Category, SimulationId, UserId};

use super::{Reference, Runs, Scenario, Seed, Simulation, State, Steps};

#[derive(Queryable, Insertable)]
#[diesel(table_name = simulations)]
struct Row {
    id: SimulationId,
    user_id: UserId,
    category: Category,
    base_price: i64,
    currency: Currency,
    steps: i32,
    seed: i64,
    status: State,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
    runs: i32,
    reference_price: Option<i64>,
    result: Option<String>,
}

impl Row {
    fn of(simulation: &Simulation) -> Self {
        let Scenario { category, base_price, reference, steps, runs, seed } = simulation.scenario.clone();
        Self {
            id: simulation.id,
            user_id: simulation.user_id,
            category,
            base_price: base_price.amount(),
            currency: base_price.currency(),
            steps: steps.get().into(),
            seed: seed.0.into(),
            status: simulation.state,
            version: simulation.version,
            created_at: simulation.created_at,
            updated_at: simulation.updated_at,
            runs: runs.get().into(),
            reference_price: reference.map(Reference::amount),
            result: simulation.result.as_ref().map(|result| result.get().to_owned()),
        }
    }

    fn read(self) -> Result<Simulation, DbError> {
        let steps = u32::try_from(self.steps).map_err(DbError::unreadable)?;
        let seed = u32::try_from(self.seed).map_err(DbError::unreadable)?;
        let runs = u32::try_from(self.runs).map_err(DbError::unreadable)?;
        let base_price = Money::new(self.base_price, self.currency).map_err(DbError::unreadable)?;
        let reference = |amount| {
            let price = Money::new(amount, self.currency).map_err(DbError::unreadable)?;
            Reference::new(price, base_price).map_err(DbError::unreadable)
        };
        let result = self.result.map(RawValue::from_string).transpose().map_err(DbError::unreadable)?;
        Ok(Simulation {
            id: self.id,
            user_id: self.user_id,
            scenario: Scenario {
                category: self.category,
                base_price,
                reference: self.reference_price.map(reference).transpose()?,
                steps: Steps::new(steps).map_err(DbError::unreadable)?,
                runs: Runs::new(runs).map_err(DbError::unreadable)?,
                seed: Seed(seed),
            },
            state: self.status,
            result: result.map(Arc::from),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<Simulation, Error> {
    let row = simulations::table.find(id).first::<Row>(uow.conn()).optional()?;
    Ok(row.ok_or(Error::NotFound(Kind::Simulation))?.read()?)
}

/// The caller's simulations, newest first.
pub(super) fn of_caller(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    page: Page<SimulationId>,
) -> Result<Vec<Simulation>, DbError> {
    let mut query = simulations::table.filter(simulations::user_id.eq(scope.user())).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(simulations::id.lt(before));
    }
    let rows = query.order(simulations::id.desc()).limit(page.fetch()).load::<Row>(uow.conn())?;
    rows.into_iter().map(Row::read).collect()
}

/// Locks the user row, so that the number of the user's simulations cannot grow until the end of the unit of work.
pub(super) fn lock_owner(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<(), DbError> {
    // SQLite has a single writer and needs no lock. `FOR NO KEY UPDATE` still lets other rows reference the user.
    if let DbConnection::Postgresql(connection) = uow.conn() {
        users::table
            .find(user)
            .select(users::id)
            .for_no_key_update()
            .first::<UserId>(connection)
            .optional()?;
    }
    Ok(())
}

/// Number of the user's waiting and running simulations.
pub(super) fn count_live(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<u64, DbError> {
    let is_live = simulations::status.eq(State::Pending).or(simulations::status.eq(State::Running));
    let live = simulations::table.filter(simulations::user_id.eq(user)).filter(is_live);
    let count: i64 = live.count().get_result(uow.conn())?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) fn insert(uow: &mut UnitOfWork<'_>, simulation: &Authorized<Simulation>) -> Result<(), DbError> {
    diesel::insert_into(simulations::table).values(Row::of(simulation)).execute(uow.conn())?;
    Ok(())
}

/// The oldest simulation that waits, or that is running since `running_since` or longer.
pub(super) fn next(
    uow: &mut UnitOfWork<'_>,
    running_since: Timestamp,
) -> Result<Option<Simulation>, DbError> {
    let pending = simulations::table
        .filter(simulations::status.eq(State::Pending))
        .order(simulations::id.asc())
        .first::<Row>(uow.conn())
        .optional()?;
    let running = simulations::table
        .filter(simulations::status.eq(State::Running))
        .filter(simulations::updated_at.le(running_since))
        .order(simulations::id.asc())
        .first::<Row>(uow.conn())
        .optional()?;
    pending.into_iter().chain(running).min_by_key(|row| row.id).map(Row::read).transpose()
}

/// Updates the state of a simulation, and its result if there is one, provided that its version is unchanged.
pub(super) fn set_state(
    uow: &mut UnitOfWork<'_>,
    before: Authorized<Simulation>,
    state: State,
    result: Option<Arc<RawValue>>,
) -> Result<Simulation, DbError> {
    let now = uow.now();
    let unchanged = simulations::table
        .find(before.id)
        .filter(simulations::status.eq(before.state).and(simulations::version.eq(before.version)));
    let changes = (
        simulations::status.eq(state),
        simulations::result.eq(result.as_deref().map(RawValue::get)),
        simulations::version.eq(before.version + 1),
        simulations::updated_at.eq(now),
    );
    match diesel::update(unchanged).set(changes).execute(uow.conn())? {
        1 => {
            let version = before.version + 1;
            Ok(Simulation { state, result, version, updated_at: now, ..before.into_row() })
        }
        _ => Err(DbError::Contended("the simulation changed meanwhile".into())),
    }
}
