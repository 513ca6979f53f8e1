//! Storage of masterplans: queries and writes, no decisions.

use diesel::prelude::*;

use crate::clock::Timestamp;
use crate::db::schema::masterplans;
use crate::db::{DbError, UnitOfWork};
use crate::domain::policy::Authorized;
use crate::domain::{Error, Page};
use crate::ids::{Category, ConversationId, MasterplanId, ProjectId, RequestId, UserId};

use super::{Masterplan, MasterplanTitle, Plan};

#[derive(Queryable, Insertable, Selectable)]
#[diesel(table_name = masterplans)]
struct Row {
    id: MasterplanId,
    conversation_id: ConversationId,
    user_id: UserId,
    request_id: Option<RequestId>,
    title: MasterplanTitle,
    category: Option<Category>,
    generator: String,
    plan: String,
    project_id: Option<ProjectId>,
    applied_at: Option<Timestamp>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    fn read(self) -> Result<Masterplan, DbError> {
        let plan = Plan::parse(&self.plan).map_err(|faults| DbError::unreadable(Error::Invalid(faults)))?;
        Ok(Masterplan {
            id: self.id,
            conversation_id: self.conversation_id,
            user_id: self.user_id,
            request_id: self.request_id,
            title: self.title,
            category: self.category,
            generator: self.generator,
            plan,
            project_id: self.project_id,
            applied_at: self.applied_at,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

pub(super) fn find(uow: &mut UnitOfWork<'_>, id: MasterplanId) -> Result<Option<Masterplan>, DbError> {
    let row = masterplans::table.find(id).select(Row::as_select()).get_result(uow.conn()).optional()?;
    row.map(Row::read).transpose()
}

/// A conversation's masterplans, newest first.
pub(super) fn of_conversation(
    uow: &mut UnitOfWork<'_>,
    conversation: ConversationId,
    page: Page<MasterplanId>,
) -> Result<Vec<Masterplan>, DbError> {
    let mut query = masterplans::table.filter(masterplans::conversation_id.eq(conversation)).into_boxed();
    if let Some(before) = page.before {
        query = query.filter(masterplans::id.lt(before));
    }
    let newest_first = query.order(masterplans::id.desc()).limit(page.fetch());
    let rows = newest_first.select(Row::as_select()).load(uow.conn())?;
    rows.into_iter().map(Row::read).collect()
}

pub(super) fn insert(uow: &mut UnitOfWork<'_>, masterplan: &Authorized<Masterplan>) -> Result<(), DbError> {
    let row = Row {
        id: masterplan.id,
        conversation_id: masterplan.conversation_id,
        user_id: masterplan.user_id,
        request_id: masterplan.request_id,
        title: masterplan.title.clone(),
        category: masterplan.category.clone(),
        generator: masterplan.generator.clone(),
        plan: serde_json::to_string(&masterplan.plan)?,
        project_id: masterplan.project_id,
        applied_at: masterplan.applied_at,
        version: masterplan.version,
        created_at: masterplan.created_at,
        updated_at: masterplan.updated_at,
    };
    diesel::insert_into(masterplans::table).values(row).execute(uow.conn())?;
    Ok(())
}

/// Marks a masterplan as applied unless it is; returns the number of rows. Of two at the same time, the second
/// one waits here for the first one's commit.
pub(super) fn set_applied(
    uow: &mut UnitOfWork<'_>,
    masterplan: &Authorized<Masterplan>,
    project: ProjectId,
) -> Result<usize, DbError> {
    let now = uow.now();
    let unapplied = masterplans::table.find(masterplan.id).filter(masterplans::project_id.is_null());
    Ok(diesel::update(unapplied)
        .set((
            masterplans::project_id.eq(project),
            masterplans::applied_at.eq(now),
            masterplans::version.eq(masterplan.version + 1),
            masterplans::updated_at.eq(now),
        ))
        .execute(uow.conn())?)
}
