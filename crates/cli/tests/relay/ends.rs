//! The end of the gateway: in good order, in time, and with nothing left.

use std::time::{Duration, Instant};

use argus_testkit::{Journal, is_gone, part, until};
use nix::sys::signal::Signal;

use crate::world::{World, tool};

/// Every process that this journal knows of.
pub(crate) fn processes(journals: &[Journal]) -> Vec<u32> {
    let mut all = Vec::new();
    for entry in journals.iter().flat_map(Journal::entries) {
        match entry.what.as_str() {
            "start" => all.push(entry.pid),
            "child" => all.extend(entry.process()),
            _ => {}
        }
    }
    all
}

pub(crate) async fn assert_all_gone(processes: &[u32], limit: Duration) {
    assert!(!processes.is_empty());
    let gone = until(limit, || processes.iter().all(|&pid| is_gone(pid))).await;
    let left: Vec<u32> = processes.iter().copied().filter(|&pid| !is_gone(pid)).collect();
    for &pid in &left {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
    }
    assert!(gone, "left behind: {left:?} of {processes:?}");
}

#[tokio::test]
async fn nothing_is_left_after_kill_9() {
    let mut world = World::new();
    let journals = [
        world.stdio("sane", &["sane"]),
        world.stdio("stubborn", &["ignores-eof-and-sigterm"]),
        world.stdio("parent", &["starts-grandchild"]),
        world.stdio("father", &["starts-grandchild", "--setsid"]),
        world.stdio("slow", &["slow-to-start"]),
        world.stdio("silent", &["never-answers"]),
    ];
    world.server("startup_wait", 0.5);
    let mut running = world.start();
    // Without the two others, the first client does not wait for long.
    for name in ["sane", "stubborn", "parent", "father"] {
        running.says(&format!("backend is ready backend={name}"));
    }
    // Processes of all sessions, and of one session.
    for client in [running.plain().await, running.askable().await] {
        for name in ["hello", "stubborn_hello", "parent_hello", "father_hello"] {
            client.result("tools/call", &tool(name, "{}")).await;
        }
    }
    let children = || journals[2].all("child").len() + journals[3].all("child").len();
    assert!(
        until(Duration::from_secs(5), || children() == 6).await,
        "{} grandchildren",
        children()
    );
    let processes = processes(&journals);
    assert!(processes.len() >= 18, "{processes:?}");
    running.signal(Signal::SIGKILL);
    running.gateway().wait(Duration::from_secs(20));
    assert_all_gone(&processes, Duration::from_secs(20)).await;
}

#[tokio::test]
async fn nothing_is_left_after_a_stop() {
    let mut world = World::new();
    let journals = [
        world.stdio("stubborn", &["ignores-eof-and-sigterm"]),
        world.stdio("father", &["starts-grandchild", "--setsid"]),
    ];
    let mut running = world.start();
    let client = running.askable().await;
    for name in ["hello", "father_hello"] {
        client.result("tools/call", &tool(name, "{}")).await;
    }
    assert!(until(Duration::from_secs(5), || journals[1].all("child").len() == 2).await);
    let processes = processes(&journals);
    running.signal(Signal::SIGTERM);
    // 2 s after the end of stdin comes SIGTERM, 3 s later SIGKILL.
    let status = running.gateway().wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0));
    assert_all_gone(&processes, Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_call_in_flight_finishes_and_streams_end() {
    for http in [false, true] {
        let mut world = World::new();
        let gate = world.file("gate");
        let script = world.script(
            "odd",
            &format!(r#"{{"tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{"done":1.0}}}}]}}"#),
        );
        let arguments = ["verbatim", "--script", &script];
        let journal = if http {
            world.http("odd", &arguments)
        } else {
            world.stdio("odd", &arguments)
        };
        world.server("shutdown_timeout", 20);
        let mut running = world.start();
        let client = running.plain().await;
        let mut stream = client.listen().await;
        assert_eq!(stream.status, 200);
        let modern = running.modern();
        let filter = r#"{"notifications":{"toolsListChanged":true}}"#;
        let mut listening = modern.open("subscriptions/listen", filter).await;
        assert!(listening.next().await.unwrap().contains("acknowledged"));
        let wait = tool("wait", "{}");
        let calls = futures::future::join(client.call("tools/call", &wait), modern.call("tools/call", &wait));
        let stopping = async {
            assert!(until(Duration::from_secs(10), || journal.messages("tools/call").len() == 2).await);
            running.signal(Signal::SIGTERM);
            // Streams end at once; the calls are still in flight.
            assert_eq!(stream.next().await, None, "the stream says something");
            let last = listening.next().await.expect("the listener breaks off");
            assert!(last.contains(r#""resultType":"complete""#), "{last}");
            assert_eq!(listening.next().await, None);
            tokio::net::TcpStream::connect(("127.0.0.1", running.port()))
                .await
                .expect_err("it still accepts");
            std::fs::write(&gate, "").unwrap();
        };
        let ((one, other), ()) = futures::join!(calls, stopping);
        assert_eq!(part(&one, "result").unwrap(), r#"{"done":1.0}"#);
        assert!(part(&other, "result").unwrap().starts_with(r#"{"done":1.0"#), "{other}");
        // Sooner than if it waited for calls.
        let status = running.gateway().wait(Duration::from_secs(15));
        assert_eq!(status.code(), Some(0));
    }
}

#[tokio::test]
async fn a_call_without_end_is_cut_off_in_time() {
    for http in [false, true] {
        let mut world = World::new();
        if http {
            world.http("silent", &["never-answers"]);
        } else {
            world.stdio("silent", &["never-answers"]);
        }
        world.server("shutdown_timeout", 1);
        let mut running = world.start();
        let client = running.askable().await;
        let _stream = client.listen().await;
        let mut asking = client.open("tools/call", &tool("ask", "{}")).await;
        asking.next().await.unwrap();
        let wait = tool("wait", "{}");
        // The second call streams after a while, so it is in flight.
        let mut waiting = client.open("tools/call", &wait).await;
        assert!(waiting.streams);
        let told = Instant::now();
        running.signal(Signal::SIGTERM);
        let last = waiting.next().await;
        let status = running.gateway().wait(Duration::from_secs(20));
        let took = told.elapsed();
        assert_eq!(status.code(), Some(0));
        assert!(took >= Duration::from_millis(900), "the calls had no time: {took:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
        let last = last.expect("the stream breaks off without an answer");
        assert!(part(&last, "error").unwrap().contains("backend `silent`"), "{last}");
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (second, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let mut world = World::new();
        let script =
            r#"{"tools/call wait": [{"notify": "notifications/message", "params": {"level":"info","data":1}}]}"#;
        let script = world.script("silent", script);
        let journal = world.stdio("silent", &["verbatim", "--script", &script]);
        world.server("shutdown_timeout", 600);
        let mut running = world.start();
        let client = running.plain().await;
        let mut exchange = client.open("tools/call", &tool("wait", "{}")).await;
        exchange.next().await.unwrap();
        running.signal(Signal::SIGTERM);
        running.says("stopping; a second signal ends the program at once");
        running.signal(second);
        let status = running.gateway().wait(Duration::from_secs(20));
        assert_eq!(status.code(), Some(code), "{second}");
        running.says("stopped at once");
        assert_all_gone(&processes(&[journal]), Duration::from_secs(20)).await;
    }
}
