//! `souk user`: adds and manages users from the command line, through the same use cases as the admin API.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::auth::{FOLLOWED_WITHIN, NewPassword, command_line, hash_password};
use crate::clock::{Clock, Timestamp};
use crate::config::{DatabaseConfig, LoggingConfig};
use crate::db::{Db, UnitOfWork};
use crate::domain::policy::Scope;
use crate::domain::users::{
    DisplayName, Email, Plan, Reason, Registration, Role, User, repository, service as users,
};
use crate::domain::{Error, Kind, Page};
use crate::ids::UserId;
use crate::server;

/// The subcommands of `souk user`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add a user of any role, such as a new server's first admin
    ///
    /// The password is asked for twice without showing it, unless --password-file or --generate-password is given. May
    /// run beside a server on the same database: the user can log in at once.
    Add(Add),
    /// List users, newest first
    List(List),
    /// Suspend a user: their logins end, all their calls are refused, their open requests and live offers are closed
    ///
    /// May run beside servers on the same database: each closes the user's live sessions within about a second of it.
    /// The last active admin cannot be suspended.
    Suspend(Suspend),
    /// Reinstate a suspended user, who must log in again; closed requests and offers stay closed
    Reinstate(Reinstate),
    /// Change a user's role: their logins end, and they must log in again
    ///
    /// May run beside servers on the same database: each closes the user's live sessions within about a second of it.
    /// The last active admin cannot be given another role.
    Role(ChangeRole),
}

/// Which database, and what is logged of it.
#[derive(Debug, clap::Args)]
struct Place {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    logging: LoggingConfig,
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The email address, with which the user logs in
    #[arg(long, value_name = "EMAIL")]
    email: Email,

    /// The display name: 1 to 80 characters
    #[arg(long, value_name = "NAME", value_parser = DisplayName::parse)]
    name: DisplayName,

    /// consumer, provider or admin
    #[arg(long, value_name = "ROLE")]
    role: Role,

    /// File that holds the password, 8 to 128 characters; - reads it from standard input
    #[arg(long, value_name = "PATH", conflicts_with = "generate_password")]
    password_file: Option<PathBuf>,

    /// Generate a password and print it once on standard output
    #[arg(long)]
    generate_password: bool,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only users of this role: consumer, provider or admin
    #[arg(long, value_name = "ROLE")]
    role: Option<Role>,

    /// Print one JSON object per line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct Suspend {
    /// The user's email address
    #[arg(value_name = "EMAIL")]
    email: Email,

    /// The reason for the audit trail: 1 to 500 characters
    #[arg(long, value_name = "TEXT", value_parser = Reason::parse)]
    reason: Reason,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct Reinstate {
    /// The user's email address
    #[arg(value_name = "EMAIL")]
    email: Email,

    /// The reason for the audit trail: 1 to 500 characters
    #[arg(long, value_name = "TEXT", value_parser = Reason::parse)]
    reason: Option<Reason>,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, clap::Args)]
pub(super) struct ChangeRole {
    /// The user's email address
    #[arg(value_name = "EMAIL")]
    email: Email,

    /// consumer, provider or admin
    #[arg(value_name = "ROLE")]
    role: Role,

    #[command(flatten)]
    place: Place,
}

impl Command {
    pub(super) fn logging(&self) -> &LoggingConfig {
        let place = match self {
            Self::Add(command) => &command.place,
            Self::List(command) => &command.place,
            Self::Suspend(command) => &command.place,
            Self::Reinstate(command) => &command.place,
            Self::Role(command) => &command.place,
        };
        &place.logging
    }
}

/// Reports on standard output what was done; a generated password is printed alone.
pub(super) fn run(command: Command) -> Result<(), super::Failed> {
    actix_web::rt::System::new().block_on(async {
        match command {
            Command::Add(command) => add(command).await,
            Command::List(command) => list(command).await,
            Command::Suspend(Suspend { email, reason, place }) => {
                let suspend = move |uow: &mut UnitOfWork<'_>, scope: &Scope, id| {
                    users::suspend(uow, scope, id, &reason)
                };
                change(&place, email, "is suspended", suspend).await
            }
            Command::Reinstate(Reinstate { email, reason, place }) => {
                let reinstate = move |uow: &mut UnitOfWork<'_>, scope: &Scope, id| {
                    users::reinstate(uow, scope, id, reason.as_ref())
                };
                change(&place, email, "may log in", reinstate).await
            }
            Command::Role(ChangeRole { email, role, place }) => {
                let change_role = move |uow: &mut UnitOfWork<'_>, scope: &Scope, id| {
                    users::change_role(uow, scope, id, role, None)
                };
                change(&place, email, &format!("has the role {role}"), change_role).await
            }
        }
    })
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a command's answer, not a log line")]
async fn add(command: Add) -> Result<(), super::Failed> {
    let Add { email, name, role, password_file, generate_password, place } = command;
    let (password, generated) = match (password_file, generate_password) {
        (Some(path), _) => (fit(&read_password(&path)?)?, None),
        (None, true) => NewPassword::generate().map(|(password, text)| (password, Some(text)))?,
        (None, false) => (fit(&ask_for_password()?)?, None),
    };
    let registration = Registration {
        email,
        display_name: name,
        role,
        plan: Plan::Free,
        password_hash: hash_password(password).await?,
    };
    let (db, scope) = open(&place)?;
    let added = db.write(move |uow| users::add(uow, &scope, &registration)).await;
    db.close().await;
    let user = added?;
    let message = format!("added {} ({}), id {}", user.email, user.role, user.id);
    match generated {
        Some(password) => {
            eprintln!("{message}; the password follows on standard output, and is not shown again");
            println!("{password}");
        }
        None => println!("{message}"),
    }
    Ok(())
}

