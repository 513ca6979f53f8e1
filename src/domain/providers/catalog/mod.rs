//! Wares: what stands in a shop. Services, templates and photos differ in what they say and in who may look; whose they
//! are, and what can be done with them, is the same and written once here.

mod photo;
mod service;
mod template;
mod use_cases;

pub use photo::{Caption, Photo, PhotoChanges, PhotoPlace, Position};
pub use service::{Service, ServiceChanges, ServiceDuration, ServicePrice};
pub use template::{Template, TemplateChanges};
pub use use_cases::{add, change, get, list_items, remove};

use std::fmt::Display;

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::{Kind, Page};
use crate::ids::{ProviderId, UserId};

use super::{Part, Provider};

/// A thing in a shop: what its owner writes, and what is the same for all of them.
#[derive(Clone, Debug)]
pub struct CatalogItem<C: ItemKind> {
    /// Primary key.
    pub id: C::Id,
    /// The shop it stands in.
    pub provider_id: ProviderId,
    /// The user whose shop that is.
    pub owner: UserId,
    /// What its owner writes.
    pub kind: C,
    /// Incremented by each change; compared with `If-Match`.
    pub version: i64,
    /// When it was put there.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A kind of ware, and how it is stored.
pub trait ItemKind: Clone + PartialEq + Sized {
    /// Its noun.
    const KIND: Kind;
    /// The part of the shop that changes with it.
    const PART: Part;
    /// To look at one.
    const READ: Right;
    /// To look at those of a shop.
    const BROWSE: Right;
    /// To change one.
    const EDIT: Right = Right::change(Self::KIND, "edit", Need::Owner);
    /// To take one out of the shop.
    const REMOVE: Right = Right::change(Self::KIND, "remove", Need::Owner);

    /// What names one.
    type Id: Copy + Display;
    /// What a page of them continues after.
    type Cursor;
    /// What may be changed at once.
    type Changes;

    /// A fresh id.
    fn new_id(at: Timestamp) -> Self::Id;
    /// Where a page that ends with this one continues.
    fn cursor(item: &CatalogItem<Self>) -> Self::Cursor;
    /// What it says after the changes.
    fn with(&self, changes: &Self::Changes) -> Self;

    /// The one of this id in this shop.
    fn find(
        uow: &mut UnitOfWork<'_>,
        shop: ProviderId,
        id: Self::Id,
    ) -> Result<Option<CatalogItem<Self>>, DbError>;
    /// Those of a shop.
    fn page(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        page: &Page<Self::Cursor>,
    ) -> Result<Vec<CatalogItem<Self>>, DbError>;
    /// Puts one into a shop.
    fn insert(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        item: &CatalogItem<Self>,
    ) -> Result<(), DbError>;
    /// Writes what it says now, unless somebody else changed it; returns how many rows that were.
    fn update(
        uow: &mut UnitOfWork<'_>,
        item: &Authorized<CatalogItem<Self>>,
        kind: &Self,
    ) -> Result<usize, DbError>;
    /// Takes it out, unless somebody changed it; returns how many rows that were.
    fn delete(uow: &mut UnitOfWork<'_>, item: &Authorized<CatalogItem<Self>>) -> Result<usize, DbError>;
}

impl<C: ItemKind> Resource for CatalogItem<C> {
    const KIND: Kind = C::KIND;

    fn row_id(&self) -> String {
        self.id.to_string()
    }

    fn standing(&self, scope: &Scope) -> Standing {
        if scope.user() == self.owner { Standing::Owner } else { Standing::Public }
    }
}

impl<C: ItemKind> Rights for CatalogItem<C> {
    const RIGHTS: &'static [Right] = &[C::READ, C::EDIT, C::REMOVE];
}
