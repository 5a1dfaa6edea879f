//! Parlor, a realtime chat server that keeps every message.

pub mod auth;
pub mod chat;
pub mod clock;
pub mod command;
pub mod config;
pub mod domain;
pub mod error;
pub mod keyfile;
pub mod limits;
pub mod metrics;
pub mod protocol;
pub mod routes;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod tls;
