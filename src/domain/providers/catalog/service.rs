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
use crate::ids::{Category, ProviderId, ServiceId};

use super::storage::{Row, stored_in};
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

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = services)]
struct Columns {
    name: SingleLine<120>,
    category: Category,
    description: MultiLine<4000>,
    price_min: i64,
    price_max: i64,
    currency: Currency,
    duration_minutes: i32,
}

impl Columns {
    fn of(service: &Service) -> Self {
        let Service { name, category, description, price, duration } = service.clone();
        Self {
            name,
            category,
            description,
            price_min: price.min,
            price_max: price.max,
            currency: price.currency,
            duration_minutes: duration.0,
        }
    }

    fn read(self) -> Result<Service, DbError> {
        Ok(Service {
            name: self.name,
            category: self.category,
            description: self.description,
            price: ServicePrice { min: self.price_min, max: self.price_max, currency: self.currency },
            duration: ServiceDuration(self.duration_minutes),
        })
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

    stored_in!(services, order: services::id.desc(), after: |last| services::id.lt(last));
}
