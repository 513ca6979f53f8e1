//! `/conversations/{id}/masterplan`, `/masterplans`: plans of work, for the owner of their conversation only.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::domain::masterplans::{
    self, Masterplan, MasterplanText, MasterplanTitle, Phase, Plan, Summary, Wanted,
};
use crate::domain::quotas::Quota;
use crate::domain::{Error, FieldError};
use crate::http::feature_routes::FeatureRoutes;
use crate::http::{
    Body, Fields, Id, IdempotentCall, PageQuery, Paged, Problem, Query, ReadCall, Reply, add_quota_headers,
};
use crate::ids::{Category, ConversationId, MasterplanId, ProjectId, RequestId};
use crate::jobs::Unwritten;

/// All routes of masterplans.
pub(super) fn routes(routes: &mut FeatureRoutes<'_>) {
    routes.service(create).service(list).service(get_one).service(apply);
}

/// A plan of work: a draft until it is applied to a project.
#[derive(Serialize, ToSchema)]
#[schema(as = Masterplan)]
struct MasterplanView {
    id: MasterplanId,
    conversation_id: ConversationId,
    /// The request for work that it is about.
    request_id: Option<RequestId>,
    title: MasterplanTitle,
    /// The category of the work, if it is known.
    #[schema(value_type = Option<String>)]
    category: Option<String>,
    /// What wrote it: `extractive`, `ollama` or `openai`.
    generator: String,
    summary: Summary,
    /// In the order in which they are done.
    phases: Vec<Phase>,
    /// All estimates together.
    #[schema(minimum = 1)]
    hours: u32,
    /// The project to whose board it was applied.
    project_id: Option<ProjectId>,
    /// When it was applied.
    applied_at: Option<Timestamp>,
    #[schema(minimum = 1)]
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Masterplan> for MasterplanView {
    fn from(masterplan: Masterplan) -> Self {
        let plan: &Plan = &masterplan.plan;
        Self {
            id: masterplan.id,
            conversation_id: masterplan.conversation_id,
            request_id: masterplan.request_id,
            category: masterplan.category.as_ref().map(Category::to_string),
            summary: plan.summary().clone(),
            phases: plan.phases().to_vec(),
            hours: plan.hours(),
            title: masterplan.title,
            generator: masterplan.generator,
            project_id: masterplan.project_id,
            applied_at: masterplan.applied_at,
            version: masterplan.version,
            created_at: masterplan.created_at,
            updated_at: masterplan.updated_at,
        }
    }
}

/// What to plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedMasterplan {
    /// The request for work that it is about; you must be able to read it. Its description is planned as well.
    #[schema(value_type = Option<RequestId>)]
    request_id: Option<String>,
    /// The category of the work, where no request says it.
    #[schema(example = "plumbing", min_length = 1, max_length = 40)]
    category: Option<String>,
    /// 1 to 120 characters.
    #[schema(value_type = MasterplanTitle)]
    title: String,
    /// 1 to 4,000 characters.
    #[schema(schema_with = MasterplanText::some)]
    text: String,
}

impl WantedMasterplan {
    fn parse(self, conversation: ConversationId) -> Result<Wanted, Error> {
        let mut fields = Fields::default();
        let request = fields.take_optional("request_id", self.request_id.as_deref().map(str::parse));
        let category = fields.take_optional("category", self.category.as_deref().map(str::parse));
        let title = fields.take("title", MasterplanTitle::parse(&self.title));
        let text = fields.take("text", MasterplanText::parse_some(&self.text));
        let wanted = || {
            Some(Wanted { conversation, request: request?, category: category?, title: title?, text: text? })
        };
        fields.finish(wanted())
    }
}

