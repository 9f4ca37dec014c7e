//! Links to backends: stdio, HTTP+SSE and Streamable HTTP, their era, their pool and their supervision.
//!
//! A [`Link`] is one live connection in one era. Every call on it answers with an [`Exchange`]. What a backend says
//! outside a call goes to the [`FeedSink`] that the link was opened with. A [`Upstream`] holds all links of one
//! backend and keeps its lists fresh.

mod attempts;
mod backoff;
mod breaker;
mod connect;
mod declared;
mod doubts;
mod duplex;
mod epoch;
mod error;
mod exchange;
mod feed;
mod freshness;
mod grace;
mod health;
mod hearing;
mod hellos;
mod hint;
mod http;
mod leftovers;
mod lent;
mod life;
mod link;
mod listen;
mod listing;
mod outgoing;
mod outliving;
mod owned;
mod pool;
mod probing;
mod process;
mod pulse;
mod redact;
mod remembered;
mod remembering;
mod revive;
mod room;
mod slot;
mod sse;
mod state;
mod stdio;
mod supervisor;
mod turns;
mod verdict;
mod vitals;
mod watched;

pub use breaker::BreakerState;
pub use connect::{Context, own_info};
pub use declared::Declared;
pub use error::LinkError;
pub use exchange::{Ask, AskPeer, AskReply, Event, Exchange, Outcome};
pub use feed::{FeedEvent, FeedSink};
pub use freshness::Freshness;
pub use hearing::ListKind;
pub use hint::{Hint, Hints, ListHint};
pub use http::{Endpoint, HttpClient, Kind, Received, kind_of, shown};
pub use lent::{Borrower, CallLink, Lease};
pub use life::{Arrival, Life};
pub use link::{Hello, Link};
pub use listen::without_subscription;
pub use listing::Lists;
pub use outgoing::Outgoing;
pub use pool::Upstream;
pub use remembered::Remembered;
pub use sse::{EventStream, is_message};
pub use state::{Changes, Phase, State};
pub use turns::Turn;
pub use verdict::Verdicts;
pub use vitals::Vitals;
