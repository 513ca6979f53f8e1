//! A provider's catalogue: services, offer templates and portfolio photos. They differ in their fields and in
//! who may read them; ownership and use cases are the same and written once here.

mod photo;
mod service;
mod storage;
mod template;
mod use_cases;

pub(crate) use photo::{Caption, Photo, PhotoChanges, Position};
pub(crate) use service::{Service, ServiceChanges, ServiceDuration, ServicePrice};
pub(crate) use template::{Template, TemplateChanges};
pub(crate) use use_cases::{add, change, get, list_items, remove};

use std::fmt::Display;
use std::str::FromStr;

use crate::clock::Timestamp;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::{Authorized, Need, Resource, Right, Rights, Scope, Standing};
use crate::domain::{Kind, Page};
use crate::ids::{ProviderId, UserId};

use super::{Part, Provider};

/// A catalogue item: the owner's part, of kind `C`, and the columns that all kinds share.
#[derive(Clone, Debug)]
pub(crate) struct CatalogItem<C: ItemKind> {
    /// Primary key.
    pub(crate) id: C::Id,
    /// The provider's profile.
    pub(crate) provider_id: ProviderId,
    /// The provider's user.
    pub(crate) owner: UserId,
    /// The part that the owner edits.
    pub(crate) kind: C,
    /// Incremented by each change; compared with `If-Match`.
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}

/// A kind of catalogue item, and how it is stored.
pub(crate) trait ItemKind: Clone + PartialEq + Send + 'static {
    /// Kind, for errors and audit rows.
    const KIND: Kind;
    /// The part of the catalogue that a change of such an item is announced as.
    const PART: Part;
    /// The right to read one item.
    const READ: Right;
    /// The right to list a provider's items.
    const BROWSE: Right;
    /// The right to change an item.
    const EDIT: Right = Right::change(Self::KIND, "edit", Need::Owner);
    /// The right to delete an item.
    const REMOVE: Right = Right::change(Self::KIND, "remove", Need::Owner);

    /// Type of the primary key.
    type Id: Copy + Display + Send + 'static;
    /// Type of the pagination cursor.
    type Cursor: Copy + Display + FromStr + Send + 'static;
    /// A partial update.
    type Changes: Send + 'static;

    /// Generates a primary key.
    fn new_id(at: Timestamp) -> Self::Id;
    /// Cursor of a page that ends with this item.
    fn cursor(item: &CatalogItem<Self>) -> Self::Cursor;
    /// This item's contents with the changes applied.
    fn with(&self, changes: &Self::Changes) -> Self;

    /// Loads an item of this provider.
    fn find(
        uow: &mut UnitOfWork<'_>,
        shop: ProviderId,
        id: Self::Id,
    ) -> Result<Option<CatalogItem<Self>>, DbError>;
    /// A page of a provider's items.
    fn page(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        page: &Page<Self::Cursor>,
    ) -> Result<Vec<CatalogItem<Self>>, DbError>;
    /// Inserts an item.
    fn insert(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        item: &CatalogItem<Self>,
    ) -> Result<(), DbError>;
    /// Updates an item unless it changed since it was read; returns the number of rows.
    fn update(
        uow: &mut UnitOfWork<'_>,
        item: &Authorized<CatalogItem<Self>>,
        kind: &Self,
    ) -> Result<usize, DbError>;
    /// Deletes an item unless it changed since it was read; returns the number of rows.
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
