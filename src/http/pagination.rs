//! Paginated lists: `?limit=&cursor=` → `{items, next_cursor}`. A cursor is opaque to clients.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, Type};

use crate::app::App;
use crate::domain::{Error, Page, Slice};

const DEFAULT: u16 = 20;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most so many items: 1 to 100 (or to the server's --page-max), 20 by default.
    pub(crate) limit: Option<u16>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    /// What `limit` may be, for the OpenAPI document.
    pub(super) fn limits(most: u16) -> Schema {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(most))
            .default(Some(DEFAULT.min(most).into()))
            .build()
            .into()
    }

    /// Parses the requested page; its limit must not exceed `--page-max`.
    pub(crate) fn parse<I: FromStr>(&self, app: &App) -> Result<Page<I>, Error> {
        let most = app.config.http.page_max;
        let limit = self.limit.unwrap_or(DEFAULT.min(most));
        if !(1..=most).contains(&limit) {
            return Err(Error::invalid("limit", format!("must be 1 to {most}")));
        }
        let before = self.cursor.as_deref().map(read_cursor).transpose()?;
        Ok(Page { before, limit })
    }
}

fn read_cursor<I: FromStr>(cursor: &str) -> Result<I, Error> {
    let refused = || Error::invalid("cursor", "must be the next_cursor of an earlier page of this list");
    let bytes = BASE64.decode(cursor).map_err(|_| refused())?;
    let text = String::from_utf8(bytes).map_err(|_| refused())?;
    text.parse().map_err(|_| refused())
}

/// One page of a list.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Paged<T> {
    /// The items.
    pub(crate) items: Vec<T>,
    /// Give it as `cursor` for the next page; null at the end.
    pub(crate) next_cursor: Option<String>,
}

impl<T> Paged<T> {
    /// Converts a slice of the domain's into a page.
    pub(crate) fn of<I: Display>(slice: Slice<T, I>) -> Self {
        Self { next_cursor: slice.next.map(|id| BASE64.encode(id.to_string())), items: slice.items }
    }
}
