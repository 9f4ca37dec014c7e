//! `/manage/v1/`.

mod access;
mod backends;
mod calls;
mod capabilities;
mod groups;
mod health;
mod lines;
mod openapi;
mod paths;
mod ready;
mod reauth;
mod registry;
mod sessions;
mod shutdown;
mod skills;
mod status;
