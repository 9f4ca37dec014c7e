//! Arguments that are missing, wrong or in each other's way.

use crate::place::Place;

#[test]
fn without_a_command_the_help_is_shown_and_the_code_is_2() {
    for arguments in [&[][..], &["config"]] {
        let said = Place::new().run(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("Usage: argus-mcp"), "{said:?}");
        assert_eq!(said.stdout, "");
    }
}

#[test]
fn help_and_version_are_answers() {
    let help = Place::new().run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for command in [
        "server", "stdio", "status", "stop", "reload", "backends", "tools", "call", "read", "prompt", "events",
        "config", "example",
    ] {
        assert!(help.stdout.contains(command), "{help:?}");
    }
    assert!(!help.stdout.contains("__guard"), "{help:?}");
    let version = Place::new().run(&["--version"]);
    assert_eq!(version.stdout, concat!("argus-mcp ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_wrong_argument_is_named_and_the_code_is_2() {
    for (arguments, named) in [
        (&["server", "--prot", "1"][..], "--prot"),
        (&["server", "--port", "65536"], "65536"),
        (&["server", "--port", "x"], "invalid value 'x'"),
        (&["server", "--log-level", "loud"], "loud"),
        (&["server", "--log-format", "xml"], "xml"),
        (&["serve"], "server"),
        (&["example", "tyme"], "time"),
        (&["example"], "<NAME>"),
        (&["stdio", "--header", "A: b"], "--url"),
        (&["stdio", "--url", "127.0.0.1:9000"], "--url"),
        (&["stdio", "--url", "http://a/mcp", "--header", "A"], "write it like"),
        (
            &["stdio", "--url", "http://a/mcp", "--header", "A: ${ARGUS_TEST_NOT_SET}"],
            "ARGUS_TEST_NOT_SET",
        ),
        (&["stdio", "--config", "none.yaml"], "none.yaml"),
        (&["server", "--name", "../a"], "lowercase"),
        (&["tools", "--url", "ftp://a"], "--url"),
        (&["tools", "--token-file", "none"], "none"),
        (&["call", "echo", "-a", "message"], "NAME=VALUE"),
        (&["call", "echo", "-j", "{"], "-j is no JSON"),
        (&["call", "echo", "-j", "[]"], "object"),
        (&["events", "--since", "yesterday"], "--since"),
        (&["events", "--severity", "loud"], "loud"),
    ] {
        let said = Place::new().run(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.starts_with("error: "), "{said:?}");
        assert!(said.stderr.contains(named), "{said:?}");
    }
}

#[test]
fn arguments_that_exclude_each_other_are_refused() {
    for arguments in [
        &["server", "-v", "-q"][..],
        &["server", "--demo", "--config", "config.yaml"],
        &["stdio", "--url", "http://127.0.0.1:9000/mcp", "--config", "config.yaml"],
        &["stdio", "--url", "http://127.0.0.1:9000/mcp", "--demo"],
        &["stop", "a", "--all"],
        &["tools", "--token", "a", "--token-file", "b"],
        &["call", "echo", "-a", "a=1", "-j", "{}"],
    ] {
        let said = Place::new().run(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("cannot be used with"), "{said:?}");
    }
}

#[test]
fn the_guard_is_reached_before_the_arguments_are_read() {
    let said = Place::new().run(&["__guard", "--help"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("internal"), "{said:?}");
}
