//! Connections whose other end is gone without a word.

use std::time::{Duration, Instant};

use argus_testkit::{Client, Journal, TcpRelay, until};
use serde_json::json;

use crate::world::{Running, World, message, tool};

const LIMIT: Duration = Duration::from_secs(3);

struct Half {
    running: Running,
    journal: Journal,
    relay: TcpRelay,
}

/// A backend of this kind behind a network that can fail, beside one that is well.
async fn half(kind: &str) -> Half {
    let mut world = World::new();
    let script = r#"{"tools/call slow": [{"notify": "notifications/message", "params": {"level": "info", "data": 1}},
        {"gate": "/nonexistent/never"}], "tools/call hello": [{"result": {"content": []}}]}"#;
    let script = world.script("odd", script);
    let arguments = ["verbatim", "--script", &script];
    let journal = match kind {
        "sse" => world.sse("odd", &arguments),
        _ => world.http("odd", &arguments),
    };
    let relay = world.through_relay("odd").await;
    world.backend(
        "odd",
        "timeouts",
        json!({"call": LIMIT.as_secs(), "init": LIMIT.as_secs()}),
    );
    world.stdio("well", &["sane"]);
    let running = world.start();
    running.says("backend is ready backend=odd");
    running.says("backend is ready backend=well");
    Half {
        running,
        journal,
        relay,
    }
}

impl Half {
    /// The network dies in the middle of a call.
    async fn dies_in_a_call_of(&self, client: &Client) {
        let before = self.journal.messages("tools/call").len();
        let began = Instant::now();
        let (slow, hello) = (tool("slow", "{}"), tool("well_hello", "{}"));
        let calling = async { (client.error("tools/call", &slow).await, began.elapsed()) };
        let dying = async {
            let arrived = || self.journal.messages("tools/call").len() > before;
            assert!(
                until(Duration::from_secs(20), arrived).await,
                "the call does not arrive"
            );
            self.relay.fall_silent();
            // Nobody else suffers.
            while began.elapsed() < LIMIT {
                let asked = Instant::now();
                client.result("tools/call", &hello).await;
                assert!(asked.elapsed() < LIMIT, "{:?}", asked.elapsed());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ((error, took), ()) = futures::join!(calling, dying);
        assert_eq!(
            message(&error),
            "backend `odd`: no answer within 3 s; raise timeouts.call if the work takes longer"
        );
        assert!(took >= LIMIT && took < 10 * LIMIT, "{took:?}");
    }

    /// Soon calls work again.
    async fn heals(&self, client: &Client) {
        self.relay.speak_again();
        let again = Instant::now();
        while !client
            .call("tools/call", &tool("hello", "{}"))
            .await
            .contains("\"result\"")
        {
            assert!(again.elapsed() < Duration::from_secs(30), "{}", self.running.said());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn ends_in_time_and_heals(kind: &str, client: impl AsyncFn(&Running) -> Client) {
    let half = half(kind).await;
    let client = client(&half.running).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    half.dies_in_a_call_of(&client).await;
    // Also a call that begins now ends in time.
    let began = Instant::now();
    client.error("tools/call", &tool("hello", "{}")).await;
    assert!(began.elapsed() < 10 * LIMIT, "{:?}", began.elapsed());
    half.heals(&client).await;
    half.running.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_http_ends_in_time_and_the_backend_heals() {
    ends_in_time_and_heals("http", async |running| running.plain().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_a_session_of_its_own_over_http_ends_in_time_and_the_backend_heals() {
    ends_in_time_and_heals("http", async |running| running.askable().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_over_sse_ends_in_time_and_the_backend_heals() {
    ends_in_time_and_heals("sse", async |running| running.plain().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_a_session_of_its_own_over_sse_ends_in_time_and_the_backend_heals() {
    ends_in_time_and_heals("sse", async |running| running.askable().await).await;
}
