//! Projects and their boards: somebody owns each, and its columns and tasks have one order.

use diesel::prelude::*;

use crate::db::DbError;
use crate::db::schema::tasks;
use crate::db::verify::{BATCH, Fault, SqlCheck, Verification};
use crate::domain::projects::tasks::{Checklist, Labels, Position};

pub(super) const CHECKS: &[SqlCheck] = &[
    SqlCheck {
        name: "project_owners",
        of: "projects",
        faults: "\
            SELECT 'projects' AS in_table, project.id AS id, 'it has no owner' AS what FROM projects AS project \
            WHERE NOT EXISTS ( \
                SELECT 1 FROM project_members AS member \
                WHERE member.project_id = project.id AND member.role = 'owner') \
            UNION ALL \
            SELECT 'projects', project.id, 'not both parties of its booking are owners' \
            FROM projects AS project JOIN bookings AS booking ON booking.id = project.booking_id \
            WHERE 2 <> ( \
                SELECT count(*) FROM project_members AS member \
                WHERE member.project_id = project.id AND member.role = 'owner' \
                  AND member.user_id IN (booking.consumer_user_id, booking.provider_user_id))",
    },
    SqlCheck {
        name: "project_invitations",
        of: "project_invitations",
        faults: "\
            SELECT 'project_invitations' AS in_table, id, 'it was used by nobody, or at no time' AS what \
            FROM project_invitations WHERE (used_at IS NULL) <> (used_by IS NULL)",
    },
    SqlCheck {
        name: "board_columns",
        of: "board_columns",
        faults: "\
            SELECT 'projects' AS in_table, project.id AS id, 'its board has no column' AS what \
            FROM projects AS project \
            WHERE NOT EXISTS (SELECT 1 FROM board_columns WHERE board_columns.project_id = project.id) \
            UNION ALL \
            SELECT 'board_columns', min(id), count(*) || ' columns of its board are at position ' || position \
            FROM board_columns GROUP BY project_id, position HAVING count(*) > 1",
    },
    SqlCheck {
        name: "tasks",
        of: "tasks",
        faults: "\
            SELECT 'tasks' AS in_table, id, 'it is on the board, and in no column' AS what \
            FROM tasks WHERE archived_at IS NULL AND column_id IS NULL \
            UNION ALL \
            SELECT 'tasks', task.id, 'its column is on the board of another project' \
            FROM tasks AS task JOIN board_columns AS board ON board.id = task.column_id \
            WHERE board.project_id <> task.project_id \
            UNION ALL \
            SELECT 'tasks', min(id), count(*) || ' tasks of its column are at its position' \
            FROM tasks WHERE archived_at IS NULL AND column_id IS NOT NULL \
            GROUP BY column_id, position HAVING count(*) > 1 \
            UNION ALL \
            SELECT 'tasks', task.id, 'the user who does it is no member of the project' FROM tasks AS task \
            WHERE task.archived_at IS NULL AND task.assignee_id IS NOT NULL AND NOT EXISTS ( \
                SELECT 1 FROM project_members AS member \
                WHERE member.project_id = task.project_id AND member.user_id = task.assignee_id)",
    },
];

/// What tasks hold as documents, and their positions.
pub(super) fn verify_contents(verification: &mut Verification<'_, '_>) -> Result<(), DbError> {
    type Contents = (String, String, String, String);
    verification.each(
        "task_contents",
        String::new(),
        |uow, after| {
            let page = tasks::table.filter(tasks::id.gt(after.clone())).order(tasks::id).limit(BATCH);
            let columns = (tasks::id, tasks::position, tasks::labels, tasks::checklist);
            Ok(page.select(columns).load::<Contents>(uow.conn())?)
        },
        |(id, ..)| id.clone(),
        |_, (id, position, labels, checklist)| {
            let wrong = if !Position::is_well_formed(&position) {
                "its position is none"
            } else if Labels::try_from(labels).is_err() {
                "its labels cannot be read"
            } else if Checklist::try_from(checklist).is_err() {
                "its checklist cannot be read"
            } else {
                return Ok(None);
            };
            Ok(Some(Fault::new("tasks", id, wrong)))
        },
    )
}
