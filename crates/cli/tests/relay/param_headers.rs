//! Arguments that tools want mirrored in headers: compared for backends that know no headers, made for clients that send
//! none.

use argus_testkit::{Entry, Journal, SseClient, StdioClient, part};
use http::HeaderMap;

use crate::world::{Running, World, names, tool};

/// A tool that wants an argument mirrored, and a tool of which nobody can say how.
const SCRIPT: &str = concat!(
    r#"{"tools/list": [{"result": {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": ["#,
    r#"{"name": "t", "inputSchema": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}}, "#,
    r#"{"name": "w", "inputSchema": {"type": "object", "properties": {"x": {"type": "string", "x-mcp-header": "a b"}}}}]}}],"#,
    r#""tools/call t": [{"result": {"resultType": "complete", "said": "@arguments"}}],"#,
    r#""tools/call w": [{"result": {"resultType": "complete", "said": "@arguments"}}]}"#,
);
const ARGUMENTS: &str = r#"{"region":"eu \u00e4"}"#;
const CODED: &str = "=?base64?ZXUgw6Q=?=";

fn backend(add: impl FnOnce(&mut World, &[&str]) -> Journal, era: &str) -> (Running, Journal) {
    let mut world = World::new();
    let script = world.script("odd", SCRIPT);
    let journal = add(&mut world, &["verbatim", "--script", &script, "--era", era]);
    (world.start(), journal)
}

fn calls(journal: &Journal) -> Vec<Entry> {
    let is_call = |entry: &Entry| entry.method().as_deref() == Some("tools/call");
    journal.all("message").into_iter().filter(is_call).collect()
}

#[tokio::test]
async fn headers_are_compared_whatever_the_backend() {
    let backends = [
        backend(|world, odd| world.stdio("odd", odd), "legacy"),
        backend(|world, odd| world.stdio("odd", odd), "modern"),
        backend(|world, odd| world.sse("odd", odd), "legacy"),
        backend(|world, odd| world.http("odd", odd), "modern"),
    ];
    for (running, journal) in backends {
        let client = running.modern();
        assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["t", "w"]);
        for (given, status) in [
            (Some(CODED), 200),
            (Some("eu"), 400),
            (Some("=?base64?ZXU?="), 400),
            (None, 400),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(given) = given {
                headers.insert("mcp-param-region", given.parse().unwrap());
            }
            let answered = client.open_with("tools/call", &tool("t", ARGUMENTS), headers).await;
            assert_eq!(answered.status, status, "{given:?}");
            let answer = answered.answer().await;
            let wanted = if status == 200 {
                r#""said": {"region":"eu \u00e4"}"#
            } else {
                r#""code":-32020"#
            };
            assert!(answer.contains(wanted), "{answer}");
        }
        assert_eq!(client.open("tools/call", &tool("w", r#"{"x":"1"}"#)).await.status, 200);
        assert_eq!(calls(&journal).len(), 2);
        let said = running.says("BadHeaderMarks");
        let told: Vec<&str> = said.lines().filter(|line| line.contains("BadHeaderMarks")).collect();
        assert_eq!(told.len(), 1, "{said}");
        assert!(
            told[0].contains("WARN") && told[0].contains("`w` (`x`: "),
            "{}",
            told[0]
        );
        running.stop();
    }
}

/// Calls the tool over stdio as a client of both generations does.
async fn call_twice(client: &mut StdioClient) {
    client.ask_modern("1", "tools/call", &tool("t", ARGUMENTS)).await;
    let modern = client.answer("1").await;
    assert!(modern.contains(r#""said": {"region":"eu \u00e4"}"#), "{modern}");
    client.initialize("2025-06-18", "{}").await;
    client.result("2", "tools/call", &tool("t", ARGUMENTS)).await;
}

#[tokio::test]
async fn headers_are_made_for_clients_that_send_none() {
    let (running, journal) = backend(|world, odd| world.http("odd", odd), "modern");
    running.plain().await.result("tools/call", &tool("t", ARGUMENTS)).await;
    running
        .askable()
        .await
        .result("tools/call", &tool("t", ARGUMENTS))
        .await;
    let mut sse: SseClient = running.sse().await;
    sse.ask("9", "tools/call", &tool("t", ARGUMENTS)).await;
    let answer = sse.next().await.unwrap();
    assert!(answer.contains(r#""said""#), "{answer}");
    call_twice(&mut running.stdio("/mcp")).await;
    call_twice(&mut running.stdio("/sse")).await;
    let calls = calls(&journal);
    assert_eq!(calls.len(), 7);
    for call in calls {
        assert_eq!(call.headers["mcp-param-region"], CODED, "{call:?}");
        assert_eq!(call.headers["mcp-name"], "t");
        assert_eq!(part(&call.params().unwrap(), "arguments").unwrap(), ARGUMENTS);
    }
    running.stop();
}

#[tokio::test]
async fn headers_are_made_by_a_gateway_of_a_clients_own() {
    let mut world = World::new();
    let script = world.script("odd", SCRIPT);
    let journal = world.http("odd", &["verbatim", "--script", &script, "--era", "modern"]);
    let mut client = world.start_own();
    call_twice(&mut client).await;
    let calls = calls(&journal);
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!(call.headers["mcp-param-region"], CODED, "{call:?}");
    }
}
