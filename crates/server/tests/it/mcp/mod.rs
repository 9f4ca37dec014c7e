//! `/mcp`.

mod answers;
mod asks;
mod batch;
mod cors;
mod delete;
mod discover;
mod get;
mod hostile;
mod listen;
mod modern;
mod origins;
mod post;
mod round_trips;
mod slow;
