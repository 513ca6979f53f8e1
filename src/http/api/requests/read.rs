//! Reading requests.

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::domain::requests::{self, RequestFilter, State};
use crate::domain::{Error, Page};
use crate::http::{Fields, Id, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{Category, RequestId, UserId};

use super::RequestView;

/// Which requests, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Only those of this category.
    #[param(value_type = Option<Category>)]
    category: Option<String>,
    /// Only those of this user; for admins.
    #[param(value_type = Option<UserId>)]
    user_id: Option<String>,
    /// Only those in this state.
    #[param(value_type = Option<State>)]
    state: Option<String>,
    /// Page size: 1 to 100 (or to the server's --page-max), 20 by default.
    limit: Option<u16>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

impl ListQuery {
    fn parse(self, app: &App) -> Result<(RequestFilter, Page<RequestId>), Error> {
        let mut fields = Fields::default();
        let category = fields.take_optional("category", self.category.map(|text| text.parse::<Category>()));
        let state = fields.take_optional("state", self.state.map(|text| text.parse::<State>()));
        let user = fields.take_optional("user_id", self.user_id.map(|text| text.parse::<UserId>()));
        let filter = || Some(RequestFilter { category: category?, state: state?, user: user? });
        let filter = fields.finish(filter())?;
        Ok((filter, PageQuery { limit: self.limit, cursor: self.cursor }.parse(app)?))
    }
}

/// Requests, newest first: a consumer's own, the open ones for a provider, all for an admin.
#[utoipa::path(params(ListQuery), responses((status = 200, body = Paged<RequestView>)))]
#[get("/requests")]
pub(super) async fn list(call: ReadCall, Query(query): Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let (filter, page) = query.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = requests::list(uow, scope, &filter, page)?;
        Reply::ok(&Paged::of(slice.map(|request| RequestView::of(scope, &request))))
    })
    .await
}

/// A request.
#[utoipa::path(responses((status = 200, body = RequestView)))]
#[get("/requests/{id}")]
pub(super) async fn get_one(call: ReadCall, Id(id): Id<RequestId>) -> Result<HttpResponse, Problem> {
    call.read_current(move |uow, scope| {
        let request = requests::find(uow, scope, id)?;
        Ok(Reply::ok(&RequestView::of(scope, &request))?.etag(request.version))
    })
    .await
}
