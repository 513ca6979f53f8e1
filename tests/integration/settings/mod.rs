//! Every setting has an effect. `SHOWN` names the test that shows it, in whatever file; a setting without a
//! line there, or a line without such a test, fails.

mod database;
mod http;
mod live;
mod process;
mod retention;
mod tokens;
mod wal;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each setting's variable, and the test that shows its effect.
const SHOWN: &[(&str, &str)] = &[
    ("SOUK_ENV", "and_in_production_those_of_the_list_alone"),
    ("SOUK_BIND", "a_server_that_is_told_to_stop_exits_well_and_can_start_again"),
    ("SOUK_WORKERS", "so_many_threads_serve"),
    ("SOUK_MAX_CONNECTIONS", "further_connections_are_told_that_they_are_too_many"),
    ("SOUK_HANDSHAKE_TIMEOUT", "a_head_that_does_not_arrive_in_time_is_given_up"),
    ("SOUK_BODY_TIMEOUT", "a_body_that_does_not_arrive_in_time_is_given_up"),
    ("SOUK_KEEP_ALIVE", "an_idle_connection_is_closed_after_its_time"),
    ("SOUK_STOP_TIMEOUT", "sessions_are_sent_away_in_batches_until_the_time_is_over"),
    ("SOUK_SWEEP_INTERVAL", "the_server_sweeps_by_itself"),
    ("SOUK_TRUSTED_PROXIES", "who_calls_is_what_a_trusted_proxy_says"),
    ("DATABASE_URL", "a_token_is_minted_for_who_is_there"),
    ("SOUK_DATABASE_CONNECTIONS", "who_finds_no_free_connection_is_refused_in_time"),
    ("SOUK_DATABASE_ACQUIRE_TIMEOUT", "who_finds_no_free_connection_is_refused_in_time"),
    ("SOUK_DATABASE_GROUP_MAX", "a_group_of_one_waits_for_nobody"),
    ("SOUK_DATABASE_QUEUE", "more_writes_than_may_wait_are_refused"),
    ("SOUK_DATABASE_BUSY_TIMEOUT", "a_write_waits_so_long_for_another_process"),
    ("SOUK_FENCE_TIMEOUT", "a_node_that_is_cut_off_closes_its_sessions_and_admits_new_ones_when_it_is_back"),
    (
        "SOUK_DATABASE_CONNECT_TIMEOUT",
        "a_server_that_does_not_answer_is_waited_for_as_long_as_the_setting_says",
    ),
    ("SOUK_DATABASE_STATEMENT_TIMEOUT", "a_statement_that_takes_too_long_is_refused_and_may_be_tried_again"),
    ("SOUK_DATABASE_LOCK_TIMEOUT", "who_waits_too_long_for_a_lock_is_refused_and_may_try_again"),
    ("SOUK_DATABASE_IDLE_TRANSACTION_TIMEOUT", "a_transaction_that_pauses_too_long_is_ended"),
    // What the system does with them shows only where packets are dropped.
    ("SOUK_DATABASE_KEEPALIVE", "connections_wait_as_the_settings_say_unless_the_url_says_otherwise"),
    ("SOUK_DATABASE_TCP_USER_TIMEOUT", "connections_wait_as_the_settings_say_unless_the_url_says_otherwise"),
    ("SOUK_DATABASE_WAL_MAX", "the_write_ahead_log_is_bounded_while_reads_overlap"),
    ("SOUK_JWT_ALGORITHM", "tokens_are_signed_as_the_settings_say"),
    ("SOUK_JWT_SECRET", "a_token_is_good_where_its_secret_is"),
    ("SOUK_JWT_SECRET_FILE", "a_token_is_good_where_its_secret_is"),
    ("SOUK_JWT_KEY_FILE", "tokens_are_signed_as_the_settings_say"),
    ("SOUK_JOURNAL_KEY", "journals_are_served_with_the_key_that_sealed_them_alone"),
    ("SOUK_JOURNAL_KEY_FILE", "a_key_is_rotated_and_the_old_one_is_good_for_nothing"),
    ("SOUK_JWT_ISSUER", "tokens_are_signed_as_the_settings_say"),
    ("SOUK_JWT_AUDIENCE", "tokens_are_signed_as_the_settings_say"),
    ("SOUK_ACCESS_TTL", "a_token_that_ends_while_nothing_is_said_ends_the_session"),
    ("SOUK_LOGIN_IDLE", "a_login_idles_out_after_its_time"),
    ("SOUK_LOGIN_MAX", "a_login_ends_after_its_time_however_much_it_is_used"),
    ("SOUK_TOKEN_CACHE", "no_token_is_kept_where_none_may_be"),
    ("SOUK_TICKET_TTL", "a_ticket_is_good_for_its_time"),
    ("SOUK_ISSUER_LEEWAY", "an_issuers_clock_may_differ_by_the_leeway"),
    ("SOUK_ISSUERS", "somebody_new_is_made_at_first_sight_and_known_afterwards"),
    ("SOUK_JWKS_MAX_AGE", "an_issuers_keys_are_fetched_again_after_their_time"),
    ("SOUK_JWKS_TIMEOUT", "an_issuer_that_does_not_answer_is_given_up"),
    ("SOUK_PROVISION_USERS", "strangers_of_all_issuers_may_be_made_users"),
    ("SOUK_ARGON2_CONCURRENCY", "so_many_passwords_are_tried_at_once_and_so_many_wait"),
    ("SOUK_ARGON2_QUEUE", "so_many_passwords_are_tried_at_once_and_so_many_wait"),
    ("SOUK_WRITE_TIMEOUT", "who_does_not_read_an_answer_is_cut_off"),
    ("SOUK_LOGINS_PER_ACCOUNT", "guessing_is_slowed_down_per_account"),
    ("SOUK_LOGINS_PER_ACCOUNT_ANYWHERE", "guessing_from_many_networks_slows_strangers_alone"),
    ("SOUK_DEVICE_TTL", "a_device_is_forgotten_in_time_and_its_token_is_good_for_nothing_else"),
    ("SOUK_LOGINS_PER_ADDRESS", "guessing_is_slowed_down_per_address"),
    ("SOUK_ALLOWED_ORIGINS", "only_pages_of_the_list_are_let_in"),
    ("SOUK_FRAME_MAX", "a_frame_has_its_cap"),
    ("SOUK_MESSAGE_MAX", "a_message_has_its_caps"),
    ("SOUK_FRAGMENTS_MAX", "a_message_has_its_caps"),
    ("SOUK_MALFORMED_PER_MINUTE", "so_many_mistakes_close_a_session"),
    ("SOUK_UNAUTHENTICATED_PER_ADDRESS", "an_address_sends_so_many_strangers"),
    ("SOUK_CONNECTIONS_PER_ADDRESS", "an_address_has_so_many_sessions"),
    ("SOUK_HEARTBEAT_INTERVAL", "polling_clients_are_told_the_caps_and_held_to_them"),
    ("SOUK_HEARTBEAT_TIMEOUT", "a_client_that_is_silent_for_too_long_is_gone"),
    ("SOUK_PING_TIMEOUT", "polling_clients_are_told_the_caps_and_held_to_them"),
    ("SOUK_PAYLOAD_MAX", "polling_clients_are_told_the_caps_and_held_to_them"),
    ("SOUK_PACKETS_MAX", "polling_clients_are_told_the_caps_and_held_to_them"),
    ("SOUK_ATTACHMENTS_MAX", "a_packet_has_so_many_attachments"),
    ("SOUK_OUTBOX_SOFT", "a_page_ends_where_the_client_could_not_take_more"),
    ("SOUK_OUTBOX_HARD", "who_does_not_read_is_gone_and_all_others_hear_everything"),
    ("SOUK_SLOW_CONSUMER_GRACE", "who_does_not_read_is_gone_and_all_others_hear_everything"),
    ("SOUK_TCP_USER_TIMEOUT", "who_asks_and_does_not_read_the_answers_is_cut_off"),
    ("SOUK_SOCKET_SEND_BUFFER", "a_client_that_does_not_read_is_cut_off"),
    // The hub's internals cannot be controlled at a chosen moment from outside: unit tests drive them
    // directly.
    ("SOUK_HUB_MAILBOX", "closing_does_not_wait_for_a_place_in_a_full_mailbox"),
    ("SOUK_JOIN_BUFFER", "a_room_that_floods_keeps_a_bounded_number_of_early_events"),
    ("SOUK_GAP_TIMEOUT", "a_gap_that_does_not_close_is_read_from_the_log"),
    ("SOUK_REPLAY_MAX", "what_is_too_much_to_replay_is_not_recovered"),
    ("SOUK_HISTORY_MAX", "a_page_of_history_has_its_cap"),
    ("SOUK_TOKEN_WARNING", "a_token_that_ends_in_silence_ends_its_sessions"),
    ("SOUK_TOKEN_GRACE", "an_outside_token_has_a_grace"),
    ("SOUK_EVICTION_GRACE", "a_client_that_does_not_read_is_cut_off"),
    ("SOUK_STOP_BATCH", "sessions_are_sent_away_in_batches_until_the_time_is_over"),
    ("SOUK_STOP_PAUSE", "sessions_are_sent_away_in_batches_until_the_time_is_over"),
    ("SOUK_RECONNECT_JITTER", "clients_come_back_within_the_jitter"),
    ("SOUK_FREE_CONNECTIONS", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_MESSAGES", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_ROOMS", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_REQUESTS", "each_plan_has_its_own_limits"),
    ("SOUK_SIMULATION_THREADS", "a_simulation_waits_until_its_owner_calls_it_off"),
    ("SOUK_FREE_SIMULATIONS", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_SIMULATIONS_PER_DAY", "a_day_has_room_for_as_many_as_the_plan_says"),
    ("SOUK_FREE_SIMULATION_RUNS", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_SIMULATION_STEPS", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_GENERATIONS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_CONNECTIONS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_MESSAGES", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_ROOMS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_REQUESTS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_SIMULATIONS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_SIMULATIONS_PER_DAY", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_SIMULATION_RUNS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_SIMULATION_STEPS", "each_plan_has_its_own_limits"),
    ("SOUK_PRO_GENERATIONS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_CONNECTIONS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_MESSAGES", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_ROOMS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_REQUESTS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_SIMULATIONS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_SIMULATIONS_PER_DAY", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_SIMULATION_RUNS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_SIMULATION_STEPS", "each_plan_has_its_own_limits"),
    ("SOUK_ENTERPRISE_GENERATIONS", "each_plan_has_its_own_limits"),
    ("SOUK_FREE_MESSAGES_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_FREE_PLANS_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_FREE_GENERATED_CHARACTERS_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_PRO_MESSAGES_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_PRO_PLANS_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_PRO_GENERATED_CHARACTERS_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_ENTERPRISE_MESSAGES_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_ENTERPRISE_PLANS_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_ENTERPRISE_GENERATED_CHARACTERS_PER_DAY", "each_plan_has_its_own_quotas"),
    ("SOUK_BODY_MAX", "a_body_that_is_too_large_is_refused"),
    ("SOUK_PAGE_MAX", "a_page_has_its_cap"),
    ("SOUK_ANONYMOUS_REQUESTS", "strangers_have_so_many_requests_a_minute"),
    ("SOUK_IDEMPOTENCY_TTL", "an_answer_is_forgotten_when_nobody_can_want_it_any_more"),
    ("SOUK_DASHBOARD", "without_the_dashboard_neither_its_pages_nor_its_logins_exist"),
    ("SOUK_ADMIN_ADDRESSES", "administration_is_open_to_the_networks_of_the_list_alone"),
    ("SOUK_GENERATOR", "the_configured_model_writes_and_is_counted"),
    ("SOUK_GENERATOR_URL", "the_configured_model_writes_and_is_counted"),
    ("SOUK_OLLAMA_URL", "an_ollama_may_be_named_by_its_own_setting"),
    ("SOUK_GENERATOR_MODEL", "the_configured_model_writes_and_is_counted"),
    ("SOUK_GENERATOR_KEY", "the_key_is_sent_to_the_model_and_shown_to_nobody"),
    ("SOUK_GENERATOR_KEY_FILE", "the_key_is_sent_to_the_model_and_shown_to_nobody"),
    ("SOUK_GENERATOR_FIRST_TIMEOUT", "a_text_that_is_late_is_given_up"),
    ("SOUK_GENERATOR_IDLE_TIMEOUT", "a_text_that_is_late_is_given_up"),
    ("SOUK_GENERATOR_TOTAL_TIMEOUT", "a_text_that_is_late_is_given_up"),
    ("SOUK_GENERATOR_ABANDON_TIMEOUT", "what_nobody_follows_any_more_is_given_up"),
    ("SOUK_GENERATOR_CONCURRENCY", "so_many_texts_are_written_at_once_and_so_many_wait"),
    ("SOUK_GENERATOR_QUEUE", "so_many_texts_are_written_at_once_and_so_many_wait"),
    ("SOUK_ASSISTANT_CONTEXT_TOKENS", "the_assistant_is_given_the_newest_messages_that_fit"),
    ("SOUK_RETAIN_MARKET_EVENTS", "events_are_kept_for_their_time_and_the_newest_for_longer"),
    ("SOUK_RETAIN_ADMIN_EVENTS", "events_are_kept_for_their_time_and_the_newest_for_longer"),
    ("SOUK_RETAIN_USER_EVENTS", "events_are_kept_for_their_time_and_the_newest_for_longer"),
    ("SOUK_RETAIN_EVENTS_MIN", "events_are_kept_for_their_time_and_the_newest_for_longer"),
    ("SOUK_RETAIN_AUDIT", "the_audit_trail_is_kept_for_its_time"),
    ("SOUK_METRICS_BIND", "metrics_may_have_an_address_of_their_own"),
    ("SOUK_METRICS_TOKEN", "metrics_may_ask_for_a_token"),
    ("SOUK_METRICS_TOKEN_FILE", "secrets_may_come_from_files"),
    ("SOUK_LOG_FORMAT", "the_log_looks_and_tells_as_the_settings_say"),
    ("SOUK_LOG_FILTER", "the_log_looks_and_tells_as_the_settings_say"),
    ("SOUK_LOAD_TEST_SECRET", "synthetic_users_meet_in_rooms_of_their_own"),
    ("SOUK_LOAD_TEST_SECRET_FILE", "secrets_may_come_from_files"),
    ("REDIS_URL", "what_is_not_stored_crosses_nodes"),
];

#[test]
fn each_setting_is_shown_by_a_test_that_there_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_souk")).arg("check-config").output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let settings: BTreeSet<_> =
        output.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
    let shown: BTreeSet<_> = SHOWN.iter().map(|(setting, _)| *setting).collect();
    assert_eq!(shown.len(), SHOWN.len(), "a setting has two lines");
    let (missing, gone) = (settings.difference(&shown), shown.difference(&settings));
    assert_eq!(
        (missing.collect::<Vec<_>>(), gone.collect::<Vec<_>>()),
        (vec![], vec![]),
        "missing, and gone"
    );

    let sources = sources();
    for (setting, test) in SHOWN {
        assert!(sources.contains(&format!("fn {test}(")), "{setting}: there is no test {test}");
    }
}

/// All sources that contain tests.
fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = vec![root.join("src"), root.join("tests")];
    let mut all = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                all += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    all
}
