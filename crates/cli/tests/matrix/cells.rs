//! What the matrix is made of: one list of clients and one of backends, and a test for each pair of them.

use crate::kinds::{Concern, Era, Over, Side};

/// What does not work, and why: the client, the backend, the concern. A cell fails when it is not exactly so.
pub(crate) const GAPS: &[(&str, &str, Concern, &str)] = &[];

/// Makes the list of all clients and that of all backends, and for each client a module with a test for each backend.
macro_rules! matrix {
    (clients: { $($client:ident: $peer:ident of $wire:ident, $title:literal;)* } backends: $backends:tt) => {
        pub(crate) const CLIENTS: &[(&str, &str)] = &[$((stringify!($client), $title)),*];

        backends! { $backends }

        $(mod $client {
            use crate::peer::$peer;
            use crate::wire::$wire;

            cells! { $client, $peer<$wire>, $backends }
        })*
    };
}

macro_rules! backends {
    ({ $($backend:ident: $era:ident over $over:ident, $title:literal;)* }) => {
        pub(crate) const BACKENDS: &[Side] = &[$(Side {
            name: stringify!($backend),
            title: $title,
            era: Era::$era,
            over: Over::$over,
        }),*];
    };
}

macro_rules! cells {
    ($client:ident, $peer:ty, { $($backend:ident: $era:ident over $over:ident, $title:literal;)* }) => {
        $(#[tokio::test]
        async fn $backend() {
            crate::run::cell::<$peer>(stringify!($client), stringify!($backend)).await;
        })*
    };
}

matrix! {
    clients: {
        legacy_at_mcp: Legacy of Http, "legacy at `/mcp`";
        legacy_at_sse: Legacy of Sse, "legacy at `/sse`";
        legacy_over_stdio: Legacy of Stdio, "legacy over stdio";
        legacy_over_relay: Legacy of Relay, "legacy over stdio, with `--url`";
        modern_at_mcp: Modern of Http, "modern at `/mcp`";
        modern_at_sse: Modern of Sse, "modern at `/sse`";
        modern_over_stdio: Modern of Stdio, "modern over stdio";
        modern_over_relay: Modern of Relay, "modern over stdio, with `--url`";
    }
    backends: {
        legacy_stdio: Legacy over Stdio, "legacy, stdio";
        legacy_sse: Legacy over Sse, "legacy, HTTP+SSE";
        legacy_http: Legacy over Http, "legacy, Streamable HTTP";
        modern_stdio: Modern over Stdio, "modern, stdio";
        modern_sse: Modern over Sse, "modern, HTTP+SSE";
        modern_http: Modern over Http, "modern, Streamable HTTP";
    }
}
