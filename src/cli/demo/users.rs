//! The users of the sample marketplace.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::app::App;
use crate::auth::{NewPassword, SignUp};
use crate::db::UnitOfWork;
use crate::domain::Error;
use crate::domain::policy::Scope;
use crate::domain::users::logins::Device;
use crate::domain::users::{self, DisplayName, Email, Plan, Role};
use crate::ids::{
    BookingId, CallId, ConsumerId, EntryId, OfferId, PhotoId, ProjectId, ProviderId, RequestId, ServiceId,
    SessionId, TemplateId, UserId,
};

use super::Failed;

/// Long enough that nobody has to log in again while trying things out.
const TOKEN_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// A user of the demo, with credentials.
#[derive(Debug, serde::Serialize)]
pub(super) struct Person {
    /// The first name, in lower case.
    pub(crate) name: &'static str,
    /// The user's id.
    pub(crate) id: UserId,
    /// The e-mail address to log in with.
    pub(crate) email: String,
    /// The password to log in with. Not secret: it is printed.
    pub(crate) password: String,
    /// The user's role.
    pub(crate) role: Role,
    /// The user's plan.
    pub(crate) plan: Plan,
    /// Whether the user is active. Suspended users still have a token from before, which is refused.
    pub(crate) is_active: bool,
    /// An access token, for `Authorization: Bearer`.
    pub(crate) access_token: String,
    /// The ids of what the user owns.
    pub(crate) owns: Owned,
    /// The scope with which the demo acts as this user.
    #[serde(skip)]
    pub(super) scope: Scope,
}

/// Ids of what a user owns.
#[derive(Debug, Default, serde::Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) struct Owned {
    pub(crate) consumer_id: Option<ConsumerId>,
    pub(crate) provider_id: Option<ProviderId>,
    pub(crate) service_ids: Vec<ServiceId>,
    pub(crate) template_ids: Vec<TemplateId>,
    pub(crate) photo_ids: Vec<PhotoId>,
    pub(crate) request_ids: Vec<RequestId>,
    pub(crate) offer_ids: Vec<OfferId>,
    pub(crate) booking_ids: Vec<BookingId>,
    pub(crate) session_ids: Vec<SessionId>,
    pub(crate) project_ids: Vec<ProjectId>,
    pub(crate) entry_ids: Vec<EntryId>,
}

/// All users of the demo, registered.
pub(super) struct Cast {
    /// A consumer with an open request with two offers, and a journal.
    pub(super) ana: Person,
    /// A consumer with a booking with Ben.
    pub(super) dora: Person,
    /// A provider.
    pub(super) ben: Person,
    /// A second provider.
    pub(super) cleo: Person,
    /// An admin.
    pub(super) root: Person,
    /// A consumer who will be suspended.
    pub(super) eve: Person,
    /// An admin who will be suspended.
    pub(super) mallory: Person,
}

/// Registers all users, and mints a token for each.
pub(super) async fn assemble(app: &App) -> Result<Cast, Failed> {
    Ok(Cast {
        ana: enroll(app, "ana", Role::Consumer).await?,
        dora: enroll(app, "dora", Role::Consumer).await?,
        ben: enroll(app, "ben", Role::Provider).await?,
        cleo: enroll(app, "cleo", Role::Provider).await?,
        root: enroll(app, "root", Role::Admin).await?,
        eve: enroll(app, "eve", Role::Consumer).await?,
        mallory: enroll(app, "mallory", Role::Admin).await?,
    })
}

async fn enroll(app: &App, name: &'static str, role: Role) -> Result<Person, Failed> {
    let email: Email = format!("{name}@souk.example").parse()?;
    let password = format!("{name}-likes-bazaars");
    let sign_up = SignUp {
        email: email.clone(),
        password: NewPassword::parse(&password)?,
        display_name: DisplayName::parse(&capitalised(name))?,
        role,
        plan: Plan::Free,
    };
    let user = app.auth.enroll(sign_up).await?;
    // Every user counts as having signed in from this machine, where a demo is tried.
    let device = Device::new(Some("souk demo"), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let token = app.auth.mint_on(device, &email, Some(TOKEN_TTL)).await?.access_token;
    let scope = app.auth.authenticate(&token, CallId::new(app.clock.now())).await?;
    let who = scope.clone();
    let account = app.db.read(move |uow| users::service::me(uow, &who)).await?;
    Ok(Person {
        name,
        id: user.id,
        email: user.email,
        password,
        role,
        plan: user.plan,
        is_active: true,
        access_token: token,
        owns: Owned { consumer_id: account.consumer, provider_id: account.provider, ..Owned::default() },
        scope,
    })
}

/// Runs one use case as this user.
pub(super) async fn act<T: Send + 'static>(
    app: &App,
    who: &Person,
    use_case: impl Fn(&mut UnitOfWork<'_>, &Scope) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let scope = who.scope.clone();
    app.db.write(move |uow| use_case(uow, &scope)).await
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
