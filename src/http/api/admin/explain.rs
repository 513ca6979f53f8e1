//! `/admin/explain` and `/admin/dry-run`: why a user may or may not do something, and what would happen if they did.

use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::domain::explain::{self, Answer, Details, Effects, Question, Trial};
use crate::domain::policy::{Explanation, Verdict};
use crate::domain::users::{Reason, Role};
use crate::domain::{Error, Kind};
use crate::http::schema::enum_of;
use crate::http::{Body, Caller, Fields, Problem, Query, ReadCall, Reply};
use crate::ids::{Room, UserId};

/// Who, which action, and on what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    /// The user.
    #[param(value_type = UserId)]
    user_id: String,
    /// The action, as audit entries and `allowed_actions` name it.
    #[param(example = "accept")]
    action: String,
    /// The kind of resource: request, offer, booking, project, session or user.
    #[param(value_type = Kind)]
    kind: String,
    /// The resource's id.
    #[param(value_type = uuid::Uuid)]
    row: String,
}

impl ExplainQuery {
    fn parse(self) -> Result<Question, Error> {
        let mut fields = Fields::default();
        let user = fields.take("user_id", self.user_id.parse::<UserId>());
        let kind = fields.take("kind", self.kind.parse::<Kind>());
        let (action, row) = (self.action, self.row);
        fields.finish(user.zip(kind).map(|(user, kind)| Question { user, action, kind, row }))
    }
}

/// Whether a user may do something, and by which rule.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
struct ExplanationView {
    /// Whether the user may do it now.
    allowed: bool,
    /// The deciding rule.
    #[schema(example = "to accept this offer one must be its consumer; the user is its provider")]
    because: String,
    /// What decided: `standing`, `admin`, `no_standing`, `reads_only`, `private`, `state` or `suspended`.
    #[schema(schema_with = rules)]
    rule: &'static str,
    user_id: UserId,
    user_email: String,
    role: Role,
    action: &'static str,
    kind: Kind,
    row: String,
    /// The standing that the action needs.
    #[schema(example = "its consumer")]
    needs: String,
    /// The user's standing.
    #[schema(example = "its provider")]
    standing: String,
    /// The resource's state; null if it has none.
    current_state: Option<&'static str>,
    /// What the user may do in that state.
    allowed_actions: Vec<&'static str>,
}

fn rules() -> Schema {
    enum_of(["standing", "admin", "no_standing", "reads_only", "private", "state", "suspended"])
}

impl ExplanationView {
    fn of(question: Question, answer: Answer) -> Self {
        let allowed = answer.is_allowed();
        let because = answer.because(question.kind);
        let Answer { user, explanation } = answer;
        let Explanation { action, need, decision, state } = explanation;
        let rule = match decision.verdict {
            _ if !user.is_active => "suspended",
            Verdict::NoStanding => "no_standing",
            Verdict::ReadsOnly => "reads_only",
            Verdict::Private => "private",
            _ if !allowed => "state",
            Verdict::AsAdmin => "admin",
            Verdict::ByStanding => "standing",
        };
        Self {
            allowed,
            because,
            rule,
            user_id: user.id,
            user_email: user.email,
            role: user.role,
            action,
            kind: question.kind,
            row: question.row,
            needs: need.to_string(),
            standing: decision.standing.to_string(),
            current_state: state.as_ref().map(|state| state.current),
            allowed_actions: state.map(|state| state.allowed_actions).unwrap_or_default(),
        }
    }
}

/// Why a user may or may not do something with a resource: the decision of the policy that every call goes through.
#[utoipa::path(
    operation_id = "explainRight",
    params(ExplainQuery),
    responses((status = 200, body = ExplanationView))
)]
#[get("/admin/explain")]
pub(super) async fn explain_right(
    call: ReadCall,
    Query(query): Query<ExplainQuery>,
) -> Result<HttpResponse, Problem> {
    let question = query.parse()?;
    call.read_current(move |uow, scope| {
        let answer = explain::explain(uow, scope, &question)?;
        Reply::ok(&ExplanationView::of(question, answer))
    })
    .await
}

/// Who would do what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DryRunInput {
    /// The user.
    #[schema(value_type = UserId)]
    user_id: String,
    /// The action.
    #[schema(example = "accept", max_length = 40)]
    action: String,
    /// The kind of resource: request, offer, booking or user.
    #[schema(value_type = Kind)]
    kind: String,
    /// The resource's id.
    #[schema(value_type = uuid::Uuid)]
    row: String,
    /// The version to accept, of an offer.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// The reason, where the action takes one: 1 to 500 characters.
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
}

impl DryRunInput {
    fn parse(self) -> Result<(Question, Details), Error> {
        let mut fields = Fields::default();
        let user = fields.take("user_id", self.user_id.parse::<UserId>());
        let kind = fields.take("kind", self.kind.parse::<Kind>());
        let reason = fields.take_optional("reason", self.reason.as_deref().map(Reason::parse));
        let (action, row, version) = (self.action, self.row, self.version);
        fields.finish(user.zip(kind).zip(reason).map(|((user, kind), reason)| {
            (Question { user, action, kind, row }, Details { version, reason })
        }))
    }
}

/// What would happen.
#[derive(Serialize, ToSchema)]
#[schema(as = DryRun)]
struct DryRunView {
    /// The resource's state afterwards; null if it has none.
    state: Option<&'static str>,
    /// The events that would be told.
    events: Vec<DryRunEvent>,
    /// How many rights, to sessions or rooms, would end.
    #[schema(minimum = 0)]
    revocations: usize,
}

/// An event that would be told.
#[derive(Serialize, ToSchema)]
struct DryRunEvent {
    #[schema(example = "offer.accepted")]
    kind: String,
    /// The rooms whose members would get it.
    #[schema(value_type = Vec<String>)]
    rooms: Vec<Room>,
}

impl From<Effects> for DryRunView {
    fn from(effects: Effects) -> Self {
        let Effects { state, events, revocations } = effects;
        let events = events.into_iter().map(|(kind, rooms)| DryRunEvent { kind: kind.to_string(), rooms });
        Self { state, events: events.collect(), revocations }
    }
}

/// Try out a deciding call as a user: it is done in a transaction that is rolled back, and what it would change is told.
///
/// Refused as the user would be. Nothing is changed but the audit trail, which has the question.
#[utoipa::path(
    operation_id = "dryRun",
    request_body = DryRunInput,
    responses((status = 200, body = DryRunView))
)]
#[post("/admin/dry-run")]
pub(super) async fn dry_run(
    app: Data<App>,
    caller: Caller,
    Body(body): Body<DryRunInput>,
) -> Result<HttpResponse, Problem> {
    let (scope, (question, details)) = (caller.0, body.parse()?);
    let first = question.clone();
    let supposed = app.db.write(move |uow| explain::begin_trial(uow, &scope, &first)).await?;
    let trial =
        app.db.write(move |uow| Err::<(), Trial>(explain::try_out(uow, &supposed, &question, &details)));
    match trial.await {
        Err(Trial::Done(effects)) => Ok(HttpResponse::Ok().json(DryRunView::from(effects))),
        Err(Trial::Refused(error)) => Err(error.into()),
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
    }
}
