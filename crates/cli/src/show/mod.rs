//! What people are shown: text of others made harmless, tables, colours.

pub(crate) mod content;
mod screen;
mod table;
mod text;
pub(crate) mod time;

pub(crate) use screen::{Colour, Screen};
pub(crate) use table::Table;
pub(crate) use text::{harmless, line};