/// A user as `souk user list --json` prints them.
#[derive(Serialize)]
struct UserLine<'a> {
    id: UserId,
    email: &'a str,
    display_name: &'a str,
    role: Role,
    plan: Plan,
    is_active: bool,
    created_at: Timestamp,
}

#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
async fn list(command: List) -> Result<(), super::Failed> {
    let List { role, json, place } = command;
    let (db, scope) = open_existing(&place)?;
    let mut page = Page { before: None, limit: 500 };
    loop {
        let scope = scope.clone();
        let slice = db.read(move |uow| users::list(uow, &scope, None, role, &page)).await?;
        for user in &slice.items {
            println!("{}", if json { as_json(user)? } else { as_text(user) });
        }
        match slice.next {
            Some(next) => page.before = Some(next),
            None => break,
        }
    }
    db.close().await;
    Ok(())
}

fn as_json(user: &User) -> serde_json::Result<String> {
    serde_json::to_string(&UserLine {
        id: user.id,
        email: &user.email,
        display_name: &user.display_name,
        role: user.role,
        plan: user.plan,
        is_active: user.is_active,
        created_at: user.created_at,
    })
}

fn as_text(user: &User) -> String {
    let state = if user.is_active { "active" } else { "suspended" };
    format!("{}  {:<8}  {:<9}  {}  {}", user.id, user.role, state, user.email, user.display_name)
}

#[allow(clippy::print_stdout, reason = "a command's answer, not a log line")]
async fn change(
    place: &Place,
    email: Email,
    what: &str,
    change: impl Fn(&mut UnitOfWork<'_>, &Scope, UserId) -> Result<User, Error> + Send + 'static,
) -> Result<(), super::Failed> {
    let (db, scope) = open_existing(place)?;
    let address = email.clone();
    let changed = db.write(move |uow| {
        let user = repository::find_by_email(uow, &address)?.ok_or(Error::NotFound(Kind::User))?;
        change(uow, &scope, user.id)
    });
    let changed = changed.await;
    db.close().await;
    let user = changed.map_err(|error| match error {
        Error::NotFound(Kind::User) => format!("there is no user {email}"),
        other => format!("{email}: {other}"),
    })?;
    // When the command returns, the servers on the database act on the change.
    tokio::time::sleep(FOLLOWED_WITHIN).await;
    println!("{} {what}", user.email);
    Ok(())
}

/// Opens the database without a publisher: servers on the same database find ended rights by polling.
fn open(place: &Place) -> Result<(Db, Scope), super::Failed> {
    let clock = Clock::system();
    let scope = command_line(&clock);
    Ok((Db::open_beside(&server::db_config(&place.database), clock, Arc::new(()))?, scope))
}

/// The same for a database that must exist already: a mistyped path must not create a new one.
fn open_existing(place: &Place) -> Result<(Db, Scope), super::Failed> {
    if let Some(path) = place.database.database_url.sqlite_path()
        && !path.try_exists()?
    {
        return Err(format!("there is no database {}", path.display()).into());
    }
    open(place)
}

fn fit(text: &str) -> Result<NewPassword, String> {
    NewPassword::parse(text).map_err(|unfit| format!("the password {unfit}"))
}

/// Longest password file in bytes; a longer one is not a password.
const LONGEST: u64 = 4096;

/// The file's only line, without the trailing line break that editors and `echo` add.
fn read_password(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => io::stdin().lock().take(LONGEST + 1).read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text)),
    };
    read.map_err(|cause| format!("--password-file {}: {cause}", path.display()))?;
    if text.len() as u64 > LONGEST {
        return Err(format!("--password-file {}: over 4 KiB: not a password", path.display()));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask_for_password() -> Result<String, String> {
    if !io::stdin().is_terminal() {
        return Err(
            "there is no terminal to ask for the password on: give --password-file PATH (- for standard \
                    input) or --generate-password"
                .into(),
        );
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(|cause| format!("no password: {cause}"));
    let password = ask("Password (8 to 128 characters): ")?;
    match ask("The same again: ")? == password {
        true => Ok(password),
        false => Err("the two passwords differ".into()),
    }
}
