//! Lists: to the last page, in order, and announced when they changed.

use std::time::{Duration, Instant};

use argus_testkit::part;

use crate::world::{World, names, tool};

#[tokio::test]
async fn all_pages_are_read_in_order() {
    let mut world = World::new();
    world.stdio("pages", &["many-pages", "--pages", "120"]);
    world.http("more", &["many-pages", "--pages", "30"]);
    let running = world.start();
    let listed = names(&running.plain().await.result("tools/list", "{}").await, "tools");
    let mut expected: Vec<String> = (0..120).map(|at| format!("tool-{at:03}")).collect();
    expected.extend((0..30).map(|at| format!("more_tool-{at:03}")));
    assert_eq!(listed, expected);
    running.stop();
}

#[tokio::test]
async fn pages_without_end_hurt_only_the_backend_that_has_them() {
    let mut world = World::new();
    world.stdio("circle", &["many-pages", "--repeating"]);
    world.stdio("endless", &["many-pages", "--endless"]);
    world.backend("endless", "timeouts", serde_json::json!({"startup": 1}));
    world.stdio("fine", &["sane"]);
    let running = world.start();
    let began = Instant::now();
    let client = running.plain().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    client.result("tools/call", &tool("hello", "{}")).await;
    let said = running.says("gives the same cursor twice");
    assert!(said.contains("backend=circle"), "{said}");
    let said = running.says("no answer to `startup` within 1 s");
    assert!(said.contains("backend=endless"), "{said}");
    running.stop();
}

/// The list that a client reads when it is told of the change must be the new one.
#[tokio::test]
async fn a_change_is_announced_when_the_new_list_stands() {
    for http in [false, true] {
        let mut world = World::new();
        let gate = world.file("gate");
        // The new list takes a while, so that an announcement that comes too early is seen.
        let script = format!(
            r#"{{"notifications/initialized": [{{"gate": {gate:?}}}, {{"turn": true}}, {{"feed": "notifications/tools/list_changed"}}],
            "tools/list": [{{"result": {{"tools":[{{"name":"stale"}}]}}}}],
            "tools/list#1": [{{"sleep": 100}}, {{"result": {{"tools":[{{"name":"fresh"}}]}}}}]}}"#
        );
        let script = world.script("odd", &script);
        let arguments = ["verbatim", "--script", &script];
        let journal = if http {
            world.http("odd", &arguments)
        } else {
            world.stdio("odd", &arguments)
        };
        let running = world.start();
        let clients = [running.plain().await, running.askable().await];
        let mut streams = Vec::new();
        for client in &clients {
            assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["stale"]);
            streams.push(client.listen().await);
        }
        if http {
            journal.find(|entry| entry.what == "get").await.unwrap();
        }
        std::fs::write(&gate, "").unwrap();
        for (client, mut stream) in clients.iter().zip(streams) {
            let told = stream.next().await.unwrap();
            assert_eq!(part(&told, "method").unwrap(), r#""notifications/tools/list_changed""#);
            let listed = names(&client.result("tools/list", "{}").await, "tools");
            assert_eq!(listed, ["fresh"], "(http: {http})");
        }
        running.stop();
    }
}

