//! A typed client of the management API.
//!
//! [`Client`] has a method for each operation. Each gives an [`Answer`]: what was said as a value, and as the text that it
//! was said in. [`Client::follow_events`] and [`Client::follow_logs`] are streams that outlive the connection.

mod address;
mod answer;
mod client;
mod error;
mod follow;
mod lenient;
mod query;
mod transport;

pub use address::{Address, AddressError};
pub use answer::Answer;
pub use client::Client;
pub use error::Error;
pub use follow::Followed;
pub use query::{CapabilityQuery, EventQuery};
