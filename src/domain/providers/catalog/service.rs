//! Services: catalogue items that a provider sells.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{providers, services};
use crate::db::{DbError, UnitOfWork};
use crate::domain::money::{Currency, InvalidPriceRange, PriceRange};
use crate::domain::policy::{Authorized, Need, Right};
use crate::domain::providers::{Part, Provider, READ};
use crate::domain::text::{MultiLine, SingleLine};
use crate::domain::{Kind, Page};
use crate::ids::{Category, ProviderId, ServiceId, UserId};

use super::{CatalogItem, ItemKind};

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// Name, as shown to consumers.
    pub(crate) name: SingleLine<120>,
    /// The category it belongs to.
    pub(crate) category: Category,
    /// Description; may be empty.
    pub(crate) description: MultiLine<4000>,
    /// Price range.
    pub(crate) price: ServicePrice,
    /// Usual duration.
    pub(crate) duration: ServiceDuration,
}

/// What a service costs. Unlike a budget, it says from where and up to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct ServicePrice {
    /// Minor units.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    min: i64,
    /// Minor units; not less than `min`.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    max: i64,
    /// ISO 4217 code.
    currency: Currency,
}

impl ServicePrice {
    /// A range with both bounds, in minor units.
    pub(crate) fn new(min: i64, max: i64, currency: Currency) -> Result<Self, InvalidPriceRange> {
        PriceRange::new(Some(min), Some(max), currency)?;
        Ok(Self { min, max, currency })
    }
}

/// Duration of a service in whole minutes: at least 1, at most 31 days, like a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServiceDuration(i32);

/// The number is not a valid duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {} minutes", ServiceDuration::MAX_MINUTES)]
pub(crate) struct InvalidServiceDuration;

impl ServiceDuration {
    /// 31 days, in minutes.
    pub(crate) const MAX_MINUTES: i32 = 31 * 24 * 60;

    /// From 1 to [`ServiceDuration::MAX_MINUTES`].
    pub(crate) fn from_minutes(minutes: i32) -> Result<Self, InvalidServiceDuration> {
        (1..=Self::MAX_MINUTES).contains(&minutes).then_some(Self(minutes)).ok_or(InvalidServiceDuration)
    }

    /// Whole minutes.
    pub(crate) fn minutes(self) -> i32 {
        self.0
    }
}

/// A partial update of a service; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "as in Service")]
pub(crate) struct ServiceChanges {
    pub(crate) name: Option<SingleLine<120>>,
    pub(crate) category: Option<Category>,
    pub(crate) description: Option<MultiLine<4000>>,
    pub(crate) price: Option<ServicePrice>,
    pub(crate) duration: Option<ServiceDuration>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = services)]
struct Row {
    id: ServiceId,
    provider_id: ProviderId,
    #[diesel(select_expression = providers::user_id)]
    owner: UserId,
    name: SingleLine<120>,
    category: Category,
    description: MultiLine<4000>,
    price_min: i64,
    price_max: i64,
    currency: Currency,
    duration_minutes: i32,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for CatalogItem<Service> {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            provider_id: row.provider_id,
            owner: row.owner,
            kind: Service {
                name: row.name,
                category: row.category,
                description: row.description,
                price: ServicePrice { min: row.price_min, max: row.price_max, currency: row.currency },
                duration: ServiceDuration(row.duration_minutes),
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl ItemKind for Service {
    const KIND: Kind = Kind::Service;
    const PART: Part = Part::Services;
    const READ: Right = Right::look(Kind::Service, "read", Need::Public);
    const BROWSE: Right = READ;

    type Id = ServiceId;
    type Cursor = ServiceId;
    type Changes = ServiceChanges;

    fn new_id(at: Timestamp) -> ServiceId {
        ServiceId::new(at)
    }

    fn cursor(item: &CatalogItem<Self>) -> ServiceId {
        item.id
    }

    fn with(&self, changes: &ServiceChanges) -> Self {
        let ServiceChanges { name, category, description, price, duration } = changes.clone();
        let old = self.clone();
        Self {
            name: name.unwrap_or(old.name),
            category: category.unwrap_or(old.category),
            description: description.unwrap_or(old.description),
            price: price.unwrap_or(old.price),
            duration: duration.unwrap_or(old.duration),
        }
    }

    fn find(
        uow: &mut UnitOfWork<'_>,
        shop: ProviderId,
        id: ServiceId,
    ) -> Result<Option<CatalogItem<Self>>, DbError> {
        let row = services::table
            .inner_join(providers::table)
            .filter(services::id.eq(id).and(services::provider_id.eq(shop)))
            .select(Row::as_select())
            .first(uow.conn())
            .optional()?;
        Ok(row.map(CatalogItem::from))
    }

    fn page(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        page: &Page<ServiceId>,
    ) -> Result<Vec<CatalogItem<Self>>, DbError> {
        let theirs = services::table.inner_join(providers::table).filter(services::provider_id.eq(shop.id));
        let mut query = theirs.into_boxed();
        if let Some(before) = page.before {
            query = query.filter(services::id.lt(before));
        }
        let query = query.order(services::id.desc()).limit(page.fetch()).select(Row::as_select());
        Ok(query.load(uow.conn())?.into_iter().map(CatalogItem::from).collect())
    }

    fn insert(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        item: &CatalogItem<Self>,
    ) -> Result<(), DbError> {
        let Service { name, category, description, price, duration } = &item.kind;
        diesel::insert_into(services::table)
            .values((
                services::id.eq(item.id),
                services::provider_id.eq(shop.id),
                services::name.eq(name),
                services::category.eq(category),
                services::description.eq(description),
                services::price_min.eq(price.min),
                services::price_max.eq(price.max),
                services::currency.eq(price.currency),
                services::duration_minutes.eq(duration.0),
                services::version.eq(item.version),
                services::created_at.eq(item.created_at),
                services::updated_at.eq(item.updated_at),
            ))
            .execute(uow.conn())?;
        Ok(())
    }

    fn update(
        uow: &mut UnitOfWork<'_>,
        item: &Authorized<CatalogItem<Self>>,
        kind: &Self,
    ) -> Result<usize, DbError> {
        let now = uow.now();
        let Service { name, category, description, price, duration } = kind;
        let seen = services::table.find(item.id).filter(services::version.eq(item.version));
        Ok(diesel::update(seen)
            .set((
                services::name.eq(name),
                services::category.eq(category),
                services::description.eq(description),
                services::price_min.eq(price.min),
                services::price_max.eq(price.max),
                services::currency.eq(price.currency),
                services::duration_minutes.eq(duration.0),
                services::version.eq(item.version + 1),
                services::updated_at.eq(now),
            ))
            .execute(uow.conn())?)
    }

    fn delete(uow: &mut UnitOfWork<'_>, item: &Authorized<CatalogItem<Self>>) -> Result<usize, DbError> {
        let seen = services::table.find(item.id).filter(services::version.eq(item.version));
        Ok(diesel::delete(seen).execute(uow.conn())?)
    }
}
