//! `/mcp`.

mod answers;
mod asked_back;
mod asks;
mod batch;
mod bounds;
mod bridged;
mod cached;
mod cors;
mod delete;
mod discover;
mod fan_in;
mod get;
mod hints;
mod hostile;
pub(crate) mod lines;
mod listen;
mod modern;
mod origins;
mod param_headers;
mod post;
mod resume;
mod revive;
mod round_trips;
mod slow;
mod subscribed;
mod unread;
