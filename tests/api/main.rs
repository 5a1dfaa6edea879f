//! The server as its clients see it: over HTTPS, over WSS and on the command line.
//!
//! Each test has a server and a database of its own. With `TEST_DATABASE_URL` set to a PostgreSQL
//! server the databases are made there, otherwise they are SQLite files: the same tests for both.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and says where"
)]

mod access;
mod administer;
mod api_tokens;
mod asyncapi;
mod audit;
mod audit_acts;
mod audit_reading;
mod audit_refusals;
mod audit_verify;
mod auth;
mod backup;
mod cli;
mod client;
mod config;
mod conformance;
mod cookies;
mod docs;
mod errors;
mod fault_crash;
mod fault_cuts;
mod fault_postgres;
mod fault_restore;
mod fault_retries;
mod fault_sqlite;
mod fault_stop;
mod flaky;
mod guessing;
mod harness;
mod hashing;
mod headers;
mod health;
mod health_command;
mod held_requests;
mod history;
mod hostile_descriptors;
mod hostile_memory;
mod hostile_requests;
mod hostile_slow;
mod http2;
mod jobs;
mod jobs_crash;
mod jobs_workers;
mod keys;
mod keys_elsewhere;
mod layers;
mod lifetimes;
mod limits;
mod logins;
mod logs;
mod mail;
mod mail_server;
mod messages;
mod metrics;
mod nasty;
mod new_devices;
mod oauth_facebook;
mod oauth_github;
mod oauth_issuer;
mod oauth_links;
mod oauth_provider;
mod oauth_refusals;
mod oauth_settings;
mod oauth_state;
mod passkeys;
mod password_reset;
mod passwords;
mod properties;
mod quotas;
mod raw;
mod reach;
mod read_marks;
mod refresh;
mod refusal_doors;
mod refusal_frames;
mod roles;
mod rooms;
mod secrets;
mod secrets_shown;
mod service_tokens;
mod setup;
mod soak;
mod socket_api_tokens;
mod socket_auth;
mod socket_codes;
mod socket_frames;
mod socket_limits;
mod socket_memory;
mod socket_messages;
mod socket_overload;
mod socket_presence;
mod socket_replay;
mod socket_restart;
mod socket_resume;
mod socket_rights;
mod socket_roles;
mod socket_rooms;
mod socket_shutdown;
mod socket_slow;
mod socket_upgrade;
mod startup;
mod statistics;
mod step_up;
mod tls;
mod two_factor;
mod two_factor_admin;
mod two_factor_role;
mod two_factor_setup;
mod users;
mod users_delete;
mod users_inactive;
mod users_list;
mod users_update;
