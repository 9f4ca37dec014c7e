//! Refusals for programs, and what cannot be written.

use std::fs::OpenOptions;
use std::process::Stdio;

use serde_json::Value;

use super::logs::stand_in;
use super::world::World;
use crate::place::Said;

#[test]
fn json_has_what_the_api_says_of_a_refusal() {
    let world = World::new();
    world.ready(&[]);
    world.answer(&["disable", "echo"]);
    for (arguments, name) in [
        (&["restart", "echo", "--json"][..], "conflict"),
        (&["backends", "nobody", "--json"], "not_found"),
        (&["call", "nothing", "--json"], "not_found"),
        (&["logs", "nobody", "--json"], "not_found"),
    ] {
        let said = world.run(arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        let body: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{said:?}"));
        assert_eq!(body["error"], name, "{said:?}");
        assert!(said.stderr.starts_with("error: "), "{said:?}");
    }
    let said = world.run(&["logs", "nobody", "-f", "--json"]);
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(1), ""),
        "each line is an item: {said:?}"
    );
}

#[test]
fn followers_print_what_the_api_says_from_the_first_item_on() {
    let world = World::new();
    let line = r#"{"number":7,"timestamp":"2026-02-23T12:00:00.5Z","pid":42,"line":"one","of_later":[1]}"#;
    let event = r#"{"id":"1","timestamp":"2026-02-23T12:00:00Z","stage":"s","message":"m","severity":"info","backend":null,"details":{},"of_later":1}"#;
    let kept = format!(r#"{{"name":"odd","lines":[{line}],"forgotten":6,"last_event_id":"r-7"}}"#);
    let events = || ("200 OK", "application/json", format!(r#"{{"events":[{event}]}}"#));
    let gone = || {
        let body = r#"{"error":"not_found","message":"it is gone","details":null}"#;
        ("404 Not Found", "application/json", body.to_owned())
    };
    let (url, asked) = stand_in(vec![
        ("200 OK", "application/json", kept),
        gone(),
        events(),
        events(),
        gone(),
    ]);
    let said = world.run(&["logs", "odd", "-f", "--json", "--url", &url]);
    assert_eq!(said.stdout, format!("{line}\n"), "{said:?}");
    let said = world.run(&["events", "-f", "--json", "--url", &url]);
    assert_eq!(said.stdout, format!("{event}\n"), "{said:?}");
    asked.join().unwrap();
}

#[test]
fn dots_are_no_names() {
    let world = World::new();
    for name in [".", ".."] {
        for command in ["backends", "logs", "reconnect", "restart", "enable", "disable"] {
            let said = world.run(&[command, name]);
            assert_eq!(said.code, Some(2), "{said:?}");
            assert!(said.stderr.contains("no name of a backend"), "{said:?}");
        }
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    world.ready(&[]);
    for arguments in [
        &["backends"][..],
        &["events", "-f"],
        &["call", "echo", "-a", "message=a"],
        &["config", "schema"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = world.place().command(arguments);
        let said = Said::from(command.stdout(full).stderr(Stdio::piped()).output().unwrap());
        assert_eq!(said.code, Some(1), "{arguments:?} {said:?}");
        assert!(
            said.stderr.contains("cannot write to standard output: No space"),
            "{arguments:?} {said:?}"
        );
    }
}
