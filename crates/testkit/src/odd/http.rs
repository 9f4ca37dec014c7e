//! A server behind a URL.

mod answer;
mod serve;
mod sessions;

pub(crate) use answer::{empty, event, event_stream, send};
pub(crate) use serve::{accept, elsewhere, serve};
