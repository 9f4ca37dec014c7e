//! A server behind a URL.

mod answer;
mod serve;
mod sessions;

pub(crate) use serve::serve;
