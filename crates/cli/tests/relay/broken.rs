//! Backends that break: the others go on, and the error says who and why.

use std::time::{Duration, Instant};

use argus_testkit::{is_gone, part, until};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::reload::manage;
use crate::world::{World, message, names, tool};

#[tokio::test]
async fn sick_backends_neither_hide_nor_delay_the_others() {
    let mut world = World::new();
    world.stdio("first", &["sane"]);
    world.stdio("slow", &["slow-to-start"]);
    world.stdio("gone", &["exit-at-once"]);
    world.stdio("circle", &["many-pages", "--repeating"]);
    world.stdio("noisy", &["floods-stderr"]);
    world.stdio("junk", &["junk-on-stdout"]);
    world.stdio("deaf", &["hangs-on-unknown-method"]);
    world.stdio("missing", &["sane"]);
    world.backend("missing", "command", "/nowhere/to/be/found");
    world.http("failing", &["status-500", "--always"]);
    world.http("away", &["redirects", "--away"]);
    world.http("refused", &["sane"]);
    world.backend("refused", "url", "http://127.0.0.1:9/mcp");
    world.http("last", &["sane"]);
    world.server("startup_wait", 10);
    world.server("shutdown_timeout", 1);
    let running = world.start();

    let began = Instant::now();
    let client = running.plain().await;
    let listed = names(&client.result("tools/list", "{}").await, "tools");
    assert_eq!(
        listed,
        ["hello", "noisy_hello", "junk_hello", "junk", "deaf_hello", "last_hello"]
    );
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());

    for name in ["hello", "last_hello", "noisy_hello", "junk_hello"] {
        client.result("tools/call", &tool(name, "{}")).await;
        let began = Instant::now();
        client.result("tools/call", &tool(name, "{}")).await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{name}: {:?}",
            began.elapsed()
        );
    }
    let health: Value = serde_json::from_str(&client.page("/manage/v1/health").await).unwrap();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["backends"], json!({"total": 12, "connected": 5, "healthy": 5}));

    let mut causes: Vec<String> = ["gone", "circle", "missing", "failing", "away", "refused"]
        .into_iter()
        .map(|backend| {
            let marked = format!("backend is away backend={backend} error=");
            let said = running.says(&marked);
            let (_, cause) = said.split_once(&marked).unwrap();
            cause.split_once(" retry_in_ms").unwrap().0.to_owned()
        })
        .collect();
    // Ports are other ones each time.
    let failing = causes.remove(3);
    assert!(
        failing.starts_with("http://127.0.0.1:") && failing.ends_with(" answered 500 Internal Server Error"),
        "{failing}"
    );
    let away = causes.remove(3);
    assert!(away.contains(" redirects to http://127.0.0.1:"), "{away}");
    assert_snapshot!(causes.join("\n"), @r"
    the process ended (exit status 4); last line on stderr: no licence found
    the answer to `tools/list` is malformed: it gives the same cursor twice
    cannot start: program `/nowhere/to/be/found` does not exist: check the path (a relative one starts at the backend's cwd)
    cannot reach http://127.0.0.1:9: tcp connect error: Connection refused (os error 111)
    ");
    running.stop();
}

#[tokio::test]
async fn a_key_in_a_url_is_told_nobody() {
    const KEY: &str = "s3cret-of-the-path";
    let mut world = World::new();
    for (name, kind) in [("http", "streamable-http"), ("sse", "sse")] {
        world.backend(name, "type", kind);
        world.backend(name, "url", format!("http://127.0.0.1:9/{KEY}/mcp?key={KEY}"));
    }
    let running = world.start();
    for name in ["http", "sse"] {
        running.says(&format!("backend={name} error=cannot reach http://127.0.0.1:9: "));
    }
    for path in ["backends", "events?limit=1000", "batch"] {
        let (status, told) = manage(&running, "GET", path);
        assert_eq!(status, 200, "{told}");
        let told = told.to_string();
        assert!(told.contains("cannot reach http://127.0.0.1:9: "), "{told}");
        assert!(!told.contains(KEY), "{told}");
    }
    assert!(!running.said().contains(KEY), "{}", running.said());
    running.stop();
}

#[tokio::test]
async fn a_call_that_dies_says_so_and_the_next_one_works() {
    for http in [false, true] {
        let mut world = World::new();
        if http {
            world.http("frail", &["dies-mid-call"]);
        } else {
            world.stdio("frail", &["dies-mid-call"]);
        }
        let running = world.start();
        for client in [running.plain().await, running.askable().await] {
            let params = r#"{"name":"die","arguments":{},"_meta":{"progressToken":1}}"#;
            let messages = client.open("tools/call", params).await.all().await;
            let error = part(messages.last().unwrap(), "error").unwrap();
            if http {
                assert!(message(&error).starts_with("backend `frail`"), "{error}");
                break;
            }
            assert_eq!(messages.len(), 2, "the progress before the end counts: {messages:?}");
            insta::allow_duplicates! {
                assert_snapshot!(error, @r#"{"code":-32010,"message":"backend `frail`: the process ended (exit status 3); last line on stderr: out of ideas"}"#);
            }
            let began = Instant::now();
            client.result("tools/call", &tool("hello", "{}")).await;
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "a new process serves at once"
            );
        }
        running.stop();
    }
}

#[tokio::test]
async fn a_backend_that_died_is_listed_again_soon() {
    let mut world = World::new();
    let journal = world.stdio("frail", &["sane"]);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/list", "{}").await;
    let process = journal.all("start")[0].pid;
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(process.cast_signed()),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    running.says("backend is away backend=frail");
    let again = until(Duration::from_secs(20), || journal.all("start").len() == 2).await;
    assert!(again, "it is not started again");
    let listed = loop {
        let listed = names(&client.result("tools/list", "{}").await, "tools");
        if !listed.is_empty() || is_gone(running.pid()) {
            break listed;
        }
    };
    assert_eq!(listed, ["hello"]);
    running.stop();
}

#[tokio::test]
async fn stdout_that_closes_ends_the_call_and_the_process() {
    let mut world = World::new();
    let journal = world.stdio("mute", &["closes-stdout-but-lives"]);
    let running = world.start();
    let client = running.plain().await;
    let error = client.error("tools/call", &tool("close", "{}")).await;
    assert_snapshot!(error, @r#"{"code":-32010,"message":"backend `mute`: the process closed its stdout"}"#);
    let process = journal.message("tools/call").await.unwrap().pid;
    client.result("tools/call", &tool("hello", "{}")).await;
    assert!(
        until(Duration::from_secs(8), || is_gone(process)).await,
        "the process is left behind"
    );
    running.stop();
}

#[tokio::test]
async fn junk_on_stdout_is_logged_and_not_fatal() {
    let mut world = World::new();
    let journal = world.stdio("junk", &["junk-on-stdout"]);
    let running = world.start();
    let client = running.plain().await;
    for _ in 0..3 {
        client.result("tools/call", &tool("junk", "{}")).await;
    }
    let said = running.says("line=starting up...");
    let line = said.lines().find(|line| line.contains("starting up...")).unwrap();
    assert!(
        line.contains("WARN") && line.contains("the backend writes junk backend=junk"),
        "{line}"
    );
    // One process for the catalogue, one for calls: none was started again.
    assert_eq!(journal.all("start").len(), 2);
    running.stop();
}

#[tokio::test]
async fn an_error_without_an_id_ends_the_only_call() {
    let mut world = World::new();
    world.stdio("odd", &["answers-with-null-id"]);
    let running = world.start();
    let error = running.plain().await.error("tools/call", &tool("nobody", "{}")).await;
    assert_snapshot!(error, @r#"{"code":-32600,"message":"cannot read that"}"#);
    running.stop();
}

#[tokio::test]
async fn batches_of_backends_are_read() {
    let mut world = World::new();
    world.stdio("odd", &["batch-answers"]);
    let running = world.start();
    let messages = running
        .plain()
        .await
        .open("tools/call", &tool("batch", "{}"))
        .await
        .all()
        .await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(part(&messages[0], "params").unwrap(), r#"{"level":"info","data":1.0}"#);
    assert_eq!(part(&messages[1], "result").unwrap(), r#"{"content":[]}"#);
    running.stop();
}

#[tokio::test]
async fn huge_results_arrive_whole() {
    for http in [false, true] {
        let mut world = World::new();
        if http {
            world.http("huge", &["huge-result"]);
        } else {
            world.stdio("huge", &["huge-result"]);
        }
        let running = world.start();
        let client = running.plain().await;
        for (name, size) in [("big", 1 << 20), ("bigger", 20 << 20)] {
            let result = client.result("tools/call", &tool(name, "{}")).await;
            assert!(result.len() > size && result.ends_with(r#"x"}]}"#), "{}", result.len());
        }
        running.stop();
    }
}

#[tokio::test]
async fn a_line_without_end_is_skipped() {
    let mut world = World::new();
    world.stdio("flood", &["huge-line-without-end"]);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("flood", "{}")).await;
    running.says("was skipped");
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

/// Whether a process is of the stateless generation is asked on another process than the one that works.
#[tokio::test]
async fn a_server_that_hangs_when_it_is_asked_something_new_still_serves_new_clients() {
    let mut world = World::new();
    let journal = world.stdio("deaf", &["hangs-on-unknown-method"]);
    let running = world.start();
    let began = Instant::now();
    let client = running.modern();
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    client.result("tools/call", &tool("hello", "{}")).await;
    // A modern client waits 3 s at most to learn whether it is modern.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let asked = journal.message("server/discover").await.unwrap().pid;
    let worked = journal.message("tools/call").await.unwrap().pid;
    assert_ne!(asked, worked);
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn an_answer_that_is_no_answer_ends_its_call() {
    let mut world = World::new();
    let script = world.script(
        "odd",
        r#"{"tools/call both": [{"line": "{\"jsonrpc\":\"2.0\",\"id\":\"@id\",\"result\":{},\"error\":{}}"}],
            "tools/call twice": [{"line": "{\"jsonrpc\":\"2.0\",\"id\":\"@id\",\"result\":{},\"result\":{}}"}],
            "tools/call old": [{"line": "{\"id\":\"@id\",\"result\":{}}"}]}"#,
    );
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let client = running.plain().await;
    for name in ["both", "twice", "old"] {
        let error = message(&client.error("tools/call", &tool(name, "{}")).await);
        assert!(error.starts_with("backend `odd`"), "{name}: {error}");
    }
    running.stop();
}

#[tokio::test]
async fn an_answer_that_is_no_json_ends_its_call_at_once() {
    let mut world = World::new();
    let script = r#"{"tools/call nan": [{"line": "{\"jsonrpc\":\"2.0\",\"id\":\"@id\",\"result\":{\"x\":NaN}}"}]}"#;
    let script = world.script("odd", script);
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let error = message(&running.plain().await.error("tools/call", &tool("nan", "{}")).await);
    assert!(error.starts_with("backend `odd`: its answer is not JSON"), "{error}");
    running.stop();
}
