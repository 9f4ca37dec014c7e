//! The port comes first, and lists wait for slow backends only for so long.

use std::time::{Duration, Instant};

use argus_testkit::until;

use crate::reload::manage;
use crate::world::{World, names, tool};

/// Backends that are not ready for a long time, if ever.
fn with_slow_backends() -> World {
    let mut world = World::new();
    for name in ["slow", "slower", "slowest"] {
        world.stdio(name, &["slow-to-start"]);
    }
    world.server("shutdown_timeout", 1);
    world
}

#[tokio::test]
#[ignore = "times itself: scripts/test.sh runs it beside no other test"]
async fn the_port_is_bound_at_once() {
    let promised = Duration::from_millis(50);
    let mut best = Duration::MAX;
    // A busy machine may be slow now and then, but not each time.
    for _ in 0..10 {
        let running = with_slow_backends().start();
        best = best.min(running.took());
        if best < promised {
            return;
        }
    }
    panic!("the quickest of ten starts took {best:?}");
}

#[tokio::test]
async fn the_first_lists_wait_for_slow_backends_so_long_and_no_longer() {
    let mut world = with_slow_backends();
    world.stdio("quick", &["sane"]);
    world.server("startup_wait", 4);
    let began = Instant::now();
    let running = world.start();
    let client = running.plain().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(3950),
        "the first lists do not wait: {took:?}"
    );
    assert!(
        took < Duration::from_secs(30),
        "the first lists wait for too long: {took:?}"
    );

    let began = Instant::now();
    client.result("tools/list", "{}").await;
    assert!(began.elapsed() < Duration::from_millis(3500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_first_list_shows_a_backend_that_is_ready_in_time() {
    let mut world = World::new();
    world.stdio("late", &["slow-to-start", "--after", "400"]);
    world.server("startup_wait", 20);
    let running = world.start();
    let modern = running.modern();
    assert_eq!(names(&modern.result("tools/list", "{}").await, "tools"), ["hello"]);
    running.stop();
}

#[tokio::test]
async fn a_call_of_a_working_backend_waits_for_nobody() {
    let mut world = with_slow_backends();
    world.stdio("quick", &["sane"]);
    // Longer than this test, and than its client waits for anything.
    world.server("startup_wait", 600);
    let running = world.start();
    let client = running.modern();
    let listed = || manage(&running, "GET", "capabilities").1.to_string().contains("hello");
    assert!(until(Duration::from_secs(60), listed).await);
    client.result("tools/call", &tool("hello", "{}")).await;
    let began = Instant::now();
    for _ in 0..30 {
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
