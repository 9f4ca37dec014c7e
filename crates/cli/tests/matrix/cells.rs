//! What the matrix is made of: one list of clients and one of backends, and a test for each pair of them.

use crate::kinds::{Concern, Over, Side, Speaks};

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
    ({ $($backend:ident: $speaks:ident over $over:ident, $title:literal;)* }) => {
        pub(crate) const BACKENDS: &[Side] = &[$(Side {
            name: stringify!($backend),
            title: $title,
            speaks: Speaks::$speaks,
            over: Over::$over,
        }),*];
    };
}

macro_rules! cells {
    ($client:ident, $peer:ty, { $($backend:ident: $speaks:ident over $over:ident, $title:literal;)* }) => {
        $(#[tokio::test]
        async fn $backend() {
            crate::run::cell::<$peer>(stringify!($client), stringify!($backend)).await;
        })*
    };
}

matrix! {
    clients: {
        legacy_at_mcp: Legacy of Http, "2025-11-25 at `/mcp`";
        legacy_at_sse: Legacy of Sse, "2024-11-05 at `/sse`";
        legacy_over_stdio: Legacy of Stdio, "2025-06-18 over stdio";
        legacy_over_relay: Legacy of Relay, "2025-03-26 over stdio, with `--url`";
        modern_at_mcp: Modern of Http, "2026-07-28 at `/mcp`";
        modern_at_sse: Modern of Sse, "2026-07-28 at `/sse`";
        modern_over_stdio: Modern of Stdio, "2026-07-28 over stdio";
        modern_over_relay: Modern of Relay, "2026-07-28 over stdio, with `--url`";
    }
    backends: {
        legacy_stdio: Legacy over Stdio, "legacy, stdio";
        legacy_sse: Legacy over Sse, "legacy, HTTP+SSE";
        legacy_http: Legacy over Http, "legacy, Streamable HTTP";
        modern_stdio: Modern over Stdio, "modern, stdio";
        modern_sse: Modern over Sse, "modern, HTTP+SSE";
        modern_http: Modern over Http, "modern, Streamable HTTP";
        both_stdio: Both over Stdio, "both, stdio";
        both_sse: Both over Sse, "both, HTTP+SSE";
        both_http: Both over Http, "both, Streamable HTTP";
    }
}
