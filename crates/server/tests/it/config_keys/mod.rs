//! Keys of the configuration, from the file's text to what clients and backends notice. Those of names, filters,
//! overrides and pages are with the catalogue, the limit of bodies is with hostile clients.

mod backend;
mod flags;
mod health;
mod server;
mod timeouts;
