//! `/manage/v1/`.

mod access;
mod backends;
mod events;
mod events_stream;
mod groups;
mod health;
mod openapi;
mod paths;
mod ready;
mod status;
