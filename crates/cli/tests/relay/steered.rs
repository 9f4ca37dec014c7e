//! What operators do with one backend, where processes matter.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use argus_testkit::{Journal, is_gone, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::reload::{all_gone, asked, manage, processes, reload, who_and_wait};
use crate::world::{Running, World, message, names, tool};

const SOON: Duration = Duration::from_secs(10);

/// Has something done; it must work.
fn post(running: &Running, path: &str) -> Value {
    let (status, told) = manage(running, "POST", path);
    assert_eq!(status, 200, "{told}\n{}", running.said());
    told
}

fn of(running: &Running, name: &str) -> Value {
    let (status, told) = manage(running, "GET", &format!("backends/{name}"));
    assert_eq!(status, 200, "{told}");
    told
}

fn health(running: &Running) -> Value {
    let told = manage(running, "GET", "health").1;
    json!([told["status"], told["backends"]["total"], told["backends"]["healthy"]])
}

fn pids(running: &Running, name: &str) -> Vec<u64> {
    let told = of(running, name);
    told["pids"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .collect()
}

async fn waiting(journal: &Journal, count: usize) {
    let arrived = until(SOON, || {
        let calls = journal.messages("tools/call");
        calls.iter().filter(|call| call.text.contains("wait")).count() == count
    });
    assert!(arrived.await, "the calls do not arrive");
}

#[tokio::test]
async fn a_reconnect_gives_new_processes_while_calls_finish_on_the_old_ones() {
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    let running = world.start();
    let clients = [running.plain().await, running.askable().await, running.modern()];
    let (wait, who) = (tool("wait", "{}"), tool("who", "{}"));
    let mut before = Vec::new();
    for client in &clients {
        before.push(client.result("tools/call", &who).await);
    }
    let mut stream = clients[0].listen().await;
    let old = processes(&journal);
    let calling = futures::future::join_all(clients.iter().map(|client| client.result("tools/call", &wait)));
    let reconnecting = async {
        waiting(&journal, 3).await;
        let told = post(&running, "reconnect/odd");
        assert_eq!(told, json!({"name": "odd", "reconnected": true, "error": null}));
        for (client, before) in clients.iter().zip(&before) {
            assert_ne!(
                client.result("tools/call", &who).await,
                *before,
                "it is the old process"
            );
        }
        let calls = journal.messages("tools/call");
        let mut waiting = calls.iter().filter(|call| call.text.contains("wait"));
        assert!(
            waiting.all(|call| !is_gone(call.pid)),
            "an old process ended before its calls"
        );
        std::fs::write(&gate, "").unwrap();
    };
    let (waited, ()) = futures::join!(calling, reconnecting);
    assert_eq!(waited, before);
    all_gone(&old).await;
    // A process is struck off a moment after its end.
    let only_new = || {
        let now = pids(&running, "odd");
        !now.is_empty() && now.iter().all(|pid| !old.contains(&u32::try_from(*pid).unwrap()))
    };
    assert!(until(SOON, only_new).await, "{}", of(&running, "odd"));
    let listed = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(listed.is_err(), "nothing is listed otherwise: {listed:?}");
    running.stop();
}

#[tokio::test]
async fn a_restart_waits_for_the_end_of_the_old_processes() {
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    let running = world.start();
    let client = running.plain().await;
    let before = client.result("tools/call", &tool("who", "{}")).await;
    let old = processes(&journal);
    let shown = pids(&running, "odd");
    assert!(shown.iter().all(|pid| old.contains(&u32::try_from(*pid).unwrap())) && !shown.is_empty());
    let (other, operator) = (running.plain().await, running.modern());
    let (wait, who) = (tool("wait", "{}"), tool("who", "{}"));
    let restarting = async {
        waiting(&journal, 1).await;
        let restarted = operator.post_to("/manage/v1/backends/odd/restart", "").await;
        assert!(old.iter().all(|pid| is_gone(*pid)), "it is answered too early");
        restarted
    };
    let meanwhile = async {
        waiting(&journal, 1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(processes(&journal), old, "a process was started beside the old one");
        let opening = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            std::fs::write(&gate, "").unwrap();
        };
        // It waits, and notices nothing else.
        let (asked, ()) = futures::join!(other.result("tools/call", &who), opening);
        asked
    };
    let calling = client.result("tools/call", &wait);
    let (answered, (status, told), asked) = futures::join!(calling, restarting, meanwhile);
    let expected = r#"{"name":"odd","action":"restarted","ok":true,"error":null}"#;
    assert_eq!((status, told.as_str()), (200, expected));
    assert_eq!(answered, before);
    assert_ne!(asked, before);
    assert_eq!(client.result("tools/call", &tool("who", "{}")).await, asked);
    assert_eq!(of(&running, "odd")["restarts"]["count"], 1);
    running.stop();
}

#[tokio::test]
async fn a_process_behind_a_url_ends_before_the_next_one_has_its_port() {
    let mut world = World::new();
    let gate = world.file("gate");
    let journal = world.sse_started("odd", &["takes-late", "--gate", gate.to_str().unwrap()]);
    let running = world.start();
    let (client, other, operator) = (running.plain().await, running.plain().await, running.modern());
    let hello = tool("hello", "{}");
    client.result("tools/call", &hello).await;
    let first = processes(&journal);
    let wait = tool("wait", "{}");
    let reconnecting = async {
        waiting(&journal, 1).await;
        let reconnected = operator.post_to("/manage/v1/reconnect/odd", "").await;
        assert!(is_gone(first[0]), "it is answered too early");
        reconnected
    };
    let meanwhile = async {
        waiting(&journal, 1).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(
            processes(&journal),
            first,
            "another process was started for the same port"
        );
        std::fs::write(&gate, "").unwrap();
        other.result("tools/call", &hello).await
    };
    let (_, (status, told), _) = futures::join!(client.result("tools/call", &wait), reconnecting, meanwhile);
    assert_eq!(status, 200, "{told}");
    post(&running, "backends/odd/restart");
    client.result("tools/call", &hello).await;
    let [_, second, third] = processes(&journal)[..] else {
        panic!("{:?}", processes(&journal))
    };
    assert!(is_gone(second));
    assert_eq!(pids(&running, "odd"), [u64::from(third)]);
    running.stop();
}

#[tokio::test]
async fn enabled_or_changed_a_process_behind_a_url_waits_for_the_end_of_the_old_one() {
    let mut world = World::new();
    let gate = world.file("gate");
    let journal = world.sse_started("odd", &["takes-late", "--gate", gate.to_str().unwrap()]);
    let mut running = world.start();
    let (hello, wait) = (tool("hello", "{}"), tool("wait", "{}"));
    running.plain().await.result("tools/call", &hello).await;
    for (round, enabling) in [true, false].into_iter().enumerate() {
        let (client, operator) = (running.plain().await, running.modern());
        let calls_before = journal.messages("tools/call").len();
        let old = *processes(&journal).last().unwrap();
        let opening = async {
            waiting(&journal, round + 1).await;
            match enabling {
                true => {
                    post(&running, "backends/odd/disable");
                    let told = of(&running, "odd");
                    assert_eq!(told["pids"], json!([old]), "{told}");
                    assert_eq!(told["calls"]["in_flight"], 1, "{told}");
                }
                false => {
                    running.world().backend("odd", "env", json!({"OTHER": "1"}));
                    running.rewrite();
                    reload(&running);
                }
            }
            let enabling = async {
                if enabling {
                    let (status, told) = operator.post_to("/manage/v1/backends/odd/enable", "").await;
                    assert_eq!(status, 200, "{told}");
                    assert!(is_gone(old), "it is answered too early");
                }
            };
            let going_on = async {
                tokio::time::sleep(Duration::from_millis(700)).await;
                assert_eq!(
                    processes(&journal).len(),
                    round + 1,
                    "one was started for the same port"
                );
                assert!(!is_gone(old) && of(&running, "odd")["phase"] != "Ready");
                std::fs::write(&gate, "").unwrap();
            };
            futures::join!(enabling, going_on);
        };
        futures::join!(client.result("tools/call", &wait), opening);
        client.result("tools/call", &hello).await;
        let calls = journal.messages("tools/call");
        assert!(calls.len() > calls_before + 1 && calls.last().unwrap().pid != old);
        assert_eq!(processes(&journal).len(), round + 2, "one failed to start");
        std::fs::remove_file(&gate).unwrap();
    }
    running.stop();
}

#[tokio::test]
async fn processes_on_which_calls_finish_are_shown() {
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("who", "{}")).await;
    let old: Vec<u64> = pids(&running, "odd");
    let going_on = async {
        waiting(&journal, 1).await;
        post(&running, "reconnect/odd");
        let both = pids(&running, "odd");
        assert!(old.iter().any(|pid| both.contains(pid)) && both.iter().any(|pid| !old.contains(pid)));
        assert_eq!(of(&running, "odd")["calls"]["in_flight"], 1);
        post(&running, "backends/odd/disable");
        let told = of(&running, "odd");
        assert_eq!(told["calls"]["in_flight"], 1, "{told}");
        assert!(!told["pids"].as_array().unwrap().is_empty(), "{told}");
        let metrics = asked(&running, "GET", "/metrics").1;
        assert!(
            metrics.contains("argus_calls_in_flight{backend=\"odd\"} 1"),
            "{metrics}"
        );
        std::fs::write(&gate, "").unwrap();
    };
    let wait = tool("wait", "{}");
    futures::join!(client.result("tools/call", &wait), going_on);
    let over = until(SOON, || {
        let told = of(&running, "odd");
        told["calls"]["in_flight"] == 0 && told["pids"] == json!([])
    });
    assert!(over.await, "{}", of(&running, "odd"));
    running.stop();
}

