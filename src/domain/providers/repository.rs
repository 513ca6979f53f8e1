//! Storage of provider profiles: queries and writes, no decisions.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{provider_categories, providers};
use crate::db::{DbError, UnitOfWork, one_of};
use crate::domain::Page;
use crate::domain::place::Point;
use crate::domain::policy::Authorized;
use crate::ids::{Category, ProviderId, UserId};

use super::{Bio, Categories, DisplayName, Profile, Provider, Rating, ServiceArea};

#[derive(Queryable, Selectable)]
#[diesel(table_name = providers)]
struct Row {
    id: ProviderId,
    user_id: UserId,
    display_name: DisplayName,
    bio: Bio,
    latitude: Option<f64>,
    longitude: Option<f64>,
    radius_km: Option<f64>,
    rating_count: i64,
    rating_sum: i64,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn into_provider(self, categories: BTreeSet<Category>) -> Provider {
        // The schema requires all three numbers or none, and checks their bounds.
        let centre = Point::from_parts(self.latitude, self.longitude).ok().flatten();
        let area = centre.zip(self.radius_km).and_then(|(centre, km)| ServiceArea::new(centre, km).ok());
        Provider {
            id: self.id,
            user_id: self.user_id,
            profile: Profile {
                display_name: self.display_name,
                bio: self.bio,
                categories: Categories(categories),
                service_area: area,
            },
            rating: Rating { count: self.rating_count, sum: self.rating_sum },
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: ProviderId) -> Result<Option<Provider>, DbError> {
    let row = providers::table.find(id).select(Row::as_select()).get_result(uow.conn()).optional()?;
    Ok(with_categories(uow, row.into_iter().collect())?.pop())
}

/// The provider id of a user, if they have a provider profile.
pub(crate) fn id_of(uow: &mut UnitOfWork<'_>, user: UserId) -> Result<Option<ProviderId>, DbError> {
    let theirs = providers::table.filter(providers::user_id.eq(user)).select(providers::id);
    Ok(theirs.get_result(uow.conn()).optional()?)
}

pub(super) fn page(
    uow: &mut UnitOfWork<'_>,
    category: Option<&Category>,
    page: Page<ProviderId>,
) -> Result<Vec<Provider>, DbError> {
    let mut query = providers::table.into_boxed();
    if let Some(category) = category {
        let serving = provider_categories::table
            .filter(provider_categories::category.eq(category))
            .select(provider_categories::provider_id);
        query = query.filter(providers::id.eq_any(serving));
    }
    if let Some(before) = page.before {
        query = query.filter(providers::id.lt(before));
    }
    let rows =
        query.order(providers::id.desc()).limit(page.fetch()).select(Row::as_select()).load(uow.conn())?;
    with_categories(uow, rows)
}

fn with_categories(uow: &mut UnitOfWork<'_>, rows: Vec<Row>) -> Result<Vec<Provider>, DbError> {
    let ids = rows.iter().map(|row| row.id);
    let mut categories: BTreeMap<ProviderId, BTreeSet<Category>> = BTreeMap::new();
    let pairs = provider_categories::table
        .filter(one_of(provider_categories::provider_id, ids))
        .select((provider_categories::provider_id, provider_categories::category))
        .load::<(ProviderId, Category)>(uow.conn())?;
    for (provider, category) in pairs {
        categories.entry(provider).or_default().insert(category);
    }
    let of = |row: Row| {
        let theirs = categories.remove(&row.id).unwrap_or_default();
        row.into_provider(theirs)
    };
    Ok(rows.into_iter().map(of).collect())
}

pub(super) fn update_profile(
    uow: &mut UnitOfWork<'_>,
    provider: Authorized<Provider>,
    profile: Profile,
) -> Result<Provider, DbError> {
    let updated_at = uow.now();
    let area = profile.service_area;
    let updated = diesel::update(providers::table.find(provider.id))
        .filter(providers::version.eq(provider.version))
        .set((
            providers::display_name.eq(&profile.display_name),
            providers::bio.eq(&profile.bio),
            providers::latitude.eq(area.map(|area| area.centre().latitude())),
            providers::longitude.eq(area.map(|area| area.centre().longitude())),
            providers::radius_km.eq(area.map(ServiceArea::radius_km)),
            providers::version.eq(provider.version + 1),
            providers::updated_at.eq(updated_at),
        ))
        .execute(uow.conn())?;
    if updated != 1 {
        return Err(DbError::Contended("the provider changed meanwhile".into()));
    }
    if profile.categories != provider.profile.categories {
        replace_categories(uow, &provider, &profile.categories)?;
    }
    Ok(Provider { profile, version: provider.version + 1, updated_at, ..provider.into_row() })
}

fn replace_categories(
    uow: &mut UnitOfWork<'_>,
    provider: &Authorized<Provider>,
    categories: &Categories,
) -> Result<(), DbError> {
    let theirs = provider_categories::table.filter(provider_categories::provider_id.eq(provider.id));
    diesel::delete(theirs).execute(uow.conn())?;
    for category in categories.iter() {
        diesel::insert_into(provider_categories::table)
            .values((
                provider_categories::provider_id.eq(provider.id),
                provider_categories::category.eq(category),
            ))
            .execute(uow.conn())?;
    }
    Ok(())
}
