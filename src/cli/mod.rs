//! The command line: one command per file. Commands call the domain's use cases and print; they contain no
//! rules of the marketplace.

mod adopt_conversations;
mod backup;
mod check_config;
mod demo;
mod health;
mod load_test;
mod migrate;
mod restore;
mod rotate_journal_key;
mod serve;
mod token;
mod user;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{self, EffectiveSetting, LogFormat, LoggingConfig, Settings};
use crate::telemetry::logging::{Format, init};

/// The realtime backend of a services marketplace, in one binary.
///
/// Every setting is a flag and a variable; a flag wins. Durations are written 500ms, 10s, 30m, 12h or 14d; sizes 4096,
/// 64KiB or 10MiB.
#[derive(Debug, Parser)]
#[command(name = "souk", version, subcommand_required = true, arg_required_else_help = true)]
struct Souk {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one, for as long as it takes to read it")]
enum Command {
    /// Serve until SIGTERM or SIGINT
    Serve(Settings),
    /// Serve a sample marketplace on a fresh temporary database, and print each user's credentials
    Demo(demo::Options),
    /// Open many synthetic sessions on a server, and measure its latency
    Load(load_test::Options),
    /// Mint an access token for a user
    Token(token::Options),
    /// Add, list, suspend and change users; also for the first admin
    #[command(subcommand)]
    User(user::Command),
    /// Ask a server on this machine whether it is ready; exits with 0 if it is
    Health(health::Options),
    /// Check the configuration and print the effective settings, secrets masked
    CheckConfig(Settings),
    /// Migrate the database's schema, without serving
    Migrate(Settings),
    /// Copy the SQLite database to a new file, consistently, even while a server is using it
    ///
    /// The copy does not hold the journal key (--journal-key, or the .journal-key file beside the database): keep that
    /// elsewhere. Without it nobody can read the journals of the copy.
    Backup(backup::Options),
    /// Put a backup in the place of the SQLite database, with its server stopped
    ///
    /// The backup is copied and the copy checked before anything changes: its file, its foreign keys, and that this souk
    /// knows its schema. An older schema is migrated by the next start. Refused while a server uses the database, and where
    /// there is a database, unless --replace keeps that one aside.
    Restore(restore::Options),
    /// Verify that everything that must hold of a database does, also while a server is using it
    ///
    /// Checks the file (SQLite), foreign keys, the event log and the marketplace's invariants on one snapshot, and writes
    /// nothing. Prints a line per check with the number of rows it looked at, and each fault. Where the journal key is given
    /// or kept beside the database, journals are opened as well. Exits with 0 if all is well, with 1 if there are faults,
    /// and with 2 if the database cannot be verified.
    Verify(verify::Options),
    /// Take an older system's conversations from the placeholder user that stood for nobody
    ///
    /// Some older systems kept the conversations of people who were not signed in under one user. Here every conversation
    /// has an owner, so these are either deleted (--delete) or moved to an archive without owners (--mark), in batches, and
    /// then the placeholder user is deleted: the database's foreign keys keep anything from belonging to it again. Without
    /// --yes nothing is changed, and what would be done is counted. Refused while the user is active (suspend it first), or
    /// if it has anything but conversations. May run beside a server; run it again if it was interrupted.
    AdoptConversations(adopt_conversations::Options),
    /// Seal the journals' data keys with a new journal key
    ///
    /// The settings give the current key. The entries themselves stay as they are; all data keys are sealed anew in one
    /// transaction, and running it again changes nothing more. Stop all servers of the database first; on SQLite it is
    /// refused while one runs. Afterwards start them with the new key; backups that are older need the old one.
    RotateJournalKey(rotate_journal_key::Options),
}

/// Why a command failed, as a message for the user.
type Failed = Box<dyn std::error::Error>;

/// Parses and runs the command line. A usage error is explained and exits with 2, a later failure with 1.
#[allow(clippy::print_stderr, reason = "a command's answer, not a log line")]
pub fn run() -> ExitCode {
    let definition = Souk::command();
    let matches = match definition.clone().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => config::name_variable(error, &definition).exit(),
    };
    let command = Souk::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()).command;
    let done = match command {
        Command::Serve(settings) => {
            start_logging(settings.logging());
            serve::run(settings.with_effective(effective(&definition, &matches)))
        }
        Command::CheckConfig(settings) => check_config::run(settings, &effective(&definition, &matches)),
        Command::Demo(mut options) => {
            start_logging(options.settings.logging());
            options.settings = options.settings.with_effective(effective(&definition, &matches));
            demo::run(options)
        }
        Command::Health(options) => health::run(&options),
        Command::Load(options) => load_test::run(options),
        Command::Token(options) => {
            start_logging(options.settings.logging());
            token::run(options)
        }
        Command::User(command) => {
            start_logging(command.logging());
            user::run(command)
        }
        Command::Migrate(settings) => {
            start_logging(settings.logging());
            migrate::run(settings.database())
        }
        Command::Backup(options) => {
            start_logging(options.settings.logging());
            backup::run(&options)
        }
        Command::Restore(options) => {
            start_logging(&options.logging);
            restore::run(&options)
        }
        Command::Verify(options) => {
            start_logging(options.settings.logging());
            return verify::run(options);
        }
        Command::AdoptConversations(options) => {
            start_logging(&options.logging);
            adopt_conversations::run(&options)
        }
        Command::RotateJournalKey(options) => {
            start_logging(options.settings.logging());
            rotate_journal_key::run(options)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The settings of the command that was given, as they are in force.
fn effective(definition: &clap::Command, matches: &clap::ArgMatches) -> Vec<EffectiveSetting> {
    let of_command = matches.subcommand().and_then(|(name, matches)| {
        let definition = definition.find_subcommand(name)?;
        Some(config::effective(definition, matches))
    });
    of_command.unwrap_or_default()
}

fn start_logging(logging: &LoggingConfig) {
    let format = match logging.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    init(format, &logging.log_filter);
}
