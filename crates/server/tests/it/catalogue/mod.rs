//! What several backends offer together, as clients see it.

mod capabilities;
mod changes;
mod exchanged;
mod filters;
mod long_names;
mod names;
mod pages;
mod passthrough;
mod resources;
mod strategies;

use serde_json::json;

use crate::support::{Backend, Call, Draft};

/// A backend whose tools and prompts tell which backend was called under which name.
fn echoing(backend: &'static str) -> Draft {
    let told = move |call: Call| async move { json!({"by": backend, "name": call.params["name"]}) };
    Backend::legacy().on("tools/call", told).on("prompts/get", told)
}

/// A backend that has these resources and says so when they are read.
fn library(backend: &'static str, uris: &'static [&'static str]) -> Draft {
    Backend::legacy().on("resources/read", move |call| async move {
        let uri = call.params["uri"].as_str().unwrap_or_default().to_owned();
        if uris.contains(&uri.as_str()) {
            json!({"contents": [], "by": backend}).into()
        } else {
            crate::support::Answer::error(-32002, "not here")
        }
    })
}
