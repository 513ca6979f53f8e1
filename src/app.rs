//! The components that everything shares, each with why it exists.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;

use crate::clock::Clock;
use crate::db::Db;
use crate::domain::policy::Scope;
use crate::http::Problem;
use crate::ids::CallId;

/// Shared by every worker thread.
#[derive(Clone)]
pub struct App {
    /// What time it is; tests move it.
    pub clock: Clock,
    /// Where everything is kept.
    pub db: Db,
    /// Says who is asking.
    pub auth: Arc<dyn Authenticate>,
}

/// Says who is asking.
pub trait Authenticate: Send + Sync {
    /// The scope of the caller who shows this token.
    fn authenticate<'a>(&'a self, token: &'a str, call: CallId)
    -> LocalBoxFuture<'a, Result<Scope, Problem>>;
}
