//! `/projects`: kanban boards, their members, columns and tasks.

mod board;
mod clients;
mod columns;
mod comments;
mod invitations;
mod members;
mod task_moves;
mod tasks;

use std::collections::HashMap;

use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::policy::{ProjectRole, Scope};
use crate::domain::projects::{self, Project, ProjectTitle};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::schema::changes;
use crate::http::{Body, Fields, Id, IdempotentCall, PageQuery, Paged, Problem, Query, ReadCall, Reply};
use crate::ids::{BookingId, ProjectId, UserId};

/// All routes under `/projects`.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(list).service(create).service(get_one);
    routes.service(clients::count);
    routes.service(members::set).service(members::remove);
    routes.service(board::read).service(board::activity);
    routes.service(columns::list).service(columns::create).service(columns::edit);
    routes.service(columns::relocate).service(columns::remove);
    routes.service(tasks::list).service(tasks::create).service(tasks::get_one).service(tasks::edit);
    routes.service(task_moves::relocate).service(task_moves::archive).service(task_moves::restore);
    routes.service(invitations::list).service(invitations::create).service(invitations::revoke);
    routes.service(invitations::of_caller).service(invitations::accept_by_secret);
    routes.service(invitations::accept).service(invitations::decline);
    routes.service(comments::list).service(comments::add);
}

/// A project.
#[derive(Serialize, ToSchema)]
#[schema(as = Project)]
struct ProjectView {
    id: ProjectId,
    /// The room of its board's live events.
    #[schema(example = "project:01890a5d-ac96-774b-bcce-b302099a8057")]
    room: String,
    /// The booking for which it was created; both its parties stay owners.
    booking_id: Option<BookingId>,
    title: ProjectTitle,
    members: Vec<MemberView>,
    /// What you may do with it: `plan` (edit tasks), `staff` (manage members), `leave`.
    #[schema(schema_with = changes::<Project>)]
    allowed_actions: Vec<&'static str>,
    /// Increases with each change of the project or its members.
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A member of a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct MemberView {
    user_id: UserId,
    display_name: String,
    role: ProjectRole,
}

impl ProjectView {
    /// Represents one project, after reading its members' names.
    fn read(uow: &mut UnitOfWork<'_>, scope: &Scope, project: &Project) -> Result<Self, Error> {
        let names = projects::names(uow, std::slice::from_ref(project))?;
        Ok(Self::of(scope, project, &names))
    }

    fn of(scope: &Scope, project: &Project, names: &HashMap<UserId, String>) -> Self {
        let name = |user: &UserId| names.get(user).cloned().unwrap_or_default();
        let members = project.members.iter().map(|member| MemberView {
            user_id: member.user,
            display_name: name(&member.user),
            role: member.role,
        });
        Self {
            id: project.id,
            room: project.room().to_string(),
            booking_id: project.booking_id,
            title: project.title.clone(),
            members: members.collect(),
            allowed_actions: project.allowed_actions(scope),
            version: project.version,
            created_at: project.created_at,
            updated_at: project.updated_at,
        }
    }
}

/// The projects that you are a member of, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<ProjectView>)))]
#[get("/projects")]
async fn list(call: ReadCall, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = projects::list(uow, scope, page)?;
        let names = projects::names(uow, &slice.items)?;
        Reply::ok(&Paged::of(slice.map(|project| ProjectView::of(scope, &project, &names))))
    })
    .await
}

/// A new project.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateProject {
    /// 1 to 120 characters.
    #[schema(value_type = ProjectTitle)]
    title: String,
}

impl CreateProject {
    fn parse(self) -> Result<ProjectTitle, Error> {
        let mut fields = Fields::default();
        let title = fields.take("title", ProjectTitle::parse(&self.title));
        fields.finish(title)
    }
}

/// Create a project. You become its owner.
#[utoipa::path(request_body = CreateProject, responses((status = 201, body = ProjectView)))]
#[post("/projects")]
async fn create(Body(body): Body<CreateProject>, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let title = body.parse()?;
    call.run(move |uow, scope| {
        let project = projects::create(uow, scope, &title)?;
        let view = ProjectView::read(uow, scope, &project)?;
        Ok(Reply::created(format!("/projects/{}", project.id), &view)?.etag(project.version))
    })
    .await
}

/// A project, its members, and what you may do with it.
// Members' names change without the project's version, so there is no 304.
#[utoipa::path(responses((status = 200, body = ProjectView)))]
#[get("/projects/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<ProjectId>) -> Result<HttpResponse, Problem> {
    call.read_current(move |uow, scope| {
        let project = projects::find(uow, scope, id)?;
        Ok(Reply::ok(&ProjectView::read(uow, scope, &project)?)?.etag(project.version))
    })
    .await
}
