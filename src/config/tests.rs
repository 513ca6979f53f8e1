use clap::CommandFactory;

use super::error::Problem;
use super::*;

fn given(flags: &[&str]) -> Settings {
    Settings::given(flags.iter().copied()).unwrap()
}

/// The problems of `flags`, with the flag of each.
fn refused(flags: &[&str]) -> Vec<String> {
    match given(flags).check() {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.0.iter().map(|invalid| invalid.setting.flag()).collect(),
    }
}

const GOOD: &str = "bd2f6c0e97a14d3f8be5a0c1d2e3f405";
const KEY: &str = "5d0a1c8f3b7e46921f6ad3c4870be59a2c61f7d80e934ab5c3f2186d7b4a90e1";

#[test]
fn every_setting_is_a_flag_and_a_variable_of_the_same_name_with_documentation() {
    let command = Flags::command();
    let settings: Vec<_> = command.get_arguments().filter(|arg| arg.get_env().is_some()).collect();
    assert!(settings.len() > 50, "{} settings", settings.len());
    for setting in command.get_arguments().filter(|arg| arg.get_id() != "help") {
        let id = setting.get_id().as_str();
        let variable = setting.get_env().map(|name| name.to_string_lossy().into_owned());
        let named = match id {
            "database_url" => "DATABASE_URL".into(),
            "redis_url" => "REDIS_URL".into(),
            id => format!("SOUK_{}", id.to_uppercase()),
        };
        assert_eq!(variable, Some(named), "{id}");
        assert_eq!(setting.get_long(), Some(id.replace('_', "-").as_str()));
        assert!(setting.get_help().is_some(), "{id} is not documented");
    }
}

#[test]
fn the_defaults_are_a_good_development_configuration() {
    assert!(refused(&[]).is_empty());
}

#[test]
fn a_short_secret_is_refused_everywhere() {
    assert_eq!(refused(&["--jwt-secret", "hunter2"]), ["--jwt-secret"]);
    assert_eq!(refused(&["--load-test-secret", "hunter2"]), ["--load-test-secret"]);
}

#[test]
fn production_refuses_missing_and_weak_secrets_test_switches_and_plain_text_origins() {
    let production = |flags: &[&str]| refused(&[&["--env", "production"], flags].concat());
    assert_eq!(production(&[]), ["--jwt-secret", "--journal-key"]);
    assert_eq!(production(&["--jwt-secret", GOOD]), ["--journal-key"]);
    let production = |flags: &[&str]| production(&[&["--journal-key", KEY], flags].concat());
    assert_eq!(production(&["--jwt-secret", &"x".repeat(40)]), ["--jwt-secret"]);
    assert_eq!(production(&["--jwt-secret", &"changeme-0123456789".repeat(2)]), ["--jwt-secret"]);
    assert!(production(&["--jwt-secret", GOOD]).is_empty());
    assert_eq!(production(&["--jwt-secret", GOOD, "--load-test-secret", GOOD]), ["--load-test-secret"]);
    assert_eq!(
        production(&["--jwt-secret", GOOD, "--allowed-origins", "http://app.example,https://b.example"]),
        ["--allowed-origins"]
    );
}

#[test]
fn a_journal_key_that_is_no_key_is_refused_and_so_is_a_placeholder_in_production() {
    assert_eq!(refused(&["--journal-key", GOOD]), ["--journal-key"]);
    assert_eq!(refused(&["--journal-key-file", "/no/such/file"]), ["--journal-key-file"]);
    assert!(
        refused(&["--journal-key", KEY]).is_empty()
            && refused(&["--journal-key", &"ab".repeat(32)]).is_empty()
    );
    let placeholder = ["--env", "production", "--jwt-secret", GOOD, "--journal-key", &"ab".repeat(32)];
    assert_eq!(refused(&placeholder), ["--journal-key"]);
}

#[test]
fn settings_that_contradict_each_other_are_all_named_at_once() {
    let flags = [
        "--heartbeat-interval",
        "2m",
        "--outbox-soft",
        "2MiB",
        "--login-idle",
        "91d",
        "--log-filter",
        "loud",
    ];
    assert_eq!(refused(&flags), ["--login-idle", "--heartbeat-interval", "--outbox-soft", "--log-filter"]);
}

#[test]
fn a_key_algorithm_needs_its_key_and_nothing_else() {
    assert_eq!(refused(&["--jwt-algorithm", "EdDSA"]), ["--jwt-key-file"]);
    assert_eq!(refused(&["--jwt-algorithm", "RS256", "--jwt-secret", GOOD]), ["--jwt-secret"]);
    assert_eq!(refused(&["--jwt-key-file", "key.pem"]), ["--jwt-key-file"]);
}

