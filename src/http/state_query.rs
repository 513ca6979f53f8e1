//! Paginated lists of resources that have states: `?state=&limit=&cursor=`.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::{Error, Page};

use super::{Fields, PageQuery};

/// Which of them, and which page. `S` is the state of the resource.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StateQuery<S: ToSchema> {
    /// Only those in this state.
    #[param(value_type = Option<S>)]
    state: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
    #[serde(skip)]
    #[param(ignore)]
    parsed: PhantomData<S>,
}

impl<S: ToSchema + FromStr<Err: Display>> StateQuery<S> {
    /// The state, if only one is asked for, and the page.
    pub(crate) fn parse<I: FromStr>(self, app: &App) -> Result<(Option<S>, Page<I>), Error> {
        let mut fields = Fields::default();
        let state = fields.take_optional("state", self.state.map(|text| text.parse::<S>()));
        let state = fields.finish(state)?;
        Ok((state, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}
