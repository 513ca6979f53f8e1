//! `/projects/{id}/columns`: the columns of a project's board.

use actix_web::{HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::Error;
use crate::domain::projects::columns::{self, Column, ColumnInput, ColumnName};
use crate::domain::projects::tasks::Place;
use crate::http::input::nullable;
use crate::http::{Body, Id, IdempotentCall, Ids, Problem, Query, ReadCall, Reply, Seen};
use crate::ids::{ColumnId, ProjectId};

/// The columns of a board, at most 50.
#[derive(Serialize, ToSchema)]
struct Columns {
    items: Vec<Column>,
}

/// The columns of a board, in their order.
#[utoipa::path(operation_id = "listProjectColumns", responses((status = 200, body = Columns)))]
#[get("/projects/{id}/columns")]
pub(super) async fn list(call: ReadCall, Id(project): Id<ProjectId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| Reply::ok(&Columns { items: columns::list(uow, scope, project)? })).await
}

/// A new column.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateColumn {
    /// 1 to 60 characters.
    #[schema(value_type = ColumnName)]
    name: String,
    /// Most tasks in it at once; no limit if absent.
    #[schema(minimum = 1, maximum = 2000)]
    wip_limit: Option<i32>,
    /// The column that it follows; null for the first place, absent for the last.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ColumnId>)]
    after: Option<Option<ColumnId>>,
}

/// Create a column (editors and owners).
#[utoipa::path(request_body = CreateColumn, responses((status = 201, body = Column)))]
#[post("/projects/{id}/columns")]
pub(super) async fn create(
    Id(project): Id<ProjectId>,
    Body(body): Body<CreateColumn>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let place = Place::of(body.after);
    let input = ColumnInput { name: Some(body.name), wip_limit: Some(body.wip_limit) };
    call.run(move |uow, scope| {
        let column = columns::create(uow, scope, project, &input, place)?;
        let location = format!("/projects/{project}/columns/{}", column.id);
        Ok(Reply::created(location, &column)?.etag(column.version))
    })
    .await
}

/// What to change in a column; absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditColumn {
    /// 1 to 60 characters.
    #[schema(value_type = Option<ColumnName>)]
    name: Option<String>,
    /// Most tasks in it at once, or null for no limit.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 2000)]
    wip_limit: Option<Option<i32>>,
}

/// Change a column (editors and owners).
///
/// If somebody was faster, the answer has the column as it is now in `current`.
#[utoipa::path(params(Seen), request_body = EditColumn, responses((status = 200, body = Column)))]
#[patch("/projects/{id}/columns/{column_id}")]
pub(super) async fn edit(
    Ids(project, id): Ids<ProjectId, ColumnId>,
    Body(body): Body<EditColumn>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    let input = ColumnInput { name: body.name, wip_limit: body.wip_limit };
    call.run(move |uow, scope| reply(&columns::update(uow, scope, project, id, seen, &input)?)).await
}

/// Where a column goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MoveColumn {
    /// The column that it follows; null for the first place, absent for the last.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<ColumnId>)]
    after: Option<Option<ColumnId>>,
}

/// Move a column among the others (editors and owners).
#[utoipa::path(params(Seen), request_body = MoveColumn, responses((status = 200, body = Column)))]
#[post("/projects/{id}/columns/{column_id}/move")]
pub(super) async fn relocate(
    Ids(project, id): Ids<ProjectId, ColumnId>,
    Body(body): Body<MoveColumn>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    let place = Place::of(body.after);
    call.run(move |uow, scope| reply(&columns::move_to(uow, scope, project, id, seen, place)?)).await
}

/// Where the tasks of a deleted column go.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteColumn {
    /// The column into which its tasks go. Without one it must be empty.
    to: Option<ColumnId>,
}

/// Delete a column (editors and owners). A board keeps one.
#[utoipa::path(params(DeleteColumn, Seen), responses((status = 204, description = "Deleted")))]
#[delete("/projects/{id}/columns/{column_id}")]
pub(super) async fn remove(
    Ids(project, id): Ids<ProjectId, ColumnId>,
    Query(query): Query<DeleteColumn>,
    call: IdempotentCall,
    Seen(seen): Seen,
) -> Result<HttpResponse, Problem> {
    call.run(move |uow, scope| {
        columns::delete(uow, scope, project, id, seen, query.to)?;
        Ok(Reply::no_content())
    })
    .await
}

fn reply(column: &Column) -> Result<Reply, Error> {
    Ok(Reply::ok(column)?.etag(column.version))
}
