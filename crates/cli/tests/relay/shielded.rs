//! What a backend gets to see of the machine, and what nobody gets to see of its secrets.

use std::time::Duration;

use argus_testkit::{part, until};
use serde_json::{Value, json};

use crate::world::{World, tool};

const LOOK: &str = r#"{"tools/call look": [{"result": {"env":"@env","cwd":"@cwd"}}]}"#;

#[tokio::test]
async fn a_process_sees_the_safe_base_and_what_is_configured() {
    let mut world = World::new();
    let script = world.script("odd", LOOK);
    world.stdio("odd", &["verbatim", "--script", &script]);
    std::fs::create_dir(world.file("work")).unwrap();
    let folder = std::fs::canonicalize(world.file("work")).unwrap();
    world.backend("odd", "cwd", folder.to_str().unwrap());
    world.backend("odd", "env", json!({"MINE": "${OF_THE_GATEWAY}-x", "LANG": "tlh"}));
    let running = world.start_with(|launch| {
        launch
            .env("OF_THE_GATEWAY", "expanded")
            .env("AWS_SECRET_ACCESS_KEY", "leaked")
            .env("LD_PRELOAD_X", "leaked")
            .env("LC_TIME", "C")
            .env("HTTPS_PROXY", "http://me:leaked@proxy.example")
    });
    for client in [running.plain().await, running.askable().await] {
        let result: Value = serde_json::from_str(&client.result("tools/call", &tool("look", "{}")).await).unwrap();
        assert_eq!(result["cwd"], folder.to_str().unwrap());
        let env = result["env"].as_object().unwrap();
        assert_eq!(env["MINE"], "expanded-x");
        assert_eq!(env["LANG"], "tlh");
        assert_eq!(env["LC_TIME"], "C");
        let allowed = [
            "MINE", "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LANGUAGE", "TERM", "TZ",
        ];
        let known = |name: &str| {
            allowed.contains(&name)
                || ["LC_", "XDG_"].iter().any(|start| name.starts_with(start))
                || [
                    "_proxy",
                    "_PROXY",
                    "_CERT",
                    "_CERTS",
                    "_CERT_FILE",
                    "_CERT_DIR",
                    "_CA_BUNDLE",
                ]
                .iter()
                .any(|end| name.ends_with(end))
        };
        let strange: Vec<_> = env.keys().filter(|name| !known(name)).collect();
        assert!(strange.is_empty(), "{strange:?}");
        assert!(!result.to_string().contains("leaked"), "{result}");
    }
    running.stop();
}

/// Everything that can go wrong, with the most talkative log.
#[tokio::test]
async fn secrets_are_neither_logged_nor_told() {
    let mut world = World::new();
    world.stdio("dying", &["dies-mid-call"]);
    world.stdio("gone", &["exit-at-once"]);
    world.stdio("missing", &["sane"]);
    world.backend("missing", "command", "/nowhere/to/be/found");
    for name in ["dying", "gone", "missing"] {
        world.backend(
            name,
            "env",
            json!({"API_KEY": "s3cret-of-env", "OTHER": "${A_VARIABLE}"}),
        );
    }
    let odd = ["page", "status", "away", "refused", "forgets"];
    let mut journals = Vec::new();
    for (name, arguments) in odd.iter().zip([
        &["wrong-content-type"][..],
        &["status-500"],
        &["redirects", "--away"],
        &["sane"],
        &["session-404"],
    ]) {
        journals.push(world.http(name, arguments));
        world.backend(name, "headers", json!({"X-Api-Key": "s3cret-of-header"}));
        world.backend(
            name,
            "auth",
            json!({"type": "static", "headers": {"Authorization": "Bearer s3cret-of-auth-${A_VARIABLE}"}}),
        );
    }
    world.backend("refused", "url", "http://127.0.0.1:9/mcp?key=s3cret-of-query");
    world.server("management", json!({"token": "s3cret-of-management"}));
    let running = world.start_with(|launch| launch.env("A_VARIABLE", "s3cret-of-variable").argument("-vv"));
    let client = running.askable().await;
    let mut told = String::new();
    for name in [
        "die",
        "html",
        "fail",
        "forget",
        "hello",
        "status_hello",
        "away_hello",
        "forgets_hello",
        "nothing",
    ] {
        let exchange = client.open("tools/call", &tool(name, "{}")).await;
        told.extend(exchange.all().await);
    }
    for page in ["/manage/v1/health", "/manage/v1/ready"] {
        told.push_str(&client.page(page).await);
    }
    let sent = journals[0].message("tools/call").await.unwrap().headers;
    assert_eq!(sent["x-api-key"], "s3cret-of-header", "the backend is told");
    assert_eq!(sent["authorization"], "Bearer s3cret-of-auth-s3cret-of-variable");
    assert!(told.contains("exit status 3") && told.contains("500"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
    for backend in ["gone", "missing", "away", "refused"] {
        running.says(&format!("backend is away backend={backend}"));
    }
    let said = running.said();
    assert!(said.contains("TRACE") || said.contains("DEBUG"), "the log is talkative");
    let leaks: Vec<&str> = said.lines().filter(|line| line.contains("s3cret")).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
    running.stop();
}

#[tokio::test]
async fn what_a_process_says_on_stderr_is_kept_line_by_line() {
    let mut world = World::new();
    world.stdio("loud", &["dies-mid-call"]);
    let running = world.start_with(|launch| launch.argument("-v"));
    let client = running.plain().await;
    let answer = client.call("tools/call", &tool("die", "{}")).await;
    assert!(part(&answer, "error").is_some());
    assert!(
        until(Duration::from_secs(5), || running
            .said()
            .contains("stderr: out of ideas"))
        .await
    );
    let said = running.said();
    let line = said.lines().find(|line| line.contains("stderr: out of ideas")).unwrap();
    assert!(line.contains("DEBUG") && line.contains("backend=loud"), "{line}");
    running.stop();
}
