//! Columns of a project's board. Authorization is that of the project, and the lock is the project's, as for
//! tasks.
//!
//! A new board has three of them, which the schema adds (see the migration `plan_boards`). There are so few
//! that a move numbers all of them anew.

mod events;
mod repository;
mod service;

pub(crate) use repository::of_project;
pub(crate) use service::{ColumnInput, create, delete, list, move_to, update};
pub(in crate::domain::projects) use service::{check_limit, find_in, find_or_first};

use crate::clock::Timestamp;
use crate::db::schema;
use crate::domain::text::SingleLine;
use crate::ids::{ColumnId, ProjectId};

/// Name of a column.
pub(crate) type ColumnName = SingleLine<60>;

/// Maximum number of columns of a board.
pub(crate) const MOST_COLUMNS: usize = 50;

/// A column of a project's board.
#[derive(
    Clone, Debug, PartialEq, Eq, diesel::Queryable, diesel::Selectable, serde::Serialize, utoipa::ToSchema,
)]
#[diesel(table_name = schema::board_columns)]
pub(crate) struct Column {
    /// Primary key.
    pub(crate) id: ColumnId,
    /// The project it belongs to.
    pub(crate) project_id: ProjectId,
    /// Its name, above the tasks.
    pub(crate) name: ColumnName,
    /// Its place among the columns, from 0. Changes without a new version when others move.
    #[schema(minimum = 0)]
    pub(crate) position: i64,
    /// Most tasks that may be in it at once (work in progress); null for no limit.
    #[schema(minimum = 1)]
    pub(crate) wip_limit: Option<i32>,
    /// Incremented by each change of the column.
    #[schema(minimum = 1)]
    pub(crate) version: i64,
    /// Time of creation.
    pub(crate) created_at: Timestamp,
    /// Time of the last change.
    pub(crate) updated_at: Timestamp,
}
