//! Request bodies of the sign-in routes, and their parsing.

use serde::Deserialize;
use utoipa::openapi::schema::Schema;

use crate::auth::{Credentials, NewPassword, PasswordInput, SignUp};
use crate::domain::Error;
use crate::domain::users::{DisplayName, Email, Plan, Role};
use crate::http::Fields;
use crate::http::schema::enum_of;

/// A registration.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct RegisterForm {
    /// Email address; converted to lower case.
    #[schema(format = Email, max_length = 254, example = "ana@example.com")]
    email: String,
    /// 8 to 128 characters.
    #[schema(min_length = 8, max_length = 128)]
    password: String,
    /// Display name; by default the part of the address before the `@`.
    #[schema(value_type = Option<DisplayName>)]
    display_name: Option<String>,
    /// The role; only admins create admins.
    #[schema(schema_with = either_side)]
    role: Role,
}

fn either_side() -> Schema {
    enum_of([Role::Consumer.as_str(), Role::Provider.as_str()])
}

fn grant_types() -> Schema {
    enum_of(["password", "refresh_token"])
}

impl RegisterForm {
    pub(super) fn parse(self) -> Result<SignUp, Error> {
        let mut fields = Fields::default();
        let email = fields.take("email", self.email.parse::<Email>());
        let password = fields.take("password", NewPassword::parse(&self.password));
        let name = fields.take_optional("display_name", self.display_name.as_deref().map(DisplayName::parse));
        if self.role == Role::Admin {
            fields.refuse("role", "must be consumer or provider: admins are made by admins");
        }
        let default = email.as_ref().map(|email| DisplayName::parse(email.local_part()));
        let name = match name.flatten() {
            Some(name) => Some(name),
            None => default.and_then(Result::ok),
        };
        let role = self.role;
        let sign_up = email.zip(password).zip(name).map(|((email, password), display_name)| SignUp {
            email,
            password,
            display_name,
            role,
            plan: Plan::Free,
        });
        fields.finish(sign_up)
    }
}

/// Either `email` and `password`, or `grant_type` `refresh_token` and `refresh_token`.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct TokenForm {
    /// `password` by default.
    #[schema(schema_with = grant_types)]
    grant_type: Option<String>,
    /// With `password`.
    #[schema(format = Email, max_length = 254, example = "ana@example.com")]
    email: Option<String>,
    /// With `email`.
    password: Option<String>,
    /// With `grant_type` `refresh_token`.
    refresh_token: Option<String>,
    /// With `password`: the last `device_token` of this device. Known devices are not throttled by failed logins elsewhere.
    device_token: Option<String>,
}

/// A parsed [`TokenForm`].
pub(super) enum TokenRequest {
    Password(Credentials),
    Refresh(String),
}

impl TokenForm {
    pub(super) fn parse(self) -> Result<TokenRequest, Error> {
        match (self.grant_type.as_deref(), self.email, self.password, self.refresh_token) {
            (Some("refresh_token"), _, _, Some(token)) => Ok(TokenRequest::Refresh(token)),
            (Some("refresh_token"), _, _, None) => Err(Error::invalid("refresh_token", "is needed")),
            (None | Some("password"), Some(email), Some(password), _) => {
                let (password, device_token) = (PasswordInput::new(&password), self.device_token);
                Ok(TokenRequest::Password(Credentials { email, password, device_token }))
            }
            (None | Some("password"), None, _, _) => Err(Error::invalid("email", "is needed")),
            (None | Some("password"), _, None, _) => Err(Error::invalid("password", "is needed")),
            (Some(_), ..) => Err(Error::invalid("grant_type", "must be password or refresh_token")),
        }
    }
}

/// A refresh token to exchange.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct RefreshForm {
    /// The refresh token.
    pub(super) refresh_token: String,
}

/// A token to revoke.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct RevokeForm {
    /// An access or a refresh token.
    pub(super) token: String,
    /// `access_token` or `refresh_token`; optional, and ignored.
    #[serde(rename = "token_type_hint")]
    _hint: Option<String>,
}
