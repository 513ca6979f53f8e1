//! Templates: prepared offers with message and price, readable by their owner only.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{providers, templates};
use crate::db::{DbError, UnitOfWork};
use crate::domain::money::{Currency, Money};
use crate::domain::offers::Message;
use crate::domain::policy::{Authorized, Need, Right};
use crate::domain::providers::{BROWSE_TEMPLATES, Part, Provider};
use crate::domain::text::SingleLine;
use crate::domain::{Kind, Page};
use crate::ids::{ProviderId, TemplateId, UserId};

use super::{CatalogItem, ItemKind};

/// An offer template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// Name, as shown to its owner.
    pub(crate) title: SingleLine<120>,
    /// Message of an offer made from it: of the same type as an offer's, so that it always fits.
    pub(crate) message: Message,
    /// Price of an offer made from it.
    pub(crate) price: Money,
}

/// A partial update of a template; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "as in Template")]
pub(crate) struct TemplateChanges {
    pub(crate) title: Option<SingleLine<120>>,
    pub(crate) message: Option<Message>,
    pub(crate) price: Option<Money>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = templates)]
struct Row {
    id: TemplateId,
    provider_id: ProviderId,
    #[diesel(select_expression = providers::user_id)]
    owner: UserId,
    title: SingleLine<120>,
    message: Message,
    price: i64,
    currency: Currency,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn into_ware(self) -> Result<CatalogItem<Template>, DbError> {
        let price = Money::new(self.price, self.currency).map_err(DbError::unreadable)?;
        Ok(CatalogItem {
            id: self.id,
            provider_id: self.provider_id,
            owner: self.owner,
            kind: Template { title: self.title, message: self.message, price },
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl ItemKind for Template {
    const KIND: Kind = Kind::Template;
    const PART: Part = Part::Templates;
    const READ: Right = Right::look(Kind::Template, "read", Need::Owner);
    const BROWSE: Right = BROWSE_TEMPLATES;

    type Id = TemplateId;
    type Cursor = TemplateId;
    type Changes = TemplateChanges;

    fn new_id(at: Timestamp) -> TemplateId {
        TemplateId::new(at)
    }

    fn cursor(item: &CatalogItem<Self>) -> TemplateId {
        item.id
    }

    fn with(&self, changes: &TemplateChanges) -> Self {
        let TemplateChanges { title, message, price } = changes.clone();
        Self {
            title: title.unwrap_or_else(|| self.title.clone()),
            message: message.unwrap_or_else(|| self.message.clone()),
            price: price.unwrap_or(self.price),
        }
    }

    fn find(
        uow: &mut UnitOfWork<'_>,
        shop: ProviderId,
        id: TemplateId,
    ) -> Result<Option<CatalogItem<Self>>, DbError> {
        let row = templates::table
            .inner_join(providers::table)
            .filter(templates::id.eq(id).and(templates::provider_id.eq(shop)))
            .select(Row::as_select())
            .first(uow.conn())
            .optional()?;
        row.map(Row::into_ware).transpose()
    }

    fn page(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        page: &Page<TemplateId>,
    ) -> Result<Vec<CatalogItem<Self>>, DbError> {
        let theirs = templates::table.inner_join(providers::table).filter(templates::provider_id.eq(shop.id));
        let mut query = theirs.into_boxed();
        if let Some(before) = page.before {
            query = query.filter(templates::id.lt(before));
        }
        let query = query.order(templates::id.desc()).limit(page.fetch()).select(Row::as_select());
        query.load(uow.conn())?.into_iter().map(Row::into_ware).collect()
    }

    fn insert(
        uow: &mut UnitOfWork<'_>,
        shop: &Authorized<Provider>,
        item: &CatalogItem<Self>,
    ) -> Result<(), DbError> {
        let Template { title, message, price } = &item.kind;
        diesel::insert_into(templates::table)
            .values((
                templates::id.eq(item.id),
                templates::provider_id.eq(shop.id),
                templates::title.eq(title),
                templates::message.eq(message),
                templates::price.eq(price.amount()),
                templates::currency.eq(price.currency()),
                templates::version.eq(item.version),
                templates::created_at.eq(item.created_at),
                templates::updated_at.eq(item.updated_at),
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
        let seen = templates::table.find(item.id).filter(templates::version.eq(item.version));
        Ok(diesel::update(seen)
            .set((
                templates::title.eq(&kind.title),
                templates::message.eq(&kind.message),
                templates::price.eq(kind.price.amount()),
                templates::currency.eq(kind.price.currency()),
                templates::version.eq(item.version + 1),
                templates::updated_at.eq(now),
            ))
            .execute(uow.conn())?)
    }

    fn delete(uow: &mut UnitOfWork<'_>, item: &Authorized<CatalogItem<Self>>) -> Result<usize, DbError> {
        let seen = templates::table.find(item.id).filter(templates::version.eq(item.version));
        Ok(diesel::delete(seen).execute(uow.conn())?)
    }
}
