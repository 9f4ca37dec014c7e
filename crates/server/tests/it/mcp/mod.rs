//! `/mcp`.

mod answers;
mod asks;
mod batch;
mod delete;
mod get;
mod post;
