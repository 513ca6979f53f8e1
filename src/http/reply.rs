//! Calls that read, and the response of a use case: built inside its transaction so that it can be stored with
//! it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::Serialize;

use crate::app::App;
use crate::db::{DbError, UnitOfWork};
use crate::domain::Error;
use crate::domain::policy::Scope;

use super::extract::app_of;
use super::{Caller, Problem, etag};

/// The header of a stored reply to an earlier call with the same idempotency key.
const REPLAYED: &str = "idempotency-replayed";

/// A successful response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) version: Option<i64>,
    pub(super) body: String,
}

impl Reply {
    /// 200 with a representation.
    pub(crate) fn ok(view: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_string(view).map_err(DbError::from)?;
        Ok(Self { status: 200, location: None, version: None, body })
    }

    /// 201 with the new resource's `Location` and its representation.
    pub(crate) fn created(location: String, view: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { status: 201, location: Some(location), ..Self::ok(view)? })
    }

    /// 202 with the address at which the result will be, and its representation so far.
    pub(crate) fn accepted(location: String, view: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { status: 202, location: Some(location), ..Self::ok(view)? })
    }

    /// 204 without a body.
    pub(crate) fn no_content() -> Self {
        Self { status: 204, location: None, version: None, body: String::new() }
    }

    /// Adds the version as `ETag`.
    pub(crate) fn etag(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }

    pub(super) fn into_response(self, replayed: bool) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(version) = self.version {
            response.insert_header((header::ETAG, etag::tag(version)));
        }
        if replayed {
            response.insert_header((REPLAYED, "true"));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
}

/// A call that only reads: who asks, and what the caller's copy is.
#[derive(Clone)]
pub(crate) struct ReadCall {
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
}

impl FromRequest for ReadCall {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload).into_inner();
        ready(caller.and_then(|caller| Ok(Self { app: app_of(request)?, caller, request: request.clone() })))
    }
}

impl ReadCall {
    /// The shared components.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Who asks.
    pub(crate) fn scope(&self) -> &Scope {
        &self.caller
    }

    /// Answers with the result of a reading use case; 304 if the caller has that version already.
    pub(crate) async fn read(
        self,
        body: impl FnOnce(&mut UnitOfWork<'_>, &Scope) -> Result<Reply, Error> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let request = self.request.clone();
        let reply = self.reply(body).await?;
        if let Some(tag) = reply.version.and_then(|version| etag::known(&request, &etag::tag(version))) {
            return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
        }
        Ok(reply.into_response(false))
    }

    /// Like [`ReadCall::read`], for resources that time alone can change without a new version (an offer that
    /// expires): always the whole representation, never a 304.
    pub(crate) async fn read_current(
        self,
        body: impl FnOnce(&mut UnitOfWork<'_>, &Scope) -> Result<Reply, Error> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        Ok(self.reply(body).await?.into_response(false))
    }

    async fn reply(
        self,
        body: impl FnOnce(&mut UnitOfWork<'_>, &Scope) -> Result<Reply, Error> + Send + 'static,
    ) -> Result<Reply, Problem> {
        let scope = self.caller.0;
        Ok(self.app.db.read(move |uow| body(uow, &scope)).await?)
    }
}
