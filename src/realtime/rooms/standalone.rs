//! The policy of rooms that belong to no database row: a user's own room, the markets, the admins' room, load
//! tests.

use crate::db::UnitOfWork;
use crate::domain::policy::{Need, Resource, Right, Scope, Standing, authorize};
use crate::domain::users::Role;
use crate::domain::{Error, Kind};
use crate::ids::{Category, Room, UserId};

/// A user's own room: for that user only, not even for admins.
pub(super) fn own(uow: &mut UnitOfWork<'_>, scope: &Scope, user: UserId) -> Result<(), Error> {
    authorize(uow, scope, Own(user), Right::look(Kind::Room, "join", Need::Owner)).map(drop)
}

/// Market rooms are for providers.
pub(super) fn market(uow: &mut UnitOfWork<'_>, scope: &Scope, category: &Category) -> Result<(), Error> {
    let market = Shared(Room::Market(category.clone()));
    authorize(uow, scope, market, Right::look(Kind::Room, "join", Need::Public)).map(drop)
}

/// The admins' rooms are for admins.
pub(super) fn admin(uow: &mut UnitOfWork<'_>, scope: &Scope, room: &Room) -> Result<(), Error> {
    authorize(uow, scope, Shared(room.clone()), Right::look(Kind::Room, "join", Need::Admin)).map(drop)
}

/// Load-test rooms are for load-test users.
pub(super) fn load_test(uow: &mut UnitOfWork<'_>, scope: &Scope, room: &Room) -> Result<(), Error> {
    authorize(uow, scope, Synthetic(room.clone()), Right::look(Kind::Room, "join", Need::Public)).map(drop)
}

struct Own(UserId);

impl Resource for Own {
    const KIND: Kind = Kind::Room;
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        Room::User(self.0).to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.0 { Standing::Owner } else { Standing::Stranger }
    }
}

struct Shared(Room);

impl Resource for Shared {
    const KIND: Kind = Kind::Room;

    fn row_id(&self) -> String {
        self.0.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        match (&self.0, scope.role()) {
            (Room::Market(_), Role::Provider) => Standing::Public,
            _ => Standing::Stranger,
        }
    }
}

struct Synthetic(Room);

impl Resource for Synthetic {
    const KIND: Kind = Kind::Room;
    const FOR_LOAD_TESTS: bool = true;
    const ADMIN_PASSES: bool = false;

    fn row_id(&self) -> String {
        self.0.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.is_synthetic() { Standing::Public } else { Standing::Stranger }
    }
}
