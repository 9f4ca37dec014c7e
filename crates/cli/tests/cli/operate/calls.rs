//! Lists, calls, reads and prompts, as people see them.

use std::process::Stdio;

use serde_json::Value;

use super::world::{World, page};
use crate::place::Said;

#[test]
fn lists_are_tables_and_json_is_what_the_api_answers() {
    let world = World::new();
    let (_, url) = world.ready(&[]);
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    insta::assert_snapshot!(world.answer(&["tools", "--search", "note"]), @r"
    NAME        BACKEND  DESCRIPTION
    write_note  echo     Writes the note note://{id}; subscribers of the resource are told.
    ");
    assert_eq!(
        world.answer(&["tools", "--backend", "echo", "--json"]),
        page(port, "/manage/v1/capabilities?type=tools&backend=echo").unwrap() + "\n"
    );
    assert!(
        world
            .answer(&["tools", "--search", "no such thing"])
            .starts_with("no such tool")
    );
    assert!(
        world
            .answer(&["tools", "--backend", "nobody"])
            .starts_with("no such tool")
    );

    let table = world.answer(&["backends"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        [
            "NAME", "TYPE", "GROUP", "PHASE", "TOOLS", "RES", "PROMPTS", "LATENCY", "ERROR"
        ]
    );
    assert_eq!(lines[1][..5], ["echo", "stdio", "default", "Ready", "12"]);
    let one = world.answer(&["backends", "echo"]);
    assert!(one.contains("\nPhase") && one.contains("12 tools"), "{one}");
    let json: Value = serde_json::from_str(&world.answer(&["backends", "echo", "--json"])).unwrap();
    assert_eq!((&json["name"], &json["phase"]), (&"echo".into(), &"Ready".into()));
    let unknown = world.run(&["backends", "nobody"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("no backend is called `nobody`"), "{unknown:?}");
}

#[test]
fn what_a_tool_says_is_printed() {
    let world = World::new();
    world.ready(&[]);
    assert_eq!(
        world.answer(&["call", "echo", "-a", "message=a=b \"c\""]),
        "a=b \"c\"\n"
    );
    // A text stays one where the schema wants one.
    assert_eq!(world.answer(&["call", "echo", "-a", "message=5"]), "5\n");
    let sum = world.answer(&["call", "add", "-a", "a=1.5", "-a", "b=2"]);
    assert!(sum.contains("3.5"), "{sum}");
    assert_eq!(world.answer(&["call", "add", "-j", r#"{"a": 1.5, "b": 2}"#]), sum);
    insta::assert_snapshot!(world.answer(&["call", "sample_content"]));
    let json = world.answer(&["call", "add", "-a", "a=1", "-a", "b=2", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["tool"], &json["isError"]), (&"add".into(), &false.into()));
    assert!(json["structuredContent"].is_object(), "{json}");

    let mut command = world.place().command(&["call", "echo", "-j", "-"]);
    let piped = assert_cmd::Command::from_std({
        command.stdin(Stdio::piped());
        command
    })
    .write_stdin("{\"message\": \"from a pipe\"}\n")
    .output()
    .unwrap();
    assert_eq!(Said::from(piped).stdout, "from a pipe\n");
    world.place().write("arguments.json", r#"{"message": "from a file"}"#);
    assert_eq!(
        world.answer(&["call", "echo", "-j", "@arguments.json"]),
        "from a file\n"
    );
}

#[test]
fn failures_go_to_stderr_and_the_code_is_1() {
    let world = World::new();
    world.ready(&[]);
    let failed = world.run(&["call", "fail"]);
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""), "{failed:?}");
    assert!(
        !failed.stderr.is_empty() && !failed.stderr.contains("does not say why"),
        "{failed:?}"
    );
    let json = world.run(&["call", "fail", "--json"]);
    assert_eq!((json.code, json.stderr.as_str()), (Some(1), ""), "{json:?}");
    assert!(json.stdout.contains(r#""isError":true"#), "{json:?}");
    for (arguments, said) in [
        (&["call", "nothing", "-a", "a=1"][..], "no tool is called `nothing`"),
        (&["read", "no:thing"], "no resource is called `no:thing`"),
        (&["prompt", "nothing"], "no prompt is called `nothing`"),
    ] {
        let failed = world.run(arguments);
        assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""), "{failed:?}");
        assert!(
            failed.stderr.starts_with("error: ") && failed.stderr.contains(said),
            "{failed:?}"
        );
    }
}

#[test]
fn resources_and_prompts_are_printed() {
    let world = World::new();
    let (_, url) = world.ready(&[]);
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let offered: Value = serde_json::from_str(&page(port, "/manage/v1/capabilities").unwrap()).unwrap();
    let mut all = String::new();
    for resource in offered["resources"].as_array().unwrap() {
        let uri = resource["uri"].as_str().unwrap();
        all.push_str(&format!("== {uri}\n{}", world.answer(&["read", uri])));
        let json: Value = serde_json::from_str(&world.answer(&["read", uri, "--json"])).unwrap();
        assert_eq!(json["uri"], uri);
    }
    for prompt in offered["prompts"].as_array().unwrap() {
        let name = prompt["name"].as_str().unwrap();
        let mut arguments = vec!["prompt".to_owned(), name.to_owned()];
        for argument in prompt["arguments"].as_array().unwrap() {
            arguments.extend(["-a".to_owned(), format!("{}=blue", argument["name"].as_str().unwrap())]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let said = world.run(&arguments);
        all.push_str(&format!(
            "== {arguments:?} {:?}\n{}{}",
            said.code, said.stdout, said.stderr
        ));
    }
    insta::assert_snapshot!(all);
}
