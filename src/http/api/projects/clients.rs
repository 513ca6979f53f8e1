//! The number of clients connected to a project's board, at the path that the older system used.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::projects;
use crate::http::{Id, Problem, ReadCall, Reply};
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
pub(super) async fn count(call: ReadCall, Id(id): Id<ProjectId>) -> Result<HttpResponse, Problem> {
    let (board_clients, nodes) = (call.app().board_clients.clone(), call.app().nodes.clone());
    call.read_current(move |uow, scope| {
        let project = projects::find(uow, scope, id)?;
        let elsewhere = nodes.clients_elsewhere(uow, project.id)?;
        let active_clients = board_clients.clients_of(project.id) + elsewhere;
        Reply::ok(&ClientsView { project_id: project.id, active_clients, timestamp: uow.now() })
    })
    .await
}
