//! Paginated lists of resources that have states: `?state=&limit=&cursor=`.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Ref, Required};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::{Error, Page};

use super::{Fields, PageQuery};

/// Which of them, and which page. `S` is the state of the resource.
#[derive(Debug, Deserialize)]
pub(crate) struct StateQuery<S> {
    state: Option<String>,
    limit: Option<u16>,
    cursor: Option<String>,
    #[serde(skip)]
    parsed: PhantomData<S>,
}

impl<S: FromStr<Err: Display>> StateQuery<S> {
    /// The state, if only one is asked for, and the page.
    pub(crate) fn parse<I: FromStr>(self, app: &App) -> Result<(Option<S>, Page<I>), Error> {
        let mut fields = Fields::default();
        let state = fields.take_optional("state", self.state.map(|text| text.parse::<S>()));
        let state = fields.finish(state)?;
        Ok((state, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

/// By hand: utoipa's derive would repeat the schema of `S` instead of referring to it.
impl<S: ToSchema> IntoParams for StateQuery<S> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let state = ParameterBuilder::new()
            .name("state")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some("Only those in this state."))
            .schema(Some(Ref::from_schema_name(S::name())))
            .build();
        let mut parameters = PageQuery::into_params(place);
        parameters.insert(0, state);
        parameters
    }
}
