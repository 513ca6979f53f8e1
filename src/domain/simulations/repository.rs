//! Storage of simulations: queries and writes, no decisions.

use std::sync::Arc;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::db::schema::{simulations, users};
use crate::db::{DbConnection, DbError, UnitOfWork, claims};
use crate::domain::money::{Currency, Money};
use crate::domain::place::Point;
use crate::domain::policy::{Authorized, Scope};
use crate::domain::{Error, Kind, Page};
use crate::ids::{Category, NodeId, SimulationId, UserId};
use crate::simulation::{Capacity, WhenFull};

use super::{Area, Assumptions, Reference, Runs, Scenario, Seed, Simulation, State, Steps};

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
    latitude: Option<f64>,
    longitude: Option<f64>,
    radius_km: Option<i32>,
    slots_per_day: Option<i32>,
    is_deferred: Option<bool>,
    assumptions: Option<String>,
}

impl Row {
    fn of(simulation: &Simulation) -> Result<Self, DbError> {
        let Scenario { category, base_price, reference, area, capacity, steps, runs, seed } =
            simulation.scenario.clone();
        let slots_per_day = capacity.map(|capacity| i32::try_from(capacity.per_step));
        Ok(Self {
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
            latitude: area.map(|area| area.point().latitude()),
            longitude: area.map(|area| area.point().longitude()),
            radius_km: area.map(|area| area.radius_km().into()),
            slots_per_day: slots_per_day.transpose().map_err(DbError::unreadable)?,
            is_deferred: capacity.map(|capacity| capacity.when_full == WhenFull::Defer),
            assumptions: simulation.assumptions.as_ref().map(serde_json::to_string).transpose()?,
        })
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
        let area = |((latitude, longitude), radius): ((f64, f64), i32)| {
            let point = Point::new(latitude, longitude).map_err(DbError::unreadable)?;
            let radius = u32::try_from(radius).map_err(DbError::unreadable)?;
            Area::new(point, radius).map_err(DbError::unreadable)
        };
        let area = self.latitude.zip(self.longitude).zip(self.radius_km).map(area).transpose()?;
        let when_full = if self.is_deferred == Some(true) { WhenFull::Defer } else { WhenFull::Decline };
        let per_step = self.slots_per_day.map(u32::try_from).transpose().map_err(DbError::unreadable)?;
        let capacity = per_step.map(|per_step| Capacity { per_step, when_full });
        let assumptions = self.assumptions.map(|text| serde_json::from_str(&text).map_err(DbError::from));
        let result = self.result.map(RawValue::from_string).transpose().map_err(DbError::unreadable)?;
        Ok(Simulation {
            id: self.id,
            user_id: self.user_id,
            scenario: Scenario {
                category: self.category,
                base_price,
                reference: self.reference_price.map(reference).transpose()?,
                area,
                capacity,
                steps: Steps::new(steps).map_err(DbError::unreadable)?,
                runs: Runs::new(runs).map_err(DbError::unreadable)?,
                seed: Seed(seed),
            },
            assumptions: assumptions.transpose()?,
            state: self.status,
            result: result.map(Arc::from),
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<Simulation, Error> {
    let row = simulations::table.find(id).get_result::<Row>(uow.conn()).optional()?;
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
            .get_result::<UserId>(connection)
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

/// Number of the user's simulations that were created at that time or later.
pub(super) fn count_since(uow: &mut UnitOfWork<'_>, user: UserId, since: Timestamp) -> Result<u64, DbError> {
    let created =
        simulations::table.filter(simulations::user_id.eq(user)).filter(simulations::created_at.ge(since));
    let count: i64 = created.count().get_result(uow.conn())?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) fn insert(uow: &mut UnitOfWork<'_>, simulation: &Authorized<Simulation>) -> Result<(), DbError> {
    diesel::insert_into(simulations::table).values(Row::of(simulation)?).execute(uow.conn())?;
    Ok(())
}

/// The name by which a node claims a simulation, so that no other one computes it.
pub(super) fn claim(id: SimulationId) -> String {
    format!("simulation:{id}")
}

/// The simulation that runs and that no other node computes, which was left by one that is gone; or else one that waits:
/// users take turns, `last` being whose turn was last, and each user's own are in order of creation. Suspended users
/// have no turn.
pub(super) fn next(
    uow: &mut UnitOfWork<'_>,
    node: NodeId,
    last: Option<UserId>,
) -> Result<Option<SimulationId>, DbError> {
    let is_free = claims::is_free(uow.conn(), node, "'simulation:' || simulations.id");
    let left = simulations::table
        .filter(simulations::status.eq(State::Running))
        .filter(sql::<Bool>(&is_free))
        .order(simulations::id.asc())
        .limit(1)
        .select(simulations::id)
        .get_result(uow.conn())
        .optional()?;
    if left.is_some() {
        return Ok(left);
    }
    macro_rules! waiting {
        () => {
            simulations::table
                .inner_join(users::table.on(users::id.eq(simulations::user_id)))
                .filter(users::is_active.eq(true))
                .filter(simulations::status.eq(State::Pending))
                .order((simulations::user_id.asc(), simulations::id.asc()))
                .limit(1)
                .select(simulations::id)
        };
    }
    if let Some(last) = last {
        let after = waiting!().filter(simulations::user_id.gt(last)).get_result(uow.conn()).optional()?;
        if after.is_some() {
            return Ok(after);
        }
    }
    Ok(waiting!().get_result(uow.conn()).optional()?)
}

/// Whether the simulation is to be computed further: it runs, and its owner is not suspended.
pub(super) fn is_running(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<bool, DbError> {
    let running = simulations::table
        .inner_join(users::table.on(users::id.eq(simulations::user_id)))
        .filter(simulations::id.eq(id))
        .filter(simulations::status.eq(State::Running))
        .filter(users::is_active.eq(true));
    Ok(running.count().get_result::<i64>(uow.conn())? > 0)
}

/// Marks a simulation as failed, without reading all of its row. Returns the owner and the new version, unless it
/// has ended already.
pub(super) fn give_up(uow: &mut UnitOfWork<'_>, id: SimulationId) -> Result<Option<(UserId, i64)>, DbError> {
    let now = uow.now();
    let changes = (
        simulations::status.eq(State::Failed),
        simulations::version.eq(simulations::version + 1),
        simulations::updated_at.eq(now),
    );
    let live = [State::Pending, State::Running];
    let changed = diesel::update(simulations::table.find(id).filter(simulations::status.eq_any(live)))
        .set(changes)
        .execute(uow.conn())?;
    if changed == 0 {
        return Ok(None);
    }
    let row = simulations::table.find(id).select((simulations::user_id, simulations::version));
    Ok(Some(row.get_result(uow.conn())?))
}

/// What a step changes besides the state.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// The assumptions, if they are known from now on.
    pub(super) assumptions: Option<Assumptions>,
    /// The result, if there is one.
    pub(super) result: Option<Arc<RawValue>>,
}

/// Updates the state of a simulation, provided that its version is unchanged.
pub(super) fn set_state(
    uow: &mut UnitOfWork<'_>,
    before: Authorized<Simulation>,
    state: State,
    Changes { assumptions, result }: Changes,
) -> Result<Simulation, DbError> {
    let now = uow.now();
    let version = before.version + 1;
    let assumptions = assumptions.or_else(|| before.assumptions.clone());
    let unchanged = simulations::table
        .find(before.id)
        .filter(simulations::status.eq(before.state).and(simulations::version.eq(before.version)));
    let changes = (
        simulations::status.eq(state),
        simulations::assumptions.eq(assumptions.as_ref().map(serde_json::to_string).transpose()?),
        simulations::result.eq(result.as_deref().map(RawValue::get)),
        simulations::version.eq(version),
        simulations::updated_at.eq(now),
    );
    match diesel::update(unchanged).set(changes).execute(uow.conn())? {
        1 => Ok(Simulation { state, assumptions, result, version, updated_at: now, ..before.into_row() }),
        _ => Err(DbError::Contended("the simulation changed meanwhile".into())),
    }
}
