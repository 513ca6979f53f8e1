//! Signing in: registration, login and refresh.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::db::audit_log::{NewAudit, Outcome};
use crate::db::{DbError, UnitOfWork};
use crate::domain::users::logins::{self, Device, NewPair, Rotation};
use crate::domain::users::{self, Account, DisplayName, Email, Plan, Registration, Role, User};
use crate::domain::{Error, Kind};
use crate::ids::{CallId, TokenId, UserId};
use crate::limits::network::customer;

use super::password::{HashError, Place};
use super::refresh::RefreshToken;
use super::throttle::{AccountKey, Origin, Throttled};
use super::token::own::Minting;
use super::{Auth, NewPassword, PasswordInput};

/// The content of a login form.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// As entered: text that is no address matches no account.
    pub(crate) email: String,
    /// As entered, normalized.
    pub(crate) password: PasswordInput,
    /// The device token from the last sign-in on this device, if the client still has it.
    pub(crate) device_token: Option<String>,
}

/// The content of a registration form, parsed.
#[derive(Debug)]
pub struct SignUp {
    /// Case-folded.
    pub email: Email,
    /// Checked for length.
    pub password: NewPassword,
    /// The name that other users see.
    pub display_name: DisplayName,
    /// Consumer or provider.
    pub role: Role,
    /// The plan, which determines the limits.
    pub plan: Plan,
}

/// The response to a valid password or refresh token.
pub(crate) struct SignedIn {
    /// An access token of our own, sent with each call.
    pub(crate) access_token: String,
    /// The access token's lifetime.
    pub(crate) expires_in: Duration,
    /// A refresh token, exchangeable once for the next pair.
    pub(crate) refresh_token: String,
    /// Identifies the device at its next login (see `devices.rs`).
    pub(crate) device_token: String,
    /// The user who signed in.
    pub(crate) account: Account,
}

/// Why signing in failed.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such user, a wrong password, a suspended user or an invalid refresh token: the client is not told
    /// which.
    #[error("the credentials are not valid")]
    Refused,
    /// Too many attempts, a taken address, or an overloaded database.
    #[error(transparent)]
    Domain(#[from] Error),
    /// A server-side failure.
    #[error("signing in failed on our side: {0}")]
    Internal(String),
}

impl From<DbError> for SignInError {
    fn from(error: DbError) -> Self {
        Self::Domain(error.into())
    }
}

impl From<Throttled> for SignInError {
    fn from(throttled: Throttled) -> Self {
        match throttled {
            Throttled::Limited(limited) => Self::Domain(Error::Limited {
                detail: "too many attempts to sign in; wait a little",
                retry_after: limited.retry_after,
            }),
            Throttled::Db(error) => error.into(),
        }
    }
}

impl From<HashError> for SignInError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => DbError::Overloaded.into(),
            HashError::Broken(why) => Self::Internal(why),
        }
    }
}

impl Auth {
    /// Adds a user and signs them in.
    pub(crate) async fn register(
        &self,
        sign_up: SignUp,
        device: Device,
        call: CallId,
    ) -> Result<SignedIn, SignInError> {
        self.count("register", self.try_register(sign_up, device, call).await)
    }

    async fn try_register(
        &self,
        sign_up: SignUp,
        device: Device,
        call: CallId,
    ) -> Result<SignedIn, SignInError> {
        // The queue place comes first: an attempt that is never examined must not count towards the limit.
        let place = self.passwords.reserve()?;
        if let Some(address) = device.address() {
            self.throttle.register(address).await?;
        }
        let user = self.enroll_at(place, sign_up).await?;
        log::info!(request_id:% = call, user_id:% = user.id; "registered");
        self.open_login(user.id, device).await
    }

    /// Adds a user of any role: for registration, the demo and tests. Hashes the password off the event loop.
    pub async fn enroll(&self, sign_up: SignUp) -> Result<User, SignInError> {
        self.enroll_at(self.passwords.reserve()?, sign_up).await
    }

