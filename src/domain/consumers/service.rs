//! Use cases of consumer profiles: reading and updating.

use crate::db::UnitOfWork;
use crate::domain::place::{Address, Point};
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::{Error, Kind};
use crate::ids::ConsumerId;

use super::{Consumer, ConsumerUpdated, DisplayName, EDIT, Profile, READ, repository};

/// A partial update of a profile; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileChanges {
    /// New name.
    pub(crate) display_name: Option<DisplayName>,
    /// New default address; `Some(None)` removes it.
    pub(crate) address: Option<Option<Address>>,
    /// New default coordinates; `Some(None)` removes them.
    pub(crate) point: Option<Option<Point>>,
}

impl ProfileChanges {
    fn apply(&self, to: &Profile) -> Profile {
        let mut profile = to.clone();
        if let Some(display_name) = &self.display_name {
            profile.display_name = display_name.clone();
        }
        if let Some(address) = &self.address {
            profile.place.address = address.clone();
        }
        if let Some(point) = self.point {
            profile.place.point = point;
        }
        profile
    }
}

/// A consumer, for its owner and admins.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConsumerId,
) -> Result<Authorized<Consumer>, Error> {
    let consumer = load(uow, id)?;
    authorize(uow, scope, consumer, READ)
}

/// Updates a profile; with an expected version, only if that is the current one.
pub(crate) fn edit(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ConsumerId,
    changes: &ProfileChanges,
    expected: Option<i64>,
) -> Result<Consumer, Error> {
    let consumer = load(uow, id)?;
    let consumer = authorize(uow, scope, consumer, EDIT)?;
    Error::if_stale(Kind::Consumer, consumer.version, expected)?;
    let profile = changes.apply(&consumer.profile);
    if profile == consumer.profile {
        return Ok(consumer.into_row());
    }
    let event = ConsumerUpdated { consumer_id: id, owner: consumer.user_id };
    let consumer = repository::update_profile(uow, consumer, profile)?;
    uow.record(Some(scope.user()), &event);
    Ok(consumer)
}

fn load(uow: &mut UnitOfWork<'_>, id: ConsumerId) -> Result<Consumer, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Consumer))
}
