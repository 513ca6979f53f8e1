//! Providers: the profile of users who answer requests, and their catalogue of [`CatalogItem`]s: services,
//! templates and portfolio photos.
//!
//! All of it but the templates is readable for every signed-in user.

mod events;
mod repository;
mod service;
mod catalog;

pub(crate) use catalog::{
    Caption, CatalogItem, ItemKind, Photo, PhotoChanges, Position, Service, ServiceChanges, ServiceDuration,
    ServicePrice, Template, TemplateChanges, add, change, get, list_items, remove,
};
pub(crate) use events::{Part, ProviderUpdated};
pub(crate) use repository::id_of;
pub(crate) use service::{ProfileChanges, edit, find, list};

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::domain::Kind;
use crate::domain::place::Point;
use crate::domain::policy::{Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::text::{MultiLine, SingleLine};
use crate::ids::{Category, ProviderId, UserId};

/// A provider profile.
#[derive(Clone, Debug)]
pub(crate) struct Provider {
    /// Primary key.
    pub(crate) id: ProviderId,
    /// The owning user.
    pub(crate) user_id: UserId,
    /// The part that its owner edits.
    pub(crate) profile: Profile,
    /// Ratings by consumers.
    pub(crate) rating: Rating,
    /// Incremented by each change; compared with `If-Match`.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the profile's last change; items have their own.
    pub(crate) updated_at: Timestamp,
}

/// A provider's name, as consumers see it.
pub(crate) type DisplayName = SingleLine<80>;

/// A provider's self-description.
pub(crate) type Bio = MultiLine<2000>;

/// The part of a provider that its owner edits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    /// Name, as consumers see it.
    pub(crate) display_name: DisplayName,
    /// Self-description; may be empty.
    pub(crate) bio: Bio,
    /// Categories served.
    pub(crate) categories: Categories,
    /// Area served; `None` until set.
    pub(crate) service_area: Option<ServiceArea>,
}

/// The set of categories that a provider serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Categories(BTreeSet<Category>);

/// More than [`Categories::MAX`] categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {} categories", Categories::MAX)]
pub(crate) struct TooManyCategories;

impl Categories {
    /// Maximum number of categories, so that providers do not simply list all of them.
    pub(crate) const MAX: usize = 20;

    /// At most [`Categories::MAX`]; duplicates count once.
    pub(crate) fn new(categories: impl IntoIterator<Item = Category>) -> Result<Self, TooManyCategories> {
        let categories: BTreeSet<_> = categories.into_iter().collect();
        if categories.len() > Self::MAX { Err(TooManyCategories) } else { Ok(Self(categories)) }
    }

    /// The categories in alphabetical order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Category> {
        self.0.iter()
    }
}

/// A circle on the map.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct ServiceArea {
    /// Its centre.
    centre: Point,
    /// Kilometres, more than 0 and at most 1,000.
    #[schema(exclusive_minimum = 0, maximum = 1_000)]
    radius_km: f64,
}

/// The number is not a valid radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be more than 0 and at most {} kilometres", ServiceArea::MAX_KM)]
pub(crate) struct InvalidRadius;

impl ServiceArea {
    /// Maximum radius in kilometres; services are meant to be local.
    pub(crate) const MAX_KM: f64 = 1000.0;

    /// A circle around `centre` with a radius in kilometres.
    pub(crate) fn new(centre: Point, radius_km: f64) -> Result<Self, InvalidRadius> {
        // Comparisons with NaN are false.
        let fits = radius_km > 0.0 && radius_km <= Self::MAX_KM;
        fits.then_some(Self { centre, radius_km }).ok_or(InvalidRadius)
    }

    /// The centre of the circle.
    pub(crate) fn centre(self) -> Point {
        self.centre
    }

    /// The radius in kilometres.
    pub(crate) fn radius_km(self) -> f64 {
        self.radius_km
    }
}

/// Sum of the consumers' ratings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rating {
    /// Number of ratings.
    pub(crate) count: i64,
    /// Sum of the stars.
    pub(crate) sum: i64,
}

impl Rating {
    /// Average number of stars, 1 to 5; `None` without ratings.
    pub(crate) fn average(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "stars of a shop stay far below 2^52")]
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

impl Resource for Provider {
    const KIND: Kind = Kind::Provider;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.user_id { Standing::Owner } else { Standing::Public }
    }
}

const READ: Right = Right::look(Kind::Provider, "read", Need::Public);
const EDIT: Right = Right::change(Kind::Provider, "edit", Need::Owner);
/// The right to add a catalogue item.
const ADD_ITEM: Right = Right::change(Kind::Provider, "stock", Need::Owner);
/// The right to list templates, which are not public.
const BROWSE_TEMPLATES: Right = Right::look(Kind::Provider, "browse the templates of", Need::Owner);

impl Rights for Provider {
    const RIGHTS: &'static [Right] = &[READ, EDIT, ADD_ITEM, BROWSE_TEMPLATES];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radius_is_a_distance_that_somebody_drives() {
        let here = Point::new(52.5, 13.4).unwrap();
        assert!(ServiceArea::new(here, 1000.0).is_ok());
        for radius in [0.0, -1.0, 1000.1, f64::NAN, f64::INFINITY] {
            assert_eq!(ServiceArea::new(here, radius), Err(InvalidRadius));
        }
    }

    #[test]
    fn a_shop_serves_a_few_markets_each_once() {
        let named = |n: usize| format!("c{n}").parse::<Category>().unwrap();
        let twice = Categories::new([named(1), named(1)]).unwrap();
        assert_eq!(twice.iter().count(), 1);
        assert!(Categories::new((0..20).map(named)).is_ok());
        assert_eq!(Categories::new((0..21).map(named)), Err(TooManyCategories));
    }

    #[test]
    fn nobody_has_rated_a_new_shop() {
        assert_eq!(Rating::default().average(), None);
        assert_eq!(Rating { count: 2, sum: 9 }.average(), Some(4.5));
    }
}
