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
use crate::ids::{ProviderId, TemplateId};

use super::storage::{Row, stored_in};
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

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = templates)]
struct Columns {
    title: SingleLine<120>,
    message: Message,
    price: i64,
    currency: Currency,
}

impl Columns {
    fn of(template: &Template) -> Self {
        let Template { title, message, price } = template.clone();
        Self { title, message, price: price.amount(), currency: price.currency() }
    }

    fn read(self) -> Result<Template, DbError> {
        let price = Money::new(self.price, self.currency).map_err(DbError::unreadable)?;
        Ok(Template { title: self.title, message: self.message, price })
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

    stored_in!(templates, order: templates::id.desc(), after: |last| templates::id.lt(last));
}