#[tokio::test]
async fn a_restart_without_processes_waits_for_no_call() {
    let mut world = World::new();
    let gate = world.file("gate");
    let journal = world.http("odd", &["takes-late", "--gate", gate.to_str().unwrap()]);
    let running = world.start();
    let (client, operator) = (running.plain().await, running.modern());
    client.result("tools/call", &tool("hello", "{}")).await;
    let restarting = async {
        waiting(&journal, 1).await;
        let (status, told) = operator.post_to("/manage/v1/backends/odd/restart", "").await;
        assert_eq!(status, 200, "{told}");
        assert_eq!(of(&running, "odd")["phase"], "Ready");
        std::fs::write(&gate, "").unwrap();
    };
    let wait = tool("wait", "{}");
    futures::join!(client.result("tools/call", &wait), restarting);
    running.stop();
}

#[tokio::test]
async fn a_reconnect_that_fails_says_why_and_is_tried_further() {
    let mut world = World::new();
    let script = world.script("odd", r#"{"tools/call hello": [{"result": {"content": []}}]}"#);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/list", "{}").await;
    let aside = format!("{script}.aside");
    std::fs::rename(&script, &aside).unwrap();
    let began = Instant::now();
    let (status, told) = manage(&running, "POST", "reconnect/odd");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!((status, &told["reconnected"]), (502, &json!(false)), "{told}");
    let why = told["error"].as_str().unwrap();
    assert!(why.contains("the process ended"), "{why}");
    assert_eq!(of(&running, "odd")["error"], why);
    std::fs::rename(&aside, &script).unwrap();
    let back = until(SOON, || of(&running, "odd")["state"] == "connected");
    assert!(back.await, "{}", running.said());
    let all = processes(&journal);
    running.stop();
    all_gone(&all).await;
}

#[tokio::test]
async fn on_other_connections_a_backend_is_called_again_at_once() {
    let mut world = World::new();
    let journal = world.http("odd", &["sane"]);
    world.backend(
        "odd",
        "health",
        json!({"interval": 3600, "failures": 2, "cooldown": 3600}),
    );
    let running = world.start();
    running.says("backend is ready backend=odd");
    let pid = journal.all("start")[0].pid;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    let told = |stage: &str| {
        let events = manage(&running, "GET", "events?limit=1000").1["events"].take();
        let events = events.as_array().unwrap().iter();
        events
            .filter(|event| event["stage"] == stage)
            .cloned()
            .collect::<Vec<_>>()
    };
    let client = running.plain().await;
    client.error("tools/call", &tool("hello", "{}")).await;
    assert!(
        until(SOON, || told("breaker_open").len() == 1).await,
        "{}",
        running.said()
    );
    assert_eq!(told("breaker_closed"), Vec::<Value>::new());
    assert_eq!(manage(&running, "POST", "reconnect/odd").0, 502);
    let closed = told("breaker_closed");
    assert!(
        closed.len() == 1 && closed[0]["details"]["open_ms"].is_u64(),
        "{closed:?}"
    );
    running.stop();
}

#[tokio::test]
async fn many_reconnects_at_once_leave_one_set_of_processes() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let operators: Vec<_> = (0..4).map(|_| running.modern()).collect();
    let asking = operators.iter().map(|one| one.post_to("/manage/v1/reconnect/odd", ""));
    for (status, told) in futures::future::join_all(asking).await {
        assert_eq!(status, 200, "{told}");
    }
    client.result("tools/call", &tool("hello", "{}")).await;
    let now = pids(&running, "odd");
    let others_are_gone = until(SOON, || {
        let started = processes(&journal);
        let mut others = started.iter().filter(|pid| !now.contains(&u64::from(**pid)));
        others.all(|pid| is_gone(*pid))
    });
    assert!(others_are_gone.await, "{now:?} of {:?}", processes(&journal));
    running.stop();
}

