//! Templates: ready-made offer texts with a price, for their owner's eyes only.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::{providers, templates};
use crate::db::{DbError, UnitOfWork};
use crate::domain::money::{Currency, Money};
use crate::domain::offers::Message;
use crate::domain::policy::{Authorized, Need, Right};
use crate::domain::text::Line;
use crate::domain::{Kind, Page};
use crate::ids::{ProviderId, TemplateId, UserId};

use super::super::{BROWSE_TEMPLATES, Part, Provider};
use super::{Content, Ware};

/// What a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What its owner calls it.
    pub title: Line<120>,
    /// What an offer made from it says: as long as an offer's message may be, so that it always fits.
    pub message: Message,
    /// What such an offer asks.
    pub price: Money,
}

/// What is to change in a template; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "as in Template")]
pub struct TemplateChanges {
    pub title: Option<Line<120>>,
    pub message: Option<Message>,
    pub price: Option<Money>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = templates)]
struct Row {
    id: TemplateId,
    provider_id: ProviderId,
    #[diesel(select_expression = providers::user_id)]
    owner: UserId,
    title: Line<120>,
    message: Message,
    price: i64,
    currency: Currency,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn into_ware(self) -> Result<Ware<Template>, DbError> {
        let price = Money::new(self.price, self.currency).map_err(DbError::unreadable)?;
        Ok(Ware {
            id: self.id,
            provider_id: self.provider_id,
            owner: self.owner,
            content: Template { title: self.title, message: self.message, price },
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

impl Content for Template {
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

    fn cursor(ware: &Ware<Self>) -> TemplateId {
        ware.id
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
    ) -> Result<Option<Ware<Self>>, DbError> {
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
    ) -> Result<Vec<Ware<Self>>, DbError> {
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
        ware: &Ware<Self>,
    ) -> Result<(), DbError> {
        let Template { title, message, price } = &ware.content;
        diesel::insert_into(templates::table)
            .values((
                templates::id.eq(ware.id),
                templates::provider_id.eq(shop.id),
                templates::title.eq(title),
                templates::message.eq(message),
                templates::price.eq(price.amount()),
                templates::currency.eq(price.currency()),
                templates::version.eq(ware.version),
                templates::created_at.eq(ware.created_at),
                templates::updated_at.eq(ware.updated_at),
            ))
            .execute(uow.conn())?;
        Ok(())
    }

    fn update(
        uow: &mut UnitOfWork<'_>,
        ware: &Authorized<Ware<Self>>,
        content: &Self,
    ) -> Result<usize, DbError> {
        let now = uow.now();
        let seen = templates::table.find(ware.id).filter(templates::version.eq(ware.version));
        Ok(diesel::update(seen)
            .set((
                templates::title.eq(&content.title),
                templates::message.eq(&content.message),
                templates::price.eq(content.price.amount()),
                templates::currency.eq(content.price.currency()),
                templates::version.eq(ware.version + 1),
                templates::updated_at.eq(now),
            ))
            .execute(uow.conn())?)
    }

    fn delete(uow: &mut UnitOfWork<'_>, ware: &Authorized<Ware<Self>>) -> Result<usize, DbError> {
        let seen = templates::table.find(ware.id).filter(templates::version.eq(ware.version));
        Ok(diesel::delete(seen).execute(uow.conn())?)
    }
}
