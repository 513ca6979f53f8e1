# `just` lists these.
_default:
    @just --list

# Serve on data/souk.db; settings follow: `just run --bind 127.0.0.1:9000`
run *SETTINGS:
    cargo run -- serve {{SETTINGS}}

# Serve a sample marketplace on a temporary database
demo *OPTIONS:
    cargo run -- demo {{OPTIONS}}

# All tests, on SQLite and PostgreSQL
test:
    cargo test --locked

# The tests whose path contains FILTER, with what they say
test-one FILTER:
    cargo test --locked {{FILTER}} -- --nocapture

# Format and lints
lint:
    cargo fmt --all --check
    cargo clippy --locked --all-targets -- -D warnings

# Documentation of the code, in a browser
doc:
    cargo doc --locked --no-deps --document-private-items --open

# One benchmark: board_moves, connect, fan_out, first_chunk, group_commit, idle_connections, revocation, simulation, slow_consumer
bench NAME *OPTIONS:
    cargo bench --locked --bench {{NAME}} -- {{OPTIONS}}

# Everything that must hold before a merge
ci:
    .ci/run
