//! Parlor, a realtime chat server that keeps every message.
//!
//! # Layout
//!
//! Imports point one way, downwards:
//!
//! | module | what |
//! | --- | --- |
//! | [`command`] | what `parlor` can be told on the command line |
//! | [`conformance`] | what every Parlor promises, tried on a running one |
//! | [`flaky`] | a proxy that is as bad as networks are |
//! | [`remote`] | a Parlor somewhere else, as its clients reach it |
//! | [`startup`] | from settings to a running server, and back |
//! | [`routes`] | HTTP: one module a resource |
//! | [`mail`] | mails: what they say, and how they leave |
//! | [`jobs`] | the worker that does what transactions promised |
//! | [`client`] | the files of the browser client |
//! | [`chat`] | what is alive: sessions, rooms, hubs, the lobby and the journal |
//! | [`auth`] | who is asking |
//! | [`protocol`] | what goes over the wire |
//! | [`store`] | the database, the only place with SQL |
//! | [`domain`] | what the words mean, without I/O |
//!
//! [`clock`], [`config`], [`error`], [`keyfile`], [`limits`], [`metrics`], [`telemetry`] and [`tls`]
//! are used from anywhere.
//!
//! # A message's way
//!
//! ```text
//! client ─► Session ──Publish──► Room ──Append──► Journal ──one transaction, many messages──► Store
//!    ▲      (per socket)   (per live room)        (one)                                         │
//!    └── Outbox ◄── Hub (per worker thread) ◄── one encoded frame a hub ── Room ◄── committed ──┘
//! ```
//!
//! A message is acknowledged and heard after its commit, never before. Each queue on the way has a
//! bound, and beyond it the author is told. `ARCHITECTURE.md` has the whole of it.

pub mod auth;
pub mod chat;
pub mod client;
pub mod clock;
pub mod command;
pub mod config;
pub mod conformance;
pub mod domain;
pub mod error;
pub mod flaky;
pub mod jobs;
pub mod keyfile;
pub mod limits;
pub mod mail;
pub mod metrics;
pub mod protocol;
pub mod remote;
pub mod routes;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod tls;
