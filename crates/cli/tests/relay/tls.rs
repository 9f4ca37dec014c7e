//! Backends behind TLS, whose certificates are trusted, or not.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::tls_front::TlsFront;
use crate::world::{Running, World, message, names, tool};

/// A backend of this kind behind TLS, beside one that is well; `trusted`: its certificate is.
async fn behind_tls(kind: &str, trusted: bool) -> (Running, TlsFront) {
    let mut world = World::new();
    match kind {
        "sse" => world.sse("odd", &["sane"]),
        _ => world.http("odd", &["sane"]),
    };
    let front = world.with_tls("odd").await;
    world.backend("odd", "timeouts", json!({"init": 5, "call": 5}));
    world.stdio("well", &["sane"]);
    let file = world.file("trusted.pem");
    let known = front.certificate();
    if !trusted {
        front.change_certificate();
    }
    std::fs::write(&file, known).unwrap();
    let running = world.start_with(|launch| launch.env("SSL_CERT_FILE", file.to_str().unwrap()));
    (running, front)
}

fn names_the_problem(said: &str) {
    for part in [
        "invalid peer certificate: UnknownIssuer",
        "its certificate is not trusted",
        "SSL_CERT_FILE",
    ] {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_trusts_is_named() {
    for kind in ["http", "sse"] {
        let (running, _front) = behind_tls(kind, false).await;
        let began = Instant::now();
        let said = running.says("backend is away backend=odd");
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{kind}: {:?}",
            began.elapsed()
        );
        let away = said
            .lines()
            .find(|line| line.contains("backend is away backend=odd"))
            .unwrap();
        names_the_problem(away);
        let client = running.plain().await;
        assert_eq!(
            names(&client.result("tools/list", "{}").await, "tools"),
            ["hello"],
            "the other one's"
        );
        running.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_changes_to_an_untrusted_one_fails_calls_and_says_why() {
    for kind in ["http", "sse"] {
        let (running, front) = behind_tls(kind, true).await;
        for client in [running.plain().await, running.askable().await, running.modern()] {
            client.result("tools/call", &tool("hello", "{}")).await;
        }
        front.change_certificate();
        running.says("backend is away backend=odd");
        for client in [running.plain().await, running.askable().await, running.modern()] {
            let began = Instant::now();
            let error = message(&client.error("tools/call", &tool("hello", "{}")).await);
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "{kind}: {:?}",
                began.elapsed()
            );
            assert!(
                error.starts_with("backend `odd`: cannot be reached: "),
                "{kind}: {error}"
            );
            names_the_problem(&error);
            client.result("tools/call", &tool("well_hello", "{}")).await;
        }
        running.stop();
    }
}