    async fn enroll_at(&self, place: Place, sign_up: SignUp) -> Result<User, SignInError> {
        let registration = Registration {
            email: sign_up.email,
            display_name: sign_up.display_name,
            role: sign_up.role,
            plan: sign_up.plan,
            password_hash: self.passwords.hash_at(place, sign_up.password).await?,
        };
        Ok(self.db.write(move |uow| users::service::register(uow, &registration)).await?)
    }

    /// Signs a user in by password. All refusals take the same time and give the same answer, whatever the
    /// cause.
    pub(crate) async fn log_in(
        &self,
        credentials: Credentials,
        device: Device,
        call: CallId,
    ) -> Result<SignedIn, SignInError> {
        self.count("login", self.try_log_in(credentials, device, call).await)
    }

    async fn try_log_in(
        &self,
        credentials: Credentials,
        device: Device,
        call: CallId,
    ) -> Result<SignedIn, SignInError> {
        let Credentials { email, password, device_token } = credentials;
        // Only callers within this process have no address.
        let address = device.address().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if device_token.is_none() {
            self.throttle.look(address).await?;
        }
        let account = AccountKey::of(&email);
        let Found { user, hash, is_known_address } = match email.parse::<Email>() {
            Ok(email) => self.db.read(move |uow| find(uow, &email, address)).await?,
            Err(_) => Found { user: None, hash: None, is_known_address: false },
        };
        let now = self.clock.now();
        let known_device =
            device_token.zip(user).and_then(|(token, user)| self.devices.known(&token, user, now));
        let origin = match known_device {
            Some(login) => Origin::KnownDevice(login),
            None if is_known_address => Origin::KnownAddress(address),
            None => Origin::Stranger(address),
        };
        let place = self.passwords.reserve()?;
        let guess = self.throttle.begin(account, origin).await?;
        let is_right = self.passwords.verify(place, password, hash).await?;
        let Some(id) = user.filter(|_| is_right) else {
            guess.wrong().await?;
            self.note_address(address);
            return Err(self.refuse_login(user, "wrong credentials", call).await);
        };
        match self.open_login(id, device).await {
            Err(SignInError::Refused) => {
                guess.wrong().await?;
                Err(self.refuse_login(user, "inactive", call).await)
            }
            opened => opened,
        }
    }

    /// Exchanges a refresh token for the next pair.
    pub(crate) async fn refresh(
        &self,
        token: &str,
        device: Device,
        call: CallId,
    ) -> Result<SignedIn, SignInError> {
        self.count("refresh", self.try_refresh(token, device, call).await)
    }

    async fn try_refresh(&self, token: &str, device: Device, call: CallId) -> Result<SignedIn, SignInError> {
        let shown = RefreshToken::parse(token).ok_or(SignInError::Refused)?;
        let (refresh, pair) = self.new_pair()?;
        let (hash, next, lifetimes) = (shown.hash(), pair.clone(), self.lifetimes);
        let rotated = self
            .db
            .write(move |uow| {
                Ok::<_, DbError>(match logins::rotate(uow, &hash, &next, &lifetimes, &device, call)? {
                    Rotation::Turned(turned) => {
                        let (user, login) = *turned;
                        Ok((users::repository::account(uow, user)?, login))
                    }
                    Rotation::Refused => Err("unknown or ended"),
                    Rotation::Reused => Err("used twice"),
                })
            })
            .await?;
        match rotated {
            Ok((account, login)) => self.issue_tokens(account, &login, &refresh, &pair.jti),
            Err(reason) => {
                log::info!(request_id:% = call, reason = reason; "refused a refresh token");
                Err(SignInError::Refused)
            }
        }
    }