/// Have a plan of work drafted: phases of tasks with estimates and dependencies. Answers when it is written, which can
/// take as long as the text service takes. It changes no board before it is applied.
#[utoipa::path(
    operation_id = "createMasterplan",
    request_body = WantedMasterplan,
    responses((status = 201, body = MasterplanView))
)]
#[post("/conversations/{id}/masterplan")]
async fn create(
    Id(conversation): Id<ConversationId>,
    Body(body): Body<WantedMasterplan>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let wanted = body.parse(conversation)?;
    if let Some(stored) = call.stored_private().await? {
        return Ok(stored);
    }
    let (app, scope) = (call.app().clone(), call.scope().clone());
    let created = write(wanted, call).await;
    add_quota_headers(created, &app, &scope, &[Quota::Plans, Quota::Characters]).await
}

/// Has it written, then stores it.
async fn write(wanted: Wanted, call: IdempotentCall) -> Result<HttpResponse, Problem> {
    let (app, scope) = (call.app().clone(), call.scope().clone());
    let plan = scope.plan();
    let (limits, per_user) = (app.daily_limits(plan), app.limits(plan).generations);
    let id = MasterplanId::new(app.clock.now());
    let draft = app.masterplans.write(&scope, id, wanted, per_user, limits).await;
    let draft = draft.map_err(|unwritten| match unwritten {
        Unwritten::Refused(error) => {
            app.count_quota_refusal(plan, &error);
            error.into()
        }
        Unwritten::Failed(failure) => {
            let problem = Problem::new(StatusCode::BAD_GATEWAY, failure.code, failure.message);
            match failure.retry_after {
                Some(after) => problem.retry_after(after),
                None => problem,
            }
        }
    })?;
    let counting = app.clone();
    call.run_private(move |uow, _, scope| {
        let created = masterplans::create(uow, scope, &draft, &limits);
        let (masterplan, _) =
            created.inspect_err(|error| counting.count_quota_refusal(scope.plan(), error))?;
        let version = masterplan.version;
        let location = format!("/masterplans/{}", masterplan.id);
        Ok(Reply::created(location, &MasterplanView::from(masterplan))?.etag(version))
    })
    .await
}

/// The masterplans of a conversation, newest first.
#[utoipa::path(params(PageQuery), responses((status = 200, body = Paged<MasterplanView>)))]
#[get("/conversations/{id}/masterplans")]
async fn list(
    call: ReadCall,
    Id(conversation): Id<ConversationId>,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let page = page.parse(call.app())?;
    call.read(move |uow, scope| {
        let slice = masterplans::list(uow, scope, conversation, page)?;
        Reply::ok(&Paged::of(slice.map(MasterplanView::from)))
    })
    .await
}

/// A masterplan.
#[utoipa::path(responses((status = 200, body = MasterplanView), (status = 304)))]
#[get("/masterplans/{id}")]
async fn get_one(call: ReadCall, Id(id): Id<MasterplanId>) -> Result<HttpResponse, Problem> {
    call.read(move |uow, scope| {
        let masterplan = masterplans::find(uow, scope, id)?.into_row();
        let version = masterplan.version;
        Ok(Reply::ok(&MasterplanView::from(masterplan))?.etag(version))
    })
    .await
}

/// Where to apply a masterplan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApplyMasterplan {
    /// A project of which you are an editor or an owner.
    #[schema(value_type = ProjectId)]
    project_id: String,
}

/// Put all tasks of a masterplan onto a project's board, once: all of them or none. A second time is 409
/// `already_applied`, which names the project.
#[utoipa::path(request_body = ApplyMasterplan, responses((status = 200, body = MasterplanView)))]
#[post("/masterplans/{id}/apply")]
async fn apply(
    Id(id): Id<MasterplanId>,
    Body(body): Body<ApplyMasterplan>,
    call: IdempotentCall,
) -> Result<HttpResponse, Problem> {
    let project = body.project_id.parse();
    let project =
        project.map_err(|error| Error::Invalid(vec![FieldError::new("project_id", format!("{error}"))]))?;
    call.run_private(move |uow, _, scope| {
        let masterplan = masterplans::apply(uow, scope, id, project)?;
        let version = masterplan.version;
        Ok(Reply::ok(&MasterplanView::from(masterplan))?.etag(version))
    })
    .await
}
