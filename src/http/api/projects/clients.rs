//! The number of clients connected to a project's board, at the path that the older system used.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::clock::Timestamp;
use crate::domain::projects;
use crate::http::{Caller, Id, Problem, Reply, read_current};
use crate::ids::ProjectId;

/// Number of clients that have a project's board open.
#[derive(Serialize, ToSchema)]
#[schema(as = BoardClients)]
struct ClientsView {
    project_id: ProjectId,
    /// Clients that are connected to the board, each counted once.
    active_clients: usize,
    timestamp: Timestamp,
}

/// The number of clients that have a project's board open now (members).
#[utoipa::path(operation_id = "countProjectClients", responses((status = 200, body = ClientsView)))]
#[get("/ws/kanban/projects/{id}/clients")]
pub(super) async fn count(
    app: Data<App>,
    caller: Caller,
    Id(id): Id<ProjectId>,
) -> Result<HttpResponse, Problem> {
    let board_clients = app.board_clients.clone();
    read_current(&app, &caller, move |uow, scope| {
        let project = projects::find(uow, scope, id)?;
        let active_clients = board_clients.clients_of(project.id);
        Reply::ok(&ClientsView { project_id: project.id, active_clients, timestamp: uow.now() })
    })
    .await
}
