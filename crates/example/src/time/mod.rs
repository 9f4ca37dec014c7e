//! The `time` server: two tools over the IANA time zone database, which is in the binary.

mod tools;

use serde_json::{Value, json};

use crate::Clock;
use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::call::Call;
use crate::example::{Example, unknown_tool};

/// The server; it only needs to know what time it is.
pub(crate) struct Time {
    clock: Clock,
}

impl Time {
    /// A server that takes the time from this clock.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Example for Time {
    fn identity(&self) -> (&'static str, &'static str) {
        ("argus-example-time", "Time")
    }

    fn instructions(&self) -> &'static str {
        "Ask for the current time in a time zone, or convert a time of day between zones. \
         Zones are IANA names such as Europe/Berlin."
    }

    fn capabilities(&self) -> Value {
        json!({ "tools": {} })
    }

    fn tools(&self) -> Vec<Value> {
        vec![tools::describe_current(), tools::describe_convert()]
    }

    async fn call_tool(&self, name: &str, arguments: Arguments, _call: &Call) -> Result<Value, Stop> {
        let now = (self.clock)();
        match name {
            tools::CURRENT => tools::current(now, &arguments),
            tools::CONVERT => tools::convert(now, &arguments),
            _ => Err(unknown_tool(name)),
        }
    }
}
