//! The core of the gateway: what there is (inventory, catalogue), who is asking (sessions, callers), and the way of a
//! call from a face to a backend and back.
//!
//! A face reads one message and hands it over: [`Gateway::initialize`], [`Gateway::legacy`] and [`Gateway::modern`]
//! answer with a [`Reply`], which the face renders in the client's own era.

mod apply;
mod begin;
mod bridge;
mod catalogue;
mod catalogues;
mod client;
mod condition;
mod core;
mod disabled;
mod end;
pub mod events;
mod feeds;
mod gateway;
mod health;
mod heard;
mod inventory;
mod journal;
mod listen;
mod listens;
mod modern;
mod operator;
mod ops;
mod own_link;
mod own_lists;
mod parked;
mod reads;
mod rebuild;
mod relay;
mod renew;
mod repeat;
mod revive;
mod seal;
mod seats;
mod session;
mod stalls;
mod startup;
mod stateless;
mod steer;
mod tasks;
mod updates;
mod wanted;

pub use argus_upstream::{Ask, AskReply, BreakerState, Log, LogFollowing, LogLine, LogStart, Phase, Vitals, own_info};
pub use begin::Options;
pub use catalogue::{Capability, CapabilityKind, CatalogueSize};
pub use condition::{Condition, ConditionKind, Standing};
pub use gateway::Gateway;
pub use health::Totals;
pub use inventory::{Backend, Hindrance, Inventory};
pub use listen::{Listen, ListenEvent};
pub use modern::{ModernParams, ModernRequest, RequestMeta, unsupported_version};
pub use operator::{Operation, OperatorCall};
pub use parked::{Asks, Parking};
pub use relay::{Relay, Reply};
pub use seal::{Seal, SealError};
pub use session::{
    BusyError, Caller, EventId, FeedItem, FeedQueue, FeedReader, InFlight, NoEventId, Principal, Reading, ResumeError,
    Said, Saying, Session, SessionError, SessionView, StreamReader, Transport, random_id,
};
pub use stalls::{Presence, Stalls, Watched};
pub use steer::{Action, SteerError};

/// One thing that happens within a call, as a face sees it: it ends with an answer, whatever became of the link.
pub type Event = argus_upstream::Event<argus_protocol::Answer>;
