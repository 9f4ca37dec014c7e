//! `/sse`.

mod ends;
mod feed;
mod get;
mod lines;
mod slow;
