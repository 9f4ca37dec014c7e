//! Tasks, which a client begins in one call and asks after in others: those of MCP 2025-11-25 ("Tasks") between a legacy
//! client and a legacy backend, and the extension of 2026-07-28 (SEP-2663) between a modern client and a modern backend.
//! Neither can be made of the other.
//!
//! A client knows a task by an id that is sealed for it ([`Ids`]), wherever a message names one.

mod asked;
mod early;
mod followed;
mod ids;
mod members;
mod offered;
mod owners;
mod said;

pub(crate) use asked::{refuses, reworded};
pub(crate) use early::Early;
pub(crate) use followed::{Followed, MOST_TASKS};
pub(crate) use ids::{Ids, MAX_OWN};
pub(crate) use members::{renamed, with_related};
pub(crate) use offered::{AUGMENTATION, augmentable, legacy, modern, offers};
pub(crate) use owners::Owners;
pub(crate) use said::{begun, deliver, heard, is_early, known, reworded_notification};
