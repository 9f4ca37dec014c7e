//! `/mcp`.

mod answers;
mod asks;
mod batch;
mod delete;
mod discover;
mod get;
mod listen;
mod modern;
mod post;
mod round_trips;
