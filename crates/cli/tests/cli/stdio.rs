//! `argus-mcp stdio` as people meet it: what it finds, what it says where, and its exit code.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::place::{Place, Said};

const LINES: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list"}
"#;

fn run(place: &Place, arguments: &[&str]) -> Said {
    let mut command = place.command(arguments);
    command
        .env("ARGUS_STATE_DIR", place.path("state"))
        .stdin(Stdio::piped());
    let output = assert_cmd::Command::from_std(command)
        .write_stdin(LINES)
        .timeout(Duration::from_secs(20))
        .output();
    Said::from(output.unwrap())
}

/// The names of the tools that the second answer lists; stdout carries nothing but the two answers.
fn tools(said: &Said) -> Vec<String> {
    let messages: Vec<Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?} is no message: {said:?}")))
        .collect();
    let ids: Vec<_> = messages.iter().map(|message| message["id"].as_u64()).collect();
    assert_eq!(ids, [Some(1), Some(2)], "{said:?}");
    let tools = messages[1]["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_demo_answers_a_pipe_and_ends() {
    let place = Place::new();
    let said = run(&place, &["stdio", "--demo"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(tools(&said).contains(&"echo".to_owned()), "{said:?}");
    assert_eq!(said.stderr, "", "it is quiet when all is well");
    assert!(!place.path("logs").exists());
}

#[test]
fn the_configuration_is_found_as_by_the_server_and_logs_stay_off_stdout() {
    let place = Place::new();
    place.write("config.yaml", "version: \"1\"\nbackends: {}\n");
    let said = run(&place, &["stdio", "-vv", "--log-dir", "logs"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(tools(&said), [""; 0]);
    assert!(said.stderr.contains("face=\"stdio\" method=\"tools/list\""), "{said:?}");
    assert!(place.path("logs").exists());
}

#[test]
fn without_a_configuration_it_says_what_to_do() {
    let said = run(&Place::new(), &["stdio"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.stderr.contains("argus-mcp config init"), "{said:?}");
}
