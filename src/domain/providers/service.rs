//! Use cases of provider profiles: reading, listing, updating.

use crate::db::UnitOfWork;
use crate::domain::policy::{Authorized, Scope, authorize};
use crate::domain::{Error, Kind, Page, Slice};
use crate::ids::{Category, ProviderId};

use super::{
    Bio, Categories, DisplayName, EDIT, Part, Profile, Provider, ProviderUpdated, READ, ServiceArea,
    repository,
};

/// A partial update of a profile; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileChanges {
    /// New name.
    pub(crate) display_name: Option<DisplayName>,
    /// New self-description.
    pub(crate) bio: Option<Bio>,
    /// New set of categories, replacing the old one.
    pub(crate) categories: Option<Categories>,
    /// New area; `Some(None)` removes it.
    pub(crate) service_area: Option<Option<ServiceArea>>,
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

/// Providers, newest first; with a category, only those that serve it.
pub(crate) fn list(
    uow: &mut UnitOfWork<'_>,
    category: Option<&Category>,
    page: Page<ProviderId>,
) -> Result<Slice<Provider, ProviderId>, Error> {
    let rows = repository::page(uow, category, page)?;
    Ok(page.slice(rows, |provider| provider.id))
}

/// A provider, for every signed-in user.
pub(crate) fn find(
    uow: &mut UnitOfWork<'_>,
    scope: &Scope,
    id: ProviderId,
) -> Result<Authorized<Provider>, Error> {
    let provider = load(uow, id)?;
    authorize(uow, scope, provider, READ)
}

/// Updates a profile; with an expected version, only if that is the current one.
pub(crate) fn edit(
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
    let event = ProviderUpdated { provider_id: id, part: Part::Profile, owner: provider.user_id };
    let provider = repository::update_profile(uow, provider, profile)?;
    uow.record(Some(scope.user()), &event);
    Ok(provider)
}

pub(super) fn load(uow: &mut UnitOfWork<'_>, id: ProviderId) -> Result<Provider, Error> {
    repository::find(uow, id)?.ok_or(Error::NotFound(Kind::Provider))
}
