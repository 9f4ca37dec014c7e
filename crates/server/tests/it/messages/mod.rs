//! `/messages/`.

mod asks;
mod batch;
mod bounds;
mod calls;
mod modern;
mod post;