#[tokio::test]
async fn disabled_no_process_is_left_also_after_a_restart_of_the_gateway() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    world.stdio("other", &["sane"]);
    let running = world.start_with_state();
    let clients = [running.plain().await, running.askable().await, running.modern()];
    for client in &clients {
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    let mut stream = clients[0].listen().await;
    assert_eq!(
        post(&running, "backends/odd/disable"),
        json!({"name": "odd", "action": "disabled", "ok": true, "error": null})
    );
    let told = stream.next().await.unwrap();
    assert!(told.contains("tools/list_changed"), "{told}");
    let old = processes(&journal);
    all_gone(&old).await;
    for client in &clients {
        // The name is free: it is the other one's from now on.
        assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
        let error = client.error("tools/call", &tool("other_hello", "{}")).await;
        assert!(message(&error).contains("other_hello"), "{error}");
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    assert_eq!(health(&running), json!(["healthy", 1, 1]));
    let running = running.stopped().start_with_state();
    let client = running.plain().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    assert_eq!(processes(&journal), old, "it was started");
    let healthy = until(SOON, || health(&running) == json!(["healthy", 1, 1]));
    assert!(healthy.await, "{}", health(&running));
    assert_eq!(of(&running, "odd")["phase"], "Pending");
    assert_eq!(processes(&journal), old, "it was started");
    post(&running, "backends/odd/enable");
    assert_eq!(
        names(&client.result("tools/list", "{}").await, "tools"),
        ["hello", "other_hello"]
    );
    client.result("tools/call", &tool("hello", "{}")).await;
    assert!(processes(&journal).len() > old.len());
    running.stop();
}

#[tokio::test]
async fn what_clients_subscribed_to_is_subscribed_to_again() {
    let mut world = World::new();
    let script = r#"{"initialize": [{"result": {"protocolVersion": "2025-11-25", "capabilities": {"resources": {"subscribe": true}}, "serverInfo": {"name": "odd", "version": "1"}}}], "resources/list": [{"result": {"resources": [{"uri": "odd://one", "name": "one"}]}}], "resources/subscribe": [{"result": {}}]}"#;
    let script = world.script("odd", script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let clients = [running.plain().await, running.askable().await];
    for client in &clients {
        client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    }
    for paths in [&["reconnect/odd"][..], &["backends/odd/disable", "backends/odd/enable"]] {
        let (old, before) = (processes(&journal), journal.messages("resources/subscribe").len());
        paths.iter().for_each(|path| drop(post(&running, path)));
        let renewed = until(SOON, || {
            let subscribed = journal.messages("resources/subscribe");
            let fresh: HashSet<_> = subscribed[before..].iter().map(|one| one.pid).collect();
            fresh.len() == 2 && fresh.iter().all(|pid| !old.contains(pid))
        });
        assert!(renewed.await, "{paths:?}: {}", running.said());
        all_gone(&old).await;
    }
    running.stop();
}

#[tokio::test]
async fn a_process_that_is_killed_is_counted_when_it_is_back() {
    let mut world = World::new();
    world.stdio("odd", &["sane"]);
    world.backend("odd", "env", json!({"SECRET": "s3cret-value"}));
    let running = world.start();
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    let before = of(&running, "odd");
    assert!(
        before["reach"]["command"].as_str().unwrap().ends_with("argus-odd"),
        "{before}"
    );
    assert_eq!(before["reach"]["env"], json!(["SECRET"]));
    assert!(!before.to_string().contains("s3cret"), "{before}");
    let first = pids(&running, "odd");
    for pid in &first {
        kill(Pid::from_raw(i32::try_from(*pid).unwrap()), Signal::SIGKILL).unwrap();
    }
    let back = until(SOON, || of(&running, "odd")["restarts"]["count"] == 1);
    assert!(back.await, "{}", running.said());
    let after = of(&running, "odd");
    assert!(after["restarts"]["last"].as_str().unwrap().ends_with('Z'));
    // Each is struck off a moment after its end.
    let all_new = until(SOON, || pids(&running, "odd").iter().all(|pid| !first.contains(pid)));
    assert!(all_new.await, "{after}");
    running.stop();
}
