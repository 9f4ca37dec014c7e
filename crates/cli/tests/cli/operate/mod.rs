//! The commands with which people operate gateways that run.

mod background;
mod calls;
mod found;
mod gateways;
mod logs;
mod reach;
mod refused;
mod steer;
mod stops;
mod streams;
mod terminal;
pub(crate) mod world;
