//! Paginated lists of resources that have states and belong to users: `?user_id=&state=&limit=&cursor=`.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserialize;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Ref, Required};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::{Error, Page};
use crate::ids::UserId;

use super::{Fields, PageQuery, StateQuery};

/// Whose, which of them, and which page. `S` is the state of the resource.
#[derive(Debug, Deserialize)]
pub(crate) struct UserStateQuery<S> {
    user_id: Option<String>,
    state: Option<String>,
    limit: Option<u16>,
    cursor: Option<String>,
    #[serde(skip)]
    parsed: PhantomData<S>,
}

/// What is asked for.
pub(crate) struct UserState<S, I> {
    /// Only those of this user.
    pub(crate) user: Option<UserId>,
    /// Only those in this state.
    pub(crate) state: Option<S>,
    /// Which page.
    pub(crate) page: Page<I>,
}

impl<S: FromStr<Err: Display>> UserStateQuery<S> {
    /// The user and the state, if only those are asked for, and the page.
    pub(crate) fn parse<I: FromStr>(self, app: &App) -> Result<UserState<S, I>, Error> {
        let mut fields = Fields::default();
        let user = fields.take_optional("user_id", self.user_id.map(|text| text.parse::<UserId>()));
        let state = fields.take_optional("state", self.state.map(|text| text.parse::<S>()));
        let (user, state) = fields.finish(user.zip(state))?;
        let page = PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?;
        Ok(UserState { user, state, page })
    }
}

/// By hand, as for [`StateQuery`].
impl<S: ToSchema> IntoParams for UserStateQuery<S> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let user = ParameterBuilder::new()
            .name("user_id")
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some("Only those of this user; for admins."))
            .schema(Some(Ref::from_schema_name(UserId::name())))
            .build();
        let mut parameters = StateQuery::<S>::into_params(place);
        parameters.insert(0, user);
        parameters
    }
}
