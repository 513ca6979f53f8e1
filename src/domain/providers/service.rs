//! Use cases of shops and their profiles.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{Category, ProviderId};

use super::{
    Bio, Categories, DisplayName, EDIT, Part, Profile, Provider, READ, ServiceArea, ShopUpdated, repository,
};

/// A partial update of a profile; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct ProfileChanges {
    /// What the shop is called.
    pub display_name: Option<DisplayName>,
    /// More about it.
    pub bio: Option<Bio>,
    /// The markets it serves, all of them.
    pub categories: Option<Categories>,
    /// Where it serves them; `Some(None)` takes it back.
    pub service_area: Option<Option<ServiceArea>>,
}

impl ProfileChanges {
    fn apply(&self, to: &Profile) -> Profile {
        let ProfileChanges { display_name, bio, categories, service_area } = self.clone();
        Profile {
            display_name: display_name.unwrap_or_else(|| to.display_name.clone()),
            bio: bio.unwrap_or_else(|| to.bio.clone()),
            categories: categories.unwrap_or_else(|| to.categories.clone()),
            service_area: service_area.unwrap_or(to.service_area),
        }
    }
}

/// The shops, newest first; those of one market when it is named.
pub fn list(
    uow: &mut UnitOfWork<'_>,
    category: Option<&Category>,
    page: Page<ProviderId>,
) -> Result<Slice<Provider, ProviderId>, Error> {
    let rows = repository::page(uow, category, page)?;
    Ok(page.slice(rows, |provider| provider.id))
}

/// A shop, for everyone.
pub fn find(uow: &mut UnitOfWork<'_>, scope: &Scope, id: ProviderId) -> Result<Authorized<Provider>, Error> {
    let provider = load(uow, id)?;
    authorize(uow, scope, provider, READ)
}

/// Updates a profile; with an expected version, only if that is the current one.
pub fn edit(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProviderId,
    changes: &ProfileChanges,
    expected: Option<i64>,
) -> Result<Provider, Error> {
    let provider = load(uow, id)?;
    let provider = authorize(uow, scope, provider, EDIT)?;
    Error::if_stale(Kind::Provider, provider.version, expected)?;
    let profile = changes.apply(&provider.profile);
    if profile == provider.profile {
        return Ok(provider.into_row());
    }
    let fact = ShopUpdated { provider_id: id, part: Part::Profile, owner: provider.user_id };
    let provider = repository::update_profile(uow, provider, profile)?;
    uow.record(Some(scope.user()), &fact);
    Ok(provider)
}

pub(super) fn load(uow: &mut UnitOfWork<'_>, id: ProviderId) -> Result<Provider, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Provider))
}