#[tokio::test]
async fn what_a_call_changes_behind_a_url_is_listed() {
    let mut world = World::new();
    let journal = world.http("odd", &["changes-tools"]);
    let running = world.start();
    let client = running.plain().await;
    journal.find(|entry| entry.what == "get").await.unwrap();
    let mut stream = client.listen().await;
    client.result("tools/call", &tool("change", "{}")).await;
    let told = stream.next().await.unwrap();
    assert_eq!(part(&told, "method").unwrap(), r#""notifications/tools/list_changed""#);
    client.result("tools/call", &tool("fresh", "{}")).await;
    drop(stream);
    running.stop();
}

/// On stdio each kind of client has a process of its own: what a call changes there is theirs, and nobody else's.
#[tokio::test]
async fn what_a_call_changes_within_a_process_is_listed_for_its_clients() {
    let mut world = World::new();
    world.stdio("odd", &["changes-tools"]);
    let running = world.start();
    let (own, plain) = (running.askable().await, running.plain().await);
    for (client, other) in [(&own, &plain), (&plain, &own)] {
        let before = names(&other.result("tools/list", "{}").await, "tools");
        let mut stream = client.listen().await;
        client.result("tools/call", &tool("change", "{}")).await;
        let told = stream.next().await.unwrap();
        assert_eq!(part(&told, "method").unwrap(), r#""notifications/tools/list_changed""#);
        let listed = names(&client.result("tools/list", "{}").await, "tools");
        assert!(listed.iter().any(|name| name == "fresh"), "{listed:?}");
        client.result("tools/call", &tool("fresh", "{}")).await;
        assert_eq!(names(&other.result("tools/list", "{}").await, "tools"), before);
    }
    running.stop();
}

/// Which process a session's calls go to is up to `sharing` and `max_processes`: its lists are that process's.
#[tokio::test]
async fn a_session_that_shares_sees_what_its_process_lists() {
    for (sharing, first_is_plain, other_sees) in [
        ("shared", false, true),
        ("auto", false, false),
        ("session", true, false),
    ] {
        let mut world = World::new();
        let script = world.script(
            "odd",
            r#"{"tools/call who": [{"result": {"content": []}}], "tools/call fresh": [{"result": {"content": []}}],
            "tools/call change": [{"turn": true}, {"feed": "notifications/tools/list_changed"}, {"result": {"content": []}}],
            "tools/list#1": [{"result": {"tools": [{"name": "who"}, {"name": "change"}, {"name": "fresh"}]}}],
            "tools/list": [{"result": {"tools": [{"name": "who"}, {"name": "change"}]}}]}"#,
        );
        world.stdio("odd", &["verbatim", "--script", &script]);
        world.backend("odd", "sharing", sharing);
        world.backend("odd", "max_processes", 1);
        let running = world.start();
        let other = match first_is_plain {
            true => running.plain().await,
            false => running.askable().await,
        };
        // It has the only process there is room for.
        other.result("tools/call", &tool("who", "{}")).await;
        let client = running.askable().await;
        let mut stream = client.listen().await;
        client.result("tools/call", &tool("change", "{}")).await;
        let told = stream.next().await.unwrap();
        assert_eq!(part(&told, "method").unwrap(), r#""notifications/tools/list_changed""#);
        client.result("tools/call", &tool("fresh", "{}")).await;
        for (who, sees) in [(&client, true), (&other, other_sees)] {
            let listed = names(&who.result("tools/list", "{}").await, "tools");
            assert_eq!(listed.iter().any(|name| name == "fresh"), sees, "{sharing}: {listed:?}");
        }
        drop(stream);
        running.stop();
    }
}

#[tokio::test]
async fn what_goes_with_a_process_is_announced() {
    let mut world = World::new();
    let script = world.script(
        "odd",
        r#"{"tools/call who": [{"result": {"pid": "@pid"}}],
        "tools/call change": [{"turn": true}, {"feed": "notifications/tools/list_changed"}, {"result": {"content": []}}],
        "tools/list#1": [{"result": {"tools": [{"name": "who"}, {"name": "change"}, {"name": "fresh"}]}}],
        "tools/list": [{"result": {"tools": [{"name": "who"}, {"name": "change"}]}}]}"#,
    );
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    for client in [running.plain().await, running.askable().await] {
        let mut stream = client.listen().await;
        client.result("tools/call", &tool("change", "{}")).await;
        stream.next().await.unwrap();
        let pid = part(&client.result("tools/call", &tool("who", "{}")).await, "pid").unwrap();
        std::process::Command::new("kill").args(["-9", &pid]).status().unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        client.result("tools/call", &tool("who", "{}")).await;
        let told = stream.next().await.unwrap();
        assert_eq!(part(&told, "method").unwrap(), r#""notifications/tools/list_changed""#);
        let listed = names(&client.result("tools/list", "{}").await, "tools");
        assert_eq!(listed, ["who", "change"]);
    }
    running.stop();
}

#[tokio::test]
async fn a_hidden_name_is_logged_once() {
    let mut world = World::new();
    world.strategy("first-wins");
    world.stdio("one", &["sane"]);
    world.stdio("two", &["sane"]);
    let journal = world.http("odd", &["changes-tools"]);
    let running = world.start();
    let client = running.plain().await;
    assert_eq!(
        names(&client.result("tools/list", "{}").await, "tools"),
        ["hello", "change"]
    );
    journal.find(|entry| entry.what == "get").await.unwrap();
    let mut stream = client.listen().await;
    client.result("tools/call", &tool("change", "{}")).await;
    stream.next().await.unwrap();
    drop(stream);
    let said = running.says("NamesHidden");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("NamesHidden")).collect();
    assert_eq!(lines.len(), 1, "{said}");
    let parts = ["WARN", "backend=two", "tool `hello` (of `one`)"];
    assert!(parts.iter().all(|part| lines[0].contains(part)), "{}", lines[0]);
    running.stop();
}