#[test]
fn a_generator_has_what_it_needs_and_nothing_that_it_would_ignore() {
    let model = ["--generator-model", "llama3.2"];
    let generator = |kind: &str, flags: &[&str]| refused(&[&["--generator", kind], flags].concat());
    assert_eq!(refused(&model), ["--generator-model"]);
    let url = ["--generator-url", "http://gpu:8080"];
    let key = ["--generator-key", GOOD];
    assert_eq!(refused(&[url, key].concat()), ["--generator-url", "--generator-key"]);
    assert_eq!(refused(&["--ollama-url", "http://gpu:11434"]), ["--ollama-url"]);

    assert_eq!(generator("ollama", &[]), ["--generator-model"]);
    assert!(generator("ollama", &model).is_empty());
    assert!(generator("ollama", &[model, ["--ollama-url", "http://gpu:11434"]].concat()).is_empty());
    assert_eq!(generator("ollama", &[model, ["--ollama-url", "gpu:11434"]].concat()), ["--ollama-url"]);
    assert_eq!(generator("openai", &model), ["--generator-url"]);
    assert_eq!(generator("openai", &[&url[..], &["--generator-model="]].concat()), ["--generator-model"]);
    assert!(generator("openai", &[model, url, key].concat()).is_empty());
    assert_eq!(
        generator("openai", &[model, url, ["--generator-key", "two words"]].concat()),
        ["--generator-key"]
    );
    for url in
        ["ftp://gpu", "gpu", "http://", "http://user:hunter2@gpu", "https://gpu/?key=1", "https://gpu/#x"]
    {
        assert_eq!(
            generator("openai", &[model, ["--generator-url", url]].concat()),
            ["--generator-url"],
            "{url}"
        );
    }
}

#[test]
fn what_goes_to_another_machine_unencrypted_is_noticed() {
    for (url, noticed) in [
        ("http://127.0.0.1:11434", false),
        ("http://[::1]:11434", false),
        ("http://localhost", false),
        ("https://models.example", false),
        ("http://ollama:11434", true),
        ("http://10.0.0.7/v1", true),
    ] {
        let flags = ["--generator=ollama", "--generator-model=mistral", "--generator-url", url];
        assert_eq!(given(&flags).check().unwrap().generation.sends_in_plain_text(), noticed, "{url}");
    }
    assert!(!given(&[]).check().unwrap().generation.sends_in_plain_text());
}

#[test]
fn a_generators_parts_have_no_longer_time_than_the_whole() {
    let flags =
        ["--generator-first-timeout=2m", "--generator-idle-timeout=2m", "--generator-total-timeout=1m"];
    assert_eq!(refused(&flags), ["--generator-first-timeout", "--generator-idle-timeout"]);
}

#[test]
fn a_missing_file_is_named_with_the_flag_the_variable_and_the_cause() {
    let Err(invalid) = given(&["--jwt-secret-file", "/no/such/file"]).check() else {
        panic!("accepted a missing file");
    };
    let text = invalid.to_string();
    assert!(text.starts_with("--jwt-secret-file (SOUK_JWT_SECRET_FILE) names /no/such/file"), "{text}");
}

#[test]
fn a_secret_from_a_file_is_the_file_without_its_last_line_break() {
    let path = std::env::temp_dir().join(format!("souk-config-{}", uuid::Uuid::new_v4()));
    std::fs::write(&path, format!("{GOOD}\n")).unwrap();
    let config = given(&["--jwt-secret-file", path.to_str().unwrap()]).into_config().unwrap();
    std::fs::remove_file(path).unwrap();
    let Signing::Hs256(secret) = config.signing else { panic!("not HS256") };
    assert_eq!(secret.expose(), GOOD);
}

#[test]
fn what_is_in_force_shows_every_setting_and_no_secret() {
    let command = Flags::command();
    let flags = [
        "souk",
        "--jwt-secret",
        GOOD,
        "--journal-key",
        KEY,
        "--database-url",
        "postgres://souk:hunter2@db/souk",
        "--workers",
        "3",
        "--generator-key",
        "sk-hunter2",
    ];
    let matches = command.clone().get_matches_from(flags);
    let lines = effective(&command, &matches).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(lines.contains("SOUK_JWT_SECRET = ***  (flag)"), "{lines}");
    assert!(lines.contains("SOUK_GENERATOR_KEY = ***  (flag)"), "{lines}");
    assert!(lines.contains("DATABASE_URL = postgres://***@db/souk  (flag)"), "{lines}");
    assert!(lines.contains("SOUK_WORKERS = 3  (flag)"), "{lines}");
    assert!(lines.contains("SOUK_HEARTBEAT_INTERVAL = 25s  (default)"), "{lines}");
    assert!(lines.contains("SOUK_JOURNAL_KEY = ***  (flag)"), "{lines}");
    assert!(!lines.contains(GOOD) && !lines.contains(KEY) && !lines.contains("hunter2"), "{lines}");
}

#[test]
fn problems_are_typed() {
    let Err(InvalidSettings(invalid)) = given(&["--jwt-secret", "hunter2"]).check() else {
        panic!("accepted")
    };
    assert_eq!(invalid.first().map(|invalid| &invalid.problem), Some(&Problem::ShortSecret { bytes: 7 }));
}