    pub(super) async fn open_login(&self, user: UserId, device: Device) -> Result<SignedIn, SignInError> {
        let (refresh, pair) = self.new_pair()?;
        let (first, lifetimes) = (pair.clone(), self.lifetimes);
        let opened = self
            .db
            .write(move |uow| {
                let opened = logins::service::open(uow, user, &device, &lifetimes, Some(&first))?;
                let Some((user, login)) = opened else { return Ok(None) };
                Ok::<_, DbError>(Some((users::repository::account(uow, user)?, login)))
            })
            .await?;
        let (account, login) = opened.ok_or(SignInError::Refused)?;
        self.issue_tokens(account, &login, &refresh, &pair.jti)
    }

    fn new_pair(&self) -> Result<(RefreshToken, NewPair), SignInError> {
        let refresh = RefreshToken::generate().map_err(|error| SignInError::Internal(error.to_string()))?;
        let pair = NewPair { hash: refresh.hash(), jti: self.new_jti() };
        Ok((refresh, pair))
    }

    /// A new `jti`.
    pub(super) fn new_jti(&self) -> TokenId {
        TokenId(CallId::new(self.clock.now()).to_string())
    }

    fn issue_tokens(
        &self,
        account: Account,
        login: &logins::Login,
        refresh: &RefreshToken,
        jti: &TokenId,
    ) -> Result<SignedIn, SignInError> {
        let now = self.clock.now();
        let expires_at = now.plus(self.access_ttl).min(login.expires_at);
        let access_token = self
            .own
            .mint(&Minting { user: &account.user, jti, login: login.id, now, expires_at })
            .map_err(|error| SignInError::Internal(error.to_string()))?;
        let device_token = self
            .devices
            .mint(account.user.id, login.id, now)
            .map_err(|error| SignInError::Internal(error.to_string()))?;
        Ok(SignedIn {
            access_token,
            device_token,
            expires_in: expires_at.since(now),
            refresh_token: refresh.as_str().to_owned(),
            account,
        })
    }

    fn count(&self, kind: &str, outcome: Result<SignedIn, SignInError>) -> Result<SignedIn, SignInError> {
        let word = match &outcome {
            Ok(_) => "ok",
            Err(SignInError::Refused) => "refused",
            Err(SignInError::Domain(Error::Limited { .. })) => "throttled",
            Err(SignInError::Domain(Error::Db(DbError::Overloaded))) => "overloaded",
            Err(SignInError::Domain(Error::Taken { .. })) => "taken",
            Err(_) => "failed",
        };
        self.metrics.signed_in(kind, word);
        outcome
    }

    /// Audited in the same way for known and unknown users, since the write takes time, too.
    async fn refuse_login(&self, user: Option<UserId>, reason: &'static str, call: CallId) -> SignInError {
        log::info!(request_id:% = call, reason = reason; "refused a login");
        let row = NewAudit {
            actor: user,
            impersonator: None,
            outcome: Outcome::Refused,
            action: "begin",
            kind: Kind::Login.as_str(),
            row_id: None,
            detail: Some(reason.to_owned()),
            call: Some(call),
        };
        match self.db.write(move |uow| uow.audit(row.clone())).await {
            Ok(()) => SignInError::Refused,
            Err(error) => error.into(),
        }
    }
}

/// What our rows contain for the login form's address.
struct Found {
    user: Option<UserId>,
    hash: Option<String>,
    /// The user has signed in from this address before.
    is_known_address: bool,
}

/// Runs the same queries for an address that no user has, so that the time tells nothing.
fn find(uow: &mut UnitOfWork<'_>, email: &Email, address: IpAddr) -> Result<Found, DbError> {
    let credentials = users::repository::find_credentials(uow, email)?;
    let addresses = logins::repository::addresses_of(uow, email)?;
    let here = customer(address);
    let is_known_address =
        addresses.iter().any(|known| known.parse().is_ok_and(|known| customer(known) == here));
    let (user, hash) = credentials.unzip();
    Ok(Found { user, hash: hash.flatten(), is_known_address })
}
